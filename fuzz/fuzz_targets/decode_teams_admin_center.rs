//! Records of any bytes through the decoder of admin center rows, below a true header and any that they hold
//! themselves: never a panic, a decoder resumed before the last of them gives the same answer, and so does one that splits
//! and decodes in one go, where it does.

#![no_main]

use cdr_exporter::decode::{Decoded, Decoder, Format};
use libfuzzer_sys::fuzz_target;

const HEADER: &[u8] =
    b"CorrelationId,Invite time,Start time,Failure time,End time,Duration (seconds),Success,\
    Caller Number,Callee Number,Call type,Final SIP code,Final Microsoft subcode,Final SIP Phrase,SBC FQDN";

fuzz_target!(|text: &[u8]| {
    let mut decoder = Decoder::resume(Format::TeamsAdminCenter, HEADER);
    // Quoted newlines belong to a record, so records are told apart by another byte here.
    let mut records = text.splitn(4, |byte| *byte == 0);
    let last = records.next().unwrap_or_default();
    for record in records {
        decoder.decode(record);
    }
    let header = decoder.header().map(<[u8]>::to_vec).unwrap_or_default();
    let mut resumed = Decoder::resume(Format::TeamsAdminCenter, &header);
    assert_eq!(decoder.decode(last), resumed.decode(last));
    // Room behind it, as a file has.
    let roomy = [last, b"\n", &[b'a'; 128]].concat();
    let mut calls = Vec::new();
    if let Some(length) = resumed.decode_front(&roomy, &mut calls) {
        let record = &roomy[..length - 1];
        assert_eq!(calls.pop().map(Decoded::Call), Some(resumed.decode(record)));
        assert!(calls.is_empty());
    }
    Format::recognise(text, true);
    Format::unknown_explanation(text);
});
