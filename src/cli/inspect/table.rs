//! What was found, for people at a terminal: the findings in words, then tables as wide as the terminal.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::io::{self, IsTerminal};

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::group::{By, Line};
use super::report::Records;
use super::view::View;
use crate::findings::{self, Finding, percent_of, thousands, time};

/// How it is written.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    pub width: usize,
    pub colour: bool,
}

impl Style {
    /// For standard output: as wide as the terminal, or as `COLUMNS` says; in colour where a person looks, unless
    /// `NO_COLOR` is set or the terminal is a `dumb` one.
    pub fn of_standard_output() -> Self {
        let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let terminal = rustix::termios::tcgetwinsize(io::stdout()).map(|size| usize::from(size.ws_col));
        let terminal = terminal.ok().filter(|columns| *columns > 0);
        let quiet = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        Self {
            width: terminal.or(said).unwrap_or(120).clamp(60, 250),
            colour: io::stdout().is_terminal() && !quiet,
        }
    }

    /// How many columns a bar may have.
    pub fn bar_columns(&self) -> i64 {
        if self.is_wide() { 24 } else { 12 }
    }

    /// Whether all columns fit.
    fn is_wide(&self) -> bool {
        self.width >= 110
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Everything for a terminal.
pub fn text(view: &View, style: Style) -> String {
    let mut text = in_words(view, style);
    text += &outcomes(view, style);
    match &view.asked {
        Some((by, lines)) => text += &asked(view, by, lines, style),
        None => {
            text += &causes(view, style);
            text += &trunks(view, style);
        }
    }
    text + &records(view)
}

/// The findings, the most telling first.
fn in_words(view: &View, style: Style) -> String {
    let found = &view.facts.findings;
    let headline = match found.span {
        Some((from, to)) => {
            let span = time::Span { from, to, zone: view.choice.zone() };
            format!("{} Calls {span}.", view.headline())
        }
        None => view.headline(),
    };
    let mut text = style.paint("1", &wrapped(&headline, "", style.width));
    text.push('\n');
    if let Some(none) = none_is_chosen(view) {
        text += &wrapped(&none, "", style.width);
        text.push('\n');
    }
    if let Some(quiet) = found.quiet() {
        text += &wrapped(&quiet, "", style.width);
        text.push('\n');
    }
    for (number, finding) in found.findings.iter().enumerate().take(view.top) {
        text.push('\n');
        text += &finding_in_words(number + 1, finding, view, style);
    }
    text
}

/// What there is to choose from, where nothing of it was chosen.
fn none_is_chosen(view: &View) -> Option<String> {
    const MOST: usize = 5;
    if !view.is_none_chosen() {
        return None;
    }
    let all = &view.snapshot.calls;
    let trunks: BTreeSet<&str> =
        all.iter().map(|series| &*series.route.trunk).filter(|trunk| !trunk.is_empty()).collect();
    let mut names: Vec<&str> = trunks.iter().copied().take(MOST).collect();
    names.extend((trunks.len() > MOST).then_some("others"));
    let span = view.snapshot.history.span().map(|span| {
        let (from, to) = (i64::from(span.start), i64::from(span.end));
        format!(" {}", time::Span { from, to, zone: view.choice.zone() })
    });
    Some(format!(
        "What was read is of {}{}.",
        if names.is_empty() { "no trunk".to_owned() } else { names.join(", ") },
        span.unwrap_or_default()
    ))
}

fn finding_in_words(number: usize, finding: &Finding, view: &View, style: Style) -> String {
    let sentence = format!("{number}. {}", finding.sentence(view.choice.zone()));
    let mut text = style.paint("1;31", &wrapped(&sentence, "   ", style.width));
    text.push('\n');
    if let Some(who) = finding.who() {
        let _ = writeln!(text, "   {}", wrapped(&format!("Who can fix it: {who}."), "   ", style.width - 3));
    }
    let _ =
        writeln!(text, "   {}", wrapped(&format!("What to do: {}", finding.remedy), "   ", style.width - 3));
    text
}

/// Outcomes and ratios, on a line or two.
fn outcomes(view: &View, style: Style) -> String {
    let (calls, attempts) = (view.calls(), view.facts.findings.attempts);
    if calls == 0 {
        return String::new();
    }
    let each = view.outcomes.iter().map(|line| {
        format!("{} {} ({})", line.keys[0], thousands(line.calls), percent_of(line.calls, calls))
    });
    let each: Vec<String> = each.collect();
    let effective: u64 =
        ["answered", "busy", "no_answer", "declined", "cancelled"].iter().map(|it| view.outcome(it)).sum();
    let ratios = format!(
        "Answered of attempts (ASR): {}. Reached the called side (NER): {}.",
        percent_of(view.outcome("answered"), attempts),
        percent_of(effective, attempts)
    );
    let is_of_some = view.choice.has_only_some_failures() || view.choice.has_other_outcomes();
    let what = if is_of_some { "All calls" } else { "Calls" };
    let outcomes = format!("{what} by outcome: {}.", each.join(", "));
    let mut text = format!("\n{}\n", wrapped(&outcomes, "  ", style.width));
    let _ = writeln!(text, "{}", wrapped(&ratios, "  ", style.width));
    let sides: Vec<String> = view
        .facts
        .findings
        .by_side
        .iter()
        .map(|(side, failed)| {
            format!("{} {}", side.map_or("unknown", |side| side.label()), thousands(*failed))
        })
        .collect();
    if !sides.is_empty() {
        let sides = format!("Failed calls by who can fix them: {}.", sides.join(", "));
        let _ = writeln!(text, "{}", wrapped(&sides, "  ", style.width));
    }
    text
}

fn causes(view: &View, style: Style) -> String {
    if view.causes.is_empty() {
        return String::new();
    }
    let is_wide = style.is_wide();
    // Where not all fits, which trunk it is says more than when; the table of trunks has the hours.
    let axis = axis_in_words(view).filter(|_| style.width >= 100);
    let mut header = vec!["Cause of failure, codes", "Calls"];
    header.extend(is_wide.then_some("Of failed"));
    header.push("Of attempts");
    let is_told = view.tells_origins();
    header.extend((is_wide && is_told).then_some("Microsoft's number"));
    header.push("Most on");
    header.extend(axis.as_deref());
    let mut table = new_table(&header, view, style);
    for line in view.causes.iter().take(view.top) {
        let mut cells = vec![Cell::new(&line.keys[0]), number(line.failed)];
        cells.extend(is_wide.then(|| right(percent_of(line.failed, view.facts.findings.failed))));
        cells.push(right(percent_of(line.failed, line.attempts)));
        cells.extend((is_wide && is_told).then(|| Cell::new(view.origin(line))));
        cells.push(Cell::new(most_on(line)));
        cells.extend(axis.is_some().then(|| Cell::new(bar(&line.failed_by_time))));
        table.add_row(cells);
    }
    let mut text =
        format!("\n{}\n{}", painted(&table, style), left_out(view.causes.len(), view.top, "causes"));
    if is_told && !is_wide {
        text += &origins(view, style);
    }
    text
}

/// What has no column in a narrow table.
fn origins(view: &View, style: Style) -> String {
    let lines = view.causes.iter().take(view.top);
    let of = |origin: &str| {
        let causes = lines.clone().filter(|line| view.origin(line) == origin);
        let causes: Vec<&str> = causes.map(|line| line.keys[0].as_str()).collect();
        (!causes.is_empty()).then(|| format!("{origin}: {}", causes.join(", ")))
    };
    let parts: Vec<String> =
        ["inferred", "reported and inferred", "absent"].into_iter().filter_map(of).collect();
    let sentence = format!("Microsoft's number is {}.", parts.join("; "));
    format!("{}\n", wrapped(&sentence, "  ", style.width))
}

fn trunks(view: &View, style: Style) -> String {
    if view.trunks.is_empty() {
        return String::new();
    }
    let is_wide = style.is_wide();
    let part = view.part();
    let by_time = axis_in_words(view).map(|axis| format!("{part} {axis}"));
    let mut header = vec!["Trunk", "Attempts", &part, "Of attempts"];
    header.extend(is_wide.then_some("Answered"));
    header.extend(by_time.as_deref());
    let mut table = new_table(&header, view, style);
    for line in view.trunks.iter().take(view.top) {
        let answered = line.outcomes.get("answered").copied().unwrap_or_default();
        let trunk = if line.keys[0].is_empty() { "(none)" } else { &line.keys[0] };
        let mut cells = vec![
            Cell::new(trunk),
            number(line.attempts),
            number(line.part),
            right(percent_of(line.part, line.attempts)),
        ];
        cells.extend(is_wide.then(|| right(percent_of(answered, line.attempts))));
        cells.extend(by_time.is_some().then(|| Cell::new(bar(&line.part_by_time))));
        table.add_row(cells);
    }
    format!("\n{}\n{}", painted(&table, style), left_out(view.trunks.len(), view.top, "trunks"))
}

/// What `--by` asked for.
fn asked(view: &View, by: &[By], lines: &[Line], style: Style) -> String {
    let has_no_bars = by.iter().any(|by| matches!(by, By::Hour | By::Day) || by.is_apart());
    let axis = axis_in_words(view).filter(|_| !has_no_bars);
    let mut header: Vec<&str> = by.iter().map(|by| by.label()).collect();
    let part = view.part();
    // Chosen by their outcome, the calls are the part of the attempts.
    let has_calls = !view.choice.is_by_outcome();
    header.extend(has_calls.then_some("Calls"));
    header.extend(["Attempts", &part, "Of attempts"]);
    header.extend(axis.as_deref());
    let mut table = new_table(&header, view, style);
    for line in lines.iter().take(view.top) {
        let mut cells: Vec<Cell> =
            line.keys.iter().map(|key| Cell::new(if key.is_empty() { "(none)" } else { key })).collect();
        cells.extend(has_calls.then(|| number(line.calls)));
        cells.extend([number(line.attempts), number(line.part), right(percent_of(line.part, line.attempts))]);
        cells.extend(axis.is_some().then(|| Cell::new(bar(&line.part_by_time))));
        table.add_row(cells);
    }
    format!("\n{}\n{}", painted(&table, style), left_out(lines.len(), view.top, "lines"))
}

/// What became of the records, and what is in no table.
fn records(view: &View) -> String {
    let records = Records::of(&view.snapshot);
    let mut text = String::new();
    let _ = writeln!(
        text,
        "\nRecords: {} counted; left out: {} duplicate, {} header, {} ignored, {} rejected",
        thousands(records.counted),
        thousands(records.duplicate),
        thousands(records.header),
        thousands(records.ignored),
        thousands(records.rejected)
    );
    for (reason, count) in &records.rejected_by_reason {
        let _ = writeln!(text, "  rejected: {} {reason}", thousands(*count));
    }
    for (field, count) in &records.unread_by_field {
        let _ = writeln!(
            text,
            "  counted without {field}, which could not be read, or not for certain: {}",
            thousands(*count)
        );
    }
    if view.facts.untimed_calls() > 0 {
        let untimed = view.facts.untimed_calls();
        let (have, are) = if untimed == 1 { ("has", "is") } else { ("have", "are") };
        let _ = writeln!(text, "  {} {have} no time, and {are} in no bar", findings::calls(untimed));
    }
    text
}

fn new_table(header: &[&str], view: &View, style: Style) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(style.width).unwrap_or(u16::MAX));
    let part = view.part();
    table.set_header(header.iter().map(|text| {
        let is_number = matches!(*text, "Calls" | "Attempts" | "Of failed" | "Of attempts" | "Answered");
        let is_number = is_number || *text == part;
        if is_number { right((*text).to_owned()) } else { Cell::new(text) }
    }));
    table
}

