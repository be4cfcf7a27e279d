//! SQL functions of the user: `CREATE [TEMP] FUNCTION`, `CREATE TABLE FUNCTION`, `DROP FUNCTION`.
//!
//! A function is kept as its text. A call puts the arguments in the place of the parameters: nothing of a function exists in the
//! engine. JavaScript and Python are refused by name.

use serde::{Deserialize, Serialize};
use sqlparser::tokenizer::Token;

use super::{
    StatementKind, Translated, coerce,
    error::{At, Result, invalid, unsupported},
    lexer::{Lexeme, lex},
    scope::{Col, Env, Ex, Names},
    statement::parse,
    translator::{Output, Translator},
    types::Type,
};
use crate::TableName;

/// A function as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFunction {
    /// Its last name.
    pub name: String,
    /// Names and BigQuery types; the type is empty for ANY TYPE.
    pub parameters: Vec<(String, String)>,
    /// The type of the result, when it is declared.
    pub returns: Option<String>,
    /// An expression, or a query for a table function.
    pub body: String,
    pub is_table: bool,
}

/// What a statement does to the user's functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionChange {
    /// Where the function lives; `None` for the session's own.
    pub home: Option<TableName>,
    pub name: String,
    pub action: FunctionAction,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FunctionAction {
    Create { function: UserFunction, or_replace: bool, if_not_exists: bool },
    Drop { if_exists: bool },
}

/// Reads tokens of one statement, in order.
struct Reader<'l> {
    lexemes: &'l [Lexeme],
    text: &'l str,
    at: usize,
}

impl<'l> Reader<'l> {
    fn keyword(&self) -> String {
        self.lexemes.get(self.at).and_then(Lexeme::keyword).unwrap_or_default()
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.keyword() == word;
        self.at += usize::from(found);
        found
    }

    fn place(&self) -> At {
        self.lexemes.get(self.at).or(self.lexemes.last()).map_or_else(super::error::nowhere, |l| l.at)
    }

    fn is(&self, token: &Token) -> bool {
        self.lexemes.get(self.at).is_some_and(|l| l.token == *token)
    }

    fn expect(&mut self, token: &Token) -> Result<()> {
        if !self.is(token) {
            return Err(invalid(format!("syntax error: {token} is missing"), self.place()));
        }
        self.at += 1;
        Ok(())
    }

