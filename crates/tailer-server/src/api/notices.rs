//! What storages write when an object has come: Google Pub/Sub's push envelope, the bare object resource, Amazon's event
//! records (S3 itself, or a compatible server's webhook), and the envelope of Amazon's notification service around them.
//!
//! Reads all of them into [`ObjectNotice`]s. What is well formed and says nothing of a new object is an empty list; what is of
//! none of these forms is refused, with the JSON path of what was expected.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use tailer_engine::ObjectNotice;
use tailer_model::operation::storage_to_storage::StorageKind;

use crate::errors::ApiError;

/// A notification, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Notices {
    pub(super) objects: Vec<ObjectNotice>,
    /// An address that a person must visit before the sender goes on sending.
    pub(super) confirm: Option<String>,
}

impl From<Vec<ObjectNotice>> for Notices {
    fn from(objects: Vec<ObjectNotice>) -> Self {
        Self { objects, confirm: None }
    }
}

/// A place in the body that is not what it should be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    path: String,
    expected: &'static str,
}

impl From<Wrong> for ApiError {
    fn from(Wrong { path, expected }: Wrong) -> Self {
        ApiError::bad_request("invalid_notification", format!("{path}: expected {expected}")).with_data("path", path)
    }
}

fn wrong(path: impl Into<String>, expected: &'static str) -> Wrong {
    Wrong { path: path.into(), expected }
}

const FORMS: &str = "a notification of a storage: `message` (Pub/Sub), `Records` (S3), `Type` and `Message` (SNS) or an \
                     object of `kind` storage#object";

/// Reads the body of a notification.
pub(super) fn read(body: &Value) -> Result<Notices, Wrong> {
    let object = body.as_object().ok_or_else(|| wrong("$", FORMS))?;
    if object.contains_key("message") {
        return pub_sub(object).map(Notices::from);
    }
    match object.get("Type").and_then(Value::as_str) {
        Some("Notification") => {
            let text = text(object, "$", "Message")?;
            let inner: Value = serde_json::from_str(text).map_err(|_| wrong("$.Message", "JSON in a string"))?;
            return s3(&inner, "$.Message").map(Notices::from);
        }
        Some("SubscriptionConfirmation") => {
            let confirm = Some(text(object, "$", "SubscribeURL")?.to_owned());
            return Ok(Notices { objects: Vec::new(), confirm });
        }
        Some("UnsubscribeConfirmation") => return Ok(Vec::new().into()),
        _ => {}
    }
    if is_resource(object) {
        return Ok(vec![resource(object, "$")?].into());
    }
    s3(body, "$").map(Notices::from)
}

fn text<'a>(object: &'a Map<String, Value>, path: &str, name: &str) -> Result<&'a str, Wrong> {
    match object.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(wrong(format!("{path}.{name}"), "a string")),
    }
}

fn map<'a>(value: &'a Value, path: &str, name: &str) -> Result<&'a Map<String, Value>, Wrong> {
    let found = value.get(name).and_then(Value::as_object);
    found.ok_or_else(|| wrong(format!("{path}.{name}"), "an object"))
}

/// `{"message": {"attributes": {…}, "data": base64}, "subscription": …}`. The attributes suffice; without them the data say it.
fn pub_sub(body: &Map<String, Value>) -> Result<Vec<ObjectNotice>, Wrong> {
    let message = body.get("message").and_then(Value::as_object).ok_or_else(|| wrong("$.message", "an object"))?;
    if let Some(attributes) = message.get("attributes").and_then(Value::as_object)
        && attributes.contains_key("eventType")
    {
        const PATH: &str = "$.message.attributes";
        if text(attributes, PATH, "eventType")? != "OBJECT_FINALIZE" {
            return Ok(Vec::new());
        }
        let (bucket, path) = (text(attributes, PATH, "bucketId")?, text(attributes, PATH, "objectId")?);
        return Ok(vec![gcs(bucket, path)]);
    }
    const DATA: &str = "$.message.data";
    let data = match message.get("data") {
        None | Some(Value::Null) => return Err(wrong("$.message.attributes.eventType", "a string")),
        Some(Value::String(data)) => BASE64_STANDARD.decode(data).ok(),
        Some(_) => None,
    };
    let data = data.ok_or_else(|| wrong(DATA, "base64 in a string"))?;
    let object: Map<String, Value> =
        serde_json::from_slice(&data).map_err(|_| wrong(DATA, "a JSON object, encoded in base64"))?;
    Ok(vec![resource(&object, DATA)?])
}

fn is_resource(object: &Map<String, Value>) -> bool {
    object.get("kind").and_then(Value::as_str) == Some("storage#object")
}

fn resource(object: &Map<String, Value>, path: &str) -> Result<ObjectNotice, Wrong> {
    Ok(gcs(text(object, path, "bucket")?, text(object, path, "name")?))
}

fn gcs(bucket: &str, path: &str) -> ObjectNotice {
    ObjectNotice { kind: StorageKind::Gcs, bucket: bucket.to_owned(), path: path.to_owned() }
}

