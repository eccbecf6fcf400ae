//! Who may come in, by which proof, and what is said to those who may not.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{fs, io, thread};

use super::setup::{Setup, spooled};
use super::stand_in::entra::{self, TENANT};
use super::stand_in::{Fault, StandIn, rows, server, set_mode};
use crate::tools::wait_until;

/// Names and values.
type Environment<'a> = &'a [(&'a str, &'a str)];

#[test]
fn every_way_to_sign_in_is_taken() {
    let stand_in = StandIn::start(rows::calls(1, 5));
    let folder = stand_in.folder.path();
    entra::make_certificate(folder);
    let certificate = entra::certificate(&folder.join("graph.crt"));
    stand_in.world().entra.certificate = Some(certificate);
    let token = stand_in.file("token", "header.federated-token.signature");
    let plain = format!("http://{}", stand_in.plain);
    let app_service = format!("{plain}/app-service");
    let cases: [(&str, &str, Environment<'_>); 5] = [
        ("secret", "", &[]),
        ("certificate", "certificate_file: DIR/graph.crt\nprivate_key_file: DIR/graph.key", &[]),
        ("federated", "federated_token_file: DIR/token", &[]),
        ("machine", "managed_identity: true", &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &plain)]),
        (
            "app",
            "managed_identity: true",
            &[("IDENTITY_ENDPOINT", &app_service), ("IDENTITY_HEADER", "header-of-app-service")],
        ),
    ];
    assert!(token.exists());
    for (name, credential, environment) in cases {
        let mut setup = Setup::with(&stand_in, "look_back: 1h\nhistory: 0s");
        if !credential.is_empty() {
            setup.credential = credential.replace("DIR", folder.to_str().unwrap());
        }
        let ended = setup.run_in(&stand_in, &["collect", "--once"], environment);
        assert_eq!(ended.code, Some(0), "{name}: {}", ended.stderr);
        assert_eq!(spooled(&setup.spool()).len(), 5, "{name}");
    }
    assert_eq!(stand_in.world().entra.granted, 5);
}

#[test]
fn a_refusal_says_what_entra_says_and_what_to_do() {
    let stand_in = StandIn::start(Vec::new());
    let folder = stand_in.folder.path().to_path_buf();
    entra::make_certificate(&folder);
    let wrong = stand_in.file("wrong", "not-the-secret");
    stand_in.file("empty", "\n");
    stand_in.file("ec.key", &rcgen::KeyPair::generate().unwrap().serialize_pem());
    stand_in.file("lines", "the-id\nthe-secret\n");
    let cases: [(&str, &[&str]); 9] = [
        ("client_secret_file: DIR/wrong", &["invalid_client: AADSTS7000215", "and not its id"]),
        ("tenant: fabrikam.example.com", &["AADSTS90002", "compare `tenant` and `cloud`"]),
        (
            "client_id: 00000000-0000-4000-8000-00000000000f",
            &["AADSTS700016", "`client_id` is not of this tenant"],
        ),
        (
            "certificate_file: DIR/graph.crt\nprivate_key_file: DIR/graph.key",
            &["AADSTS700027", "upload this certificate"],
        ),
        (
            "certificate_file: DIR/graph.crt\nprivate_key_file: DIR/graph.crt",
            &["graph.crt: it has no PEM section `PRIVATE KEY`"],
        ),
        ("certificate_file: DIR/graph.crt\nprivate_key_file: DIR/ec.key", &["ec.key: it is no RSA key"]),
        ("client_secret_file: DIR/empty", &["empty: it is empty"]),
        ("federated_token_file: DIR/lines", &["lines: it has several lines", "on one line"]),
        ("federated_token_file: DIR/wrong", &["invalid_client: AADSTS50027", "look the code up"]),
    ];
    assert!(wrong.exists());
    for (lines, expected) in cases {
        let mut setup = Setup::new(&stand_in);
        let lines = lines.replace("DIR", folder.to_str().unwrap());
        match lines.contains("_file") {
            true => setup.credential = lines.clone(),
            false => setup.more = lines.clone(),
        }
        let ended = setup.run(&stand_in, &["check", "--collect"]);
        assert_eq!(ended.code, Some(1), "{lines}: {}{}", ended.stdout, ended.stderr);
        let said = ended.stdout.lines().find(|line| line.starts_with("collect teams: ")).unwrap();
        assert!(expected.iter().all(|part| said.contains(part)), "{lines}: {said}");
    }
    stand_in.world().entra.secret_ended = true;
    let ended = Setup::new(&stand_in).run(&stand_in, &["check", "--collect"]);
    assert!(
        ended.stdout.contains("AADSTS7000222") && ended.stdout.contains("make a new one"),
        "{}",
        ended.stdout
    );
}

