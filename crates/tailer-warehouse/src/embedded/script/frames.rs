//! Variables: scopes of blocks within the frame of a procedure or of the script itself.

use super::system::System;
use crate::{
    Query,
    googlesql::{Constant, Variables},
};

#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: Constant,
}

/// What one procedure, or the script, sees.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// The procedure's name; empty for the script.
    pub(super) procedure: String,
    pub(super) project: String,
    pub(super) dataset: Option<String>,
    /// Innermost block last.
    pub(super) scopes: Vec<Vec<Variable>>,
}

impl Frame {
    pub(super) const fn empty() -> Self {
        Self { procedure: String::new(), project: String::new(), dataset: None, scopes: Vec::new() }
    }

    pub(super) fn of_script(query: &Query) -> Self {
        Self {
            project: query.project.clone(),
            dataset: query.dataset.clone(),
            scopes: vec![Vec::new()],
            ..Self::empty()
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<&Constant> {
        let mut all = self.scopes.iter().rev().flatten();
        all.find(|variable| variable.name.eq_ignore_ascii_case(name)).map(|variable| &variable.value)
    }

    /// Enters a variable; `false` when the name is taken, here or in a scope around.
    pub(super) fn declare(&mut self, name: &str, value: Constant) -> bool {
        let is_free = self.find(name).is_none();
        if is_free && let Some(scope) = self.scopes.last_mut() {
            scope.push(Variable { name: name.to_owned(), value });
        }
        is_free
    }

    pub(super) fn set(&mut self, name: &str, value: Constant) {
        let mut all = self.scopes.iter_mut().rev().flatten();
        if let Some(variable) = all.find(|variable| variable.name.eq_ignore_ascii_case(name)) {
            variable.value = value;
        }
    }
}

/// All names at one place of a script.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) frame: &'a Frame,
    pub(super) system: &'a System,
    /// Of `EXECUTE IMMEDIATE … USING`, with their `@`.
    pub(super) parameters: &'a [Variable],
}

impl Variables for Sight<'_> {
    fn find(&self, name: &str) -> Option<&Constant> {
        if name.starts_with('@') {
            let parameter = self.parameters.iter().find(|p| p.name.eq_ignore_ascii_case(name));
            return parameter.map(|p| &p.value).or_else(|| self.system.find(name));
        }
        self.frame.find(name)
    }

    fn names(&self) -> Vec<&str> {
        self.frame.scopes.iter().flatten().map(|variable| variable.name.as_str()).collect()
    }
}
