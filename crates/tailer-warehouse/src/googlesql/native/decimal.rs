//! NUMERIC and BIGNUMERIC as whole numbers of their smallest unit: 9 and 38 decimals.
//!
//! DuckDB holds NUMERIC as `DECIMAL(38,9)` and BIGNUMERIC as a `BIGNUM` of units, which sorts, groups and adds as numbers do.
//! Here is the rest: reading, writing, multiplying, dividing and rounding, half away from zero. The functions take the
//! kind (`n` or `b`) first and values as the text that DuckDB casts them to; what does not fit is an error.

use num_bigint::{BigInt, Sign};

use super::{Answer, Gives, Native, Value, transcendental, values::arg};

/// A decimal type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    Numeric,
    BigNumeric,
}

impl Kind {
    pub(in super::super) fn scale(self) -> u32 {
        match self {
            Kind::Numeric => 9,
            Kind::BigNumeric => 38,
        }
    }

    pub(in super::super) fn name(self) -> &'static str {
        match self {
            Kind::Numeric => "NUMERIC",
            Kind::BigNumeric => "BIGNUMERIC",
        }
    }

    pub(super) fn of(value: &Value) -> Result<Kind, String> {
        Ok(if value.text()? == "b" { Kind::BigNumeric } else { Kind::Numeric })
    }

    /// The value, if it is within the type's range: 38 digits of units, or 256 bits.
    pub(in super::super) fn check(self, units: BigInt) -> Result<BigInt, String> {
        let fits = match self {
            Kind::Numeric => units.magnitude() < power(38).magnitude(),
            Kind::BigNumeric => {
                let limit = BigInt::from(1) << 255;
                units < limit && units >= -limit
            }
        };
        if fits { Ok(units) } else { Err(format!("{} overflow", self.name().to_lowercase())) }
    }

    /// As DuckDB's cast reads it.
    fn write(self, units: &BigInt) -> String {
        match self {
            Kind::Numeric => fixed(units, 9),
            Kind::BigNumeric => units.to_string(),
        }
    }

    pub(super) fn read(self, value: &Value) -> Result<BigInt, String> {
        let digits = value.text()?.replace('.', "");
        digits.parse().map_err(|_| format!("internal: {digits} is no {}", self.name()))
    }
}

pub(in super::super) fn power(exponent: u32) -> BigInt {
    BigInt::from(10).pow(exponent)
}

/// The quotient, rounded half away from zero.
pub(in super::super) fn divide(dividend: &BigInt, divisor: &BigInt) -> BigInt {
    let (two, d) = (BigInt::from(2), BigInt::from(divisor.magnitude().clone()));
    let n = BigInt::from(dividend.magnitude().clone());
    let quotient = (n * &two + &d) / (d * two);
    if (dividend.sign() == Sign::Minus) == (divisor.sign() == Sign::Minus) { quotient } else { -quotient }
}

/// Units of one scale as units of another.
pub(in super::super) fn rescale(units: &BigInt, from: u32, to: u32) -> BigInt {
    if to >= from { units * power(to - from) } else { divide(units, &power(from - to)) }
}

