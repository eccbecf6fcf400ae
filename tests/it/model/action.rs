//! What happens to a folder of files and to the daemon over it: one step of a list, and lists drawn at random.

use fastrand::Rng;

/// Which of the files that are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// `a.json`: one JSON row a line.
    Json,
    /// `b.csv`: a header, then rows; each file has its own.
    Csv,
    /// `deep/c.json`: as the first, a folder further down.
    Deep,
}

impl Log {
    pub const ALL: [Self; 3] = [Self::Json, Self::Csv, Self::Deep];

    /// The name that its writer opens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "a.json",
            Self::Csv => "b.csv",
            Self::Deep => "deep/c.json",
        }
    }
}

/// One step. A step that makes no sense where it stands does nothing, so that any part of a list is a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// So many whole records, in one write.
    Append(Log, u32),
    /// The first so many thousandths of a record; the rest comes before anything else that is written there.
    Cut(Log, u32),
    /// A line that is no record.
    Garbage(Log),
    /// So many records of which only the first and the last are written, in part, and so many behind them: a hole.
    WriteHole(Log, u32, u32),
    /// The hole is filled.
    FillHole(Log),
    /// So many records become others, from this thousandth of the file on.
    OverwriteInPlace(Log, u32, u32),
    /// So many of the last records once more, where ids are remembered.
    Again(Log, u32),
    /// A whole response of Graph over many lines, in a file of its own, renamed into place.
    Export(u32),
    /// To a name that is read too. The writer goes on in the renamed file.
    Rename(Log),
    /// To a name that is not read.
    RenameAway(Log),
    /// The writer closes its file; the next write makes a new one, or goes on in the one that has the name.
    Reopen(Log),
    /// The copy is read too; so many records are written between the copy and the truncation.
    CopyTruncate(Log, u32),
    /// The copy is not read.
    CopyAwayTruncate(Log),
    /// `>` with so many records.
    Redirect(Log, u32),
    /// Another file with so many records takes the name.
    RenameOver(Log, u32),
    /// The oldest renamed file or copy is compressed so, and removed.
    Compress(Log, usize),
    /// The oldest renamed file or copy is removed.
    Delete(Log),
    /// The file being written to is removed.
    DeleteCurrent(Log),
    /// The folder is renamed, and made again.
    MoveFolder,
    Pause,
    Resume,
    Reload,
    Terminate,
    Kill,
    Start,
    /// Everything written so far is counted.
    Settle,
    /// Nothing happens for longer than a file takes to count as quiet.
    Idle,
}

impl Action {
    /// A list.
    pub fn list(random: &mut Rng) -> Vec<Self> {
        (0..random.usize(5..40)).map(|_| Self::random(random)).collect()
    }

    fn random(random: &mut Rng) -> Self {
        let log = Log::ALL[random.usize(..3)];
        // More than one turn of reading, now and then.
        let many = if random.u32(..12) == 0 { 3000 } else { 60 };
        match random.u32(..112) {
            100..105 => Self::WriteHole(log, random.u32(3..many.min(400)), random.u32(..20)),
            105..109 => Self::FillHole(log),
            109..112 => Self::OverwriteInPlace(log, random.u32(..1000), random.u32(1..4)),
            0..25 => Self::Append(log, random.u32(1..many)),
            25..33 => Self::Cut(log, random.u32(1..=1000)),
            33..35 => Self::Garbage(log),
            35..37 => Self::Again(log, random.u32(1..20)),
            37..40 => Self::Export(random.u32(..8)),
            40..46 => Self::Rename(log),
            46..50 => Self::RenameAway(log),
            50..54 => Self::Reopen(log),
            54..59 => Self::CopyTruncate(log, random.u32(..4).saturating_sub(1)),
            59..62 => Self::CopyAwayTruncate(log),
            62..65 => Self::Redirect(log, random.u32(1..many)),
            65..68 => Self::RenameOver(log, random.u32(1..many)),
            68..73 => Self::Compress(log, random.usize(..2)),
            73..75 => Self::Delete(log),
            75..77 => Self::DeleteCurrent(log),
            77..79 => Self::MoveFolder,
            79..82 => Self::Pause,
            82..84 => Self::Resume,
            84..86 => Self::Reload,
            86..88 => Self::Terminate,
            88..91 => Self::Kill,
            91..95 => Self::Start,
            95..98 => Self::Settle,
            _ => Self::Idle,
        }
    }
}
