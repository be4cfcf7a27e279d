//! Values that SQL names without a table around them: variables of a script, parameters of `EXECUTE IMMEDIATE`, system variables
//! (`@@error.message`).
//!
//! A name means a variable where nothing of the query has it: columns win, as in BigQuery. Values enter the generated SQL as
//! typed constants made by the warehouse, never as pieces of the user's text, so no value can change what a statement means.

use serde::{Deserialize, Serialize};
use sqlparser::{
    ast::{BinaryOperator, Expr, Ident},
    tokenizer::Token,
};

use super::{
    Catalog, Scope, Statement, StatementKind, Translated, coerce,
    error::{At, Result, invalid, nowhere},
    lexer::Lexeme,
    scope::{Env, Ex, Names, fields},
    statement::{beginning, parse, with_lexemes},
    translator::Translator,
    types::{Type, from_ast},
};
use crate::Column;

/// A value as a constant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Constant {
    /// BigQuery's type.
    pub column_type: String,
    /// DuckDB SQL of exactly that type.
    pub sql: String,
    /// A STRING as it is, a BOOL as `true` or `false`, an INT64 in digits; `None` for NULL and for other types.
    pub text: Option<String>,
    /// A STRUCT's fields in order, when it is not NULL: spares naming the whole for one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Constant>,
}

/// What the translator may ask about variables. Names are those of the user, `@name` for parameters, `@@a.b` for system variables;
/// their case does not matter.
pub trait Variables {
    fn find(&self, name: &str) -> Option<&Constant>;
    /// All names in sight, for hints.
    fn names(&self) -> Vec<&str>;
}

/// A statement on its own.
#[derive(Debug, Clone, Copy)]
pub struct NoVariables;

impl Variables for NoVariables {
    fn find(&self, _: &str) -> Option<&Constant> {
        None
    }

