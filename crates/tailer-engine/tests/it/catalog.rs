//! The catalogue: what an account sees, who reads and writes a table, which run wrote it last, and what is not shown.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tailer_engine::{CatalogScope, Count, EngineError, Preview, TableDetails, Tables, TablesQuery};
use tailer_model::RunId;

use crate::support::{House, actor, sql_tasks};

const OTHER: &str = "000001";

fn scope(account: &str) -> CatalogScope {
    CatalogScope { account: account.parse().unwrap(), environment: None, patience: Duration::from_secs(30) }
}

/// An operation with these tasks, in turn; `of` is its id, or `account id`.
fn operation(of: &str, tasks: Value) -> Value {
    let (account, id) = of.split_once(' ').unwrap_or(("000099", of));
    let mut made = sql_tasks(id, &[], &[]);
    let ids: Vec<&str> = tasks.as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect();
    made["task_dependencies"] = json!([ids.join(" >> ")]);
    made["account"] = json!(account);
    made["workflow"] = tasks;
    made
}

fn into(table: &str, file: &str) -> Value {
    json!([{"id": "fill", "task_type": "sql", "sql_file": file, "table_name": table}])
}

async fn table(house: &House, account: &str, name: &str) -> Result<TableDetails, EngineError> {
    let parts: Vec<&str> = name.split('.').collect();
    let place = match parts.as_slice() {
        [dataset, table] => ("p", *dataset, *table),
        [project, dataset, table] => (*project, *dataset, *table),
        _ => panic!("{name}"),
    };
    house.engine.catalog_table(&scope(account), place, Some(10)).await
}

async fn names(house: &House, account: &str, dataset: &str, search: &str) -> Result<Vec<String>, EngineError> {
    let query =
        TablesQuery { project: "p".into(), dataset: dataset.into(), search: search.into(), skip: 0, limit: 100 };
    let found = house.engine.catalog_tables(&scope(account), &query).await?;
    assert_eq!(found.trouble, None);
    Ok(found.tables.into_iter().map(|table| table.name).collect())
}

fn is_unknown<T: std::fmt::Debug>(found: Result<T, EngineError>) {
    assert!(matches!(found, Err(EngineError::NotFound { .. })), "{found:?}");
}

