//! How much one principal, and all together, may ask: a token bucket for the rate and counters for what is in flight.
//!
//! A principal's [`Allowance`] hangs on its cached token, so the hot path takes one short lock that nobody else wants.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::{errors::ApiError, settings::Limits};

/// Principals remembered at once; idle ones are forgotten beyond it.
const REMEMBERED: usize = 10_000;

/// All principals' allowances.
#[derive(Debug)]
pub(crate) struct Limiter {
    limits: Limits,
    in_flight: Arc<AtomicUsize>,
    principals: Mutex<HashMap<String, Arc<Allowance>>>,
}

/// What one principal has left.
#[derive(Debug)]
pub(crate) struct Allowance {
    bucket: Mutex<Bucket>,
    in_flight: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Timestamp,
}

/// Counts a request as in flight until dropped.
#[derive(Debug)]
pub(crate) struct Permit([Arc<AtomicUsize>; 2]);

impl Drop for Permit {
    fn drop(&mut self) {
        for counter in &self.0 {
            counter.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Limiter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, in_flight: Arc::default(), principals: Mutex::default() }
    }

    /// The allowance of the principal of that name; the same one as long as anybody holds it.
    pub(crate) fn allowance(&self, principal: &str, now: Timestamp) -> Arc<Allowance> {
        let mut principals = self.principals.lock();
        if let Some(known) = principals.get(principal) {
            return Arc::clone(known);
        }
        if principals.len() >= REMEMBERED {
            principals.retain(|_, allowance| Arc::strong_count(allowance) > 1);
        }
        let bucket = Bucket { tokens: f64::from(self.limits.burst), filled: now };
        let new = Arc::new(Allowance { bucket: Mutex::new(bucket), in_flight: Arc::default() });
        principals.insert(principal.to_owned(), Arc::clone(&new));
        new
    }

    /// Lets one request in.
    ///
    /// # Errors
    /// 429 with `Retry-After` when the principal asks too fast or too much is in flight.
    pub(crate) fn admit(&self, allowance: &Allowance, now: Timestamp) -> Result<Permit, ApiError> {
        let Limits { in_flight, in_flight_per_principal, .. } = self.limits;
        let permit = Permit([Arc::clone(&allowance.in_flight), Arc::clone(&self.in_flight)]);
        let own = allowance.in_flight.fetch_add(1, Ordering::Relaxed);
        let all = self.in_flight.fetch_add(1, Ordering::Relaxed);
        if own >= in_flight_per_principal {
            return Err(ApiError::too_many_requests("too many requests of this principal are in flight", 1));
        }
        if all >= in_flight {
            return Err(ApiError::too_many_requests("the server has too many requests in flight", 1));
        }
        match allowance.bucket.lock().take(&self.limits, now) {
            Ok(()) => Ok(permit),
            Err(seconds) => {
                Err(ApiError::too_many_requests("this principal sends requests faster than its limit allows", seconds))
            }
        }
    }

    /// Requests in flight now.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }
}

impl Bucket {
    /// Takes one token, or says after how many seconds there is one.
    fn take(&mut self, limits: &Limits, now: Timestamp) -> Result<(), u64> {
        let rate = f64::from(limits.requests_per_second.max(1));
        // A clock that was set back fills nothing and takes nothing away.
        let passed = now.duration_since(self.filled).as_secs_f64().max(0.0);
        self.tokens = passed.mul_add(rate, self.tokens).min(f64::from(limits.burst.max(1)));
        self.filled = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1 token is missing")]
        let seconds = ((1.0 - self.tokens) / rate).ceil() as u64;
        Err(seconds.max(1))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use jiff::SignedDuration;

    use super::*;

    fn limiter(requests_per_second: u32, burst: u32, in_flight_per_principal: usize) -> Limiter {
        Limiter::new(Limits { requests_per_second, burst, in_flight_per_principal, in_flight: 3, connections: 1 })
    }

    #[test]
    fn a_principal_gets_its_burst_then_its_rate() {
        let limiter = limiter(2, 3, 10);
        let start = Timestamp::UNIX_EPOCH;
        let one = limiter.allowance("one", start);
        let admitted = |now, n| (0..n).filter(|_| limiter.admit(&one, now).is_ok()).count();
        assert_eq!(admitted(start, 5), 3);
        assert_eq!(admitted(start + SignedDuration::from_millis(400), 5), 0);
        assert_eq!(admitted(start + SignedDuration::from_secs(1), 5), 2);
        assert_eq!(admitted(start, 5), 0, "a clock set back gives nothing");
        let refused = limiter.admit(&limiter.allowance("one", start), start).unwrap_err();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(limiter.admit(&limiter.allowance("two", start), start).is_ok());
    }

    #[test]
    fn requests_in_flight_are_bounded_for_one_and_for_all() {
        let limiter = limiter(100, 100, 2);
        let now = Timestamp::UNIX_EPOCH;
        let (one, two) = (limiter.allowance("one", now), limiter.allowance("two", now));
        let held = [limiter.admit(&one, now).unwrap(), limiter.admit(&one, now).unwrap()];
        assert!(limiter.admit(&one, now).is_err(), "two of one");
        let third = limiter.admit(&two, now).unwrap();
        assert!(limiter.admit(&two, now).is_err(), "three of all");
        drop(held);
        drop(third);
        assert_eq!(limiter.in_flight(), 0);
        assert!(limiter.admit(&one, now).is_ok());
    }
}
