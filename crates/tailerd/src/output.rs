//! What commands print. Standard output carries results only; everything else goes to standard error
//! (`spec/cli.md`). A reader that went away (`tailerd runs | head -1`) is no error.

#![expect(clippy::print_stderr, reason = "this module is the one place that writes to the terminal")]

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::failure::Failure;

/// One line of a result.
pub(crate) fn line(text: impl AsRef<str>) {
    write_out(&format!("{}\n", text.as_ref()));
}

/// A line that nobody needs to read: a server goes on without a reader.
pub(crate) fn announce(text: impl AsRef<str>) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush());
}

/// A result as one JSON document.
pub(crate) fn json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => line(text),
        Err(error) => note(format!("cannot write the result as JSON: {error}")),
    }
}

/// A result as one line of JSON.
pub(crate) fn json_line(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => line(text),
        Err(error) => note(format!("cannot write the result as JSON: {error}")),
    }
}

/// Progress, for people.
pub(crate) fn note(text: impl AsRef<str>) {
    eprintln!("{}", text.as_ref());
}

pub(crate) fn warning(text: impl AsRef<str>) {
    eprintln!("warning: {}", text.as_ref());
}

/// `error:` and `hint:` lines.
pub(crate) fn failure(failure: &Failure) {
    for (i, message) in failure.message.lines().enumerate() {
        if i == 0 {
            eprintln!("error: {message}");
        } else {
            eprintln!("       {message}");
        }
    }
    for hint in &failure.hints {
        eprintln!("hint: {hint}");
    }
}

/// Whether a person is looking at standard output.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Prints rows under headers in columns as wide as their content.
pub(crate) fn table(headers: &[&str], rows: &[Vec<String>]) {
    write_out(&format_table(headers, rows));
}

/// `name  value` lines, values aligned.
pub(crate) fn fields(fields: &[(&str, String)]) {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in fields {
        line(format!("{name:width$}  {value}").trim_end());
    }
}

fn write_out(text: &str) {
    let mut out = io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        // Nobody reads any more: what is left to do is to stop quietly, as other tools do.
        std::process::exit(0);
    }
}

fn format_table(headers: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| flat(row)).collect();
    let width_of = |text: &str| text.chars().count();
    let widths: Vec<usize> = headers
        .iter()
        .enumerate()
        .map(|(i, header)| {
            let cells = rows.iter().filter_map(|row| row.get(i)).map(|cell| width_of(cell));
            cells.chain([width_of(header)]).max().unwrap_or(0)
        })
        .collect();
    let write = |cells: &[String]| {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            text.push_str(cell);
            text.push_str(&" ".repeat(width.saturating_sub(width_of(cell)) + 2));
        }
        format!("{}\n", text.trim_end())
    };
    let headers: Vec<String> = headers.iter().map(|h| (*h).to_owned()).collect();
    std::iter::once(write(&headers)).chain(rows.iter().map(|row| write(row))).collect()
}

/// Cells on one line each: a line break inside a value would break the table.
fn flat(row: &[String]) -> Vec<String> {
    row.iter().map(|cell| cell.replace('\n', "\\n").replace('\r', "\\r")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_content() {
        let rows = vec![vec!["a".into(), "été".into()], vec!["long\ncell".into(), String::new()]];
        assert_eq!(format_table(&["one", "two"], &rows), "one         two\na           été\nlong\\ncell\n");
    }
}
