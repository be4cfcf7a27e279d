//! A text without its marks, cut at its headings: what a search looks through.

use pulldown_cmark::{Event, Parser, Tag, TagEnd, TextMergeStream};

use super::{Heading, links::Names, writer::options};

/// A heading and what stands below it, up to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) heading: Heading,
    /// One line, blocks joined by spaces.
    pub(crate) text: String,
}

/// The sections of a text; what stands before the first heading is left out. The ids of headings are those that `render_at` gives
/// with the same prefix.
pub(crate) fn sections(text: &str, prefix: &str) -> Vec<Section> {
    let mut names = Names::default();
    let mut sections: Vec<Section> = Vec::new();
    let mut heading: Option<(u8, String)> = None;
    for event in TextMergeStream::new(Parser::new_ext(text, options())) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => heading = Some((level as u8, String::new())),
            Event::End(TagEnd::Heading(_)) => {
                if let Some((level, text)) = heading.take() {
                    let id = format!("{prefix}{}", names.name(&text));
                    sections.push(Section { heading: Heading { level, id, text }, text: String::new() });
                }
            }
            Event::Text(words) | Event::Code(words) => match (&mut heading, sections.last_mut()) {
                (Some((_, heading)), _) => heading.push_str(&words),
                (None, Some(section)) => section.text.extend(words.chars().map(|c| if c == '\n' { ' ' } else { c })),
                (None, None) => {}
            },
            Event::SoftBreak | Event::HardBreak | Event::End(_) => space(&event, sections.last_mut()),
            _ => {}
        }
    }
    sections
}

/// Blocks and lines are apart; words with marks inside are not.
fn space(event: &Event<'_>, section: Option<&mut Section>) {
    let inside = matches!(
        event,
        Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image)
    );
    if let Some(section) = section.filter(|section| !inside && !section.text.ends_with(' ')) {
        section.text.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_gone_and_ids_are_those_of_the_page() {
        let text = "# A `b`\n\nOne *two*\nthree: [four](x.md).\n\n<!-- ci: elsewhere -->\n```sh\nls -l\n```\n\n## A b\n| c | d |\n|--|--|\n| e | f |";
        let found = sections(text, "h-");
        let shown: Vec<_> = found.iter().map(|s| (s.heading.id.as_str(), s.text.trim())).collect();
        assert_eq!(shown, [("h-a-b", "One two three: four. ls -l"), ("h-a-b-1", "c d e f")]);
    }
}
