//! What names of cloud resources may look like. Looser than each service, tight enough that a name is safe as a folder
//! or a quoted identifier of a local stand-in.

use crate::{
    suggest,
    template::{DATE_NAMES, placeholders, replace},
};

const MAX_NAME: usize = 1_024;

/// Id of a cloud project.
pub(crate) fn project(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(fits) && text.len() <= MAX_NAME {
        Ok(text.to_owned())
    } else {
        Err(format!("\"{text}\" is not a project id: letters, digits, \"-\" and \"_\""))
    }
}

/// Name of a dataset.
pub(crate) fn dataset(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !text.is_empty() && text.chars().all(fits) && text.len() <= MAX_NAME {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "\"{text}\" is not a dataset: letters, digits, \"_\" and \"-\" (the project has a parameter of its own)"
        ))
    }
}

/// Which extras a table name may have.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TableNameRules {
    /// `$20240223` at the end.
    pub(crate) decorator: bool,
    /// `{{FD_DATE}}` and its parts.
    pub(crate) dates: bool,
    /// `{{FD_TABLE_NAME}}`.
    pub(crate) captured: bool,
}

/// Name of a table, without its dataset.
pub(crate) fn table(text: &str, rules: TableNameRules) -> Result<String, String> {
    let text = text.trim();
    let mut allowed: Vec<&str> = Vec::new();
    if rules.dates {
        allowed.extend(DATE_NAMES);
    }
    if rules.captured {
        allowed.push("FD_TABLE_NAME");
    }
    known_placeholders(text, &allowed)?;
    // A stand-in of word characters, so that what remains can be judged as a plain name.
    let plain = replace(text, |_| Some("0".to_owned()));
    let (name, decorator) = match plain.split_once('$') {
        Some((name, decorator)) => (name, Some(decorator)),
        None => (plain.as_str(), None),
    };
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) || text.len() > MAX_NAME
    {
        return Err(format!(
            "\"{text}\" is not a table name: letters, digits, \"_\" and \"-\" (project and dataset have parameters of their own)"
        ));
    }
    match decorator {
        Some(_) if !rules.decorator => Err(format!("\"{text}\": a partition (\"$...\") is not possible here")),
        Some(decorator)
            if decorator.is_empty() || !decorator.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') =>
        {
            Err(format!("\"{text}\": expected a partition such as \"$20240223\" or \"$27\" after the table name"))
        }
        _ => Ok(text.to_owned()),
    }
}

/// A bucket, a container or a host.
pub(crate) fn bucket(text: &str) -> Result<String, String> {
    let text = text.trim();
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(format!("expected a name only, without \"{scheme}://\""));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(fits) && text.len() <= 255 {
        Ok(text.to_owned())
    } else {
        Err(format!("\"{text}\" is not a bucket, container or host: letters, digits, \"-\", \"_\" and \".\""))
    }
}

/// A folder of a storage, without leading or trailing slashes; empty for the root.
pub(crate) fn folder(text: &str) -> Result<String, String> {
    let folder = text.trim().trim_matches('/');
    if folder.contains(char::is_control) || folder.contains('\\') {
        return Err("expected a folder with \"/\" between its parts and no control characters".to_owned());
    }
    if folder.split('/').any(|part| matches!(part, "." | "..")) {
        return Err("a folder must not have \".\" or \"..\" as a part".to_owned());
    }
    Ok(folder.to_owned())
}

/// Whether only these `{{...}}` names are used.
pub(crate) fn known_placeholders(text: &str, allowed: &[&str]) -> Result<(), String> {
    for name in placeholders(text) {
        if !allowed.contains(&name.as_str()) {
            let can_be = if allowed.is_empty() {
                String::new()
            } else {
                let all: Vec<String> = allowed.iter().map(|name| format!("{{{{{name}}}}}")).collect();
                format!(" (only {})", all.join(", "))
            };
            let hint = suggest::hint(&name, allowed.iter().copied());
            return Err(format!("{{{{{name}}}}} cannot be used here{can_be}{hint}"));
        }
    }
    Ok(())
}

/// One character between fields: `\t` (two characters) and `tab` mean a tab.
pub(crate) fn delimiter(text: &str) -> Result<String, String> {
    let text = if text == "\\t" || text.eq_ignore_ascii_case("tab") { "\t" } else { text };
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some('\n' | '\r' | '"'), None) => Err("a line break or a double quote cannot separate fields".to_owned()),
        (Some(_), None) => Ok(text.to_owned()),
        _ => Err(format!("expected one character (or \"\\\\t\" for a tab), found \"{text}\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_and_datasets() {
        for good in ["my-project", "Project_A", "dlk_demo", "example.com:p", "p1"] {
            assert!(project(good).is_ok(), "{good}");
        }
        for bad in ["", "../x", "a/b", "a b", "-a", "a`b", "é"] {
            assert!(project(bad).is_err(), "{bad}");
        }
        assert!(dataset("Dataset_Z").is_ok() && dataset("my-dataset").is_ok());
        for bad in ["", "p.d", "a b", "a`b", "a\"b", ".."] {
            assert!(dataset(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tables() {
        let all = TableNameRules { decorator: true, dates: true, captured: true };
        let none = TableNameRules::default();
        for good in
            ["sales", "sales-2", "ventes_été", "sales$20240223", "s_{{FD_DATE}}", "s${{FD_DATE}}", "{{FD_TABLE_NAME}}"]
        {
            assert!(table(good, all).is_ok(), "{good}");
        }
        for bad in ["", "a.b", "a b", "a`", "s$", "s$1$2", "$1", "s_{{FD_TIME}}", "s_{{client}}", "s/{{FD_DATE}}"] {
            assert!(table(bad, all).is_err(), "{bad}");
        }
        for bad in ["sales$20240223", "s_{{FD_DATE}}", "{{FD_TABLE_NAME}}"] {
            assert!(table(bad, none).is_err(), "{bad}");
        }
    }

    #[test]
    fn folders_and_buckets() {
        assert_eq!(folder("/a/b/"), Ok("a/b".to_owned()));
        assert_eq!(folder("/"), Ok(String::new()));
        assert!(folder("a/../b").is_err() && folder("a\\b").is_err());
        assert!(bucket("152-composer-test").is_ok() && bucket("sftp.domain.com").is_ok());
        for bad in ["", "gs://b", "a/b", "..", ".a", "a b"] {
            assert!(bucket(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn delimiters() {
        assert_eq!(delimiter("|"), Ok("|".to_owned()));
        for tab in ["\t", "\\t", "tab"] {
            assert_eq!(delimiter(tab), Ok("\t".to_owned()));
        }
        for bad in ["", "||", "\n", "\""] {
            assert!(delimiter(bad).is_err(), "{bad}");
        }
    }
}
