//! PIVOT and UNPIVOT, said as GROUP BY and as a join with a list.

use sqlparser::ast::{Expr, ExprWithAlias, Ident, NullInclusion, PivotValueSource, UnaryOperator, Value};

use super::{
    compare::equal,
    error::{At, Result, invalid, nowhere, place, unsupported},
    from::{Item, names_of},
    quote,
    scope::{Col, Env, Ex, Literal, Names, text},
    translator::{Output, OutputColumn, Translator},
    types::Type,
};

/// The parts of `PIVOT (aggregates FOR column IN (values)) alias`.
pub(super) struct Pivot<'a> {
    pub(super) aggregates: &'a [ExprWithAlias],
    pub(super) column: &'a [Expr],
    pub(super) values: &'a PivotValueSource,
    pub(super) alias: Option<&'a Ident>,
}

/// The parts of `UNPIVOT (value FOR name IN (columns)) alias`.
pub(super) struct Unpivot<'a> {
    pub(super) value: &'a Expr,
    pub(super) name: &'a Ident,
    pub(super) columns: &'a [ExprWithAlias],
    pub(super) nulls: Option<&'a NullInclusion>,
    pub(super) alias: Option<&'a Ident>,
}

impl Translator<'_> {
    /// Groups by the columns that neither an aggregate nor FOR names; every aggregate comes once for each value.
    pub(super) fn pivot(&mut self, input: Item, pivot: &Pivot<'_>, outer: Option<&Env<'_>>) -> Result<Item> {
        let at = pivot.column.first().map_or_else(nowhere, place);
        let env = Env::new(outer, &input.names);
        let [column] = pivot.column else { return Err(invalid("PIVOT is for one expression", at)) };
        let PivotValueSource::List(values) = pivot.values else {
            return Err(invalid("PIVOT … IN takes a list of constants", at));
        };
        let column = self.without_aggregates("FOR of PIVOT", |t| t.expr(column, &env))?;
        let mut columns = Vec::new();
        let mut list = Vec::new();
        for value in values {
            let label = value_label(value)?;
            let constant = self.expr(&value.expr, &Env::new(None, &Names::default()))?;
            let same = matching(&column, constant, place(&value.expr))?;
            for aggregate in pivot.aggregates {
                if pivot.aggregates.len() > 1 && aggregate.alias.is_none() {
                    return Err(invalid("several aggregates of PIVOT want an alias each", place(&aggregate.expr)));
                }
                let ex = self.pivoted(aggregate, &same, &env)?;
                let name = output_name(aggregate.alias.as_ref(), &label);
                let alias = format!("c{}", columns.len());
                list.push(format!("{} AS {}", ex.sql, quote(&alias)));
                columns.push(OutputColumn { name, alias, ty: ex.ty, literal: Literal::No });
            }
        }
        let used = |col: &Col| column.sql.contains(&col.ex.sql) || list.iter().any(|sql| sql.contains(&col.ex.sql));
        let kept: Vec<Col> = input.names.cols.iter().filter(|c| !used(c)).cloned().collect();
        let mut keys = Vec::with_capacity(kept.len());
        let mut all = Vec::with_capacity(kept.len() + columns.len());
        for (i, col) in kept.into_iter().enumerate() {
            if !col.ex.ty.can_group() {
                return Err(invalid(format!("PIVOT cannot group by column {} of type {}", col.name, col.ex.ty), at));
            }
            let alias = format!("k{i}");
            list.insert(i, format!("{} AS {}", col.ex.sql, quote(&alias)));
            keys.push((i + 1).to_string());
            all.push(OutputColumn { name: col.name, alias, ty: col.ex.ty, literal: Literal::No });
        }
        all.extend(columns);
        let group = if keys.is_empty() { String::new() } else { format!(" GROUP BY {}", keys.join(", ")) };
        let sql = format!("SELECT {} FROM {}{group}", list.join(", "), input.sql);
        self.as_item(sql, all, pivot.alias, at)
    }

    /// One aggregate over the rows of one value.
    fn pivoted(&mut self, aggregate: &ExprWithAlias, condition: &str, env: &Env<'_>) -> Result<Ex> {
        let is_call = matches!(&aggregate.expr, Expr::Function(f) if f.over.is_none());
        let (before, counted) = (self.aggregates, self.pivot_filter.replace(condition.to_string()));
        let allowed = self.no_aggregates.take();
        let result = self.expr(&aggregate.expr, env);
        let found = self.aggregates - before;
        (self.aggregates, self.pivot_filter, self.no_aggregates) = (before, counted, allowed);
        let ex = result?;
        if !is_call || found != 1 {
            return Err(invalid("PIVOT takes calls of aggregate functions", place(&aggregate.expr)));
        }
        Ok(ex)
    }

    /// A row for every listed column that is not NULL.
    pub(super) fn unpivot(&mut self, input: Item, unpivot: &Unpivot<'_>, outer: Option<&Env<'_>>) -> Result<Item> {
        let at = unpivot.name.span.start;
        let env = Env::new(outer, &input.names);
        let targets = names_in(unpivot.value)?;
        let mut rows = Vec::with_capacity(unpivot.columns.len());
        let mut labels = Vec::with_capacity(unpivot.columns.len());
        for column in unpivot.columns {
            let (exprs, alias) = columns_in(column)?;
            if exprs.len() != targets.len() {
                return Err(invalid("UNPIVOT wants as many columns in every row as it makes", place(&column.expr)));
            }
            let mut cells = Vec::with_capacity(exprs.len());
            for expr in &exprs {
                cells.push(self.expr(expr, &env)?);
            }
            let joined: Vec<String> = exprs.iter().map(|e| last_name(e)).collect();
            labels.push(alias.unwrap_or_else(|| joined.join("_")));
            rows.push(cells);
        }
        let label_type = label_type(&labels, at)?;
        let types = unpivoted_types(&rows, at)?;
        let own = quote(&self.alias());
        let structs: Vec<String> = rows
            .iter()
            .zip(&labels)
            .map(|(cells, label)| {
                let label = if label_type == Type::Int64 { format!("{label}::BIGINT") } else { text(label) };
                let cells: Vec<String> = cells.iter().enumerate().map(|(i, c)| format!("v{i} := {}", c.sql)).collect();
                format!("struct_pack(n := {label}, {})", cells.join(", "))
            })
            .collect();
        let moved = |c: &Col| rows.iter().flatten().any(|cell| cell.sql == c.ex.sql);
        let mut columns = Vec::new();
        let mut list = Vec::new();
        let mut give = |name: &str, sql: String, ty: Type| {
            let alias = format!("c{}", columns.len());
            list.push(format!("{sql} AS {}", quote(&alias)));
            columns.push(OutputColumn { name: name.into(), alias, ty, literal: Literal::No });
        };
        for col in input.names.cols.iter().filter(|c| !moved(c)) {
            give(&col.name, col.ex.sql.clone(), col.ex.ty.clone());
        }
        for (i, (target, ty)) in targets.iter().zip(types).enumerate() {
            give(&target.value, format!("{own}.r.v{i}"), ty);
        }
        give(&unpivot.name.value, format!("{own}.r.n"), label_type);
        let mut sql = format!(
            "SELECT {} FROM {} CROSS JOIN LATERAL (SELECT unnest([{}]) AS r) AS {own}",
            list.join(", "),
            input.sql,
            structs.join(", ")
        );
        if unpivot.nulls != Some(&NullInclusion::IncludeNulls) {
            let present: Vec<String> = (0..targets.len()).map(|i| format!("{own}.r.v{i} IS NOT NULL")).collect();
            sql.push_str(&format!(" WHERE ({})", present.join(" OR ")));
        }
        self.as_item(sql, columns, unpivot.alias, at)
    }

    /// A query of ours as a FROM item.
    pub(super) fn as_item(
        &mut self,
        sql: String,
        columns: Vec<OutputColumn>,
        alias: Option<&Ident>,
        at: At,
    ) -> Result<Item> {
        let own = self.alias();
        let name = alias.map(|i| i.value.clone()).unwrap_or_default();
        let output = Output { sql: String::new(), columns, is_value: false };
        let names = names_of(&output, &own, name, at);
        Ok(Item {
            sql: format!("({sql}) AS {}", quote(&own)),
            names,
            is_array: false,
            lateral: false,
            alias: Some(own),
        })
    }
}

