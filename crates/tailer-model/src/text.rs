//! Macros for types whose text form is the API's: written through `Display`, read through `FromStr`.
//!
//! One place decides how such a type looks in JSON, so that a status is never spelt two ways.

/// Serializes through `Display`, deserializes through `FromStr`.
macro_rules! as_text {
    ($t:ty) => {
        impl serde::Serialize for $t {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $t {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// An enum with one text per variant.
macro_rules! text_enum {
    ($(#[$m:meta])* $vis:vis enum $name:ident { $($(#[$vm:meta])* $v:ident = $s:literal),+ $(,)? }) => {
        $(#[$m])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $vis enum $name { $($(#[$vm])* $v),+ }

        #[allow(dead_code, reason = "the same for every enum, used or not")]
        impl $name {
            $vis const ALL: &'static [Self] = &[$(Self::$v),+];

            #[must_use]
            $vis fn as_str(self) -> &'static str {
                match self { $(Self::$v => $s),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|v| v.as_str() == s).ok_or_else(|| {
                    format!("expected one of {}", [$($s),+].join(", "))
                })
            }
        }

        impl $crate::text::Choice for $name {
            const CHOICES: &'static [(&'static str, Self)] = &[$(($s, Self::$v)),+];
        }
    };
}

/// A parameter that takes one of a few words.
pub(crate) trait Choice: Copy + 'static {
    /// Every word with its value, in the order of the documentation.
    const CHOICES: &'static [(&'static str, Self)];
}

pub(crate) use {as_text, text_enum};
