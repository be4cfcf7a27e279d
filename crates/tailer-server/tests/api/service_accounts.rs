//! Self-signed tokens of trusted service accounts: what google-auth's `jwt.encode` makes, and the ways it can be wrong.

use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tailer_engine::Clock;
use tailer_server::{
    Role,
    auth::{KeyFileError, service_account_from_key_file},
};
use tailer_store::{Durability, StoreError, service_accounts};

use crate::{
    support::{ACCOUNT, Answer, House, OTHER, a_test, with},
    tokens::refused,
};

/// Made for these tests; trusted nowhere else.
const ROBOT: &str = include_str!("fixtures/service-account.json");
/// The same e-mail with another key.
const STRANGER: &str = include_str!("fixtures/stranger.json");
const EMAIL: &str = "robot@tests.example.com";

async fn trust(house: &House, account: &str, role: Role) {
    let known = service_account_from_key_file(ROBOT).unwrap();
    let row = service_accounts::ServiceAccountRow {
        email: known.email,
        key_id: known.key_id,
        public_key_pem: known.public_key_pem,
        account: account.parse().unwrap(),
        role: role.as_str().to_owned(),
        created: house.clock.now(),
    };
    let added: Result<_, StoreError> =
        house.store.write(Durability::Synced, move |tx| service_accounts::add(tx, &row, &a_test())).await;
    added.unwrap();
}

/// The claims that the seed's generator signs.
fn claims(house: &House) -> Value {
    let now = house.clock.now().as_second();
    json!({"iat": now, "exp": now + 3600, "iss": EMAIL, "sub": EMAIL, "email": EMAIL, "aud": house.audience})
}

fn header(file: &str) -> Header {
    let file: Value = serde_json::from_str(file).unwrap();
    Header { kid: file["private_key_id"].as_str().map(str::to_owned), ..Header::new(Algorithm::RS256) }
}

fn sign(file: &str, header: &Header, claims: &Value) -> String {
    let file: Value = serde_json::from_str(file).unwrap();
    let key = EncodingKey::from_rsa_pem(file["private_key"].as_str().unwrap().as_bytes()).unwrap();
    jsonwebtoken::encode(header, claims, &key).unwrap()
}

async fn list(house: &House, account: &str, token: &str) -> Answer {
    house.call(token, &json!({"action": "list_configurations", "account": account})).await
}

/// A change of the claims and what the refusal says; `None` when it is accepted.
async fn check(house: &House, change: Value, says: Option<&str>) {
    let claims = with(claims(house), change.clone());
    let answer = list(house, ACCOUNT, &sign(ROBOT, &header(ROBOT), &claims)).await;
    match says {
        Some(says) => refused(&answer, "invalid_token", says),
        None => assert_eq!(answer.status, 200, "{change}: {}", answer.text),
    }
}

#[tokio::test]
async fn a_trusted_account_is_accepted_with_its_roles() {
    let house = House::open().await;
    let token = sign(ROBOT, &header(ROBOT), &claims(&house));
    refused(&list(&house, ACCOUNT, &token).await, "invalid_token", "not signed by a key");
    trust(&house, ACCOUNT, Role::Viewer).await;
    list(&house, ACCOUNT, &token).await.is_fine();
    list(&house, OTHER, &token).await.is_error(403, "forbidden");
    trust(&house, OTHER, Role::Operator).await;
    house.clock.turn(SignedDuration::from_secs(2));
    list(&house, OTHER, &token).await.is_fine();
    list(&house, ACCOUNT, &token).await.is_fine();

    let now = house.clock.now();
    let removed: Result<u64, StoreError> =
        house.store.write(Durability::Synced, move |tx| service_accounts::remove(tx, EMAIL, &a_test(), now)).await;
    assert_eq!(removed.unwrap(), 2);
    house.clock.turn(SignedDuration::from_secs(2));
    refused(&list(&house, ACCOUNT, &token).await, "invalid_token", "not signed by a key");
}

