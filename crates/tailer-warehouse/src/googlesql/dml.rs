//! INSERT, UPDATE, DELETE, TRUNCATE, MERGE.

use sqlparser::ast::{
    Delete, Expr, FromTable, Ident, Insert, Merge, MergeAction, MergeClause, MergeClauseKind, MergeInsertKind,
    MergeUpdateKind, ObjectName, SetExpr, Spanned, TableFactor, TableObject, TableWithJoins, Truncate, Update,
    UpdateTableFromKind, Values,
};

use super::{
    StatementKind, Translated, coerce,
    error::{At, Result, hint, invalid, place, unsupported},
    quote, quote_table,
    scope::{Col, Env, Ex, Names, RangeVariable},
    translator::Translator,
    types::Type,
};
use crate::TableName;

/// A table that a statement changes.
pub(super) struct Target {
    table: TableName,
    columns: Vec<(String, Type)>,
    /// As the columns are named in the statement.
    pub(super) names: Names,
    /// Its alias in the generated SQL.
    pub(super) own: String,
}

impl Target {
    pub(super) fn column(&self, ident: &Ident) -> Result<(&str, &Type)> {
        let found = self.columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(&ident.value));
        found.map(|(name, ty)| (name.as_str(), ty)).ok_or_else(|| {
            let hint = hint(&ident.value, self.columns.iter().map(|(name, _)| name.as_str()));
            let message = format!("column {} is not present in table {}{hint}", ident.value, self.table);
            invalid(message, ident.span.start)
        })
    }

    fn finish(self, sql: String) -> Translated {
        Translated { writes: Some(self.table), ..Translated::of(sql, StatementKind::Dml) }
    }
}

