//! Labels of jobs, by BigQuery's rules: lower case letters, digits, `_` and `-`, at most 63 characters.

use std::collections::BTreeMap;

const LONGEST: usize = 63;

/// Makes any text a label's value; what cannot be in one becomes `_`.
pub(super) fn value(text: &str) -> String {
    let fits = |c: char| if c.is_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    text.to_lowercase().chars().map(fits).take(LONGEST).collect()
}

pub(super) fn sanitized(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels.iter().map(|(name, text)| (value(name), value(text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_label() {
        let check = |text: &str, expect: &str| assert_eq!(value(text), expect);
        check("000099_Sales.Daily", "000099_sales_daily");
        check("a b/c", "a_b_c");
        check(&"x".repeat(80), &"x".repeat(63));
        check("", "");
    }
}
