//! Exporter health: whether the counts may be believed, whether they are up to date, and what they cost.

use crate::dashboard::{DASHBOARD, Dashboard, Panel, Row, label_variable};
use serde_json::json;

pub fn dashboard() -> Dashboard {
    Dashboard {
        uid: "cdr-exporter",
        title: "Direct Routing exporter",
        description: "The exporter itself: are its counts right, are they up to date, and what do they cost.",
        variables: Some(vec![label_variable(
            "source",
            "source",
            "cdr_exporter_records_total{@exporter}",
            true,
        )]),
        rows: vec![
            Row { title: "Are the counts right and up to date?", panels: state() },
            Row { title: "Records", panels: records() },
            Row { title: "Files", panels: files() },
            Row { title: "Durability and cost", panels: cost() },
            Row { title: "Collecting from Microsoft, where that is configured", panels: collecting() },
        ],
        ..DASHBOARD
    }
}

fn state() -> Vec<Panel> {
    vec![
        Panel::stat("Exporters up", "Exporters that Prometheus can scrape. Good: all of them.", 4)
            .unit("short")
            .instant("sum(up{@exporter})")
            .thresholds("red", &[(1.0, "green")]),
        Panel::stat(
            "Bytes behind",
            "Bytes in the files that are not yet counted. Good: next to nothing, or falling after an import.",
            4,
        )
        .unit("bytes")
        .defaults("decimals", json!(0))
        .instant("sum(cdr_exporter_pending_bytes{@source})")
        .thresholds("green", &[(1_048_576.0, "orange")]),
        Panel::stat(
            "Unaccounted for",
            "Records read less records counted, doubled, headers, ignored and rejected. Good: 0, always.",
            4,
        )
        .unit("short")
        .instant(
            "sum(abs(cdr_exporter_read_records_total{@source}
                - sum without (result) (cdr_exporter_records_total{@source})))",
        )
        .thresholds("green", &[(1.0, "red")]),
        Panel::stat(
            "Since the last commit",
            "Seconds since the counts were last made durable and published. Good: under a minute while records arrive.",
            4,
        )
        .unit("s")
        .defaults("decimals", json!(0))
        .instant("max(time() - cdr_exporter_last_commit_timestamp_seconds{@exporter})")
        .thresholds("text", &[]),
        Panel::stat(
            "Configuration",
            "Whether the last reload of the configuration was accepted. Good: accepted; if refused, the exporter \
             goes on with the configuration before.",
            4,
        )
        .unit("short")
        .instant("min(cdr_exporter_config_last_reload_successful{@exporter})")
        .defaults(
            "mappings",
            json!([{"type": "value", "options": {"0": {"text": "Refused", "color": "red", "index": 0},
                                                  "1": {"text": "OK", "color": "green", "index": 1}}}]),
        ),
        Panel::stat("Version", "The versions that run. Good: one.", 4)
            .unit("short")
            .names_of("{{version}}", "count by (version) (cdr_exporter_build_info{@exporter})")
            .thresholds("text", &[]),
    ]
}

fn records() -> Vec<Panel> {
    vec![
        Panel::counts(
            "Records by result",
            "Each record read is in exactly one of these. Good: mostly counted. Duplicates are \
             usual where exports overlap.",
            12,
        )
        .series("{{result}}", "sum by (result) (increase(cdr_exporter_records_total{@source}[$__interval]))")
        .colors(&[
            ("counted", "green"),
            ("duplicate", "blue"),
            ("header", "#c8c8c8"),
            ("ignored", "#8e8e8e"),
            ("rejected", "red"),
        ]),
        Panel::counts(
            "Rejected records by reason",
            "Records that could not be read. Good: none. `cdr-exporter check FILE` shows examples.",
            12,
        )
        .series(
            "{{source}} {{reason}}",
            "sum by (source, reason) (increase(cdr_exporter_rejected_records_total{@source}[$__interval]))",
        ),
        Panel::lines(
            "Age of records",
            "From the end of a call until it was counted: the mean, and what one in twenty exceeds. Good: what your \
             export takes; beyond the source's live_within, calls count as late and ring no alert.",
            12,
        )
        .unit("s")
        .series(
            "{{source}} mean",
            "sum by (source) (rate(cdr_call_age_seconds_sum{@source}[$__rate_interval]))
            / (sum by (source) (rate(cdr_call_age_seconds_count{@source}[$__rate_interval])) > 0)",
        )
        .series(
            "{{source}} 95 %",
            "histogram_quantile(0.95,
                sum by (source, le) (rate(cdr_call_age_seconds_bucket{@source}[$__rate_interval])))",
        ),
        Panel::lines(
            "Bytes behind",
            "Bytes in the files that are not yet counted, by source. Good: near 0; rising means that more arrives \
             than is counted.",
            12,
        )
        .unit("bytes")
        .series("{{source}}", "sum by (source) (cdr_exporter_pending_bytes{@source})"),
    ]
}

fn files() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Bytes read",
            "Bytes a second read from the files, before decompression. Good: follows the calls.",
            8,
        )
        .unit("Bps")
        .series(
            "{{source}}",
            "sum by (source) (rate(cdr_exporter_read_bytes_total{@source}[$__rate_interval]))",
        ),
        Panel::lines(
            "Files by state",
            "Good: none unrecognised (not a format that we know) and none unreadable (see the permissions).",
            8,
        )
        .unit("short")
        .series("{{state}}", "sum by (state) (cdr_exporter_files{@source})")
        .colors(&[
            ("reading", "green"),
            ("waiting", "blue"),
            ("unrecognised", "orange"),
            ("unreadable", "red"),
        ]),
        Panel::counts(
            "File events",
            "What happened to files. Good: what your log rotation and export do; truncated and \
             replaced should be rare.",
            8,
        )
        .series(
            "{{event}}",
            "sum by (event) (increase(cdr_exporter_file_events_total{@source}[$__interval]))",
        ),
    ]
}

