//! Set operations that match columns by name: `CORRESPONDING [BY (…)]`, `BY NAME [ON (…)]`, with FULL, LEFT, INNER and STRICT.
//!
//! The parser knows too little of them, so their words are taken out of the tokens before it ([`take`]) and kept beside the tree,
//! under the place where the right side begins.

use std::collections::HashMap;

use sqlparser::tokenizer::Token;

use super::{
    error::{At, Result, hint, invalid},
    lexer::Lexeme,
    quote,
    scope::Literal,
    translator::{Output, OutputColumn, Translator},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The columns that both sides have.
    Inner,
    /// The left side's columns, NULL where the right side lacks them.
    Left,
    /// All columns, NULL where a side lacks them.
    Full,
    /// Both sides have to have the same columns.
    Strict,
}

/// How the columns of two queries are matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Matching {
    mode: Mode,
    /// The columns that BY or ON name.
    by: Option<Vec<(String, At)>>,
}

/// By the line and column at which the right side of the operation begins.
pub(super) type Matchings = HashMap<(u64, u64), Matching>;

/// Takes the words that the parser does not know out of the tokens.
pub(super) fn take(lexemes: Vec<Lexeme>) -> (Vec<Lexeme>, Matchings) {
    let mut matchings = Matchings::new();
    if !lexemes.iter().any(|l| l.keyword().is_some_and(|k| matches!(k.as_str(), "CORRESPONDING" | "NAME"))) {
        return (lexemes, matchings);
    }
    let mut out: Vec<Lexeme> = Vec::with_capacity(lexemes.len());
    let word = |at: usize| lexemes.get(at).and_then(Lexeme::keyword).unwrap_or_default();
    let mut i = 0;
    while let Some(lexeme) = lexemes.get(i) {
        let operator = matches!(word(i).as_str(), "UNION" | "INTERSECT" | "EXCEPT");
        let found = (operator && matches!(word(i + 1).as_str(), "ALL" | "DISTINCT")).then(|| by_name(&lexemes, i + 2));
        if let Some(Some((strict, by, end))) = found {
            let mode = match leading_mode(&mut out) {
                _ if strict => Mode::Strict,
                Some(mode) => mode,
                // `BY NAME` alone is strict, CORRESPONDING alone is not.
                None if word(i + 2) == "BY" => Mode::Strict,
                None => Mode::Inner,
            };
            out.extend(lexemes.get(i..i + 2).unwrap_or_default().iter().cloned());
            let mut right = end;
            while lexemes.get(right).is_some_and(|l| l.token == Token::LParen) {
                right += 1;
            }
            if let Some(right) = lexemes.get(right) {
                matchings.insert((right.at.line, right.at.column), Matching { mode, by });
            }
            i = end;
            continue;
        }
        out.push(lexeme.clone());
        i += 1;
    }
    (out, matchings)
}

type ByName = (bool, Option<Vec<(String, At)>>, usize);

/// `[STRICT] CORRESPONDING [BY (…)]` or `BY NAME [ON (…)]` at a place: whether strict, the list, and the place after it.
fn by_name(lexemes: &[Lexeme], start: usize) -> Option<ByName> {
    let word = |at: usize| lexemes.get(at).and_then(Lexeme::keyword).unwrap_or_default();
    let strict = word(start) == "STRICT";
    let start = if strict { start + 1 } else { start };
    let (after, list_word) = match (word(start).as_str(), word(start + 1).as_str()) {
        ("CORRESPONDING", _) => (start + 1, "BY"),
        ("BY", "NAME") => (start + 2, "ON"),
        _ => return None,
    };
    if word(after) != list_word || lexemes.get(after + 1).is_none_or(|l| l.token != Token::LParen) {
        return Some((strict, None, after));
    }
    let mut names = Vec::new();
    for (i, lexeme) in lexemes.iter().enumerate().skip(after + 2) {
        match &lexeme.token {
            Token::Word(name) => names.push((name.value.clone(), lexeme.at)),
            Token::Comma => {}
            Token::RParen => return Some((strict, Some(names), i + 1)),
            _ => return None,
        }
    }
    None
}

/// FULL, LEFT or INNER before the operator, which is taken away.
fn leading_mode(out: &mut Vec<Lexeme>) -> Option<Mode> {
    let last = |out: &[Lexeme]| out.last().and_then(Lexeme::keyword).unwrap_or_default();
    let before = |out: &[Lexeme]| {
        out.len().checked_sub(2).and_then(|i| out.get(i)).and_then(Lexeme::keyword).unwrap_or_default()
    };
    if last(out) == "OUTER" && matches!(before(out).as_str(), "FULL" | "LEFT") {
        out.pop();
    }
    let mode = match last(out).as_str() {
        "FULL" => Mode::Full,
        "LEFT" => Mode::Left,
        "INNER" => Mode::Inner,
        _ => return None,
    };
    out.pop();
    Some(mode)
}

