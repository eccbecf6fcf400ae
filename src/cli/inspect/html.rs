//! What was found, as one page to print or to send: no script, no request, pictures drawn in it.

use std::fmt::Write;

use super::calls::Call;
use super::group::{Line, share};
use super::table::most_on;
use super::view::View;
use crate::call::CodePair;
use crate::findings::{Finding, percent_of, thousands, time};

const STYLE: &str = "\
:root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--soft:#5b6570;--line:#d7dce1;--bad:#b3261e;--card:#f6f8fa}
@media(prefers-color-scheme:dark){:root{--fg:#e6e9ed;--bg:#14171a;--soft:#a3adb8;--line:#343b43;--bad:#ff8a80;--card:#1d2227}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:72rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.1rem;margin:1.6rem 0 .5rem}p{margin:.3rem 0}
.soft{color:var(--soft)}.card{border-left:4px solid var(--bad);background:var(--card);padding:.6rem .8rem;margin:.6rem 0}
.card p:first-child{font-weight:600}.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid var(--line)}
td.n,th.n{text-align:right;white-space:nowrap}td.id{font-family:monospace;font-size:.8rem}
@media screen and (min-width:70rem){.calls td{white-space:nowrap}}
svg{width:100%;height:auto;display:block}svg text{fill:var(--soft);font:11px system-ui,sans-serif}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.85rem;margin:.3rem 0}.key i{display:inline-block;width:.8em;height:.8em;margin-right:.35em}
@page{size:A4;margin:14mm}
@media print{html{font-size:11.5px}h2,tr:first-child{break-after:avoid}td.id{white-space:nowrap}body{font-size:1rem;-webkit-print-color-adjust:exact;print-color-adjust:exact;max-width:none;padding:0}.card,tr,svg{break-inside:avoid}.wide{overflow:visible}}";

/// Told apart without red and green (Okabe and Ito).
const COLOURS: [&str; 7] = ["#d55e00", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#8a8f98"];

/// The page.
pub fn page(view: &View, calls: &[Call]) -> String {
    let found = &view.facts.findings;
    let zone = view.choice.zone();
    let span = found.span.map(|(from, to)| format!("Calls {}.", time::Span { from, to, zone }));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>Calls of Microsoft Teams Direct Routing</title><style>{STYLE}</style></head><body><main>\
         <h1>{}</h1><p class=\"soft\">{}</p>",
        escaped(&view.headline()),
        escaped(&span.unwrap_or_default())
    );
    page += "<h2>What stands out</h2>";
    if let Some(quiet) = found.quiet() {
        let _ = write!(page, "<p>{}</p>", escaped(&quiet));
    }
    found.findings.iter().for_each(|finding| page += &card(finding, view));
    page += &outcomes(view);
    if found.failed > 0 {
        page += &timeline(view);
        page += &heat_map(view);
        page += &causes(view);
    }
    page += &asked(view);
    page += &trunks(view);
    page += &listed(calls);
    let _ = writeln!(
        page,
        "</main><footer class=\"soft\"><p>cdr-exporter {}</p></footer></body></html>",
        env!("CARGO_PKG_VERSION")
    );
    page
}

fn card(finding: &Finding, view: &View) -> String {
    let who =
        finding.who().map(|who| format!("<p>Who can fix it: {}.</p>", escaped(who))).unwrap_or_default();
    format!(
        "<div class=\"card\"><p>{}</p>{who}<p>What to do: {}</p></div>",
        escaped(&finding.sentence(view.choice.zone())),
        escaped(&finding.remedy)
    )
}

fn outcomes(view: &View) -> String {
    let calls = view.calls();
    let mut text =
        "<h2>Outcomes</h2><div class=\"wide\"><table><tr><th>Outcome</th><th class=\"n\">Calls</th>\
                    <th class=\"n\">Of all calls</th></tr>"
            .to_owned();
    for line in &view.outcomes {
        let share = percent_of(line.calls, calls);
        text += &row(&[&line.keys[0]], &[&thousands(line.calls), &share]);
    }
    text + "</table></div>"
}

