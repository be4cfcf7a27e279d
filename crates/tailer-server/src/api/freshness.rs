//! `get_freshness`: which operations of an account in PROD ran, are awaited or late.

use serde::Serialize;
use tailer_engine::{FreshnessQuery, FreshnessView};
use tailer_model::{
    AccountId, Environment, RunId,
    freshness::{Frequency, Timing, Today},
};
use utoipa::ToSchema;

use super::{Answer, Call};
use crate::{
    errors::ApiError,
    fields::{Fields, Request, request},
    values::Limit,
    wire::Results,
};

/// Operations answered when the request sets no `limit`.
const DEFAULT_LIMIT: u32 = 1000;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Freshness)]
pub(crate) struct FreshnessBody<'a> {
    #[schema(value_type = String)]
    account: &'a AccountId,
    #[schema(value_type = String)]
    environment: Environment,
    configuration_type: &'static str,
    configuration_id: &'a str,
    /// Today, UTC: `Executed`, `Awaited`, `Not today` or `Learning`.
    status: &'static str,
    /// `Daily`, `Weekly`, `Monthly`, `Yearly` or `Unfollow`; null while learning.
    frequency: Option<&'static str>,
    /// `On time`, `Late` or `Very late`; null where nothing is expected.
    timing: Option<&'static str>,
    /// When the next regular run should begin; past when it is overdue.
    expected_execution_date: Option<&'a str>,
    /// By how much that may be wrong.
    confidence_hours: Option<f64>,
    /// When the newest regular run began.
    last_execution_date: Option<&'a str>,
    #[schema(value_type = Option<String>)]
    last_run_id: Option<&'a RunId>,
}

impl<'a> FreshnessBody<'a> {
    pub(crate) fn new(view: &'a FreshnessView) -> Self {
        Self {
            account: &view.account,
            environment: view.environment,
            configuration_type: view.configuration_type.as_str(),
            configuration_id: &view.configuration_id,
            status: view.status.as_str(),
            frequency: view.frequency.map(Frequency::as_str),
            timing: view.timing.map(Timing::as_str),
            expected_execution_date: view.expected_date.as_deref(),
            confidence_hours: view.confidence_hours,
            last_execution_date: view.last_date.as_deref(),
            last_run_id: view.last_run.as_ref().map(|run| &run.run_id),
        }
    }
}

request! {
    /// `get_freshness`
    GetFreshness {
        /// Account whose operations in PROD are looked at.
        account: AccountId,
        /// Where they stand today.
        status: Option<Today>,
        timing: Option<Timing>,
        frequency: Option<Frequency>,
        /// 1000 when absent; what is late comes first.
        limit: Option<Limit>,
    }
}

pub(super) async fn get_freshness(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let GetFreshness { account, status, timing, frequency, limit } = GetFreshness::read(fields)?;
    call.authorize(&account)?;
    let limit = limit.map_or(DEFAULT_LIMIT, |limit| limit.0);
    let query = FreshnessQuery { status, timing, frequency, ..FreshnessQuery::of(account, limit as usize) };
    let page = call.app.engine.freshness(query).await?;
    Answer::json(&Results { results: page.operations.iter().map(FreshnessBody::new).collect() })
}
