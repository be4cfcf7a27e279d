//! How many requests of a transfer are on their way at once: many, so that distance costs once and not for each block; few on
//! a slow line, where the last of many would wait for its answer until it counts as lost.

use std::time::{Duration, Instant};

/// With the usual blocks 4 MiB: what a line with 100 ms there and back needs for 40 MB/s.
const MOST: usize = 32;
const AT_FIRST: usize = 8;

/// An answer that takes longer says that the line is full.
const LONG: Duration = Duration::from_secs(4);

/// See the module.
#[derive(Debug)]
pub(super) struct Window(usize);

impl Window {
    pub(super) fn new() -> Self {
        Self(AT_FIRST)
    }

    /// Requests that there may be.
    pub(super) fn size(&self) -> usize {
        self.0
    }

    /// Learns from the answer to a request.
    pub(super) fn answered(&mut self, sent: Instant) {
        self.0 = if sent.elapsed() > LONG { (self.0 / 2).max(1) } else { (self.0 + 1).min(MOST) };
    }

    /// The connection was lost, perhaps because answers were late.
    pub(super) fn lost(&mut self) {
        self.0 = (self.0 / 4).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_line() {
        let mut window = Window::new();
        let now = Instant::now();
        for _ in 0..100 {
            window.answered(now);
        }
        assert_eq!(window.size(), MOST);
        let long_ago = now.checked_sub(2 * LONG).unwrap();
        for _ in 0..10 {
            window.answered(long_ago);
        }
        assert_eq!(window.size(), 1);
        window.lost();
        window.answered(now);
        assert_eq!(window.size(), 2);
    }
}
