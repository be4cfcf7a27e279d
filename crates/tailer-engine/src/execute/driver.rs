//! Takes one run through its tasks.
//!
//! Each turn is one transaction: the tasks that ended, the tasks that start, their job ids (recorded before anything is
//! submitted: invariant 6), and at the end the run's own end with what it completes. All of it is refused when the
//! fence is not ours any more; then the driver lets go without a trace. A run that was interrupted is driven the same way: what
//! is recorded as ended stays so, what was running is done again.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use tailer_model::{Criticality, RunStatus, SubStatus, TaskGraph, TaskId, TaskStatus};
use tailer_store::{
    Durability, Tx, logs,
    logs::LogLine,
    runs::{self, RunRow},
    statements, tasks,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    Executor, Plan, PlannedTask, RunContext, TaskContext,
    attempt::{self, Ended},
    executor_of, job_id, log,
    places::{Place, Share},
    progress::Progress,
    stops::Stops,
};
use crate::{
    EngineError, alerts,
    catalog::written,
    engine::{Driven, Inner},
    workflows,
};

/// Drives a run that this worker holds, on a task of its own.
pub(crate) fn spawn(inner: &Arc<Inner>, run: RunRow) {
    let cancel = CancellationToken::new();
    if run.cancel_requested {
        cancel.cancel();
    }
    let (id, fence) = (run.run_id.clone(), run.fence);
    let stops = Arc::new(Stops::default());
    inner.driven.lock().insert(id.clone(), Driven { fence, cancel: cancel.clone(), stops: stops.clone() });
    let engine = inner.clone();
    inner.tasks.spawn(async move {
        if let Err(error) = drive(&engine, run, cancel, stops).await {
            tracing::error!(run = %id, %error, "the run could not be driven; it is tried again when its lease has passed");
        }
        let mut driven = engine.driven.lock();
        if driven.get(&id).is_some_and(|d| d.fence == fence) {
            driven.remove(&id);
        }
        drop(driven);
        engine.announce(&id);
        engine.runs_changed();
    });
}

async fn drive(
    inner: &Arc<Inner>,
    run: RunRow,
    cancel: CancellationToken,
    stops: Arc<Stops>,
) -> Result<(), EngineError> {
    let (key, version, cache) = (run.configuration, run.version, inner.clone());
    let loaded = inner.parts.store.read(move |tx| cache.cache.load(tx, key, version)).await;
    let log = log::RunLog::new(inner, run.run_id.clone());
    let prepared = loaded.and_then(|loaded| {
        let executor = executor_of(run.identity.configuration_type)
            .ok_or_else(|| EngineError::Internal(format!("nothing executes a {}", run.identity.configuration_type)))?;
        let plan = select(executor.plan(&loaded, &run)?, run.tasks.as_deref());
        Ok((loaded, executor, plan))
    });
    let (loaded, executor, plan) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            let at = inner.now();
            let message = error.to_string();
            let (engine, status) = (inner.clone(), RunStatus::Failed);
            let finish = move |tx: &mut Tx<'_>| {
                if runs::finish(tx, &run.run_id, run.fence, status, SubStatus::Failed, Some(message), at)? {
                    alerts::note(&engine, tx, &run, status, at)?;
                }
                Ok::<_, EngineError>(())
            };
            return inner.parts.store.write(Durability::Relaxed, finish).await;
        }
    };
    let context = Arc::new(RunContext { inner: inner.clone(), run, loaded, log });
    let criticality = plan.tasks.iter().map(|task| task.criticality).collect();
    let progress = Progress::new(plan.graph.clone(), criticality);
    let attempts = vec![1; plan.tasks.len()];
    let limit = context.loaded.configuration.header.endurance.timeout;
    let deadline = limit.and_then(|limit| context.run.start.checked_add(limit).ok());
    let reason = context.run.reason.clone();
    let driver = Driver {
        context,
        executor,
        plan,
        progress,
        attempts,
        waiting: BTreeMap::new(),
        deadline,
        error: None,
        running: JoinSet::new(),
        tokens: BTreeMap::new(),
        share: Share::default(),
        reason,
        cancel,
        stops,
    };
    driver.drive().await
}

