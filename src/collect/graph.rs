//! `getDirectRoutingCalls`, page by page: with a token, at the allowed pace, asked again while that may help.

use std::time::Duration;

use serde::Deserialize;
use tracing::{debug, warn};

use super::day::Day;
use super::fault::{self, Fault, Reason};
use super::http::{Answer, Client, host};
use super::inbox::{Inbox, Interrupted};
use super::options::Options;
use super::pace::Pace;
use super::readable::readable;
use super::row::{Row, Rows};
use super::sign_in::{self, Token};
use crate::telemetry::OfSource;

/// How often one page is asked for before it is given up until the next time.
const ATTEMPTS: u32 = 8;
/// No pause between two of these is longer, unless the server asks for it.
const MAX_PAUSE: Duration = Duration::from_secs(5 * 60);

/// Microsoft's two names for the permission: its pages have named either as the least one.
const PERMISSIONS: &str = "`CallRecord-PstnCalls.Read.All` or `CallRecords.Read.All`";

/// Why something was not done.
#[derive(Debug)]
pub enum Stopped {
    /// An order waits in the inbox.
    Interrupted,
    Fault(Fault),
}

impl From<Interrupted> for Stopped {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Asks Graph.
#[derive(Debug)]
pub struct Graph {
    options: Options,
    client: Client,
    pace: Pace,
    token: Option<Token>,
    metrics: OfSource,
    /// Whether it was said that the clocks differ.
    clock_said: bool,
}

/// A token is not for anyone's eyes.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

/// One page, cut down.
#[derive(Debug)]
pub struct Page {
    pub rows: Vec<Row>,
    /// Elements that are no rows.
    pub odd: usize,
    /// Where the next one is.
    pub next: Option<String>,
}

#[derive(Deserialize)]
struct Body {
    value: Rows,
    #[serde(rename = "@odata.nextLink", alias = "@odata.NextLink")]
    next: Option<String>,
}

impl Graph {
    /// # Errors
    /// When `ca_file` cannot be used.
    pub fn new(options: &Options, pace: Pace, metrics: OfSource) -> Result<Self, Fault> {
        let client = Client::new(options.ca_file.as_deref(), options.times.request_timeout())?;
        Ok(Self { options: options.clone(), client, pace, token: None, metrics, clock_said: false })
    }

    /// Where the first page of a day is.
    pub fn first_page(&self, day: Day) -> String {
        let days = format!("fromDateTime={day},toDateTime={}", day.next());
        format!("{}/v1.0/communications/callRecords/getDirectRoutingCalls({days})", self.options.graph_url)
    }

    /// One page, asked for until it comes or that is hopeless.
    ///
    /// # Errors
    /// An order, or what went wrong the last time.
    pub fn page(&mut self, url: &str, inbox: &mut Inbox) -> Result<Page, Stopped> {
        let mut was_refused = false;
        for attempt in 1.. {
            let fault = match self.page_once(url, inbox) {
                Ok(page) => return Ok(page),
                Err(Stopped::Fault(fault)) => fault,
                Err(Stopped::Interrupted) => return Err(Stopped::Interrupted),
            };
            // A token that ended or was withdrawn: one new one may be tried at once.
            if fault.status == "401" && self.token.take().is_some() && !was_refused {
                was_refused = true;
                continue;
            }
            if !fault.reason.may_pass() || attempt >= ATTEMPTS {
                return Err(fault.into());
            }
            let pause = fault.wait.unwrap_or_default().max(self.pause(attempt));
            if pause > MAX_PAUSE {
                // As long as that nobody should have to guess why nothing comes.
                warn!(source = %self.options.source, ?pause, "waiting as long as Microsoft says: {fault}");
                self.metrics.failing(Some(fault.reason));
            }
            debug!(source = %self.options.source, fault = %fault, ?pause, "asking Microsoft again");
            self.metrics.retried();
            inbox.pause(pause)?;
        }
        Err(Stopped::Interrupted)
    }

    /// Signs in unless there is a token that lasts.
    fn sign_in(&mut self) -> Result<&Token, Fault> {
        if let Some(token) = self.token.take_if(|token| token.is_fresh()) {
            return Ok(self.token.insert(token));
        }
        if let Some(ends) = sign_in::credential_ends_at(&self.options.credential) {
            self.metrics.credential_ends(ends);
        }
        let signed_in = sign_in::sign_in(&self.options, &self.client);
        let status = signed_in.as_ref().map_or_else(|fault| fault.status.as_str(), |_| "200");
        if !status.is_empty() {
            self.metrics.requested("sign_in", status);
        }
        let token = signed_in?;
        self.metrics.token_ends(token.ends_at);
        Ok(self.token.insert(token))
    }

