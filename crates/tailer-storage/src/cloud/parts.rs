//! Cuts content into parts for an upload, and sums it up on the way.
//!
//! A part is known to be the last one when it is handed out: some services want to hear it with the part. Sums of large
//! parts are computed on a thread that may be busy.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::StreamExt as _;
use md5::{Digest as _, Md5};

use super::payload::{Gathering, Payload};
use crate::{Checksums, Content, StorageError, WriteOptions};

/// Parts above this many bytes are summed up elsewhere.
const QUICK: u64 = 128 * 1024;

/// Which sums a service compares.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted {
    pub(super) part_md5: bool,
    pub(super) part_sha256: bool,
    pub(super) whole_md5: bool,
    pub(super) whole_crc32c: bool,
}

/// A part with the sums that were wanted of it.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) payload: Payload,
    pub(super) md5: Option<[u8; 16]>,
    pub(super) sha256: Option<[u8; 32]>,
    /// Position of its first byte in the content.
    pub(super) offset: u64,
    /// The sums of everything when this is the end.
    pub(super) whole: Option<Whole>,
}

/// All of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole {
    /// Bytes.
    pub(super) size: u64,
    pub(super) sums: Checksums,
}

/// See the module.
pub(super) struct Parts {
    content: Content,
    left: Bytes,
    sums: Sums,
    taken: u64,
    options: WriteOptions,
    location: String,
}

impl Parts {
    pub(super) fn new(content: Content, wanted: Wanted, options: WriteOptions, location: String) -> Self {
        let sums = Sums { wanted, md5: Md5::new(), crc32c: 0 };
        Self { content, left: Bytes::new(), sums, taken: 0, options, location }
    }

    /// The next `size` bytes, fewer only at the end, which is not asked for again.
    ///
    /// # Errors
    /// The content's own, and `Mismatch` as soon as its length cannot be what was announced.
    pub(super) async fn next(&mut self, size: u64) -> Result<Part, StorageError> {
        let mut gathering = Gathering::default();
        let ended = loop {
            if self.left.is_empty() {
                match self.content.next().await {
                    Some(chunk) => self.left = chunk?,
                    None => break true,
                }
                continue;
            }
            let room = usize::try_from(size - gathering.len()).unwrap_or(usize::MAX);
            if room == 0 {
                break false;
            }
            gathering.push(self.left.split_to(room.min(self.left.len())));
        };
        let payload = gathering.payload();
        let offset = self.taken;
        self.taken += payload.len();
        if ended || self.options.size.is_some_and(|size| self.taken >= size) {
            // What is left has not been counted, and is too much.
            self.options.check(self.taken + self.left.len() as u64, || self.location.clone())?;
        }
        let (sums, md5, sha256) = self.sums.clone().take(&payload).await;
        self.sums = sums;
        let whole = ended.then(|| Whole { size: self.taken, sums: self.sums.clone().finish() });
        Ok(Part { payload, md5, sha256, offset, whole })
    }
}

/// Sums of all parts so far.
#[derive(Clone)]
struct Sums {
    wanted: Wanted,
    md5: Md5,
    crc32c: u32,
}

type PartSums = (Sums, Option<[u8; 16]>, Option<[u8; 32]>);

impl Sums {
    async fn take(self, payload: &Payload) -> PartSums {
        let payload = payload.clone();
        if payload.len() > QUICK {
            let here = self.clone();
            let there = payload.clone();
            if let Ok(done) = tokio::task::spawn_blocking(move || here.add(&there)).await {
                return done;
            }
        }
        self.add(&payload)
    }

    fn add(mut self, payload: &Payload) -> PartSums {
        let mut md5 = self.wanted.part_md5.then(Md5::new);
        let mut sha256 = self.wanted.part_sha256.then(|| ring::digest::Context::new(&ring::digest::SHA256));
        for piece in payload.pieces() {
            if self.wanted.whole_md5 {
                self.md5.update(piece);
            }
            if self.wanted.whole_crc32c {
                self.crc32c = crc32c::crc32c_append(self.crc32c, piece);
            }
            if let Some(md5) = &mut md5 {
                md5.update(piece);
            }
            if let Some(sha256) = &mut sha256 {
                sha256.update(piece);
            }
        }
        let sha256 = sha256.and_then(|context| context.finish().as_ref().try_into().ok());
        (self, md5.map(|md5| md5.finalize().into()), sha256)
    }

    fn finish(self) -> Checksums {
        Checksums {
            md5: self.wanted.whole_md5.then(|| self.md5.finalize().into()),
            crc32c: self.wanted.whole_crc32c.then_some(self.crc32c),
        }
    }
}