/// Only the tasks asked for. A task between two of them that was left out still orders them.
fn select(plan: Plan, wanted: Option<&[TaskId]>) -> Plan {
    let Some(wanted) = wanted else { return plan };
    let kept: Vec<usize> =
        (0..plan.tasks.len()).filter(|i| plan.tasks.get(*i).is_some_and(|t| wanted.contains(&t.id))).collect();
    let parents = kept
        .iter()
        .map(|task| {
            let before = |other: &usize| plan.graph.descendants(*other).contains(task);
            kept.iter().enumerate().filter(|(_, other)| before(other)).map(|(position, _)| position).collect()
        })
        .collect();
    let tasks: Vec<PlannedTask> = kept.iter().filter_map(|i| plan.tasks.get(*i).cloned()).collect();
    let ids = tasks.iter().map(|task| task.id.clone()).collect();
    Plan { tasks, graph: TaskGraph { ids, parents }, concurrency: plan.concurrency }
}

struct Driver {
    context: Arc<RunContext>,
    executor: &'static dyn Executor,
    plan: Plan,
    progress: Progress,
    attempts: Vec<u32>,
    /// Tasks that failed, and when their next attempt begins.
    waiting: BTreeMap<usize, Timestamp>,
    /// When the run has taken too long.
    deadline: Option<Timestamp>,
    /// Of the first task whose failure fails the run.
    error: Option<String>,
    running: JoinSet<Ended>,
    /// What stops each task that runs.
    tokens: BTreeMap<usize, CancellationToken>,
    /// Of the places that the server has for tasks.
    share: Share,
    /// What is recorded of why it waits.
    reason: Option<String>,
    cancel: CancellationToken,
    stops: Arc<Stops>,
}

/// What one turn records.
#[derive(Default)]
struct Turn {
    ended: Vec<Ended>,
    /// Attempts that failed, and when the next begins.
    retried: Vec<(Ended, Timestamp)>,
    skipped: Vec<usize>,
    started: Vec<usize>,
    /// Why the run waits, where that is not what is recorded.
    reason: Option<Option<String>>,
    over: bool,
}

impl Driver {
    async fn drive(mut self) -> Result<(), EngineError> {
        if !self.restore().await? {
            return Ok(());
        }
        let mut turn = Turn::default();
        loop {
            self.release();
            self.stop_tasks(&mut turn);
            turn.skipped = self.progress.skip();
            let places = self.begin(&mut turn);
            turn.over = self.progress.is_over();
            let over = turn.over;
            if over {
                self.executor.clean_up(&self.context).await;
            }
            let started = turn.started.clone();
            if !self.record(turn).await? {
                tracing::info!(run = %self.context.run.run_id, "held by another worker now: its tasks are let go");
                self.running.abort_all();
                return Ok(());
            }
            self.context.inner.announce(&self.context.run.run_id);
            if over {
                return Ok(());
            }
            for (task, place) in started.into_iter().zip(places) {
                self.start(task, place);
            }
            turn = match self.next().await {
                Some(turn) => turn,
                None => return Ok(()),
            };
        }
    }

