//! `tailerd check`: the validation of `deploy` without a server. Problems are its result, so they go to standard output.

use jiff::Timestamp;
use serde_json::{Value, json};
use tailer_model::ConfigurationType;

use super::check_sql;
use crate::{
    cli::CheckArgs,
    configurations::{self, Candidate},
    contexts,
    failure::{Exit, Failure},
    output,
};

/// Ticks shown of a configuration.
const TICKS_SHOWN: usize = 3;

pub(crate) async fn run(args: &CheckArgs) -> Result<Exit, Failure> {
    let context = args.context.as_deref().map(contexts::read).transpose()?;
    let mut candidates = configurations::gather(&args.files, context.as_ref())?;
    if args.sql {
        check_sql::run(&mut candidates, args).await?;
    }
    let bad = candidates.iter().filter(|c| !c.is_good()).count();
    if args.output.json {
        let all: Vec<Value> = candidates.iter().map(report).collect();
        output::json(&all);
    } else {
        for candidate in &candidates {
            for problem in &candidate.problems.errors {
                output::line(candidate.line_of(problem));
            }
            for problem in &candidate.problems.warnings {
                output::line(format!("{} (warning)", candidate.line_of(problem)));
            }
            if let Some(line) = schedule(candidate) {
                output::line(line);
            }
        }
    }
    if bad > 0 {
        return Err(refusal(&candidates));
    }
    output::note(format!("{} good", count(candidates.len(), "configuration")));
    Ok(Exit::Done)
}

/// `error:` line of candidates of which some are bad.
pub(crate) fn refusal(candidates: &[Candidate]) -> Failure {
    let bad = candidates.iter().filter(|c| !c.is_good()).count();
    let problems = candidates.iter().map(|c| c.problems.errors.len()).sum();
    Failure::failed(format!("{} in {}", count(problems, "problem"), count(bad, "configuration")))
}

/// `1 problem`, `2 problems`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `daily.json: next runs 2024-02-01T05:00:00Z, 2024-02-02T05:00:00Z, 2024-02-03T05:00:00Z`
fn schedule(candidate: &Candidate) -> Option<String> {
    let kind = candidate.configuration.as_ref()?.header.configuration_type;
    let what = if kind == ConfigurationType::Workflow { "resets" } else { "runs" };
    let mut ticks = next_ticks(candidate);
    ticks.truncate(TICKS_SHOWN);
    (!ticks.is_empty()).then(|| format!("{}: next {what} {}", candidate.path.display(), ticks.join(", ")))
}

/// None of a configuration that is bad, disabled or archived.
fn next_ticks(candidate: &Candidate) -> Vec<String> {
    let configuration = candidate.configuration.as_ref().filter(|_| candidate.is_good());
    let active = configuration.filter(|c| c.header.activated && !c.header.archived);
    active.map(|c| tailer_engine::next_ticks(c, Timestamp::now())).unwrap_or_default()
}

fn report(candidate: &Candidate) -> Value {
    let header = candidate.configuration.as_ref().map(|c| &c.header);
    json!({
        "file": candidate.path,
        "ok": candidate.is_good(),
        "configuration_type": header.map(|h| h.configuration_type),
        "configuration_id": header.map(|h| h.deployed_id()),
        "problems": candidate.problems.errors,
        "warnings": candidate.problems.warnings,
        "next_ticks": next_ticks(candidate),
    })
}