pub(super) fn base64_of(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// `None` when it is not the base64 of that many bytes.
pub(super) fn from_base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// Sizes of the parts of one upload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    usual: u64,
    most_parts: u64,
    announced: Option<u64>,
}

impl Sizes {
    /// `usual`: bytes, where the number of parts allows it. `most_parts`: of the service.
    pub(super) fn new(usual: u64, most_parts: u64, announced: Option<u64>) -> Self {
        Self { usual, most_parts, announced }
    }

    /// Bytes of part `number`, from 0. Content of a known size gets equal parts, as few as the limit demands; parts of content
    /// of unknown size double ten times on the way to the limit.
    pub(super) fn of(&self, number: u64) -> u64 {
        const MIB: u64 = 1024 * 1024;
        match self.announced {
            Some(size) => self.usual.max(size.div_ceil(self.most_parts).next_multiple_of(MIB)),
            None => self.usual << (number * 10 / self.most_parts).min(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    const ALL: Wanted = Wanted { part_md5: true, part_sha256: true, whole_md5: true, whole_crc32c: true };

    fn parts(text: &'static str, announced: Option<u64>) -> Parts {
        let chunks = text.as_bytes().chunks(3).map(|chunk| Ok(Bytes::from_static(chunk))).collect::<Vec<_>>();
        let options = WriteOptions { size: announced, ..WriteOptions::default() };
        Parts::new(stream::iter(chunks).boxed(), ALL, options, "s3://b/a".to_owned())
    }

    async fn cut(text: &'static str, size: u64) -> Vec<Part> {
        let mut parts = parts(text, Some(text.len() as u64));
        let mut all = Vec::new();
        loop {
            all.push(parts.next(size).await.unwrap());
            if all.last().unwrap().whole.is_some() {
                return all;
            }
        }
    }

    #[tokio::test]
    async fn the_last_part_is_known_as_such() {
        for (text, size, expect) in [
            ("", 4, vec![""]),
            ("abc", 4, vec!["abc"]),
            ("abcd", 4, vec!["abcd"]),
            ("abcdefgh", 4, vec!["abcd", "efgh"]),
            ("abcdefghi", 4, vec!["abcd", "efgh", "i"]),
        ] {
            let cut = cut(text, size).await;
            let texts: Vec<_> =
                cut.iter().map(|part| String::from_utf8(part.payload.pieces().concat()).unwrap()).collect();
            assert_eq!(texts, expect);
            let offsets: Vec<u64> = cut.iter().map(|part| part.offset).collect();
            assert_eq!(offsets, (0..expect.len() as u64).map(|n| n * size).collect::<Vec<_>>());
            let whole = cut.last().unwrap().whole.unwrap();
            assert_eq!(whole.size, text.len() as u64);
            assert_eq!(whole.sums.crc32c, Some(crc32c::crc32c(text.as_bytes())));
            assert_eq!(whole.sums.md5, Some(Md5::digest(text).into()));
            assert_eq!(cut[0].md5, Some(Md5::digest(expect[0]).into()));
            let sha256 = ring::digest::digest(&ring::digest::SHA256, expect[0].as_bytes());
            assert_eq!(cut[0].sha256.unwrap(), sha256.as_ref());
        }
    }

    #[tokio::test]
    async fn another_length_is_noticed_before_the_last_part() {
        for announced in [7, 9, 4, 0] {
            let mut parts = parts("abcdefgh", Some(announced));
            let error = loop {
                match parts.next(4).await {
                    Ok(part) => assert!(part.whole.is_none(), "{announced}"),
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, StorageError::Mismatch { .. }), "{error}");
        }
    }

    #[test]
    fn five_terabytes_fit_the_number_of_parts() {
        const MIB: u64 = 1024 * 1024;
        let check = |announced: Option<u64>, most: u64, first: u64, room: u64| {
            let sizes = Sizes::new(8 * MIB, most, announced);
            assert_eq!(sizes.of(0), first, "{announced:?}");
            let all: u64 = (0..most).map(|number| sizes.of(number)).sum();
            assert!(all >= room, "{announced:?}: {all}");
        };
        let five_terabytes = 5_000_000_000_000;
        check(Some(0), 10_000, 8 * MIB, 0);
        check(Some(2 << 30), 10_000, 8 * MIB, 2 << 30);
        check(Some(five_terabytes), 10_000, 477 * MIB, five_terabytes);
        check(Some(five_terabytes), 50_000, 96 * MIB, five_terabytes);
        check(None, 10_000, 8 * MIB, five_terabytes);
    }
}
