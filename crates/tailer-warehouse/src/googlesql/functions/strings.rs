//! Strings, bytes and hashes.

use sqlparser::ast::Expr;

use super::{
    Call, Code, Template,
    packing::{For, packed},
};
use crate::googlesql::{
    coerce,
    error::{Result, invalid},
    operators,
    scope::{Ex, text},
    types::Type,
};

pub(super) const TEMPLATES: &[Template] = &[
    ("LOWER", "STRING", "STRING", "gsn_lower({0})"),
    ("LOWER", "BYTES", "BYTES", "gsn_lower_bytes({0})"),
    ("UPPER", "STRING", "STRING", "gsn_upper({0})"),
    ("UPPER", "BYTES", "BYTES", "gsn_upper_bytes({0})"),
    ("INITCAP", "STRING", "STRING", "gsn_initcap({0})"),
    ("INITCAP", "STRING STRING", "STRING", "gsn_initcap({0}, {1})"),
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
    ("TRIM", "BYTES BYTES", "BYTES", "gsn_trim_bytes({0}, {1}, 'TRIM')"),
    ("LTRIM", "STRING", "STRING", "gs_ltrim({0})"),
    ("LTRIM", "STRING STRING", "STRING", "ltrim({0}, {1})"),
    ("LTRIM", "BYTES BYTES", "BYTES", "gsn_trim_bytes({0}, {1}, 'LTRIM')"),
    ("RTRIM", "STRING", "STRING", "gs_rtrim({0})"),
    ("RTRIM", "STRING STRING", "STRING", "rtrim({0}, {1})"),
    ("RTRIM", "BYTES BYTES", "BYTES", "gsn_trim_bytes({0}, {1}, 'RTRIM')"),
    ("REPLACE", "STRING STRING STRING", "STRING", "gs_replace({0}, {1}, {2})"),
    ("REPLACE", "BYTES BYTES BYTES", "BYTES", "gsn_replace_bytes({0}, {1}, {2})"),
    ("REVERSE", "STRING", "STRING", "gsn_reverse({0})"),
    ("REVERSE", "BYTES", "BYTES", "gsn_reverse_bytes({0})"),
    ("REPEAT", "STRING INT64", "STRING", "gsn_repeat({0}, {1})"),
    ("REPEAT", "BYTES INT64", "BYTES", "gsn_repeat_bytes({0}, {1})"),
    ("STARTS_WITH", "STRING STRING", "BOOL", "starts_with({0}, {1})"),
    ("STARTS_WITH", "BYTES BYTES", "BOOL", "gsn_starts_with({0}, {1})"),
    ("ENDS_WITH", "STRING STRING", "BOOL", "suffix({0}, {1})"),
    ("ENDS_WITH", "BYTES BYTES", "BOOL", "gsn_ends_with({0}, {1})"),
    ("STRPOS", "STRING STRING", "INT64", "CAST(strpos({0}, {1}) AS BIGINT)"),
    ("STRPOS", "BYTES BYTES", "INT64", "gsn_strpos({0}, {1})"),
    ("INSTR", "STRING STRING", "INT64", "gsn_instr({0}, {1}, 1::BIGINT, 1::BIGINT)"),
    ("INSTR", "STRING STRING INT64", "INT64", "gsn_instr({0}, {1}, {2}, 1::BIGINT)"),
    ("INSTR", "STRING STRING INT64 INT64", "INT64", "gsn_instr({0}, {1}, {2}, {3})"),
    ("INSTR", "BYTES BYTES", "INT64", "gsn_instr({0}, {1}, 1::BIGINT, 1::BIGINT)"),
    ("INSTR", "BYTES BYTES INT64", "INT64", "gsn_instr({0}, {1}, {2}, 1::BIGINT)"),
    ("INSTR", "BYTES BYTES INT64 INT64", "INT64", "gsn_instr({0}, {1}, {2}, {3})"),
    ("SUBSTR", "STRING INT64", "STRING", "gs_substr({0}, {1})"),
    ("SUBSTR", "STRING INT64 INT64", "STRING", "gs_substr_length({0}, {1}, {2})"),
    ("SUBSTR", "BYTES INT64", "BYTES", "gsn_substr_bytes({0}, {1})"),
    ("SUBSTR", "BYTES INT64 INT64", "BYTES", "gsn_substr_bytes({0}, {1}, {2})"),
    ("SUBSTRING", "STRING INT64", "STRING", "gs_substr({0}, {1})"),
    ("SUBSTRING", "STRING INT64 INT64", "STRING", "gs_substr_length({0}, {1}, {2})"),
    ("SUBSTRING", "BYTES INT64", "BYTES", "gsn_substr_bytes({0}, {1})"),
    ("SUBSTRING", "BYTES INT64 INT64", "BYTES", "gsn_substr_bytes({0}, {1}, {2})"),
    ("LEFT", "STRING INT64", "STRING", "gs_left({0}, {1})"),
    ("LEFT", "BYTES INT64", "BYTES", "gsn_left_bytes({0}, {1})"),
    ("RIGHT", "STRING INT64", "STRING", "gs_right({0}, {1})"),
    ("RIGHT", "BYTES INT64", "BYTES", "gsn_right_bytes({0}, {1})"),
    ("LPAD", "STRING INT64", "STRING", "gsn_pad({0}, {1}, ' ', 'LPAD')"),
    ("LPAD", "STRING INT64 STRING", "STRING", "gsn_pad({0}, {1}, {2}, 'LPAD')"),
    ("LPAD", "BYTES INT64", "BYTES", "gsn_pad_bytes({0}, {1}, ' '::BLOB, 'LPAD')"),
    ("LPAD", "BYTES INT64 BYTES", "BYTES", "gsn_pad_bytes({0}, {1}, {2}, 'LPAD')"),
    ("RPAD", "STRING INT64", "STRING", "gsn_pad({0}, {1}, ' ', 'RPAD')"),
    ("RPAD", "STRING INT64 STRING", "STRING", "gsn_pad({0}, {1}, {2}, 'RPAD')"),
    ("RPAD", "BYTES INT64", "BYTES", "gsn_pad_bytes({0}, {1}, ' '::BLOB, 'RPAD')"),
    ("RPAD", "BYTES INT64 BYTES", "BYTES", "gsn_pad_bytes({0}, {1}, {2}, 'RPAD')"),
    ("SPLIT", "STRING", "ARRAY<STRING>", "string_split({0}, ',')"),
    ("SPLIT", "STRING STRING", "ARRAY<STRING>", "gs_split({0}, {1})"),
    ("SPLIT", "BYTES BYTES", "ARRAY<BYTES>", "gsn_split_bytes({0}, {1})"),
    ("TRANSLATE", "STRING STRING STRING", "STRING", "gsn_translate({0}, {1}, {2})"),
    ("TRANSLATE", "BYTES BYTES BYTES", "BYTES", "gsn_translate_bytes({0}, {1}, {2})"),
    ("SOUNDEX", "STRING", "STRING", "gsn_soundex({0})"),
    ("ASCII", "STRING", "INT64", "gs_ascii({0})"),
    ("UNICODE", "STRING", "INT64", "gs_unicode({0})"),
    ("CHR", "INT64", "STRING", "gsn_chr({0})"),
    ("TO_CODE_POINTS", "STRING", "ARRAY<INT64>", "gsn_to_code_points({0})"),
    ("TO_CODE_POINTS", "BYTES", "ARRAY<INT64>", "gsn_to_code_points({0})"),
    ("CODE_POINTS_TO_STRING", "ARRAY<INT64>", "STRING", "gsn_code_points_to_string({0})"),
    ("CODE_POINTS_TO_BYTES", "ARRAY<INT64>", "BYTES", "gsn_code_points_to_bytes({0})"),
    ("SAFE_CONVERT_BYTES_TO_STRING", "BYTES", "STRING", "gsn_bytes_to_text({0})"),
    ("TO_HEX", "BYTES", "STRING", "lower(hex({0}))"),
    ("FROM_HEX", "STRING", "BYTES", "gsn_from_hex({0})"),
    ("TO_BASE32", "BYTES", "STRING", "gsn_to_base32({0})"),
    ("FROM_BASE32", "STRING", "BYTES", "gsn_from_base32({0})"),
    ("TO_BASE64", "BYTES", "STRING", "to_base64({0})"),
    ("FROM_BASE64", "STRING", "BYTES", "from_base64({0})"),
    ("MD5", "STRING", "BYTES", "from_hex(md5({0}))"),
    ("MD5", "BYTES", "BYTES", "from_hex(md5({0}))"),
    ("SHA1", "STRING", "BYTES", "from_hex(sha1({0}))"),
    ("SHA1", "BYTES", "BYTES", "from_hex(sha1({0}))"),
    ("SHA256", "STRING", "BYTES", "from_hex(sha256({0}))"),
    ("SHA256", "BYTES", "BYTES", "from_hex(sha256({0}))"),
    ("SHA512", "STRING", "BYTES", "gsn_sha512({0})"),
    ("SHA512", "BYTES", "BYTES", "gsn_sha512({0})"),
    ("FARM_FINGERPRINT", "STRING", "INT64", "gsn_farm_fingerprint({0})"),
    ("FARM_FINGERPRINT", "BYTES", "INT64", "gsn_farm_fingerprint({0})"),
    ("CONTAINS_SUBSTR", "STRING STRING", "BOOL", "gsn_contains_substr({0}, {1})"),
    ("NORMALIZE", "STRING", "STRING", "gsn_normalize({0}, 'NFC')"),
    ("NORMALIZE", "STRING STRING", "STRING", "gsn_normalize({0}, {1})"),
    ("NORMALIZE_AND_CASEFOLD", "STRING", "STRING", "gsn_normalize_and_casefold({0}, 'NFC')"),
    ("NORMALIZE_AND_CASEFOLD", "STRING STRING", "STRING", "gsn_normalize_and_casefold({0}, {1})"),
];

