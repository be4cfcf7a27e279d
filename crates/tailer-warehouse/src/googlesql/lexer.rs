//! GoogleSQL's lexical rules, giving the tokens that `sqlparser` wants.
//!
//! `sqlparser` has a tokenizer of its own; this one stands in for it because it decodes every form of literal
//! (`rb'…'`, triple quotes, all escapes) with errors that say where, keeps places in the user's whole file rather than in
//! one statement, and settles three things that the grammar alone cannot: names with hyphens (`FROM my-project.d.t`
//! is one path), `>>` that closes two types, and `STRUCT<>`. It is the one place where the token stream is prepared.
//!
//! String literals become [`Token::SingleQuotedString`] with their value; bytes literals become
//! [`Token::SingleQuotedByteStringLiteral`] with their value in hex. White space and comments are left out. The parameter `?`
//! becomes a name with its number.

use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan};

use super::{
    error::{At, Result, invalid},
    literals,
};

/// Keywords after which a table's path stands, where `-` belongs to names.
const BEFORE_PATH: &[&str] = &[
    "FROM",
    "JOIN",
    "INTO",
    "UPDATE",
    "TABLE",
    "VIEW",
    "SCHEMA",
    "EXISTS",
    "MERGE",
    "USING",
    "DELETE",
    "INSERT",
    "CLONE",
    "COPY",
    "LIKE",
    "CALL",
    "PROCEDURE",
];

/// A token and where it stands in the text that was read (bytes).
#[derive(Debug, Clone)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) at: At,
    pub(super) bytes: std::ops::Range<usize>,
    end: At,
}

impl Lexeme {
    pub(super) fn into_token(self) -> TokenWithSpan {
        TokenWithSpan { token: self.token, span: Span { start: self.at, end: self.end } }
    }

    /// Another token at the same place.
    pub(super) fn with(&self, token: Token) -> Lexeme {
        Lexeme { token, ..self.clone() }
    }

    /// The word in capitals, when it is an unquoted one.
    pub(super) fn keyword(&self) -> Option<String> {
        match &self.token {
            Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_ascii_uppercase()),
            _ => None,
        }
    }
}

/// Reads a text that starts at a place (line and column, one-based) of the user's file.
pub(super) fn lex(text: &str, line: usize, column: usize) -> Result<Vec<Lexeme>> {
    let mut lexer = Lexer {
        text,
        position: 0,
        line: line as u64,
        column: column as u64,
        lexemes: Vec::new(),
        open_types: 0,
        after_path_keyword: false,
        parameters: 0,
    };
    lexer.run()?;
    Ok(lexer.lexemes)
}

