//! The daemon under VictoriaMetrics and under vmagent, which writes to it: over HTTP and HTTPS, with password and client
//! certificate.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::super::tools::{Child, http, newer, under_newer, wait_until};
use super::scraped::{Guarded, JOBS, config};

/// An address on which nobody listens: neither says which port it chose.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn start(program: &Path, folder: &Path, name: &str, jobs: &str, more: &[String]) -> (SocketAddr, Child) {
    let file = folder.join(format!("{name}.yml"));
    fs::write(&file, config(jobs)).unwrap();
    let address = free();
    let mut command = Command::new(program);
    command.arg(format!("-httpListenAddr={address}")).arg(format!("-promscrape.config={}", file.display()));
    let child = Child::start(command.args(more).arg("-loggerLevel=ERROR"));
    wait_until(name, || {
        http::try_request(address, "GET", "/health", &[]).is_ok_and(|reply| reply.status == 200)
    });
    (address, child)
}

/// The values of a query by the label `job`.
fn by_job(address: SocketAddr, promql: &str) -> BTreeMap<String, f64> {
    let query: String = promql.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let reply = http::get(address, &format!("/api/v1/query?latency_offset=1ms&nocache=1&query={query}"));
    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
    let result = answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{promql}: {answer}"));
    let value = |series: &Value| {
        let value = series["value"][1].as_str().unwrap().parse().unwrap();
        (series["metric"]["job"].as_str().unwrap().to_owned(), value)
    };
    result.iter().map(value).collect()
}

under_newer!(victoria_metrics_and_vmagent_scrape_over_http_and_https("victoria-metrics"));

fn victoria_metrics_and_vmagent_scrape_over_http_and_https(victoria: &Path) {
    let vmagent = newer("vmagent");
    let guarded = Guarded::start();
    let folder = guarded.folder.path();
    let jobs = guarded.jobs();
    let data = |name: &str| folder.join(name).display().to_string();
    let storage = [format!("-storageDataPath={}", data("victoria"))];
    let (address, _victoria) = start(victoria, folder, "victoria", &jobs, &storage);
    let agents_jobs = jobs.replace("job_name: ", "job_name: agent_");
    let write = [
        format!("-remoteWrite.url=http://{address}/api/v1/write"),
        format!("-remoteWrite.tmpDataPath={}", data("agent")),
    ];
    let (_, _agent) = start(&vmagent, folder, "vmagent", &agents_jobs, &write);

    let of_both = |prefixes: [&str; 2]| -> BTreeMap<String, f64> {
        let jobs =
            prefixes.into_iter().flat_map(|prefix| JOBS.map(|(job, up)| (format!("{prefix}{job}"), up)));
        jobs.collect()
    };
    let up = of_both(["", "agent_"]);
    wait_until("who gets in", || by_job(address, "up") == up);
    let ice = "sum by (job) (cdr_call_failures_total{cause=\"IceConnectivityChecksFailed\"})";
    let let_in: BTreeMap<String, f64> =
        up.into_iter().filter(|(_, up)| *up == 1.0).map(|(job, _)| (job, 2.0)).collect();
    wait_until("the failures of all who got in", || by_job(address, ice) == let_in);
    let durations = "sum by (job) (cdr_call_duration_seconds_bucket{le=\"+Inf\"})";
    assert!(by_job(address, durations).into_values().eq([1.0; 4]));
}
