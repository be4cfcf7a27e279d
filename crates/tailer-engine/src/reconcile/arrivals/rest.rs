//! Which files rest: those that nobody writes to any more, as far as size and modification tell.
//!
//! Where the storage's clock is ours, a file's modification says how long it has rested. Where it is another's (SFTP, or a file
//! whose modification lies ahead of us), only two sights of the same version do. Only files that do not rest yet are remembered, and
//! not more than [`REMEMBERED`]: the others wait for a later look.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use tailer_storage::{ObjectMeta, ObjectPath};

/// Files remembered at once: with long names about 10 MB.
const REMEMBERED: usize = 50_000;

#[derive(Debug)]
pub(super) struct Resting {
    /// How long a file must rest.
    rest: Duration,
    /// Modifications are told by this machine's clock.
    own_clock: bool,
    remembered: usize,
    files: HashMap<ObjectPath, Sight>,
    /// Files found that were not remembered because there were too many.
    overflowed: bool,
    looks: u64,
}

#[derive(Debug)]
struct Sight {
    version: String,
    due: Timestamp,
    /// The last look that saw it.
    look: u64,
}

impl Resting {
    pub(super) fn new(rest: Duration, own_clock: bool) -> Self {
        Self { rest, own_clock, remembered: REMEMBERED, files: HashMap::new(), overflowed: false, looks: 0 }
    }

    /// A look at the whole folder begins.
    pub(super) fn begin_look(&mut self) {
        self.looks += 1;
        self.overflowed = false;
    }

    /// The look has seen the whole folder: what it has not seen is gone.
    pub(super) fn end_look(&mut self) {
        let look = self.looks;
        self.files.retain(|_, sight| sight.look == look);
    }

    /// Whether a file that is seen now rests. One that does is not remembered any more.
    pub(super) fn rests(&mut self, file: &ObjectMeta, now: Timestamp) -> bool {
        let due = |since: Timestamp| since.checked_add(self.rest).unwrap_or(now);
        let due = if self.own_clock && file.modified <= now {
            due(file.modified)
        } else {
            match self.files.get(&file.path) {
                Some(before) if before.version == file.version => before.due,
                _ => due(now),
            }
        };
        if due <= now {
            self.files.remove(&file.path);
            return true;
        }
        if self.files.len() < self.remembered || self.files.contains_key(&file.path) {
            let sight = Sight { version: file.version.clone(), due, look: self.looks };
            self.files.insert(file.path.clone(), sight);
        } else {
            self.overflowed = true;
        }
        false
    }

    /// It is gone.
    pub(super) fn forget(&mut self, file: &ObjectPath) {
        self.files.remove(file);
    }

    /// When a file may rest that does not yet.
    pub(super) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let later = self.overflowed.then(|| now.checked_add(self.rest).unwrap_or(now));
        self.files.values().map(|sight| sight.due).chain(later).min()
    }

    /// The files that may rest by now; `None` when a look at the whole folder is needed.
    pub(super) fn due(&self, now: Timestamp) -> Option<Vec<ObjectPath>> {
        let due = self.files.iter().filter(|(_, sight)| sight.due <= now);
        (!self.overflowed).then(|| due.map(|(path, _)| path.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use tailer_storage::Checksums;

    use super::*;

    const START: Timestamp = Timestamp::constant(1_700_000_000, 0);

    fn at(seconds: i64) -> Timestamp {
        START + SignedDuration::from_secs(seconds)
    }

    fn file(name: &str, version: &str, modified: i64) -> ObjectMeta {
        ObjectMeta {
            path: ObjectPath::parse(name).unwrap(),
            size: 1,
            version: version.into(),
            modified: at(modified),
            checksums: Checksums::default(),
        }
    }

    /// Sights of one file as `(second, version, modified)`, each with whether it rests then. It must rest for 10 s.
    fn check(own_clock: bool, sights: &[(i64, &str, i64, bool)]) {
        let mut resting = Resting::new(Duration::from_secs(10), own_clock);
        for (now, version, modified, expect) in sights {
            assert_eq!(resting.rests(&file("a", version, *modified), at(*now)), *expect, "{now} of {sights:?}");
        }
    }

    #[test]
    fn a_file_rests_when_its_version_does() {
        check(true, &[(0, "1", -10, true)]);
        check(true, &[(0, "1", -9, false), (1, "1", -9, true)]);
        check(true, &[(0, "1", -5, false), (6, "2", 4, false), (14, "2", 4, true)]);
        // Ahead of our clock: the first sight counts.
        check(true, &[(0, "1", 100, false), (9, "1", 100, false), (10, "1", 100, true)]);
        check(true, &[(0, "1", 100, false), (9, "2", 200, false), (18, "2", 200, false), (19, "2", 200, true)]);
        // Another's clock says nothing.
        check(false, &[(0, "1", -3600, false), (9, "1", -3600, false), (10, "1", -3600, true)]);
        check(
            false,
            &[(0, "1", -3600, false), (9, "2", -3590, false), (12, "2", -3590, false), (19, "2", -3590, true)],
        );
    }

    #[test]
    fn only_what_does_not_rest_is_remembered_and_not_too_much() {
        let mut resting = Resting::new(Duration::from_secs(10), false);
        resting.remembered = 2;
        resting.begin_look();
        for name in ["a", "b", "c"] {
            assert!(!resting.rests(&file(name, "1", 0), at(0)));
        }
        resting.end_look();
        assert_eq!((resting.files.len(), resting.next(at(0)), resting.due(at(10))), (2, Some(at(10)), None));

        resting.begin_look();
        assert!(resting.rests(&file("a", "1", 0), at(10)));
        assert!(!resting.rests(&file("c", "1", 0), at(10)), "seen, but not remembered");
        resting.end_look();
        assert_eq!(resting.due(at(20)), Some(vec![ObjectPath::parse("c").unwrap()]), "b is gone");
        resting.forget(&ObjectPath::parse("c").unwrap());
        assert_eq!((resting.next(at(20)), resting.due(at(20))), (None, Some(Vec::new())));
    }
}
