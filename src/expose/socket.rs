//! A connection's socket: notes what moves through it, and lets other connections have their turn.

use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::connections::Connection;

/// So much of an answer is written before others have their turn: about as much as takes 50 µs.
const TURN: usize = 128 * 1024;
const WRITE: usize = 64 * 1024;

/// What a connection may come through.
#[derive(Debug)]
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// The client's address; a Unix socket has none.
    pub fn peer(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(stream) => Some(one_client(stream.peer_addr().ok()?.ip())),
            Self::Unix(_) => None,
        }
    }
}

/// The address by which a client is told from others. IPv4 looks the same on a socket that takes both; of IPv6 a client
/// has 2^64 addresses.
fn one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// A stream that is watched.
#[derive(Debug)]
pub struct Socket {
    stream: Stream,
    connection: Arc<Connection>,
    /// Bytes written in this turn.
    written: usize,
}

impl Socket {
    pub fn new(stream: Stream, connection: Arc<Connection>) -> Self {
        Self { stream, connection, written: 0 }
    }

    /// Whether the client begins with a letter, as HTTP does and TLS does not. A Unix socket cannot be looked into.
    pub async fn begins_with_letter(&self) -> bool {
        let mut first = [0];
        match &self.stream {
            Stream::Tcp(stream) => {
                let read = stream.peek(&mut first).await;
                read.is_ok_and(|read| read == 1) && first[0].is_ascii_uppercase()
            }
            Stream::Unix(_) => false,
        }
    }

    fn turn_is_over(&mut self, cx: &mut Context<'_>) -> bool {
        if self.written < TURN {
            return false;
        }
        self.written = 0;
        cx.waker().wake_by_ref();
        true
    }

    fn note_written(&mut self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(Ok(written)) => {
                self.written += written;
                self.connection.note_written();
            }
            Poll::Ready(Err(_)) | Poll::Pending => self.written = 0,
        }
        result
    }
}

impl Drop for Socket {
    /// Takes back from the system what a client that was cut off will not take, megabytes perhaps.
    fn drop(&mut self) {
        if let Stream::Tcp(stream) = &self.stream
            && self.connection.is_cut_off()
        {
            // Without it, the system keeps trying for a while.
            let _ = stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let result = match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, into),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, into),
        };
        if into.filled().len() > before {
            self.connection.note_read();
        }
        result
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.turn_is_over(cx) {
            return Poll::Pending;
        }
        let bytes = bytes.get(..WRITE).unwrap_or(bytes);
        let result = match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        };
        self.note_written(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A long part goes by itself, piece by piece; a head and a short body go together.
        let short = parts.iter().take_while(|part| part.len() <= WRITE / 16).count().min(16);
        if short < 2 {
            let first = parts.iter().find(|part| !part.is_empty()).map_or(&[][..], |part| part);
            return self.poll_write(cx, first);
        }
        if self.turn_is_over(cx) {
            return Poll::Pending;
        }
        let result = match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, &parts[..short]),
            Stream::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, &parts[..short]),
        };
        self.note_written(result)
    }

    /// Always: otherwise hyper copies a whole answer into one piece first.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_apart_by_what_they_cannot_choose() {
        for (address, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ] {
            assert_eq!(one_client(address.parse().unwrap()).to_string(), expected);
        }
    }
}
