//! A walk over a parsed statement that finds the tables in it, see [`mod@super::references`].
//!
//! The parser's visitor goes through every expression and subquery; what it does not know is what a name means where it stands, which
//! is kept here: the CTEs in sight, and the names that the items of a FROM have, of which a path may begin with one.

use std::ops::ControlFlow;

use sqlparser::ast::{
    CreateTableLikeKind, Expr, FromTable, ObjectName, ObjectType, Query, Select, Statement, TableFactor, TableObject,
    TableWithJoins, Visit, Visitor,
};

use super::{paths, references::Collector};

pub(super) struct Walk<'c, 'a> {
    collector: &'c mut Collector<'a>,
    queries: Vec<Ctes>,
    /// Items of the FROM clauses around what is visited, in order: where they stand and what they are called.
    froms: Vec<Vec<(usize, String)>>,
    /// The item that a statement writes.
    target: Option<usize>,
}

/// CTEs of one query: each is in sight once its own query has been gone through, all of them at once when RECURSIVE.
struct Ctes {
    known: Vec<String>,
    coming: Vec<(usize, String)>,
}

/// Where a node of the tree stands: nodes do not move while they are visited.
fn place<T>(node: &T) -> usize {
    std::ptr::from_ref(node).addr()
}

impl<'c, 'a> Walk<'c, 'a> {
    pub(super) fn new(collector: &'c mut Collector<'a>) -> Self {
        Self { collector, queries: Vec::new(), froms: Vec::new(), target: None }
    }

    pub(super) fn expression(&mut self, expression: &Expr) {
        let _goes_on = expression.visit(self);
    }

    pub(super) fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Insert(insert) => {
                if let TableObject::TableName(name) = &insert.table {
                    self.collector.writes(name);
                }
            }
            Statement::Update(update) => self.writes(&update.table.relation),
            Statement::Delete(delete) => {
                let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
                if let Some(table) = tables.first() {
                    self.writes(&table.relation);
                }
            }
            Statement::Merge(merge) => self.writes(&merge.table),
            Statement::Truncate(truncate) => {
                truncate.table_names.iter().for_each(|target| self.collector.writes(&target.name));
            }
            Statement::AlterTable(alter) => self.collector.writes(&alter.name),
            Statement::CreateView(create) => self.collector.writes(&create.name),
            Statement::CreateTable(create) if create.temporary => self.collector.temporary(&create.name),
            Statement::CreateTable(create) => {
                self.collector.writes(&create.name);
                let like = create.like.as_ref().map(|like| match like {
                    CreateTableLikeKind::Parenthesized(like) | CreateTableLikeKind::Plain(like) => &like.name,
                });
                create.clone.iter().chain(like).for_each(|source| self.collector.reads(source));
            }
            Statement::Drop { object_type: ObjectType::Table | ObjectType::View, .. } => return,
            _ => {}
        }
        let _goes_on = statement.visit(self);
    }

    fn writes(&mut self, factor: &TableFactor) {
        if let TableFactor::Table { name, args: None, .. } = factor {
            self.collector.writes(name);
            self.target = Some(place(factor));
        }
    }

    /// Whether a name is none of a table's: a CTE, or an array of an item before it.
    fn is_in_sight(&self, factor: &TableFactor, name: &ObjectName) -> bool {
        let Some(first) = name.0.first().and_then(|part| part.as_ident()) else { return false };
        if let [_] = name.0.as_slice() {
            let is_cte = |cte: &String| cte.eq_ignore_ascii_case(&first.value);
            return self.queries.iter().any(|query| query.known.iter().any(is_cte));
        }
        let here = place(factor);
        let is_alias = |(_, alias): &(usize, String)| alias.eq_ignore_ascii_case(&first.value);
        let mut inner = true;
        self.froms.iter().rev().any(|items| {
            let until = items.iter().position(|(at, _)| std::mem::replace(&mut inner, false) && *at == here);
            items.iter().take(until.unwrap_or(items.len())).any(is_alias)
        })
    }
}

/// What an item of a FROM is called, and those inside of it.
fn names_of(factor: &TableFactor, into: &mut Vec<(usize, String)>) {
    let (alias, implied) = match factor {
        TableFactor::Table { name, alias, .. } => {
            (alias, paths::parts(name).ok().and_then(|parts| parts.into_iter().next_back()))
        }
        TableFactor::Derived { alias, .. }
        | TableFactor::UNNEST { alias, .. }
        | TableFactor::Function { alias, .. }
        | TableFactor::Pivot { alias, .. }
        | TableFactor::Unpivot { alias, .. } => (alias, None),
        TableFactor::NestedJoin { table_with_joins, .. } => return names_of_all(table_with_joins, into),
        _ => return,
    };
    let name = alias.as_ref().map(|alias| alias.name.value.clone()).or(implied);
    into.push((place(factor), name.unwrap_or_default()));
}

fn names_of_all(table: &TableWithJoins, into: &mut Vec<(usize, String)>) {
    names_of(&table.relation, into);
    table.joins.iter().for_each(|join| names_of(&join.relation, into));
}

impl Visitor for Walk<'_, '_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let with = query.with.as_ref();
        let ctes = with.iter().flat_map(|with| &with.cte_tables);
        let coming: Vec<_> = ctes.map(|cte| (place(cte.query.as_ref()), cte.alias.name.value.clone())).collect();
        let known = match with.is_some_and(|with| with.recursive) {
            true => coming.iter().map(|(_, name)| name.clone()).collect(),
            false => Vec::new(),
        };
        self.queries.push(Ctes { known, coming });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.queries.pop();
        if let Some(around) = self.queries.last_mut() {
            let here = place(query);
            let done = around.coming.iter().filter(|(at, _)| *at == here).map(|(_, name)| name.clone());
            around.known.extend(done);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let mut items = Vec::new();
        select.from.iter().for_each(|table| names_of_all(table, &mut items));
        self.froms.push(items);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &Select) -> ControlFlow<()> {
        self.froms.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if self.target == Some(place(factor)) {
            return ControlFlow::Continue(());
        }
        if let TableFactor::Table { name, args: None, .. } = factor
            && !self.is_in_sight(factor, name)
        {
            self.collector.reads(name);
        }
        ControlFlow::Continue(())
    }
}
