//! What the parser does not know is said in other words before it sees it. This is the only place that does so.
//!
//! `ARRAY<T>[…]` becomes `CAST([…] AS ARRAY<T>)`.

use sqlparser::tokenizer::Token;

use super::lexer::Lexeme;

pub(super) fn typed_arrays(lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
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
