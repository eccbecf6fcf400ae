//! The files of a source: what lies on the disk against what is being read.
//!
//! | seen on the disk | decision | event |
//! |---|---|---|
//! | a file under a name that had none | read it from its beginning | found |
//! | a file we follow, under another name | follow it there | rotated |
//! | another file under a known name | follow the old one to its end, read the new one from its beginning | found |
//! | shorter than what was read of it | count a whole last line that was held, read it from its beginning | truncated |
//! | other bytes where we stopped reading | the same | replaced |
//! | other bytes anywhere before that, once it is quiet | the same | replaced |
//! | NULs where a block is not written yet | wait at them, and read on once they are filled | hole filled |
//! | the same, and nobody writes for long | give them up: read what stands behind them | |
//! | given up, and filled after all | read what fills them | hole filled |
//! | a copy of a file that waits at NULs | wait until that is read on | |
//! | renamed to where no path leads | follow it, as long as there are descriptors to spare | |
//! | the same, before it was opened | look for it in its folder, and follow it | rotated |
//! | removed | read what is left, let go when it has been quiet | removed |
//! | a new file with the text of one that was read | pass over that much of it, once the original is read | copied |
//! | the same, but shorter, and the same to its end | a cut copy: wait for more, or let remembered ids decide | |
//! | less than 256 bytes of records, alike | wait for more; when it has been quiet, it is no copy | |
//! | after a restart, the bytes that were there | go on behind them | resumed |
//! | after a restart, the same under another name in its folder, where no path leads | follow it | rotated |
//! | after a restart, other bytes | read it from its beginning | found |
//! | after a restart, gone from its folder, or with it | a copy of it may come yet | removed |
//! | the same, and its whole path is away, or what is left of it is on another device | it may be mounted again: wait | |
//! | grown, when no more than a header was read of it | as a new file: it may be a copy by now | resumed, copied |
//! | to be read as another format | read it from its beginning | found |
//!
//! `status` shows the last event of a file. The log has a line for each of them, up to a number in a minute, but `found` of a file of which nothing was known, and
//! `resumed` where the text need not be compared (it must be of compressed files and of short ones).
//!
//! Which of these it is says [`decide`], a function of what a file is and what was seen of it, without a disk. The disk
//! is looked at in [`look`]; [`file`] does what was decided; [`set`] holds the files of a source and gives each its turn.
//! Text is compared by hashes, after decompression, so a copy is known whatever its name and its encoding are.

mod around;
mod damage;
mod decide;
mod file;
mod lines;
mod look;
mod open;
mod origin;
mod progress;
mod quiet;
mod rate;
mod renamed;
mod room;
mod scan;
mod set;
mod task;
mod whole;

pub use self::around::{Around, Outbox, Read};
pub use self::lines::Lines;
pub use self::quiet::Patience;
pub use self::set::Files;
pub use self::task::{Done, Given, Task, Work};
