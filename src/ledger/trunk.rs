//! The name of an SBC, the one text of a record that becomes a label: which texts can be one.

use core::net::IpAddr;

use crate::call::Text;

/// The longest host name that DNS allows (RFC 1035).
const MAXIMUM_TRUNK: usize = 255;

/// Top-level domains below which a name of two labels is taken for that of an SBC, beside those of countries.
pub(super) const TOPS: [&str; 5] = ["com", "net", "org", "biz", "info"];

/// What a byte says about a name: that it is a dot, or no part of a label, or no letter.
const DOT: u8 = 1;
const NO_LABEL: u8 = 2;
const NO_LETTER: u8 = 4;
const BYTES: [u8; 256] = {
    let mut bytes = [NO_LABEL | NO_LETTER; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        bytes[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' => 0,
            b'0'..=b'9' | b'-' | b'_' => NO_LETTER,
            b'.' => DOT,
            _ => NO_LABEL | NO_LETTER,
        };
        byte += 1;
    }
    bytes
};

/// Whether a text can be the name of an SBC: the one text of a record that becomes a label, and is kept where a rejected
/// record is written down.
///
/// Both formats give the FQDN that the SBC is registered by with Microsoft, a host in a domain of the tenant:
/// `sbc1.contoso.com`, three labels or more. An SBC may have a domain to itself (`contoso.com`). But people sign in as
/// `user.one`: of two labels the last must be a country's or one of [`TOPS`]. One label can be anyone's name, and digits
/// alone a telephone's. An address (10.0.0.1) names an SBC that has no name.
pub fn is_trunk(text: &[u8]) -> bool {
    is_name(text) || str::from_utf8(text).is_ok_and(|text| text.parse::<IpAddr>().is_ok())
}

/// Each call has a trunk: most bytes are looked at once, and together.
pub(super) fn is_name(text: &[u8]) -> bool {
    let class = |byte: &u8| BYTES[usize::from(*byte)];
    let (mut all, mut neighbours, mut before) = (0, 0, DOT);
    for byte in text {
        let class = class(byte);
        all |= class;
        neighbours |= class & before;
        before = class;
    }
    // No label is empty.
    let is_made_of_labels = all & NO_LABEL == 0 && neighbours & DOT == 0 && text.len() <= MAXIMUM_TRUNK;
    let Some(last_dot) = text.iter().rposition(|byte| *byte == b'.').filter(|_| is_made_of_labels) else {
        return false;
    };
    let (rest, top) = (&text[..last_dot], &text[last_dot + 1..]);
    let is_known = || top.len() == 2 || TOPS.iter().any(|known| top.eq_ignore_ascii_case(known.as_bytes()));
    top.len() >= 2 && top.iter().all(|byte| class(byte) == 0) && (rest.contains(&b'.') || is_known())
}

/// The name of an SBC, or `""` where the text cannot be one: a person's name or number in its place must not become a
/// label. The call counts all the same.
#[inline]
pub fn trunk(text: Text<'_>) -> Text<'_> {
    if is_trunk(&text.0) { text } else { Text::from("") }
}
