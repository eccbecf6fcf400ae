//! Records of an SBC as the real rsyslog writes them and the real logrotate rotates them: every call counts once; and from a
//! call that failed to the message of an alert, how long it takes.

use std::fs;
use std::io::Write;
use std::iter;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::tools::{Alertmanager, Child, Daemon, Prometheus, Receiver, find, succeed, wait_for};

/// A running rsyslogd that writes what it receives over TCP into `sbc.log`, as `docs/collecting.md` has it.
struct Rsyslog {
    folder: PathBuf,
    port: u16,
    _child: Child,
}

impl Rsyslog {
    fn start(folder: &Path) -> Self {
        let at = folder.display();
        let config = format!(
            "global(workDirectory=\"{at}\")\nmodule(load=\"imtcp\")\n\
             template(name=\"sbc\" type=\"string\" string=\"%timegenerated:::date-rfc3339% %fromhost-ip% %rawmsg-after-pri%\\n\")\n\
             ruleset(name=\"sbc\") {{ action(type=\"omfile\" file=\"{at}/sbc.log\" template=\"sbc\") }}\n\
             input(type=\"imtcp\" address=\"127.0.0.1\" port=\"0\" listenPortFileName=\"{at}/port\" ruleset=\"sbc\")\n"
        );
        fs::write(folder.join("rsyslog.conf"), config).unwrap();
        let child = Child::start(
            Command::new(find("rsyslogd", "rsyslog"))
                .args(["-n", "-f"])
                .arg(folder.join("rsyslog.conf"))
                .arg("-i")
                .arg(folder.join("rsyslogd.pid")),
        );
        let port = wait_for("the port of rsyslogd", || {
            fs::read_to_string(folder.join("port")).ok()?.trim().parse().ok()
        });
        Self { folder: folder.to_owned(), port, _child: child }
    }

    fn send(&self, lines: &str) {
        TcpStream::connect(("127.0.0.1", self.port)).unwrap().write_all(lines.as_bytes()).unwrap();
    }

    /// Rotates now, as the operator's logrotate does in the night.
    fn rotate(&self, how: &str) {
        let at = self.folder.display();
        let config = self.folder.join("logrotate.conf");
        fs::write(&config, format!("\"{at}/sbc.log\" {{\n  rotate 9\n  missingok\n{how}\n}}\n")).unwrap();
        fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
        succeed(
            Command::new(find("logrotate", "logrotate"))
                .args(["--force", "--state"])
                .arg(self.folder.join("state"))
                .arg(&config),
        );
    }

    /// What makes rsyslogd open its files anew.
    fn signal(&self) -> String {
        format!("  postrotate\n    kill -HUP $(cat {}/rsyslogd.pid)\n  endscript", self.folder.display())
    }
}

