//! What searches of the audit log are bounded by.

use serde_json::value::RawValue;
use tailer_model::{AuditAction, Moment};
use utoipa::openapi::schema::Schema;

use super::{one_of, parsed, text};
use crate::fields::{Field, Mistake};

impl Field for AuditAction {
    const EXPECTED: &'static str = "the name of a change, such as \"run_launch\": docs/audit.md lists them";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        parsed(raw)
    }
    fn schema() -> Schema {
        one_of(Self::ALL.iter().map(|action| action.as_str()))
    }
}

impl Field for Moment {
    const EXPECTED: &'static str = Moment::EXPECTED;
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        parsed(raw)
    }
    fn schema() -> Schema {
        text().examples(["2024-04-30"]).into()
    }
}
