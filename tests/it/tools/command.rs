//! The program run to its end, as at a prompt.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

/// What came of a command.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; a signal has none.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// `cdr-exporter` with these arguments, nothing on standard input.
pub fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ended {
    run_on(b"", arguments)
}

/// As [`run`], with this text on standard input.
pub fn run_on<A: AsRef<OsStr>>(input: &[u8], arguments: impl IntoIterator<Item = A>) -> Ended {
    finish(program().args(arguments), input)
}

/// As [`run`], in this working folder.
pub fn run_in<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> Ended {
    finish(program().current_dir(folder).args(arguments), b"")
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_cdr-exporter"))
}

fn finish(command: &mut Command, input: &[u8]) -> Ended {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    let output = thread::scope(|scope| {
        // A program that does not want its input closes it, and that is its right.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    });
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
