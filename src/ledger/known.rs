//! What is known of the texts that a source read: of files that are there, and of some that are not, so that a copy under
//! another name, plain or compressed, is not counted again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::KnownFile;
use crate::reading::{Content, Hole};
use crate::source::blocks::Blocks;
use crate::source::identity::{FileId, HEAD_BYTES, Head, Mark};

/// How many contents of files that are gone, or were written anew, are remembered: this many, or as many as there were
/// files at once. So a folder whose file system goes and comes back is known again.
const PAST_CONTENTS: usize = 1000;

/// As many hashes of a head, those of up to 256 bytes, tell one text from another. Less may be the beginning of every
/// record of a day.
const TELLING: usize = 3;

/// Whose content it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Holder {
    /// A file that is there.
    File(FileId),
    /// A file that is gone, or was written anew; by a number that rises.
    Past(u64),
}

/// The contents known of one source.
#[derive(Debug, Default)]
pub struct Contents {
    files: HashMap<Holder, KnownFile>,
    /// By head: where it begins, how many hashes it has, the last of them. One with more hashes than tell stands also
    /// under those.
    heads: HashMap<(u64, usize, u64), Vec<Holder>>,
    /// How many heads begin so: where, after how many hashes, the hash.
    beginnings: HashMap<(u64, usize, u64), usize>,
    /// How many heads begin there in their text.
    starts: HashMap<u64, usize>,
    /// Contents whose file is no more, the longest gone first.
    past: VecDeque<u64>,
    next_past: u64,
    /// How many files there were at once.
    most: usize,
    /// Those of which the store knows something else.
    changed: HashSet<Holder>,
}

/// What is known of a text by its head.
#[derive(Debug, Clone, PartialEq)]
pub enum Match {
    /// Nothing like it was read before.
    New,
    /// It begins like what was read, as far as it goes; with more of it, or none to come, it can be told.
    Undecided,
    /// It has the head of these, or as much of it as tells them from others.
    Like(Vec<(Holder, Arc<Content>)>),
}

impl Contents {
    /// What is known of the file.
    pub fn file(&self, id: FileId) -> Option<&KnownFile> {
        self.files.get(&Holder::File(id))
    }

    /// What the file is known to hold.
    pub fn of(&self, id: FileId) -> Option<&Arc<Content>> {
        self.file(id).map(|file| &file.content)
    }

    /// Everything that is known.
    pub fn all(&self) -> impl Iterator<Item = (Holder, &KnownFile)> {
        self.files.iter().map(|(holder, file)| (*holder, file))
    }

