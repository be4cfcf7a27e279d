//! Group commit: one thread owns the writing connection and commits, together, all decisions that wait at the moment.
//!
//! While one commit syncs, new decisions gather; the next commit takes all of them. There is no timer: a lone decision never
//! waits for company, and under load many launches share one sync. Each decision runs inside a savepoint of its own, so
//! one that fails, or panics, takes back its own writes and nobody else's. Decisions run in the order in which they were asked
//! for, and nobody is answered before the commit.

use std::{
    any::Any,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::Receiver,
};

use crate::{Durability, StoreError, Tx, database::Database};

/// Decisions per commit, so that the first of a flood is not kept waiting for all of it.
const LARGEST_GROUP: usize = 512;

/// A closure with its answer, its types hidden from the thread that runs it.
pub(crate) trait Decision: Send {
    /// Runs it; answers whether what it wrote is kept.
    fn decide(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Answers whoever asked: with the closure's own result, or with the error that kept it from becoming durable.
    fn answer(self: Box<Self>, recorded: Result<(), StoreError>);
}

/// The one implementation of [`Decision`].
pub(crate) struct Pending<F, T, E, A> {
    decide: Option<F>,
    result: Option<Result<T, E>>,
    answer: A,
}

impl<F, T, E, A> Pending<F, T, E, A> {
    pub(crate) fn new(decide: F, answer: A) -> Self {
        Self { decide: Some(decide), result: None, answer }
    }
}

impl<F, T, E, A> Decision for Pending<F, T, E, A>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
    A: FnOnce(Result<T, E>) + Send,
{
    fn decide(&mut self, tx: &mut Tx<'_>) -> bool {
        let Some(decide) = self.decide.take() else { return false };
        // The closure's state is gone after a panic, and the savepoint takes its writes back: nothing broken stays in sight.
        let result = catch_unwind(AssertUnwindSafe(|| decide(tx)))
            .unwrap_or_else(|panic| Err(StoreError::Internal(words(panic.as_ref())).into()));
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, recorded: Result<(), StoreError>) {
        let result = match (self.result, recorded) {
            (Some(Err(own)), _) => Err(own),
            (_, Err(e)) => Err(e.into()),
            (Some(ok), Ok(())) => ok,
            (None, Ok(())) => Err(StoreError::Internal("a decision was answered before it was made".into()).into()),
        };
        (self.answer)(result);
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a decision panicked: {}", text.unwrap_or("no message"))
}

/// A decision on its way to the writer.
pub(crate) struct Job {
    pub(crate) durability: Durability,
    pub(crate) decision: Box<dyn Decision>,
}

/// Serves jobs until the last sender is gone.
pub(crate) fn run(database: &mut dyn Database, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let mut group = VecDeque::from([first]);
        group.extend(jobs.try_iter().take(LARGEST_GROUP - 1));
        commit(database, group);
    }
}

/// Commits a group, in one transaction unless the database gives one up halfway: then those before get the error, and the rest
/// another transaction.
fn commit(database: &mut dyn Database, mut group: VecDeque<Job>) {
    let durability = if group.iter().any(|job| job.durability == Durability::Synced) {
        Durability::Synced
    } else {
        Durability::Relaxed
    };
    while !group.is_empty() {
        let mut decided = Vec::with_capacity(group.len());
        let recorded = transaction(database, durability, &mut group, &mut decided);
        if decided.is_empty() {
            // It could not even begin: nor will it for the others of this group.
            decided.extend(group.drain(..).map(|job| (job, Ok(()))));
        }
        for (job, own) in decided {
            job.decision.answer(own.and(recorded.clone()));
        }
    }
}

/// Moves decisions from `group` to `decided` and commits them. An error is everyone's in `decided`; the result beside a job is its
/// own.
fn transaction(
    database: &mut dyn Database,
    durability: Durability,
    group: &mut VecDeque<Job>,
    decided: &mut Vec<(Job, Result<(), StoreError>)>,
) -> Result<(), StoreError> {
    database.begin(durability)?;
    while let Some(mut job) = group.pop_front() {
        let own = decide(database, &mut job);
        decided.push((job, own));
        if let Some(error) = database.lost() {
            return Err(error);
        }
    }
    database.commit()
}

fn decide(database: &mut dyn Database, job: &mut Job) -> Result<(), StoreError> {
    database.begin_decision()?;
    let keep = job.decision.decide(&mut Tx::new(database));
    if database.lost().is_some() {
        return Ok(());
    }
    database.end_decision(keep)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::{settings, sqlite::Connected, tx::Session};

    /// A job that sets `name` to `length` bytes, and where its answer comes.
    fn job(name: &'static str, length: usize) -> (Job, mpsc::Receiver<Result<(), StoreError>>) {
        let (answer, answered) = mpsc::channel();
        let decide = move |tx: &mut Tx<'_>| settings::set(tx, name, &"x".repeat(length));
        let decision = Box::new(Pending::new(decide, move |result| drop(answer.send(result))));
        (Job { durability: Durability::Synced, decision }, answered)
    }

    fn is_set(database: &mut dyn Database, name: &str) -> bool {
        settings::get(&mut Tx::new(database), name).unwrap().is_some()
    }

    #[test]
    fn when_the_disk_is_full_answers_and_records_agree() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Connected::open_writer(&folder.path().join("tailerd.db")).unwrap();
        let pages =
            Tx::new(&mut database).query_one("PRAGMA page_count", &[], |row| row.take::<i64>()).unwrap().unwrap();
        // Room for small rows, not for a large one: to SQLite that is a full disk.
        database.query(&format!("PRAGMA max_page_count = {}", pages + 10), &[], &mut |_| Ok(true)).unwrap();

        let names = ["before", "large", "after"];
        let (jobs, answers): (VecDeque<_>, Vec<_>) =
            [job("before", 1), job("large", 1 << 20), job("after", 1)].into_iter().unzip();
        commit(&mut database, jobs);
        for (name, answered) in names.into_iter().zip(answers) {
            let answer = answered.recv().unwrap();
            assert_eq!(answer.is_ok(), is_set(&mut database, name), "{name}: {answer:?}");
            assert!(name != "large" || answer == Err(StoreError::Full), "{answer:?}");
            assert!(name != "after" || answer.is_ok(), "those who come after are not concerned: {answer:?}");
        }
    }

    #[test]
    fn when_no_transaction_can_begin_everyone_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Connected::open_writer(&folder.path().join("tailerd.db")).unwrap();
        database.begin(Durability::Synced).unwrap();
        let (jobs, answers): (VecDeque<_>, Vec<_>) = [job("a", 1), job("b", 1)].into_iter().unzip();
        commit(&mut database, jobs);
        for answered in answers {
            assert!(matches!(answered.recv().unwrap(), Err(StoreError::Database(_))));
        }
    }
}
