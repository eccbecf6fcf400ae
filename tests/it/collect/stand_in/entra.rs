//! Entra's part: takes secrets, signed assertions, federated tokens and managed identities, and refuses what Entra
//! refuses, with its words.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::World;
use super::server::{Answer, Request};
use crate::tools::{find, succeed};

pub const TENANT: &str = "contoso.example.com";
pub const CLIENT: &str = "00000000-0000-4000-8000-000000000001";

/// Who is known, and how they prove it.
pub struct Entra {
    pub url: String,
    pub secret: String,
    /// Whether the secret has ended.
    pub secret_ended: bool,
    pub federated: String,
    /// The certificate that was uploaded.
    pub certificate: Option<Vec<u8>>,
    pub lasts: Duration,
    /// Tokens given out.
    pub granted: u32,
    /// Ids of assertions: none may come twice.
    assertions: HashSet<String>,
}

impl Entra {
    pub fn new() -> Self {
        Self {
            url: String::new(),
            secret: format!("secret~{:016x}", fastrand::u64(..)),
            secret_ended: false,
            federated: "header.federated-token.signature".to_owned(),
            certificate: None,
            lasts: Duration::from_secs(3600),
            granted: 0,
            assertions: HashSet::new(),
        }
    }
}

/// A key and a self-signed certificate, made as docs/collecting.md says.
pub fn make_certificate(folder: &Path) {
    find("openssl", "openssl");
    let page = include_str!("../../../../docs/collecting.md");
    let command =
        page.lines().find(|line| line.starts_with("openssl req -x509")).expect("the command of the page");
    succeed(Command::new("sh").arg("-c").arg(command).current_dir(folder));
}

/// As Entra writes an error.
fn refusal(status: u16, error: &str, number: u32, text: &str) -> Answer {
    let message = format!(
        "AADSTS{number}: {text} Trace ID: {:x} Correlation ID: {:x}",
        fastrand::u64(..),
        fastrand::u64(..)
    );
    Answer::json(status, json!({"error": error, "error_description": message, "error_codes": [number]}))
}

impl World {
    /// The answer to whoever wants a token.
    pub fn token(&mut self, request: &Request) -> Answer {
        let path = &*request.path;
        if path.starts_with("/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https") {
            return match request.header("metadata") {
                Some("true") => self.managed(true),
                _ => Answer::json(
                    400,
                    json!({"error": "bad_request_102", "error_description": "Required metadata header not specified"}),
                ),
            };
        }
        if path.starts_with("/app-service?api-version=2019-08-01&resource=https") {
            return match request.header("x-identity-header") {
                Some("header-of-app-service") => self.managed(false),
                _ => Answer::json(401, json!({"error": "unauthorized", "error_description": "no header"})),
            };
        }
        if path != format!("/{TENANT}/oauth2/v2.0/token") {
            return refusal(400, "invalid_request", 90002, "Tenant not found.");
        }
        let field = |name| request.field(name).unwrap_or_default();
        if field("client_id") != CLIENT {
            return refusal(
                400,
                "unauthorized_client",
                700_016,
                "Application was not found in the directory.",
            );
        }
        if field("grant_type") != "client_credentials"
            || field("scope") != format!("{}/.default", self.entra.url)
        {
            return refusal(400, "invalid_scope", 1_002_012, "The scope is not valid.");
        }
        if let Some(secret) = request.field("client_secret") {
            return match secret == self.entra.secret {
                _ if self.entra.secret_ended => {
                    refusal(401, "invalid_client", 7_000_222, "The provided client secret keys are expired.")
                }
                false => refusal(401, "invalid_client", 7_000_215, "Invalid client secret provided."),
                true => self.granted_answer(),
            };
        }
        if field("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
            return refusal(
                401,
                "invalid_client",
                7_000_218,
                "The request body must contain client_assertion or client_secret.",
            );
        }
        let assertion = field("client_assertion");
        if assertion == self.entra.federated {
            return self.granted_answer();
        }
        match self.check(&assertion) {
            Ok(()) => self.granted_answer(),
            Err((number, text)) => refusal(401, "invalid_client", number, text),
        }
    }

    /// Checks a signed assertion by the certificate that was uploaded.
    fn check(&mut self, assertion: &str) -> Result<(), (u32, &'static str)> {
        let invalid = (50_027, "JWT token is invalid or malformed.");
        let unknown =
            (700_027, "The certificate used to sign the client assertion is not registered on application.");
        let parts: Vec<&str> = assertion.split('.').collect();
        let &[header, claims, signature] = parts.as_slice() else { return Err(invalid) };
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let json =
            |part| decode(part).and_then(|text| serde_json::from_slice::<Value>(&text).ok()).ok_or(invalid);
        let der = self.entra.certificate.clone().ok_or(unknown)?;
        let (header, values) = (json(header)?, json(claims)?);
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &der));
        if header["alg"] != "PS256" || header["typ"] != "JWT" || header["x5t#S256"] != thumbprint {
            return Err(unknown);
        }
        let certificate = Certificate::from_der(&der).unwrap();
        let key = certificate.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
        let message = assertion.rsplit_once('.').unwrap().0;
        let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key);
        key.verify(message.as_bytes(), &decode(signature).ok_or(invalid)?).map_err(|_| unknown)?;

        let now = jiff::Timestamp::now().as_second() + self.clock;
        let [from, until] = ["nbf", "exp"].map(|claim| values[claim].as_i64().unwrap_or(0));
        if from > now + 300 || until < now - 300 || until - from > 600 {
            return Err((700_024, "Client assertion is not within its valid time range."));
        }
        let audience = format!("{}/{TENANT}/oauth2/v2.0/token", self.entra.url);
        let is_right = values["aud"] == audience && values["iss"] == CLIENT && values["sub"] == CLIENT;
        let is_new = values["jti"].as_str().is_some_and(|id| self.entra.assertions.insert(id.to_owned()));
        if is_right && is_new { Ok(()) } else { Err(invalid) }
    }

    fn granted_answer(&mut self) -> Answer {
        let lasts = self.entra.lasts;
        self.entra.granted += 1;
        let token = self.grant(lasts);
        Answer::ok(json!({"token_type": "Bearer", "expires_in": lasts.as_secs(), "access_token": token}))
    }

    /// A machine is told how long, an app until when; both as text.
    fn managed(&mut self, is_machine: bool) -> Answer {
        let lasts = self.entra.lasts;
        self.entra.granted += 1;
        let token = self.grant(lasts);
        let until = jiff::Timestamp::now().as_second() + lasts.as_secs().cast_signed();
        let mut answer =
            json!({"token_type": "Bearer", "access_token": token, "expires_on": until.to_string()});
        if is_machine {
            answer["expires_in"] = lasts.as_secs().to_string().into();
        }
        Answer::ok(answer)
    }
}

/// The first certificate of a PEM file.
pub fn certificate(file: &Path) -> Vec<u8> {
    CertificateDer::from_pem_file(file).unwrap().to_vec()
}
