//! Procedures: kept in their project's database as the text that made them, read again at each call.

use serde::{Deserialize, Serialize};

use super::{
    Interpreter,
    control::variable,
    frames::Frame,
    raised::{Place, Stop},
    steps::Step,
    values::null,
};
use crate::{
    Outcome, TableName, WarehouseError,
    embedded::{job_table::INTERNAL, query, session::Session, tables},
    expectations::Expectation,
    googlesql::{
        Constant, Statement, quote,
        script::{Call, CreateProcedure, Mode, Parameter, parse_procedure},
        translate_type,
    },
};

/// Calls within calls, beyond which a recursion is taken for one without end.
const DEEPEST: usize = 50;

/// A procedure as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// `CREATE PROCEDURE …`
    sql: String,
    /// Where its unqualified names are looked up.
    project: String,
    dataset: Option<String>,
}

/// A procedure's name, all of it.
#[derive(Debug, Clone)]
struct Name {
    project: String,
    dataset: String,
    procedure: String,
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.project, self.dataset, self.procedure)
    }
}

impl Interpreter<'_> {
    fn procedure_name(&self, path: &[String], statement: &Statement) -> Result<Name, Stop> {
        let frame = self.frame();
        let (project, dataset, procedure) = match (path, &frame.dataset) {
            ([project, dataset, procedure], _) => (project, dataset, procedure),
            ([dataset, procedure], _) => (&frame.project, dataset, procedure),
            ([procedure], Some(dataset)) => (&frame.project, dataset, procedure),
            ([procedure], None) => {
                return Err(
                    self.raised(format!("procedure {procedure} needs a dataset: dataset.{procedure}"), statement)
                );
            }
            _ => return Err(self.raised(format!("{} is no procedure's name", path.join(".")), statement)),
        };
        // Validates all parts: they become a file's name and identifiers.
        TableName::new(project, dataset, procedure)
            .map_err(|error| Stop::of(error, statement, &self.frame().procedure))?;
        Ok(Name { project: project.clone(), dataset: dataset.clone(), procedure: procedure.clone() })
    }

    pub(super) fn create_procedure(&mut self, statement: &Statement, create: &CreateProcedure) -> Result<(), Stop> {
        let name = self.procedure_name(&create.path, statement)?;
        let scope = self.scope();
        let kept = Kept {
            sql: statement.sql.clone(),
            project: scope.project.to_owned(),
            dataset: scope.dataset.map(str::to_owned),
        };
        let json = serde_json::to_string(&kept).map_err(|e| Stop::Fatal(WarehouseError::Internal(e.to_string())))?;
        let (or_replace, if_not_exists) = (create.or_replace, create.if_not_exists);
        self.change_procedures(statement, &name, |interpreter, dataset| {
            tables::ensure_dataset(interpreter.session, dataset)?;
            let exists = find(interpreter.session, &name)?.is_some();
            match exists {
                true if if_not_exists => return Ok(()),
                true if !or_replace => return Err(WarehouseError::AlreadyExists(format!("procedure {name}"))),
                _ => {}
            }
            remove(interpreter, &name)?;
            let sql = format!("INSERT INTO {}.{INTERNAL}.procedures VALUES (?, ?, ?)", quote(&name.project));
            interpreter.session.execute(&sql, [&name.dataset, &name.procedure, &json]).map(drop)
        })
    }

    pub(super) fn drop_procedure(
        &mut self,
        statement: &Statement,
        if_exists: bool,
        path: &[String],
    ) -> Result<(), Stop> {
        let name = self.procedure_name(path, statement)?;
        self.change_procedures(statement, &name, |interpreter, _| {
            if find(interpreter.session, &name)?.is_none() && !if_exists {
                return Err(WarehouseError::NotFound(format!("procedure {name}")));
            }
            remove(interpreter, &name)
        })
    }

    /// A change of a dataset's procedures, once only.
    fn change_procedures(
        &mut self,
        statement: &Statement,
        name: &Name,
        change: impl Fn(&Self, &TableName) -> Result<(), WarehouseError>,
    ) -> Result<(), Stop> {
        let (number, recorded) = self.steps.begin();
        match recorded {
            Some(Step::Failed(raised)) => return Err(Stop::Raised(Box::new(raised))),
            Some(_) => return Ok(()),
            None => {}
        }
        if self.transaction.is_some() {
            let what = "creating or dropping procedures inside a transaction";
            return Err(Stop::of(crate::embedded::errors::unsupported(what), statement, &self.frame().procedure));
        }
        let id = self.steps.job_id(number);
        let dataset = TableName::new(&name.project, &name.dataset, "_").map_err(Stop::Fatal)?;
        let this = &*self;
        let result = query::once(this.session, id.as_ref(), "statement", &dataset, || {
            change(this, &dataset)?;
            this.steps.write(this.session, &name.project, number)?;
            Ok(Outcome::default())
        });
        match result {
            Ok(_) => {
                self.steps.written();
                Ok(())
            }
            Err(error) => Err(self.failed(number, error, statement)),
        }
    }

    pub(super) fn call(&mut self, statement: &Statement, call: &Call) -> Result<(), Stop> {
        let expectation = Expectation::of(call, statement);
        let expectation = expectation.map_err(|error| Stop::of(error, statement, &self.frame().procedure))?;
        if let Some(expectation) = expectation {
            return self.expect(statement, &expectation);
        }
        let name = self.procedure_name(&call.path, statement)?;
        let kept = find(self.session, &name).map_err(Stop::Fatal)?;
        let Some(kept) = kept else {
            let error = WarehouseError::NotFound(format!("procedure {name}"));
            return Err(Stop::of(error, statement, &self.frame().procedure));
        };
        if self.frames.len() > DEEPEST {
            return Err(self.raised(format!("procedures call each other more than {DEEPEST} deep"), statement));
        }
        let definition = parse_procedure(&kept.sql).map_err(Stop::Fatal)?;
        if definition.parameters.len() != call.arguments.len() {
            let (wanted, given) = (definition.parameters.len(), call.arguments.len());
            return Err(self.raised(format!("procedure {name} takes {wanted} arguments, not {given}"), statement));
        }
        let mut arguments = Vec::with_capacity(call.arguments.len());
        let mut results = Vec::new();
        for (parameter, argument) in definition.parameters.iter().zip(&call.arguments) {
            arguments.push(variable(&parameter.name, self.argument(parameter, argument, statement)?));
            if parameter.mode != Mode::In {
                results.push((parameter.name.as_str(), argument.sql.trim_matches('`')));
            }
        }
        self.frames.push(Frame {
            procedure: name.to_string(),
            project: kept.project,
            dataset: kept.dataset,
            // Variables of the body may have the names of parameters no more than of each other.
            scopes: vec![arguments],
        });
        let errors = self.system.swap_errors(Vec::new());
        let result = self.list(&definition.body, false);
        self.system.swap_errors(errors);
        let frame = self.frames.pop();
        result.map_err(|stop| called(stop, statement, &self.frame().procedure))?;
        for (parameter, target) in results {
            if let Some(value) = frame.as_ref().and_then(|frame| frame.find(parameter)).cloned() {
                self.assign(target, value, statement)?;
            }
        }
        Ok(())
    }

    /// What a parameter is at the beginning of a call.
    fn argument(&mut self, parameter: &Parameter, argument: &Statement, call: &Statement) -> Result<Constant, Stop> {
        let wanted = parameter.data_type.as_ref().map(translate_type).transpose();
        let wanted = wanted.map_err(|error| Stop::of(error, call, &self.frame().procedure))?.map(|(name, _)| name);
        if parameter.mode == Mode::In {
            return self.value(argument, wanted.as_deref());
        }
        let given = self.frame().find(argument.sql.trim_matches('`')).cloned();
        let Some(given) = given else {
            let message = format!("the argument for {} has to be a variable: the procedure sets it", parameter.name);
            return Err(self.raised(message, argument));
        };
        match (parameter.mode, wanted) {
            (Mode::Out, wanted) => null(wanted.as_deref().unwrap_or(&given.column_type)).map_err(Stop::Fatal),
            (_, Some(wanted)) => self.converted(given, &wanted, argument),
            (_, None) => Ok(given),
        }
    }
}

