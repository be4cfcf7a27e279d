//! Literals in arguments: what can be known of them without asking a warehouse.

use sqlparser::tokenizer::Token;

use super::{
    super::{Statement, error::Result, lexer::lex},
    cursor::Cursor,
};

/// The value of a text that is one string literal and nothing else.
pub fn string_literal(sql: &str) -> Option<String> {
    match lex(sql, 1, 1).ok()?.as_slice() {
        [only] => match &only.token {
            Token::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// The elements of an array literal `[a, b]`; `None` for every other expression.
///
/// # Errors
/// As [`parse`](super::parse()).
pub fn elements(array: &Statement) -> Result<Option<Vec<Statement>>> {
    let lexemes = lex(&array.sql, array.line, array.column)?;
    let mut cursor = Cursor::new(&array.sql, &lexemes);
    if !cursor.take_token(&Token::LBracket) {
        return Ok(None);
    }
    let mut elements = Vec::new();
    while !cursor.is(&Token::RBracket) {
        if !elements.is_empty() {
            cursor.expect_token(&Token::Comma)?;
        }
        elements.push(cursor.until("an element", |sign| sign == "," || sign == "]")?);
    }
    cursor.advance();
    Ok(cursor.peek(0).is_none().then_some(elements))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_known() {
        assert_eq!(string_literal(" 'a\\'b' ").as_deref(), Some("a'b"));
        assert_eq!(string_literal("r\"\\d\"").as_deref(), Some("\\d"));
        assert_eq!(string_literal("CONCAT('a')"), None);
        let elements = |sql: &str| {
            let statement = Statement { sql: sql.into(), line: 1, column: 1 };
            super::elements(&statement).unwrap().map(|all| all.into_iter().map(|e| e.sql).collect::<Vec<_>>())
        };
        assert_eq!(elements("[1, f(2, 3), [4][OFFSET(0)]]").unwrap(), ["1", "f(2, 3)", "[4][OFFSET(0)]"]);
        assert_eq!(elements("[]").unwrap(), [""; 0]);
        assert_eq!(elements("[1][OFFSET(0)]"), None);
        assert_eq!(elements("GENERATE_ARRAY(1, 2)"), None);
    }
}
