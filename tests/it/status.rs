//! `status`: how each file fares, asked of the running daemon or read from its store.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::tools::row::{self, Row};
use super::tools::{Daemon, Ended, find, run, wait_for, wait_until};

const SBC: &str = "sbc1.contoso.com";

struct House(TempDir);

impl House {
    fn new() -> Self {
        let house = Self(TempDir::new().unwrap());
        fs::create_dir(house.path("cdr")).unwrap();
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path("cdr").join(name), text).unwrap();
    }

    fn serve(&self) -> Daemon {
        Daemon::serve([self.path("cdr").into_os_string(), "--storage.path".into(), self.path("data").into()])
    }

    fn status(&self, address: &str, more: &[&str]) -> Ended {
        let arguments = ["status", "--web.listen-address", address, "--storage.path"];
        let mut arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        arguments.push(self.path("data").into());
        run(arguments.into_iter().chain(more.iter().map(OsString::from)))
    }

    fn files(&self, address: &str) -> Vec<Value> {
        let ended = self.status(address, &["--output", "json"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        serde_json::from_str::<Value>(&ended.stdout).unwrap()["files"].as_array().unwrap().clone()
    }
}

/// A port on which nobody listens.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn names(files: &[Value]) -> Vec<&str> {
    files.iter().map(|file| file["path"].as_str().unwrap().rsplit('/').next().unwrap()).collect()
}

#[test]
fn each_file_is_told_by_the_daemon_and_by_the_store() {
    let house = House::new();
    let rows = row::ndjson(&[Row::answered(1, SBC), Row::answered(2, SBC)]);
    house.write("a.ndjson", &rows);
    house.write("b.ndjson", &format!("{}{{\"id\"", row::ndjson(&[Row::answered(3, SBC)])));
    house.write("c.csv", &format!("<html>{}\n", "<p>".repeat(50)));
    let daemon = house.serve();
    let address = format!("http://{}/", daemon.address());
    daemon.wait_until_ready();
    let files = house.files(&address);
    assert_eq!(names(&files), ["b.ndjson", "a.ndjson", "c.csv"], "by bytes behind, then by path");
    let [b, a, c] = files.try_into().unwrap();
    assert_eq!(
        (&a["source"], &a["state"], &a["format"]),
        (&"teams".into(), &"waiting".into(), &"graph".into())
    );
    assert_eq!(
        (&a["position"], &a["size"], &a["bytes_behind"]),
        (&rows.len().into(), &rows.len().into(), &0.into())
    );
    assert_eq!((&a["decision"], &a["error"]), (&"found".into(), &Value::Null));
    assert!(
        a["bytes_per_second"].as_f64().unwrap() > 0.0 && a["decided_at"].as_str().unwrap().ends_with('Z'),
        "{a}"
    );
    assert_eq!(b["bytes_behind"], 5);
    assert_eq!(
        (&c["state"], &c["format"], &c["bytes_behind"]),
        (&"unrecognised".into(), &Value::Null, &0.into())
    );
    assert!(c["error"].as_str().unwrap().contains("HTML"), "{c}");

    fs::rename(house.path("cdr/a.ndjson"), house.path("cdr/a.ndjson.1")).unwrap();
    let rotated = wait_for("the rotation", || {
        house.files(&address).into_iter().find(|file| file["decision"] == "rotated")
    });
    assert_eq!(
        (names(std::slice::from_ref(&rotated)), &rotated["position"]),
        (vec!["a.ndjson.1"], &rows.len().into())
    );
    let table = house.status(&address, &[]).stdout;
    let own = |line: &&str| !line.trim_start().starts_with("teams: ");
    assert!(table.lines().filter(own).all(|line| line.chars().count() <= 100), "{table}");
    assert!(table.contains("rotated ") && table.ends_with("\n3 files, 5 B behind\n"), "{table}");
    daemon.stop();

    fs::remove_file(house.path("cdr/a.ndjson.1")).unwrap();
    let stopped = house.status(&nobody(), &[]);
    assert!(stopped.stderr.contains("this is what the store holds"), "{stopped:?}");
    let files = house.files(&nobody());
    assert_eq!(names(&files), ["b.ndjson", "a.ndjson.1"]);
    let of = |name: &str| files.iter().map(|file| file[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("state"), ["stopped", "gone"]);
    assert_eq!(of("bytes_behind"), [5, 0]);
    assert_eq!(of("decision"), ["found", "rotated"]);
    assert_eq!(of("bytes_per_second"), [Value::Null, Value::Null]);
}

#[test]
fn who_cannot_be_asked_is_said() {
    let house = House::new();
    let nothing = house.status(&nobody(), &[]);
    assert!(nothing.code == Some(74) && nothing.stderr.contains("and there is no store"), "{nothing:?}");
    let daemon = house.serve();
    daemon.wait_until_ready();
    let elsewhere = house.status(&nobody(), &[]);
    assert!(
        elsewhere.code == Some(74) && elsewhere.stderr.contains("yet a running one uses"),
        "{elsewhere:?}"
    );
    let https = ("https://127.0.0.1:1", "speaks TLS (https)");
    for (address, said) in [
        ("nonsense", "it has no port: write :10410 for every interface"),
        ("10479", "it has no port: write :10479 for every interface, or 127.0.0.1:10479"),
        ("127.0.0.1:x", "`x` is no port: a number up to 65535"),
        ("::1", "`:1` is no port"),
        (":99999", "`99999` is no port"),
        ("no host:10410", "no address is known for `no host`"),
        https,
    ] {
        let wrong = house.status(address, &[]);
        assert!(wrong.code == Some(2) && wrong.stderr.contains(said), "{wrong:?}");
    }
    for (answer, said) in [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".as_slice(), "PREFIX/api/v1/status"),
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "curl -u NAME"),
        (b"HTTP/1.1 418 I am a teapot\r\nContent-Length: 0\r\n\r\n", "no cdr-exporter"),
        // As a server of TLS answers plain HTTP: in its words, or with an alert.
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "speaks TLS (https)"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "speaks TLS (https)"),
    ] {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = other.local_addr().unwrap().to_string();
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = other.accept().unwrap();
            assert!(stream.read(&mut [0; 1000]).unwrap() > 0);
            stream.write_all(answer).unwrap();
        });
        let stranger = house.status(&address, &[]);
        assert!(stranger.code == Some(1) && stranger.stderr.contains(said), "{stranger:?}");
        answering.join().unwrap();
    }
}

#[test]
fn it_is_told_while_nothing_can_be_committed() {
    let house = House::new();
    let disk = house.path("data");
    fs::create_dir(&disk).unwrap();
    let mut mount = Command::new(find("mount", "mount"));
    let mounted = mount.args(["-t", "tmpfs", "-o", "size=1m", "none"]).arg(&disk).status().unwrap();
    assert!(mounted.success(), "this test mounts a tmpfs, for which it must run as root");
    let daemon = house.serve();
    daemon.wait_until_ready();
    let filler = fs::File::create(disk.join("filler")).unwrap();
    while (&filler).write_all(&[0; 4096]).is_ok() {}
    let rows: Vec<Row> = (0..3000).map(|id| Row::answered(id, SBC)).collect();
    house.write("a.ndjson", &row::ndjson(&rows));
    wait_until("commits to fail", || daemon.get("/-/ready").text().contains("No space left"));
    let files = house.files(&daemon.address().to_string());
    assert_eq!(names(&files), ["a.ndjson"]);
    drop(daemon);
    let unmounted = Command::new(find("umount", "mount")).arg("-l").arg(&disk).status().unwrap();
    assert!(unmounted.success());
}
