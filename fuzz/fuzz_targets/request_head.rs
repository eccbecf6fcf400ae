//! Any bytes sent to the server over a connection: never a panic, and what comes back is HTTP or nothing.

#![no_main]

use std::sync::LazyLock;

use cdr_exporter::classify::Catalogue;
use cdr_exporter::clock;
use cdr_exporter::expose::access::Access;
use cdr_exporter::expose::listen::{Address, Listener};
use cdr_exporter::expose::{self, Options, Requests, State};
use cdr_exporter::ledger::snapshot::{Published, Snapshot};
use cdr_exporter::telemetry::Telemetry;
use libfuzzer_sys::fuzz_target;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

static SERVER: LazyLock<SocketAddr> = LazyLock::new(|| {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = Listener::bind(&"127.0.0.1:0".parse().expect("an address")).expect("a port");
            let Ok(Address::Tcp(address)) = listener.address() else { panic!("it is TCP") };
            send.send(address).expect("someone waits");
            let snapshot = Snapshot { loaded: true, ..Snapshot::loading(Catalogue::built_in()) };
            let (reload, _) = tokio::sync::mpsc::channel(1);
            let (files, _) = tokio::sync::mpsc::channel(1);
            let options = Options { lifecycle: true, ..Options::default() };
            let (access, requests) = (Access::open().expect("no file"), Requests { reload, files });
            let state = State::new(options, access, Published::new(snapshot), &Telemetry::new(clock::system()), requests);
            expose::serve(vec![listener], state.expect("metrics"), std::future::pending()).await;
        });
    });
    receive.recv().expect("a server")
});

fuzz_target!(|request: &[u8]| {
    let mut stream = TcpStream::connect(*SERVER).expect("the server lives");
    // A server that has heard enough hangs up.
    let _ = stream.write_all(request).and_then(|()| stream.shutdown(Shutdown::Write));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{:?}", String::from_utf8_lossy(&answer));
});
