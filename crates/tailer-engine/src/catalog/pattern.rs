//! Names of tables as configurations write them: `sales`, `sales_{{FD_DATE}}`, `sales_*`.
//!
//! What a run puts in for a name in braces decides what it may stand for: a date for eight digits, anything else for at least one
//! character. The same table has the same name in every case: letters' case counts, as in BigQuery.

use tailer_model::template;

/// What a character of a compiled pattern stands for, where it is not itself.
const DIGIT: char = '\u{1}';
const SOME: char = '\u{2}';

/// Whether a name means exactly one table.
#[must_use]
pub(crate) fn is_exact(name: &str) -> bool {
    !name.contains('*') && template::placeholders(name).is_empty()
}

/// Whether a pattern may stand for a name.
#[must_use]
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let digits = |count: usize| Some(DIGIT.to_string().repeat(count));
    let pattern = template::replace(pattern, |placeholder| match placeholder {
        "FD_DATE" => digits(8),
        "FD_TIME" => digits(6),
        "FD_DATE_YEAR_4" => digits(4),
        "FD_DATE_YEAR_2" | "FD_DATE_MONTH" | "FD_DATE_DAY" => digits(2),
        _ => Some(SOME.to_string()),
    });
    let name: Vec<char> = name.chars().collect();
    // After each character of the pattern: how many of the name's may be used up.
    let mut reached: Vec<bool> = vec![false; name.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for wanted in pattern.chars() {
        let mut next = vec![false; name.len() + 1];
        let mut before = false;
        for (used, slot) in next.iter_mut().enumerate() {
            let here = reached.get(used).copied().unwrap_or_default();
            let one_less = used.checked_sub(1).and_then(|used| reached.get(used)).copied().unwrap_or_default();
            let last = used.checked_sub(1).and_then(|used| name.get(used));
            *slot = match wanted {
                '*' => here || before,
                SOME => one_less || before,
                DIGIT => one_less && last.is_some_and(char::is_ascii_digit),
                other => one_less && last == Some(&other),
            };
            before = *slot;
        }
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        for name in yes {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for name in no {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn patterns_stand_for_what_runs_make_of_them() {
        check("sales", &["sales"], &["Sales", "sales_", "sale"]);
        check("sales_{{FD_DATE}}", &["sales_20240131"], &["sales_", "sales_2024", "sales_2024013x", "sales_202401310"]);
        check("s_{{FD_DATE_YEAR_4}}_{{FD_DATE_MONTH}}", &["s_2024_01"], &["s_2024_1"]);
        check("{{FD_TABLE_NAME}}_{{FD_DATE}}", &["a_20240131", "a_b_20240131"], &["_20240131", "a_2024013"]);
        check("sales_*", &["sales_", "sales_2024"], &["sales", "xsales_"]);
        check("{{a}}{{b}}", &["xy", "xyz"], &["x", ""]);
        check("*", &["", "x"], &[]);
        assert!(is_exact("sales") && !is_exact("sales_*") && !is_exact("a{{x}}"));
    }
}
