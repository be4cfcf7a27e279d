//! JSON paths: `$.a[0]."b c"`, and `$['b c']` in the functions of old.

use super::Json;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// Reads a path. `old` is the way of JSON_EXTRACT: names that are not plain stand in `['…']`.
pub(super) fn parse(path: &str, old: bool) -> Result<Vec<Step>, String> {
    let wrong = |what: &str| format!("invalid JSONPath {path}: {what}");
    let Some(mut rest) = path.trim_start_matches(' ').strip_prefix('$') else {
        return Err(wrong("it must start with $"));
    };
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(name) = rest.strip_prefix('.') {
            if let Some(quoted) = name.strip_prefix('"').filter(|_| !old) {
                let (key, behind) = closed(quoted, '"').ok_or_else(|| wrong("a quote is not closed"))?;
                steps.push(Step::Key(key));
                rest = behind;
                continue;
            }
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (key, behind) = name.split_at(end);
            if key.is_empty() || key.contains(['\'', '"', ' ', '*', ']']) {
                return Err(wrong("a name is missing or not plain"));
            }
            steps.push(Step::Key(key.to_owned()));
            rest = behind;
        } else if let Some(inside) = rest.strip_prefix('[') {
            if let Some(quote) = inside.chars().next().filter(|c| matches!(c, '\'' | '"')) {
                if !old {
                    return Err(wrong("write .\"name\""));
                }
                let (key, behind) = closed(&inside[1..], quote).ok_or_else(|| wrong("a quote is not closed"))?;
                steps.push(Step::Key(key));
                rest = behind.strip_prefix(']').ok_or_else(|| wrong("] is missing"))?;
                continue;
            }
            let (index, behind) = inside.split_once(']').ok_or_else(|| wrong("] is missing"))?;
            let index = index.trim().parse().map_err(|_| wrong("an index is not a number"))?;
            steps.push(Step::Index(index));
            rest = behind;
        } else {
            return Err(wrong("a step begins with . or ["));
        }
    }
    Ok(steps)
}

/// Up to the closing quote, which a backslash makes plain.
fn closed(text: &str, quote: char) -> Option<(String, &str)> {
    let mut key = String::new();
    let mut chars = text.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '\\' => key.push(chars.next()?.1),
            c if c == quote => return Some((key, text.get(i + c.len_utf8()..)?)),
            c => key.push(c),
        }
    }
    None
}

pub(super) fn follow<'j>(json: &'j Json, steps: &[Step]) -> Option<&'j Json> {
    steps.iter().try_fold(json, |json, step| match (step, json) {
        (Step::Key(key), json) => json.member(key),
        (Step::Index(index), Json::Array(items)) => items.get(*index),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read() {
        let key = |k: &str| Step::Key(k.into());
        assert_eq!(parse("$.a[1].\"b.c\"", false).unwrap(), [key("a"), Step::Index(1), key("b.c")]);
        assert_eq!(parse("$['a.b'].c", true).unwrap(), [key("a.b"), key("c")]);
        assert_eq!(parse("$", false).unwrap(), []);
        for (path, old) in
            [("a", false), ("$a", false), ("$.", false), ("$[a]", false), ("$['a']", false), ("$[-1]", true)]
        {
            parse(path, old).unwrap_err();
        }
    }
}
