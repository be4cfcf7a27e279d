//! Collecting and firing against a plain model of them, beside the real engine on a real store: successes (late ones too), resets,
//! deployments with other job ids, workflow and target disabled and enabled, the reconciler, in every order.
//!
//! Why this and not `loom` or `stateright`: every decision is one transaction and the store takes one writer at a time, so two
//! servers can only interleave whole decisions. What can happen is therefore the set of orders of the decisions, and
//! that set is small enough to walk with the real code, where a checker of threads or messages would need a copy of it. Three looks:
//! long random sequences, all orders of chosen sets, and sets let go at once on two servers, whose outcome must be that
//! of some order. The random ones begin with the same seed everywhere; a sequence that once failed is kept as a named
//! set in [`sets`], not as a file of seeds.

mod house;

use house::{Case, House};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

/// Jobs that a workflow may await.
const JOBS: usize = 3;

/// One decision of somebody.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    /// A run of the job ends well, `ago` seconds before that is recorded.
    Success {
        job: usize,
        ago: i64,
    },
    Reset,
    /// With these jobs, in this order; enables too, as deployments do.
    Redeploy(Vec<usize>),
    Workflow(bool),
    Target(bool),
    Reconcile,
}

use Step::{Reconcile, Redeploy, Reset, Success, Target, Workflow};

/// An awaited job: since when, and the step whose run has arrived.
#[derive(Debug, Clone, PartialEq)]
struct Awaited {
    job: usize,
    since: i64,
    arrived: Option<usize>,
}

/// What ought to be. Runs are named by the step that made them.
#[derive(Debug, Clone, PartialEq)]
struct Model {
    activated: bool,
    target: bool,
    awaited: Vec<Awaited>,
    firings: Vec<Vec<usize>>,
}

/// What is seen of a workflow from outside: flags, awaited jobs with what arrived, firings.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    activated: bool,
    target: bool,
    awaited: Vec<(usize, Option<usize>)>,
    firings: Vec<Vec<usize>>,
}

impl Model {
    /// A workflow just deployed that awaits the first two jobs.
    fn new(now: i64) -> Self {
        let awaited = (0..2).map(|job| Awaited { job, since: now, arrived: None }).collect();
        Self { activated: true, target: true, awaited, firings: Vec::new() }
    }

    fn fire(&mut self) {
        let arrived: Option<Vec<usize>> = self.awaited.iter().map(|a| a.arrived).collect();
        let Some(set) = arrived.filter(|_| self.activated && self.target) else { return };
        self.firings.push(set);
        self.forget();
    }

    fn forget(&mut self) {
        for awaited in &mut self.awaited {
            awaited.arrived = None;
        }
    }

    fn apply(&mut self, number: usize, step: &Step, now: i64) {
        match step {
            Success { job, ago } => {
                let Some(awaited) = self.awaited.iter_mut().find(|a| a.job == *job && self.activated) else { return };
                if awaited.since <= now - ago {
                    awaited.arrived = Some(number);
                }
                self.fire();
            }
            Reset => self.forget(),
            Redeploy(jobs) => {
                let kept = |job| self.awaited.iter().find(|a| a.job == job).cloned();
                let new = |job| Awaited { job, since: now, arrived: None };
                self.awaited = jobs.iter().map(|job| kept(*job).unwrap_or_else(|| new(*job))).collect();
                self.activated = true;
            }
            Workflow(on) => self.activated = *on,
            Target(on) => self.target = *on,
            Reconcile => self.fire(),
        }
    }

