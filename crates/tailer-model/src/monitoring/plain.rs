//! The plain text of an HTML body, for mail programs that show no HTML: lines where blocks end, addresses of links behind
//! their texts, nothing of styles and scripts.
//!
//! No HTML parser: the text is for reading, and whatever is wrong with the HTML makes it uglier, not dangerous.

/// Tags behind which a line ends.
const BLOCKS: [&str; 14] =
    ["p", "div", "tr", "table", "li", "ul", "ol", "h1", "h2", "h3", "h4", "pre", "title", "blockquote"];

/// What a person reads of it.
#[must_use]
pub fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut link = None;
    let mut as_it_is = false;
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        push(&mut text, before, as_it_is);
        let Some((tag, behind)) = after.split_once('>') else {
            rest = "";
            break;
        };
        rest = behind;
        let name: String = tag.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect();
        match name.to_ascii_lowercase().as_str() {
            "pre" => as_it_is = true,
            hidden @ ("style" | "script" | "head") => {
                let end = format!("</{hidden}");
                let found = rest.to_ascii_lowercase().find(&end);
                rest = found.and_then(|at| rest.get(at..)).unwrap_or_default();
            }
            "br" | "br/" => text.push('\n'),
            "td" | "th" if !text.ends_with('\n') => text.push(' '),
            "a" => link = href(tag),
            "/a" => {
                if let Some(address) = link.take().filter(|address| !text.ends_with(address.as_str())) {
                    text.push_str(&format!(" <{address}>"));
                }
            }
            close
                if close.strip_prefix('/').is_some_and(|block| BLOCKS.contains(&block)) && !text.ends_with("\n\n") =>
            {
                text.push('\n');
            }
            _ => {}
        }
        as_it_is &= !name.eq_ignore_ascii_case("/pre");
    }
    push(&mut text, rest, as_it_is);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim().to_owned() + "\n"
}

fn href(tag: &str) -> Option<String> {
    let value = tag.split_once("href=")?.1;
    let quote = value.chars().next().filter(|c| ['"', '\''].contains(c))?;
    Some(decoded(value.get(1..)?.split(quote).next()?))
}

/// Adds a text; white space, line ends too, is one space unless it is to stay as it is.
fn push(text: &mut String, html: &str, as_it_is: bool) {
    let html = decoded(html);
    if as_it_is {
        text.push_str(&html);
        return;
    }
    for word in html.split_inclusive(char::is_whitespace) {
        let trimmed = word.trim_end();
        text.push_str(trimmed);
        if trimmed.len() < word.len() && !text.is_empty() && !text.ends_with(char::is_whitespace) {
            text.push(' ');
        }
    }
}

fn decoded(html: &str) -> String {
    let known = [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&middot;", "·"),
        ("&amp;", "&"),
    ];
    known.iter().fold(html.to_owned(), |text, (entity, sign)| text.replace(entity, sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_reads() {
        let check = |html: &str, expect: &str| assert_eq!(plain(html), expect, "{html}");
        check("<p>One\n  two</p><p>a &lt;b&gt; &amp;amp;</p>", "One two\na <b> &amp;\n");
        check("<style>p { x }</style><b>Bold</b><br>next", "Bold\nnext\n");
        check("<table><tr><th>Run</th><td>7</td></tr></table>", "Run 7\n");
        check("<a href=\"https://x/?a=1&amp;b=2\">Open</a> it", "Open <https://x/?a=1&b=2> it\n");
        check("<a href='https://x'>https://x</a>", "https://x\n");
        check("<pre>a\n  b</pre>c\nd", "a\n  b\nc d\n");
        check("broken <", "broken\n");
        check("<script>never", "\n");
    }
}
