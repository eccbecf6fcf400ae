//! The fault table of README.md: each fault played with real files against the real programs, and what they counted.
//!
//! `cargo xtask faults [PROGRAM]` plays all rows, writes the table and fails where cdr-exporter's number is not the true
//! one. Nothing in the columns of the programs played is written by hand.

mod rows;
mod stage;

use std::fs;
use std::io::{self, Error};
use std::path::Path;
use std::thread;

use self::rows::{FAULTS, Fault};
use self::stage::{Stage, Tool};

/// Between these lines of README.md stands the table.
const BEGIN: &str = "<!-- The table below is written by `cargo xtask faults`. -->\n";
const END: &str = "<!-- Here it ends. -->\n";

/// How many rows are played at a time; they mostly wait.
const AT_A_TIME: usize = 6;

/// What came of a row: the true number, and what each tool shows.
struct Played {
    truth: String,
    shown: Vec<String>,
}

/// Plays every row with this program, and with mtail where it is installed, and writes the table into README.md.
///
/// # Errors
/// When a row cannot be played, or the program's number is not the true one.
pub fn write_table(program: &Path, readme: &Path) -> io::Result<()> {
    if !program.is_file() {
        return Err(Error::other(format!("{} is not there: run `make build` first", program.display())));
    }
    let mut tools = vec![Tool::exporter(program)?];
    tools.extend(Tool::mtail());
    let mut played = Vec::new();
    for faults in FAULTS.chunks(AT_A_TIME) {
        let rows = thread::scope(|scope| {
            let tools = &tools;
            let rows: Vec<_> = faults.iter().map(|fault| scope.spawn(move || play(fault, tools))).collect();
            let join = |row: thread::ScopedJoinHandle<'_, io::Result<Played>>| {
                row.join().unwrap_or_else(|_| Err(Error::other("a row panicked")))
            };
            rows.into_iter().map(join).collect::<io::Result<Vec<_>>>()
        });
        played.extend(rows?);
    }
    let table = table(&tools, &played);
    print!("{table}");
    let text = fs::read_to_string(readme)?;
    fs::write(readme, replaced(&text, &table).ok_or_else(|| Error::other("README.md has no place for it"))?)?;
    let wrong: Vec<&str> = (FAULTS.iter().zip(&played))
        .filter(|(_, played)| played.shown.first() != Some(&played.truth))
        .map(|(fault, _)| fault.id)
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(Error::other(format!("not the true number: {wrong:?}"))) }
}

fn play(fault: &Fault, tools: &[Tool]) -> io::Result<Played> {
    let mut played = Played { truth: String::new(), shown: Vec::new() };
    for tool in tools {
        let mut stage = Stage::new(tool, fault.glob)?;
        let (truth, shown) = (fault.play)(&mut stage)
            .map_err(|error| Error::other(format!("row {}, {}: {error}", fault.id, tool.name)))?;
        eprintln!("{}: {}: {shown} of {truth}", fault.id, tool.name);
        played.truth = truth;
        played.shown.push(shown);
    }
    Ok(played)
}

fn table(tools: &[Tool], played: &[Played]) -> String {
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let names = tools.iter().map(|tool| tool.name.as_str());
    let mut table = line(["", "fault", "true"].into_iter().chain(names).collect());
    table += &line(vec!["---"; tools.len() + 3]);
    for (fault, played) in FAULTS.iter().zip(played) {
        let shown = played.shown.iter().map(String::as_str);
        table += &line([fault.id, fault.what, &played.truth].into_iter().chain(shown).collect());
    }
    table
}

/// The text with another table in it.
fn replaced(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

/// What is wrong with the table in this text, if anything: it has every row, and our number is the true one in each.
pub fn check_table(text: &str) -> Result<(), String> {
    let table = text.split_once(BEGIN).and_then(|(_, rest)| Some(rest.split_once(END)?.0));
    let lines: Vec<&str> =
        table.ok_or("there is no table")?.lines().filter(|line| !line.is_empty()).collect();
    let rows = lines.get(2..).unwrap_or_default();
    if rows.len() != FAULTS.len() {
        return Err(format!("{} rows of {}: run `cargo xtask faults`", rows.len(), FAULTS.len()));
    }
    for (fault, row) in FAULTS.iter().zip(rows) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        match cells[..] {
            [id, what, truth, ours, ..] if id == fault.id && what == fault.what && truth == ours => {}
            _ => return Err(format!("row {}: {row}", fault.id)),
        }
    }
    Ok(())
}