    /// What is known of files that were there.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &KnownFile)> {
        self.files.iter().filter_map(|(holder, file)| match holder {
            Holder::File(id) => Some((*id, file)),
            Holder::Past(_) => None,
        })
    }

    /// Notes what the file holds.
    pub fn set(&mut self, id: FileId, file: KnownFile) {
        self.put(Holder::File(id), file);
    }

    fn put(&mut self, holder: Holder, file: KnownFile) {
        let known = self.files.get(&holder);
        if known == Some(&file) {
            return;
        }
        self.changed.insert(holder);
        if known.map(|known| &known.content.head) != Some(&file.content.head) {
            self.remove(holder);
            self.index(holder, &file.content.head);
        }
        self.files.insert(holder, file);
        self.most = self.most.max(self.files.len().saturating_sub(self.past.len()));
    }

    /// Takes a content that was known before a restart.
    pub fn restore(&mut self, holder: Holder, file: KnownFile) {
        if let Holder::Past(number) = holder {
            self.next_past = self.next_past.max(number + 1);
            self.past.push_back(number);
        }
        self.put(holder, file);
        self.changed.remove(&holder);
    }

    /// All contents of before a restart are there: those of the past stand in no order in a store.
    pub fn restored(&mut self) {
        self.past.make_contiguous().sort_unstable();
    }

    /// The file holds this content no more, but a copy of it may come. Nothing is kept when another file has it too, or
    /// when nothing was known that tells a copy.
    pub fn retire(&mut self, id: FileId) {
        let Some(file) = self.forget(id) else { return };
        if !file.content.head.tells() || self.has_twin(&file.content) {
            return;
        }
        let number = self.next_past;
        self.next_past += 1;
        self.past.push_back(number);
        self.put(Holder::Past(number), file);
        if self.past.len() > PAST_CONTENTS.max(self.most)
            && let Some(oldest) = self.past.pop_front()
        {
            self.remove(Holder::Past(oldest));
        }
    }

    /// Forgets what the file holds.
    pub fn forget(&mut self, id: FileId) -> Option<KnownFile> {
        self.remove(Holder::File(id))
    }

    /// Whether another file holds as much of the same text. A text that was changed in its midst is another, though it
    /// begins and ends alike.
    fn has_twin(&self, content: &Content) -> bool {
        let hashes = content.head.hashes();
        let Some(last) = hashes.last() else { return false };
        let holders = self.heads.get(&(content.head.at, hashes.len(), *last));
        let mut others = holders.into_iter().flatten().filter_map(|holder| self.files.get(holder));
        others.any(|other| read_of(&other.content) == read_of(content))
    }

    fn index(&mut self, holder: Holder, head: &Head) {
        if head.tells() {
            *self.starts.entry(head.at).or_default() += 1;
        }
        for key in keys(head) {
            self.heads.entry(key).or_default().push(holder);
        }
        for (level, hash) in head.hashes().iter().enumerate() {
            *self.beginnings.entry((head.at, level, *hash)).or_default() += 1;
        }
    }

    fn remove(&mut self, holder: Holder) -> Option<KnownFile> {
        let file = self.files.remove(&holder)?;
        self.changed.insert(holder);
        let head = &file.content.head;
        if head.tells() {
            one_less(&mut self.starts, head.at);
        }
        for key in keys(head) {
            if let Some(holders) = self.heads.get_mut(&key) {
                holders.retain(|other| *other != holder);
                if holders.is_empty() {
                    self.heads.remove(&key);
                }
            }
        }
        for (level, hash) in head.hashes().iter().enumerate() {
            one_less(&mut self.beginnings, (head.at, level, *hash));
        }
        Some(file)
    }

    /// What is known of a text, given from its first byte; its header ends at `behind_header`.
    pub fn find(&self, text: &[u8], behind_header: usize) -> Match {
        let body = text.get(behind_header..).unwrap_or_default();
        let head = Head::of(&body[..body.len().min(HEAD_BYTES)], behind_header as u64);
        let Some(last) = head.hashes().len().checked_sub(1) else {
            let any = self.starts.contains_key(&head.at);
            return if any { Match::Undecided } else { Match::New };
        };
        let levels = head.hashes().iter().enumerate();
        let holders =
            levels.filter_map(|(level, hash)| self.heads.get(&(head.at, level + 1, *hash))).flatten();
        let contents = holders.filter_map(|holder| Some((*holder, &self.files.get(holder)?.content)));
        let like: HashMap<Holder, Arc<Content>> = contents
            .filter(|(_, other)| head.agrees_with(&other.head))
            .map(|(holder, content)| (holder, Arc::clone(content)))
            .collect();
        let begins_alike = self.beginnings.contains_key(&(head.at, last, head.hashes()[last]));
        match like.is_empty() {
            false => Match::Like(like.into_iter().collect()),
            true if begins_alike && !head.is_whole() => Match::Undecided,
            true => Match::New,
        }
    }

    /// Those of which the store knows something else, with what is known now.
    pub fn changes(&self) -> impl Iterator<Item = (Holder, Option<&KnownFile>)> {
        self.changed.iter().map(|holder| (*holder, self.files.get(holder)))
    }

    /// The changes are written.
    pub fn settle(&mut self) {
        self.changed.clear();
    }
}

