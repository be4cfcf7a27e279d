//! The grammar of one dependency line:
//!
//! ```text
//! line  = chain { "," chain }
//! chain = group { ">>" group }
//! group = task | "[" task { "," task } "]"
//! ```

/// Tasks that run together.
pub(super) type Group<'a> = Vec<&'a str>;
/// Groups that run one after the other.
pub(super) type Chain<'a> = Vec<Group<'a>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Task(&'a str),
    Then,
    Comma,
    Open,
    Close,
}

impl Token<'_> {
    fn describe(self) -> String {
        match self {
            Self::Task(name) => format!("\"{name}\""),
            Self::Then => "\">>\"".to_owned(),
            Self::Comma => "a comma".to_owned(),
            Self::Open => "\"[\"".to_owned(),
            Self::Close => "\"]\"".to_owned(),
        }
    }
}

/// The chains of a line.
///
/// # Errors
/// In words, with what was expected and what was found.
pub(super) fn parse(line: &str) -> Result<Vec<Chain<'_>>, String> {
    let mut tokens = Tokens { tokens: tokenize(line)?.into_iter() };
    let mut chains = Vec::new();
    loop {
        let (chain, end) = tokens.chain()?;
        chains.push(chain);
        match end {
            None => return Ok(chains),
            Some(Token::Comma) => {}
            Some(other) => return Err(format!("expected \">>\", a comma or the end, found {}", other.describe())),
        }
    }
}

struct Tokens<'a> {
    tokens: std::vec::IntoIter<Token<'a>>,
}

impl<'a> Tokens<'a> {
    /// A chain and the token after it.
    fn chain(&mut self) -> Result<(Chain<'a>, Option<Token<'a>>), String> {
        let mut chain = vec![self.group()?];
        loop {
            match self.tokens.next() {
                Some(Token::Then) => chain.push(self.group()?),
                end => return Ok((chain, end)),
            }
        }
    }

    fn group(&mut self) -> Result<Group<'a>, String> {
        match self.tokens.next() {
            Some(Token::Task(name)) => Ok(vec![name]),
            Some(Token::Open) => self.bracketed(),
            Some(other) => Err(format!("expected a task or \"[\", found {}", other.describe())),
            None => Err("expected a task or \"[\", found the end of the line".to_owned()),
        }
    }

    fn bracketed(&mut self) -> Result<Group<'a>, String> {
        let mut group = Vec::new();
        loop {
            match self.tokens.next() {
                Some(Token::Task(name)) => group.push(name),
                Some(other) => return Err(format!("expected a task inside the brackets, found {}", other.describe())),
                None => return Err("the bracket is not closed".to_owned()),
            }
            match self.tokens.next() {
                Some(Token::Comma) => {}
                Some(Token::Close) => return Ok(group),
                Some(other) => {
                    return Err(format!("expected a comma or \"]\" inside the brackets, found {}", other.describe()));
                }
                None => return Err("the bracket is not closed".to_owned()),
            }
        }
    }
}

fn tokenize(line: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            ',' => (Token::Comma, 1),
            '[' => (Token::Open, 1),
            ']' => (Token::Close, 1),
            '>' if rest.starts_with(">>") => (Token::Then, 2),
            '>' => return Err("expected \">>\", found a single \">\"".to_owned()),
            '<' => return Err("\"<<\" is not understood: write the tasks in the order in which they run".to_owned()),
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || ",[]><".contains(c)).unwrap_or(rest.len());
                (Token::Task(rest.get(..end).unwrap_or_default()), end)
            }
        };
        tokens.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}