/// `a IS NOT DISTINCT FROM b`.
fn matching(column: &Ex, value: Ex, at: At) -> Result<String> {
    if value.is_null() {
        return Ok(format!("{} IS NULL", column.sql));
    }
    equal(column.clone(), value, at)
}

/// The names that `UNPIVOT (value …)` or `((a, b) …)` makes.
fn names_in(expr: &Expr) -> Result<Vec<Ident>> {
    let exprs = match expr {
        Expr::Tuple(exprs) => exprs.iter().collect(),
        Expr::Nested(inner) => vec![inner.as_ref()],
        one => vec![one],
    };
    exprs
        .into_iter()
        .map(|e| match e {
            Expr::Identifier(ident) => Ok(ident.clone()),
            other => Err(invalid("UNPIVOT wants names of new columns here", place(other))),
        })
        .collect()
}

/// The columns of one row, with its label if it has one.
fn columns_in(column: &ExprWithAlias) -> Result<(Vec<&Expr>, Option<String>)> {
    let exprs = match &column.expr {
        Expr::Tuple(exprs) => exprs.iter().collect(),
        Expr::Nested(inner) => vec![inner.as_ref()],
        one => vec![one],
    };
    if let Some(other) = exprs.iter().find(|e| !matches!(e, Expr::Identifier(_) | Expr::CompoundIdentifier(_))) {
        return Err(invalid("UNPIVOT … IN takes columns", place(other)));
    }
    Ok((exprs, column.alias.as_ref().map(|a| a.value.clone())))
}

