//! Stands in for Entra and Graph: tokens for those who prove who they are, pages of calls for those who have a token.
//!
//! Each answer can be spoilt on its way by a rule that a test gives. What it counts is what a test asks it.

pub mod entra;
pub mod graph;
pub mod rows;
pub mod server;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use self::server::{Answer, Request, Server};

/// How an answer is spoilt.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// This status, with `Retry-After` and a body of Graph's form.
    Status(u16, Option<&'static str>),
    /// The connection closes in the middle of the body.
    Cut,
    /// Nothing comes for so long, then the connection closes.
    Silent(Duration),
    /// A page for people.
    Html,
    /// What is no JSON.
    Garbage,
    /// JSON of another kind.
    Strange,
    /// The first of these texts in the body is these bytes.
    Odd(&'static str, &'static [u8]),
    /// The next page is at this address.
    Next(String),
    /// This status, to this address.
    Redirect(u16, String),
    /// A byte now and then: of all of the answer, or of the body only.
    Trickle(Part),
    /// Very much JSON in very little gzip.
    Bomb,
    /// A token that lasts so many seconds, whatever that is.
    Lasts(i64),
    /// This token.
    Token(&'static str),
}

/// What of an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part {
    All,
    Body,
}

/// Given the request and how many came before it to the same host of Microsoft, whether its answer is spoilt.
pub type Rule = Box<dyn FnMut(&Request, u32) -> Option<Fault> + Send>;

/// What the stand-in knows, wants and has seen.
pub struct World {
    pub entra: entra::Entra,
    /// By the day that a call began on.
    pub rows: Vec<rows::Stored>,
    pub page: usize,
    /// So many rows of a page come again on the next.
    pub overlap: usize,
    /// Whether the application may read call records.
    pub permitted: bool,
    /// Requests for calls in any minute; more are answered with 429.
    pub limit: usize,
    pub rule: Option<Rule>,
    /// When calls were asked for.
    pub asked: Vec<Instant>,
    /// How often more than the limit was asked for.
    pub throttled: usize,
    /// How far its clock is ahead, in seconds.
    pub clock: i64,
    /// Every path that was asked for.
    pub paths: Vec<String>,
    tokens: HashMap<String, Instant>,
}

/// The running stand-in.
pub struct StandIn {
    pub address: SocketAddr,
    /// Plain HTTP on loopback, as managed identities are asked.
    pub plain: SocketAddr,
    world: Arc<Mutex<World>>,
    pub folder: TempDir,
}

impl StandIn {
    /// With these rows.
    pub fn start(rows: Vec<rows::Stored>) -> Self {
        let folder = TempDir::new().unwrap();
        let world = World {
            entra: entra::Entra::new(),
            rows,
            page: 1000,
            overlap: 0,
            permitted: true,
            limit: usize::MAX,
            rule: None,
            asked: Vec::new(),
            throttled: 0,
            clock: 0,
            paths: Vec::new(),
            tokens: HashMap::new(),
        };
        let world = Arc::new(Mutex::new(world));
        let handler = {
            let world = Arc::clone(&world);
            Arc::new(move |request: &Request| lock(&world).answer(request))
        };
        let server = Server::start(folder.path(), handler);
        lock(&world).entra.url = format!("https://localhost:{}", server.address.port());
        Self { address: server.address, plain: server.plain, world, folder }
    }

    /// Where it is, for both hosts of Microsoft.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// What it knows; held only for the statement that asks.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// Spoils answers from now on.
    pub fn spoil(&self, rule: impl FnMut(&Request, u32) -> Option<Fault> + Send + 'static) {
        self.world().rule = Some(Box::new(rule));
    }

    /// Spoils the first answers for calls.
    pub fn spoil_first(&self, count: u32, fault: Fault) {
        let mut left = count;
        self.spoil(move |request, _| {
            let is_spoilt = request.is_for_calls() && left > 0;
            left -= u32::from(is_spoilt);
            is_spoilt.then(|| fault.clone())
        });
    }

    /// How often calls were asked for.
    pub fn requests(&self) -> usize {
        self.world().asked.len()
    }

    /// A file beside its certificates.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        set_mode(&path, 0o600);
        path
    }
}

pub fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A test that has failed elsewhere is told there.
fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl World {
    fn answer(&mut self, request: &Request) -> Answer {
        self.paths.push(request.path.clone());
        let before = u32::try_from(self.paths.len()).unwrap() - 1;
        let fault = self.rule.as_mut().and_then(|rule| rule(request, before));
        if request.is_for_calls() {
            self.asked.push(Instant::now());
        }
        let wanted = if request.is_for_calls() || request.body.is_empty() { "GET" } else { "POST" };
        assert_eq!(request.method, wanted, "{}", request.path);
        let mut answer = match &fault {
            Some(Fault::Status(..) | Fault::Html | Fault::Garbage | Fault::Strange | Fault::Redirect(..)) => {
                Answer::ok(Value::Null)
            }
            _ if request.is_for_calls() => self.calls(request),
            _ => self.token(request),
        };
        answer.clock = self.clock;
        if let Some(fault) = fault {
            answer.spoil(fault);
        }
        answer
    }

    /// A token that ends after so long.
    fn grant(&mut self, lasts: Duration) -> String {
        let token = format!("token-{:032x}", fastrand::u128(..));
        self.tokens.insert(token.clone(), Instant::now() + lasts);
        token
    }

    /// The tokens that were given out.
    pub fn granted(&self) -> Vec<String> {
        self.tokens.keys().cloned().collect()
    }

    fn takes(&self, token: &str) -> bool {
        self.tokens.get(token).is_some_and(|ends| *ends > Instant::now())
    }
}
