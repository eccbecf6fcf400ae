//! What records bring as labels: how much of it is shown, and how it is taken away again.

use std::fs;

use tempfile::TempDir;

use super::tools::row::{self, Row};
use super::tools::{Metrics, run_in};

/// Far more than `limits.unlisted_per_source`.
const PAIRS: u32 = 20_000;

/// Rows of calls with as many code pairs, none of them in the catalogue.
fn many_pairs() -> String {
    let row = |number: u32| Row::failed(number, "sbc1.contoso.com", (900_000 + u64::from(number), 599));
    row::ndjson(&(0..PAIRS).map(row).collect::<Vec<_>>())
}

#[test]
fn a_file_of_many_code_pairs_takes_no_room_from_an_sbc_that_comes_later() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.ndjson"), many_pairs()).unwrap();
    let later = [
        Row::failed(PAIRS, "sbc2.contoso.com", (531_004, 410)),
        Row::failed(PAIRS + 1, "sbc2.contoso.com", (900_000, 598)),
    ];
    fs::write(folder.path().join("b.ndjson"), row::ndjson(&later)).unwrap();
    let ended = run_in(
        folder.path(),
        ["inspect", "--threads", "1", "--output", "prometheus", "a.ndjson", "b.ndjson"],
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let metrics = Metrics::parse(&ended.stdout);
    let failures = |trunk: &str, cause: &str| {
        metrics.sum("cdr_call_failures_total", &[("trunk", trunk), ("cause", cause)])
    };
    let [first, later] = ["sbc1.contoso.com", "sbc2.contoso.com"];
    assert_eq!((failures(first, "Unlisted"), failures(first, "other")), (5_000.0, 15_000.0));
    assert_eq!(failures(later, "IceConnectivityChecksFailed"), 1.0, "a cause of the catalogue fits");
    assert_eq!((failures(later, "Unlisted"), failures(later, "other")), (0.0, 1.0));
    // Each failed row of the catalogue stands there at 0, for the new SBC as for the first.
    let series = metrics.series("cdr_call_failures_total");
    let zeros = |trunk: &str| {
        series.iter().filter(|(labels, value)| labels["trunk"] == trunk && **value == 0.0).count()
    };
    assert_eq!(zeros(later) + 1, zeros(first));
}
