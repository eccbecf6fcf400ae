//! `collect:` as it is written, and checked: what becomes a collector.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::errors::{Checked, ConfigError, at, unknown};
use super::units::{duration, interval};
use crate::collect::{Cloud, Credential, MAX_HISTORY, Options, Times};
use crate::format::correlation;
use crate::{shown, small_file};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULTS: Times = Times {
    every: Duration::from_secs(300),
    look_back: DAY.saturating_mul(2),
    history: DAY.saturating_mul(90),
    keep: DAY.saturating_mul(7),
};
/// Microsoft allows 50 of this collection in a minute. Two are left for whoever looks into it by hand.
const REQUESTS_PER_MINUTE: u32 = 48;
/// In case Microsoft allows more one day.
const MOST_REQUESTS_PER_MINUTE: u32 = 100_000;

/// One entry of `collect`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collect {
    pub name: Spanned<String>,
    pub tenant: Spanned<String>,
    pub client_id: Option<Spanned<String>>,
    pub client_secret_file: Option<Spanned<PathBuf>>,
    pub client_secret_ends: Option<Spanned<String>>,
    pub certificate_file: Option<Spanned<PathBuf>>,
    pub private_key_file: Option<Spanned<PathBuf>>,
    pub federated_token_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub managed_identity: bool,
    pub cloud: Option<Spanned<String>>,
    pub login_url: Option<Spanned<String>>,
    pub graph_url: Option<Spanned<String>>,
    pub ca_file: Option<Spanned<PathBuf>>,
    pub every: Option<Spanned<String>>,
    pub look_back: Option<Spanned<String>>,
    pub history: Option<Spanned<String>>,
    pub keep: Option<Spanned<String>>,
    pub requests_per_minute: Option<Spanned<u32>>,
}

/// The collectors of all entries, which keep their files under this storage path.
pub fn checked(entries: &[Collect], storage: &Path) -> Checked<Vec<Options>> {
    let mut names = HashSet::new();
    for entry in entries {
        if !names.insert(&entry.name.value) {
            return Err(at(&entry.name, format!("there are two entries named `{}`", entry.name.value)));
        }
    }
    entries.iter().map(|entry| options(entry, storage)).collect()
}

/// The folder that the files of a source are collected into.
fn spool(storage: &Path, source: &str) -> PathBuf {
    let storage = std::path::absolute(storage).unwrap_or_else(|_| storage.to_path_buf());
    storage.join("spool").join(source)
}

fn options(entry: &Collect, storage: &Path) -> Checked<Options> {
    let name = word(&entry.name, "a name, which is a folder's name too,", "-_.")?;
    if name.starts_with('.') {
        return Err(at(&entry.name, "a name, which is a folder's name too, cannot begin with a dot"));
    }
    let cloud = match &entry.cloud {
        Some(written) => Cloud::ALL
            .into_iter()
            .find(|cloud| cloud.name() == written.value)
            .ok_or_else(|| at(written, unknown("cloud", &written.value, &Cloud::ALL.map(Cloud::name))))?,
        None => Cloud::Global,
    };
    let credential = credential(entry)?;
    let client_id = match &entry.client_id {
        Some(written) => guid(written)?,
        None if credential == Credential::ManagedIdentity => String::new(),
        None => return Err(at(&entry.name, "the key `client_id` is missing: the application's id in Entra")),
    };
    Ok(Options {
        folder: spool(storage, &name),
        source: name,
        tenant: word(&entry.tenant, "a tenant", "-.")?,
        client_id,
        credential,
        login_url: url(entry.login_url.as_ref(), cloud.login_url())?,
        graph_url: url(entry.graph_url.as_ref(), cloud.graph_url())?,
        ca_file: entry.ca_file.as_ref().map(|file| file.value.clone()),
        times: Times {
            every: interval(entry.every.as_ref(), DEFAULTS.every)?,
            look_back: within_history(entry.look_back.as_ref(), DEFAULTS.look_back)?,
            history: within_history(entry.history.as_ref(), DEFAULTS.history)?,
            keep: entry.keep.as_ref().map_or(Ok(DEFAULTS.keep), duration)?,
        },
        requests_per_minute: match &entry.requests_per_minute {
            Some(written) if written.value == 0 => return Err(at(written, "it takes at least one request")),
            Some(written) if written.value > MOST_REQUESTS_PER_MINUTE => {
                let most =
                    format!("Microsoft allows 50 in a minute; at most {MOST_REQUESTS_PER_MINUTE} are taken");
                return Err(at(written, most));
            }
            Some(written) => written.value,
            None => REQUESTS_PER_MINUTE,
        },
    })
}

