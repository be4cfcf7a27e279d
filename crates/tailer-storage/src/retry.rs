//! Pauses between attempts: longer each time, with jitter, so that many who failed together do not come back together.

use std::time::Duration;

use crate::Jitter;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(10);

/// The pauses that are left. Each is between half and the whole of twice the one before.
#[derive(Debug)]
pub(crate) struct Pauses {
    left: u32,
    next: Duration,
}

impl Pauses {
    /// `retries`: attempts after the first.
    pub(crate) fn new(retries: u32) -> Self {
        Self { left: retries, next: FIRST }
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        let whole = self.next;
        self.next = (whole * 2).min(LONGEST);
        Some(whole / 2 + whole.mul_f64(Jitter::default().draw() / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let pauses: Vec<Duration> = Pauses::new(8).collect();
        assert_eq!(pauses.len(), 8);
        let mut whole = FIRST;
        for pause in pauses {
            assert!(pause >= whole / 2 && pause <= whole, "{pause:?} of {whole:?}");
            whole = (whole * 2).min(LONGEST);
        }
        assert_eq!(Pauses::new(0).next(), None);
    }
}
