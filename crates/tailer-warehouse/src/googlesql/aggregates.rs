//! Aggregate functions, with DISTINCT, IGNORE NULLS, ORDER BY and LIMIT inside; alone or over a window.

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
    HavingBound, HavingBoundKind, NullTreatment, OrderByExpr, Spanned,
};

use super::{
    coerce,
    error::{At, Result, invalid, place, unsupported},
    query::{count, sort_key},
    scope::{Env, Ex, Literal},
    translator::Translator,
    types::Type,
};

const AGGREGATES: &[&str] = &[
    "ANY_VALUE",
    "APPROX_COUNT_DISTINCT",
    "ARRAY_AGG",
    "ARRAY_CONCAT_AGG",
    "AVG",
    "BIT_AND",
    "BIT_OR",
    "BIT_XOR",
    "CORR",
    "COUNT",
    "COUNTIF",
    "COVAR_POP",
    "COVAR_SAMP",
    "GROUPING",
    "LOGICAL_AND",
    "LOGICAL_OR",
    "MAX",
    "MAX_BY",
    "MIN",
    "MIN_BY",
    "STDDEV",
    "STDDEV_POP",
    "STDDEV_SAMP",
    "STRING_AGG",
    "SUM",
    "VARIANCE",
    "VAR_POP",
    "VAR_SAMP",
];

pub(super) fn is_aggregate(name: &str) -> bool {
    AGGREGATES.contains(&name)
}

/// A call, taken apart.
struct Aggregate<'o> {
    name: &'o str,
    args: Vec<Ex>,
    star: bool,
    distinct: &'static str,
    ignore_nulls: bool,
    order: String,
    limit: Option<u64>,
    /// `ANY_VALUE(x HAVING MAX y)`.
    having: Option<(bool, Ex)>,
    /// ` OVER (…)` or nothing.
    over: &'o str,
    at: At,
}

/// An aggregate call. `over` is the window's text, or empty.
pub(super) fn call(t: &mut Translator<'_>, name: &str, function: &Function, over: &str, env: &Env<'_>) -> Result<Ex> {
    let at = function.name.span().start;
    if over.is_empty() {
        if let Some(place) = t.no_aggregates {
            return Err(invalid(format!("aggregate function {name} is not allowed in {place}"), at));
        }
        t.aggregates += 1;
    }
    let mut aggregate = if over.is_empty() {
        t.without_aggregates("the arguments of an aggregate function", |t| take_apart(t, name, function, over, env))?
    } else {
        take_apart(t, name, function, over, env)?
    };
    aggregate.at = at;
    aggregate.translate()
}

fn take_apart<'o>(
    t: &mut Translator<'_>,
    name: &'o str,
    function: &Function,
    over: &'o str,
    env: &Env<'_>,
) -> Result<Aggregate<'o>> {
    let at = function.name.span().start;
    let FunctionArguments::List(list) = &function.args else {
        return Err(invalid(format!("{name} takes arguments"), at));
    };
    let mut aggregate = Aggregate {
        name,
        args: Vec::new(),
        star: false,
        distinct: match list.duplicate_treatment {
            Some(DuplicateTreatment::Distinct) => "DISTINCT ",
            _ => "",
        },
        ignore_nulls: function.null_treatment == Some(NullTreatment::IgnoreNulls),
        order: String::new(),
        limit: None,
        having: None,
        over,
        at,
    };
    for arg in &list.args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => {
                let ex = t.expr(expr, env)?;
                aggregate.args.push(ex);
            }
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if name == "COUNT" => aggregate.star = true,
            _ => return Err(invalid(format!("{name} does not take such an argument"), at)),
        }
    }
    for clause in &list.clauses {
        match clause {
            FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => {
                aggregate.ignore_nulls = *treatment == NullTreatment::IgnoreNulls;
            }
            FunctionArgumentClause::OrderBy(keys) => aggregate.order = order(t, keys, env)?,
            FunctionArgumentClause::Limit(limit) => aggregate.limit = Some(count(limit)?),
            FunctionArgumentClause::Having(HavingBound(kind, expr)) => {
                aggregate.having = Some((*kind == HavingBoundKind::Max, t.expr(expr, env)?));
            }
            _ => return Err(unsupported(format!("a clause inside of {name}"), at)),
        }
    }
    Ok(aggregate)
}

