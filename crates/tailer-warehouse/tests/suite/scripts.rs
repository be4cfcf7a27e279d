//! Several statements in one job.

use tailer_model::operation::WriteDisposition::Truncate;
use tailer_warehouse::Job;

use crate::Place;

pub async fn last_result(place: Place) {
    let sql = "DECLARE n INT64 DEFAULT 3;\nSELECT 1 AS z;\nSELECT n + 1 AS b UNION ALL SELECT 7";
    let outcome = place.run(place.query_into(sql, "t", Truncate)).await.unwrap();
    assert_eq!(outcome.statistics.rows, Some(2));
    assert_eq!(place.rows("SELECT b FROM d.t ORDER BY b").await, ["[4]", "[7]"]);
    let without = place.query_into("CREATE TEMP TABLE x AS SELECT 1 AS a;\nINSERT INTO x VALUES (2)", "u", Truncate);
    place.run(without).await.unwrap_err();
}

pub async fn statements(place: Place) {
    let sql = "CREATE TABLE d.t (a INT64);\nINSERT INTO d.t (a) VALUES (1), (2);\nSELECT SUM(a) AS total FROM d.t";
    let outcome = place.run(place.query_into(sql, "sum", Truncate)).await.unwrap();
    let told: Vec<_> = outcome.statements.iter().map(|one| one.sql.trim().split(' ').next().unwrap()).collect();
    assert_eq!(told, ["CREATE", "INSERT", "SELECT"], "{:?}", outcome.statements);
    assert_eq!(place.rows("SELECT total FROM d.sum").await, ["[3]"]);
}

pub async fn failures(place: Place) {
    let sql = "CREATE TABLE d.t AS SELECT 1 AS a;\nSELECT nobody FROM d.nowhere;\nINSERT INTO d.t VALUES (2)";
    place.run(Job::Query(place.query(sql))).await.unwrap_err();
    assert_eq!(place.rows("SELECT a FROM d.t").await, ["[1]"]);
}

pub async fn exceptions(place: Place) {
    let sql = "DECLARE n INT64 DEFAULT 0;
DECLARE sum INT64 DEFAULT 0;
WHILE n < 4 DO
  SET n = n + 1;
  IF MOD(n, 2) = 0 THEN SET sum = sum + n; END IF;
END WHILE;
BEGIN
  SELECT ERROR('no');
EXCEPTION WHEN ERROR THEN
  SET sum = sum + 100;
END;
SELECT n AS n, sum AS total";
    place.run(place.query_into(sql, "t", Truncate)).await.unwrap();
    assert_eq!(place.rows("SELECT n, total FROM d.t").await, ["[4,106]"]);
}
