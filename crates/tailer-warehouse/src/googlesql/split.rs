//! Cuts a script into statements at `;`, wherever strings, names and comments have none of their own.
//!
//! For texts without procedural statements, which are refused: [`script::parse`](super::script::parse()) reads those.

use sqlparser::tokenizer::Token;

use super::{
    Statement,
    error::{Result, unsupported},
    lexer::{Lexeme, lex},
};

/// First words of the procedural language's statements.
const PROCEDURAL: &[&str] = &[
    "DECLARE", "SET", "IF", "LOOP", "WHILE", "REPEAT", "FOR", "BEGIN", "CALL", "EXECUTE", "ASSERT", "RAISE", "RETURN",
    "BREAK", "LEAVE", "CONTINUE", "ITERATE", "CASE", "COMMIT", "ROLLBACK", "END",
];

/// The statements of a script, in order, each with its place. Empty statements are left out.
///
/// # Errors
/// [`WarehouseError::Invalid`](crate::WarehouseError::Invalid) for literals, names and comments that are not closed;
/// [`WarehouseError::Unsupported`](crate::WarehouseError::Unsupported) for procedural statements.
pub fn split(script: &str) -> Result<Vec<Statement>> {
    let lexemes = lex(script, 1, 1)?;
    let mut statements = Vec::new();
    for part in lexemes.split(|l| l.token == Token::SemiColon) {
        let (Some(first), Some(last)) = (part.first(), part.last()) else { continue };
        refuse_procedural(part)?;
        let sql = script.get(first.bytes.start..last.bytes.end).unwrap_or_default().to_string();
        let place = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        statements.push(Statement { sql, line: place(first.at.line), column: place(first.at.column) });
    }
    Ok(statements)
}

fn refuse_procedural(statement: &[Lexeme]) -> Result<()> {
    let Some(first) = statement.first() else { return Ok(()) };
    let word = |n: usize| statement.get(n).and_then(Lexeme::keyword).unwrap_or_default();
    let keyword = word(0);
    if statement.get(1).is_some_and(|l| l.token == Token::Colon) {
        return Err(unsupported("labels in scripts", first.at));
    }
    if PROCEDURAL.contains(&keyword.as_str()) {
        let what = match (keyword.as_str(), word(1).as_str()) {
            ("EXECUTE", "IMMEDIATE") => "EXECUTE IMMEDIATE".to_string(),
            ("BEGIN" | "COMMIT" | "ROLLBACK", "TRANSACTION") => format!("{keyword} TRANSACTION"),
            _ => keyword,
        };
        return Err(unsupported(format!("{what} in scripts"), first.at));
    }
    if keyword == "CREATE" && (1..5).any(|n| word(n) == "PROCEDURE") {
        return Err(unsupported("CREATE PROCEDURE", first.at));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WarehouseError;

    #[track_caller]
    fn check(script: &str, expect: &[(&str, usize, usize)]) {
        let statements = split(script).unwrap();
        let found: Vec<(&str, usize, usize)> = statements.iter().map(|s| (s.sql.as_str(), s.line, s.column)).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn statements_end_at_semicolons() {
        check("", &[]);
        check(" ;; -- nothing\n;", &[]);
        check("SELECT 1", &[("SELECT 1", 1, 1)]);
        check("#standardSQL\nSELECT 1;\n  SELECT 2 ;", &[("SELECT 1", 2, 1), ("SELECT 2", 3, 3)]);
        check(
            "SELECT ';' /* ; */, \"\"\";\n\"\"\", `a;b` -- ;\n; SELECT r'\\';'",
            &[("SELECT ';' /* ; */, \"\"\";\n\"\"\", `a;b`", 1, 1), ("SELECT r'\\';'", 3, 3)],
        );
    }

    #[test]
    fn procedural_statements_are_refused_by_name_and_place() {
        for (script, what, place) in [
            ("SELECT 1;\n DECLARE x INT64;", "DECLARE in scripts", (2, 2)),
            ("SET x = 1", "SET in scripts", (1, 1)),
            ("IF true THEN SELECT 1; END IF", "IF in scripts", (1, 1)),
            ("EXECUTE IMMEDIATE 'SELECT 1'", "EXECUTE IMMEDIATE in scripts", (1, 1)),
            ("BEGIN TRANSACTION", "BEGIN TRANSACTION in scripts", (1, 1)),
            ("CREATE OR REPLACE PROCEDURE d.p() BEGIN SELECT 1; END", "CREATE PROCEDURE", (1, 1)),
        ] {
            match split(script).unwrap_err() {
                WarehouseError::Unsupported { what: found, line, column } => {
                    assert_eq!((found.as_str(), line, column), (what, Some(place.0), Some(place.1)));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn open_literals_say_where() {
        for (script, line, column) in
            [("SELECT\n 'a", 2, 2), ("SELECT 1 /* x", 1, 10), ("SELECT `a", 1, 8), ("SELECT 'a\\q'", 1, 10)]
        {
            match split(script).unwrap_err() {
                WarehouseError::Invalid { line: l, column: c, .. } => assert_eq!((l, c), (Some(line), Some(column))),
                other => panic!("{other:?}"),
            }
        }
    }
}
