//! Text of several documents, as the members of an archive are: each ends before the next begins, and is recognised anew.

use super::{Found, HowRead, Reading, Records};

/// Where in the documents of a text reading stands.
#[derive(Debug, Default)]
pub struct Documents {
    now: Document,
    /// What the first that is passed over seems to be.
    unrecognised: Option<&'static str>,
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
        let wanted = usize::try_from(self.until.saturating_sub(self.position)).unwrap_or(usize::MAX);
        wanted.min(self.document().len())
    }

    /// The text that is there, of one document.
    pub(super) fn document(&self) -> &[u8] {
        let text = self.tail.text();
        &text[..self.tail.document_end().unwrap_or(text.len())]
    }

    /// Notes why nothing can be read of an archive, if so.
    fn note_archive(&mut self, finished: bool) {
        self.unrecognised = self.tail.refused();
        if self.tail.is_read() && self.tail.text().is_empty() && self.stages.is_none() {
            self.unrecognised = self.unrecognised.or(self.documents.unrecognised);
        }
        if finished {
            self.give_up_waiting();
        }
    }

    /// Nobody has written for a while to an archive of which not all is there, or none will any more; whether that is so.
    pub(super) fn give_up_waiting(&mut self) -> bool {
        let reason = self.tail.waits_for();
        if reason.is_some() {
            self.unrecognised = reason;
            // It may yet be completed.
            self.is_guess = true;
        }
        reason.is_some()
    }
}
