//! What of a record could not be read, where the call counts all the same.

/// A field that decides nothing about a call but its age or duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

/// A date of which each number may be the day: `5/11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoReadings {
    pub first: i8,
    pub second: i8,
}

impl TwoReadings {
    /// Both, in words for people, and what to do.
    pub fn explanation(self) -> String {
        const MONTHS: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let Self { first, second } = self;
        let month =
            |number: i8| usize::try_from(number - 1).ok().and_then(|at| MONTHS.get(at)).unwrap_or(&"?");
        format!(
            "{first}/{second} is {first} {} or {second} {}, and no day above 12 before it tells which: write dates as \
             2024-11-05",
            month(second),
            month(first)
        )
    }
}

/// The fields of one record that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unread {
    fields: u8,
    two_readings: Option<TwoReadings>,
}

impl Unread {
    /// Notes one.
    pub fn add(&mut self, field: UnreadField) {
        self.fields |= 1 << field as u8;
    }

    /// What was read of a field; notes it if that was nothing because of a fault.
    pub fn or<T, Fault>(&mut self, field: UnreadField, read: Result<Option<T>, Fault>) -> Option<T> {
        read.unwrap_or_else(|_| {
            self.add(field);
            None
        })
    }

    /// Notes a time that could not be read because its date has two readings.
    pub fn add_date(&mut self, field: UnreadField, date: TwoReadings) {
        self.add(field);
        self.two_readings = self.two_readings.or(Some(date));
    }

    /// Whether this one is among them.
    pub fn has(self, field: UnreadField) -> bool {
        self.fields >> field as u8 & 1 == 1
    }

    /// A date among them that has two readings.
    pub fn two_readings(self) -> Option<TwoReadings> {
        self.two_readings
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.fields == 0
    }
}
