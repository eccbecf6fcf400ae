//! Questions to the daemon, and what it may be that there is no answer.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::expose::FILES_TIMEOUT;
use crate::expose::api::Status;
use crate::ledger::status::Files;

/// How long the daemon may take to be there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long it may take to answer: longer than it gives itself.
const ANSWER_TIMEOUT: Duration = FILES_TIMEOUT.saturating_add(Duration::from_secs(30));

/// What to do where there is TLS, of the daemon's own or of a proxy.
pub const TLS: &str = "if a proxy speaks TLS (https) there, name the address behind it, which serve was given; \
                       if the daemon does, ask it with `curl https://HOST:PORT/api/v1/status`";

/// Why there is no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// Nobody listens there.
    Nobody(io::Error),
    /// Somebody does, and this is what came of it.
    Said(String),
}

/// Asks the daemon at this address how each file fares, and how it fares itself. An older one does not say the latter. Every
/// interface is this machine, whichever of its own addresses the daemon has.
pub fn daemon(address: SocketAddr) -> Result<(Files, Option<Status>), NoAnswer> {
    let own = [IpAddr::from(Ipv6Addr::LOCALHOST), Ipv4Addr::LOCALHOST.into()];
    let own = own.map(|ip| SocketAddr::new(ip, address.port()));
    match address {
        _ if !address.ip().is_unspecified() => daemon_at(address),
        SocketAddr::V4(_) => daemon_at(own[1]),
        SocketAddr::V6(_) => match daemon_at(own[0]) {
            Err(NoAnswer::Nobody(_)) => daemon_at(own[1]),
            answer => answer,
        },
    }
}

fn daemon_at(address: SocketAddr) -> Result<(Files, Option<Status>), NoAnswer> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(NoAnswer::Nobody)?;
    runtime.block_on(async {
        let files = files(address).await?;
        let status = timeout(CONNECT_TIMEOUT, async {
            let stream = TcpStream::connect(address).await.ok()?;
            let (status, is_json, body) = get(stream, address, "/api/v1/status").await.ok()?;
            serde_json::from_slice(&body).ok().filter(|_| status == StatusCode::OK && is_json)
        });
        Ok((files, status.await.ok().flatten()))
    })
}

async fn files(address: SocketAddr) -> Result<Files, NoAnswer> {
    let stream = match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
        Ok(stream) => stream.map_err(NoAnswer::Nobody)?,
        Err(_) => return Err(NoAnswer::Nobody(io::ErrorKind::TimedOut.into())),
    };
    match timeout(ANSWER_TIMEOUT, get(stream, address, "/-/files")).await {
        Ok(Ok((StatusCode::OK, true, body))) => serde_json::from_slice(&body)
            .map_err(|error| NoAnswer::Said(format!("another version answers there: {error}"))),
        Ok(Ok((StatusCode::SERVICE_UNAVAILABLE, _, body))) => {
            Err(NoAnswer::Said(String::from_utf8_lossy(&body).trim_end().to_owned()))
        }
        // What a server of TLS says to plain HTTP, in its words or in TLS.
        Ok(Ok((StatusCode::BAD_REQUEST, ..))) => Err(NoAnswer::Said(format!("it takes no HTTP; {TLS}"))),
        Ok(Err(error)) if error.is_parse() => {
            Err(NoAnswer::Said(format!("what listens there does not speak HTTP; {TLS}")))
        }
        Ok(Ok((StatusCode::UNAUTHORIZED, ..))) => Err(NoAnswer::Said(
            "it asks for a password: ask it with `curl -u NAME http://HOST:PORT/api/v1/status`".to_owned(),
        )),
        Ok(Ok((StatusCode::NOT_FOUND, ..))) => Err(NoAnswer::Said(
            "what answers there has no /-/files: if the daemon has a --web.route-prefix, ask it with \
             `curl http://HOST:PORT/PREFIX/api/v1/status`"
                .to_owned(),
        )),
        Ok(Ok((status, ..))) => Err(NoAnswer::Said(format!(
            "what answers there is no cdr-exporter that knows /-/files ({status})"
        ))),
        Ok(Err(error)) => Err(NoAnswer::Said(format!("what listens there does not answer: {error}"))),
        Err(_) => Err(NoAnswer::Said("what listens there does not answer in time".to_owned())),
    }
}

/// The status of the answer, whether it is JSON, and its body.
async fn get(
    stream: TcpStream,
    address: SocketAddr,
    path: &'static str,
) -> hyper::Result<(StatusCode, bool, Bytes)> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = hyper::Uri::from_static(path);
    if let Ok(host) = address.to_string().parse() {
        request.headers_mut().insert(HOST, host);
    }
    let answer = sender.send_request(request).await?;
    let is_json = answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    connection.abort();
    Ok((status, is_json, body))
}
