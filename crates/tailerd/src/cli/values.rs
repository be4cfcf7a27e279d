//! Values of flags that need more than `FromStr` of the model: configuration types that keep their spelling, `k=v`
//! parameters, lengths of time.

use std::{fmt, str::FromStr, time::Duration};

use serde_json::Value;
use tailer_model::{ConfigurationType, ExecutionDate};

/// A kind of data operation, with the spelling that the person used: the server echoes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Type {
    pub(crate) kind: ConfigurationType,
    pub(crate) text: String,
}

impl FromStr for Type {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Ok(Self { kind: s.parse().map_err(|e: tailer_model::identity::IdentityError| e.0)?, text: s.to_owned() })
    }
}

impl From<ConfigurationType> for Type {
    fn from(kind: ConfigurationType) -> Self {
        Self { kind, text: kind.as_str().to_owned() }
    }
}

/// `k=v`: numbers, `true`, `false` and `null` are what they look like, everything else is text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) value: Value,
}

impl FromStr for Param {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let (name, text) = s.split_once('=').ok_or("expected name=value, such as country=FR")?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err("a parameter's name has letters, digits and underscores, such as country=FR".into());
        }
        let value = match serde_json::from_str(text) {
            Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::Null)) => value,
            _ => Value::String(text.to_owned()),
        };
        Ok(Self { name: name.to_owned(), value })
    }
}

/// A length of time with one unit: `90d`, `12h`, `30m`, `60s`, `500ms`. At least one millisecond, at most 100 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl Span {
    const LIMIT: Duration = Duration::from_secs(100 * 365 * 86_400);
}

impl FromStr for Span {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a whole number with a unit d, h, m, s or ms, such as 90d or 15s";
        let digits = s.find(|c: char| !c.is_ascii_digit()).ok_or(EXPECTED)?;
        let (number, unit) = s.split_at(digits);
        let milliseconds: u64 = match unit {
            "d" => 86_400_000,
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1_000,
            "ms" => 1,
            _ => return Err(EXPECTED.into()),
        };
        let number: u64 = number.parse().map_err(|_| EXPECTED)?;
        let time = number.checked_mul(milliseconds).map(Duration::from_millis).filter(|t| *t <= Self::LIMIT);
        match time {
            None => Err("expected at most 36500d".into()),
            Some(Duration::ZERO) => Err("expected more than zero".into()),
            Some(time) => Ok(Self(time)),
        }
    }
}

impl fmt::Display for Span {
    /// The largest unit that says it whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
        match units.into_iter().find(|(size, _)| ms.is_multiple_of(*size)) {
            Some((size, unit)) => write!(f, "{}{unit}", ms / size),
            None => write!(f, "{ms}ms"),
        }
    }
}

/// `YYYY-MM-DD`, `YYYY/MM/DD` or RFC 3339, for clap.
pub(crate) fn execution_date(text: &str) -> Result<ExecutionDate, String> {
    text.parse().map_err(|e: <ExecutionDate as FromStr>::Err| e.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_take_the_type_they_look_like() {
        let check = |text: &str, expect: Value| assert_eq!(text.parse::<Param>().unwrap().value, expect, "{text}");
        check("n=1", json!(1));
        check("n=-1.5", json!(-1.5));
        check("b=true", json!(true));
        check("b=null", json!(null));
        check("t=FR", json!("FR"));
        check("t=", json!(""));
        check("t=a=b", json!("a=b"));
        check("t=[1]", json!("[1]"));
        check("t=\"quoted\"", json!("\"quoted\""));
        check("t=007", json!("007"));
        assert!("country".parse::<Param>().is_err());
        assert!("=1".parse::<Param>().is_err());
    }

    #[test]
    fn lengths_of_time_have_one_unit() {
        let check = |text: &str, expect: Option<u64>| {
            assert_eq!(text.parse::<Span>().ok().map(|d| d.0), expect.map(Duration::from_millis), "{text}");
        };
        check("90d", Some(7_776_000_000));
        check("12h", Some(43_200_000));
        check("30m", Some(1_800_000));
        check("60s", Some(60_000));
        check("250ms", Some(250));
        for bad in ["", "d", "15", "0s", "-1s", "1.5h", "1h30m", "15 s", "99999999999d", "99999999999999999999s"] {
            check(bad, None);
        }
        for text in ["90d", "13h", "61m", "61s", "1001ms"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!("120s".parse::<Span>().unwrap().to_string(), "2m");
    }

    #[test]
    fn types_keep_their_spelling() {
        let check = |text: &str, kind| {
            let parsed: Type = text.parse().unwrap();
            assert_eq!((parsed.kind, parsed.text.as_str()), (kind, text));
        };
        check("gbq-to-gbq", ConfigurationType::TableToTable);
        check("table-to-table", ConfigurationType::TableToTable);
        check("storage-to-table", ConfigurationType::StorageToTables);
        assert!("tables".parse::<Type>().is_err());
    }
}
