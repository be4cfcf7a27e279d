//! Files of a deployment: base64 by name (`spec/api.md`, deploy).

use std::collections::BTreeMap;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};

use super::{string, text};
use crate::{
    fields::{Field, Mistake},
    json::Object,
};

/// Contents by the name that the configuration uses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files(pub(crate) BTreeMap<String, Vec<u8>>);

/// Standard alphabet, padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Field for Files {
    const EXPECTED: &'static str = "an object that gives each file's content in base64 by its name";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        let object: Object<'_> = serde_json::from_str(raw.get()).map_err(|_| Mistake::Value)?;
        let mut wrong = Vec::new();
        let mut files = BTreeMap::new();
        for (name, raw) in object.0 {
            match string(raw).ok().and_then(|text| BASE64.decode(text.as_bytes()).ok()) {
                Some(content) => drop(files.insert(name.into_owned(), content)),
                None => wrong.push((format!("[{name:?}]"), "the file's content in base64".to_owned())),
            }
        }
        if wrong.is_empty() { Ok(Self(files)) } else { Err(Mistake::Below(wrong)) }
    }
    fn schema() -> Schema {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::RefOr(text().content_encoding("base64").into())))
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Files, Mistake> {
        Files::read(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn files_are_base64_with_or_without_padding() {
        let files = read(r#"{"a.sql": "YQ==", "b": "YQ", "empty": ""}"#).unwrap().0;
        assert_eq!(files.into_values().collect::<Vec<_>>(), [b"a".to_vec(), b"a".to_vec(), Vec::new()]);
        let Err(Mistake::Below(wrong)) = read(r#"{"a.sql": "*", "b": 1, "c": "YQ"}"#) else {
            panic!("two files are wrong");
        };
        assert_eq!(wrong.into_iter().map(|w| w.0).collect::<Vec<_>>(), ["[\"a.sql\"]", "[\"b\"]"]);
    }
}
