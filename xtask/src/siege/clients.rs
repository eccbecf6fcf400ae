//! Clients: one that scrapes and must be answered, slow ones, and idle ones.

use std::fmt;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::target::{Target, get, sum};

/// How often is scraped.
const SCRAPE_EVERY: Duration = Duration::from_millis(200);
/// Connections that are opened and say nothing.
const IDLE: usize = 400;
/// Connections that send a head one byte at a time.
const SLOW: usize = 40;

/// What came of the scrapes.
#[derive(Default)]
pub struct Scrapes {
    took: Vec<Duration>,
    failed: Vec<String>,
    fell: Vec<String>,
}

impl Scrapes {
    /// Scrapes until the siege is over.
    pub fn take(target: &Target, over: &AtomicBool) -> io::Result<Self> {
        let (mut scrapes, mut last) = (Self::default(), 0);
        while !over.load(Ordering::Relaxed) {
            let began = Instant::now();
            match get(target.port, "/metrics") {
                Ok(metrics) => {
                    let counted = sum(&metrics, "cdr_calls_total", "");
                    if counted < last {
                        scrapes.fell.push(format!("{last} to {counted}"));
                    }
                    last = counted;
                    scrapes.took.push(began.elapsed());
                }
                Err(error) => scrapes.failed.push(error.to_string()),
            }
            sleep(SCRAPE_EVERY.saturating_sub(began.elapsed()));
        }
        scrapes.took.sort();
        Ok(scrapes)
    }

    /// What was not as it should be, if anything.
    pub fn fault(&self) -> Option<String> {
        let is_well = self.failed.is_empty() && self.fell.is_empty() && !self.took.is_empty();
        (!is_well).then(|| format!("scrapes failed: {:?}; counters fell: {:?}", self.failed, self.fell))
    }
}

impl fmt::Display for Scrapes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |part: usize| {
            let place = (self.took.len() * part / 100).min(self.took.len().saturating_sub(1));
            self.took.get(place).map_or(0.0, |took| took.as_secs_f64() * 1000.0)
        };
        write!(
            f,
            "Scrapes: {} answered, {} not; half within {:.0} ms, 99 % within {:.0} ms, the slowest {:.0} ms.",
            self.took.len(),
            self.failed.len(),
            at(50),
            at(99),
            at(100)
        )
    }
}

/// Idle and slow connections, opened anew where they are ended.
pub fn hang_on(target: &Target, over: &AtomicBool) -> io::Result<()> {
    let connect = || TcpStream::connect(("127.0.0.1", target.port)).ok();
    let mut idle: Vec<TcpStream> = Vec::new();
    let mut slow: Vec<TcpStream> = Vec::new();
    while !over.load(Ordering::Relaxed) {
        idle.extend((idle.len()..IDLE).take(50).filter_map(|_| connect()));
        slow.extend((slow.len()..SLOW).take(10).filter_map(|_| connect()));
        slow.retain_mut(|stream| stream.write_all(b"G").is_ok());
        // The oldest give way to others, as a crowd that comes and goes.
        if idle.len() >= IDLE {
            idle.drain(..10);
        }
        sleep(Duration::from_millis(250));
    }
    Ok(())
}
