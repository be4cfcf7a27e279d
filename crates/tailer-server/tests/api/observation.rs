//! Request ids, health and metrics.

use serde_json::json;
use tailer_server::Role;

use crate::support::{ACCOUNT, Answer, House};

#[tokio::test]
async fn a_request_id_comes_back_or_is_made() {
    let house = House::open().await;
    let with_id = async |id: &[u8]| {
        let request = house.http.get(format!("{}/healthz", house.url)).header("x-request-id", id);
        Answer::of(request.send().await.unwrap()).await.headers["x-request-id"].as_bytes().to_vec()
    };
    assert_eq!(with_id(b"abc-123").await, b"abc-123");
    for bad in [&b"a b"[..], b"\xe9", b"", &[b'x'; 129]] {
        let made = with_id(bad).await;
        assert!(made != bad && made.len() == 32, "{made:?}");
    }
    assert_ne!(
        house.get("/nothing").await.headers["x-request-id"],
        house.get("/nothing").await.headers["x-request-id"]
    );
}

#[tokio::test]
async fn health_and_readiness_need_no_token() {
    let house = House::open().await;
    assert_eq!(house.get("/healthz").await.is_fine(), json!({"status": "ok"}));
    assert_eq!(house.get("/readyz").await.is_fine(), json!({"status": "ready"}));
    let head = house.http.head(format!("{}/healthz", house.url)).send().await.unwrap();
    assert_eq!(head.status(), 200);
}

#[tokio::test]
async fn metrics_are_open_here_and_closed_to_those_forwarded() {
    let house = House::open().await;
    house.get("/nothing").await;
    let open = house.get("/metrics").await;
    assert_eq!(open.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert!(open.text.contains("tailerd_http_requests_total{path=\"unknown\",status=\"404\"} 1\n"), "{}", open.text);
    for line in open.text.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    let forwarded = || house.http.get(format!("{}/metrics", house.url)).header("x-forwarded-for", "192.0.2.1");
    Answer::of(forwarded().send().await.unwrap()).await.is_error(401, "missing_token");
    let token = house.token(ACCOUNT, Role::Viewer).await;
    assert_eq!(forwarded().bearer_auth(token).send().await.unwrap().status(), 200);

    let house = House::with(|settings| settings.metrics_for_everyone = true).await;
    let forwarded = house.http.get(format!("{}/metrics", house.url)).header("forwarded", "for=192.0.2.1");
    assert_eq!(forwarded.send().await.unwrap().status(), 200);
}
