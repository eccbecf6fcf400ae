//! What a real Prometheus sees of a daemon that is killed again and again under steady writing: no counter ever falls,
//! and what it makes of them is what was written.
//!
//! `SCRAPER_KILLS` times; the seed of the pauses is `SCRAPER_SEED`.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::model::truth::{Counts, Record, Truth};
use super::tools::{Daemon, Labels, Prometheus, wait_until};

/// As many calls have every label set at least once: what is there before the first scrape.
const BEFORE: usize = 30;

/// One address before a daemon that has another after each start.
struct Front {
    address: SocketAddr,
    behind: Arc<Mutex<Option<SocketAddr>>>,
}

impl Front {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, behind) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(None)));
        let shared = Arc::clone(&behind);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let behind: Option<SocketAddr> = *shared.lock().unwrap();
                // Where the daemon is down, the client is hung up on.
                thread::spawn(move || behind.map(|behind| forward(&client, behind)));
            }
        });
        Self { address, behind }
    }

    fn set(&self, behind: Option<SocketAddr>) {
        *self.behind.lock().unwrap() = behind;
    }
}

fn forward(client: &TcpStream, behind: SocketAddr) -> io::Result<()> {
    let server = TcpStream::connect(behind)?;
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = io::copy(&mut &*client, &mut &server);
            server.shutdown(Shutdown::Write)
        });
        let copied = io::copy(&mut &server, &mut &*client);
        client.shutdown(Shutdown::Both)?;
        copied.map(drop)
    })
}

/// Writes a few calls every few milliseconds, and renames the file now and then, until it is told to stop.
fn write_on(folder: &Path, mut truth: Truth, stop: &Receiver<()>) -> Truth {
    let mut turns = 0;
    while stop.recv_timeout(Duration::from_millis(10)) == Err(RecvTimeoutError::Timeout) {
        turns += 1;
        append(folder, &mut truth, 1 + turns % 3);
        if turns % 500 == 0 {
            fs::rename(folder.join("a.json"), folder.join(format!("a.json.{turns}"))).unwrap();
        }
    }
    truth
}

fn append(folder: &Path, truth: &mut Truth, count: usize) {
    let first = truth.counted + 1;
    let records = (first..first + count).map(Record);
    let text: String = records.clone().map(Record::json).collect();
    let mut file = OpenOptions::new().append(true).create(true).open(folder.join("a.json")).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    records.for_each(|record| truth.count(record));
}

fn serve(folder: &Path, front: &Front) -> Daemon {
    let of = |name: &str| folder.join(name).display().to_string();
    let daemon = Daemon::serve([
        "--config.file".to_owned(),
        of("config.yml"),
        "--storage.path".to_owned(),
        of("store"),
    ]);
    front.set(Some(daemon.address()));
    daemon
}

fn scraped_every_second(front: &Front) -> Prometheus {
    Prometheus::start(&format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
         scrape_configs: [{{job_name: cdr, static_configs: [{{targets: ['{}']}}]}}]\n",
        front.address
    ))
}

/// Kills the daemon after this long, and starts it again.
fn kill(daemon: Daemon, after: Duration, folder: &Path, front: &Front) -> Daemon {
    let started = Instant::now();
    wait_until("it runs a while", || started.elapsed() > after);
    front.set(None);
    daemon.kill();
    serve(folder, front)
}

#[test]
fn a_scraper_sees_the_truth_through_kills() {
    let number = |name: &str, default| env::var(name).map_or(default, |text| text.parse().unwrap());
    let (kills, seed) = (number("SCRAPER_KILLS", 8), number("SCRAPER_SEED", 1));
    let mut random = fastrand::Rng::with_seed(seed);
    let (folder, cdr) = prepare();
    let mut truth = Truth::default();
    append(&cdr, &mut truth, BEFORE);
    let front = Front::new();
    let mut daemon = serve(folder.path(), &front);
    daemon.wait_for_metrics("what was there before", |metrics| {
        metrics.sum("cdr_calls_total", &[]) == BEFORE as f64
    });
    let prometheus = scraped_every_second(&front);
    prometheus.wait_for_value("sum(cdr_calls_total)", BEFORE as f64);

    let (stop, stopped) = mpsc::channel();
    let writer = thread::spawn(move || write_on(&cdr, truth, &stopped));
    for _ in 0..kills {
        daemon = kill(daemon, Duration::from_millis(random.u64(200..2000)), folder.path(), &front);
    }
    stop.send(()).unwrap();
    let truth = writer.join().unwrap();

    prometheus.wait_for_value("sum(cdr_calls_total)", truth.counted as f64);
    assert_nothing_fell(&prometheus);
    assert_true(&prometheus, "cdr_calls_total", &truth.calls);
    assert_true(&prometheus, "cdr_call_failures_total", &truth.failures);
    drop(daemon);
}

fn prepare() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let cdr = folder.path().join("cdr");
    fs::create_dir(&cdr).unwrap();
    let config = format!(
        "sources: [{{name: t, paths: ['{}/*.json*'], remember: 0s, live_within: 100000d}}]\n",
        cdr.display()
    );
    fs::write(folder.path().join("config.yml"), config).unwrap();
    (folder, cdr)
}

/// No sample of any counter or histogram is less than the one before it.
fn assert_nothing_fell(prometheus: &Prometheus) {
    let all = prometheus.samples("{__name__=~'cdr_.*(_total|_bucket|_count|_sum)'}");
    assert!(all.len() > 100, "{} series", all.len());
    for (labels, samples) in all {
        let fell = samples.windows(2).find(|pair| pair[1].1 < pair[0].1);
        assert_eq!(fell, None, "{labels:?} fell");
    }
}

/// The last samples are the truth, and so is what rose since the first ones.
fn assert_true(prometheus: &Prometheus, name: &str, truth: &Counts) {
    let samples = prometheus.samples(name);
    let own = |labels: &Labels| -> Labels {
        let scraped = ["__name__", "instance", "job"];
        labels.iter().filter(|(name, _)| !scraped.contains(&name.as_str())).map(clone).collect()
    };
    let times = samples.values().map(|samples| (samples[0].0, samples[samples.len() - 1].0));
    let (first, last) = times.reduce(|(a, b), (c, d)| (a.max(c), b.min(d))).unwrap();
    // From sample to sample there is nothing to extrapolate, but for a millisecond where a range has an open border.
    let range = ((last - first) * 1000.0).round();
    let increase = prometheus.query_at(&format!("increase({name}[{range}ms])"), last);
    let increase: Counts = increase.iter().map(|(labels, value)| (own(labels), value.round())).collect();
    for (labels, samples) in samples {
        let labels = own(&labels);
        let expected = truth.get(&labels).copied().unwrap_or_default();
        assert_eq!(samples[samples.len() - 1].1, expected, "{name}{labels:?}");
        assert_eq!(increase.get(&labels), Some(&(expected - samples[0].1)), "increase of {name}{labels:?}");
    }
    assert_eq!(prometheus.query_value(&format!("sum({name})")), Some(truth.values().sum()));
}

fn clone((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), value.clone())
}
