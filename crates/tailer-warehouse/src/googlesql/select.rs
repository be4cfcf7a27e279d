//! `SELECT … FROM … WHERE … GROUP BY … HAVING … QUALIFY … WINDOW … ORDER BY`.

use sqlparser::ast::{
    Distinct, ExceptSelectItem, Expr, NamedWindowDefinition, OrderBy, ReplaceSelectElement, Select, SelectFlavor,
    SelectItem, SelectItemQualifiedWildcardKind, Spanned, ValueTableMode, WildcardAdditionalOptions,
};

use super::{
    coerce,
    error::{At, Result, hint, invalid, place, start, unsupported},
    quote,
    scope::{Col, Env, Ex, Literal, pack},
    translator::{Output, OutputColumn, Translator},
    types::Type,
};

/// An expression of the SELECT list.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) col: Col,
    pub(super) aggregated: bool,
    pub(super) windowed: bool,
    pub(super) at: At,
}

impl Translator<'_> {
    pub(super) fn select(
        &mut self,
        select: &Select,
        order_by: Option<&OrderBy>,
        outer: Option<&Env<'_>>,
    ) -> Result<Output> {
        refuse_foreign(select)?;
        let (from, names) = self.tables(&select.from, outer)?;
        let windows = named_windows(&select.named_window);
        let env = Env { windows: &windows, ..Env::new(outer, &names) };
        let condition = match &select.selection {
            Some(condition) => Some(self.without_aggregates("WHERE", |t| t.condition(condition, &env, "WHERE"))?),
            None => None,
        };
        let mut items = Vec::new();
        for item in &select.projection {
            self.item(item, &env, &mut items)?;
        }
        if items.is_empty() {
            return Err(invalid("the SELECT list is empty", select.span().start));
        }
        let group = self.group_by(&select.group_by, &mut items, &env)?;
        let aliases: Vec<Col> = items.iter().filter(|i| !i.col.name.is_empty()).map(|i| i.col.clone()).collect();
        let aliased = Env { aliases: &aliases, ..env };
        let having = match &select.having {
            Some(having) => Some(group.seen(&self.condition(having, &aliased, "HAVING")?)),
            None => None,
        };
        let qualify = match &select.qualify {
            Some(qualify) => Some(group.seen(&self.condition(qualify, &aliased, "QUALIFY")?)),
            None => None,
        };
        let (columns, list, is_value) = output_columns(&items, select)?;
        let distinct = is_distinct(select)?;
        if distinct && let Some(column) = columns.iter().find(|c| !c.ty.can_group()) {
            return Err(invalid(format!("SELECT DISTINCT does not support type {}", column.ty), select.span().start));
        }
        let mut sql = format!("SELECT {}{}", if distinct { "DISTINCT " } else { "" }, list.join(", "));
        let from = match (from, &group.keys) {
            (Some(from), Some(keys)) => Some(format!("{from} CROSS JOIN LATERAL {keys}")),
            (None, Some(keys)) => Some(keys.clone()),
            (from, None) => from,
        };
        let clauses = [
            ("FROM", from),
            ("WHERE", condition),
            ("GROUP BY", group.clause.clone()),
            ("HAVING", having),
            ("QUALIFY", qualify),
        ];
        for (keyword, clause) in clauses {
            if let Some(clause) = clause {
                sql.push_str(&format!(" {keyword} {clause}"));
            }
        }
        let output = Output { sql, columns, is_value };
        match order_by {
            None => Ok(output),
            Some(order_by) if distinct => self.order_distinct(output, order_by, &items, &group, &aliased),
            Some(order_by) => self.order_here(output, order_by, &items, &group, &aliased),
        }
    }

    /// A condition, which has to be BOOL.
    pub(super) fn condition(&mut self, expr: &Expr, env: &Env<'_>, clause: &str) -> Result<String> {
        let ex = self.expr(expr, env)?;
        if !coerce::can(&ex, &Type::Bool) {
            return Err(invalid(format!("{clause} wants BOOL, found {}", ex.ty), place(expr)));
        }
        coerce::to(ex, &Type::Bool, place(expr))
    }

    pub(super) fn item(&mut self, item: &SelectItem, env: &Env<'_>, items: &mut Vec<Item>) -> Result<()> {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let name = implied_name(expr);
                let item = self.expression_item(expr, name, env)?;
                items.push(item);
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                let item = self.expression_item(expr, alias.value.clone(), env)?;
                items.push(item);
            }
            SelectItem::Wildcard(options) => {
                let at = start(options.wildcard_token.0.span);
                if env.names.cols.is_empty() {
                    return Err(invalid("SELECT * wants a FROM clause", at));
                }
                self.star(env.names.cols.clone(), options, env, items, at)?;
            }
            SelectItem::QualifiedWildcard(kind, options) => {
                let at = item.span().start;
                let cols = match kind {
                    SelectItemQualifiedWildcardKind::ObjectName(name) => {
                        let path: Vec<_> = name.0.iter().filter_map(|p| p.as_ident().cloned()).collect();
                        match path.as_slice() {
                            [one] if env.names.variable(&one.value).is_some_and(|v| v.value.is_none()) => {
                                env.names.variable(&one.value).map(|v| v.cols.clone()).unwrap_or_default()
                            }
                            path => struct_columns(&self.name(path, env)?, at)?,
                        }
                    }
                    SelectItemQualifiedWildcardKind::Expr(expr) => struct_columns(&self.expr(expr, env)?, at)?,
                };
                self.star(cols, options, env, items, at)?;
            }
            SelectItem::ExprWithAliases { expr, .. } => {
                return Err(invalid("an expression has one alias", place(expr)));
            }
        }
        Ok(())
    }

    fn expression_item(&mut self, expr: &Expr, name: String, env: &Env<'_>) -> Result<Item> {
        let (aggregates, windows) = (self.aggregates, self.windows);
        let ex = self.expr(expr, env)?;
        Ok(Item {
            col: Col { name, ex },
            aggregated: self.aggregates > aggregates,
            windowed: self.windows > windows,
            at: place(expr),
        })
    }

    /// `*` with EXCEPT and REPLACE.
    fn star(
        &mut self,
        mut cols: Vec<Col>,
        options: &WildcardAdditionalOptions,
        env: &Env<'_>,
        items: &mut Vec<Item>,
        at: At,
    ) -> Result<()> {
        let WildcardAdditionalOptions {
            opt_ilike, opt_exclude, opt_except, opt_replace, opt_rename, opt_alias, ..
        } = options;
        if opt_ilike.is_some() || opt_exclude.is_some() || opt_rename.is_some() || opt_alias.is_some() {
            return Err(invalid("* takes EXCEPT and REPLACE only", at));
        }
        if let Some(ExceptSelectItem { first_element, additional_elements }) = opt_except {
            for name in std::iter::once(first_element).chain(additional_elements) {
                let before = cols.len();
                let kept: Vec<Col> =
                    cols.iter().filter(|c| !c.name.eq_ignore_ascii_case(&name.value)).cloned().collect();
                if kept.len() == before {
                    let hint = hint(&name.value, cols.iter().map(|c| c.name.as_str()));
                    let message = format!("column {} in SELECT * EXCEPT does not exist{hint}", name.value);
                    return Err(invalid(message, name.span.start));
                }
                cols = kept;
            }
            if cols.is_empty() {
                return Err(invalid("SELECT * EXCEPT leaves no columns", at));
            }
        }
        let mut replaced: Vec<Item> = cols
            .into_iter()
            .map(|col| Item {
                col: Col { ex: Ex { literal: Literal::No, ..col.ex }, ..col },
                aggregated: false,
                windowed: false,
                at,
            })
            .collect();
        for element in opt_replace.iter().flat_map(|r| &r.items) {
            let ReplaceSelectElement { expr, column_name, .. } = element.as_ref();
            let new = self.expression_item(expr, column_name.value.clone(), env)?;
            let old = replaced.iter_mut().find(|i| i.col.name.eq_ignore_ascii_case(&column_name.value));
            let Some(old) = old else {
                let message = format!("column {} in SELECT * REPLACE does not exist", column_name.value);
                return Err(invalid(message, column_name.span.start));
            };
            *old = Item { col: Col { name: old.col.name.clone(), ex: new.col.ex }, ..new };
        }
        items.extend(replaced);
        Ok(())
    }
}

