//! Contents that were read before, so that a copy under another name, plain or compressed, is not counted again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::reading::Content;
use crate::source::identity::{FileId, HEAD_BYTES, Head};

/// How many contents of files that are gone, or were written anew, are remembered: this many, or as many as there were
/// files at once. So a folder whose file system goes and comes back is known again.
const PAST_CONTENTS: usize = 1000;

/// As many hashes of a head, those of up to 256 bytes, tell one text from another. Less may be the beginning of every
/// record of a day.
const TELLING: usize = 3;

/// The contents known of one source: of files that are there, and of some that are not. The ledger shares them.
#[derive(Debug, Default)]
pub struct Known {
    contents: HashMap<FileId, Arc<Content>>,
    /// By head: where it begins, how many hashes it has, the last of them. One with more hashes than tell stands also
    /// under those.
    heads: HashMap<(u64, usize, u64), Vec<FileId>>,
    /// How many heads begin so: where, after how many hashes, the hash.
    beginnings: HashMap<(u64, usize, u64), usize>,
    /// Contents whose file is no more, the longest gone first.
    past: VecDeque<FileId>,
    next_past: u64,
    /// How many files there were at once.
    most: usize,
    /// How many heads begin there in their text.
    starts: HashMap<u64, usize>,
}

/// A content whose file is no more.
#[derive(Debug)]
pub struct Retired {
    /// The id under which it is known from now on.
    pub id: FileId,
    pub content: Arc<Content>,
    /// One that is forgotten for it.
    pub dropped: Option<FileId>,
}

/// What is known of a text by its head.
#[derive(Debug, PartialEq)]
pub enum Match<'k> {
    /// Nothing like it was read before.
    New,
    /// It begins like what was read, as far as it goes; with more of it, or none to come, it can be told.
    Undecided,
    /// It has the head of these, or as much of it as tells them from others.
    Like(Vec<(FileId, &'k Content)>),
}

impl Known {
    /// What is known of the file.
    pub fn content(&self, id: FileId) -> Option<&Arc<Content>> {
        self.contents.get(&id)
    }

    /// Notes what the file holds.
    pub fn set(&mut self, id: FileId, content: impl Into<Arc<Content>>) {
        let content = content.into();
        if self.contents.get(&id).map(|known| &known.head) != Some(&content.head) {
            self.forget(id);
            self.index(id, &content.head);
        }
        self.contents.insert(id, content);
        self.most = self.most.max(self.contents.len().saturating_sub(self.past.len()));
    }

    /// Takes a content that was known before a restart.
    pub fn restore(&mut self, id: FileId, content: Arc<Content>) {
        if id.device == FileId::NO_DEVICE {
            self.next_past = self.next_past.max(id.inode + 1);
            self.past.push_back(id);
        }
        self.set(id, content);
    }

    /// The file holds this content no more, but a copy of it may come. `None` when another file has it too, or
    /// nothing was known that tells a copy.
    pub fn retire(&mut self, id: FileId) -> Option<Retired> {
        let content = self.forget(id)?;
        if !content.head.tells() || self.has_twin(&content) {
            return None;
        }
        let past = FileId { device: FileId::NO_DEVICE, inode: self.next_past };
        self.next_past += 1;
        self.past.push_back(past);
        self.set(past, Arc::clone(&content));
        let dropped =
            (self.past.len() > PAST_CONTENTS.max(self.most)).then(|| self.past.pop_front()).flatten();
        if let Some(dropped) = dropped {
            self.forget(dropped);
        }
        Some(Retired { id: past, content, dropped })
    }

    /// Whether another file holds as much of the same text.
    fn has_twin(&self, content: &Content) -> bool {
        let hashes = content.head.hashes();
        let Some(last) = hashes.last() else { return false };
        let ids = self.heads.get(&(content.head.at, hashes.len(), *last));
        let mut others = ids.into_iter().flatten().filter_map(|id| self.contents.get(id));
        others.any(|other| (other.position, other.mark) == (content.position, content.mark))
    }

    fn index(&mut self, id: FileId, head: &Head) {
        if head.tells() {
            *self.starts.entry(head.at).or_default() += 1;
        }
        for key in keys(head) {
            self.heads.entry(key).or_default().push(id);
        }
        for (level, hash) in head.hashes().iter().enumerate() {
            *self.beginnings.entry((head.at, level, *hash)).or_default() += 1;
        }
    }

    /// Forgets what the file holds.
    pub fn forget(&mut self, id: FileId) -> Option<Arc<Content>> {
        let content = self.contents.remove(&id)?;
        let (at, hashes) = (content.head.at, content.head.hashes());
        if let Some(count) = self.starts.get_mut(&at).filter(|_| !hashes.is_empty()) {
            *count -= 1;
            if *count == 0 {
                self.starts.remove(&at);
            }
        }
        for key in keys(&content.head) {
            if let Some(ids) = self.heads.get_mut(&key) {
                ids.retain(|other| *other != id);
                if ids.is_empty() {
                    self.heads.remove(&key);
                }
            }
        }
        for (level, hash) in hashes.iter().enumerate() {
            if let Some(count) = self.beginnings.get_mut(&(at, level, *hash)) {
                *count -= 1;
                if *count == 0 {
                    self.beginnings.remove(&(at, level, *hash));
                }
            }
        }
        Some(content)
    }

    /// What is known of a text, given from its first byte; its header ends at `behind_header`.
    pub fn find(&self, text: &[u8], behind_header: usize) -> Match<'_> {
        let body = text.get(behind_header..).unwrap_or_default();
        let head = Head::of(&body[..body.len().min(HEAD_BYTES)], behind_header as u64);
        let Some(last) = head.hashes().len().checked_sub(1) else {
            let any = self.starts.contains_key(&head.at);
            return if any { Match::Undecided } else { Match::New };
        };
        let levels = head.hashes().iter().enumerate();
        let ids = levels.filter_map(|(level, hash)| self.heads.get(&(head.at, level + 1, *hash))).flatten();
        let contents = ids.filter_map(|id| Some((*id, &**self.contents.get(id)?)));
        let like: HashMap<FileId, &Content> =
            contents.filter(|(_, other)| head.agrees_with(&other.head)).collect();
        let begins_alike = self.beginnings.contains_key(&(head.at, last, head.hashes()[last]));
        match like.is_empty() {
            false => Match::Like(like.into_iter().collect()),
            true if begins_alike && !head.is_whole() => Match::Undecided,
            true => Match::New,
        }
    }
}