/// Failed calls along time, the most frequent causes in a colour each.
fn timeline(view: &View) -> String {
    let (width, height) = (960.0, 180.0);
    let shown = view.causes.len().min(COLOURS.len() - 1);
    let column = width / view.axis.length as f64;
    let total = |place: usize| -> u64 { view.causes.iter().map(|line| line.failed_by_time[place]).sum() };
    let most = (0..view.axis.length).map(total).max().unwrap_or_default().max(1);
    let mut svg = String::new();
    let mut key = String::new();
    for place in 0..view.axis.length {
        let mut top = height;
        for (number, line) in view.causes.iter().enumerate() {
            let calls = line.failed_by_time[place];
            let tall = calls as f64 / most as f64 * (height - 14.0);
            top -= tall;
            if calls > 0 {
                let colour = COLOURS[number.min(shown).min(COLOURS.len() - 1)];
                let _ = write!(
                    svg,
                    "<rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{tall:.1}\" fill=\"{colour}\"><title>{} {}: {calls}</title></rect>",
                    place as f64 * column + 1.0,
                    (column - 2.0).max(1.0),
                    when(view, place),
                    escaped(&line.keys[0])
                );
            }
        }
    }
    for (number, line) in view.causes.iter().take(shown).enumerate() {
        let _ = write!(
            key,
            "<span><i style=\"background:{}\"></i>{} ({})</span>",
            COLOURS[number],
            escaped(&line.keys[0]),
            thousands(line.failed)
        );
    }
    if view.causes.len() > shown {
        let _ = write!(key, "<span><i style=\"background:{}\"></i>others</span>", COLOURS[COLOURS.len() - 1]);
    }
    format!(
        "<h2>Failed calls by cause and time</h2><div class=\"key\">{key}</div>\
         <svg viewBox=\"0 0 {width} {}\" role=\"img\" aria-label=\"Failed calls by cause and time\">{svg}\
         <text x=\"0\" y=\"11\">{} at most</text>{}</svg>",
        height + 16.0,
        thousands(most),
        times(view, 0.0, width, height + 13.0)
    )
}

/// Trunks by time: the darker, the greater the share of calls that failed.
fn heat_map(view: &View) -> String {
    let (left, width, tall) = (200.0, 960.0, 20.0);
    let column = (width - left) / view.axis.length as f64;
    let lines: Vec<&Line> = view.trunks.iter().take(40).collect();
    let mut svg = String::new();
    for (number, line) in lines.iter().enumerate() {
        let y = number as f64 * tall;
        let name = if line.keys[0].is_empty() { "(none)" } else { &line.keys[0] };
        let _ = write!(svg, "<text x=\"0\" y=\"{:.1}\">{}</text>", y + 14.0, escaped(&shortened(name)));
        for place in 0..view.axis.length {
            let (attempts, failed) = (line.attempts_by_time[place], line.failed_by_time[place]);
            let share = share(failed, attempts);
            let (fill, opacity) = match (attempts, failed) {
                (0, _) => ("none", 0.0),
                (_, 0) => ("var(--line)", 0.5),
                _ => ("var(--bad)", 0.15 + 0.85 * share.sqrt()),
            };
            let _ = write!(
                svg,
                "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{fill}\" fill-opacity=\"{opacity:.2}\">\
                 <title>{} {}: {failed} of {attempts} failed</title></rect>",
                left + place as f64 * column + 0.5,
                (column - 1.0).max(1.0),
                tall - 1.0,
                escaped(name),
                when(view, place)
            );
        }
    }
    let bottom = lines.len() as f64 * tall;
    format!(
        "<h2>Share of calls that failed, by trunk and time</h2>\
         <svg viewBox=\"0 0 {width} {}\" role=\"img\" aria-label=\"Share of calls that failed, by trunk and time\">{svg}{}</svg>",
        bottom + 16.0,
        times(view, left, width, bottom + 13.0)
    )
}

fn causes(view: &View) -> String {
    let is_told = view.tells_origins();
    let origin = if is_told { "<th>Microsoft's number</th>" } else { "" };
    let mut text = format!(
        "<h2>Causes</h2><div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Causes\"><table><tr><th>Cause</th><th>Codes</th>{origin}<th>Most on</th>\
         <th>Who can fix it</th><th>What to do</th><th class=\"n\">Calls</th><th class=\"n\">Of failed</th></tr>"
    );
    for line in view.causes.iter().take(view.top) {
        let (cause, codes) = line.cause.clone().unwrap_or_default();
        let about = view.snapshot.catalogue.about(&cause, codes);
        let side = about.side().map_or("", |side| side.label());
        let share = percent_of(line.failed, view.facts.findings.failed);
        // The number stays with its trunk.
        let (codes, most_on) = (codes.shown(), most_on(line).replace(' ', "\u{a0}"));
        let mut texts = vec![&*cause, &*codes];
        texts.extend(is_told.then(|| view.origin(line)));
        texts.extend([&*most_on, side, about.remedy()]);
        text += &row(&texts, &[&thousands(line.failed), &share]);
    }
    text + "</table></div>"
}

