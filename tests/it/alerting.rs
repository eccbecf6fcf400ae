//! From a call to the message: exporter, Prometheus with our rules, Alertmanager and a receiver, all real but for time.
//!
//! Each scrape, a second apart, finds a minute more of traffic. Until the spike begins nothing may arrive; then exactly
//! one alert for exactly one of five trunks. The rules are ours, with the `for` of the spike cut to seconds.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::prometheus::{Server, tools};
use xtask::traffic::Traffic;

/// The spike begins after three quarters of it.
const TRAFFIC: Traffic = Traffic { trunks: 5, minutes: 40, end: 1_800_000_000 };

#[test]
fn an_ice_spike_on_one_of_five_trunks_rings_once_with_the_remedy() {
    let (Some(prometheus), Some(alertmanager)) = (
        tools("prometheus").pop(),
        tools("alertmanager").pop().or_else(|| tools("prometheus-alertmanager").pop()),
    ) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (exporter, scraped) = exporter().expect("a free port");
    let (receiver, messages) = receiver().expect("a free port");
    let routes = format!(
        "route: {{receiver: test, group_by: [alertname, trunk], group_wait: 0s}}\n\
         receivers: [{{name: test, webhook_configs: [{{url: 'http://{receiver}/'}}]}}]\n"
    );
    let alertmanager =
        Server::alertmanager(&alertmanager, folder.path(), &routes).expect("Alertmanager starts");
    for file in ["recording.rules.yml", "alerts.rules.yml"] {
        let rules =
            fs::read_to_string(xtask::repository().join("deploy/prometheus").join(file)).expect("the rules");
        fs::write(folder.path().join(file), rules.replace("for: 2m", "for: 2s")).expect("room on the disk");
    }
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
         rule_files: [recording.rules.yml, alerts.rules.yml]\n\
         scrape_configs: [{{job_name: cdr-exporter, honor_labels: true, static_configs: [{{targets: ['{exporter}']}}]}}]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\n",
        alertmanager.address
    );
    let _prometheus = Server::prometheus(&prometheus, folder.path(), &config).expect("Prometheus starts");

    for scrape in scraped.iter().take(30) {
        assert!(messages.try_recv().is_err(), "an alert before the spike, at scrape {scrape}");
    }
    let message = messages.recv_timeout(Duration::from_secs(60)).expect("the alert arrives");
    let alerts = message["alerts"].as_array().expect("a message of Alertmanager");
    assert_eq!(alerts.len(), 1, "{message}");
    assert_eq!(alerts[0]["labels"]["alertname"], "CdrIceConnectivityChecksFailedSpike");
    assert_eq!(alerts[0]["labels"]["trunk"], "sbc03.example.com");
    assert_eq!(alerts[0]["labels"]["side"], "network");
    let description = alerts[0]["annotations"]["description"].as_str().unwrap_or_default();
    assert!(description.contains("Remedy: No media path could be set up"), "{description}");
    assert!(messages.recv_timeout(Duration::from_secs(5)).is_err(), "a second message");
}

/// Serves the traffic, a minute more with each scrape, and tells of each.
fn exporter() -> io::Result<(String, mpsc::Receiver<usize>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let (scraped, scrapes) = mpsc::channel();
    thread::spawn(move || {
        let mut last = String::new();
        let mut traffic = TRAFFIC.scrapes().enumerate();
        for connection in listener.incoming() {
            if let Some((scrape, text)) = traffic.next() {
                last = text;
                // The test may be over.
                let _ = scraped.send(scrape);
            }
            let _ = answer(connection?, &last);
        }
        io::Result::Ok(())
    });
    Ok((address, scrapes))
}

/// Takes messages of Alertmanager.
fn receiver() -> io::Result<(String, mpsc::Receiver<Value>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let (arrived, messages) = mpsc::channel();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let message = answer(connection?, "")?;
            let _ = arrived.send(serde_json::from_slice(&message)?);
        }
        io::Result::Ok(())
    });
    Ok((address, messages))
}

/// Reads one request and answers it with this text; gives the request's body.
fn answer(connection: TcpStream, text: &str) -> io::Result<Vec<u8>> {
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
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n";
    write!(reader.get_mut(), "{head}Content-Length: {}\r\n\r\n{text}", text.len())?;
    Ok(body)
}
