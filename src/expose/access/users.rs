//! Names and passwords. bcrypt is slow by design: it runs on another thread, once at a time, and once for each password
//! that is right; a name that nobody has takes as long as one that somebody has.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use hyper::header::HeaderValue;
use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use serde_saphyr::Spanned;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::check::{Checked, at};

/// Above this, one check takes seconds.
const SLOW_COST: u32 = 14;
/// Passwords of one peer that may wait to be checked: more are guesses.
const WAITING_OF_PEER: usize = 2;
/// Right passwords that are remembered; each is a user's or was one's.
const REMEMBERED: usize = 256;

/// Each user's bcrypt hash.
#[derive(Debug, Clone, Default)]
pub struct Users {
    hashes: Arc<BTreeMap<String, String>>,
    /// The greatest cost among them.
    cost: u32,
}

/// What comes of a request's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Known,
    Unknown,
    /// It was not looked at.
    TooMany,
}

/// Which passwords were right, and who waits to have one checked.
#[derive(Debug)]
pub struct Passwords {
    right: Arc<Mutex<Vec<[u8; SHA256_OUTPUT_LEN]>>>,
    /// So that what is remembered means nothing elsewhere.
    salt: [u8; 16],
    checking: Arc<Semaphore>,
    waiting: Arc<Mutex<HashMap<Option<IpAddr>, usize>>>,
}

impl Users {
    /// Checks the users as they are written.
    pub fn checked(written: &BTreeMap<String, Spanned<String>>, warnings: &mut Vec<String>) -> Checked<Self> {
        let mut greatest = 0;
        for (name, hash) in written {
            let parts = HashParts::from_str(&hash.value).map_err(|_| {
                let advice = "such as `htpasswd -nBC 10 NAME` prints";
                at(hash, format!("the password of `{name}` is no bcrypt hash, {advice}"))
            })?;
            if name.contains(':') {
                warnings.push(format!("the user `{name}` cannot sign in: a name ends at its first colon"));
            }
            if parts.get_cost() > SLOW_COST {
                let cost = parts.get_cost();
                warnings.push(format!(
                    "the password of `{name}` takes seconds to check (cost {cost}); 10 will do"
                ));
            }
            greatest = greatest.max(parts.get_cost());
        }
        let hashes = written.iter().map(|(name, hash)| (name.clone(), hash.value.clone())).collect();
        Ok(Self { hashes: Arc::new(hashes), cost: greatest })
    }

    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Whether the password is the user's. Takes as long for every name: as long as the slowest hash does.
    fn verify(&self, name: &str, password: &[u8]) -> bool {
        let known = self.hashes.get(name);
        let hash = known.or_else(|| self.hashes.values().next()).map_or("", |hash| hash);
        let right = bcrypt::verify(password, hash).unwrap_or(false);
        let cost = HashParts::from_str(hash).map_or(self.cost, |parts| parts.get_cost());
        // Each step of cost doubles the work: these make up for what is missing to the greatest.
        for missing in cost..self.cost {
            let _ = bcrypt::hash_with_salt(password, missing, [0; 16]);
        }
        right && known.is_some()
    }
}

impl Default for Passwords {
    fn default() -> Self {
        let mut salt = [0; 16];
        let random = ring::rand::SystemRandom::new();
        // Without randomness the salt is known, and what is remembered is still a hash.
        let _ = ring::rand::SecureRandom::fill(&random, &mut salt);
        let checking = Arc::new(Semaphore::new(1));
        Self { right: Arc::default(), salt, checking, waiting: Arc::default() }
    }
}