/// The bare word that NORMALIZE takes.
pub(super) fn mode(name: &str, index: usize, expr: &Expr) -> Option<Ex> {
    let Expr::Identifier(ident) = expr else { return None };
    let mode = ident.value.to_ascii_uppercase();
    let known = matches!(mode.as_str(), "NFC" | "NFD" | "NFKC" | "NFKD");
    let takes = index == 1 && matches!(name, "NORMALIZE" | "NORMALIZE_AND_CASEFOLD");
    (known && takes).then(|| Ex::new(text(&mode), Type::String))
}

pub(super) const CODE: &[(&str, Code)] = &[("CONCAT", concat), ("FORMAT", format), ("EDIT_DISTANCE", edit_distance)];

fn concat(call: &Call) -> Result<Ex> {
    if call.args.is_empty() {
        return Err(invalid("CONCAT takes at least one argument", call.at));
    }
    if let Some(other) = call.args.iter().find(|a| !matches!(a.ty, Type::String | Type::Bytes) && !a.is_null()) {
        return Err(invalid(format!("CONCAT wants STRING or BYTES, found {}", other.ty), call.at));
    }
    operators::concat(call.args.clone(), call.at)
}

fn edit_distance(call: &Call) -> Result<Ex> {
    call.expect("EDIT_DISTANCE", 2..=2)?;
    let (sql, ty) = coerce::unify(call.args.clone(), "EDIT_DISTANCE", call.at)?;
    if !matches!(ty, Type::String | Type::Bytes) {
        return Err(invalid(format!("EDIT_DISTANCE wants STRING or BYTES, found {ty}"), call.at));
    }
    let limit = match call.named("max_distance") {
        Some(limit) => format!(", {}", coerce::to(limit.clone(), &Type::Int64, call.at)?),
        None => String::new(),
    };
    Ok(Ex::new(format!("gsn_edit_distance({}{limit})", sql.join(", ")), Type::Int64))
}

fn format(call: &Call) -> Result<Ex> {
    let pattern = call.typed(0, &Type::String)?;
    let packed = packed(call.args.get(1..).unwrap_or_default(), For::Text, call.at)?;
    let function = if call.args.len() == 1 { "gsn_format_plain" } else { "gsn_format" };
    Ok(Ex::new(format!("{function}({pattern}, {packed})"), Type::String))
}
