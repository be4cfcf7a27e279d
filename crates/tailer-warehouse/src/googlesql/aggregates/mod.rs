//! Aggregate functions, with DISTINCT, IGNORE NULLS, HAVING MAX, ORDER BY and LIMIT inside; alone or over a window.
//!
//! Here a call is taken apart and checked; the families of functions write its SQL: [`plain`] sums and extremes, [`lists`] arrays
//! and strings, [`stats`] variances and correlations, [`approx`] quantiles and top lists (exact here), [`sketches`] HLL_COUNT.

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
    HavingBound, HavingBoundKind, NullTreatment, OrderByExpr, Spanned,
};

use super::{
    coerce,
    error::{At, Result, invalid, place, unsupported},
    query::{count, sort_key},
    scope::{Env, Ex},
    translator::Translator,
    types::Type,
};

mod approx;
mod lists;
mod plain;
pub(super) mod sketches;
mod stats;

pub(super) const AGGREGATES: &[&str] = &[
    "ANY_VALUE",
    "APPROX_COUNT_DISTINCT",
    "APPROX_QUANTILES",
    "APPROX_TOP_COUNT",
    "APPROX_TOP_SUM",
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
    "HLL_COUNT.INIT",
    "HLL_COUNT.MERGE",
    "HLL_COUNT.MERGE_PARTIAL",
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
    /// What the call says about NULLs, when it does.
    nulls: Option<NullTreatment>,
    order: String,
    limit: Option<u64>,
    /// `f(x HAVING MAX y)`: only the rows count whose `y` is the greatest (`true`) or least.
    having: Option<(bool, Ex)>,
    /// ` FILTER (WHERE …)` or nothing: PIVOT's.
    filter: String,
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
    let aggregate = if over.is_empty() {
        t.without_aggregates("the arguments of an aggregate function", |t| take_apart(t, name, function, over, env))?
    } else {
        take_apart(t, name, function, over, env)?
    };
    aggregate.anchored(env)?.translate()
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
    let filter = match &t.pivot_filter {
        Some(condition) if over.is_empty() => format!(" FILTER (WHERE ({condition}))"),
        _ => String::new(),
    };
    let mut aggregate = Aggregate {
        name,
        args: Vec::new(),
        star: false,
        distinct: match list.duplicate_treatment {
            Some(DuplicateTreatment::Distinct) => "DISTINCT ",
            _ => "",
        },
        nulls: function.null_treatment,
        order: String::new(),
        limit: None,
        having: None,
        filter,
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
            FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => aggregate.nulls = Some(*treatment),
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

impl Aggregate<'_> {
    /// An aggregate belongs to the query that it stands in. The engine gives one that names columns of a query around it only to
    /// that query: so one of its own query's columns is named too.
    fn anchored(mut self, env: &Env<'_>) -> Result<Self> {
        if env.outer.is_none() || self.args.is_empty() {
            return Ok(self);
        }
        let is_own = |sql: &str| {
            let values = env.names.variables.iter().filter_map(|v| v.value.as_ref());
            env.names.cols.iter().map(|c| &c.ex).chain(values).any(|ex| sql.contains(&ex.sql))
        };
        let foreign = self.args.iter().any(|a| a.sql.contains('"')) && !self.args.iter().any(|a| is_own(&a.sql));
        let Some(first) = self.args.first_mut().filter(|_| foreign) else { return Ok(self) };
        let Some(own) = env.names.cols.first() else {
            return Err(unsupported(
                format!("{} of a column of a query around a query without FROM", self.name),
                self.at,
            ));
        };
        first.sql = format!("(CASE WHEN {} IS NULL THEN {} ELSE {} END)", own.ex.sql, first.sql, first.sql);
        first.literal = super::scope::Literal::No;
        Ok(self)
    }

    fn translate(self) -> Result<Ex> {
        self.check()?;
        match self.name {
            "COUNT" => self.count(),
            "COUNTIF" => {
                let condition = self.typed(0, &Type::Bool)?;
                Ok(self.plain("count", &format!("CASE WHEN {condition} THEN true END"), Type::Int64))
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
            "APPROX_COUNT_DISTINCT" => self.approx_count_distinct(),
            "APPROX_QUANTILES" => self.approx_quantiles(),
            "APPROX_TOP_COUNT" => self.approx_top_count(),
            "APPROX_TOP_SUM" => self.approx_top_sum(),
            "HLL_COUNT.INIT" => self.sketch(),
            "HLL_COUNT.MERGE" | "HLL_COUNT.MERGE_PARTIAL" => self.merged_sketches(),
            "GROUPING" => Ok(Ex::new(format!("CAST(grouping({}) AS BIGINT)", self.arg(0)?.sql), Type::Int64)),
            "CORR" | "COVAR_POP" | "COVAR_SAMP" => self.of_two(),
            _ => self.spread(),
        }
    }

    fn check(&self) -> Result<()> {
        let counts = match self.name {
            "COUNT" if self.star => 0..=0,
            "STRING_AGG" | "HLL_COUNT.INIT" => 1..=2,
            "CORR" | "COVAR_POP" | "COVAR_SAMP" | "MAX_BY" | "MIN_BY" => 2..=2,
            "APPROX_QUANTILES" | "APPROX_TOP_COUNT" => 2..=2,
            "APPROX_TOP_SUM" => 3..=3,
            _ => 1..=1,
        };
        if !counts.contains(&self.args.len()) {
            return Err(invalid(format!("{} does not take {} arguments", self.name, self.args.len()), self.at));
        }
        let list = matches!(self.name, "ARRAY_AGG" | "STRING_AGG" | "ARRAY_CONCAT_AGG");
        if !list && (!self.order.is_empty() || self.limit.is_some()) {
            return Err(invalid(format!("{} takes neither ORDER BY nor LIMIT", self.name), self.at));
        }
        if self.nulls.is_some() && !matches!(self.name, "ARRAY_AGG" | "APPROX_QUANTILES") {
            return Err(unsupported(format!("IGNORE and RESPECT NULLS in {}", self.name), self.at));
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
        if let Some((_, key)) = &self.having {
            if !key.ty.can_order() {
                return Err(invalid(format!("HAVING MAX and MIN do not support {}", key.ty), self.at));
            }
            if matches!(self.name, "GROUPING" | "MAX_BY" | "MIN_BY") {
                return Err(invalid(format!("{} takes no HAVING", self.name), self.at));
            }
        }
        Ok(())
    }

    fn arg(&self, index: usize) -> Result<&Ex> {
        self.args.get(index).ok_or_else(|| invalid(format!("{} wants an argument", self.name), self.at))
    }

    fn typed(&self, index: usize, ty: &Type) -> Result<String> {
        coerce::to(self.arg(index)?.clone(), ty, self.at)
    }

    /// The argument as a value of its own type.
    fn value(&self, index: usize) -> Result<(String, Type)> {
        let ty = self.arg(index)?.ty.clone();
        Ok((self.typed(index, &ty)?, ty))
    }

    /// A literal count, which GoogleSQL wants above zero.
    fn positive(&self, index: usize) -> Result<u64> {
        let digits = match &self.arg(index)?.literal {
            super::scope::Literal::Int(digits) => digits.parse::<u64>().ok(),
            super::scope::Literal::Null => None,
            _ => return Err(unsupported(format!("{} with a number that is not a literal", self.name), self.at)),
        };
        digits.filter(|n| *n > 0).ok_or_else(|| invalid(format!("{} wants a positive number", self.name), self.at))
    }

    fn plain(&self, name: &str, arg: &str, ty: Type) -> Ex {
        Ex::new(self.text(name, arg), ty)
    }

    /// `name(DISTINCT arg) OVER (…)`, of the rows that HAVING and a filter leave.
    fn text(&self, name: &str, arg: &str) -> String {
        match self.extremal(arg) {
            None => format!("{name}({}{arg}){}{}", self.distinct, self.filter, self.over),
            Some(list) => format!("list_aggregate({list}, '{name}')"),
        }
    }

    /// As [`Aggregate::text`] for a function of several arguments.
    fn text_of_many(&self, name: &str, args: &str) -> Result<String> {
        if self.having.is_some() {
            return Err(unsupported(format!("HAVING inside of {}", self.name), self.at));
        }
        Ok(format!("{name}({}{args}){}{}", self.distinct, self.filter, self.over))
    }

    /// The values that belong to the greatest or least key, as a list: what is left of the rows by HAVING, in their order.
    fn extremal(&self, arg: &str) -> Option<String> {
        let (max, key) = self.having.as_ref()?;
        let key = if key.ty == Type::Float64 { format!("gs_no_nan({})", key.sql) } else { key.sql.clone() };
        let (distinct, order, filter, over) = (self.distinct, &self.order, &self.filter, self.over);
        let extreme = if *max { "max" } else { "min" };
        Some(format!(
            "gs_having(list({distinct}struct_pack(k := {key}, v := {arg}){order}){filter}{over}, {extreme}({key}){filter}{over})"
        ))
    }

    /// All values in a list, in order.
    fn collected(&self, arg: &str, without_nulls: bool) -> String {
        if let Some(list) = self.extremal(arg) {
            return if without_nulls { format!("gs_without_nulls({list})") } else { list };
        }
        let condition = match (without_nulls, self.filter.strip_suffix(')')) {
            (true, Some(filter)) => format!("{filter} AND {arg} IS NOT NULL)"),
            (true, None) => format!(" FILTER (WHERE {arg} IS NOT NULL)"),
            (false, _) => self.filter.clone(),
        };
        format!("list({}{arg}{}){condition}{}", self.distinct, self.order, self.over)
    }
}
