//! A place in a script's tokens, and what can be read from there: keywords, names, and stretches of text up to a keyword that is
//! on the same level of parentheses and `CASE … END`.

use sqlparser::tokenizer::Token;

use super::super::{
    Statement,
    error::{At, Result, invalid, nowhere},
    lexer::Lexeme,
};

pub(super) struct Cursor<'a> {
    text: &'a str,
    lexemes: &'a [Lexeme],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str, lexemes: &'a [Lexeme]) -> Self {
        Self { text, lexemes, position: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn peek(&self, ahead: usize) -> Option<&'a Lexeme> {
        self.lexemes.get(self.position + ahead)
    }

    /// The word there in capitals; empty when it is no unquoted word.
    pub(super) fn word(&self, ahead: usize) -> String {
        self.peek(ahead).and_then(Lexeme::keyword).unwrap_or_default()
    }

    pub(super) fn is(&self, token: &Token) -> bool {
        self.peek(0).is_some_and(|l| l.token == *token)
    }

    pub(super) fn advance(&mut self) {
        self.position += 1;
    }

    /// The place of the next token, or of the last one at the end.
    pub(super) fn here(&self) -> At {
        self.peek(0).or(self.lexemes.last()).map_or_else(nowhere, |l| l.at)
    }

    /// Takes the words when all of them stand here.
    pub(super) fn take(&mut self, words: &[&str]) -> bool {
        let found = words.iter().enumerate().all(|(i, word)| self.word(i) == *word);
        if found {
            self.position += words.len();
        }
        found
    }

    pub(super) fn take_token(&mut self, token: &Token) -> bool {
        let found = self.is(token);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect(&mut self, words: &[&str]) -> Result<()> {
        if self.take(words) { Ok(()) } else { Err(self.unexpected(&words.join(" "))) }
    }

    pub(super) fn expect_token(&mut self, token: &Token) -> Result<()> {
        if self.take_token(token) { Ok(()) } else { Err(self.unexpected(&format!("`{token}`"))) }
    }

    pub(super) fn unexpected(&self, wanted: &str) -> crate::WarehouseError {
        let found = match self.peek(0) {
            Some(lexeme) => format!("{}", lexeme.token),
            None => "the end of the script".to_owned(),
        };
        invalid(format!("syntax error: expected {wanted}, found {found}"), self.here())
    }

    /// An identifier, quoted or not.
    pub(super) fn name(&mut self, what: &str) -> Result<String> {
        match self.peek(0).map(|l| &l.token) {
            Some(Token::Word(word)) => {
                self.advance();
                Ok(word.value.clone())
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// `a, b, c`
    pub(super) fn names(&mut self, what: &str) -> Result<Vec<String>> {
        let mut names = vec![self.name(what)?];
        while self.take_token(&Token::Comma) {
            names.push(self.name(what)?);
        }
        Ok(names)
    }

    /// `` `p-q.d.x` ``, `d.x` and their like, as parts.
    pub(super) fn path(&mut self, what: &str) -> Result<Vec<String>> {
        let mut text = self.name(what)?;
        loop {
            if self.take_token(&Token::Period) {
                text.push('.');
                text.push_str(&self.name(what)?);
            } else {
                return Ok(parts(&text));
            }
        }
    }

    /// The text from a token up to here.
    pub(super) fn since(&self, start: usize) -> Statement {
        self.between(start, self.position)
    }

    fn between(&self, start: usize, end: usize) -> Statement {
        let (first, last) = (self.lexemes.get(start), end.checked_sub(1).and_then(|at| self.lexemes.get(at)));
        let (Some(first), Some(last)) = (first, last) else {
            return Statement { sql: String::new(), line: 1, column: 1 };
        };
        let place = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Statement {
            sql: self.text.get(first.bytes.start..last.bytes.end).unwrap_or_default().to_owned(),
            line: place(first.at.line),
            column: place(first.at.column),
        }
    }

    /// Reads up to (not including) a token that `stops` accepts on this level; to the end when there is none. `stops` gets
    /// the word in capitals, or the sign.
    pub(super) fn until(&mut self, what: &str, stops: impl Fn(&str) -> bool) -> Result<Statement> {
        let start = self.position;
        let (mut parentheses, mut cases) = (0_usize, 0_usize);
        while let Some(lexeme) = self.peek(0) {
            let word = self.keyword_here();
            let text = word.clone().unwrap_or_else(|| sign(&lexeme.token).to_owned());
            if parentheses == 0 && cases == 0 && stops(&text) {
                break;
            }
            match (&lexeme.token, word.as_deref()) {
                (Token::SemiColon, _) => return Err(self.unexpected(&format!("more of {what}"))),
                (Token::LParen | Token::LBracket | Token::LBrace, _) => parentheses += 1,
                (Token::RParen | Token::RBracket | Token::RBrace, _) => {
                    parentheses =
                        parentheses.checked_sub(1).ok_or_else(|| self.unexpected(&format!("more of {what}")))?;
                }
                (_, Some("CASE")) => cases += 1,
                (_, Some("END")) => {
                    cases = cases.checked_sub(1).ok_or_else(|| self.unexpected(&format!("more of {what}")))?;
                }
                _ => {}
            }
            self.advance();
        }
        if self.position == start {
            return Err(self.unexpected(what));
        }
        Ok(self.between(start, self.position))
    }

    /// The word here in capitals, unless it is a field's name: `t.end`.
    fn keyword_here(&self) -> Option<String> {
        let after_period =
            self.position.checked_sub(1).and_then(|at| self.lexemes.get(at)).is_some_and(|l| l.token == Token::Period);
        self.peek(0).and_then(Lexeme::keyword).filter(|_| !after_period)
    }

    /// Whatever stands in parentheses, as one stretch each, split at commas. The opening one has been taken.
    pub(super) fn arguments(&mut self, what: &str) -> Result<Vec<Statement>> {
        let mut arguments = Vec::new();
        if self.take_token(&Token::RParen) {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.until(what, |sign| sign == "," || sign == ")")?);
            if self.take_token(&Token::RParen) {
                return Ok(arguments);
            }
            self.expect_token(&Token::Comma)?;
        }
    }
}

/// A domain-scoped project, `example.com:project`, has dots of its own.
fn parts(path: &str) -> Vec<String> {
    let (domain, rest) = path.split_once(':').map_or((None, path), |(domain, rest)| (Some(domain), rest));
    let mut parts: Vec<String> = rest.split('.').map(str::to_owned).collect();
    if let (Some(domain), Some(project)) = (domain, parts.first_mut()) {
        *project = format!("{domain}:{project}");
    }
    parts
}

/// Signs that stretches may end at.
fn sign(token: &Token) -> &'static str {
    match token {
        Token::SemiColon => ";",
        Token::Comma => ",",
        Token::RParen => ")",
        Token::RBracket => "]",
        _ => "",
    }
}
