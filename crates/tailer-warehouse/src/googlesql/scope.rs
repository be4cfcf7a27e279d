//! What names mean at one place of a statement: columns and range variables of the FROM clause, aliases of the SELECT
//! list, named windows; and the same of the queries around it.
//!
//! Every FROM item gets an alias of our own (`t1`, `t2`, …) in the generated SQL and every column is qualified with it,
//! so DuckDB's own rules of name lookup never matter.

use sqlparser::ast::{Ident, NamedWindowExpr};

use super::{
    error::{Result, hint, invalid, unsupported},
    functions::Part,
    quote,
    types::{StructField, Type, duckdb_field_names},
};
use crate::WarehouseError;

/// What kind of literal an expression is: literals coerce to more types than other expressions.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    No,
    Null,
    /// The digits, with sign.
    Int(String),
    Float(String),
    Text(String),
    /// An array literal without a type of its own: `[]`.
    EmptyArray,
    /// A date part, or the unit of an `INTERVAL n unit` whose amount is the SQL.
    Part(Part),
}

/// A translated expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ex {
    /// DuckDB SQL that needs no further parentheses.
    pub(super) sql: String,
    pub(super) ty: Type,
    pub(super) literal: Literal,
}

impl Ex {
    pub(super) fn new(sql: impl Into<String>, ty: Type) -> Ex {
        Ex { sql: sql.into(), ty, literal: Literal::No }
    }

    pub(super) fn is_null(&self) -> bool {
        self.literal == Literal::Null
    }
}

/// A column in sight.
#[derive(Debug, Clone)]
pub(super) struct Col {
    /// As the user knows it; empty when it has no name.
    pub(super) name: String,
    pub(super) ex: Ex,
}

/// A name of a FROM item.
#[derive(Debug, Clone)]
pub(super) struct RangeVariable {
    pub(super) name: String,
    pub(super) cols: Vec<Col>,
    /// The element itself, for `UNNEST` and other value tables.
    pub(super) value: Option<Ex>,
    /// On the side of an outer join that may be missing: the row as a whole may then be NULL.
    pub(super) nullable: bool,
}

/// The names that a FROM clause gives.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    pub(super) cols: Vec<Col>,
    pub(super) variables: Vec<RangeVariable>,
    /// Columns that `*` does not give, such as `_TABLE_SUFFIX`, each with the name of its FROM item.
    pub(super) hidden: Vec<(String, Col)>,
}

impl Names {
    pub(super) fn join(mut self, other: Names) -> Names {
        self.cols.extend(other.cols);
        self.variables.extend(other.variables);
        self.hidden.extend(other.hidden);
        self
    }

    pub(super) fn make_nullable(mut self) -> Names {
        for variable in &mut self.variables {
            variable.nullable = true;
        }
        self
    }

    pub(super) fn variable(&self, name: &str) -> Option<&RangeVariable> {
        self.variables.iter().find(|v| v.name.eq_ignore_ascii_case(name))
    }

    /// The column with a name; an error when several have it.
    pub(super) fn column(&self, name: &Ident) -> Result<Option<&Col>> {
        let hidden = self.hidden.iter().map(|(_, col)| col);
        let mut found = self.cols.iter().chain(hidden).filter(|c| c.name.eq_ignore_ascii_case(&name.value));
        let first = found.next();
        if found.next().is_some() {
            return Err(invalid(format!("column name {} is ambiguous", name.value), name.span.start));
        }
        Ok(first)
    }
}

/// One level of scope and, through `outer`, those around it.
#[derive(Clone, Copy)]
pub(super) struct Env<'e> {
    pub(super) outer: Option<&'e Env<'e>>,
    pub(super) names: &'e Names,
    /// Aliases of the SELECT list, looked up before the FROM clause's names; only where GoogleSQL allows them.
    pub(super) aliases: &'e [Col],
    pub(super) windows: &'e [(String, NamedWindowExpr)],
}

impl<'e> Env<'e> {
    pub(super) fn new(outer: Option<&'e Env<'e>>, names: &'e Names) -> Env<'e> {
        Env { outer, names, aliases: &[], windows: &[] }
    }

    /// The value of a path: a column, a range variable, or fields of them.
    pub(super) fn path(&self, idents: &[Ident]) -> Result<Ex> {
        self.known(idents)?.map_or_else(|| Err(self.unrecognized(idents, &[])), Ok)
    }

    /// As [`Env::path`], `None` when no name of the query begins the path.
    pub(super) fn known(&self, idents: &[Ident]) -> Result<Option<Ex>> {
        match idents.split_first() {
            Some((first, rest)) => self.find(first, rest),
            None => Err(invalid("an empty name", super::error::nowhere())),
        }
    }

    /// That nothing has this name; `more` are names that could have been meant beside the query's own.
    pub(super) fn unrecognized(&self, idents: &[Ident], more: &[&str]) -> WarehouseError {
        let message = if idents.len() > 1 { "unrecognized name" } else { "unrecognized column name" };
        let text = idents.iter().map(|i| i.value.as_str()).collect::<Vec<_>>().join(".");
        let first = idents.first();
        let hint = first.map(|f| hint(&f.value, self.all_names().into_iter().chain(more.iter().copied())));
        let at = first.map_or_else(super::error::nowhere, |f| f.span.start);
        invalid(format!("{message}: {text}{}", hint.unwrap_or_default()), at)
    }

    fn all_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.aliases.iter().map(|c| c.name.as_str()).collect();
        let mut level = Some(self);
        while let Some(env) = level {
            names.extend(env.names.cols.iter().map(|c| c.name.as_str()));
            names.extend(env.names.variables.iter().map(|v| v.name.as_str()));
            level = env.outer;
        }
        names
    }

