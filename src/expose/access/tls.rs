//! `tls_server_config`: certificate and key, what is asked of clients, versions, cipher suites and curves.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{ProtocolVersion, RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion};
use serde_saphyr::Spanned;

use super::check::{Checked, Wrong, at, read_text};
use super::clients::Clients;
use super::file;
use super::watched::Watched;
use crate::small_file;

/// What is written, if it asks for TLS at all. Notes which files it read, and what will not do what is meant.
pub fn server_config(
    written: &Spanned<file::Tls>,
    http2: bool,
    folder: &Path,
    files: &mut Watched,
    warnings: &mut Vec<String>,
) -> Checked<Option<ServerConfig>> {
    let tls = &written.value;
    let texts = [&tls.cert, &tls.key, &tls.client_ca, &tls.cert_file, &tls.key_file, &tls.client_ca_file];
    if texts.iter().all(|text| is_empty(text)) && is_empty(&tls.client_auth_type) {
        return Ok(None);
    }
    let mut read = Reader { folder, files };
    let missing = |keys: &str| at(written, format!("the certificate of the server is missing: {keys}"));
    let (chain_at, chain) =
        read.text("cert", &tls.cert, &tls.cert_file)?.ok_or_else(|| missing("give cert_file or cert"))?;
    let (key_at, key) =
        read.text("key", &tls.key, &tls.key_file)?.ok_or_else(|| missing("give key_file or key"))?;
    let client_ca = read.text("client_ca", &tls.client_ca, &tls.client_ca_file)?;

    let chain = certificates(chain_at, &chain)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|_| at(key_at, "there is no private key in it"))?;
    let provider = Arc::new(CryptoProvider {
        cipher_suites: cipher_suites(tls.cipher_suites.as_ref(), warnings)?,
        kx_groups: curves(tls.curve_preferences.as_ref(), warnings)?,
        ..ring::default_provider()
    });
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let config = config.with_protocol_versions(&versions(tls, warnings)?);
    let config = config.map_err(|error| {
        at(written, format!("these versions and cipher suites cannot go together: {error}"))
    })?;
    let config = match clients(written, client_ca, &provider)? {
        Some(clients) => config.with_client_cert_verifier(Arc::new(clients)),
        None => config.with_no_client_auth(),
    };
    let config = config.with_single_cert(chain, key);
    let mut config =
        config.map_err(|error| at(key_at, format!("certificate and key cannot be used: {error}")))?;
    config.ignore_client_order = tls.prefer_server_cipher_suites.unwrap_or(true);
    let protocols: &[&[u8]] = if http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Some(config))
}

fn is_empty(text: &Option<Spanned<String>>) -> bool {
    text.as_ref().is_none_or(|text| text.value.is_empty())
}

/// Texts that stand in the config or in a file beside it.
struct Reader<'a> {
    folder: &'a Path,
    files: &'a mut Watched,
}

impl Reader<'_> {
    /// The text, and the value to point at when it is wrong.
    fn text<'w>(
        &mut self,
        key: &str,
        inline: &'w Option<Spanned<String>>,
        file: &'w Option<Spanned<String>>,
    ) -> Checked<Option<(&'w Spanned<String>, String)>> {
        let given = |text: &'w Option<Spanned<String>>| text.as_ref().filter(|text| !text.value.is_empty());
        match (given(inline), given(file)) {
            (Some(_), Some(file)) => Err(at(file, format!("give {key} or {key}_file, not both"))),
            (Some(inline), None) => Ok(Some((inline, inline.value.clone()))),
            (None, Some(file)) => {
                let path = self.folder.join(&file.value);
                self.files.add(&path);
                let text = read_text(&path).map_err(|error| {
                    at(file, format!("{}: {}", path.display(), small_file::unreadable(&error)))
                })?;
                Ok(Some((file, text)))
            }
            (None, None) => Ok(None),
        }
    }
}

fn certificates(written: &Spanned<String>, pem: &str) -> Checked<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) | Err(_) => Err(at(written, "there is no certificate in it")),
    }
}

/// What of a client's certificate is demanded by what is written.
pub fn demands(tls: &file::Tls) -> impl Iterator<Item = &'static str> {
    let kind = tls.client_auth_type.as_ref().map_or("", |kind| &*kind.value);
    let of = [
        ("a certificate", kind.starts_with("Require")),
        ("one that is signed", kind.contains("Verify")),
        ("one with a name", tls.client_allowed_sans.is_some()),
    ];
    of.into_iter().filter_map(|(what, is_demanded)| is_demanded.then_some(what))
}

