//! `"max_active_runs": {{runs}}`, without quotes: not JSON, but how the vendor's documents write it.

use std::borrow::Cow;

use crate::template::{Piece, pieces};

/// Puts quotes around every `{{name}}` that stands outside of JSON strings, where nothing of the kind can stand in JSON.
#[must_use]
pub fn quote_bare(text: &str) -> Cow<'_, str> {
    let mut quoted = String::new();
    let mut in_string = false;
    let mut any = false;
    for piece in pieces(text) {
        match piece {
            Piece::Text(plain) => {
                in_string = string_state(plain, in_string);
                quoted.push_str(plain);
            }
            Piece::Name(name) => {
                let quote = if in_string { "" } else { "\"" };
                any |= !in_string;
                for part in [quote, "{{", name, "}}", quote] {
                    quoted.push_str(part);
                }
            }
        }
    }
    if any { Cow::Owned(quoted) } else { Cow::Borrowed(text) }
}

/// Whether the end of the stretch is inside a string, given whether its beginning is.
fn string_state(plain: &str, mut in_string: bool) -> bool {
    let mut characters = plain.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => in_string = !in_string,
            '\\' if in_string => drop(characters.next()),
            _ => {}
        }
    }
    in_string
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_outside_of_strings_is_quoted() {
        let check = |text: &str, expect: &str| assert_eq!(quote_bare(text), expect);
        check(r#"{"a": {{n}}, "b": "{{n}}", "c": "x {{n}}"}"#, r#"{"a": "{{n}}", "b": "{{n}}", "c": "x {{n}}"}"#);
        check(r#"["\"{{n}}", {{n}}, "\\", {{n}}]"#, r#"["\"{{n}}", "{{n}}", "\\", "{{n}}"]"#);
        check(r#"{"a": {"b": 1}}"#, r#"{"a": {"b": 1}}"#);
        check(r#"{"a": {{ n }}}"#, r#"{"a": {{ n }}}"#);
    }
}
