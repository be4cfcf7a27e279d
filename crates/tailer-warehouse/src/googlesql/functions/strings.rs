//! Strings, bytes and hashes.

use super::{Call, Code, Template, literal_text};
use crate::googlesql::{
    coerce,
    error::{Result, invalid, unsupported},
    operators,
    scope::{Ex, text},
    types::Type,
};

pub(super) const TEMPLATES: &[Template] = &[
    ("LOWER", "STRING", "STRING", "lower({0})"),
    ("UPPER", "STRING", "STRING", "upper({0})"),
    ("INITCAP", "STRING", "STRING", "gs_initcap({0})"),
    ("LENGTH", "STRING", "INT64", "CAST(length({0}) AS BIGINT)"),
    ("LENGTH", "BYTES", "INT64", "CAST(octet_length({0}) AS BIGINT)"),
    ("CHAR_LENGTH", "STRING", "INT64", "CAST(length({0}) AS BIGINT)"),
    ("CHARACTER_LENGTH", "STRING", "INT64", "CAST(length({0}) AS BIGINT)"),
    ("BYTE_LENGTH", "STRING", "INT64", "CAST(strlen({0}) AS BIGINT)"),
    ("BYTE_LENGTH", "BYTES", "INT64", "CAST(octet_length({0}) AS BIGINT)"),
    ("OCTET_LENGTH", "STRING", "INT64", "CAST(strlen({0}) AS BIGINT)"),
    ("OCTET_LENGTH", "BYTES", "INT64", "CAST(octet_length({0}) AS BIGINT)"),
    ("TRIM", "STRING", "STRING", "gs_trim({0})"),
    ("TRIM", "STRING STRING", "STRING", "trim({0}, {1})"),
    ("LTRIM", "STRING", "STRING", "gs_ltrim({0})"),
    ("LTRIM", "STRING STRING", "STRING", "ltrim({0}, {1})"),
    ("RTRIM", "STRING", "STRING", "gs_rtrim({0})"),
    ("RTRIM", "STRING STRING", "STRING", "rtrim({0}, {1})"),
    ("REPLACE", "STRING STRING STRING", "STRING", "gs_replace({0}, {1}, {2})"),
    ("REVERSE", "STRING", "STRING", "gs_reverse({0})"),
    ("REPEAT", "STRING INT64", "STRING", "gs_repeat({0}, {1})"),
    ("STARTS_WITH", "STRING STRING", "BOOL", "starts_with({0}, {1})"),
    ("ENDS_WITH", "STRING STRING", "BOOL", "suffix({0}, {1})"),
    ("STRPOS", "STRING STRING", "INT64", "CAST(strpos({0}, {1}) AS BIGINT)"),
    ("INSTR", "STRING STRING", "INT64", "CAST(strpos({0}, {1}) AS BIGINT)"),
    ("SUBSTR", "STRING INT64", "STRING", "gs_substr({0}, {1})"),
    ("SUBSTR", "STRING INT64 INT64", "STRING", "gs_substr_length({0}, {1}, {2})"),
    ("SUBSTRING", "STRING INT64", "STRING", "gs_substr({0}, {1})"),
    ("SUBSTRING", "STRING INT64 INT64", "STRING", "gs_substr_length({0}, {1}, {2})"),
    ("LEFT", "STRING INT64", "STRING", "gs_left({0}, {1})"),
    ("RIGHT", "STRING INT64", "STRING", "gs_right({0}, {1})"),
    ("LPAD", "STRING INT64", "STRING", "gs_lpad({0}, {1}, ' ')"),
    ("LPAD", "STRING INT64 STRING", "STRING", "gs_lpad({0}, {1}, {2})"),
    ("RPAD", "STRING INT64", "STRING", "gs_rpad({0}, {1}, ' ')"),
    ("RPAD", "STRING INT64 STRING", "STRING", "gs_rpad({0}, {1}, {2})"),
    ("SPLIT", "STRING", "ARRAY<STRING>", "string_split({0}, ',')"),
    ("SPLIT", "STRING STRING", "ARRAY<STRING>", "gs_split({0}, {1})"),
    ("ASCII", "STRING", "INT64", "gs_ascii({0})"),
    ("UNICODE", "STRING", "INT64", "gs_unicode({0})"),
    ("CHR", "INT64", "STRING", "gs_chr({0})"),
    ("TO_HEX", "BYTES", "STRING", "lower(hex({0}))"),
    ("FROM_HEX", "STRING", "BYTES", "from_hex({0})"),
    ("TO_BASE64", "BYTES", "STRING", "to_base64({0})"),
    ("FROM_BASE64", "STRING", "BYTES", "from_base64({0})"),
    ("MD5", "STRING", "BYTES", "from_hex(md5({0}))"),
    ("MD5", "BYTES", "BYTES", "from_hex(md5({0}))"),
    ("SHA1", "STRING", "BYTES", "from_hex(sha1({0}))"),
    ("SHA1", "BYTES", "BYTES", "from_hex(sha1({0}))"),
    ("SHA256", "STRING", "BYTES", "from_hex(sha256({0}))"),
    ("SHA256", "BYTES", "BYTES", "from_hex(sha256({0}))"),
];

