//! JSON accessors with literal paths.

use super::{Call, Code, literal_text};
use crate::googlesql::{
    error::{Result, invalid, unsupported},
    scope::{Ex, text},
    types::Type,
};

pub(super) const CODE: &[(&str, Code)] = &[
    ("JSON_VALUE", |c| access(c, "JSON_VALUE", true)),
    ("JSON_EXTRACT_SCALAR", |c| access(c, "JSON_EXTRACT_SCALAR", true)),
    ("JSON_QUERY", |c| access(c, "JSON_QUERY", false)),
    ("JSON_EXTRACT", |c| access(c, "JSON_EXTRACT", false)),
];

fn access(call: &Call, name: &str, scalar: bool) -> Result<Ex> {
    call.expect(name, 1..=2)?;
    let path = if call.args.len() == 2 { literal_text(call, 1, "a JSON path")? } else { "$" };
    check_path(path).ok_or_else(|| unsupported(format!("the JSON path {path}"), call.at))?;
    let value = call.arg(0)?;
    let is_json = match value.ty {
        Type::Json => true,
        Type::String => false,
        _ if value.is_null() => false,
        ref other => return Err(invalid(format!("{name} wants JSON or STRING, found {other}"), call.at)),
    };
    let json = if is_json { value.sql.clone() } else { format!("gs_json_or_null({})", value.sql) };
    let path = text(path);
    if scalar {
        return Ok(Ex::new(format!("gs_json_scalar({json}, {path})"), Type::String));
    }
    if is_json {
        return Ok(Ex::new(format!("json_extract({json}, {path})"), Type::Json));
    }
    Ok(Ex::new(format!("gs_json_text({json}, {path})"), Type::String))
}

/// `$`, `.name` and `[0]`: what both sides read the same way.
fn check_path(path: &str) -> Option<()> {
    let mut rest = path.strip_prefix('$')?;
    while !rest.is_empty() {
        if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let plain = end > 0 && name[..end].chars().all(|c| c.is_alphanumeric() || c == '_');
            if !plain {
                return None;
            }
            rest = &name[end..];
        } else {
            let index = rest.strip_prefix('[')?;
            let end = index.find(']')?;
            if end == 0 || !index[..end].bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            rest = &index[end + 1..];
        }
    }
    Some(())
}
