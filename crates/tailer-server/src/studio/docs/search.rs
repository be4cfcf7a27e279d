//! Looks through the documentation: the sections in which all words stand, those first that have them in their heading.

use std::sync::LazyLock;

use super::{
    super::markdown::{self, Section},
    texts::{self, PREFIX},
};

/// Sections that are shown.
const MOST: usize = 40;
/// Bytes of a section around the first word that was found.
const AROUND: usize = 90;

/// A section in which the words stand.
pub(super) struct Hit {
    /// The page's name.
    pub(super) page: &'static str,
    pub(super) title: &'static str,
    pub(super) heading: &'static str,
    pub(super) id: &'static str,
    /// A part of its text; `true` for a word that was looked for.
    pub(super) excerpt: Vec<(bool, &'static str)>,
    rank: u8,
}

struct Indexed {
    page: &'static str,
    title: &'static str,
    section: Section,
    /// Heading and text, in small letters where that changes no length.
    folded: (String, String),
}

/// Made once: the texts do not change while the program runs.
static INDEX: LazyLock<Vec<Indexed>> = LazyLock::new(|| {
    let of_page = |(page, text): (&'static str, &'static str)| {
        markdown::sections(text, PREFIX).into_iter().map(move |section| {
            let folded = (section.heading.text.to_ascii_lowercase(), section.text.to_ascii_lowercase());
            Indexed { page, title: texts::title(text), section, folded }
        })
    };
    texts::all().flat_map(of_page).collect()
});

/// The best sections for some words; none for none.
pub(super) fn search(words: &str) -> Vec<Hit> {
    let words: Vec<String> = words.split_whitespace().take(10).map(str::to_ascii_lowercase).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let mut hits: Vec<Hit> = INDEX.iter().filter_map(|indexed| hit(indexed, &words)).collect();
    hits.sort_by_key(|hit| hit.rank);
    hits.truncate(MOST);
    hits
}

fn hit(indexed: &'static Indexed, words: &[String]) -> Option<Hit> {
    let Indexed { page, title, section, folded: (heading, text) } = indexed;
    let all = |text: &str| words.iter().all(|word| text.contains(word.as_str()));
    let rank = if all(heading) {
        // The page's own title before a section's.
        if section.heading.level == 1 { 0 } else { 1 }
    } else if words.iter().all(|word| heading.contains(word) || text.contains(word)) {
        if words.iter().any(|word| heading.contains(word)) { 2 } else { 3 }
    } else {
        return None;
    };
    Some(Hit {
        page,
        title,
        heading: &section.heading.text,
        id: &section.heading.id,
        excerpt: excerpt(&section.text, text, words),
        rank,
    })
}

/// The surroundings of the first word, cut at characters. `folded` is as long as `text`.
fn excerpt(text: &'static str, folded: &str, words: &[String]) -> Vec<(bool, &'static str)> {
    let first = words.iter().filter_map(|word| folded.find(word.as_str())).min().unwrap_or(0);
    let from = text.floor_char_boundary(first.saturating_sub(AROUND));
    // At a word's beginning, unless it is the text's own.
    let from = if from == 0 { 0 } else { text.get(from..first).and_then(|t| t.find(' ')).map_or(from, |at| from + at) };
    let to = text.floor_char_boundary((first + 2 * AROUND).min(text.len()));
    let mut parts = Vec::new();
    let mut at = from;
    while at < to {
        let rest = folded.get(at..to).unwrap_or_default();
        let next = words.iter().filter_map(|word| Some((rest.find(word.as_str())?, word.len()))).min();
        let Some((before, length)) = next else { break };
        parts.extend(text.get(at..at + before).filter(|part| !part.is_empty()).map(|part| (false, part)));
        parts.extend(text.get(at + before..at + before + length).map(|part| (true, part)));
        at += before + length;
    }
    parts.extend(text.get(at..to).filter(|part| !part.is_empty()).map(|part| (false, part)));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_with_all_words_are_found_best_first() {
        let hits = search("Idempotency-Key  launch");
        assert!(hits.iter().any(|hit| hit.page == "api" && hit.heading == "Calls"), "the launch's header");
        let hits = search("contexts");
        assert_eq!((hits[0].page, hits[0].rank), ("contexts", 0));
        assert!(hits.is_sorted_by_key(|hit| hit.rank));
        assert!(search("no-such-word-anywhere").is_empty() && search(" \t ").is_empty());
        assert!(search("the").len() <= MOST);
    }

    #[test]
    fn excerpts_mark_the_words_and_cut_no_character() {
        let text = "ä".repeat(200) + " before the Word and " + &"ö".repeat(200);
        let text: &'static str = text.leak();
        let folded = text.to_ascii_lowercase();
        let parts = excerpt(text, &folded, &["word".to_owned(), "and".to_owned()]);
        let marked: Vec<_> = parts.iter().filter(|(marked, _)| *marked).map(|(_, part)| *part).collect();
        assert_eq!(marked, ["Word", "and"]);
        let whole: String = parts.iter().map(|(_, part)| *part).collect();
        assert!(text.contains(&whole) && whole.len() <= 4 * AROUND, "{whole}");
        assert_eq!(excerpt("short", "short", &["nowhere".to_owned()]), [(false, "short")]);
    }
}