pub(super) const CODE: &[(&str, Code)] = &[("CONCAT", concat), ("FORMAT", format)];

fn concat(call: &Call) -> Result<Ex> {
    if call.args.is_empty() {
        return Err(invalid("CONCAT takes at least one argument", call.at));
    }
    if let Some(other) = call.args.iter().find(|a| !matches!(a.ty, Type::String | Type::Bytes) && !a.is_null()) {
        return Err(invalid(format!("CONCAT wants STRING or BYTES, found {}", other.ty), call.at));
    }
    operators::concat(call.args.clone(), call.at)
}

/// FORMAT with a literal format: `%d %i %s %f %t %%` with flags `-`, `0`, width and precision.
fn format(call: &Call) -> Result<Ex> {
    let pattern = literal_text(call, 0, "a format of FORMAT")?.to_string();
    let mut parts: Vec<String> = Vec::new();
    let mut plain = String::new();
    let mut next = 1;
    let mut rest = pattern.as_str();
    while let Some(percent) = rest.find('%') {
        plain.push_str(&rest[..percent]);
        rest = &rest[percent + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            plain.push('%');
            rest = after;
            continue;
        }
        let end = rest.find(|c: char| c.is_ascii_alphabetic());
        let end = end.ok_or_else(|| invalid(format!("FORMAT: incomplete specifier in {pattern:?}"), call.at))?;
        let (flags, kind) = (&rest[..end], &rest[end..=end]);
        if !plain.is_empty() {
            parts.push(text(&std::mem::take(&mut plain)));
        }
        let arg = call.args.get(next).ok_or_else(|| invalid("FORMAT: an argument is missing", call.at))?;
        parts.push(specifier(flags, kind, arg, call)?);
        next += 1;
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
    if !plain.is_empty() || parts.is_empty() {
        parts.push(text(&plain));
    }
    if next != call.args.len() {
        return Err(invalid("FORMAT: more arguments than specifiers", call.at));
    }
    Ok(Ex::new(format!("({})", parts.join(" || ")), Type::String))
}

fn specifier(flags: &str, kind: &str, arg: &Ex, call: &Call) -> Result<String> {
    let refused = || unsupported(format!("FORMAT with %{flags}{kind}"), call.at);
    let width = flags.trim_start_matches(['-', '0']);
    let sensible = flags.len() - width.len() <= 1
        && width.chars().all(|c| c.is_ascii_digit() || c == '.')
        && width.matches('.').count() <= 1;
    if !sensible {
        return Err(refused());
    }
    match kind {
        "d" | "i" if !flags.contains('.') => {
            let arg = coerce::to(arg.clone(), &Type::Int64, call.at)?;
            Ok(format!("printf({}, {arg})", text(&format!("%{flags}d"))))
        }
        "f" => {
            let arg = coerce::to(arg.clone(), &Type::Float64, call.at)?;
            let precision = if flags.contains('.') { "" } else { ".6" };
            let sql = format!("printf({}, {arg})", text(&format!("%{flags}{precision}f")));
            Ok(format!(
                "(CASE WHEN isfinite({arg}) THEN {sql} WHEN {arg} IS NULL THEN NULL ELSE CAST(CAST('googlesql: FORMAT of a value that is not finite' AS BIGINT) AS VARCHAR) END)"
            ))
        }
        "s" | "t" if flags.is_empty() => match &arg.ty {
            Type::String => Ok(arg.sql.clone()),
            Type::Int64 | Type::Bool if !arg.is_null() => Ok(format!("CAST({} AS VARCHAR)", arg.sql)),
            Type::Date | Type::Datetime | Type::Time if kind == "t" => {
                crate::googlesql::cast::convert(&arg.sql, &arg.ty, &Type::String, call.at)
            }
            _ => Err(refused()),
        },
        "s" if !flags.contains(['.', '0'])
            || flags.trim_start_matches('-').starts_with(|c: char| ('1'..='9').contains(&c))
                && !flags.contains('.') =>
        {
            let arg = coerce::to(arg.clone(), &Type::String, call.at)?;
            let width = flags.trim_start_matches('-');
            let pad = format!("repeat(' ', greatest(0, {width} - length({arg})))");
            Ok(if flags.starts_with('-') { format!("({arg} || {pad})") } else { format!("({pad} || {arg})") })
        }
        _ => Err(refused()),
    }
}
