//! The daemon under every Prometheus on the PATH, over HTTP and HTTPS, with password and client certificate. A newer
//! Prometheus is tried by adding its folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::super::tools::row::{self, Row};
use super::super::tools::{Daemon, Labels, Prometheus, copies, find, wait_for, wait_until};
use super::certificates;

const SBC: &str = "sbc1.contoso.com";

/// The values of a query by the label `job`.
fn by_job(prometheus: &Prometheus, promql: &str) -> BTreeMap<String, f64> {
    let values = prometheus.query(promql).into_iter();
    values.map(|(mut labels, value)| (labels.remove("job").unwrap_or_default(), value)).collect()
}

/// The config of a Prometheus with these jobs.
fn config(jobs: &str) -> String {
    format!("global: {{scrape_interval: 300ms}}\nscrape_configs:\n{jobs}")
}

fn programs() -> Vec<std::path::PathBuf> {
    find("prometheus", "prometheus");
    copies("prometheus")
}

/// A daemon that has counted three failed calls and an answered one.
fn daemon(folder: &Path, arguments: &[&str]) -> Daemon {
    let cdr = folder.join("cdr");
    fs::create_dir_all(&cdr).unwrap();
    let rows = [
        Row::answered(1, SBC),
        Row::failed(2, SBC, (531_004, 410)),
        Row::failed(3, SBC, (531_004, 410)),
        Row::failed(4, SBC, (531_005, 410)),
    ];
    fs::write(cdr.join("a.ndjson"), row::ndjson(&rows)).unwrap();
    let storage = TempDir::new_in(folder).unwrap().keep();
    let of = |path: &Path| path.display().to_string();
    let mut all = vec![of(&cdr), "--storage.path".to_owned(), of(&storage)];
    all.extend(arguments.iter().map(ToString::to_string));
    Daemon::serve(all)
}

#[test]
fn every_prometheus_scrapes_over_http_and_https() {
    let folder = TempDir::new().unwrap();
    let _ca = certificates::write(folder.path());
    let hash = bcrypt::hash("secret", 4).unwrap();
    let web_config = format!(
        "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  \
         client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\nbasic_auth_users:\n  prom: {hash}\n"
    );
    fs::write(folder.path().join("web.yml"), web_config).unwrap();
    let web_config = folder.path().join("web.yml").display().to_string();
    let (plain, secure) =
        (daemon(folder.path(), &[]), daemon(folder.path(), &["--web.config.file", &web_config]));
    let files = folder.path().display();
    let targets = |daemon: &Daemon| format!("static_configs: [{{targets: ['{}']}}]", daemon.address());
    let tls = format!("ca_file: {files}/ca.crt, cert_file: {files}/client.crt, key_file: {files}/client.key");
    let jobs = format!(
        "- {{job_name: http, {}}}\n\
         - {{job_name: https, scheme: https, tls_config: {{{tls}}}, basic_auth: {{username: prom, password: secret}}, {}}}\n\
         - {{job_name: no_password, scheme: https, tls_config: {{{tls}}}, {}}}\n\
         - {{job_name: no_certificate, scheme: https, tls_config: {{ca_file: {files}/ca.crt}}, \
             basic_auth: {{username: prom, password: secret}}, {}}}\n",
        targets(&plain),
        targets(&secure),
        targets(&secure),
        targets(&secure),
    );
    for program in programs() {
        let prometheus = Prometheus::start_program(&program, &config(&jobs), &[]);
        let ice = "sum by (job) (cdr_call_failures_total{cause=\"IceConnectivityChecksFailed\"})";
        let expected = BTreeMap::from([("http".to_owned(), 2.0), ("https".to_owned(), 2.0)]);
        wait_until(&format!("both jobs under {}", program.display()), || {
            by_job(&prometheus, ice) == expected
        });
        let up = || {
            ["http", "https", "no_password", "no_certificate"]
                .map(|job| by_job(&prometheus, "up").get(job).copied())
        };
        // Each job is scraped at a time of its own.
        wait_until(&format!("a scrape of every job under {}", program.display()), || {
            up().iter().all(Option::is_some)
        });
        assert_eq!(up(), [1.0, 1.0, 0.0, 0.0].map(Some), "{}", program.display());
        let buckets = by_job(&prometheus, "count by (job) (cdr_call_age_seconds_bucket{le=\"+Inf\"})");
        assert_eq!(buckets.len(), 2, "{}: {buckets:?}", program.display());
    }
}

