//! Whole commands on one core, timed in turn.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::inputs::{self, Input};

/// What is measured, and how.
pub struct Bench<'b> {
    pub program: &'b Path,
    pub core: usize,
    pub runs: usize,
}

/// A line of the table.
pub struct Row<'r> {
    pub work: &'r str,
    pub ours: Duration,
    pub theirs: Duration,
    pub ratio: f64,
    pub target: String,
    pub reached: bool,
}

type Outcome<T> = Result<T, Box<dyn Error>>;

impl Row<'_> {
    pub const HEAD: &'static str =
        "| work | ours, s | theirs, s | ratio | target | reached |\n|---|---|---|---|---|---|";

    pub fn print(&self) {
        let [ours, theirs] = [self.ours, self.theirs].map(|took| took.as_secs_f64());
        let reached = if self.reached { "yes" } else { "no" };
        println!(
            "| {} | {ours:.3} | {theirs:.3} | {:.2} | {} | {reached} |",
            self.work, self.ratio, self.target
        );
    }
}

impl Bench<'_> {
    /// A command on the one core.
    pub fn on_core(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("taskset");
        command.arg("-c").arg(self.core.to_string()).arg(program);
        command
    }

    /// Stops everything unless `inspect` counts exactly what is true.
    pub fn check(&self, input: &Input) -> Outcome<()> {
        let output =
            self.on_core(self.program).args(["inspect", "--output=prometheus"]).arg(&input.path).output()?;
        let counted = inputs::counted(std::str::from_utf8(&output.stdout)?);
        if counted != input.truth {
            return Err(format!("{}: what was counted is not what is true", input.path.display()).into());
        }
        let megabytes = input.bytes / 1_000_000;
        println!("{}: {} rows, {megabytes} MB, every count exact", input.path.display(), input.rows);
        Ok(())
    }

    pub fn inspect(&self, file: &Path, options: &[&str]) -> Outcome<Duration> {
        timed(self.on_core(self.program).args(["inspect", "--output=prometheus"]).args(options).arg(file))
    }

    /// The median of the runs.
    pub fn median_of(&self, run: impl FnMut() -> Outcome<Duration>) -> Outcome<Duration> {
        let times = std::iter::repeat_with(run).take(self.runs).collect::<Outcome<Vec<_>>>()?;
        Ok(median(times))
    }

    /// `inspect` with several options, each so many times as fast as mtail, all in turn.
    pub fn against_mtail(
        &self,
        work: &str,
        input: &Input,
        script: &str,
        targets: &[(&[&str], f64)],
    ) -> Outcome<()> {
        let (mut theirs, mut ours) = (Vec::new(), vec![Vec::new(); targets.len()]);
        for _ in 0..self.runs {
            let mut mtail = self.on_core("mtail");
            mtail.args(["--one_shot", "--progs", script, "--logs"]).arg(std::path::absolute(&input.path)?);
            theirs.push(timed(&mut mtail).map_err(|error| format!("{error}; is Debian's mtail installed?"))?);
            for ((options, _), times) in targets.iter().zip(&mut ours) {
                times.push(self.inspect(&input.path, options)?);
            }
        }
        let theirs = median(theirs);
        for ((options, target), times) in targets.iter().zip(ours) {
            let ours = median(times);
            let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
            let what = if options.is_empty() { "remembering" } else { "not remembering" };
            let work = format!("{work}, {what}, times as fast as mtail");
            let (target, reached) = (format!(">= {target}"), ratio >= *target);
            Row { work: &work, ours, theirs, ratio, target, reached }.print();
        }
        Ok(())
    }

    /// `inspect` against a command that reads the same file: at most so many times its time.
    pub fn against(
        &self,
        work: &str,
        file: &Path,
        options: &[&str],
        program: &str,
        arguments: &[&str],
        target: f64,
    ) -> Outcome<()> {
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..self.runs {
            theirs.push(timed(self.on_core(program).args(arguments).arg(file))?);
            ours.push(self.inspect(file, options)?);
        }
        let (ours, theirs) = (median(ours), median(theirs));
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        Row { work, ours, theirs, ratio, target: format!("<= {target}"), reached: ratio <= target }.print();
        Ok(())
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
