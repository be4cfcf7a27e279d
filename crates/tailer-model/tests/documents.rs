//! The example and the documents hold configurations: every one of them is valid, without so much as a warning.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use tailer_model::{
    Problems,
    configuration::{check_files, parse_configuration},
};

fn repository(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(below)
}

/// Files of a folder with this extension, in order.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    found.sort();
    found
}

fn assert_none(problems: &Problems, path: &Path) {
    assert!(problems.errors.is_empty() && problems.warnings.is_empty(), "{}: {problems:#?}", path.display());
}

#[test]
fn the_retail_example_is_valid_with_the_files_it_names() {
    let folder = repository("examples/retail");
    let configurations = files(&folder, "json");
    assert_eq!(configurations.len(), 6);
    for path in configurations {
        let (parsed, problems) = parse_configuration(&fs::read_to_string(&path).unwrap());
        assert_none(&problems, &path);
        assert_none(&check_files(&parsed.unwrap(), &|name| fs::read(folder.join(name)).ok()), &path);
    }
}

#[test]
fn the_documents_show_valid_configurations() {
    let mut seen = 0;
    for path in files(&repository("docs"), "md") {
        for shown in indented_blocks(&fs::read_to_string(&path).unwrap()) {
            if shown.starts_with('{') && shown.contains("configuration_type") {
                assert_none(&parse_configuration(&shown).1, &path);
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 5, "one for each kind");
}

/// Markdown blocks indented by four spaces, without the indentation.
fn indented_blocks(markdown: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in markdown.lines() {
        match (line.strip_prefix("    "), blocks.last_mut()) {
            (Some(text), Some(block)) => {
                block.push_str(text);
                block.push('\n');
            }
            (None, Some(block)) if !block.is_empty() => blocks.push(String::new()),
            _ => {}
        }
    }
    blocks
}

#[test]
fn the_page_on_alerts_shows_the_bodies_and_every_variable() {
    use tailer_model::monitoring::{DEFAULT_HTML, DEFAULT_SUBJECT, DEFAULT_TEXT, Facts};
    let page = fs::read_to_string(repository("docs/alerts.md")).unwrap();
    for shown in
        [format!("```html\n{DEFAULT_HTML}```"), format!("```text\n{DEFAULT_TEXT}```"), DEFAULT_SUBJECT.to_owned()]
    {
        assert!(page.contains(&shown), "docs/alerts.md does not show {shown}");
    }
    for (name, _) in Facts::default().variables() {
        assert!(page.contains(&format!("`@{name}`")), "docs/alerts.md does not explain @{name}");
        assert!(page.contains(&format!("\"{name}\": ")), "docs/alerts.md shows no document with {name}");
    }
}
