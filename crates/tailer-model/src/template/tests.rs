//! Templates by example, and by the property that rendering then matching gives the captures back.

use proptest::prelude::*;

use super::*;

fn template(text: &str) -> FilenameTemplate {
    FilenameTemplate::parse(text).unwrap()
}

/// `date time table`, `-` for what is absent; `None` for no match.
fn matching(text: &str, name: &str) -> Option<String> {
    let Captures { date, time, table_name } = template(text).matches(name)?;
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    Some(format!("{} {} {}", or_dash(date.map(|d| d.to_string())), or_dash(time), or_dash(table_name)))
}

#[test]
fn matches_the_whole_name() {
    let check = |text: &str, name: &str, expected: &str| {
        assert_eq!(matching(text, name).as_deref(), Some(expected), "{text} / {name}");
    };
    check("stores_{{FD_DATE}}_{{FD_TIME}}.txt", "stores_20201116_124213.txt", "2020-11-16 124213 -");
    check(
        "{{FD_DATE}}_{{FD_BLOB_5}}_fixedvalue_{{FD_BLOB_11}}.gz",
        "20201116_12397_fixedvalue_12312378934.gz",
        "2020-11-16 - -",
    );
    check("sales_{{FD_BLOB_8}}-{{FD_DATE}}.csv", "sales_20200108-20200110.csv", "2020-01-10 - -");
    check("{{FD_DATE_YEAR_4}}-{{FD_DATE_MONTH}}-{{FD_DATE_DAY}}.csv", "2020-02-29.csv", "2020-02-29 - -");
    check("x_{{FD_DATE_YEAR_2}}.csv", "x_21.csv", "2021-01-01 - -");
    check("x_{{FD_DATE_YEAR_4}}{{FD_DATE_MONTH}}.csv", "x_202107.csv", "2021-07-01 - -");
    check("x_{{FD_DATE_YEAR_4}}_{{FD_DATE}}.csv", "x_1999_20210708.csv", "2021-07-08 - -");
    check("x_{{FD_DATE_MONTH}}{{FD_DATE_DAY}}.csv", "x_0231.csv", "- - -");
    check("{{FD_TABLE_NAME}}.csv", "a.csv", "- - a");
    check("{{FD_TABLE_NAME}}_{{FD_DATE}}.csv", "my_big_table_20210708.csv", "2021-07-08 - my_big_table");
    check("{{FD_DATE}}{{FD_TABLE_NAME}}", "20210708ventes_été", "2021-07-08 - ventes_été");
    check("plain.csv", "plain.csv", "- - -");
    check("a.b{1,2}*", "a.b{1,2}*", "- - -");
    check("{{FD_BLOB_2}}é", "✓éé", "- - -");
    check("*", "whatever there is", "- - -");
}

#[test]
fn does_not_match() {
    for (text, name) in [
        ("stores_{{FD_DATE}}.txt", "stores_20230231.txt"),
        ("stores_{{FD_DATE}}.txt", "stores_20231301.txt"),
        ("stores_{{FD_DATE}}.txt", "stores_00000101.txt"),
        ("stores_{{FD_DATE}}.txt", "stores_2023010.txt"),
        ("stores_{{FD_DATE}}.txt", "stores_20230101.txt.bak"),
        ("stores_{{FD_DATE}}.txt", "my_stores_20230101.txt"),
        ("stores_{{FD_DATE}}.txt", "STORES_20230101.txt"),
        ("stores_{{FD_DATE}}.txt", "stores_２０２３０１０１.txt"),
        ("{{FD_TIME}}", "12345a"),
        ("{{FD_TIME}}", "+12345"),
        ("{{FD_DATE_YEAR_4}}{{FD_DATE_MONTH}}{{FD_DATE_DAY}}", "20230231"),
        ("{{FD_DATE_MONTH}}", "13"),
        ("{{FD_DATE_DAY}}", "00"),
        ("{{FD_TABLE_NAME}}.csv", ".csv"),
        ("{{FD_TABLE_NAME}}.csv", "a-b.csv"),
        ("{{FD_BLOB_3}}", "ab"),
        ("{{FD_BLOB_3}}", "abcd"),
        ("plain.csv", "plainxcsv"),
        ("plain.csv", ""),
    ] {
        assert_eq!(matching(text, name), None, "{text} / {name}");
    }
}

#[test]
fn bad_templates_are_explained() {
    let check = |text: &str, part: &str| {
        let error = FilenameTemplate::parse(text).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    };
    check("", "empty");
    check("a|b", "|");
    check("{{FD_DAT}}", "did you mean \"FD_DATE\"?");
    check("{{client}}.csv", "{{client}}");
    check("{{ FD_DATE }}", "without spaces");
    check("{{FD_DATE", "braces around no name");
    check("{{FD_BLOB_0}}", "1 to 1024");
    check("{{FD_BLOB_}}", "1 to 1024");
    check("{{FD_BLOB_99999999999}}", "1 to 1024");
    check("{{FD_TABLE_NAME}}_{{FD_TABLE_NAME}}", "only once");
}