    /// Records the plan, or finds what was recorded before an interruption. `false` when the fence is not ours.
    async fn restore(&mut self) -> Result<bool, EngineError> {
        let context = self.context.clone();
        let run = &context.run;
        if run.fence > 1 {
            let id = run.run_id.clone();
            let before = self.context.inner.parts.store.read(move |tx| tasks::list(tx, &id)).await?;
            for row in before {
                let Some(task) = self.plan.graph.position(&row.task_id) else { continue };
                let status = match row.status {
                    // What was running when its worker died is done again, as the same attempt.
                    TaskStatus::Running => TaskStatus::Pending,
                    TaskStatus::Cancelled => TaskStatus::Failed,
                    other => other,
                };
                if let Some(by) = row.cancel_wanted {
                    self.stops.want(row.task_id.clone(), by);
                }
                self.progress.set(task, status);
                if let Some(attempt) = self.attempts.get_mut(task) {
                    *attempt = row.attempt.max(1);
                }
                if let (TaskStatus::Pending, Some(due)) = (status, row.due) {
                    self.wait(task, due);
                }
                if status == TaskStatus::Failed && row.criticality.stops_run() {
                    self.error = self.error.take().or(row.error.map(|e| format!("task {}: {e}", row.task_id)));
                }
            }
            self.context.log.push("INFO", None, format!("taken over by {}", self.context.inner.parts.settings.worker));
        }
        if self.cancel.is_cancelled() {
            self.progress.stop(SubStatus::Cancelled);
        }
        if self.deadline.is_some_and(|deadline| deadline <= self.context.inner.now()) {
            self.time_out();
        }
        let planned: Vec<(TaskId, String, Criticality)> =
            self.plan.tasks.iter().map(|t| (t.id.clone(), t.task_type.clone(), t.criticality)).collect();
        let (id, fence) = (run.run_id.clone(), run.fence);
        let planned = move |tx: &mut Tx<'_>| tasks::plan(tx, &id, fence, &planned);
        Ok(self.context.inner.parts.store.write(Durability::Relaxed, planned).await?)
    }

    /// Chooses the tasks that start, as many as there are places for, and says why none runs if none does.
    fn begin(&mut self, turn: &mut Turn) -> Vec<Place> {
        turn.started = self.progress.ready(self.plan.concurrency);
        let all = &self.context.inner.places;
        let places = self.share.take(all, turn.started.len());
        turn.started.truncate(places.len());
        for task in &turn.started {
            self.progress.set(*task, TaskStatus::Running);
        }
        let idle = self.share.is_waiting() && self.running.is_empty() && places.is_empty();
        let reason = idle.then(|| all.reason());
        if reason != self.reason {
            self.reason.clone_from(&reason);
            turn.reason = Some(reason);
        }
        places
    }

    fn start(&mut self, position: usize, place: Place) {
        let (Some(task), Some(attempt)) = (self.plan.tasks.get(position), self.attempts.get(position)) else { return };
        let context = TaskContext::new(self.context.clone(), task.clone(), position, *attempt);
        let (executor, cancel) = (self.executor, self.cancel.child_token());
        self.tokens.insert(position, cancel.clone());
        self.running.spawn(async move {
            let ended = attempt::run(executor, context, cancel).await;
            drop(place);
            ended
        });
    }

    /// Lets a task wait for its next attempt. It takes no slot meanwhile.
    fn wait(&mut self, task: usize, due: Timestamp) {
        self.progress.hold(task);
        self.waiting.insert(task, due);
    }

    /// Lets go on what has waited long enough.
    fn release(&mut self) {
        let now = self.context.inner.now();
        let due: Vec<usize> = self.waiting.iter().filter(|(_, due)| **due <= now).map(|(task, _)| *task).collect();
        for task in due {
            self.waiting.remove(&task);
            self.progress.release(task);
        }
    }

    /// Stops the tasks that somebody wants stopped: those that run end by themselves, the others never start.
    fn stop_tasks(&mut self, turn: &mut Turn) {
        for id in self.stops.wanted() {
            let Some(task) = self.plan.graph.position(&id) else { continue };
            if let Some(token) = self.tokens.get(&task) {
                token.cancel();
            } else if self.progress.is_pending(task) && !self.progress.halted() {
                self.waiting.remove(&task);
                self.progress.release(task);
                self.note(Ended::without_work(task, TaskStatus::Cancelled, self.context.inner.now()), turn);
            }
        }
    }

    /// The run has taken too long: what runs is stopped.
    fn time_out(&mut self) {
        if !self.progress.is_stopped() {
            self.progress.stop(SubStatus::TimedOut);
            self.context.log.push("ERROR", None, self.too_long());
            self.cancel.cancel();
        }
    }

    fn too_long(&self) -> String {
        let limit = self.context.loaded.configuration.header.endurance.timeout.unwrap_or_default();
        format!("timed out: the run may take {} s", limit.as_secs())
    }