/// A leg to Teams that has just ended: answered, or refused with this code and phrase.
fn line(number: u32, refused: Option<(u16, &str)>) -> String {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    let time = now.strftime("%H:%M:%S.000  UTC %a %b %d %Y");
    let (connected, code, text) = match refused {
        None => (time.to_string(), "BYE".to_owned(), String::new()),
        Some((code, phrase)) => (
            String::new(),
            code.to_string(),
            format!("Q.850 ;cause=63 ;text=\"5e19725b-7fad-4e89-bae3-{number:012x};{phrase}\""),
        ),
    };
    let (from, to) = ("+14255550100@carrier.example.com", "+14255550199@sip.pstnhub.microsoft.com:5061");
    format!(
        "<142>[S={number}] |CALL_END|SBC|a{number}@10.0.2.11|c62532:22:{number}|LCL|10.0.2.11|5061|52.114.75.24|5061|TLS|{from}\
         |{from}|{to}|{to}|0|RMT|GWAPP_NORMAL_CALL_CLEAR|NORMAL_CALL_CLEAR|{time}|{connected}|{time}||||40|2 (Teams)\
         |0 (DefaultSRD)|1 (Interface)|1 (Proxies)|0 ()|0 ()|no|{code}|{text}|+14255550100|+14255550199|Normal|1\n"
    )
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn what_rsyslog_writes_and_logrotate_rotates_counts_once() {
    const LINES: u32 = 200;
    for (copies, packs) in
        [(false, ""), (false, "  compress\n  delaycompress"), (true, ""), (true, "  compress")]
    {
        let (folder, store) = (folder(), folder());
        let rsyslog = Rsyslog::start(folder.path());
        let paths = folder.path().join("sbc.log*");
        let serve = || Daemon::serve([&paths, Path::new("--storage.path"), store.path()]);
        let daemon = serve();
        let how = if copies {
            format!("  copytruncate\n{packs}")
        } else {
            format!("{packs}\n{}", rsyslog.signal())
        };
        let mut sent = 0;
        let mut send = |rsyslog: &Rsyslog| {
            rsyslog.send(&(sent..sent + LINES).map(|number| line(number, None)).collect::<String>());
            sent += LINES;
            f64::from(sent)
        };
        let wait = |daemon: &Daemon, calls: f64| {
            let answered = [("outcome", "answered")];
            daemon.wait_for_metrics(&format!("{calls} calls, {how}"), |metrics| {
                let counted = metrics.sum("cdr_calls_total", &answered);
                assert!(counted <= calls, "{counted} of {calls} calls: {how}");
                counted == calls
            });
        };
        for _ in 0..3 {
            let calls = send(&rsyslog);
            // What is written between copy and truncation is lost by logrotate; renamed files lose nothing.
            if copies {
                wait(&daemon, calls);
            }
            rsyslog.rotate(&how);
        }
        let calls = send(&rsyslog);
        wait(&daemon, calls);
        daemon.stop();
        rsyslog.rotate(&how);
        let daemon = serve();
        wait(&daemon, send(&rsyslog));
        let rejected = daemon.metrics().sum("cdr_exporter_records_total", &[("result", "rejected")]);
        assert_eq!(rejected, 0.0, "{how}");
        daemon.stop();
    }
}

/// From rsyslogd to a receiver of messages, over these rules.
struct Live {
    rsyslog: Rsyslog,
    daemon: Daemon,
    receiver: Receiver,
    prometheus: Prometheus,
    _alertmanager: Alertmanager,
    _folders: [TempDir; 2],
}

impl Live {
    /// With one answered call that Prometheus knows of.
    fn start(rules: &[(&str, &str)]) -> Self {
        let (logs, tools) = (folder(), folder());
        let rsyslog = Rsyslog::start(logs.path());
        rsyslog.send(&line(0, None));
        let daemon = Daemon::serve([logs.path().join("sbc.log")]);
        let receiver = Receiver::http();
        let alertmanager = Alertmanager::start_in(
            tools.path(),
            &format!(
                "route: {{receiver: test, group_by: [alertname], group_wait: 0s}}\n\
                 receivers: [{{name: test, webhook_configs: [{{url: 'http://{}/'}}]}}]\n",
                receiver.address
            ),
        );
        for (name, text) in rules {
            fs::write(tools.path().join(name), text).unwrap();
        }
        let names: Vec<&str> = rules.iter().map(|(name, _)| *name).collect();
        let prometheus = Prometheus::start_in(
            tools.path(),
            &format!(
                "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\nrule_files: [{}]\n\
                 scrape_configs: [{{job_name: cdr-exporter, static_configs: [{{targets: ['{}']}}]}}]\n\
                 alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\n",
                names.join(", "),
                daemon.address(),
                alertmanager.address
            ),
        );
        prometheus.wait_for_value("sum(cdr_calls_total)", 1.0);
        Self { rsyslog, daemon, receiver, prometheus, _alertmanager: alertmanager, _folders: [logs, tools] }
    }

    /// How long it takes to the message of an alert with this name while these lines come, a piece in each second.
    fn measured(&self, mut lines: impl Iterator<Item = String>, alert: &str) -> Duration {
        let begun = Instant::now();
        let message = loop {
            if let Some(text) = lines.next() {
                self.rsyslog.send(&text);
            }
            let second = Instant::now();
            let found = iter::from_fn(|| {
                std::thread::sleep(Duration::from_millis(20));
                (second.elapsed() < Duration::from_secs(1)).then(|| self.receiver.messages())
            })
            .flatten()
            .find(|message| message.body.contains(alert));
            if let Some(message) = found {
                break message.body;
            }
            assert!(begun.elapsed() < Duration::from_secs(90), "no message of {alert}");
        };
        let took = begun.elapsed();
        assert!(message.contains("531004"), "Microsoft's number follows from its phrase: {message}");
        took
    }
}

const ICE: (u16, &str) = (410, "IceConnectivityChecksFailed");

/// A rule without a window of its own: what is measured is the way.
#[test]
fn a_failed_call_that_rsyslog_writes_is_a_message_within_half_a_minute() {
    let rule = "groups: [{name: live, rules: [{alert: Ice, expr: 'cdr_call_failures_total{cause=\"IceConnectivityChecksFailed\",\
                arrival=\"live\"} > 0'}]}]\n";
    let live = Live::start(&[("live.rules.yml", rule)]);
    let took = live.measured(iter::once(line(1, Some(ICE))), "Ice");
    assert!(took < Duration::from_secs(30), "{took:?}");
    live.daemon.stop();
}

/// Our own rules, whose minutes are seconds here: their windows are then a small part of the way, and all of it is measured.
#[test]
fn failed_calls_that_rsyslog_writes_ring_by_our_rules_within_half_a_minute() {
    let config = "{ compress: 60, callsInterval: 60, historyInterval: 60, usualInterval: 60 }";
    let rules = xtask::rules::render(xtask::repository(), config).expect("the mixin");
    let live = Live::start(&[("recording.rules.yml", &rules.recording), ("alerts.rules.yml", &rules.alerts)]);
    live.prometheus.wait_for_value("count(trunk:cdr_calls_live:increase10m)", 1.0);
    let second =
        |second: u32| (0..40).map(|call| line(40 * second + call, (call < 20).then_some(ICE))).collect();
    let took = live.measured((1..90).map(second), "CdrIceConnectivityChecksFailedSpike");
    assert!(took < Duration::from_secs(30), "{took:?}");
    live.daemon.stop();
}

/// The objects of Kamailio's module `acc_json`, which writes them to syslog with `json_acc` before them: by the template and the mapping
/// of `docs/devices.md`.
#[test]
fn objects_of_acc_json_count_by_the_template_and_the_mapping_of_our_docs() {
    let docs = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/devices.md")).unwrap();
    let block = |first: &str| {
        let begin = docs.find(first).unwrap_or_else(|| panic!("{first} in the docs"));
        docs[begin..].split("```").next().unwrap_or_default()
    };
    let (folder, written) = (folder(), "/var/log/kamailio/acc.json");
    let (at, file) = (folder.path().display(), folder.path().join("acc.json"));
    let here = |text: &str| text.replace(written, &file.display().to_string());
    let config = format!(
        "global(workDirectory=\"{at}\")\nmodule(load=\"imuxsock\" SysSock.Use=\"off\")\n\
         input(type=\"imuxsock\" Socket=\"{at}/log\")\n{}",
        here(block("template(name=\"acc\""))
    );
    fs::write(folder.path().join("rsyslog.conf"), config).unwrap();
    fs::write(folder.path().join("c.yml"), format!("sources:\n{}", here(block("  - name: kamailio\n"))))
        .unwrap();
    let _rsyslog = Child::start(
        Command::new(find("rsyslogd", "rsyslog"))
            .args(["-n", "-f"])
            .arg(folder.path().join("rsyslog.conf"))
            .arg("-i")
            .arg(folder.path().join("rsyslogd.pid")),
    );
    let socket = UnixDatagram::unbound().unwrap();
    wait_for("the socket of rsyslogd", || socket.connect(folder.path().join("log")).ok());
    for (call, method, code, reason) in [
        ("a", "INVITE", 200, "OK"),
        ("a", "BYE", 200, "OK"),
        ("b", "INVITE", 480, "Q.850;cause=31;text=\\\"No answer\\\""),
    ] {
        let line = format!(
            "<133>Nov  5 09:01:00 json_acc[812]: {{\"time\": 1730797260, \"method\": \"{method}\", \"from_tag\": \"x\", \"to_tag\": \
             \"y\", \"callid\": \"{call}@192.0.2.1\", \"sip_code\": \"{code}\", \"sip_reason\": \"{reason}\", \"trunk\": \"teams-1\", \
             \"direction\": \"outbound\"}}"
        );
        socket.send(line.as_bytes()).unwrap();
    }
    let daemon = Daemon::serve([Path::new("--config.file"), &folder.path().join("c.yml")]);
    let metrics = daemon.wait_for_metrics("all objects", |metrics| {
        metrics.sum("cdr_exporter_read_records_total", &[]) == 3.0
    });
    for (outcome, calls) in [("answered", 1.0), ("no_answer", 1.0)] {
        let labels = [("trunk", "teams-1"), ("direction", "outbound"), ("outcome", outcome)];
        assert_eq!(metrics.sum("cdr_calls_total", &labels), calls, "{outcome}");
    }
    assert_eq!(metrics.sum("cdr_exporter_records_total", &[("result", "ignored")]), 1.0);
    daemon.stop();
}
