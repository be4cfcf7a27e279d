//! Places for tasks: how many this server executes at once, over all its runs (`max_running_tasks`).
//!
//! A run asks for one place at a time and is served in its turn, so one with many tasks does not keep others from going on. An
//! attempt keeps its place until it ends; a task that waits for its next attempt has none.

use std::{future::pending, pin::Pin, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of a server.
#[derive(Debug, Default)]
pub(crate) struct Places(Option<(Arc<Semaphore>, usize)>);

/// A place, held until it is dropped.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "held for what dropping it does")] Option<OwnedSemaphorePermit>);

/// A run's share of them.
#[derive(Default)]
pub(super) struct Share {
    held: Vec<Place>,
    asked: Option<Pin<Box<dyn Future<Output = Place> + Send + Sync>>>,
}

impl Places {
    /// So many, or as many as anybody wants.
    pub(crate) fn new(most: Option<usize>) -> Self {
        Self(most.map(|most| (Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))), most)))
    }

    /// Why a run waits for one, in words for a person.
    pub(super) fn reason(&self) -> String {
        let most = self.0.as_ref().map_or(0, |(_, most)| *most);
        format!("waits for another task to end: this server runs {most} at once (max_running_tasks)")
    }
}

impl Share {
    /// Places for so many tasks, or for fewer: then it asks for the next one.
    pub(super) fn take(&mut self, places: &Places, wanted: usize) -> Vec<Place> {
        let Some((semaphore, _)) = &places.0 else { return (0..wanted).map(|_| Place(None)).collect() };
        let mut taken = Vec::new();
        while taken.len() < wanted {
            let free = || semaphore.clone().try_acquire_owned().ok().map(|permit| Place(Some(permit)));
            let Some(place) = self.held.pop().or_else(free) else {
                let semaphore = semaphore.clone();
                self.asked.get_or_insert_with(|| Box::pin(async { Place(semaphore.acquire_owned().await.ok()) }));
                return taken;
            };
            taken.push(place);
        }
        // Nothing is wanted any more: what comes now is for others.
        self.asked = None;
        self.held.clear();
        taken
    }

    /// Whether it has asked for a place and not got it.
    pub(super) fn is_waiting(&self) -> bool {
        self.asked.is_some()
    }

    /// Waits for the place asked for; for ever when none is. Nothing is lost when it is dropped.
    pub(super) async fn arrive(&mut self) {
        let Some(asked) = &mut self.asked else { return pending().await };
        let place = asked.await;
        self.asked = None;
        self.held.push(place);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn runs_are_served_one_place_at_a_time_in_their_turn() {
        let places = Places::new(Some(2));
        let (mut one, mut other) = (Share::default(), Share::default());
        let mut running = one.take(&places, 5);
        assert_eq!((running.len(), one.is_waiting()), (2, true));
        assert!(one.arrive().now_or_never().is_none(), "in the queue");
        assert!(other.take(&places, 1).is_empty() && other.arrive().now_or_never().is_none());
        running.pop();
        assert!(other.arrive().now_or_never().is_none(), "it asked later");
        assert!(one.arrive().now_or_never().is_some());
        running.extend(one.take(&places, 3));
        assert_eq!((running.len(), one.is_waiting()), (2, true));
        running.pop();
        assert!(one.arrive().now_or_never().is_none(), "it has its turn after the other");
        assert!(other.arrive().now_or_never().is_some());
        assert_eq!((other.take(&places, 1).len(), other.is_waiting()), (1, false));
    }

    #[test]
    fn whoever_wants_no_more_lets_others_pass() {
        let places = Places::new(Some(1));
        let (mut one, mut other) = (Share::default(), Share::default());
        let running = one.take(&places, 2);
        assert!(one.arrive().now_or_never().is_none());
        assert!(one.take(&places, 0).is_empty());
        drop(running);
        assert_eq!(other.take(&places, 1).len(), 1);
    }

    #[test]
    fn without_a_bound_nobody_waits() {
        let mut share = Share::default();
        assert_eq!(share.take(&Places::new(None), 1000).len(), 1000);
        assert!(!share.is_waiting());
    }
}
