//! A way to a server that goes wrong as told: connections are cut, bytes damaged, answers invented.
//!
//! Plans are used up one a connection, in the order in which connections come; after the last one everything passes, or the
//! last one holds for all. Lives in the test's runtime.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::service::Fixture;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Plan {
    /// Ends the connection after so many bytes from the server.
    CutReply(u64),
    /// Ends the connection after so many bytes from the client.
    CutRequest(u64),
    /// Changes the byte at this position from the server.
    DamageReply(u64),
    /// Changes the byte at this position from the client.
    DamageRequest(u64),
    /// Reads one request and answers this itself.
    Answer(&'static str),
    /// Takes everything and answers nothing.
    Silence,
}

/// S3's way of saying that it is busy, as all three understand it.
pub(crate) const BUSY: Plan = Plan::Answer(
    "HTTP/1.1 503 Slow Down\r\nconnection: close\r\ncontent-type: application/xml\r\ncontent-length: 66\r\n\r\n\
     <Error><Code>SlowDown</Code><Message>not so fast</Message></Error>",
);

pub(crate) struct Proxy {
    port: u16,
    connections: Arc<AtomicUsize>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    /// `always`: what holds when `plans` are used up.
    pub(crate) async fn before(fixture: &Fixture, plans: &[Plan], always: Option<Plan>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let plans = Mutex::new(plans.iter().copied().collect::<VecDeque<_>>());
        let connections = Arc::<AtomicUsize>::default();
        let (server, counted) = (fixture.address(), Arc::clone(&connections));
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let plan = plans.lock().unwrap().pop_front().or(always);
                tokio::spawn(serve(client, server.clone(), plan));
            }
        });
        Self { port, connections, accepting }
    }

    /// The same bucket through this proxy.
    pub(crate) fn way_to(&self, fixture: &Fixture) -> Fixture {
        Fixture { endpoint: Some(format!("http://127.0.0.1:{}", self.port)), ..fixture.clone() }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn serve(mut client: TcpStream, server: String, plan: Option<Plan>) {
    match plan {
        Some(Plan::Answer(text)) => {
            read_request(&mut client).await;
            let _ = client.write_all(text.as_bytes()).await;
            let _ = client.shutdown().await;
            return;
        }
        Some(Plan::Silence) => {
            let mut sink = vec![0; 65_536];
            while client.read(&mut sink).await.is_ok_and(|size| size > 0) {}
            return;
        }
        _ => {}
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let (mut up, mut down) = (Pump::default(), Pump::default());
    match plan {
        Some(Plan::CutReply(at)) => down.cut = Some(at),
        Some(Plan::CutRequest(at)) => up.cut = Some(at),
        Some(Plan::DamageReply(at)) => down.damage = Some(at),
        Some(Plan::DamageRequest(at)) => up.damage = Some(at),
        _ => {}
    }
    // Whoever ends first ends both.
    tokio::select! {
        () = up.run(from_client, to_server) => {}
        () = down.run(from_server, to_client) => {}
    }
}

/// One direction.
#[derive(Default)]
struct Pump {
    cut: Option<u64>,
    damage: Option<u64>,
}

impl Pump {
    async fn run(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut buffer = vec![0; 65_536];
        let mut done = 0_u64;
        while let Ok(size @ 1..) = from.read(&mut buffer).await {
            let mut piece = &mut buffer[..size];
            if let Some(at) = self.damage.and_then(|at| at.checked_sub(done)).filter(|at| *at < size as u64) {
                piece[at as usize] ^= 1;
            }
            if let Some(left) = self.cut.map(|at| at.saturating_sub(done)).filter(|left| *left < size as u64) {
                piece = &mut piece[..left as usize];
            }
            if to.write_all(piece).await.is_err() || piece.len() < size {
                return;
            }
            done += size as u64;
        }
    }
}

/// Reads a request to its end: a connection that is closed with bytes unread loses its answer.
async fn read_request(client: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut buffer = vec![0; 65_536];
    loop {
        let text = String::from_utf8_lossy(&read).to_lowercase();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
            if read.len() >= head.len() + 4 + length.unwrap_or(0) {
                return text;
            }
        }
        match client.read(&mut buffer).await {
            Ok(size @ 1..) => read.extend_from_slice(&buffer[..size]),
            _ => return text,
        }
    }
}

/// A server that hears one request, says 401 and is gone. Gives its address and what it heard.
pub(crate) async fn refuse_one() -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let heard = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let request = read_request(&mut client).await;
        let answer = b"HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        client.write_all(answer).await.unwrap();
        client.shutdown().await.unwrap();
        request
    });
    (endpoint, heard)
}
