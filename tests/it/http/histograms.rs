//! Native histograms as a Prometheus scrapes them, beside the classic ones: the right quantile, not that of a wide bucket.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::super::tools::row::Row;
use super::super::tools::{Prometheus, under_both, wait_until};
use super::scraped::{SBC, config, daemon, is_of_version_3};

/// Calls of 100 seconds lie between 2^(53/8) and 2^(54/8); a classic bucket has 60 to 120.
fn rows() -> String {
    let row = |id| Row::answered(id, SBC).json_lasting(100, 0) + "\n";
    (20..24).map(row).collect()
}

/// What a job says beside the flag `native-histograms`, to get native histograms and the classic ones with them.
pub fn asking_for_native(program: &Path) -> &'static str {
    match version(program) {
        (2, ..45) => "",
        (2, _) => "scrape_classic_histograms: true, ",
        (3, ..9) => "always_scrape_classic_histograms: true, ",
        // The flag does nothing any more.
        _ => "scrape_native_histograms: true, always_scrape_classic_histograms: true, ",
    }
}

under_both!(prometheus_takes_the_right_quantile_from_native_histograms("prometheus" of "prometheus"));

fn prometheus_takes_the_right_quantile_from_native_histograms(program: &Path) {
    let folder = TempDir::new().unwrap();
    let cdr = daemon(folder.path(), &[]);
    fs::write(folder.path().join("cdr/b.ndjson"), rows()).unwrap();
    let job = format!("job_name: cdr, static_configs: [{{targets: ['{}']}}]", cdr.address());
    let flags = ["--enable-feature=native-histograms"];
    let jobs = format!("- {{{}{job}}}\n", asking_for_native(program));
    let prometheus = Prometheus::start_program(program, &config(&jobs), &flags);
    for (metric, count) in
        [("cdr_call_duration_seconds", 5.0), ("cdr_call_setup_seconds", 4.0), ("cdr_call_age_seconds", 8.0)]
    {
        wait_until(metric, || {
            prometheus.query_value(&format!("sum(histogram_count({metric}))")) == Some(count)
        });
    }
    // The sum is exact, and of five calls one lasts 0 seconds: the median is amid the four of 100.
    assert_eq!(prometheus.query_value("sum(histogram_sum(cdr_call_duration_seconds))"), Some(400.0));
    let median = prometheus.query_value("histogram_quantile(0.5, cdr_call_duration_seconds)").unwrap();
    let bound = |place: f64| (place / 8.0).exp2();
    // 1.5 of the four are below it. Prometheus 3 interpolates as the bounds grow, version 2 evenly.
    let expected = match is_of_version_3(program) {
        true => bound(53.0 + 1.5 / 4.0),
        false => bound(53.0) + (bound(54.0) - bound(53.0)) * 1.5 / 4.0,
    };
    assert!((median - expected).abs() < 1e-6, "{median}, not {expected}");
    let lasting = "histogram_fraction(98, 108, cdr_call_duration_seconds)";
    let fraction = prometheus.query_value(lasting).unwrap();
    assert!((0.799..=0.801).contains(&fraction), "{fraction}");
    if is_of_version_3(program) {
        let classic = "histogram_quantile(0.5, sum by (le) (cdr_call_duration_seconds_bucket))";
        wait_until("the classic one", || prometheus.query_value(classic).is_some_and(|it| it < 90.0));
    }
}

/// Major and minor.
fn version(program: &Path) -> (u32, u32) {
    let output = Command::new(program).arg("--version").output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let digits = said.split("version ").nth(1).unwrap();
    let mut numbers = digits.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}
