//! FreeSWITCH `mod_xml_cdr`: one XML document to one leg of a call, its values in `<variables>`, URL-encoded by default.
//!
//! The same variables as `mod_json_cdr` has, and the same leg counts.
//! Read from FreeSWITCH's source: `switch_ivr_generate_xml_cdr`, `mod_xml_cdr.c`.

use std::time::Duration;

use super::device::{self, Device, Keys};
use super::freeswitch::variables::{self, Variables, url_decoded};
use super::names::Names;
use super::{Decode, Decoded, Format, Public, Recognised, correlation, freeswitch};
use crate::call::{Guid, Reason};
use crate::framing::Framing;

/// What `mod_xml_cdr` writes into its folder, a file to each leg.
pub static FORMAT: Format = Format {
    name: "freeswitch_xml",
    aliases: &[],
    framing: Framing::Xml,
    recognise,
    is_log: false,
    live_within: Duration::from_mins(15),
    is_trunk: variables::is_gateway,
    public: Public { correlation_id: "", ..freeswitch::PUBLIC },
    broken: Reason::BadXml,
    decoder: &|_| Box::new(Decoder(&device::UNKNOWN)),
    device: Some(Keys {
        decoder: |device| Box::new(Decoder(device)),
        teams_side: true,
        carrier_trunk: None,
        layout: None,
    }),
    twin: None,
    config: "",
};

const DECLARATION: &[u8] = b"<?xml";
const CDR: &[u8] = b"<cdr";

/// By the outermost element, which may have attributes.
fn recognise(text: &[u8], finished: bool, _: Names) -> Recognised {
    let unsure = if finished { Recognised::No } else { Recognised::NeedMore };
    let element = match text.strip_prefix(DECLARATION) {
        None => text,
        // A declaration is short.
        Some(rest) => match memchr::memchr(b'>', &rest[..rest.len().min(256)]) {
            Some(end) => rest[end + 1..].trim_ascii_start(),
            None if rest.len() < 256 => return unsure,
            None => return Recognised::No,
        },
    };
    match element.strip_prefix(CDR) {
        Some([b'>' | b' ' | b'\t' | b'\r' | b'\n', ..]) => Recognised::Yes,
        Some([]) => unsure,
        None if CDR.starts_with(element) || DECLARATION.starts_with(element) => unsure,
        _ => Recognised::No,
    }
}

#[derive(Debug)]
struct Decoder(&'static Device);

impl Decode for Decoder {
    fn ignored_are(&self) -> Option<&'static str> {
        Some(freeswitch::IGNORED_ARE)
    }

    fn decode<'a>(&'a mut self, record: &'a [u8]) -> Decoded<'a> {
        match read(&String::from_utf8_lossy(record)) {
            Ok(mut variables) => {
                variables.add_code_of_cancel();
                variables.decoded(self.0)
            }
            Err(reason) => Decoded::Rejected(reason),
        }
    }

    fn correlation_id(&self, text: &[u8]) -> Option<Guid> {
        const TAG: &[u8] = b"<call_uuid>";
        let own = &text[..memchr::memmem::find(text, b"</cdr>").unwrap_or(text.len())];
        let reason = memchr::memmem::find(own, b"<sip_reason>").map(|at| &own[at..own.len().min(at + 200)]);
        if let Some(id) = reason.and_then(correlation::in_reason) {
            return Some(id);
        }
        let at = memchr::memmem::find(text, TAG)? + TAG.len();
        let end = memchr::memmem::find(&text[..at], b"</cdr>");
        correlation::of(text.get(at..at + 36)?).filter(|_| end.is_none())
    }
}

/// The elements within `<variables>`.
fn read(document: &str) -> Result<Variables, Reason> {
    let (_, behind) = document.split_once("<variables>").ok_or(Reason::BadXml)?;
    let (mut rest, _) = behind.split_once("</variables>").ok_or(Reason::BadXml)?;
    let mut variables = Vec::new();
    while let Some((_, tag)) = rest.split_once('<') {
        let (name, behind) = tag.split_once('>').ok_or(Reason::BadXml)?;
        rest = behind;
        // An element without a value, or a comment.
        if name.ends_with('/') || name.starts_with(['!', '?']) {
            continue;
        }
        let name = name.split_ascii_whitespace().next().unwrap_or_default();
        let (value, behind) = behind.split_once(&format!("</{name}>")).ok_or(Reason::BadXml)?;
        variables.push((name.to_owned(), url_decoded(&unescaped(value))));
        rest = behind;
    }
    Ok(Variables::of(variables))
}

