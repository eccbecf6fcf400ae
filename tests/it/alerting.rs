//! From a call to the message: daemon, Prometheus with our rules, Alertmanager and a receiver, all real but for time.
//!
//! An export grows, and each scrape finds more calls of five trunks, some of which fail as they usually do. Until the
//! spike begins nothing may arrive; then exactly one alert for exactly one trunk. The rules are ours, with
//! time compressed by the mixin's configuration: an hour lasts a minute.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::tools::row::{self, Row};
use crate::tools::{Alertmanager, Daemon, Prometheus, Receiver, wait_until};

const TRUNKS: [&str; 5] =
    ["sbc1.contoso.com", "sbc2.contoso.com", "sbc3.fabrikam.com", "sbc4.fabrikam.com", "sbc5.example.com"];
/// Where the spike is.
const SPIKE: usize = 2;
/// Calls of each trunk in one round.
const CALLS: u32 = 40;
/// Rounds before the spike, each about a second: so many that the spike is little in an hour, and only its own alert rings.
const QUIET_ROUNDS: u32 = 45;
const CONFIG: &str = "{ compress: 60, callsInterval: 60, historyInterval: 60, usualInterval: 60 }";
const ICE: (u64, u16) = (531_004, 410);

#[test]
fn an_ice_spike_on_one_of_five_trunks_rings_once_with_the_remedy() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let exports = tempfile::tempdir().expect("a temporary folder");
    let mut export = File::create(exports.path().join("calls.ndjson")).expect("room on the disk");
    let daemon = Daemon::serve([exports.path()]);
    let receiver = Receiver::http();
    let alertmanager = start_alertmanager(folder.path(), &receiver);
    let prometheus = start_prometheus(folder.path(), &daemon, &alertmanager);

    let mut written = 0;
    for round in 0..QUIET_ROUNDS {
        let early: Vec<_> = receiver.messages().into_iter().map(|message| message.body).collect();
        assert!(early.is_empty(), "an alert before the spike, in round {round}: {early:?}");
        write_round(&mut export, &mut written, 0);
        wait_until("Prometheus has the round", || {
            prometheus.query_value("sum(cdr_calls_total)") == Some(f64::from(written))
        });
    }
    let message = (0..20).find_map(|_| {
        write_round(&mut export, &mut written, CALLS / 5);
        arrives(&receiver, 1, Duration::from_secs(1)).then(|| receiver.messages()[0].body.clone())
    });
    let message = message.expect("the alert arrives within twenty rounds of the spike");
    let message: Value = serde_json::from_str(&message).expect("Alertmanager sends JSON");
    let alerts = message["alerts"].as_array().expect("a message of Alertmanager");
    assert_eq!(alerts.len(), 1, "{message}");
    assert_eq!(alerts[0]["labels"]["alertname"], "CdrIceConnectivityChecksFailedSpike");
    assert_eq!(alerts[0]["labels"]["trunk"], TRUNKS[SPIKE]);
    assert_eq!(alerts[0]["labels"]["side"], "network");
    let description = alerts[0]["annotations"]["description"].as_str().unwrap_or_default();
    assert!(description.contains("Remedy: Open UDP between SBC and Microsoft"), "{description}");
    assert!(!arrives(&receiver, 2, Duration::from_secs(5)), "a second message");
    daemon.stop();
}

/// Whether so many messages arrive in this time.
fn arrives(receiver: &Receiver, messages: usize, within: Duration) -> bool {
    let start = Instant::now();
    while receiver.messages().len() < messages && start.elapsed() < within {
        std::thread::sleep(Duration::from_millis(20));
    }
    receiver.messages().len() >= messages
}

/// Writes one round of calls, of which each trunk has one with failed ICE checks, and one trunk so many more.
fn write_round(export: &mut File, written: &mut u32, spike: u32) {
    let mut rows = Vec::new();
    for (place, trunk) in TRUNKS.into_iter().enumerate() {
        let failed = 1 + if place == SPIKE { spike } else { 0 };
        for call in 0..CALLS {
            let id = *written;
            rows.push(if call < failed { Row::failed(id, trunk, ICE) } else { Row::answered(id, trunk) });
            *written += 1;
        }
    }
    export.write_all(row::ndjson(&rows).as_bytes()).expect("room on the disk");
}

fn start_alertmanager(folder: &Path, receiver: &Receiver) -> Alertmanager {
    let config = format!(
        "route: {{receiver: test, group_by: [alertname, trunk], group_wait: 0s}}\n\
         receivers: [{{name: test, webhook_configs: [{{url: 'http://{}/'}}]}}]\n",
        receiver.address
    );
    Alertmanager::start_in(folder, &config)
}

fn start_prometheus(folder: &Path, daemon: &Daemon, alertmanager: &Alertmanager) -> Prometheus {
    let rules = xtask::rules::render(xtask::repository(), CONFIG).expect("the mixin");
    fs::write(folder.join("recording.rules.yml"), rules.recording).expect("room on the disk");
    // Prometheus takes five seconds to look at its first target, which is longer than five compressed minutes.
    let alerts = rules.alerts.replace("for: 5s", "for: 20s");
    fs::write(folder.join("alerts.rules.yml"), alerts).expect("room on the disk");
    let (exporter, alertmanager) = (daemon.address(), &alertmanager.address);
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
         rule_files: [recording.rules.yml, alerts.rules.yml]\n\
         scrape_configs: [{{job_name: cdr-exporter, static_configs: [{{targets: ['{exporter}']}}]}}]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}\n"
    );
    Prometheus::start_in(folder, &config)
}
