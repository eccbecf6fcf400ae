//! Who is connected, what each connection waits for, and which of them has to go: those that take too long, and the
//! idlest where there are too many.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// How long clients may take, and how many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// For a request's head, and for the handshake of TLS.
    pub head: Duration,
    /// Between two requests. Above a scrape interval of a minute, so that a scraper finds its connection open.
    pub idle: Duration,
    /// Without taking a byte of an answer.
    pub stalled: Duration,
    /// For a whole answer, however steadily it is taken.
    pub answer: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(90),
            stalled: Duration::from_secs(10),
            answer: Duration::from_secs(60),
        }
    }
}

/// Every open connection.
#[derive(Debug)]
pub struct Connections {
    limits: Limits,
    open: Mutex<(u64, HashMap<u64, Arc<Connection>>)>,
}

/// One connection, as the tasks see it that serve it and that end it.
#[derive(Debug)]
pub struct Connection {
    /// The client's address; a Unix socket has none.
    pub peer: Option<IpAddr>,
    state: Mutex<State>,
    end: Notify,
    is_cut_off: AtomicBool,
    asks_for_more: Notify,
}

#[derive(Debug)]
struct State {
    /// Whether it ever sent a whole head.
    has_asked: bool,
    /// Whether it speaks HTTP/2, whose pings and windows are no heads.
    is_http2: bool,
    /// When a head began that is not whole yet; the handshake of TLS counts as one.
    head: Option<Instant>,
    /// When the last answer was done.
    idle: Instant,
    /// When a byte was last written.
    progress: Instant,
    /// Requests whose answer is not yet sent, each with when it began to be.
    answers: HashMap<u64, Option<Instant>>,
    next_answer: u64,
}

impl Connections {
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, open: Mutex::default() })
    }

    /// Takes in a connection that was just accepted. Where there are too many, one of whoever has the most goes in its
    /// place, the idlest first; where nobody has more than the newcomer, there is room only if one of them is idle.
    pub fn open(self: &Arc<Self>, peer: Option<IpAddr>) -> Option<Open> {
        let (next, open) = &mut *lock(&self.open);
        if open.len() >= self.limits.connections {
            let gone = makes_room(open, peer)?;
            open.remove(&gone)?.end();
        }
        *next += 1;
        let connection = Arc::new(Connection::new(peer));
        open.insert(*next, Arc::clone(&connection));
        Some(Open { connections: Arc::clone(self), id: *next, connection })
    }

    /// Ends every connection that takes longer than it may.
    pub fn end_overdue(&self) {
        let now = Instant::now();
        for connection in lock(&self.open).1.values() {
            if connection.is_overdue(&self.limits, now) {
                connection.end();
            }
        }
    }
}

/// The id of the connection that makes room for one more of this peer: of the peer that has the most, an idle one before
/// one that is answered, one that never asked for anything first, then what has been so the longest. Whoever has less
/// than the newcomer loses nothing to it, and an answer under way is cut off only where that is still so afterwards.
fn makes_room(open: &HashMap<u64, Arc<Connection>>, newcomer: Option<IpAddr>) -> Option<u64> {
    let mut of_peer: HashMap<Option<IpAddr>, usize> = HashMap::new();
    for connection in open.values() {
        *of_peer.entry(connection.peer).or_default() += 1;
    }
    let count = |peer| of_peer.get(&peer).copied().unwrap_or_default();
    let ranked = open.iter().filter_map(|(id, connection)| {
        let state = lock(&connection.state);
        let is_idle = state.answers.is_empty();
        let spare = if is_idle { 0 } else { 2 };
        let rank = (count(connection.peer), is_idle, !state.has_asked, Reverse(state.idle));
        (count(connection.peer) >= count(newcomer) + spare).then_some((rank, *id))
    });
    ranked.max().map(|(_, id)| id)
}

/// A connection that counts as open until this is dropped.
pub struct Open {
    connections: Arc<Connections>,
    id: u64,
    pub connection: Arc<Connection>,
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.connections.open).1.remove(&self.id);
    }
}

impl Connection {
    fn new(peer: Option<IpAddr>) -> Self {
        let now = Instant::now();
        let state = State {
            has_asked: false,
            is_http2: false,
            head: Some(now),
            idle: now,
            progress: now,
            answers: HashMap::new(),
            next_answer: 0,
        };
        Self {
            peer,
            state: Mutex::new(state),
            end: Notify::new(),
            is_cut_off: AtomicBool::new(false),
            asks_for_more: Notify::new(),
        }
    }

    /// Ends it, answers under way included.
    pub fn end(&self) {
        self.is_cut_off.store(!lock(&self.state).answers.is_empty(), Ordering::Relaxed);
        self.end.notify_one();
    }

    /// Whether it was ended amid an answer: what the client has not taken by then is dropped.
    pub fn is_cut_off(&self) -> bool {
        self.is_cut_off.load(Ordering::Relaxed)
    }

    /// Done once it has to end.
    pub async fn ended(&self) {
        self.end.notified().await;
    }