/// With exactly so many decimals.
pub(in super::super) fn fixed(units: &BigInt, decimals: u32) -> String {
    let sign = if units.sign() == Sign::Minus { "-" } else { "" };
    let decimals = decimals as usize;
    let digits = format!("{:0>width$}", units.magnitude().to_string(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// As BigQuery prints it: without zeros at the end.
pub(in super::super) fn shortest(units: &BigInt, scale: u32) -> String {
    let text = fixed(units, scale);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `[+-]digits[.digits][e[+-]digits]`, rounded to the scale; `None` when the text is nothing of the kind.
pub(in super::super) fn parse(text: &str, scale: u32) -> Option<BigInt> {
    let text = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let negative = mantissa.starts_with('-');
    let mantissa = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let units: BigInt = digits.parse().ok()?;
    let shift = i64::from(scale).checked_add(exponent)?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let units = match u32::try_from(shift.unsigned_abs()) {
        _ if units.sign() == Sign::NoSign => units,
        Ok(shift_by) if shift >= 0 && shift_by < 1000 => units * power(shift_by),
        Ok(shift_by) if shift < 0 && (shift_by as usize) <= digits.len() => divide(&units, &power(shift_by)),
        _ if shift < 0 => BigInt::ZERO,
        // Beyond the range of every type, whatever the digits.
        _ => units * power(1000),
    };
    Some(if negative { -units } else { units })
}

/// A number of a data file as units of BIGNUMERIC; `None` when it is none or does not fit exactly.
pub(crate) fn bignumeric_units(text: &str) -> Option<String> {
    let units = parse(text, 38)?;
    let exact = parse(text, 100)? == &units * power(62);
    exact.then(|| Kind::BigNumeric.check(units).ok())?.map(|units| units.to_string())
}

/// DuckDB's BIGNUM, of units, as BigQuery prints it: three bytes of sign and length, then the magnitude, all inverted when
/// it is negative.
pub(crate) fn bignumeric_text(bytes: &[u8]) -> Option<String> {
    let (header, digits) = bytes.split_at_checked(3)?;
    let negative = header.first()? & 0x80 == 0;
    let digits: Vec<u8> = digits.iter().map(|b| if negative { !b } else { *b }).collect();
    let sign = if negative { Sign::Minus } else { Sign::Plus };
    Some(shortest(&BigInt::from_bytes_be(sign, &digits), 38))
}

/// A literal or text as units of a type.
pub(in super::super) fn units(text: &str, kind: Kind) -> Result<BigInt, String> {
    let parsed = parse(text, kind.scale()).ok_or_else(|| format!("invalid {} value: {text}", kind.name()))?;
    kind.check(parsed).map_err(|_| format!("invalid {} value: {text}", kind.name()))
}

/// The exact value of a finite number, rounded to the scale.
fn from_float(number: f64, kind: Kind) -> Result<BigInt, String> {
    if !number.is_finite() {
        return Err(format!("{} overflow: {number} is not finite", kind.name().to_lowercase()));
    }
    let bits = number.to_bits();
    let raw = i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) = if raw == 0 { (fraction, -1074) } else { (fraction | (1 << 52), raw - 1075) };
    let scaled = BigInt::from(mantissa) * power(kind.scale());
    let units = if exponent >= 0 { scaled << exponent } else { divide(&scaled, &(BigInt::from(1) << -exponent)) };
    kind.check(if number < 0.0 { -units } else { units })
}

fn answer(kind: Kind, units: BigInt) -> Answer {
    Ok(Value::Text(kind.write(&kind.check(units)?)))
}

/// `ROUND` and `TRUNC` to so many decimals, which may be negative.
fn to_places(kind: Kind, units: &BigInt, places: i64, round: &dyn Fn(&BigInt, &BigInt) -> BigInt) -> BigInt {
    let dropped = i64::from(kind.scale()) - places;
    match u32::try_from(dropped) {
        Ok(dropped) if dropped > 80 => BigInt::ZERO,
        Ok(dropped) => round(units, &power(dropped)) * power(dropped),
        Err(_) if dropped < 0 => units.clone(),
        Err(_) => BigInt::ZERO,
    }
}

fn half_even(dividend: &BigInt, divisor: &BigInt) -> BigInt {
    let rounded = divide(dividend, divisor);
    let tie: BigInt = (dividend - &rounded * divisor) * 2;
    let odd = &rounded % BigInt::from(2) != BigInt::ZERO;
    if odd && tie.magnitude() == divisor.magnitude() {
        let toward_zero = if rounded.sign() == Sign::Minus { BigInt::from(1) } else { BigInt::from(-1) };
        return rounded + toward_zero;
    }
    rounded
}

fn floor(dividend: &BigInt, divisor: &BigInt) -> BigInt {
    let quotient = dividend / divisor;
    let exact = &quotient * divisor == *dividend;
    if !exact && dividend.sign() == Sign::Minus { quotient - 1 } else { quotient }
}

/// `gsn_decimal(kind, operation, a [, b])`.
fn operate(args: &[Value]) -> Answer {
    let kind = Kind::of(arg(args, 0)?)?;
    let operation = arg(args, 1)?.text()?;
    let a = kind.read(arg(args, 2)?)?;
    let b = || kind.read(arg(args, 3)?);
    let places = || arg(args, 3)?.int();
    let one = power(kind.scale());
    let divisor = || -> Result<BigInt, String> {
        let b = b()?;
        if b == BigInt::ZERO { Err("division by zero".to_owned()) } else { Ok(b) }
    };
    let units = match operation {
        "+" => a + b()?,
        "-" => a - b()?,
        "*" => divide(&(a * b()?), &one),
        "/" => divide(&(a * one), &divisor()?),
        "div" => a / divisor()? * one,
        "mod" => a % divisor()?,
        "round" => to_places(kind, &a, places()?, &divide),
        "round_even" => to_places(kind, &a, places()?, &half_even),
        "trunc" => to_places(kind, &a, places()?, &|n, d| n / d),
        "floor" => floor(&a, &one) * one,
        "ceil" => -floor(&-a, &one) * one,
        "abs" => BigInt::from(a.magnitude().clone()),
        "sign" => match a.sign() {
            Sign::Minus => -one,
            Sign::NoSign => BigInt::ZERO,
            Sign::Plus => one,
        },
        "same" => a,
        "sqrt" if a.sign() == Sign::Minus => return Err("SQRT of a negative number".to_owned()),
        // One more decimal than wanted decides about rounding: a root never ends in exactly five.
        "sqrt" => divide(&BigInt::sqrt(&(a * one * 100)), &BigInt::from(10)),
        "cbrt" => divide(&BigInt::cbrt(&(a * &one * one * 1000)), &BigInt::from(10)),
        "exp" => transcendental::exp(&a, kind.scale())?,
        "ln" => transcendental::ln(&a, kind.scale())?,
        "log10" => transcendental::log(&a, &(one * 10), kind.scale())?,
        "log" => transcendental::log(&a, &b()?, kind.scale())?,
        "pow" => transcendental::pow(&a, &b()?, kind)?,
        other => return Err(format!("internal: no operation {other}")),
    };
    answer(kind, units)
}

fn big(args: &[Value]) -> Answer {
    Ok(Value::Text(units(arg(args, 0)?.text()?, Kind::BigNumeric)?.to_string()))
}

fn numeric(args: &[Value]) -> Answer {
    Ok(Value::Text(fixed(&units(arg(args, 0)?.text()?, Kind::Numeric)?, 9)))
}

fn big_text(args: &[Value]) -> Answer {
    Ok(Value::Text(shortest(&Kind::BigNumeric.read(arg(args, 0)?)?, 38)))
}

/// Both decimal types as the nearest FLOAT64.
fn to_float(args: &[Value]) -> Answer {
    let kind = Kind::of(arg(args, 0)?)?;
    let text = fixed(&kind.read(arg(args, 1)?)?, kind.scale());
    text.parse().map(Value::Float).map_err(|_| format!("internal: {text} is no number"))
}

fn of_float(args: &[Value]) -> Answer {
    let kind = Kind::of(arg(args, 0)?)?;
    answer(kind, from_float(arg(args, 1)?.float()?, kind)?)
}

fn to_int(args: &[Value]) -> Answer {
    let kind = Kind::of(arg(args, 0)?)?;
    let rounded = divide(&kind.read(arg(args, 1)?)?, &power(kind.scale()));
    i64::try_from(rounded).map(Value::Int).map_err(|e| format!("int64 out of range: {}", e.into_original()))
}

/// As INT64, if there is no fraction.
fn to_whole(args: &[Value]) -> Answer {
    let units = Kind::BigNumeric.read(arg(args, 0)?)?;
    if &units % power(38) != BigInt::ZERO {
        let value = shortest(&units, 38);
        return Err(format!("a value with a fraction cannot be stored in an INT64 column: {value}"));
    }
    i64::try_from(units / power(38)).map(Value::Int).map_err(|_| "int64 overflow".to_owned())
}

/// With at most so many decimals, as Parquet's decimals have.
fn to_exact(args: &[Value]) -> Answer {
    let units = Kind::BigNumeric.read(arg(args, 0)?)?;
    let decimals = u32::try_from(arg(args, 1)?.int()?).map_err(|e| e.to_string())?;
    let value = shortest(&units, 38);
    match value.split_once('.') {
        Some((_, fraction)) if fraction.len() > decimals as usize => {
            Err(format!("{value} has more than {decimals} decimals, which the file cannot hold"))
        }
        _ => Ok(Value::Text(value)),
    }
}

fn of_int(args: &[Value]) -> Answer {
    Ok(Value::Text((BigInt::from(arg(args, 0)?.int()?) * power(38)).to_string()))
}

/// BIGNUMERIC as NUMERIC and back.
fn narrow(args: &[Value]) -> Answer {
    answer(Kind::Numeric, rescale(&Kind::BigNumeric.read(arg(args, 0)?)?, 38, 9))
}

fn widen(args: &[Value]) -> Answer {
    Ok(Value::Text(rescale(&Kind::Numeric.read(arg(args, 0)?)?, 9, 38).to_string()))
}

/// `NUMERIC(p, s)`: rounded to `s` decimals, at most `p - s` digits before the point.
fn constrained(args: &[Value]) -> Answer {
    let kind = Kind::of(arg(args, 0)?)?;
    let (precision, scale) = (arg(args, 2)?.int()?, arg(args, 3)?.int()?);
    let rounded = to_places(kind, &kind.read(arg(args, 1)?)?, scale, &divide);
    let digits = u32::try_from(precision - scale).map_err(|_| "a precision below the scale".to_owned())?;
    let limit = power(digits + kind.scale());
    if rounded.magnitude() >= limit.magnitude() {
        let value = shortest(&rounded, kind.scale());
        return Err(format!("{}({precision}, {scale}) has precision {precision}, but got {value}", kind.name()));
    }
    answer(kind, rounded)
}

/// `gsn_decimal_total(kind, values, 'sum' | 'avg')` over the values of a group; NULL when there are none.
fn total(args: &[Value]) -> Answer {
    let kind = Kind::of(arg(args, 0)?)?;
    let mut sum = BigInt::ZERO;
    let mut count = 0_i64;
    for value in arg(args, 1)?.list()?.iter().filter(|v| **v != Value::Null) {
        sum += kind.read(value)?;
        count += 1;
    }
    match arg(args, 2)?.text()? {
        _ if count == 0 => Ok(Value::Null),
        "avg" => answer(kind, divide(&sum, &BigInt::from(count))),
        _ => answer(kind, sum),
    }
}

/// PARSE_NUMERIC and PARSE_BIGNUMERIC: the sign may also stand apart or behind, and commas may group the digits before the point.
fn parsed(args: &[Value]) -> Answer {
    let kind = Kind::of(arg(args, 0)?)?;
    let text = arg(args, 1)?.text()?;
    let wrong = || format!("invalid input to PARSE_{}: {text}", kind.name());
    let trimmed = text.trim();
    let (sign, rest) = match trimmed.strip_prefix(['+', '-']) {
        Some(rest) => (trimmed.starts_with('-'), rest.trim_start()),
        None => match trimmed.strip_suffix(['+', '-']) {
            Some(rest) => (trimmed.ends_with('-'), rest.trim_end()),
            None => (false, trimmed),
        },
    };
    let (whole, tail) = rest.split_at(rest.find(['.', 'e', 'E']).unwrap_or(rest.len()));
    if rest.starts_with(['+', '-']) || tail.contains(',') || (whole.starts_with(',') && whole.len() == 1) {
        return Err(wrong());
    }
    let units = parse(&format!("{}{tail}", whole.replace(',', "")), kind.scale()).ok_or_else(wrong)?;
    let units = kind.check(if sign { -units } else { units }).map_err(|_| wrong())?;
    Ok(Value::Text(kind.write(&units)))
}

pub(super) const FUNCTIONS: &[Native] = &[
    ("gsn_decimal", Gives::Text, operate),
    ("gsn_decimal_total", Gives::Text, total),
    ("gsn_decimal_parse", Gives::Text, parsed),
    ("gsn_decimal_constrain", Gives::Text, constrained),
    ("gsn_decimal_to_float", Gives::Float64, to_float),
    ("gsn_decimal_to_int", Gives::Int64, to_int),
    ("gsn_decimal_of_float", Gives::Text, of_float),
    ("gsn_numeric", Gives::Text, numeric),
    ("gsn_bignumeric", Gives::Text, big),
    ("gsn_bignumeric_text", Gives::Text, big_text),
    ("gsn_bignumeric_to_whole", Gives::Int64, to_whole),
    ("gsn_bignumeric_exact", Gives::Text, to_exact),
    ("gsn_bignumeric_of_int", Gives::Text, of_int),
    ("gsn_bignumeric_to_numeric", Gives::Text, narrow),
    ("gsn_numeric_to_bignumeric", Gives::Text, widen),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_floats_round_half_away_from_zero() {
        for (text, scale, expect) in [
            ("1.5", 9, "1.5"),
            (" -0.0000000005 ", 9, "-0.000000001"),
            ("0.00000000049", 9, "0"),
            ("1e3", 2, "1000"),
            ("12.345e-1", 2, "1.23"),
            (".5", 0, "1"),
            ("5e-400", 38, "0"),
        ] {
            assert_eq!(shortest(&parse(text, scale).unwrap(), scale), expect, "{text}");
        }
        for wrong in ["", "x", "1.2.3", "1e", ".", "- 1", "1_0"] {
            assert_eq!(parse(wrong, 9), None, "{wrong}");
        }
        assert_eq!(shortest(&from_float(0.1, Kind::Numeric).unwrap(), 9), "0.1");
        assert_eq!(shortest(&from_float(-1e20, Kind::Numeric).unwrap(), 9), "-100000000000000000000");
        from_float(1e30, Kind::Numeric).unwrap_err();
    }

    #[test]
    fn halves_go_to_even_where_asked() {
        for (n, expect) in [(25, 2), (35, 4), (-25, -2), (26, 3), (24, 2)] {
            assert_eq!(half_even(&BigInt::from(n), &BigInt::from(10)), BigInt::from(expect), "{n}");
        }
    }
}
