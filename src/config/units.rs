//! Lengths of time and sizes as they are written.

use std::ops::RangeInclusive;
use std::time::Duration;

use bytesize::ByteSize;
use jiff::{Span, SpanRelativeTo, Unit};
use serde_saphyr::Spanned;

use super::errors::{Checked, at};

/// Looking at files more often than this would be all that the daemon does.
const LEAST_INTERVAL: Duration = Duration::from_millis(100);
/// Longer than this is never, and was hardly meant.
const MOST_INTERVAL: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A length of time such as `90s`, `6h` or `7d`; a day is 24 hours.
pub fn duration(written: &Spanned<String>) -> Checked<Duration> {
    let seconds = written
        .value
        .parse::<Span>()
        .ok()
        .and_then(|span| span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok());
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or_else(|| {
        at(written, format!("`{}` is not a length of time such as 90s, 6h or 7d", written.value))
    })
}

/// A length of time between two looks at files.
pub fn interval(written: Option<&Spanned<String>>, default: Duration) -> Checked<Duration> {
    let Some(written) = written else { return Ok(default) };
    let value = duration(written)?;
    if value < LEAST_INTERVAL {
        return Err(at(written, format!("`{}` is less than {LEAST_INTERVAL:?}", written.value)));
    }
    if value > MOST_INTERVAL {
        return Err(at(written, format!("`{}` is more than 7d", written.value)));
    }
    Ok(value)
}

/// A size such as `512KiB`, within these bounds.
pub fn bytes(written: &Spanned<String>, bounds: RangeInclusive<u64>) -> Checked<u64> {
    let Ok(size) = written.value.parse::<ByteSize>() else {
        return Err(at(written, format!("`{}` is not a size such as 512KiB or 1MiB", written.value)));
    };
    match size.as_u64() {
        size if bounds.contains(&size) => Ok(size),
        _ => {
            let (least, most) = (ByteSize(*bounds.start()), ByteSize(*bounds.end()));
            Err(at(written, format!("`{}` is not from {least} to {most}", written.value)))
        }
    }
}

/// A whole number within these bounds.
pub fn number(written: &Spanned<usize>, bounds: RangeInclusive<usize>) -> Checked<usize> {
    let (value, least, most) = (written.value, bounds.start(), bounds.end());
    match bounds.contains(&value) {
        true => Ok(value),
        false => Err(at(written, format!("{value} is not from {least} to {most}"))),
    }
}
