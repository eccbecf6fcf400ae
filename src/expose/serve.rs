//! Connections: accepted until the daemon stops, each served on its own, none of them able to end the server.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper::{Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, error, warn};

use super::State;
use super::answer::Answer;
use super::connections::{Connection, Connections, Open};
use super::lane::Lane;
use super::listen::Listener;
use super::socket::{Socket, Stream};

/// How long requests under way may take once the server stops.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);
/// How long to wait when no connection can be accepted, most often for want of file descriptors.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(500);
/// How often it is said at most that none can be accepted.
const ACCEPT_SAID_EVERY: Duration = Duration::from_secs(60);
/// How often is looked for connections that take too long.
const SWEEP: Duration = Duration::from_millis(500);
/// The most that a request's head may have in bytes; a browser's has a tenth of it.
const HEAD_BYTES: u16 = 16 * 1024;
/// The most that hyper writes ahead of a client over HTTP/2, for each answer.
const SEND_BUFFER: usize = 64 * 1024;

/// So much of a body is taken in over HTTP/2 and dropped; it costs no memory.
const BODY_DROPPED: usize = 16 * 1024 * 1024;

/// For what would keep other clients waiting: writing metrics, checking passwords, making pages.
const BLOCKING_THREADS: usize = 16;

/// Answers HTTP on these listeners until `shutdown` is done; then finishes the requests under way, for at most three
/// seconds, and closes every connection.
pub async fn serve(listeners: Vec<Listener>, state: State, shutdown: impl Future<Output = ()>) {
    let lane = match Lane::open(BLOCKING_THREADS) {
        Ok(lane) => lane,
        Err(error) => return error!(%error, "cannot start a thread to answer HTTP requests"),
    };
    let connections = Connections::new(state.options().limits);
    let (stop, stopping) = watch::channel(());
    let (arrived, mut arrivals) = mpsc::channel(1);
    let mut accepting: JoinSet<()> =
        listeners.into_iter().map(|listener| accept(listener, arrived.clone())).collect();
    let mut tasks = JoinSet::new();
    let mut sweep = time::interval(SWEEP);
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(stream) = arrivals.recv() => match connections.open(stream.peer()) {
                Some(open) => {
                    let conversation = converse(stream, open, state.clone(), stopping.clone(), lane.handle().clone());
                    drop(tasks.spawn(conversation));
                }
                None => debug!("too many HTTP connections, and none of them idle: a client is turned away"),
            },
            _ = sweep.tick() => connections.end_overdue(),
            // They end by a fault of the program only: without one of them, nobody might be let in.
            Some(_) = accepting.join_next() => return,
            // Forgets connections that have ended, by a panic perhaps.
            Some(_) = tasks.join_next() => {}
        }
    }
    accepting.shutdown().await;
    drop((arrivals, stop));
    let ended = time::timeout(SHUTDOWN_GRACE, async { while tasks.join_next().await.is_some() {} });
    if ended.await.is_err() {
        warn!(connections = tasks.len(), "HTTP requests did not end in time and were cut off");
    }
}