    fn find(&self, first: &Ident, rest: &[Ident]) -> Result<Option<Ex>> {
        let mut aliases = self.aliases.iter().filter(|c| c.name.eq_ignore_ascii_case(&first.value));
        if let Some(alias) = aliases.next() {
            if aliases.next().is_some() {
                return Err(invalid(format!("alias {} is ambiguous", first.value), first.span.start));
            }
            return fields(alias.ex.clone(), rest).map(Some);
        }
        if let (Some((column, rest)), Some(variable)) = (rest.split_first(), self.names.variable(&first.value)) {
            return self.of_variable(variable, column, rest).map(Some);
        }
        if let Some(column) = self.names.column(first)? {
            return fields(column.ex.clone(), rest).map(Some);
        }
        if let Some(variable) = self.names.variable(&first.value) {
            return row(variable, first).map(Some);
        }
        match self.outer {
            Some(outer) => outer.find(first, rest),
            None => Ok(None),
        }
    }

    fn of_variable(&self, variable: &RangeVariable, column: &Ident, rest: &[Ident]) -> Result<Ex> {
        if let Some(value) = &variable.value {
            let mut path = vec![column.clone()];
            path.extend(rest.iter().cloned());
            return fields(value.clone(), &path);
        }
        let hidden = self.names.hidden.iter().filter(|(name, _)| *name == variable.name).map(|(_, col)| col);
        let mut found = variable.cols.iter().chain(hidden).filter(|c| c.name.eq_ignore_ascii_case(&column.value));
        let Some(first) = found.next() else {
            let hint = hint(&column.value, variable.cols.iter().map(|c| c.name.as_str()));
            let message = format!("column {} not found in {}{hint}", column.value, variable.name);
            return Err(invalid(message, column.span.start));
        };
        if found.next().is_some() {
            let message = format!("column {}.{} is ambiguous", variable.name, column.value);
            return Err(invalid(message, column.span.start));
        }
        fields(first.ex.clone(), rest)
    }

    pub(super) fn window(&self, name: &Ident) -> Result<&'e NamedWindowExpr> {
        let found = self.windows.iter().find(|(n, _)| n.eq_ignore_ascii_case(&name.value));
        found.map(|(_, spec)| spec).ok_or_else(|| {
            let hint = hint(&name.value, self.windows.iter().map(|(n, _)| n.as_str()));
            invalid(format!("unrecognized window name: {}{hint}", name.value), name.span.start)
        })
    }
}

/// The whole row of a FROM item as a STRUCT, or its element.
fn row(variable: &RangeVariable, at: &Ident) -> Result<Ex> {
    if let Some(value) = &variable.value {
        return Ok(value.clone());
    }
    if variable.nullable {
        let what = format!("{} as a value, on the optional side of an outer join", variable.name);
        return Err(unsupported(what, at.span.start));
    }
    Ok(pack(&variable.cols))
}

/// A STRUCT of some columns.
pub(super) fn pack(cols: &[Col]) -> Ex {
    let fields: Vec<StructField> =
        cols.iter().map(|c| StructField { name: c.name.clone(), field_type: c.ex.ty.clone() }).collect();
    let names = duckdb_field_names(&fields);
    let packed: Vec<String> =
        names.iter().zip(cols).map(|(name, c)| format!("{} := {}", quote(name), c.ex.sql)).collect();
    Ex::new(format!("struct_pack({})", packed.join(", ")), Type::Struct(fields))
}

/// Follows field names into a STRUCT.
pub(super) fn fields(mut ex: Ex, path: &[Ident]) -> Result<Ex> {
    for ident in path {
        ex = field(&ex, ident)?;
    }
    Ok(ex)
}

pub(super) fn field(ex: &Ex, ident: &Ident) -> Result<Ex> {
    match &ex.ty {
        Type::Struct(fields) => {
            let mut found = fields.iter().enumerate().filter(|(_, f)| f.name.eq_ignore_ascii_case(&ident.value));
            let Some((index, f)) = found.next() else {
                let hint = hint(&ident.value, fields.iter().map(|f| f.name.as_str()));
                let message = format!("field {} does not exist in {}{hint}", ident.value, ex.ty);
                return Err(invalid(message, ident.span.start));
            };
            if found.next().is_some() {
                let message = format!("field {} is ambiguous in {}", ident.value, ex.ty);
                return Err(invalid(message, ident.span.start));
            }
            let names = duckdb_field_names(fields);
            let name = names.get(index).cloned().unwrap_or_default();
            Ok(Ex::new(format!("struct_extract({}, {})", ex.sql, text(&name)), f.field_type.clone()))
        }
        Type::Json => Ok(json_part(ex, &text(&ident.value))),
        other => {
            Err(invalid(format!("cannot access field {} on a value of type {other}", ident.value), ident.span.start))
        }
    }
}

/// `json.key`, `json['key']` and `json[0]`.
pub(super) fn json_part(json: &Ex, key: &str) -> Ex {
    Ex::new(format!("CAST(gsn_json_subscript(CAST({} AS VARCHAR), {key}) AS JSON)", json.sql), Type::Json)
}

/// A string as a DuckDB literal.
pub(super) fn text(value: &str) -> String {
    if value.contains('\0') {
        let parts: Vec<String> = value.split('\0').map(|p| format!("'{}'", p.replace('\'', "''"))).collect();
        return format!("concat({})", parts.join(", chr(0), "));
    }
    format!("'{}'", value.replace('\'', "''"))
}
