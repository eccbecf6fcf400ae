//! Takes what Alertmanager sends: requests over HTTP, and mail over the least SMTP that it speaks.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::wait_for;

/// One message: the path that it was posted to, or `mail`, and its text.
#[derive(Debug, Clone)]
pub struct Message {
    pub path: String,
    pub body: String,
}

/// A receiver on a free port of loopback, which keeps every message in the order of arrival.
pub struct Receiver {
    pub address: SocketAddr,
    messages: Arc<Mutex<Vec<Message>>>,
}

impl Receiver {
    /// Takes requests and answers each with 200, or with the 202 that PagerDuty's clients expect.
    pub fn http() -> Self {
        Self::start(take_request)
    }

    /// Takes mail for anyone.
    pub fn smtp() -> Self {
        Self::start(take_mail)
    }

    fn start(take: fn(TcpStream) -> io::Result<Message>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, messages) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&messages);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if let Ok(message) = take(connection) {
                    kept.lock().unwrap().push(message);
                }
            }
        });
        Self { address, messages }
    }

    /// All messages so far.
    pub fn messages(&self) -> Vec<Message> {
        self.messages.lock().unwrap().clone()
    }

    /// Waits for a message to this path whose body holds this text.
    pub fn wait_for(&self, path: &str, text: &str) -> Message {
        wait_for(&format!("a message to {path} with {text:?}"), || {
            self.messages().into_iter().find(|message| message.path == path && message.body.contains(text))
        })
    }
}

fn take_request(connection: TcpStream) -> io::Result<Message> {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let status = if path.starts_with("/v2/enqueue") { "202 Accepted" } else { "200 OK" };
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    reader.get_mut().write_all(answer.as_bytes())?;
    Ok(Message { path, body: String::from_utf8_lossy(&body).into_owned() })
}

fn take_mail(connection: TcpStream) -> io::Result<Message> {
    let mut reader = BufReader::new(connection);
    reader.get_mut().write_all(b"220 loopback\r\n")?;
    let (mut body, mut in_data) = (String::new(), false);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            break;
        }
        let answer: &[u8] = match line.trim_end() {
            "." if in_data => {
                in_data = false;
                b"250 taken\r\n"
            }
            _ if in_data => {
                // A full stop at the beginning of a line is written twice (RFC 5321).
                body.push_str(line.strip_prefix('.').unwrap_or(&line));
                continue;
            }
            "DATA" => {
                in_data = true;
                b"354 go on\r\n"
            }
            "QUIT" => b"221 loopback\r\n",
            _ => b"250 loopback\r\n",
        };
        reader.get_mut().write_all(answer)?;
        if line.starts_with("QUIT") {
            break;
        }
    }
    Ok(Message { path: "mail".into(), body: body.replace("=\r\n", "").replace("=3D", "=") })
}
