//! Which format a text is of, and what formats have in common.

use super::*;

#[test]
fn lines_that_end_with_cr_are_known_before_the_file_ends() {
    let text = b"CorrelationId,Success,Final SIP code\rc1000000-05ec-4a1b-8c2d-000000000001,No,403\r";
    assert_eq!(Format::recognise(text, false), Recognition::Known(&teams_admin_center::FORMAT));
    for part in [
        "CorrelationId,Suc",
        "sep=,\rCorrelationId,Suc",
        "sep=,\r\"Corr",
        "CorrelationId,Success,Final SIP code\r",
    ] {
        assert_eq!(Format::recognise(part.as_bytes(), false), Recognition::NeedMore, "{part}");
    }
}

#[test]
fn recognises_formats() {
    use Recognition::{Known, NeedMore, Unknown};
    let (graph, admin_center) = (Known(&graph::FORMAT), Known(&teams_admin_center::FORMAT));
    let export = b"CorrelationId,Success,Final SIP code".as_slice();
    let cases: [(&[u8], bool, Recognition); 18] = [
        (b"", false, NeedMore),
        (b" \n", true, NeedMore),
        (b"{", false, NeedMore),
        (b"{ ", true, Unknown),
        (b"{\n  \"value\"", false, graph),
        (b"{}", true, graph),
        (b"[\r\n{", false, graph),
        (b"[]", false, graph),
        (b"[", false, NeedMore),
        (b"[2024-11-05 09:12] a line of some log", false, NeedMore),
        (b"[2024-11-05 09:12] a line of some log", true, Unknown),
        (b"{a line in braces}", false, Unknown),
        (export, false, NeedMore),
        (export, true, admin_center),
        (&[export, b"\r\n"].concat(), false, admin_center),
        (&[b"\n", export, b"\n"].concat(), false, admin_center),
        (b"a,b\n", false, Unknown),
        (&[b'x'; 64 * 1024 + 1], false, Unknown),
    ];
    for (head, finished, expected) in cases {
        assert_eq!(
            Format::recognise(head, finished),
            expected,
            "{}",
            head[..head.len().min(50)].escape_ascii()
        );
    }
}

#[test]
fn a_log_is_of_the_device_whose_record_comes_first() {
    let other = "Nov  5 09:00:00 proxy cron[1]: nothing\n".repeat(3);
    let acc = format!("{other}Nov  5 09:01:00 proxy kamailio[1]: ACC: call missed: method=INVITE\n");
    let legs = "09:02:00 10.0.10.11 [S=1] |CALL_END |SBC |x\n";
    // It need not be finished for that, however much of it there is.
    for text in [acc.clone(), format!("{acc}{legs}"), format!("{other}{acc}{legs}{acc}")] {
        assert_eq!(
            Format::recognise(text.as_bytes(), false),
            Recognition::Known(&kamailio::FORMAT),
            "{text}"
        );
    }
    let text = format!("{other}{legs}{acc}");
    assert_eq!(Format::recognise(text.as_bytes(), false), Recognition::Known(&audiocodes::FORMAT));
    assert_eq!(Format::recognise(other.as_bytes(), false), Recognition::NeedMore);
}

#[test]
fn names_lead_back_to_formats() {
    for format in ALL {
        assert_eq!(Format::named(format.name), Some(format));
    }
    assert_eq!(Format::named("auto"), None);
}

#[test]
fn a_decoder_goes_on_below_its_header() {
    for format in ALL {
        let [mut decoder, mut resumed] = [(); 2].map(|()| (format.decoder)(Names::default()));
        decoder.decode(b"CorrelationId,Success,Final SIP code");
        resumed.resume(&decoder.header().unwrap_or_default());
        assert_eq!(resumed.header(), decoder.header());
        assert_eq!(resumed.decode(b"a,No,410"), decoder.decode(b"a,No,410"));
    }
}