fn order(t: &mut Translator<'_>, keys: &[OrderByExpr], env: &Env<'_>) -> Result<String> {
    let mut all = Vec::with_capacity(keys.len());
    for key in keys {
        if let Expr::Value(_) = key.expr {
            continue;
        }
        let ex = t.expr(&key.expr, env)?;
        all.push(sort_key(&ex, &key.options, place(&key.expr))?);
    }
    Ok(if all.is_empty() { String::new() } else { format!(" ORDER BY {}", all.join(", ")) })
}

/// A decimal type and the letter that stands for it in the functions of the prelude.
fn decimal(ty: Type) -> Option<(Type, char)> {
    match ty {
        Type::Numeric => Some((ty, 'n')),
        Type::BigNumeric => Some((ty, 'b')),
        _ => None,
    }
}

impl Aggregate<'_> {
    fn translate(self) -> Result<Ex> {
        self.check()?;
        match self.name {
            "COUNT" => self.count(),
            "COUNTIF" => {
                let condition = self.typed(0, &Type::Bool)?;
                Ok(self.plain("count", &format!("CASE WHEN {condition} THEN 1 END"), Type::Int64))
            }
            "APPROX_COUNT_DISTINCT" => {
                let arg = self.typed(0, &self.arg(0)?.ty)?;
                Ok(Ex::new(format!("count(DISTINCT {arg}){}", self.over), Type::Int64))
            }
            "SUM" => self.sum(),
            "AVG" => self.avg(),
            "MIN" | "MAX" => self.extreme(),
            "ANY_VALUE" | "MAX_BY" | "MIN_BY" => self.any_value(),
            "LOGICAL_AND" => Ok(self.plain("bool_and", &self.typed(0, &Type::Bool)?, Type::Bool)),
            "LOGICAL_OR" => Ok(self.plain("bool_or", &self.typed(0, &Type::Bool)?, Type::Bool)),
            "BIT_AND" | "BIT_OR" | "BIT_XOR" => {
                Ok(self.plain(&self.name.to_lowercase(), &self.typed(0, &Type::Int64)?, Type::Int64))
            }
            "ARRAY_AGG" => self.array_agg(),
            "ARRAY_CONCAT_AGG" => self.array_concat_agg(),
            "STRING_AGG" => self.string_agg(),
            "GROUPING" => Ok(Ex::new(format!("CAST(grouping({}) AS BIGINT)", self.arg(0)?.sql), Type::Int64)),
            "CORR" | "COVAR_POP" | "COVAR_SAMP" => self.of_two(),
            _ => self.spread(),
        }
    }

    fn check(&self) -> Result<()> {
        let counts = match self.name {
            "COUNT" if self.star => 0..=0,
            "STRING_AGG" => 1..=2,
            "CORR" | "COVAR_POP" | "COVAR_SAMP" | "MAX_BY" | "MIN_BY" => 2..=2,
            _ => 1..=1,
        };
        if !counts.contains(&self.args.len()) {
            return Err(invalid(format!("{} does not take {} arguments", self.name, self.args.len()), self.at));
        }
        let list = matches!(self.name, "ARRAY_AGG" | "STRING_AGG" | "ARRAY_CONCAT_AGG");
        if !list && (!self.order.is_empty() || self.limit.is_some()) {
            return Err(invalid(format!("{} takes neither ORDER BY nor LIMIT", self.name), self.at));
        }
        if self.ignore_nulls && self.name != "ARRAY_AGG" {
            return Err(unsupported(format!("IGNORE NULLS in {}", self.name), self.at));
        }
        if self.having.is_some() && self.name != "ANY_VALUE" {
            return Err(unsupported(format!("HAVING inside of {}", self.name), self.at));
        }
        if !self.over.is_empty() && (!self.order.is_empty() || self.limit.is_some()) {
            return Err(invalid("ORDER BY and LIMIT do not go with OVER", self.at));
        }
        if !self.over.is_empty() && self.name == "GROUPING" {
            return Err(invalid("GROUPING does not go with OVER", self.at));
        }
        if !self.distinct.is_empty() && self.args.iter().any(|a| !a.ty.can_group()) {
            return Err(invalid(format!("{} cannot tell equal values of this type (DISTINCT)", self.name), self.at));
        }
        Ok(())
    }

    fn arg(&self, index: usize) -> Result<&Ex> {
        self.args.get(index).ok_or_else(|| invalid(format!("{} wants an argument", self.name), self.at))
    }

    fn typed(&self, index: usize, ty: &Type) -> Result<String> {
        coerce::to(self.arg(index)?.clone(), ty, self.at)
    }

    /// `name(DISTINCT args) OVER (…)`.
    fn plain(&self, name: &str, args: &str, ty: Type) -> Ex {
        Ex::new(self.text(name, args), ty)
    }

    fn text(&self, name: &str, args: &str) -> String {
        format!("{name}({}{args}){}", self.distinct, self.over)
    }

    fn count(&self) -> Result<Ex> {
        if self.star {
            if !self.distinct.is_empty() {
                return Err(invalid("COUNT(DISTINCT *) is not GoogleSQL", self.at));
            }
            return Ok(Ex::new(format!("count(*){}", self.over), Type::Int64));
        }
        let ty = self.arg(0)?.ty.clone();
        let arg = self.typed(0, &ty)?;
        Ok(self.plain("count", &arg, Type::Int64))
    }

    /// The argument as a number, wherever only numbers do.
    fn number(&self) -> Result<(String, Type)> {
        let arg = self.arg(0)?;
        if !arg.ty.is_number() {
            return Err(invalid(format!("{} does not support {}", self.name, arg.ty), self.at));
        }
        Ok((self.typed(0, &arg.ty)?, arg.ty.clone()))
    }

    fn sum(&self) -> Result<Ex> {
        let (arg, ty) = self.number()?;
        let sum = self.text("sum", &arg);
        Ok(match ty {
            Type::Int64 => Ex::new(format!("CAST({sum} AS BIGINT)"), ty),
            // DuckDB's sum does not see that 38 digits are exceeded.
            Type::Numeric => Ex::new(format!("gs_check_numeric({sum})"), ty),
            Type::BigNumeric => Ex::new(format!("gs_bignumeric_fn('same', {sum})"), ty),
            _ => Ex::new(self.finite(&sum, &arg), ty),
        })
    }

    fn avg(&self) -> Result<Ex> {
        let (arg, ty) = self.number()?;
        if ty == Type::Numeric {
            let (sum, count) = (self.text("sum", &arg), self.text("count", &arg));
            return Ok(Ex::new(format!("gs_divide_numeric(gs_check_numeric({sum}), {count})"), ty));
        }
        if ty == Type::BigNumeric {
            let (sum, count) = (self.text("sum", &arg), self.text("count", &arg));
            return Ok(Ex::new(format!("gs_bignumeric_mean({sum}, {count})"), ty));
        }
        let avg = self.text("avg", &arg);
        Ok(Ex::new(if ty == Type::Float64 { self.finite(&avg, &arg) } else { avg }, Type::Float64))
    }

    /// A sum that is infinite though no value is has overflowed.
    fn finite(&self, sum: &str, arg: &str) -> String {
        format!("gs_check_float({sum}, {})", self.text("bool_or", &format!("isinf({arg})")))
    }

    fn extreme(&self) -> Result<Ex> {
        let ty = self.arg(0)?.ty.clone();
        if !ty.can_order() {
            return Err(invalid(format!("{} does not support {ty}", self.name), self.at));
        }
        let arg = self.typed(0, &ty)?;
        let value = self.text(&self.name.to_lowercase(), &arg);
        if ty == Type::Float64 && self.name == "MIN" {
            let any_nan = self.text("bool_or", &format!("isnan({arg})"));
            return Ok(Ex::new(format!("(CASE WHEN {any_nan} THEN 'nan'::DOUBLE ELSE {value} END)"), ty));
        }
        Ok(Ex::new(value, ty))
    }

    fn any_value(&self) -> Result<Ex> {
        let ty = self.arg(0)?.ty.clone();
        let arg = self.typed(0, &ty)?;
        let (max, key) = match (&self.having, self.name) {
            (Some((max, key)), _) => (*max, key.clone()),
            (None, "MAX_BY") => (true, self.arg(1)?.clone()),
            (None, "MIN_BY") => (false, self.arg(1)?.clone()),
            _ => return Ok(self.plain("any_value", &arg, ty)),
        };
        if !key.ty.can_order() || key.ty == Type::Float64 {
            return Err(unsupported(format!("{} by a key of type {}", self.name, key.ty), self.at));
        }
        let name = if max { "arg_max_null" } else { "arg_min_null" };
        Ok(self.plain(name, &format!("{arg}, {}", key.sql), ty))
    }

    fn array_agg(&self) -> Result<Ex> {
        let ty = self.arg(0)?.ty.clone();
        if matches!(ty, Type::Array(_)) {
            return Err(invalid("ARRAY_AGG does not support ARRAYs: wrap them in STRUCT", self.at));
        }
        let arg = self.typed(0, &ty)?;
        Ok(Ex::new(self.list(&arg, self.ignore_nulls), Type::array(ty)))
    }

    /// The values in a list, in order, limited.
    fn list(&self, arg: &str, without_nulls: bool) -> String {
        let filter = if without_nulls { format!(" FILTER (WHERE {arg} IS NOT NULL)") } else { String::new() };
        let list = format!("list({}{arg}{}){filter}{}", self.distinct, self.order, self.over);
        match self.limit {
            Some(limit) => format!("({list})[1:{limit}]"),
            None => list,
        }
    }

    fn array_concat_agg(&self) -> Result<Ex> {
        let ty = self.arg(0)?.ty.clone();
        if !matches!(ty, Type::Array(_)) || !self.distinct.is_empty() {
            return Err(invalid("ARRAY_CONCAT_AGG takes ARRAYs, without DISTINCT", self.at));
        }
        let arg = self.typed(0, &ty)?;
        Ok(Ex::new(format!("flatten({})", self.list(&arg, true)), ty))
    }

    fn string_agg(&self) -> Result<Ex> {
        if self.arg(0)?.ty == Type::Bytes {
            return Err(unsupported("STRING_AGG of BYTES", self.at));
        }
        let value = self.typed(0, &Type::String)?;
        let separator = match self.args.get(1) {
            Some(ex) if matches!(ex.literal, Literal::Text(_)) => self.typed(1, &Type::String)?,
            Some(_) => return Err(unsupported("STRING_AGG with a separator that is not a literal", self.at)),
            None => "','".to_string(),
        };
        if self.limit.is_some() {
            return Ok(Ex::new(format!("array_to_string({}, {separator})", self.list(&value, true)), Type::String));
        }
        let sql = format!("string_agg({}{value}, {separator}{}){}", self.distinct, self.order, self.over);
        Ok(Ex::new(sql, Type::String))
    }

    fn of_two(&self) -> Result<Ex> {
        if !self.distinct.is_empty() {
            return Err(unsupported(format!("{} with DISTINCT", self.name), self.at));
        }
        let name = self.name.to_lowercase();
        if let Some((ty, kind)) = coerce::common(&self.args).and_then(decimal) {
            let (y, x) = (self.typed(0, &ty)?, self.typed(1, &ty)?);
            let (ys, xs) = (self.text("list", &y), self.text("list", &x));
            return Ok(Ex::new(format!("gs_decimal_pairs('{kind}', {ys}, {xs}, '{name}')"), Type::Float64));
        }
        let (y, x) = (self.typed(0, &Type::Float64)?, self.typed(1, &Type::Float64)?);
        let least = if self.name == "COVAR_POP" { 1 } else { 2 };
        let pairs = self.text("regr_count", &format!("{y}, {x}"));
        let finite = format!("CASE WHEN isfinite({y}) AND isfinite({x}) THEN {y} END");
        let value = self.text(&name, &format!("{finite}, {x}"));
        Ok(self.guarded(
            &pairs,
            least,
            &format!("NOT isfinite({y}) AND {x} IS NOT NULL OR NOT isfinite({x}) AND {y} IS NOT NULL"),
            &value,
        ))
    }

    /// Standard deviations and variances.
    fn spread(&self) -> Result<Ex> {
        let (arg, ty) = self.number()?;
        let name = match self.name {
            "STDDEV" | "STDDEV_SAMP" => "stddev_samp",
            "STDDEV_POP" => "stddev_pop",
            "VARIANCE" | "VAR_SAMP" => "var_samp",
            "VAR_POP" => "var_pop",
            other => return Err(unsupported(format!("the function {other}"), self.at)),
        };
        if let Some((_, kind)) = decimal(ty) {
            let list = self.text("list", &arg);
            return Ok(Ex::new(format!("gs_decimal_spread('{kind}', {list}, '{name}')"), Type::Float64));
        }
        let arg = self.typed(0, &Type::Float64)?;
        let least = if name.ends_with("pop") { 1 } else { 2 };
        let value = self.text(name, &format!("CASE WHEN isfinite({arg}) THEN {arg} END"));
        Ok(self.guarded(&self.text("count", &arg), least, &format!("NOT isfinite({arg})"), &value))
    }

    /// NULL for too few values, NaN when one is not finite: DuckDB fails or answers otherwise.
    fn guarded(&self, count: &str, least: usize, infinite: &str, value: &str) -> Ex {
        let infinite = self.text("bool_or", infinite);
        let sql =
            format!("(CASE WHEN {count} < {least} THEN NULL WHEN {infinite} THEN 'nan'::DOUBLE ELSE {value} END)");
        Ex::new(sql, Type::Float64)
    }
}
