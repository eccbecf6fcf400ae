//! How many answers of a kind may be under way at once, each until its last byte is sent. Where all places are taken,
//! whoever lingers in one, or has many of them, has to leave it to the next.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::connections::Connection;

/// An answer that takes longer to send than this gives way: a scraper that reads is done long before.
const LINGERS_AFTER: Duration = Duration::from_secs(1);

/// So many places, or any number.
#[derive(Debug, Clone)]
pub struct Places {
    at_once: Option<usize>,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    /// By whom, and since when the client is being sent its answer.
    by: HashMap<u64, (Arc<Connection>, Option<Instant>)>,
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub struct Place {
    taken: Arc<Mutex<Taken>>,
    id: u64,
}

impl Places {
    /// 0 stands for any number.
    pub fn new(at_once: usize) -> Self {
        Self { at_once: Some(at_once).filter(|at_once| *at_once > 0), taken: Arc::default() }
    }

    /// How many there may be at once; 0 for any number.
    pub fn limit(&self) -> usize {
        self.at_once.unwrap_or_default()
    }

    /// A place, unless all are taken by answers that go well of peers that have no more than this one.
    pub fn take(&self, connection: &Arc<Connection>) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if self.at_once.is_some_and(|at_once| taken.by.len() >= at_once) {
            let gives_way = taken.gives_way(Instant::now(), connection.peer)?;
            taken.by.remove(&gives_way)?.0.end();
        }
        taken.next += 1;
        let id = taken.next;
        taken.by.insert(id, (Arc::clone(connection), None));
        Some(Place { taken: Arc::clone(&self.taken), id })
    }
}

impl Taken {
    /// Of the peer that has the most places, the one that was taken first: if that was long ago, or if the newcomer will
    /// have fewer even so. Who asks again and again without reading keeps nobody else out.
    fn gives_way(&self, now: Instant, newcomer: Option<IpAddr>) -> Option<u64> {
        let mut of_peer: HashMap<Option<IpAddr>, usize> = HashMap::new();
        for (connection, _) in self.by.values() {
            *of_peer.entry(connection.peer).or_default() += 1;
        }
        let count = |peer| of_peer.get(&peer).copied().unwrap_or_default();
        let sent =
            self.by.iter().filter_map(|(id, (connection, since))| Some((*id, connection.peer, (*since)?)));
        let giving = sent.filter(|(_, peer, since)| {
            now.duration_since(*since) > LINGERS_AFTER || count(*peer) > count(newcomer) + 1
        });
        giving.map(|(id, peer, since)| ((count(peer), Reverse(since)), id)).max().map(|(_, id)| id)
    }
}

impl Place {
    /// The answer is there; from now on it is up to the client.
    pub fn sends(self) -> Self {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, since)) = taken.by.get_mut(&self.id) {
            *since = Some(Instant::now());
        }
        drop(taken);
        self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).by.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::super::connections::{Connections, Limits};
    use super::*;

    fn connection(last: u8) -> Arc<Connection> {
        let connections = Connections::new(Limits::default());
        Arc::clone(&connections.open(Some(IpAddr::from([127, 0, 0, last]))).unwrap().connection)
    }

    #[test]
    fn a_place_is_free_again_when_it_is_dropped() {
        let places = Places::new(1);
        let place = places.take(&connection(1)).unwrap();
        assert!(places.take(&connection(2)).is_none());
        drop(place);
        assert!(places.take(&connection(2)).is_some());
        let without_limit = Places::new(0);
        let all: Vec<_> = (0..100).map(|_| without_limit.take(&connection(1)).unwrap()).collect();
        assert_eq!(all.len(), 100);
    }

    #[test]
    fn who_lingers_gives_way_and_first_the_greediest() {
        let places = Places::new(3);
        let [alone, greedy] = [connection(1), connection(2)];
        let _taken = [&alone, &greedy, &greedy].map(|connection| places.take(connection).unwrap().sends());
        let taken = places.taken.lock().unwrap();
        let peer = |connection: &Arc<Connection>| connection.peer;
        assert_eq!(taken.gives_way(Instant::now(), peer(&greedy)), None);
        assert_eq!(taken.gives_way(Instant::now(), peer(&alone)), None);
        assert_eq!(taken.gives_way(Instant::now(), peer(&connection(3))), Some(2), "which has none yet");
        assert_eq!(taken.gives_way(Instant::now() + LINGERS_AFTER * 2, peer(&greedy)), Some(2));
    }

    #[tokio::test]
    async fn who_gives_way_is_ended() {
        let places = Places::new(1);
        let slow = connection(1);
        let _place = places.take(&slow).unwrap();
        assert!(
            places.taken.lock().unwrap().gives_way(Instant::now() + LINGERS_AFTER * 2, None).is_none(),
            "not sent yet"
        );
        let long_ago = Instant::now().checked_sub(LINGERS_AFTER * 2).unwrap();
        places.taken.lock().unwrap().by.get_mut(&1).unwrap().1 = Some(long_ago);
        assert!(places.take(&connection(2)).is_some());
        slow.ended().await;
    }
}
