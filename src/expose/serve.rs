//! Connections: accepted until the daemon stops, each served on its own, none of them able to end the server.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time;
use tracing::{debug, warn};

use super::State;

/// How long a client may take over a request's head, and leave a connection idle between two requests.
/// Above a scrape interval of a minute, so that a scraper finds its connection open.
const HEADER_TIMEOUT: Duration = Duration::from_secs(90);

/// How long requests under way may take once the server stops.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// How long to wait when no connection can be accepted, most often for want of file descriptors.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(500);

/// Answers HTTP/1 on this listener until `shutdown` is done; then finishes the requests under way, for at
/// most five seconds, and closes every connection.
pub async fn serve(listener: TcpListener, state: State, shutdown: impl Future<Output = ()>) {
    let state = Arc::new(state);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            stream = accept(&listener) => {
                connections.spawn(converse(stream, Arc::clone(&state), graceful.watcher()));
            }
            // Forgets connections that have ended.
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    if time::timeout(SHUTDOWN_GRACE, graceful.shutdown()).await.is_err() {
        warn!(connections = connections.len(), "HTTP requests did not end in time and were cut off");
    }
}

/// The next connection, however long it takes to get one.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_of_the_client(&error) => debug!(%error, "a client left before it was accepted"),
            Err(error) => {
                warn!(%error, "cannot accept HTTP connections; trying again");
                time::sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}

/// Whether the client was the reason, so that the next `accept` may succeed at once.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Answers the requests of one connection until it ends.
async fn converse(stream: TcpStream, state: Arc<State>, watcher: Watcher) {
    let service = service_fn(|request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(state.answer(&request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        debug!(%error, "an HTTP connection ended early");
    }
}
