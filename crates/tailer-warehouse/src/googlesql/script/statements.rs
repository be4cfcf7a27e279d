//! Statements without others in them.

use sqlparser::tokenizer::Token;

use super::{
    super::error::{Result, invalid},
    Call, Kind,
    parser::Parser,
};

impl Parser<'_> {
    pub(super) fn statement_kind(&mut self) -> Result<Kind> {
        match self.cursor.word(0).as_str() {
            "DECLARE" => self.declare(),
            "SET" => self.set(),
            "RAISE" => self.raise(),
            "RETURN" => {
                self.cursor.advance();
                Ok(Kind::Return)
            }
            "EXECUTE" if self.cursor.word(1) == "IMMEDIATE" => self.execute_immediate(),
            "CALL" => self.call().map(Kind::Call),
            "ASSERT" => self.assert(),
            word @ ("BEGIN" | "COMMIT" | "ROLLBACK") => {
                self.cursor.advance();
                self.cursor.take(&["TRANSACTION"]);
                Ok(match word {
                    "BEGIN" => Kind::BeginTransaction,
                    "COMMIT" => Kind::CommitTransaction,
                    _ => Kind::RollbackTransaction,
                })
            }
            "CREATE" if self.is_create_procedure() => self.create_procedure().map(Kind::CreateProcedure),
            "DROP" if self.cursor.word(1) == "PROCEDURE" => {
                self.cursor.take(&["DROP", "PROCEDURE"]);
                let if_exists = self.cursor.take(&["IF", "EXISTS"]);
                Ok(Kind::DropProcedure { if_exists, path: self.cursor.path("a procedure's name")? })
            }
            "END" | "ELSE" | "ELSEIF" | "EXCEPTION" | "UNTIL" | "THEN" | "WHEN" => {
                Err(self.cursor.unexpected("a statement"))
            }
            _ => {
                self.cursor.until("a statement", |sign| sign == ";")?;
                Ok(Kind::Sql)
            }
        }
    }

    fn is_create_procedure(&self) -> bool {
        let after = if self.cursor.word(1) == "OR" && self.cursor.word(2) == "REPLACE" { 3 } else { 1 };
        self.cursor.word(after) == "PROCEDURE"
    }

    fn declare(&mut self) -> Result<Kind> {
        self.cursor.expect(&["DECLARE"])?;
        let names = self.cursor.names("a variable's name")?;
        let data_type = match self.cursor.word(0).as_str() {
            "DEFAULT" => None,
            _ => Some(self.cursor.until("a type or DEFAULT", |w| w == "DEFAULT" || w == ";")?),
        };
        let default = match self.cursor.take(&["DEFAULT"]) {
            true => Some(self.cursor.until("a value", |w| w == ";")?),
            false => None,
        };
        Ok(Kind::Declare { names, data_type, default })
    }

    fn set(&mut self) -> Result<Kind> {
        self.cursor.expect(&["SET"])?;
        let is_tuple = self.cursor.take_token(&Token::LParen);
        let targets = if is_tuple {
            let targets = self.cursor.names("a variable's name")?;
            self.cursor.expect_token(&Token::RParen)?;
            targets
        } else {
            vec![self.cursor.path("a variable's name")?.join(".")]
        };
        self.cursor.expect_token(&Token::Eq)?;
        let value = self.cursor.until("a value", |w| w == ";")?;
        Ok(Kind::Set { targets, is_tuple, value })
    }

    fn raise(&mut self) -> Result<Kind> {
        self.cursor.expect(&["RAISE"])?;
        if !self.cursor.take(&["USING"]) {
            return Ok(Kind::Raise(None));
        }
        self.cursor.expect(&["MESSAGE"])?;
        self.cursor.expect_token(&Token::Eq)?;
        Ok(Kind::Raise(Some(self.cursor.until("a message", |w| w == ";")?)))
    }

    fn execute_immediate(&mut self) -> Result<Kind> {
        self.cursor.expect(&["EXECUTE", "IMMEDIATE"])?;
        let sql = self.cursor.until("SQL as a STRING", |w| matches!(w, "INTO" | "USING" | ";"))?;
        let into = if self.cursor.take(&["INTO"]) { self.cursor.names("a variable's name")? } else { Vec::new() };
        let mut using = Vec::new();
        if self.cursor.take(&["USING"]) {
            loop {
                let at = self.cursor.here();
                let value = self.cursor.until("a value", |w| matches!(w, "AS" | "," | ";"))?;
                let name = if self.cursor.take(&["AS"]) { Some(self.cursor.name("a parameter's name")?) } else { None };
                using.push((value, name));
                if using.iter().any(|(_, n)| n.is_some()) && using.iter().any(|(_, n)| n.is_none()) {
                    return Err(invalid("USING gives either all parameters a name or none", at));
                }
                if !self.cursor.take_token(&Token::Comma) {
                    break;
                }
            }
        }
        Ok(Kind::ExecuteImmediate { sql, into, using })
    }

    pub(super) fn call(&mut self) -> Result<Call> {
        self.cursor.expect(&["CALL"])?;
        let path = self.cursor.path("a procedure's name")?;
        self.cursor.expect_token(&Token::LParen)?;
        Ok(Call { path, arguments: self.cursor.arguments("an argument")? })
    }

    fn assert(&mut self) -> Result<Kind> {
        self.cursor.expect(&["ASSERT"])?;
        let condition = self.cursor.until("a condition", |w| matches!(w, "AS" | ";"))?;
        let message = if self.cursor.take(&["AS"]) {
            match self.cursor.peek(0).map(|l| &l.token) {
                Some(Token::SingleQuotedString(text)) => {
                    self.cursor.advance();
                    Some(text.clone())
                }
                _ => return Err(self.cursor.unexpected("a description as a string")),
            }
        } else {
            None
        };
        Ok(Kind::Assert { condition, message })
    }
}
