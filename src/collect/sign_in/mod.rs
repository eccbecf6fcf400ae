//! From a credential to a token that Graph takes. Tokens live in memory, and secrets are read anew each time.

mod assertion;
mod managed;

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tracing::warn;

use self::managed::Environment;
use super::fault::{self, Fault, Reason};
use super::http::{Answer, Client};
use super::now;
use super::options::{Credential, Options};
use crate::small_file;

/// A token is renewed when so little is left of it.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);

/// No token lasts longer, whatever an answer says: Entra's longest end after a day or so.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A token for Graph.
#[derive(Clone)]
pub struct Token {
    value: String,
    /// By the clock that nobody sets.
    ends: Instant,
    lasts: Duration,
    /// In milliseconds since 1970.
    pub ends_at: i64,
}

impl Token {
    fn new(value: String, lasts: Duration) -> Self {
        let ends_at = now() + i64::try_from(lasts.as_millis()).unwrap_or(0);
        Self { value, ends: Instant::now() + lasts, lasts, ends_at }
    }

    /// Whether it can be used for a while yet. Of a short one, half must be left.
    pub fn is_fresh(&self) -> bool {
        self.ends.saturating_duration_since(Instant::now()) > RENEW_BEFORE.min(self.lasts / 2)
    }

    /// The header that carries it.
    pub fn header(&self) -> String {
        format!("Bearer {}", self.value)
    }
}

/// Signs in with this credential.
///
/// # Errors
/// Why there is no token.
pub fn sign_in(options: &Options, client: &Client) -> Result<Token, Fault> {
    let scope = format!("{}/.default", options.graph_url);
    let url = token_url(options);
    let ask = |proof: &[(&str, &str)]| {
        let about =
            [("grant_type", "client_credentials"), ("client_id", &*options.client_id), ("scope", &*scope)];
        client.post(&url, &[&about[..], proof].concat())
    };
    let assert = |assertion: &str| {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        ask(&[("client_assertion_type", kind), ("client_assertion", assertion)])
    };
    let answer = match &options.credential {
        Credential::Secret { file, .. } => {
            warn_if_open(file);
            ask(&[("client_secret", &secret(file)?)])?
        }
        Credential::Certificate { certificate_file, private_key_file } => {
            warn_if_open(private_key_file);
            assert(&assertion::signed(certificate_file, private_key_file, &options.client_id, &url)?)?
        }
        // Kubernetes writes it as it sees fit, and it lasts for an hour.
        Credential::Federated { token_file } => assert(&secret(token_file)?)?,
        Credential::ManagedIdentity => managed::ask(options, &Environment::of_process())?,
    };
    token(&answer, &options.credential)
}

/// When the credential itself ends, in milliseconds since 1970, as far as that is known.
pub fn credential_ends_at(credential: &Credential) -> Option<i64> {
    match credential {
        Credential::Secret { ends, .. } => *ends,
        Credential::Certificate { certificate_file, .. } => assertion::ends_at(certificate_file).ok(),
        Credential::Federated { .. } | Credential::ManagedIdentity => None,
    }
}

fn token_url(options: &Options) -> String {
    format!("{}/{}/oauth2/v2.0/token", options.login_url, options.tenant)
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// Seconds; managed identities write them as text, and may leave them out for `expires_on`.
    expires_in: Option<Seconds>,
    expires_on: Option<Seconds>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(i64),
    Text(String),
}

