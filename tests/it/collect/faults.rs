//! Answers that are none: what passes is waited for, what stays is said with what to do.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::time::{Duration, Instant};

use super::setup::{Setup, spooled};
use super::stand_in::{Fault, Part, StandIn, rows};
use crate::bounds::peak;
use crate::durable::SmallDisk;

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
    let cases: [(Fault, &[&str]); 13] = [
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
        (Fault::Trickle(Part::All), &["did not answer in 1s"]),
        (Fault::Trickle(Part::Body), &["did not answer in 1s"]),
        (Fault::Html, &["a web page in place of records", "a proxy may have answered"]),
        (Fault::Garbage, &["no page of records, or breaks off (line 1,"]),
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
    let empty = stand_in.file("empty", "");
    let untrusted = check(&format!("ca_file: {}", empty.display()));
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

/// A listener that nobody should ever come to, and its address.
fn nobody_comes() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// Neither a token nor a secret goes to another host, whatever an answer says.
#[test]
fn nobody_is_followed_to_another_place() {
    let (listener, elsewhere) = nobody_comes();
    for (status, scheme) in [(301, "https"), (302, "http"), (303, "https"), (307, "http"), (308, "https")] {
        for of_calls in [true, false] {
            let stand_in = StandIn::start(rows::calls(1, 5));
            let fault = Fault::Redirect(status, format!("{scheme}://{elsewhere}/x"));
            stand_in.spoil(move |request, _| (request.is_for_calls() == of_calls).then(|| fault.clone()));
            let said = Setup::with(&stand_in, QUICK).run(&stand_in, &["check", "--collect"]).stdout;
            let expected =
                if of_calls { "points elsewhere, which is not followed" } else { "`login_url` is wrong" };
            assert!(said.contains(expected) && said.contains(&status.to_string()), "{status}: {said}");
        }
    }
    let stand_in = StandIn::start(rows::calls(1, 5));
    let (port, url) = (stand_in.address.port(), stand_in.url());
    for next in [
        format!("https://{elsewhere}/v1.0/x"),
        format!("http://localhost:{}/v1.0/x", stand_in.plain.port()),
        format!("https://localhost:{port}@{elsewhere}/v1.0/x"),
        format!("https://{elsewhere}#{url}/"),
        format!("https://localhost:{port}.example.com/v1.0/x"),
        format!("//{elsewhere}/v1.0/x"),
        "/v1.0/x".to_owned(),
        String::new(),
    ] {
        stand_in.spoil_first(1, Fault::Next(next.clone()));
        let said = Setup::with(&stand_in, QUICK).run(&stand_in, &["check", "--collect"]).stdout;
        assert!(said.contains("which is not followed"), "{next}: {said}");
    }
    assert!(listener.accept().is_err(), "nobody came");
}

/// Of two gigabytes that an answer unpacks to, the daemon holds no more than its limit, and what that takes to grow.
#[test]
fn a_bomb_does_not_go_off() {
    let stand_in = StandIn::start(rows::calls(1, 5));
    stand_in.spoil_first(u32::MAX, Fault::Bomb);
    let setup = Setup::with(&stand_in, "every: 1m\nlook_back: 1h\nhistory: 0s");
    let daemon = setup.serve(&stand_in);
    let before = peak(&daemon);
    daemon.wait_for_metrics("a second bomb", |metrics| {
        metrics.sum("cdr_collect_requests_total", &[("endpoint", "calls"), ("status", "large")]) >= 2.0
    });
    println!("megabytes held at most: {before} before, {} after", peak(&daemon));
    assert!(peak(&daemon) < before + 80, "{before} MB before, {} MB after", peak(&daemon));
    daemon.stop();
    let said = setup.run(&stand_in, &["check", "--collect"]).stdout;
    assert!(said.contains("the answer of localhost:") && said.contains(" is longer than 16 MB"), "{said}");
}

/// What is no file of a secret is said at once: nothing waits for a pipe, and nothing is read without end.
#[test]
fn what_is_no_file_of_a_secret_is_said() {
    let stand_in = StandIn::start(rows::calls(1, 5));
    let folder = stand_in.folder.path().to_path_buf();
    let made = Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap();
    assert!(made.success());
    let begun = Instant::now();
    for key in ["client_secret_file", "federated_token_file", "certificate_file", "ca_file"] {
        for name in [folder.join("pipe"), folder.clone(), "/dev/zero".into()] {
            let mut setup = Setup::new(&stand_in);
            let name = name.display();
            match key {
                "ca_file" => setup.more = format!("ca_file: {name}"),
                "certificate_file" => setup.credential = format!("{key}: {name}\nprivate_key_file: {name}"),
                _ => setup.credential = format!("{key}: {name}"),
            }
            let said = setup.run(&stand_in, &["collect", "--once"]).stderr;
            assert!(said.contains(&format!("{name}: it is not a regular file")), "{key}: {said}");
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    let secret = format!("\u{feff}{}\r\n", stand_in.world().entra.secret);
    let mut setup = Setup::new(&stand_in);
    setup.credential = format!("client_secret_file: {}", stand_in.file("marked", &secret).display());
    let ended = setup.run(&stand_in, &["check", "--collect"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
}

#[test]
fn a_token_that_is_none_is_said() {
    for token in ["", "two\nlines", "two words", "tok\u{e9}n"] {
        let stand_in = StandIn::start(rows::calls(1, 5));
        stand_in.spoil(move |request, _| (!request.is_for_calls()).then_some(Fault::Token(token)));
        let said = Setup::with(&stand_in, QUICK).run(&stand_in, &["check", "--collect"]).stdout;
        assert!(said.contains("a token that no request can carry; is `login_url` right?"), "{token}: {said}");
        assert_eq!(stand_in.requests(), 0);
    }
}

#[test]
fn a_token_may_last_any_time() {
    for seconds in [i64::MAX, i64::MAX / 1000, 0, -1, i64::MIN] {
        let stand_in = StandIn::start(rows::calls(1, 5));
        stand_in.spoil(move |request, _| (!request.is_for_calls()).then_some(Fault::Lasts(seconds)));
        let setup = Setup::with(&stand_in, QUICK);
        let ended = setup.collect(&stand_in);
        assert_eq!((ended.code, spooled(&setup.spool()).len()), (Some(0), 5), "{seconds}: {}", ended.stderr);
    }
}

/// Told to wait for hours, it does, and says so: nobody has to guess why nothing comes.
#[test]
fn a_long_wait_is_said() {
    let stand_in = StandIn::start(rows::calls(1, 5));
    stand_in.spoil_first(1, Fault::Status(429, Some("999999999")));
    let setup = Setup::with(&stand_in, QUICK);
    let daemon = setup.serve(&stand_in);
    daemon.wait_for_log("waiting as long as Microsoft says");
    daemon.wait_for_metrics("the reason", |metrics| {
        metrics.value("cdr_collect_failing", &[("reason", "throttled")]) == Some(1.0)
    });
    assert_eq!(stand_in.requests(), 1);
    let begun = Instant::now();
    daemon.stop();
    assert!(begun.elapsed() < Duration::from_secs(10), "nothing keeps it from ending");
}

/// A day that cannot be had keeps back neither the history nor what is tidied away.
#[test]
fn a_live_day_that_cannot_be_had_keeps_back_no_other() {
    let stand_in = StandIn::start(rows::calls(12, 20));
    let today = rows::day(0).to_string()[..10].to_owned();
    stand_in.spoil(move |request, _| {
        request.path.contains(&format!("fromDateTime={today}")).then_some(Fault::Status(400, None))
    });
    let setup = Setup::with(&stand_in, "every: 300ms\nhistory: 11d");
    let daemon = setup.serve(&stand_in);
    daemon.wait_for_metrics("the history", |metrics| metrics.sum("cdr_collect_history_seconds", &[]) == 0.0);
    let metrics = daemon.wait_for_metrics("the reason", |metrics| {
        metrics.value("cdr_collect_failing", &[("reason", "answer")]) == Some(1.0)
    });
    assert_eq!(metrics.sum("cdr_collect_last_success_timestamp_seconds", &[]), 0.0);
    daemon.stop();
}

/// A folder that cannot be written is said, holds up nothing else, and is gone on with once it can.
#[test]
fn a_disk_that_refuses_is_waited_for() {
    let stand_in = StandIn::start(rows::calls(1, 20));
    let setup = Setup::with(&stand_in, "every: 200ms\nlook_back: 1h\nhistory: 0s");
    std::fs::create_dir_all(setup.storage().join("spool")).unwrap();
    // In the way of the folder.
    std::fs::write(setup.spool(), "").unwrap();
    let daemon = setup.serve(&stand_in);
    daemon.wait_until_ready();
    daemon.wait_for_metrics("the reason", |metrics| {
        metrics.value("cdr_collect_failing", &[("reason", "storage")]) == Some(1.0)
    });
    std::fs::remove_file(setup.spool()).unwrap();
    daemon.wait_for_metrics("all calls", |metrics| metrics.sum("cdr_calls_total", &[]) == 20.0);
    daemon.wait_for_log("collecting again");
    daemon.stop();
}

/// A disk that fills in the middle of things costs no row and no row twice.
#[test]
fn a_full_disk_is_waited_for() {
    let stand_in = StandIn::start(rows::calls(12, 100));
    let setup = Setup::with(&stand_in, "every: 300ms\nhistory: 11d");
    let disk = SmallDisk::mount(setup.storage().join("spool"));
    let daemon = setup.serve(&stand_in);
    daemon.wait_for_metrics("some calls", |metrics| metrics.sum("cdr_calls_total", &[]) >= 100.0);
    disk.fill();
    // Rows come that find no room.
    let more = (0..100).map(|number| rows::call(50_000 + number, rows::day(0)));
    stand_in.world().rows.extend(more);
    daemon.wait_for_metrics("the reason", |metrics| {
        metrics.value("cdr_collect_failing", &[("reason", "storage")]) == Some(1.0)
    });
    daemon.wait_for_log("No space left on device");
    disk.free();
    let metrics =
        daemon.wait_for_metrics("all calls", |metrics| metrics.sum("cdr_calls_total", &[]) == 1300.0);
    assert_eq!(metrics.sum("cdr_exporter_records_total", &[("result", "duplicate")]), 0.0);
    assert_eq!(spooled(&setup.spool()).len(), 1300);
    daemon.stop();
}
