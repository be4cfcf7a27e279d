//! FORMAT: `%[flags][width][.precision]specifier`, for every specifier of BigQuery.

use num_bigint::{BigInt, Sign};

use super::{
    Answer, Gives, Native, Value, decimal,
    json::Json,
    render::{self, Typed},
    values::arg,
};
use crate::googlesql::types::Type;

/// Wider results are refused.
const WIDEST: usize = 1 << 20;

/// `%g`: so many significant digits, in the shorter of two notations; zeros at the end only when asked for.
pub(super) fn general(number: f64, digits: usize, keep_zeros: bool) -> String {
    let digits = digits.max(1);
    let scientific = format!("{number:.*e}", digits - 1);
    let exponent: i32 = scientific.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let wide = i32::try_from(digits).unwrap_or(i32::MAX);
    let (text, suffix) = if (-4..wide).contains(&exponent) {
        let decimals = usize::try_from(wide - 1 - exponent).unwrap_or(0);
        (format!("{number:.decimals$}"), String::new())
    } else {
        let mantissa = scientific.split_once('e').map_or(scientific.as_str(), |(m, _)| m).to_owned();
        (mantissa, exponent_text(exponent, 'e'))
    };
    let text = if keep_zeros || !text.contains('.') {
        text
    } else {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    text + &suffix
}

fn exponent_text(exponent: i32, letter: char) -> String {
    format!("{letter}{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

#[derive(Debug, Default)]
struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    alternative: bool,
    zero: bool,
    grouped: bool,
    width: usize,
    precision: Option<usize>,
}

/// `(format, {arguments}, types)`.
fn format(args: &[Value]) -> Answer {
    let ty = render::described(arg(args, 2)?.text()?)?;
    let mut values = arg(args, 1)?.row()?.iter().map(|(_, value)| value).zip(render::fields(&ty)?);
    let mut next = || values.next().map(|(value, ty)| Typed { value, ty }).ok_or("FORMAT: an argument is missing");
    let mut out = String::new();
    let mut is_null = false;
    let mut rest = arg(args, 0)?.text()?.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if rest.peek() == Some(&'%') {
            rest.next();
            out.push('%');
            continue;
        }
        let mut spec = Spec::default();
        while let Some(flag) = rest.peek() {
            match flag {
                '-' => spec.left = true,
                '+' => spec.plus = true,
                ' ' => spec.space = true,
                '#' => spec.alternative = true,
                '0' => spec.zero = true,
                '\'' => spec.grouped = true,
                _ => break,
            }
            rest.next();
        }
        let mut size = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| -> Result<Option<i64>, String> {
            if rest.peek() == Some(&'*') {
                rest.next();
                let Typed { value, .. } = next()?;
                return if *value == Value::Null { Ok(None) } else { value.int().map(Some) };
            }
            let mut n = 0_i64;
            while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10)) {
                rest.next();
                n = (n * 10 + i64::from(digit)).min(1 << 40);
            }
            Ok(Some(n))
        };
        match size(&mut rest)? {
            Some(width) => {
                spec.left |= width < 0;
                spec.width = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
            }
            None => is_null = true,
        }
        if rest.peek() == Some(&'.') {
            rest.next();
            match size(&mut rest)? {
                Some(precision) => spec.precision = usize::try_from(precision).ok(),
                None => is_null = true,
            }
        }
        if spec.width > WIDEST || spec.precision.is_some_and(|p| p > WIDEST) {
            return Err("FORMAT: width or precision is too large".into());
        }
        let kind = rest.next().ok_or("FORMAT: the format ends in the middle of a specifier")?;
        let typed = next()?;
        if *typed.value == Value::Null && !matches!(kind, 't' | 'T') {
            is_null = true;
            continue;
        }
        out.push_str(&spec.write(kind, &typed)?);
    }
    if next().is_ok() {
        return Err("FORMAT: there are more arguments than specifiers".into());
    }
    Ok(if is_null { Value::Null } else { Value::Text(out) })
}

