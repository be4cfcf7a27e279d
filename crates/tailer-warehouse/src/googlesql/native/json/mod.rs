//! JSON: the value, how it is read and written. Functions over it stand in [`access`], [`change`] and [`convert`].
//!
//! A value of type JSON is text in a normal form: keys in order and each once (the first stays), numbers as integers of 64
//! bits or as FLOAT64. Of a STRING that holds JSON, functions give the parts as they were written.

use std::fmt::Write as _;

mod access;
mod change;
mod convert;
mod path;

pub(super) use access::FUNCTIONS as ACCESS;
pub(super) use change::FUNCTIONS as CHANGE;
pub(super) use convert::FUNCTIONS as CONVERT;

/// Deeper nesting is refused.
const DEEPEST: usize = 500;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// As written.
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// A number as JSON means it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Int(i64),
    Unsigned(u64),
    Float(f64),
}

impl Number {
    pub(super) fn read(text: &str) -> Result<Number, String> {
        let whole = !text.contains(['.', 'e', 'E']);
        if let (true, Ok(n)) = (whole, text.parse()) {
            return Ok(Number::Int(n));
        }
        if let (true, Ok(n)) = (whole, text.parse()) {
            return Ok(Number::Unsigned(n));
        }
        match text.parse::<f64>() {
            Ok(n) if n.is_finite() => Ok(Number::Float(n)),
            _ => Err(format!("the JSON number {text} cannot be represented")),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "what LAX_FLOAT64 and FLOAT64 ask for")]
    pub(super) fn float(self) -> f64 {
        match self {
            Number::Int(n) => n as f64,
            Number::Unsigned(n) => n as f64,
            Number::Float(n) => n,
        }
    }

    pub(super) fn write(self) -> String {
        match self {
            Number::Int(n) => n.to_string(),
            Number::Unsigned(n) => n.to_string(),
            Number::Float(n) => float(n),
        }
    }
}

/// The shortest digits that give the number back, with a point or an exponent.
pub(super) fn float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if mantissa.starts_with('-') { "-" } else { "" };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let point = exponent + 1;
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let at = usize::try_from(point).unwrap_or(0);
    if digits == "0" {
        return format!("{sign}0.0");
    }
    match point {
        1..=15 if count <= point => format!("{sign}{digits:0<at$}.0"),
        1..=15 => format!("{sign}{}.{}", digits.get(..at).unwrap_or_default(), digits.get(at..).unwrap_or_default()),
        -3..=0 => format!("{sign}0.{}{digits}", "0".repeat(usize::try_from(-point).unwrap_or(0))),
        _ => {
            let (first, rest) = digits.split_at(1);
            let rest = if rest.is_empty() { String::new() } else { format!(".{rest}") };
            format!("{sign}{first}{rest}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
    }
}

impl Json {
    pub(super) fn parse(text: &str) -> Result<Json, String> {
        let mut reader = Reader { rest: text, depth: 0 };
        let value = reader.value()?;
        reader.spaces();
        if reader.rest.is_empty() { Ok(value) } else { Err(reader.wrong()) }
    }

    pub(super) fn float(number: f64) -> Json {
        Json::Number(float(number))
    }

    /// In normal form.
    pub(super) fn normal(self) -> Result<Json, String> {
        Ok(match self {
            Json::Number(text) => Json::Number(Number::read(&text)?.write()),
            Json::Array(items) => Json::Array(items.into_iter().map(Json::normal).collect::<Result<_, _>>()?),
            Json::Object(members) => {
                let mut kept = std::collections::BTreeMap::new();
                for (key, value) in members {
                    let value = value.normal()?;
                    kept.entry(key).or_insert(value);
                }
                Json::Object(kept.into_iter().collect())
            }
            other => other,
        })
    }

    pub(super) fn member(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Without any space.
    pub(super) fn write(&self) -> String {
        let mut out = String::new();
        self.append(&mut out, None, 0);
        out
    }

    /// On lines of their own, two spaces a level.
    pub(super) fn pretty(&self) -> String {
        let mut out = String::new();
        self.append(&mut out, Some("  "), 0);
        out
    }

    fn append(&self, out: &mut String, indent: Option<&str>, level: usize) {
        let line = |out: &mut String, level: usize| {
            if let Some(indent) = indent {
                out.push('\n');
                out.push_str(&indent.repeat(level));
            }
        };
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
            Json::Number(text) => out.push_str(text),
            Json::Text(text) => quote(out, text),
            Json::Array(items) if items.is_empty() => out.push_str("[]"),
            Json::Object(members) if members.is_empty() => out.push_str("{}"),
            Json::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    line(out, level + 1);
                    item.append(out, indent, level + 1);
                }
                line(out, level);
                out.push(']');
            }
            Json::Object(members) => {
                out.push('{');
                for (i, (key, value)) in members.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    line(out, level + 1);
                    quote(out, key);
                    out.push_str(if indent.is_some() { ": " } else { ":" });
                    value.append(out, indent, level + 1);
                }
                line(out, level);
                out.push('}');
            }
        }
    }
}

