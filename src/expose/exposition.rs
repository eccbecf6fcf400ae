//! The body of a scrape. The snapshot's part is written once for each snapshot, format and compression, on a thread
//! of its own, and served from memory; the few metrics about the process are written anew after a moment.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use hyper::body::Bytes;
use prometheus::Registry;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::compress::Front;
use super::family::Family;
use super::negotiate::{Coding, Format};
use super::{Options, families, openmetrics, protobuf, text};
use crate::ledger::snapshot::{Published, Snapshot};

/// A text longer than this is served while the next is being written, for so long after its snapshot was current.
/// Shorter ones are written while the scrape waits.
const LONG: usize = 256 * 1024;
const STALE_FOR: Duration = Duration::from_secs(1);
/// From this age on the next is written in the background, so that steady scrapes never wait.
const RENEW_AFTER: Duration = Duration::from_millis(500);
/// A body that nobody asked to renew for so long is given up with its memory.
const UNUSED_FOR: Duration = Duration::from_secs(300);

/// Scrapes that come within so long of each other share what the process has to say: many scrapers at once then cost
/// little more than one, and few of them wait for another thread.
const END_FOR: Duration = Duration::from_millis(50);

/// Why there is no body.
pub type Failed = Arc<dyn std::error::Error + Send + Sync>;

/// What is published and gathered, in every format. Clones share what is written.
#[derive(Debug, Clone)]
pub struct Exposition(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    published: Published,
    registry: Registry,
    with_created: bool,
    without_exemplars: bool,
    without_process: bool,
    /// What was written last, by body and coding.
    written: [[ArcSwapOption<Written>; Coding::COUNT]; Body::COUNT],
    /// What ended the last answer, by body and coding.
    ends: [[ArcSwapOption<End>; Coding::COUNT]; Body::COUNT],
    /// Held while something is written: one core is enough for all scrapers.
    writing: Mutex<()>,
    /// Held while an end is written.
    ending: Mutex<()>,
}

/// The snapshot's part of a body.
#[derive(Debug)]
struct Written {
    front: Front,
    /// Whether the text is long.
    long: bool,
    /// Only for comparison: a body must not keep an old snapshot in memory.
    of: Weak<Snapshot>,
    /// When its snapshot was current for certain.
    at: Instant,
}

/// What the process had to say behind a front.
#[derive(Debug)]
struct End {
    bytes: Bytes,
    of: Weak<Written>,
    at: Instant,
}

impl End {
    fn is_of(&self, written: &Arc<Written>) -> bool {
        std::ptr::eq(self.of.as_ptr(), Arc::as_ptr(written)) && self.at.elapsed() < END_FOR
    }
}

/// What several formats have in common: those of one text differ in their names only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Text,
    OpenMetrics,
    Protobuf,
}

impl Exposition {
    pub fn new(published: Published, registry: Registry, options: &Options) -> Self {
        Self(Arc::new(Shared {
            published,
            registry,
            with_created: options.created_timestamps,
            without_exemplars: options.without_exemplars,
            without_process: options.without_process,
            written: Default::default(),
            ends: Default::default(),
            writing: Mutex::new(()),
            ending: Mutex::new(()),
        }))
    }

    /// The two parts of the body.
    ///
    /// # Errors
    /// None in practice: when the metrics cannot be written.
    pub async fn body(&self, format: Format, coding: Coding) -> Result<[Bytes; 2], Failed> {
        let body = Body::of(format);
        let written = self.written(body, coding).await?;
        let end = self.end(body, coding, &written).await?;
        Ok([Bytes::from_owner(FrontOf(written)), end])
    }

    /// What follows this front.
    async fn end(&self, body: Body, coding: Coding, written: &Arc<Written>) -> Result<Bytes, Failed> {
        let place = &self.0.ends[body as usize][coding as usize];
        let fresh = || place.load_full().filter(|end| end.is_of(written)).map(|end| end.bytes.clone());
        if let Some(end) = fresh() {
            return Ok(end);
        }
        let _one_at_a_time = self.0.ending.lock().await;
        if let Some(end) = fresh() {
            return Ok(end);
        }
        let (shared, of) = (Arc::clone(&self.0), Arc::clone(written));
        let end = spawn_blocking(move || shared.write_end(body, &of)).await.map_err(failed)??;
        let bytes = end.bytes.clone();
        place.store(Some(Arc::new(end)));
        Ok(bytes)
    }

    async fn written(&self, body: Body, coding: Coding) -> Result<Arc<Written>, Failed> {
        let asked = Instant::now();
        if let Some(written) = self.0.written[body as usize][coding as usize].load_full() {
            if self.0.is_current(&written) {
                return Ok(written);
            }
            let age = written.at.elapsed();
            if written.long && age < STALE_FOR {
                if age > RENEW_AFTER && self.0.writing.try_lock().is_ok() {
                    tokio::spawn(self.clone().write(body, coding, asked));
                }
                return Ok(written);
            }
        }
        // A task of its own: a client that leaves does not take the work of the others with it.
        tokio::spawn(self.clone().write(body, coding, asked)).await.map_err(failed)?
    }

