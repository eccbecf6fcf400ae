//! What the client can take: the format of the metrics from `Accept`, their compression from `Accept-Encoding`.
//!
//! Pure: header values in, a choice out (RFC 9110, section 12; Prometheus's content_negotiation and escaping_schemes).

use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue};

/// How an answer is written, parameters of its `Content-Type` included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// What every scraper understands, and what those get that ask for nothing we have.
    Text004,
    Text100(Escaping),
    OpenMetrics001,
    OpenMetrics100(Escaping),
    Protobuf(Escaping),
}

/// What becomes of names outside the old alphabet. Ours are within it, and no scheme changes those.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escaping {
    AllowUtf8,
    Underscores,
    Dots,
    Values,
}

/// How an answer is compressed. As a number, the place of what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Identity,
    Gzip,
    Zstd,
}

impl Format {
    /// The `Content-Type`. Prometheus 3 refuses an answer without one that it knows.
    pub fn content_type(self) -> HeaderValue {
        let openmetrics = "application/openmetrics-text; version";
        let protobuf =
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
        let (kind, escaping) = match self {
            Self::Text004 => return HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
            Self::OpenMetrics001 => (format!("{openmetrics}=0.0.1; charset=utf-8"), None),
            Self::Text100(escaping) => {
                ("text/plain; version=1.0.0; charset=utf-8".to_owned(), Some(escaping))
            }
            Self::OpenMetrics100(escaping) => (format!("{openmetrics}=1.0.0; charset=utf-8"), Some(escaping)),
            Self::Protobuf(escaping) => (protobuf.to_owned(), Some(escaping)),
        };
        let escaping =
            escaping.map_or_else(String::new, |escaping| format!("; escaping={}", escaping.name()));
        // All of these are letters that a header may have.
        HeaderValue::try_from(kind + &escaping).unwrap_or(HeaderValue::from_static("text/plain"))
    }

    /// The format that is asked for with the greatest weight, the first of several.
    pub fn asked_for(headers: &HeaderMap) -> Self {
        let mut best = (0, Self::Text004);
        for range in list(headers, &ACCEPT) {
            let Some(format) = Self::of(&range) else { continue };
            if range.weight > best.0 {
                best = (range.weight, format);
            }
        }
        best.1
    }

    /// The format that a media range stands for, if we have it.
    fn of(range: &Item<'_>) -> Option<Self> {
        let escaping = Escaping::of(range.parameter("escaping"));
        let version = range.parameter("version");
        let name = range.name.to_ascii_lowercase();
        match (&*name, version) {
            ("text/plain", Some("1.0.0")) => Some(Self::Text100(escaping)),
            ("text/plain", None | Some("0.0.4")) | ("*/*" | "text/*", None) => Some(Self::Text004),
            ("application/openmetrics-text", Some("1.0.0")) => Some(Self::OpenMetrics100(escaping)),
            ("application/openmetrics-text", None | Some("0.0.1")) => Some(Self::OpenMetrics001),
            ("application/vnd.google.protobuf", _) => {
                let proto = range.parameter("proto") == Some("io.prometheus.client.MetricFamily");
                let delimited = range.parameter("encoding") == Some("delimited");
                (proto && delimited).then_some(Self::Protobuf(escaping))
            }
            _ => None,
        }
    }
}

impl Escaping {
    fn of(name: Option<&str>) -> Self {
        match name {
            Some("allow-utf-8") => Self::AllowUtf8,
            Some("dots") => Self::Dots,
            Some("values") => Self::Values,
            _ => Self::Underscores,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }
}

impl Coding {
    pub const COUNT: usize = 3;

    /// The value of `Content-Encoding`, which an answer as it is does not have.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// The coding with the greatest weight; of those with the same, the one that takes the least room. `None` when
    /// every coding that we have is refused, the identity among them.
    pub fn asked_for(headers: &HeaderMap) -> Option<Self> {
        let items: Vec<_> = list(headers, &ACCEPT_ENCODING).collect();
        let weight = |names: &[&str]| {
            let named =
                items.iter().find(|item| names.iter().any(|name| item.name.eq_ignore_ascii_case(name)));
            named.or_else(|| items.iter().find(|item| item.name == "*")).map(|item| item.weight)
        };
        let codings = [
            (Self::Zstd, weight(&["zstd"]).unwrap_or(0)),
            (Self::Gzip, weight(&["gzip", "x-gzip"]).unwrap_or(0)),
            // What is not spoken of may be sent as it is, but only in place of nothing better.
            (Self::Identity, weight(&["identity"]).unwrap_or(1)),
        ];
        let (coding, weight) = codings.into_iter().reduce(|a, b| if b.1 > a.1 { b } else { a })?;
        (weight > 0).then_some(coding)
    }
}

/// One element of such a list.
struct Item<'a> {
    name: &'a str,
    parameters: &'a str,
    /// Thousandths; 0 refuses.
    weight: u16,
}

impl<'a> Item<'a> {
    fn parse(text: &'a str) -> Self {
        let (name, parameters) = text.split_once(';').unwrap_or((text, ""));
        let mut item = Self { name: name.trim(), parameters, weight: 1000 };
        if let Some(weight) = item.parameter("q") {
            item.weight = thousandths(weight);
        }
        item
    }

