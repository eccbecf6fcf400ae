//! Messages as people receive them: the shipped configuration and templates in a real Alertmanager, which sends to
//! loopback by every way that alertmanager.yml has ready. What arrives is kept in `snapshots/`.

use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::{Value, json};

use crate::tools::{Alertmanager, Receiver, http, newer};

/// The shipped configuration with all its examples, of Teams if it is known, sending here at once and at any hour.
fn configuration(secrets: &Path, web: &Receiver, mail: &Receiver, teams: bool) -> String {
    let folder = xtask::repository().join("deploy/alertmanager");
    let shipped = fs::read_to_string(folder.join("alertmanager.yml")).unwrap();
    let all = Regex::new(r"(?m)^( *)#(\S|  )").unwrap().replace_all(&shipped, "$1$2").into_owned();
    for (file, secret) in [
        ("teams-webhook", format!("http://{}/teams", web.address)),
        ("slack-webhook", format!("http://{}/slack", web.address)),
        ("pagerduty-routing-key", "0123456789abcdef0123456789abcdef".to_owned()),
    ] {
        fs::write(secrets.join(file), secret).unwrap();
    }
    let mut config = all
        .replace("/etc/alertmanager/secrets", secrets.to_str().unwrap())
        .replace("cdr.tmpl", folder.join("cdr.tmpl").to_str().unwrap())
        .replace("http://localhost:9095", &format!("http://{}", web.address))
        .replace("mail.example.com:587", &mail.address.to_string())
        .replace(
            "smtp_require_tls: true",
            &format!("smtp_require_tls: false\n  pagerduty_url: http://{}/v2/enqueue", web.address),
        )
        .replace("group_wait: 1m", "group_wait: 1s")
        .replace("group_interval: 5m", "group_interval: 1s");
    for line in [r"smtp_auth_\w+: .*", r"active_time_intervals: .*", r"mute_time_intervals: .*"] {
        config = Regex::new(&format!(r"(?m)^ *{line}\n")).unwrap().replace_all(&config, "").into_owned();
    }
    if !teams {
        let teams = Regex::new(r"(?m)^    msteamsv2_configs:\n(      .*\n)+").unwrap();
        config = teams.replace_all(&config, "").into_owned();
    }
    config
}

fn alert(trunk: &str, severity: &str) -> Value {
    json!({
        "labels": {"alertname": "CdrTrunkFailureRatioHigh", "severity": severity, "window": "1h",
                   "job": "cdr-exporter", "source": "teams", "trunk": trunk},
        "annotations": {
            "summary": "A large part of the calls on a trunk fail.",
            "headline": format!("{trunk}: 91 of 120 calls fail, IceConnectivityChecksFailed"),
            "description": "91 of 120 calls of the last hour failed. Who can fix it: network. Remedy: Open the media ports.",
            "usual": "0.8%",
            "leading_causes": "89 IceConnectivityChecksFailed (531004/410); 2 Bad Request (540400/400)",
            "calls_lost": "143",
            "example_calls": format!("http://localhost:3000/d/cdr-cause?var-cause=IceConnectivityChecksFailed&var-trunk={trunk}"),
            "runbook_url": "https://cdr-exporter.example.com/docs/runbooks.md#cdrtrunkfailureratiohigh",
            "dashboard_url": format!("http://localhost:3000/d/cdr-trunk?var-trunk={trunk}"),
        },
        "startsAt": "2026-11-20T08:12:07Z",
    })
}

