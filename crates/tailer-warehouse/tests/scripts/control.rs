//! IF, CASE, the loops, BREAK and CONTINUE, labels, RETURN.

use super::{check, common::Bench, fails, rows};

#[tokio::test]
async fn if_takes_the_first_branch_that_holds() {
    for (n, expect) in [("1", "[\"one\"]"), ("2", "[\"two\"]"), ("3", "[\"more\"]"), ("NULL", "[\"more\"]")] {
        let script = format!(
            "DECLARE n INT64 DEFAULT {n};
             IF n = 1 THEN SELECT 'one'; ELSEIF n = 2 THEN SELECT 'two'; ELSE SELECT 'more'; END IF;"
        );
        check(&script, expect).await;
    }
    check("IF FALSE THEN SELECT 1; END IF; SELECT 2", "[2]").await;
    // END, THEN and CASE inside of an expression end nothing.
    check("IF CASE WHEN TRUE THEN TRUE ELSE FALSE END THEN SELECT CASE 1 WHEN 1 THEN 'a' END; END IF", "[\"a\"]").await;
    check("IF EXISTS(SELECT 1 FROM UNNEST([1, 2]) AS x WHERE x > 1) THEN SELECT 'yes'; END IF", "[\"yes\"]").await;
}

#[tokio::test]
async fn case_has_two_forms() {
    let simple = |v: &str| {
        format!(
            "DECLARE x STRING DEFAULT {v}; CASE x WHEN 'a' THEN SELECT 1; WHEN 'b' THEN SELECT 2; ELSE SELECT 3; END CASE"
        )
    };
    check(&simple("'a'"), "[1]").await;
    check(&simple("'b'"), "[2]").await;
    check(&simple("'z'"), "[3]").await;
    check(&simple("NULL"), "[3]").await;
    check("CASE WHEN 1 > 2 THEN SELECT 1; WHEN 2 > 1 THEN SELECT 2; END CASE", "[2]").await;
    check("SELECT 0; CASE 5 WHEN 4 THEN SELECT 4; END CASE", "[0]").await;
    check("DECLARE d DATE DEFAULT '2024-01-31'; CASE d WHEN '2024-01-31' THEN SELECT 'last'; END CASE", "[\"last\"]")
        .await;
}

#[tokio::test]
async fn loops_turn_until_they_are_over() {
    let with = |body: &str| format!("DECLARE i, s INT64 DEFAULT 0; {body} SELECT i, s");
    check(&with("WHILE i < 4 DO SET i = i + 1; SET s = s + i; END WHILE;"), "[4,10]").await;
    check(&with("WHILE FALSE DO SET i = 9; END WHILE;"), "[0,0]").await;
    check(&with("REPEAT SET i = i + 1; UNTIL i >= 3 END REPEAT;"), "[3,0]").await;
    check(&with("REPEAT SET i = i + 1; UNTIL TRUE END REPEAT;"), "[1,0]").await;
    check(&with("LOOP SET i = i + 1; IF i = 5 THEN BREAK; END IF; END LOOP;"), "[5,0]").await;
    check(&with("LOOP SET i = i + 1; IF i > 5 THEN LEAVE; END IF; IF MOD(i, 2) = 0 THEN CONTINUE; END IF; SET s = s + i; END LOOP;"), "[6,9]").await;
    check(&with("WHILE i < 3 DO SET i = i + 1; IF i = 2 THEN ITERATE; END IF; SET s = s + i; END WHILE;"), "[3,4]")
        .await;
    // CONTINUE in REPEAT goes to the condition.
    check(&with("REPEAT SET i = i + 1; IF TRUE THEN CONTINUE; END IF; SET s = 1; UNTIL i = 2 END REPEAT;"), "[2,0]")
        .await;
}

#[tokio::test]
async fn for_takes_row_after_row() {
    let bench = Bench::new();
    let script = "DECLARE names STRING DEFAULT '';
        CREATE TABLE d.t AS SELECT 'ann' AS name, 3 AS n UNION ALL SELECT 'bob', 4;
        FOR row IN (SELECT name, n FROM d.t ORDER BY n DESC) DO
          SET names = CONCAT(names, row.name, CAST(row.n AS STRING));
          -- Rows are those of the beginning.
          INSERT INTO d.t (name, n) VALUES (row.name, row.n * 10);
        END FOR;
        SELECT names, (SELECT SUM(n) FROM d.t)";
    assert_eq!(rows(&bench, script).await, "[\"bob4ann3\",77]");
    check("FOR r IN (SELECT 1 AS a WHERE FALSE) DO SELECT r.a; END FOR; SELECT 'end'", "[\"end\"]").await;
    check("DECLARE s INT64 DEFAULT 0; FOR r IN (SELECT * FROM UNNEST([STRUCT([1, 2] AS l), STRUCT([3])])) DO SET s = s + r.l[OFFSET(0)]; END FOR; SELECT s", "[4]").await;
}

