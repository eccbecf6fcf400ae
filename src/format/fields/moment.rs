//! A time in RFC 3339 to milliseconds since 1970: as it is nearly always written, and in every other way that the format allows.

/// As [`year_and_millis`], of a time as it is nearly always written: `2026-11-01T09:12:33.123Z`, or without the fraction, in
/// this century, where every fourth year has a leap day. That spares the divisions, a third of the time.
pub fn usual_year_and_millis(text: &[u8]) -> Option<(i64, i64)> {
    let (begin, end) = (text.first_chunk::<16>()?, *text.last_chunk()?);
    let ([date, clock], []) = begin.as_chunks() else { return None };
    let date = digit_pairs(*date, *b"0000-00-")?;
    let clock = digit_pairs(*clock, *b"00T00:00")?;
    let (second, millis) = usual_second(text.len(), end)?;
    let (century, year, month, day) = (date(0), date(2), date(5), clock(0));
    let (hour, minute) = (clock(3), clock(6));
    let (days_before, days) = month_of(month)?;
    let is_leap = year % 4 == 0;
    let last_day = days + i64::from(is_leap && month == 2);
    if century != 20 || day < 1 || day > last_day || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let leap_days = (year + 3) / 4 + i64::from(is_leap && month > 2);
    let minutes = (DAYS_TO_2000 + year * 365 + leap_days + days_before + day - 1) * 1440 + hour * 60 + minute;
    Some((2000 + year, minutes * 60_000 + second * 1000 + millis))
}

/// Second and milliseconds of a time of this length that ends so.
#[inline(always)]
fn usual_second(length: usize, end: [u8; 8]) -> Option<(i64, i64)> {
    match length {
        // What is no digit is zero, as the point before the first digit of the fraction.
        24 => digit_pairs(end, *b":00.000Z").map(|of| (of(1), of(3) * 100 + of(5))),
        20 => digit_pairs(end, *b"0:00:00Z").map(|of| (of(5), 0)),
        _ => None,
    }
}

/// Milliseconds from one time to another, of two that are written as [`usual_year_and_millis`] reads them and are of the same
/// hour of the same day in this century. That there is such a day is not asked.
#[inline(always)]
pub fn millis_within_hour(from: &[u8], to: &[u8]) -> Option<i64> {
    let millis = |text: &[u8]| {
        let clock = digit_pairs(*text.get(8..16)?.first_chunk()?, *b"00T00:00")?;
        let (minute, (second, millis)) = (clock(6), usual_second(text.len(), *text.last_chunk()?)?);
        (minute <= 59 && second <= 59).then_some(minute * 60_000 + second * 1000 + millis)
    };
    let hour @ [b'2', b'0', ..] = from.first_chunk::<14>()? else { return None };
    if hour == to.first_chunk()? { Some(millis(to)? - millis(from)?) } else { None }
}

/// From 1970-01-01 to 2000-01-01.
const DAYS_TO_2000: i64 = 10_957;

/// The days before each month, from 1 on, and in the year; without the leap day.
const DAYS_BEFORE: [i64; 14] = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

/// The days before this month and those in it, in a year without a leap day; none in month 0.
fn month_of(month: i64) -> Option<(i64, i64)> {
    let (before, behind) = DAYS_BEFORE.get(usize::try_from(month).ok()?..)?.split_first()?;
    Some((*before, behind.first()? - before))
}

/// The number that the digits at a place of this text and at the next one write, if the text has digits where `form` has
/// zeros, and else the same bytes. All eight are looked at as one number, the first one lowest.
#[inline(always)]
pub fn digit_pairs(text: [u8; 8], form: [u8; 8]) -> Option<impl Fn(u32) -> i64> {
    const LOW: u64 = 0x0f0f_0f0f_0f0f_0f0f;
    const SEVEN_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let form = u64::from_le_bytes(form);
    // All ones where the form has no zero: sums of seven bits reach the eighth where they are not 0, and no further.
    let other = form ^ super::ZEROS;
    let eighth = (((other & SEVEN_BITS) + SEVEN_BITS) | other) & !SEVEN_BITS;
    let fixed = (eighth >> 7) * u64::from(u8::MAX);
    let digits = u64::from_le_bytes(text) ^ form;
    let odd = (digits | digits.wrapping_add(0x0606_0606_0606_0606)) & !LOW | digits & fixed;
    // No sum is over 99, so none reaches into the next byte.
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    (odd == 0).then_some(move |place: u32| (pairs >> (8 * place) & 0xff).cast_signed())
}

pub fn year_and_millis(text: &[u8]) -> Option<(i64, i64)> {
    let (stamp, rest) = text.split_first_chunk::<19>()?;
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T' | b't' | b' ', h0, h1, b':', n0, n1, b':', s0, s1] =
        *stamp
    else {
        return None;
    };
    let mut digits_only = true;
    let mut pair = |tens: u8, ones: u8| {
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        digits_only &= (tens < 10) & (ones < 10);
        i64::from(tens) * 10 + i64::from(ones)
    };
    let (century, year, month, day) = (pair(y0, y1), pair(y2, y3), pair(m0, m1), pair(d0, d1));
    let (hour, minute, second) = (pair(h0, h1), pair(n0, n1), pair(s0, s1));
    if !digits_only || second > 60 {
        return None;
    }
    let year = century * 100 + year;
    let (fraction, zone) = millis_of_second(rest)?;
    let millis = if second == 60 { 59_999 } else { second * 1000 + fraction };
    let minutes = minutes_since_1970((year, month, day), hour, minute)? - zone_minutes(zone)?;
    Some((year, minutes * 60_000 + millis))
}

/// Minutes from 1970 to a time of a day (year, month, day) of the Gregorian calendar, its year 0 or later; `None` if there
/// is no such day or time.
pub fn minutes_since_1970(date: (i64, i64, i64), hour: i64, minute: i64) -> Option<i64> {
    let (year, month, day) = date;
    let is_time = (1..=days_in_month(year, month)?).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute);
    is_time.then(|| days_since_1970(year, month, day) * 1440 + hour * 60 + minute)
}

/// The milliseconds of `.1234567Z`, and what follows the digits.
pub fn millis_of_second(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(fraction) = text.strip_prefix(b".") else { return Some((0, text)) };
    if let [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', b'Z'] = fraction {
        let digit = |byte: &u8| i64::from(byte - b'0');
        return Some((digit(a) * 100 + digit(b) * 10 + digit(c), &[]));
    }
    let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = fraction.split_at(length);
    let digit = |position: usize| fraction.get(position).map_or(0, |byte| i64::from(byte - b'0'));
    (length > 0).then(|| (digit(0) * 100 + digit(1) * 10 + digit(2), rest))
}

/// Minutes that the zone is ahead of UTC. .NET puts a blank before it.
pub fn zone_minutes(text: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match text.trim_ascii_start() {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, h0, h1, b':', m0, m1] | [sign, h0, h1, m0, m1] => {
            (sign, digits(&[*h0, *h1])?, digits(&[*m0, *m1])?)
        }
        _ => return None,
    };
    let ahead = (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)?;
    match sign {
        b'+' => Some(ahead),
        b'-' => Some(-ahead),
        _ => None,
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

fn days_in_month(year: i64, month: i64) -> Option<i64> {
    let leap_day = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (_, days) = month_of(month)?;
    Some(days + i64::from(leap_day))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, its year 0 or later.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Years here begin in March, so that a leap day is the last of its year and months before it need no
    // table: 153 days in each five months. 719,468 days lie between 0000-03-01 and 1970-01-01.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}