    /// The value of a parameter, without the quotes that it may stand in.
    fn parameter(&self, wanted: &str) -> Option<&'a str> {
        self.parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"'))
        })
    }
}

/// The elements of all headers of this name; those that are not ASCII are left out.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = Item<'a>> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(Item::parse).filter(|item| !item.name.is_empty())
}

/// A weight between 0 and 1 in thousandths; what is none refuses.
fn thousandths(weight: &str) -> u16 {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "1" if fraction.bytes().all(|byte| byte == b'0') => 1000,
        "0" | "" if !weight.is_empty() && digits(fraction) => {
            let padded: String = fraction.chars().chain("000".chars()).take(3).collect();
            padded.parse().unwrap_or(0)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &HeaderName, values: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for value in values {
            map.append(name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn the_best_of_what_is_accepted_is_sent() {
        use Escaping::{AllowUtf8, Dots, Underscores, Values};
        let prometheus_2_42 = "application/openmetrics-text;version=1.0.0,\
            application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let text_formats = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
            application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
            text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        let protobuf =
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        let prometheus_3 = format!("{protobuf};q=0.6,{text_formats}");
        let om = |escaping| Format::OpenMetrics100(escaping);
        for (values, expected) in [
            (&[][..], Format::Text004),
            (&[""], Format::Text004),
            (&[prometheus_2_42], om(Underscores)),
            (&[text_formats], om(AllowUtf8)),
            (&[&prometheus_3], Format::Protobuf(Underscores)),
            (&["text/plain;version=0.0.4;q=1,*/*;q=0.1"], Format::Text004),
            (&["text/plain; version=1.0.0; escaping=dots"], Format::Text100(Dots)),
            (&["text/plain;version=1.0.0;escaping=values"], Format::Text100(Values)),
            (&["text/plain;version=1.0.0"], Format::Text100(Underscores)),
            (&["text/plain;version=1.0.0;escaping=nonsense"], Format::Text100(Underscores)),
            (&["TEXT/Plain;Version=\"1.0.0\""], Format::Text100(Underscores)),
            (&["application/openmetrics-text"], Format::OpenMetrics001),
            (&["application/openmetrics-text;version=2.0.0"], Format::Text004),
            (
                &["application/openmetrics-text;version=0.0.1;q=0.9", "text/plain;q=0.8"],
                Format::OpenMetrics001,
            ),
            (&["application/openmetrics-text;version=1.0.0;q=0"], Format::Text004),
            (&["application/openmetrics-text;version=1.0.0;q=0.1,text/plain;q=0.11"], Format::Text004),
            (&["application/vnd.google.protobuf;proto=other;encoding=delimited"], Format::Text004),
            (
                &["application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text"],
                Format::Text004,
            ),
            (&["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], Format::Text004),
            (&["application/openmetrics-text;version=1.0.0,*/*"], om(Underscores)),
            (&[",;=,;q,q=;\"", "text/plain;version=1.0.0"], Format::Text100(Underscores)),
        ] {
            assert_eq!(Format::asked_for(&headers(&ACCEPT, values)), expected, "{values:?}");
        }
    }

    #[test]
    fn the_smallest_of_what_is_accepted_is_sent() {
        use Coding::{Gzip, Identity, Zstd};
        for (values, expected) in [
            (&[][..], Some(Identity)),
            (&[""], Some(Identity)),
            (&["identity"], Some(Identity)),
            (&["gzip"], Some(Gzip)),
            (&["GZip"], Some(Gzip)),
            (&["x-gzip"], Some(Gzip)),
            (&["zstd"], Some(Zstd)),
            (&["gzip, deflate, br, zstd"], Some(Zstd)),
            (&["gzip, zstd;q=0.9"], Some(Gzip)),
            (&["deflate, gzip;q=1.0, *;q=0.5"], Some(Gzip)),
            (&["deflate", "gzip"], Some(Gzip)),
            (&["gzip;q=0"], Some(Identity)),
            (&["gzip; q=0.0"], Some(Identity)),
            (&["gzip ; Q=0.001"], Some(Gzip)),
            (&["gzip;q=0.5, identity;q=0.8"], Some(Identity)),
            (&["gzip;q=nonsense"], Some(Identity)),
            (&["*"], Some(Zstd)),
            (&["*;q=0"], None),
            (&["identity;q=0"], None),
            (&["identity;q=0, gzip"], Some(Gzip)),
            (&["*;q=0, gzip"], Some(Gzip)),
            (&["gzip;q=0, *"], Some(Zstd)),
            (&["br"], Some(Identity)),
            (&["gzipped"], Some(Identity)),
        ] {
            assert_eq!(Coding::asked_for(&headers(&ACCEPT_ENCODING, values)), expected, "{values:?}");
        }
    }

    #[test]
    fn weights_are_thousandths_or_refuse() {
        for (weight, expected) in [
            ("1", 1000),
            ("1.000", 1000),
            ("0", 0),
            ("0.5", 500),
            ("0.001", 1),
            ("0.0009", 0),
            (".5", 500),
            ("1.1", 0),
            ("2", 0),
            ("-1", 0),
            ("NaN", 0),
            ("", 0),
            ("0.x", 0),
            ("0.99999999999999999999", 999),
        ] {
            assert_eq!(thousandths(weight), expected, "{weight}");
        }
    }
}
