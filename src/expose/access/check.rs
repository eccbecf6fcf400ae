//! The web config as it is meant: what was written made into what the server uses, or the place and reason why not.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::{Span, SpanRelativeTo, Unit};
use rustls::ServerConfig;
use serde_saphyr::Spanned;

use super::rate::Rate;
use super::users::Users;
use super::watched::Watched;
use super::{file, tls};
use crate::{small_file, yaml};

/// What is in force.
#[derive(Debug, Default)]
pub struct Web {
    pub tls: Option<Arc<ServerConfig>>,
    /// Set on every answer.
    pub headers: HeaderMap,
    pub users: Users,
    pub rate: Option<Rate>,
    /// What is no fault but will not do what was meant.
    pub warnings: Vec<String>,
    /// What clients have to show or to keep to.
    pub demands: BTreeSet<&'static str>,
}

/// What is wrong with a web config, and where.
#[derive(Debug)]
pub struct Fault {
    file: PathBuf,
    /// Line and column, from 1.
    place: Option<(u64, u64)>,
    message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.message)
    }
}

/// What is wrong in the file that is being checked.
#[derive(Debug)]
pub struct Wrong {
    place: Option<(u64, u64)>,
    message: String,
}

pub type Checked<T> = Result<T, Wrong>;

/// What is wrong with this value.
pub fn at<T>(written: &Spanned<T>, message: impl Into<String>) -> Wrong {
    let place = (written.referenced.line(), written.referenced.column());
    Wrong { place: Some(place), message: message.into() }
}

/// Reads a web config and the files that it names.
///
/// # Errors
/// The first thing that is wrong.
pub fn load(path: &Path) -> Result<Web, Fault> {
    read(path, &mut Watched::default())
}

/// Likewise; notes which files were to be read for it.
pub fn read(path: &Path, files: &mut Watched) -> Result<Web, Fault> {
    files.add(path);
    let named = |Wrong { place, message }| Fault { file: path.to_owned(), place, message };
    let text = read_text(path)
        .map_err(|error| named(Wrong { place: None, message: small_file::unreadable(&error) }))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut web = parse(&text).and_then(|file| checked(&file, folder, files)).map_err(named)?;
    web.warnings.iter_mut().for_each(|warning| *warning = format!("{}: {warning}", path.display()));
    Ok(web)
}

/// Reads a file that is read again and again while others wait: a pipe, a device or a huge file is not.
///
/// # Errors
/// When it cannot be read, or is none of these files.
pub fn read_text(path: &Path) -> io::Result<String> {
    io::read_to_string(small_file::read(path)?.as_slice())
}

/// Checks a text that lies in no file, in the working folder.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_text(text: &str) -> Result<Web, String> {
    parse(text)
        .and_then(|file| checked(&file, Path::new(""), &mut Watched::default()))
        .map_err(|wrong| wrong.message)
}

/// Reads the text of a web config, without the files that it names.
fn parse(text: &str) -> Checked<file::File> {
    let file: Option<file::File> = serde_saphyr::from_str(text).map_err(|error| not_as_written(&error))?;
    Ok(file.unwrap_or_default())
}

fn checked(file: &file::File, folder: &Path, files: &mut Watched) -> Checked<Web> {
    let mut web = Web::default();
    let http = file.http_server_config.as_ref();
    if let Some(written) = &file.tls_server_config {
        let http2 = http.and_then(|http| http.http2).unwrap_or(true);
        web.tls = tls::server_config(written, http2, folder, files, &mut web.warnings)?.map(Arc::new);
        web.demands.extend(tls::demands(&written.value));
    }
    for (name, value) in http.and_then(|http| http.headers.as_ref()).into_iter().flatten() {
        let (name, value) = header(name, value)?;
        web.headers.insert(name, value);
    }
    if let Some(users) = &file.basic_auth_users {
        web.users = Users::checked(users, &mut web.warnings)?;
        if web.tls.is_none() && !users.is_empty() {
            web.warnings
                .push("basic_auth_users without tls_server_config: passwords travel unencrypted".to_owned());
        }
    }
    if let Some(rate) = &file.rate_limit {
        web.rate = self::rate(rate)?;
    }
    web.demands.extend((!web.users.is_empty()).then_some("a password"));
    web.demands.extend(web.rate.map(|_| "a rate"));
    Ok(web)
}

/// A header that may be set, as exporter-toolkit has it: the others belong to the answers themselves.
fn header(name: &str, value: &Spanned<String>) -> Checked<(HeaderName, HeaderValue)> {
    let known: [(&str, &[&str]); 5] = [
        ("Content-Security-Policy", &[]),
        ("Strict-Transport-Security", &[]),
        ("X-Content-Type-Options", &["nosniff"]),
        ("X-Frame-Options", &["deny", "sameorigin"]),
        ("X-XSS-Protection", &[]),
    ];
    let Some((_, allowed)) = known.iter().find(|(known, _)| *known == name) else {
        let known = known.map(|(known, _)| known).join(", ");
        return Err(at(value, format!("the header `{name}` cannot be set here; there are {known}")));
    };
    if !allowed.is_empty() && !allowed.contains(&value.value.as_str()) {
        let allowed = allowed.join(" or ");
        return Err(at(value, format!("{name} is {allowed}, not `{}`", value.value)));
    }
    let wrong = |_| at(value, format!("`{}` cannot be the value of a header", value.value.escape_debug()));
    let header = HeaderValue::try_from(&value.value).map_err(wrong)?;
    Ok((HeaderName::try_from(name).map_err(|_| at(value, "no header has this name"))?, header))
}

fn rate(written: &file::Rate) -> Checked<Option<Rate>> {
    let Some(interval) = &written.interval else {
        return match &written.burst {
            Some(burst) => Err(at(burst, "a burst needs an interval, such as `interval: 100ms`")),
            None => Ok(None),
        };
    };
    let seconds = interval.value.parse::<Span>().ok();
    let seconds =
        seconds.and_then(|span| span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok());
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).or_else(|| {
        // As it may be written for Go, which takes a number alone for nanoseconds.
        interval.value.parse().ok().map(Duration::from_nanos)
    });
    let wrong = || at(interval, format!("`{}` is not a length of time such as 100ms or 1s", interval.value));
    let every = duration.ok_or_else(wrong)?;
    let burst = written.burst.as_ref().map_or(0, |burst| burst.value);
    match (every.is_zero(), burst) {
        (true, _) => Ok(None),
        (false, 0) => Err(at(interval, "without a burst of 1 or more, every request is refused")),
        (false, burst) => Ok(Some(Rate { every, burst })),
    }
}

fn not_as_written(error: &serde_saphyr::Error) -> Wrong {
    let (place, message) = yaml::fault(error);
    Wrong { place, message }
}
