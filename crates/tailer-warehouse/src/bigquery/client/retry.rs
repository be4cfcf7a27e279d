//! How often and after which wait a request is sent again. The random part is injected.

use std::{fmt, sync::Arc, time::Duration};

/// Whoever asks for a longer wait than this is not waited for.
const LONGEST_ASKED: Duration = Duration::from_secs(120);

/// Waits grow twofold up to a ceiling and are drawn at random below it, so that many clients do not come back at once.
#[derive(Clone)]
pub struct Retries {
    /// After so many failures the failure is final.
    pub most: u32,
    pub first: Duration,
    pub longest: Duration,
    /// From 0 (no wait) to 1 (all of it).
    draw: Arc<dyn Fn() -> f64 + Send + Sync>,
}

impl Retries {
    #[must_use]
    pub fn new(most: u32, first: Duration, longest: Duration, draw: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self { most, first, longest, draw: Arc::new(draw) }
    }

    /// [`Self::wait`], or as long as BigQuery asks for.
    pub(crate) fn pause(&self, failures: u32, asked: Option<Duration>) -> Duration {
        self.wait(failures).max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }

    /// Before trying again after so many failures.
    pub(crate) fn wait(&self, failures: u32) -> Duration {
        let doubled = self.first.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        doubled.min(self.longest).mul_f64((self.draw)().clamp(0.0, 1.0))
    }
}

impl Default for Retries {
    /// About two minutes altogether.
    fn default() -> Self {
        // The random half of a version 4 UUID is as good a die as any.
        let draw = || 0.5 + f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX) / 2.0;
        Self::new(9, Duration::from_millis(250), Duration::from_secs(32), draw)
    }
}

impl fmt::Debug for Retries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retries").field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_ceiling() {
        let check = |draw: f64, failures: u32, expect: u64| {
            let retries = Retries::new(9, Duration::from_millis(100), Duration::from_secs(1), move || draw);
            assert_eq!(retries.wait(failures), Duration::from_millis(expect), "{draw} {failures}");
        };
        check(1.0, 1, 100);
        check(1.0, 3, 400);
        check(1.0, 5, 1000);
        check(1.0, 4_000_000, 1000);
        check(0.5, 2, 100);
        check(0.0, 9, 0);
    }

    #[test]
    fn what_is_asked_for_is_waited() {
        let retries = Retries::new(9, Duration::from_millis(100), Duration::from_secs(10), || 1.0);
        let check = |failures: u32, asked: Option<u64>, expect: u64| {
            let asked = asked.map(Duration::from_secs);
            assert_eq!(retries.pause(failures, asked), Duration::from_millis(expect), "{failures} {asked:?}");
        };
        check(1, None, 100);
        check(1, Some(2), 2000);
        check(7, Some(2), 6400);
        check(1, Some(1_000_000), 120_000);
    }
}
