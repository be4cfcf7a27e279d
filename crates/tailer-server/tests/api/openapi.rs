//! The OpenAPI document against its golden file: every change of the interface shows in review.

use serde_json::Value;
use tailer_server::rules;

use crate::support::House;

#[tokio::test]
async fn the_document_is_served_without_a_token_and_is_the_golden_one() {
    let house = House::open().await;
    let answer = house.get("/openapi.json").await;
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.text, tailer_server::openapi_document());
    let mut document = answer.is_fine();
    document["info"]["version"] = "[version]".into();
    insta::assert_json_snapshot!("openapi", document);
}

#[test]
fn it_knows_every_action_and_every_reference_leads_somewhere() {
    let document: Value = serde_json::from_str(&tailer_server::openapi_document()).unwrap();
    for (path, action, role) in rules() {
        let about = document["paths"][path]["post"]["description"].as_str().unwrap();
        assert!(about.contains(&format!("| `{action}` | {role} |")), "{action} in {about}");
    }
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            references.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|value| collect(value, references));
        }
        Value::Array(array) => array.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}
