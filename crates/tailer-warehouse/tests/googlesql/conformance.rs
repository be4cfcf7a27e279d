//! Measures the translator on the open conformance cases, when they lie beside the checkout.
//!
//! `make googlesql`; the cases' folder can be named by `GOOGLESQL_CASES`, a part of them by `GOOGLESQL_ONLY`. A wrong answer without an error fails the test: it is the worst defect.

use std::{collections::BTreeMap, io::Write as _, path::PathBuf};

use serde_json::Value as Json;

use crate::harness::{Answer, Failure, Warehouse};

/// Core cases that were right when this was last raised: fewer fail the test.
const FLOOR: usize = 862;

/// Cases whose answer differs for a reason that is known and stated.
const ACCEPTED: &[(&str, &str)] = &[];

#[derive(Debug, PartialEq)]
enum Outcome {
    Right,
    Refused(String),
    Wrong(String),
}

#[test]
#[ignore = "measures; reads cases from outside the checkout"]
fn conformance() {
    let folder = std::env::var_os("GOOGLESQL_CASES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/googlesql"),
        PathBuf::from,
    );
    let mut out = std::io::stdout().lock();
    let Ok(files) = std::fs::read_dir(&folder) else {
        writeln!(out, "skipped: no conformance cases in {}", folder.display()).unwrap();
        return;
    };
    let mut files: Vec<PathBuf> = files.map(|f| f.unwrap().path()).collect();
    files.sort();
    let only = std::env::var("GOOGLESQL_ONLY").unwrap_or_default();
    let mut figures: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut topics: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "json")) {
        let cases: Json = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        for case in cases.as_array().unwrap() {
            let name = format!("{}:{}", file.file_stem().unwrap().display(), case["name"].as_str().unwrap());
            if !name.contains(&only) {
                continue;
            }
            let category = case["category"].as_str().unwrap().to_string();
            let figure = figures.entry(category.clone()).or_default();
            let mut topic = [0; 3];
            let judged = std::panic::catch_unwind(|| judge(case));
            match judged.unwrap_or_else(|_| Outcome::Wrong("panic".into())) {
                Outcome::Right => topic[0] += 1,
                Outcome::Refused(reason) => {
                    topic[1] += 1;
                    if category == "core" {
                        reasons.entry(reason).or_default().push(name);
                    }
                }
                Outcome::Wrong(difference) => {
                    topic[2] += 1;
                    if !ACCEPTED.iter().any(|(accepted, _)| *accepted == name) {
                        wrong.push(format!("{name}: {difference}"));
                    }
                }
            }
            let of_topic = topics.entry(file.file_stem().unwrap().display().to_string()).or_default();
            for (i, n) in topic.into_iter().enumerate() {
                figure[i] += n;
                of_topic[i] += n;
            }
        }
    }
    let mut reasons: Vec<(String, Vec<String>)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, cases)| std::cmp::Reverse(cases.len()));
    writeln!(out, "Pass rates by topic:").unwrap();
    for (topic, [right, refused, wrong]) in &topics {
        writeln!(out, "  {topic}: {right} of {} right, {refused} refused, {wrong} wrong", right + refused + wrong)
            .unwrap();
    }
    writeln!(out, "Not supported, core:").unwrap();
    for (reason, cases) in &reasons {
        writeln!(out, "{:4} {reason}   e.g. {}", cases.len(), cases[..cases.len().min(3)].join(" ")).unwrap();
    }
    for line in &wrong {
        writeln!(out, "WRONG {line}").unwrap();
    }
    for (category, [right, refused, wrong]) in &figures {
        let all = right + refused + wrong;
        let share = 100.0 * *right as f64 / all as f64;
        writeln!(out, "{category}: {all} cases, {right} right ({share:.1} %), {refused} refused, {wrong} WRONG")
            .unwrap();
    }
    writeln!(out, "wrong answers: {}", wrong.len()).unwrap();
    assert!(wrong.is_empty(), "{} wrong answers", wrong.len());
    let right = figures.get("core").map_or(0, |[right, ..]| *right);
    assert!(!only.is_empty() || right >= FLOOR, "{right} core cases are right, {FLOOR} were: something was lost");
}

fn judge(case: &Json) -> Outcome {
    let expected = &case["expected"];
    let wants_error = !expected["error"].is_null() && expected["error"] != false;
    let warehouse = Warehouse::new();
    if let Some(zone) = case["time_zone"].as_str() {
        warehouse.set_time_zone(zone);
    }
    for statement in case["setup"].as_array().unwrap() {
        if let Err(failure) = warehouse.run(statement.as_str().unwrap()) {
            if wants_error {
                return Outcome::Right;
            }
            return Outcome::Refused(format!("setup: {}", describe(&failure)));
        }
    }
    match warehouse.run(case["sql"].as_str().unwrap()) {
        Err(_) if wants_error => Outcome::Right,
        Err(failure) => Outcome::Refused(describe(&failure)),
        Ok(answer) if wants_error => {
            Outcome::Wrong(format!("an error was wanted, got {:?}\n  {}", answer.rows, answer.sql))
        }
        Ok(answer) => compare(&answer, expected),
    }
}

