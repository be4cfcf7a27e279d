//! ARRAY_AGG, ARRAY_CONCAT_AGG and STRING_AGG.

use sqlparser::ast::NullTreatment;

use super::Aggregate;
use crate::googlesql::{
    coerce,
    error::{Result, invalid, unsupported},
    scope::{Ex, Literal},
    types::Type,
};

impl Aggregate<'_> {
    pub(super) fn array_agg(&self) -> Result<Ex> {
        let (arg, ty) = self.value(0)?;
        if matches!(ty, Type::Array(_)) {
            return Err(invalid("ARRAY_AGG does not support ARRAYs: wrap them in STRUCT", self.at));
        }
        let ignore = self.nulls == Some(NullTreatment::IgnoreNulls);
        Ok(Ex::new(self.limited(&arg, ignore), Type::array(ty)))
    }

    /// The values in a list, in order, limited.
    fn limited(&self, arg: &str, without_nulls: bool) -> String {
        let list = self.collected(arg, without_nulls);
        match self.limit {
            Some(limit) => format!("({list})[1:{limit}]"),
            None => list,
        }
    }

    pub(super) fn array_concat_agg(&self) -> Result<Ex> {
        let (arg, ty) = self.value(0)?;
        if !matches!(ty, Type::Array(_)) || !self.distinct.is_empty() {
            return Err(invalid("ARRAY_CONCAT_AGG takes ARRAYs, without DISTINCT", self.at));
        }
        Ok(Ex::new(format!("flatten({})", self.limited(&arg, true)), ty))
    }

    pub(super) fn string_agg(&self) -> Result<Ex> {
        let is_bytes = self.arg(0)?.ty == Type::Bytes;
        let ty = if is_bytes { Type::Bytes } else { Type::String };
        let value = self.typed(0, &ty)?;
        let separator = match self.args.get(1) {
            Some(ex) if ex.is_null() => return Err(invalid("the separator of STRING_AGG may not be NULL", self.at)),
            Some(ex) if matches!(ex.literal, Literal::Text(_)) => coerce::to(ex.clone(), &ty, self.at)?,
            Some(ex) if is_bytes && !ex.sql.contains('"') => coerce::to(ex.clone(), &ty, self.at)?,
            Some(_) => return Err(unsupported("STRING_AGG with a separator that is not a literal", self.at)),
            None if is_bytes => "','::BLOB".to_string(),
            None => "','".to_string(),
        };
        if is_bytes {
            return Ok(Ex::new(format!("gs_join_bytes({}, {separator})", self.limited(&value, true)), ty));
        }
        if self.limit.is_some() || self.having.is_some() {
            return Ok(Ex::new(format!("gs_join({}, {separator})", self.limited(&value, true)), ty));
        }
        let (distinct, order, filter, over) = (self.distinct, &self.order, &self.filter, self.over);
        Ok(Ex::new(format!("string_agg({distinct}{value}, {separator}{order}){filter}{over}"), ty))
    }
}
