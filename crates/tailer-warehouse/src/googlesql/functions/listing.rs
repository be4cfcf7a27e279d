//! `docs/googlesql.md` lists every function, and this keeps it true: the part between the marks is made from the tables
//! of the code. `TAILERD_WRITE_DOCS=1` writes it anew.

use std::{collections::BTreeMap, fs, path::Path};

use super::{Entry, TABLE};
use crate::googlesql::{aggregates::AGGREGATES, windows::WINDOW_ONLY};

/// Where a function of the embedded warehouse differs from BigQuery's: it refuses what is said here.
const DIFFERENCES: &[(&str, &str)] = &[
    ("APPROX_COUNT_DISTINCT", "exact"),
    ("APPROX_QUANTILES", "exact"),
    ("APPROX_TOP_COUNT", "exact; not of INTERVAL"),
    ("APPROX_TOP_SUM", "exact"),
    ("CONTAINS_SUBSTR", "of two STRINGs only"),
    ("FORMAT", "`%t` and `%T` of a whole NUMERIC and `%e`, `%g` of NUMERIC fail"),
    ("FORMAT_TIMESTAMP", "`%Z` of a zone other than UTC fails"),
    ("GENERATE_DATE_ARRAY", "the step is written `INTERVAL n unit`"),
    ("INSTR", "an empty part to look for fails"),
    ("JSON_QUERY", "no lax paths"),
    ("PARSE_DATE", "`%G %g %J %V` fail, and a day of the week beside a week"),
    ("PARSE_DATETIME", "`%G %g %J %V` fail, and a day of the week beside a week"),
    ("PARSE_TIMESTAMP", "`%G %g %J %V %Z` fail, and a day of the week beside a week"),
    ("RAND", "random, as everywhere"),
    ("SESSION_USER", "DuckDB's name of the user"),
];

fn note(name: &str) -> &'static str {
    DIFFERENCES.iter().find(|(n, _)| *n == name).map_or("", |(_, note)| note)
}

fn list() -> String {
    let mut rows = BTreeMap::new();
    for (name, entry) in TABLE.iter() {
        let types = match entry {
            Entry::Code(_) => "every signature of BigQuery's reference".to_owned(),
            Entry::Templates(signatures) => {
                let known = signatures.iter().filter(|s| !s.template.is_empty());
                let shown: Vec<String> = known
                    .map(|s| {
                        let dots = if s.variadic { "…" } else { "" };
                        format!("`({}{dots}) → {}`", s.parameters.join(", "), s.result)
                    })
                    .collect();
                shown.join(" ")
            }
        };
        rows.insert(*name, types);
    }
    for name in AGGREGATES {
        rows.insert(name, "aggregate".to_owned());
    }
    for name in WINDOW_ONLY {
        rows.insert(name, "with OVER".to_owned());
    }
    let rows = rows.into_iter().map(|(name, types)| format!("| `{name}` | {types} | {} |", note(name)));
    let head = ["| function | arguments and result | difference |".to_owned(), "| --- | --- | --- |".to_owned()];
    head.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_function_is_documented() {
    const BEGIN: &str = "<!-- functions: begin; made by a test, see googlesql/functions/listing.rs -->\n";
    const END: &str = "\n<!-- functions: end -->";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/googlesql.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (listed, after) = rest.split_once(END).unwrap();
    let wanted = list();
    if std::env::var_os("TAILERD_WRITE_DOCS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
        return;
    }
    assert!(listed == wanted, "docs/googlesql.md is behind the code: run this test with TAILERD_WRITE_DOCS=1");
    for (name, _) in DIFFERENCES {
        assert!(wanted.contains(&format!("| `{name}` |")), "a difference of {name}, which is no function");
    }
}
