//! Checksums while content streams by: only those that somebody can compare with.

use std::fmt;

use md5::{Digest as _, Md5};

use crate::Checksums;

/// Computes checksums chunk by chunk.
#[derive(Clone, Default)]
pub struct Checksummer {
    md5: Option<Md5>,
    crc32c: Option<u32>,
}

impl fmt::Debug for Checksummer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checksummer").field("crc32c", &self.crc32c).finish_non_exhaustive()
    }
}

impl Checksummer {
    /// Computes the cheapest checksum that `known` has, or none when it has none.
    #[must_use]
    pub fn comparable_with(known: &Checksums) -> Self {
        match known {
            Checksums { crc32c: Some(_), .. } => Self { md5: None, crc32c: Some(0) },
            Checksums { md5: Some(_), .. } => Self { md5: Some(Md5::new()), crc32c: None },
            _ => Self::default(),
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(crc32c) = &mut self.crc32c {
            *crc32c = crc32c::crc32c_append(*crc32c, bytes);
        }
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
    }

    /// What was computed of all bytes taken.
    #[must_use]
    pub fn finish(self) -> Checksums {
        Checksums { md5: self.md5.map(|md5| md5.finalize().into()), crc32c: self.crc32c }
    }
}

impl Checksums {
    /// Whether nothing that both know differs. Two that know nothing in common agree.
    #[must_use]
    pub fn agree(&self, other: &Self) -> bool {
        fn same<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
            one.zip(other).is_none_or(|(one, other)| one == other)
        }
        same(self.md5, other.md5) && same(self.crc32c, other.crc32c)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5_OF_ABC: [u8; 16] =
        [0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0, 0xd6, 0x96, 0x3f, 0x7d, 0x28, 0xe1, 0x7f, 0x72];
    const CRC32C_OF_ABC: u32 = 0x364b_3fb7;

    #[test]
    fn only_what_can_be_compared_is_computed() {
        let check = |known: Checksums, expect: Checksums| {
            let mut sum = Checksummer::comparable_with(&known);
            sum.update(b"a");
            sum.update(b"");
            sum.update(b"bc");
            assert_eq!(sum.finish(), expect, "{known:?}");
        };
        let none = Checksums::default();
        let (md5, crc32c) = (Some([0; 16]), Some(0));
        check(none, none);
        check(Checksums { md5, crc32c: None }, Checksums { md5: Some(MD5_OF_ABC), crc32c: None });
        check(Checksums { md5: None, crc32c }, Checksums { md5: None, crc32c: Some(CRC32C_OF_ABC) });
        check(Checksums { md5, crc32c }, Checksums { md5: None, crc32c: Some(CRC32C_OF_ABC) });
    }

    #[test]
    fn what_only_one_side_knows_is_no_difference() {
        let check = |one: (Option<u8>, Option<u32>), other: (Option<u8>, Option<u32>), expect: bool| {
            let sums = |(md5, crc32c): (Option<u8>, Option<u32>)| Checksums { md5: md5.map(|b| [b; 16]), crc32c };
            assert_eq!(sums(one).agree(&sums(other)), expect, "{one:?} {other:?}");
        };
        check((None, None), (Some(1), Some(1)), true);
        check((Some(1), None), (None, Some(1)), true);
        check((Some(1), Some(2)), (Some(1), None), true);
        check((Some(1), Some(2)), (Some(1), Some(3)), false);
        check((Some(1), None), (Some(2), None), false);
    }
}
