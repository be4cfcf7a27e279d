//! A value that must not be shown: a token, a password, a private key.

use std::{convert::Infallible, fmt, str::FromStr};

use zeroize::Zeroize;

/// A value that neither prints nor serializes, and whose memory is wiped when it goes (`architecture.md`, invariant 9).
///
/// What [`Self::expose`] gives is out of its hands: use it at once, and copy it into nothing that prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the moment of use.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl Secret<Vec<u8>> {
    /// The same as text.
    ///
    /// # Errors
    /// `None` when it is not UTF-8; nothing of it is quoted.
    #[must_use]
    pub fn to_text(&self) -> Option<Secret<String>> {
        std::str::from_utf8(&self.0).ok().map(|text| Secret(text.to_owned()))
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(super::HIDDEN)
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl FromStr for Secret<String> {
    type Err = Infallible;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Ok(Self(s.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_print() {
        let secret: Secret<String> = "hunter2".parse().unwrap();
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "*** Some(\n    ***,\n)");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn bytes_may_be_text() {
        assert_eq!(Secret::new("é".as_bytes().to_vec()).to_text(), Some(Secret::new("é".to_owned())));
        assert_eq!(Secret::new(vec![0xff]).to_text(), None);
    }
}
