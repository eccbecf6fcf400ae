//! Pages for people: what is wrong now, what the causes mean. Written here, shown without script; all that comes from
//! records or files goes through maud, which escapes it.

mod causes;
mod chart;
mod overview;
mod runbook;

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use causes::{catalogue, cause};
pub use overview::overview;

const STYLE: &str = include_str!("page/style.css");

/// What a browser may do for our pages: show them, with [`STYLE`], send their forms here, and nothing else. The hash is
/// that of `STYLE`.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'sha256-8BCUDVfojNX+IRNI7tjhT1ORhpaRMTLGW88rMnATmOI='; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// How to get from a page to the others, relative to it: so links hold behind a proxy that serves this under a path of
/// its own.
#[derive(Debug, Clone, Copy)]
pub struct Links<'a> {
    /// Leads to the page at `/`.
    pub root: &'a str,
    /// The path of the metrics, without its first `/`.
    pub metrics: &'a str,
}

impl Links<'_> {
    /// The page of a cause.
    fn cause(&self, codes: crate::call::CodePair) -> String {
        let sip = codes.sip.map(|code| code.to_string()).unwrap_or_default();
        format!("{}causes/{}-{sip}", self.root, codes.microsoft_label())
    }
}

/// A whole page.
fn page(title: &str, links: Links<'_>, body: &Markup) -> String {
    let Links { root, metrics } = links;
    let home = if root.is_empty() { "./" } else { root };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " - CDR exporter" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p { "CDR exporter" }
                    nav aria-label="Pages" {
                        a href=(home) { "Overview" }
                        a href={ (root) "causes" } { "Causes" }
                        a href={ (root) (metrics) } { "Metrics" }
                        a href={ (root) "-/ready" } { "Ready?" }
                        a href={ (root) "-/files" } { "Files (JSON)" }
                        a href={ (root) "api/v1/status" } { "Status (JSON)" }
                        a href={ (root) "api/v1/findings" } { "Findings (JSON)" }
                    }
                }
                main { (body) }
                footer { p { "cdr-exporter " (env!("CARGO_PKG_VERSION")) ". Times are UTC. Counts are as of the last commit; load the page again for newer ones." } }
            }
        }
    };
    page.into_string()
}

/// A time as `2026-11-28 14:05`, from RFC 3339.
fn time(rfc3339: &str) -> String {
    match rfc3339.parse::<Timestamp>() {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => rfc3339.to_owned(),
    }
}

/// How long a time was ago.
fn ago(rfc3339: &str, now: &str) -> String {
    let second = |text: &str| text.parse::<Timestamp>().map(Timestamp::as_second);
    let (Ok(at), Ok(now)) = (second(rfc3339), second(now)) else { return String::new() };
    match now - at {
        ..0 => "ahead of this clock".to_owned(),
        seconds => format!("{} ago", length(seconds)),
    }
}

/// A number of seconds as people say it.
fn length(seconds: i64) -> String {
    let (number, unit) = match seconds {
        ..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// A trunk, or that there is none.
fn trunk(name: &str) -> &str {
    if name.is_empty() { "(no trunk in the record)" } else { name }
}

#[cfg(test)]
mod tests;
