//! Two texts line by line: what was added, what was removed, and what stayed, the long stretches of it folded.

use std::{borrow::Cow, time::Duration};

use similar::{ChangeTag, TextDiff};

/// Unchanged lines that stay in sight beside a change.
const CONTEXT: usize = 3;
/// Shorter stretches than this are not worth folding.
const FOLDED: usize = 4;
/// How long to look for the best account of the changes; a coarser one is as true.
const PATIENCE: Duration = Duration::from_millis(200);

/// A stretch of lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stretch {
    Shown(Vec<Line>),
    /// Unchanged, out of sight until somebody asks.
    Folded(Vec<Line>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// `+`, `-`, or a space.
    pub(super) sign: char,
    /// As the style sheet calls it.
    pub(super) class: &'static str,
    /// In the older text.
    pub(super) old: Option<usize>,
    /// In the newer text.
    pub(super) new: Option<usize>,
    pub(super) text: String,
}

/// How two texts differ.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Diff {
    pub(super) added: usize,
    pub(super) removed: usize,
    pub(super) stretches: Vec<Stretch>,
}

/// A text whose last line lacks its end is taken to have it.
pub(super) fn lines(before: &str, after: &str) -> Diff {
    let (before, after) = (ended(before), ended(after));
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(&*before, &*after);
    let lines: Vec<Line> = diff
        .iter_all_changes()
        .map(|change| {
            let (sign, class) = match change.tag() {
                ChangeTag::Equal => (' ', "same"),
                ChangeTag::Insert => ('+', "added"),
                ChangeTag::Delete => ('-', "removed"),
            };
            let text = change.value().trim_end_matches(['\n', '\r']).to_owned();
            let number = |index: Option<usize>| index.map(|index| index + 1);
            Line { sign, class, old: number(change.old_index()), new: number(change.new_index()), text }
        })
        .collect();
    let count = |sign: char| lines.iter().filter(|line| line.sign == sign).count();
    Diff { added: count('+'), removed: count('-'), stretches: folded(lines) }
}

fn ended(text: &str) -> Cow<'_, str> {
    if text.is_empty() || text.ends_with('\n') { text.into() } else { format!("{text}\n").into() }
}

/// Folds what is far from any change.
fn folded(lines: Vec<Line>) -> Vec<Stretch> {
    let near: Vec<bool> = nearness(&lines);
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut far: Vec<Line> = Vec::new();
    for (line, near) in lines.into_iter().zip(near) {
        if !near {
            far.push(line);
            continue;
        }
        settle(&mut stretches, &mut far);
        show(&mut stretches, [line]);
    }
    settle(&mut stretches, &mut far);
    stretches
}

/// Whether each line is a change, or within sight of one.
fn nearness(lines: &[Line]) -> Vec<bool> {
    let mut near = vec![false; lines.len()];
    for (i, _) in lines.iter().enumerate().filter(|(_, line)| line.sign != ' ') {
        let around = i.saturating_sub(CONTEXT)..=i.saturating_add(CONTEXT);
        near.iter_mut().enumerate().filter(|(j, _)| around.contains(j)).for_each(|(_, near)| *near = true);
    }
    near
}

fn settle(stretches: &mut Vec<Stretch>, far: &mut Vec<Line>) {
    let far = std::mem::take(far);
    match far.len() {
        0 => {}
        1..FOLDED => show(stretches, far),
        _ => stretches.push(Stretch::Folded(far)),
    }
}

fn show(stretches: &mut Vec<Stretch>, lines: impl IntoIterator<Item = Line>) {
    match stretches.last_mut() {
        Some(Stretch::Shown(shown)) => shown.extend(lines),
        _ => stretches.push(Stretch::Shown(lines.into_iter().collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `+line`, `-line`, ` line`, and `~count` of what is folded.
    fn told(before: &str, after: &str) -> Vec<String> {
        let told = |stretch: Stretch| match stretch {
            Stretch::Shown(lines) => lines.iter().map(|line| format!("{}{}", line.sign, line.text)).collect(),
            Stretch::Folded(lines) => vec![format!("~{}", lines.len())],
        };
        lines(before, after).stretches.into_iter().flat_map(told).collect()
    }

    fn numbered(count: usize) -> String {
        (1..=count).map(|n| format!("{n}\n")).collect()
    }

    #[test]
    fn long_unchanged_stretches_are_folded() {
        let before = numbered(20);
        let after = before.replace("10\n", "ten\n");
        assert_eq!(told(&before, &after), ["~6", " 7", " 8", " 9", "-10", "+ten", " 11", " 12", " 13", "~7"]);
        let both = after.replace("16\n", "");
        let shown = told(&before, &both);
        assert_eq!(shown.iter().filter(|line| line.starts_with('~')).count(), 1, "{shown:?}");
    }

    #[test]
    fn lines_are_numbered_on_both_sides() {
        let diff = lines("a\nb\n", "a\nc\nb");
        assert_eq!((diff.added, diff.removed), (1, 0), "the end of the last line does not count");
        let Some(Stretch::Shown(shown)) = diff.stretches.first() else { panic!("{diff:?}") };
        assert_eq!((shown[0].old, shown[0].new), (Some(1), Some(1)));
        assert!(shown.iter().any(|line| line.sign == '+' && line.old.is_none() && line.new == Some(2)));
    }

    #[test]
    fn a_text_that_appears_or_goes_is_all_added_or_removed() {
        assert_eq!(told("", "a\nb\n"), ["+a", "+b"]);
        assert_eq!(told("a\n", ""), ["-a"]);
        assert_eq!(told("a\n", "a\n"), [" a"]);
    }
}