/// What `--by` asked for.
fn asked(view: &View) -> String {
    let Some((by, lines)) = &view.asked else { return String::new() };
    let by: Vec<&str> = by.iter().map(|by| by.label()).collect();
    let names: String = by.iter().map(|by| format!("<th>{by}</th>")).collect();
    let mut text = format!(
        "<h2>By {0}</h2><div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"By {0}\"><table><tr>{names}<th class=\"n\">Calls</th><th class=\"n\">Attempts</th>\
         <th class=\"n\">{1}</th><th class=\"n\">Of attempts</th></tr>",
        by.join(", "),
        view.part()
    );
    for line in lines.iter().take(view.top) {
        let keys: Vec<&str> =
            line.keys.iter().map(|key| if key.is_empty() { "(none)" } else { key.as_str() }).collect();
        let numbers = [line.calls, line.attempts, line.part].map(thousands);
        let share = percent_of(line.part, line.attempts);
        text += &row(&keys, &[&numbers[0], &numbers[1], &numbers[2], &share]);
    }
    text + "</table></div>"
}

fn trunks(view: &View) -> String {
    let mut text = format!(
        "<h2>Trunks</h2><div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Trunks\"><table><tr><th>Trunk</th>\
         <th class=\"n\">Attempts</th><th class=\"n\">{}</th><th class=\"n\">Of attempts</th></tr>",
        view.part()
    );
    for line in view.trunks.iter().take(view.top) {
        let name = if line.keys[0].is_empty() { "(none)" } else { &line.keys[0] };
        text += &row(
            &[name],
            &[&thousands(line.attempts), &thousands(line.part), &percent_of(line.part, line.attempts)],
        );
    }
    text + "</table></div>"
}

fn listed(calls: &[Call]) -> String {
    if calls.is_empty() {
        return String::new();
    }
    let mut text =
        "<h2>The newest of these calls</h2><div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"The newest of these calls\"><table class=\"calls\"><tr><th>Ended</th><th>Trunk</th>\
                    <th>Direction</th><th>Codes</th><th>Cause</th><th>Correlation id</th></tr>"
            .to_owned();
    for call in calls {
        let codes = CodePair { microsoft: call.microsoft_code, sip: call.sip_code }.shown();
        let _ = write!(
            text,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{codes}</td><td>{}</td><td class=\"id\">{}</td></tr>",
            escaped(call.ended.as_deref().unwrap_or("")),
            escaped(&call.trunk),
            call.direction,
            escaped(&call.what()),
            escaped(call.correlation_id.as_deref().unwrap_or(""))
        );
    }
    text + "</table></div>"
}

fn row(texts: &[&str], numbers: &[&str]) -> String {
    let texts = texts.iter().map(|text| format!("<td>{}</td>", escaped(text)));
    let numbers = numbers.iter().map(|number| format!("<td class=\"n\">{}</td>", escaped(number)));
    format!("<tr>{}</tr>", texts.chain(numbers).collect::<String>())
}

/// Times below a picture, about every sixth column.
fn times(view: &View, left: f64, right: f64, y: f64) -> String {
    let column = (right - left) / view.axis.length as f64;
    let every = view.axis.length.div_ceil(6);
    let mark = |place: usize| {
        format!("<text x=\"{:.1}\" y=\"{y:.1}\">{}</text>", left + place as f64 * column, when(view, place))
    };
    (0..view.axis.length).step_by(every).map(mark).collect()
}

/// When a column begins.
fn when(view: &View, place: usize) -> String {
    let minute = view.axis.first + i64::try_from(place).unwrap_or_default() * view.axis.step;
    time::at(minute, view.choice.zone()).strftime("%m-%d %H:%M").to_string()
}

/// A name that fits beside a picture.
fn shortened(name: &str) -> String {
    match name.char_indices().nth(30) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// A text that is no markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
