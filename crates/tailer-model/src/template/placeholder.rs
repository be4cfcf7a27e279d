//! `{{name}}` in texts: finding and replacing. No spaces inside the braces; a name starts with a letter or an underscore
//! and goes on with letters, digits, `_`, `-` and `.` (all ASCII), so that braces of other languages stay alone.

/// A stretch of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    /// Without its braces.
    Name(&'a str),
}

/// Cuts a text into plain stretches and names. Plain stretches are never empty and never follow each other.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut start, mut from) = (0, 0);
    while let Some(open) = text.get(from..).and_then(|rest| rest.find("{{")).map(|i| from + i) {
        let after = text.get(open + 2..).unwrap_or_default();
        let length = after.find(|c: char| !is_name_character(c)).unwrap_or(after.len());
        let name = after.get(..length).unwrap_or_default();
        let closed = after.get(length..).is_some_and(|rest| rest.starts_with("}}"));
        if closed && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            if let Some(plain) = text.get(start..open).filter(|plain| !plain.is_empty()) {
                pieces.push(Piece::Text(plain));
            }
            pieces.push(Piece::Name(name));
            start = open + 2 + length + 2;
            from = start;
        } else {
            // One brace on: the second may open a name, as in "{{{a}}".
            from = open + 1;
        }
    }
    if let Some(plain) = text.get(start..).filter(|plain| !plain.is_empty()) {
        pieces.push(Piece::Text(plain));
    }
    pieces
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Replaces each `{{name}}` for which `value` has one; the others stay. Replaced text is not looked at again.
#[must_use]
pub fn replace(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> String {
    let mut result = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(plain) => result.push_str(plain),
            Piece::Name(name) => match value(name) {
                Some(value) => result.push_str(&value),
                None => {
                    result.push_str("{{");
                    result.push_str(name);
                    result.push_str("}}");
                }
            },
        }
    }
    result
}

/// Names of the `{{...}}` placeholders of a text, in order, without repeats.
#[must_use]
pub fn placeholders(text: &str) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    pieces(text)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Name(name) if seen.insert(name) => Some(name.to_owned()),
            _ => None,
        })
        .collect()
}
