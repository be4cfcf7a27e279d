//! HLL_COUNT: sketches of distinct values.
//!
//! A sketch here is BYTES of our own making: the type of the values and a hash of each, so that counts are exact and sketches
//! merge as BigQuery's do. It grows with the values, and BigQuery's own sketches are not understood.

use super::Aggregate;
use crate::googlesql::{
    coerce,
    error::{At, Result, invalid, unsupported},
    scope::{Ex, Literal},
    types::Type,
};

impl Aggregate<'_> {
    pub(super) fn sketch(&self) -> Result<Ex> {
        if let Some(precision) = self.args.get(1) {
            match &precision.literal {
                Literal::Int(digits) if digits.parse().is_ok_and(|n: u64| (10..=24).contains(&n)) => {}
                Literal::Int(_) | Literal::Null => {
                    return Err(invalid("the precision of HLL_COUNT.INIT is from 10 to 24", self.at));
                }
                _ => return Err(unsupported("a precision of HLL_COUNT.INIT that is not a literal", self.at)),
            }
        }
        let (arg, ty) = self.value(0)?;
        let text = match ty {
            Type::Bytes => format!("hex({arg})"),
            Type::Int64 | Type::Numeric | Type::BigNumeric | Type::String => format!("CAST({arg} AS VARCHAR)"),
            other => return Err(invalid(format!("HLL_COUNT.INIT does not support {other}"), self.at)),
        };
        let hashes = Aggregate {
            distinct: "DISTINCT ",
            args: Vec::new(),
            having: self.having.clone(),
            filter: self.filter.clone(),
            order: String::new(),
            ..*self
        };
        let list = hashes.collected(&format!("md5({text})[1:16]"), true);
        Ok(Ex::new(format!("gs_sketch('{ty}', {list})"), Type::Bytes))
    }

    pub(super) fn merged_sketches(&self) -> Result<Ex> {
        let list = self.collected(&self.typed(0, &Type::Bytes)?, true);
        Ok(match self.name {
            "HLL_COUNT.MERGE" => Ex::new(format!("gs_sketch_count(gs_sketch_merge({list}))"), Type::Int64),
            _ => Ex::new(format!("gs_sketch_merge({list})"), Type::Bytes),
        })
    }
}

/// `HLL_COUNT.EXTRACT`, which is no aggregate function.
pub(in crate::googlesql) fn extract(sketch: Ex, at: At) -> Result<Ex> {
    let sketch = coerce::to(sketch, &Type::Bytes, at)?;
    Ok(Ex::new(format!("gs_sketch_count(gs_sketch_merge([{sketch}]))"), Type::Int64))
}
