//! An answer: its body in one or two pieces, and what stays taken until the last byte of it is sent.

use std::any::Any;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

pub type Answer = Response<Pieces>;

/// A whole body. Its pieces are handed on as they are, without a copy.
#[derive(Default)]
pub struct Pieces {
    left: VecDeque<Bytes>,
    /// For a body without bytes, which has no last one.
    held: Vec<Box<dyn Any + Send + Sync>>,
}

impl Pieces {
    /// Keeps this until the last byte is sent, or will not be sent.
    pub fn holding(mut self, held: impl Any + Send + Sync) -> Self {
        match self.left.pop_back() {
            Some(bytes) => self.left.push_back(Bytes::from_owner(Last { bytes, _held: Box::new(held) })),
            None => self.held.push(Box::new(held)),
        }
        self
    }
}

impl<const N: usize> From<[Bytes; N]> for Pieces {
    fn from(pieces: [Bytes; N]) -> Self {
        let left = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        Self { left, held: Vec::new() }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.left.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.iter().map(|piece| piece.len() as u64).sum())
    }
}

/// What HEAD gets: the length that a body would have, and none. Over HTTP/1 hyper would leave it out, over HTTP/2 it would send it.
pub fn without_body(answer: Answer) -> Answer {
    let length = answer.body().size_hint().exact();
    let mut answer = answer.map(|_| Pieces::default());
    if let Some(length) = length {
        answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    answer
}

/// The last piece: dropped when the system, or the client, has all of it.
struct Last {
    bytes: Bytes,
    _held: Box<dyn Any + Send + Sync>,
}

impl AsRef<[u8]> for Last {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// An answer in plain text.
pub fn plain(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Pieces::from([text.into()]));
    *answer.status_mut() = status;
    with(answer, CONTENT_TYPE, "text/plain; charset=utf-8")
}

/// This answer with this header set.
pub fn with(mut answer: Answer, name: HeaderName, value: &'static str) -> Answer {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
    answer
}

/// This answer, after which the connection ends.
pub fn last(answer: Answer) -> Answer {
    with(answer, CONNECTION, "close")
}
