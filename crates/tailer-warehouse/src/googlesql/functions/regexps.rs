//! Regular expressions: RE2 on both sides.

use super::{Call, Code, Template, literal_text};
use crate::googlesql::{
    error::{Result, invalid},
    scope::Ex,
    types::Type,
};

pub(super) const TEMPLATES: &[Template] = &[
    ("REGEXP_CONTAINS", "STRING STRING", "BOOL", "regexp_matches({0}, {1})"),
    ("REGEXP_REPLACE", "STRING STRING STRING", "STRING", "regexp_replace({0}, {1}, {2}, 'g')"),
];

pub(super) const CODE: &[(&str, Code)] =
    &[("REGEXP_EXTRACT", extract), ("REGEXP_SUBSTR", extract), ("REGEXP_EXTRACT_ALL", extract_all)];

fn extract(call: &Call) -> Result<Ex> {
    call.expect("REGEXP_EXTRACT", 2..=2)?;
    let group = group(call)?;
    let (value, pattern) = (call.typed(0, &Type::String)?, call.typed(1, &Type::String)?);
    let sql = format!("gs_regexp_extract({value}, {pattern}, {group})");
    Ok(Ex::new(sql, Type::String))
}

fn extract_all(call: &Call) -> Result<Ex> {
    call.expect("REGEXP_EXTRACT_ALL", 2..=2)?;
    let group = group(call)?;
    let (value, pattern) = (call.typed(0, &Type::String)?, call.typed(1, &Type::String)?);
    Ok(Ex::new(format!("regexp_extract_all({value}, {pattern}, {group})"), Type::array(Type::String)))
}

/// Which group is wanted: the only one, or the whole match when there is none.
fn group(call: &Call) -> Result<usize> {
    let pattern = literal_text(call, 1, "a regular expression to extract by")?;
    match groups(pattern) {
        count @ 0..=1 => Ok(count),
        count => Err(invalid(
            format!("a regular expression to extract by has at most one group, this one has {count}"),
            call.at,
        )),
    }
}

fn groups(pattern: &str) -> usize {
    let mut count = 0;
    let mut in_class = false;
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                rest.next();
            }
            '[' if !in_class => {
                in_class = true;
                if rest.peek() == Some(&'^') {
                    rest.next();
                }
                // A bracket that comes first is part of the class.
                if rest.peek() == Some(&']') {
                    rest.next();
                }
            }
            ']' => in_class = false,
            '(' if !in_class => {
                let ahead: String = rest.clone().take(3).collect();
                if !ahead.starts_with('?')
                    || ahead.starts_with("?P<")
                    || (ahead.starts_with("?<") && !ahead.starts_with("?<=") && !ahead.starts_with("?<!"))
                {
                    count += 1;
                }
            }
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    #[test]
    fn groups_are_counted() {
        for (pattern, count) in [
            ("abc", 0),
            ("a(b)c", 1),
            (r"a\(b", 0),
            ("(?:a)(b)", 1),
            ("(?P<n>a)", 1),
            ("[(]a", 0),
            ("[]()]", 0),
            ("(a)(b)", 2),
            ("(?i)a", 0),
        ] {
            assert_eq!(super::groups(pattern), count, "{pattern}");
        }
    }
}
