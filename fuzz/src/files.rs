//! Bytes read as a file, at once, in pieces or with restarts between, and what came of them. `tests/it/fuzz.rs` takes it too.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use cdr_exporter::call::UnixMillis;
use cdr_exporter::config;
use cdr_exporter::expose::families;
use cdr_exporter::pipeline::Options;
use cdr_exporter::reading::{Passed, Reading, Records, Turn};
use cdr_exporter::source::memory::Memory;
use tempfile::NamedTempFile;

/// 2026-11-01T00:00:00Z.
const NOW: UnixMillis = UnixMillis(1_793_491_200_000);

/// A source for each way of reading that a config can ask for. The first recognises formats.
const CONFIG: &str = r#"
sources:
  - {name: any, paths: [/any/*]}
  - {name: audiocodes, paths: [/audiocodes/*], format: audiocodes, teams_side: [Teams*]}
  - name: audiocodes_sessions
    paths: [/sessions/*]
    format: audiocodes
    teams_side: [Teams*]
    trunk_from: carrier
    layout: 'RecordType,SessionId,IsSuccess,ConnectTime,ReleaseTime,IngressIPGroup,EgressIPGroup,IngressSIPTrmReason,EgressSIPTrmReason,EgressSIPTrmDescr'
  - {name: audiocodes_table, paths: [/audiocodes_table/*], format: audiocodes, layout: 'SessionId,Orig,ConnectTime,SIPTrmReason,SIPTermDesc'}
  - {name: kamailio, paths: [/kamailio/*], format: kamailio}
  - {name: opensips, paths: [/opensips/*], format: opensips, teams_side: [teams*]}
  - {name: cube, paths: [/cube/*], format: cube, timezone: Europe/Berlin}
  - {name: ribbon, paths: [/ribbon/*], format: ribbon, teams_side: [TEAMS*]}
  - {name: asterisk, paths: [/asterisk/*], format: asterisk, teams_side: [teams]}
  - {name: oracle, paths: [/oracle/*], format: oracle, teams_side: [teams*]}
  - {name: oracle_layout, paths: [/layout/*], format: oracle, layout: 'Acct-Status-Type,Acct-Session-Id,h323-connect-time,SIP-Status'}
  - {name: freeswitch, paths: [/freeswitch/*], format: freeswitch}
  - {name: freeswitch_xml, paths: [/freeswitch_xml/*], format: freeswitch_xml}
  - {name: freeswitch_csv, paths: [/freeswitch_csv/*], format: freeswitch_csv}
  - name: freeswitch_template
    paths: [/template/*]
    format: freeswitch_csv
    layout: '${uuid};"${sip_reason}";${answer_epoch};${hangup_cause}'
  - name: columns
    paths: [/columns/*]
    columns: {Erfolg: success, "Endg\u00fcltiger SIP-Code": sip_code}
  - name: csv
    paths: [/csv/*]
    format: csv
    delimiter: ";"
    fields: {id: call_id, trunk: trunk, sip_code: code, started: {field: start, time: "%d.%m.%Y %H:%M:%S"}, duration: seconds}
  - name: csv_without_header
    paths: [/numbers/*]
    format: csv
    header: false
    quote: "'"
    skip_lines: 1
    where: [{field: 1, is: [a, b]}, {field: 2, is: c}]
    fields: {id: "1", trunk: "2", sip_code: "3", q850: "4", ended: {field: "5", time: unix}}
  - name: json
    paths: [/json/*]
    format: json
    where: {field: /kind, is: call}
    fields: {id: /id, trunk: /call/trunk, sip_code: /call/code, reason_header: /call/reason, ended: {field: end, time: unix_ms}}
  - name: regex
    paths: [/regex/*]
    format: regex
    patterns: ['END,SessionId=(?<id>[^,]+),.*TerminationCause=(?<sip_code>[0-9]{3}),.*NAP=(?<trunk>[^,]+)']
    other_lines: rejected
    fields: {id: id, sip_code: sip_code, trunk: trunk}
"#;

static OPTIONS: LazyLock<Options> = LazyLock::new(|| {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(CONFIG.as_bytes()).expect("room for it");
    config::load(Some(file.path()), &[]).unwrap_or_else(|error| panic!("{error}"))
});

/// How many sources there are.
pub fn sources() -> usize {
    OPTIONS.sources.len()
}

/// What came of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub records: Records,
    pub unrecognised: Option<&'static str>,
    /// Every counter, but for what is read twice where reading goes on.
    pub counters: String,
}

/// What comes of a file of this source that was written in these pieces, each read in turns of about `budget` bytes before
/// the next is written; `restarts` says that between them all is forgotten but what a ledger keeps.
pub fn read(source: usize, pieces: &[&[u8]], budget: u64, restarts: bool) -> Outcome {
    let (mut ledger, books) = OPTIONS.ledger(NOW);
    let (book, options) = (books[source], OPTIONS.sources[source].reading);
    let mut file = NamedTempFile::new().expect("a temporary file");
    let open = |path: &Path| File::open(path).expect("it is there");
    let mut reading = Reading::new(open(file.path()), options);
    let context = ledger.context(book, NOW, false);
    let mut records = Records::default();
    let mut apply = |reading: &mut Reading| {
        let Some(batch) = reading.take_batch() else { return };
        records = batch.records.after(records);
        ledger.apply(book, &batch);
    };
    for piece in pieces {
        if restarts && let Some(content) = reading.content() {
            let resumed = Reading::resume(open(file.path()), options, &content, &Memory::default())
                .expect("it can be read");
            reading = resumed.unwrap_or_else(|| {
                let mut reading = Reading::new(open(file.path()), options);
                let passed = reading.pass_over(&content, u64::MAX);
                assert!(matches!(passed, Ok(Passed::Same)), "it is known again: {passed:?}");
                reading
            });
        }
        file.write_all(piece).expect("room for it");
        // There is more, so what it is not may be another thing by now: the daemon asks so too.
        reading.reconsider();
        // Damage shows as an error; what came before it counts.
        while matches!(reading.turn(&context, None, budget), Ok(Turn::More)) {
            apply(&mut reading);
        }
        apply(&mut reading);
    }
    while matches!(reading.finish(&context), Ok(Turn::More)) {
        apply(&mut reading);
    }
    apply(&mut reading);
    let unrecognised = reading.unrecognised();
    let text = families::text(&Arc::new(ledger.commit(true).expect("it is in memory")));
    let is_of_records = |line: &&str| !line.starts_with("cdr_exporter_read_bytes_total");
    let counters = text.lines().filter(is_of_records).collect::<Vec<_>>().join("\n");
    Outcome { records, unrecognised, counters }
}
