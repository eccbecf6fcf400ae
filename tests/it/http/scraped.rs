//! The daemon under Prometheus, the installed one and a newer one, over HTTP and HTTPS, with password and client
//! certificate.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::super::tools::row::{self, Row};
use super::super::tools::{Daemon, Prometheus, under_both, under_newer, wait_for, wait_until};
use super::certificates;

pub const SBC: &str = "sbc1.contoso.com";

/// The values of a query by the label `job`.
pub fn by_job(prometheus: &Prometheus, promql: &str) -> BTreeMap<String, f64> {
    let values = prometheus.query(promql).into_iter();
    values.map(|(mut labels, value)| (labels.remove("job").unwrap_or_default(), value)).collect()
}

/// The config of a Prometheus with these jobs.
pub fn config(jobs: &str) -> String {
    format!("global: {{scrape_interval: 300ms}}\nscrape_configs:\n{jobs}")
}

/// A daemon that has counted three failed calls and an answered one.
pub fn daemon(folder: &Path, arguments: &[&str]) -> Daemon {
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

/// Two daemons, of which one asks for a client's certificate and a password.
pub struct Guarded {
    pub folder: TempDir,
    plain: Daemon,
    secure: Daemon,
}

/// The jobs of [`Guarded::jobs`], and whether each gets in.
pub const JOBS: [(&str, f64); 4] =
    [("http", 1.0), ("https", 1.0), ("no_password", 0.0), ("no_certificate", 0.0)];

impl Guarded {
    pub fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let web_config = web_config(folder.path());
        let (plain, secure) =
            (daemon(folder.path(), &[]), daemon(folder.path(), &["--web.config.file", &web_config]));
        Self { folder, plain, secure }
    }

    /// [`JOBS`] as a scraper's config has them.
    pub fn jobs(&self) -> String {
        let files = self.folder.path().display();
        let targets = |daemon: &Daemon| format!("static_configs: [{{targets: ['{}']}}]", daemon.address());
        let tls =
            format!("ca_file: {files}/ca.crt, cert_file: {files}/client.crt, key_file: {files}/client.key");
        format!(
            "- {{job_name: http, {}}}\n\
             - {{job_name: https, scheme: https, tls_config: {{{tls}}}, \
                 basic_auth: {{username: prom, password: secret}}, {secure}}}\n\
             - {{job_name: no_password, scheme: https, tls_config: {{{tls}}}, {secure}}}\n\
             - {{job_name: no_certificate, scheme: https, tls_config: {{ca_file: {files}/ca.crt}}, \
                 basic_auth: {{username: prom, password: secret}}, {secure}}}\n",
            targets(&self.plain),
            secure = targets(&self.secure),
        )
    }
}

/// Writes a web config and its certificates; returns its path.
fn web_config(folder: &Path) -> String {
    let _ca = certificates::write(folder);
    let hash = bcrypt::hash("secret", 4).unwrap();
    let web_config = format!(
        "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  \
         client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\nbasic_auth_users:\n  prom: {hash}\n"
    );
    fs::write(folder.join("web.yml"), web_config).unwrap();
    folder.join("web.yml").display().to_string()
}

under_both!(prometheus_scrapes_over_http_and_https("prometheus" of "prometheus"));

fn prometheus_scrapes_over_http_and_https(program: &Path) {
    let guarded = Guarded::start();
    let prometheus = Prometheus::start_program(program, &config(&guarded.jobs()), &[]);
    let ice = "sum by (job) (cdr_call_failures_total{cause=\"IceConnectivityChecksFailed\"})";
    let expected = BTreeMap::from([("http".to_owned(), 2.0), ("https".to_owned(), 2.0)]);
    wait_until("both jobs", || by_job(&prometheus, ice) == expected);
    let up = || JOBS.map(|(job, _)| by_job(&prometheus, "up").get(job).copied());
    // Each job is scraped at a time of its own.
    wait_until("a scrape of every job", || up().iter().all(Option::is_some));
    assert_eq!(up(), JOBS.map(|(_, up)| Some(up)));
    let buckets = by_job(&prometheus, "count by (job) (cdr_call_age_seconds_bucket{le=\"+Inf\"})");
    assert_eq!(buckets.len(), 2, "{buckets:?}");
}

under_newer!(the_first_call_of_a_new_trunk_is_an_increase("prometheus"));

/// The cure of the first increment that no `rate()` sees, of which version 2 knows nothing.
fn the_first_call_of_a_new_trunk_is_an_increase(program: &Path) {
    let folder = TempDir::new().unwrap();
    let daemon = daemon(folder.path(), &[]);
    let jobs = format!("- {{job_name: cdr, static_configs: [{{targets: ['{}']}}]}}\n", daemon.address());
    let flags = ["--enable-feature=created-timestamp-zero-ingestion"];
    let prometheus = Prometheus::start_program(program, &config(&jobs), &flags);
    wait_until("a scrape", || !prometheus.query("cdr_calls_total").is_empty());
    let rows = row::ndjson(&[Row::answered(9, "sbc9.contoso.com")]);
    fs::write(folder.path().join("cdr/b.ndjson"), rows).unwrap();
    let increase = wait_for("the increase of the new trunk", || {
        let increase = prometheus.query("sum(increase(cdr_calls_total{trunk=\"sbc9.contoso.com\"}[1m]))");
        increase.into_values().next().filter(|value| *value > 0.0)
    });
    assert!((0.5..2.0).contains(&increase), "{increase}");
}

pub fn is_of_version_3(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).contains("version 3.")
}
