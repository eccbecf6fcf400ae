//! Whole commands on given cores, timed in turn, and the table of what came of it.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::inputs::{self, Input};

/// What is measured, and how.
pub struct Bench<'b> {
    pub program: &'b Path,
    /// The first one is used alone where one core is meant.
    pub cores: &'b [usize],
    pub runs: usize,
}

/// A line of the table.
pub struct Row<'r> {
    pub work: &'r str,
    pub ours: Duration,
    pub theirs: Duration,
    pub target: Target,
}

/// What is aimed at.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// So many times as fast as theirs.
    Faster(f64),
    /// So many times their time at most.
    Within(f64),
}

pub type Outcome<T> = Result<T, Box<dyn Error>>;

impl Row<'_> {
    pub const HEAD: &'static str =
        "| work | ours, s | theirs, s | ratio | target | reached |\n|---|---|---|---|---|---|";

    pub fn print(&self) {
        let [ours, theirs] = [self.ours, self.theirs].map(|took| took.as_secs_f64());
        let (ratio, target, reached) = match self.target {
            Target::Faster(times) => (theirs / ours, format!(">= {times}"), theirs / ours >= times),
            Target::Within(times) => (ours / theirs, format!("<= {times}"), ours / theirs <= times),
        };
        let reached = if reached { "yes" } else { "no" };
        println!("| {} | {ours:.3} | {theirs:.3} | {ratio:.2} | {target} | {reached} |", self.work);
    }
}

impl Bench<'_> {
    /// A command on the first core.
    pub fn on_core(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        self.on_cores(1, program)
    }

    /// A command on so many cores.
    pub fn on_cores(&self, count: usize, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let cores: Vec<String> = self.cores.iter().take(count).map(usize::to_string).collect();
        let mut command = Command::new("taskset");
        command.arg("-c").arg(cores.join(",")).arg(program);
        command
    }

    /// Stops everything unless `inspect` counts exactly what is true.
    pub fn check(&self, input: &Input) -> Outcome<()> {
        let counted = self.counts(input, &[])?;
        let is_wrong = |key: &&String| counted.get(*key) != input.truth.get(*key);
        if let Some(key) = input.truth.keys().chain(counted.keys()).find(is_wrong) {
            let [counted, truth] = [&counted, &input.truth].map(|counts| counts.get(key).unwrap_or(&0));
            return Err(format!("{}: {key}: counted {counted}, true {truth}", input.path.display()).into());
        }
        let megabytes = input.bytes / 1_000_000;
        println!("{}: {} rows, {megabytes} MB, every count exact", input.path.display(), input.rows);
        Ok(())
    }

    /// What `inspect` counts.
    pub fn counts(&self, input: &Input, options: &[&str]) -> Outcome<inputs::Counts> {
        let mut inspect = self.inspect(1, &input.path, options);
        Ok(inputs::counted(std::str::from_utf8(&inspect.output()?.stdout)?))
    }

    /// `inspect` of a file on so many cores.
    pub fn inspect(&self, cores: usize, file: &Path, options: &[&str]) -> Command {
        let mut command = self.on_cores(cores, self.program);
        command.args(["inspect", "--output=prometheus"]).args(options).arg(file);
        command
    }

    /// Takes several times in turn, as often as there are runs, and returns the median of each.
    pub fn in_turn<const N: usize>(
        &self,
        mut run: impl FnMut() -> Outcome<[Duration; N]>,
    ) -> Outcome<[Duration; N]> {
        let runs = std::iter::repeat_with(&mut run).take(self.runs).collect::<Outcome<Vec<_>>>()?;
        Ok(std::array::from_fn(|place| median(runs.iter().map(|times| times[place]).collect())))
    }
}

/// How long a command takes that must succeed.
pub fn timed(command: &mut Command) -> Outcome<Duration> {
    let begin = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if status.success() { Ok(begin.elapsed()) } else { Err(format!("{command:?}: {status}").into()) }
}

pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
