//! The daemon's pages in a real browser: what they say of made-up calls, and that they ask nobody for anything.

use std::fs;
use std::path::Path;

use cdr_exporter::call::UnixMillis;
use cdr_exporter::cli::demo::traffic::{FIRST_SPIKE_AFTER, SPIKE_LASTS, Traffic};
use cdr_exporter::clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

use super::tools::browser::Browser;
use super::tools::row::Row;
use super::tools::{Daemon, axe, run};

const ICE: (u64, u16) = (531_004, 410);
const MEDIA: (u64, u16) = (531_005, 410);
const TRUNKS: [&str; 3] = ["sbc1.contoso.com", "sbc2.contoso.com", "sbc3.contoso.com"];

/// Twelve hours of calls up to now; in the last half hour most inbound ones over sbc2 fail.
fn day() -> Vec<String> {
    let now = Timestamp::now();
    let mut lines = Vec::new();
    for minute in 0..720_u32 {
        let end = now - SignedDuration::from_secs(60 * i64::from(minute) + 1);
        for (place, trunk) in TRUNKS.into_iter().enumerate() {
            let id = minute * 10 + u32::try_from(place).unwrap();
            let row = match (minute, place) {
                (..30, 1) => Row::failed(id, trunk, ICE).inbound(),
                (_, 2) if minute % 90 == 40 => Row::failed(id, trunk, MEDIA),
                _ => Row::answered(id, trunk),
            };
            lines.push(row.json_of(end));
        }
    }
    lines
}

struct House {
    daemon: Daemon,
    _folder: TempDir,
}

impl House {
    fn serving(lines: &[String]) -> Self {
        let folder = TempDir::new().unwrap();
        let cdr = folder.path().join("cdr");
        fs::create_dir(&cdr).unwrap();
        fs::write(cdr.join("calls.ndjson"), lines.join("\n") + "\n").unwrap();
        let daemon = Daemon::serve([cdr.to_str().unwrap()]);
        daemon.wait_until_ready();
        Self { daemon, _folder: folder }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.daemon.address())
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_str(self.daemon.get(path).text()).unwrap()
    }
}

/// A window, and what its user prefers.
const WINDOWS: [(u64, &str); 4] = [(390, "light"), (1400, "dark"), (390, "dark"), (1400, "light")];

#[test]
fn a_browser_draws_the_pages_and_asks_nobody_else() {
    let house = House::serving(&day());
    let mut browser = Browser::start();
    let sentence = "No media path (IceConnectivityChecksFailed 531004/410) on sbc2.contoso.com";
    for (path, texts) in [
        (
            "/",
            &["Calls fail more than usual now", sentence, "IceConnectivityChecksFailed", "ASR", "Balanced"][..],
        ),
        ("/causes", &["531004/410", "IceConnectivityChecksFailed"]),
        ("/causes?q=ice+connectivity&side=network", &["531004/410"]),
        (
            "/causes/531004-410",
            &["531004/410: IceConnectivityChecksFailed", "30 failed calls", "sbc2.contoso.com", "UDP"],
        ),
        ("/causes/-", &["not in the catalogue"]),
    ] {
        let name = path.trim_matches('/').replace(['/', '?', '&', '='], "-");
        is_drawn(&mut browser, &house.url(path), texts, &format!("page-{name}"));
    }
}

/// The report of README: it stands alone, on a phone, in the dark and on paper.
#[test]
fn a_browser_draws_the_report_and_asks_nobody() {
    let (_folder, url) = report();
    let mut browser = Browser::start();
    let texts =
        ["150 of 4,809 calls failed", "on sbc2.contoso.com: 48 of 84 calls", "531004/410", "Check NAT."];
    is_drawn(&mut browser, &url, &texts, "report");
    let pages = browser.printed();
    assert!((1..=8).contains(&pages), "{pages} pages of A4");
}

/// The address of the report of README, and the folder that it is in.
fn report() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let export = folder.path().join("DirectRouting.calls.2026-11-20.csv");
    assert_eq!(run(["demo", "--export", export.to_str().unwrap()]).code, Some(0));
    let report = run(["inspect", "--output", "html", export.to_str().unwrap()]);
    assert_eq!((report.code, &*report.stderr), (Some(0), ""));
    let file = folder.path().join("report.html");
    fs::write(&file, report.stdout).unwrap();
    let url = format!("file://{}", file.display());
    (folder, url)
}

