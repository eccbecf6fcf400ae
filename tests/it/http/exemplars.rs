//! Exemplars as a Prometheus stores them: from a spike, or from a bucket of a histogram, to one of its calls.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::super::tools::row::Row;
use super::super::tools::{Daemon, Prometheus, under_both, wait_until};
use super::histograms::asking_for_native;
use super::scraped::{SBC, by_job, config, daemon, is_of_version_3};

const OLDER: &str = "c0000001-05ec-4a1b-8c2d-000000000001";
const NEWEST: &str = "c0000002-05ec-4a1b-8c2d-000000000002";
const LONG: &str = "c0000003-05ec-4a1b-8c2d-000000000003";
const NUMBER: &str = "+14255550123";

const OF_OPENMETRICS: [(&str, &[&str]); 6] = [
    ("cdr_call_failures_total{microsoft_code=\"531004\"}", &[NEWEST]),
    ("cdr_call_failures_total{microsoft_code=\"531005\"}", &[]),
    ("cdr_call_duration_seconds_bucket{le=\"120.0\"}", &[NEWEST]),
    ("cdr_call_duration_seconds_bucket{le=\"1800.0\"}", &[LONG]),
    ("cdr_call_duration_seconds_bucket{le=\"30.0\"}", &[]),
    ("cdr_call_setup_seconds_bucket{le=\"0.5\"}", &[LONG]),
];
const OF_PROTOBUF: [(&str, &[&str]); 4] = [
    ("cdr_call_failures_total{microsoft_code=\"531004\"}", &[NEWEST]),
    ("cdr_call_failures_total{microsoft_code=\"531005\"}", &[]),
    ("cdr_call_duration_seconds{}", &[NEWEST, LONG]),
    ("cdr_call_setup_seconds{}", &[LONG]),
];

/// One after another.
fn rows() -> String {
    let rows = [
        // What is no GUID may be a person's.
        (Row::failed(11, SBC, (531_005, 410)), 0, NUMBER),
        (Row::answered(12, SBC), 20, NUMBER),
        (Row::failed(13, SBC, (531_004, 410)), 0, OLDER),
        (Row::failed(14, SBC, (531_004, 410)), 0, NEWEST),
        (Row::answered(15, SBC), 100, OLDER),
        (Row::answered(16, SBC), 70, NEWEST),
        (Row::answered(17, SBC), 1000, LONG),
    ];
    let json = |(ago, (row, duration, id)): (i64, &(Row, u32, &str))| {
        row.json_lasting(*duration, ago).replacen('{', &format!("{{\"correlationId\":\"{id}\","), 1) + "\n"
    };
    (1..8).rev().zip(&rows).map(json).collect()
}

under_both!(prometheus_finds_the_newest_call("prometheus" of "prometheus"));

fn prometheus_finds_the_newest_call(program: &Path) {
    let folder = TempDir::new().unwrap();
    let (shown, hidden) = (daemon(folder.path(), &[]), daemon(folder.path(), &["--web.disable-exemplars"]));
    fs::write(folder.path().join("cdr/b.ndjson"), rows()).unwrap();
    let job = |name: &str, daemon: &Daemon| {
        format!("job_name: {name}, static_configs: [{{targets: ['{}']}}]", daemon.address())
    };
    let jobs = [job("shown", &shown), job("hidden", &hidden)];
    // OpenMetrics is asked for, then protobuf, where exemplars of buckets are those of the native histogram.
    for is_native in [false, true] {
        let flag = if is_native { "exemplar-storage,native-histograms" } else { "exemplar-storage" };
        let more = if is_native { asking_for_native(program) } else { "" };
        let config = config(&jobs.each_ref().map(|job| format!("- {{{more}{job}}}\n")).concat());
        let prometheus = Prometheus::start_program(program, &config, &[&format!("--enable-feature={flag}")]);
        wait_until(&format!("all failures with {flag}"), || {
            let all = by_job(&prometheus, "sum by (job) (cdr_call_failures_total)");
            all.len() == 2 && all.values().all(|failures| *failures == 6.0)
        });
        let found = |job: &str, selector: &str| -> BTreeSet<String> {
            let of_job = prometheus.exemplars(&selector.replacen('{', &format!("{{job=\"{job}\","), 1));
            of_job.into_iter().map(|labels| labels.into_values().collect()).collect()
        };
        for (selector, ids) in if is_native { &OF_PROTOBUF[..] } else { &OF_OPENMETRICS } {
            let expected: BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
            wait_until(&format!("exemplars of {selector} with {flag}"), || {
                let found = found("shown", selector);
                // Version 2 takes one for each native histogram.
                found == expected
                    || (is_native
                        && !is_of_version_3(program)
                        && !found.is_empty()
                        && found.is_subset(&expected))
            });
            assert_eq!(found("hidden", selector), BTreeSet::new(), "{selector} with {flag}");
        }
    }
}
