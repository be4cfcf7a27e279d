//! 500 requests made wrong in random ways: never a 5xx, always the shape of an error, never a word about the inside.
//! The seed of the randomness is fixed, so that a failure comes back.

use proptest::{
    prelude::*,
    sample::{Index, select},
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};
use tailer_server::{Role, rules};

use crate::{
    access::request,
    support::{ACCOUNT, House, table_to_table},
};

const HOW_MANY: usize = 500;
/// What must never stand in an answer.
const INTERNAL: [&str; 12] = [
    "panicked",
    "rusqlite",
    "sqlite",
    "SQLITE",
    "duckdb",
    "src/",
    ".rs:",
    "unwrap",
    "/tmp",
    "RUST_BACKTRACE",
    "serde",
    "stack",
];

#[derive(Debug, Clone)]
enum Mutation {
    /// A byte of the text becomes another.
    Byte(Index, u8),
    /// The text ends early.
    Cut(Index),
    /// A piece of the text stands twice.
    Repeat(Index, Index),
    /// A field gets another value.
    Value(Index, Value),
    /// A field goes.
    Drop(Index),
    /// A field gets another name.
    Rename(Index, String),
}

fn values() -> impl Strategy<Value = Value> {
    let odd = select(vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("';DROP TABLE runs;--"),
        json!("../../etc/passwd"),
        json!("{{x}}"),
        json!("x".repeat(5000)),
        json!("ünïcödé \u{202e}"),
        json!([]),
        json!({}),
        json!([[[[]]]]),
        json!({"a": {"b": []}}),
        json!("9999-99-99"),
        json!("0000-01-01"),
        json!("-9999-01-01"),
        json!("9999-12-31T23:59:60Z"),
        json!("000099"),
        json!("PROD"),
    ]);
    prop_oneof![3 => odd, 1 => ".{0,40}".prop_map(Value::from), 1 => any::<i64>().prop_map(Value::from)]
}

fn mutations() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        any::<Index>().prop_map(Mutation::Cut),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
        (any::<Index>(), values()).prop_map(|(at, value)| Mutation::Value(at, value)),
        any::<Index>().prop_map(Mutation::Drop),
        (any::<Index>(), ".{0,12}").prop_map(|(at, name)| Mutation::Rename(at, name)),
    ]
}

impl Mutation {
    fn apply(&self, body: &Value) -> Vec<u8> {
        let mut text = body.to_string().into_bytes();
        let mut object = body.as_object().unwrap().clone();
        let key = |at: &Index| at.get(&object.keys().cloned().collect::<Vec<_>>()).clone();
        match self {
            Self::Byte(at, byte) => {
                let at = at.index(text.len());
                text[at] = *byte;
                return text;
            }
            Self::Cut(at) => {
                text.truncate(at.index(text.len()));
                return text;
            }
            Self::Repeat(from, to) => {
                let (from, to) = (from.index(text.len()), to.index(text.len()));
                let piece = text[from.min(to)..from.max(to)].to_vec();
                text.splice(from..from, piece);
                return text;
            }
            Self::Value(at, value) => drop(object.insert(key(at), value.clone())),
            Self::Drop(at) => drop(object.shift_remove(&key(at))),
            Self::Rename(at, name) => {
                let value = object.shift_remove(&key(at)).unwrap();
                object.insert(name.clone(), value);
            }
        }
        Value::Object(object).to_string().into_bytes()
    }
}

#[tokio::test]
async fn mutated_requests_get_clean_answers() {
    let house = House::open().await;
    house.deploy(table_to_table("nothing", ACCOUNT), &[("one.sql", "SELECT 1 AS one")]).await;
    let token = house.token(ACCOUNT, Role::Admin).await;
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, b"mutated requests, the same ones!");
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let requests: Vec<_> = rules().map(|(path, action, _)| (path, request(action))).collect();
    let strategy = prop::collection::vec(mutations(), 1..3);
    for n in 0..HOW_MANY {
        let (path, body) = &requests[n % requests.len()];
        let mutations = strategy.new_tree(&mut runner).unwrap().current();
        let mutated =
            mutations.iter().fold(body.to_string().into_bytes(), |text, mutation| {
                match serde_json::from_slice::<Value>(&text) {
                    Ok(value) if value.as_object().is_some_and(|object| !object.is_empty()) => mutation.apply(&value),
                    _ => text,
                }
            });
        let shown = String::from_utf8_lossy(&mutated).into_owned();
        let answer = house.post(path, &token, mutated).await;
        let status = answer.status.as_u16();
        assert!(status < 500, "{mutations:?} of {path}: {shown}: {}", answer.text);
        if status >= 300 {
            let json = answer.json();
            assert_eq!(json["code"], status, "{shown}: {json}");
            assert!(json["error"].is_string() && json["data"].is_object(), "{shown}: {json}");
            let message = json["message"].as_str().unwrap();
            let ours: Vec<_> =
                INTERNAL.into_iter().filter(|word| message.contains(word) && !shown.contains(word)).collect();
            assert!(ours.is_empty(), "{ours:?} in the answer to {shown}: {json}");
        }
    }
}