/// The cure of the first increment that no `rate()` sees.
#[test]
fn the_first_call_of_a_new_trunk_is_an_increase() {
    let Some(newest) = programs().into_iter().rfind(|program| is_of_version_3(program)) else {
        eprintln!("there is no Prometheus 3: scripts/newer-prometheus unpacks one");
        return;
    };
    let folder = TempDir::new().unwrap();
    let daemon = daemon(folder.path(), &[]);
    let jobs = format!("- {{job_name: cdr, static_configs: [{{targets: ['{}']}}]}}\n", daemon.address());
    let flags = ["--enable-feature=created-timestamp-zero-ingestion"];
    let prometheus = Prometheus::start_program(&newest, &config(&jobs), &flags);
    wait_until("a scrape", || !prometheus.query("cdr_calls_total").is_empty());
    let rows = row::ndjson(&[Row::answered(9, "sbc9.contoso.com")]);
    fs::write(folder.path().join("cdr/b.ndjson"), rows).unwrap();
    let increase = wait_for("the increase of the new trunk", || {
        let increase = prometheus.query("sum(increase(cdr_calls_total{trunk=\"sbc9.contoso.com\"}[1m]))");
        increase.into_values().next().filter(|value| *value > 0.0)
    });
    assert!((0.5..2.0).contains(&increase), "{increase}");
}

fn is_of_version_3(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).contains("version 3.")
}

/// From a spike to one of its calls.
#[test]
fn every_prometheus_finds_the_newest_failed_call_of_a_series() {
    const OLDER: &str = "c0000001-05ec-4a1b-8c2d-000000000001";
    const NEWEST: &str = "c0000002-05ec-4a1b-8c2d-000000000002";
    const NUMBER: &str = "+14255550123";
    let folder = TempDir::new().unwrap();
    let row = |id, codes, correlation_id: &str| {
        let json = Row::failed(id, SBC, codes).json();
        json.replacen('{', &format!("{{\"correlationId\":\"{correlation_id}\","), 1) + "\n"
    };
    let rows = [
        row(11, (531_004, 410), OLDER),
        row(12, (531_004, 410), NEWEST),
        // What is no GUID may be a person's.
        row(13, (531_005, 410), NUMBER),
    ];
    let (shown, hidden) = (daemon(folder.path(), &[]), daemon(folder.path(), &["--web.disable-exemplars"]));
    fs::write(folder.path().join("cdr/b.ndjson"), rows.concat()).unwrap();
    let jobs = format!(
        "- {{job_name: shown, static_configs: [{{targets: ['{}']}}]}}\n\
         - {{job_name: hidden, static_configs: [{{targets: ['{}']}}]}}\n",
        shown.address(),
        hidden.address()
    );
    for program in programs() {
        let flags = ["--enable-feature=exemplar-storage"];
        let prometheus = Prometheus::start_program(&program, &config(&jobs), &flags);
        wait_until("all three", || {
            let all = by_job(&prometheus, "sum by (job) (cdr_call_failures_total)");
            all.len() == 2 && all.values().all(|failures| *failures == 6.0)
        });
        let of = |job: &str, codes: &str| {
            prometheus
                .exemplars(&format!("cdr_call_failures_total{{job=\"{job}\",microsoft_code=\"{codes}\"}}"))
        };
        let expected = Labels::from([("correlation_id".to_owned(), NEWEST.to_owned())]);
        wait_until(&format!("the exemplar in {}", program.display()), || {
            of("shown", "531004").last() == Some(&expected)
        });
        assert_eq!(of("shown", "531005"), [], "{}", program.display());
        assert_eq!(of("hidden", "531004"), [], "{}", program.display());
    }
}
