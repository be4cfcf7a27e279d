//! Opens secrets, whatever their form, at the moment of use.
//!
//! Whoever may deploy chooses what `{"env"}` and `{"file"}` name, and where the opened value is then sent. So a configuration
//! is given only what the server's owner put there for configurations: variables named `TAILERD_SECRET_…` or listed in
//! the setting `secrets.env`, and files below the folder `secrets.files` (by default `DATA/secrets`). The server's own
//! settings are its owner's and may name anything.

use std::{
    collections::BTreeSet,
    fs::File,
    io::Read as _,
    path::{Component, Path, PathBuf},
};

use serde_json::{Map, Value};
use tailer_model::Secret;

use super::{
    SecretError,
    envelope::{Envelope, MAX_MESSAGE},
    keys::KeyFolder,
};
use crate::{data_folder::DataFolder, settings::Settings};

/// Variables of this prefix are for configurations.
pub(super) const VARIABLE_PREFIX: &str = "TAILERD_SECRET_";

/// What configurations may refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretRules {
    /// Variables beside those of the prefix.
    pub(crate) variables: BTreeSet<String>,
    /// The folder of files for configurations.
    pub(crate) files: PathBuf,
}

/// Who named a variable or a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Author {
    /// Whoever may deploy.
    Configuration,
    /// The server's owner.
    Setting,
}

/// See the module. Cheap to clone; holds no key.
#[derive(Debug, Clone)]
pub(crate) struct SecretOpener {
    keys: KeyFolder,
    rules: SecretRules,
}

impl SecretOpener {
    pub(crate) fn new(keys: KeyFolder, rules: SecretRules) -> Self {
        Self { keys, rules }
    }

    /// With the keys of a data folder and the rules of its settings.
    pub(crate) fn of(folder: &DataFolder, settings: &Settings) -> Self {
        let files = settings.secret_files.clone().unwrap_or_else(|| folder.secrets());
        let rules = SecretRules { variables: settings.secret_variables.clone(), files };
        Self::new(KeyFolder::new(folder.keys()), rules)
    }

    /// Opens a secret of a configuration: encrypted, `{"env": NAME}`, `{"file": path}` (relative to the folder of
    /// secret files), or a plain string, which is taken as it is. One line end at the end of a secret is not part of
    /// it: editors and `echo` put it there.
    ///
    /// # Errors
    /// What is wrong and what to do about it, without anything secret.
    pub(crate) fn open(&self, value: &Value) -> Result<Secret<Vec<u8>>, SecretError> {
        self.open_for(Author::Configuration, value)
    }

    /// The same for a value of the server's own settings, which may name every variable and every file; relative paths
    /// are relative to the working folder.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_setting(&self, value: &Value) -> Result<Secret<Vec<u8>>, SecretError> {
        self.open_for(Author::Setting, value)
    }

    fn open_for(&self, author: Author, value: &Value) -> Result<Secret<Vec<u8>>, SecretError> {
        let opened = match value {
            Value::String(plain) => return Ok(Secret::new(plain.clone().into_bytes())),
            Value::Object(map) => match (sole(map, "env"), sole(map, "file")) {
                (Some(name), _) => self.variable(author, name)?,
                (_, Some(path)) => self.file(author, path)?,
                _ if map.contains_key("env") || map.contains_key("file") => return Err(SecretError::NotASecret),
                _ => self.decrypt(&Envelope::parse(map)?)?,
            },
            _ => return Err(SecretError::NotASecret),
        };
        Ok(without_line_end(opened))
    }

    /// Tries every key of the folder: the form does not say for which it was made.
    fn decrypt(&self, envelope: &Envelope) -> Result<Secret<Vec<u8>>, SecretError> {
        let keys = self.keys.private_keys()?;
        if keys.is_empty() {
            return Err(SecretError::NoKey(self.keys.path().to_owned()));
        }
        for key in &keys {
            if let Some(message) = envelope.open(key)? {
                return Ok(message);
            }
        }
        Err(SecretError::WrongKey(self.keys.path().to_owned()))
    }

    fn variable(&self, author: Author, name: &str) -> Result<Secret<Vec<u8>>, SecretError> {
        let allowed =
            author == Author::Setting || name.starts_with(VARIABLE_PREFIX) || self.rules.variables.contains(name);
        if !allowed {
            return Err(SecretError::VariableNotAllowed(name.to_owned()));
        }
        // `var` panics on no name, but an "=" or a NUL in it is no variable either.
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        value.map(|v| Secret::new(v.into_bytes())).ok_or_else(|| SecretError::VariableMissing(name.to_owned()))
    }

    fn file(&self, author: Author, path: &str) -> Result<Secret<Vec<u8>>, SecretError> {
        let path = match author {
            Author::Setting => PathBuf::from(path),
            Author::Configuration => below(&self.rules.files, path).ok_or_else(|| SecretError::FileNotAllowed {
                path: path.chars().filter(|c| !c.is_control()).take(200).collect(),
                folder: self.rules.files.clone(),
            })?,
        };
        read(&path)
    }
}

/// The text of the only member, when it has this name.
fn sole<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let text = map.get(name)?.as_str()?;
    (map.len() == 1 && !text.is_empty()).then_some(text)
}

/// `path` below `folder`, given as relative to it or as absolute; `None` when it leads elsewhere.
fn below(folder: &Path, path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    let relative = if path.is_absolute() { path.strip_prefix(folder).ok()? } else { path };
    let mut parts = relative.components().peekable();
    parts.peek()?;
    parts.all(|part| matches!(part, Component::Normal(_))).then(|| folder.join(relative))
}

fn read(path: &Path) -> Result<Secret<Vec<u8>>, SecretError> {
    let failed = |source| SecretError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(failed(std::io::Error::other("not a regular file")));
    }
    let mut bytes = Vec::new();
    file.take(MAX_MESSAGE as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_MESSAGE {
        return Err(SecretError::TooLarge);
    }
    Ok(Secret::new(bytes))
}

fn without_line_end(secret: Secret<Vec<u8>>) -> Secret<Vec<u8>> {
    let bytes = secret.expose();
    let Some(line) = bytes.strip_suffix(b"\n") else { return secret };
    Secret::new(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
}