    /// Waits until something ends. `None` when the server lets go of its runs.
    async fn next(&mut self) -> Option<Turn> {
        let abandon = self.context.inner.abandon.clone();
        let cancel = self.cancel.clone();
        let mut turn = Turn::default();
        let retry = self.waiting.values().min().copied();
        let first = loop {
            let deadline = self.deadline.filter(|_| !self.progress.is_stopped());
            tokio::select! {
                ended = self.running.join_next(), if !self.running.is_empty() => break ended,
                () = cancel.cancelled(), if !self.progress.is_stopped() => {
                    self.progress.stop(SubStatus::Cancelled);
                    // Running tasks see the same token and end by themselves.
                    if self.running.is_empty() { return Some(turn); }
                }
                () = self.context.inner.reach(deadline), if deadline.is_some() => {
                    self.time_out();
                    if self.running.is_empty() { return Some(turn); }
                }
                () = self.context.inner.reach(retry), if retry.is_some() => return Some(turn),
                () = self.stops.told() => return Some(turn),
                () = self.share.arrive(), if self.share.is_waiting() => return Some(turn),
                () = abandon.cancelled() => {
                    self.cancel.cancel();
                    while self.running.join_next().await.is_some() {}
                    return None;
                }
            }
        };
        let mut ended = first;
        while let Some(joined) = ended {
            match joined {
                Ok(task) => self.note(task, &mut turn),
                Err(error) => tracing::error!(%error, "a task of the engine ended by itself"),
            }
            ended = self.running.try_join_next();
        }
        Some(turn)
    }

    /// When a task that has just failed is tried again, if it is.
    fn next_attempt(&self, ended: &Ended) -> Option<Timestamp> {
        let endurance = self.plan.tasks.get(ended.task)?.endurance;
        let attempt = *self.attempts.get(ended.task)?;
        if self.stops.of(&self.plan.tasks.get(ended.task)?.id).is_some() {
            return None;
        }
        let again = ended.end.status == TaskStatus::Failed && attempt <= endurance.retries && !self.progress.halted();
        again.then(|| ended.end.at.checked_add(endurance.retry_delay).unwrap_or(ended.end.at))
    }

    fn note(&mut self, mut ended: Ended, turn: &mut Turn) {
        self.tokens.remove(&ended.task);
        let planned = self.plan.tasks.get(ended.task);
        if let (Some(due), Some(planned), Some(attempt)) =
            (self.next_attempt(&ended), planned, self.attempts.get_mut(ended.task))
        {
            let (message, delay) = (ended.end.error.as_deref().unwrap_or_default(), planned.endurance.retry_delay);
            let tried = format!("attempt {attempt} of {} failed: {message}", planned.endurance.retries + 1);
            let line = format!("{tried}; the next begins in {} s", delay.as_secs());
            self.context.log.push("WARNING", Some(&planned.id), line);
            *attempt += 1;
            self.wait(ended.task, due);
            turn.retried.push((ended, due));
            return;
        }
        let mut status = ended.end.status;
        if status == TaskStatus::Cancelled {
            match planned.and_then(|planned| self.stops.of(&planned.id)).filter(|_| !self.cancel.is_cancelled()) {
                // It counts as one that failed, with all that its criticality makes of that.
                Some(by) => {
                    status = TaskStatus::Failed;
                    ended.end.error = Some(format!("cancelled by {by}"));
                }
                None => self.progress.stop(SubStatus::Cancelled),
            }
        }
        self.progress.set(ended.task, status);
        if let (TaskStatus::Failed, Some(planned)) = (status, planned) {
            let message = ended.end.error.clone().unwrap_or_default();
            let level = if planned.criticality.stops_run() { "ERROR" } else { "WARNING" };
            self.context.log.push(level, Some(&planned.id), format!("failed ({}): {message}", planned.criticality));
            if planned.criticality.stops_run() && self.error.is_none() {
                self.error = Some(format!("task {}: {message}", planned.id));
            }
        }
        turn.ended.push(ended);
    }