impl Spec {
    fn write(&self, kind: char, typed: &Typed<'_>) -> Result<String, String> {
        let wrong = || Err(format!("FORMAT: %{kind} does not go with {}", typed.ty));
        match (kind, typed.value) {
            ('d' | 'i', Value::Int(n)) => Ok(self.integer(&n.unsigned_abs().to_string(), *n < 0)),
            ('o', Value::Int(n)) => self.unsigned(*n, kind, &format!("{n:o}"), "0"),
            ('x', Value::Int(n)) => self.unsigned(*n, kind, &format!("{n:x}"), "0x"),
            ('X', Value::Int(n)) => self.unsigned(*n, kind, &format!("{n:X}"), "0X"),
            ('f' | 'F', Value::Text(text)) if matches!(typed.ty, Type::Numeric | Type::BigNumeric) => {
                let decimals = self.precision.unwrap_or(6);
                let places = u32::try_from(decimals.min(100)).unwrap_or(100);
                let units = decimal::parse(text, places).ok_or("internal: no number")?;
                let magnitude = decimal::fixed(&BigInt::from(units.magnitude().clone()), places);
                Ok(self.number(&magnitude, units.sign() == Sign::Minus))
            }
            ('f' | 'F' | 'e' | 'E' | 'g' | 'G', Value::Float(n)) => Ok(self.float(kind, *n)),
            #[expect(clippy::cast_precision_loss, reason = "an INT64 stands for a FLOAT64 here, as in BigQuery")]
            ('f' | 'F' | 'e' | 'E' | 'g' | 'G', Value::Int(n)) => Ok(self.float(kind, *n as f64)),
            ('s', Value::Text(text)) if *typed.ty == Type::String => Ok(self.text(text)),
            ('p', Value::Text(text)) if *typed.ty == Type::Json => Ok(self.text(&Json::parse(text)?.write())),
            ('P', Value::Text(text)) if *typed.ty == Type::Json => Ok(self.text(&Json::parse(text)?.pretty())),
            ('t', _) => Ok(self.text(&render::text(typed)?)),
            ('T', _) => Ok(self.text(&render::literal(typed)?)),
            ('d' | 'i' | 'o' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E' | 'g' | 'G' | 's' | 'p' | 'P', _) => wrong(),
            _ => Err(format!("FORMAT: there is no specifier %{kind}")),
        }
    }

    fn unsigned(&self, n: i64, kind: char, digits: &str, prefix: &str) -> Result<String, String> {
        if n < 0 {
            return Err(format!("FORMAT: %{kind} of a negative number"));
        }
        let prefix = if self.alternative && n != 0 { prefix } else { "" };
        Ok(self.padded(prefix, &self.at_least(digits), true))
    }

    /// Leading zeros up to the precision.
    fn at_least(&self, digits: &str) -> String {
        match self.precision {
            Some(0) if digits == "0" => String::new(),
            Some(least) => format!("{digits:0>least$}"),
            None => digits.to_owned(),
        }
    }

    fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        }
    }

    fn integer(&self, digits: &str, negative: bool) -> String {
        let digits = self.at_least(digits);
        let digits = if self.grouped { grouped(&digits) } else { digits };
        self.padded(self.sign(negative), &digits, self.precision.is_none())
    }

    fn number(&self, digits: &str, negative: bool) -> String {
        let (whole, tail) = digits.split_at(digits.find(['.', 'e', 'E']).unwrap_or(digits.len()));
        let whole = if self.grouped { grouped(whole) } else { whole.to_owned() };
        let point = if self.alternative && !tail.starts_with('.') { "." } else { "" };
        self.padded(self.sign(negative), &format!("{whole}{point}{tail}"), true)
    }

    fn float(&self, kind: char, number: f64) -> String {
        let negative = number.is_sign_negative() && !number.is_nan();
        if !number.is_finite() {
            let name = if number.is_nan() { "nan" } else { "inf" };
            let name = if kind.is_ascii_uppercase() { name.to_uppercase() } else { name.to_owned() };
            return self.padded(self.sign(negative), &name, false);
        }
        let magnitude = number.abs();
        let precision = self.precision.unwrap_or(6);
        let text = match kind.to_ascii_lowercase() {
            'f' => format!("{magnitude:.precision$}"),
            'e' => {
                let scientific = format!("{magnitude:.precision$e}");
                let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific.as_str(), "0"));
                format!("{mantissa}{}", exponent_text(exponent.parse().unwrap_or(0), 'e'))
            }
            _ => general(magnitude, precision, self.alternative),
        };
        let text = if kind.is_ascii_uppercase() { text.to_uppercase() } else { text };
        self.number(&text, negative)
    }

    fn text(&self, text: &str) -> String {
        let kept: String = match self.precision {
            Some(most) => text.chars().take(most).collect(),
            None => text.to_owned(),
        };
        self.padded("", &kept, false)
    }

    /// Filled up to the width: with zeros behind the sign, or with spaces on a side.
    fn padded(&self, sign: &str, body: &str, zeros: bool) -> String {
        let length = sign.chars().count() + body.chars().count();
        let missing = self.width.saturating_sub(length);
        if self.left {
            format!("{sign}{body}{}", " ".repeat(missing))
        } else if self.zero && zeros {
            format!("{sign}{}{body}", "0".repeat(missing))
        } else {
            format!("{}{sign}{body}", " ".repeat(missing))
        }
    }
}

/// Commas between groups of three digits.
fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Without any argument but the one that a STRUCT has to have.
fn format_plain(args: &[Value]) -> Answer {
    let none = [arg(args, 0)?.clone(), Value::Row(Vec::new()), Value::Text("STRUCT<>".to_owned())];
    format(&none)
}

pub(super) const FUNCTIONS: &[Native] =
    &[("gsn_format", Gives::Text, format), ("gsn_format_plain", Gives::Text, format_plain)];

#[cfg(test)]
mod tests {
    use super::general;

    #[test]
    fn general_notation() {
        for (number, digits, expect) in [
            (100_000.0, 6, "100000"),
            (1_000_000.0, 6, "1e+06"),
            (0.0001, 6, "0.0001"),
            (0.000_01, 6, "1e-05"),
            (0.1, 15, "0.1"),
            (1.5, 1, "2"),
        ] {
            assert_eq!(general(number, digits, false), expect);
        }
    }
}
