//! Writes HTML from the events of the Markdown parser. Every tag and every attribute that can come out is spelled in this file.

use std::fmt::Write;

use pulldown_cmark::{Alignment, Event, LinkType, Options, Parser, Tag, TextMergeStream};

use super::{
    Heading, Place,
    links::{self, Destination, Names},
};

/// Elements deeper than this are left out, not their text: browsers take long over deep trees.
const DEEPEST: usize = 32;
/// The outcome ends after about so many bytes. Tables multiply: a row of two bytes has as many cells as the head.
const LARGEST: usize = 1 << 20;

/// What is understood beyond plain Markdown.
pub(super) fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS
}

/// The text as HTML, and its headings.
pub(super) fn write(text: &str, place: Place<'_>) -> (String, Vec<Heading>) {
    let mut writer = Writer {
        place,
        out: String::with_capacity(text.len() + text.len() / 4),
        open: Vec::new(),
        anchors: 0,
        columns: Vec::new(),
        column: 0,
        names: Names::default(),
        headings: Vec::new(),
        heading: None,
        html: None,
        code: false,
    };
    for event in TextMergeStream::new(Parser::new_ext(text, options())) {
        if writer.out.len() > LARGEST {
            break;
        }
        writer.event(event);
    }
    while !writer.open.is_empty() {
        writer.end();
    }
    (writer.out, writer.headings)
}

/// What was opened, and how it is closed.
enum Open {
    /// An element, or none where the tag is left out.
    Element(&'static str),
    /// `</a>` of a link.
    Link,
    /// `</a>` of an image, whose address is shown when it has no text.
    Image {
        anchor: bool,
        from: usize,
        address: String,
    },
    Heading {
        level: u8,
    },
    /// HTML, gathered to be judged as a whole.
    Html,
    Code,
}

struct Writer<'a> {
    place: Place<'a>,
    out: String,
    open: Vec<Open>,
    /// How many `a` are open: they do not nest.
    anchors: usize,
    columns: Vec<Alignment>,
    column: usize,
    names: Names,
    headings: Vec<Heading>,
    /// Where the open heading began in the outcome, and its text.
    heading: Option<(usize, String)>,
    html: Option<String>,
    /// Whether what comes is code, where addresses are no links.
    code: bool,
}

