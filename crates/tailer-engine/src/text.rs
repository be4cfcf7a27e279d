//! Placeholders in SQL files: the parameters of a launch and the execution date.

use serde_json::{Map, Value};
use tailer_model::{ExecutionDate, template};

use crate::EngineError;

const CURRENT_DATE: &str = "TEMPLATE_CURRENT_DATE";

/// Checks the parameters of a launch: scalars only (`spec/api.md`, launch).
///
/// # Errors
/// [`EngineError::Invalid`] naming each parameter that is an array or an object.
pub(crate) fn check_parameters(parameters: &Map<String, Value>) -> Result<(), EngineError> {
    let bad: Vec<&str> =
        parameters.iter().filter(|(_, v)| v.is_array() || v.is_object()).map(|(name, _)| name.as_str()).collect();
    if bad.is_empty() {
        return Ok(());
    }
    Err(EngineError::invalid(
        "invalid_parameters",
        format!("parameters are numbers, booleans, strings or null; these are arrays or objects: {}", bad.join(", ")),
    ))
}

/// SQL as it is to be run: parameters put in as text, the execution date where the task asks for it.
///
/// # Errors
/// Names every `{{name}}` that nothing replaced.
pub(crate) fn render_sql(
    sql: &str,
    parameters: &Map<String, Value>,
    current_date: Option<ExecutionDate>,
) -> Result<String, String> {
    let mut missing = Vec::new();
    let rendered = template::replace(sql, |name| {
        let value = match (parameters.get(name), current_date) {
            (Some(value), _) => Some(as_text(value)),
            (None, Some(date)) if name == CURRENT_DATE => Some(date.to_string()),
            _ => None,
        };
        if value.is_none() {
            missing.push(format!("{{{{{name}}}}}"));
        }
        value
    });
    if missing.is_empty() {
        return Ok(rendered);
    }
    missing.dedup();
    let hint = if missing.iter().any(|m| m.contains(CURRENT_DATE)) {
        "; set sql_query_template to \"TEMPLATE_CURRENT_DATE\" to have the execution date put in"
    } else {
        "; give it in `parameters` at launch"
    };
    Err(format!("nothing replaces {} in the SQL{hint}", missing.join(", ")))
}

/// Numbers and booleans as they are, null as `NULL`, strings with quotes and backslashes escaped and no quotes added.
fn as_text(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::String(text) => {
            let mut escaped = String::with_capacity(text.len());
            for c in text.chars() {
                match c {
                    '\\' | '\'' | '"' | '`' => {
                        escaped.push('\\');
                        escaped.push(c);
                    }
                    '\n' => escaped.push_str("\\n"),
                    '\r' => escaped.push_str("\\r"),
                    c => escaped.push(c),
                }
            }
            escaped
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(sql: &str, parameters: Value, date: Option<&str>) -> Result<String, String> {
        let Value::Object(parameters) = parameters else { panic!("an object") };
        render_sql(sql, &parameters, date.map(|d| d.parse().unwrap()))
    }

    #[test]
    fn parameters_go_in_as_text() {
        let parameters = json!({"n": 3, "b": true, "nothing": null, "s": "it's \\ \"so\""});
        assert_eq!(
            render("SELECT {{n}}, {{b}}, {{nothing}}, '{{s}}'", parameters, None).unwrap(),
            "SELECT 3, true, NULL, 'it\\'s \\\\ \\\"so\\\"'"
        );
    }

    #[test]
    fn the_execution_date_goes_in_only_where_asked_for() {
        assert_eq!(
            render("DATE '{{TEMPLATE_CURRENT_DATE}}'", json!({}), Some("2024-02-29")).unwrap(),
            "DATE '2024-02-29'"
        );
        assert!(render("{{TEMPLATE_CURRENT_DATE}}", json!({}), None).unwrap_err().contains("sql_query_template"));
    }

    #[test]
    fn what_nothing_replaced_is_named() {
        let error = render("{{a}} {{b}} {{c}}", json!({"b": 1}), None).unwrap_err();
        assert!(error.contains("{{a}}, {{c}}"), "{error}");
    }
}
