//! What comes out is read with the tokenizer of a browser's parser: tags and attributes outside the list do not come out, whatever
//! goes in.

use std::{cell::RefCell, time::Instant};

use html5ever::{
    tendril::StrTendril,
    tokenizer::{BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts},
};
use proptest::prelude::*;

use super::*;

/// Tags and their attributes.
const ALLOWED: &[(&str, &[&str])] = &[
    ("a", &["href", "rel"]),
    ("blockquote", &[]),
    ("br", &[]),
    ("code", &[]),
    ("del", &[]),
    ("div", &["class", "tabindex", "role", "aria-label"]),
    ("em", &[]),
    ("h1", &["id"]),
    ("h2", &["id"]),
    ("h3", &["id"]),
    ("h4", &["id"]),
    ("h5", &["id"]),
    ("h6", &["id"]),
    ("hr", &[]),
    ("li", &[]),
    ("ol", &["start"]),
    ("p", &[]),
    ("pre", &["tabindex"]),
    ("strong", &[]),
    ("table", &[]),
    ("tbody", &[]),
    ("td", &["class"]),
    ("th", &["class", "scope"]),
    ("thead", &[]),
    ("tr", &[]),
    ("ul", &[]),
];

/// What a browser would see: elements, links and text.
#[derive(Default)]
struct Seen {
    open: RefCell<Vec<String>>,
    deepest: RefCell<usize>,
    links: RefCell<Vec<(String, String)>>,
    ids: RefCell<Vec<String>>,
    text: RefCell<String>,
    wrong: RefCell<Vec<String>>,
}

impl TokenSink for Seen {
    type Handle = ();
    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut wrong = self.wrong.borrow_mut();
        match token {
            Token::CharacterTokens(text) => self.text.borrow_mut().push_str(&text),
            Token::EOFToken => {}
            Token::TagToken(tag) if tag.kind == TagKind::EndTag => {
                let open = self.open.borrow_mut().pop();
                if open.as_deref() != Some(&*tag.name) {
                    wrong.push(format!("</{}> closes {open:?}", tag.name));
                }
            }
            Token::TagToken(tag) => {
                let known = ALLOWED.iter().find(|(name, _)| *name == &*tag.name);
                if known.is_none() {
                    wrong.push(format!("<{}>", tag.name));
                }
                for attribute in &tag.attrs {
                    let (name, value) = (attribute.name.local.to_string(), attribute.value.to_string());
                    if !known.is_some_and(|(_, attributes)| attributes.contains(&name.as_str())) {
                        wrong.push(format!("<{} {name}={value:?}>", tag.name));
                    }
                    match name.as_str() {
                        "href" => self.links.borrow_mut().push((value, format!("{:?}", tag.attrs))),
                        "id" => self.ids.borrow_mut().push(value),
                        _ => {}
                    }
                }
                if &*tag.name == "a" && self.open.borrow().iter().any(|open| open == "a") {
                    wrong.push("a link in a link".to_owned());
                }
                if !["br", "hr"].contains(&&*tag.name) {
                    let mut open = self.open.borrow_mut();
                    open.push(tag.name.to_string());
                    let mut deepest = self.deepest.borrow_mut();
                    *deepest = open.len().max(*deepest);
                }
            }
            other => wrong.push(format!("{other:?}")),
        }
        TokenSinkResult::Continue
    }
}

fn read(html: &SafeHtml) -> Seen {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html.as_str()));
    let tokenizer = Tokenizer::new(Seen::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink
}

/// Holds the outcome to every rule, and returns what a browser sees.
fn harmless(text: &str) -> Seen {
    let html = render(text, 3, "n1-");
    let seen = read(&html);
    assert_eq!(*seen.wrong.borrow(), Vec::<String>::new(), "{text:?} became {html}");
    assert!(seen.open.borrow().is_empty(), "{text:?} became {html}");
    for (link, attributes) in seen.links.borrow().iter() {
        let scheme = link.split_once([':', '/', '?', '#']).filter(|(scheme, _)| link[scheme.len()..].starts_with(':'));
        let scheme = scheme.map(|(scheme, _)| scheme.to_ascii_lowercase());
        assert!(
            scheme.is_none() || ["http", "https", "mailto"].map(Some).contains(&scheme.as_deref()),
            "{text:?} links to {link:?}"
        );
        assert!(!link.contains(|c: char| c.is_control() || c == '\\'), "{text:?} links to {link:?}");
        if scheme.is_some() || link.starts_with("//") {
            assert!(attributes.contains("noopener noreferrer nofollow"), "{text:?}: {attributes}");
        }
    }
    let ids = seen.ids.borrow().clone();
    assert!(ids.iter().all(|id| id.starts_with("n1-")), "{ids:?}");
    seen
}

