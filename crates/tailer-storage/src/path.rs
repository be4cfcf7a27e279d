//! Paths inside a storage.

use std::fmt;

// CONTRACT (helper storage): validated on construction: relative, `/`-separated, no `.`/`..`/empty segments, no NUL or control
// characters, no backslash, segments <= 255 bytes, total <= 1024 bytes. Leading and trailing slashes are trimmed. Empty = root.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectPath(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PathError(pub String);

impl ObjectPath {
    /// # Errors
    /// Says what is wrong with the path.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let _ = text;
        unimplemented!()
    }

    #[must_use]
    pub fn root() -> Self {
        Self(String::new())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    // CONTRACT: pub fn join(&self, name: &str) -> Result<Self, PathError>; pub fn parent(&self) -> Self;
    // pub fn starts_with(&self, folder: &ObjectPath) -> bool  // whole segments; everything starts with root
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