/// The daemon goes on counting without such a file, and reads it once it is there; who checks wants to know.
#[test]
fn a_file_that_is_not_there_is_a_fault_of_the_config_with_its_line() {
    let stand_in = StandIn::start(Vec::new());
    let folder = stand_in.folder.path().display().to_string();
    for (credential, missing) in [
        (format!("client_secret_file: {folder}/absent"), &["absent"][..]),
        (format!("certificate_file: {folder}/a.crt\nprivate_key_file: {folder}/a.key"), &["a.crt", "a.key"]),
        (format!("federated_token_file: {folder}/absent"), &["absent"]),
    ] {
        let setup = Setup { credential, ..Setup::new(&stand_in) };
        let ended = setup.run(&stand_in, &["check"]);
        assert_eq!((ended.code, &*ended.stdout), (Some(64), ""), "{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), missing.len(), "{}", ended.stderr);
        let config = fs::read_to_string(setup.config(&stand_in)).unwrap();
        for file in missing {
            let line = config.lines().position(|line| line.contains(file)).unwrap() + 1;
            let said = ended.stderr.lines().find(|line| line.contains(file)).unwrap();
            assert!(said.contains(&format!("config.yml:{line}:")), "{said}");
            assert!(said.ends_with(&format!("/{file}: there is no such file")), "{said}");
        }
    }
    let setup = Setup { credential: format!("client_secret_file: {folder}/absent"), ..Setup::new(&stand_in) };
    let fetched = setup.run(&stand_in, &["collect", "--once"]);
    assert!(fetched.stderr.contains("absent: No such file"), "{}", fetched.stderr);
}

#[test]
fn check_says_that_all_is_well_and_writes_nothing() {
    let stand_in = StandIn::start(rows::calls(1, 7));
    stand_in.world().page = 5;
    let setup = Setup::new(&stand_in);
    let ended = setup.run(&stand_in, &["check", "--collect"]);
    let expected = format!("collect teams: signed in to {TENANT}; the first page of ");
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stdout.contains(&expected) && ended.stdout.contains(" has 5 rows and more follow\n"),
        "{}",
        ended.stdout
    );
    assert!(!setup.storage().exists());
    let ended = setup.run(&stand_in, &["check"]);
    assert!(ended.stdout.contains("collect teams: not tried"), "{}", ended.stdout);
    assert_eq!((ended.code, stand_in.requests()), (Some(0), 1));
}

#[test]
fn a_clock_that_is_wrong_is_named() {
    let stand_in = StandIn::start(Vec::new());
    let folder = stand_in.folder.path().to_path_buf();
    entra::make_certificate(&folder);
    let mut world = stand_in.world();
    world.entra.certificate = Some(entra::certificate(&folder.join("graph.crt")));
    world.clock = 3600;
    drop(world);
    let mut setup = Setup::new(&stand_in);
    setup.credential =
        format!("certificate_file: {0}/graph.crt\nprivate_key_file: {0}/graph.key", folder.display());
    let ended = setup.run(&stand_in, &["check", "--collect"]);
    assert_eq!(ended.code, Some(1));
    for part in ["AADSTS700024", "set this machine's clock", "seconds behind Microsoft's"] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
}

#[test]
fn a_secret_is_read_anew_and_an_open_one_is_warned_of() {
    let stand_in = StandIn::start(rows::calls(1, 3));
    let right = stand_in.world().entra.secret.clone();
    let setup =
        Setup::with(&stand_in, "every: 200ms\nlook_back: 1h\nhistory: 0s\nclient_secret_ends: 2031-05-31");
    let secret = stand_in.file("secret", "the-old-one");
    set_mode(&secret, 0o644);
    let daemon = setup.serve(&stand_in);
    daemon.wait_for_log("AADSTS7000215");
    daemon.wait_until_ready();
    let failing = |reason| daemon.metrics().value("cdr_collect_failing", &[("reason", reason)]);
    assert_eq!((failing("sign_in"), failing("server")), (Some(1.0), Some(0.0)));
    fs::write(&secret, right).unwrap();
    let metrics = daemon.wait_for_metrics("the calls", |metrics| metrics.sum("cdr_calls_total", &[]) == 3.0);
    daemon.wait_for_log("collecting again");
    assert_eq!(failing("sign_in"), Some(0.0));
    let ends = metrics.value("cdr_collect_credential_end_timestamp_seconds", &[("source", "teams")]);
    assert_eq!(ends, Some(1_937_952_000.0));
    let log = daemon.stop().join("\n");
    assert!(log.contains("a secret that others may read or change") && log.contains("mode=644"), "{log}");
    assert_eq!(log.matches("AADSTS7000215").count(), 1, "said once: {log}");
}

/// It does not wait for the history, which may take hours, and of which nothing can be had here.
#[test]
fn the_first_day_that_comes_ends_a_fault() {
    let stand_in = StandIn::start(rows::calls(1, 3));
    stand_in.world().entra.secret_ended = true;
    let recent = [0, 1].map(|ago| format!("fromDateTime={}", &rows::day(ago).to_string()[..10]));
    stand_in.spoil(move |request, _| {
        let is_old = request.is_for_calls() && !recent.iter().any(|day| request.path.contains(day));
        is_old.then_some(Fault::Status(500, None))
    });
    let setup = Setup::with(&stand_in, "every: 1s\nlook_back: 1h\nhistory: 4d");
    let daemon = setup.serve(&stand_in);
    daemon.wait_for_log("AADSTS7000222");
    stand_in.world().entra.secret_ended = false;
    daemon.wait_for_log("collecting again");
    daemon.wait_for_log("cannot answer now");
    daemon.wait_for_metrics("the fault of the history", |metrics| {
        metrics.value("cdr_collect_failing", &[("reason", "server")]) == Some(1.0)
    });
    let asked = stand_in.requests();
    wait_until("another pass", || stand_in.requests() > asked + 20);
    assert_eq!(daemon.stop().join("\n").matches("collecting again").count(), 1);
}

