//! What of a record could not be read, where the call counts all the same.

/// A field that decides nothing about a call but its age or duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadField {
    EndTime,
    FailureTime,
    StartTime,
    InviteTime,
    Duration,
}

impl UnreadField {
    /// Every field, in the order in which they are exposed.
    pub const ALL: [Self; 5] =
        [Self::EndTime, Self::FailureTime, Self::StartTime, Self::InviteTime, Self::Duration];

    /// The value of the `field` label.
    pub fn label(self) -> &'static str {
        match self {
            Self::EndTime => "end_time",
            Self::FailureTime => "failure_time",
            Self::StartTime => "start_time",
            Self::InviteTime => "invite_time",
            Self::Duration => "duration",
        }
    }
}

/// The fields of one record that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unread(u8);

impl Unread {
    /// Day and month of a time could be either.
    const TWO_READINGS: u8 = 1 << 7;

    /// Notes one.
    pub fn add(&mut self, field: UnreadField) {
        self.0 |= 1 << field as u8;
    }

    /// What was read of a field; notes it if that was nothing because of a fault.
    pub fn or<T, Fault>(&mut self, field: UnreadField, read: Result<Option<T>, Fault>) -> Option<T> {
        read.unwrap_or_else(|_| {
            self.add(field);
            None
        })
    }

    /// Notes that a time could not be read because it has two readings.
    pub fn has_two_readings(&mut self) {
        self.0 |= Self::TWO_READINGS;
    }

    /// Whether this one is among them.
    pub fn has(self, field: UnreadField) -> bool {
        self.0 >> field as u8 & 1 == 1
    }

    /// Whether a time among them has two readings.
    pub fn is_ambiguous(self) -> bool {
        self.0 & Self::TWO_READINGS != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}
