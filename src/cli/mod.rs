//! The command line: what the program is asked for, and with which code it leaves. One file for each command.

pub mod serve;
pub mod check;
pub mod map;
pub mod inspect;
pub mod compare;
pub mod explain;
pub mod demo;
pub mod state;
pub mod status;
pub mod replay;
pub mod audit;
pub mod collect;
mod reader;
mod stopped;
mod texts;
mod uncounted;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::path::Path;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::findings::thousands;
use crate::shown;

/// With which code the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Done, and the answer is no.
    No = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The config is wrong.
    BadConfig = 64,
    /// A fault that the program could not work around.
    Internal = 70,
    /// The store is in use, damaged, of a newer version, or the disk refuses, which may pass: systemd tries again.
    Store = 74,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What `--version` says; `-V` is the first line.
const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\nrevision ",
    env!("CDR_EXPORTER_REVISION"),
    "\nbuilt by ",
    env!("CDR_EXPORTER_RUSTVERSION"),
);

#[derive(Debug, Parser)]
#[command(name = "cdr-exporter", version, long_version = VERSION, about, long_about = None)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Check(check::Arguments),
    Map(map::Arguments),
    Inspect(inspect::Arguments),
    Compare(compare::Arguments),
    Explain(explain::Arguments),
    Demo(demo::Arguments),
    State(state::Arguments),
    Status(status::Arguments),
    Replay(replay::Arguments),
    Audit(audit::Arguments),
    Collect(collect::Arguments),
}

/// Runs the command that the arguments name.
pub fn run() -> Exit {
    panic::set_hook(Box::new(say_of_panic));
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.kind() == ErrorKind::InvalidUtf8 => return refuse_no_utf8(),
        Err(error) => error.exit(),
    };
    match arguments.command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Map(arguments) => map::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::State(arguments) => state::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Collect(arguments) => collect::run(&arguments),
    }
}

/// Says which arguments are not UTF-8: paths are patterns, and patterns are text.
fn refuse_no_utf8() -> Exit {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let command = arguments.first().and_then(|name| name.to_str()).unwrap_or("");
    for argument in arguments.iter().filter(|argument| argument.to_str().is_none()) {
        let shown = shown::path(Path::new(argument));
        let message = format!(
            "{shown}: this is not UTF-8. If it is a path, give its folder, or put `*` in the place of what is not UTF-8, \
             in quotes"
        );
        say(command, message);
    }
    Exit::Usage
}

/// A whole number of the command line.
///
/// # Errors
/// What to write instead.
fn whole_number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "write a whole number from 0 on, such as 15".to_owned())
}

/// More threads than any machine has use for, and fewer than a system refuses.
const MOST_THREADS: usize = 512;

/// How many threads are to read.
///
/// # Errors
/// What to write instead.
fn threads(text: &str) -> Result<usize, String> {
    let threads = text.parse().ok().filter(|threads| *threads <= MOST_THREADS);
    threads.ok_or_else(|| format!("write a whole number from 0 to {MOST_THREADS}"))
}

/// `1 file`, `2 files`, `1,234 files`.
fn counted(count: u64, what: &str) -> String {
    one_or_more(count, what, &format!("{what}s"))
}

/// As [`counted`], of what is more than a word.
fn one_or_more(count: u64, one: &str, more: &str) -> String {
    format!("{} {}", thousands(count), if count == 1 { one } else { more })
}

/// Prints what was found. A reader that goes away, as `head` does, has read enough; anything else is a fault of its own.
fn print(command: &str, text: &str, exit: Exit) -> Exit {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            say(command, format_args!("cannot print: {error}"));
            Exit::Internal
        }
        _ => exit,
    }
}

/// A fault of the program ends what it was at. Where it was is said, and not of what: that may be text of a record.
fn say_of_panic(panic: &PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(io::stderr(), "cdr-exporter: fault of the program at {at}: please report this line");
}

/// Says on standard error what went wrong or what was done. The names of files in it may hold anything.
fn say(command: &str, message: impl Display) {
    // Without anyone to read it, the exit status says it.
    let _ = writeln!(io::stderr(), "cdr-exporter {command}: {}", shown::lines(&message.to_string()));
}