    fn names(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// The name of the n-th `?` of a statement, counted from one.
pub fn positional(number: usize) -> String {
    format!("@?{number}")
}

/// As [`translate`](super::translate), with variables in sight.
///
/// # Errors
/// As [`translate`](super::translate).
pub fn translate_with(
    statement: &Statement,
    scope: Scope<'_>,
    catalog: &dyn Catalog,
    variables: &dyn Variables,
) -> Result<Translated> {
    with_lexemes(statement, |lexemes| {
        let mut translator = Translator::new(catalog, scope);
        translator.variables = variables;
        if let Some(translated) = translator.function_statement(&lexemes, &statement.sql)? {
            return Ok(translated);
        }
        let (parsed, matchings) = parse(counts(lexemes, variables), |p| p.parse_statement())?;
        translator.matchings = matchings;
        let mut translated = translator.statement(&parsed)?;
        if translator.uses_variables && matches!(parsed, sqlparser::ast::Statement::CreateView(_)) {
            return Err(invalid("a view cannot use variables or parameters: it outlives them", beginning(statement)));
        }
        translated.reads = translator.reads;
        Ok(translated)
    })
}

/// An expression of a script, as a query of one row and one column. With `wanted`, a BigQuery type, the value becomes of that type
/// as far as GoogleSQL does so without being asked. With `equal_to`, the query says whether a variable equals the value.
///
/// # Errors
/// As [`translate`](super::translate).
pub fn translate_value(
    expression: &Statement,
    wanted: Option<&str>,
    equal_to: Option<&str>,
    scope: Scope<'_>,
    catalog: &dyn Catalog,
    variables: &dyn Variables,
) -> Result<Translated> {
    with_lexemes(expression, |lexemes| {
        let (mut parsed, matchings) = parse(counts(lexemes, variables), |p| p.parse_expr())?;
        let at = beginning(expression);
        if let Some(variable) = equal_to {
            let left = Box::new(Expr::Identifier(Ident::new(variable)));
            parsed = Expr::BinaryOp { left, op: BinaryOperator::Eq, right: Box::new(Expr::Nested(Box::new(parsed))) };
        }
        let mut translator = Translator::new(catalog, scope);
        translator.variables = variables;
        translator.matchings = matchings;
        let names = Names::default();
        let env = Env::new(None, &names);
        let ex = translator.without_aggregates("an expression of a script", |t| t.expr(&parsed, &env))?;
        let ex = match wanted.map(Type::parse) {
            Some(wanted) => Ex::new(coerce::to(ex, &wanted, at)?, wanted),
            None => Ex::new(coerce::to(ex.clone(), &ex.ty, at)?, ex.ty),
        };
        let columns = vec![Column { name: "v".into(), column_type: ex.ty.to_string() }];
        Ok(Translated {
            columns: Some(columns),
            reads: translator.reads,
            ..Translated::of(format!("SELECT {} AS v", ex.sql), StatementKind::Query)
        })
    })
}

/// A type as the user writes it: in BigQuery's words, and what DuckDB calls it.
///
/// # Errors
/// [`WarehouseError`](crate::WarehouseError) for what is no type, or none that the embedded warehouse has.
pub fn translate_type(written: &Statement) -> Result<(String, String)> {
    with_lexemes(written, |lexemes| {
        let (data_type, _) = parse(lexemes, |p| p.parse_data_type())?;
        let ty = from_ast(&data_type, beginning(written))?;
        Ok((ty.to_string(), ty.duckdb()))
    })
}

/// `LIMIT n`, where the grammar has only numbers: an INT64 in sight takes its place.
fn counts(mut lexemes: Vec<Lexeme>, variables: &dyn Variables) -> Vec<Lexeme> {
    for i in 1..lexemes.len() {
        let word = |before: usize| i.checked_sub(before).and_then(|at| lexemes.get(at)).and_then(Lexeme::keyword);
        let after_limit = match word(1).as_deref() {
            Some("LIMIT") => true,
            Some("OFFSET") => word(2).as_deref() != Some("WITH"),
            _ => false,
        };
        let Some(lexeme) = lexemes.get_mut(i).filter(|_| after_limit) else { continue };
        let Token::Word(word) = &lexeme.token else { continue };
        let Some(value) = variables.find(&word.value).filter(|v| v.column_type == "INT64") else { continue };
        // A negative one is left to be refused where it stands.
        if let Some(digits) = value.text.as_ref().filter(|digits| !digits.starts_with('-')) {
            *lexeme = lexeme.with(Token::Number(digits.clone(), false));
        }
    }
    lexemes
}

impl Translator<'_> {
    /// The value of a path: of the query's names or, when none begins it, of a variable.
    pub(super) fn name(&mut self, idents: &[Ident], env: &Env<'_>) -> Result<Ex> {
        let is_special = idents.first().is_some_and(|i| i.value.starts_with('@') && i.quote_style.is_none());
        if !is_special && let Some(found) = env.known(idents)? {
            return Ok(found);
        }
        if let Some(found) = self.variable(idents)? {
            self.uses_variables = true;
            return Ok(found);
        }
        if !is_special {
            return Err(env.unrecognized(idents, &self.variables.names()));
        }
        let name = idents.iter().map(|i| i.value.as_str()).collect::<Vec<_>>().join(".");
        let at = idents.first().map_or_else(nowhere, |i| i.span.start);
        Err(no_such_parameter(&name, at))
    }

    fn variable(&self, idents: &[Ident]) -> Result<Option<Ex>> {
        // A system variable's name has dots of its own.
        for length in (1..=idents.len()).rev() {
            let (name, mut path) = idents.split_at(length);
            let name = name.iter().map(|i| i.value.as_str()).collect::<Vec<_>>().join(".");
            if length > 1 && !name.starts_with("@@") {
                continue;
            }
            let Some(mut value) = self.variables.find(&name) else { continue };
            while let Some((field, rest)) = path.split_first()
                && let Type::Struct(declared) = Type::parse(&value.column_type)
                && let Some(inner) = declared.iter().position(|f| f.name.eq_ignore_ascii_case(&field.value))
                && declared.iter().filter(|f| f.name.eq_ignore_ascii_case(&field.value)).count() == 1
                && let Some(inner) = value.fields.get(inner)
            {
                (value, path) = (inner, rest);
            }
            return fields(Ex::new(value.sql.clone(), Type::parse(&value.column_type)), path).map(Some);
        }
        Ok(None)
    }
}

fn no_such_parameter(name: &str, at: At) -> crate::WarehouseError {
    let message = match name.strip_prefix("@?") {
        Some(number) => format!("parameter number {number} (?) has no value: give it in USING"),
        None if name.starts_with("@@") => format!("there is no system variable {name}"),
        None => format!("the query parameter {name} has no value"),
    };
    invalid(message, at)
}
