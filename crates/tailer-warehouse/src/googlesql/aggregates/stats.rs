//! Variances, standard deviations, covariances and correlations.
//!
//! NULL for too few values and NaN when one is not finite, where DuckDB fails or answers otherwise. Values beyond 1e150, whose
//! squares have no place in a FLOAT64, are scaled first; those of exact numbers are computed from the list of them.

use super::Aggregate;
use crate::googlesql::{
    coerce,
    error::{Result, invalid, unsupported},
    scope::Ex,
    types::Type,
};

/// 2^-520 and, to scale back, 2^520.
const DOWN: &str = "2.913414348125081e-157";
const UP: &str = "3.432398830065305e156";
const GREAT: &str = "1e150";

impl Aggregate<'_> {
    pub(super) fn of_two(&self) -> Result<Ex> {
        if !self.distinct.is_empty() {
            return Err(unsupported(format!("{} with DISTINCT", self.name), self.at));
        }
        for arg in &self.args {
            if !arg.ty.is_number() && !arg.is_null() {
                return Err(invalid(format!("{} does not support {}", self.name, arg.ty), self.at));
            }
        }
        if let Some((ty, kind)) = coerce::common(&self.args).and_then(decimal) {
            let (y, x) = (self.typed(0, &ty)?, self.typed(1, &ty)?);
            let (ys, xs) = (self.text_of_many("list", &y)?, self.text_of_many("list", &x)?);
            let name = self.name.to_lowercase();
            return Ok(Ex::new(format!("gs_decimal_pairs('{kind}', {ys}, {xs}, '{name}')"), Type::Float64));
        }
        let (y, x) = (self.typed(0, &Type::Float64)?, self.typed(1, &Type::Float64)?);
        let least = if self.name == "COVAR_POP" { 1 } else { 2 };
        let pairs = self.text_of_many("regr_count", &format!("{y}, {x}"))?;
        let function = self.name.to_lowercase();
        let usual = format!("CASE WHEN abs({y}) <= {GREAT} AND abs({x}) <= {GREAT} THEN {y} END");
        let value = self.text_of_many(&function, &format!("{usual}, {x}"))?;
        let finite = format!("CASE WHEN isfinite({y}) AND isfinite({x}) THEN {y} * {DOWN} END");
        let scaled = self.text_of_many(&function, &format!("{finite}, {x} * {DOWN}"))?;
        let scaled = if self.name == "CORR" { scaled } else { format!("{scaled} * {UP} * {UP}") };
        let beyond = |limit: &str| format!("{limit}({y}) AND {x} IS NOT NULL OR {limit}({x}) AND {y} IS NOT NULL");
        let infinite = self.text("bool_or", &beyond("NOT isfinite"));
        let great = self.text("bool_or", &beyond(&format!("{GREAT} < abs")));
        Ok(guarded(&pairs, least, &infinite, &great, &scaled, &value))
    }

    /// Standard deviations and variances.
    pub(super) fn spread(&self) -> Result<Ex> {
        let (_, ty) = self.number()?;
        let name = match self.name {
            "STDDEV" | "STDDEV_SAMP" => "stddev_samp",
            "STDDEV_POP" => "stddev_pop",
            "VARIANCE" | "VAR_SAMP" => "var_samp",
            "VAR_POP" => "var_pop",
            other => return Err(unsupported(format!("the function {other}"), self.at)),
        };
        let least = if name.ends_with("pop") { 1 } else { 2 };
        if let Some((ty, kind)) = decimal(ty) {
            let list = self.collected(&self.typed(0, &ty)?, true);
            return Ok(Ex::new(format!("gs_decimal_spread('{kind}', {list}, '{name}')"), Type::Float64));
        }
        let arg = self.typed(0, &Type::Float64)?;
        let count = self.text("count", &arg);
        let infinite = self.text("bool_or", &format!("NOT isfinite({arg})"));
        let great = self.text("bool_or", &format!("abs({arg}) > {GREAT}"));
        let scaled = self.text(name, &format!("CASE WHEN isfinite({arg}) THEN {arg} * {DOWN} END"));
        let scaled =
            if name.starts_with("var") { format!("{scaled} * {UP} * {UP}") } else { format!("{scaled} * {UP}") };
        let value = self.text(name, &format!("CASE WHEN abs({arg}) <= {GREAT} THEN {arg} END"));
        Ok(guarded(&format!("coalesce({count}, 0)"), least, &infinite, &great, &scaled, &value))
    }
}

/// A decimal type and the letter that stands for it in the functions of the prelude.
fn decimal(ty: Type) -> Option<(Type, char)> {
    match ty {
        Type::Numeric => Some((ty, 'n')),
        Type::BigNumeric => Some((ty, 'b')),
        _ => None,
    }
}

fn guarded(count: &str, least: usize, infinite: &str, great: &str, scaled: &str, value: &str) -> Ex {
    let sql = format!(
        "(CASE WHEN {count} < {least} THEN NULL WHEN {infinite} THEN 'nan'::DOUBLE WHEN {great} THEN {scaled} ELSE {value} END)"
    );
    Ex::new(sql, Type::Float64)
}