impl Passwords {
    /// Whether the header names a user and the user's password.
    pub async fn check(&self, users: &Users, header: Option<&HeaderValue>, peer: Option<IpAddr>) -> Verdict {
        let Some((name, password)) = header.and_then(credentials) else { return Verdict::Unknown };
        let digest = self.digest(users, &name, &password);
        if self.was_right(&digest) {
            return Verdict::Known;
        }
        let Some(waiting) = Waiting::begin(&self.waiting, peer) else { return Verdict::TooMany };
        let Ok(turn) = Arc::clone(&self.checking).acquire_owned().await else { return Verdict::TooMany };
        // Another request may have come with the same while this one waited.
        if self.was_right(&digest) {
            return Verdict::Known;
        }
        let (users, all_right) = (users.clone(), Arc::clone(&self.right));
        // Checking goes on where the client leaves, and so holds the turn itself: else whoever leaves early has many at once.
        let checked = spawn_blocking(move || {
            let is_right = users.verify(&name, &password);
            if is_right {
                let mut all_right = lock(&all_right);
                if all_right.len() >= REMEMBERED {
                    all_right.clear();
                }
                all_right.push(digest);
            }
            drop((waiting, turn));
            is_right
        });
        if matches!(checked.await, Ok(true)) { Verdict::Known } else { Verdict::Unknown }
    }

    fn was_right(&self, digest: &[u8]) -> bool {
        lock(&self.right).iter().any(|right| right == digest)
    }

    /// Of user, hash and password: a user's new hash makes the old password unknown.
    fn digest(&self, users: &Users, name: &str, password: &[u8]) -> [u8; SHA256_OUTPUT_LEN] {
        let mut context = Context::new(&SHA256);
        context.update(&self.salt);
        let hash = users.hashes.get(name).map_or("", |hash| hash);
        for part in [name.as_bytes(), hash.as_bytes(), password] {
            context.update(&part.len().to_le_bytes());
            context.update(part);
        }
        let mut digest = [0; SHA256_OUTPUT_LEN];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }
}

/// The name and password of `Basic ...`.
fn credentials(header: &HeaderValue) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let mut plain = STANDARD.decode(encoded.trim()).ok()?;
    let colon = plain.iter().position(|byte| *byte == b':')?;
    let password = plain.split_off(colon + 1);
    plain.pop();
    Some((String::from_utf8(plain).ok()?, password))
}

/// One password that waits, until this is dropped.
struct Waiting {
    waiting: Arc<Mutex<HashMap<Option<IpAddr>, usize>>>,
    peer: Option<IpAddr>,
}

