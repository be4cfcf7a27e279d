//! The pages of `docs/` and the README, as they were when the program was built, in the order of a table of contents, and where
//! links between them lead.

use super::super::{filters, markdown};

/// Before the ids of headings: none of them is an id of the page around.
pub(super) const PREFIX: &str = "h-";

/// Every file of `docs/`, by name and text (`build.rs`).
const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/docs.rs"));

/// The README is where people begin.
const START: (&str, &str) = ("start", include_str!("../../../../../README.md"));

/// The contents: what is not named here stands under [`OTHERS`].
const CONTENTS: &[(&str, &[&str])] = &[
    ("Begin", &["start", "studio", "users", "settings"]),
    (
        "Data operations",
        &[
            "configurations",
            "storage-to-storage",
            "storage-to-tables",
            "table-to-table",
            "table-to-storage",
            "workflow",
            "scheduling",
            "contexts",
            "secrets",
        ],
    ),
    ("SQL and data quality", &["googlesql", "scripts", "expectations"]),
    ("Storages and warehouses", &["storages", "object-stores", "bigquery", "catalog"]),
    ("Operate", &["operations", "freshness", "alerts", "audit", "api", "performance"]),
];

const OTHERS: &str = "More";

/// Pages that belong together.
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) entries: Vec<Entry>,
}

/// A page in the contents.
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// Its first sentence.
    pub(super) about: String,
}

/// All pages by name and text.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    std::iter::once(START).chain(PAGES.iter().copied())
}

pub(super) fn text(name: &str) -> Option<&'static str> {
    all().find(|(known, _)| *known == name).map(|(_, text)| text)
}

