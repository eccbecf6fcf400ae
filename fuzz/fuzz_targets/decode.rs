//! Records of any bytes through the decoder of each format, below a true header of the admin center and any that they hold
//! themselves: never a panic, a decoder resumed before the last of them gives the same answer, and so does one that cuts
//! and decodes in one go, where it does.

#![no_main]

use cdr_exporter::format::names::Names;
use cdr_exporter::format::{ALL, Decoded, Format, Front};
use libfuzzer_sys::fuzz_target;

const HEADER: &[u8] =
    b"CorrelationId,Invite time,Start time,Failure time,End time,Duration (seconds),Success,\
    Caller Number,Callee Number,Call type,Final SIP code,Final Microsoft subcode,Final SIP Phrase,SBC FQDN";

fuzz_target!(|text: &[u8]| {
    for format in ALL {
        let mut decoder = (format.decoder)(Names::default());
        decoder.resume(HEADER);
        // Quoted newlines belong to a record, so records are told apart by another byte here.
        let mut records = text.splitn(4, |byte| *byte == 0);
        let last = records.next().unwrap_or_default();
        for record in records {
            decoder.decode(record);
        }
        let mut resumed = (format.decoder)(Names::default());
        resumed.resume(&decoder.header().unwrap_or_default());
        assert_eq!(decoder.decode(last), resumed.decode(last));
        // Room behind it, as a file has.
        let roomy = [last, b"\n", &[b'a'; 128]].concat();
        let mut front = Front::empty();
        resumed.decode_front(&roomy, last.len(), &mut front);
        if let ([call], end) = (&*front.calls, front.end)
            && roomy[..end].trim_ascii() == last.trim_ascii()
        {
            assert_eq!(Decoded::Call(call.clone()), decoder.decode(last));
        }
    }
    Format::recognise(text, true);
    Format::unknown_explanation(text);
});
