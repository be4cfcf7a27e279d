//! `CREATE PROCEDURE`.

use sqlparser::tokenizer::Token;

use super::{
    super::{
        Statement,
        error::{Result, invalid, unsupported},
        lexer::lex,
    },
    CreateProcedure, Kind, Mode, Node, Parameter,
    cursor::Cursor,
    parser::Parser,
};

/// Reads a kept `CREATE PROCEDURE` again. Places are within this text.
///
/// # Errors
/// As [`parse`](super::parse).
pub fn parse_procedure(text: &str) -> Result<CreateProcedure> {
    let lexemes = lex(text, 1, 1)?;
    Parser::new(Cursor::new(text, &lexemes)).create_procedure()
}

impl Parser<'_> {
    pub(super) fn create_procedure(&mut self) -> Result<CreateProcedure> {
        let at = self.cursor.here();
        self.cursor.expect(&["CREATE"])?;
        let or_replace = self.cursor.take(&["OR", "REPLACE"]);
        self.cursor.expect(&["PROCEDURE"])?;
        let if_not_exists = self.cursor.take(&["IF", "NOT", "EXISTS"]);
        if or_replace && if_not_exists {
            return Err(invalid("OR REPLACE and IF NOT EXISTS exclude each other", at));
        }
        let path = self.cursor.path("a procedure's name")?;
        self.cursor.expect_token(&Token::LParen)?;
        let parameters = self.parameters()?;
        if self.cursor.take(&["OPTIONS"]) {
            self.cursor.expect_token(&Token::LParen)?;
            self.cursor.arguments("an option")?;
        }
        if self.cursor.word(0) != "BEGIN" {
            let foreign = matches!(self.cursor.word(0).as_str(), "EXTERNAL" | "WITH" | "LANGUAGE");
            return Err(match foreign {
                true => unsupported("procedures in other languages than SQL", self.cursor.here()),
                false => self.cursor.unexpected("BEGIN"),
            });
        }
        // Loops around the definition are not loops around its statements.
        let outer = std::mem::take(&mut self.labels);
        let start = self.cursor.position();
        let block = self.block(None, at);
        self.labels = outer;
        let body = match block? {
            Kind::Block { body, handler: None, .. } => body,
            kind => vec![Node { statement: self.cursor.since(start), kind }],
        };
        Ok(CreateProcedure { or_replace, if_not_exists, path, parameters, body })
    }

    fn parameters(&mut self) -> Result<Vec<Parameter>> {
        let mut parameters: Vec<Parameter> = Vec::new();
        if self.cursor.take_token(&Token::RParen) {
            return Ok(parameters);
        }
        loop {
            let at = self.cursor.here();
            // A parameter may be called `in` or `out`: then its type follows, not another name and a type.
            let says_mode = self.cursor.peek(1).is_some_and(|l| matches!(l.token, Token::Word(_)))
                && self.cursor.peek(2).is_some_and(|l| matches!(l.token, Token::Word(_)));
            let mode = match self.cursor.word(0).as_str() {
                "IN" if says_mode => Some(Mode::In),
                "OUT" if says_mode => Some(Mode::Out),
                "INOUT" if says_mode => Some(Mode::InOut),
                _ => None,
            };
            if mode.is_some() {
                self.cursor.advance();
            }
            let name = self.cursor.name("a parameter's name")?;
            if parameters.iter().any(|p| p.name.eq_ignore_ascii_case(&name)) {
                return Err(invalid(format!("two parameters are called {name}"), at));
            }
            let data_type = if self.cursor.take(&["ANY", "TYPE"]) { None } else { Some(self.type_of_parameter()?) };
            parameters.push(Parameter { name, mode: mode.unwrap_or(Mode::In), data_type });
            if self.cursor.take_token(&Token::RParen) {
                return Ok(parameters);
            }
            self.cursor.expect_token(&Token::Comma)?;
        }
    }

    /// A type ends at a comma that is in none of its angle brackets.
    fn type_of_parameter(&mut self) -> Result<Statement> {
        let start = self.cursor.position();
        let (mut angles, mut parentheses) = (0_usize, 0_usize);
        while let Some(lexeme) = self.cursor.peek(0) {
            match lexeme.token {
                Token::Lt => angles += 1,
                Token::Gt => angles = angles.saturating_sub(1),
                Token::LParen => parentheses += 1,
                Token::RParen if parentheses == 0 => break,
                Token::RParen => parentheses -= 1,
                Token::Comma if angles == 0 && parentheses == 0 => break,
                Token::SemiColon => break,
                _ => {}
            }
            self.cursor.advance();
        }
        if self.cursor.position() == start {
            return Err(self.cursor.unexpected("a parameter's type"));
        }
        Ok(self.cursor.since(start))
    }
}
