//! Columns: given by name or as an expression, or found by what is known of the table.

use super::parts::Known;
use crate::WarehouseError;

/// A column's name, quoted, or an expression as it was written.
pub(super) fn expression(text: &str, what: &str) -> Result<String, WarehouseError> {
    let text = text.trim();
    if text.is_empty() {
        let message = format!("the {what} is empty");
        return Err(WarehouseError::Invalid { message, line: None, column: None });
    }
    let is_path = text.split('.').all(|part| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    });
    if !is_path {
        // A comment at its end must not reach what follows.
        return Ok(format!("({text}\n)"));
    }
    let quoted: Vec<String> = text.split('.').map(|part| format!("`{part}`")).collect();
    Ok(quoted.join("."))
}

/// The column whose name starts with `PK` or whose description holds `#PK`; the description wins, then the first.
pub(super) fn primary_key(known: &[Known]) -> Option<&str> {
    let described = known.iter().find(|c| c.description.as_ref().is_some_and(|d| d.contains("#PK")));
    let named = || known.iter().find(|c| c.name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("PK")));
    described.or_else(named).map(|column| column.name.as_str())
}

/// The only column that holds days.
pub(super) fn only_date(known: &[Known]) -> Option<&str> {
    let of_type = |types: &[&str]| {
        let mut found = known.iter().filter(|c| types.contains(&c.column_type.as_str()));
        let first = found.next()?;
        found.next().is_none().then_some(first.name.as_str())
    };
    of_type(&["DATE"]).or_else(|| of_type(&["DATE", "DATETIME", "TIMESTAMP"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(columns: &[(&str, &str, &str)]) -> Vec<Known> {
        let one = |(name, ty, description): &(&str, &str, &str)| Known {
            name: (*name).into(),
            column_type: (*ty).into(),
            description: (!description.is_empty()).then(|| (*description).to_owned()),
        };
        columns.iter().map(one).collect()
    }

    #[test]
    fn names_are_quoted_and_expressions_kept() {
        for (text, expect) in [
            ("id", "`id`"),
            (" a.b_1 ", "`a`.`b_1`"),
            ("CONCAT(a, \"-\", b)", "(CONCAT(a, \"-\", b)\n)"),
            ("a -- first", "(a -- first\n)"),
        ] {
            assert_eq!(expression(text, "column").unwrap(), expect);
        }
        expression("  ", "column").unwrap_err();
    }

    #[test]
    fn keys_and_days_are_found() {
        let columns = known(&[("a", "INT64", ""), ("pk_a", "INT64", ""), ("b", "STRING", "the key #PK")]);
        assert_eq!(primary_key(&columns), Some("b"));
        assert_eq!(primary_key(&columns[..2]), Some("pk_a"));
        assert_eq!(primary_key(&columns[..1]), None);
        let days = known(&[("d", "DATE", ""), ("t", "TIMESTAMP", "")]);
        assert_eq!(only_date(&days), Some("d"));
        assert_eq!(only_date(&days[1..]), Some("t"));
        assert_eq!(only_date(&known(&[("a", "DATE", ""), ("b", "DATE", "")])), None);
    }
}
