//! Pipe syntax: `FROM t |> WHERE … |> AGGREGATE … GROUP BY … |> …`.
//!
//! Every operator makes one more query around the table so far. Names of FROM items stay in sight until an operator makes a new
//! list of columns.

use sqlparser::ast::{
    Assignment, AssignmentTarget, Expr, ExprWithAliasAndOrderBy, GroupByExpr, Ident, IdentWithAlias, OrderBy,
    OrderByExpr, OrderByKind, PipeOperator, Query, Select, SetExpr, SetOperator, SetQuantifier, Spanned,
};

use super::{
    error::{At, Result, hint, invalid, nowhere, place, unsupported},
    from::{Item, names_of},
    pivot::{Pivot, Unpivot},
    query::{count, order_keys, sort_key},
    quote,
    scope::{Col, Env, Ex, Literal, Names, RangeVariable},
    select::Item as Column,
    translator::{Output, OutputColumn, Translator},
};

/// The table so far: what stands after FROM, and what can be named of it.
struct Table {
    sql: String,
    names: Names,
}

impl Translator<'_> {
    /// A query that starts with FROM.
    pub(super) fn starting_with_from(
        &mut self,
        select: &Select,
        operators: &[PipeOperator],
        outer: Option<&Env<'_>>,
    ) -> Result<Output> {
        let (sql, names) = self.tables(&select.from, outer)?;
        let Some(sql) = sql else { return Err(invalid("FROM wants a table", nowhere())) };
        self.piped(Table { sql, names }, operators, outer)
    }

    /// Operators after another query.
    pub(super) fn pipes(
        &mut self,
        operators: &[PipeOperator],
        output: Output,
        outer: Option<&Env<'_>>,
    ) -> Result<Output> {
        let table = self.table_of(output, "");
        self.piped(table, operators, outer)
    }

    fn piped(&mut self, mut table: Table, operators: &[PipeOperator], outer: Option<&Env<'_>>) -> Result<Output> {
        for operator in operators {
            table = self.deeper(nowhere, |t| t.pipe(table, operator, outer))?;
        }
        let columns = table.names.cols.clone();
        Ok(query_of(&table.sql, &columns, ""))
    }

    fn table_of(&mut self, output: Output, name: &str) -> Table {
        let own = self.alias();
        let names = names_of(&output, &own, name.to_string(), nowhere());
        Table { sql: format!("({}) AS {}", output.sql, quote(&own)), names }
    }

    fn pipe(&mut self, table: Table, operator: &PipeOperator, outer: Option<&Env<'_>>) -> Result<Table> {
        let names = table.names.clone();
        let env = Env::new(outer, &names);
        match operator {
            PipeOperator::Where { expr } => {
                let windows = self.windows;
                let condition = self.without_aggregates("WHERE", |t| t.condition(expr, &env, "WHERE"))?;
                let keyword = if self.windows > windows { "QUALIFY" } else { "WHERE" };
                Ok(self.wrapped_table(table, &format!(" {keyword} {condition}")))
            }
            PipeOperator::OrderBy { exprs } => {
                let order = self.pipe_order(exprs, &env)?;
                Ok(self.wrapped_table(table, &format!(" ORDER BY {order}")))
            }
            PipeOperator::Limit { expr, offset } => {
                let mut suffix = format!(" LIMIT {}", count(expr)?);
                if let Some(offset) = offset {
                    suffix.push_str(&format!(" OFFSET {}", count(offset)?));
                }
                Ok(self.wrapped_table(table, &suffix))
            }
            PipeOperator::Select { exprs } => {
                let mut items = Vec::new();
                for item in exprs {
                    self.no_aggregate_item(item, &env, &mut items)?;
                }
                let columns: Vec<Col> = items.into_iter().map(|i| i.col).collect();
                Ok(self.remade(&table.sql, &columns))
            }
            PipeOperator::Extend { exprs } => {
                let mut items = Vec::new();
                for item in exprs {
                    self.no_aggregate_item(item, &env, &mut items)?;
                }
                let mut table = table;
                table.names.cols.extend(items.into_iter().map(|i| i.col));
                Ok(self.wrapped_table(table, ""))
            }
            PipeOperator::Set { assignments } => self.pipe_set(table, assignments, &env),
            PipeOperator::Drop { columns } => {
                let mut table = table;
                for column in columns {
                    let index = the_column(&table.names, column)?;
                    table.names.cols.remove(index);
                }
                Ok(self.wrapped_table(table, ""))
            }
            PipeOperator::Rename { mappings } => {
                let mut table = table;
                for IdentWithAlias { ident, alias } in mappings {
                    let index = the_column(&table.names, ident)?;
                    if let Some(col) = table.names.cols.get_mut(index) {
                        col.name.clone_from(&alias.value);
                    }
                }
                Ok(table)
            }
            PipeOperator::As { alias } => {
                let cols = table.names.cols.clone();
                let variable =
                    RangeVariable { name: alias.value.clone(), cols: cols.clone(), value: None, nullable: false };
                Ok(Table { sql: table.sql, names: Names { cols, variables: vec![variable], ..Names::default() } })
            }
            PipeOperator::Aggregate { full_table_exprs, group_by_expr } => {
                self.pipe_aggregate(&table, full_table_exprs, group_by_expr, &env)
            }
            PipeOperator::Join(join) => {
                let (sql, names) = self.join(table.sql, table.names, join, outer)?;
                Ok(Table { sql, names })
            }
            PipeOperator::Union { set_quantifier, queries } => {
                self.pipe_set_operation(table, SetOperator::Union, *set_quantifier, queries, outer)
            }
            PipeOperator::Intersect { set_quantifier, queries } => {
                self.pipe_set_operation(table, SetOperator::Intersect, *set_quantifier, queries, outer)
            }
            PipeOperator::Except { set_quantifier, queries } => {
                self.pipe_set_operation(table, SetOperator::Except, *set_quantifier, queries, outer)
            }
            PipeOperator::Pivot { aggregate_functions, value_column, value_source, alias } => {
                let column: Vec<Expr> = value_column.iter().cloned().map(Expr::Identifier).collect();
                let (aggregates, values) = (aggregate_functions, value_source);
                let pivot = Pivot { aggregates, column: &column, values, alias: alias.as_ref() };
                let item = self.pivot(item_of(table), &pivot, outer)?;
                Ok(Table { sql: item.sql, names: item.names })
            }
            PipeOperator::Unpivot { value_column, name_column, unpivot_columns, alias } => {
                let value = Expr::Identifier(value_column.clone());
                let columns: Vec<_> = unpivot_columns
                    .iter()
                    .map(|c| sqlparser::ast::ExprWithAlias { expr: Expr::Identifier(c.clone()), alias: None })
                    .collect();
                let unpivot =
                    Unpivot { value: &value, name: name_column, columns: &columns, nulls: None, alias: alias.as_ref() };
                let item = self.unpivot(item_of(table), &unpivot, outer)?;
                Ok(Table { sql: item.sql, names: item.names })
            }
            PipeOperator::TableSample { .. } => Err(unsupported("TABLESAMPLE", nowhere())),
            PipeOperator::Call { function, .. } => {
                Err(unsupported(format!("the table function {}", function.name), function.name.span().start))
            }
        }
    }

    fn no_aggregate_item(
        &mut self,
        item: &sqlparser::ast::SelectItem,
        env: &Env<'_>,
        items: &mut Vec<Column>,
    ) -> Result<()> {
        self.without_aggregates("this operator (use |> AGGREGATE)", |t| t.item(item, env, items))
    }

    /// `SELECT * FROM table …`, all names still in sight.
    fn wrapped_table(&mut self, table: Table, suffix: &str) -> Table {
        let Table { sql, mut names } = table;
        let own = quote(&self.alias());
        let mut list: Vec<String> = Vec::new();
        let mut given: Vec<String> = Vec::new();
        let mut again = |ex: &mut Ex| {
            let index = given.iter().position(|sql| *sql == ex.sql).unwrap_or_else(|| {
                let value = super::select::selected(ex);
                list.push(format!("{value} AS \"c{}\"", given.len()));
                given.push(ex.sql.clone());
                given.len() - 1
            });
            *ex = Ex::new(format!("{own}.\"c{index}\""), ex.ty.clone());
        };
        for col in &mut names.cols {
            again(&mut col.ex);
        }
        for variable in &mut names.variables {
            variable.cols.iter_mut().for_each(|c| again(&mut c.ex));
            variable.value.iter_mut().for_each(&mut again);
        }
        Table { sql: format!("(SELECT {} FROM {sql}{suffix}) AS {own}", list.join(", ")), names }
    }

    /// A new list of columns.
    fn remade(&mut self, from: &str, columns: &[Col]) -> Table {
        let output = query_of(from, columns, "");
        self.table_of(output, "")
    }

    fn pipe_order(&mut self, exprs: &[OrderByExpr], env: &Env<'_>) -> Result<String> {
        let order = OrderBy { kind: OrderByKind::Expressions(exprs.to_vec()), interpolate: None };
        let mut keys = Vec::with_capacity(exprs.len());
        for (expr, options) in order_keys(&order)? {
            let ex = match super::query::ordinal(expr, env.names.cols.len())?.and_then(|i| env.names.cols.get(i)) {
                Some(col) => col.ex.clone(),
                None => self.without_aggregates("ORDER BY", |t| t.expr(expr, env))?,
            };
            keys.push(sort_key(&ex, options, place(expr))?);
        }
        Ok(keys.join(", "))
    }

    fn pipe_set(&mut self, mut table: Table, assignments: &[Assignment], env: &Env<'_>) -> Result<Table> {
        for Assignment { target, value } in assignments {
            let AssignmentTarget::ColumnName(path) = target else {
                return Err(invalid("SET takes one column at a time", place(value)));
            };
            let [ident] = path.0.iter().filter_map(|p| p.as_ident()).collect::<Vec<_>>()[..] else {
                return Err(unsupported("SET of a field", place(value)));
            };
            let ex = self.without_aggregates("SET", |t| t.expr(value, env))?;
            let index = the_column(&table.names, ident)?;
            if let Some(col) = table.names.cols.get_mut(index) {
                col.ex = ex;
            }
        }
        Ok(self.wrapped_table(table, ""))
    }

    /// The keys come first, then the aggregates.
    fn pipe_aggregate(
        &mut self,
        table: &Table,
        aggregates: &[ExprWithAliasAndOrderBy],
        keys: &[ExprWithAliasAndOrderBy],
        env: &Env<'_>,
    ) -> Result<Table> {
        let mut items = Vec::new();
        for (group, many) in [(true, keys), (false, aggregates)] {
            for ExprWithAliasAndOrderBy { expr, order_by } in many {
                if order_by.sort.is_some() || order_by.nulls_first.is_some() {
                    return Err(unsupported("ASC and DESC in AGGREGATE", place(&expr.expr)));
                }
                let item = match &expr.alias {
                    Some(alias) => {
                        sqlparser::ast::SelectItem::ExprWithAlias { expr: expr.expr.clone(), alias: alias.clone() }
                    }
                    None => sqlparser::ast::SelectItem::UnnamedExpr(expr.expr.clone()),
                };
                let before = items.len();
                self.item(&item, env, &mut items)?;
                if items.iter().skip(before).any(|i| i.aggregated == group) {
                    let message = if group {
                        "a key of GROUP BY holds an aggregate"
                    } else {
                        "AGGREGATE wants aggregate functions"
                    };
                    return Err(invalid(message, place(&expr.expr)));
                }
            }
        }
        let numbers: Vec<Expr> = (1..=keys.len())
            .map(|n| {
                let value = sqlparser::ast::Value::Number(n.to_string(), false);
                Expr::Value(value.with_span(sqlparser::tokenizer::Span::empty()))
            })
            .collect();
        let group = self.group_by(&GroupByExpr::Expressions(numbers, Vec::new()), &mut items, env)?;
        let group = group.clause.map(|g| format!(" GROUP BY {g}")).unwrap_or_default();
        let columns: Vec<Col> = items.into_iter().map(|i| i.col).collect();
        let output = query_of(&table.sql, &columns, &group);
        Ok(self.table_of(output, ""))
    }

    fn pipe_set_operation(
        &mut self,
        table: Table,
        op: SetOperator,
        quantifier: SetQuantifier,
        queries: &[Query],
        outer: Option<&Env<'_>>,
    ) -> Result<Table> {
        let mut output = query_of(&table.sql, &table.names.cols, "");
        for query in queries {
            let at = query.span().start;
            let operator = super::query::set_operator(op, quantifier, at)?;
            let matching = self.matching(&SetExpr::Query(Box::new(query.clone())));
            let right = self.query(query, outer)?;
            output = match matching {
                Some(matching) => {
                    let (left, right) = self.matched(output, right, &matching, at)?;
                    self.combine(vec![left, right], operator, at)?
                }
                None => self.combine(vec![output, right], operator, at)?,
            };
        }
        Ok(self.table_of(output, ""))
    }
}