fn is_distinct(select: &Select) -> Result<bool> {
    let by_mode =
        matches!(select.value_table_mode, Some(ValueTableMode::DistinctAsStruct | ValueTableMode::DistinctAsValue));
    match &select.distinct {
        None | Some(Distinct::All) => Ok(by_mode),
        Some(Distinct::Distinct) => Ok(true),
        Some(Distinct::On(_)) => Err(invalid("DISTINCT ON is not GoogleSQL", select.span().start)),
    }
}

/// The columns that the query gives and their SQL.
fn output_columns(items: &[Item], select: &Select) -> Result<(Vec<OutputColumn>, Vec<String>, bool)> {
    let value_column = |ex: Ex| {
        let sql = format!("{} AS {}", selected(&ex), quote("f0_"));
        let column = OutputColumn { name: String::new(), alias: "f0_".into(), ty: ex.ty, literal: ex.literal };
        (vec![column], vec![sql], true)
    };
    match select.value_table_mode {
        Some(ValueTableMode::AsStruct | ValueTableMode::DistinctAsStruct) => {
            let cols: Vec<Col> = items
                .iter()
                .map(|i| Col { ex: Ex { sql: selected(&i.col.ex), ..i.col.ex.clone() }, ..i.col.clone() })
                .collect();
            Ok(value_column(pack(&cols)))
        }
        Some(ValueTableMode::AsValue | ValueTableMode::DistinctAsValue) => match items {
            [one] => Ok(value_column(one.col.ex.clone())),
            _ => Err(invalid("SELECT AS VALUE wants exactly one column", select.span().start)),
        },
        None => {
            let mut columns: Vec<OutputColumn> = Vec::with_capacity(items.len());
            let mut list = Vec::with_capacity(items.len());
            for item in items {
                let alias = unique_alias(&item.col.name, &columns, items);
                list.push(format!("{} AS {}", selected(&item.col.ex), quote(&alias)));
                columns.push(OutputColumn {
                    name: item.col.name.clone(),
                    alias,
                    ty: item.col.ex.ty.clone(),
                    literal: item.col.ex.literal.clone(),
                });
            }
            Ok((columns, list, false))
        }
    }
}