    /// Writes it, unless that was done since it was asked for.
    async fn write(self, body: Body, coding: Coding, asked: Instant) -> Result<Arc<Written>, Failed> {
        let _one_at_a_time = self.0.writing.lock().await;
        let place = &self.0.written[body as usize][coding as usize];
        if let Some(written) =
            place.load_full().filter(|written| written.at >= asked || self.0.is_current(written))
        {
            return Ok(written);
        }
        let shared = Arc::clone(&self.0);
        let written = spawn_blocking(move || shared.write(body, coding)).await.map_err(failed)??;
        let written = Arc::new(written);
        place.store(Some(Arc::clone(&written)));
        self.0.give_up_unused();
        Ok(written)
    }
}

impl Shared {
    fn is_current(&self, written: &Written) -> bool {
        std::ptr::eq(written.of.as_ptr(), Arc::as_ptr(&self.published.current()))
    }

    fn write(&self, body: Body, coding: Coding) -> Result<Written, Failed> {
        let (snapshot, at) = (self.published.current(), Instant::now());
        let mut families = families::all_of(&snapshot);
        if self.without_exemplars {
            families.iter_mut().flat_map(|family| &mut family.series).for_each(|it| it.exemplars = &[]);
        }
        let text = self.encode(body, &families)?;
        let long = text.len() > LONG;
        let front = Front::new(text, coding).map_err(failed)?;
        Ok(Written { front, long, of: Arc::downgrade(&snapshot), at })
    }

    /// What the process has to say, and the end of the format.
    fn write_end(&self, body: Body, of: &Arc<Written>) -> Result<End, Failed> {
        let at = Instant::now();
        let mut gathered = self.registry.gather();
        gathered.retain(|family| !(self.without_process && family.name().starts_with("process_")));
        let families: Vec<_> = gathered.iter().map(Family::gathered).collect();
        let mut end = self.encode(body, &families)?;
        if body == Body::OpenMetrics {
            end.extend_from_slice(openmetrics::END.as_bytes());
        }
        let bytes = of.front.end(end).map_err(failed)?.into();
        Ok(End { bytes, of: Arc::downgrade(of), at })
    }

    fn encode(&self, body: Body, families: &[Family<'_>]) -> Result<Vec<u8>, Failed> {
        match body {
            Body::Text => Ok(text::encode(families).into_bytes()),
            Body::OpenMetrics => Ok(openmetrics::encode(families, self.with_created).into_bytes()),
            Body::Protobuf => protobuf::encode(families).map_err(failed),
        }
    }

    fn give_up_unused(&self) {
        for place in self.written.iter().flatten() {
            if place.load().as_ref().is_some_and(|it| it.at.elapsed() > UNUSED_FOR && !self.is_current(it)) {
                place.store(None);
            }
        }
    }
}

impl Body {
    const COUNT: usize = 3;

    fn of(format: Format) -> Self {
        match format {
            Format::Text004 | Format::Text100(_) => Self::Text,
            Format::OpenMetrics001 | Format::OpenMetrics100(_) => Self::OpenMetrics,
            Format::Protobuf(_) => Self::Protobuf,
        }
    }
}

/// The bytes of what was written, which stay there as long as an answer is made of them.
struct FrontOf(Arc<Written>);

impl AsRef<[u8]> for FrontOf {
    fn as_ref(&self) -> &[u8] {
        &self.0.front.bytes
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Failed {
    Arc::new(error)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tokio::task::JoinSet;

    use super::*;
    use crate::classify::Catalogue;

    fn exposition() -> (Exposition, Published) {
        let published = Published::new(Snapshot::loading(Catalogue::built_in()));
        (Exposition::new(published.clone(), Registry::new(), &Options::default()), published)
    }

    async fn front(exposition: Exposition, format: Format, coding: Coding) -> usize {
        let [front, _] = exposition.body(format, coding).await.unwrap();
        front.as_ptr() as usize
    }

    #[tokio::test]
    async fn a_snapshot_is_written_once_for_each_format_and_compression() {
        let (exposition, published) = exposition();
        let mut scrapes = JoinSet::new();
        for _ in 0..40 {
            for format in [Format::Text004, Format::OpenMetrics001] {
                for coding in [Coding::Identity, Coding::Gzip, Coding::Zstd] {
                    scrapes.spawn(front(exposition.clone(), format, coding));
                }
            }
        }
        let fronts: HashSet<usize> = scrapes.join_all().await.into_iter().collect();
        assert_eq!(fronts.len(), 6);
        let first = exposition.body(Format::Text004, Coding::Identity).await.unwrap();
        published.publish(Snapshot::clone(&published.current()));
        let second = exposition.body(Format::Text004, Coding::Identity).await.unwrap();
        assert_ne!(first[0].as_ptr(), second[0].as_ptr(), "a short one is always of the last snapshot");
    }

    #[tokio::test]
    async fn what_was_written_keeps_no_snapshot() {
        let (exposition, published) = exposition();
        let _body = exposition.body(Format::Text004, Coding::Gzip).await.unwrap();
        let before = Arc::downgrade(&published.current());
        published.publish(Snapshot::loading(Catalogue::built_in()));
        assert!(before.upgrade().is_none());
    }
}
