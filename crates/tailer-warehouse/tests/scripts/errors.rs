//! BEGIN … EXCEPTION, RAISE, @@error, and where errors are said to be.

use super::{check, common::Bench, error, fails, rows};

#[tokio::test]
async fn handlers_see_the_error() {
    check(
        "BEGIN SELECT 1 / 0; EXCEPTION WHEN ERROR THEN SELECT @@error.message, @@error.statement_text; END",
        "[\"division by zero\",\"SELECT 1 / 0\"]",
    )
    .await;
    check(
        "BEGIN RAISE USING MESSAGE = CONCAT('no ', 'data'); EXCEPTION WHEN ERROR THEN SELECT @@error.message; END",
        "[\"no data\"]",
    )
    .await;
    check(
        "BEGIN\n  SELECT 1;\n  SELECT nothing;\nEXCEPTION WHEN ERROR THEN SELECT @@error.formatted_stack_trace; END",
        "[\"At [3:3]\"]",
    )
    .await;
    check(
        "BEGIN SELECT * FROM d.missing; EXCEPTION WHEN ERROR THEN SELECT STRPOS(@@error.message, 'missing') > 0; END",
        "[true]",
    )
    .await;
    check("SELECT @@error.message", "[null]").await;
    check("BEGIN SELECT 1; EXCEPTION WHEN ERROR THEN SELECT 2; END", "[1]").await;
}

#[tokio::test]
async fn errors_travel_to_the_nearest_handler() {
    check(
        "DECLARE trail STRING DEFAULT '';
         BEGIN
           BEGIN
             RAISE USING MESSAGE = 'inner';
           EXCEPTION WHEN ERROR THEN
             SET trail = CONCAT(trail, 'a:', @@error.message, ';');
             RAISE;
           END;
           SET trail = CONCAT(trail, 'never');
         EXCEPTION WHEN ERROR THEN
           SET trail = CONCAT(trail, 'b:', @@error.message);
         END;
         SELECT trail",
        "[\"a:inner;b:inner\"]",
    )
    .await;
    check(
        "DECLARE seen STRING;
         BEGIN RAISE USING MESSAGE = 'first';
         EXCEPTION WHEN ERROR THEN
           BEGIN RAISE USING MESSAGE = 'second'; EXCEPTION WHEN ERROR THEN SET seen = @@error.message; END;
           SET seen = CONCAT(seen, ' ', @@error.message);
         END;
         SELECT seen",
        "[\"second first\"]",
    )
    .await;
}

#[tokio::test]
async fn what_was_done_before_an_error_stays() {
    let bench = Bench::new();
    let script = "CREATE TABLE d.t (a INT64);
        BEGIN INSERT INTO d.t (a) VALUES (1); INSERT INTO d.t (a) VALUES (1 / 0); EXCEPTION WHEN ERROR THEN INSERT INTO d.t (a) VALUES (2); END;
        SELECT a FROM d.t ORDER BY a";
    assert_eq!(rows(&bench, script).await, "[1] [2]");
}

#[tokio::test]
async fn errors_name_the_statement_and_its_place() {
    let (message, line, column) =
        error(&Bench::new(), "DECLARE x INT64 DEFAULT 0;\nBEGIN\n  SELECT 1;\n  SELECT 1 +\n    nothing;\nEND").await;
    assert!(message.contains("nothing") && message.contains("(statement: SELECT 1 + nothing)"), "{message}");
    assert_eq!((line, column), (5, 5));
    fails("SELECT 1;\n\n RAISE USING MESSAGE = 'stop here'", "stop here", 3, 2).await;
    fails("DECLARE n INT64 DEFAULT 0;\nIF 1 / n > 1 THEN SELECT 1; END IF", "division by zero", 2, 4).await;
    fails("RAISE", "outside of any exception handler", 1, 1).await;
}

#[tokio::test]
async fn what_is_not_supported_cannot_be_caught() {
    let script = "BEGIN\n SELECT * FROM d.t FOR SYSTEM_TIME AS OF CURRENT_TIMESTAMP(); EXCEPTION WHEN ERROR THEN SELECT 'caught'; END";
    let (what, line, _) = error(&Bench::new(), script).await;
    assert!(what.contains("SYSTEM_TIME"), "{what}");
    assert_eq!(line, 2);
}
