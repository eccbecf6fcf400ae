//! What the dashboards ask about calls, in PromQL: attempts, failures, ratios, and how sure a failure rate is.

/// Answered calls.
pub const ANSWERED: &str = "answered";
/// Calls for which the network did its part.
pub const EFFECTIVE: &str = "answered|busy|no_answer|declined|cancelled";

pub const ASR_MEANS: &str = "Answer seizure ratio: answered calls of all calls, without those that another leg took. \
    What is good depends on who is called; 60 to 80 % is common, and a sudden drop is what matters.";
pub const NER_MEANS: &str = "Network effectiveness ratio: calls that got through the network, whether or not somebody \
    answered, of all calls without those that another leg took. Good: 95 % and more.";
pub const SURELY_MEANS: &str = "At least this share of the newest calls fails, by what can be said for sure: the lower \
    confidence bound. Of two calls that fail it says little, of ten it says much. The newest calls are those of the \
    last hour, or of the last 24 hours where that hour had fewer than ten. Good: under 5 % (green); from 10 % on \
    it is red.";

/// Colours of a failure rate that is sure, by the bounds that hold for the NER.
pub const SURELY_COLORS: [(f64, &str); 2] = [(0.05, "orange"), (0.1, "red")];

/// Calls of which the trunk is known, so that "" is free to stand for all of them.
pub const OF_TRUNKS: &str = r#"@source,trunk!="""#;

/// The window of the chosen time. Read in steps, since a month of raw samples of many trunks is too much to load.
pub const CHOSEN: &str = "[$__range:$__interval]";

/// What counters grew by in a window. The last step of the chosen time is up to one of its steps ago, which hides much of a
/// fault that has just begun: so what came since is counted as it stands, in place of what increase() guesses for that time.
pub fn increase(counter: &str, window: &str) -> String {
    if window != CHOSEN {
        return format!("increase({counter}{window})");
    }
    format!(
        r#"increase({counter}{CHOSEN}) * (1 - time() % ($__interval_ms / 1000) / $__range_s)
        or label_replace(clamp_min({counter} - last_over_time({counter}[$__interval:$__interval]), 0), "since", "last step", "", "")"#
    )
}

/// The windows of the newest calls: the second where the first has too few; in steps, to be affordable.
const HOUR: &str = "[1h]";
const DAY: &str = "[24h:20m]";
/// Calls that the hour must have, so that no day is looked at.
const ENOUGH: u32 = 10;

/// `by (trunk)` or the like; of an empty text, one sum of all.
pub fn by(labels: &str) -> String {
    if labels.is_empty() { String::new() } else { format!("by ({labels}) ") }
}

/// Calls with one of these outcomes in a window.
pub fn calls(labels: &str, outcomes: &str, selector: &str, window: &str) -> String {
    let counter = format!(r#"cdr_calls_total{{{selector},outcome=~"{outcomes}"}}"#);
    format!("sum {}({})", by(labels), increase(&counter, window))
}

/// Every call but those that another leg took.
pub fn attempts(labels: &str, selector: &str, window: &str) -> String {
    let counter = format!(r#"cdr_calls_total{{{selector},outcome!="elsewhere"}}"#);
    format!("sum {}({})", by(labels), increase(&counter, window))
}

/// Calls with one of these outcomes against all attempts.
pub fn ratio(labels: &str, outcomes: &str, selector: &str, window: &str) -> String {
    let attempts = attempts(labels, selector, window);
    format!("({} or 0 * {attempts}) / ({attempts} > 0)", calls(labels, outcomes, selector, window))
}

/// Failed calls of the causes in a window.
pub fn failures(labels: &str, selector: &str, window: &str) -> String {
    format!("sum {}({})", by(labels), increase(&format!("cdr_call_failures_total{{{selector}}}"), window))
}

/// The lower confidence bound of the failure rate in the newest calls. A count of F calls is by chance as far as
/// 2 * sqrt(F) from its mean; sqrt(F) is then off by 1 at all counts, so that at least (sqrt(F) - 1)^2 are no chance.
pub fn surely_failing(labels: &str, selector: &str, at: &str) -> String {
    let bound = |window: &str| {
        let window = format!("{window}{at}");
        let failed = calls(labels, "failed", selector, &window);
        format!("clamp_min(sqrt({failed}) - 1, 0) ^ 2 / ({} > 0)", attempts(labels, selector, &window))
    };
    let in_hour = attempts(labels, selector, &format!("{HOUR}{at}"));
    format!("({} and {in_hour} >= {ENOUGH} or {})", bound(HOUR), bound(DAY))
}

/// Failed and all of the newest calls, as the labels `failed` and `calls` of a series of 1: text for a table or a name.
pub fn newest_counts(labels: &str, selector: &str, at: &str) -> String {
    let in_hour = attempts(labels, selector, &format!("{HOUR}{at}"));
    let all = format!("({in_hour} >= {ENOUGH} or {})", attempts(labels, selector, &format!("{DAY}{at}")));
    let failed = |window: &str| calls(labels, "failed", selector, &format!("{window}{at}"));
    let failed = format!("({} and {in_hour} >= {ENOUGH} or {} or 0 * {all})", failed(HOUR), failed(DAY));
    let by = by(labels);
    format!(
        r#"count_values {by}("calls", round({all})) * on ({labels}) group_left (failed) count_values {by}("failed", round({failed}))"#
    )
}
