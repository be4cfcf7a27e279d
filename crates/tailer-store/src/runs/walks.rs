//! Which walks along an index answer a listing. Each walk names the columns that lead an index and are equal, so that what it
//! gives comes in the order asked for; what an index does not tell apart is looked at on the way.
//!
//! A finer outcome says the status, kinds and environments are few: a filter that leaves such a column open is answered by one walk
//! for each of its values, merged, rather than by one index for each combination of filters.

use tailer_model::{ConfigurationType, Environment, RunStatus, SubStatus};

use super::RunFilter;
use crate::tx::Value;

/// Walks along the runs of single operations that one listing merges; of more it looks through all runs.
pub const MOST_OPERATIONS: usize = 32;

/// A walk: its index, the columns that lead that, and what else is asked of each run on the way.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    pub(super) index: &'static str,
    pub(super) along: Vec<(&'static str, Value<'a>)>,
    pub(super) asked: Vec<(&'static str, Value<'a>)>,
}

/// The walks of a filter, the most telling column first. All of them ask the same on the way.
pub(super) fn walks(filter: &RunFilter) -> Vec<Walk<'_>> {
    let mut left = Left::of(filter);
    let mut all = leading(filter, &mut left);
    for walk in &mut all {
        walk.asked = left.conditions(filter);
    }
    all
}

/// The columns that no index leads to, each until one does.
struct Left {
    account: bool,
    environment: bool,
    kind: bool,
    configuration: bool,
    status: bool,
    sub_status: bool,
    trigger: bool,
}

impl Left {
    fn of(filter: &RunFilter) -> Self {
        let implied = filter.sub_status.is_some_and(|sub| filter.status == Some(sub.status()));
        Self {
            account: true,
            environment: true,
            kind: true,
            configuration: true,
            status: !implied,
            sub_status: true,
            trigger: true,
        }
    }

    fn conditions<'a>(&self, filter: &'a RunFilter) -> Vec<(&'static str, Value<'a>)> {
        let all: [(bool, &'static str, Option<Value<'a>>); 7] = [
            (self.account, "account", filter.account.as_ref().map(Value::from)),
            (self.environment, "environment", filter.environment.map(Value::from)),
            (self.kind, "configuration_type", filter.configuration_type.map(Value::from)),
            (self.configuration, "configuration", filter.configuration.map(Value::from)),
            (self.status, "status", filter.status.map(Value::from)),
            (self.sub_status, "sub_status", filter.sub_status.map(Value::from)),
            (self.trigger, "trigger_type", filter.trigger.map(Value::from)),
        ];
        all.into_iter().filter(|(left, ..)| *left).filter_map(|(_, column, value)| Some((column, value?))).collect()
    }
}

fn leading<'a>(filter: &'a RunFilter, left: &mut Left) -> Vec<Walk<'a>> {
    if let Some(job) = &filter.job_id {
        return vec![walk("runs_of_job", vec![("job_id", job.into())])];
    }
    let status = filter.status.or(filter.sub_status.map(SubStatus::status));
    let of_one = |key: crate::ConfigurationKey, left: &mut Left| {
        (left.account, left.environment, left.kind) = (false, false, false);
        let key = ("configuration", key.into());
        let Some(status) = status else { return walk("runs_of_configuration", vec![key]) };
        left.status = false;
        walk("runs_of_configuration_by_status", vec![key, ("status", status.into())])
    };
    if let Some(key) = filter.configuration {
        left.configuration = false;
        return vec![of_one(key, left)];
    }
    if let Some(keys) = filter.configurations.as_ref().filter(|keys| keys.len() <= MOST_OPERATIONS) {
        return keys.iter().map(|key| of_one(*key, left)).collect();
    }
    let Some(account) = &filter.account else { return vec![walk("runs_by_start", Vec::new())] };
    left.account = false;
    in_account(filter, account.into(), left)
}

/// The walks through the runs of an account.
fn in_account<'a>(filter: &RunFilter, account: Value<'a>, left: &mut Left) -> Vec<Walk<'a>> {
    let led_by = |index, columns: Vec<Vec<(&'static str, Value<'a>)>>| {
        let along = |columns| std::iter::once(("account", account.clone())).chain(columns).collect();
        columns.into_iter().map(|columns| walk(index, along(columns))).collect::<Vec<_>>()
    };
    let narrow = filter.trigger.is_some() || filter.configuration_type.is_some() || filter.environment.is_some();
    // Most runs succeed: among the others that tells little.
    if let Some(status) = filter.status.filter(|status| *status != RunStatus::Success || !narrow)
        && filter.sub_status.is_none()
    {
        left.status = false;
        let outcomes = SubStatus::ALL.iter().filter(|sub_status| sub_status.status() == status);
        let each = outcomes.map(|sub_status| vec![("sub_status", (*sub_status).into())]);
        return led_by("runs_of_account_by_outcome", each.collect());
    }
    if let Some(sub_status) = filter.sub_status {
        left.sub_status = false;
        return led_by("runs_of_account_by_outcome", vec![vec![("sub_status", sub_status.into())]]);
    }
    if let Some(trigger) = filter.trigger {
        left.trigger = false;
        return led_by("runs_of_account_by_trigger", vec![vec![("trigger_type", trigger.into())]]);
    }
    if filter.configuration_type.is_none() && filter.environment.is_none() {
        return led_by("runs_of_account", vec![vec![]]);
    }
    (left.kind, left.environment) = (false, false);
    let kinds = filter.configuration_type.map_or(ConfigurationType::ALL.to_vec(), |kind| vec![kind]);
    let environments = filter.environment.map_or(Environment::ALL.to_vec(), |environment| vec![environment]);
    let both = kinds.iter().flat_map(|kind| {
        environments
            .iter()
            .map(|environment| vec![("configuration_type", (*kind).into()), ("environment", (*environment).into())])
    });
    led_by("runs_of_account_by_kind", both.collect())
}

fn walk<'a>(index: &'static str, along: Vec<(&'static str, Value<'a>)>) -> Walk<'a> {
    Walk { index, along, asked: Vec::new() }
}
