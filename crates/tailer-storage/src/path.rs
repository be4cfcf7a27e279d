//! Paths inside a storage: validated once, so that no implementation has to distrust a name.
//!
//! An [`ObjectPath`] is relative and cannot climb: what it names lies in its bucket by construction. It promises nothing
//! about the object's existence, nor that a local folder holds no symbolic link on the way (`local` looks after those).

use std::fmt;

/// Longest path in bytes: the limit of the object stores.
pub const MAX_PATH_BYTES: usize = 1024;
/// Longest segment in bytes: the limit of Linux file systems.
pub const MAX_SEGMENT_BYTES: usize = 255;

/// A relative path of `/`-separated segments; the empty path is the bucket itself.
///
/// No `.`, `..` or empty segment, no control character (NUL among them), no backslash, every segment at most
/// [`MAX_SEGMENT_BYTES`] and the whole at most [`MAX_PATH_BYTES`] bytes long.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectPath(String);

/// What is wrong with a path, in words for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PathError(pub String);

impl ObjectPath {
    /// Slashes at both ends are trimmed: people write prefixes as `incoming/` as well as `/incoming`.
    ///
    /// # Errors
    /// Says what is wrong with the path.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let trimmed = text.trim_matches('/');
        if trimmed.len() > MAX_PATH_BYTES {
            return Err(PathError(format!(
                "a path has at most {MAX_PATH_BYTES} bytes, this one has {}",
                trimmed.len()
            )));
        }
        if !trimmed.is_empty() {
            for segment in trimmed.split('/') {
                check_segment(segment).map_err(|wrong| PathError(format!("path {trimmed:?}: {wrong}")))?;
            }
        }
        Ok(Self(trimmed.to_owned()))
    }

    /// The bucket itself.
    #[must_use]
    pub fn root() -> Self {
        Self(String::new())
    }

    /// Without a slash at either end; empty for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The last segment; empty for the root.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Every segment in order; none for the root.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|segment| !segment.is_empty())
    }

    /// `name` below this folder; it may have several segments. An empty one is this folder again.
    ///
    /// # Errors
    /// As [`ObjectPath::parse`], for the joined path.
    pub fn join(&self, name: &str) -> Result<Self, PathError> {
        if self.is_root() { Self::parse(name) } else { Self::parse(&format!("{}/{}", self.0, name.trim_matches('/'))) }
    }

    /// The folder that holds it; the root is its own parent.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self(self.0.rsplit_once('/').map_or_else(String::new, |(folder, _)| folder.to_owned()))
    }

    /// Whether it is `folder` or lies below it, by whole segments: `ab/c` does not start with `a`.
    #[must_use]
    pub fn starts_with(&self, folder: &Self) -> bool {
        folder.is_root() || self.0.strip_prefix(&folder.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_segment(segment: &str) -> Result<(), String> {
    match segment {
        "" => return Err("an empty segment between two slashes".to_owned()),
        "." | ".." => return Err(format!("the segment {segment:?} is not allowed")),
        _ => {}
    }
    if let Some(bad) = segment.chars().find(|c| c.is_control() || *c == '\\') {
        return Err(format!("the character {bad:?} is not allowed"));
    }
    if segment.len() > MAX_SEGMENT_BYTES {
        return Err(format!("a segment has at most {MAX_SEGMENT_BYTES} bytes, one has {}", segment.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(text: &str) -> ObjectPath {
        ObjectPath::parse(text).unwrap()
    }

    #[test]
    fn accepts_and_trims() {
        let check = |input: &str, expect: &str| assert_eq!(path(input).as_str(), expect, "{input:?}");
        check("", "");
        check("/", "");
        check("a", "a");
        check("/a/b/", "a/b");
        check("///a//", "a");
        check("...", "...");
        check(".hidden/..x", ".hidden/..x");
        check("sales 2024 (été).csv", "sales 2024 (été).csv");
        check(&"x".repeat(255), &"x".repeat(255));
    }

    #[test]
    fn refuses_with_a_reason() {
        let check = |input: &str, expect: &str| {
            let error = ObjectPath::parse(input).unwrap_err().to_string();
            assert!(error.contains(expect), "{input:?}: {error}");
        };
        check("..", "\"..\" is not allowed");
        check("a/../b", "\"..\" is not allowed");
        check("a/./b", "\".\" is not allowed");
        check("a//b", "empty segment");
        check("a\\b", "'\\\\' is not allowed");
        check("a\0b", "'\\0' is not allowed");
        check("a\nb", "'\\n' is not allowed");
        check("a\u{85}b", "is not allowed");
        check(&"x".repeat(256), "at most 255 bytes");
        check(&"é".repeat(128), "at most 255 bytes");
        check(&"abc/".repeat(300), "at most 1024 bytes");
    }

    #[test]
    fn takes_paths_apart() {
        assert_eq!(path("a/b/c.csv").name(), "c.csv");
        assert_eq!(path("a/b/c.csv").parent(), path("a/b"));
        assert_eq!(path("a").parent(), ObjectPath::root());
        assert_eq!(ObjectPath::root().parent(), ObjectPath::root());
        assert_eq!(ObjectPath::root().name(), "");
        assert_eq!(ObjectPath::root().segments().count(), 0);
        assert_eq!(path("a").join("b/c").unwrap(), path("a/b/c"));
        assert_eq!(path("a").join("/b/").unwrap(), path("a/b"));
        assert_eq!(path("a").join("").unwrap(), path("a"));
        assert!(path("a").join("../b").is_err());
    }

    #[test]
    fn folders_are_whole_segments() {
        let check = |inner: &str, folder: &str, expect: bool| {
            assert_eq!(path(inner).starts_with(&path(folder)), expect, "{inner} in {folder}");
        };
        check("a/b", "a", true);
        check("a", "a", true);
        check("ab", "a", false);
        check("ab/c", "a", false);
        check("a", "a/b", false);
        check("a", "", true);
        check("", "", true);
    }

    proptest! {
        /// Whatever is accepted stays below any folder that it is appended to.
        #[test]
        fn nothing_climbs(text in "\\PC{0,40}|([a./\\\\\0]{0,12})") {
            if let Ok(parsed) = ObjectPath::parse(&text) {
                let joined = std::path::Path::new("/root").join(parsed.as_str());
                let mut depth = 0;
                for component in joined.strip_prefix("/root").unwrap().components() {
                    prop_assert!(matches!(component, std::path::Component::Normal(_)));
                    depth += 1;
                }
                prop_assert_eq!(depth, parsed.segments().count());
            }
        }

        /// Parsing its own output changes nothing, and join undoes parent and name.
        #[test]
        fn parse_is_stable(text in "/?[a-c.é]{1,4}(/[a-c.é]{1,4}){0,3}/?") {
            if let Ok(parsed) = ObjectPath::parse(&text) {
                prop_assert_eq!(&ObjectPath::parse(parsed.as_str()).unwrap(), &parsed);
                prop_assert_eq!(&parsed.parent().join(parsed.name()).unwrap(), &parsed);
                prop_assert!(parsed.starts_with(&parsed.parent()));
            }
        }
    }
}
