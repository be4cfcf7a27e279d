//! Text of a data file into values, by the rules of BigQuery's loads. Nothing is rounded: what does not fit is an error.

/// A whole number; spaces around are allowed, a point or an exponent is not.
pub(crate) fn int64(text: &str) -> Option<i64> {
    // Stricter than it looks: digits behind at most one sign, and in range.
    text.trim_ascii().parse().ok()
}

/// A number, `NaN`, `inf` or `Infinity` in any case.
pub(crate) fn float64(text: &str) -> Option<f64> {
    let text = text.trim_ascii();
    let number: f64 = text.parse().ok()?;
    // A finite text that is too large is an error, not infinity.
    (number.is_finite() || !text.bytes().any(|b| b.is_ascii_digit())).then_some(number)
}

/// A decimal number as an integer of units of ten to the minus `scale`; more digits than that are an error unless zero.
pub(crate) fn decimal(text: &str, scale: u32) -> Option<i128> {
    let text = text.trim_ascii();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let negative = mantissa.starts_with('-');
    let mantissa = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits = || whole.bytes().chain(fraction.bytes());
    if !digits().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let unscaled = if whole.len() + fraction.len() <= 18 {
        i128::from(digits().fold(0_u64, |sum, b| sum * 10 + u64::from(b - b'0')))
    } else {
        digits().try_fold(0_i128, |sum, b| sum.checked_mul(10)?.checked_add(i128::from(b - b'0')))?
    };
    let shift = i64::from(scale) + i64::from(exponent) - i64::try_from(fraction.len()).ok()?;
    let unscaled = shift_decimal(unscaled, shift)?;
    let limit = 10_i128.pow(38) - 1;
    (unscaled <= limit).then_some(if negative { -unscaled } else { unscaled })
}

fn shift_decimal(unscaled: i128, shift: i64) -> Option<i128> {
    let power = |n: u64| (n <= 38).then(|| 10_i128.checked_pow(u32::try_from(n).ok()?))?;
    if unscaled == 0 {
        Some(0)
    } else if shift >= 0 {
        unscaled.checked_mul(power(shift.unsigned_abs())?)
    } else {
        let divisor = power(shift.unsigned_abs())?;
        (unscaled % divisor == 0).then_some(unscaled / divisor)
    }
}

pub(crate) fn boolean(text: &str) -> Option<bool> {
    let text = text.trim_ascii();
    let any = |words: [&str; 5]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if any(["true", "t", "yes", "y", "1"]) { Some(true) } else { any(["false", "f", "no", "n", "0"]).then_some(false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: PartialEq + std::fmt::Debug>(parse: impl Fn(&str) -> Option<T>, cases: &[(&str, Option<T>)]) {
        for (text, expect) in cases {
            assert_eq!(&parse(text), expect, "{text}");
        }
    }

    #[test]
    fn numbers_are_exact() {
        let int = [
            ("5", Some(5)),
            (" -5 ", Some(-5)),
            ("+7", Some(7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("1.0", None),
            ("1e3", None),
            ("1_000", None),
            ("", None),
            ("0x10", None),
        ];
        check(int64, &int);
        check(
            float64,
            &[("1.5", Some(1.5)), ("1e3", Some(1000.0)), ("inf", Some(f64::INFINITY)), ("1e999", None), ("x", None)],
        );
        let numeric = [
            ("1.5", Some(1_500_000_000)),
            ("-.5", Some(-500_000_000)),
            ("12.", Some(12_000_000_000)),
            ("0.1234567890", Some(123_456_789)),
            ("0.1234567891", None),
            ("1.5e2", Some(150_000_000_000)),
            ("99999999999999999999999999999.999999999", Some(10_i128.pow(38) - 1)),
            ("100000000000000000000000000000", None),
            ("1,5", None),
            (".", None),
        ];
        check(|text| decimal(text, 9), &numeric);
    }

    #[test]
    fn truth_has_many_spellings() {
        check(boolean, &[("TRUE", Some(true)), ("n", Some(false)), ("1", Some(true)), ("2", None), ("", None)]);
    }
}
