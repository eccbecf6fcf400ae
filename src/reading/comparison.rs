//! Whether a file is a copy of one that was made when some of that was not written yet: NULs stand in its place.

use std::fs::File;

use super::{Content, Reading};
use crate::source::blocks::{Blocks, PIECE_BYTES};
use crate::source::tail::{Tail, TailError};

/// Two files being compared from their first bytes on.
#[derive(Debug)]
pub struct Comparison {
    original: Tail,
    copy: Tail,
    /// What is known of the original.
    content: Content,
    position: u64,
    /// Of the copy.
    blocks: Blocks,
}

/// What came of comparing.
#[derive(Debug, PartialEq)]
pub enum Compared {
    /// It is not known yet.
    More,
    /// The copy is another text, or ends sooner.
    Different,
    /// What is known of the original, as it is in the copy.
    Copy(Box<Content>),
}

impl Comparison {
    /// Compares on, about `budget` bytes.
    fn go_on(&mut self, budget: u64) -> Result<Compared, TailError> {
        let begin = self.position;
        while self.position - begin < budget {
            let missing = usize::try_from(self.content.position - self.position).unwrap_or(usize::MAX);
            let [original, copy] = [self.original.text(), self.copy.text()];
            let there = original.len().min(copy.len()).min(missing);
            let length = if there == missing { there } else { there / PIECE_BYTES * PIECE_BYTES };
            let mut pairs = original[..length].iter().zip(&copy[..length]);
            if !pairs.all(|(one, other)| one == other || *other == 0) {
                return Ok(Compared::Different);
            }
            self.blocks.add(&copy[..length]);
            [&mut self.original, &mut self.copy].into_iter().for_each(|tail| tail.consume(length));
            self.position += length as u64;
            if length == missing {
                let (mark, blocks) = (self.copy.text_mark(self.position, 0), Some(self.blocks.clone()));
                return Ok(Compared::Copy(Box::new(Content { mark, blocks, ..self.content.clone() })));
            }
            for tail in [&mut self.original, &mut self.copy] {
                if tail.text().len() < PIECE_BYTES && !tail.fill(u64::MAX, false)? {
                    return Ok(Compared::Different);
                }
            }
        }
        Ok(Compared::More)
    }
}

impl Reading {
    /// Begins to compare the file with an original, of which `content` is known. Whether there is anything to compare: only
    /// text that lies in a file as it is has holes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn begin_comparison(&mut self, original: File, content: &Content) -> std::io::Result<bool> {
        let Some(copy) = self.tail.file() else { return Ok(false) };
        if content.blocks.is_none() || content.plain_text_at.is_none() {
            return Ok(false);
        }
        self.comparison = Some(Box::new(Comparison {
            original: self.tail.beside(original),
            copy: self.tail.beside(copy.try_clone()?),
            content: content.clone(),
            position: 0,
            blocks: Blocks::default(),
        }));
        Ok(true)
    }

    /// Goes on comparing, for about `budget` bytes; `None` if nothing is being compared.
    ///
    /// # Errors
    /// When one of the files cannot be read.
    pub fn compare(&mut self, budget: u64) -> Result<Option<Compared>, TailError> {
        let Some(mut comparison) = self.comparison.take() else { return Ok(None) };
        let compared = comparison.go_on(budget)?;
        self.comparison = (compared == Compared::More).then_some(comparison);
        Ok(Some(compared))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;
    use crate::reading::Options;
    use crate::source::identity::{Head, Mark};

    const BUDGET: u64 = 64 * 1024;

    fn file(text: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        file.rewind().unwrap();
        file
    }

    /// What comes of comparing, and in how many steps.
    fn compare(original: &[u8], copy: &[u8]) -> (Compared, u64) {
        let end = original.len() as u64;
        let mut content = Content::up_to(end, Mark::of_text(original, end), Head::of(original, 0));
        content.blocks = Some(Blocks::default());
        let mut reading = Reading::new(file(copy), Options::default());
        assert!(reading.begin_comparison(file(original), &content).unwrap());
        let mut steps = 1;
        loop {
            match reading.compare(BUDGET).unwrap().unwrap() {
                Compared::More => steps += 1,
                compared => return (compared, steps),
            }
        }
    }

    #[test]
    fn a_copy_with_a_hole_is_known_and_no_step_takes_long() {
        let original: Vec<u8> = (0..4_000_000).map(|at| b'a' + u8::try_from(at % 23).unwrap()).collect();
        let mut copy = original.clone();
        copy[1_000_000..1_200_000].fill(0);
        let (compared, steps) = compare(&original, &copy);
        let Compared::Copy(content) = compared else { panic!("{compared:?}") };
        assert_eq!(content.mark, Mark::of_text(&copy, copy.len() as u64));
        let mut blocks = Blocks::default();
        blocks.add(&copy);
        assert_eq!(content.blocks, Some(blocks));
        assert!(steps >= 8, "{steps} steps");
        copy[3_999_999] = b'-';
        assert_eq!(compare(&original, &copy).0, Compared::Different);
        assert_eq!(compare(&original, &copy[..3_000_000]).0, Compared::Different, "it ends sooner");
    }
}
