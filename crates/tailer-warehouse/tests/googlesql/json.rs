//! JSON, FORMAT and INTERVAL, against BigQuery's reference and by hand.

use crate::cases::{failures, values};

#[test]
fn parts_of_json() {
    values(&[
        (r#"JSON_VALUE('{"a": {"b": "x"}}', '$.a.b')"#, r#""x""#),
        (r#"JSON_VALUE(JSON '{"a": 1.50}', '$.a')"#, r#""1.5""#),
        (r#"JSON_VALUE('{"a": 1.50}', '$.a')"#, r#""1.50""#),
        (r#"JSON_VALUE('{"a": [1]}', '$.a')"#, "null"),
        (r#"JSON_VALUE('{"a b": true}', '$."a b"')"#, r#""true""#),
        (r#"JSON_EXTRACT_SCALAR('{"a.b": 5}', "$['a.b']")"#, r#""5""#),
        ("JSON_VALUE('no json', '$')", "null"),
        (r#"JSON_QUERY('{"a": {"b": [1, 2]}}', '$.a')"#, r#""{\"b\":[1,2]}""#),
        (r#"JSON_QUERY('{"a": null}', '$.a')"#, "null"),
        (r#"JSON_QUERY(JSON '{"a": null}', '$.a')"#, r#""null""#),
        (r#"JSON_QUERY_ARRAY('["a", 1]')"#, r#"["\"a\"", "1"]"#),
        (r#"JSON_VALUE_ARRAY('["a", 1, null]')"#, r#"["a", "1", null]"#),
        (r#"JSON_VALUE_ARRAY('[{}]')"#, "null"),
        (r#"(JSON '{"a": [1, {"b": 2}]}').a[1].b"#, r#""2""#),
        (r#"(JSON '{"a": 1}')['x']"#, "null"),
        ("INT64(JSON '10')", "10"),
        ("INT64(JSON '10.0')", "10"),
        ("FLOAT64(JSON '9.8')", "9.8"),
        ("BOOL(JSON 'true')", "true"),
        (r#"STRING(JSON '"red"')"#, r#""red""#),
        ("SAFE.INT64(JSON 'true')", "null"),
        ("LAX_INT64(JSON '\"10.6\"')", "11"),
        ("LAX_BOOL(JSON '0')", "false"),
        ("LAX_STRING(JSON '1e2')", r#""100.0""#),
        ("LAX_FLOAT64(JSON '[]')", "null"),
        (r#"JSON_TYPE(JSON '[1]')"#, r#""array""#),
        (r#"JSON_KEYS(JSON '{"a": {"b": 1}, "c": 2}')"#, r#"["a", "a.b", "c"]"#),
    ]);
    failures(&[
        ("INT64(JSON '10.1')", "no INT64"),
        ("JSON_VALUE('{}', 'a')", "must start with $"),
        ("PARSE_JSON('{')", "invalid JSON"),
        ("PARSE_JSON('123456789012345678901234567890.1')", "loss of precision"),
    ]);
}

#[test]
fn json_of_values() {
    values(&[
        ("TO_JSON_STRING(STRUCT(1 AS a, [1.5, 2] AS b, NULL AS c))", r#""{\"a\":1,\"b\":[1.5,2],\"c\":null}""#),
        ("TO_JSON_STRING(9007199254740993)", r#""\"9007199254740993\"""#),
        ("TO_JSON_STRING(TIMESTAMP '2024-01-31 12:00:00.5+00')", r#""\"2024-01-31T12:00:00.500Z\"""#),
        ("TO_JSON_STRING(b'hi')", r#""\"aGk=\"""#),
        ("TO_JSON_STRING(NULL)", r#""null""#),
        ("TO_JSON_STRING([1, 2], true)", r#""[\n  1,\n  2\n]""#),
        ("TO_JSON(9007199254740993, stringify_wide_numbers => true)", r#""\"9007199254740993\"""#),
        ("TO_JSON(NUMERIC '1.5')", r#""1.5""#),
        ("JSON_OBJECT('b', 1, 'a', [TRUE])", r#""{\"a\":[true],\"b\":1}""#),
        ("JSON_OBJECT(['a', 'b'], [1, 2])", r#""{\"a\":1,\"b\":2}""#),
        ("JSON_ARRAY(1, 'x', NULL)", r#""[1,\"x\",null]""#),
        ("JSON_ARRAY()", r#""[]""#),
        (r#"JSON_SET(JSON '{"a": 1}', '$.a', 2, '$.b.c', 'x')"#, r#""{\"a\":2,\"b\":{\"c\":\"x\"}}""#),
        (r#"JSON_SET(JSON '{"a": 1}', '$.b', 2, create_if_missing => false)"#, r#""{\"a\":1}""#),
        (r#"JSON_REMOVE(JSON '{"a": [1, 2], "b": 3}', '$.a[0]', '$.b')"#, r#""{\"a\":[2]}""#),
        (r#"JSON_STRIP_NULLS(JSON '{"a": null, "b": [null, {"c": null}]}')"#, r#""{\"b\":[{}]}""#),
        (r#"JSON_ARRAY_APPEND(JSON '{"a": [1]}', '$.a', [2, 3])"#, r#""{\"a\":[1,2,3]}""#),
        (r#"JSON_ARRAY_INSERT(JSON '[1, 3]', '$[1]', 2)"#, r#""[1,2,3]""#),
        (r#"TO_JSON_STRING(PARSE_JSON('{"b": 1, "a": 2}'))"#, r#""{\"a\":2,\"b\":1}""#),
    ]);
}

#[test]
fn format() {
    values(&[
        ("FORMAT('%d|%5d|%-5d|%05d|%+d', 7, 7, 7, 7, 7)", r#""7|    7|7    |00007|+7""#),
        ("FORMAT(\"%'d\", 1234567)", r#""1,234,567""#),
        ("FORMAT('%x %X %o %#x', 255, 255, 8, 255)", r#""ff FF 10 0xff""#),
        ("FORMAT('%f %.2f %8.3f', 1.5, 2.345, 3.0)", r#""1.500000 2.35    3.000""#),
        ("FORMAT('%e %g %G', 12345.678, 0.00001, 1e20)", r#""1.234568e+04 1e-05 1E+20""#),
        ("FORMAT('%s %10s|%-4s|%.2s', 'a', 'b', 'c', 'xyz')", r#""a          b|c   |xy""#),
        ("FORMAT('%t %T', 'it', 'it')", r#""it \"it\"""#),
        ("FORMAT('%t %T', [1, NULL], STRUCT(1, 'a'))", r#""[1, NULL] (1, \"a\")""#),
        ("FORMAT('%T %T', DATE '2024-01-31', b'a\\xff')", r#""DATE \"2024-01-31\" b\"a\\xff\"""#),
        ("FORMAT('%t', 1.0)", r#""1.0""#),
        ("FORMAT('%t', TIMESTAMP '2024-01-31 00:00:00+00')", r#""2024-01-31 00:00:00+00""#),
        ("FORMAT('%*d', 5, 7)", r#""    7""#),
        ("FORMAT('%d', CAST(NULL AS INT64))", "null"),
        ("FORMAT('%t', NULL)", r#""NULL""#),
        ("FORMAT('100%%')", r#""100%""#),
        ("FORMAT('%p', JSON '{\"a\": 1}')", r#""{\"a\":1}""#),
        ("FORMAT('%.3f', NUMERIC '1.0005')", r#""1.001""#),
    ]);
    failures(&[
        ("FORMAT('%d')", "argument is missing"),
        ("FORMAT('%d', 1, 2)", "more arguments"),
        ("FORMAT('%d', 1.5)", "does not go with FLOAT64"),
        ("FORMAT('%y', 1)", "no specifier"),
        ("FORMAT('%x', -1)", "negative"),
    ]);
}

#[test]
fn intervals() {
    values(&[
        ("INTERVAL '1-2 3 4:5:6.789' YEAR TO SECOND", r#""1-2 3 4:5:6.789000""#),
        ("INTERVAL '-10:20' HOUR TO MINUTE", r#""0-0 0 -10:20:0""#),
        ("INTERVAL '0.5' SECOND", r#""0-0 0 0:0:0.500000""#),
        ("CAST('P1Y2M3DT4H5M6S' AS INTERVAL)", r#""1-2 3 4:5:6""#),
        ("CAST(INTERVAL 90 MINUTE AS STRING)", r#""0-0 0 1:30:0""#),
        ("MAKE_INTERVAL(1, 6, 15)", r#""1-6 15 0:0:0""#),
        ("MAKE_INTERVAL(hour => 10, second => 20)", r#""0-0 0 10:0:20""#),
        ("JUSTIFY_HOURS(INTERVAL 47 HOUR)", r#""0-0 1 23:0:0""#),
        ("JUSTIFY_DAYS(INTERVAL 65 DAY)", r#""0-2 5 0:0:0""#),
        ("JUSTIFY_INTERVAL(INTERVAL '29 49:00:00' DAY TO SECOND)", r#""0-1 1 1:0:0""#),
        ("EXTRACT(MONTH FROM INTERVAL '1-2' YEAR TO MONTH)", "2"),
        ("INTERVAL 1 MONTH = INTERVAL 30 DAY", "true"),
        ("INTERVAL 1 DAY * 3", r#""0-0 3 0:0:0""#),
        ("INTERVAL 1 YEAR / 12", r#""0-1 0 0:0:0""#),
        ("DATE '2024-03-01' - DATE '2024-02-01'", r#""0-0 29 0:0:0""#),
        ("TIMESTAMP '2024-03-01 12:00:00+00' - TIMESTAMP '2024-02-29 00:00:00+00'", r#""0-0 0 36:0:0""#),
        ("TIMESTAMP '2024-03-01 00:00:00+00' + MAKE_INTERVAL(day => 1, hour => 2)", r#""2024-03-02 02:00:00+00""#),
    ]);
    failures(&[
        ("TIMESTAMP '2024-03-01' + INTERVAL 1 MONTH", "months"),
        ("CAST('1' AS INTERVAL)", "invalid INTERVAL"),
        ("INTERVAL '10001-0' YEAR TO MONTH", "overflow"),
    ]);
}

#[test]
fn formats_of_dates() {
    values(&[
        (
            "FORMAT_DATE('%A %b %e %Y %j %U %W %V %u %w %Q', DATE '2024-02-09')",
            r#""Friday Feb  9 2024 040 05 06 06 5 5 1""#,
        ),
        (
            "FORMAT_TIMESTAMP('%F %T %z %Ez', TIMESTAMP '2024-02-09 12:00:00+00', '+05:30')",
            r#""2024-02-09 17:30:00 +0530 +05:30""#,
        ),
        ("FORMAT_DATETIME('%c', DATETIME '2024-02-09 01:02:03')", r#""Fri Feb  9 01:02:03 2024""#),
        ("FORMAT_TIME('%I:%M %p %E3S %E*S', TIME '13:05:06.5')", r#""01:05 PM 06.500 06.5""#),
        ("PARSE_DATE('%Y%m%d', '20081225')", r#""2008-12-25""#),
        ("PARSE_DATE('%d %B %Y', '5 january 2024')", r#""2024-01-05""#),
        ("PARSE_DATE('%Y-%j', '2024-060')", r#""2024-02-29""#),
        ("PARSE_TIMESTAMP('%Y-%m-%d %H:%M:%S%Ez', '2024-01-01 00:00:00+02:00')", r#""2023-12-31 22:00:00+00""#),
        ("PARSE_TIMESTAMP('%s', '86400')", r#""1970-01-02 00:00:00+00""#),
        ("PARSE_TIMESTAMP('%F', '2024-07-01', 'Europe/Paris')", r#""2024-06-30 22:00:00+00""#),
        ("PARSE_TIME('%I:%M %p', '2:30 pm')", r#""14:30:00""#),
        ("PARSE_DATETIME('%D', '02/09/24')", r#""2024-02-09T00:00:00""#),
        ("CAST(DATE '2024-02-09' AS STRING FORMAT 'DY, DD MON YYYY')", r#""FRI, 09 FEB 2024""#),
        ("CAST('09/02/2024' AS DATE FORMAT 'DD/MM/YYYY')", r#""2024-02-09""#),
        ("CAST('x' AS BYTES FORMAT 'ascii') = b'x'", "true"),
        ("TIMESTAMP(DATETIME '2024-01-01 00:00:00', '-08:00')", r#""2024-01-01 08:00:00+00""#),
    ]);
    failures(&[
        ("PARSE_DATE('%Y-%m', '2024-13')", "failed to parse"),
        ("PARSE_DATE('%Y', '2024 x')", "failed to parse"),
        ("FORMAT_DATE('%H', DATE '2024-01-01')", "%H"),
        ("TIMESTAMP(DATETIME '2024-01-01 00:00:00', 'Mars/Base')", "Mars/Base"),
    ]);
}

#[test]
fn distances_and_buckets() {
    values(&[
        ("EUCLIDEAN_DISTANCE([1.0, 2.0], [4.0, 6.0])", "5.0"),
        ("EUCLIDEAN_DISTANCE([(1, 3.0)], [(2, 4.0)])", "5.0"),
        ("COSINE_DISTANCE([1.0, 0.0], [0.0, 1.0])", "1.0"),
        ("RANGE_BUCKET(20, [0, 10, 20, 30, 40])", "3"),
        ("RANGE_BUCKET(-1, [0, 10])", "0"),
        ("RANGE_BUCKET(1, [])", "0"),
        ("COSH(0)", "1.0"),
        ("SAFE.ACOS(2)", "null"),
        ("IFERROR(1 / 0, 5)", "5.0"),
        ("ISERROR(1 / 0)", "true"),
        ("NULLIFERROR(1 / 0)", "null"),
    ]);
    failures(&[
        ("EUCLIDEAN_DISTANCE([1.0], [1.0, 2.0])", "differ in length"),
        ("COSINE_DISTANCE([0.0], [1.0])", "without length"),
        ("COT(0)", "not defined"),
    ]);
}