fn item_of(table: Table) -> Item {
    Item { sql: table.sql, names: table.names, is_array: false, lateral: false, alias: None }
}

/// `SELECT columns FROM … …`.
fn query_of(from: &str, columns: &[Col], suffix: &str) -> Output {
    let mut list = Vec::with_capacity(columns.len());
    let mut all = Vec::with_capacity(columns.len());
    let unnamed = |i: usize| columns.iter().take(i).filter(|c| c.name.is_empty()).count();
    for (i, col) in columns.iter().enumerate() {
        let alias = if col.name.is_empty() { format!("f{}_", unnamed(i)) } else { format!("{}_{i}", col.name) };
        list.push(format!("{} AS {}", super::select::selected(&col.ex), quote(&alias)));
        all.push(OutputColumn { name: col.name.clone(), alias, ty: col.ex.ty.clone(), literal: Literal::No });
    }
    Output { sql: format!("SELECT {} FROM {from}{suffix}", list.join(", ")), columns: all, is_value: false }
}

fn the_column(names: &Names, ident: &Ident) -> Result<usize> {
    let at: At = ident.span.start;
    let mut found = names.cols.iter().enumerate().filter(|(_, c)| c.name.eq_ignore_ascii_case(&ident.value));
    let Some((index, _)) = found.next() else {
        let hint = hint(&ident.value, names.cols.iter().map(|c| c.name.as_str()));
        return Err(invalid(format!("unrecognized column name: {}{hint}", ident.value), at));
    };
    if found.next().is_some() {
        return Err(invalid(format!("column name {} is ambiguous", ident.value), at));
    }
    Ok(index)
}