fn last(details: &TableDetails) -> Option<(RunId, String, Option<u64>)> {
    details.last.as_ref().map(|last| (last.run_id.clone(), last.task_id.to_string(), last.rows))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_tells_who_reads_and_writes_it_and_which_run_did_last() {
    let house = House::new().await;
    house.deploy(operation("fill", into("sales", "a.sql")), &[("a.sql", "SELECT n FROM UNNEST([1, 2, 3]) AS n")]).await;
    let tasks = json!([
        {"id": "sum", "task_type": "sql", "sql_file": "b.sql"},
        {"id": "day", "task_type": "sql", "sql_file": "c.sql", "table_name": "day_{{FD_DATE}}"},
    ]);
    let b = "CREATE TABLE IF NOT EXISTS d.sums (n INT64); INSERT INTO d.sums SELECT SUM(n) FROM sales";
    house.deploy(operation("sum", tasks), &[("b.sql", b), ("c.sql", "SELECT 1 AS n")]).await;
    let before = table(&house, "000099", "d.sales").await.unwrap();
    assert_eq!((before.described.is_none(), before.last.is_none(), before.trouble), (true, true, None));
    let filled = house.run("fill").await.run;
    let summed = house.run("sum").await.run;
    assert_eq!((filled.status.as_str(), summed.status.as_str()), ("SUCCESS", "SUCCESS"), "{:?}", summed.error);

    let sales = table(&house, "000099", "d.sales").await.unwrap();
    assert_eq!(last(&sales), Some((filled.run_id.clone(), "fill".into(), Some(3))));
    let of = |uses: &[tailer_engine::TaskUse]| {
        uses.iter().map(|one| format!("{} {}", one.operation.configuration_id, one.task)).collect::<Vec<_>>()
    };
    assert_eq!((of(&sales.writers), of(&sales.readers)), (vec!["fill_DEV fill".into()], vec!["sum_DEV sum".into()]));
    assert_eq!(sales.readers[0].writes[0].table, "sums");
    assert_eq!(sales.described.unwrap().rows, Some(Count::Exact(3)));
    let sums = table(&house, "000099", "d.sums").await.unwrap();
    assert_eq!(last(&sums), Some((summed.run_id.clone(), "sum".into(), None)), "a script says no rows");
    let Preview::Rows { rows, .. } = sums.preview else { panic!("{:?}", sums.preview) };
    assert_eq!(rows, [[json!(6)]]);

    // The pattern stands for the table that the run made.
    let date = summed.execution_date.compact();
    let made = table(&house, "000099", &format!("d.day_{date}")).await.unwrap();
    assert_eq!((last(&made).unwrap().0, of(&made.writers)), (summed.run_id, vec!["sum_DEV day".into()]));
    let pattern = table(&house, "000099", "d.day_{{FD_DATE}}").await.unwrap();
    assert_eq!((pattern.is_pattern, pattern.matching), (true, vec![format!("day_{date}")]));
    let listed = names(&house, "000099", "d", "").await.unwrap();
    assert_eq!(listed, [format!("day_{date}"), "sales".into(), "sums".into()]);
    assert_eq!(names(&house, "000099", "d", "SUM").await.unwrap(), ["sums"]);

    // Dropped, it was written by nobody.
    let drop = json!([{"id": "drop", "task_type": "delete_gbq_table", "bq_table": "sales"}]);
    house.deploy(operation("drop", drop), &[]).await;
    house.run("drop").await;
    let sales = table(&house, "000099", "d.sales").await.unwrap();
    assert_eq!((last(&sales), sales.described), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_task_writes_nothing_and_a_temporary_table_is_no_news() {
    let house = House::new().await;
    let tasks = json!([
        {"id": "temp", "task_type": "sql", "sql_file": "one.sql", "table_name": "t", "temporary_table": true},
        {"id": "bad", "task_type": "sql", "sql_file": "bad.sql", "table_name": "never"},
    ]);
    house.deploy(operation("x", tasks), &[("one.sql", "SELECT 1 AS n"), ("bad.sql", "SELECT ERROR('no') AS n")]).await;
    assert_eq!(house.run("x").await.run.status, "FAILED");
    for name in ["d.t", "d.never"] {
        assert_eq!(last(&table(&house, "000099", name).await.unwrap()), None, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_sees_what_its_operations_name() {
    let house = House::new().await;
    let one = ("one.sql", "SELECT 1 AS n");
    house.deploy(operation(&format!("{OTHER} theirs"), into("salaries", "one.sql")), &[one]).await;
    house.deploy(operation(&format!("{OTHER} shared"), into("countries", "one.sql")), &[one]).await;
    for sql in ["CREATE TABLE d.salaries AS SELECT 1 AS n", "CREATE TABLE d.countries AS SELECT 2 AS n"] {
        house.value(&format!("{sql}; SELECT 1 AS done")).await;
    }
    is_unknown(names(&house, "000099", "d", "").await);
    is_unknown(table(&house, "000099", "d.countries").await);
    assert!(house.engine.catalog(&scope("000099")).await.unwrap().0.is_empty());

    // Reading one table shows this one, of a dataset that is not the account's own.
    let mine = operation("mine", into("copy", "read.sql"));
    let mine = {
        let mut mine = mine;
        mine["default_bq_dataset"] = json!("own");
        mine
    };
    let id = house.deploy(mine.clone(), &[("read.sql", "SELECT * FROM d.countries")]).await;
    assert_eq!(names(&house, "000099", "d", "").await.unwrap(), ["countries"]);
    assert_eq!(names(&house, OTHER, "d", "").await.unwrap(), ["countries", "salaries"]);
    is_unknown(table(&house, "000099", "d.salaries").await);
    is_unknown(table(&house, OTHER, "own.copy").await);
    let countries = table(&house, "000099", "d.countries").await.unwrap();
    assert!(countries.writers.is_empty(), "operations of others stay theirs");
    house.run("mine").await;
    assert_eq!(names(&house, "000099", "own", "").await.unwrap(), ["copy"]);
    let (datasets, troubles) = house.engine.catalog(&scope("000099")).await.unwrap();
    let told: Vec<_> = datasets.iter().map(|d| (d.dataset.as_str(), d.is_own, d.tables)).collect();
    assert_eq!((told, troubles.len()), (vec![("d", false, Tables::Counted(1)), ("own", true, Tables::Counted(1))], 0));

    // An environment without operations sees nothing; an archived operation shows nothing.
    let elsewhere = CatalogScope { environment: Some("PROD".parse().unwrap()), ..scope("000099") };
    assert!(house.engine.catalog(&elsewhere).await.unwrap().0.is_empty());
    let archived = crate::support::table_to_table(&id);
    house.engine.set_configuration_status(&archived, None, Some(true), &actor("test")).await.unwrap();
    assert!(house.engine.catalog(&scope("000099")).await.unwrap().0.is_empty());
    // A new version counts at once.
    house.deploy(mine, &[("read.sql", "SELECT 1 AS n")]).await;
    is_unknown(names(&house, "000099", "d", "").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_marked_as_sensitive_is_not_read() {
    let house = House::new().await;
    house.deploy(operation("x", into("t", "one.sql")), &[("one.sql", "SELECT 1 AS n")]).await;
    let sql = "CREATE TABLE d.t (n INT64, name STRING OPTIONS(description='Of the person. #sensitive'));
         INSERT INTO d.t VALUES (1, 'Ada');
         CREATE TABLE d.closed (n INT64) OPTIONS(description='Salaries #SENSITIVE');
         CREATE VIEW d.v AS SELECT 1 AS n;
         SELECT 1 AS done";
    house.value(sql).await;
    let shown = table(&house, "000099", "d.t").await.unwrap().preview;
    let Preview::Rows { columns, rows, hidden } = shown else { panic!("{shown:?}") };
    assert_eq!((columns.len(), rows, hidden), (1, vec![vec![json!(1)]], vec!["name".to_owned()]));
    assert_eq!(table(&house, "000099", "d.closed").await.unwrap().preview, Preview::Sensitive);
    assert_eq!(table(&house, "000099", "d.v").await.unwrap().preview, Preview::NoRows("view"));
    let not_asked = house.engine.catalog_table(&scope("000099"), ("p", "d", "t"), None).await.unwrap();
    assert_eq!(not_asked.preview, Preview::NotAsked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warehouse_that_does_not_answer_holds_nobody_up() {
    let house = House::new().await;
    let mut made = operation("x", into("t", "a.sql"));
    made["default_gcp_project_id"] = json!("silent");
    house.deploy(made, &[("a.sql", "SELECT * FROM `broken.d.u`")]).await;
    let scope = CatalogScope { patience: Duration::from_millis(50), ..scope("000099") };
    let before = Instant::now();
    let (datasets, troubles) = house.engine.catalog(&scope).await.unwrap();
    let told: Vec<_> = datasets.iter().map(|d| (d.project.as_str(), d.tables)).collect();
    assert_eq!(told, [("broken", Tables::NotRead), ("silent", Tables::NotRead)]);
    assert!(troubles[0].contains("its credentials are missing"), "{troubles:?}");
    assert!(troubles[1].contains("silent could not be read: no answer within 0.05 s"), "{troubles:?}");
    let query =
        TablesQuery { project: "silent".into(), dataset: "d".into(), search: String::new(), skip: 0, limit: 10 };
    let tables = house.engine.catalog_tables(&scope, &query).await.unwrap();
    assert_eq!((tables.tables[0].name.as_str(), tables.total, tables.trouble.is_some()), ("t", 1, true));
    let details = house.engine.catalog_table(&scope, ("silent", "d", "t"), Some(10)).await.unwrap();
    assert_eq!((details.writers.len(), details.preview, details.trouble.is_some()), (1, Preview::NotRead, true));
    assert!(before.elapsed() < Duration::from_secs(20));
}
