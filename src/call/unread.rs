//! What of a record could not be read, where the call counts all the same.

use std::fmt;

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

/// What a text looks like, which may be personal: letters as `x`, digits as `0`, all else that is not ASCII as `?`, and cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    length: u8,
    bytes: [u8; 22],
}

impl Shape {
    /// The shape of this text.
    pub fn of(text: &[u8]) -> Self {
        let mut shape = Self { length: 0, bytes: [0; 22] };
        for (place, byte) in shape.bytes.iter_mut().zip(text) {
            *place = match byte {
                b'0'..=b'9' => b'0',
                b'a'..=b'z' | b'A'..=b'Z' => b'x',
                b' '..=b'~' => *byte,
                _ => b'?',
            };
            shape.length += 1;
        }
        shape
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.bytes[..usize::from(self.length)]))
    }
}

/// Why a time could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadTime {
    TwoReadings(TwoReadings),
    Shape(Shape),
    /// It names a zone in the device's own words, and nobody said which zone that is: it was taken for UTC.
    Zone,
    /// It lies more than a day ahead of this machine's clock.
    Ahead,
}

impl UnreadField {
    /// What is said of calls without this field, where this was wrong with the first time among them.
    pub fn said(self, why: Option<UnreadTime>) -> String {
        let name = self.label();
        match why {
            Some(UnreadTime::Zone) if self != Self::Duration => {
                format!("counted with {name} in a zone that is not known, or without it")
            }
            Some(UnreadTime::Ahead) if self == Self::EndTime => {
                format!("counted with {name} more than a day ahead, or without it")
            }
            _ => format!("counted without {name}, which could not be read"),
        }
    }
}

impl UnreadTime {
    /// In words for people, and what to do.
    pub fn explanation(self) -> String {
        match self {
            Self::TwoReadings(date) => date.explanation(),
            Self::Zone => {
                "it names a time zone in letters, which stand for different zones, and was taken for UTC: say in `timezone` of \
                 the source which one it is, such as Europe/Berlin"
                    .to_owned()
            }
            Self::Ahead => {
                "calls end more than a day later than it is by this machine's clock: they are `late`, and in no age and no history. \
                 Set the clock of this machine, or that of who writes the records"
                    .to_owned()
            }
            Self::Shape(shape) => format!(
                "`{shape}` (digits as 0, letters as x) is no time that is known: write times as 2024-11-05T08:00:00Z"
            ),
        }
    }
}

/// The fields of one record that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unread {
    fields: u8,
    time: Option<UnreadTime>,
}

impl Unread {
    /// All could be read.
    pub const NONE: Self = Self { fields: 0, time: None };

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

    /// Notes a time that could not be read, and why.
    pub fn add_time(&mut self, field: UnreadField, time: UnreadTime) {
        self.add(field);
        self.time = self.time.or(Some(time));
    }

    /// Whether this one is among them.
    pub fn has(self, field: UnreadField) -> bool {
        self.fields >> field as u8 & 1 == 1
    }

    /// Why the first of the times among them could not be read.
    pub fn time(self) -> Option<UnreadTime> {
        self.time
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.fields == 0
    }
}
