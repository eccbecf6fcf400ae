//! Outages from the call record to the message, with daemons, Prometheus, Alertmanager and a receiver that are all real.
//!
//! Time is compressed by the mixin's configuration: an hour lasts half a minute. Three daemons are three tenants. After
//! a healthy beginning everything goes wrong at once: one trunk of the first loses every call, one burns slowly and one
//! gets no inbound call; the second loses half of its calls on all forty trunks; of the third every record is late.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use crate::tools::row::Row;
use crate::tools::{Alertmanager, Daemon, Message, Prometheus, Receiver, wait_until};

/// An hour is 30 s, a day a minute and a week 75 s, so that there are earlier days and weeks to compare with.
const CONFIG: &str = "{ compress: 120, callsInterval: 120, historyInterval: 120, usualInterval: 120, day: 2 * 3600, week: 2.5 * 3600 }";
const HOUR: f64 = 30.0;
const HEALTHY: Duration = Duration::from_secs(125);
const TOTAL: Duration = Duration::from_secs(230);
const ICE: (u64, u16) = (531_004, 410);

/// Calls of one trunk and direction: how many an hour, and which share of them fails, before and during the fault.
struct Flow {
    trunk: &'static str,
    inbound: bool,
    an_hour: f64,
    healthy: f64,
    faulty: f64,
    /// Whether calls go on at all during the fault.
    goes_on: bool,
    due: f64,
    failing: f64,
    written: u32,
}

impl Flow {
    fn new(trunk: &'static str, an_hour: f64, healthy: f64, faulty: f64) -> Self {
        Self {
            trunk,
            inbound: true,
            an_hour,
            healthy,
            faulty,
            goes_on: true,
            due: 0.0,
            failing: 0.0,
            written: 0,
        }
    }

    /// The rows that fell due within this many seconds.
    fn rows(&mut self, seconds: f64, fault: bool, ids: &mut u32) -> Vec<Row> {
        self.due += if fault && !self.goes_on { 0.0 } else { self.an_hour * seconds / HOUR };
        let mut rows = Vec::new();
        while self.due >= 1.0 {
            self.due -= 1.0;
            self.failing += if fault { self.faulty } else { self.healthy };
            let failed = self.failing >= 1.0;
            self.failing -= f64::from(u8::from(failed));
            *ids += 1;
            self.written += 1;
            let row =
                if failed { Row::failed(*ids, self.trunk, ICE) } else { Row::answered(*ids, self.trunk) };
            rows.push(if self.inbound { row.inbound() } else { row });
        }
        rows
    }
}

/// A daemon and the export that it reads.
struct Tenant {
    daemon: Daemon,
    export: File,
    flows: Vec<Flow>,
    late_when_faulty: bool,
    ids: u32,
    _folder: TempDir,
}

impl Tenant {
    fn new(flows: Vec<Flow>, late_when_faulty: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let export = File::create(folder.path().join("calls.ndjson")).unwrap();
        let daemon = Daemon::serve([folder.path()]);
        Self { daemon, export, flows, late_when_faulty, ids: 0, _folder: folder }
    }

    fn write(&mut self, seconds: f64, fault: bool) {
        let age =
            if fault && self.late_when_faulty { SignedDuration::from_hours(7) } else { SignedDuration::ZERO };
        let end = Timestamp::now().checked_sub(age).unwrap();
        let rows = self.flows.iter_mut().flat_map(|flow| flow.rows(seconds, fault, &mut self.ids));
        let text: String = rows.map(|row| row.json_of(end) + "\n").collect();
        self.export.write_all(text.as_bytes()).unwrap();
    }
}

fn tenants() -> [Tenant; 3] {
    let quiet = Flow { inbound: false, ..Flow::new("sbc3.contoso.com", 480.0, 0.0, 0.0) };
    let dead = Flow { goes_on: false, ..Flow::new("sbc3.contoso.com", 480.0, 0.0, 0.0) };
    let single = vec![
        Flow::new("sbc1.contoso.com", 15.0, 0.0, 1.0),
        Flow::new("sbc2.contoso.com", 600.0, 0.01, 0.05),
        quiet,
        dead,
        Flow::new("sbc4.contoso.com", 60.0, 0.0, 0.0),
        Flow::new("sbc5.contoso.com", 60.0, 0.0, 0.0),
    ];
    let all = (0..40).map(|trunk| {
        let name: &'static str = Box::leak(format!("sbc{trunk}.fabrikam.com").into_boxed_str());
        Flow::new(name, 15.0, 0.0, 0.5)
    });
    let late = vec![Flow::new("sbc1.example.com", 240.0, 0.0, 0.5)];
    [Tenant::new(single, false), Tenant::new(all.collect(), false), Tenant::new(late, true)]
}

