//! Numbers and moments as BigQuery writes them, appended to bytes without an allocation.

use std::io::Write;

const MICROS_OF_DAY: i64 = 86_400_000_000;

/// Decimals of a NUMERIC.
const SCALE: u128 = 1_000_000_000;

pub(super) fn whole(number: i64, out: &mut Vec<u8>) {
    if number < 0 {
        out.push(b'-');
    }
    unsigned(number.unsigned_abs(), 1, out);
}

/// At least so many digits.
fn unsigned(mut number: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    for digit in digits.iter_mut().rev() {
        if number == 0 && 20 - at >= width {
            break;
        }
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        at -= 1;
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
}

/// A NUMERIC given in its smallest units, without zeros at the end.
pub(super) fn numeric(units: i128, out: &mut Vec<u8>) {
    if units < 0 {
        out.push(b'-');
    }
    let magnitude = units.unsigned_abs();
    let (whole, fraction) = match u64::try_from(magnitude) {
        Ok(small) => (u128::from(small / 1_000_000_000), small % 1_000_000_000),
        Err(_) => (magnitude / SCALE, u64::try_from(magnitude % SCALE).unwrap_or_default()),
    };
    match u64::try_from(whole) {
        Ok(whole) => unsigned(whole, 1, out),
        Err(_) => out.extend_from_slice(whole.to_string().as_bytes()),
    }
    decimals(fraction, 9, out);
}

/// `.5` of 500 with three digits; nothing when there is nothing.
fn decimals(fraction: u64, width: usize, out: &mut Vec<u8>) {
    if fraction == 0 {
        return;
    }
    out.push(b'.');
    unsigned(fraction, width, out);
    while out.last() == Some(&b'0') {
        out.pop();
    }
}

/// The shortest text that means the same number: fifteen digits, or seventeen where those are too few, decide when the
/// exponent is written out.
pub(super) fn float(number: f64, out: &mut Vec<u8>) {
    if !number.is_finite() {
        let name: &[u8] = match (number.is_nan(), number > 0.0) {
            (true, _) => b"NaN",
            (_, true) => b"Infinity",
            (_, false) => b"-Infinity",
        };
        return out.extend_from_slice(name);
    }
    if number == number.trunc() && number.abs() < 1e15 && !(number == 0.0 && number.is_sign_negative()) {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number of fifteen digits at most")]
        return whole(number as i64, out);
    }
    let mut scientific = [0_u8; 32];
    let mut rest = scientific.as_mut_slice();
    // Thirty-two bytes are enough for a sign, seventeen digits, a point and an exponent.
    let _ = write!(rest, "{number:e}");
    let unused = rest.len();
    let written = scientific.get(..32 - unused).unwrap_or_default();
    let text = str::from_utf8(written).unwrap_or_default();
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let negative = mantissa.starts_with('-');
    let mantissa = mantissa.trim_start_matches('-');
    let (first, others) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if negative {
        out.push(b'-');
    }
    placed(first, others, exponent.parse().unwrap_or_default(), out);
}

/// Writes `first.others` times ten to the power of `exponent`.
fn placed(first: &str, others: &str, exponent: i32, out: &mut Vec<u8>) {
    let precision = if others.len() < 15 { 15 } else { 17 };
    if exponent < -4 || exponent >= precision {
        out.extend_from_slice(first.as_bytes());
        if !others.is_empty() {
            out.push(b'.');
            out.extend_from_slice(others.as_bytes());
        }
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        return unsigned(u64::from(exponent.unsigned_abs()), 2, out);
    }
    let shift = usize::try_from(exponent.unsigned_abs()).unwrap_or_default();
    if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', shift - 1));
        out.extend_from_slice(first.as_bytes());
        return out.extend_from_slice(others.as_bytes());
    }
    out.extend_from_slice(first.as_bytes());
    if others.len() <= shift {
        out.extend_from_slice(others.as_bytes());
        return out.extend(std::iter::repeat_n(b'0', shift - others.len()));
    }
    let (whole, fraction) = others.split_at(shift);
    out.extend_from_slice(whole.as_bytes());
    out.push(b'.');
    out.extend_from_slice(fraction.as_bytes());
}

/// `YYYY-MM-DD` of days since 1970-01-01.
pub(super) fn date(days: i64, out: &mut Vec<u8>) {
    // Years that begin in March have their leap day at the end; 400 years are 146,097 days.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if year < 0 {
        out.push(b'-');
    }
    unsigned(year.unsigned_abs(), 4, out);
    for part in [month, day] {
        out.push(b'-');
        unsigned(part.unsigned_abs(), 2, out);
    }
}

/// `HH:MM:SS[.F]` of microseconds since midnight.
pub(super) fn clock(micros: i64, out: &mut Vec<u8>) {
    let seconds = micros.unsigned_abs() / 1_000_000;
    unsigned(seconds / 3600, 2, out);
    for part in [seconds / 60 % 60, seconds % 60] {
        out.push(b':');
        unsigned(part, 2, out);
    }
    decimals(micros.unsigned_abs() % 1_000_000, 6, out);
}

/// Date and time of microseconds since 1970-01-01 00:00:00.
pub(crate) fn moment(micros: i64, between: u8, out: &mut Vec<u8>) {
    date(micros.div_euclid(MICROS_OF_DAY), out);
    out.push(between);
    clock(micros.rem_euclid(MICROS_OF_DAY), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<T>(value: T, write: impl Fn(T, &mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers() {
        for (number, expect) in
            [(0, "0"), (-7, "-7"), (i64::MAX, "9223372036854775807"), (i64::MIN, "-9223372036854775808")]
        {
            assert_eq!(shown(number, whole), expect);
        }
        for (units, expect) in [
            (1_500_000_000, "1.5"),
            (-1, "-0.000000001"),
            (0, "0"),
            (10_000_000_000, "10"),
            (10_i128.pow(38) - 1, "99999999999999999999999999999.999999999"),
        ] {
            assert_eq!(shown(units, numeric), expect);
        }
        for (number, expect) in [
            (1.0, "1"),
            (-0.0, "-0"),
            (0.1, "0.1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e15, "1e+15"),
            (1_234_567_890_123_456.0, "1234567890123456"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (-0.000_012_5, "-1.25e-05"),
            (123.456, "123.456"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(shown(number, float), expect);
        }
    }

    #[test]
    fn moments() {
        let mut day = jiff::civil::date(1, 1, 1);
        while let Ok(next) = day.checked_add(jiff::Span::new().days(17)) {
            let days = day.since(jiff::civil::date(1970, 1, 1)).unwrap().get_days();
            assert_eq!(shown(i64::from(days), date), day.to_string());
            day = next;
        }
        assert_eq!(shown(3_723_120_000, clock), "01:02:03.12");
        assert_eq!(shown(-1, |micros, out| moment(micros, b'T', out)), "1969-12-31T23:59:59.999999");
    }
}
