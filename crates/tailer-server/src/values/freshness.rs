//! The words of freshness as fields of requests.

use serde_json::value::RawValue;
use tailer_model::freshness::{Frequency, Timing, Today};
use utoipa::openapi::schema::Schema;

use super::{one_of, parsed};
use crate::fields::{Field, Mistake};

macro_rules! words {
    ($($name:ident: $expected:literal),+) => { $(
        impl Field for $name {
            const EXPECTED: &'static str = $expected;
            fn read(raw: &RawValue) -> Result<Self, Mistake> {
                parsed(raw)
            }
            fn schema() -> Schema {
                one_of(Self::ALL.iter().map(|value| value.as_str()))
            }
        }
    )+ };
}
words!(
    Frequency: "one of Daily, Weekly, Monthly, Yearly, Unfollow",
    Today: "one of Executed, Awaited, Not today, Learning",
    Timing: "one of On time, Late, Very late"
);
