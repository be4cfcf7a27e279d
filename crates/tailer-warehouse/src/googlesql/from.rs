//! The FROM clause: tables, subqueries, `UNNEST`, joins.

use sqlparser::ast::{
    FunctionArg, FunctionArgExpr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Query,
    Spanned, TableAlias, TableFactor, TableWithJoins,
};

use super::{
    compare,
    error::{At, Result, invalid, place, unsupported},
    pivot::{Pivot, Unpivot},
    query::column_of,
    quote, quote_table,
    scope::{Col, Env, Ex, Names, RangeVariable},
    select::value_columns,
    translator::{Output, Translator},
    types::Type,
};

/// A FROM item: its SQL and the names it gives.
pub(super) struct Item {
    pub(super) sql: String,
    pub(super) names: Names,
    /// The elements of an array: joined without a condition, if need be.
    pub(super) is_array: bool,
    /// Reads names of the items before it.
    pub(super) lateral: bool,
    /// Its alias in the generated SQL, when it has one for all of it.
    pub(super) alias: Option<String>,
}

impl Translator<'_> {
    pub(super) fn tables(
        &mut self,
        from: &[TableWithJoins],
        outer: Option<&Env<'_>>,
    ) -> Result<(Option<String>, Names)> {
        let mut sql = String::new();
        let mut names = Names::default();
        for table in from {
            let item = self.factor(&table.relation, &names, outer)?;
            if !sql.is_empty() {
                sql.push_str(if item.lateral { " CROSS JOIN LATERAL " } else { " CROSS JOIN " });
            }
            sql.push_str(&item.sql);
            names = self.add(names, item.names, table.relation.span().start)?;
            for join in &table.joins {
                (sql, names) = self.join(sql, names, join, outer)?;
            }
        }
        Ok(((!sql.is_empty()).then_some(sql), names))
    }

    fn add(&self, names: Names, more: Names, at: At) -> Result<Names> {
        for variable in &more.variables {
            // Offsets may have one name: USING joins them, and otherwise the name is ambiguous where it is used.
            if !variable.cols.is_empty() && names.variable(&variable.name).is_some() {
                return Err(invalid(format!("duplicate table alias {}", variable.name), at));
            }
        }
        Ok(names.join(more))
    }

    pub(super) fn join(
        &mut self,
        sql: String,
        left: Names,
        join: &Join,
        outer: Option<&Env<'_>>,
    ) -> Result<(String, Names)> {
        let at = join.relation.span().start;
        if join.global {
            return Err(invalid("GLOBAL joins are not GoogleSQL", at));
        }
        use JoinOperator as J;
        let (keyword, constraint, left_optional, right_optional) = match &join.join_operator {
            J::Join(c) | J::Inner(c) => ("JOIN", c, false, false),
            J::Left(c) | J::LeftOuter(c) => ("LEFT JOIN", c, false, true),
            J::Right(c) | J::RightOuter(c) => ("RIGHT JOIN", c, true, false),
            J::FullOuter(c) => ("FULL JOIN", c, true, true),
            J::CrossJoin(c @ JoinConstraint::None) => ("CROSS JOIN", c, false, false),
            _ => return Err(invalid("this kind of join is not GoogleSQL", at)),
        };
        let item = self.factor(&join.relation, &left, outer)?;
        if item.lateral && left_optional {
            return Err(invalid("an array of the left side cannot stand on the right of a RIGHT or FULL JOIN", at));
        }
        let left = if left_optional { left.make_nullable() } else { left };
        let right = if right_optional { item.names.make_nullable() } else { item.names };
        let lateral = if item.lateral { " LATERAL" } else { "" };
        let head = format!("{sql} {keyword}{lateral} {}", item.sql);
        match constraint {
            JoinConstraint::None if keyword == "CROSS JOIN" => Ok((head, self.add(left, right, at)?)),
            JoinConstraint::None if item.is_array => Ok((format!("{head} ON true"), self.add(left, right, at)?)),
            JoinConstraint::None => Err(invalid("this join wants an ON or USING clause", at)),
            JoinConstraint::On(condition) => {
                let names = self.add(left, right, at)?;
                let env = Env::new(outer, &names);
                let condition = self.without_aggregates("ON", |t| t.condition(condition, &env, "ON"))?;
                if let (true, true, Some(own)) = (item.lateral, right_optional, &item.alias) {
                    // The engine joins laterally on simple conditions only.
                    let rows = format!("(SELECT * FROM {} WHERE {condition}) AS {}", item.sql, quote(own));
                    return Ok((format!("{sql} {keyword} LATERAL {rows} ON true"), names));
                }
                Ok((format!("{head} ON {condition}"), names))
            }
            JoinConstraint::Using(columns) => {
                let (condition, names) = self.using(left, right, columns, (left_optional, right_optional), at)?;
                Ok((format!("{head} ON {condition}"), names))
            }
            JoinConstraint::Natural | JoinConstraint::UsingAlias(..) => {
                Err(invalid("NATURAL joins are not GoogleSQL", at))
            }
        }
    }

    /// `USING (a, b)`: the columns come once, first, and mean the side that is there.
    fn using(
        &mut self,
        left: Names,
        right: Names,
        columns: &[ObjectName],
        (left_optional, right_optional): (bool, bool),
        at: At,
    ) -> Result<(String, Names)> {
        let mut conditions = Vec::with_capacity(columns.len());
        let mut merged: Vec<Col> = Vec::with_capacity(columns.len());
        for column in columns {
            let [ObjectNamePart::Identifier(ident)] = column.0.as_slice() else {
                return Err(invalid("USING takes names of columns", at));
            };
            let find = |names: &Names, side: &str| -> Result<Col> {
                let missing = || {
                    invalid(format!("column {} in USING not found on the {side} side", ident.value), ident.span.start)
                };
                names.column(ident)?.cloned().ok_or_else(missing)
            };
            let (l, r) = (find(&left, "left")?, find(&right, "right")?);
            conditions.push(compare::equal(l.ex.clone(), r.ex.clone(), ident.span.start)?);
            let ex = match (left_optional, right_optional) {
                (false, _) => l.ex,
                (true, false) => r.ex,
                (true, true) => {
                    let (sides, ty) = super::coerce::unify(vec![l.ex, r.ex], "USING", at)?;
                    Ex::new(format!("coalesce({})", sides.join(", ")), ty)
                }
            };
            merged.push(Col { name: l.name, ex });
        }
        let is_merged = |c: &Col| merged.iter().any(|m| m.name.eq_ignore_ascii_case(&c.name));
        let mut names = self.add(left, right, at)?;
        let rest: Vec<Col> = names.cols.iter().filter(|c| !is_merged(c)).cloned().collect();
        names.cols = merged.iter().cloned().chain(rest).collect();
        Ok((conditions.join(" AND "), names))
    }

    /// One item. `before` are the names of the items before it, which arrays may use.
    pub(super) fn factor(&mut self, factor: &TableFactor, before: &Names, outer: Option<&Env<'_>>) -> Result<Item> {
        let at = factor.span().start;
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                with_hints,
                version,
                with_ordinality: false,
                partitions,
                json_path: None,
                sample,
                index_directives,
                inheritance: None,
            } if with_hints.is_empty() && partitions.is_empty() && index_directives.is_empty() => {
                if version.is_some() {
                    return Err(unsupported("FOR SYSTEM_TIME AS OF", at));
                }
                if sample.is_some() {
                    return Err(unsupported("TABLESAMPLE", at));
                }
                self.table_or_path(name, alias.as_ref(), before, outer)
            }
            TableFactor::Table { name, alias, args: Some(args), .. } => {
                self.table_function(name, &args.args, alias.as_ref(), before, outer)
            }
            TableFactor::Derived { lateral: false, subquery, alias, sample: None } => {
                self.derived(subquery, alias.as_ref(), outer)
            }
            TableFactor::UNNEST { alias, array_exprs, with_offset, with_offset_alias, with_ordinality: false } => {
                let [array] = array_exprs.as_slice() else {
                    return Err(unsupported("UNNEST of several arrays", at));
                };
                let env = Env::new(outer, before);
                let ex = self.without_aggregates("UNNEST", |t| t.expr(array, &env))?;
                let name = alias_name(alias.as_ref())?.map(|i| i.value.clone());
                let offset = with_offset.then(|| with_offset_alias.as_ref().map_or("offset", |i| i.value.as_str()));
                let lateral = reads(&ex.sql, before);
                let item = self.unnest(ex, name.unwrap_or_default(), offset, place(array))?;
                Ok(Item { lateral, ..item })
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                let (sql, names) = self.tables(std::slice::from_ref(table_with_joins), outer)?;
                Ok(Item {
                    sql: format!("({})", sql.unwrap_or_default()),
                    names,
                    is_array: false,
                    lateral: false,
                    alias: None,
                })
            }
            TableFactor::Pivot {
                table,
                aggregate_functions,
                value_column,
                value_source,
                default_on_null: None,
                alias,
            } => {
                let (aggregates, column, values) = (aggregate_functions, value_column, value_source);
                let input = self.factor(table, before, outer)?;
                let alias = alias_name(alias.as_ref())?;
                self.pivot(input, &Pivot { aggregates, column, values, alias }, outer)
            }
            TableFactor::Unpivot { table, value, name, columns, null_inclusion, alias } => {
                let input = self.factor(table, before, outer)?;
                let (nulls, alias) = (null_inclusion.as_ref(), alias_name(alias.as_ref())?);
                self.unpivot(input, &Unpivot { value, name, columns, nulls, alias }, outer)
            }
            TableFactor::MatchRecognize { .. } => Err(unsupported("MATCH_RECOGNIZE", at)),
            TableFactor::Function { name, .. } => Err(unsupported(format!("table function {name}"), at)),
            _ => Err(unsupported("this form of FROM item", at)),
        }
    }

    fn table_function(
        &mut self,
        name: &ObjectName,
        args: &[FunctionArg],
        alias: Option<&TableAlias>,
        before: &Names,
        outer: Option<&Env<'_>>,
    ) -> Result<Item> {
        let at = name.span().start;
        let Some(function) = self.user_function(&super::paths::parts(name)?, at)? else {
            return Err(unsupported(format!("the table function {name}"), at));
        };
        let env = Env::new(outer, before);
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = arg else {
                return Err(unsupported(format!("this argument of {name}"), at));
            };
            values.push(self.expr(expr, &env)?);
        }
        let output = self.user_rows(&function, values, at)?;
        let own = self.alias();
        let variable = alias_name(alias)?.map(|i| i.value.clone()).unwrap_or_default();
        let names = names_of(&output, &own, variable, at);
        let sql = format!("({}) AS {}", output.sql, quote(&own));
        Ok(Item { sql, names, is_array: false, lateral: false, alias: Some(own) })
    }

    fn table_or_path(
        &mut self,
        name: &ObjectName,
        alias: Option<&TableAlias>,
        before: &Names,
        outer: Option<&Env<'_>>,
    ) -> Result<Item> {
        let at = name.span().start;
        let explicit = alias_name(alias)?;
        let idents: Vec<Ident> = name.0.iter().filter_map(|p| p.as_ident().cloned()).collect();
        if let [first, _, ..] = idents.as_slice() {
            let env = Env::new(outer, before);
            if in_sight(first, &env) {
                let ex = env.path(&idents)?;
                let implied = idents.last().map(|i| i.value.clone()).unwrap_or_default();
                return self.unnest(ex, explicit.map_or(implied, |i| i.value.clone()), None, at);
            }
        }
        if let [single] = idents.as_slice()
            && let Some(cte) = self.ctes.iter().rev().find(|c| c.name.eq_ignore_ascii_case(&single.value)).cloned()
        {
            let variable = explicit.map_or(single.value.clone(), |i| i.value.clone());
            let own = self.alias();
            let sql = format!("{} AS {}", quote(&cte.alias), quote(&own));
            let output = Output { sql: String::new(), columns: cte.columns, is_value: cte.is_value };
            return Ok(Item {
                sql,
                names: names_of(&output, &own, variable, at),
                is_array: false,
                lateral: false,
                alias: Some(own),
            });
        }
        if let Some(item) = self.listing(name, explicit)? {
            return Ok(item);
        }
        let (table, columns) = self.existing_table(name)?;
        let own = self.alias();
        let cols: Vec<Col> = columns
            .into_iter()
            .map(|(name, ty)| {
                let sql = format!("{}.{}", quote(&own), quote(&name));
                Col { name, ex: Ex::new(sql, ty) }
            })
            .collect();
        let variable = explicit.map_or(table.table.clone(), |i| i.value.clone());
        let ingested = self.catalog.ingested(&table);
        let stored = ingested.clone().unwrap_or_else(|| quote_table(&table));
        let sql = format!("{stored} AS {}", quote(&own));
        self.read(table);
        let hidden = if ingested.is_some() { partition_columns(&own, &variable) } else { Vec::new() };
        let variable = RangeVariable { name: variable, cols: cols.clone(), value: None, nullable: false };
        Ok(Item {
            sql,
            names: Names { cols, variables: vec![variable], hidden },
            is_array: false,
            lateral: false,
            alias: Some(own),
        })
    }

    fn derived(&mut self, query: &Query, alias: Option<&TableAlias>, outer: Option<&Env<'_>>) -> Result<Item> {
        let output = self.query(query, outer)?;
        let name = alias_name(alias)?.map(|i| i.value.clone()).unwrap_or_default();
        let own = self.alias();
        let names = names_of(&output, &own, name, query.span().start);
        Ok(Item {
            sql: format!("({}) AS {}", output.sql, quote(&own)),
            names,
            is_array: false,
            lateral: false,
            alias: Some(own),
        })
    }

    /// The elements of an array as rows.
    fn unnest(&mut self, array: Ex, name: String, offset: Option<&str>, at: At) -> Result<Item> {
        let element = match &array.ty {
            Type::Array(element) => element.as_ref().clone(),
            other if array.is_null() => other.clone(),
            other => return Err(invalid(format!("UNNEST wants an ARRAY, found {other}"), at)),
        };
        let array_sql = format!("CAST({} AS {})", array.sql, Type::array(element.clone()).duckdb());
        let array_sql = if array.literal == super::scope::Literal::No { array.sql } else { array_sql };
        let (own, inner) = (self.alias(), quote(&self.alias()));
        let quoted = quote(&own);
        let mut list = format!("unnest({inner}.a) AS v");
        if offset.is_some() {
            list.push_str(&format!(", CAST(generate_subscripts({inner}.a, 1) - 1 AS BIGINT) AS o"));
        }
        let sql = format!("(SELECT {list} FROM (SELECT {array_sql} AS a) AS {inner}) AS {quoted}");
        let value = Ex::new(format!("{quoted}.v"), element);
        let mut names = value_names(value, name, at);
        if let Some(offset) = offset {
            let ex = Ex::new(format!("{quoted}.o"), Type::Int64);
            let col = Col { name: offset.to_string(), ex: ex.clone() };
            names.cols.push(col);
            names.variables.push(RangeVariable {
                name: offset.into(),
                cols: Vec::new(),
                value: Some(ex),
                nullable: false,
            });
        }
        Ok(Item { sql, names, is_array: true, lateral: true, alias: Some(own) })
    }
}

