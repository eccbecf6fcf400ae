//! Nine ordinary days of a carrier and of an office with thirty calls a day, with nights and a weekend, by chance and as files
//! bring them: nothing may ring, also on the first day. And an outage of all trunks on the last day, which is told once.

use std::fmt::Write;
use std::path::Path;

use crate::rules::test_rules;
use crate::tools::under_both;

const DAYS: usize = 9;
/// Minutes between two samples.
const STEP: usize = 15;
const STEPS: usize = DAYS * 24 * 60 / STEP;
/// Of the last day, from 10 to 12 o'clock.
const OUTAGE: std::ops::Range<usize> = (8 * 24 + 10) * 4..(8 * 24 + 12) * 4;
const TARGET: &str = r#"job="cdr-exporter",instance="a""#;
const ICE: &str = r#"cause="IceConnectivityChecksFailed",microsoft_code="531004",sip_code="410""#;
const BUSY: &str = r#"cause="SBC overloaded or in maintenance",microsoft_code="560503",sip_code="503""#;

/// Numbers by chance, the same each time.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// How often something happens that happens so often on average: the times between are exponential.
    fn count(&mut self, mean: f64) -> u32 {
        let (mut time, mut count) = (0.0, 0);
        loop {
            time -= (1.0 - self.next()).ln();
            if time > mean {
                return count;
            }
            count += 1;
        }
    }
}

/// How busy a carrier or an office is in the quarter of an hour at this place, against its best.
fn busy(place: usize, is_office: bool) -> f64 {
    let (hour, weekday) = ((place / 4 % 24) as f64, place / 96 % 7 < 5);
    let wave = |at: f64, width: f64| (-((hour - at) / width).powi(2)).exp();
    match (is_office, weekday) {
        (true, true) if (8.0..18.0).contains(&hour) => 1.0,
        (true, _) => 0.0,
        (false, weekday) => (0.1 + wave(11.0, 3.0) + 0.8 * wave(16.0, 2.5)) * if weekday { 1.0 } else { 0.3 },
    }
}

/// A counter in promtool's notation, as files bring it that come so many samples apart.
fn counter(name: &str, labels: &str, counts: &[u32], cadence: usize) -> String {
    let (mut shown, mut pending, mut text) = (0, 0, String::new());
    for (place, count) in counts.iter().enumerate() {
        if place % cadence == 0 {
            shown += pending;
            pending = 0;
        }
        pending += count;
        let _ = write!(text, "{shown} ");
    }
    format!("      - {{series: '{name}{{{TARGET},{labels}}}', values: '{text}'}}\n")
}