/// A text in quotes; what has to be escaped is.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn spaces(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn wrong(&self) -> String {
        let near: String = self.rest.chars().take(20).collect();
        if near.is_empty() { "invalid JSON: it ends early".to_owned() } else { format!("invalid JSON at: {near}") }
    }

    fn eat(&mut self, token: &str) -> bool {
        self.spaces();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.eat(token) { Ok(()) } else { Err(self.wrong()) }
    }

    fn value(&mut self) -> Result<Json, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("JSON nested deeper than {DEEPEST} levels"));
        }
        self.spaces();
        let value = match self.rest.as_bytes().first() {
            Some(b'{') => self.object()?,
            Some(b'[') => self.array()?,
            Some(b'"') => Json::Text(self.text()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ if self.eat("null") => Json::Null,
            _ if self.eat("true") => Json::Bool(true),
            _ if self.eat("false") => Json::Bool(false),
            _ => return Err(self.wrong()),
        };
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Json, String> {
        self.expect("{")?;
        let mut members = Vec::new();
        if self.eat("}") {
            return Ok(Json::Object(members));
        }
        loop {
            self.spaces();
            let key = self.text()?;
            self.expect(":")?;
            members.push((key, self.value()?));
            if self.eat("}") {
                return Ok(Json::Object(members));
            }
            self.expect(",")?;
        }
    }

    fn array(&mut self) -> Result<Json, String> {
        self.expect("[")?;
        let mut items = Vec::new();
        if self.eat("]") {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value()?);
            if self.eat("]") {
                return Ok(Json::Array(items));
            }
            self.expect(",")?;
        }
    }

    /// `-0`, `1.5e+3`: no leading zeros, digits around a point.
    fn number(&mut self) -> Result<Json, String> {
        let end = self.rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(m, e)| (m, Some(e)));
        let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
        let whole = whole.strip_prefix('-').unwrap_or(whole);
        let well = digits(whole)
            && (whole == "0" || !whole.starts_with('0'))
            && fraction.is_none_or(digits)
            && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)));
        if !well {
            return Err(self.wrong());
        }
        self.rest = rest;
        Ok(Json::Number(text.to_owned()))
    }

    /// A text in quotes; serde knows its escapes.
    fn text(&mut self) -> Result<String, String> {
        if !self.rest.starts_with('"') {
            return Err(self.wrong());
        }
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, c)| {
            let closes = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            closes
        });
        let Some((end, _)) = end else { return Err(self.wrong()) };
        let (token, rest) = self.rest.split_at(end + 1);
        let text = serde_json::from_str(token).map_err(|_| self.wrong())?;
        self.rest = rest;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_a_normal_form() {
        for (text, expect) in [
            (r#" { "b" : 1 , "a" : [ 1.50, -0, 1e2 ], "b": 2 } "#, r#"{"a":[1.5,0,100.0],"b":1}"#),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "1.8446744073709552e+19"),
            (r#""\u00e9\n\"""#, r#""é\n\"""#),
            ("1e-7", "1e-07"),
            ("0.00012", "0.00012"),
            ("123456.75", "123456.75"),
        ] {
            assert_eq!(Json::parse(text).unwrap().normal().unwrap().write(), expect, "{text}");
        }
        for wrong in ["", "{", "[1,]", "01", "1.", "nul", "'a'", "{a:1}", "1 2", "\"a", "+1"] {
            Json::parse(wrong).unwrap_err();
        }
    }
}