/// `_PARTITIONTIME` and `_PARTITIONDATE`.
fn partition_columns(own: &str, variable: &str) -> Vec<(String, Col)> {
    let time = format!("{}.\"_PARTITIONTIME\"", quote(own));
    let date = Ex::new(format!("CAST(({time} AT TIME ZONE 'UTC') AS DATE)"), Type::Date);
    let column = |name: &str, ex| (variable.to_string(), Col { name: name.into(), ex });
    vec![column("_PARTITIONTIME", Ex::new(time, Type::Timestamp)), column("_PARTITIONDATE", date)]
}

/// Whether an expression has names of some FROM items in it.
fn reads(sql: &str, names: &Names) -> bool {
    let values = names.variables.iter().filter_map(|v| v.value.as_ref());
    let columns = names.variables.iter().flat_map(|v| &v.cols).chain(&names.cols);
    columns.map(|c| &c.ex).chain(values).any(|ex| sql.contains(&ex.sql))
}

fn in_sight(name: &Ident, env: &Env<'_>) -> bool {
    let mut level = Some(env);
    while let Some(here) = level {
        let has_column = here.names.cols.iter().any(|c| c.name.eq_ignore_ascii_case(&name.value));
        if has_column || here.names.variable(&name.value).is_some() {
            return true;
        }
        level = here.outer;
    }
    false
}