/// Draws a page in each window: it fits, says these texts, asks for nothing but itself and has nothing to complain of.
/// `PICTURES` is a folder that keeps what it looks like.
fn is_drawn(browser: &mut Browser, url: &str, texts: &[&str], name: &str) {
    for (width, scheme) in WINDOWS {
        browser.prefer(scheme);
        let drawn = browser.draw(url, width);
        assert!(drawn.console.is_empty(), "{url}: {:?}", drawn.console);
        assert_eq!(drawn.requests, [url], "it asks for nothing but itself");
        assert!(drawn.width <= width, "{url} is {} pixels wide in a window of {width}", drawn.width);
        for text in texts {
            assert!(drawn.text.contains(text), "{url} does not say `{text}`:\n{}", drawn.text);
        }
        if let Ok(folder) = std::env::var("PICTURES") {
            let picture = Path::new(&folder).join(format!("{name}-{width}-{scheme}.png"));
            browser.picture(&picture, width, drawn.height);
        }
    }
}

/// Whoever cannot see or point well can read the pages, as far as axe-core can tell.
mod everybody_can_read_the_pages {
    #[test]
    fn axe() {
        let house = super::House::serving(&super::day());
        for path in
            ["/", "/?hours=336", "/causes", "/causes?q=ice&side=network", "/causes/531004-410", "/causes/-"]
        {
            super::everybody_can_read(&house.url(path));
        }
    }
}

mod everybody_can_read_the_report {
    #[test]
    fn axe() {
        let (_folder, url) = super::report();
        super::everybody_can_read(&url);
    }
}

fn everybody_can_read(url: &str) {
    let axe = fs::read_to_string(axe()).unwrap();
    let mut browser = Browser::start();
    // Colours and widths are each looked at once.
    for (width, scheme) in [(390, "dark"), (1400, "light")] {
        browser.prefer(scheme);
        browser.draw(url, width);
        browser.evaluate(&format!("{axe}; 0"));
        let faults = browser.evaluate(
            "axe.run().then(found => found.violations.map(it => it.impact + ' ' + it.id + ' ' + it.nodes[0].html))",
        );
        let faults = faults.as_array().unwrap().iter().map(|fault| fault.as_str().unwrap());
        let serious: Vec<&str> =
            faults.filter(|it| ["serious", "critical"].iter().any(|grave| it.starts_with(grave))).collect();
        assert!(serious.is_empty(), "{url} in a window of {width}, {scheme}: {serious:?}");
    }
}

#[test]
fn the_api_says_the_same_in_numbers() {
    let house = House::serving(&day());
    let findings = house.json("/api/v1/findings");
    let first = &findings["findings"][0];
    assert_eq!(
        (&first["kind"], &first["trunk"], &first["cause"], &first["goes_on"]),
        (&"burst".into(), &"sbc2.contoso.com".into(), &"IceConnectivityChecksFailed".into(), &true.into())
    );
    // It is looked at in stretches of some minutes.
    assert!((25..=30).contains(&first["failed"].as_u64().unwrap()), "{first}");
    assert_eq!((&findings["hours"], &findings["is_live"]), (&24.into(), &true.into()));
    let status = house.json("/api/v1/status?hours=1");
    assert_eq!(
        (&status["ready"], &status["hours"], &status["troubles"]),
        (&true.into(), &1.into(), &Value::Array(vec![]))
    );
    let top = &status["failed"][0];
    assert_eq!(
        (&top["cause"], &top["trunk"], &top["calls"]),
        (&"IceConnectivityChecksFailed".into(), &"sbc2.contoso.com".into(), &30.into())
    );
    let all = status["calls"].as_array().unwrap().last().unwrap();
    assert_eq!((&all["calls"], &all["outcomes"]["failed"]), (&2160.into(), &38.into()));
    assert!(
        (all["asr"].as_f64().unwrap() - 2122.0 / 2160.0).abs() < 1e-9 && all["asr"] == all["ner"],
        "{all}"
    );
    assert_eq!(
        (&status["sources"][0]["records"]["counted"], &status["files"][0]["bytes_behind"]),
        (&2160.into(), &0.into())
    );
    let metrics = house.daemon.metrics();
    assert_eq!(metrics.sum("cdr_calls_total", &[]), 2160.0);
}

/// Names and numbers in every column that is not for them.
const PERSONAL: [&str; 5] =
    ["+14255550142", "Adele Vance", "adele.vance@contoso.com", "sip:adele@contoso.com", "4255550142"];