#[test]
fn a_certificate_says_when_it_ends() {
    let stand_in = StandIn::start(Vec::new());
    let folder = stand_in.folder.path().to_path_buf();
    entra::make_certificate(&folder);
    stand_in.world().entra.certificate = Some(entra::certificate(&folder.join("graph.crt")));
    let mut setup = Setup::with(&stand_in, "every: 1s\nhistory: 0s");
    setup.credential =
        format!("certificate_file: {0}/graph.crt\nprivate_key_file: {0}/graph.key", folder.display());
    let daemon = setup.serve(&stand_in);
    let name = "cdr_collect_last_success_timestamp_seconds";
    let metrics = daemon.wait_for_metrics("a success", |metrics| metrics.sum(name, &[]) > 0.0);
    let left = metrics.sum("cdr_collect_credential_end_timestamp_seconds", &[]) - metrics.sum(name, &[]);
    assert!((left / 86_400.0 - 365.0).abs() < 0.1, "{left}");
    let token = metrics.sum("cdr_collect_token_end_timestamp_seconds", &[]) - metrics.sum(name, &[]);
    assert!((3500.0..3601.0).contains(&token), "{token}");
}

#[test]
fn a_token_is_renewed_before_it_ends() {
    let stand_in = StandIn::start(rows::calls(1, 3));
    stand_in.world().entra.lasts = Duration::from_secs(2);
    let setup = Setup::with(&stand_in, "every: 200ms\nlook_back: 1h\nhistory: 0s");
    let daemon = setup.serve(&stand_in);
    wait_until("several tokens", || stand_in.world().entra.granted >= 4);
    let refused =
        daemon.metrics().sum("cdr_collect_requests_total", &[("endpoint", "calls"), ("status", "401")]);
    assert_eq!(refused, 0.0, "none was used after its end");
    assert!(stand_in.requests() > 8, "each served several requests: {}", stand_in.requests());
}

/// A proxy that opens no TLS: it joins two connections.
fn proxy(used: Arc<AtomicU32>) -> String {
    let address = server::listen(move |client| {
        let mut reader = io::BufReader::new(client.try_clone()?);
        let mut first = String::new();
        io::BufRead::read_line(&mut reader, &mut first)?;
        let target =
            first.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        let server = TcpStream::connect(target)?;
        loop {
            let mut line = String::new();
            io::BufRead::read_line(&mut reader, &mut line)?;
            if line.trim().is_empty() {
                break;
            }
        }
        used.fetch_add(1, Ordering::Relaxed);
        io::Write::write_all(&mut &client, b"HTTP/1.1 200 OK\r\n\r\n")?;
        let (mut from, mut to) = (server.try_clone()?, client.try_clone()?);
        thread::spawn(move || io::copy(&mut from, &mut to));
        io::copy(&mut reader, &mut &server)?;
        Ok(())
    });
    format!("http://{address}")
}

#[test]
fn a_proxy_of_the_environment_is_used_and_may_be_ruled_out() {
    let stand_in = StandIn::start(rows::calls(1, 5));
    let setup = Setup::new(&stand_in);
    let used = Arc::new(AtomicU32::new(0));
    let proxy = proxy(Arc::clone(&used));
    let check = |environment: &[(&str, &str)]| setup.run_in(&stand_in, &["check", "--collect"], environment);
    let ended = check(&[("HTTPS_PROXY", &proxy)]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(used.swap(0, Ordering::Relaxed) > 0, "by the proxy");
    let ended = check(&[("HTTPS_PROXY", &proxy), ("NO_PROXY", "localhost")]);
    assert_eq!((ended.code, used.load(Ordering::Relaxed)), (Some(0), 0), "past it");
    let ended = check(&[("HTTPS_PROXY", "http://127.0.0.1:1")]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("the proxy 127.0.0.1:1 (HTTPS_PROXY"), "{}", ended.stdout);
    let before = stand_in.requests();
    for wrong in
        ["http://user:hidden@", "socks5://user:hidden@127.0.0.1:1", "http://user:hid den@127.0.0.1:1"]
    {
        let said = check(&[("HTTPS_PROXY", wrong)]).stdout;
        assert!(
            said.contains("`HTTPS_PROXY` is not the address of a proxy") && !said.contains("den@"),
            "{said}"
        );
    }
    assert_eq!(stand_in.requests(), before, "nobody goes without the proxy that was named");
    let ended = check(&[("HTTPS_PROXY", &proxy), ("ALL_PROXY", "socks5://127.0.0.1:1")]);
    assert!(ended.code == Some(0) && used.load(Ordering::Relaxed) > 0, "{}", ended.stdout);
}