/// Every message goes out twice: as Alertmanager's JSON, and as mail with the shipped templates.
fn start_alertmanager(folder: &TempDir, receiver: &Receiver, mail: &Receiver) -> Alertmanager {
    let shipped = xtask::repository().join("deploy/alertmanager");
    let config = fs::read_to_string(shipped.join("alertmanager.yml")).unwrap();
    let inhibition = config.split("inhibit_rules:").nth(1).unwrap().split("receivers:").next().unwrap();
    let config = format!(
        "global: {{smtp_smarthost: '{}', smtp_from: cdr-exporter@example.com, smtp_require_tls: false}}\n\
         templates: ['{}']\n\
         route: {{receiver: all, group_by: [job, source], group_wait: 1s, group_interval: 1s}}\n\
         receivers:\n  - name: all\n    webhook_configs: [{{url: 'http://{}/all'}}]\n\
         \x20   email_configs: [{{to: voice@example.com, headers: {{Subject: '{{{{ template \"cdr.title\" . }}}}'}}, \
         html: '', text: '{{{{ template \"cdr.text\" . }}}}'}}]\ninhibit_rules:{inhibition}",
        mail.address,
        shipped.join("cdr.tmpl").display(),
        receiver.address,
    );
    Alertmanager::start_in(folder.path(), &config)
}

fn start_prometheus(folder: &TempDir, tenants: &[Tenant], alertmanager: &Alertmanager) -> Prometheus {
    let rules = xtask::rules::render(xtask::repository(), CONFIG).unwrap();
    fs::write(folder.path().join("recording.rules.yml"), rules.recording).unwrap();
    fs::write(folder.path().join("alerts.rules.yml"), rules.alerts).unwrap();
    let jobs: String = ["single", "all", "late"]
        .iter()
        .zip(tenants)
        .map(|(name, tenant)| {
            format!(
                "  - {{job_name: cdr-exporter-{name}, static_configs: [{{targets: ['{}']}}]}}\n",
                tenant.daemon.address()
            )
        })
        .collect();
    Prometheus::start_in(
        folder.path(),
        &format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             rule_files: [recording.rules.yml, alerts.rules.yml]\n\
             alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\nscrape_configs:\n{jobs}",
            alertmanager.address
        ),
    )
}

/// Whether it only says that a daemon stood still or gave no answer: five minutes are 2.5 s here, and this machine may be busy
/// for so long.
fn is_of_stall(message: &Message) -> bool {
    let value: serde_json::Value = serde_json::from_str(&message.body).unwrap();
    let mut alerts = value["alerts"].as_array().unwrap().iter();
    alerts.all(|alert| {
        let name = alert["labels"]["alertname"].as_str();
        matches!(name, Some("CdrExporterLoopStalled" | "CdrExporterDown"))
    })
}

#[test]
fn outages_of_every_kind_ring_with_the_right_message_and_nothing_rings_before() {
    let folder = tempfile::tempdir().unwrap();
    let (receiver, mail) = (Receiver::http(), Receiver::smtp());
    let alertmanager = start_alertmanager(&folder, &receiver, &mail);
    let mut tenants = tenants();
    let prometheus = start_prometheus(&folder, &tenants, &alertmanager);

    let start = Instant::now();
    let mut before = start.elapsed();
    while start.elapsed() < TOTAL {
        let now = start.elapsed();
        let fault = now > HEALTHY;
        for tenant in &mut tenants {
            tenant.write((now - before).as_secs_f64(), fault);
        }
        before = now;
        let early: Vec<_> = receiver.messages().into_iter().filter(|message| !is_of_stall(message)).collect();
        assert!(fault || early.is_empty(), "before the fault: {early:?}");
        // The pace of the traffic itself, not a wait for something.
        std::thread::sleep(Duration::from_millis(250));
    }
    let written: u32 = tenants.iter().map(|tenant| tenant.ids).sum();
    wait_until("Prometheus has every call", || {
        prometheus.query_value("sum(cdr_calls_total)") == Some(f64::from(written))
    });
    let said: String = receiver.messages().iter().map(|message| message.body.clone() + "\n").collect();
    let mails: String = mail.messages().iter().map(|message| message.body.clone() + "\n").collect();
    let kept = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::write(kept.join("outages.jsonl"), &said).unwrap();
    fs::write(kept.join("outages.mail"), &mails).unwrap();

    for (job, alert, rest) in [
        ("single", "CdrTrunkFailureRatioHigh", "sbc1.contoso.com"),
        ("single", "CdrTrunkFailureRatioHigh", "sbc2.contoso.com"),
        ("single", "CdrTrunkSilent", "sbc3.contoso.com"),
        ("all", "CdrAllTrunksFailureRatioHigh", " on 40 of 40 trunks"),
        ("late", "CdrExporterBlind", "calls arrive too late"),
    ] {
        let found = receiver.messages().into_iter().find(|message| {
            let value: serde_json::Value = serde_json::from_str(&message.body).unwrap();
            value["alerts"].as_array().unwrap().iter().any(|one| {
                one["labels"]["job"] == format!("cdr-exporter-{job}")
                    && one["labels"]["alertname"] == alert
                    && one.to_string().contains(rest)
            })
        });
        assert!(found.is_some(), "{alert} of {rest} did not arrive: {said}");
    }
    // Healthy neighbours say nothing, no alert speaks of a window that does not show the fault, and who is blind gives no
    // diagnosis of a trunk.
    for wrong in ["sbc4.contoso.com", "sbc5.contoso.com", " on 0 of "] {
        assert!(!said.contains(wrong), "{wrong} rings: {said}");
    }
    let blind = |alert: &serde_json::Value| {
        alert["labels"]["trunk"] == "sbc1.example.com" && alert["labels"]["severity"] != "info"
    };
    for message in receiver.messages() {
        let value: serde_json::Value = serde_json::from_str(&message.body).unwrap();
        let wrong: Vec<_> = value["alerts"].as_array().unwrap().iter().filter(|alert| blind(alert)).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
