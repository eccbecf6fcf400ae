//! What is known of files, what happened to them, and what the files of a source look like now.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use crate::call::UnixMillis;
use crate::reading::Content;
use crate::source::identity::Stamp;

/// What happened to a file: the `event` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileEvent {
    /// Seen, and nothing was known of it: read from its beginning, unless it is `Copied`. Also a known file that holds other text
    /// after a restart, or is to be read as another format.
    Found,
    /// Known from before a restart, or looked at anew, and the same: read on behind what was read.
    Resumed,
    /// The same file under another name.
    Rotated,
    /// It became shorter than what was read of it while the daemon ran: read from its beginning.
    Truncated,
    /// It got other bytes where it was read while the daemon ran: read from its beginning.
    Replaced,
    /// It holds the text of another file that was read: read on behind that.
    Copied,
    /// It is gone, or was written anew under another inode.
    Removed,
    /// NULs that stood in it were overwritten with text, which is read.
    HoleFilled,
}

impl FileEvent {
    pub(super) const ALL: [Self; 8] = [
        Self::Found,
        Self::Resumed,
        Self::Rotated,
        Self::Truncated,
        Self::Replaced,
        Self::Copied,
        Self::Removed,
        Self::HoleFilled,
    ];

    /// The value of the `event` label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Resumed => "resumed",
            Self::Rotated => "rotated",
            Self::Truncated => "truncated",
            Self::Replaced => "replaced",
            Self::Copied => "copied",
            Self::Removed => "removed",
            Self::HoleFilled => "hole_filled",
        }
    }
}

/// What was last found out about a file, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub event: FileEvent,
    pub at: UnixMillis,
}

impl Decision {
    /// The event's label, and its time.
    pub fn shown(self) -> (Cow<'static, str>, UnixMillis) {
        (self.event.label().into(), self.at)
    }
}

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    /// The name under which it was last seen.
    pub path: PathBuf,
    pub content: Arc<Content>,
    pub decision: Option<Decision>,
    /// When it was last written, if all of what was read is known to have been there then.
    pub whole: Option<Stamp>,
}

/// What a source's files look like at a commit.
#[derive(Debug, Clone, Default)]
pub struct FilesNow {
    /// Files by the value of the `state` label.
    pub states: Vec<(&'static str, u64)>,
    pub pending_bytes: u64,
    /// `None` where the source is not configured any more.
    pub paths: Option<PathsNow>,
}

/// Where the paths of a source lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathsNow {
    /// How many of them lead to a file.
    pub matched: u64,
    /// Folders that were not gone through because of a bound.
    pub left_out: u64,
    /// Whether the system answers when it is asked for the folders.
    pub is_up: bool,
    /// What an operator should know, each a sentence without its full stop.
    pub remarks: Vec<String>,
}