/// A bare NULL or `[]` needs its type told.
pub(super) fn selected(ex: &Ex) -> String {
    match ex.literal {
        Literal::Null | Literal::EmptyArray => format!("CAST({} AS {})", ex.sql, ex.ty.duckdb()),
        _ => ex.sql.clone(),
    }
}

fn unique_alias(name: &str, taken: &[OutputColumn], items: &[Item]) -> String {
    let is_taken = |alias: &str| taken.iter().any(|c| c.alias.eq_ignore_ascii_case(alias));
    if name.is_empty() {
        let unnamed = taken.iter().filter(|c| c.name.is_empty()).count();
        let mut n = unnamed;
        loop {
            let alias = format!("f{n}_");
            if !is_taken(&alias) && !items.iter().any(|i| i.col.name.eq_ignore_ascii_case(&alias)) {
                return alias;
            }
            n += 1;
        }
    }
    let mut alias = name.to_string();
    let mut n = 0;
    while is_taken(&alias) {
        n += 1;
        alias = format!("{name}_{n}");
    }
    alias
}

/// The name that a column has without an alias: the last name of a path.
fn implied_name(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) if ident.value.starts_with('@') => String::new(),
        Expr::Identifier(ident) => ident.value.clone(),
        Expr::CompoundIdentifier(idents) => idents.last().map(|i| i.value.clone()).unwrap_or_default(),
        Expr::CompoundFieldAccess { access_chain, .. } => match access_chain.last() {
            Some(sqlparser::ast::AccessExpr::Dot(Expr::Identifier(ident))) => ident.value.clone(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

fn struct_columns(ex: &Ex, at: At) -> Result<Vec<Col>> {
    let Type::Struct(all) = &ex.ty else {
        return Err(invalid(format!(".* wants a table or a STRUCT, found {}", ex.ty), at));
    };
    let names = super::types::duckdb_field_names(all);
    Ok(all
        .iter()
        .zip(names)
        .map(|(f, name)| Col {
            name: f.name.clone(),
            ex: Ex::new(format!("struct_extract({}, {})", ex.sql, super::scope::text(&name)), f.field_type.clone()),
        })
        .collect())
}

/// The fields of a value, as columns; nothing for values that are no STRUCT.
pub(super) fn value_columns(ex: &Ex, at: At) -> Option<Vec<Col>> {
    struct_columns(ex, at).ok()
}

fn named_windows(definitions: &[NamedWindowDefinition]) -> Vec<(String, sqlparser::ast::NamedWindowExpr)> {
    definitions.iter().map(|d| (d.0.value.clone(), d.1.clone())).collect()
}

/// Clauses that the parser knows from other dialects.
fn refuse_foreign(select: &Select) -> Result<()> {
    let at = || select.span().start;
    let foreign = select.top.is_some()
        || select.exclude.is_some()
        || select.into.is_some()
        || !select.lateral_views.is_empty()
        || select.prewhere.is_some()
        || !select.connect_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || select.select_modifiers.is_some()
        || !select.optimizer_hints.is_empty();
    if foreign {
        return Err(invalid("this SELECT has a clause that is not GoogleSQL", at()));
    }
    if select.flavor != SelectFlavor::Standard {
        return Err(unsupported("queries that start with FROM", at()));
    }
    Ok(())
}