/// The table, its header in bold.
fn painted(table: &Table, style: Style) -> String {
    let lines = table.lines().enumerate().map(|(place, line)| match place {
        0 => style.paint("1", line.trim_end()),
        _ => line.trim_end().to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn left_out(lines: usize, top: usize, what: &str) -> String {
    match lines.saturating_sub(top) {
        0 => String::new(),
        1 => format!("  and one more of the {what}: --top {lines}\n"),
        more => format!("  and {} more {what}: --top {lines}\n", thousands(more as u64)),
    }
}

/// The trunk on which it failed most often.
pub fn most_on(line: &Line) -> String {
    match line.trunks.first() {
        Some((trunk, failed)) => {
            format!("{} {}", if trunk.is_empty() { "(none)" } else { trunk }, thousands(*failed))
        }
        None => String::new(),
    }
}

fn number(number: u64) -> Cell {
    right(thousands(number))
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// What the columns of bars stand for; `None` where no call has a time.
fn axis_in_words(view: &View) -> Option<String> {
    view.facts.tallies.span()?;
    let axis = view.axis;
    let step = match axis.step {
        step if step % 1440 == 0 => format!("{} d", step / 1440),
        step if step % 60 == 0 => format!("{} h", step / 60),
        step => format!("{step} min"),
    };
    let first = time::at(axis.first, view.choice.zone());
    Some(format!("by {step} from {}", first.strftime("%m-%d %H:%M")))
}

/// Numbers as columns, the highest as high as a line.
pub fn bar(numbers: &[u64]) -> String {
    const COLUMNS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = numbers.iter().copied().max().unwrap_or_default().max(1);
    let column = |number: &u64| match number {
        0 => '·',
        number => COLUMNS[usize::try_from((number * 8).div_ceil(most)).unwrap_or(8).clamp(1, 8) - 1],
    };
    numbers.iter().map(column).collect()
}

/// A text on lines of this width, the later ones indented.
pub fn wrapped(text: &str, indent: &str, width: usize) -> String {
    // A sign stays with its number.
    const HELD: char = '\u{a0}';
    let text = text.replace(" %", &format!("{HELD}%")).replace(" UTC", &format!("{HELD}UTC"));
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        if line > indent.len() && line + 1 + word.chars().count() > width {
            lines.push(indent.to_owned());
        }
        if let Some(last) = lines.last_mut() {
            if !last.is_empty() && *last != indent {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines.join("\n").replace(HELD, " ")
}
