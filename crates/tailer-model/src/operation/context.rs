//! context: named constants for other configurations (`spec/data-operations.md`, context).

mod describe;

use serde_json::Value;

use crate::{constants::is_reserved, json::describe, reader::Fields, text::text_enum};

/// The constants of a context, in file order.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    pub parameters: Vec<Parameter>,
}

/// One constant; its value has the type that the file declares.
#[derive(Clone, PartialEq)]
pub struct Parameter {
    pub name: String,
    pub value: Value,
    pub resource: Option<String>,
    pub description: Option<String>,
}

impl std::fmt::Debug for Parameter {
    /// Without the value, which may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parameter").field("name", &self.name).finish_non_exhaustive()
    }
}

text_enum! {
    enum ParameterType {
        Integer = "integer",
        String = "string",
        Float = "float",
        Boolean = "boolean",
        Object = "object",
    }
}

impl ParameterType {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::String => value.is_string(),
            Self::Float => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Object => value.is_object() || value.is_array(),
        }
    }
}

impl Context {
    pub(super) fn read(fields: &Fields<'_>) -> Option<Self> {
        fields.ignore(&["gcp_project_id"]);
        let all = fields.required("parameters", Fields::object)?;
        let read = all.entries().into_iter().map(|(name, path, value)| {
            let named = check_name(name).map_err(|message| fields.reader.error(&path, message)).is_ok();
            let parameter = Parameter::read(name, &all.entry(path, value)?);
            parameter.filter(|_| named)
        });
        let parameters = read.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>()?;
        Some(Self { parameters })
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let word = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if !word {
        return Err(
            "the name of a constant has letters, digits, \"_\", \"-\" and \".\", and starts with a letter".to_owned()
        );
    }
    if is_reserved(name) {
        return Err(format!("\"{name}\" is a reserved name"));
    }
    Ok(())
}

impl Parameter {
    fn read(name: &str, fields: &Fields<'_>) -> Option<Self> {
        let kind: Option<ParameterType> = fields.required("type", Fields::choice);
        let value = fields.required("value", |f, name| f.value(name));
        let resource = fields.optional_text("resource");
        let description = fields.optional_text("description");
        fields.finish();
        let (kind, (path, value)) = (kind?, value?);
        if !kind.fits(value) {
            // A constant may be a secret: what was found is not quoted.
            let found = if value.is_string() { "a string".to_owned() } else { describe(value) };
            fields.reader.error(path, format!("\"type\" says {kind}, found {found}"));
            return None;
        }
        Some(Self { name: name.to_owned(), value: value.clone(), resource, description })
    }
}
