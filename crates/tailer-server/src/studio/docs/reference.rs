//! The API reference: what `/openapi.json` says, for people, with a request that can be sent and an answer as it looks.
//!
//! Actions and roles come from the table in `access`, everything else from the document. Examples are made of the schemas; where a
//! schema does not tell what is usual, [`USUAL`] does. That the requests are understood is tested against a server.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::{
    super::markdown::{self, SafeHtml},
    texts::PREFIX,
};
use crate::{
    access::{Action, RULES, Route, Rule},
    api::openapi,
};

/// A path, with what can be asked there.
pub(super) struct Endpoint {
    pub(super) id: String,
    pub(super) method: &'static str,
    pub(super) path: String,
    /// For endpoints without actions.
    pub(super) about: SafeHtml,
    pub(super) actions: Vec<ActionDoc>,
    /// Statuses and when they are answered.
    pub(super) errors: Vec<(String, String)>,
}

pub(super) struct ActionDoc {
    pub(super) name: &'static str,
    pub(super) role: &'static str,
    pub(super) does: &'static str,
    pub(super) fields: Vec<FieldDoc>,
    /// For a shell.
    pub(super) request: String,
    pub(super) answer: String,
}

pub(super) struct FieldDoc {
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) takes: String,
    pub(super) about: String,
}

/// What stands in examples, by the name of a field.
static USUAL: LazyLock<Map<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default());

/// Schemas lead no deeper in what is shown.
const DEEPEST: usize = 8;

/// The document that programs get, read once.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&openapi::document()).unwrap_or_default());

/// All endpoints: first those with actions, in the order of the table.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let Some(paths) = DOCUMENT["paths"].as_object() else { return Vec::new() };
    let mut all: Vec<Endpoint> = paths.iter().flat_map(|(path, item)| endpoint(path, item)).collect();
    all.sort_by_key(|endpoint| endpoint.actions.is_empty());
    all
}

fn endpoint(path: &str, item: &Value) -> Vec<Endpoint> {
    let of = |(key, method): (&str, &'static str)| {
        let operation = item.get(key)?;
        let route = Route::ALL.into_iter().find(|route| route.path() == path);
        let rules = RULES.iter().filter(|rule| Some(rule.route) == route);
        let about = operation["description"].as_str().filter(|_| route.is_none());
        let about = about.or_else(|| operation["summary"].as_str()).unwrap_or_default();
        let responses = operation["responses"].as_object().into_iter().flatten();
        let errors = responses.filter(|(status, _)| status.starts_with(['4', '5']));
        let id = format!("{PREFIX}{}", path.trim_matches('/').replace(['/', '.'], "-"));
        Some(Endpoint {
            about: markdown::render(about, 3, &id),
            id,
            method,
            path: path.to_owned(),
            actions: rules.map(action).collect(),
            errors: errors
                .map(|(status, response)| (status.clone(), words(&response["description"]).to_owned()))
                .collect(),
        })
    };
    [("get", "GET"), ("post", "POST")].into_iter().filter_map(of).collect()
}

fn action(rule: &Rule) -> ActionDoc {
    let schema = component(&openapi::request_name(rule));
    let required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let properties = || schema["properties"].as_object().into_iter().flatten();
    let fields = properties().map(|(name, schema)| FieldDoc {
        name: name.clone(),
        required: required(name),
        takes: takes(schema),
        about: words(&schema["description"]).to_owned(),
    });
    let mut body = Map::new();
    for (name, schema) in properties().filter(|(name, _)| required(name) || is_shown(rule.action, name)) {
        let value = match (name.as_str(), rule.route) {
            ("action", _) => rule.name.into(),
            ("configuration_type", Route::Workflows) => "workflow".into(),
            ("configuration_id", Route::Workflows) => "retail-when-loaded_DEV".into(),
            _ => example(name, schema, 0),
        };
        body.insert(name.clone(), value);
    }
    ActionDoc {
        name: rule.name,
        role: rule.role.as_str(),
        does: rule.does,
        fields: fields.collect(),
        request: curl(rule.route.path(), &Value::Object(body)),
        answer: pretty(&example("", &openapi::answer_schema(rule.action), 0)),
    }
}

/// Fields that may be left out, and without which an example is none.
fn is_shown(action: Action, field: &str) -> bool {
    match action {
        Action::AddNote | Action::ListNotes | Action::GetExpectations => field == "run_id",
        Action::LaunchJob => field == "execution_date",
        Action::SetConfigurationStatus => field == "activated",
        Action::DeployConfiguration | Action::CheckConfiguration => matches!(field, "configuration" | "files"),
        _ => false,
    }
}

fn curl(path: &str, body: &Value) -> String {
    // A quote inside single quotes of a shell.
    let body = pretty(body).replace('\'', r"'\''");
    format!(
        "curl --request POST \\\n  --header \"content-type: application/json\" \\\n  \
         --header \"Authorization: Bearer ${{TAILERD_TOKEN}}\" \\\n  --data '{body}' \\\n  \"${{TAILERD_SERVER}}{path}\""
    )
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn component(name: &str) -> &'static Value {
    &DOCUMENT["components"]["schemas"][name]
}

