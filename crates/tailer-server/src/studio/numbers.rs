//! Numbers as people read them.

use tailer_engine::Count;

/// `1,234`, `about 1,234`; empty for what is not known.
pub(super) fn count(count: Option<Count>) -> String {
    told(count, thousands)
}

/// `12.3 MB`; empty for what is not known.
pub(super) fn bytes(count: Option<Count>) -> String {
    told(count, size)
}

fn told(count: Option<Count>, shown: impl Fn(u64) -> String) -> String {
    match count {
        None => String::new(),
        Some(Count::Exact(number)) => shown(number),
        Some(Count::About(number)) => format!("about {}", shown(number)),
    }
}

/// With a comma after every three digits.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `999 bytes`, `1.2 MB`
pub(super) fn size(bytes: u64) -> String {
    scaled(bytes, &["kB", "MB", "GB", "TB", "PB"]).unwrap_or_else(|| format!("{bytes} bytes"))
}

/// `999`, `1.2 M`: where there is little room.
pub(super) fn short(number: u64) -> String {
    scaled(number, &["k", "M", "G", "T", "P"]).unwrap_or_else(|| number.to_string())
}

/// With what is counted: `1 row`, `2 rows`.
pub(super) fn several(number: u64, one: &str) -> String {
    format!("{} {one}{}", thousands(number), if number == 1 { "" } else { "s" })
}

/// In the largest of some units, each a thousand of the one before; nothing below a thousand.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn scaled(number: u64, units: &[&str]) -> Option<String> {
    if number < 1000 {
        return None;
    }
    let mut number = number as f64 / 1000.0;
    let mut unit = 0;
    while number >= 999.5 && unit + 1 < units.len() {
        number /= 1000.0;
        unit += 1;
    }
    let digits = if number < 9.95 { 1 } else { 0 };
    Some(format!("{number:.digits$} {}", units.get(unit).copied().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        for (number, shown) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), shown);
        }
        for (number, shown) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (9_949, "9.9 kB"),
            (12_345, "12 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (5_200_000_000, "5.2 GB"),
            (u64::MAX, "18447 PB"),
        ] {
            assert_eq!(size(number), shown);
        }
        assert_eq!((short(950), short(15_400_000)), ("950".to_owned(), "15 M".to_owned()));
        assert_eq!((several(1, "row"), several(2_000, "row")), ("1 row".to_owned(), "2,000 rows".to_owned()));
        assert_eq!(count(Some(Count::About(1500))), "about 1,500");
        assert_eq!(bytes(None), "");
    }
}
