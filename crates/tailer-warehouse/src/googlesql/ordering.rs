//! ORDER BY of a SELECT, whose keys may be ordinals, aliases, and expressions over the FROM clause.

use sqlparser::ast::{Expr, OrderBy};

use super::{
    error::{Result, located, place},
    grouping::Grouping,
    query::{order_keys, ordinal, sort_key},
    quote,
    scope::{Col, Env, Ex, Literal, Names},
    select::Item,
    translator::{Output, Translator},
    types::Type,
};

impl Translator<'_> {
    pub(super) fn order_here(
        &mut self,
        output: Output,
        order_by: &OrderBy,
        items: &[Item],
        group: &Grouping,
        env: &Env<'_>,
    ) -> Result<Output> {
        let mut keys = Vec::new();
        for (expr, options) in order_keys(order_by)? {
            let at = place(expr);
            let index = match expr {
                Expr::Value(_) => ordinal(expr, items.len())?,
                _ => None,
            };
            let ex = match index.and_then(|i| items.get(i)) {
                Some(item) => item.col.ex.clone(),
                None => {
                    let ex = self.expr(expr, env)?;
                    Ex { sql: group.seen(&ex.sql), ..ex }
                }
            };
            let position = index.or_else(|| items.iter().position(|i| i.col.ex == ex));
            let by_position = ex.ty != Type::Float64 && !output.is_value;
            let ex = match position {
                Some(position) if by_position => Ex { sql: (position + 1).to_string(), ..ex },
                _ if ex.literal != Literal::No => continue,
                _ => ex,
            };
            keys.push(sort_key(&ex, options, at)?);
        }
        if keys.is_empty() {
            return Ok(output);
        }
        Ok(Output { sql: format!("{} ORDER BY {}", output.sql, keys.join(", ")), ..output })
    }

    /// After DISTINCT only the columns themselves are there to order by.
    pub(super) fn order_distinct(
        &mut self,
        output: Output,
        order_by: &OrderBy,
        items: &[Item],
        group: &Grouping,
        env: &Env<'_>,
    ) -> Result<Output> {
        let alias = self.alias();
        let columns: Vec<Col> = output.columns.iter().map(|c| super::query::column_of(&alias, c)).collect();
        let names = Names { cols: columns.clone(), ..Names::default() };
        let outside = Env::new(env.outer, &names);
        let mut keys = Vec::new();
        for (expr, options) in order_keys(order_by)? {
            let at = place(expr);
            let index = match expr {
                Expr::Value(_) => ordinal(expr, items.len())?,
                _ => None,
            };
            let index = match index {
                None => {
                    let inside = self.expr(expr, env).ok().map(|ex| Ex { sql: group.seen(&ex.sql), ..ex });
                    inside.and_then(|ex| items.iter().position(|i| i.col.ex == ex))
                }
                found => found,
            };
            let ex = match index.and_then(|i| columns.get(i)) {
                Some(column) => column.ex.clone(),
                None => self.expr(expr, &outside).map_err(|e| located(e, || at))?,
            };
            keys.push(sort_key(&ex, options, at)?);
        }
        let list: Vec<String> = columns.iter().map(|c| c.ex.sql.clone()).collect();
        let sql = format!(
            "SELECT {} FROM ({}) AS {} ORDER BY {}",
            list.join(", "),
            output.sql,
            quote(&alias),
            keys.join(", ")
        );
        Ok(Output { sql, ..output })
    }
}
