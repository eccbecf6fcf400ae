//! The web config as it is written: the keys of exporter-toolkit, unknown ones refused.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    pub tls_server_config: Option<Spanned<Tls>>,
    pub http_server_config: Option<Http>,
    pub basic_auth_users: Option<BTreeMap<String, Spanned<String>>>,
    pub rate_limit: Option<Rate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    pub cert: Option<Spanned<String>>,
    pub cert_file: Option<Spanned<String>>,
    pub key: Option<Spanned<String>>,
    pub key_file: Option<Spanned<String>>,
    pub client_ca: Option<Spanned<String>>,
    pub client_ca_file: Option<Spanned<String>>,
    pub client_auth_type: Option<Spanned<String>>,
    pub client_allowed_sans: Option<Vec<String>>,
    pub min_version: Option<Spanned<String>>,
    pub max_version: Option<Spanned<String>>,
    pub cipher_suites: Option<Spanned<Vec<Spanned<String>>>>,
    pub prefer_server_cipher_suites: Option<bool>,
    pub curve_preferences: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    pub http2: Option<bool>,
    pub headers: Option<BTreeMap<String, Spanned<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rate {
    pub interval: Option<Spanned<String>>,
    pub burst: Option<Spanned<u32>>,
}