fn cost() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Commits",
            "Commits a minute, and those that failed. Good: no failure; while they fail, the published counts stand \
             still.",
            8,
        )
        .unit("cpm")
        .series("commits", "60 * sum(rate(cdr_exporter_commits_total{@exporter}[$__rate_interval]))")
        .series("failed", "60 * sum(rate(cdr_exporter_commit_failures_total{@exporter}[$__rate_interval]))")
        .colors(&[("commits", "green"), ("failed", "red")]),
        Panel::lines(
            "Time of a commit",
            "Half of the commits are quicker than the median, one in a hundred slower than the upper line. Good: \
             milliseconds; more means a slow disk.",
            8,
        )
        .unit("s")
        .series(
            "median",
            "histogram_quantile(0.5,
                sum by (le) (rate(cdr_exporter_commit_duration_seconds_bucket{@exporter}[$__rate_interval])))",
        )
        .series(
            "99 %",
            "histogram_quantile(0.99,
                sum by (le) (rate(cdr_exporter_commit_duration_seconds_bucket{@exporter}[$__rate_interval])))",
        )
        .colors(&[("median", "green"), ("99 %", "blue")]),
        Panel::lines(
            "Time of a scrape",
            "What Prometheus waits for /metrics. Good: well under its timeout, which is 10 s if you did not set it.",
            8,
        )
        .unit("s")
        .series("{{instance}}", "scrape_duration_seconds{@exporter}"),
        Panel::lines("Processor", "Cores in use. Good: far below one, but for an import.", 8)
            .unit("short")
            .series("{{instance}}", "sum by (instance) (rate(process_cpu_seconds_total{@exporter}[$__rate_interval]))"),
        Panel::lines("Memory", "Resident memory. Good: steady.", 8)
            .unit("bytes")
            .series("{{instance}}", "process_resident_memory_bytes{@exporter}"),
        Panel::lines(
            "Series",
            "Samples of a scrape, and calls of the last hour that a limit folded into other. Good: steady, and \
             none folded.",
            8,
        )
        .unit("short")
        .series("{{instance}} samples", "scrape_samples_scraped{@exporter}")
        .series("{{source}} folded", "sum by (source) (increase(cdr_exporter_series_overflow_total{@source}[1h]))"),
    ]
}

fn collecting() -> Vec<Panel> {
    let state = vec![
        Panel::stat(
            "Since the last success",
            "Seconds since all recent days were last fetched whole. Good: little more than `every`.",
            4,
        )
        .unit("s")
        .defaults("decimals", json!(0))
        .instant("max(time() - cdr_collect_last_success_timestamp_seconds{@source})")
        .thresholds("green", &[(1800.0, "orange"), (3600.0, "red")]),
        Panel::stat(
            "Collectors failing",
            "Good: none. `cdr-exporter check --collect` says what is wrong.",
            4,
        )
        .unit("short")
        .instant("sum(cdr_collect_failing{@source})")
        .thresholds("green", &[(1.0, "red")]),
        Panel::stat(
            "Days of history left",
            "Days before `look_back` that are still to be fetched. Good: falling, then 0.",
            4,
        )
        .unit("short")
        .instant("sum(cdr_collect_history_seconds{@source}) / 86400")
        .thresholds("text", &[]),
        Panel::stat(
            "Credential ends in",
            "Until the certificate ends, or the secret by `client_secret_ends`. Good: more than two weeks.",
            4,
        )
        .unit("s")
        .defaults("decimals", json!(0))
        .instant("min(cdr_collect_credential_end_timestamp_seconds{@source}) - time()")
        .thresholds("red", &[(0.0, "orange"), (1_209_600.0, "green")]),
        Panel::stat(
            "Rows changed",
            "Rows that Microsoft changed after they were counted, in the last hour. Good: none.",
            4,
        )
        .unit("short")
        .defaults("decimals", json!(0))
        .instant("sum(increase(cdr_collect_rows_total{@source,result=\"changed\"}[1h]))")
        .thresholds("green", &[(1.0, "orange")]),
        Panel::stat(
            "Spool folder",
            "Bytes of the files that were fetched. Good: steady once `keep` has gone by.",
            4,
        )
        .unit("bytes")
        .defaults("decimals", json!(0))
        .instant("sum(cdr_collect_spool_bytes{@source})")
        .thresholds("text", &[]),
    ];
    state.into_iter().chain(fetched()).collect()
}

fn fetched() -> [Panel; 3] {
    [
        Panel::counts(
            "Rows that are new or changed",
            "Rows that came and were not known as they are; those of recent days come again each time. Good: new ones \
             follow the calls, and none is changed.",
            8,
        )
        .series("{{result}}", "sum by (result) (increase(cdr_collect_rows_total{@source,result!=\"known\"}[$__interval]))")
        .colors(&[("new", "green"), ("changed", "orange")]),
        Panel::counts(
            "Requests to Microsoft",
            "By HTTP status, or why there was no answer. Good: nearly all 200, and no more than 50 a minute.",
            8,
        )
        .series(
            "{{endpoint}} {{status}}",
            "sum by (endpoint, status) (increase(cdr_collect_requests_total{@source}[$__interval]))",
        ),
        Panel::lines(
            "Why collecting fails",
            "1 while it fails for this reason. Good: all 0. sign_in and permission need a person; unreachable is the \
             network, storage the disk here; the others pass by themselves.",
            8,
        )
        .unit("short")
        .defaults("decimals", json!(0))
        .series("{{source}} {{reason}}", "max by (source, reason) (cdr_collect_failing{@source})"),
    ]
}
