//! Lists of statements and the control statements that hold them.

use sqlparser::tokenizer::Token;

use super::{
    super::{
        error::{At, Result, invalid, unsupported},
        lexer::lex,
    },
    Kind, Node,
    cursor::Cursor,
};

/// Statements nested deeper are refused, so that no script exhausts the stack.
const DEEPEST: usize = 50;

/// Reads a script.
///
/// # Errors
/// [`WarehouseError::Invalid`](crate::WarehouseError::Invalid) with the place of the first thing that is not as the language wants.
pub fn parse(script: &str) -> Result<Vec<Node>> {
    let lexemes = lex(script, 1, 1)?;
    let mut parser = Parser::new(Cursor::new(script, &lexemes));
    let nodes = parser.list(&[], true)?;
    match parser.cursor.peek(0) {
        None => Ok(nodes),
        Some(_) => Err(parser.cursor.unexpected("a statement")),
    }
}

/// A label in sight, and whether it names a loop.
#[derive(Debug, Clone)]
pub(super) struct Label {
    name: Option<String>,
    is_loop: bool,
}

pub(super) struct Parser<'a> {
    pub(super) cursor: Cursor<'a>,
    /// Loops and blocks around the statement that is being read.
    pub(super) labels: Vec<Label>,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(cursor: Cursor<'a>) -> Self {
        Self { cursor, labels: Vec::new(), depth: 0 }
    }

    /// Statements, each ended by `;`, up to one of the words or the end. The last one of a script may lack its `;`.
    /// `DECLARE` may begin those of the script and of blocks.
    fn list(&mut self, ends: &[&str], may_declare: bool) -> Result<Vec<Node>> {
        let mut nodes: Vec<Node> = Vec::new();
        loop {
            while self.cursor.take_token(&Token::SemiColon) {}
            let word = self.cursor.word(0);
            if self.cursor.peek(0).is_none() || ends.contains(&word.as_str()) {
                return Ok(nodes);
            }
            let is_start = may_declare && nodes.iter().all(|n| matches!(n.kind, Kind::Declare { .. }));
            if word == "DECLARE" && !is_start {
                let message = "DECLARE stands only at the start of a script or of a BEGIN block: move it there";
                return Err(invalid(message, self.cursor.here()));
            }
            nodes.push(self.node()?);
            if self.cursor.peek(0).is_some() {
                self.cursor.expect_token(&Token::SemiColon)?;
            }
        }
    }

    fn node(&mut self) -> Result<Node> {
        if self.depth >= DEEPEST {
            return Err(unsupported(format!("statements nested more than {DEEPEST} deep"), self.cursor.here()));
        }
        self.depth += 1;
        let start = self.cursor.position();
        let kind = self.kind();
        self.depth -= 1;
        Ok(Node { kind: kind?, statement: self.cursor.since(start) })
    }

    fn kind(&mut self) -> Result<Kind> {
        let at = self.cursor.here();
        let label = self.label()?;
        let word = self.cursor.word(0);
        if label.is_some() && !matches!(word.as_str(), "LOOP" | "WHILE" | "REPEAT" | "FOR" | "BEGIN") {
            return Err(self.cursor.unexpected("LOOP, WHILE, REPEAT, FOR or BEGIN after a label"));
        }
        match word.as_str() {
            "IF" => self.if_statement(),
            "CASE" => self.case_statement(),
            "LOOP" => {
                self.cursor.advance();
                let body = self.body(&label, true, &["END"], at)?;
                self.end("LOOP", label.as_deref())?;
                Ok(Kind::Loop { label, body })
            }
            "WHILE" => {
                self.cursor.advance();
                let condition = self.cursor.until("a condition and DO", |w| w == "DO")?;
                self.cursor.expect(&["DO"])?;
                let body = self.body(&label, true, &["END"], at)?;
                self.end("WHILE", label.as_deref())?;
                Ok(Kind::While { label, condition, body })
            }
            "REPEAT" => {
                self.cursor.advance();
                let body = self.body(&label, true, &["UNTIL"], at)?;
                self.cursor.expect(&["UNTIL"])?;
                let until = self.cursor.until("a condition and END REPEAT", |w| w == "END")?;
                self.end("REPEAT", label.as_deref())?;
                Ok(Kind::Repeat { label, body, until })
            }
            "FOR" => self.for_statement(label, at),
            "BEGIN" if self.is_transaction() => self.statement_kind(),
            "BEGIN" => self.block(label, at),
            "BREAK" | "LEAVE" | "CONTINUE" | "ITERATE" => self.jump(),
            _ => self.statement_kind(),
        }
    }

    /// `name:` before a loop or a block.
    fn label(&mut self) -> Result<Option<String>> {
        let is_label = self.cursor.peek(0).is_some_and(|l| matches!(l.token, Token::Word(_)))
            && self.cursor.peek(1).is_some_and(|l| l.token == Token::Colon);
        if !is_label {
            return Ok(None);
        }
        let at = self.cursor.here();
        let name = self.cursor.name("a label")?;
        self.cursor.advance();
        if self.labels.iter().any(|l| l.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(&name))) {
            return Err(invalid(format!("label {name} is already that of a statement around this one"), at));
        }
        Ok(Some(name))
    }

    /// `BEGIN;` and `BEGIN TRANSACTION`: no block.
    fn is_transaction(&self) -> bool {
        self.cursor.word(1) == "TRANSACTION" || self.cursor.peek(1).is_none_or(|l| l.token == Token::SemiColon)
    }

    fn body(&mut self, label: &Option<String>, is_loop: bool, ends: &[&str], at: At) -> Result<Vec<Node>> {
        self.labels.push(Label { name: label.clone(), is_loop });
        let body = self.nested(ends, at, !is_loop);
        self.labels.pop();
        body
    }

    /// A list that one of the words has to end.
    fn nested(&mut self, ends: &[&str], at: At, may_declare: bool) -> Result<Vec<Node>> {
        let nodes = self.list(ends, may_declare)?;
        if self.cursor.peek(0).is_none() {
            let message = format!("syntax error: this statement is not closed: {} is missing", ends.join(" or "));
            return Err(invalid(message, at));
        }
        Ok(nodes)
    }

    /// `END LOOP [label]`
    fn end(&mut self, word: &str, label: Option<&str>) -> Result<()> {
        self.cursor.expect(&["END"])?;
        if !word.is_empty() {
            self.cursor.expect(&[word])?;
        }
        let at = self.cursor.here();
        if !self.cursor.peek(0).is_some_and(|l| matches!(l.token, Token::Word(_))) {
            return Ok(());
        }
        let given = self.cursor.name("a label")?;
        match label {
            Some(label) if label.eq_ignore_ascii_case(&given) => Ok(()),
            Some(label) => Err(invalid(format!("label {given} at the end is not the one at the start, {label}"), at)),
            None => Err(invalid(format!("syntax error: unexpected {given}: expected `;`"), at)),
        }
    }

    fn if_statement(&mut self) -> Result<Kind> {
        let at = self.cursor.here();
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        self.cursor.expect(&["IF"])?;
        loop {
            let condition = self.cursor.until("a condition and THEN", |w| w == "THEN")?;
            self.cursor.expect(&["THEN"])?;
            branches.push((condition, self.nested(&["ELSEIF", "ELSE", "END"], at, false)?));
            if self.cursor.take(&["ELSEIF"]) {
                continue;
            }
            if self.cursor.take(&["ELSE"]) {
                otherwise = self.nested(&["END"], at, false)?;
            }
            self.cursor.expect(&["END", "IF"])?;
            return Ok(Kind::If { branches, otherwise });
        }
    }

    fn case_statement(&mut self) -> Result<Kind> {
        let at = self.cursor.here();
        self.cursor.expect(&["CASE"])?;
        let operand = match self.cursor.word(0).as_str() {
            "WHEN" => None,
            _ => Some(self.cursor.until("an expression or WHEN", |w| w == "WHEN")?),
        };
        let mut branches = Vec::new();
        while self.cursor.take(&["WHEN"]) {
            let condition = self.cursor.until("a condition and THEN", |w| w == "THEN")?;
            self.cursor.expect(&["THEN"])?;
            branches.push((condition, self.nested(&["WHEN", "ELSE", "END"], at, false)?));
        }
        if branches.is_empty() {
            return Err(self.cursor.unexpected("WHEN"));
        }
        let otherwise = if self.cursor.take(&["ELSE"]) { self.nested(&["END"], at, false)? } else { Vec::new() };
        self.cursor.expect(&["END", "CASE"])?;
        Ok(Kind::Case { operand, branches, otherwise })
    }

    fn for_statement(&mut self, label: Option<String>, at: At) -> Result<Kind> {
        self.cursor.expect(&["FOR"])?;
        let variable = self.cursor.name("a variable's name")?;
        self.cursor.expect(&["IN"])?;
        if !self.cursor.is(&Token::LParen) {
            return Err(self.cursor.unexpected("a query in parentheses"));
        }
        let query = self.cursor.until("a query in parentheses and DO", |w| w == "DO")?;
        self.cursor.expect(&["DO"])?;
        let body = self.body(&label, true, &["END"], at)?;
        self.end("FOR", label.as_deref())?;
        Ok(Kind::For { label, variable, query, body })
    }

    pub(super) fn block(&mut self, label: Option<String>, at: At) -> Result<Kind> {
        self.cursor.expect(&["BEGIN"])?;
        let body = self.body(&label, false, &["EXCEPTION", "END"], at)?;
        let handler = if self.cursor.take(&["EXCEPTION"]) {
            self.cursor.expect(&["WHEN", "ERROR", "THEN"])?;
            Some(self.body(&label, false, &["END"], at)?)
        } else {
            None
        };
        self.end("", label.as_deref())?;
        Ok(Kind::Block { label, body, handler })
    }

    fn jump(&mut self) -> Result<Kind> {
        let at = self.cursor.here();
        let word = self.cursor.word(0);
        self.cursor.advance();
        let named = self.cursor.peek(0).is_some_and(|l| matches!(l.token, Token::Word(_)));
        let label = if named { Some(self.cursor.name("a label")?) } else { None };
        let goes_on = matches!(word.as_str(), "CONTINUE" | "ITERATE");
        match &label {
            None if !self.labels.iter().any(|l| l.is_loop) => {
                return Err(invalid(format!("{word} stands outside of any loop"), at));
            }
            Some(wanted) => {
                let is_it = |l: &&Label| l.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(wanted));
                match self.labels.iter().find(is_it) {
                    None => return Err(invalid(format!("no loop or block around this {word} has label {wanted}"), at)),
                    Some(found) if goes_on && !found.is_loop => {
                        return Err(invalid(
                            format!("{word} {wanted}: that is the label of a block, not of a loop"),
                            at,
                        ));
                    }
                    Some(_) => {}
                }
            }
            None => {}
        }
        Ok(if goes_on { Kind::Continue(label) } else { Kind::Break(label) })
    }
}