    /// One transaction for all that a turn found. `false` when the run is not ours any more.
    async fn record(&self, turn: Turn) -> Result<bool, EngineError> {
        let (context, plan, attempts) = (self.context.clone(), self.plan.clone(), self.attempts.clone());
        let verdict = self.progress.verdict();
        let error = self
            .error
            .clone()
            .filter(|_| verdict.status == RunStatus::Failed)
            .filter(|_| !self.progress.is_stopped())
            .or_else(|| match verdict.sub_status {
                SubStatus::Cancelled => Some("cancelled".to_owned()),
                SubStatus::TimedOut => Some(self.too_long()),
                _ => None,
            });
        let lines = self.context.log.take();
        let at = self.context.inner.now();
        self.context
            .inner
            .parts
            .store
            .write(Durability::Relaxed, move |tx| {
                let (run, inner) = (&context.run, &context.inner);
                if !record_tasks(tx, run, &plan, &attempts, &turn, lines, at)? {
                    return Ok(false);
                }
                if let Some(reason) = &turn.reason {
                    runs::set_reason(tx, &run.run_id, run.fence, reason.as_deref())?;
                }
                if turn.over {
                    if !runs::finish(tx, &run.run_id, run.fence, verdict.status, verdict.sub_status, error, at)? {
                        return Ok(false);
                    }
                    alerts::note(inner, tx, run, verdict.status, at)?;
                    if verdict.counts {
                        workflows::collect(inner, tx, run, at)?;
                    }
                }
                Ok::<_, EngineError>(true)
            })
            .await
    }
}

/// `attempts` are those that run or come next.
fn record_tasks(
    tx: &mut Tx<'_>,
    run: &RunRow,
    plan: &Plan,
    attempts: &[u32],
    turn: &Turn,
    lines: Vec<LogLine>,
    at: Timestamp,
) -> Result<bool, EngineError> {
    if !runs::held(tx, &run.run_id, run.fence)? {
        return Ok(false);
    }
    let attempt_of = |task: usize| attempts.get(task).copied().unwrap_or(1);
    for Ended { task, end, tables } in &turn.ended {
        let Some(planned) = plan.tasks.get(*task) else { continue };
        if let (1.., TaskStatus::Failed, Some(error)) = (planned.endurance.retries, end.status, &end.error) {
            tasks::keep_attempt(tx, &run.run_id, run.fence, &planned.id, error, end.at)?;
        }
        tasks::finish(tx, &run.run_id, run.fence, &planned.id, end.clone())?;
        statements::close(tx, &run.run_id, &job_id(run, &planned.id, attempt_of(*task)).0)?;
        written::record(tx, run, &planned.id, tables, end.at)?;
    }
    for (Ended { task, end, .. }, due) in &turn.retried {
        let Some(planned) = plan.tasks.get(*task) else { continue };
        let (next, error) = (attempt_of(*task), end.error.as_deref().unwrap_or_default());
        tasks::keep_attempt(tx, &run.run_id, run.fence, &planned.id, error, end.at)?;
        tasks::retry(tx, &run.run_id, run.fence, &planned.id, next, *due, error)?;
        statements::close(tx, &run.run_id, &job_id(run, &planned.id, next.saturating_sub(1)).0)?;
    }
    for planned in turn.skipped.iter().filter_map(|task| plan.tasks.get(*task)) {
        let Ended { end, .. } = Ended::without_work(0, TaskStatus::Skipped, at);
        tasks::finish(tx, &run.run_id, run.fence, &planned.id, end)?;
    }
    for (planned, attempt) in turn.started.iter().filter_map(|task| Some((plan.tasks.get(*task)?, attempt_of(*task)))) {
        let job = job_id(run, &planned.id, attempt).0;
        tasks::start(tx, &run.run_id, run.fence, &planned.id, attempt, at)?;
        statements::record(tx, &run.run_id, run.fence, &planned.id, attempt, &job, at)?;
    }
    if !lines.is_empty() {
        logs::append(tx, &run.run_id, &lines)?;
    }
    Ok(true)
}