    /// One page, asked for once.
    ///
    /// # Errors
    /// An order, or what went wrong.
    pub fn page_once(&mut self, url: &str, inbox: &mut Inbox) -> Result<Page, Stopped> {
        let authorization = self.sign_in()?.header();
        self.pace.next(inbox)?;
        let headers =
            [("Authorization", &*authorization), ("Accept", "application/json;odata.metadata=minimal")];
        let answer = self.client.get(url, &headers);
        if let Ok(answer) = &answer
            && answer.ahead.is_some() != self.clock_said
        {
            self.clock_said = answer.ahead.is_some();
            if self.clock_said {
                warn!(source = %self.options.source, "the clocks differ{}", answer.clock());
            }
        }
        let page = answer.and_then(|answer| self.page_of(&answer));
        let status = page.as_ref().map_or_else(|fault| fault.status.as_str(), |_| "200");
        self.metrics.requested("calls", status);
        Ok(page?)
    }

    fn page_of(&self, answer: &Answer) -> Result<Page, Fault> {
        if answer.status != 200 {
            return Err(self.refused(answer));
        }
        let strange = |what: &str| Fault {
            status: "unreadable".to_owned(),
            ..Fault::new(Reason::Answer, format!("{} answered with {what}", host(&self.options.graph_url)))
        };
        if answer.is_html() {
            return Err(strange("a web page in place of records; a proxy may have answered in its place"));
        }
        let body = read(&answer.body).map_err(|error| {
            strange(&format!("what is no page of records, or breaks off ({})", kind_of(&error)))
        })?;
        if let Some(next) = &body.next
            && !is_below(next, &self.options.graph_url)
        {
            let place = readable(host(next), 80);
            return Err(strange(&format!("a link to another host ({place}), which is not followed")));
        }
        Ok(Page { rows: body.value.rows, odd: body.value.odd, next: body.next })
    }

    fn refused(&self, answer: &Answer) -> Fault {
        let (status, host) = (answer.status, host(&self.options.graph_url));
        let said = fault::said(&answer.body).map(|(code, message)| match message.as_str() {
            "" => code,
            message => format!("{code}: {message}"),
        });
        let said = said.map_or_else(|| format!("HTTP {status}"), |said| format!("HTTP {status}, {said}"));
        let (reason, advice) = match status {
            401 => (
                Reason::SignIn,
                format!("refuses the token; are `cloud` and `tenant` right?{}", answer.clock()),
            ),
            403 => (
                Reason::Permission,
                format!(
                    "does not let this application read call records: give it the application permission {PERMISSIONS} \
                     in Entra, and have an administrator consent"
                ),
            ),
            404 => (Reason::Permission, "knows no such call; is `cloud` or `graph_url` right?".to_owned()),
            429 => (
                Reason::Throttled,
                "is asked too often; does something else use this application?".to_owned(),
            ),
            408 | 500.. => (Reason::Server, "cannot answer now".to_owned()),
            300..=399 => {
                (Reason::Answer, "points elsewhere, which is not followed; is `graph_url` right?".to_owned())
            }
            _ => (Reason::Answer, "does not take the request".to_owned()),
        };
        let message = format!("{host} {advice} ({said})");
        Fault { reason, message, wait: answer.wait, status: status.to_string() }
    }

    /// Twice as long each time, and never as long as another's.
    fn pause(&self, attempt: u32) -> Duration {
        let pause = self.options.times.first_pause() * 2_u32.saturating_pow(attempt - 1);
        pause.min(MAX_PAUSE).mul_f64(0.5 + fastrand::f64())
    }
}

/// A page, whatever its texts hold: bytes that are no UTF-8, and control characters that JSON wants escaped, stop none.
fn read(body: &[u8]) -> serde_json::Result<Body> {
    let text = String::from_utf8_lossy(body);
    serde_json::from_str(&text).or_else(|error| {
        // Outside of texts a blank is as good as a line end.
        let blank = text.replace(|c: char| c.is_ascii_control(), " ");
        serde_json::from_str(&blank).map_err(|_| error)
    })
}

/// Whether a link leads to the host that was asked, by the same scheme.
fn is_below(link: &str, url: &str) -> bool {
    let begin = format!("{url}/");
    link.get(..begin.len()).is_some_and(|start| start.eq_ignore_ascii_case(&begin))
}

/// serde_json quotes what it does not understand; that may be a name.
fn kind_of(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_at_their_host() {
        let url = "https://graph.microsoft.com";
        for (link, expected) in [
            ("https://graph.microsoft.com/v1.0/x?$skip=1000", true),
            ("https://GRAPH.microsoft.com/v1.0/x", true),
            ("https://graph.microsoft.com.example.com/v1.0/x", false),
            ("https://graph.microsoft.com@example.com/v1.0/x", false),
            ("https://graph.microsoft.com:444/x", false),
            ("http://graph.microsoft.com/x", false),
            ("/v1.0/x", false),
        ] {
            assert_eq!(is_below(link, url), expected, "{link}");
        }
    }
}
