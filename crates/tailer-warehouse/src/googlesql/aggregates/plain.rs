//! Counts, sums, averages and extremes.

use super::Aggregate;
use crate::googlesql::{
    error::{Result, invalid},
    scope::Ex,
    types::Type,
};

impl Aggregate<'_> {
    pub(super) fn count(&self) -> Result<Ex> {
        if self.star {
            if !self.distinct.is_empty() {
                return Err(invalid("COUNT(DISTINCT *) is not GoogleSQL", self.at));
            }
            if self.having.is_some() {
                return Ok(zero_for_nothing(self.plain("count", "true", Type::Int64)));
            }
            return Ok(Ex::new(format!("count(*){}{}", self.filter, self.over), Type::Int64));
        }
        let (arg, _) = self.value(0)?;
        let counted = self.plain("count", &arg, Type::Int64);
        Ok(if self.having.is_some() { zero_for_nothing(counted) } else { counted })
    }

    /// The argument as a number, wherever only numbers do.
    pub(super) fn number(&self) -> Result<(String, Type)> {
        let arg = self.arg(0)?;
        if !arg.ty.is_number() {
            return Err(invalid(format!("{} does not support {}", self.name, arg.ty), self.at));
        }
        self.value(0)
    }

    pub(super) fn sum(&self) -> Result<Ex> {
        let ty = self.arg(0)?.ty.clone();
        if ty == Type::Interval {
            let (arg, ty) = self.value(0)?;
            return Ok(Ex::new(format!("gs_interval_total({}, 'sum')", self.text("list", &arg)), ty));
        }
        let (arg, ty) = self.number()?;
        Ok(match ty {
            Type::Int64 => Ex::new(format!("CAST({} AS BIGINT)", self.text("sum", &arg)), ty),
            Type::Numeric => {
                let (whole, rest) = self.halves(&arg);
                Ex::new(format!("gs_sum_numeric({whole}, {rest})"), ty)
            }
            Type::BigNumeric => Ex::new(format!("gs_bignumeric_fn('same', {})", self.text("sum", &arg)), ty),
            _ => Ex::new(self.finite("sum", &arg), ty),
        })
    }

    pub(super) fn avg(&self) -> Result<Ex> {
        if self.arg(0)?.ty == Type::Interval {
            let (arg, ty) = self.value(0)?;
            return Ok(Ex::new(format!("gs_interval_total({}, 'avg')", self.text("list", &arg)), ty));
        }
        let (arg, ty) = self.number()?;
        if ty == Type::Numeric {
            let (whole, rest) = self.halves(&arg);
            let count = self.text("count", &arg);
            return Ok(Ex::new(format!("gs_avg_numeric({whole}, {rest}, {count})"), ty));
        }
        if ty == Type::BigNumeric {
            let (sum, count) = (self.text("sum", &arg), self.text("count", &arg));
            return Ok(Ex::new(format!("gs_bignumeric_mean({sum}, {count})"), ty));
        }
        let sql = if ty == Type::Float64 { self.finite("avg", &arg) } else { self.text("avg", &arg) };
        Ok(Ex::new(sql, Type::Float64))
    }

    /// Sums of what stands before and after the decimal point: no sum of either leaves the engine's range.
    fn halves(&self, arg: &str) -> (String, String) {
        // Equal halves of different values must not be taken for duplicates.
        if self.distinct.is_empty() {
            return (self.text("sum", &format!("gs_whole({arg})")), self.text("sum", &format!("gs_rest({arg})")));
        }
        let plain = Aggregate {
            name: self.name,
            args: self.args.clone(),
            having: self.having.clone(),
            filter: self.filter.clone(),
            order: String::new(),
            ..*self
        };
        let list = plain.collected(arg, true);
        (
            format!("list_sum(list_transform({list}, lambda e: gs_whole(e)))"),
            format!("list_sum(list_transform({list}, lambda e: gs_rest(e)))"),
        )
    }

    /// A sum that is infinite though no value is has overflowed; on the way to it, sums of great values are of scaled ones.
    fn finite(&self, name: &str, arg: &str) -> String {
        let infinite = self.text("bool_or", &format!("isinf({arg})"));
        let sum = self.text(name, arg);
        let scaled = self.text(name, &format!("{arg} * 1.1125369292536007e-308"));
        format!("gs_check_float({sum}, {infinite}, {scaled})")
    }

    pub(super) fn extreme(&self) -> Result<Ex> {
        let ty = self.arg(0)?.ty.clone();
        if !ty.can_order() {
            return Err(invalid(format!("{} does not support {ty}", self.name), self.at));
        }
        let (arg, ty) = self.value(0)?;
        let value = self.text(&self.name.to_lowercase(), &arg);
        if ty == Type::Float64 && self.name == "MIN" {
            let any_nan = self.text("bool_or", &format!("isnan({arg})"));
            return Ok(Ex::new(format!("(CASE WHEN {any_nan} THEN 'nan'::DOUBLE ELSE {value} END)"), ty));
        }
        Ok(Ex::new(value, ty))
    }

    pub(super) fn any_value(&self) -> Result<Ex> {
        let (arg, ty) = self.value(0)?;
        if self.having.is_some() {
            return Ok(Ex::new(format!("list_extract({}, 1)", self.collected(&arg, false)), ty));
        }
        let max = match self.name {
            "MAX_BY" => true,
            "MIN_BY" => false,
            _ => return Ok(self.plain("any_value", &arg, ty)),
        };
        let key = self.arg(1)?.clone();
        let same = Aggregate {
            name: self.name,
            args: Vec::new(),
            having: Some((max, key)),
            filter: self.filter.clone(),
            order: String::new(),
            ..*self
        };
        same.check()?;
        Ok(Ex::new(format!("list_extract({}, 1)", same.collected(&arg, false)), ty))
    }
}

/// The count of no rows at all, whose list is NULL.
fn zero_for_nothing(counted: Ex) -> Ex {
    Ex { sql: format!("coalesce({}, 0)", counted.sql), ..counted }
}
