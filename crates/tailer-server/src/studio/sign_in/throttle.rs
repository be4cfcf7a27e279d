//! How often somebody may guess: by name and address together, by address, and by name from everywhere.

use std::{collections::HashMap, net::IpAddr};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

/// Kept at once; beyond it those with nothing against them are forgotten, and all when there are none.
const REMEMBERED: usize = 20_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Pair(String, IpAddr),
    Address(IpAddr),
    Name(String),
}

impl Key {
    /// Attempts at once, and the seconds after which there is one more.
    fn allowed(&self) -> (i64, i64) {
        match self {
            Self::Pair(..) => (5, 30),
            Self::Address(_) => (30, 5),
            Self::Name(_) => (50, 10),
        }
    }
}

/// Instants at which all attempts made so far will have been paid for.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<Key, Timestamp>>);

impl Throttle {
    /// Counts an attempt.
    ///
    /// # Errors
    /// Seconds until the next one is allowed; then nothing is counted.
    pub(super) fn attempt(&self, name: &str, address: IpAddr, now: Timestamp) -> Result<(), u64> {
        let keys = [Key::Pair(name.to_owned(), address), Key::Address(address), Key::Name(name.to_owned())];
        let mut paid = self.0.lock();
        if paid.len() + keys.len() > REMEMBERED {
            paid.retain(|_, at| *at > now);
            if paid.len() + keys.len() > REMEMBERED {
                paid.clear();
            }
        }
        let after = |key: &Key| {
            let (_, seconds) = key.allowed();
            let from = paid.get(key).copied().unwrap_or(now).max(now);
            from.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(from)
        };
        let next: Vec<Timestamp> = keys.iter().map(after).collect();
        let wait = keys.iter().zip(&next).map(|(key, at)| {
            let (burst, seconds) = key.allowed();
            at.duration_since(now).as_secs() - burst * seconds
        });
        if let Some(wait) = wait.max().filter(|wait| *wait > 0) {
            return Err(wait.unsigned_abs());
        }
        paid.extend(keys.into_iter().zip(next));
        Ok(())
    }

    /// The attempt was right: whoever made it may start afresh.
    pub(super) fn forgive(&self, name: &str, address: IpAddr) {
        self.0.lock().remove(&Key::Pair(name.to_owned(), address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_are_counted_by_name_and_address() {
        let throttle = Throttle::default();
        let now = Timestamp::UNIX_EPOCH;
        let [here, there]: [IpAddr; 2] = ["10.0.0.1", "10.0.0.2"].map(|ip| ip.parse().unwrap());
        for _ in 0..5 {
            assert_eq!(throttle.attempt("ana", here, now), Ok(()));
        }
        assert_eq!(throttle.attempt("ana", here, now), Err(30));
        assert_eq!(throttle.attempt("ana", there, now), Ok(()), "the real one is elsewhere");
        assert_eq!(throttle.attempt("bob", here, now), Ok(()));
        assert_eq!(throttle.attempt("ana", here, now + SignedDuration::from_secs(30)), Ok(()));
        throttle.forgive("ana", here);
        assert_eq!(throttle.attempt("ana", here, now + SignedDuration::from_secs(30)), Ok(()));
        let guesses = (0..100).filter(|n| throttle.attempt(&n.to_string(), there, now).is_ok()).count();
        assert_eq!(guesses, 29, "one address, many names");
    }
}
