//! `LIKE`, and `LIKE ANY`, `SOME` and `ALL` over a list, an array and a subquery.
//!
//! The quantified forms mean one LIKE per pattern, joined by OR (ANY) or AND (ALL) with SQL's three truth values; so does
//! `NOT LIKE ANY`, which is TRUE as soon as one pattern does not match. The parser knows them as calls of functions with the
//! names below, which [`rewrite`](super::rewrite) has put there.

use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::{
    coerce,
    error::{At, Result, invalid, place},
    quote,
    scope::{Env, Ex},
    translator::Translator,
    types::Type,
};

pub(super) const ANY_OF: &str = "like any";
pub(super) const ALL_OF: &str = "like all";
pub(super) const ANY_OF_ARRAY: &str = "like any unnest";
pub(super) const ALL_OF_ARRAY: &str = "like all unnest";
pub(super) const ANY_OF_QUERY: &str = "like any select";
pub(super) const ALL_OF_QUERY: &str = "like all select";

impl Translator<'_> {
    pub(super) fn like(&mut self, expr: &Expr, pattern: &Expr, negated: bool, env: &Env<'_>) -> Result<Ex> {
        let at = place(expr);
        let value = self.expr(expr, env)?;
        if let Expr::Function(function) = pattern
            && let Some(name) = function.name.0.first().and_then(|p| p.as_ident())
            && name.value.starts_with("like ")
        {
            let all = name.value.starts_with(ALL_OF);
            let args = patterns(function, at)?;
            let sql = match name.value.as_str() {
                ANY_OF | ALL_OF => self.like_list(value, &args, negated, all, at, env)?,
                ANY_OF_ARRAY | ALL_OF_ARRAY => self.like_array(value, &args, negated, all, at, env)?,
                _ => self.like_query(value, &args, negated, all, at, env)?,
            };
            return Ok(Ex::new(sql, Type::Bool));
        }
        let pattern = self.expr(pattern, env)?;
        let (sides, ty) = unified(vec![value, pattern], at)?;
        let [value, pattern] = sides.as_slice() else { return Err(invalid("LIKE has two sides", at)) };
        Ok(Ex::new(matches(value, pattern, &ty, negated), Type::Bool))
    }

    fn like_list(
        &mut self,
        value: Ex,
        patterns: &[&Expr],
        negated: bool,
        all: bool,
        at: At,
        env: &Env<'_>,
    ) -> Result<String> {
        let mut sides = vec![value];
        for pattern in patterns {
            sides.push(self.expr(pattern, env)?);
        }
        let (sides, ty) = unified(sides, at)?;
        let Some((value, patterns)) = sides.split_first() else { return Err(invalid("LIKE wants patterns", at)) };
        let parts: Vec<String> = patterns.iter().map(|p| matches(value, p, &ty, negated)).collect();
        Ok(format!("({})", parts.join(if all { " AND " } else { " OR " })))
    }

    fn like_array(
        &mut self,
        value: Ex,
        arrays: &[&Expr],
        negated: bool,
        all: bool,
        at: At,
        env: &Env<'_>,
    ) -> Result<String> {
        let [array] = arrays else { return Err(invalid("UNNEST takes one array", at)) };
        let array = self.expr(array, env)?;
        let element = match &array.ty {
            Type::Array(element) if array.literal == super::scope::Literal::No => element.as_ref().clone(),
            _ => return Ok(all.to_string()),
        };
        let pattern = Ex::new("p", element);
        let (sides, ty) = unified(vec![value.clone(), pattern], at)?;
        let [text, _] = sides.as_slice() else { return Err(invalid("LIKE has two sides", at)) };
        // A lambda cannot hold a subquery.
        if text.contains("SELECT ") {
            let own = quote(&self.alias());
            let one = matches(text, &format!("{own}.p"), &ty, negated);
            return Ok(joined(&one, &format!("(SELECT unnest({}) AS p) AS {own}", array.sql), all));
        }
        let each = matches(text, "p", &ty, negated);
        let name = if all { "gs_all" } else { "gs_any" };
        Ok(format!("{name}(list_transform({}, lambda p: {each}))", array.sql))
    }

    fn like_query(
        &mut self,
        value: Ex,
        queries: &[&Expr],
        negated: bool,
        all: bool,
        at: At,
        env: &Env<'_>,
    ) -> Result<String> {
        let [Expr::Subquery(query)] = queries else { return Err(invalid("LIKE wants one subquery here", at)) };
        let output = self.query(query, Some(env))?;
        let [column] = output.columns.as_slice() else {
            return Err(invalid("a subquery after LIKE gives one column", at));
        };
        let own = quote(&self.alias());
        let pattern = Ex::new(format!("{own}.{}", quote(&column.alias)), column.ty.clone());
        let pattern = Ex {
            literal: if column.literal == super::scope::Literal::Null {
                column.literal.clone()
            } else {
                pattern.literal.clone()
            },
            ..pattern
        };
        let (sides, ty) = unified(vec![value, pattern], at)?;
        let [value, pattern] = sides.as_slice() else { return Err(invalid("LIKE has two sides", at)) };
        let one = matches(value, pattern, &ty, negated);
        Ok(joined(&one, &format!("({}) AS {own}", output.sql), all))
    }
}

/// The truth of a condition over all rows of a FROM item.
pub(super) fn joined(condition: &str, from: &str, all: bool) -> String {
    let (aggregate, decided) = if all { ("bool_and", "false") } else { ("bool_or", "true") };
    format!(
        "(SELECT CASE WHEN {aggregate}(m) IS {decided} THEN {decided} WHEN count(*) = count(m) THEN NOT {decided} END \
         FROM (SELECT {condition} AS m FROM {from}))"
    )
}

/// Value and patterns as values of one type, STRING or BYTES.
fn unified(sides: Vec<Ex>, at: At) -> Result<(Vec<String>, Type)> {
    let ty = match sides.iter().find(|s| !s.is_null()).map(|s| &s.ty) {
        Some(Type::Bytes) => Type::Bytes,
        Some(Type::String) | None => Type::String,
        Some(other) => return Err(invalid(format!("LIKE takes STRING or BYTES, found {other}"), at)),
    };
    let sql = sides.into_iter().map(|side| coerce::to(side, &ty, at)).collect::<Result<Vec<_>>>()?;
    Ok((sql, ty))
}

fn matches(value: &str, pattern: &str, ty: &Type, negated: bool) -> String {
    let not = if negated { "NOT " } else { "" };
    if *ty == Type::Bytes {
        return format!("({not}gs_like_bytes({value}, {pattern}))");
    }
    format!("({value} {not}LIKE {pattern} ESCAPE '\\')")
}

fn patterns(function: &Function, at: At) -> Result<Vec<&Expr>> {
    let FunctionArguments::List(list) = &function.args else { return Err(invalid("LIKE wants patterns", at)) };
    let mut exprs = Vec::with_capacity(list.args.len());
    for arg in &list.args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => exprs.push(expr),
            _ => return Err(invalid("this is no pattern of LIKE", at)),
        }
    }
    Ok(exprs)
}
