//! The log: one line for each event on standard error, as logfmt or as JSON, with the same keys in both.
//!
//! Written here because what exists writes Rust escapes (`\'`, `\u{7f}`) that no logfmt or JSON reader takes.

use std::fmt::{self, Display};
use std::io::{self, Write};
use std::sync::LazyLock;

use clap::ValueEnum;
use prometheus::{Counter, Opts};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::shown;

/// The least severe events that are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogLevel {
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Info => Self::INFO,
            LogLevel::Warn => Self::WARN,
            LogLevel::Error => Self::ERROR,
        }
    }
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// `ts=... level=info msg="..." key=value`
    #[default]
    Logfmt,
    /// `{"ts":"...","level":"info","msg":"...","key":"value"}`
    Json,
}

/// Sends the log of this process to standard error. The first call decides; later ones change nothing.
pub fn init(level: LogLevel, format: LogFormat) {
    let logger = tracing_subscriber::fmt()
        .with_max_level(level)
        .event_format(Lines { format, with_target: level == LogLevel::Debug })
        .with_writer(|| Output);
    let _already_set = logger.try_init();
    super::panics::count();
}

/// The process has one log, and so one count.
pub static LOST_LINES: LazyLock<Counter> = LazyLock::new(|| {
    super::counter(Opts::new(
        "cdr_exporter_lost_log_lines_total",
        "Lines of the log that could not be written: its disk is full, or who reads it is gone.",
    ))
});

/// Standard error, of which nobody hears when it takes no more: counting goes on without a log. What writes lines by itself would complain
/// on standard error, and end the process there.
struct Output;

impl Write for Output {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if io::stderr().write_all(line).is_err() {
            LOST_LINES.inc();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes events as lines. `with_target` adds the module that an event comes from.
struct Lines {
    format: LogFormat,
    with_target: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);

        let mut line = Line { format: self.format, text: String::with_capacity(256) };
        line.text("ts", &format!("{:.3}", jiff::Timestamp::now()));
        line.text("level", level_name(*event.metadata().level()));
        line.text("msg", &fields.message);
        if self.with_target {
            line.text("target", event.metadata().target());
        }
        for (key, value) in &fields.others {
            match value {
                Value::Bare(value) => line.bare(key, value),
                Value::Text(value) => line.text(key, value),
            }
        }
        writeln!(writer, "{}", line.finish())
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// The message of an event, and its other fields in the order in which the event lists them.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, Value)>,
}

enum Value {
    /// A number or a truth value, which JSON writes without quotes.
    Bare(String),
    Text(String),
}

impl Fields {
    fn bare(&mut self, field: &Field, value: impl Display) {
        self.others.push((field.name(), Value::Bare(value.to_string())));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            name => self.others.push((name, Value::Text(value.to_owned()))),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_str(field, &value.to_string());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() { self.bare(field, value) } else { self.record_str(field, &value.to_string()) }
    }
}

/// One line in the making.
struct Line {
    format: LogFormat,
    text: String,
}

impl Line {
    fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        if self.format == LogFormat::Json || needs_quotes(value) {
            quote(&mut self.text, value);
        } else {
            self.text.push_str(value);
        }
    }

    fn bare(&mut self, key: &str, value: &str) {
        self.key(key);
        self.text.push_str(value);
    }

    fn key(&mut self, key: &str) {
        let first = self.text.is_empty();
        match self.format {
            LogFormat::Logfmt => {
                self.text.push_str(if first { "" } else { " " });
                self.text.push_str(key);
                self.text.push('=');
            }
            LogFormat::Json => {
                self.text.push(if first { '{' } else { ',' });
                quote(&mut self.text, key);
                self.text.push(':');
            }
        }
    }

    fn finish(mut self) -> String {
        if self.format == LogFormat::Json {
            self.text.push('}');
        }
        self.text
    }
}

fn needs_quotes(value: &str) -> bool {
    value.is_empty()
        || value.contains(|c: char| shown::is_unsafe(c) || c.is_whitespace() || c == '=' || c == '"')
}

