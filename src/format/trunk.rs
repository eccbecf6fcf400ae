//! The name of an SBC, the one text of a record that becomes a label: which texts can be one.

use std::net::IpAddr;

/// The longest host name that DNS allows (RFC 1035).
const MAXIMUM_TRUNK: usize = 255;

/// Top-level domains below which a name of two labels is taken for that of an SBC, beside those of countries.
const TOPS: [&str; 5] = ["com", "net", "org", "biz", "info"];

/// Whether a text can be the name of an SBC: the one text of a record that becomes a label, and is kept where a rejected
/// record is written down. A person's name or number in its place must not be.
///
/// Microsoft's formats give the FQDN that the SBC is registered by with Microsoft, a host in a domain of the tenant:
/// `sbc1.contoso.com`, three labels or more. An SBC may have a domain to itself (`contoso.com`). But people sign in as
/// `user.one`: of two labels the last must be a country's or one of [`TOPS`]. One label can be anyone's name, and digits
/// alone a telephone's. An address (10.0.0.1) names an SBC that has no name.
pub fn is_fqdn(text: &str) -> bool {
    is_name(text) || text.parse::<IpAddr>().is_ok()
}

fn is_name(text: &str) -> bool {
    let labels: Vec<&str> = text.split('.').collect();
    let [rest @ .., top] = labels.as_slice() else { return false };
    let in_label = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_known = || top.len() == 2 || TOPS.iter().any(|known| top.eq_ignore_ascii_case(known));
    text.len() <= MAXIMUM_TRUNK
        && rest.iter().all(|label| !label.is_empty() && label.bytes().all(in_label))
        && top.len() >= 2
        && top.bytes().all(|byte| byte.is_ascii_alphabetic())
        && (rest.len() > 1 || rest.len() == 1 && is_known())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_an_sbc_is_a_trunk() {
        for name in [
            "sbc1.contoso.com",
            "SBC-1.Voice.Contoso.COM",
            "customer-1234567.sbc.example.net",
            "sbc1.contoso.voice",
            "a.b.c.example",
            "contoso.com",
            "contoso.De",
            "10.0.0.1",
            "2001:db8::a",
        ] {
            assert!(is_fqdn(name), "{name}");
        }
        let long = format!("{}com", "sbc1.".repeat(60));
        for other in [
            "",
            "SBC-1",
            "user",
            "user.one",
            "sbc1.contoso.c",
            "sbc1.contoso.c0m",
            "sbc1..contoso.com",
            ".contoso.com",
            ".com",
            "sbc1.contoso.com.",
            "+14255550100",
            "14255550100",
            "425.555.0100",
            "1.425.555.0100",
            "user.one@contoso.com",
            "User One.contoso.com",
            "a\nb.contoso.com",
            "sbc\u{e9}.contoso.com",
            &long,
        ] {
            assert!(!is_fqdn(other), "{other}");
        }
    }
}
