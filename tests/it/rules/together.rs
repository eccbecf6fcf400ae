//! Scenarios of several files played in one run: the rules are asked as often as one of them needs, and not as often as all do.
//!
//! Each scenario has a job of its own, for which it is asked alone; no rule looks at two jobs together.

use std::fs;

use regex::{Captures, Regex};
use serde::{Deserialize, Serialize};

use super::folder;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenarios {
    #[serde(rename = "rule_files")]
    _rule_files: Vec<String>,
    evaluation_interval: String,
    #[serde(rename = "group_eval_order")]
    _group_eval_order: Vec<String>,
    tests: Vec<Scenario>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    #[serde(default)]
    name: String,
    interval: String,
    input_series: Vec<Series>,
    promql_expr_test: Vec<Question>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Series {
    series: String,
    values: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Question {
    expr: String,
    eval_time: String,
    #[serde(default)]
    exp_samples: Vec<Sample>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    labels: String,
    value: f64,
}

/// All rules, and their groups in the order in which one stands on the other.
const RULES: [&str; 3] = ["../recording.rules.yml", "../alerts.rules.yml", "../collect.rules.yml"];
const ORDER: [&str; 9] = [
    "cdr-calls",
    "cdr-history",
    "cdr-ratios",
    "cdr-usual",
    "cdr-exporter",
    "cdr-call-alerts",
    "cdr-slow-alerts",
    "cdr-exporter-alerts",
    "cdr-collect-alerts",
];

/// The scenarios of these files as one file: those with samples as far apart in one run.
pub fn together(files: &[&str]) -> String {
    let mut runs: Vec<Scenario> = Vec::new();
    let mut evaluation_interval = String::new();
    for file in files {
        let text = fs::read_to_string(folder().join("tests").join(file)).expect("the file is there");
        let scenarios: Scenarios = serde_saphyr::from_str(&text).expect("scenarios");
        assert!(
            evaluation_interval.is_empty() || evaluation_interval == scenarios.evaluation_interval,
            "{file}"
        );
        evaluation_interval = scenarios.evaluation_interval;
        for (place, scenario) in scenarios.tests.into_iter().enumerate() {
            let scenario = of_job(scenario, &format!("cdr-exporter {file} {place}"));
            match runs.iter_mut().find(|run| run.interval == scenario.interval) {
                Some(run) => {
                    run.input_series.extend(scenario.input_series);
                    run.promql_expr_test.extend(scenario.promql_expr_test);
                }
                None => runs.push(scenario),
            }
        }
    }
    serde_json::json!({
        "rule_files": RULES, "evaluation_interval": evaluation_interval, "group_eval_order": ORDER, "tests": runs
    })
    .to_string()
}

/// The scenario with another job, and after each of its questions another one: that no alert has lost its job.
fn of_job(scenario: Scenario, job: &str) -> Scenario {
    let metric = Regex::new(r#""(?:[^"\\]|\\.)*"|\b(ALERTS|[a-z_]+:cdr_[a-z0-9_:]+|cdr_[a-z0-9_]+)\b(\{)?"#);
    let metric = metric.expect("valid");
    let renamed = |text: &str| text.replace(r#"job="cdr-exporter""#, &format!("job={job:?}"));
    let selected = |found: &Captures<'_>| match (found.get(1), found.get(2)) {
        (None, _) => found[0].to_owned(),
        (Some(name), None) => format!("{}{{job={job:?}}}", name.as_str()),
        (Some(name), Some(_)) => format!("{}{{job={job:?},", name.as_str()),
    };
    let input_series = scenario.input_series.into_iter().map(|one| {
        assert!(one.series.contains(r#"job="cdr-exporter""#), "{}", one.series);
        Series { series: renamed(&one.series), ..one }
    });
    let questions = scenario.promql_expr_test.into_iter().flat_map(|question| {
        let of_no_job = Question {
            expr: r#"count_over_time(ALERTS{job=""}[90d])"#.to_owned(),
            eval_time: question.eval_time.clone(),
            exp_samples: Vec::new(),
        };
        let samples = question.exp_samples.into_iter();
        let exp_samples = samples.map(|one| Sample { labels: renamed(&one.labels), ..one }).collect();
        let expr = metric.replace_all(&question.expr, selected).into_owned();
        [Question { expr, eval_time: question.eval_time, exp_samples }, of_no_job]
    });
    Scenario {
        name: job.to_owned(),
        interval: scenario.interval,
        input_series: input_series.collect(),
        promql_expr_test: questions.collect(),
    }
}