/// What is asked of clients; nothing by default.
fn clients(
    written: &Spanned<file::Tls>,
    client_ca: Option<(&Spanned<String>, String)>,
    provider: &Arc<CryptoProvider>,
) -> Checked<Option<Clients>> {
    let tls = &written.value;
    let kind = tls.client_auth_type.as_ref();
    let (asked, mandatory, verified) = match kind.map_or("", |kind| &*kind.value) {
        "" | "NoClientCert" => (false, false, false),
        "RequestClientCert" => (true, false, false),
        "RequireAnyClientCert" | "RequireClientCert" => (true, true, false),
        "VerifyClientCertIfGiven" => (true, false, true),
        "RequireAndVerifyClientCert" => (true, true, true),
        other => {
            let known = "NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, \
                         RequireAndVerifyClientCert";
            return Err(refer(kind, written, format!("`{other}` is no client_auth_type; there are {known}")));
        }
    };
    if tls.client_allowed_sans.is_some() && !mandatory {
        let advice = "client_allowed_sans needs client_auth_type RequireAnyClientCert or RequireAndVerifyClientCert: \
                      otherwise a client without a certificate comes in";
        return Err(refer(kind, written, advice.to_owned()));
    }
    let mut clients = Clients {
        mandatory,
        signed: None,
        known: Vec::new(),
        allowed_names: tls.client_allowed_sans.clone(),
        algorithms: provider.signature_verification_algorithms,
    };
    match client_ca {
        Some((ca, _)) if !asked => {
            Err(at(ca, "client_ca without a client_auth_type that asks for certificates"))
        }
        Some((ca, pem)) => {
            let known = certificates(ca, &pem)?;
            let mut roots = RootCertStore::empty();
            for certificate in &known {
                roots.add(certificate.clone()).map_err(|error| at(ca, format!("cannot be used: {error}")))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
            let verifier = verifier.build().map_err(|error| at(ca, format!("cannot be used: {error}")))?;
            if verified {
                (clients.signed, clients.known) = (Some(verifier), known);
            }
            Ok(Some(clients))
        }
        None if verified => {
            let advice = "needs client_ca_file or client_ca: whose signature is to be verified?";
            Err(refer(kind, written, format!("this client_auth_type {advice}")))
        }
        None => Ok(asked.then_some(clients)),
    }
}

fn refer(value: Option<&Spanned<String>>, block: &Spanned<file::Tls>, message: String) -> Wrong {
    value.map_or_else(|| at(block, message.clone()), |value| at(value, message.clone()))
}

/// The versions from the least to the greatest. Those before 1.2 are not spoken any more.
fn versions(tls: &file::Tls, warnings: &mut Vec<String>) -> Checked<Vec<&'static SupportedProtocolVersion>> {
    let (least, greatest) = (version(tls.min_version.as_ref())?, version(tls.max_version.as_ref())?);
    if let Some((written, 0 | 1)) = least {
        warnings.push(format!("min_version {}: the least that is spoken is TLS12", written.value));
    }
    let (from, to) = (least.map_or(2, |(_, version)| version), greatest.map_or(3, |(_, version)| version));
    let spoken = [(2, &TLS12), (3, &TLS13)].into_iter().filter(|(version, _)| (from..=to).contains(version));
    let spoken: Vec<_> = spoken.map(|(_, version)| version).collect();
    match greatest {
        Some((written, _)) if spoken.is_empty() => {
            Err(at(written, "no version is left; TLS12 and TLS13 are spoken"))
        }
        _ => Ok(spoken),
    }
}

/// A version that is written, as the digit behind its point.
fn version(written: Option<&Spanned<String>>) -> Checked<Option<(&Spanned<String>, u8)>> {
    let Some(written) = written else { return Ok(None) };
    match written.value.as_str() {
        "TLS10" => Ok(Some((written, 0))),
        "TLS11" => Ok(Some((written, 1))),
        "TLS12" => Ok(Some((written, 2))),
        "TLS13" => Ok(Some((written, 3))),
        other => Err(at(written, format!("`{other}` is no version; there are TLS12 and TLS13"))),
    }
}

/// Those of TLS 1.2 that are named, in their order; those of TLS 1.3 cannot be chosen.
fn cipher_suites(
    written: Option<&Spanned<Vec<Spanned<String>>>>,
    warnings: &mut Vec<String>,
) -> Checked<Vec<SupportedCipherSuite>> {
    let all = ring::ALL_CIPHER_SUITES.to_vec();
    let Some(written) = written.filter(|written| !written.value.is_empty()) else { return Ok(all) };
    let (tls13, tls12): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|suite| suite.version().version == ProtocolVersion::TLSv1_3);
    let mut chosen = tls13.clone();
    for name in &written.value {
        match tls12.iter().find(|suite| go_name(suite) == name.value) {
            Some(suite) => chosen.push(*suite),
            None if tls13.iter().any(|suite| go_name(suite) == name.value) => {}
            None if name.value.starts_with("TLS_") && name.value.contains("_CBC_")
                || name.value.starts_with("TLS_RSA_") =>
            {
                warnings.push(format!("the cipher suite {} is not spoken any more", name.value));
            }
            None => {
                let known: Vec<_> = tls12.iter().map(go_name).collect();
                let known = known.join(", ");
                return Err(at(name, format!("`{}` is no cipher suite; there are {known}", name.value)));
            }
        }
    }
    Ok(chosen)
}

/// As Go and the RFCs write it.
fn go_name(suite: &SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite()).replace("TLS13_", "TLS_")
}

fn curves(
    written: Option<&Spanned<Vec<Spanned<String>>>>,
    warnings: &mut Vec<String>,
) -> Checked<Vec<&'static dyn SupportedKxGroup>> {
    let Some(written) = written.filter(|written| !written.value.is_empty()) else {
        return Ok(ring::ALL_KX_GROUPS.to_vec());
    };
    let mut chosen = Vec::new();
    for name in &written.value {
        match name.value.as_str() {
            "X25519" => chosen.push(ring::kx_group::X25519),
            "CurveP256" => chosen.push(ring::kx_group::SECP256R1),
            "CurveP384" => chosen.push(ring::kx_group::SECP384R1),
            "CurveP521" => warnings.push("the curve CurveP521 is not spoken".to_owned()),
            other => {
                return Err(at(
                    name,
                    format!("`{other}` is no curve; there are X25519, CurveP256, CurveP384"),
                ));
            }
        }
    }
    if chosen.is_empty() {
        return Err(at(written, "no curve is left; there are X25519, CurveP256, CurveP384"));
    }
    Ok(chosen)
}