#[test]
fn renders_what_it_knows() {
    let date = Date::constant(2021, 7, 8);
    let at = "2021-07-09T01:02:03Z".parse().ok();
    let check = |text: &str, expected: &str| assert_eq!(render(text, date, at, Some("shops")), expected);
    check(
        "{{FD_DATE}}-{{FD_DATE_YEAR_4}}-{{FD_DATE_YEAR_2}}-{{FD_DATE_MONTH}}-{{FD_DATE_DAY}}",
        "20210708-2021-21-07-08",
    );
    check("{{FD_TIME}}/{{FD_TABLE_NAME}}", "010203/shops");
    check("{{other}} {{ FD_DATE }} {x} {{", "{{other}} {{ FD_DATE }} {x} {{");
    check("{{{FD_DATE}}}", "{20210708}");
    assert_eq!(render("{{FD_TIME}}{{FD_TABLE_NAME}}", date, None, None), "{{FD_TIME}}{{FD_TABLE_NAME}}");
    assert_eq!(render("{{FD_TABLE_NAME}}", date, None, Some("{{FD_DATE}}")), "{{FD_DATE}}");
}

#[test]
fn placeholders_are_listed_once() {
    assert_eq!(placeholders("{{a}} {{b_1}} {{a}} {{ c }} {{}} {{1}} {{d-e.f}} {g}"), ["a", "b_1", "d-e.f"]);
    assert_eq!(placeholders("{{a"), Vec::<String>::new());
}

#[test]
fn hostile_names_take_one_pass() {
    let long = "a".repeat(1_000_000);
    assert!(template("{{FD_TABLE_NAME}}_{{FD_DATE}}.csv").matches(&long).is_none());
    assert!(template("{{FD_TABLE_NAME}}").matches(&long).is_some());
}

#[derive(Debug, Clone)]
enum Chunk {
    Text(String),
    Date,
    Time,
    Table,
    Blob(String),
}

fn chunks() -> impl Strategy<Value = Vec<Chunk>> {
    let chunk = prop_oneof![
        3 => "[a-z.\\-é]{1,4}".prop_map(Chunk::Text),
        1 => Just(Chunk::Date),
        1 => Just(Chunk::Time),
        1 => Just(Chunk::Table),
        1 => "\\PC{1,5}".prop_map(Chunk::Blob),
    ];
    proptest::collection::vec(chunk, 1..6)
        .prop_filter("one table name", |c| c.iter().filter(|c| matches!(c, Chunk::Table)).count() <= 1)
}

proptest! {
    /// A name written from a template matches it and tells what it was written from.
    #[test]
    fn captures_come_back(chunks in chunks(), day in 0_i64..3_000_000, seconds in 0_i64..86_400, table in "[a-zA-Z0-9_]{1,12}") {
        let date = Date::constant(1, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap();
        let at = Timestamp::from_second(seconds).unwrap();
        let text: String = chunks.iter().map(|chunk| match chunk {
            Chunk::Text(text) => text.clone(),
            Chunk::Date => "{{FD_DATE}}".to_owned(),
            Chunk::Time => "{{FD_TIME}}".to_owned(),
            Chunk::Table => "{{FD_TABLE_NAME}}".to_owned(),
            Chunk::Blob(blob) => format!("{{{{FD_BLOB_{}}}}}", blob.chars().count()),
        }).collect();
        let blobs: Vec<&String> = chunks.iter().filter_map(|c| match c { Chunk::Blob(b) => Some(b), _ => None }).collect();
        let mut next_blob = blobs.iter();
        let with_blobs = replace(&text, |name| name.starts_with("FD_BLOB_").then(|| next_blob.next().unwrap().to_string()));
        prop_assume!(placeholders(&with_blobs).len() <= placeholders(&text).len());
        let name = render(&with_blobs, date, Some(at), Some(&table));
        let captures = template(&text).matches(&name);
        let expected = Captures {
            date: text.contains("{{FD_DATE}}").then_some(date),
            time: text.contains("{{FD_TIME}}").then(|| render("{{FD_TIME}}", date, Some(at), None)),
            table_name: text.contains("{{FD_TABLE_NAME}}").then(|| table.clone()),
        };
        prop_assert_eq!(captures, Some(expected), "{} / {}", text, name);
    }

    /// Any text is either a template or an error, and any name gets an answer.
    #[test]
    fn never_panics(text in "(\\{\\{FD_[A-Z_0-9]{0,12}\\}\\}|[{}a-zé0-9|* ]){0,6}", name in "\\PC{0,20}") {
        if let Ok(template) = FilenameTemplate::parse(&text) {
            let _ = template.matches(&name);
        }
        let _ = placeholders(&name);
    }

    /// Replacing nothing changes nothing.
    #[test]
    fn pieces_lose_nothing(text in "[{}a-z_ ]{0,30}") {
        prop_assert_eq!(replace(&text, |_| None), text);
    }
}
