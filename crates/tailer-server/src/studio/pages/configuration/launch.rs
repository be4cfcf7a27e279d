//! The form that starts an operation: its execution date, a value for each `{{name}}` of its SQL, which of its tasks; or the file to
//! handle. What is wrong with it is said beside it, with everything that was typed.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Map, Value};
use tailer_engine::{ConfigurationRef, ConfigurationView, EngineError, FileView, LaunchRequest, RunDetails};
use tailer_model::{
    Actor, Problem, RunId, TaskId, configuration::FileKind, operation::describe::Description, template::placeholders,
};

use super::{Segments, gather, named, parts::text_of};
use crate::{
    access::Role,
    app::App,
    errors::ApiError,
    studio::{error::PageError, frame, notes, pages::operations, visitor::Visitor},
};

/// The fields of names that the SQL has: `p.<name>`.
const NAMED: &str = "p.";
/// A name that the server has the value of, where the task asks for it.
const CURRENT_DATE: &str = "TEMPLATE_CURRENT_DATE";

/// The form, as it was sent or as it is offered.
#[derive(Default)]
pub(super) struct LaunchForm {
    pub(super) execution_date: String,
    /// One for each name of the SQL, with what was typed.
    pub(super) names: Vec<Name>,
    /// A JSON object with more parameters.
    pub(super) json: String,
    /// Of an operation that files start.
    pub(super) file: String,
    pub(super) tasks: Vec<TaskBox>,
    /// What is wrong.
    pub(super) problems: Vec<String>,
    /// What a check found to be fine.
    pub(super) fine: bool,
    /// Whether calls start it, whether a file can be named, or neither.
    pub(super) launchable: bool,
    pub(super) by_file: bool,
    /// As typed: names and values, and the tasks that were marked.
    typed: Vec<(String, String)>,
    marked: BTreeSet<String>,
    sent: bool,
}

pub(super) struct Name {
    pub(super) name: String,
    pub(super) value: String,
    /// What the latest run had.
    pub(super) last: Option<String>,
}

pub(super) struct TaskBox {
    pub(super) id: String,
    pub(super) marked: bool,
}

impl LaunchForm {
    fn sent(fields: Vec<(String, String)>) -> (Self, String, bool) {
        let (mut form, mut csrf, mut check) = (Self { sent: true, ..Self::default() }, String::new(), false);
        for (name, value) in fields {
            match name.as_str() {
                "csrf" => csrf = value,
                "check" => check = true,
                "execution_date" => form.execution_date = value,
                "parameters" => form.json = value,
                "file" => form.file = value,
                "task" => drop(form.marked.insert(value)),
                other => {
                    if let Some(name) = other.strip_prefix(NAMED) {
                        form.typed.push((name.to_owned(), value));
                    }
                }
            }
        }
        (form, csrf, check)
    }

    /// Adds what the operation has to offer.
    pub(super) fn offered(
        mut self,
        of: &ConfigurationView,
        description: &Description,
        files: &[FileView],
        latest: Option<&RunDetails>,
    ) -> Self {
        let kind = of.configuration_type;
        let possible = of.activated && !of.archived;
        self.launchable = possible && kind.is_launchable();
        self.by_file = possible && kind.is_started_by_files();
        if !kind.is_launchable() {
            return self;
        }
        let typed = std::mem::take(&mut self.typed);
        let last = |name: &str| match latest?.parameters.get(name)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        self.names = names_of(description, files)
            .into_iter()
            .map(|name| Name {
                value: typed.iter().find(|(one, _)| *one == name).map(|(_, value)| value.clone()).unwrap_or_default(),
                last: last(&name),
                name,
            })
            .collect();
        let all = !self.sent || self.marked.is_empty();
        let task = |id: &String| TaskBox { id: id.clone(), marked: all || self.marked.contains(id) };
        self.tasks = description.parts.iter().map(|part| &part.id).map(task).collect();
        self
    }

    /// What the form asks for.
    ///
    /// # Errors
    /// What of it cannot be read.
    fn request(&self, configuration: ConfigurationRef, by: Actor) -> Result<LaunchRequest, String> {
        let mut parameters: Map<String, Value> = match self.json.trim() {
            "" => Map::new(),
            text => serde_json::from_str(text)
                .map_err(|why| format!("the parameters are no JSON object such as {{\"n\": 3}}: {why}"))?,
        };
        let given = self.typed.iter().filter(|(_, value)| !value.is_empty());
        parameters.extend(given.map(|(name, value)| (name.clone(), typed_value(value))));
        if !self.file.trim().is_empty() {
            parameters.insert("file".to_owned(), self.file.trim().into());
        }
        let execution_date = match self.execution_date.trim() {
            "" => None,
            text => Some(text.parse().map_err(|why| format!("execution date: {why}"))?),
        };
        let tasks = self.marked.iter().map(|id| id.parse::<TaskId>().map_err(|why| format!("task {id}: {why}")));
        let tasks = tasks.collect::<Result<Vec<_>, _>>()?;
        Ok(LaunchRequest {
            configuration,
            job_id: None,
            execution_date,
            parameters,
            tasks: (!tasks.is_empty()).then_some(tasks),
            idempotency: None,
            repeats: None,
            by,
        })
    }
}

/// Whole numbers and truth values are what they look like; everything else is text.
fn typed_value(text: &str) -> Value {
    match text {
        "true" => true.into(),
        "false" => false.into(),
        other => match other.parse::<i64>() {
            Ok(number) if number.to_string() == other => number.into(),
            _ => other.into(),
        },
    }
}

