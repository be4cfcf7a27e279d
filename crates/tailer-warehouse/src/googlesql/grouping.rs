//! GROUP BY: ordinals, aliases, expressions, ALL, ROLLUP, CUBE and GROUPING SETS.

use sqlparser::ast::{Expr, GroupByExpr};

use super::{
    error::{Result, invalid, place, unsupported},
    query::ordinal,
    scope::{Env, Ex, Literal},
    select::Item,
    translator::Translator,
};

impl Translator<'_> {
    pub(super) fn group_by(&mut self, group_by: &GroupByExpr, items: &[Item], env: &Env<'_>) -> Result<Option<String>> {
        let (exprs, modifiers) = match group_by {
            GroupByExpr::All(modifiers) => {
                if !modifiers.is_empty() {
                    return Err(invalid("GROUP BY ALL takes nothing more", super::error::nowhere()));
                }
                return group_by_all(items);
            }
            GroupByExpr::Expressions(exprs, modifiers) => (exprs, modifiers),
        };
        if let Some(modifier) = modifiers.first() {
            let at = exprs.first().map(place).unwrap_or_else(super::error::nowhere);
            return Err(invalid(format!("GROUP BY … {modifier} is not GoogleSQL"), at));
        }
        if exprs.is_empty() {
            return Ok(None);
        }
        let mut keys = Vec::with_capacity(exprs.len());
        for expr in exprs {
            keys.push(match expr {
                Expr::Rollup(sets) => format!("ROLLUP ({})", self.grouping_sets(sets, items, env)?),
                Expr::Cube(sets) => format!("CUBE ({})", self.grouping_sets(sets, items, env)?),
                Expr::GroupingSets(sets) => format!("GROUPING SETS ({})", self.grouping_sets(sets, items, env)?),
                Expr::Tuple(empty) if empty.is_empty() => "()".to_string(),
                expr => self.group_key(expr, items, env)?,
            });
        }
        Ok(Some(keys.join(", ")))
    }

    fn grouping_sets(&mut self, sets: &[Vec<Expr>], items: &[Item], env: &Env<'_>) -> Result<String> {
        let mut all = Vec::with_capacity(sets.len());
        let mut everything: Vec<String> = Vec::new();
        for set in sets {
            let mut keys = Vec::with_capacity(set.len());
            for expr in set {
                keys.push(self.group_key(expr, items, env)?);
            }
            everything.extend(keys.iter().cloned());
            all.push(if keys.len() == 1 { keys.join(", ") } else { format!("({})", keys.join(", ")) });
        }
        // DuckDB computes a key from another that is NULL in this set.
        let inside = |a: &String| everything.iter().any(|b| a != b && b.contains(a.as_str()));
        if everything.iter().any(inside) {
            let at = sets.iter().flatten().next().map_or_else(super::error::nowhere, place);
            return Err(unsupported("grouping sets where one key is part of another", at));
        }
        Ok(all.join(", "))
    }

    /// One key: an ordinal, an alias of the SELECT list, or an expression.
    fn group_key(&mut self, expr: &Expr, items: &[Item], env: &Env<'_>) -> Result<String> {
        let at = place(expr);
        let item = match expr {
            Expr::Identifier(ident) => {
                let mut named = items.iter().filter(|i| i.col.name.eq_ignore_ascii_case(&ident.value));
                let first = named.next();
                if let (Some(first), Some(second)) = (first, named.next())
                    && first.col.ex.sql != second.col.ex.sql
                {
                    return Err(invalid(format!("alias {} is ambiguous", ident.value), at));
                }
                first
            }
            Expr::Value(_) => ordinal(expr, items.len())?.and_then(|i| items.get(i)),
            _ => None,
        };
        let ex = match item {
            Some(item) if item.aggregated || item.windowed => {
                return Err(invalid("GROUP BY cannot name a column that holds an aggregate or window function", at));
            }
            Some(item) => item.col.ex.clone(),
            None => self.without_aggregates("GROUP BY", |t| t.expr(expr, env))?,
        };
        if !ex.ty.can_group() {
            return Err(invalid(format!("grouping by expressions of type {} is not allowed", ex.ty), at));
        }
        Ok(group_sql(&ex, items))
    }
}

fn group_by_all(items: &[Item]) -> Result<Option<String>> {
    let mut keys: Vec<String> = Vec::new();
    for item in items.iter().filter(|i| !i.aggregated && i.col.ex.literal == Literal::No) {
        if item.windowed {
            return Err(unsupported("GROUP BY ALL beside window functions", item.at));
        }
        if !item.col.ex.ty.can_group() {
            return Err(invalid(format!("grouping by expressions of type {} is not allowed", item.col.ex.ty), item.at));
        }
        let key = group_sql(&item.col.ex, items);
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    if keys.is_empty() && !items.iter().any(|i| i.aggregated) {
        return Err(unsupported(
            "GROUP BY ALL without keys and aggregates",
            items.first().map(|i| i.at).unwrap_or_else(super::error::nowhere),
        ));
    }
    Ok((!keys.is_empty()).then(|| keys.join(", ")))
}

/// A key as DuckDB wants it: subqueries and constants are told by their place in the SELECT list.
fn group_sql(ex: &Ex, items: &[Item]) -> String {
    if (ex.sql.contains("SELECT ") || ex.literal != Literal::No)
        && let Some(position) = items.iter().position(|i| i.col.ex.sql == ex.sql)
    {
        return (position + 1).to_string();
    }
    ex.sql.clone()
}
