//! Fills the constants of a context into a configuration and the files that it names (`spec/semantics.md`, Contexts).
//!
//! `"{{name}}"` as a whole JSON string becomes the constant's value, whatever its type; `{{name}}` inside a string or a
//! file is written out, which integers, floats and strings can be. Filled text is not looked at again, so a constant may
//! hold `{{FD_DATE}}`. `{{FD_ACCOUNT}}`, `{{FD_ENV}}` and `{{FD_CONTEXT}}` are the context's own; other names that start with
//! `FD_`, and `TEMPLATE_CURRENT_DATE`, are left alone. No problem quotes a value: a constant may be a secret.

mod bare;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use bare::quote_bare;

use crate::{
    AccountId, Configuration, Environment, Problem, Problems,
    configuration::{FileKind, mentions},
    json::{self, member},
    operation::Definition,
    suggest,
    template::{Piece, pieces},
};

/// Names that only the server's own rules give a meaning.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with("FD_") || name == "TEMPLATE_CURRENT_DATE"
}

/// Names that every context has a value for.
pub(crate) const OF_THE_CONTEXT: [&str; 3] = ["FD_ACCOUNT", "FD_ENV", "FD_CONTEXT"];

/// The account that an id such as `000099_context_dev` starts with.
#[must_use]
pub fn account_of(context: &str) -> Option<AccountId> {
    context.split_once('_')?.0.parse().ok()
}

/// The constants of one version of a context.
#[derive(Clone, PartialEq)]
pub struct Constants {
    account: AccountId,
    environment: Environment,
    context: String,
    values: BTreeMap<String, Value>,
}

impl std::fmt::Debug for Constants {
    /// Names only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Constants").field("context", &self.id()).field("names", &self.values.keys()).finish()
    }
}

/// A configuration and its files, filled.
#[derive(Clone, PartialEq)]
pub struct Filled {
    /// JSON text. The configuration id is the deployed one, but for the environment suffix of its kind.
    pub document: String,
    /// By the name in the filled configuration.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl std::fmt::Debug for Filled {
    /// Without what was filled in.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filled").field("files", &self.files.keys()).finish_non_exhaustive()
    }
}

/// What stands in the place of a name.
enum Filling<'a> {
    Value(&'a Value),
    /// A reserved name: stays.
    Alone,
    Unknown(String),
}

impl Constants {
    /// Those of a context; `None` for any other kind of configuration.
    #[must_use]
    pub fn of(configuration: &Configuration) -> Option<Self> {
        let Definition::Context(context) = &configuration.definition else { return None };
        let header = &configuration.header;
        let values = context.parameters.iter().map(|p| (p.name.clone(), p.value.clone())).collect();
        Some(Self::new(header.account.clone(), header.environment, header.configuration_id.clone(), values))
    }

