//! NORMALIZE, NORMALIZE_AND_CASEFOLD and what compares without case.

use unicode_normalization::UnicodeNormalization;

use super::{Answer, Gives, Native, Value, values::arg};

fn normalized(text: &str, mode: &str) -> String {
    match mode {
        "NFD" => text.nfd().collect(),
        "NFKC" => text.nfkc().collect(),
        "NFKD" => text.nfkd().collect(),
        _ => text.nfc().collect(),
    }
}

/// Full case folding: the small letters of the capitals of a letter are the same for all its forms.
fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// `(text, mode)`.
fn normalize(args: &[Value]) -> Answer {
    Ok(Value::Text(normalized(arg(args, 0)?.text()?, arg(args, 1)?.text()?)))
}

/// Folding may undo the form, so it is made before and after.
fn casefold(text: &str, mode: &str) -> String {
    normalized(&folded(&normalized(text, mode)), mode)
}

fn normalize_and_casefold(args: &[Value]) -> Answer {
    Ok(Value::Text(casefold(arg(args, 0)?.text()?, arg(args, 1)?.text()?)))
}

/// CONTAINS_SUBSTR of two texts.
fn contains(args: &[Value]) -> Answer {
    let (text, part) = (casefold(arg(args, 0)?.text()?, "NFKC"), casefold(arg(args, 1)?.text()?, "NFKC"));
    Ok(Value::Bool(text.contains(&part)))
}

pub(super) const FUNCTIONS: &[Native] = &[
    ("gsn_normalize", Gives::Text, normalize),
    ("gsn_normalize_and_casefold", Gives::Text, normalize_and_casefold),
    ("gsn_contains_substr", Gives::Bool, contains),
];
