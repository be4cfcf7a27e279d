//! The checks that the files of cases share.

use serde_json::Value as Json;
use tailer_warehouse::WarehouseError;

use crate::harness::{Failure, Warehouse};

/// Rows as JSON, such as `[[1, "a"], [null, 2.5]]`, in order.
#[track_caller]
pub(crate) fn rows(sql: &str, expect: &str) {
    rows_after("", sql, expect);
}

#[track_caller]
pub(crate) fn rows_after(setup: &str, sql: &str, expect: &str) {
    let warehouse = Warehouse::new();
    warehouse.run(setup).unwrap_or_else(|f| panic!("{setup}\n{f:?}"));
    let answer = warehouse.run(sql).unwrap_or_else(|f| panic!("{sql}\n{f:?}"));
    let found = Json::Array(answer.rows.into_iter().map(Json::Array).collect());
    let expect: Json = serde_json::from_str(expect).unwrap_or_else(|e| panic!("{expect}: {e}"));
    assert_eq!(found, expect, "\n{sql}\n{}", answer.sql);
}

/// One value: `SELECT expression` and what it gives.
#[track_caller]
pub(crate) fn values(cases: &[(&str, &str)]) {
    let warehouse = Warehouse::new();
    let mut wrong = Vec::new();
    for (expression, expect) in cases {
        let expect: Json = serde_json::from_str(expect).unwrap_or_else(|e| panic!("{expect}: {e}"));
        match warehouse.run(&format!("SELECT {expression}")) {
            Ok(answer) if answer.rows == [[expect.clone()]] => {}
            Ok(answer) => wrong.push(format!("{expression}\n  {}\n  {:?}, wanted {expect}", answer.sql, answer.rows)),
            Err(failure) => wrong.push(format!("{expression}\n  {failure:?}")),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Expressions that fail, here or in the engine, with a part of the message.
#[track_caller]
pub(crate) fn failures(cases: &[(&str, &str)]) {
    let warehouse = Warehouse::new();
    let mut wrong = Vec::new();
    for (expression, expect) in cases {
        let message = match warehouse.run(&format!("SELECT {expression}")) {
            Ok(answer) => format!("an answer: {:?}", answer.rows),
            Err(Failure::Refused(error)) => error.to_string(),
            Err(Failure::Engine { message, .. }) => message,
        };
        if !message.contains(expect) {
            wrong.push(format!("{expression}\n  {message}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// A script that is refused before it runs: kind, a part of the message, line and column.
#[track_caller]
pub(crate) fn refused(warehouse: &Warehouse, script: &str, kind: &str, message: &str, place: (usize, usize)) {
    let error = match warehouse.run(script) {
        Err(Failure::Refused(error)) => error,
        other => panic!("{script}\n{other:?}"),
    };
    let (found, text, line, column) = match &error {
        WarehouseError::Invalid { message, line, column } => ("invalid", message, line, column),
        WarehouseError::Unsupported { what, line, column } => ("unsupported", what, line, column),
        other => panic!("{script}\n{other:?}"),
    };
    assert_eq!(found, kind, "{script}\n{error}");
    assert!(text.contains(message), "{script}\n{error}");
    assert_eq!((*line, *column), (Some(place.0), Some(place.1)), "{script}\n{error}");
}