/// `{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name"}, "object": {"key"}}}]}`, or the test event.
fn s3(body: &Value, at: &str) -> Result<Vec<ObjectNotice>, Wrong> {
    if body.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(Vec::new());
    }
    let records = match body.get("Records") {
        Some(Value::Array(records)) => records,
        Some(_) => return Err(wrong(format!("{at}.Records"), "an array")),
        None if at == "$" => return Err(wrong(at, FORMS)),
        None => return Err(wrong(format!("{at}.Records"), "an array")),
    };
    let mut objects = Vec::new();
    for (index, record) in records.iter().enumerate() {
        let at = format!("{at}.Records[{index}]");
        let fields = record.as_object().ok_or_else(|| wrong(at.as_str(), "an object"))?;
        let event = text(fields, &at, "eventName")?;
        if !event.trim_start_matches("s3:").starts_with("ObjectCreated:") {
            continue;
        }
        let (inside, s3) = (format!("{at}.s3"), map(record, &at, "s3")?);
        let s3 = Value::Object(s3.clone());
        let bucket = text(map(&s3, &inside, "bucket")?, &format!("{inside}.bucket"), "name")?.to_owned();
        let key = text(map(&s3, &inside, "object")?, &format!("{inside}.object"), "key")?;
        let path = decoded(key).ok_or_else(|| wrong(format!("{inside}.object.key"), "a key in UTF-8, URL-encoded"))?;
        objects.push(ObjectNotice { kind: StorageKind::S3, bucket, path });
    }
    Ok(objects)
}

/// Keys come as in the query of an address: `+` is a space.
fn decoded(key: &str) -> Option<String> {
    percent_decode_str(&key.replace('+', " ")).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The objects as `kind://bucket/path`, or the path of what is wrong.
    fn check(body: &Value, expect: Result<&[&str], &str>) {
        let found = read(body).map(|notices| {
            let written = |o: &ObjectNotice| format!("{}://{}/{}", o.kind, o.bucket, o.path);
            notices.objects.iter().map(written).collect::<Vec<_>>()
        });
        let expect = expect.map(|all| all.iter().map(|o| (*o).to_owned()).collect::<Vec<_>>());
        assert_eq!(found.map_err(|w| w.path), expect.map_err(str::to_owned), "{body}");
    }

    fn record(event: &str, key: &str) -> Value {
        json!({"eventSource": "aws:s3", "eventName": event, "s3": {"bucket": {"name": "b"}, "object": {"key": key, "size": 1}}})
    }

    #[test]
    fn pub_sub_says_it_in_attributes_or_data() {
        let message = |attributes: Value, data: Value| json!({"message": {"attributes": attributes, "data": data, "messageId": "1"}, "subscription": "s"});
        let attributes = |event: &str| json!({"eventType": event, "bucketId": "b", "objectId": "in/a b+c.csv"});
        let encoded = |value: Value| json!(BASE64_STANDARD.encode(value.to_string()));
        check(&message(attributes("OBJECT_FINALIZE"), json!("")), Ok(&["gcs://b/in/a b+c.csv"]));
        check(&message(attributes("OBJECT_DELETE"), json!("")), Ok(&[]));
        let resource = json!({"kind": "storage#object", "bucket": "b", "name": "x"});
        check(&message(Value::Null, encoded(resource.clone())), Ok(&["gcs://b/x"]));
        check(&resource, Ok(&["gcs://b/x"]));
        check(
            &message(json!({"eventType": "OBJECT_FINALIZE", "bucketId": "b"}), json!("")),
            Err("$.message.attributes.objectId"),
        );
        check(&message(Value::Null, Value::Null), Err("$.message.attributes.eventType"));
        check(&message(Value::Null, json!("%")), Err("$.message.data"));
        check(&message(Value::Null, encoded(json!([1]))), Err("$.message.data"));
        check(&message(Value::Null, encoded(json!({"bucket": "b"}))), Err("$.message.data.name"));
        check(&json!({"message": 1}), Err("$.message"));
    }

    #[test]
    fn s3_says_it_in_records_itself_or_through_sns() {
        let records = json!({"Records": [
            record("ObjectCreated:Put", "in/a+b%2Bc%C3%A9.csv"), record("ObjectRemoved:Delete", "x"),
            record("s3:ObjectCreated:CompleteMultipartUpload", "y"),
        ]});
        let all: &[&str] = &["s3://b/in/a b+cé.csv", "s3://b/y"];
        check(&records, Ok(all));
        check(&json!({"Type": "Notification", "MessageId": "1", "Message": records.to_string()}), Ok(all));
        let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"});
        check(&test, Ok(&[]));
        check(&json!({"Type": "Notification", "Message": test.to_string()}), Ok(&[]));
        check(&json!({"Records": []}), Ok(&[]));
        check(&json!({"Records": [record("ObjectCreated:Put", "%FF")]}), Err("$.Records[0].s3.object.key"));
        check(&json!({"Records": [record("ObjectCreated:Put", "x"), 1]}), Err("$.Records[1]"));
        check(&json!({"Records": [{"eventName": "ObjectCreated:Put"}]}), Err("$.Records[0].s3"));
        check(&json!({"Records": [{"eventName": "ObjectCreated:Put", "s3": {}}]}), Err("$.Records[0].s3.bucket"));
        check(&json!({"Records": 1}), Err("$.Records"));
        check(&json!({"Type": "Notification", "Message": "x"}), Err("$.Message"));
        check(&json!({"Type": "Notification", "Message": "{}"}), Err("$.Message.Records"));
        check(&json!({}), Err("$"));
        check(&json!([]), Err("$"));
    }

    #[test]
    fn a_subscription_is_for_a_person_to_confirm() {
        let body =
            json!({"Type": "SubscriptionConfirmation", "SubscribeURL": "https://sns.example.com/?Action=Confirm"});
        let notices = read(&body).unwrap();
        assert_eq!(notices.confirm.as_deref(), Some("https://sns.example.com/?Action=Confirm"));
        assert!(notices.objects.is_empty());
    }
}
