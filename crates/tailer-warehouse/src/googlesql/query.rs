//! Queries: WITH, set operations, and ORDER BY and LIMIT around them.

use sqlparser::ast::{
    Cte as AstCte, Expr, LimitClause, OrderBy, OrderByKind, OrderByOptions, OrderBySort, Query, SelectFlavor, SetExpr,
    SetOperator, SetQuantifier, Spanned, Value, With,
};

use super::{
    coerce,
    error::{At, Result, invalid, place, unsupported},
    quote,
    scope::{Col, Env, Ex, Literal, Names, text},
    set_modes::Matching,
    translator::{Cte, Output, OutputColumn, Translator},
    types::{Type, duckdb_field_names, supertype},
};

impl Translator<'_> {
    /// A query whose rows go out of the statement: STRUCTs as rows become columns.
    pub(super) fn query_of_columns(&mut self, query: &Query) -> Result<Output> {
        let output = self.query(query, None)?;
        let (true, [OutputColumn { ty: Type::Struct(fields), alias: value, .. }]) =
            (output.is_value, output.columns.as_slice())
        else {
            return Ok(output);
        };
        let own = self.alias();
        let mut list = Vec::with_capacity(fields.len());
        let mut columns = Vec::with_capacity(fields.len());
        for (field, alias) in fields.iter().zip(duckdb_field_names(fields)) {
            list.push(format!(
                "struct_extract({}.{}, {}) AS {}",
                quote(&own),
                quote(value),
                text(&alias),
                quote(&alias)
            ));
            columns.push(OutputColumn {
                name: field.name.clone(),
                alias,
                ty: field.field_type.clone(),
                literal: Literal::No,
            });
        }
        let sql = format!("SELECT {} FROM ({}) AS {}", list.join(", "), output.sql, quote(&own));
        Ok(Output { sql, columns, is_value: false })
    }

    /// A query on any level. `outer` are the names around it, for correlated subqueries.
    pub(super) fn query(&mut self, query: &Query, outer: Option<&Env<'_>>) -> Result<Output> {
        self.deeper(
            || query.span().start,
            |t| {
                let (aggregates, windows, allowed) = (t.aggregates, t.windows, t.no_aggregates.take());
                let ctes = t.ctes.len();
                let result = t.query_here(query, outer);
                t.ctes.truncate(ctes);
                (t.aggregates, t.windows, t.no_aggregates) = (aggregates, windows, allowed);
                result
            },
        )
    }

    fn query_here(&mut self, query: &Query, outer: Option<&Env<'_>>) -> Result<Output> {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        let at = || query.span().start;
        if fetch.is_some() || !locks.is_empty() || for_clause.is_some() || settings.is_some() || format_clause.is_some()
        {
            return Err(invalid("FETCH, FOR, SETTINGS and FORMAT clauses are not GoogleSQL", at()));
        }
        let with = match with {
            Some(with) => self.with(with, outer)?,
            None => String::new(),
        };
        let limit = limit_clause.as_ref().map(limit).transpose()?.unwrap_or_default();
        let mut output = match body.as_ref() {
            SetExpr::Select(select) if select.flavor == SelectFlavor::FromFirstNoSelect => {
                if order_by.is_some() || !limit.is_empty() {
                    return Err(invalid("a query that starts with FROM goes on with |>", at()));
                }
                let output = self.starting_with_from(select, pipe_operators, outer)?;
                return Ok(Output { sql: format!("{with}{}", output.sql), ..output });
            }
            SetExpr::Select(select) => self.select(select, order_by.as_ref(), outer)?,
            body => {
                let output = self.set_expression(body, outer)?;
                match order_by {
                    Some(order_by) => self.ordered(output, order_by, outer)?,
                    None if limit.is_empty() => output,
                    None => self.wrapped(output),
                }
            }
        };
        output.sql.push_str(&limit);
        if !pipe_operators.is_empty() {
            output = self.pipes(pipe_operators, output, outer)?;
        }
        output.sql.insert_str(0, &with);
        Ok(output)
    }

    /// The WITH clause, as text before the query.
    fn with(&mut self, with: &With, outer: Option<&Env<'_>>) -> Result<String> {
        let mut all = Vec::with_capacity(with.cte_tables.len());
        let first = self.ctes.len();
        let mut recursive = false;
        for cte in &with.cte_tables {
            let name = &cte.alias.name;
            if !cte.alias.columns.is_empty() || cte.from.is_some() || cte.materialized.is_some() {
                return Err(unsupported("a column list or MATERIALIZED in WITH", name.span.start));
            }
            if self.ctes.iter().skip(first).any(|c| c.name.eq_ignore_ascii_case(&name.value)) {
                return Err(invalid(format!("duplicate name {} in WITH", name.value), name.span.start));
            }
            let alias = self.cte_alias(&name.value);
            let output = match recursive_parts(cte).filter(|_| with.recursive) {
                Some(parts) => {
                    recursive = true;
                    self.recursive(cte, parts, &alias, outer)?
                }
                None => self.query(&cte.query, outer)?,
            };
            all.push(format!("{} AS ({})", quote(&alias), output.sql));
            let Output { columns, is_value, .. } = output;
            let columns = columns.into_iter().map(|c| OutputColumn { literal: Literal::No, ..c }).collect();
            self.ctes.push(Cte { name: name.value.clone(), alias, columns, is_value });
        }
        Ok(format!("WITH {}{} ", if recursive { "RECURSIVE " } else { "" }, all.join(", ")))
    }

    /// `anchor UNION … recursion`, where the recursion reads the table that is being made.
    fn recursive(
        &mut self,
        cte: &AstCte,
        (anchor, recursion, distinct): (&SetExpr, &SetExpr, bool),
        alias: &str,
        outer: Option<&Env<'_>>,
    ) -> Result<Output> {
        let at = cte.alias.name.span.start;
        if self.matching(recursion).is_some() {
            return Err(unsupported("a recursive query whose columns are matched by name", at));
        }
        let anchor = self.set_expression(anchor, outer)?;
        let columns: Vec<OutputColumn> =
            anchor.columns.iter().map(|c| OutputColumn { literal: Literal::No, ..c.clone() }).collect();
        let visible = Cte {
            name: cte.alias.name.value.clone(),
            alias: alias.to_string(),
            columns: columns.clone(),
            is_value: anchor.is_value,
        };
        self.ctes.push(visible);
        let step = self.set_expression(recursion, outer);
        self.ctes.pop();
        let step = step?;
        if step.columns.len() != columns.len() {
            return Err(invalid("the parts of a recursive query have different numbers of columns", at));
        }
        let types: Vec<Type> = columns.iter().map(|c| c.ty.clone()).collect();
        for (column, ty) in step.columns.iter().zip(&types) {
            let ex = Ex { sql: String::new(), ty: column.ty.clone(), literal: column.literal.clone() };
            if !coerce::can(&ex, ty) {
                return Err(unsupported(
                    format!("a recursive query whose column widens from {ty} to {}", column.ty),
                    at,
                ));
            }
        }
        let anchor = self.cast_columns(anchor, &types, at)?;
        let step = self.cast_columns(step, &types, at)?;
        let union = if distinct { "UNION" } else { "UNION ALL" };
        Ok(Output { sql: format!("{} {union} {}", branch(&anchor.sql), branch(&step.sql)), columns, is_value: false })
    }

    fn set_expression(&mut self, body: &SetExpr, outer: Option<&Env<'_>>) -> Result<Output> {
        match body {
            SetExpr::Select(select) => self.deeper(
                || select.span().start,
                |t| {
                    let (aggregates, windows) = (t.aggregates, t.windows);
                    let result = t.select(select, None, outer);
                    (t.aggregates, t.windows) = (aggregates, windows);
                    result
                },
            ),
            SetExpr::Query(query) => self.query(query, outer),
            SetExpr::SetOperation { .. } => self.set_operation(body, outer),
            other => Err(invalid("a query starts with SELECT, WITH or FROM", other.span().start)),
        }
    }

    /// A chain of equal set operations is translated as one, so that long UNIONs are not deep.
    fn set_operation(&mut self, body: &SetExpr, outer: Option<&Env<'_>>) -> Result<Output> {
        let at = body.span().start;
        let SetExpr::SetOperation { op, set_quantifier, .. } = body else {
            return Err(invalid("a set operation was expected", at));
        };
        let operator = set_operator(*op, *set_quantifier, at)?;
        if let SetExpr::SetOperation { left, right, .. } = body
            && let Some(matching) = self.matching(right)
        {
            let left = self.set_expression(left, outer)?;
            let right = self.set_expression(right, outer)?;
            let (left, right) = self.matched(left, right, &matching, at)?;
            return self.combine(vec![left, right], operator, at);
        }
        let mut branches = Vec::new();
        let mut rest = body;
        while let SetExpr::SetOperation { op: o, set_quantifier: q, left, right } = rest {
            if o != op || q != set_quantifier || self.matching(right).is_some() {
                break;
            }
            branches.push(right.as_ref());
            rest = left;
        }
        branches.push(rest);
        let mut outputs = Vec::with_capacity(branches.len());
        for branch in branches.into_iter().rev() {
            outputs.push(self.set_expression(branch, outer)?);
        }
        self.combine(outputs, operator, at)
    }

    /// How the columns of a set operation are matched, when by name.
    pub(super) fn matching(&self, right: &SetExpr) -> Option<Matching> {
        if self.matchings.is_empty() {
            return None;
        }
        let at = right.span().start;
        self.matchings.get(&(at.line, at.column)).cloned()
    }

    pub(super) fn combine(&mut self, outputs: Vec<Output>, operator: &str, at: At) -> Result<Output> {
        let Some(first) = outputs.first() else { return Err(invalid("an empty set operation", at)) };
        let mut columns = first.columns.clone();
        for output in &outputs {
            if output.columns.len() != columns.len() {
                let message = format!(
                    "queries in a set operation have different numbers of columns: {} and {}",
                    columns.len(),
                    output.columns.len()
                );
                return Err(invalid(message, at));
            }
        }
        for (i, column) in columns.iter_mut().enumerate() {
            let parts = outputs.iter().filter_map(|o| o.columns.get(i));
            let parts: Vec<Ex> =
                parts.map(|c| Ex { sql: String::new(), ty: c.ty.clone(), literal: c.literal.clone() }).collect();
            let Some(ty) = coerce::common(&parts) else {
                let types: Vec<String> = parts.iter().map(|p| p.ty.to_string()).collect();
                let message =
                    format!("column {} of a set operation has incompatible types: {}", i + 1, types.join(", "));
                return Err(invalid(message, at));
            };
            if operator != "UNION ALL" && !ty.can_group() {
                return Err(invalid(
                    format!("column {} of a set operation has type {ty}, which cannot be compared", i + 1),
                    at,
                ));
            }
            column.ty = ty;
            column.literal = if parts.iter().all(Ex::is_null) { Literal::Null } else { Literal::No };
        }
        let types: Vec<Type> = columns.iter().map(|c| c.ty.clone()).collect();
        let is_value = first.is_value;
        let mut all = Vec::with_capacity(outputs.len());
        for output in outputs {
            all.push(branch(&self.cast_columns(output, &types, at)?.sql));
        }
        Ok(Output { sql: all.join(&format!(" {operator} ")), columns, is_value })
    }

    /// The query with its columns cast where they are not of the wanted types yet.
    pub(super) fn cast_columns(&mut self, output: Output, types: &[Type], at: At) -> Result<Output> {
        let exact = output.columns.iter().zip(types).all(|(c, ty)| c.ty == *ty);
        if exact {
            return Ok(output);
        }
        let alias = self.alias();
        let mut columns = output.columns.clone();
        let mut list = Vec::with_capacity(columns.len());
        for (column, ty) in columns.iter_mut().zip(types) {
            let sql = format!("{}.{}", quote(&alias), quote(&column.alias));
            let ex = Ex { sql, ty: column.ty.clone(), literal: column.literal.clone() };
            // A literal came to be a column here: only NULL can still be told from its value.
            let ex = match ex.literal {
                Literal::Int(_) if *ty != Type::Int64 => Ex { literal: Literal::No, ..ex },
                _ => ex,
            };
            list.push(format!("{} AS {}", coerce::column_to(ex, ty, at)?, quote(&column.alias)));
            column.ty = ty.clone();
            column.literal = Literal::No;
        }
        let sql = format!("SELECT {} FROM ({}) AS {}", list.join(", "), output.sql, quote(&alias));
        Ok(Output { sql, columns, is_value: output.is_value })
    }

    /// `SELECT … FROM (query)`, to which clauses can be added.
    fn wrapped(&mut self, output: Output) -> Output {
        let alias = self.alias();
        let list: Vec<String> =
            output.columns.iter().map(|c| format!("{}.{}", quote(&alias), quote(&c.alias))).collect();
        Output { sql: format!("SELECT {} FROM ({}) AS {}", list.join(", "), output.sql, quote(&alias)), ..output }
    }

    /// The rows of a query in the order of keys made from its own columns.
    pub(super) fn ordered(&mut self, output: Output, order_by: &OrderBy, outer: Option<&Env<'_>>) -> Result<Output> {
        let alias = self.alias();
        let columns: Vec<Col> = output.columns.iter().map(|c| column_of(&alias, c)).collect();
        let names = Names { cols: columns.clone(), ..Names::default() };
        let env = Env::new(outer, &names);
        let mut keys = Vec::new();
        for (expr, options) in order_keys(order_by)? {
            let ex = match ordinal(expr, columns.len())? {
                Some(index) => columns.get(index).map(|c| c.ex.clone()),
                None => None,
            };
            let ex = match ex {
                Some(ex) => ex,
                None => self.expr(expr, &env)?,
            };
            keys.push(sort_key(&ex, options, place(expr))?);
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

/// The operator in the engine's words.
pub(super) fn set_operator(op: SetOperator, quantifier: SetQuantifier, at: At) -> Result<&'static str> {
    Ok(match (op, quantifier) {
        (SetOperator::Union, SetQuantifier::All) => "UNION ALL",
        (SetOperator::Union, SetQuantifier::Distinct) => "UNION",
        (SetOperator::Intersect, SetQuantifier::Distinct) => "INTERSECT",
        (SetOperator::Except, SetQuantifier::Distinct) => "EXCEPT",
        (SetOperator::Intersect, SetQuantifier::All) => "INTERSECT ALL",
        (SetOperator::Except, SetQuantifier::All) => "EXCEPT ALL",
        (op, SetQuantifier::None) => return Err(invalid(format!("{op} needs ALL or DISTINCT"), at)),
        (op, quantifier) => return Err(unsupported(format!("{op} {quantifier}"), at)),
    })
}

/// A column of a query, seen from around it.
pub(super) fn column_of(alias: &str, column: &OutputColumn) -> Col {
    let sql = format!("{}.{}", quote(alias), quote(&column.alias));
    Col { name: column.name.clone(), ex: Ex::new(sql, column.ty.clone()) }
}

fn branch(sql: &str) -> String {
    format!("({sql})")
}

fn recursive_parts(cte: &AstCte) -> Option<(&SetExpr, &SetExpr, bool)> {
    let query = &cte.query;
    let plain = query.with.is_none() && query.order_by.is_none() && query.limit_clause.is_none();
    match query.body.as_ref() {
        SetExpr::SetOperation { left, right, op: SetOperator::Union, set_quantifier } if plain => {
            match set_quantifier {
                SetQuantifier::All => Some((left, right, false)),
                SetQuantifier::Distinct => Some((left, right, true)),
                _ => None,
            }
        }
        _ => None,
    }
}

pub(super) fn order_keys(order_by: &OrderBy) -> Result<Vec<(&Expr, &OrderByOptions)>> {
    let at = order_by.span().start;
    match &order_by.kind {
        OrderByKind::Expressions(keys) if order_by.interpolate.is_none() => {
            if let Some(key) = keys.iter().find(|k| k.with_fill.is_some()) {
                return Err(invalid("WITH FILL is not GoogleSQL", place(&key.expr)));
            }
            Ok(keys.iter().map(|k| (&k.expr, &k.options)).collect())
        }
        _ => Err(invalid("ORDER BY ALL is not GoogleSQL", at)),
    }
}

/// The column (from zero) that an ordinal means, when the expression is one.
pub(super) fn ordinal(expr: &Expr, columns: usize) -> Result<Option<usize>> {
    let Expr::Value(value) = expr else { return Ok(None) };
    match &value.value {
        Value::Number(digits, _) => match digits.parse::<usize>() {
            Ok(n) if (1..=columns).contains(&n) => Ok(Some(n - 1)),
            _ => Err(invalid(format!("{digits} is out of range: there are {columns} columns"), value.span.start)),
        },
        other => Err(invalid(format!("cannot order or group by the literal {other}"), value.span.start)),
    }
}

/// One key of ORDER BY: NULLs first when ascending and last when descending unless said otherwise; NaN after NULL and
/// before all numbers.
pub(super) fn sort_key(ex: &Ex, options: &OrderByOptions, at: At) -> Result<String> {
    if !ex.ty.can_order() {
        return Err(invalid(format!("ORDER BY does not support expressions of type {}", ex.ty), at));
    }
    let descending = match options.sort {
        None | Some(OrderBySort::Asc) => false,
        Some(OrderBySort::Desc) => true,
        Some(OrderBySort::Using(_)) => return Err(invalid("ORDER BY … USING is not GoogleSQL", at)),
    };
    let nulls = match options.nulls_first.unwrap_or(!descending) {
        true => "NULLS FIRST",
        false => "NULLS LAST",
    };
    let (direction, opposite) = if descending { ("DESC", "ASC") } else { ("ASC", "DESC") };
    let key = format!("{} {direction} {nulls}", ex.sql);
    if ex.ty == Type::Float64 {
        return Ok(format!("isnan({}) {opposite} {nulls}, {key}", ex.sql));
    }
    Ok(key)
}

fn limit(clause: &LimitClause) -> Result<String> {
    let LimitClause::LimitOffset { limit, offset, limit_by } = clause else {
        return Err(invalid("LIMIT a, b is not GoogleSQL: write LIMIT b OFFSET a", super::error::nowhere()));
    };
    if let Some(first) = limit_by.first() {
        return Err(invalid("LIMIT … BY is not GoogleSQL", place(first)));
    }
    let mut sql = String::new();
    if let Some(limit) = limit {
        sql.push_str(&format!(" LIMIT {}", count(limit)?));
    }
    if let Some(offset) = offset {
        sql.push_str(&format!(" OFFSET {}", count(&offset.value)?));
    }
    Ok(sql)
}

/// A literal number of rows.
pub(super) fn count(expr: &Expr) -> Result<u64> {
    let number = match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse::<i64>().ok(),
            _ => None,
        },
        Expr::Cast { .. } => return Err(unsupported("an expression as LIMIT or OFFSET", place(expr))),
        _ => None,
    };
    let number = number.and_then(|n| u64::try_from(n).ok());
    number.ok_or_else(|| invalid("LIMIT and OFFSET want a literal that is not negative", place(expr)))
}

/// The type that several types become together.
pub(super) fn widest<'t>(types: impl IntoIterator<Item = &'t Type>) -> Option<Type> {
    let mut types = types.into_iter();
    let first = types.next()?.clone();
    types.try_fold(first, |a, b| supertype(&a, b))
}