struct Lexer<'a> {
    text: &'a str,
    position: usize,
    line: u64,
    column: u64,
    lexemes: Vec<Lexeme>,
    /// How many `ARRAY<` and `STRUCT<` are open.
    open_types: usize,
    after_path_keyword: bool,
    /// Positional parameters met so far.
    parameters: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn here(&self) -> At {
        Location { line: self.line, column: self.column }
    }

    /// Moves on by some bytes of the text, counting lines and characters.
    fn advance(&mut self, bytes: usize) {
        let passed = self.rest().get(..bytes).unwrap_or_default();
        for c in passed.chars() {
            if c == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.position += passed.len();
    }

    fn push(&mut self, token: Token, bytes: usize) {
        let (at, start) = (self.here(), self.position);
        self.advance(bytes);
        let end = self.here();
        self.lexemes.push(Lexeme { token, at, bytes: start..self.position, end });
    }

    fn run(&mut self) -> Result<()> {
        while let Some(c) = self.peek() {
            let rest = self.rest();
            if c.is_whitespace() || c == '\u{feff}' {
                self.advance(c.len_utf8());
            } else if c == '#' || rest.starts_with("--") {
                self.advance(rest.find('\n').unwrap_or(rest.len()));
            } else if rest.starts_with("/*") {
                let Some(end) = rest.find("*/") else {
                    return Err(invalid("this comment is not closed: */ is missing", self.here()));
                };
                self.advance(end + 2);
            } else if let Some(prefix) = literals::opening(rest) {
                self.literal(prefix)?;
            } else if c == '`' {
                self.quoted_identifier()?;
            } else if c.is_ascii_digit() || (c == '.' && self.starts_fraction()) {
                self.number()?;
            } else if c.is_alphabetic() || c == '_' || c == '@' {
                self.word();
            } else {
                self.operator()?;
            }
        }
        Ok(())
    }

    /// `.5` is a number unless a name stands before it (`t.5`).
    fn starts_fraction(&self) -> bool {
        let digit = self.rest()[1..].starts_with(|d: char| d.is_ascii_digit());
        let after_name = self.lexemes.last().is_some_and(|l| {
            matches!(l.token, Token::Word(_) | Token::RParen | Token::RBracket) && l.bytes.end == self.position
        });
        digit && !after_name
    }

    fn literal(&mut self, opening: literals::Opening) -> Result<()> {
        let (value, length) = literals::read(self.rest(), opening).map_err(|problem| {
            let mut at = Lexer { lexemes: Vec::new(), ..*self };
            at.advance(problem.offset);
            invalid(problem.message, at.here())
        })?;
        let token = match value {
            literals::Literal::Text(text) => Token::SingleQuotedString(text),
            literals::Literal::Bytes(hex) => Token::SingleQuotedByteStringLiteral(hex),
        };
        self.push(token, length);
        self.after_path_keyword = false;
        Ok(())
    }

    fn quoted_identifier(&mut self) -> Result<()> {
        let inside = &self.rest()[1..];
        let Some(end) = inside.find('`') else {
            return Err(invalid("this name is not closed: ` is missing", self.here()));
        };
        let name = &inside[..end];
        if name.is_empty() || name.contains('\n') {
            return Err(invalid("a name in backticks may not be empty or span lines", self.here()));
        }
        self.push(Token::make_word(name, Some('`')), end + 2);
        self.after_path_keyword = false;
        Ok(())
    }

    fn number(&mut self) -> Result<()> {
        let rest = self.rest();
        let hex = rest.starts_with("0x") || rest.starts_with("0X");
        let mut end = 0;
        let mut seen_exponent = false;
        let mut seen_point = false;
        for (i, c) in rest.char_indices() {
            let sign_of_exponent = (c == '+' || c == '-') && rest[..i].ends_with(['e', 'E']) && !hex;
            let belongs = match c {
                '0'..='9' => true,
                'x' | 'X' => i == 1 && hex,
                'a'..='f' | 'A'..='F' if hex => true,
                'e' | 'E' => !std::mem::replace(&mut seen_exponent, true),
                '.' => !seen_exponent && !hex && !std::mem::replace(&mut seen_point, true),
                _ => seen_exponent && sign_of_exponent,
            };
            if !belongs {
                break;
            }
            end = i + c.len_utf8();
        }
        let digits = &rest[..end];
        let glued = rest[end..].starts_with(|c: char| c.is_alphabetic() || c == '_');
        if glued || digits.ends_with(['e', 'E', '+', '-']) && !hex {
            return Err(invalid("a number runs into a name here: put a space between them", self.here()));
        }
        let value = if hex {
            let value = u128::from_str_radix(&digits[2..], 16);
            value.map_err(|_| invalid(format!("{digits} is not a number"), self.here()))?.to_string()
        } else {
            digits.to_string()
        };
        self.push(Token::Number(value, false), end);
        Ok(())
    }

    fn word(&mut self) {
        let rest = self.rest();
        let part = |c: char| c.is_alphanumeric() || c == '_';
        let start = rest.len() - rest.trim_start_matches('@').len();
        let plain = start + rest[start..].find(|c| !part(c)).unwrap_or(rest.len() - start);
        let with_hyphens = rest.find(|c| !(part(c) || c == '-')).unwrap_or(rest.len());
        let is_path = with_hyphens > plain
            && self.after_path_keyword
            && rest[with_hyphens..].starts_with('.')
            && !rest[..with_hyphens].contains("--");
        if is_path {
            self.push(Token::make_word(&rest[..with_hyphens], Some('`')), with_hyphens);
            self.after_path_keyword = false;
            return;
        }
        let upper = rest[..plain].to_ascii_uppercase();
        self.after_path_keyword = BEFORE_PATH.contains(&upper.as_str());
        self.push(Token::make_word(&rest[..plain], None), plain);
    }

    fn operator(&mut self) -> Result<()> {
        let rest = self.rest();
        let after_type_word =
            self.lexemes.last().and_then(Lexeme::keyword).is_some_and(|word| word == "ARRAY" || word == "STRUCT");
        if rest.starts_with('<') && after_type_word {
            self.open_types += 1;
            self.push(Token::Lt, 1);
            return Ok(());
        }
        if rest.starts_with('>') && self.open_types > 0 {
            self.open_types -= 1;
            self.push(Token::Gt, 1);
            return Ok(());
        }
        const OPERATORS: &[(&str, Token)] = &[
            ("|>", Token::VerticalBarRightAngleBracket),
            ("||", Token::StringConcat),
            ("<<", Token::ShiftLeft),
            (">>", Token::ShiftRight),
            ("<=", Token::LtEq),
            (">=", Token::GtEq),
            ("<>", Token::Neq),
            ("!=", Token::Neq),
            ("=>", Token::RArrow),
            ("->", Token::Arrow),
            ("(", Token::LParen),
            (")", Token::RParen),
            ("[", Token::LBracket),
            ("]", Token::RBracket),
            ("{", Token::LBrace),
            ("}", Token::RBrace),
            (",", Token::Comma),
            (";", Token::SemiColon),
            (".", Token::Period),
            (":", Token::Colon),
            ("+", Token::Plus),
            ("-", Token::Minus),
            ("*", Token::Mul),
            ("/", Token::Div),
            ("=", Token::Eq),
            ("<", Token::Lt),
            (">", Token::Gt),
            ("|", Token::Pipe),
            ("&", Token::Ampersand),
            ("^", Token::Caret),
            ("~", Token::Tilde),
        ];
        for (text, token) in OPERATORS {
            if rest.starts_with(text) {
                self.push(token.clone(), text.len());
                self.after_path_keyword = false;
                return Ok(());
            }
        }
        if rest.starts_with('?') {
            // Numbered here, because the translator meets them in an order of its own.
            self.parameters += 1;
            self.push(Token::make_word(&super::variables::positional(self.parameters), None), 1);
            self.after_path_keyword = false;
            return Ok(());
        }
        let c = self.peek().unwrap_or(' ');
        Err(invalid(format!("unexpected character {c:?}"), self.here()))
    }
}
