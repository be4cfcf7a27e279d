//! Where links of a text may lead, and what headings are called in them.

use std::collections::BTreeMap;

/// A destination that may be followed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Destination<'a> {
    /// Another server, or a mail program.
    Foreign(&'a str),
    /// A place of this server.
    Relative(&'a str),
    /// A heading of the same text.
    Heading(&'a str),
}

/// What a link's destination is; `None` for what nobody shall follow.
///
/// Browsers drop tabs and line ends from addresses and take a backslash for a slash. An address with any of those is refused
/// rather than read as a browser might.
pub(super) fn destination(link: &str) -> Option<Destination<'_>> {
    let link = link.trim_matches(' ');
    if link.is_empty() || link.contains(|c: char| c.is_control() || c == '\\') {
        return None;
    }
    if let Some(heading) = link.strip_prefix('#') {
        return Some(Destination::Heading(heading));
    }
    if link.starts_with("//") {
        return Some(Destination::Foreign(link));
    }
    match link.split_once(':') {
        Some((scheme, _)) if !scheme.contains(['/', '?', '#']) => {
            let known = ["http", "https", "mailto"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
            known.then_some(Destination::Foreign(link))
        }
        _ => Some(Destination::Relative(link)),
    }
}

/// The first address that stands in plain text, between what is before and after it: people paste them without any marks.
pub(super) fn bare(text: &str) -> Option<(&str, &str, &str)> {
    for (start, _) in text.match_indices("http") {
        let (before, rest) = text.split_at_checked(start)?;
        let Some(scheme) = ["https://", "http://"].into_iter().find(|scheme| rest.starts_with(scheme)) else {
            continue;
        };
        if before.ends_with(char::is_alphanumeric) {
            continue;
        }
        let length = rest.find(|c: char| c.is_whitespace() || "<>\"`".contains(c)).unwrap_or(rest.len());
        let address = rest.get(..length)?.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '~']);
        // A closing bracket belongs to the address only when it was opened there.
        let address = match address.strip_suffix(')') {
            Some(inner) if !inner.contains('(') => inner,
            _ => address,
        };
        if address.len() > scheme.len() {
            return Some((before, address, rest.get(address.len()..)?));
        }
    }
    None
}

/// Names of headings, as code forges make them, each once in a text.
#[derive(Default)]
pub(super) struct Names(BTreeMap<String, usize>);

impl Names {
    pub(super) fn name(&mut self, heading: &str) -> String {
        let slug = slug(heading);
        let used = self.0.entry(slug.clone()).or_default();
        *used += 1;
        match *used {
            1 => slug,
            n => format!("{slug}-{}", n - 1),
        }
    }
}

/// Letters and digits in small, hyphens for spaces.
pub(super) fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.take(100).flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_schemes_are_destinations() {
        for (link, expect) in [
            ("https://example.com/a?b#c", Some(Destination::Foreign("https://example.com/a?b#c"))),
            ("HTTP://example.com", Some(Destination::Foreign("HTTP://example.com"))),
            ("mailto:a@example.com", Some(Destination::Foreign("mailto:a@example.com"))),
            ("//example.com", Some(Destination::Foreign("//example.com"))),
            ("/runs?q=a:b", Some(Destination::Relative("/runs?q=a:b"))),
            ("api.md#calls", Some(Destination::Relative("api.md#calls"))),
            ("a/b:c", Some(Destination::Relative("a/b:c"))),
            ("#calls", Some(Destination::Heading("calls"))),
            ("javascript:alert(1)", None),
            (" javascript:alert(1)", None),
            ("java\nscript:alert(1)", None),
            ("\u{1}javascript:alert(1)", None),
            ("/\\example.com", None),
            ("data:text/html,x", None),
            ("vbscript:x", None),
            ("file:///etc/passwd", None),
            ("blob:https://example.com/x", None),
            ("", None),
        ] {
            assert_eq!(destination(link), expect, "{link:?}");
        }
    }

    #[test]
    fn addresses_in_text_end_before_punctuation() {
        for (text, expect) in [
            ("see https://example.com/a.", Some("https://example.com/a")),
            ("(http://example.com)", Some("http://example.com")),
            ("https://example.com/a_(b)", Some("https://example.com/a_(b)")),
            ("xhttp://example.com", None),
            ("http:// and https://x", Some("https://x")),
            ("no http at all", None),
            ("“https://example.com/ä” ", Some("https://example.com/ä”")),
        ] {
            assert_eq!(bare(text).map(|(_, address, _)| address), expect, "{text}");
        }
    }

    #[test]
    fn headings_are_named_once() {
        let mut names = Names::default();
        let given =
            ["What a failed task does", "`SAFE.` functions & more", "Übung", "Übung", "!"].map(|h| names.name(h));
        assert_eq!(given, ["what-a-failed-task-does", "safe-functions--more", "übung", "übung-1", ""]);
    }
}