#[tokio::test]
async fn claims_must_hold() {
    let house = House::open().await;
    trust(&house, ACCOUNT, Role::Viewer).await;
    let now = house.clock.now().as_second();
    let slashed = format!("{}/", house.audience);
    check(&house, json!({}), None).await;
    check(&house, json!({"aud": slashed}), None).await;
    check(&house, json!({"aud": ["http://elsewhere", house.audience]}), None).await;
    check(&house, json!({"iat": now + 30, "exp": now + 3630}), None).await;
    check(&house, json!({"email": null, "iat": null}), None).await;
    check(&house, json!({"nbf": now - 1, "exp": f64::from(i32::try_from(now).unwrap()) + 60.5}), None).await;

    check(&house, json!({"aud": "http://elsewhere"}), Some("audience")).await;
    check(&house, json!({"aud": null}), Some("well-formed")).await;
    check(&house, json!({"aud": []}), Some("audience")).await;
    check(&house, json!({"exp": now - 1, "iat": now - 3601}), Some("expired")).await;
    check(&house, json!({"exp": null}), Some("no exp")).await;
    check(&house, json!({"exp": "tomorrow"}), Some("well-formed")).await;
    check(&house, json!({"exp": 1e300}), Some("well-formed")).await;
    check(&house, json!({"exp": now + 86_400}), Some("one hour")).await;
    check(&house, json!({"exp": now + 86_400, "iat": null}), Some("one hour")).await;
    check(&house, json!({"nbf": now + 30}), Some("not valid yet")).await;
    check(&house, json!({"iat": now + 600, "exp": now + 3600}), Some("not valid yet")).await;
    check(&house, json!({"sub": "else@tests.example.com"}), Some("the same")).await;
    check(&house, json!({"email": "else@tests.example.com"}), Some("the same")).await;
    check(&house, json!({"iss": "else@tests.example.com"}), Some("not signed by a key")).await;
    check(&house, json!({"iss": "tailerd"}), Some("not signed by a key")).await;
    check(&house, json!({"iss": null}), Some("well-formed")).await;
}

#[tokio::test]
async fn the_signature_must_be_of_the_key_that_is_kept() {
    let house = House::open().await;
    trust(&house, ACCOUNT, Role::Viewer).await;
    let claims = claims(&house);
    let without_kid = Header { kid: None, ..header(ROBOT) };
    list(&house, ACCOUNT, &sign(ROBOT, &without_kid, &claims)).await.is_fine();
    for (file, header) in [(STRANGER, header(STRANGER)), (STRANGER, header(ROBOT)), (ROBOT, header(STRANGER))] {
        refused(&list(&house, ACCOUNT, &sign(file, &header, &claims)).await, "invalid_token", "not signed by a key");
    }
    for algorithm in [Algorithm::RS384, Algorithm::PS256] {
        let header = Header { alg: algorithm, ..header(ROBOT) };
        refused(&list(&house, ACCOUNT, &sign(ROBOT, &header, &claims)).await, "invalid_token", "algorithm");
    }
}

/// A public key is no secret: a token "signed" with it as one must not pass.
#[tokio::test]
async fn a_symmetric_signature_made_with_the_public_key_is_refused() {
    let house = House::open().await;
    trust(&house, ACCOUNT, Role::Viewer).await;
    let public = service_account_from_key_file(ROBOT).unwrap().public_key_pem;
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let header = Header { alg: algorithm, ..header(ROBOT) };
        let key = EncodingKey::from_secret(public.as_bytes());
        let token = jsonwebtoken::encode(&header, &claims(&house), &key).unwrap();
        refused(&list(&house, ACCOUNT, &token).await, "invalid_token", "algorithm");
    }
}

#[test]
fn a_key_file_gives_its_public_half_only() {
    let known = service_account_from_key_file(ROBOT).unwrap();
    assert_eq!((known.email.as_str(), known.key_id), (EMAIL, Some("ab".repeat(20))));
    assert!(known.public_key_pem.starts_with("-----BEGIN PUBLIC KEY-----\n"), "{}", known.public_key_pem);
    let check = |text: &str, expect: KeyFileError| {
        assert_eq!(service_account_from_key_file(text).unwrap_err(), expect, "{text}");
    };
    check("{", KeyFileError::NotJson { line: 1, column: 1 });
    check("{}", KeyFileError::Missing("client_email"));
    check(r#"{"client_email": "a@b"}"#, KeyFileError::Missing("private_key"));
    check(r#"{"client_email": "a@b", "private_key": "-----BEGIN"}"#, KeyFileError::NotAKey);
}
