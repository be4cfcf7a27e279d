//! context: named constants for other configurations (`spec/data-operations.md`, context).

use serde_json::Value;

#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    pub parameters: Vec<Parameter>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    pub name: String,
    pub value: Value,
    pub resource: Option<String>,
    pub description: Option<String>,
}
