//! What the time before has already told: most of a time is the same as in the record before it.

use super::local_time;
use crate::call::UnixMillis;

/// The minute that was last read: the records of a file are nearly in the order of their times.
#[derive(Debug, Clone, Copy, Default)]
pub struct LastMinute {
    /// As it was written: a date, hour and minute.
    text: [u8; 16],
    /// When it began, if it has been read.
    begin: Option<i64>,
}

impl LastMinute {
    /// The moment of a time of which these are date, hour and minute as written, and `:00` or `:00.5` stands behind them; of any other
    /// what `read` tells, which takes nothing else for a date, an hour and a minute.
    #[inline(always)]
    pub fn moment(
        &mut self,
        minute: [u8; 16],
        behind: &[u8],
        read: impl FnOnce() -> Option<UnixMillis>,
    ) -> Option<UnixMillis> {
        let millis = match behind {
            [b':', tens @ b'0'..=b'5', ones @ b'0'..=b'9', fraction @ ..] => {
                local_time::millis(i64::from((tens - b'0') * 10 + ones - b'0'), fraction)
            }
            _ => None,
        };
        let Some(millis) = millis else { return read() };
        if let Some(begin) = self.begin.filter(|_| self.text == minute) {
            return Some(UnixMillis(begin + millis));
        }
        let moment = read()?;
        *self = Self { text: minute, begin: Some(moment.0 - millis) };
        Some(moment)
    }

    /// As [`LastMinute::moment`], of a time as [`local_time::iso`] reads it, and no other.
    #[inline(always)]
    pub fn of_one(&mut self, text: &[u8], read: impl FnOnce() -> Option<UnixMillis>) -> Option<UnixMillis> {
        match text.split_first_chunk() {
            Some((minute, behind)) => self.moment(*minute, behind, read),
            None => read(),
        }
    }
}