#[tokio::test]
async fn labels_name_loops_and_blocks() {
    check(
        "DECLARE i, j INT64 DEFAULT 0;
         outer_loop: LOOP
           SET i = i + 1;
           WHILE TRUE DO
             SET j = j + 1;
             IF i = 3 THEN BREAK outer_loop; END IF;
             IF j > 10 THEN LEAVE; END IF;
             CONTINUE outer_loop;
           END WHILE;
         END LOOP outer_loop;
         SELECT i, j",
        "[3,3]",
    )
    .await;
    check("DECLARE x INT64 DEFAULT 1; b: BEGIN IF x = 1 THEN LEAVE b; END IF; SET x = 2; END b; SELECT x", "[1]").await;
}

#[tokio::test]
async fn blocks_have_their_own_variables_and_return_ends_all() {
    check("DECLARE x INT64 DEFAULT 1; BEGIN DECLARE y INT64 DEFAULT 5; SET x = y; END; BEGIN DECLARE y INT64 DEFAULT 6; SET x = x + y; END; SELECT x", "[11]").await;
    check("SELECT 1; LOOP BEGIN RETURN; END; END LOOP; SELECT 2", "[1]").await;
    fails("BEGIN DECLARE y INT64; END;\nSELECT y", "y", 2, 8).await;
}

#[tokio::test]
async fn structure_is_checked_before_anything_runs() {
    for (script, words, line, column) in [
        ("SELECT 1;\nBREAK;", "outside of any loop", 2, 1),
        ("LOOP BREAK x; END LOOP", "has label x", 1, 6),
        ("b: BEGIN CONTINUE b; END", "not of a loop", 1, 10),
        ("IF TRUE THEN SELECT 1;", "not closed", 1, 1),
        ("WHILE TRUE DO SELECT 1; END LOOP", "expected WHILE", 1, 29),
        ("IF TRUE SELECT 1; END IF", "THEN", 1, 17),
        ("SELECT 1; END", "expected a statement, found END", 1, 11),
        ("IF TRUE THEN SELECT 1 END IF", "more of a statement", 1, 23),
        ("a: LOOP a: LOOP BREAK; END LOOP; END LOOP", "label a is already", 1, 9),
        ("a: SELECT 1", "after a label", 1, 4),
        ("LOOP DECLARE x INT64; END LOOP", "only at the start", 1, 6),
    ] {
        let bench = Bench::new();
        let script = format!("CREATE TABLE d.t (a INT64);{script}");
        let (message, l, c) = super::error(&bench, &script).await;
        assert!(message.contains(words), "{script}: {message}");
        let column = if line == 1 { column + 27 } else { column };
        assert_eq!((l, c), (line, column), "{script}: {message}");
        assert!(bench.warehouse().table(&super::common::table("d.t")).await.unwrap().is_none(), "{script}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_ends_a_loop_without_end() {
    use std::time::{Duration, Instant};
    use tailer_warehouse::{Job, WarehouseError, WarehouseJobId};
    let bench = Bench::new();
    for (n, script) in [
        "LOOP END LOOP",
        "LOOP SELECT 1; END LOOP",
        "BEGIN LOOP SELECT 1; END LOOP; EXCEPTION WHEN ERROR THEN SELECT 2; END",
    ]
    .iter()
    .enumerate()
    {
        let id = WarehouseJobId(format!("endless-{n}"));
        bench.warehouse().submit(&id, Job::Query(super::common::query(script))).await.unwrap();
        let waited = tokio::time::timeout(Duration::from_millis(50), bench.warehouse().wait(&id)).await;
        assert!(waited.is_err(), "{waited:?}");
        let started = Instant::now();
        bench.warehouse().cancel(&id).await.unwrap();
        assert!(matches!(bench.warehouse().wait(&id).await, Err(WarehouseError::Cancelled)), "{script}");
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
