//! Text of several documents, as the members of an archive are: each ends before the next begins, and is recognised anew.

use super::{Found, HowRead, Reading, Records, Unrecognised};

/// Where in the documents of a text reading stands.
#[derive(Debug, Default)]
pub struct Documents {
    now: Document,
    /// What the first that is passed over seems to be.
    unrecognised: Option<Unrecognised>,
}

/// The document that the text goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Document {
    #[default]
    UnderWay,
    /// It is to be recognised.
    Begins,
    /// It is of no format we know.
    PassedOver,
}

impl Reading {
    /// Shows every record that the text holds to `take`, some at a time, with how they are read and how many records of the
    /// file that makes, until it says that it has enough.
    pub(super) fn each(
        &mut self,
        finished: bool,
        mut take: impl FnMut(&Found<'_>, HowRead, &Records) -> bool,
    ) {
        if !self.tail.is_archive() {
            return self.each_of_document(finished, take);
        }
        loop {
            let over = self.tail.document_end() == Some(self.wanted());
            if self.documents.now == Document::Begins && self.recognise(over) {
                self.documents.now = Document::UnderWay;
            }
            if self.documents.now == Document::UnderWay {
                self.each_of_document(over, &mut take);
            }
            if let Some(explanation) = self.unrecognised.take() {
                self.documents.now = Document::PassedOver;
                self.documents.unrecognised.get_or_insert(explanation);
            }
            if self.documents.now == Document::PassedOver {
                // After a restart it is recognised anew, and so from its beginning.
                self.before_too_long = self.before_too_long.take().or_else(|| self.content_at(0));
                self.take(self.wanted());
            }
            if self.tail.document_end() != Some(0) {
                break;
            }
            self.tail.next_document();
            if self.documents.now == Document::PassedOver {
                self.before_too_long = None;
            }
            self.documents.now = Document::Begins;
        }
        self.note_archive(finished);
    }

    /// How much of the text is to be read.
    pub(super) fn wanted(&self) -> usize {
        let there = self.document().len();
        let wanted = self.until.map(|until| until.saturating_sub(self.position));
        wanted.and_then(|wanted| usize::try_from(wanted).ok()).map_or(there, |wanted| wanted.min(there))
    }

    /// How much more text than is there is to be read at the most.
    pub(super) fn missing(&self) -> u64 {
        let held = self.position + self.tail.text().len() as u64;
        self.until.map_or(u64::MAX, |until| until.saturating_sub(held))
    }

    /// The text that is there, of one document.
    pub(super) fn document(&self) -> &[u8] {
        let text = self.tail.text();
        &text[..self.tail.document_end().unwrap_or(text.len())]
    }

    /// Notes why nothing can be read of an archive, if so.
    fn note_archive(&mut self, finished: bool) {
        self.unrecognised = self.tail.refused().map(Unrecognised::sure);
        if self.tail.is_read() && self.tail.text().is_empty() && self.stages.is_none() {
            self.unrecognised = self.unrecognised.or(self.documents.unrecognised);
        }
        if finished {
            self.give_up_waiting();
        }
    }

    /// Nobody has written for a while to an archive of which not all is there, or none will any more; whether that is so.
    pub(super) fn give_up_waiting(&mut self) -> bool {
        let waits_for = self.tail.waits_for();
        if let Some(why) = waits_for {
            // It may yet be completed.
            self.unrecognised = Some(Unrecognised { is_guess: true, ..Unrecognised::sure(why) });
        }
        waits_for.is_some()
    }
}