/// The series of a source, whose trunks have so many calls an hour at best. A trunk always fails one to four calls in a hundred.
fn source(name: &str, rates: &[f64], is_office: bool, cadence: usize, outage: bool) -> String {
    let mut chance = Chance(1 + cadence as u64);
    let (mut text, mut all) = (String::new(), vec![0; STEPS]);
    for (trunk, rate) in rates.iter().enumerate() {
        let mut answered = vec![0; STEPS];
        let mut failed = [vec![0; STEPS], vec![0; STEPS]];
        let share = [0.005, 0.01, 0.02][trunk % 3];
        for place in 0..STEPS {
            let mean = rate / 4.0 * busy(place, is_office);
            let lost = if outage && OUTAGE.contains(&place) { 0.5 } else { share };
            failed[0][place] = chance.count(mean * lost);
            failed[1][place] = chance.count(mean * share);
            answered[place] = chance.count(mean * (1.0 - lost - share));
            all[place] += failed[0][place] + failed[1][place] + answered[place];
        }
        let labels = format!(r#"source="{name}",trunk="t{trunk}",direction="inbound",arrival="live""#);
        let both: Vec<_> = (0..STEPS).map(|place| failed[0][place] + failed[1][place]).collect();
        for (outcome, counts) in [("answered", &answered), ("failed", &both)] {
            text += &counter("cdr_calls_total", &format!(r#"{labels},outcome="{outcome}""#), counts, cadence);
        }
        for (cause, counts) in [ICE, BUSY].iter().zip(&failed) {
            text += &counter("cdr_call_failures_total", &format!("{labels},{cause}"), counts, cadence);
        }
    }
    let labels = format!(r#"source="{name}",result="counted""#);
    text + &counter("cdr_exporter_records_total", &labels, &all, cadence)
}

/// A trunk with eight calls an hour, of which three or so a day fail, by chance more on two of three days: what is usual of so few
/// may well be more than it was.
fn unlucky() -> String {
    let faults_of_day = [3, 3, 3, 3, 3, 3, 13, 3, 12];
    let failed: Vec<_> = (0..STEPS)
        .map(|place| {
            let (faults, quarter) = (faults_of_day[place / 96], place % 96);
            u32::from((quarter + 1) * faults / 96 > quarter * faults / 96)
        })
        .collect();
    let answered: Vec<_> = failed.iter().map(|failed| 2 - failed).collect();
    let labels = r#"source="unlucky",trunk="t",direction="inbound",arrival="live""#;
    [
        counter("cdr_calls_total", &format!(r#"{labels},outcome="answered""#), &answered, 1),
        counter("cdr_calls_total", &format!(r#"{labels},outcome="failed""#), &failed, 1),
        counter("cdr_call_failures_total", &format!("{labels},{ICE}"), &failed, 1),
        counter("cdr_exporter_records_total", r#"source="unlucky",result="counted""#, &[2; STEPS], 1),
    ]
    .concat()
}

fn scenario() -> String {
    let carrier = [2.0, 6.0, 20.0, 60.0, 180.0, 400.0];
    let office = [1.7, 1.3];
    let series: String = [
        source("carrier, each quarter", &carrier, false, 1, false),
        source("carrier, each hour", &carrier, false, 4, false),
        source("office, each quarter", &office, true, 1, false),
        source("office, each hour", &office, true, 4, false),
        source("outage", &carrier, false, 1, true),
        unlucky(),
    ]
    .concat();
    let rules = xtask::repository().join("deploy/prometheus");
    let end = (STEPS - 1) * STEP;
    format!(
        "rule_files: [{folder}/recording.rules.yml, {folder}/alerts.rules.yml]\n\
         evaluation_interval: 30m\n\
         group_eval_order: [cdr-calls, cdr-history, cdr-ratios, cdr-usual, cdr-exporter, cdr-call-alerts, cdr-slow-alerts, cdr-exporter-alerts]\n\
         tests:\n  - interval: {STEP}m\n    input_series:\n\
         \x20     - {{series: 'up{{{TARGET}}}', values: '1x{STEPS}'}}\n\
         \x20     - {{series: 'cdr_cause_info{{{TARGET},{ICE},category=\"media\",side=\"network\",remedy=\"R.\"}}', values: '1x{STEPS}'}}\n\
         \x20     - {{series: 'cdr_cause_info{{{TARGET},{BUSY},category=\"capacity\",side=\"sbc\",remedy=\"R.\"}}', values: '1x{STEPS}'}}\n{series}\
         \x20   promql_expr_test:\n\
         \x20     - {{expr: 'count by (alertname, source, trunk, window) (count_over_time(ALERTS{{alertstate=\"firing\",source!=\"outage\"}}[{DAYS}d]))', eval_time: {end}m, exp_samples: []}}\n\
         \x20     - {{expr: 'count by (alertname, source, trunk, window) (count_over_time(ALERTS{{alertstate=\"firing\",source=\"outage\"}}[8d]))', eval_time: 202h, exp_samples: []}}\n\
         \x20     - {{expr: 'count by (source) (ALERTS{{alertstate=\"firing\",alertname=\"CdrAllTrunksFailureRatioHigh\",severity=\"critical\"}})', eval_time: 204h, exp_samples: [{{labels: '{{source=\"outage\"}}', value: 1}}]}}\n\
         \x20     - {{expr: 'count by (trunk, window) (count_over_time(ALERTS{{alertstate=\"firing\",window=~\"1d|3d\"}}[1d]))', eval_time: {end}m, exp_samples: []}}\n",
        folder = rules.display(),
    )
}

under_both!(nothing_rings_on_ordinary_days_and_an_outage_of_all_is_told_once("promtool" of "prometheus"));

fn nothing_rings_on_ordinary_days_and_an_outage_of_all_is_told_once(promtool: &Path) {
    test_rules(promtool, &scenario());
}
