//! Where clients come in: TCP addresses, Unix sockets, and sockets that systemd hands over.

use std::fmt;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener, ToSocketAddrs};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpSocket, UnixListener};

use super::socket::Stream;

/// Clients that the system keeps waiting to be accepted, at most as many as it allows at all. Where there are more, it
/// lets them wait for a second before they may try again, whoever they are.
const BACKLOG: u32 = 4096;

/// An address as the operator writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    /// `HOST:PORT`, `:PORT` for every interface, or `unix:PATH`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("vsock:") {
            return Err("vsock is not spoken: put socat before a Unix socket (unix:PATH)".to_owned());
        }
        match text.strip_prefix("unix:") {
            Some("") => Err("unix: needs the path of a socket after it".to_owned()),
            Some(path) => Ok(Self::Unix(path.trim_start_matches("//").into())),
            None => tcp(text).map(Self::Tcp),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// `HOST:PORT`, or `:PORT` for every interface.
///
/// # Errors
/// When it is neither, or the host has no address.
pub fn tcp(text: &str) -> Result<SocketAddr, String> {
    if let Some(port) = text.strip_prefix(':') {
        let port = port_of(port)?;
        // IPv6's any address takes IPv4 as well, where the system has IPv6 at all.
        let everywhere = SocketAddr::from(([0u16; 8], port));
        let has_ipv6 = std::net::UdpSocket::bind(SocketAddr::from(([0u16; 8], 0))).is_ok();
        return Ok(if has_ipv6 { everywhere } else { SocketAddr::from(([0u8; 4], port)) });
    }
    let Some((host, port)) = text.rsplit_once(':').filter(|(host, _)| !host.ends_with(':')) else {
        let port = port_of(text).unwrap_or(10410);
        return Err(format!(
            "it has no port: write :{port} for every interface, or 127.0.0.1:{port} for this machine alone"
        ));
    };
    port_of(port)?;
    let unknown =
        || format!("no address is known for `{host}`: write HOST:PORT, or :PORT for every interface");
    text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next()).ok_or_else(unknown)
}

fn port_of(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("`{text}` is no port: a number up to 65535, as in :10410"))
}

/// A socket that clients come in through.
#[derive(Debug)]
pub enum Listener {
    Tcp(TcpListener),
    /// The file of the socket, if it was made here; it goes with the listener.
    Unix(UnixListener, Option<PathBuf>),
}

impl Listener {
    /// Listens at this address.
    ///
    /// # Errors
    /// When it is taken, or not ours to take.
    pub fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => listen(*address).map(Self::Tcp),
            Address::Unix(path) => {
                remove_left_over(path)?;
                Ok(Self::Unix(UnixListener::bind(path)?, Some(path.clone())))
            }
        }
    }

    /// The sockets that systemd handed over.
    ///
    /// # Errors
    /// When there are none, or one of them is of another kind.
    pub fn of_systemd() -> io::Result<Vec<Self>> {
        let mut handed_over = ListenFd::from_env();
        let mut listeners = Vec::new();
        for place in 0..handed_over.len() {
            let tcp: io::Result<Option<StdTcpListener>> = handed_over.take_tcp_listener(place);
            listeners.extend(match tcp {
                Ok(tcp) => tcp.map(|tcp| {
                    tcp.set_nonblocking(true).and_then(|()| TcpListener::from_std(tcp)).map(Self::Tcp)
                }),
                Err(_) => handed_over.take_unix_listener(place)?.map(|unix| {
                    unix.set_nonblocking(true)
                        .and_then(|()| UnixListener::from_std(unix))
                        .map(|it| Self::Unix(it, None))
                }),
            });
        }
        match listeners.is_empty() {
            true => Err(io::Error::other(
                "no socket activation file descriptors found: systemd hands none over unless a .socket unit starts this",
            )),
            false => listeners.into_iter().collect(),
        }
    }

    /// Where it listens, with the port that the system chose for 0.
    pub fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Self::Unix(listener, _) => {
                let path = listener.local_addr()?.as_pathname().unwrap_or(Path::new("")).to_owned();
                Ok(Address::Unix(path))
            }
        }
    }

    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // A head and a short body are written in one go; nothing is gained by waiting for more.
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Self::Unix(listener, _) => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, Some(path)) = self {
            // Whoever took it away already has done what is wanted.
            let _ = fs::remove_file(path);
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Connections of a daemon before may still be ending.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Removes a socket on which nobody listens any more.
fn remove_left_over(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    let nobody_listens = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    if is_socket && StdUnixStream::connect(path).is_err_and(nobody_listens) {
        fs::remove_file(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream as StdTcpStream;

    use super::*;

    #[test]
    fn addresses_are_read() {
        let read = |text: &str| text.parse::<Address>();
        assert_eq!(read("127.0.0.1:1"), Ok(Address::Tcp(([127, 0, 0, 1], 1).into())));
        assert_eq!(read("[::1]:1"), Ok(Address::Tcp((std::net::Ipv6Addr::LOCALHOST, 1).into())));
        assert!(matches!(read(":10410"), Ok(Address::Tcp(address)) if address.ip().is_unspecified()));
        for path in ["unix:/run/cdr.sock", "unix:///run/cdr.sock"] {
            assert_eq!(read(path), Ok(Address::Unix("/run/cdr.sock".into())), "{path}");
        }
        for wrong in ["", "nonsense", "127.0.0.1", ":x", "unix:", "vsock://:10410", "::1:1:x"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_socket_that_was_left_over_is_taken_over_and_one_in_use_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let address = Address::Unix(folder.path().join("cdr.sock"));
        let Address::Unix(path) = &address else { panic!("it is one") };
        drop(std::os::unix::net::UnixListener::bind(path).unwrap());
        let listener = Listener::bind(&address).unwrap();
        assert_eq!(listener.address().unwrap(), address);
        assert!(Listener::bind(&address).is_err(), "another one listens there");
        drop(listener);
        assert!(!path.exists());
        fs::write(path, "no socket").unwrap();
        assert!(Listener::bind(&address).is_err() && path.exists());
    }

    #[tokio::test]
    async fn a_crowd_at_the_door_keeps_nobody_out() {
        let listener = Listener::bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
        let Address::Tcp(address) = listener.address().unwrap() else { panic!("it is TCP") };
        let come = || StdTcpStream::connect_timeout(&address, std::time::Duration::from_millis(900));
        let crowd: Vec<_> = (0..400).map_while(|_| come().ok()).collect();
        assert_eq!(crowd.len(), 400, "the others would try again after a second");
    }
}
