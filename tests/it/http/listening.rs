//! Where the daemon listens: several addresses, IPv6, a Unix socket, the sockets of systemd.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Command;

use tempfile::TempDir;

use super::super::tools::{Daemon, find, http, run, wait_until};

/// The sockets that processes on this machine listen on, as this port.
fn port_of(log: &[String], host: &str) -> Option<SocketAddr> {
    log.iter().filter(|line| line.contains("listening")).find_map(|line| {
        let (_, address) = line.split_once("address=")?;
        let address: SocketAddr = address.trim_matches('"').parse().ok()?;
        (address.ip().to_string() == host).then_some(address)
    })
}

#[test]
fn every_address_is_listened_on() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("cdr.sock");
    let unix = format!("unix:{}", socket.display());
    let path = folder.path().display().to_string();
    let daemon =
        Daemon::serve([path.as_str(), "--web.listen-address", &unix, "--web.listen-address", "[::1]:0"]);
    assert_eq!(daemon.get("/-/healthy").status, 200);
    let v6 = port_of(&daemon.log(), &Ipv6Addr::LOCALHOST.to_string()).expect("an address of IPv6 in the log");
    assert_eq!(http::get(v6, "/-/healthy").status, 200);
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream.write_all(b"GET /-/healthy HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    daemon.stop();
    assert!(!socket.exists());
}

#[test]
fn sockets_of_systemd_are_served() {
    let activate = find("systemd-socket-activate", "systemd");
    let folder = TempDir::new().unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut child = Command::new(activate)
        .arg("--listen")
        .arg(address.to_string())
        .args([env!("CARGO_BIN_EXE_cdr-exporter"), "serve", "--web.systemd-socket", "--storage.path"])
        .arg(folder.path().join("data"))
        .arg(folder.path())
        .spawn()
        .unwrap();
    wait_until("the socket", || TcpStream::connect(address).is_ok());
    let healthy = http::get(address, "/-/healthy");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(healthy.status, 200);
}

#[test]
fn without_sockets_of_systemd_it_is_said() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().display().to_string();
    let ended = run(["serve", "--web.systemd-socket", "--storage.path", &path, &path]);
    assert_eq!(ended.code, Some(70), "{ended:?}");
    assert!(ended.stderr.contains("no socket activation file descriptors found"), "{ended:?}");
}

#[test]
fn what_cannot_be_served_is_said() {
    let folder = TempDir::new().unwrap();
    let (path, web) = (folder.path().display().to_string(), folder.path().join("web.yml"));
    fs::write(&web, "basic_auth_users: {alice: secret}\n").unwrap();
    let web = web.display().to_string();
    for (arguments, code, said) in [
        (["--web.config.file", &web], 64, "web.yml:1:27: the password of `alice` is no bcrypt hash"),
        (["--web.config.file", "absent.yml"], 64, "absent.yml: there is no such file"),
        (["--web.listen-address", "nonsense"], 2, "it has no port: write :10410"),
        (["--web.max-requests", "-1"], 2, "-1"),
        (["--web.telemetry-path", ""], 2, "must begin with /"),
        (["--web.external-url", "cdr"], 2, "is not a URL such as"),
        (["--web.allowed-hosts", "a:1"], 2, "is not a host without a port"),
    ] {
        let ended = run(["serve", &path, "--storage.path", &path, arguments[0], arguments[1]]);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(said), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn behind_a_proxy_paths_begin_with_those_of_its_url() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().display().to_string();
    let daemon = Daemon::serve([path.as_str(), "--web.external-url", "https://proxy.contoso.com/cdr/"]);
    assert_eq!(daemon.get("/cdr/-/healthy").status, 200);
    assert_eq!(daemon.get("/-/healthy").status, 404);
    assert_eq!(daemon.get("/").header("location"), Some("/cdr/"));
}
