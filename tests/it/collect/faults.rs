//! Answers that are none: what passes is waited for, what stays is said with what to do.

use std::time::Duration;

use super::setup::{Setup, spooled};
use super::stand_in::{Fault, StandIn, rows};

const QUICK: &str = "every: 1s\nlook_back: 1h\nhistory: 0s";

#[test]
fn what_passes_costs_no_row() {
    for fault in [
        Fault::Status(429, Some("1")),
        Fault::Status(429, None),
        Fault::Status(500, None),
        Fault::Status(503, Some("1")),
        Fault::Status(504, None),
        Fault::Cut,
        Fault::Silent(Duration::from_secs(3)),
        Fault::Html,
        Fault::Garbage,
        Fault::Strange,
    ] {
        let stand_in = StandIn::start(rows::calls(1, 20));
        stand_in.world().page = 8;
        stand_in.spoil_first(2, fault.clone());
        let setup = Setup::with(&stand_in, QUICK);
        let ended = setup.collect(&stand_in);
        assert_eq!(ended.code, Some(0), "{fault:?}: {}", ended.stderr);
        assert_eq!(spooled(&setup.spool()).len(), 20, "{fault:?}");
    }
}

#[test]
fn retry_after_is_kept_to() {
    let stand_in = StandIn::start(rows::calls(1, 5));
    stand_in.spoil_first(1, Fault::Status(429, Some("2")));
    let setup = Setup::with(&stand_in, QUICK);
    assert_eq!(setup.collect(&stand_in).code, Some(0));
    let world = stand_in.world();
    assert!(world.asked[1] - world.asked[0] >= Duration::from_secs(2));
}

#[test]
fn what_stays_is_said_in_one_sentence() {
    let cases: [(Fault, &[&str]); 12] = [
        (
            Fault::Status(401, None),
            &[
                "refuses the token",
                "are `cloud` and `tenant` right?",
                "HTTP 401, SpoiltByTest: Try again later.",
            ],
        ),
        (
            Fault::Status(403, None),
            &[
                "`CallRecord-PstnCalls.Read.All` or `CallRecords.Read.All`",
                "administrator consent",
                "HTTP 403",
            ],
        ),
        (Fault::Status(404, None), &["is `cloud` or `graph_url` right?"]),
        (Fault::Status(400, None), &["does not take the request"]),
        (Fault::Status(429, None), &["asked too often"]),
        (Fault::Status(503, None), &["cannot answer now"]),
        (Fault::Cut, &["breaks off"]),
        (Fault::Silent(Duration::from_secs(3)), &["did not answer in 1s"]),
        (Fault::Html, &["a web page in place of records", "a proxy may have answered"]),
        (Fault::Garbage, &["no page of records, or breaks off (line 1,"]),
        (Fault::Redirect, &["points elsewhere, which is not followed"]),
        (
            Fault::Next("https://graph.example.com/v1.0/x".to_owned()),
            &["a link to another host (graph.example.com)"],
        ),
    ];
    for (fault, expected) in cases {
        let stand_in = StandIn::start(rows::calls(1, 5));
        stand_in.spoil_first(u32::MAX, fault.clone());
        let ended = Setup::with(&stand_in, QUICK).run(&stand_in, &["check", "--collect"]);
        assert_eq!(ended.code, Some(1), "{fault:?}: {}", ended.stdout);
        let said = ended.stdout.lines().find(|line| line.starts_with("collect teams: ")).unwrap();
        assert!(expected.iter().all(|part| said.contains(part)), "{fault:?}: {said}");
        assert!(!said.contains("User One") && !said.contains("+1425"), "{said}");
    }
}

#[test]
fn what_keeps_from_microsoft_is_said() {
    let stand_in = StandIn::start(Vec::new());
    let check = |more: &str| Setup::with(&stand_in, more).run(&stand_in, &["check", "--collect"]).stdout;
    let untrusted = check("ca_file: /dev/null");
    assert!(untrusted.contains("there is no certificate in it"), "{untrusted}");
    let other = StandIn::start(Vec::new());
    let untrusted = check(&format!("ca_file: {}", other.ca_file().display()));
    assert!(untrusted.contains("is not trusted") && untrusted.contains("`ca_file`"), "{untrusted}");
    let refused = check("login_url: https://127.0.0.1:1");
    assert!(refused.contains("127.0.0.1:1 cannot be asked") && refused.contains("HTTPS_PROXY"), "{refused}");
    let unnamed = check("login_url: https://nowhere.invalid");
    assert!(unnamed.contains("nowhere.invalid has no address here"), "{unnamed}");
}

#[test]
fn a_sign_in_that_cannot_be_answered_now_is_tried_again() {
    let stand_in = StandIn::start(rows::calls(1, 5));
    stand_in
        .spoil(|request, before| (!request.is_for_calls() && before < 3).then_some(Fault::Status(503, None)));
    let setup = Setup::with(&stand_in, QUICK);
    let ended = setup.collect(&stand_in);
    assert_eq!((ended.code, spooled(&setup.spool()).len()), (Some(0), 5), "{}", ended.stderr);
}

#[test]
fn missing_permission_is_known_before_anything_else() {
    let stand_in = StandIn::start(rows::calls(1, 5));
    stand_in.world().permitted = false;
    let ended = Setup::with(&stand_in, QUICK).collect(&stand_in);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("HTTP 403, Forbidden)"), "{}", ended.stderr);
    assert_eq!(stand_in.requests(), 1, "asked once, not again and again");
}
