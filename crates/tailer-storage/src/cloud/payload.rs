//! Bytes on their way out, in the pieces in which they came: sent again without being copied, and cut in two likewise.
//!
//! Pieces are shared with whoever else writes the same content, so three copies side by side hold it once. Small pieces are
//! gathered, so that a stream of lines does not become a million pieces.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};

/// Pieces below this many bytes are gathered.
const SMALL: usize = 16 * 1024;
/// What gathered pieces grow to, and the most that is handed to the connection at once, so that progress shows.
const FRAME: usize = 64 * 1024;

/// See the module. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Payload {
    pieces: Arc<Vec<Bytes>>,
    len: u64,
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self { len: text.len() as u64, pieces: Arc::new(vec![Bytes::from(text)]) }
    }
}

impl Payload {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// Without its first `skip` bytes.
    pub(super) fn without_first(&self, skip: u64) -> Self {
        let mut left = usize::try_from(skip).unwrap_or(usize::MAX);
        let mut pieces = Vec::new();
        for piece in self.pieces.iter() {
            let cut = left.min(piece.len());
            left -= cut;
            if cut < piece.len() {
                pieces.push(piece.slice(cut..));
            }
        }
        Self { pieces: Arc::new(pieces), len: self.len.saturating_sub(skip) }
    }

    /// Between a text before and a text after.
    pub(super) fn between(&self, before: String, after: String) -> Self {
        let len = self.len + before.len() as u64 + after.len() as u64;
        let pieces =
            std::iter::once(Bytes::from(before)).chain(self.pieces.iter().cloned()).chain([Bytes::from(after)]);
        Self { pieces: Arc::new(pieces.collect()), len }
    }

    /// A request's body; `progress` counts what the connection has taken.
    pub(super) fn body(&self, progress: &Arc<AtomicU64>) -> reqwest::Body {
        if self.len == 0 {
            return reqwest::Body::from(Bytes::new());
        }
        let sending = Sending {
            pieces: Arc::clone(&self.pieces),
            next: 0,
            current: Bytes::new(),
            left: self.len,
            progress: Arc::clone(progress),
        };
        reqwest::Body::wrap(sending)
    }
}

/// Gathers a payload.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    pieces: Vec<Bytes>,
    small: BytesMut,
    len: u64,
}

impl Gathering {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        self.len += piece.len() as u64;
        if piece.len() < SMALL {
            self.small.extend_from_slice(&piece);
            if self.small.len() >= FRAME {
                self.flush();
            }
        } else {
            self.flush();
            self.pieces.push(piece);
        }
    }

    pub(super) fn payload(mut self) -> Payload {
        self.flush();
        Payload { pieces: Arc::new(self.pieces), len: self.len }
    }

    fn flush(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push(std::mem::take(&mut self.small).freeze());
        }
    }
}

struct Sending {
    pieces: Arc<Vec<Bytes>>,
    next: usize,
    current: Bytes,
    left: u64,
    progress: Arc<AtomicU64>,
}

impl http_body::Body for Sending {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        while self.current.is_empty() {
            let Some(piece) = self.pieces.get(self.next).cloned() else { return Poll::Ready(None) };
            self.current = piece;
            self.next += 1;
        }
        let size = self.current.len().min(FRAME);
        let frame = self.current.split_to(size);
        self.left = self.left.saturating_sub(size as u64);
        self.progress.fetch_add(size as u64, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(pieces: &[usize]) -> Payload {
        let mut gathering = Gathering::default();
        let mut next = 0_u8;
        for size in pieces {
            let bytes: Vec<u8> = std::iter::repeat_with(|| {
                next = next.wrapping_add(1);
                next
            })
            .take(*size)
            .collect();
            gathering.push(Bytes::from(bytes));
        }
        gathering.payload()
    }

    fn bytes(payload: &Payload) -> Vec<u8> {
        payload.pieces().concat()
    }

    #[test]
    fn small_pieces_are_gathered_and_large_ones_kept() {
        let check = |pieces: &[usize], expect: usize| {
            let payload = payload(pieces);
            assert_eq!(payload.pieces().len(), expect, "{pieces:?}");
            assert_eq!(payload.len(), pieces.iter().sum::<usize>() as u64);
            assert_eq!(bytes(&payload).len() as u64, payload.len());
        };
        check(&[], 0);
        check(&[7; 100], 1);
        check(&[20_000, 20_000], 2);
        check(&[5, 20_000, 5, 5], 3);
        check(&[10_000; 20], 3);
    }

    #[test]
    fn it_is_cut_anywhere() {
        let whole = payload(&[5, 20_000, 3, 40_000]);
        for skip in [0, 1, 5, 6, 20_004, 20_005, 20_007, 20_008, 20_009, 60_007, 60_008] {
            let rest = whole.without_first(skip);
            assert_eq!(bytes(&rest), bytes(&whole)[skip as usize..], "{skip}");
            assert_eq!(rest.len(), whole.len() - skip);
        }
        assert_eq!(bytes(&payload(&[2]).between("<".into(), ">".into())), b"<\x01\x02>");
    }

    #[tokio::test]
    async fn bodies_tell_their_length_and_their_progress() {
        let progress = Arc::new(AtomicU64::new(0));
        let body = payload(&[5, 200_000]).body(&progress);
        assert_eq!(http_body::Body::size_hint(&body).exact(), Some(200_005));
        let mut body = Box::pin(body);
        let mut frames = Vec::new();
        while let Some(frame) = std::future::poll_fn(|cx| http_body::Body::poll_frame(body.as_mut(), cx)).await {
            frames.push(frame.unwrap().into_data().unwrap());
        }
        assert!(frames.iter().all(|frame| frame.len() <= FRAME) && frames.len() == 5, "{}", frames.len());
        assert_eq!(frames.concat(), bytes(&payload(&[5, 200_000])));
        assert_eq!(progress.load(Ordering::Relaxed), 200_005);
    }
}