fn describe(failure: &Failure) -> String {
    match failure {
        Failure::Refused(error) => error.to_string(),
        Failure::Engine { message, sql } => {
            let sql = if std::env::var_os("GOOGLESQL_ONLY").is_some() { sql.as_str() } else { "" };
            format!("ENGINE {}{sql}", message.lines().next().unwrap_or_default())
        }
    }
}

fn compare(answer: &Answer, expected: &Json) -> Outcome {
    let types: Vec<String> = answer.columns.iter().map(|c| without_names(&c.column_type)).collect();
    let wanted: Vec<String> =
        expected["columns"].as_array().unwrap().iter().map(|c| without_names(c["type"].as_str().unwrap())).collect();
    if types != wanted {
        return Outcome::Wrong(format!("types {types:?}, wanted {wanted:?}\n  {}", answer.sql));
    }
    let mut missing: Vec<&Json> = expected["rows"].as_array().unwrap().iter().collect();
    let rows: Vec<Json> = answer.rows.iter().map(|r| Json::Array(r.clone())).collect();
    let difference = || {
        let same = |i: usize| Some(rows.get(i)) == Some(expected["rows"].get(i));
        let first = (0..rows.len()).find(|i| !same(*i)).unwrap_or(0);
        let short = |j: Json| j.to_string().chars().take(700).collect::<String>();
        Outcome::Wrong(format!(
            "rows (first difference at {first}) {}\n  wanted {}\n  {}",
            short(Json::Array(rows.iter().skip(first).cloned().collect())),
            short(Json::Array(expected["rows"].as_array().unwrap().iter().skip(first).cloned().collect())),
            answer.sql
        ))
    };
    if rows.len() != missing.len() {
        return difference();
    }
    if expected["ordered"] == true {
        let same = rows.iter().zip(&missing).all(|(a, b)| equal(a, b));
        return if same { Outcome::Right } else { difference() };
    }
    for row in &rows {
        match missing.iter().position(|m| equal(row, m)) {
            Some(i) => missing.swap_remove(i),
            None => return difference(),
        };
    }
    Outcome::Right
}

/// A type without the names of fields, which do not matter.
fn without_names(ty: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in ty.chars() {
        if c.is_alphanumeric() || c == '_' || c == '`' {
            word.push(c);
        } else {
            // A word before a space is a field's name.
            if c != ' ' {
                out.push_str(&word);
                out.push(c);
            }
            word.clear();
        }
    }
    out + &word
}

fn equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Array(a), Json::Object(set)) => {
            let mut missing: Vec<&Json> = set["$unordered"].as_array().unwrap().iter().collect();
            a.len() == missing.len()
                && a.iter().all(|x| match missing.iter().position(|m| equal(x, m)) {
                    Some(i) => {
                        missing.swap_remove(i);
                        true
                    }
                    None => false,
                })
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Json::Array(a), Json::Null) | (Json::Null, Json::Array(a)) => a.is_empty(),
        (Json::Number(a), Json::Number(b)) => close(a.as_f64().unwrap(), b.as_f64().unwrap()),
        (Json::Number(a), Json::String(b)) | (Json::String(b), Json::Number(a)) => {
            b.parse::<f64>().is_ok_and(|b| close(a.as_f64().unwrap(), b))
        }
        (Json::String(a), Json::String(b)) => a == b || same_decimal(a, b) || same_time(a, b) || same_json(a, b),
        (a, b) => a == b,
    }
}

fn close(a: f64, b: f64) -> bool {
    a == b || (a.is_finite() && b.is_finite() && (a - b).abs() <= 1e-9 * a.abs().max(b.abs()))
}

fn same_decimal(a: &str, b: &str) -> bool {
    let plain = |s: &str| {
        let number = s.trim_start_matches('-').bytes().all(|c| c.is_ascii_digit() || c == b'.') && s.contains('.');
        number.then(|| s.trim_end_matches('0').trim_end_matches('.').to_string())
    };
    let trimmed = |s: &str| plain(s).unwrap_or_else(|| s.to_string());
    trimmed(a) == trimmed(b)
}

/// Times whose fractions differ by zeros at the end.
fn same_time(a: &str, b: &str) -> bool {
    let plain = |s: &str| {
        let (clock, fraction) = s.rsplit_once('.').filter(|(clock, _)| clock.contains(':'))?;
        let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
        let (digits, zone) = fraction.split_at(end);
        Some((clock.to_string(), digits.trim_end_matches('0').to_string(), zone.to_string()))
    };
    plain(a).is_some() && plain(a) == plain(b)
}

fn same_json(a: &str, b: &str) -> bool {
    let parse = |s: &str| serde_json::from_str::<Json>(s).ok().filter(|j| j.is_object() || j.is_array());
    matches!((parse(a), parse(b)), (Some(a), Some(b)) if a == b)
}
