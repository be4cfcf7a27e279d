//! Markdown that people wrote, as HTML that may stand in a page.
//!
//! `pulldown-cmark` reads, and [`writer`] writes tag by tag what it knows: there is no HTML that passes through and is cleaned
//! afterwards. So what comes out are the tags and attributes that `writer` spells, whatever goes in. HTML in the text is shown as
//! text (comments are left out), links lead to http, https, mailto or a place of this server, and an image is a link, because pages
//! load nothing from elsewhere. The tests read the outcome with a browser's tokenizer.
//!
//! Deliberately not here: highlighting of code, footnotes, and any state. A text costs time and memory by its length, both bounded.

mod links;
mod sections;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;

use askama::filters::HtmlSafe;

pub(crate) use sections::{Section, sections};

/// What is longer is cut: neither a note nor a table's documentation comes near it.
const LONGEST: usize = 256 << 10;

/// HTML made by this module. Templates take it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SafeHtml(String);

impl fmt::Display for SafeHtml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for SafeHtml {}

#[cfg(test)]
impl SafeHtml {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A heading, for a table of contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    /// As in the text: 1 is the largest.
    pub(crate) level: u8,
    /// The `id` of its element, prefix included.
    pub(crate) id: String,
    /// Without marks.
    pub(crate) text: String,
}

/// Where a text stands in its page.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Level of an element for the text's largest headings: 3 below an `h2`.
    pub(crate) top: u8,
    /// Before the id of every heading, so that no text takes an id of the page or of another text.
    pub(crate) prefix: &'a str,
    /// Where a relative link leads: `None` shows its text only.
    pub(crate) relative: &'a dyn Fn(&str) -> Option<String>,
}

/// A text as part of a page, its largest headings being elements `h{top}`. `prefix` stands before the ids of headings:
/// another one for each text of a page.
pub(crate) fn render(text: &str, top: u8, prefix: &str) -> SafeHtml {
    render_at(text, Place { top, prefix, relative: &|link| Some(link.to_owned()) }).0
}

/// As [`render`], with links as the place has them; the headings beside it.
pub(crate) fn render_at(text: &str, place: Place<'_>) -> (SafeHtml, Vec<Heading>) {
    let end = text.floor_char_boundary(LONGEST);
    let (kept, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let (mut html, headings) = writer::write(kept, place);
    if !rest.is_empty() {
        html.push_str("<p>(The text is longer and was cut here.)</p>");
    }
    (SafeHtml(html), headings)
}