impl Seconds {
    fn value(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

/// The token of an answer.
fn token(answer: &Answer, credential: &Credential) -> Result<Token, Fault> {
    if answer.status == 200
        && let Ok(granted) = serde_json::from_slice::<Granted>(&answer.body)
    {
        if !granted.access_token.bytes().all(|byte| byte.is_ascii_graphic())
            || granted.access_token.is_empty()
        {
            let message =
                "the sign-in was answered with a token that no request can carry; is `login_url` right?";
            return Err(Fault { status: "unreadable".to_owned(), ..Fault::new(Reason::Answer, message) });
        }
        let lasts = granted.expires_in.as_ref().and_then(Seconds::value);
        let until =
            granted.expires_on.as_ref().and_then(Seconds::value).map(|at| at.saturating_sub(now() / 1000));
        let lasts = lasts.or(until).and_then(|seconds| u64::try_from(seconds).ok());
        let lasts = Duration::from_secs(lasts.unwrap_or(60)).min(LONGEST);
        return Ok(Token::new(granted.access_token, lasts));
    }
    Err(refused(answer, credential))
}

fn refused(answer: &Answer, credential: &Credential) -> Fault {
    let status = answer.status;
    let (reason, message) = match (status, fault::said(&answer.body)) {
        (429, _) => (Reason::Throttled, "Entra is asked too often".to_owned()),
        (500.., _) => (Reason::Server, format!("Entra cannot answer now (HTTP {status})")),
        // Azure's own service knows nothing of Entra's codes.
        (_, Some((code, message))) if *credential == Credential::ManagedIdentity => (
            Reason::SignIn,
            format!(
                "Azure's metadata service gives no token: {code}: {message}; assign a managed identity to this machine, or correct `client_id`"
            ),
        ),
        (_, Some((code, message))) => {
            let remedy = fault::remedy_of_sign_in(&message);
            (
                Reason::SignIn,
                format!("Entra refuses the sign-in: {code}: {message}; {remedy}{}", answer.clock()),
            )
        }
        (_, None) => {
            let what = if answer.is_html() { "a web page" } else { "something that is no JSON of Entra" };
            let hint = "a proxy may have answered in its place, or `login_url` is wrong";
            (Reason::Answer, format!("the sign-in was answered with {what} (HTTP {status}); {hint}"))
        }
    };
    Fault { reason, message, wait: answer.wait, status: status.to_string() }
}

/// What a file with a secret holds.
fn secret(file: &Path) -> Result<String, Fault> {
    match small_file::read_text(file).map_err(|error| unreadable(file, &error))? {
        text if text.is_empty() => Err(unusable(file, &"it is empty")),
        text if text.contains(|c: char| c.is_whitespace() || c.is_control()) => Err(unusable(
            file,
            &"it has several lines or words: only the value itself belongs into it, on one line",
        )),
        text => Ok(text),
    }
}

fn unreadable(file: &Path, error: &io::Error) -> Fault {
    let is_kept_from_us = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied);
    let advice =
        if is_kept_from_us { "; the user that cdr-exporter runs as must be able to read it" } else { "" };
    unusable(file, &format_args!("{error}{advice}"))
}

fn unusable(file: &Path, what: &dyn std::fmt::Display) -> Fault {
    Fault::new(Reason::SignIn, format!("{}: {what}", file.display()))
}

/// A secret that others may read is none; that one who may write it could swap it is no better.
fn warn_if_open(file: &Path) {
    let Ok(metadata) = fs::metadata(file) else { return };
    let mode = metadata.mode() & 0o777;
    if mode & 0o027 != 0 {
        warn!(
            file = %file.display(),
            mode = %format_args!("{mode:03o}"),
            "a secret that others may read or change: set its mode to 600"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_said_of_the_service_that_was_asked() {
        let body = br#"{"error":"invalid_request","error_description":"Identity not found"}"#.to_vec();
        let answer = Answer { status: 400, body, wait: None, ahead: None };
        let said = |credential: &Credential| refused(&answer, credential).message;
        let machine = said(&Credential::ManagedIdentity);
        assert!(
            machine
                .starts_with("Azure's metadata service gives no token: invalid_request: Identity not found"),
            "{machine}"
        );
        assert!(!machine.contains("Entra"), "{machine}");
        let token = said(&Credential::Federated { token_file: "x".into() });
        assert!(
            token.starts_with("Entra refuses the sign-in: invalid_request: Identity not found"),
            "{token}"
        );
    }
}