    fn seen(&self) -> Seen {
        Seen {
            activated: self.activated,
            target: self.target,
            awaited: self.awaited.iter().map(|a| (a.job, a.arrived)).collect(),
            firings: self.firings.clone(),
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let jobs = prop::sample::subsequence((0..JOBS).collect::<Vec<_>>(), 1..=JOBS).prop_shuffle();
    prop_oneof![
        8 => (0..JOBS, prop_oneof![3 => Just(0i64), 1 => 1..6i64]).prop_map(|(job, ago)| Success { job, ago }),
        1 => Just(Reset),
        2 => jobs.prop_map(Redeploy),
        2 => any::<bool>().prop_map(Workflow),
        2 => any::<bool>().prop_map(Target),
        2 => Just(Reconcile),
    ]
}

/// Looks at `cases` values, the same ones each time.
fn check<S: Strategy>(cases: u32, strategy: &S, mut look: impl FnMut(S::Value)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    // The runner shares its closure between threads that it does not have here.
    let look = std::cell::RefCell::new(&mut look);
    let outcome = runner.run(strategy, |value| {
        (look.borrow_mut())(value);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// All orders of the numbers below `count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![Vec::new()] };
    let with_last = |order: Vec<usize>| {
        (0..=order.len()).map(move |place| {
            let mut order = order.clone();
            order.insert(place, last);
            order
        })
    };
    orders(last).into_iter().flat_map(with_last).collect()
}

/// Takes the steps one after the other, and looks after each.
async fn follow(case: &Case<'_>, steps: impl Iterator<Item = (usize, &Step)>) {
    let mut model = Model::new(case.house.now());
    for (number, step) in steps {
        case.house.tick();
        case.apply(number, step).await;
        model.apply(number, step, case.house.now());
        assert_eq!(case.seen().await, model.seen(), "after {step:?}");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn any_sequence_of_decisions_does_what_the_model_does() {
    let runtime = runtime();
    let house = runtime.block_on(House::new());
    check(48, &prop::collection::vec(step(), 1..30), |steps| {
        runtime.block_on(async {
            let case = house.case().await;
            follow(&case, steps.iter().enumerate()).await;
            case.close().await;
        });
    });
}

const fn success(job: usize) -> Step {
    Success { job, ago: 0 }
}

/// Sets of which all orders are walked.
fn sets() -> [Vec<Step>; 4] {
    [
        // Two successes of one job, a reset between somewhere, and the set that they complete or not.
        vec![success(0), success(0), success(1), Reset, Reconcile],
        // Awaited no more, awaited anew, still awaited.
        vec![success(0), success(1), Redeploy(vec![1, 2]), success(2), Reconcile],
        // Disabled while completing.
        vec![success(0), success(1), Workflow(false), Workflow(true), Reconcile],
        vec![success(0), success(1), Target(false), Target(true), Redeploy(vec![0])],
    ]
}

#[test]
fn all_orders_of_a_few_decisions_do_what_the_model_does() {
    let runtime = runtime();
    let house = runtime.block_on(House::new());
    for set in sets() {
        for order in orders(set.len()) {
            runtime.block_on(async {
                let case = house.case().await;
                follow(&case, order.iter().map(|number| (*number, &set[*number]))).await;
                case.close().await;
            });
        }
    }
}

#[test]
fn decisions_at_once_on_two_servers_end_as_in_some_order() {
    let runtime = runtime();
    let house = runtime.block_on(House::new());
    let strategy = (prop::collection::vec(step(), 0..4), prop::collection::vec(step(), 2..5));
    check(40, &strategy, |(before, mut at_once)| {
        // Time stands still meanwhile: what counts is the order in which decisions are recorded.
        for step in &mut at_once {
            if let Success { ago, .. } = step {
                *ago = 0;
            }
        }
        runtime.block_on(async {
            let case = house.case().await;
            let mut model = Model::new(house.now());
            for (number, step) in before.iter().enumerate() {
                house.tick();
                case.apply(number, step).await;
                model.apply(number, step, house.now());
            }
            house.tick();
            let numbered = |n: usize| (before.len() + n, &at_once[n]);
            let racing = (0..at_once.len()).map(numbered).map(|(number, step)| case.apply(number, step));
            futures::future::join_all(racing).await;
            let outcomes: Vec<Seen> = orders(at_once.len())
                .into_iter()
                .map(|order| {
                    let mut model = model.clone();
                    for (number, step) in order.into_iter().map(numbered) {
                        model.apply(number, step, house.now());
                    }
                    model.seen()
                })
                .collect();
            let seen = case.seen().await;
            assert!(outcomes.contains(&seen), "{before:?}, then at once {at_once:?}: {seen:#?} is no order's outcome");
            case.close().await;
        });
    });
}
