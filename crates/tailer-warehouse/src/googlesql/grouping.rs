//! GROUP BY: ordinals, aliases, expressions, ALL, ROLLUP, CUBE and GROUPING SETS.

use sqlparser::ast::{Expr, GroupByExpr};

use super::{
    error::{Result, invalid, place, unsupported},
    query::ordinal,
    quote,
    scope::{Env, Ex, Literal},
    select::Item,
    translator::Translator,
};

/// What GROUP BY became.
#[derive(Debug, Default)]
pub(super) struct Grouping {
    /// The clause, when there is one.
    pub(super) clause: Option<String>,
    /// Keys computed before grouping, as a FROM item, when the clause could not hold them.
    pub(super) keys: Option<String>,
    /// Those keys as they stand in other clauses, and their names: shortest first, as what stands inside of a key that is one too
    /// means that key.
    renamed: Vec<(String, String)>,
}

impl Grouping {
    /// An expression of another clause, with the keys in it by their names.
    pub(super) fn seen(&self, sql: &str) -> String {
        let mut seen = sql.to_string();
        for (key, name) in &self.renamed {
            seen = seen.replace(key, name);
        }
        seen
    }
}

impl Translator<'_> {
    /// The clause. Items that hold keys which had to be renamed are changed.
    pub(super) fn group_by(&mut self, group_by: &GroupByExpr, items: &mut [Item], env: &Env<'_>) -> Result<Grouping> {
        let (exprs, modifiers) = match group_by {
            GroupByExpr::All(modifiers) => {
                if !modifiers.is_empty() {
                    return Err(invalid("GROUP BY ALL takes nothing more", super::error::nowhere()));
                }
                return Ok(Grouping { clause: group_by_all(items)?, ..Grouping::default() });
            }
            GroupByExpr::Expressions(exprs, modifiers) => (exprs, modifiers),
        };
        if let Some(modifier) = modifiers.first() {
            let at = exprs.first().map(place).unwrap_or_else(super::error::nowhere);
            return Err(invalid(format!("GROUP BY … {modifier} is not GoogleSQL"), at));
        }
        if exprs.is_empty() {
            return Ok(Grouping::default());
        }
        let sets = exprs.iter().any(|e| matches!(e, Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_)));
        let mut keys = Vec::with_capacity(exprs.len());
        let mut used = Vec::new();
        for expr in exprs {
            keys.push(match expr {
                Expr::Rollup(sets) => format!("ROLLUP ({})", self.grouping_sets(sets, items, env, &mut used)?),
                Expr::Cube(sets) => format!("CUBE ({})", self.grouping_sets(sets, items, env, &mut used)?),
                Expr::GroupingSets(sets) => {
                    format!("GROUPING SETS ({})", self.grouping_sets(sets, items, env, &mut used)?)
                }
                Expr::Tuple(empty) if empty.is_empty() => "()".to_string(),
                expr => {
                    let ex = self.group_key(expr, items, env)?;
                    if sets {
                        used.push(ex.sql.clone());
                        ex.sql
                    } else {
                        group_sql(&ex, items)
                    }
                }
            });
        }
        let clause = keys.join(", ");
        if let Some(constant) = used.iter().find(|key| !key.contains('"')) {
            let at = exprs.first().map(place).unwrap_or_else(super::error::nowhere);
            return Err(unsupported(format!("the constant {constant} as a key of grouping sets"), at));
        }
        Ok(self.computed_first(clause, used, items))
    }

    /// The engine computes a key from another that is NULL in this set, and knows no subqueries as keys: such keys are computed
    /// beside the FROM clause.
    fn computed_first(&mut self, clause: String, mut used: Vec<String>, items: &mut [Item]) -> Grouping {
        used.sort_by_key(|key| std::cmp::Reverse(key.len()));
        used.dedup();
        let inside = |a: &String| used.iter().any(|b| a != b && b.contains(a.as_str()));
        let plain = |key: &String| key.starts_with('"') && key.matches('"').count() <= 4;
        if !used.iter().any(|key| inside(key) || key.contains("SELECT ")) || used.iter().all(plain) {
            return Grouping { clause: Some(clause), ..Grouping::default() };
        }
        let own = quote(&self.alias());
        let list: Vec<String> = used.iter().enumerate().map(|(i, key)| format!("{key} AS k{i}")).collect();
        let renamed: Vec<_> = used.into_iter().enumerate().map(|(i, key)| (key, format!("{own}.k{i}"))).collect();
        let keys = Some(format!("(SELECT {}) AS {own}", list.join(", ")));
        let mut grouping = Grouping { clause: None, keys, renamed };
        // In the clause itself every key stands for itself.
        grouping.clause = Some(grouping.seen(&clause));
        grouping.renamed.reverse();
        for item in items {
            item.col.ex.sql = grouping.seen(&item.col.ex.sql);
        }
        grouping
    }

    fn grouping_sets(
        &mut self,
        sets: &[Vec<Expr>],
        items: &[Item],
        env: &Env<'_>,
        used: &mut Vec<String>,
    ) -> Result<String> {
        let mut all = Vec::with_capacity(sets.len());
        for set in sets {
            let mut keys = Vec::with_capacity(set.len());
            for expr in set {
                keys.push(self.group_key(expr, items, env)?.sql);
            }
            used.extend(keys.iter().cloned());
            all.push(if keys.len() == 1 { keys.join(", ") } else { format!("({})", keys.join(", ")) });
        }
        Ok(all.join(", "))
    }

    /// One key: an ordinal, an alias of the SELECT list, or an expression.
    fn group_key(&mut self, expr: &Expr, items: &[Item], env: &Env<'_>) -> Result<Ex> {
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
        Ok(ex)
    }
}

/// Window functions are computed after grouping: they are no keys.
fn group_by_all(items: &[Item]) -> Result<Option<String>> {
    let mut keys: Vec<String> = Vec::new();
    for item in items.iter().filter(|i| !i.aggregated && !i.windowed && i.col.ex.literal == Literal::No) {
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