impl Writer<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(_) => self.end(),
            Event::Text(text) => self.words(&text),
            Event::Code(text) => {
                self.out.push_str("<code>");
                self.text(&text);
                self.out.push_str("</code>");
            }
            Event::Html(text) if self.html.is_some() => {
                if let Some(html) = &mut self.html {
                    html.push_str(&text);
                }
            }
            Event::Html(text) | Event::InlineHtml(text) => {
                if !is_comment(&text) {
                    self.text(&text);
                }
            }
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.out.push_str("<br>"),
            Event::Rule => self.out.push_str("<hr>"),
            Event::TaskListMarker(done) => self.out.push_str(if done { "☑ " } else { "☐ " }),
            // Of options that are off.
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => self.text(&text),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        let (start, end) = match tag {
            Tag::Heading { level, .. } => {
                self.heading = Some((self.out.len(), String::new()));
                return self.open.push(Open::Heading { level: level as u8 });
            }
            Tag::Link { link_type, dest_url, .. } => {
                let mail = if link_type == LinkType::Email { "mailto:" } else { "" };
                let opened = self.anchor(&format!("{mail}{dest_url}"));
                return self.open.push(if opened { Open::Link } else { Open::Element("") });
            }
            Tag::Image { dest_url, .. } => {
                let anchor = self.anchor(&dest_url);
                return self.open.push(Open::Image { anchor, from: self.out.len(), address: dest_url.to_string() });
            }
            Tag::HtmlBlock => {
                self.html = Some(String::new());
                return self.open.push(Open::Html);
            }
            Tag::CodeBlock(_) => {
                self.code = true;
                self.out.push_str("<pre tabindex=\"0\"><code>");
                return self.open.push(Open::Code);
            }
            Tag::Table(columns) => {
                self.columns = columns;
                (
                    "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table>",
                    "</tbody></table></div>",
                )
            }
            Tag::TableHead => {
                self.column = 0;
                ("<thead><tr>", "</tr></thead><tbody>")
            }
            Tag::TableRow => {
                self.column = 0;
                ("<tr>", "</tr>")
            }
            Tag::TableCell => return self.cell(),
            Tag::List(Some(first)) if first != 1 => {
                return self.element(format_args!("<ol start=\"{first}\">"), "</ol>");
            }
            Tag::List(Some(_)) => ("<ol>", "</ol>"),
            Tag::List(None) => ("<ul>", "</ul>"),
            Tag::Item => ("<li>", "</li>"),
            Tag::Paragraph => ("<p>", "</p>"),
            Tag::BlockQuote(_) => ("<blockquote>", "</blockquote>"),
            Tag::Emphasis => ("<em>", "</em>"),
            Tag::Strong => ("<strong>", "</strong>"),
            Tag::Strikethrough => ("<del>", "</del>"),
            // Of options that are off.
            Tag::Superscript
            | Tag::Subscript
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::MetadataBlock(_) => ("", ""),
        };
        self.element(format_args!("{start}"), end);
    }

    fn element(&mut self, start: std::fmt::Arguments<'_>, end: &'static str) {
        if self.open.len() >= DEEPEST {
            return self.open.push(Open::Element(""));
        }
        let _ = self.out.write_fmt(start);
        self.open.push(Open::Element(end));
    }

    fn cell(&mut self) {
        let class = match self.columns.get(self.column) {
            Some(Alignment::Right) => " class=\"right\"",
            Some(Alignment::Center) => " class=\"middle\"",
            _ => "",
        };
        self.column += 1;
        // The head's own `tr` is the innermost that is open.
        if matches!(self.open.last(), Some(Open::Element("</tr></thead><tbody>"))) {
            self.element(format_args!("<th scope=\"col\"{class}>"), "</th>");
        } else {
            self.element(format_args!("<td{class}>"), "</td>");
        }
    }

    fn end(&mut self) {
        match self.open.pop() {
            None => {}
            Some(Open::Element(end)) => self.out.push_str(end),
            Some(Open::Link) => self.close_anchor(),
            Some(Open::Image { anchor, from, address }) => {
                if self.out.len() == from {
                    self.text(&address);
                }
                if anchor {
                    self.close_anchor();
                }
            }
            Some(Open::Heading { level }) => self.end_heading(level),
            Some(Open::Html) => {
                let html = self.html.take().unwrap_or_default();
                if !is_comment(html.trim()) {
                    self.out.push_str("<pre tabindex=\"0\">");
                    self.text(html.trim_end());
                    self.out.push_str("</pre>");
                }
            }
            Some(Open::Code) => {
                self.code = false;
                self.out.push_str("</code></pre>");
            }
        }
    }

    fn end_heading(&mut self, level: u8) {
        let Some((from, text)) = self.heading.take() else { return };
        let id = format!("{}{}", self.place.prefix, self.names.name(&text));
        let element = (self.place.top + level.saturating_sub(1)).clamp(1, 6);
        let mut start = format!("<h{element} id=\"");
        escape(&mut start, &id);
        start.push_str("\">");
        self.out.insert_str(from, &start);
        let _ = write!(self.out, "</h{element}>");
        self.headings.push(Heading { level, id, text });
    }

    /// Opens a link unless one is open or its destination is none to follow.
    fn anchor(&mut self, link: &str) -> bool {
        if self.anchors > 0 {
            return false;
        }
        let (address, foreign) = match links::destination(link) {
            None => return false,
            Some(Destination::Foreign(address)) => (address.to_owned(), true),
            Some(Destination::Heading(name)) => (format!("#{}{name}", self.place.prefix), false),
            Some(Destination::Relative(link)) => match (self.place.relative)(link) {
                None => return false,
                Some(address) => (address, false),
            },
        };
        self.out.push_str("<a href=\"");
        escape(&mut self.out, &address);
        self.out.push_str(if foreign { "\" rel=\"noopener noreferrer nofollow\">" } else { "\">" });
        self.anchors += 1;
        true
    }

    fn close_anchor(&mut self) {
        self.anchors = self.anchors.saturating_sub(1);
        self.out.push_str("</a>");
    }

    /// Text in which addresses become links.
    fn words(&mut self, text: &str) {
        let mut rest = text;
        while !self.code && self.anchors == 0 && self.html.is_none() {
            let Some((before, address, after)) = links::bare(rest) else { break };
            self.text(before);
            let opened = self.anchor(address);
            self.text(address);
            if opened {
                self.close_anchor();
            }
            rest = after;
        }
        self.text(rest);
    }

    fn text(&mut self, text: &str) {
        if let Some((_, heading)) = &mut self.heading {
            heading.push_str(text);
        }
        escape(&mut self.out, text);
    }
}

/// Whether HTML is one comment, which no reader of the text is meant to see.
fn is_comment(html: &str) -> bool {
    html.strip_prefix("<!--").is_some_and(|rest| rest.find("-->") == rest.len().checked_sub(3))
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // HTML has no such character.
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}
