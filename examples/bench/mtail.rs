//! Beside mtail with one regular expression, which counts pairs of codes.

use std::path::Path;
use std::time::Duration;

use super::inputs::Input;
use super::table::{Bench, Outcome, Row, Target, timed};

/// `inspect` remembering and not, each so many times as fast as mtail with this script.
pub fn compare(bench: &Bench<'_>, input: &Input, script: &str, targets: [f64; 2]) -> Outcome<()> {
    let [theirs, remembering, counting] = bench.in_turn(|| {
        let theirs = time(bench, &input.path, script)?;
        let remembering = timed(&mut bench.inspect(1, &input.path, &[]))?;
        Ok([theirs, remembering, timed(&mut bench.inspect(1, &input.path, &["--count-duplicates"]))?])
    })?;
    for (what, ours, target) in
        [("remembering", remembering, targets[0]), ("not remembering", counting, targets[1])]
    {
        let work = format!("{}, {what}, times as fast as mtail", input.shape);
        Row { work: &work, ours, theirs, target: Target::Faster(target) }.print();
    }
    Ok(())
}

/// How long mtail takes for a file with this script.
pub fn time(bench: &Bench<'_>, file: &Path, script: &str) -> Outcome<Duration> {
    let mut mtail = bench.on_core("mtail");
    mtail.args(["--one_shot", "--progs", script, "--logs"]).arg(std::path::absolute(file)?);
    timed(&mut mtail).map_err(|error| format!("{error}; is Debian's mtail installed?").into())
}
