//! Bars as inline SVG: calls by hour, without script and without a style of their own.

use maud::{Markup, html};

const BAR: usize = 6;

/// Bars for these counts, the oldest at the left; `what` says it in words.
pub fn bars(counts: &[u64], height: usize, what: &str) -> Markup {
    let most = counts.iter().copied().max().unwrap_or_default().max(1);
    let width = (counts.len() * BAR).max(1);
    let bar = |count: u64| {
        let tall = (count as f64 / most as f64 * height as f64).ceil();
        if count > 0 { tall.max(2.0) } else { 0.0 }
    };
    html! {
        svg viewBox={ "0 0 " (width) " " (height + 1) } width=(width) height=(height + 1) role="img" aria-label=(what) {
            @for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                rect x=(at * BAR) y=(height as f64 - bar(*count)) width=(BAR - 1) height=(bar(*count)) {}
            }
            line x1="0" y1=(height as f64 + 0.5) x2=(width) y2=(height as f64 + 0.5) {}
        }
    }
}
