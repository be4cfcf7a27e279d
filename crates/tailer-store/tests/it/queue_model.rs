//! The queue against a model of it: whatever happens in whatever order, claims give the oldest runs that the limits allow, and
//! the counters agree with the runs.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tailer_model::{RunId, RunStatus, SubStatus};
use tailer_store::{ConfigurationKey, Durability, StoreError, Tx, configurations, runs};

use crate::common::{Bench, at, run_of, table, version_of};

const CONFIGURATIONS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    Create { of: usize },
    Claim { limit: usize, max_running: usize },
    Finish { which: usize },
    Cancel { which: usize },
    SetStatus { which: usize, status: RunStatus },
    SetFlags { of: usize, activated: bool, archived: bool },
    Redeploy { of: usize, max_active_runs: u32 },
    TakeOver,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let of = 0..CONFIGURATIONS;
    let which = 0..40usize;
    let status = prop::sample::select(RunStatus::ALL);
    let step = prop_oneof![
        6 => of.clone().prop_map(|of| Step::Create { of }),
        4 => (0..5usize, 0..6usize).prop_map(|(limit, max_running)| Step::Claim { limit, max_running }),
        3 => which.clone().prop_map(|which| Step::Finish { which }),
        1 => which.clone().prop_map(|which| Step::Cancel { which }),
        1 => (which, status).prop_map(|(which, status)| Step::SetStatus { which, status }),
        1 => (of.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(of, activated, archived)| Step::SetFlags { of, activated, archived }),
        1 => (of, 1..4u32).prop_map(|(of, max_active_runs)| Step::Redeploy { of, max_active_runs }),
        1 => Just(Step::TakeOver),
    ];
    prop::collection::vec(step, 1..60)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Queued,
    Running { fence: i64 },
    Ended,
}

#[derive(Debug)]
struct Run {
    id: RunId,
    of: usize,
    phase: Phase,
    outcome: (RunStatus, SubStatus),
}

/// What ought to be.
#[derive(Debug)]
struct Model {
    keys: Vec<ConfigurationKey>,
    /// Activated, not archived; max_active_runs.
    may: [(bool, u32); CONFIGURATIONS],
    runs: Vec<Run>,
}

impl Model {
    fn running(&self, of: Option<usize>) -> usize {
        let counts = |run: &&Run| matches!(run.phase, Phase::Running { .. }) && of.is_none_or(|of| run.of == of);
        self.runs.iter().filter(counts).count()
    }

    /// The plainest way to say who is next: look at all runs, oldest first, one at a time.
    fn claim(&mut self, limit: usize, max_running: usize) -> Vec<RunId> {
        let mut given = Vec::new();
        for n in 0..self.runs.len() {
            let of = self.runs[n].of;
            let (active, max) = self.may[of];
            let free = self.running(Some(of)) < max as usize && self.running(None) < max_running;
            if given.len() < limit && self.runs[n].phase == Phase::Queued && active && free {
                self.runs[n].phase = Phase::Running { fence: 1 };
                self.runs[n].outcome = (RunStatus::Running, SubStatus::Running);
                given.push(self.runs[n].id.clone());
            }
        }
        given
    }

    fn apply(&mut self, tx: &mut Tx<'_>, step: Step) -> Result<(), StoreError> {
        let ended = |run: &mut Run, outcome| (run.phase, run.outcome) = (Phase::Ended, outcome);
        match step {
            Step::Create { of } => {
                let run = run_of(self.keys[of], at(0));
                runs::create(tx, &run)?;
                let outcome = (RunStatus::Running, SubStatus::Queued);
                self.runs.push(Run { id: run.run_id, of, phase: Phase::Queued, outcome });
            }
            Step::Claim { limit, max_running } => {
                let given: Vec<_> = runs::claim(tx, "w", at(1), at(16), limit, max_running, runs::Place::Home)?
                    .into_iter()
                    .map(|run| run.run_id)
                    .collect();
                assert_eq!(given, self.claim(limit, max_running));
            }
            Step::Finish { which } => {
                let Some(run) = self.runs.get_mut(which) else { return Ok(()) };
                let fence = if let Phase::Running { fence } = run.phase { fence } else { 1 };
                let outcome = (RunStatus::Success, SubStatus::Warning);
                let done = runs::finish(tx, &run.id, fence, outcome.0, outcome.1, None, at(2))?;
                assert_eq!(done, matches!(run.phase, Phase::Running { .. }));
                if done {
                    ended(run, outcome);
                }
            }
            Step::Cancel { which } => {
                let Some(run) = self.runs.get_mut(which) else { return Ok(()) };
                runs::request_cancel(tx, &run.id, at(3))?;
                if run.phase == Phase::Queued {
                    ended(run, (RunStatus::Failed, SubStatus::Cancelled));
                }
            }
            Step::SetStatus { which, status } => {
                let Some(run) = self.runs.get_mut(which) else { return Ok(()) };
                assert!(runs::set_status(tx, &run.id, status, at(4))?);
                if run.phase == Phase::Ended || status != RunStatus::Running {
                    ended(run, (status, status.as_str().parse().unwrap()));
                }
            }
            Step::SetFlags { of, activated, archived } => {
                configurations::set_flags(tx, self.keys[of], Some(activated), Some(archived), "ada", at(5))?;
                self.may[of].0 = activated && !archived;
            }
            Step::Redeploy { of, max_active_runs } => {
                configurations::deploy(tx, &version(of, max_active_runs))?;
                self.may[of] = (true, max_active_runs);
            }
            Step::TakeOver => {
                let taken = runs::take_over(tx, "w", at(100), at(16), 100, runs::Place::Home)?;
                assert_eq!(taken.len(), self.running(None));
                for run in &mut self.runs {
                    if let Phase::Running { fence } = &mut run.phase {
                        *fence += 1;
                    }
                }
            }
        }
        Ok(())
    }

    fn check_counters(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let mut expect = BTreeMap::<_, u64>::new();
        for run in &self.runs {
            *expect.entry(run.outcome).or_default() += 1;
        }
        let counted = runs::counts(tx)?.into_iter().map(|(status, sub_status, n)| ((status, sub_status), n));
        assert_eq!(counted.collect::<BTreeMap<_, _>>(), expect);
        for run in &self.runs {
            let row = runs::get(tx, &run.id)?.unwrap();
            assert_eq!((row.status, row.sub_status), run.outcome);
            assert_eq!(row.end.is_some(), run.phase == Phase::Ended);
        }
        Ok(())
    }
}

fn version(of: usize, max_active_runs: u32) -> configurations::NewVersion {
    configurations::NewVersion { max_active_runs, ..version_of(table(&format!("{of}_DEV"))) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_does_what_its_model_does(steps in steps()) {
        let bench = Bench::new();
        let keys = (0..CONFIGURATIONS).map(|of| bench.deploy(version(of, 1)).key).collect();
        let mut model = Model { keys, may: [(true, 1); CONFIGURATIONS], runs: Vec::new() };
        bench
            .0
            .write_blocking::<_, StoreError>(Durability::Relaxed, move |tx| {
                for step in steps {
                    model.apply(tx, step)?;
                    model.check_counters(tx)?;
                }
                Ok(())
            })
            .unwrap();
    }
}
