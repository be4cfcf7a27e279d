//! The date a run works for (`spec/api.md`, launch). A day in UTC; runs that a tick starts keep the day of the tick.

use jiff::civil::Date;

/// A UTC day. Parses `YYYY-MM-DD`, `YYYY/MM/DD` and RFC 3339 (converted to UTC); prints `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExecutionDate(pub Date);

// CONTRACT (helper model): FromStr (Err = String in words), Display, Serialize/Deserialize as text,
// pub fn of(at: Timestamp) -> Self  (UTC day), pub fn compact(self) -> String  (YYYYMMDD)
