//! Arrays.

use super::{Call, Code, Template};
use crate::googlesql::{
    error::{Result, invalid},
    operators,
    scope::Ex,
    types::Type,
};

pub(super) const TEMPLATES: &[Template] = &[
    ("ARRAY_LENGTH", "ARRAY<T>", "INT64", "CAST(len({0}) AS BIGINT)"),
    ("ARRAY_REVERSE", "ARRAY<T>", "ARRAY<T>", "list_reverse({0})"),
    ("ARRAY_FIRST", "ARRAY<T>", "T", "gs_offset({0}, 0)"),
    ("ARRAY_LAST", "ARRAY<T>", "T", "gs_ordinal({0}, len({0}))"),
    ("ARRAY_TO_STRING", "ARRAY<STRING> STRING", "STRING", "gs_array_to_string({0}, {1})"),
    ("ARRAY_TO_STRING", "ARRAY<STRING> STRING STRING", "STRING", "gs_array_to_string_nulls({0}, {1}, {2})"),
    ("GENERATE_ARRAY", "INT64 INT64", "ARRAY<INT64>", "gs_generate_array({0}, {1}, 1)"),
    ("GENERATE_ARRAY", "INT64 INT64 INT64", "ARRAY<INT64>", "gs_generate_array({0}, {1}, {2})"),
];

pub(super) const CODE: &[(&str, Code)] = &[("ARRAY_CONCAT", concat)];

fn concat(call: &Call) -> Result<Ex> {
    if call.args.is_empty() {
        return Err(invalid("ARRAY_CONCAT takes at least one argument", call.at));
    }
    if let Some(other) = call.args.iter().find(|a| !matches!(a.ty, Type::Array(_)) && !a.is_null()) {
        return Err(invalid(format!("ARRAY_CONCAT wants ARRAYs, found {}", other.ty), call.at));
    }
    operators::concat(call.args.clone(), call.at)
}
