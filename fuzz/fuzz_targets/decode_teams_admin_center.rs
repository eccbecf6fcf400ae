//! Records of any bytes through the decoder of admin center rows, after a true header and one another: never a panic,
//! and a decoder resumed at any of them gives the same answer.

#![no_main]

use cdr_exporter::decode::{Decoder, Format};
use libfuzzer_sys::fuzz_target;

const HEADER: &[u8] = b"CorrelationId,Invite time,Start time,Failure time,End time,Duration (seconds),Success,\
    Caller Number,Callee Number,Call type,Final SIP code,Final Microsoft subcode,Final SIP Phrase,SBC FQDN";

fuzz_target!(|text: &[u8]| {
    let mut decoder = Decoder::new(Format::TeamsAdminCenter);
    decoder.decode(HEADER);
    for record in text.split(|byte| *byte == 0) {
        let header = decoder.header().map(<[u8]>::to_vec).unwrap_or_default();
        let mut resumed = Decoder::resume(Format::TeamsAdminCenter, &header);
        assert_eq!(decoder.decode(record), resumed.decode(record));
    }
    Format::recognise(text, true);
    Format::unknown_explanation(text);
});
