//! Tables of a statement that the parser refuses: the paths behind the words that tables stand behind.

use sqlparser::tokenizer::Token;

use crate::googlesql::{
    Statement,
    lexer::{Lexeme, lex},
};

/// Functions whose arguments have a FROM of their own.
const WITH_FROM: [&str; 3] = ["EXTRACT", "TRIM", "SUBSTRING"];

/// Parts of each path, and whether it is written. Paths of one part are left out: they may be anything.
pub(super) fn tables(statement: &Statement) -> Vec<(Vec<String>, bool)> {
    let Ok(lexemes) = lex(&statement.sql, statement.line, statement.column) else { return Vec::new() };
    let mut found = Vec::new();
    // The word before each parenthesis that is open.
    let mut open: Vec<String> = Vec::new();
    let mut before = String::new();
    let mut first = String::new();
    for (index, lexeme) in lexemes.iter().enumerate() {
        let word = lexeme.keyword().unwrap_or_default();
        if first.is_empty() {
            first.clone_from(&word);
        }
        match &lexeme.token {
            Token::LParen => open.push(before.clone()),
            Token::RParen => drop(open.pop()),
            _ => {}
        }
        let makes = matches!(first.as_str(), "CREATE" | "ALTER" | "TRUNCATE");
        let is_written = match word.as_str() {
            "FROM" if before == "DISTINCT" || open.last().is_some_and(|f| WITH_FROM.contains(&f.as_str())) => None,
            "FROM" if before == "DELETE" => Some(true),
            "FROM" | "JOIN" | "USING" | "CLONE" | "COPY" => Some(false),
            "INTO" | "UPDATE" | "MERGE" => Some(true),
            "TABLE" | "VIEW" if makes && open.is_empty() => Some(true),
            _ => None,
        };
        if let Some(is_written) = is_written
            && let Some(path) = path(lexemes.get(index + 1..).unwrap_or_default())
        {
            found.push((path, is_written));
        }
        before = word;
    }
    found
}

fn path(after: &[Lexeme]) -> Option<Vec<String>> {
    let skipped = after.iter().take_while(|lexeme| {
        lexeme.keyword().is_some_and(|word| matches!(word.as_str(), "IF" | "NOT" | "EXISTS" | "INTO"))
    });
    let mut rest = after.get(skipped.count()..)?.iter();
    let mut text = String::new();
    loop {
        match &rest.next()?.token {
            Token::Word(word) => text.push_str(&word.value),
            _ => return None,
        }
        match rest.next().map(|lexeme| &lexeme.token) {
            Some(Token::Period) => text.push('.'),
            // A function that gives rows.
            Some(Token::LParen) => return None,
            _ => break,
        }
    }
    let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
    (parts.len() > 1).then_some(parts)
}
