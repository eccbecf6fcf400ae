//! From a call to the message: daemon, Prometheus with our rules, Alertmanager and a receiver, all real but for time.
//!
//! An export grows, and each scrape finds more calls of five trunks, some of which fail as they usually do. Until the
//! spike begins nothing may arrive; then exactly one alert for exactly one trunk. The rules are ours, with the `for`
//! of the spike cut to seconds.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::tools::row::{self, Row};
use crate::tools::{Alertmanager, Daemon, Prometheus, wait_until};

const TRUNKS: [&str; 5] =
    ["sbc1.contoso.com", "sbc2.contoso.com", "sbc3.fabrikam.com", "sbc4.fabrikam.com", "sbc5.example.com"];
/// Where the spike is.
const SPIKE: usize = 2;
/// Calls of each trunk in one round.
const CALLS: u32 = 40;
/// Rounds before the spike: enough for the usual failures of each trunk to outnumber the gate of the alert.
const QUIET_ROUNDS: u32 = 20;
const ICE: (u64, u16) = (531_004, 410);

#[test]
fn an_ice_spike_on_one_of_five_trunks_rings_once_with_the_remedy() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let exports = tempfile::tempdir().expect("a temporary folder");
    let mut export = File::create(exports.path().join("calls.ndjson")).expect("room on the disk");
    let daemon = Daemon::serve([exports.path()]);
    let (receiver, messages) = receiver().expect("a free port");
    let alertmanager = start_alertmanager(folder.path(), &receiver);
    let prometheus = start_prometheus(folder.path(), &daemon, &alertmanager);

    let mut written = 0;
    for round in 0..QUIET_ROUNDS {
        assert!(messages.try_recv().is_err(), "an alert before the spike, in round {round}");
        write_round(&mut export, &mut written, 0);
        wait_until("Prometheus has the round", || {
            prometheus.query_value("sum(cdr_calls_total)") == Some(f64::from(written))
        });
    }
    let message = (0..20).find_map(|_| {
        write_round(&mut export, &mut written, CALLS / 5);
        messages.recv_timeout(Duration::from_secs(1)).ok()
    });
    let message = message.expect("the alert arrives within twenty rounds of the spike");
    let alerts = message["alerts"].as_array().expect("a message of Alertmanager");
    assert_eq!(alerts.len(), 1, "{message}");
    assert_eq!(alerts[0]["labels"]["alertname"], "CdrIceConnectivityChecksFailedSpike");
    assert_eq!(alerts[0]["labels"]["trunk"], TRUNKS[SPIKE]);
    assert_eq!(alerts[0]["labels"]["side"], "network");
    let description = alerts[0]["annotations"]["description"].as_str().unwrap_or_default();
    assert!(description.contains("Remedy: Open UDP between SBC and Microsoft"), "{description}");
    assert!(messages.recv_timeout(Duration::from_secs(5)).is_err(), "a second message");
    daemon.stop();
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

fn start_alertmanager(folder: &Path, receiver: &str) -> Alertmanager {
    let config = format!(
        "route: {{receiver: test, group_by: [alertname, trunk], group_wait: 0s}}\n\
         receivers: [{{name: test, webhook_configs: [{{url: 'http://{receiver}/'}}]}}]\n"
    );
    Alertmanager::start_in(folder, &config)
}

fn start_prometheus(folder: &Path, daemon: &Daemon, alertmanager: &Alertmanager) -> Prometheus {
    for file in ["recording.rules.yml", "alerts.rules.yml"] {
        let rules =
            fs::read_to_string(xtask::repository().join("deploy/prometheus").join(file)).expect("the rules");
        fs::write(folder.join(file), rules.replace("for: 2m", "for: 2s")).expect("room on the disk");
    }
    let (exporter, alertmanager) = (daemon.address(), &alertmanager.address);
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
         rule_files: [recording.rules.yml, alerts.rules.yml]\n\
         scrape_configs: [{{job_name: cdr-exporter, static_configs: [{{targets: ['{exporter}']}}]}}]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}\n"
    );
    Prometheus::start_in(folder, &config)
}

/// Takes messages of Alertmanager.
fn receiver() -> io::Result<(String, mpsc::Receiver<Value>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let (arrived, messages) = mpsc::channel();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let message = answer(connection?)?;
            let _ = arrived.send(serde_json::from_slice(&message)?);
        }
        io::Result::Ok(())
    });
    Ok((address, messages))
}

/// Reads one request and accepts it; gives the request's body.
fn answer(connection: TcpStream) -> io::Result<Vec<u8>> {
    let mut reader = BufReader::new(connection);
    let mut length = 0;
    for line in reader.by_ref().lines() {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    Ok(body)
}
