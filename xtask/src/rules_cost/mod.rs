//! `cargo xtask rules-cost`: what the rules cost a Prometheus that scrapes two hundred trunks and knows the week before.
//!
//! Each program runs with each folder of rules and once without rules, all at the same time and on one made-up target; the
//! difference of their processor time is what the rules cost, with recording, messages and the collection of garbage.

mod past;
mod prometheus;
mod sample;

use std::io::{self, Error, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, sleep};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus::{Prometheus, Rules};
use sample::Sample;

/// So long until every group was evaluated once and the first garbage is collected.
const WARM_UP: Duration = Duration::from_secs(300);

/// What to measure.
pub struct Plan<'a> {
    pub trunks: usize,
    /// Minutes to measure; 20 hold whole numbers of evaluations of every group.
    pub minutes: u64,
    /// Weeks before the last of which Prometheus knows the hours that rules look at.
    pub weeks: u64,
    /// Seconds before now that are not in blocks but where Prometheus has its newest samples; 0: as right after a backfill.
    pub in_memory: u64,
    /// Where the past and the databases go; what is there of an earlier run is removed.
    pub folder: &'a Path,
    pub programs: Vec<PathBuf>,
    /// Folders with rule files such as `deploy/prometheus`.
    pub rules: Vec<PathBuf>,
}

/// Measures and prints.
///
/// # Errors
/// When a Prometheus does not start or does not answer.
pub fn play(plan: &Plan) -> io::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Error::other)?.as_secs();
    let rules: Vec<_> = plan.rules.iter().map(|folder| Rules::read(folder)).collect::<io::Result<_>>()?;
    let sample = Arc::new(Sample::new(plan.trunks, now));
    let past = past::write(&sample, &rules, plan)?;
    let port = serve(sample.clone())?;
    let mut all = Vec::new();
    for program in &plan.programs {
        let folders = rules.iter().map(Some).chain([None]);
        for (place, rules) in folders.enumerate() {
            let folder = plan.folder.join(format!("run-{}-{place}", all.len()));
            all.push(Prometheus::start(program, rules, &folder, &past.blocks, port)?);
        }
    }
    past.send(&sample, plan, &all)?;
    println!("{} trunks, {} series a scrape; warming up", plan.trunks, sample.scraped().count());
    for each in &mut all {
        each.load_rules()?;
    }
    sleep(WARM_UP);
    let before = all.iter().map(Prometheus::processor_seconds).collect::<io::Result<Vec<_>>>()?;
    for _ in 0..plan.minutes {
        sleep(Duration::from_secs(60));
        for each in &mut all {
            each.note_rules()?;
        }
    }
    let mut costs = Vec::new();
    for (each, before) in all.iter().zip(before) {
        costs.push((each.processor_seconds()? - before) / plan.minutes as f64);
    }
    let each = rules.len() + 1;
    for (ran, costs) in all.chunks(each).zip(costs.chunks(each)) {
        let idle = costs[each - 1];
        println!("\n{}: {idle:.3} s of a core each minute without rules", ran[0].version()?);
        for (ran, cost) in ran.iter().zip(&costs[..each - 1]) {
            println!("{}: {:.3} s more each minute", ran.rules(), cost - idle);
            print!("{}", ran.report());
        }
    }
    Ok(())
}

/// Answers every request with the present counts.
fn serve(sample: Arc<Sample>) -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sample = sample.clone();
            thread::spawn(move || answer(stream, &sample));
        }
    });
    Ok(port)
}

fn answer(mut stream: TcpStream, sample: &Sample) -> io::Result<()> {
    let mut asked = [0; 4096];
    while io::Read::read(&mut stream, &mut asked)? > 0 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Error::other)?.as_secs();
        let mut text = String::new();
        for series in sample.scraped() {
            text += &format!("{}{{{}}} {}\n", series.name, series.labels, (series.value)(now));
        }
        let length = text.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {length}\r\n\r\n{text}"
        )?;
    }
    Ok(())
}