/// Hands on every connection of a listener.
async fn accept(listener: Listener, arrived: mpsc::Sender<Stream>) {
    let mut failures = Failures::default();
    loop {
        match listener.accept().await {
            Ok(stream) => {
                if arrived.send(stream).await.is_err() {
                    return;
                }
            }
            Err(error) if is_of_the_client(&error) => debug!(%error, "a client left before it was accepted"),
            Err(error) => {
                if let Some(tries) = failures.note(Instant::now()) {
                    warn!(%error, tries, "cannot accept HTTP connections; trying again twice a second");
                }
                time::sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}

/// Failures to accept a connection, as far as they are to be said.
#[derive(Debug, Default)]
struct Failures {
    said: Option<Instant>,
    /// Since it was last said.
    tries: u64,
}

impl Failures {
    /// Notes one. Returns how many there were since it was last said, if it is to be said again. A success in between
    /// changes nothing: where descriptors are short, both take turns.
    fn note(&mut self, now: Instant) -> Option<u64> {
        self.tries += 1;
        let was_just_said = |said: Instant| now.saturating_duration_since(said) < ACCEPT_SAID_EVERY;
        if self.said.is_some_and(was_just_said) {
            return None;
        }
        self.said = Some(now);
        Some(std::mem::take(&mut self.tries))
    }
}

/// Whether the client was the reason, so that the next `accept` may succeed at once.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput, NotConnected};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | InvalidInput | NotConnected
    )
}

/// Answers the requests of one connection until it ends, takes too long or has to make room. From the first request for
/// more than the health on, that is done in the lane.
async fn converse(stream: Stream, open: Open, state: State, stopping: watch::Receiver<()>, lane: Handle) {
    let connection = Arc::clone(&open.connection);
    let socket = Socket::new(stream, Arc::clone(&connection));
    let ended = || debug!(peer = ?connection.peer, "an HTTP connection took too long, or made room");
    let mut conversation = Box::pin(speak(socket, Arc::clone(&connection), state, stopping));
    tokio::select! {
        () = connection.ended() => return ended(),
        () = &mut conversation => return,
        () = connection.asked_for_more() => {}
    }
    let mut in_lane = JoinSet::new();
    in_lane.spawn_on(conversation, &lane);
    let has_to_end = tokio::select! {
        () = connection.ended() => true,
        _ = in_lane.join_next() => false,
    };
    if has_to_end {
        ended();
        in_lane.shutdown().await;
    }
}

async fn speak(socket: Socket, connection: Arc<Connection>, state: State, stopping: watch::Receiver<()>) {
    let connection = &connection;
    let result = match state.access().current().tls.clone() {
        None => http1(TokioIo::new(socket), connection, state, stopping).await,
        Some(tls) => match handshake(socket, tls).await {
            Ok(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                connection.speaks_http2();
                // Its pings and settings cost as much as requests, and may come without end.
                connection.ask_for_more();
                http2(TokioIo::new(stream), connection, state, stopping).await
            }
            Ok(stream) => http1(TokioIo::new(stream), connection, state, stopping).await,
            Err(error) => return debug!(%error, "a TLS handshake failed"),
        },
    };
    if let Err(error) = result {
        debug!(%error, "an HTTP connection ended early");
    }
}

/// What those are told that send HTTP where TLS is spoken.
const NO_TLS: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n\
    Client sent an HTTP request to an HTTPS server.\n";

async fn handshake(mut socket: Socket, tls: Arc<ServerConfig>) -> io::Result<TlsStream<Socket>> {
    if socket.begins_with_letter().await {
        // What is left unread would take the answer with it.
        let _ = socket.read(&mut [0; 4096]).await?;
        socket.write_all(NO_TLS).await?;
        socket.shutdown().await?;
        return Err(io::Error::other("a client speaks HTTP without TLS"));
    }
    TlsAcceptor::from(tls).accept(socket).await
}

/// What answers the requests of a connection.
fn service(
    connection: &Arc<Connection>,
    state: State,
) -> impl Service<Request<Incoming>, Response = Answer, Error = Infallible, Future: Send + 'static> + use<> {
    let connection = Arc::clone(connection);
    service_fn(move |request: Request<Incoming>| {
        let (state, connection) = (state.clone(), Arc::clone(&connection));
        async move {
            let answer = state.answer(&request, &connection).await;
            drop_body(request);
            Ok(answer)
        }
    })
}

/// Takes in a body that is still to come over HTTP/2. One that nobody reads resets its request behind the answer, and curl
/// then reports a fault in place of the answer. A connection that ends, or is idle for too long, ends this.
fn drop_body(request: Request<Incoming>) {
    if request.version() != Version::HTTP_2 || request.body().is_end_stream() {
        return;
    }
    let mut body = request.into_body();
    drop(tokio::spawn(async move {
        let mut taken = 0;
        while taken < BODY_DROPPED
            && let Some(Ok(frame)) = body.frame().await
        {
            taken += frame.data_ref().map_or(0, |data| data.len());
        }
    }));
}

async fn http1(
    io: impl Read + Write + Unpin + Send + 'static,
    connection: &Arc<Connection>,
    state: State,
    stopping: watch::Receiver<()>,
) -> hyper::Result<()> {
    let mut http1 = http1::Builder::new();
    // A client may say that it will ask no more, as `nc -N` does, and wait for its answer.
    http1.timer(TokioTimer::new()).header_read_timeout(None).half_close(true);
    http1.max_buf_size(HEAD_BYTES.into()).writev(true);
    let conversation = pin!(http1.serve_connection(io, service(connection, state)));
    until_stopped(conversation, stopping, |conversation| conversation.graceful_shutdown()).await
}

async fn http2(
    io: impl Read + Write + Unpin + Send + 'static,
    connection: &Arc<Connection>,
    state: State,
    stopping: watch::Receiver<()>,
) -> hyper::Result<()> {
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    http2
        .timer(TokioTimer::new())
        .max_concurrent_streams(32)
        .max_header_list_size(HEAD_BYTES.into())
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(100);
    let conversation = pin!(http2.serve_connection(io, service(connection, state)));
    until_stopped(conversation, stopping, |conversation| conversation.graceful_shutdown()).await
}

/// Runs a conversation; once the server stops, it ends after the answers under way.
async fn until_stopped<C: Future>(
    mut conversation: Pin<&mut C>,
    mut stopping: watch::Receiver<()>,
    end: impl FnOnce(Pin<&mut C>),
) -> C::Output {
    tokio::select! {
        output = &mut conversation => return output,
        // The sender is dropped.
        _ = stopping.changed() => end(conversation.as_mut()),
    }
    conversation.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_to_accept_are_said_once_and_then_rarely() {
        let (began, mut failures) = (Instant::now(), Failures::default());
        let at = |tries: u32| began + ACCEPT_BACKOFF * tries;
        let said: Vec<_> = (0..=240).filter_map(|tries| failures.note(at(tries))).collect();
        assert_eq!(said, [1, 120, 120]);
    }
}
