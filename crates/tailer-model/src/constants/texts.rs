//! Names in texts with their places, and what is wrong with them.

use crate::{
    Problem, Problems,
    template::{Piece, pieces},
};

/// A name that cannot be filled as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slip<'t> {
    pub(super) name: &'t str,
    /// In bytes, where its braces begin.
    pub(super) offset: usize,
    message: String,
    /// Said, but no reason to refuse.
    harmless: bool,
}

impl<'t> Slip<'t> {
    pub(super) fn error(name: &'t str, offset: usize, message: String) -> Self {
        Self { name, offset, message, harmless: false }
    }

    pub(super) fn harmless(self) -> Self {
        Self { harmless: true, ..self }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// Adds the problem to the errors or to the warnings.
    pub(super) fn file_under(&self, problems: &mut Problems, problem: Problem) {
        problems.add(self.harmless, problem);
    }
}

/// The name of a text that is nothing but `{{name}}`.
pub(super) fn whole_name(text: &str) -> Option<&str> {
    match pieces(text).as_slice() {
        [Piece::Name(name)] => Some(name),
        _ => None,
    }
}

/// How many bytes of the text a piece was.
pub(super) fn length(piece: Piece<'_>) -> usize {
    match piece {
        Piece::Text(plain) => plain.len(),
        Piece::Name(name) => name.len() + 4,
    }
}

/// `{{ name }}` of a name that is known: it was meant, and is not replaced. `offset` is where the stretch begins.
pub(super) fn spaced<'t>(plain: &'t str, offset: usize, known: impl Fn(&str) -> bool) -> Vec<Slip<'t>> {
    let mut found = Vec::new();
    for (at, _) in plain.match_indices("{{") {
        let after = plain.get(at + 2..).unwrap_or_default().trim_start_matches(' ');
        let (name, rest) = after.split_at(after.find([' ', '{', '}']).unwrap_or(after.len()));
        if known(name) && rest.trim_start_matches(' ').starts_with("}}") {
            let message = format!("write {{{{{name}}}}} without spaces: with them it is not replaced");
            found.push(Slip::error(name, offset + at, message).harmless());
        }
    }
    found
}

/// One-based line and column (in characters) of a byte offset.
pub(super) fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
