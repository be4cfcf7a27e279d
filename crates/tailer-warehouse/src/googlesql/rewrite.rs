//! What the parser does not know is said in other words before it sees it. This is the only place that does so.
//!
//! - `ARRAY<T>[…]` becomes `CAST([…] AS ARRAY<T>)`;
//! - `t.array AS x WITH OFFSET` becomes `UNNEST(t.array) AS x WITH OFFSET`.

use sqlparser::tokenizer::Token;

use super::{lexer::Lexeme, like};

pub(super) fn rewrite(lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
    typed_arrays(likes(having_last(named_offsets(paths_with_offset(copies(lexemes))))))
}

/// `CREATE TABLE a COPY b` means what CLONE does here.
fn copies(mut lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
    let creates = keyword_at(&lexemes, 0) == "CREATE" && (1..4).any(|i| keyword_at(&lexemes, i) == "TABLE");
    let is_copy = |at: &usize| keyword_at(&lexemes, *at) == "COPY";
    if let Some(copy) = (2..lexemes.len().min(20)).find(is_copy).filter(|_| creates)
        && let Some(word) = lexemes.get_mut(copy)
    {
        *word = word.with(Token::make_word("CLONE", None));
    }
    lexemes
}

fn keyword_at(lexemes: &[Lexeme], at: usize) -> String {
    lexemes.get(at).and_then(Lexeme::keyword).unwrap_or_default()
}

fn is_token(lexemes: &[Lexeme], at: usize, token: &Token) -> bool {
    lexemes.get(at).is_some_and(|l| l.token == *token)
}

