//! What the parser does not know is said in other words before it sees it. This is the only place that does so.
//!
//! - `ARRAY<T>[…]` becomes `CAST([…] AS ARRAY<T>)`;
//! - `t.array AS x WITH OFFSET` becomes `UNNEST(t.array) AS x WITH OFFSET`.

use sqlparser::tokenizer::Token;

use super::lexer::Lexeme;

pub(super) fn rewrite(lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
    typed_arrays(paths_with_offset(lexemes))
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
