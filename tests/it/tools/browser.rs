//! A real browser: Debian's chromium, told what to do over a pair of pipes (the Chrome DevTools Protocol).

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{find, succeed};

/// A browser without a window, which ends with the test.
pub struct Browser {
    process: Child,
    commands: File,
    answers: BufReader<File>,
    numbered: u64,
    session: Value,
    events: Vec<Value>,
    _profile: TempDir,
}

/// What became of a page.
#[derive(Debug)]
pub struct Drawn {
    /// Messages and errors of its console.
    pub console: Vec<String>,
    /// URLs of what it asked for, its own first.
    pub requests: Vec<String>,
    /// Its text as a person sees it.
    pub text: String,
    /// How wide it is, and how high.
    pub width: u64,
    pub height: u64,
}

impl Browser {
    pub fn start() -> Self {
        let chromium = find("chromium", "chromium");
        let profile = TempDir::new().unwrap();
        let pipe = |name: &str| {
            let path = profile.path().join(name);
            succeed(Command::new("mkfifo").arg(&path));
            path
        };
        let (commands, answers) = (pipe("commands"), pipe("answers"));
        let mut shell = Command::new("sh");
        shell.args(["-c", "in=$1 out=$2; shift 2; exec \"$@\" 3<\"$in\" 4>\"$out\"", "sh"]);
        shell.arg(&commands).arg(&answers).arg(chromium).args(["--headless=new", "--no-sandbox"]);
        shell.args(["--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
        shell.arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        // It looks for updates and the like by itself; only loopback is there for it.
        shell.arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1");
        let process = shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let commands = OpenOptions::new().write(true).open(commands).unwrap();
        let answers = BufReader::new(File::open(answers).unwrap());
        let mut browser = Self {
            process,
            commands,
            answers,
            numbered: 0,
            session: Value::Null,
            events: Vec::new(),
            _profile: profile,
        };
        let target = browser.ask("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        browser.session = browser.ask("Target.attachToTarget", &attach)["sessionId"].clone();
        for domain in ["Page", "Network", "Runtime", "Log"] {
            browser.ask(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// Draws a page in a window of this width.
    pub fn draw(&mut self, url: &str, width: u64) -> Drawn {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600});
        self.ask("Emulation.setDeviceMetricsOverride", &size);
        self.events.clear();
        self.ask("Page.navigate", &json!({"url": url}));
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.read();
            self.events.push(event);
        }
        let text = self.evaluate("document.body.innerText");
        let number = |value: Value| value.as_u64().unwrap();
        let (width, height) = (
            number(self.evaluate("document.documentElement.scrollWidth")),
            number(self.evaluate("document.documentElement.scrollHeight")),
        );
        let of = |methods: &[&str], place: &str| {
            let events =
                self.events.iter().filter(|event| methods.iter().any(|method| event["method"] == *method));
            events.map(|event| event["params"].pointer(place).unwrap().to_string()).collect::<Vec<_>>()
        };
        let mut console = of(&["Runtime.consoleAPICalled"], "/args");
        console.extend(of(&["Runtime.exceptionThrown"], "/exceptionDetails"));
        console.extend(of(&["Log.entryAdded"], "/entry"));
        let requests = of(&["Network.requestWillBeSent"], "/request/url");
        let requests = requests.into_iter().map(|url| url.trim_matches('"').to_owned()).collect();
        Drawn { console, requests, text: text.as_str().unwrap().to_owned(), width, height }
    }

    /// What this script comes to in the page that was drawn last, whatever its policy says.
    pub fn evaluate(&mut self, script: &str) -> Value {
        let question = json!({"expression": script, "returnByValue": true, "awaitPromise": true});
        let answer = self.ask("Runtime.evaluate", &question);
        assert!(answer.get("exceptionDetails").is_none(), "{answer}");
        answer["result"]["value"].clone()
    }

    /// A person who likes it dark, or not.
    pub fn prefer(&mut self, scheme: &str) {
        let feature = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.ask("Emulation.setEmulatedMedia", &feature);
    }

    /// Writes a picture of the page that was drawn last, from its top down.
    pub fn picture(&mut self, path: &Path, width: u64, height: u64) {
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        let question = json!({"format": "png", "clip": clip, "captureBeyondViewport": true});
        let picture = self.ask("Page.captureScreenshot", &question);
        let bytes = base64::engine::general_purpose::STANDARD.decode(picture["data"].as_str().unwrap());
        std::fs::write(path, bytes.unwrap()).unwrap();
    }

    /// How many pages of A4 the page that was drawn last takes; `PICTURES` keeps them.
    pub fn printed(&mut self) -> usize {
        let paper = json!({"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": true});
        let pdf = self.ask("Page.printToPDF", &paper);
        let bytes = base64::engine::general_purpose::STANDARD.decode(pdf["data"].as_str().unwrap()).unwrap();
        if let Ok(folder) = std::env::var("PICTURES") {
            std::fs::write(Path::new(&folder).join("report.pdf"), &bytes).unwrap();
        }
        let page = regex::bytes::Regex::new("/Type */Page[^s]").unwrap();
        page.find_iter(&bytes).count()
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.numbered += 1;
        let mut command = json!({"id": self.numbered, "method": method, "params": params});
        if !self.session.is_null() {
            command["sessionId"] = self.session.clone();
        }
        self.commands.write_all(format!("{command}\0").as_bytes()).unwrap();
        loop {
            let mut answer = self.read();
            if answer["id"] == self.numbered {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    fn read(&mut self) -> Value {
        let mut answer = Vec::new();
        self.answers.read_until(0, &mut answer).unwrap();
        assert_eq!(answer.pop(), Some(0), "the browser has ended");
        serde_json::from_slice(&answer).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