/// What a reference leads to; itself for what is none.
fn followed(schema: &Value) -> &Value {
    match schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        Some(name) => component(name),
        None => schema,
    }
}

fn choices<'a>(schema: &'a Value, of: &str) -> &'a [Value] {
    schema[of].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// What a field takes, in words.
fn takes(schema: &Value) -> String {
    let schema = followed(schema);
    let values: Vec<&str> = choices(schema, "enum").iter().filter_map(Value::as_str).collect();
    match values.as_slice() {
        [] => {}
        [one] => return format!("\"{one}\""),
        several => return several.join(", "),
    }
    let of: Vec<String> = choices(schema, "oneOf").iter().map(takes).collect();
    if !of.is_empty() {
        return of.join(" or ");
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(several) => several.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        one => vec![one.as_str().unwrap_or("anything")],
    };
    let kind = kinds.join(" or ");
    if kind == "array" {
        return format!("array of {}", takes(&schema["items"]));
    }
    match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
        (Some(least), Some(most)) => format!("{kind}, {least} to {most}"),
        (Some(least), None) => format!("{kind}, at least {least}"),
        _ => kind,
    }
}

/// A value that fits a schema; `name` is the field it is for.
fn example(name: &str, schema: &Value, depth: usize) -> Value {
    if let Some(usual) = USUAL.get(name) {
        return usual.clone();
    }
    if depth > DEEPEST {
        return Value::Null;
    }
    let schema = followed(schema);
    let given =
        [schema.pointer("/examples/0"), schema.get("example"), schema.get("default"), schema.pointer("/enum/0")];
    if let Some(given) = given.into_iter().flatten().next() {
        return given.clone();
    }
    // Several that are one: what is flattened into another.
    let parts = choices(schema, "allOf").iter().map(|part| example(name, part, depth + 1));
    let mut object: Map<String, Value> = parts.filter_map(|part| part.as_object().cloned()).flatten().collect();
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        object.insert(name.clone(), example(name, schema, depth + 1));
    }
    if !object.is_empty() {
        return Value::Object(object);
    }
    let choice = choices(schema, "oneOf").iter().chain(choices(schema, "anyOf")).find(|one| one["type"] != "null");
    if let Some(choice) = choice {
        return example(name, choice, depth + 1);
    }
    let kind = schema["type"].as_str().or_else(|| choices(schema, "type").first()?.as_str());
    match kind {
        Some("string") => "…".into(),
        Some("integer" | "number") => schema["minimum"].as_i64().unwrap_or(1).into(),
        Some("boolean") => true.into(),
        Some("array") => json!([example("", &schema["items"], depth + 1)]),
        Some("object") => json!({}),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_described_with_all_its_fields() {
        let endpoints = endpoints();
        let actions: Vec<&ActionDoc> = endpoints.iter().flat_map(|endpoint| &endpoint.actions).collect();
        assert_eq!(actions.len(), RULES.len());
        for action in actions {
            assert!(action.fields.iter().any(|field| field.name == "account" || field.name == "configuration"));
            assert!(action.fields.iter().all(|field| !field.takes.is_empty()), "{}", action.name);
            assert!(action.answer.len() > 4, "{}: {}", action.name, action.answer);
            assert!(action.request.contains(&format!("\"action\": \"{}\"", action.name)), "{}", action.request);
        }
        assert_eq!(endpoints.len(), DOCUMENT["paths"].as_object().unwrap().len());
        assert!(endpoints.iter().all(|endpoint| !endpoint.actions.is_empty() || !endpoint.about.as_str().is_empty()));
    }

    #[test]
    fn fields_say_what_they_take() {
        for (schema, expect) in [
            (json!({"type": "string"}), "string"),
            (json!({"type": "string", "enum": ["DEV", "PROD"]}), "DEV, PROD"),
            (json!({"type": "string", "enum": ["launch_job"]}), "\"launch_job\""),
            (json!({"type": "integer", "minimum": 1, "maximum": 9}), "integer, 1 to 9"),
            (json!({"type": ["integer", "null"], "minimum": 1}), "integer, at least 1"),
            (json!({"type": "array", "items": {"type": "string"}}), "array of string"),
            (json!({"oneOf": [{"type": "string"}, {"type": "object"}]}), "string or object"),
        ] {
            assert_eq!(takes(&schema), expect, "{schema}");
        }
    }

    #[test]
    fn examples_fit_their_schemas() {
        for (name, schema, expect) in [
            ("account", json!({"type": "string"}), json!("000099")),
            ("x", json!({"type": "string", "examples": ["a"]}), json!("a")),
            (
                "x",
                json!({"allOf": [{"properties": {"a1": {"type": "boolean"}}}, {"properties": {"b1": {"type": "array", "items": {"type": "integer", "minimum": 2}}}}]}),
                json!({"a1": true, "b1": [2]}),
            ),
            ("x", json!({"oneOf": [{"type": "null"}, {"type": "object"}]}), json!({})),
        ] {
            assert_eq!(example(name, &schema, 0), expect, "{schema}");
        }
        let endless = component("RunDetails");
        assert!(example("", endless, 0).get("tasks").is_some());
    }
}