    fn name(&mut self) -> Result<String> {
        match self.lexemes.get(self.at).map(|l| &l.token) {
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(word.value.clone())
            }
            _ => Err(invalid("syntax error: a name is missing", self.place())),
        }
    }

    /// A name of one to three parts, wherever its dots stand.
    fn path(&mut self) -> Result<Vec<String>> {
        let mut parts = vec![self.name()?];
        while self.is(&Token::Period) {
            self.at += 1;
            parts.push(self.name()?);
        }
        Ok(parts.iter().flat_map(|p| p.split('.')).map(str::to_string).collect())
    }

    /// The text up to a place outside of parentheses where `ends` is true.
    fn until(&mut self, in_type: bool, ends: impl Fn(&Reader<'_>) -> bool) -> &'l str {
        let first = self.at;
        let mut depth = 0usize;
        while let Some(lexeme) = self.lexemes.get(self.at) {
            if depth == 0 && ends(self) {
                break;
            }
            match lexeme.token {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
                // Brackets of types, not comparisons.
                Token::Lt if in_type => depth += 1,
                Token::Gt if in_type => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
        let (Some(start), Some(end)) =
            (self.lexemes.get(first), self.at.checked_sub(1).and_then(|i| self.lexemes.get(i)))
        else {
            return "";
        };
        self.text.get(start.bytes.start..end.bytes.end).unwrap_or_default()
    }
}

impl Translator<'_> {
    /// The statement, when it is one about functions.
    pub(super) fn function_statement(&mut self, lexemes: &[Lexeme], text: &str) -> Result<Option<Translated>> {
        let mut reader = Reader { lexemes, text, at: 0 };
        let at = reader.place();
        let change = if reader.eat("DROP") {
            reader.eat("TABLE");
            if !reader.eat("FUNCTION") {
                return Ok(None);
            }
            let if_exists = reader.eat("IF") && reader.eat("EXISTS");
            let path = reader.path()?;
            let (home, name) = self.function_name(&path, at)?;
            let temporary = path.len() == 1 && self.catalog.temporary_function(&name).is_some();
            let home = if temporary { None } else { home };
            FunctionChange { home, name, action: FunctionAction::Drop { if_exists } }
        } else if reader.eat("CREATE") {
            let or_replace = reader.eat("OR") && reader.eat("REPLACE");
            let temporary = reader.eat("TEMP") || reader.eat("TEMPORARY");
            let is_table = reader.eat("TABLE");
            if reader.keyword() == "AGGREGATE" {
                return Err(unsupported("aggregate functions of the user", at));
            }
            if !reader.eat("FUNCTION") {
                return Ok(None);
            }
            let if_not_exists = reader.eat("IF") && reader.eat("NOT") && reader.eat("EXISTS");
            let path = reader.path()?;
            let function = definition(&mut reader, &path, is_table)?;
            self.check_body(&function, at)?;
            let (home, name) = match temporary {
                true if path.len() > 1 => return Err(invalid("a temporary function has no dataset", at)),
                true => (None, function.name.clone()),
                false => self.function_name(&path, at)?,
            };
            if !temporary && home.is_none() {
                return Err(invalid(format!("function {name} needs a dataset: dataset.{name}"), at));
            }
            FunctionChange { home, name, action: FunctionAction::Create { function, or_replace, if_not_exists } }
        } else {
            return Ok(None);
        };
        Ok(Some(Translated { function: Some(change), ..Translated::of(String::new(), StatementKind::Ddl) }))
    }

    fn function_name(&self, path: &[String], at: At) -> Result<(Option<TableName>, String)> {
        let (project, dataset, name) = match path {
            [name] => (self.scope.project, self.scope.dataset, name),
            [dataset, name] => (self.scope.project, Some(dataset.as_str()), name),
            [project, dataset, name] => (project.as_str(), Some(dataset.as_str()), name),
            _ => return Err(invalid(format!("{} is no function's name", path.join(".")), at)),
        };
        let home = dataset.map(|dataset| TableName {
            project: project.to_string(),
            dataset: dataset.to_string(),
            table: name.clone(),
            decorator: None,
        });
        Ok((home, name.clone()))
    }

    /// The function that a path means.
    pub(super) fn user_function(&self, path: &[String], at: At) -> Result<Option<UserFunction>> {
        if let [name] = path
            && let Some(found) = self.catalog.temporary_function(name)
        {
            return Ok(Some(found));
        }
        if path.is_empty() || path.len() > 3 {
            return Ok(None);
        }
        Ok(self.function_name(path, at)?.0.and_then(|home| self.catalog.function(&home)))
    }

    /// A call of a function that gives a value.
    pub(super) fn user_call(&mut self, function: &UserFunction, args: Vec<Ex>, at: At) -> Result<Ex> {
        if function.is_table {
            return Err(invalid(format!("{} is a table function: call it in FROM", function.name), at));
        }
        let names = parameters(function, args, at)?;
        let (body, matchings) =
            parse(lex(&function.body, 0, 0)?, |p| p.parse_expr()).map_err(|e| inside(e, function, at))?;
        let before = std::mem::replace(&mut self.matchings, matchings);
        let result = self.deeper(
            || at,
            |t| t.without_aggregates("the body of a function", |t| t.expr(&body, &Env::new(None, &names))),
        );
        self.matchings = before;
        let ex = result.map_err(|e| inside(e, function, at))?;
        match &function.returns {
            Some(ty) => {
                let ty = Type::parse(ty);
                Ok(Ex::new(coerce::to(ex, &ty, at)?, ty))
            }
            None => Ok(Ex::new(coerce::to(ex.clone(), &ex.ty, at)?, ex.ty)),
        }
    }

    /// A call of a function that gives rows.
    pub(super) fn user_rows(&mut self, function: &UserFunction, args: Vec<Ex>, at: At) -> Result<Output> {
        if !function.is_table {
            return Err(invalid(format!("{} is no table function", function.name), at));
        }
        let names = parameters(function, args, at)?;
        let (body, matchings) =
            parse(lex(&function.body, 0, 0)?, |p| p.parse_query()).map_err(|e| inside(e, function, at))?;
        let before = std::mem::replace(&mut self.matchings, matchings);
        let result = self.query(&body, Some(&Env::new(None, &names)));
        self.matchings = before;
        result.map_err(|e| inside(e, function, at))
    }

    /// Refuses a body that cannot be called, as far as the types of the parameters are known.
    fn check_body(&mut self, function: &UserFunction, at: At) -> Result<()> {
        if function.parameters.iter().any(|(_, ty)| ty.is_empty()) {
            return Ok(());
        }
        let arg = |(_, ty): &(String, String)| {
            let ty = Type::parse(ty);
            Ex::new(format!("CAST(NULL AS {})", ty.duckdb()), ty)
        };
        let args = function.parameters.iter().map(arg).collect();
        if function.is_table {
            return self.user_rows(function, args, at).map(drop);
        }
        self.user_call(function, args, at).map(drop)
    }
}

/// `(a INT64, b ANY TYPE) [RETURNS type] AS (body)`.
fn definition(reader: &mut Reader<'_>, path: &[String], is_table: bool) -> Result<UserFunction> {
    let mut parameters: Vec<(String, String)> = Vec::new();
    reader.expect(&Token::LParen)?;
    while !reader.is(&Token::RParen) {
        let at = reader.place();
        let name = reader.name()?;
        if parameters.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
            return Err(invalid(format!("parameter {name} stands twice"), at));
        }
        let ty = reader.until(true, |r| r.is(&Token::Comma) || r.is(&Token::RParen));
        let words: Vec<String> = ty.split_whitespace().map(str::to_ascii_uppercase).collect();
        let any = words == ["ANY", "TYPE"] || words == ["ANY", "TABLE"];
        let ty = if any { String::new() } else { known_type(ty, at)? };
        parameters.push((name, ty));
        if !reader.is(&Token::RParen) {
            reader.expect(&Token::Comma)?;
        }
    }
    reader.at += 1;
    let mut returns = None;
    loop {
        let at = reader.place();
        match reader.keyword().as_str() {
            "RETURNS" => {
                reader.at += 1;
                let ty = reader.until(true, |r| {
                    matches!(r.keyword().as_str(), "AS" | "LANGUAGE" | "DETERMINISTIC" | "NOT" | "OPTIONS")
                });
                if !is_table {
                    returns = Some(known_type(ty, at)?);
                }
            }
            "LANGUAGE" => {
                reader.at += 1;
                let language = reader.name()?;
                if !language.eq_ignore_ascii_case("SQL") {
                    return Err(unsupported(format!("functions in {language}"), at));
                }
            }
            "NOT" | "DETERMINISTIC" => reader.at += 1,
            "OPTIONS" => {
                reader.at += 1;
                reader.expect(&Token::LParen)?;
                reader.until(false, |r| r.is(&Token::RParen));
                reader.expect(&Token::RParen)?;
            }
            "AS" => {
                reader.at += 1;
                break;
            }
            _ => return Err(invalid("syntax error: AS is missing", at)),
        }
    }
    let body = if is_table {
        reader.until(false, |r| r.at >= r.lexemes.len())
    } else {
        reader.expect(&Token::LParen)?;
        let body = reader.until(false, |r| r.is(&Token::RParen));
        reader.expect(&Token::RParen)?;
        body
    };
    if body.is_empty() {
        return Err(invalid("the function has no body", reader.place()));
    }
    Ok(UserFunction {
        name: path.last().cloned().unwrap_or_default(),
        parameters,
        returns,
        body: body.to_string(),
        is_table,
    })
}

fn known_type(text: &str, at: At) -> Result<String> {
    match Type::parse(text) {
        Type::Other(_) => Err(unsupported(format!("the type {text}"), at)),
        ty => Ok(ty.to_string()),
    }
}

/// The parameters with the arguments' values.
fn parameters(function: &UserFunction, args: Vec<Ex>, at: At) -> Result<Names> {
    if args.len() != function.parameters.len() {
        let (wanted, found) = (function.parameters.len(), args.len());
        return Err(invalid(format!("function {} takes {wanted} arguments, found {found}", function.name), at));
    }
    let mut cols = Vec::with_capacity(args.len());
    for (arg, (name, ty)) in args.into_iter().zip(&function.parameters) {
        let ty = if ty.is_empty() { arg.ty.clone() } else { Type::parse(ty) };
        cols.push(Col { name: name.clone(), ex: Ex::new(coerce::to(arg, &ty, at)?, ty) });
    }
    Ok(Names { cols, ..Names::default() })
}

/// An error in a body, told at the call.
fn inside(error: crate::WarehouseError, function: &UserFunction, at: At) -> crate::WarehouseError {
    match error {
        crate::WarehouseError::Invalid { message, .. } => {
            invalid(format!("in function {}: {message}", function.name), at)
        }
        crate::WarehouseError::Unsupported { what, .. } => {
            unsupported(format!("{what} (in function {})", function.name), at)
        }
        other => other,
    }
}