fn post(alertmanager: &Alertmanager, alerts: &[Value]) {
    let answer = http::post(alertmanager.address, "/api/v2/alerts", &json!(alerts).to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// As one reads it: parts that differ from run to run replaced, the body of mail without its header lines.
fn readable(text: &str, alertmanager: &Alertmanager) -> String {
    let host = Regex::new(r"http://[\w.-]+:\d+/#").unwrap();
    let text = host.replace_all(text, "http://ALERTMANAGER/#").into_owned();
    let text = text.replace(&alertmanager.address.to_string(), "ALERTMANAGER").replace("\r\n", "\n");
    Regex::new(r"(?m)^(Date|Message-Id|--.*|Content-.*boundary).*$|[0-9a-f]{30,}")
        .unwrap()
        .replace_all(&text, "-")
        .into_owned()
}

mod every_way_of_sending_says_where_how_bad_what_and_what_to_do {
    use super::*;

    #[test]
    fn installed() {
        let program = Alertmanager::installed();
        every_way_says(&program, Alertmanager::knows_teams(&program));
    }

    #[test]
    fn newer() {
        let program = super::newer("prometheus-alertmanager");
        assert!(Alertmanager::knows_teams(&program), "one of 0.28 or later");
        every_way_says(&program, true);
    }
}

fn every_way_says(program: &Path, teams: bool) {
    let folder = tempfile::tempdir().unwrap();
    let (web, mail) = (Receiver::http(), Receiver::smtp());
    let config = configuration(folder.path(), &web, &mail, teams);
    let alertmanager = Alertmanager::start_program_in(program, folder.path(), &config);
    post(&alertmanager, &[alert("sbc2.contoso.com", "critical"), alert("sbc3.contoso.com", "warning")]);

    let mut ways =
        vec![("pagerduty", web.wait_for("/v2/enqueue", "sbc2")), ("slack", web.wait_for("/slack", "sbc3"))];
    ways.push(("mail", mail.wait_for("mail", "sbc3")));
    ways.push(("webhook", web.wait_for("/now", "sbc2")));
    if teams {
        ways.push(("teams", web.wait_for("/teams", "sbc2")));
    }
    for (way, message) in &ways {
        for part in [
            "91 of 120 calls fail",
            "Remedy: Open the media ports.",
            "runbooks.md#cdrtrunkfailureratiohigh",
            "cdr-trunk?var-trunk",
        ] {
            assert!(message.body.contains(part), "{way} does not say {part:?}: {}", message.body);
        }
        if *way != "webhook" {
            for part in [
                "2026-11-20 08:12 UTC",
                "0.8%",
                "89 IceConnectivityChecksFailed",
                "Example calls",
                "silences/new?filter",
            ] {
                assert!(message.body.contains(part), "{way} does not say {part:?}: {}", message.body);
            }
        }
    }
    let shown = |name: &str, text: &str| insta::assert_snapshot!(name, readable(text, &alertmanager));
    let part = |way: &Value, title: &str, text: &str| {
        [title, text]
            .map(|pointer| way.pointer(pointer).and_then(Value::as_str).unwrap().to_owned())
            .join("\n\n")
    };
    let value = |place: usize| serde_json::from_str::<Value>(&ways[place].1.body).unwrap();
    shown("pagerduty", &part(&value(0), "/payload/summary", "/payload/custom_details/text"));
    shown("slack", &part(&value(1), "/attachments/0/title", "/attachments/0/text"));
    if let Some((_, teams)) = ways.get(4) {
        // The card as Teams draws it: each text in a block of its own.
        let card: Value = serde_json::from_str(&teams.body).unwrap();
        let blocks = card.pointer("/attachments/0/content/body").and_then(Value::as_array).unwrap();
        let texts: Vec<_> = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
        shown("teams", &texts.join("\n\n"));
    }
    // Alertmanager writes the header lines in any order.
    let (head, body) = ways[2].1.body.split_once("MIME-Version").unwrap();
    let mut head: Vec<_> = head.lines().collect();
    head.sort_unstable();
    shown("mail", &format!("{}\nMIME-Version{body}", head.join("\n")));
    resolved(&alertmanager, &web, &mail, teams);
}

/// Both alerts are over: how long they lasted, and what they cost.
fn resolved(alertmanager: &Alertmanager, web: &Receiver, mail: &Receiver, teams: bool) {
    let mut over = alert("sbc2.contoso.com", "critical");
    over["endsAt"] = json!("2026-11-20T09:37:40Z");
    post(alertmanager, &[over]);
    let message = web.wait_for("/v2/enqueue", "\"event_action\":\"resolve\"");
    assert!(message.body.contains("\"resolve\""), "{}", message.body);
    if teams {
        let message = web.wait_for("/teams", "Over: ");
        assert!(message.body.contains("It lasted 1h25m"), "{}", message.body);
    }
    let mut over = alert("sbc3.contoso.com", "warning");
    over["endsAt"] = json!("2026-11-20T09:37:40Z");
    post(alertmanager, &[over]);
    let tag = Regex::new("<[^>]*>").unwrap();
    for message in [web.wait_for("/slack", "Over: "), mail.wait_for("mail", "Over: ")] {
        let text = tag.replace_all(&message.body, "").into_owned();
        assert!(text.contains("It lasted 1h25m"), "{text}");
        assert!(text.contains("143 calls failed"), "{text}");
    }
}

#[test]
fn two_hundred_trunks_are_one_message_and_what_explains_them_silences_them() {
    let folder = tempfile::tempdir().unwrap();
    let (web, mail) = (Receiver::http(), Receiver::smtp());
    let program = Alertmanager::installed();
    let config = configuration(folder.path(), &web, &mail, Alertmanager::knows_teams(&program));
    let alertmanager = Alertmanager::start_program_in(&program, folder.path(), &config);
    let trunks: Vec<_> =
        (0..200).map(|trunk| alert(&format!("sbc{trunk}.contoso.com"), "critical")).collect();
    post(&alertmanager, &trunks);
    let message = web.wait_for("/now", "sbc199");
    let webhook: Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!(webhook["alerts"].as_array().unwrap().len(), 200);
    let message = web.wait_for("/v2/enqueue", "(and 199 more)");
    assert!(
        message.body.contains("(and 199 more)") && message.body.contains("And 190 more"),
        "{}",
        message.body
    );

    let mut all = alert("", "critical");
    all["labels"]["alertname"] = json!("CdrAllTrunksFailureRatioHigh");
    all["annotations"]["headline"] = json!("teams: 600 of 1200 calls fail on 200 of 200 trunks");
    post(&alertmanager, &[all]);
    let message = web.wait_for("/v2/enqueue", "on 200 of 200 trunks");
    let active = http::get(alertmanager.address, "/api/v2/alerts?inhibited=false&silenced=false&active=true");
    let active: Vec<Value> = serde_json::from_str(active.text()).unwrap();
    assert_eq!(active.len(), 1, "the alerts of the trunks are inhibited: {}", message.body);
}
