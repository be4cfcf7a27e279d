//! ID tokens as bearer tokens: what an issuer with keys of its own signs, and the ways it can be wrong. Signing in through a real
//! issuer is a story of the binary (`crates/tailerd/tests/oidc.rs`).

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, routing::get};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use tailer_engine::Clock;
use tailer_server::{OidcGrant, OidcSettings, Role};
use tailer_store::{Durability, StoreError, users};

use crate::{
    support::{ACCOUNT, Answer, House, OTHER, a_test, with},
    tokens::refused,
};

/// Serves what it is told to and counts how often it is asked for its keys.
#[derive(Default)]
struct Published {
    issuer: String,
    keys: Vec<Value>,
    asked: usize,
    down: bool,
}

/// An issuer on a free port.
#[derive(Clone, Default)]
struct Issuer(Arc<Mutex<Published>>);

struct Key {
    id: &'static str,
    sign: EncodingKey,
    public: Value,
    point: Vec<u8>,
}

impl Key {
    fn new(id: &'static str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let der = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref().to_vec();
        let (x, y) = (BASE64.encode(&point[1..33]), BASE64.encode(&point[33..]));
        let public = json!({"kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "alg": "ES256", "x": x, "y": y});
        Self { id, sign: EncodingKey::from_ec_der(der.as_ref()), public, point }
    }

    fn token(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.sign).unwrap()
    }
}

impl Issuer {
    async fn open() -> Self {
        let issuer = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        issuer.0.lock().unwrap().issuer = format!("http://{}", listener.local_addr().unwrap());
        let describe = async |State(Self(published)): State<Self>| {
            let issuer = published.lock().unwrap().issuer.clone();
            let [authorize, token, keys] = ["authorize", "token", "keys"].map(|path| format!("{issuer}/{path}"));
            Json(json!({
                "issuer": issuer, "authorization_endpoint": authorize, "token_endpoint": token, "jwks_uri": keys,
            }))
        };
        let keys = async |State(Self(published)): State<Self>| {
            let mut published = published.lock().unwrap();
            published.asked += 1;
            // A key of a kind that nobody knows harms nobody.
            let mut keys = vec![json!({"kty": "XYZ", "kid": "odd"})];
            keys.extend(published.keys.clone());
            if published.down { Json(json!("broken")) } else { Json(json!({ "keys": keys })) }
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/keys", get(keys))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    fn publish(&self, keys: &[&Key]) {
        self.0.lock().unwrap().keys = keys.iter().map(|key| key.public.clone()).collect();
    }

    fn url(&self) -> String {
        self.0.lock().unwrap().issuer.clone()
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().asked
    }

    /// A server that trusts this issuer.
    async fn house(&self) -> House {
        let grant = |claim: &str, value: &str, role| OidcGrant {
            claim: claim.into(),
            value: value.into(),
            account: ACCOUNT.parse().unwrap(),
            role,
        };
        let oidc = OidcSettings {
            issuer: self.url(),
            client_id: "tailerd".into(),
            client_secret: None,
            audiences: vec!["tailerd".into(), "https://tailer.example.com".into()],
            jwks_url: None,
            scopes: "openid".into(),
            label: "single sign-on".into(),
            grants: vec![grant("groups", "ops", Role::Operator), grant("email", "ana@example.com", Role::Viewer)],
        };
        House::with(|settings| settings.oidc = Some(oidc)).await
    }

    fn claims(&self, house: &House) -> Value {
        let now = house.clock.now().as_second();
        json!({"iss": self.url(), "sub": "4711", "aud": "tailerd", "iat": now, "exp": now + 3600, "groups": ["ops"]})
    }
}

async fn list(house: &House, account: &str, token: &str) -> Answer {
    house.call(token, &json!({"action": "list_configurations", "account": account})).await
}

#[tokio::test]
async fn an_id_token_grants_what_rules_and_users_say() {
    let (issuer, key) = (Issuer::open().await, Key::new("one"));
    issuer.publish(&[&key]);
    let house = issuer.house().await;
    let token = |change: Value| key.token(&with(issuer.claims(&house), change));
    list(&house, ACCOUNT, &token(json!({}))).await.is_fine();
    list(&house, OTHER, &token(json!({}))).await.is_error(403, "forbidden");
    list(&house, ACCOUNT, &token(json!({"groups": ["dev"]}))).await.is_error(403, "forbidden");
    let ana = json!({"groups": [], "email": "Ana@example.com", "email_verified": true});
    list(&house, ACCOUNT, &token(ana.clone())).await.is_fine();
    let unverified = with(ana.clone(), json!({"email_verified": false}));
    list(&house, ACCOUNT, &token(unverified)).await.is_error(403, "forbidden");
    let for_several = json!({"aud": ["else", "https://tailer.example.com/"]});
    list(&house, ACCOUNT, &token(for_several)).await.is_fine();

    let now = house.clock.now();
    let added: Result<_, StoreError> = house
        .store
        .write(Durability::Synced, move |tx| {
            users::add(tx, "ana@example.com", "", (&OTHER.parse().unwrap(), "deployer"), &a_test(), now)
        })
        .await;
    added.unwrap();
    house.clock.turn(SignedDuration::from_secs(3));
    list(&house, OTHER, &token(ana)).await.is_fine();
}

#[tokio::test]
async fn every_other_id_token_is_refused() {
    let (issuer, key, stranger) = (Issuer::open().await, Key::new("one"), Key::new("one"));
    issuer.publish(&[&key]);
    let house = issuer.house().await;
    let now = house.clock.now().as_second();
    let check = async |change: Value, says: &str| {
        let token = key.token(&with(issuer.claims(&house), change));
        refused(&list(&house, ACCOUNT, &token).await, "invalid_token", says);
    };
    check(json!({"aud": "another"}), "another audience").await;
    check(json!({"aud": []}), "another audience").await;
    check(json!({"exp": now - 1}), "has expired").await;
    check(json!({"exp": null}), "no exp claim").await;
    check(json!({"nbf": now + 600}), "not valid yet").await;
    check(json!({"iss": "https://evil.example"}), "not accepted").await;
    check(json!({"sub": ""}), "well-formed").await;
    check(json!({"sub": 4711}), "well-formed").await;

    let claims = issuer.claims(&house);
    let foreign = stranger.token(&claims);
    refused(&list(&house, ACCOUNT, &foreign).await, "invalid_token", "not signed by a key");
    // The public key as a shared secret, and nothing at all.
    let header = Header { kid: Some("one".into()), ..Header::new(Algorithm::HS256) };
    let shared = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&key.point)).unwrap();
    refused(&list(&house, ACCOUNT, &shared).await, "invalid_token", "algorithm");
    let part = |value: &Value| BASE64.encode(value.to_string());
    let unsigned = format!("{}.{}.", part(&json!({"alg": "none", "kid": "one"})), part(&claims));
    refused(&list(&house, ACCOUNT, &unsigned).await, "invalid_token", "algorithm");
}

