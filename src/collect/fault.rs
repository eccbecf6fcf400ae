//! What went wrong, in words: Microsoft's own code and message, and what to do about it.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::readable::readable;

pub use crate::telemetry::collect::Reason;

impl Reason {
    /// Whether to ask the same again soon may help.
    pub fn may_pass(self) -> bool {
        match self {
            Self::Throttled | Self::Unreachable | Self::Server | Self::Answer => true,
            Self::SignIn | Self::Permission | Self::Storage => false,
        }
    }

    /// Whether another day may be answered all the same.
    pub fn is_of_one_day(self) -> bool {
        matches!(self, Self::Server | Self::Answer)
    }
}

/// One fault, ready to be read by a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub reason: Reason,
    pub message: String,
    /// How long the server asked to be left alone.
    pub wait: Option<Duration>,
    /// The HTTP status of the answer, or in a word why there was none: the label `status`.
    pub status: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Fault {
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), wait: None, status: String::new() }
    }
}

/// What is longer is no error of Microsoft's, in bytes.
const LONGEST_ERROR: usize = 64 * 1024;

/// What Microsoft says of an error: its code and its message. Entra and Graph each have their form.
pub fn said(body: &[u8]) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Graph {
        code: Option<String>,
        message: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Error {
        Graph(Graph),
        Entra(String),
    }
    #[derive(Deserialize)]
    struct Body {
        error: Error,
        error_description: Option<String>,
    }
    if body.len() > LONGEST_ERROR {
        return None;
    }
    let body: Body = serde_json::from_slice(body).ok()?;
    let (code, message) = match body.error {
        Error::Graph(graph) => (graph.code.unwrap_or_default(), graph.message.unwrap_or_default()),
        Error::Entra(code) => (code, body.error_description.unwrap_or_default()),
    };
    Some((readable(&code, 60), readable(&message, 400)))
}

/// What Entra's error numbers ask for.
const ENTRA: [(&str, &str); 14] = [
    ("AADSTS7000215", "the file must hold the secret's value, which Entra shows once, and not its id"),
    ("AADSTS7000222", "the secret has ended: make a new one in Entra and put it into the file"),
    (
        "AADSTS700016",
        "`client_id` is not of this tenant: compare both with the application's overview page in Entra",
    ),
    ("AADSTS90002", "there is no such tenant: compare `tenant` and `cloud` with Entra's overview page"),
    ("AADSTS900023", "`tenant` is neither a domain nor an id of a tenant"),
    (
        "AADSTS700027",
        "upload this certificate to the application in Entra, and see that the private key belongs to it",
    ),
    ("AADSTS700024", "the signed assertion is out of its time: set this machine's clock"),
    (
        "AADSTS700021",
        "no federated credential of the application fits this token: compare issuer, subject and audience",
    ),
    ("AADSTS700211", "no federated credential of the application has this token's issuer"),
    ("AADSTS700213", "no federated credential of the application has this token's subject"),
    ("AADSTS7000112", "the application is disabled: enable it under Enterprise applications in Entra"),
    (
        "AADSTS7000229",
        "the application has no service principal in this tenant: have an administrator consent to it",
    ),
    (
        "AADSTS53003",
        "a Conditional Access policy blocks it: exempt the application or this machine's address",
    ),
    ("AADSTS500011", "Graph is not known in this cloud: is `cloud` right?"),
];

/// What to do about an answer of Entra.
pub fn remedy_of_sign_in(message: &str) -> &'static str {
    let number = message.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| word.starts_with("AADSTS"));
    let known = ENTRA.into_iter().find(|(known, _)| number == Some(*known));
    known.map_or("look the code up at https://login.microsoftonline.com/error", |(_, remedy)| remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_errors_are_read() {
        for (body, expected) in [
            (
                r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret.\r\nTrace ID: t","error_codes":[7000215]}"#,
                Some(("invalid_client", "AADSTS7000215: Invalid client secret. Trace ID: t")),
            ),
            (r#"{"error":{"code":"Forbidden","message":"","innerError":{}}}"#, Some(("Forbidden", ""))),
            (
                r#"{"error":{"code":"X","message":"user.one@contoso.com +14255550100 a+b"}}"#,
                Some(("X", "(hidden) (hidden) a+b")),
            ),
            ("<html>", None),
            ("{}", None),
        ] {
            let said = said(body.as_bytes());
            assert_eq!(said.as_ref().map(|(code, message)| (&**code, &**message)), expected, "{body}");
        }
    }

    #[test]
    fn errors_of_entra_have_remedies_by_their_whole_number() {
        assert!(
            remedy_of_sign_in("AADSTS7000222: The provided client secret keys are expired.")
                .contains("a new one")
        );
        assert!(remedy_of_sign_in("AADSTS70002: x").contains("look the code up"));
        assert!(remedy_of_sign_in("x").contains("look the code up"));
    }
}