/// A text with its entities as the characters that they stand for.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let entity = part.split_once(';').and_then(|(name, behind)| Some((entity(name)?, behind)));
        match entity {
            Some((character, behind)) => {
                plain.push(character);
                plain.push_str(behind);
            }
            None => {
                plain.push('&');
                plain.push_str(part);
            }
        }
    }
    plain
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Call, Direction};

    const REFUSED: &str = "<?xml version=\"1.0\"?>\n<cdr core-uuid=\"1\">\n  <variables>\n    <uuid>f5000001-05ec-4a1b-8c2d-000000000001</uuid>\n    \
        <call_uuid>f5000001-05ec-4a1b-8c2d-000000000001</call_uuid>\n    <sip_from_host>sip.pstnhub.microsoft.com</sip_from_host>\n    \
        <sip_reason>Q.850%3Bcause%3D21%3Btext%3D&quot;a%20%26 b&quot;</sip_reason>\n    <empty/>\n    <answer_epoch>0</answer_epoch>\n    \
        <sip_invite_failure_status>403</sip_invite_failure_status>\n  </variables>\n</cdr>";

    fn decoded(document: &str) -> Decoded<'static> {
        Decoder(&device::UNKNOWN).decode(document.as_bytes()).owned()
    }

    #[test]
    fn reads_a_refused_call() {
        let Decoded::Call(Call { succeeded, codes, direction, .. }) = decoded(REFUSED) else {
            panic!("no call")
        };
        assert_eq!((succeeded, codes.sip, direction), (Some(false), Some(403), Direction::Outbound));
        let variables = read(REFUSED).unwrap();
        assert_eq!(variables.get("sip_reason"), "Q.850;cause=21;text=\"a & b\"");
    }

    #[test]
    fn what_is_no_call() {
        let b_leg = REFUSED.replace("<uuid>f5", "<uuid>f6");
        assert_eq!(decoded(&b_leg), Decoded::Ignored);
        for (document, reason) in [
            (REFUSED.replace("</variables>", ""), Reason::BadXml),
            (REFUSED.replace("</answer_epoch>", ""), Reason::BadXml),
            (REFUSED.replace(">403<", ">4o3<"), Reason::BadCode),
        ] {
            assert_eq!(decoded(&document), Decoded::Rejected(reason), "{document}");
        }
    }

    #[test]
    fn entities_stand_for_characters() {
        for (text, plain) in
            [("a&lt;&#65;&#x42;&amp;lt;", "a<AB&lt;"), ("a&b;c & d", "a&b;c & d"), ("&", "&")]
        {
            assert_eq!(unescaped(text), plain);
        }
    }

    #[test]
    fn a_correlation_id_is_that_of_the_first_document() {
        let decoder = Decoder(&device::UNKNOWN);
        assert!(decoder.correlation_id(REFUSED.as_bytes()).is_some());
        assert_eq!(decoder.correlation_id(format!("<cdr></cdr>{REFUSED}").as_bytes()), None);
    }

    #[test]
    fn recognises_its_files() {
        use Recognised::{NeedMore, No, Yes};
        for (text, finished, expected) in [
            (REFUSED, false, Yes),
            ("<cdr core-uuid=", false, Yes),
            ("<?xml version=\"1.0\"?>\n<cd", false, NeedMore),
            ("<?x", false, NeedMore),
            ("<?xml version=\"1.0\"?>", true, No),
            ("<?xml version=\"1.0\"?><cdr/>", false, No),
            ("<cdrs>", false, No),
            ("<html>", false, No),
            ("{", false, No),
        ] {
            assert_eq!(recognise(text.as_bytes(), finished, Names::default()), expected, "{text}");
        }
    }
}
