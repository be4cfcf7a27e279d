//! NUMERIC and BIGNUMERIC: exact, rounded half away from zero, an error when too large.

use crate::cases::{failures, rows_after, values};

#[test]
fn bignumeric_values() {
    values(&[
        ("BIGNUMERIC '1.5'", r#""1.5""#),
        ("BIGNUMERIC '-0.00000000000000000000000000000000000001'", r#""-0.00000000000000000000000000000000000001""#),
        (
            "BIGNUMERIC '578960446186580977117854925043439539266.34992332820282019728792003956564819967'",
            r#""578960446186580977117854925043439539266.34992332820282019728792003956564819967""#,
        ),
        ("CAST('1e-38' AS BIGNUMERIC) + 1", r#""1.00000000000000000000000000000000000001""#),
        ("BIGNUMERIC '1' / 3", r#""0.33333333333333333333333333333333333333""#),
        ("BIGNUMERIC '2' / BIGNUMERIC '-3'", r#""-0.66666666666666666666666666666666666667""#),
        ("BIGNUMERIC '1.1' * NUMERIC '1.1'", r#""1.21""#),
        ("-BIGNUMERIC '1.1'", r#""-1.1""#),
        ("BIGNUMERIC '1' + 0.5", r#""1.5""#),
        ("BIGNUMERIC '1.5' > 1", "true"),
        ("BIGNUMERIC '-2' < BIGNUMERIC '-1'", "true"),
        ("CAST(BIGNUMERIC '1.5' AS INT64)", "2"),
        ("CAST(BIGNUMERIC '-1.5' AS INT64)", "-2"),
        ("CAST(BIGNUMERIC '1.5' AS STRING)", r#""1.5""#),
        ("CAST(BIGNUMERIC '0.0000000005' AS NUMERIC)", r#""0.000000001""#),
        ("CAST(BIGNUMERIC '0.1' AS FLOAT64)", "0.1"),
        ("CAST(0.1 AS BIGNUMERIC)", r#""0.1""#),
        ("CAST(NUMERIC '0.1' AS BIGNUMERIC)", r#""0.1""#),
        ("SAFE_CAST('x' AS BIGNUMERIC)", "null"),
        ("CAST(NULL AS BIGNUMERIC)", "null"),
        ("ROUND(BIGNUMERIC '2.345', 2)", r#""2.35""#),
        ("ROUND(BIGNUMERIC '1250', -2)", r#""1300""#),
        ("TRUNC(BIGNUMERIC '-2.345', 2)", r#""-2.34""#),
        ("CEIL(BIGNUMERIC '-2.5')", r#""-2""#),
        ("FLOOR(BIGNUMERIC '-2.5')", r#""-3""#),
        ("MOD(BIGNUMERIC '-7.5', 2)", r#""-1.5""#),
        ("DIV(BIGNUMERIC '7.5', 2)", r#""3""#),
        ("SQRT(BIGNUMERIC '2')", r#""1.41421356237309504880168872420969807857""#),
        ("POW(BIGNUMERIC '2', 10)", r#""1024""#),
        ("ABS(BIGNUMERIC '-2')", r#""2""#),
        ("[BIGNUMERIC '1', 2]", r#"["1", "2"]"#),
        ("PARSE_BIGNUMERIC(' - 1,234.5 ')", r#""-1234.5""#),
        ("COALESCE(NULL, BIGNUMERIC '1')", r#""1""#),
    ]);
    failures(&[
        ("BIGNUMERIC '1' / 0", "division by zero"),
        ("BIGNUMERIC '5e38' + BIGNUMERIC '5e38'", "overflow"),
        ("BIGNUMERIC '6e38'", "invalid BIGNUMERIC"),
        ("CAST(BIGNUMERIC '1e30' AS NUMERIC)", "overflow"),
        ("CAST('1x' AS BIGNUMERIC)", "invalid BIGNUMERIC"),
    ]);
}

#[test]
fn bignumeric_columns() {
    rows_after(
        "CREATE TABLE t (k INT64, x BIGNUMERIC); INSERT t VALUES (1, 1), (1, 2.5), (2, -10), (2, NULL)",
        "SELECT k, SUM(x), AVG(x), MIN(x), MAX(x), COUNT(DISTINCT x) FROM t GROUP BY k ORDER BY k",
        r#"[[1, "3.5", "1.75", "1", "2.5", 2], [2, "-10", "-10", "-10", "-10", 1]]"#,
    );
}

#[test]
fn numeric_functions() {
    values(&[
        ("NUMERIC '99999999999999999999999999999.999999999' - 1", r#""99999999999999999999999999998.999999999""#),
        ("CAST(1.0000000005 AS NUMERIC)", r#""1.000000001""#),
        ("CAST('1.0000000005' AS NUMERIC)", r#""1.000000001""#),
        ("NUMERIC '12345678901234.5' * NUMERIC '1000000000000'", r#""12345678901234500000000000.000000000""#),
        ("SQRT(NUMERIC '2')", r#""1.414213562""#),
        ("EXP(NUMERIC '1')", r#""2.718281828""#),
        ("LN(NUMERIC '10')", r#""2.302585093""#),
        ("LOG(NUMERIC '8', NUMERIC '2')", r#""3.000000000""#),
        ("LOG10(NUMERIC '1000')", r#""3.000000000""#),
        ("POW(NUMERIC '2', NUMERIC '0.5')", r#""1.414213562""#),
        ("TRUNC(NUMERIC '2.345', 2)", r#""2.340000000""#),
        ("DIV(NUMERIC '7.5', NUMERIC '2')", r#""3.000000000""#),
        ("PARSE_NUMERIC('1,000.5-')", r#""-1000.500000000""#),
        ("SAFE.PARSE_NUMERIC('x')", "null"),
    ]);
    failures(&[("NUMERIC '1e29'", "invalid NUMERIC"), ("NUMERIC '1e20' * NUMERIC '1e20'", "overflow")]);
}

#[test]
fn parameters_of_types() {
    values(&[
        ("CAST('abc' AS STRING(3))", r#""abc""#),
        ("CAST(12 AS STRING(3))", r#""12""#),
        ("SAFE_CAST('abcd' AS STRING(3))", "null"),
        ("CAST(b'ab' AS BYTES(2)) = b'ab'", "true"),
        ("CAST(1.255 AS NUMERIC(5, 2))", r#""1.260000000""#),
        ("CAST('12.5' AS NUMERIC(2))", r#""13.000000000""#),
        ("CAST(1.5 AS BIGNUMERIC(3, 1))", r#""1.5""#),
        ("SAFE_CAST(1234 AS NUMERIC(5, 2))", "null"),
        ("CAST(CAST(NULL AS STRING) AS STRING(1))", "null"),
    ]);
    failures(&[
        ("CAST('abcd' AS STRING(3))", "too long for STRING(3)"),
        ("CAST(b'abc' AS BYTES(2))", "too long for BYTES(2)"),
        ("CAST(1234 AS NUMERIC(5, 2))", "has precision 5"),
        ("CAST(1 AS NUMERIC(40, 2))", "is no type"),
    ]);
}
