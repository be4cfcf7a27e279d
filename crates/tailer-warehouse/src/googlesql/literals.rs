//! String and bytes literals: `'…'`, `"…"`, `'''…'''`, `"""…"""`, each with the prefixes `r`, `b`, `rb` and `br`.

/// How a literal begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening {
    raw: bool,
    bytes: bool,
    quote: char,
    triple: bool,
    /// Length of prefix and quotes.
    length: usize,
}

pub(super) enum Literal {
    Text(String),
    /// In hex.
    Bytes(String),
}

pub(super) struct Problem {
    pub(super) message: String,
    /// Bytes from the literal's start.
    pub(super) offset: usize,
}

/// Whether a literal begins here.
pub(super) fn opening(text: &str) -> Option<Opening> {
    let prefix: String = text.chars().take_while(|c| c.is_ascii_alphabetic()).take(3).collect();
    let (raw, bytes) = match prefix.to_ascii_lowercase().as_str() {
        "" => (false, false),
        "r" => (true, false),
        "b" => (false, true),
        "rb" | "br" => (true, true),
        _ => return None,
    };
    let rest = &text[prefix.len()..];
    let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let triple = rest.chars().take(3).filter(|c| *c == quote).count() == 3 && rest.chars().take(3).all(|c| c == quote);
    Some(Opening { raw, bytes, quote, triple, length: prefix.len() + if triple { 3 } else { 1 } })
}

/// The literal's value and its length in the text.
pub(super) fn read(text: &str, opening: Opening) -> Result<(Literal, usize), Problem> {
    let closing = if opening.triple { 3 } else { 1 };
    let closing: String = std::iter::repeat_n(opening.quote, closing).collect();
    let mut value = Value { text: String::new(), bytes: Vec::new(), is_bytes: opening.bytes };
    let mut at = opening.length;
    loop {
        let rest = &text[at..];
        if rest.starts_with(&closing) {
            let length = at + closing.len();
            return Ok((value.finish(), length));
        }
        let problem = |message: &str, offset| Err(Problem { message: message.into(), offset });
        let Some(c) = rest.chars().next() else {
            return problem(&format!("this string is not closed: {closing} is missing"), 0);
        };
        if c == '\n' && !opening.triple {
            return problem(&format!("this string is not closed on its line: {closing} is missing"), 0);
        }
        if c != '\\' {
            value.push(c);
            at += c.len_utf8();
        } else if opening.raw {
            let Some(next) = rest[1..].chars().next() else {
                return problem("a raw string may not end with a backslash", at);
            };
            value.push('\\');
            value.push(next);
            at += 1 + next.len_utf8();
        } else {
            at += escape(&rest[1..], &mut value).map_err(|message| Problem { message, offset: at })? + 1;
        }
    }
}

struct Value {
    text: String,
    bytes: Vec<u8>,
    is_bytes: bool,
}

impl Value {
    fn push(&mut self, c: char) {
        if self.is_bytes {
            let mut buffer = [0; 4];
            self.bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
        } else {
            self.text.push(c);
        }
    }

    /// A value given in octal or hex: a byte, or a character with that code.
    fn push_code(&mut self, code: u32) -> Result<(), String> {
        if self.is_bytes {
            self.bytes.push(u8::try_from(code).map_err(|_| "an escape beyond one byte".to_string())?);
        } else {
            self.text.push(char::from_u32(code).ok_or("no character has this code")?);
        }
        Ok(())
    }

    fn finish(self) -> Literal {
        if !self.is_bytes {
            return Literal::Text(self.text);
        }
        let mut hex = String::with_capacity(self.bytes.len() * 2);
        for byte in &self.bytes {
            for digit in [byte >> 4, byte & 15] {
                hex.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        }
        Literal::Bytes(hex)
    }
}

/// Reads what follows a backslash; answers its length.
fn escape(rest: &str, value: &mut Value) -> Result<usize, String> {
    let Some(c) = rest.chars().next() else { return Err("a backslash ends the text".into()) };
    let digits = |skip: usize, count: usize, radix: u32| -> Result<u32, String> {
        let digits = rest.get(skip..skip + count).unwrap_or_default();
        if digits.len() != count || !digits.chars().all(|d| d.is_digit(radix)) {
            return Err(format!("the escape \\{c} wants {count} digits"));
        }
        u32::from_str_radix(digits, radix).map_err(|e| e.to_string())
    };
    let plain = match c {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '\\' | '?' | '"' | '\'' | '`' => c,
        'x' | 'X' => {
            value.push_code(digits(1, 2, 16)?)?;
            return Ok(3);
        }
        '0'..='3' => {
            value.push_code(digits(0, 3, 8)?)?;
            return Ok(3);
        }
        'u' | 'U' if !value.is_bytes => {
            let count = if c == 'u' { 4 } else { 8 };
            let code = digits(1, count, 16)?;
            value.push(char::from_u32(code).ok_or_else(|| format!("no character has the code {code:X}"))?);
            return Ok(1 + count);
        }
        other => return Err(format!("unknown escape \\{other} in a literal; a backslash itself is written \\\\")),
    };
    value.push(plain);
    Ok(c.len_utf8())
}
