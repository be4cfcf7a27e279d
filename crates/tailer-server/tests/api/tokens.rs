//! Bearer tokens minted by the server: the ways in which one is refused, and how soon.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde_json::json;
use tailer_server::Role;
use tailer_store::{Durability, StoreError, tokens};

use crate::support::{ACCOUNT, Answer, House, a_test};

async fn list(house: &House, token: &str) -> Answer {
    house.call(token, &json!({"action": "list_configurations", "account": ACCOUNT})).await
}

/// Checks that a token is refused with the challenge, and what the message says.
#[track_caller]
pub(crate) fn refused(answer: &Answer, error: &str, says: &str) {
    let json = answer.is_error(401, error);
    assert!(json["message"].as_str().unwrap().contains(says), "{json}");
    let challenge = answer.headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.starts_with("Bearer realm=\"tailerd\""), "{challenge}");
    assert_eq!(challenge.contains("error=\"invalid_token\""), error == "invalid_token", "{challenge}");
}

#[tokio::test]
async fn a_minted_token_is_accepted_until_it_expires() {
    let house = House::open().await;
    let minted = house.mint(ACCOUNT, Role::Viewer, SignedDuration::from_mins(5)).await;
    list(&house, &minted.token).await.is_fine();
    house.clock.turn(SignedDuration::from_mins(4));
    list(&house, &minted.token).await.is_fine();
    house.clock.turn(SignedDuration::from_mins(1));
    refused(&list(&house, &minted.token).await, "invalid_token", "expired");
}

#[tokio::test]
async fn revoking_takes_effect_within_seconds() {
    let house = House::open().await;
    let minted = house.mint(ACCOUNT, Role::Viewer, SignedDuration::from_mins(5)).await;
    list(&house, &minted.token).await.is_fine();
    let (id, now) = (minted.id.clone(), jiff::Timestamp::now());
    let revoked: Result<bool, StoreError> =
        house.store.write(Durability::Synced, move |tx| tokens::revoke(tx, &id, &a_test(), now)).await;
    assert!(revoked.unwrap());
    house.clock.turn(SignedDuration::from_secs(2));
    refused(&list(&house, &minted.token).await, "invalid_token", "revoked");
}

#[tokio::test]
async fn without_a_token_nothing_is_read() {
    let house = House::open().await;
    let url = format!("{}/v1/dag/launch", house.url);
    let request = || house.http.post(&url).header("content-type", "text/garbage").body("{{{");
    refused(&Answer::of(request().send().await.unwrap()).await, "missing_token", "Authorization: Bearer");
    for (header, error) in [
        ("Basic dXNlcjpwYXNz", "missing_token"),
        ("Bearer", "missing_token"),
        ("Bearer ", "missing_token"),
        ("Bearer nonsense", "invalid_token"),
        ("Bearer a.b.c", "invalid_token"),
        ("bearer a.b.c.d", "invalid_token"),
    ] {
        let answer = Answer::of(request().header("authorization", header).send().await.unwrap()).await;
        assert_eq!(answer.is_error(401, error)["error"], error, "{header}");
    }
    let huge = format!("Bearer {}", "x".repeat(20_000));
    refused(
        &Answer::of(request().header("authorization", huge).send().await.unwrap()).await,
        "invalid_token",
        "well-formed",
    );
}

#[tokio::test]
async fn a_changed_token_is_refused() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let decode = |part: &str| String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let encode = |text: String| BASE64_URL_SAFE_NO_PAD.encode(text);

    let admin = encode(decode(claims).replace("viewer", "admin"));
    refused(&list(&house, &format!("{header}.{admin}.{signature}")).await, "invalid_token", "not signed by a key");
    let none = encode(r#"{"alg":"none","typ":"JWT"}"#.to_owned());
    for signature in ["", signature] {
        refused(&list(&house, &format!("{none}.{claims}.{signature}")).await, "invalid_token", "algorithm");
    }
    let critical = encode(decode(header).replace('{', r#"{"crit":["b64"],"#));
    refused(&list(&house, &format!("{critical}.{claims}.{signature}")).await, "invalid_token", "well-formed");
}

#[tokio::test]
async fn a_token_of_another_data_folder_is_refused() {
    let (house, stranger) = (House::open().await, House::open().await);
    let token = stranger.token(ACCOUNT, Role::Admin).await;
    list(&stranger, &token).await.is_fine();
    refused(&list(&house, &token).await, "invalid_token", "not signed by a key");
}

#[tokio::test]
async fn a_token_minted_under_another_address_still_works() {
    let mut house = House::open().await;
    house.audience = "http://127.0.0.1:8080".into();
    let token = house.token(ACCOUNT, Role::Viewer).await;
    list(&house, &token).await.is_fine();
}
