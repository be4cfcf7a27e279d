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

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let mut number = bytes as f64 / 1000.0;
    let mut unit = 0;
    while number >= 999.5 && unit + 1 < UNITS.len() {
        number /= 1000.0;
        unit += 1;
    }
    let digits = if number < 9.95 { 1 } else { 0 };
    format!("{number:.digits$} {}", UNITS.get(unit).copied().unwrap_or_default())
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
        assert_eq!(count(Some(Count::About(1500))), "about 1,500");
        assert_eq!(bytes(None), "");
    }
}