/// The one way to sign in that the entry names.
fn credential(entry: &Collect) -> Checked<Credential> {
    let certificate = match (&entry.certificate_file, &entry.private_key_file) {
        (Some(certificate_file), Some(private_key_file)) => Some(Credential::Certificate {
            certificate_file: certificate_file.value.clone(),
            private_key_file: private_key_file.value.clone(),
        }),
        (None, None) => None,
        _ => return Err(at(&entry.name, "`certificate_file` and `private_key_file` go together")),
    };
    let ends = entry.client_secret_ends.as_ref().map(day).transpose()?;
    let path = |file: &Option<Spanned<PathBuf>>| file.as_ref().map(|file| file.value.clone());
    let secret = path(&entry.client_secret_file).map(|file| Credential::Secret { file, ends });
    let federated = path(&entry.federated_token_file).map(|token_file| Credential::Federated { token_file });
    let managed = entry.managed_identity.then_some(Credential::ManagedIdentity);
    let mut named = [secret, certificate, federated, managed].into_iter().flatten();
    match (named.next(), named.next()) {
        (Some(credential), None) => Ok(credential),
        _ => Err(at(
            &entry.name,
            "say one way to sign in: `client_secret_file`; `certificate_file` with `private_key_file`; \
             `federated_token_file`; or `managed_identity: true`",
        )),
    }
}

/// The files that an entry signs in with and that cannot be read now, and why.
pub fn unreadable(entry: &Collect) -> impl Iterator<Item = ConfigError> {
    let files = [
        &entry.client_secret_file,
        &entry.certificate_file,
        &entry.private_key_file,
        &entry.federated_token_file,
        &entry.ca_file,
    ];
    files.into_iter().flatten().filter_map(|file| {
        let error = small_file::read(&file.value).err()?;
        let path = shown::path(&file.value);
        Some(at(file, format!("{path}: {}", small_file::unreadable(&error))))
    })
}

/// An application's id, as Entra's pages show it.
fn guid(written: &Spanned<String>) -> Checked<String> {
    match correlation::of(written.value.as_bytes()) {
        Some(_) => Ok(written.value.clone()),
        None => Err(at(
            written,
            format!(
                "`{}` is no application id such as 00000000-0000-0000-0000-000000000000: copy \"Application (client) ID\" from \
                 the application's overview in Entra",
                shown::text(&written.value)
            ),
        )),
    }
}

/// Letters, digits and these signs: what a path or a URL takes as it is.
fn word(written: &Spanned<String>, what: &str, signs: &str) -> Checked<String> {
    let value = &written.value;
    let is_right = |c: char| c.is_ascii_alphanumeric() || signs.contains(c);
    match !value.is_empty() && value.chars().all(is_right) {
        true => Ok(value.clone()),
        false => Err(at(written, format!("`{value}`: {what} has letters, digits and {signs} only"))),
    }
}

fn url(written: Option<&Spanned<String>>, default: &str) -> Checked<String> {
    let Some(written) = written else { return Ok(default.to_owned()) };
    let url = written.value.trim_end_matches('/');
    let host = url.strip_prefix("https://").unwrap_or_default();
    match !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:[]/".contains(c)) {
        true => Ok(url.to_owned()),
        false => Err(at(
            written,
            format!("`{}` is not an address such as https://graph.example.com", without_user(&written.value)),
        )),
    }
}

/// A user and a password before `@` are for nobody's eyes.
fn without_user(url: &str) -> String {
    let Some((before, host)) = url.rsplit_once('@') else { return url.to_owned() };
    let scheme = before.split_once("://").map_or_else(String::new, |(scheme, _)| format!("{scheme}://"));
    format!("{scheme}(hidden)@{host}")
}

fn within_history(written: Option<&Spanned<String>>, default: Duration) -> Checked<Duration> {
    let Some(written) = written else { return Ok(default) };
    let value = duration(written)?;
    match value <= MAX_HISTORY {
        true => Ok(value),
        false => Err(at(written, format!("`{}`: Microsoft keeps these records for 150 days", written.value))),
    }
}

/// The beginning of a day, in milliseconds since 1970.
fn day(written: &Spanned<String>) -> Checked<i64> {
    let date = written.value.parse::<Date>().ok();
    let begin = date.and_then(|date| date.to_zoned(TimeZone::UTC).ok());
    begin
        .map(|begin| begin.timestamp().as_millisecond())
        .ok_or_else(|| at(written, format!("`{}` is not a day such as 2027-05-31", written.value)))
}

#[cfg(test)]
mod tests {
    use super::without_user;

    #[test]
    fn no_password_of_an_address_is_shown() {
        for (url, expected) in [
            ("https://user:pw@x", "https://(hidden)@x"),
            ("https://user:p@w/@x/path", "https://(hidden)@x/path"),
            ("user:pw@x", "(hidden)@x"),
            ("http://x/path", "http://x/path"),
        ] {
            assert_eq!(without_user(url), expected);
        }
    }
}