/// All that is known of what was read of a text.
fn read_of(content: &Content) -> (u64, Mark, &[Hole], Option<&Blocks>) {
    (content.position, content.mark, &content.holes, content.blocks.as_ref())
}

fn one_less<Key: std::hash::Hash + Eq>(counts: &mut HashMap<Key, usize>, key: Key) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
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

    fn content(text: &[u8], header: usize) -> KnownFile {
        let body = &text[header..];
        let end = text.len() as u64;
        let head = Head::of(&body[..body.len().min(HEAD_BYTES)], header as u64);
        let mut content = Content::up_to(end, Mark::of_text(text, end), head);
        let mut blocks = Blocks::default();
        blocks.add(text);
        content.blocks = Some(blocks);
        KnownFile { path: "/cdr/a".into(), content: Arc::new(content), decision: None, whole: None }
    }

    fn id(inode: u64) -> FileId {
        FileId { device: 1, inode }
    }

    fn number(holder: Holder) -> u64 {
        match holder {
            Holder::File(id) => id.inode,
            Holder::Past(number) => number,
        }
    }

    fn text(seed: u8, length: usize) -> Vec<u8> {
        (0..length).map(|at| seed.wrapping_add(u8::try_from(at * 7 % 251).unwrap_or_default())).collect()
    }

    #[test]
    fn a_copy_is_found_by_its_head() {
        let mut known = Contents::default();
        let long = text(1, 3000);
        assert_eq!(known.find(&long, 0), Match::New, "nothing is known yet");
        known.set(id(1), content(&long, 0));
        known.set(id(2), content(&text(2, 200), 0));
        let found = |known: &Contents, text: &[u8]| match known.find(text, 0) {
            Match::Like(like) => like.iter().map(|(holder, _)| number(*holder)).collect(),
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

    fn past(known: &Contents) -> Vec<u64> {
        known.past.iter().copied().collect()
    }

    #[test]
    fn a_retired_content_is_found_until_it_is_old() {
        let mut known = Contents::default();
        known.set(id(1), content(&text(1, 100), 0));
        known.retire(id(1));
        assert_eq!((known.of(id(1)), past(&known)), (None, vec![0]));
        assert!(matches!(known.find(&text(1, 100), 0), Match::Like(like) if like[0].0 == Holder::Past(0)));
        for number in 1..=PAST_CONTENTS as u64 {
            let mut other = content(&text(2, 100), 0);
            Arc::make_mut(&mut other.content).position = number;
            known.set(id(number), other);
            known.retire(id(number));
            assert_eq!(past(&known)[0], u64::from(number == PAST_CONTENTS as u64));
        }
        assert_eq!(known.find(&text(1, 100), 0), Match::New);
    }

    #[test]
    fn a_content_that_another_file_has_too_needs_no_keeping() {
        let mut known = Contents::default();
        known.set(id(1), content(&text(1, 3000), 0));
        known.set(id(2), content(&text(1, 3000), 0));
        known.retire(id(1));
        assert!(past(&known).is_empty());
        known.retire(id(2));
        assert_eq!(past(&known), [0]);
    }

    #[test]
    fn a_text_that_was_changed_in_its_midst_is_kept_beside_what_it_was() {
        let mut known = Contents::default();
        let before = text(1, 9000);
        let mut after = before.clone();
        after[3000] ^= 1;
        known.set(id(1), content(&before, 0));
        known.retire(id(1));
        known.set(id(1), content(&after, 0));
        known.retire(id(1));
        assert_eq!(past(&known), [0, 1]);
    }

    #[test]
    fn as_many_are_remembered_as_there_were_at_once() {
        let mut known = Contents::default();
        let many = 2 * PAST_CONTENTS as u64;
        let of = |number: u64| content(&[number.to_le_bytes().repeat(10), text(1, 100)].concat(), 0);
        (0..many).for_each(|number| known.set(id(number), of(number)));
        (0..many).for_each(|number| known.retire(id(number)));
        assert_eq!(past(&known).len() as u64, many);
    }
}