/// What a content with this head is found by.
fn keys(head: &Head) -> impl Iterator<Item = (u64, usize, u64)> {
    let hashes = head.hashes();
    let mut levels = vec![TELLING.min(hashes.len()), hashes.len()];
    levels.dedup();
    levels.into_iter().filter_map(|level| Some((head.at, level, *hashes.get(level.checked_sub(1)?)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::Place;
    use crate::source::identity::Mark;

    fn content(text: &[u8], header: usize) -> Content {
        let body = &text[header..];
        Content {
            position: text.len() as u64,
            mark: Mark::of_text(text, text.len() as u64),
            head: Head::of(&body[..body.len().min(HEAD_BYTES)], header as u64),
            place: Place::Top,
            format: "graph".to_owned(),
            header: None,
            plain_text_at: Some(0),
            lineage: 1,
            records: None,
            unfinished: None,
        }
    }

    fn id(inode: u64) -> FileId {
        FileId { device: 1, inode }
    }

    fn text(seed: u8, length: usize) -> Vec<u8> {
        (0..length).map(|at| seed.wrapping_add(u8::try_from(at * 7 % 251).unwrap_or_default())).collect()
    }

    #[test]
    fn a_copy_is_found_by_its_head() {
        let mut known = Known::default();
        let long = text(1, 3000);
        assert_eq!(known.find(&long, 0), Match::New, "nothing is known yet");
        known.set(id(1), content(&long, 0));
        known.set(id(2), content(&text(2, 200), 0));
        let found = |known: &Known, text: &[u8]| match known.find(text, 0) {
            Match::Like(like) => like.iter().map(|(id, _)| id.inode).collect(),
            Match::Undecided => vec![0],
            Match::New => Vec::new(),
        };
        assert_eq!(found(&known, &long), [1]);
        assert_eq!(found(&known, &long[..1024]), [1]);
        assert_eq!(found(&known, &long[..256]), [1], "cut while it was copied, or growing");
        assert_eq!(found(&known, &long[..255]), [0], "alike so far");
        assert_eq!(found(&known, &long[..10]), [0], "too short for anything");
        assert_eq!(found(&known, &text(2, 3000)), [2], "grown since");
        assert_eq!(found(&known, &text(3, 3000)), [] as [u64; 0]);
        let mut other_end = long.clone();
        other_end[1000] ^= 1;
        assert_eq!(found(&known, &other_end), [] as [u64; 0]);
        assert_eq!(known.find(&long, 5), Match::New, "another header");
    }

    #[test]
    fn a_retired_content_is_found_until_it_is_old() {
        let mut known = Known::default();
        known.set(id(1), content(&text(1, 100), 0));
        let Retired { id: past, dropped, .. } = known.retire(id(1)).expect("it was known");
        assert_eq!((known.content(id(1)), dropped), (None, None));
        assert!(matches!(known.find(&text(1, 100), 0), Match::Like(like) if like[0].0 == past));
        for number in 0..PAST_CONTENTS as u64 {
            let mut other = content(&text(2, 100), 0);
            other.position = number;
            known.set(id(number), other);
            let Retired { dropped, .. } = known.retire(id(number)).expect("it was known");
            assert_eq!(dropped.is_some(), number == PAST_CONTENTS as u64 - 1);
        }
        assert_eq!(known.find(&text(1, 100), 0), Match::New);
    }

    #[test]
    fn a_content_that_another_file_has_too_needs_no_keeping() {
        let mut known = Known::default();
        known.set(id(1), content(&text(1, 3000), 0));
        known.set(id(2), content(&text(1, 3000), 0));
        assert!(known.retire(id(1)).is_none());
        assert!(known.retire(id(2)).is_some());
    }

    #[test]
    fn as_many_are_remembered_as_there_were_at_once() {
        let mut known = Known::default();
        let many = 2 * PAST_CONTENTS as u64;
        let of = |number: u64| content(&[number.to_le_bytes().repeat(10), text(1, 100)].concat(), 0);
        (0..many).for_each(|number| known.set(id(number), of(number)));
        let dropped = (0..many).filter_map(|number| known.retire(id(number))?.dropped).count();
        assert_eq!(dropped, 0);
    }
}