/// The place of the parenthesis that closes the one at a place.
fn closing(lexemes: &[Lexeme], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (i, lexeme) in lexemes.iter().enumerate().skip(open) {
        match lexeme.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    None
}

/// `LIKE ANY (…)` becomes `LIKE f(…)`, see [`like`](super::like).
fn likes(mut lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
    let mut i = 0;
    while i + 2 < lexemes.len() {
        let quantifier = keyword_at(&lexemes, i + 1);
        let all = quantifier == "ALL";
        if keyword_at(&lexemes, i) != "LIKE" || !(all || matches!(quantifier.as_str(), "ANY" | "SOME")) {
            i += 1;
            continue;
        }
        let opening = |at: usize| is_token(&lexemes, at, &Token::LParen);
        let query = opening(i + 2) && matches!(keyword_at(&lexemes, i + 3).as_str(), "SELECT" | "WITH" | "FROM");
        let array = keyword_at(&lexemes, i + 2) == "UNNEST" && opening(i + 3);
        let name = match (all, query, array) {
            (false, true, _) => like::ANY_OF_QUERY,
            (true, true, _) => like::ALL_OF_QUERY,
            (false, _, true) => like::ANY_OF_ARRAY,
            (true, _, true) => like::ALL_OF_ARRAY,
            (false, ..) => like::ANY_OF,
            (true, ..) => like::ALL_OF,
        };
        if array {
            lexemes.remove(i + 2);
        }
        if query && let Some(close) = closing(&lexemes, i + 2) {
            let (open, end) = (lexemes.get(i + 2).cloned(), lexemes.get(close).cloned());
            lexemes.splice(close..close, end);
            lexemes.splice(i + 2..i + 2, open);
        }
        if let Some(word) = lexemes.get_mut(i + 1) {
            *word = word.with(Token::make_word(name, Some('`')));
        }
        i += 2;
    }
    lexemes
}

/// `f(x HAVING MAX y ORDER BY z LIMIT n)`: the parser wants HAVING at the end.
fn having_last(mut lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
    let mut i = 0;
    while i + 1 < lexemes.len() {
        let found =
            keyword_at(&lexemes, i) == "HAVING" && matches!(keyword_at(&lexemes, i + 1).as_str(), "MAX" | "MIN");
        if found && let Some((end, close)) = inside_call(&lexemes, i).then(|| end_of_having(&lexemes, i + 2)).flatten()
        {
            let (rest, whole) = (end - i, close - i);
            if let Some(part) = lexemes.get_mut(i..i + whole) {
                part.rotate_left(rest);
            }
            i += whole;
        }
        i += 1;
    }
    lexemes
}

/// Whether a place stands in the parentheses of a call, not of a query.
fn inside_call(lexemes: &[Lexeme], at: usize) -> bool {
    let mut depth = 0usize;
    for i in (0..at).rev() {
        match lexemes.get(i).map(|l| &l.token) {
            Some(Token::RParen) => depth += 1,
            Some(Token::LParen) if depth > 0 => depth -= 1,
            Some(Token::LParen) => {
                return i > 0 && matches!(lexemes.get(i - 1), Some(l) if matches!(l.token, Token::Word(_)));
            }
            _ if depth == 0 && matches!(keyword_at(lexemes, i).as_str(), "SELECT" | "FROM") => return false,
            _ => {}
        }
    }
    false
}

/// Where the expression after `HAVING MAX` ends and where the call is closed.
fn end_of_having(lexemes: &[Lexeme], start: usize) -> Option<(usize, usize)> {
    let mut depth = 0usize;
    let mut end = None;
    for i in start..lexemes.len() {
        match lexemes.get(i).map(|l| &l.token) {
            Some(Token::LParen | Token::LBracket) => depth += 1,
            Some(Token::RParen) if depth == 0 => return Some((end.unwrap_or(i), i)),
            Some(Token::RParen | Token::RBracket) => depth = depth.checked_sub(1)?,
            _ if depth == 0 && matches!(keyword_at(lexemes, i).as_str(), "ORDER" | "LIMIT") => {
                end.get_or_insert(i);
            }
            _ => {}
        }
    }
    None
}

/// `WITH OFFSET` without a name before a word that is none: the parser would take it for the name.
fn named_offsets(mut lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
    const NO_NAME: &[&str] = &[
        "FULL",
        "USING",
        "LEFT",
        "RIGHT",
        "INNER",
        "CROSS",
        "JOIN",
        "ON",
        "PIVOT",
        "UNPIVOT",
        "TABLESAMPLE",
        "QUALIFY",
        "WINDOW",
    ];
    let mut i = 0;
    while i + 2 < lexemes.len() {
        if keyword_at(&lexemes, i) == "WITH"
            && keyword_at(&lexemes, i + 1) == "OFFSET"
            && NO_NAME.contains(&keyword_at(&lexemes, i + 2).as_str())
            && let Some(offset) = lexemes.get(i + 1).cloned()
        {
            lexemes.splice(
                i + 2..i + 2,
                [offset.with(Token::make_word("AS", None)), offset.with(Token::make_word("offset", Some('`')))],
            );
            i += 2;
        }
        i += 1;
    }
    lexemes
}

fn paths_with_offset(mut lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
    let mut i = 0;
    while i + 1 < lexemes.len() {
        let is_keyword = |at: usize, word: &str| lexemes.get(at).and_then(Lexeme::keyword).is_some_and(|k| k == word);
        if is_keyword(i, "WITH")
            && is_keyword(i + 1, "OFFSET")
            && let Some((start, end)) = path_before(&lexemes, i)
            && let (Some(first), Some(last)) = (lexemes.get(start).cloned(), lexemes.get(end).cloned())
        {
            lexemes.insert(end + 1, last.with(Token::RParen));
            lexemes.insert(start, first.with(Token::LParen));
            lexemes.insert(start, first.with(Token::make_word("UNNEST", None)));
            i += 3;
        }
        i += 1;
    }
    lexemes
}

/// The first and the last token of the path `a.b` in `a.b [[AS] x] WITH OFFSET`, given the place of WITH.
fn path_before(lexemes: &[Lexeme], with: usize) -> Option<(usize, usize)> {
    let is_word = |at: usize| lexemes.get(at).is_some_and(|l| matches!(l.token, Token::Word(_)));
    let keyword = |at: usize| lexemes.get(at).and_then(Lexeme::keyword).unwrap_or_default();
    let last = with.checked_sub(1).filter(|at| is_word(*at))?;
    let end = match last.checked_sub(1) {
        Some(before) if keyword(before) == "AS" => before.checked_sub(1)?,
        // The word before is the path's end, unless it says that here the FROM item begins.
        Some(before) if is_word(before) && !matches!(keyword(before).as_str(), "FROM" | "JOIN") => before,
        Some(before) if lexemes.get(before).is_some_and(|l| l.token == Token::RParen) => return None,
        _ => last,
    };
    if !is_word(end) {
        return None;
    }
    let mut start = end;
    while start >= 2 && lexemes.get(start - 1).is_some_and(|l| l.token == Token::Period) && is_word(start - 2) {
        start -= 2;
    }
    (start < end).then_some((start, end))
}

fn typed_arrays(lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
    let is_candidate = |i: usize| {
        lexemes.get(i).and_then(Lexeme::keyword).is_some_and(|k| k == "ARRAY")
            && lexemes.get(i + 1).is_some_and(|l| l.token == Token::Lt)
    };
    if !(0..lexemes.len()).any(is_candidate) {
        return lexemes;
    }
    let mut out = Vec::with_capacity(lexemes.len() + 8);
    // Arrays that are open: where their `[` stands and the type to say at the end.
    let mut open: Vec<(usize, Vec<Lexeme>)> = Vec::new();
    let mut depth = 0usize;
    let mut i = 0;
    while let Some(lexeme) = lexemes.get(i) {
        if is_candidate(i)
            && let Some(end) = type_end(&lexemes, i + 1)
            && let Some(bracket) = lexemes.get(end).filter(|l| l.token == Token::LBracket)
        {
            out.push(lexeme.with(Token::make_word("CAST", None)));
            out.push(lexeme.with(Token::LParen));
            out.push(bracket.clone());
            depth += 1;
            open.push((depth, lexemes.get(i..end).unwrap_or_default().to_vec()));
            i = end + 1;
            continue;
        }
        match lexeme.token {
            Token::LBracket => depth += 1,
            Token::RBracket => {
                out.push(lexeme.clone());
                if open.last().is_some_and(|(at, _)| *at == depth)
                    && let Some((_, array_type)) = open.pop()
                {
                    out.push(lexeme.with(Token::make_word("AS", None)));
                    out.extend(array_type);
                    out.push(lexeme.with(Token::RParen));
                }
                depth = depth.saturating_sub(1);
                i += 1;
                continue;
            }
            _ => {}
        }
        out.push(lexeme.clone());
        i += 1;
    }
    out
}

/// The index after the `>` that closes the `<` at an index.
fn type_end(lexemes: &[Lexeme], start: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (i, lexeme) in lexemes.iter().enumerate().skip(start) {
        match lexeme.token {
            Token::Lt => depth += 1,
            Token::Gt => {
                depth -= 1;
                if depth == 0 {
                    return Some(i + 1);
                }
            }
            Token::Word(_) | Token::Comma => {}
            _ => return None,
        }
    }
    None
}
