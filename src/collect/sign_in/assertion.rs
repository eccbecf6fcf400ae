//! The assertion that a certificate signs in with: a JSON Web Token signed by RSA-PSS (PS256), as Entra asks for it.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use ring::rsa::KeyPair;
use ring::signature::RSA_PSS_SHA256;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::{unreadable, unusable};
use crate::collect::fault::Fault;
use crate::collect::now;
use crate::small_file;

/// Entra advises five to ten minutes.
const LASTS: Duration = Duration::from_secs(5 * 60);

/// A new assertion of this application for this address.
///
/// # Errors
/// When one of the files cannot be used.
pub fn signed(certificate: &Path, key: &Path, client_id: &str, audience: &str) -> Result<String, Fault> {
    let thumbprint = digest(&SHA256, &first_certificate(certificate)?);
    let key_pair = key_pair(key)?;
    let random = SystemRandom::new();
    let mut id = [0; 16];
    random.fill(&mut id).map_err(|_| unusable(key, &"the system has no random numbers"))?;

    let header = serde_json::json!({
        "alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(thumbprint),
    });
    let begin = now() / 1000;
    let claims = serde_json::json!({
        "aud": audience, "iss": client_id, "sub": client_id, "jti": URL_SAFE_NO_PAD.encode(id),
        "iat": begin, "nbf": begin, "exp": begin + LASTS.as_secs().cast_signed(),
    });
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let message = format!("{header}.{claims}");
    let mut signature = vec![0; key_pair.public().modulus_len()];
    key_pair
        .sign(&RSA_PSS_SHA256, &random, message.as_bytes(), &mut signature)
        .map_err(|_| unusable(key, &"it cannot sign"))?;
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// When a certificate ends, in milliseconds since 1970.
///
/// # Errors
/// When the file cannot be used.
pub fn ends_at(file: &Path) -> Result<i64, Fault> {
    let der = first_certificate(file)?;
    let certificate = Certificate::from_der(&der).map_err(|error| unusable(file, &error))?;
    let ends = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    Ok(i64::try_from(ends.as_millis()).unwrap_or(i64::MAX))
}

fn first_certificate(file: &Path) -> Result<CertificateDer<'static>, Fault> {
    let pem = small_file::read(file).map_err(|error| unreadable(file, &error))?;
    CertificateDer::from_pem_slice(&pem).map_err(|_| unusable(file, &not_pem("CERTIFICATE")))
}

fn key_pair(file: &Path) -> Result<KeyPair, Fault> {
    let pem = small_file::read(file).map_err(|error| unreadable(file, &error))?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| unusable(file, &not_pem("PRIVATE KEY")))?;
    match &key {
        PrivateKeyDer::Pkcs8(key) => KeyPair::from_pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(key) => KeyPair::from_der(key.secret_pkcs1_der()),
        _ => return Err(unusable(file, &"it is no RSA key, and Entra takes no other")),
    }
    .map_err(|error| unusable(file, &format!("it is no RSA key of 2048 to 4096 bits ({error})")))
}

fn not_pem(what: &str) -> String {
    format!("it has no PEM section `{what}`, or one with a password")
}