/// An error that left a procedure: the trace goes on with where it was called.
fn called(stop: Stop, statement: &Statement, procedure: &str) -> Stop {
    match stop {
        Stop::Raised(mut raised) => {
            let place = Place { procedure: procedure.to_owned(), line: statement.line, column: statement.column };
            raised.trace.push(place);
            Stop::Raised(raised)
        }
        Stop::Fatal(WarehouseError::Unsupported { what, .. }) => Stop::Fatal(WarehouseError::Unsupported {
            what,
            line: Some(statement.line),
            column: Some(statement.column),
        }),
        stop => stop,
    }
}

/// The text that made a procedure, by its name `project.dataset.procedure`.
pub(crate) fn kept(session: &Session<'_>, name: &str) -> Result<Option<String>, WarehouseError> {
    let mut parts = name.rsplitn(3, '.').map(str::to_owned);
    let (Some(procedure), Some(dataset), Some(project)) = (parts.next(), parts.next(), parts.next()) else {
        return Ok(None);
    };
    let name = Name { project, dataset, procedure };
    Ok(find(session, &name)?.map(|kept| kept.sql))
}

fn find(session: &Session<'_>, name: &Name) -> Result<Option<Kept>, WarehouseError> {
    if !session.instance.has_project(&name.project) {
        return Ok(None);
    }
    let sql = format!(
        "SELECT definition FROM {}.{INTERNAL}.procedures WHERE dataset = ? AND lower(name) = lower(?)",
        quote(&name.project)
    );
    let found = session.rows(&sql, [&name.dataset, &name.procedure], |row| row.get::<_, String>(0))?;
    let unreadable = |error| WarehouseError::Internal(format!("procedure {name} cannot be read: {error}"));
    found.first().map(|json| serde_json::from_str(json).map_err(unreadable)).transpose()
}

fn remove(interpreter: &Interpreter<'_>, name: &Name) -> Result<(), WarehouseError> {
    let sql = format!(
        "DELETE FROM {}.{INTERNAL}.procedures WHERE dataset = ? AND lower(name) = lower(?)",
        quote(&name.project)
    );
    interpreter.session.execute(&sql, [&name.dataset, &name.procedure]).map(drop)
}