proptest! {
    #[test]
    fn arbitrary_text_is_harmless(text in "\\PC{0,200}") {
        harmless(&text);
    }

    #[test]
    fn arbitrary_pieces_of_markup_are_harmless(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        harmless(&pieces.concat());
    }
}

const PIECES: &[&str] = &[
    "\n",
    "\n\n",
    "    ",
    "\t",
    "> ",
    "- ",
    "1. ",
    "7) ",
    "# ",
    "###### ",
    "```\n",
    "~~~",
    "`",
    "``",
    "*",
    "**",
    "_",
    "~~",
    "|",
    "|-|\n",
    "| a | b |\n|:-|-:|\n",
    "[",
    "]",
    "(",
    ")",
    "![",
    "](",
    "[x]: ",
    "<",
    ">",
    "</",
    "/>",
    "<!--",
    "-->",
    "<script>",
    "</script>",
    "<img src=x onerror=alert(1)>",
    "<a href='",
    "javascript:alert(1)",
    "java&#115;cript:",
    "data:text/html,",
    "https://example.com/",
    "http://",
    "mailto:",
    "//example.com",
    "\\",
    "&lt;",
    "&#x6A;",
    "&quot;",
    "\"",
    "'",
    "=",
    "\u{0}",
    "\u{1}",
    "\u{202e}",
    "é",
    "a",
    "1",
    "- [ ] ",
    "<a@example.com>",
    "<https://example.com>",
    "---\n",
    "===\n",
    "<![CDATA[",
    "<?",
    "<!X",
    "onclick=",
];

/// Known tricks, and what the reader shall find in the text nevertheless.
#[test]
fn known_tricks_do_nothing() {
    for (text, shown, links) in [
        ("<script>alert(1)</script>", "<script>alert(1)</script>", 0),
        ("a <b onmouseover=alert(1)>b</b>", "<b onmouseover=alert(1)>", 0),
        ("<img src=x onerror=alert(1)>", "onerror", 0),
        ("<svg/onload=alert(1)>", "<svg/onload=alert(1)>", 0),
        ("<iframe srcdoc='<script>alert(1)</script>'></iframe>", "srcdoc", 0),
        ("<style>*{display:none}</style>", "display:none", 0),
        ("<base href=//evil.example>", "<base", 0),
        ("<form action=/runs/x/cancel><button>Sign in</button></form>", "<form", 0),
        ("</main></body><h1>x", "</main>", 0),
        ("[x](javascript:alert(1))", "x", 0),
        ("[x](JaVaScRiPt:alert(1))", "x", 0),
        ("[x](javascript&#58;alert(1))", "x", 0),
        ("[x](&#106;avascript:alert(1))", "x", 0),
        ("[x](<java\tscript:alert(1)>)", "x", 0),
        ("[x](&#1;javascript:alert(1))", "x", 0),
        ("[x](javascript&colon;alert(1))", "x", 0),
        ("[x](data:text/html;base64,PHNjcmlwdD4=)", "x", 0),
        ("[x](vbscript:msgbox)", "x", 0),
        ("[x](view-source:javascript:1)", "x", 0),
        ("<javascript:alert(1)>", "javascript:alert(1)", 0),
        ("[x][y]\n\n[y]: javascript:alert(1)", "x", 0),
        ("![x](javascript:alert(1))", "x", 0),
        ("![x](https://evil.example/pixel.png)", "x", 1),
        ("![](https://evil.example/pixel.png)", "https://evil.example/pixel.png", 1),
        ("[![x](https://a.example/i.png)](https://b.example)", "x", 1),
        ("![a [b](https://b.example) c](https://a.example)", "b", 1),
        ("[x](https://example.com \"\\\" onclick=alert(1) \\\"\")", "x", 1),
        ("[x](https://example.com/\"onclick=alert(1))", "x", 1),
        ("[x](/\\evil.example)", "x", 0),
        ("[x](//evil.example)", "x", 1),
        ("```\"onclick=alert(1)\nx\n```", "x", 0),
        ("# x {onclick=alert(1)}", "onclick", 0),
        ("# \"><script>alert(1)</script>", "<script>", 0),
        ("| a |\n|---|\n| <script>x</script> |", "<script>", 0),
        ("https://example.com/\"><script>alert(1)</script>", "<script>", 1),
        ("<https://example.com/?a=\"onclick=\">", "onclick", 1),
        ("a <!-- hidden --> b", "a  b", 0),
        ("<!-- hidden --> <b>not hidden</b> <!-- x -->", "not hidden", 0),
        ("\u{0}<\u{0}script>", "script>", 0),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert(1)</script>", 0),
    ] {
        let seen = harmless(text);
        assert!(seen.text.borrow().contains(shown), "{text:?} shows {:?}", seen.text.borrow());
        assert_eq!(seen.links.borrow().len(), links, "{text:?} has links {:?}", seen.links.borrow());
    }
}