/// The first heading of a text. The README is named after what is done with it.
pub(super) fn title(text: &'static str) -> &'static str {
    if text == START.1 {
        return "Getting started";
    }
    text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or("Documentation").trim()
}

/// Table of contents of the whole.
pub(super) fn groups() -> Vec<Group> {
    let named = |name: &'static str| CONTENTS.iter().any(|(_, names)| names.contains(&name));
    let others = all().map(|(name, _)| name).filter(|name| !named(name)).collect::<Vec<_>>();
    let groups = CONTENTS.iter().map(|(group, names)| (*group, names.to_vec())).chain([(OTHERS, others)]);
    groups
        .map(|(name, names)| Group {
            name,
            entries: names.into_iter().filter_map(|name| entry(name, text(name)?)).collect(),
        })
        .filter(|group| !group.entries.is_empty())
        .collect()
}

fn entry(name: &'static str, text: &'static str) -> Option<Entry> {
    // The title and what stands below it, up to the next empty line.
    let end = text.match_indices("\n\n").nth(1).map_or(text.len(), |(at, _)| at);
    let first = markdown::sections(text.get(..end)?, PREFIX).into_iter().next()?;
    Some(Entry { name, title: title(text), about: first_sentence(&first.text) })
}

/// Up to the first full stop before a space; a colon at the end, which introduces what is not shown here, becomes one.
fn first_sentence(text: &str) -> String {
    let text = text.trim();
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    let sentence = text.get(..end).unwrap_or(text);
    sentence.strip_suffix(':').map_or_else(|| sentence.to_owned(), |said| format!("{said}."))
}

/// Where a link of a page leads within the documentation, with the account that is looked at; `None` for what is not part of it.
pub(super) fn address(page: &str, link: &str, account: &str) -> Option<String> {
    let (path, heading) = link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
    let folder = if page == START.0 { "" } else { "docs" };
    let mut segments: Vec<&str> = if folder.is_empty() { Vec::new() } else { vec![folder] };
    for segment in path.split('/') {
        match segment {
            "." | "" => {}
            ".." => {
                segments.pop()?;
            }
            segment => segments.push(segment),
        }
    }
    let name = match segments.as_slice() {
        ["README.md"] => START.0,
        ["docs", file] => file.strip_suffix(".md")?,
        _ => return None,
    };
    text(name)?;
    let mut address = filters::address(&format!("/docs/{name}"), &[("account", account)]);
    if let Some(heading) = heading {
        address.push_str(&format!("#{PREFIX}{heading}"));
    }
    Some(address)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::studio::markdown::{Place, render_at};

    /// Links of all pages, with those that are rewritten: what they lead to is there, with its heading.
    #[test]
    fn every_link_between_pages_leads_to_a_page_and_a_heading() {
        let mut seen = 0;
        for (name, text) in all() {
            let asked = std::cell::RefCell::new(Vec::new());
            let relative = |link: &str| {
                asked.borrow_mut().push(link.to_owned());
                address(name, link, "")
            };
            let (html, _) = render_at(text, Place { top: 1, prefix: PREFIX, relative: &relative });
            for link in asked.borrow().iter() {
                let inside =
                    link.split('#').next().is_some_and(|path| path.ends_with(".md") && !path.contains("examples/"));
                let outside =
                    ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].iter().any(|file| link.ends_with(file));
                assert_eq!(address(name, link, "").is_some(), inside && !outside, "{name} links to {link}");
            }
            let links: Vec<String> = html
                .as_str()
                .split("href=\"")
                .skip(1)
                .filter_map(|rest| Some(rest.split('"').next()?.to_owned()))
                .collect();
            for link in links {
                let (page, heading) = match link.strip_prefix("/docs/") {
                    Some(rest) => rest.split_once('#').map_or((rest, None), |(page, heading)| (page, Some(heading))),
                    None => match link.strip_prefix('#') {
                        Some(heading) => (name, Some(heading)),
                        None => continue,
                    },
                };
                seen += 1;
                let target = super::text(page).unwrap_or_else(|| panic!("{name} links to {link}"));
                let ids: BTreeSet<String> =
                    markdown::sections(target, PREFIX).into_iter().map(|section| section.heading.id).collect();
                assert!(heading.is_none_or(|heading| ids.contains(heading)), "{name} links to {link}");
            }
        }
        assert!(seen > 60, "only {seen} links were seen");
    }

    #[test]
    fn every_page_has_one_title_and_a_sentence_about_it() {
        for (name, text) in all() {
            let sections = markdown::sections(text, PREFIX);
            let titles = sections.iter().filter(|section| section.heading.level == 1).count();
            assert_eq!(titles, 1, "{name}");
            assert!(first_sentence(&sections[0].text).len() > 20, "{name}: {:?}", sections[0].text);
            assert!(text.len() < 200 << 10, "{name} is too long to be looked at");
        }
        for entry in groups().iter().flat_map(|group| &group.entries) {
            assert!(entry.about.ends_with('.') && entry.about.len() < 320, "{}: {}", entry.name, entry.about);
        }
        let listed: usize = groups().iter().map(|group| group.entries.len()).sum();
        assert_eq!(listed, all().count(), "each page once");
        for (_, names) in CONTENTS {
            assert!(names.iter().all(|name| super::text(name).is_some()), "{names:?}");
        }
    }

    #[test]
    fn comments_for_machines_are_not_shown() {
        for (name, text) in all() {
            let place = Place { top: 1, prefix: PREFIX, relative: &|_| None };
            assert!(!render_at(text, place).0.as_str().contains("ci: elsewhere"), "{name}");
        }
    }

    #[test]
    fn links_lead_to_pages_or_nowhere() {
        for (page, link, expect) in [
            ("api", "users.md#roles", Some("/docs/users?account=000099#h-roles")),
            ("api", "./users.md", Some("/docs/users?account=000099")),
            ("start", "docs/api.md", Some("/docs/api?account=000099")),
            ("api", "../README.md", Some("/docs/start?account=000099")),
            ("api", "../examples/retail/load.json", None),
            ("start", "ARCHITECTURE.md", None),
            ("api", "../../../etc/passwd", None),
            ("api", "nothing.md", None),
        ] {
            assert_eq!(address(page, link, "000099").as_deref(), expect, "{page}: {link}");
        }
    }
}