/// What an old export holds is of then: the page says of when, and how long ago that is.
#[test]
fn findings_of_an_old_export_are_not_said_to_be_of_now() {
    let end = Timestamp::now() - SignedDuration::from_hours(5 * 24 + 1);
    let from = (end - SignedDuration::from_mins(24 * 60 - 1))
        .strftime("These are calls from %Y-%m-%d %H:%M to ")
        .to_string();
    let row = |minute: u32| {
        let row =
            if minute < 30 { Row::failed(minute, TRUNKS[1], ICE) } else { Row::answered(minute, TRUNKS[0]) };
        row.json_of(end - SignedDuration::from_mins(i64::from(minute)))
    };
    let house = House::serving(&(0..720).map(row).collect::<Vec<_>>());
    let page = house.daemon.get("/");
    let page = page.text();
    for said in [
        "Findings of the 24 hours up to the newest call",
        &from,
        " The newest call ended 5 days ago.",
        "Top causes of the 24 hours up to the newest call",
        "Nothing was wrong at the newest call",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("Findings of the last"), "{page}");
}

#[test]
fn nobody_is_named_whatever_stands_in_the_wrong_column() {
    let now = Timestamp::now();
    let sound: Value = serde_json::from_str(&Row::failed(0, TRUNKS[0], ICE).json_of(now)).unwrap();
    let mut lines = vec![sound.to_string()];
    let columns = sound.as_object().unwrap().keys().cloned().chain([
        "finalSipCodePhrase".to_owned(),
        "mediaPathLocation".to_owned(),
        "correlationId".to_owned(),
    ]);
    for column in columns.collect::<Vec<_>>() {
        for text in PERSONAL {
            let mut row = sound.clone();
            row["id"] = format!("d1000000-05ec-4a1b-8c2d-{:012x}", lines.len()).into();
            row[column.as_str()] = text.into();
            lines.push(row.to_string());
        }
    }
    let house = House::serving(&lines);
    for path in [
        "/",
        "/?hours=336",
        "/causes",
        "/causes/531004-410",
        "/causes/-",
        "/api/v1/status",
        "/api/v1/findings",
    ] {
        let text = house.daemon.get(path).text().to_lowercase();
        for personal in PERSONAL {
            assert!(!text.contains(&personal.to_lowercase()), "{path} names {personal}:\n{text}");
        }
        assert!(!text.contains("adele"), "{path}:\n{text}");
    }
    let rejected = house.json("/api/v1/status")["sources"][0]["records"]["rejected"].as_u64().unwrap();
    assert!(rejected > 10, "{rejected}");
}

#[test]
fn history_outlasts_a_kill_and_a_restart() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir(path("cdr")).unwrap();
    fs::write(path("cdr/calls.ndjson"), day().join("\n") + "\n").unwrap();
    let serve = || Daemon::serve([path("cdr"), "--storage.path".to_owned(), path("store")]);
    let told = |daemon: &Daemon| {
        daemon.wait_until_ready();
        let findings: Value = serde_json::from_str(daemon.get("/api/v1/findings?hours=336").text()).unwrap();
        (findings["failed"].clone(), findings["attempts"].clone())
    };
    let daemon = serve();
    let before = told(&daemon);
    assert_eq!(before, (38.into(), 2160.into()));
    daemon.kill();
    let daemon = serve();
    assert_eq!(told(&daemon), before);
    let status = run(["status", "--web.listen-address", &daemon.address().to_string()]);
    assert!(status.stdout.contains("teams: records: 2,160 counted; newest call: "), "{}", status.stdout);
    daemon.stop();
    let daemon = serve();
    assert_eq!(told(&daemon), before);
    daemon.stop();
}

/// The traffic of the demo as it is when its first spike ends, two and a half minutes after its start.
#[test]
fn the_first_spike_of_the_demo_is_said_in_words() {
    let now = clock::now();
    let start = UnixMillis(now.0 - FIRST_SPIKE_AFTER - SPIKE_LASTS);
    let mut traffic = Traffic::new(7, start);
    let mut text = String::new();
    for at in (start.0 - 10 * 60_000..now.0).step_by(50) {
        let call = traffic.call(UnixMillis(at));
        traffic.graph_row(&call, &mut text);
    }
    let house = House::serving(&[text]);
    let page = house.daemon.get("/").text().to_owned();
    let sentence = "No media path (IceConnectivityChecksFailed 531004/410) on sbc2.contoso.com: ";
    assert!(page.contains(sentence), "{page}");
    let findings = house.json("/api/v1/findings");
    assert_eq!(findings["findings"].as_array().unwrap().len(), 1, "{findings}");
}