#[test]
fn markdown_becomes_what_it_means() {
    for (text, expect) in [
        ("a *b* **c** ~~d~~ `e`", "<p>a <em>b</em> <strong>c</strong> <del>d</del> <code>e</code></p>"),
        ("# A\n\n## B", "<h3 id=\"n-a\">A</h3><h4 id=\"n-b\">B</h4>"),
        ("# A\n# A\n###### deep", "<h3 id=\"n-a\">A</h3><h3 id=\"n-a-1\">A</h3><h6 id=\"n-deep\">deep</h6>"),
        ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
        ("7. a", "<ol start=\"7\"><li>a</li></ol>"),
        ("- [x] a\n- [ ] b", "<ul><li>☑ a</li><li>☐ b</li></ul>"),
        ("> a", "<blockquote><p>a</p></blockquote>"),
        ("```sql\nSELECT 1 < 2\n```", "<pre tabindex=\"0\"><code>SELECT 1 &lt; 2\n</code></pre>"),
        ("[a](#b)", "<p><a href=\"#n-b\">a</a></p>"),
        ("[a](/runs?x=1&y=2)", "<p><a href=\"/runs?x=1&amp;y=2\">a</a></p>"),
        (
            "<a@example.com>",
            "<p><a href=\"mailto:a@example.com\" rel=\"noopener noreferrer nofollow\">a@example.com</a></p>",
        ),
        (
            "see https://example.com/x.",
            "<p>see <a href=\"https://example.com/x\" rel=\"noopener noreferrer nofollow\">https://example.com/x</a>.</p>",
        ),
        ("`https://example.com`", "<p><code>https://example.com</code></p>"),
        ("<!-- ci: elsewhere -->\n```sh\nls\n```", "<pre tabindex=\"0\"><code>ls\n</code></pre>"),
        (
            "| a | b |\n|---|--:|\n| 1 | 2 |",
            "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table><thead><tr><th scope=\"col\">a</th>\
             <th scope=\"col\" class=\"right\">b</th></tr></thead><tbody><tr><td>1</td><td class=\"right\">2</td></tr></tbody></table></div>",
        ),
    ] {
        assert_eq!(render(text, 3, "n-").as_str(), expect, "{text}");
    }
}

#[test]
fn links_of_a_place_lead_where_it_says() {
    let relative = |link: &str| link.strip_suffix(".md").map(|page| format!("/docs/{page}"));
    let place = Place { top: 1, prefix: "", relative: &relative };
    let (html, headings) = render_at("# A `b`\n\n[c](c.md) [d](d.rs)", place);
    assert_eq!(html.as_str(), "<h1 id=\"a-b\">A <code>b</code></h1><p><a href=\"/docs/c\">c</a> d</p>");
    assert_eq!(headings, [Heading { level: 1, id: "a-b".to_owned(), text: "A b".to_owned() }]);
}

/// Texts that are made to be expensive: the outcome, its depth and the time stay bounded.
#[test]
fn hostile_texts_are_bounded() {
    let wide = 20_000;
    let table = format!("|{}\n|{}\n{}", "a|".repeat(wide), "-|".repeat(wide), "|\n".repeat(60_000));
    let references = format!("{}\n\n[x]: /{}", "[x]".repeat(20_000), "y".repeat(60_000));
    for (name, text) in [
        ("quotes", ">".repeat(200_000)),
        ("lists", "- ".repeat(100_000)),
        ("quotes in lines", format!("{}a\n", ">".repeat(300)).repeat(600)),
        ("brackets", "[".repeat(200_000)),
        ("images", "![".repeat(100_000)),
        ("stars", "*a **b ".repeat(40_000)),
        ("ticks", (1..600).map(|n| "`".repeat(n) + " ").collect::<String>()),
        ("links", "[a](b".repeat(50_000)),
        ("tags", "<a ".repeat(80_000)),
        ("comments", "<!-- ".repeat(50_000)),
        ("declarations", "<!A ".repeat(60_000)),
        ("instructions", "<?".repeat(120_000)),
        ("headings", "# a\n".repeat(60_000)),
        ("addresses", "http".repeat(60_000)),
        ("ampersands", "&".repeat(250_000)),
        ("wide table", table),
        ("references", references),
        ("very long", "word ".repeat(2_000_000)),
    ] {
        let begun = Instant::now();
        let html = render(&text, 3, "n-");
        let took = begun.elapsed();
        let seen = read(&html);
        assert_eq!(*seen.wrong.borrow(), Vec::<String>::new(), "{name}");
        assert!(*seen.deepest.borrow() <= 40, "{name}: {} deep", seen.deepest.borrow());
        assert!(html.as_str().len() < 3 << 20, "{name}: {} bytes", html.as_str().len());
        assert!(took.as_secs() < 10, "{name}: took {took:?} without optimisation");
    }
}