    /// Something else than the health is asked for.
    pub fn ask_for_more(&self) {
        self.asks_for_more.notify_one();
    }

    /// Done once something else than the health was asked for.
    pub async fn asked_for_more(&self) {
        self.asks_for_more.notified().await;
    }

    /// Bytes came in.
    pub fn note_read(&self) {
        let mut state = lock(&self.state);
        if state.head.is_none() && state.answers.is_empty() && !state.is_http2 {
            state.head = Some(Instant::now());
        }
    }

    /// The client took bytes.
    pub fn note_written(&self) {
        lock(&self.state).progress = Instant::now();
    }

    /// From here on it speaks HTTP/2.
    pub fn speaks_http2(&self) {
        let mut state = lock(&self.state);
        (state.is_http2, state.head, state.idle) = (true, None, Instant::now());
    }

    /// A whole head came in.
    pub fn answer(self: &Arc<Self>) -> Answering {
        let mut state = lock(&self.state);
        (state.has_asked, state.head) = (true, None);
        let id = state.next_answer;
        state.next_answer += 1;
        state.answers.insert(id, None);
        Answering { connection: Arc::clone(self), id }
    }

    fn is_overdue(&self, limits: &Limits, now: Instant) -> bool {
        let state = lock(&self.state);
        let since = |instant: Instant| now.saturating_duration_since(instant);
        if let Some(oldest) = state.answers.values().flatten().min() {
            return since(*oldest) > limits.answer || since(state.progress) > limits.stalled;
        }
        match state.head {
            // What is still being worked on takes as long as it takes.
            _ if !state.answers.is_empty() => false,
            Some(began) => since(began) > limits.head,
            None => since(state.idle) > limits.idle,
        }
    }
}

/// A request that counts as under way until this is dropped.
pub struct Answering {
    pub connection: Arc<Connection>,
    id: u64,
}

impl Answering {
    /// The answer is there; from now on it is up to the client.
    pub fn sends(&self) {
        let now = Instant::now();
        let mut state = lock(&self.connection.state);
        state.answers.insert(self.id, Some(now));
        state.progress = now;
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = lock(&self.connection.state);
        state.answers.remove(&self.id);
        (state.idle, state.head) = (Instant::now(), None);
    }
}

/// What is behind a lock is whole at every moment, whoever held it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(1);

    fn limits() -> Limits {
        Limits { connections: 3, ..Limits::default() }
    }

    fn peer(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([127, 0, 0, last]))
    }

    #[test]
    fn each_wait_has_its_limit() {
        let limits = limits();
        let connection = Connections::new(limits).open(None).unwrap().connection.clone();
        let overdue_after = |wait: Duration| connection.is_overdue(&limits, Instant::now() + wait);
        let ends_at = |limit: Duration| {
            assert!(!overdue_after(limit - SOON) && overdue_after(limit + SOON), "{limit:?}");
        };
        ends_at(limits.head);
        let answering = connection.answer();
        assert!(!overdue_after(limits.answer * 100), "the daemon itself takes its time");
        answering.sends();
        ends_at(limits.stalled);
        connection.note_written();
        ends_at(limits.stalled);
        let not_written = lock(&connection.state).progress;
        lock(&connection.state).progress = not_written + limits.answer * 2;
        ends_at(limits.answer);
        drop(answering);
        ends_at(limits.idle);
        connection.note_read();
        ends_at(limits.head);
        connection.speaks_http2();
        connection.note_read();
        ends_at(limits.idle);
    }

    #[tokio::test]
    async fn the_idlest_of_the_greediest_makes_room() {
        let connections = Connections::new(limits());
        let scraper = connections.open(peer(1)).unwrap();
        drop(scraper.connection.answer());
        let greedy = connections.open(peer(2)).unwrap();
        drop(greedy.connection.answer());
        let silent = connections.open(peer(2)).unwrap();
        let newest = connections.open(peer(3)).unwrap();
        silent.connection.ended().await;
        assert_eq!(lock(&connections.open).1.len(), 3);
        let busy = [&scraper, &greedy, &newest].map(|open| open.connection.answer());
        assert!(connections.open(peer(4)).is_none(), "nobody is idle, and nobody has more than one");
        drop(busy);
        drop(newest);
        assert!(connections.open(peer(4)).is_some());
    }

    #[tokio::test]
    async fn who_has_most_of_all_cannot_keep_others_out() {
        let connections = Connections::new(limits());
        let scraper = connections.open(peer(1)).unwrap();
        drop(scraper.connection.answer());
        let greedy = [2, 2].map(|last| connections.open(peer(last)).unwrap());
        let busy = greedy.each_ref().map(|open| open.connection.answer());
        assert!(connections.open(peer(2)).is_none(), "not even in place of an idle one of who has less");
        let another = connections.open(peer(3)).unwrap();
        greedy[0].connection.ended().await;
        assert!(greedy[0].connection.is_cut_off());
        tokio::select! {
            biased;
            () = scraper.connection.ended() => panic!("it has less"),
            () = std::future::ready(()) => {}
        }
        drop((busy, another));
    }
}
