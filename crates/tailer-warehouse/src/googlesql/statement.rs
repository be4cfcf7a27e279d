//! One statement: parsed, dispatched on its kind, put together.

use sqlparser::{
    ast,
    parser::{Parser, ParserError},
    tokenizer::Token,
};

use super::{
    Catalog, Scope, Statement, StatementKind, Translated,
    dialect::GoogleSql,
    error::{At, Result, invalid, located, unsupported},
    lexer::{Lexeme, lex},
    rewrite,
    set_modes::{self, Matchings},
    translator::{Output, Translator},
};
use crate::{Column, WarehouseError};

/// The parser's own limit on nesting.
const PARSER_DEPTH: usize = 100;

/// Longer statements are refused.
const LONGEST: usize = 100_000;
/// Address space, used only as far as it is needed.
const STACK: usize = 16 << 20;
const STACK_PER_LEXEME: usize = 4 << 10;

/// Turns one statement into DuckDB SQL.
///
/// # Errors
/// [`WarehouseError::Invalid`] for what BigQuery would refuse too, [`WarehouseError::Unsupported`] for what the embedded
/// warehouse cannot do; both with line and column in the user's text wherever they are known.
pub fn translate(statement: &Statement, scope: Scope<'_>, catalog: &dyn Catalog) -> Result<Translated> {
    super::variables::translate_with(statement, scope, catalog, &super::variables::NoVariables)
}

/// Where a statement begins.
pub(super) fn beginning(statement: &Statement) -> At {
    At { line: statement.line as u64, column: statement.column as u64 }
}

/// The statement's tokens, handed on where there is room for a tree as deep as they are many.
pub(super) fn with_lexemes<T>(statement: &Statement, work: impl FnOnce(Vec<Lexeme>) -> Result<T>) -> Result<T> {
    let lexemes = lex(&statement.sql, statement.line, statement.column)?;
    if lexemes.len() > LONGEST {
        let what = format!("a statement of more than {LONGEST} words and signs");
        return Err(unsupported(what, beginning(statement)));
    }
    // A chain such as `a + b + …` is a tree as deep as it is long, which the parser's own code walks and frees by recursion.
    stacker::grow(STACK + lexemes.len() * STACK_PER_LEXEME, || {
        work(lexemes).map_err(|e| located(e, || beginning(statement)))
    })
}

/// Reads all of the tokens as one thing of the grammar. What the grammar does not hold comes beside it.
pub(super) fn parse<T>(
    lexemes: Vec<Lexeme>,
    read: impl FnOnce(&mut Parser<'_>) -> std::result::Result<T, ParserError>,
) -> Result<(T, Matchings)> {
    let last = lexemes.last().map(|l| l.at).unwrap_or_else(super::error::nowhere);
    let (lexemes, matchings) = set_modes::take(lexemes);
    let tokens = rewrite::rewrite(lexemes).into_iter().map(Lexeme::into_token).collect();
    let dialect = GoogleSql::default();
    let mut parser = Parser::new(&dialect).with_recursion_limit(PARSER_DEPTH).with_tokens_with_locations(tokens);
    let parsed = read(&mut parser).map_err(|e| syntax_error(e, last))?;
    while parser.consume_token(&Token::SemiColon) {}
    let next = parser.peek_token();
    if next.token != Token::EOF {
        return Err(invalid(format!("syntax error: unexpected {}", next.token), next.span.start));
    }
    Ok((parsed, matchings))
}

/// The parser writes places into its message.
fn syntax_error(error: ParserError, last: At) -> WarehouseError {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        ParserError::RecursionLimitExceeded => return unsupported("expressions nested this deeply", last),
    };
    let Some((text, place)) = message.rsplit_once(" at Line: ") else {
        return invalid(format!("syntax error: {message}"), last);
    };
    let mut numbers = place.split(", Column: ").map(|n| n.trim().parse::<u64>().unwrap_or(0));
    let at = At { line: numbers.next().unwrap_or(0), column: numbers.next().unwrap_or(0) };
    invalid(format!("syntax error: {text}"), if at.line == 0 { last } else { at })
}

impl Translator<'_> {
    pub(super) fn statement(&mut self, statement: &ast::Statement) -> Result<Translated> {
        match statement {
            ast::Statement::Query(query) => {
                let output = self.query_of_columns(query)?;
                Ok(Translated {
                    columns: Some(result_columns(&output)),
                    ..Translated::of(output.sql, StatementKind::Query)
                })
            }
            ast::Statement::Insert(insert) => self.insert(insert),
            ast::Statement::Update(update) => self.update(update),
            ast::Statement::Delete(delete) => self.delete(delete),
            ast::Statement::Merge(merge) => self.merge(merge),
            ast::Statement::Truncate(truncate) => self.truncate(truncate),
            other => self.definition_statement(other),
        }
    }
}

impl Translated {
    pub(super) fn of(sql: String, kind: StatementKind) -> Translated {
        Translated { sql, kind, columns: None, reads: Vec::new(), writes: None, definition: None, function: None }
    }
}

/// Columns as the user sees them.
pub(super) fn result_columns(output: &Output) -> Vec<Column> {
    let column = |c: &super::translator::OutputColumn| Column {
        name: if c.name.is_empty() { c.alias.clone() } else { c.name.clone() },
        column_type: c.ty.to_string(),
    };
    output.columns.iter().map(column).collect()
}