    /// From names and values that need no checking: the names of files in a view of a context, where secrets are hidden.
    #[must_use]
    pub fn new(
        account: AccountId,
        environment: Environment,
        context: String,
        mut values: BTreeMap<String, Value>,
    ) -> Self {
        let own = [account.as_str(), environment.as_str(), &context].map(Value::from);
        values.extend(OF_THE_CONTEXT.map(str::to_owned).into_iter().zip(own));
        Self { account, environment, context, values }
    }

    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// `000099_context_dev`: as `--context` names it, and what deployed ids start with.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}_{}", self.account, self.context)
    }

    /// Fills a configuration's JSON text and its files, which come by their names before or after filling. Errors are
    /// every unknown constant, and every one that a text cannot hold, at its place.
    ///
    /// # Errors
    /// `None` when there is anything wrong: then there are errors among the problems.
    #[must_use]
    pub fn fill(&self, text: &str, files: &BTreeMap<String, Vec<u8>>) -> (Option<Filled>, Problems) {
        let mut problems = Problems::default();
        let Some(document) = json::parse(text, &mut problems) else { return (None, problems) };
        let mut document = self.fill_value(&document, "$", &mut problems);
        let mut by_name: BTreeMap<String, BTreeSet<FileKind>> = BTreeMap::new();
        for mention in mentions(&document) {
            by_name.entry(mention.name).or_default().insert(mention.kind);
        }
        let filled = files.iter().map(|(name, content)| {
            let name = self.fill_name(name);
            let kinds = by_name.get(&name).cloned().unwrap_or_default();
            let content = self.fill_file(&name, content, &kinds, &mut problems);
            (name, content)
        });
        let files = filled.collect();
        self.check_identity(&document, &mut problems);
        self.rename(&mut document);
        let good = problems.errors.is_empty();
        (good.then(|| Filled { document: pretty(&document), files }), problems)
    }

    /// The files that a configuration names, as far as its constants are known here.
    #[must_use]
    pub fn file_names(&self, document: &Value) -> BTreeSet<String> {
        let document = self.fill_value(document, "$", &mut Problems::default());
        mentions(&document).into_iter().map(|mention| mention.name).collect()
    }

    /// A context serves its own account only, since its constants may be secrets. One of another environment may well be
    /// shared.
    fn check_identity(&self, document: &Value, problems: &mut Problems) {
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        if text("account").is_some_and(|account| account != self.account.as_str()) {
            problems.error("$.account", format!("the context {} serves its own account only", self.id()));
        }
        if let Some(environment) = text("environment").filter(|environment| *environment != self.environment.as_str()) {
            let message = format!("the context {} is of {}, this is of {environment}", self.id(), self.environment);
            problems.warn("$.environment", message);
        }
    }

    /// The id that the operation is deployed under.
    fn rename(&self, document: &mut Value) {
        if let Some(Value::String(id)) = document.get_mut("configuration_id") {
            *id = format!("{}_{id}", self.id());
        }
    }

    fn fill_value(&self, value: &Value, path: &str, problems: &mut Problems) -> Value {
        match value {
            Value::String(text) => self.fill_string(text, path, problems),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                Value::Array(items.map(|(i, item)| self.fill_value(item, &format!("{path}[{i}]"), problems)).collect())
            }
            Value::Object(map) => {
                let filled =
                    map.iter().map(|(name, item)| (name.clone(), self.fill_value(item, &member(path, name), problems)));
                Value::Object(filled.collect())
            }
            other => other.clone(),
        }
    }

    fn fill_string(&self, text: &str, path: &str, problems: &mut Problems) -> Value {
        if let Some(name) = texts::whole_name(text) {
            return match self.filling(name) {
                Filling::Value(value) => value.clone(),
                Filling::Alone => Value::from(text),
                Filling::Unknown(message) => {
                    problems.error(path, message);
                    Value::from(text)
                }
            };
        }
        let (filled, wrong) = self.fill_text(text);
        for slip in wrong {
            slip.file_under(problems, Problem::at(path, slip.message()));
        }
        Value::from(filled)
    }

    fn fill_name(&self, name: &str) -> String {
        self.fill_text(name).0
    }

    fn fill_file(&self, name: &str, content: &[u8], kinds: &BTreeSet<FileKind>, problems: &mut Problems) -> Vec<u8> {
        let in_file = |problem: Problem| Problem { file: Some(name.to_owned()), ..problem };
        // What is no text is said by the check of files.
        let Ok(text) = std::str::from_utf8(content) else { return content.to_vec() };
        if kinds.iter().any(|kind| matches!(kind, FileKind::CreateDdl | FileKind::LoadDdl)) {
            let Ok(document) = serde_json::from_str::<Value>(&quote_bare(text)) else { return content.to_vec() };
            let mut found = Problems::default();
            let filled = self.fill_value(&document, "$", &mut found);
            found.errors.into_iter().for_each(|problem| problems.add(false, in_file(problem)));
            found.warnings.into_iter().for_each(|problem| problems.add(true, in_file(problem)));
            return pretty(&filled).into_bytes();
        }
        if kinds.is_empty() {
            return content.to_vec();
        }
        let (filled, wrong) = self.fill_text(text);
        for slip in wrong {
            let (line, column) = texts::place(text, slip.offset);
            let problem = Problem { line: Some(line), column: Some(column), ..Problem::at("$", slip.message()) };
            // Nothing runs on documentation.
            let slip = if kinds.contains(&FileKind::Sql) { slip } else { slip.harmless() };
            slip.file_under(problems, in_file(problem));
        }
        filled.into_bytes()
    }

    /// The text with its names written out, and the first of each name for which that cannot be done.
    fn fill_text<'t>(&self, text: &'t str) -> (String, Vec<texts::Slip<'t>>) {
        let mut filled = String::with_capacity(text.len());
        let mut slips: Vec<texts::Slip<'t>> = Vec::new();
        let mut offset = 0;
        for piece in pieces(text) {
            let length = texts::length(piece);
            match piece {
                Piece::Text(plain) => {
                    slips.extend(texts::spaced(plain, offset, |name| self.values.contains_key(name)));
                    filled.push_str(plain);
                }
                Piece::Name(name) => match self.written(name) {
                    Ok(value) => filled.push_str(&value),
                    Err(message) => {
                        filled.push_str(text.get(offset..offset + length).unwrap_or_default());
                        slips.extend(message.map(|message| texts::Slip::error(name, offset, message)));
                    }
                },
            }
            offset += length;
        }
        let mut seen = BTreeSet::new();
        slips.retain(|slip| seen.insert(slip.name));
        (filled, slips)
    }

    /// The value as text. `Err(None)`: the name stays as it is.
    fn written(&self, name: &str) -> Result<String, Option<String>> {
        let what = match self.filling(name) {
            Filling::Value(Value::String(text)) => return Ok(text.clone()),
            Filling::Value(Value::Number(number)) => return Ok(number.to_string()),
            Filling::Value(Value::Bool(_)) => "a boolean",
            Filling::Value(_) => "an object",
            Filling::Alone => return Err(None),
            Filling::Unknown(message) => return Err(Some(message)),
        };
        Err(Some(format!(
            "the constant {{{{{name}}}}} is {what}: inside a text only integers, floats and strings can stand; alone, as \
             \"{{{{{name}}}}}\", it can be the value of a parameter"
        )))
    }

    fn filling(&self, name: &str) -> Filling<'_> {
        match self.values.get(name) {
            Some(value) => Filling::Value(value),
            None if is_reserved(name) => Filling::Alone,
            None => {
                let hint = suggest::hint(name, self.values.keys().map(String::as_str));
                Filling::Unknown(format!(
                    "unknown constant {{{{{name}}}}}: the context {} has none of this name{hint}",
                    self.id()
                ))
            }
        }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

#[cfg(test)]
mod tests;