impl Waiting {
    fn begin(waiting: &Arc<Mutex<HashMap<Option<IpAddr>, usize>>>, peer: Option<IpAddr>) -> Option<Self> {
        let mut of_peer = lock(waiting);
        let count = of_peer.entry(peer).or_default();
        if *count >= WAITING_OF_PEER {
            return None;
        }
        *count += 1;
        Some(Self { waiting: Arc::clone(waiting), peer })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut of_peer = lock(&self.waiting);
        if let Some(count) = of_peer.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                of_peer.remove(&self.peer);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn users(of: &[(&str, &str, u32)]) -> Users {
        let yaml: String = of
            .iter()
            .map(|(name, password, cost)| format!("{name}: '{}'\n", bcrypt::hash(password, *cost).unwrap()))
            .collect();
        Users::checked(&serde_saphyr::from_str(&yaml).unwrap(), &mut Vec::new()).unwrap()
    }

    /// A client that leaves early has had its turn all the same, and the next waits for the end of it.
    #[tokio::test]
    async fn who_leaves_holds_the_turn_until_the_password_is_checked() {
        let users = users(&[("alice", "secret", 10)]);
        let passwords = Passwords::default();
        let header = HeaderValue::from_static("Basic YWxpY2U6c2VjcmV0");
        let mut check = Box::pin(passwords.check(&users, Some(&header), None));
        assert!(timeout(Duration::ZERO, &mut check).await.is_err(), "it takes longer than that");
        drop(check);
        assert_eq!(passwords.checking.available_permits(), 0);
        let _turn = passwords.checking.acquire().await.unwrap();
        assert!(
            passwords.was_right(&passwords.digest(&users, "alice", b"secret")),
            "and is known from then on"
        );
    }

    #[test]
    fn headers_are_read() {
        for (header, expected) in [
            ("Basic YWxpY2U6c2VjcmV0", Some(("alice", "secret"))),
            ("basic YWxpY2U6c2VjcmV0", Some(("alice", "secret"))),
            ("Basic YTpiOmM=", Some(("a", "b:c"))),
            ("Basic YTo=", Some(("a", ""))),
            ("Basic Og==", Some(("", ""))),
            ("Basic YWxpY2U=", None),
            ("Basic YWxpY2U", None),
            ("Basic ====", None),
            ("Basic \u{7f}", None),
            ("Bearer YWxpY2U6c2VjcmV0", None),
            ("Basic", None),
            ("", None),
        ] {
            let read =
                HeaderValue::from_bytes(header.as_bytes()).ok().and_then(|header| credentials(&header));
            let expected = expected.map(|(name, password)| (name.to_owned(), password.as_bytes().to_vec()));
            assert_eq!(read, expected, "{header}");
        }
    }

    #[tokio::test]
    async fn who_knows_the_password_comes_in() {
        let users = users(&[("alice", "secret", 4)]);
        let passwords = Passwords::default();
        for (header, expected) in [
            (Some("Basic YWxpY2U6c2VjcmV0"), Verdict::Known),
            (Some("Basic YWxpY2U6c2VjcmV0"), Verdict::Known),
            (Some("Basic YWxpY2U6d3Jvbmc="), Verdict::Unknown),
            (Some("Basic Ym9iOnNlY3JldA=="), Verdict::Unknown),
            (None, Verdict::Unknown),
        ] {
            let header = header.map(HeaderValue::from_static);
            assert_eq!(passwords.check(&users, header.as_ref(), None).await, expected, "{header:?}");
        }
        assert_eq!(lock(&passwords.right).len(), 1);
        let other = self::users(&[("alice", "another", 4)]);
        let header = HeaderValue::from_static("Basic YWxpY2U6c2VjcmV0");
        assert_eq!(passwords.check(&other, Some(&header), None).await, Verdict::Unknown, "a new hash");
    }

    #[tokio::test]
    async fn one_peer_cannot_make_the_others_wait_for_many_guesses() {
        let (users, passwords) = (users(&[("alice", "secret", 4)]), Passwords::default());
        let turn = passwords.checking.acquire().await.unwrap();
        let guess = HeaderValue::from_static("Basic YWxpY2U6d3Jvbmc=");
        let peer = |last| Some(IpAddr::from([127, 0, 0, last]));
        let check = |last| passwords.check(&users, Some(&guess), peer(last));
        let (first, second) = (check(1), check(1));
        let third = async {
            assert_eq!(check(1).await, Verdict::TooMany);
            drop(turn);
            check(2).await
        };
        let verdicts = tokio::join!(first, second, third);
        assert_eq!(verdicts, (Verdict::Unknown, Verdict::Unknown, Verdict::Unknown));
        assert!(lock(&passwords.waiting).is_empty());
    }

    #[test]
    fn every_name_takes_as_long() {
        let users = users(&[("cheap", "a", 4), ("dear", "b", 9)]);
        // Nanoseconds that this thread had a processor: other tests run beside it.
        let spent = || {
            let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
            text.split(' ').next().unwrap().parse::<f64>().unwrap()
        };
        let takes = |name: &str| {
            let time = |_| {
                let start = spent();
                assert!(!users.verify(name, b"wrong"));
                spent() - start
            };
            (0..5).map(time).reduce(f64::min).unwrap()
        };
        let (cheap, dear, nobody) = (takes("cheap"), takes("dear"), takes("nobody"));
        for (name, took) in [("cheap", cheap), ("nobody", nobody)] {
            assert!((0.6..1.6).contains(&(took / dear)), "{name} {took}, dear {dear}");
        }
    }
}
