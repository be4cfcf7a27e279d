//! The APPROX_ functions. Their answers are exact here, which is among the answers that GoogleSQL allows.

use sqlparser::ast::NullTreatment;

use super::Aggregate;
use crate::googlesql::{
    error::{Result, invalid, unsupported},
    scope::Ex,
    types::{StructField, Type},
};

/// Longer lists are refused.
const LONGEST: u64 = 100_000;

impl Aggregate<'_> {
    pub(super) fn approx_count_distinct(&self) -> Result<Ex> {
        let (arg, ty) = self.value(0)?;
        if !ty.can_group() {
            return Err(invalid(format!("APPROX_COUNT_DISTINCT does not support {ty}"), self.at));
        }
        let distinct = Aggregate {
            distinct: "DISTINCT ",
            args: Vec::new(),
            having: self.having.clone(),
            filter: self.filter.clone(),
            order: String::new(),
            ..*self
        };
        Ok(Ex::new(format!("coalesce({}, 0)", distinct.text("count", &arg)), Type::Int64))
    }

    /// The values at the steps of the sorted list: with `n` values, step `i` of `q` is the value of rank `ceil(n i / q)`.
    pub(super) fn approx_quantiles(&self) -> Result<Ex> {
        let (arg, ty) = self.value(0)?;
        if !ty.can_order() {
            return Err(invalid(format!("APPROX_QUANTILES does not support {ty}"), self.at));
        }
        let steps = self.positive(1)?;
        if steps > LONGEST {
            return Err(invalid(format!("APPROX_QUANTILES gives at most {LONGEST} values"), self.at));
        }
        let with_nulls = self.nulls == Some(NullTreatment::RespectNulls);
        let list = self.collected(&arg, !with_nulls);
        let nan = if ty == Type::Float64 { "gs_sorted_floats" } else { "gs_sorted" };
        Ok(Ex::new(format!("gs_quantiles({nan}({list}), {steps}::BIGINT)"), Type::array(ty)))
    }

    pub(super) fn approx_top_count(&self) -> Result<Ex> {
        let (arg, ty) = self.value(0)?;
        if ty == Type::Interval {
            // Intervals that are equal differ in their parts; which of them stands for all is not defined.
            return Err(unsupported("APPROX_TOP_COUNT of INTERVAL", self.at));
        }
        let top = self.positive(1)?;
        self.check_top(&ty, top)?;
        let list = self.collected(&arg, false);
        let sql = format!(
            "(SELECT (list(struct_pack(\"value\" := v, count := c) ORDER BY c DESC))[1:{top}] \
             FROM (SELECT v, count(*) AS c FROM (SELECT unnest({list}) AS v) GROUP BY v))"
        );
        Ok(Ex::new(sql, top_type(ty, "count", Type::Int64)))
    }

    /// Weights that are NULL count as nothing; a value with no other weight has the sum NULL and comes last.
    pub(super) fn approx_top_sum(&self) -> Result<Ex> {
        let (arg, ty) = self.value(0)?;
        let (weight, weight_type) = self.value(1)?;
        let top = self.positive(2)?;
        self.check_top(&ty, top)?;
        if !weight_type.is_number() {
            return Err(invalid(format!("APPROX_TOP_SUM does not support weights of type {weight_type}"), self.at));
        }
        let list = self.collected(&format!("struct_pack(v := {arg}, w := {weight})"), false);
        let sum_type = weight_type.duckdb();
        let bad = if weight_type == Type::Float64 { "r.w < 0 OR isnan(r.w)" } else { "r.w < 0" };
        let sql = format!(
            "(SELECT (list(struct_pack(\"value\" := v, sum := c) ORDER BY c DESC NULLS LAST))[1:{top}] \
             FROM (SELECT r.v AS v, CAST(sum(r.w) AS {sum_type}) AS c FROM (SELECT unnest({list}) AS r) WHERE gs_weight({bad}) GROUP BY r.v))"
        );
        Ok(Ex::new(sql, top_type(ty, "sum", weight_type)))
    }

    fn check_top(&self, ty: &Type, top: u64) -> Result<()> {
        if top > LONGEST {
            return Err(invalid(format!("{} gives at most {LONGEST} values", self.name), self.at));
        }
        if !ty.can_group() {
            return Err(invalid(format!("{} does not support {ty}", self.name), self.at));
        }
        if !self.over.is_empty() {
            return Err(invalid(format!("{} does not go with OVER", self.name), self.at));
        }
        // Without a column the engine would take the aggregate for one of the subquery's.
        if !self.args.iter().any(|a| a.sql.contains('"')) {
            return Err(unsupported(format!("{} of constants", self.name), self.at));
        }
        Ok(())
    }
}

fn top_type(value: Type, name: &str, sum: Type) -> Type {
    let field = |name: &str, field_type| StructField { name: name.into(), field_type };
    Type::array(Type::Struct(vec![field("value", value), field(name, sum)]))
}