/// The names in braces of the operation's SQL, in the order of its tasks.
fn names_of(description: &Description, files: &[FileView]) -> Vec<String> {
    let of_sql = description.parts.iter().flat_map(|part| &part.files).filter(|file| file.kind == FileKind::Sql);
    let mut names: Vec<String> = Vec::new();
    for name in of_sql.filter_map(|file| text_of(files, &file.name)).flat_map(placeholders) {
        if name != CURRENT_DATE && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// `GET …/launch`: where a browser lands that loads the answer to a form again.
pub(in crate::studio) async fn back(Path(segments): Path<Segments>) -> Result<Redirect, PageError> {
    let of = named(segments)?;
    let kind = of.configuration_type;
    Ok(Redirect::to(&operations::path_of(of.account.as_str(), of.environment, kind, &of.configuration_id)))
}

/// `POST /operations/{account}/{environment}/{kind}/{id}/launch`
pub(in crate::studio) async fn submit(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(segments): Path<Segments>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let (mut form, csrf, check) = LaunchForm::sent(fields);
    visitor.genuine(&csrf)?;
    let wanted = named(segments)?;
    visitor.require(Role::Operator, &wanted.account, "launch")?;
    let done = match form.request(wanted.clone(), visitor.actor()) {
        Err(why) => Err((StatusCode::BAD_REQUEST, vec![why])),
        Ok(request) => start(&app, request, check).await?,
    };
    let status = match done {
        Ok(Some(run)) => return Ok(Redirect::to(&format!("/runs/{run}")).into_response()),
        Ok(None) => {
            form.fine = true;
            StatusCode::OK
        }
        Err((status, problems)) => {
            form.problems = problems;
            status
        }
    };
    let page = gather(&app, &visitor, wanted, None, form, &notes::Asked::default()).await?;
    Ok(frame::render(status, &page))
}

type Refusal = (StatusCode, Vec<String>);

/// Launches, or only looks whether a launch would go well: no run then.
///
/// # Errors
/// What has nothing to do with the form.
async fn start(app: &App, request: LaunchRequest, check: bool) -> Result<Result<Option<RunId>, Refusal>, PageError> {
    let done = if check {
        app.engine.dry_run(request).await.map(|()| None)
    } else {
        app.engine.launch(request).await.map(Some)
    };
    match done {
        Ok(run) => Ok(Ok(run)),
        Err(EngineError::Problems(problems)) => Ok(Err((StatusCode::BAD_REQUEST, problems.iter().map(said).collect()))),
        Err(error) => {
            let error = ApiError::from(error);
            if !error.status().is_client_error() || error.status() == StatusCode::NOT_FOUND {
                return Err(error.into());
            }
            Ok(Err((error.status(), vec![error.message().to_string()])))
        }
    }
}

/// A problem with its place: `load.sql:3:14: …`
fn said(problem: &Problem) -> String {
    let place = problem.file.as_deref().unwrap_or(&problem.path);
    let at: String = [problem.line, problem.column].into_iter().flatten().map(|number| format!(":{number}")).collect();
    if place.is_empty() { problem.message.clone() } else { format!("{place}{at}: {}", problem.message) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tailer_model::Via;

    use super::*;

    fn sent(fields: &[(&str, &str)]) -> LaunchForm {
        LaunchForm::sent(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()).0
    }

    fn request(fields: &[(&str, &str)]) -> Result<LaunchRequest, String> {
        let configuration = ConfigurationRef {
            account: "000099".parse().unwrap(),
            environment: "DEV".parse().unwrap(),
            configuration_type: "table-to-table".parse().unwrap(),
            configuration_id: "x".into(),
        };
        sent(fields).request(configuration, Actor::new("user:ada", Via::Studio))
    }

    #[test]
    fn what_is_typed_becomes_parameters() {
        let fields = [
            ("p.n", "3"),
            ("p.code", "007"),
            ("p.flag", "true"),
            ("p.rate", "1.10"),
            ("p.empty", ""),
            ("parameters", "{\"more\": null, \"n\": 1}"),
            ("task", "a"),
            ("task", "b"),
            ("execution_date", "2024-02-29"),
        ];
        let request = request(&fields).unwrap();
        let expected = json!({"n": 3, "code": "007", "flag": true, "rate": "1.10", "more": null});
        assert_eq!(Value::Object(request.parameters), expected);
        assert_eq!(request.tasks.unwrap().len(), 2);
        assert_eq!(request.execution_date.unwrap().to_string(), "2024-02-29");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (name, value, said) in [
            ("parameters", "[1]", "no JSON object"),
            ("parameters", "{n: 1}", "no JSON object"),
            ("execution_date", "2024-02-30", "execution date"),
            ("task", "1", "task 1"),
        ] {
            let error = request(&[(name, value)]).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        assert_eq!(request(&[("task", "a")]).unwrap().tasks.unwrap().len(), 1);
        assert!(request(&[]).unwrap().tasks.is_none(), "all of them");
    }

    #[test]
    fn problems_have_their_places() {
        let problem = Problem {
            file: Some("a.sql".into()),
            path: String::new(),
            line: Some(3),
            column: Some(14),
            message: "no such column".into(),
        };
        assert_eq!(said(&problem), "a.sql:3:14: no such column");
        assert_eq!(said(&Problem::at("$.workflow", "no")), "$.workflow: no");
    }
}