impl Translator<'_> {
    fn target(&mut self, name: &ObjectName, alias: Option<&Ident>) -> Result<Target> {
        let (table, columns) = self.existing_table(name)?;
        let own = self.alias();
        let column = |(name, ty): &(String, Type)| Col {
            name: name.clone(),
            ex: Ex::new(format!("{}.{}", quote(&own), quote(name)), ty.clone()),
        };
        let cols: Vec<Col> = columns.iter().map(column).collect();
        let variable = alias.map_or(table.table.clone(), |a| a.value.clone());
        let variable = RangeVariable { name: variable, cols: cols.clone(), value: None, nullable: false };
        Ok(Target { table, columns, names: Names { cols, variables: vec![variable], ..Names::default() }, own })
    }

    fn target_factor(&mut self, factor: &TableFactor) -> Result<Target> {
        match factor {
            TableFactor::Table { name, alias, args: None, version: None, sample: None, .. } => {
                self.target(name, alias.as_ref().map(|a| &a.name))
            }
            other => Err(invalid("only a table can be changed", other.span().start)),
        }
    }

    pub(super) fn insert(&mut self, insert: &Insert) -> Result<Translated> {
        let TableObject::TableName(name) = &insert.table else {
            return Err(invalid("INSERT wants a table", super::error::nowhere()));
        };
        let at = name.span().start;
        let foreign = insert.or.is_some()
            || insert.ignore
            || insert.overwrite
            || insert.by_name
            || insert.on.is_some()
            || insert.returning.is_some()
            || insert.partitioned.is_some()
            || insert.replace_into
            || insert.output.is_some()
            || insert.insert_alias.is_some()
            || insert.table_alias.is_some()
            || !insert.assignments.is_empty()
            || !insert.after_columns.is_empty()
            || insert.multi_table_insert_type.is_some();
        let Some(source) = insert.source.as_ref().filter(|_| !foreign) else {
            return Err(invalid("this INSERT is not GoogleSQL", at));
        };
        let target = self.target(name, None)?;
        let columns = inserted_columns(&target, &insert.columns)?;
        let rows = match source.body.as_ref() {
            SetExpr::Values(values) if source.with.is_none() => {
                format!("VALUES {}", self.rows(values, &columns, &Names::default(), at)?)
            }
            _ => {
                let output = self.query_of_columns(source)?;
                if output.columns.len() != columns.len() {
                    let message = format!("INSERT has {} columns, its query {}", columns.len(), output.columns.len());
                    return Err(invalid(message, at));
                }
                let types: Vec<Type> = columns.iter().map(|(_, ty)| ty.clone()).collect();
                for (column, (name, ty)) in output.columns.iter().zip(&columns) {
                    let ex = Ex { sql: String::new(), ty: column.ty.clone(), literal: column.literal.clone() };
                    if !coerce::can(&ex, ty) {
                        let message =
                            format!("column {name} has type {ty}, a value of type {} cannot be inserted", column.ty);
                        return Err(invalid(message, at));
                    }
                }
                self.cast_columns(output, &types, at)?.sql
            }
        };
        let names: Vec<String> = columns.iter().map(|(name, _)| quote(name)).collect();
        let sql = format!("INSERT INTO {} ({}) {rows}", quote_table(&target.table), names.join(", "));
        Ok(target.finish(sql))
    }

    /// `(…), (…)`, each value as its column's type.
    fn rows(&mut self, values: &Values, columns: &[(String, Type)], names: &Names, at: At) -> Result<String> {
        let env = Env::new(None, names);
        let mut rows = Vec::with_capacity(values.rows.len());
        for row in &values.rows {
            if row.content.len() != columns.len() {
                let message = format!("INSERT has {} columns, a row has {} values", columns.len(), row.content.len());
                return Err(invalid(message, row.content.first().map_or(at, place)));
            }
            let mut cells = Vec::with_capacity(columns.len());
            for (expr, (_, ty)) in row.content.iter().zip(columns) {
                cells.push(self.assigned(expr, ty, &env)?);
            }
            rows.push(format!("({})", cells.join(", ")));
        }
        Ok(rows.join(", "))
    }

    /// A value for a column, or DEFAULT.
    fn assigned(&mut self, expr: &Expr, ty: &Type, env: &Env<'_>) -> Result<String> {
        if is_default(expr) {
            return Ok("DEFAULT".into());
        }
        let ex = self.expr(expr, env)?;
        coerce::to(ex, ty, place(expr))
    }

    pub(super) fn delete(&mut self, delete: &Delete) -> Result<Translated> {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let foreign = !delete.tables.is_empty()
            || delete.using.is_some()
            || delete.returning.is_some()
            || !delete.order_by.is_empty()
            || delete.limit.is_some()
            || delete.output.is_some();
        let ([TableWithJoins { relation, joins }], false) = (from.as_slice(), foreign) else {
            return Err(invalid("this DELETE is not GoogleSQL", super::error::nowhere()));
        };
        if !joins.is_empty() {
            return Err(invalid("DELETE takes one table", relation.span().start));
        }
        let target = self.target_factor(relation)?;
        let Some(selection) = &delete.selection else {
            return Err(invalid(
                "DELETE must have a WHERE clause (WHERE true deletes all rows)",
                relation.span().start,
            ));
        };
        let env = Env::new(None, &target.names);
        let condition = self.without_aggregates("WHERE", |t| t.condition(selection, &env, "WHERE"))?;
        let sql = format!("DELETE FROM {} AS {} WHERE {condition}", quote_table(&target.table), quote(&target.own));
        Ok(target.finish(sql))
    }

    pub(super) fn truncate(&mut self, truncate: &Truncate) -> Result<Translated> {
        let [one] = truncate.table_names.as_slice() else {
            return Err(invalid("TRUNCATE TABLE takes one table", super::error::nowhere()));
        };
        let foreign = !truncate.table
            || truncate.if_exists
            || truncate.partitions.is_some()
            || truncate.identity.is_some()
            || truncate.cascade.is_some();
        if foreign {
            return Err(invalid("write TRUNCATE TABLE name", one.name.span().start));
        }
        let target = self.target(&one.name, None)?;
        let sql = format!("DELETE FROM {}", quote_table(&target.table));
        Ok(target.finish(sql))
    }

    /// With a FROM clause, the new values are computed by a query over the rows' ids first: a row that is met twice is an error
    /// in GoogleSQL, in DuckDB the outcome would be left to chance.
    pub(super) fn update(&mut self, update: &Update) -> Result<Translated> {
        let at = update.table.span().start;
        let foreign = update.returning.is_some()
            || update.or.is_some()
            || !update.order_by.is_empty()
            || update.limit.is_some()
            || update.output.is_some()
            || !update.table.joins.is_empty();
        if foreign {
            return Err(invalid("this UPDATE is not GoogleSQL", at));
        }
        let Some(selection) = &update.selection else {
            return Err(invalid("UPDATE must have a WHERE clause (WHERE true updates all rows)", at));
        };
        let target = self.target_factor(&update.table.relation)?;
        let (from, names) = match &update.from {
            None => (None, target.names.clone()),
            Some(UpdateTableFromKind::AfterSet(from)) => {
                let (from, names) = self.tables(from, None)?;
                for variable in &target.names.variables {
                    if names.variable(&variable.name).is_some() {
                        return Err(invalid(format!("duplicate table alias {}", variable.name), at));
                    }
                }
                (from, target.names.clone().join(names))
            }
            Some(UpdateTableFromKind::BeforeSet(_)) => return Err(invalid("FROM stands after SET", at)),
        };
        let env = Env::new(None, &names);
        let condition = self.without_aggregates("WHERE", |t| t.condition(selection, &env, "WHERE"))?;
        let set = self.assignments(&update.assignments, &target, &env)?;
        let (table, own) = (quote_table(&target.table), quote(&target.own));
        let sql = match from {
            None => {
                let set: Vec<String> = set.iter().map(|(name, value)| format!("{} = {value}", quote(name))).collect();
                format!("UPDATE {table} AS {own} SET {} WHERE {condition}", set.join(", "))
            }
            Some(from) => {
                if set.iter().any(|(_, value)| value == "DEFAULT") {
                    return Err(unsupported("DEFAULT in UPDATE … FROM", at));
                }
                let values: Vec<String> = set.iter().enumerate().map(|(i, (_, v))| format!("{v} AS v{i}")).collect();
                let set: Vec<String> =
                    set.iter().enumerate().map(|(i, (name, _))| format!("{} = s.v{i}", quote(name))).collect();
                let outer = quote(&self.alias());
                format!(
                    "UPDATE {table} AS {outer} SET {} FROM (SELECT {own}.rowid AS r, {}, count(*) OVER (PARTITION BY {own}.rowid) AS n \
                     FROM {table} AS {own} CROSS JOIN {from} WHERE {condition}) AS s \
                     WHERE {outer}.rowid = s.r AND CASE WHEN s.n > 1 THEN \
                     CAST('googlesql: UPDATE must match at most one source row for each target row' AS BOOLEAN) ELSE true END",
                    set.join(", "),
                    values.join(", ")
                )
            }
        };
        Ok(target.finish(sql))
    }

    /// DuckDB's MERGE takes the last of several source rows that match one target row; GoogleSQL refuses. The source rows that
    /// an action applies to are therefore counted per row of the target, where there can be several.
    pub(super) fn merge(&mut self, merge: &Merge) -> Result<Translated> {
        if merge.output.is_some() {
            return Err(invalid("MERGE … OUTPUT is not GoogleSQL", merge.table.span().start));
        }
        let target = self.target_factor(&merge.table)?;
        let source = self.factor(&merge.source, &Names::default(), None)?;
        if source.is_array {
            return Err(unsupported("MERGE USING UNNEST", merge.source.span().start));
        }
        let both = target.names.clone().join(source.names.clone());
        let env = Env::new(None, &both);
        let on = self.condition(&merge.on, &env, "ON")?;
        let mut clauses = String::new();
        let mut touched = Vec::new();
        for clause in &merge.clauses {
            let (sql, matched) = self.merge_clause(clause, &target, &source.names, &env)?;
            clauses.push_str(&sql);
            touched.extend(matched);
        }
        let (table, own) = (quote_table(&target.table), quote(&target.own));
        if touched.is_empty() {
            let sql = format!("MERGE INTO {table} AS {own} USING {} ON {on}{clauses}", source.sql);
            return Ok(target.finish(sql));
        }
        let Some(alias) = source.alias else {
            return Err(unsupported("MERGE USING a join in parentheses", merge.source.span().start));
        };
        // An error instead of a truth value stops the statement before anything is changed.
        let guard = format!(
            "(SELECT CASE WHEN max(n) > 1 THEN CAST('googlesql: MERGE must match at most one source row for each target row' AS \
             BOOLEAN) ELSE true END FROM (SELECT count(*) AS n FROM {table} AS {own} JOIN {} ON {on} WHERE {} GROUP BY {own}.rowid))",
            source.sql,
            touched.join(" OR ")
        );
        let sql = format!(
            "MERGE INTO {table} AS {own} USING (SELECT * FROM {} WHERE {guard}) AS {} ON {on}{clauses}",
            source.sql,
            quote(&alias)
        );
        Ok(target.finish(sql))
    }

    /// A clause's SQL and, for WHEN MATCHED, the condition under which it applies.
    fn merge_clause(
        &mut self,
        clause: &MergeClause,
        target: &Target,
        source: &Names,
        both: &Env<'_>,
    ) -> Result<(String, Option<String>)> {
        let at = clause.when_token.0.span.start;
        let only_target = Env::new(None, &target.names);
        let only_source = Env::new(None, source);
        let (when, env) = match clause.clause_kind {
            MergeClauseKind::Matched => ("WHEN MATCHED", both),
            MergeClauseKind::NotMatched | MergeClauseKind::NotMatchedByTarget => ("WHEN NOT MATCHED", &only_source),
            MergeClauseKind::NotMatchedBySource => ("WHEN NOT MATCHED BY SOURCE", &only_target),
        };
        let condition = match &clause.predicate {
            Some(predicate) => Some(self.condition(predicate, env, "WHEN")?),
            None => None,
        };
        let action = match &clause.action {
            MergeAction::Delete { .. } => "DELETE".to_string(),
            MergeAction::Update(update) => {
                let (MergeUpdateKind::Set(assignments), None, None) =
                    (&update.kind, &update.update_predicate, &update.delete_predicate)
                else {
                    return Err(invalid("this UPDATE in MERGE is not GoogleSQL", at));
                };
                let set = self.assignments(assignments, target, env)?;
                let set: Vec<String> = set.iter().map(|(name, value)| format!("{} = {value}", quote(name))).collect();
                format!("UPDATE SET {}", set.join(", "))
            }
            MergeAction::Insert(insert) => {
                let columns = inserted_columns(target, &insert.columns)?;
                let names: Vec<String> = columns.iter().map(|(name, _)| quote(name)).collect();
                let rows = match &insert.kind {
                    MergeInsertKind::Values(values) => self.rows(values, &columns, source, at)?,
                    MergeInsertKind::Row => {
                        if source.cols.len() != columns.len() {
                            return Err(invalid("INSERT ROW wants as many columns on both sides", at));
                        }
                        let cells = source.cols.iter().zip(&columns);
                        let cells: Result<Vec<String>> =
                            cells.map(|(c, (_, ty))| coerce::to(c.ex.clone(), ty, at)).collect();
                        format!("({})", cells?.join(", "))
                    }
                    MergeInsertKind::Wildcard => return Err(invalid("INSERT * is not GoogleSQL", at)),
                };
                format!("INSERT ({}) VALUES {rows}", names.join(", "))
            }
            MergeAction::DoNothing { .. } => return Err(invalid("DO NOTHING is not GoogleSQL", at)),
        };
        let and = condition.as_ref().map(|c| format!(" AND {c}")).unwrap_or_default();
        let matched = (clause.clause_kind == MergeClauseKind::Matched)
            .then(|| condition.map_or_else(|| "true".to_string(), |c| format!("coalesce({c}, false)")));
        Ok((format!(" {when}{and} THEN {action}"), matched))
    }
}

pub(super) fn is_default(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(ident) if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("DEFAULT"))
}

/// The columns that an INSERT names, or all.
fn inserted_columns(target: &Target, names: &[ObjectName]) -> Result<Vec<(String, Type)>> {
    if names.is_empty() {
        return Ok(target.columns.clone());
    }
    let mut columns: Vec<(String, Type)> = Vec::with_capacity(names.len());
    for name in names {
        let [part] = name.0.as_slice() else {
            return Err(invalid("INSERT names columns", name.span().start));
        };
        let Some(ident) = part.as_ident() else {
            return Err(invalid("INSERT names columns", name.span().start));
        };
        let (name, ty) = target.column(ident)?;
        if columns.iter().any(|(n, _)| n == name) {
            return Err(invalid(format!("column {name} stands twice in INSERT"), ident.span.start));
        }
        columns.push((name.to_string(), ty.clone()));
    }
    Ok(columns)
}
