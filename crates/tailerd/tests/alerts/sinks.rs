//! Where alerts arrive: an SMTP server that can be down, and a web server that answers as told.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::support::{skip, until};

/// How to start an SMTP server, from `TAILERD_TEST_SMTP` (`.ci/counterparts`).
#[derive(Debug)]
pub(crate) struct SmtpPlace {
    command: Vec<String>,
    ca: String,
    certificate: String,
    key: String,
}

pub(crate) fn smtp_place() -> Option<SmtpPlace> {
    let place = std::env::var("TAILERD_TEST_SMTP").ok();
    if skip(place.is_none(), "TAILERD_TEST_SMTP is not set: run .ci/counterparts") {
        return None;
    }
    let place: Value = serde_json::from_str(&place?).unwrap();
    let text = |name: &str| place[name].as_str().unwrap().to_owned();
    let command = place["command"].as_array().unwrap().iter().map(|part| part.as_str().unwrap().to_owned()).collect();
    Some(SmtpPlace { command, ca: text("ca"), certificate: text("certificate"), key: text("key") })
}

/// An SMTP server, or the port where one will be.
#[derive(Debug)]
pub(crate) struct Smtp {
    child: Option<Child>,
    port: u16,
    ca: String,
    folder: tempfile::TempDir,
}

impl Smtp {
    pub(crate) fn start(place: &SmtpPlace, port: u16, more: &[&str]) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut command = Command::new(&place.command[0]);
        command.args(&place.command[1..]).arg(port.to_string()).arg(folder.path().join("messages"));
        command.arg(&place.certificate).arg(&place.key).args(more).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("listening on ").unwrap().parse().unwrap();
        Self { child: Some(child), port, ca: place.ca.clone(), folder }
    }

    /// A port where connections are refused.
    pub(crate) fn down(place: &SmtpPlace) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self { child: None, port, ca: place.ca.clone(), folder }
    }

    /// A server on that port.
    pub(crate) fn up(&self, place: &SmtpPlace) -> Self {
        Self::start(place, self.port, &[])
    }

    /// What makes a server of tailerd send here. Attempts follow each other soon.
    pub(crate) fn settings<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .env("SSL_CERT_FILE", &self.ca)
            .env("TAILERD_ALERTS_SMTP_HOST", "127.0.0.1")
            .env("TAILERD_ALERTS_SMTP_PORT", self.port.to_string())
            .env("TAILERD_ALERTS_SMTP_FROM", "tailerd@example.com")
            .env("TAILERD_ALERTS_SMTP_USERNAME", "tailerd")
            .env("TAILERD_ALERTS_SMTP_PASSWORD", "let me in")
            .env("TAILERD_ALERTS_RETRY_FIRST", "100ms")
            .env("TAILERD_ALERTS_RETRY_LONGEST", "500ms")
    }

    pub(crate) fn configure(&self, command: &mut Command) {
        self.settings(command);
    }

    /// Everything that came so far.
    pub(crate) fn messages(&self) -> Vec<Value> {
        let file: PathBuf = self.folder.path().join("messages");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The message that is wanted, once it is there.
    pub(crate) fn message(&self, wanted: &dyn Fn(&Value) -> bool) -> Value {
        until("a message", || self.messages().into_iter().find(wanted))
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    head: String,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> String {
        let of = |line: &str| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        };
        self.head.lines().find_map(of).unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }
}

/// A web server that keeps what it gets.
#[derive(Debug)]
pub(crate) struct WebSink {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl WebSink {
    /// Answers with these statuses, one after the other, then with the last one.
    pub(crate) fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (kept, statuses) = (requests.clone(), statuses.to_vec());
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let Some((request, mut connection)) = connection.ok().and_then(read) else { continue };
                let nth = kept.lock().unwrap().len();
                let status = statuses.get(nth).or(statuses.last()).unwrap();
                kept.lock().unwrap().push(request);
                let _ = write!(connection, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        });
        Self { port, requests }
    }

    /// The first requests, once there are so many.
    pub(crate) fn requests(&self, count: usize) -> Vec<Request> {
        until("requests", || Some(self.requests.lock().unwrap().clone()).filter(|requests| requests.len() >= count))
    }
}

fn read(connection: TcpStream) -> Option<(Request, TcpStream)> {
    connection.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut reader = BufReader::new(connection);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let request = Request { head, body: String::new() };
    let mut body = vec![0; request.header("content-length").parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some((Request { body: String::from_utf8(body).ok()?, ..request }, reader.into_inner()))
}

/// Posts JSON to the server under test; the answer.
pub(crate) fn post(url: &str, token: &str, body: &Value) -> Value {
    let (place, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut connection = TcpStream::connect(place).unwrap();
    let body = body.to_string();
    write!(
        connection,
        "POST /{path} HTTP/1.1\r\nhost: {place}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// RFC 2104, written down once more so that nobody checks their own sums.
pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let inner: Vec<u8> = block.iter().map(|byte| byte ^ 0x36).chain(message.iter().copied()).collect();
    let outer: Vec<u8> = block.iter().map(|byte| byte ^ 0x5c).chain(Sha256::digest(inner)).collect();
    Sha256::digest(outer).iter().map(|byte| format!("{byte:02x}")).collect()
}
