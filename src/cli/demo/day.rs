//! A made-up day of calls as the admin center exports it, with an outage in it: for those who have no export at hand.

use super::rows::ADMIN_CENTER_HEADER;
use super::traffic::Traffic;
use crate::call::UnixMillis;

/// 2026-11-20T00:00:00Z, a Friday.
const MIDNIGHT: i64 = 1_795_132_800_000;
const MINUTE: i64 = 60_000;
/// How many calls end in each hour: an office day.
const CALLS_BY_HOUR: [i64; 24] = [
    24, 12, 10, 8, 10, 26, 90, 240, 430, 480, 460, 430, 350, 410, 470, 450, 370, 240, 110, 70, 50, 40, 30, 20,
];
/// Minutes of the day in which calls over one trunk fail: from 14:05 to 14:50.
const OUTAGE: std::ops::Range<i64> = 845..890;
/// The same day each time.
const SEED: u64 = 20;

/// The whole file.
pub fn export() -> String {
    let mut traffic = Traffic::new(SEED, UnixMillis(MIDNIGHT));
    let mut text = ADMIN_CENTER_HEADER.to_owned();
    for (hour, calls) in (0..).zip(CALLS_BY_HOUR) {
        for place in 0..calls {
            let since_midnight = (hour * 60 * MINUTE) + place * 60 * MINUTE / calls;
            let is_outage = OUTAGE.contains(&(since_midnight / MINUTE));
            let call = traffic.call_where(is_outage, UnixMillis(MIDNIGHT + since_midnight));
            traffic.admin_center_row(&call, &mut text);
        }
    }
    text
}