/// Appends a JSON string, which is also what logfmt quotes with. Control characters of every kind are
/// escaped, so that a file's name cannot steer the terminal.
fn quote(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if shown::is_unsafe(c) => shown::push_json(text, c),
            c => text.push(c),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing::{debug, error, info, subscriber, warn};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What `events` log at this level, without the times, which are only checked to be times.
    fn logged(level: LogLevel, format: LogFormat, events: impl FnOnce()) -> String {
        let sink = Sink::default();
        let make_writer = sink.clone();
        let logger = tracing_subscriber::fmt()
            .with_max_level(level)
            .event_format(Lines { format, with_target: level == LogLevel::Debug })
            .with_writer(move || make_writer.clone())
            .finish();
        subscriber::with_default(logger, events);
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| without_time(format, line) + "\n").collect()
    }

    fn without_time(format: LogFormat, line: &str) -> String {
        let (open, end) = match format {
            LogFormat::Logfmt => ("ts=", " "),
            LogFormat::Json => ("{\"ts\":\"", "\","),
        };
        let (time, rest) = line.strip_prefix(open).unwrap().split_once(end).unwrap();
        assert_eq!(time.len(), "2026-01-01T00:00:00.000Z".len(), "{time}");
        time.parse::<jiff::Timestamp>().unwrap();
        rest.to_owned()
    }

    fn some_events() {
        debug!("not shown above debug");
        info!(files = 3, ratio = 0.5, ready = true, listen = ":10410", "Server is up");
        let error = io::Error::other("can't read \"x\"\n");
        let error: &dyn std::error::Error = &error;
        warn!(path = %"/spool/a b\u{1b}[2J.csv", back = r"C:\cdr", empty = "", "plain");
        error!(error, none = f64::NAN, "Cannot");
    }

    #[test]
    fn logfmt_has_time_level_message_and_fields() {
        insta::assert_snapshot!(logged(LogLevel::Info, LogFormat::Logfmt, some_events), @r#"
        level=info msg="Server is up" files=3 ratio=0.5 ready=true listen=:10410
        level=warn msg=plain path="/spool/a b\u001b[2J.csv" back=C:\cdr empty=""
        level=error msg=Cannot error="can't read \"x\"\n" none=NaN
        "#);
    }

    #[test]
    fn json_has_the_same_keys() {
        let text = logged(LogLevel::Info, LogFormat::Json, some_events);
        insta::assert_snapshot!(text, @r#"
        "level":"info","msg":"Server is up","files":3,"ratio":0.5,"ready":true,"listen":":10410"}
        "level":"warn","msg":"plain","path":"/spool/a b\u001b[2J.csv","back":"C:\\cdr","empty":""}
        "level":"error","msg":"Cannot","error":"can't read \"x\"\n","none":"NaN"}
        "#);
        for line in text.lines() {
            serde_json::from_str::<serde_json::Value>(&format!("{{{line}")).unwrap();
        }
    }

    #[test]
    fn debug_names_the_module() {
        let text = logged(LogLevel::Debug, LogFormat::Logfmt, || debug!("hello"));
        assert_eq!(text, "level=debug msg=hello target=cdr_exporter::telemetry::log::tests\n");
    }

    #[test]
    fn values_are_quoted_when_a_reader_needs_it() {
        for (value, written) in [
            ("plain", "k=plain"),
            ("don't", "k=don't"),
            (r"a\b", r"k=a\b"),
            ("été", "k=été"),
            ("", "k=\"\""),
            ("a b", "k=\"a b\""),
            ("a=b", "k=\"a=b\""),
            ("say \"don't\"", r#"k="say \"don't\"""#),
            ("a\u{7f}\u{9b}b", r#"k="a\u007f\u009bb""#),
            ("a\\ b\r\n\t", r#"k="a\\ b\r\n\t""#),
        ] {
            let mut line = Line { format: LogFormat::Logfmt, text: String::new() };
            line.text("k", value);
            assert_eq!(line.finish(), written);
        }
    }
}
