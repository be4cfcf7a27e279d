//! Many alerts in one message: what became of how many, then one line or row for each.

use std::{collections::BTreeMap, fmt::Write as _};

use tailer_model::monitoring::{Escape, Facts};

/// Of an error, in characters.
const MAX_ERROR: usize = 200;

/// `TAILER RUN ALERTS: 200 (198 FAILED, 2 NO_MATCH)`
pub(super) fn subject(told: &[Facts]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for facts in told {
        *counts.entry(facts.status.as_str()).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(status, count)| format!("{count} {status}")).collect();
    format!("TAILER RUN ALERTS: {} ({})", told.len(), counts.join(", "))
}

pub(super) fn text(told: &[Facts]) -> String {
    let mut text = format!("{}\n", subject(told));
    for facts in told {
        let Facts { job_id, status, execution_date, account, environment, run_id, .. } = facts;
        let _ = write!(text, "\n{job_id}: {status} at {execution_date} ({account} {environment})\n");
        if !facts.error.is_empty() {
            let _ = writeln!(text, "{}", first_line(&facts.error));
        }
        let _ = writeln!(text, "run {run_id}\n{}", facts.url_to_tailer_studio_run_id);
    }
    text
}

pub(super) fn html(told: &[Facts]) -> String {
    let safe = |text: &str| Escape::Html.write(text);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<body style=\"font-family: sans-serif; color: #1a1a1a;\">\n<h2>{}</h2>\n\
         <table style=\"border-collapse: collapse;\" cellpadding=\"4\">\n<tr><th align=\"left\">Status</th>\
         <th align=\"left\">Job</th><th align=\"left\">Execution date</th><th align=\"left\">Account</th>\
         <th align=\"left\">Run</th><th align=\"left\">Error</th></tr>\n",
        safe(&subject(told))
    );
    for facts in told {
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{} {}</td><td><a href=\"{}\">{}</a></td><td>{}</td></tr>",
            safe(&facts.status),
            safe(&facts.job_id),
            safe(&facts.execution_date),
            safe(&facts.account),
            safe(&facts.environment),
            safe(&facts.url_to_tailer_studio_run_id),
            safe(&facts.run_id),
            safe(&first_line(&facts.error)),
        );
    }
    html + "</table>\n</body>\n</html>\n"
}

/// One alert in Slack's own markup: `&`, `<` and `>` are escaped, and a link's text has no bar.
pub(super) fn slack_line(facts: &Facts) -> String {
    let safe = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let job = safe(&facts.job_id);
    let head = match facts.url_to_tailer_studio_run_id.as_str() {
        "" => job,
        url => format!("<{}|{}>", safe(url), job.replace('|', "\u{2502}")),
    };
    let mut line = format!(
        "{head}: *{}* at {} ({} {}), run {}",
        facts.status, facts.execution_date, facts.account, facts.environment, facts.run_id
    );
    for more in [&facts.error, &facts.alert_info].into_iter().filter(|text| !text.is_empty()) {
        line.push_str(": ");
        line.push_str(&safe(&first_line(more)));
    }
    line
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(MAX_ERROR) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}