fn last_name(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) => ident.value.clone(),
        Expr::CompoundIdentifier(idents) => idents.last().map(|i| i.value.clone()).unwrap_or_default(),
        _ => String::new(),
    }
}

fn label_type(labels: &[String], at: At) -> Result<Type> {
    let numbers = labels.iter().filter(|l| l.parse::<i64>().is_ok()).count();
    match numbers {
        0 => Ok(Type::String),
        n if n == labels.len() => Ok(Type::Int64),
        _ => Err(invalid("the labels of UNPIVOT are all STRING or all INT64", at)),
    }
}

/// The types of the new columns: columns that become one have one type.
fn unpivoted_types(rows: &[Vec<Ex>], at: At) -> Result<Vec<Type>> {
    let Some(first) = rows.first() else { return Err(invalid("UNPIVOT wants columns", at)) };
    let mut types = Vec::with_capacity(first.len());
    for (i, cell) in first.iter().enumerate() {
        if let Some(other) = rows.iter().filter_map(|r| r.get(i)).find(|c| c.ty != cell.ty) {
            return Err(invalid(format!("UNPIVOT cannot put {} and {} in one column", cell.ty, other.ty), at));
        }
        types.push(cell.ty.clone());
    }
    Ok(types)
}

/// What a value adds to the name of its columns.
fn value_label(value: &ExprWithAlias) -> Result<String> {
    if let Some(alias) = &value.alias {
        return Ok(alias.value.clone());
    }
    label(&value.expr).ok_or_else(|| unsupported("a value of PIVOT without an alias", place(&value.expr)))
}

fn label(expr: &Expr) -> Option<String> {
    let number = |digits: &str, sign: &str| format!("_{sign}{}", digits.replace('.', "_point_"));
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Null => Some("NULL".into()),
            Value::Boolean(b) => Some(b.to_string().to_uppercase()),
            Value::Number(digits, _) if !digits.contains(['e', 'E']) => Some(number(digits, "")),
            Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match label(expr)?.strip_prefix('_') {
            Some(digits) if digits.starts_with(|c: char| c.is_ascii_digit()) => Some(format!("_minus_{digits}")),
            _ => None,
        },
        Expr::TypedString(typed) => match (&typed.data_type, &typed.value.value) {
            (sqlparser::ast::DataType::Date, Value::SingleQuotedString(day)) => {
                Some(format!("_{}", day.replace('-', "_")))
            }
            _ => None,
        },
        Expr::Nested(inner) => label(inner),
        _ => None,
    }
}

fn output_name(aggregate: Option<&Ident>, label: &str) -> String {
    match aggregate {
        None => label.to_string(),
        Some(alias) if label.starts_with('_') => format!("{}{label}", alias.value),
        Some(alias) => format!("{}_{label}", alias.value),
    }
}