impl Translator<'_> {
    /// Both sides with the columns of the result, in its order.
    pub(super) fn matched(
        &mut self,
        left: Output,
        right: Output,
        matching: &Matching,
        at: At,
    ) -> Result<(Output, Output)> {
        let names = result_names(&left, &right, matching, at)?;
        let (left_columns, right_columns) = (left.columns.clone(), right.columns.clone());
        let left = self.rearranged(left, &names, &right_columns, at)?;
        let right = self.rearranged(right, &names, &left_columns, at)?;
        Ok((left, right))
    }

    /// A query with the named columns only; those that it lacks are NULLs of the other side's type.
    fn rearranged(&mut self, output: Output, names: &[String], other: &[OutputColumn], at: At) -> Result<Output> {
        let own = quote(&self.alias());
        let mut columns = Vec::with_capacity(names.len());
        let mut list = Vec::with_capacity(names.len());
        for (i, name) in names.iter().enumerate() {
            let alias = format!("c{i}");
            let column = match found(&output.columns, name, at)? {
                Some(column) => {
                    list.push(format!("{own}.{} AS {}", quote(&column.alias), quote(&alias)));
                    OutputColumn { name: name.clone(), alias, ..column.clone() }
                }
                None => {
                    let ty = found(other, name, at)?.map(|c| c.ty.clone()).unwrap_or(super::types::Type::Int64);
                    list.push(format!("CAST(NULL AS {}) AS {}", ty.duckdb(), quote(&alias)));
                    OutputColumn { name: name.clone(), alias, ty, literal: Literal::Null }
                }
            };
            columns.push(column);
        }
        let sql = format!("SELECT {} FROM ({}) AS {own}", list.join(", "), output.sql);
        Ok(Output { sql, columns, is_value: false })
    }
}

/// The column with a name; an error when several have it.
fn found<'c>(columns: &'c [OutputColumn], name: &str, at: At) -> Result<Option<&'c OutputColumn>> {
    let mut all = columns.iter().filter(|c| c.name.eq_ignore_ascii_case(name));
    let first = all.next();
    if all.next().is_some() {
        return Err(invalid(format!("column {name} stands twice in a query of a set operation by name"), at));
    }
    Ok(first)
}

fn result_names(left: &Output, right: &Output, matching: &Matching, at: At) -> Result<Vec<String>> {
    let has = |output: &Output, name: &str| output.columns.iter().any(|c| c.name.eq_ignore_ascii_case(name));
    let Some(by) = &matching.by else {
        let anonymous = [left, right].iter().flat_map(|o| &o.columns).any(|c| c.name.is_empty());
        if anonymous {
            return Err(invalid("a set operation by name wants every column to have a name", at));
        }
        let names = |output: &Output| output.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
        let only_right = right.columns.iter().find(|c| !has(left, &c.name)).map(|c| c.name.clone());
        let only_left = left.columns.iter().find(|c| !has(right, &c.name)).map(|c| c.name.clone());
        let mut all = names(left);
        match matching.mode {
            Mode::Strict => {
                if let Some(name) = only_left.or(only_right) {
                    return Err(invalid(
                        format!("column {name} stands on one side only of a set operation by name"),
                        at,
                    ));
                }
            }
            Mode::Inner => all.retain(|name| has(right, name)),
            Mode::Left => {
                if !all.iter().any(|name| has(right, name)) {
                    return Err(invalid("the queries of this set operation have no column in common", at));
                }
            }
            Mode::Full => all.extend(names(right).into_iter().filter(|name| !has(left, name))),
        }
        if all.is_empty() {
            return Err(invalid("the queries of this set operation have no column in common", at));
        }
        return Ok(all);
    };
    let mut all: Vec<String> = Vec::with_capacity(by.len());
    for (name, at) in by {
        let (l, r) = (has(left, name), has(right, name));
        let there = match matching.mode {
            Mode::Inner | Mode::Strict => l && r,
            Mode::Left => l,
            Mode::Full => l || r,
        };
        if !there {
            let known = left.columns.iter().chain(&right.columns).map(|c| c.name.as_str());
            return Err(invalid(
                format!("column {name} is not on the sides that it has to be on{}", hint(name, known)),
                *at,
            ));
        }
        if all.iter().any(|n| n.eq_ignore_ascii_case(name)) {
            return Err(invalid(format!("column {name} is named twice"), *at));
        }
        all.push(name.clone());
    }
    let left_over = |o: &Output| o.columns.iter().any(|c| !all.iter().any(|n| n.eq_ignore_ascii_case(&c.name)));
    if matching.mode == Mode::Strict && (left_over(left) || left_over(right)) {
        return Err(invalid("a STRICT set operation has to name all columns of both sides", at));
    }
    Ok(all)
}