#[tokio::test]
async fn keys_are_fetched_again_when_a_token_names_another() {
    let (issuer, old, new) = (Issuer::open().await, Key::new("old"), Key::new("new"));
    issuer.publish(&[&old]);
    let house = issuer.house().await;
    let ask = async |key: &Key| list(&house, ACCOUNT, &key.token(&issuer.claims(&house))).await;
    ask(&old).await.is_fine();
    house.clock.turn(SignedDuration::from_secs(31));
    issuer.publish(&[&new, &old]);
    ask(&new).await.is_fine();
    assert_eq!(issuer.asked(), 2);
    // Tokens with unknown keys do not make it ask over and over.
    for _ in 0..5 {
        refused(&ask(&Key::new("unknown")).await, "invalid_token", "not signed by a key");
    }
    assert_eq!(issuer.asked(), 2);
    // What the issuer has withdrawn is believed for an hour at most.
    issuer.publish(&[&new]);
    house.clock.turn(SignedDuration::from_hours(1));
    refused(&ask(&old).await, "invalid_token", "not signed by a key");
    // An issuer that breaks locks nobody out at once.
    issuer.0.lock().unwrap().down = true;
    house.clock.turn(SignedDuration::from_hours(2));
    ask(&new).await.is_fine();
    house.clock.turn(SignedDuration::from_hours(24));
    ask(&new).await.is_error(503, "issuer_unavailable");
}
