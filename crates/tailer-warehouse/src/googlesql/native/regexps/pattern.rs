//! RE2's patterns in the words of the `regex` crate, which differs in classes (Unicode by default, nested), in what a brace
//! may be, and in escapes.

/// The pattern for the `regex` crate. On bytes every byte is a Latin-1 character.
pub(super) fn translate(expression: &[u8], on_bytes: bool) -> Result<String, String> {
    let text: Vec<char> = if on_bytes {
        expression.iter().map(|b| char::from(*b)).collect()
    } else {
        std::str::from_utf8(expression).map_err(|e| e.to_string())?.chars().collect()
    };
    let mut reader = Reader { text, at: 0, out: String::new(), on_bytes };
    reader.run()?;
    Ok(reader.out)
}

struct Reader {
    text: Vec<char>,
    at: usize,
    out: String,
    on_bytes: bool,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek(0);
        self.at += 1;
        c
    }

    fn run(&mut self) -> Result<(), String> {
        while let Some(c) = self.next() {
            match c {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '{' if !self.is_repetition() => self.out.push_str("\\{"),
                other => self.plain(other),
            }
        }
        Ok(())
    }

    fn plain(&mut self, c: char) {
        if self.on_bytes && !c.is_ascii() {
            self.out.push_str(&format!("\\x{:02X}", u32::from(c)));
        } else {
            self.out.push(c);
        }
    }

    /// Whether what follows a brace is `n}`, `n,}` or `n,m}`; anything else is text.
    fn is_repetition(&self) -> bool {
        let rest: String = self.text.iter().skip(self.at).take_while(|c| **c != '}').collect();
        let closed = self.text.len() > self.at + rest.chars().count();
        let (least, most) = rest.split_once(',').unwrap_or((&rest, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        closed && !least.is_empty() && digits(least) && digits(most)
    }

    /// What follows a backslash.
    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let Some(c) = self.next() else { return Err("cannot parse regular expression: trailing \\".to_owned()) };
        match c {
            'd' => self.out.push_str("[0-9]"),
            'D' => self.out.push_str("[^0-9]"),
            'w' => self.out.push_str("[0-9A-Za-z_]"),
            'W' => self.out.push_str("[^0-9A-Za-z_]"),
            's' => self.out.push_str("[\\t\\n\\x0C\\r ]"),
            'S' => self.out.push_str("[^\\t\\n\\x0C\\r ]"),
            'b' if !in_class => self.out.push_str("(?-u:\\b)"),
            'B' if !in_class => self.out.push_str("(?-u:\\B)"),
            'Q' => self.quoted(in_class),
            'C' | 'E' => return Err(format!("cannot parse regular expression: \\{c} is not supported")),
            '0'..='7' => self.octal(c)?,
            'A' | 'z' | 'a' | 'f' | 't' | 'n' | 'r' | 'v' | 'x' | 'p' | 'P' => {
                self.out.push('\\');
                self.out.push(c);
            }
            letter if letter.is_ascii_alphanumeric() => {
                return Err(format!("cannot parse regular expression: invalid escape sequence: \\{letter}"));
            }
            sign if sign.is_ascii_punctuation() => {
                self.out.push('\\');
                self.out.push(sign);
            }
            other => self.plain(other),
        }
        Ok(())
    }

    /// `\0`, `\012`: RE2 has no back references, so `\1` alone is an error.
    fn octal(&mut self, first: char) -> Result<(), String> {
        let more = self.peek(0).is_some_and(|c| c.is_digit(8));
        if first != '0' && !more {
            return Err(format!("cannot parse regular expression: invalid escape sequence: \\{first}"));
        }
        let mut code = first.to_digit(8).unwrap_or(0);
        for _ in 0..2 {
            let Some(digit) = self.peek(0).and_then(|c| c.to_digit(8)) else { break };
            code = code * 8 + digit;
            self.at += 1;
        }
        self.out.push_str(&format!("\\x{{{code:X}}}"));
        Ok(())
    }

    /// `\Q…\E`.
    fn quoted(&mut self, in_class: bool) {
        while let Some(c) = self.next() {
            if c == '\\' && self.peek(0) == Some('E') {
                self.at += 1;
                return;
            }
            if c.is_ascii_punctuation() || in_class && c == '-' {
                self.out.push('\\');
            }
            self.plain(c);
        }
    }

    /// A class, whose opening bracket is read.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.peek(0) == Some('^') {
            self.at += 1;
            self.out.push('^');
        }
        let mut first = true;
        while let Some(c) = self.next() {
            match c {
                ']' if !first => {
                    self.out.push(']');
                    return Ok(());
                }
                ']' => self.out.push_str("\\]"),
                '\\' => self.escape(true)?,
                '[' if self.peek(0) == Some(':') => {
                    let name: String = self.text.iter().skip(self.at).take_while(|c| **c != ']').collect();
                    self.at += name.chars().count() + 1;
                    self.out.push_str(&format!("[{name}]"));
                }
                '[' | '&' | '~' => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                '-' if first || matches!(self.peek(0), Some(']' | '-')) => self.out.push_str("\\-"),
                other => self.plain(other),
            }
            first = false;
        }
        Err("cannot parse regular expression: missing ]".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::translate;

    #[test]
    fn patterns_are_said_in_other_words() {
        for (re2, expect) in [
            (r"a\d+", "a[0-9]+"),
            (r"[\w.-]", r"[[0-9A-Za-z_].\-]"),
            ("[]a]", r"[\]a]"),
            ("[^[:alpha:]&&]", r"[^[:alpha:]\&\&]"),
            ("a{2}{x}{,3}", r"a{2}\{x}\{,3}"),
            (r"\Qa.b\E.", r"a\.b."),
            (r"\012\x41", r"\x{A}\x41"),
            (r"\bé", r"(?-u:\b)é"),
        ] {
            assert_eq!(translate(re2.as_bytes(), false).unwrap(), expect, "{re2}");
        }
        assert_eq!(translate(b"\xe9", true).unwrap(), r"\xE9");
        for wrong in [r"a\", r"\1", r"\C", "[a", r"\y"] {
            translate(wrong.as_bytes(), false).unwrap_err();
        }
    }
}
