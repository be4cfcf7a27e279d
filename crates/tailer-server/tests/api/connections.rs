//! Below requests: both versions of HTTP, TLS, patience with slow clients, draining.

use std::{path::PathBuf, time::Duration};

use reqwest::{Certificate, Client, Version};
use serde_json::json;
use tailer_server::{Role, ServerSettings, TlsSettings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{ACCOUNT, House};

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "api", "fixtures", name].iter().collect()
}

fn with_tls(settings: &mut ServerSettings) {
    let (certificate, key) = (fixture("localhost.pem"), fixture("localhost.key.pem"));
    settings.tls = Some(TlsSettings { certificate, key });
}

#[tokio::test]
async fn tls_negotiates_http2_and_http1() {
    let house = House::with(with_tls).await;
    let certificate = Certificate::from_pem(&std::fs::read(fixture("localhost.pem")).unwrap()).unwrap();
    let client = || Client::builder().no_proxy().tls_certs_only([certificate.clone()]);
    for (client, version) in [(client(), Version::HTTP_2), (client().http1_only(), Version::HTTP_11)] {
        let response = client.build().unwrap().get(format!("{}/healthz", house.url)).send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, version));
    }
}

#[tokio::test]
async fn http2_in_clear_text_by_prior_knowledge() {
    let house = House::open().await;
    let client = Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let body = json!({"action": "list_configurations", "account": ACCOUNT}).to_string();
    let calls = (0..50).map(|_| {
        let request = client.post(format!("{}/v1/configuration/status", house.url)).bearer_auth(&token);
        request.header("content-type", "application/json").body(body.clone()).send()
    });
    for response in futures::future::join_all(calls).await {
        let response = response.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));
    }
}

/// Sends something and waits for the server to close the connection.
async fn closed_after(house: &House, sent: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(house.url.trim_start_matches("http://")).await.unwrap();
    stream.write_all(sent).await.unwrap();
    let mut received = Vec::new();
    let ended = timeout(Duration::from_secs(20), stream.read_to_end(&mut received)).await;
    _ = ended.expect("the server closes the connection");
    received
}

#[tokio::test]
async fn clients_that_dawdle_are_cut_off() {
    let house = House::with(|settings| {
        settings.timeouts.headers = Duration::from_millis(300);
        settings.timeouts.body = Duration::from_millis(300);
    })
    .await;
    assert_eq!(closed_after(&house, b"").await, b"");
    assert_eq!(closed_after(&house, b"P").await, b"");
    assert_eq!(closed_after(&house, b"PRI * HTTP/2.0\r\n").await, b"");
    closed_after(&house, b"POST /v1/dag/launch HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let head = format!(
        "POST /v1/dag/launch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\n\r\n{{"
    );
    let answer = String::from_utf8(closed_after(&house, head.as_bytes()).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"error\":\"body_timeout\""), "{answer}");
}

#[tokio::test]
async fn a_stopped_server_answers_what_it_has_begun() {
    let mut house = House::open().await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let body = json!({"action": "list_configurations", "account": ACCOUNT}).to_string();
    let mut stream = TcpStream::connect(house.url.trim_start_matches("http://")).await.unwrap();
    let (first, second) = body.split_at(10);
    let head = format!(
        "POST /v1/configuration/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(first.as_bytes()).await.unwrap();

    house.shutdown.cancel();
    crate::support::until(async || {
        TcpStream::connect(house.url.trim_start_matches("http://")).await.is_err().then_some(())
    })
    .await;
    stream.write_all(second.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("{\"results\":[]}"), "{answer}");
    timeout(Duration::from_secs(10), house.serving.take().unwrap()).await.expect("the server ends").unwrap();
}