/// The names that a query gives to the query around it.
pub(super) fn names_of(output: &Output, own: &str, variable: String, at: At) -> Names {
    let cols: Vec<Col> = output.columns.iter().map(|c| column_of(own, c)).collect();
    if let (true, [value]) = (output.is_value, cols.as_slice()) {
        return value_names(value.ex.clone(), variable, at);
    }
    let mut variables = Vec::new();
    if !variable.is_empty() {
        variables.push(RangeVariable { name: variable, cols: cols.clone(), value: None, nullable: false });
    }
    Names { cols, variables, ..Names::default() }
}

/// The names of rows that are values: the value itself, and the fields of a STRUCT.
fn value_names(value: Ex, name: String, at: At) -> Names {
    let cols = match value_columns(&value, at) {
        Some(cols) => cols,
        None => vec![Col { name: name.clone(), ex: value.clone() }],
    };
    let mut variables = Vec::new();
    if !name.is_empty() {
        variables.push(RangeVariable { name, cols: cols.clone(), value: Some(value), nullable: false });
    }
    Names { cols, variables, ..Names::default() }
}

fn alias_name(alias: Option<&TableAlias>) -> Result<Option<&Ident>> {
    match alias {
        None => Ok(None),
        Some(alias) if alias.columns.is_empty() && alias.at.is_none() => Ok(Some(&alias.name)),
        Some(alias) => Err(unsupported("column lists of aliases", alias.name.span.start)),
    }
}
