//! Dates and times, against a calendar.

use crate::cases::{failures, values};

#[test]
fn extract() {
    values(&[
        ("EXTRACT(YEAR FROM DATE '2024-02-29')", "2024"),
        ("EXTRACT(QUARTER FROM DATE '2024-05-01')", "2"),
        ("EXTRACT(MONTH FROM DATE '2024-05-01')", "5"),
        ("EXTRACT(DAY FROM DATE '2024-05-31')", "31"),
        ("EXTRACT(DAYOFWEEK FROM DATE '2024-01-07')", "1"),
        ("EXTRACT(DAYOFWEEK FROM DATE '2024-01-06')", "7"),
        ("EXTRACT(DAYOFYEAR FROM DATE '2024-12-31')", "366"),
        // 2024-01-01 is a Monday; its first Sunday is the 7th.
        ("EXTRACT(WEEK FROM DATE '2024-01-06')", "0"),
        ("EXTRACT(WEEK FROM DATE '2024-01-07')", "1"),
        ("EXTRACT(WEEK(MONDAY) FROM DATE '2024-01-01')", "1"),
        ("EXTRACT(WEEK(MONDAY) FROM DATE '2023-01-01')", "0"),
        ("EXTRACT(WEEK(THURSDAY) FROM DATE '2024-01-04')", "1"),
        ("EXTRACT(ISOWEEK FROM DATE '2023-01-01')", "52"),
        ("EXTRACT(ISOYEAR FROM DATE '2023-01-01')", "2022"),
        ("EXTRACT(HOUR FROM TIMESTAMP '2024-01-01 10:20:30.123456+00')", "10"),
        ("EXTRACT(SECOND FROM DATETIME '2024-01-01 10:20:30.123456')", "30"),
        ("EXTRACT(MILLISECOND FROM DATETIME '2024-01-01 10:20:30.123456')", "123"),
        ("EXTRACT(MICROSECOND FROM DATETIME '2024-01-01 10:20:30.123456')", "123456"),
        ("EXTRACT(DATE FROM TIMESTAMP '2024-01-01 23:00:00+00')", r#""2024-01-01""#),
        ("EXTRACT(HOUR FROM TIMESTAMP '2024-01-01 23:00:00+00' AT TIME ZONE 'Europe/Paris')", "0"),
        ("EXTRACT(DATE FROM TIMESTAMP '2024-01-01 23:00:00+00' AT TIME ZONE 'Europe/Paris')", r#""2024-01-02""#),
    ]);
    failures(&[("EXTRACT(HOUR FROM DATE '2024-01-01')", "has no part")]);
}

#[test]
fn trunc() {
    values(&[
        ("DATE_TRUNC(DATE '2024-05-17', MONTH)", r#""2024-05-01""#),
        ("DATE_TRUNC(DATE '2024-05-17', QUARTER)", r#""2024-04-01""#),
        ("DATE_TRUNC(DATE '2024-05-17', YEAR)", r#""2024-01-01""#),
        ("DATE_TRUNC(DATE '2024-05-17', DAY)", r#""2024-05-17""#),
        // A Friday.
        ("DATE_TRUNC(DATE '2024-05-17', WEEK)", r#""2024-05-12""#),
        ("DATE_TRUNC(DATE '2024-05-17', WEEK(MONDAY))", r#""2024-05-13""#),
        ("DATE_TRUNC(DATE '2024-05-17', ISOWEEK)", r#""2024-05-13""#),
        ("DATE_TRUNC(DATE '2024-05-12', WEEK)", r#""2024-05-12""#),
        ("DATE_TRUNC(DATE '2024-05-12', ISOWEEK)", r#""2024-05-06""#),
        ("DATE_TRUNC(DATE '2021-01-02', ISOYEAR)", r#""2019-12-30""#),
        ("DATETIME_TRUNC(DATETIME '2024-05-17 10:45:00', HOUR)", r#""2024-05-17T10:00:00""#),
        ("TIMESTAMP_TRUNC(TIMESTAMP '2024-05-17 10:45:12+00', MINUTE)", r#""2024-05-17 10:45:00+00""#),
        ("TIMESTAMP_TRUNC(TIMESTAMP '2024-05-17 10:45:12+00', DAY)", r#""2024-05-17 00:00:00+00""#),
        ("TIMESTAMP_TRUNC(TIMESTAMP '2024-05-17 23:30:00+00', DAY, 'Europe/Paris')", r#""2024-05-17 22:00:00+00""#),
        ("TIMESTAMP_TRUNC(TIMESTAMP '2024-05-17 10:45:12+00', MONTH)", r#""2024-05-01 00:00:00+00""#),
    ]);
}

#[test]
fn differences() {
    values(&[
        ("DATE_DIFF(DATE '2024-03-01', DATE '2024-02-28', DAY)", "2"),
        ("DATE_DIFF(DATE '2024-02-28', DATE '2024-03-01', DAY)", "-2"),
        // Boundaries, not lengths.
        ("DATE_DIFF(DATE '2024-02-01', DATE '2024-01-31', MONTH)", "1"),
        ("DATE_DIFF(DATE '2024-01-01', DATE '2023-12-31', YEAR)", "1"),
        ("DATE_DIFF(DATE '2024-04-01', DATE '2024-03-31', QUARTER)", "1"),
        ("DATE_DIFF(DATE '2024-05-12', DATE '2024-05-11', WEEK)", "1"),
        ("DATE_DIFF(DATE '2024-05-13', DATE '2024-05-12', WEEK)", "0"),
        ("DATE_DIFF(DATE '2024-05-13', DATE '2024-05-12', ISOWEEK)", "1"),
        ("DATE_DIFF(DATE '2024-05-13', DATE '2024-05-12', WEEK(MONDAY))", "1"),
        ("DATE_DIFF(DATE '2018-01-01', DATE '2017-12-30', ISOYEAR)", "1"),
        ("DATETIME_DIFF(DATETIME '2024-01-01 11:00:00', DATETIME '2024-01-01 10:59:59', HOUR)", "1"),
        ("DATETIME_DIFF(DATETIME '2024-01-02 00:00:00', DATETIME '2024-01-01 23:59:59', DAY)", "1"),
        ("TIMESTAMP_DIFF(TIMESTAMP '2024-01-01 11:00:00+00', TIMESTAMP '2024-01-01 10:00:01+00', HOUR)", "0"),
        ("TIMESTAMP_DIFF(TIMESTAMP '2024-01-01 10:00:00+00', TIMESTAMP '2024-01-01 11:59:00+00', HOUR)", "-1"),
        ("TIMESTAMP_DIFF(TIMESTAMP '2024-01-03+00', TIMESTAMP '2024-01-01+00', DAY)", "2"),
        ("TIMESTAMP_DIFF(TIMESTAMP '2024-01-01 00:00:01+00', TIMESTAMP '2024-01-01+00', MICROSECOND)", "1000000"),
    ]);
}

#[test]
fn moves() {
    values(&[
        ("DATE_ADD(DATE '2024-01-31', INTERVAL 1 MONTH)", r#""2024-02-29""#),
        ("DATE_SUB(DATE '2024-03-31', INTERVAL 1 MONTH)", r#""2024-02-29""#),
        ("DATE_ADD(DATE '2024-02-29', INTERVAL 1 YEAR)", r#""2025-02-28""#),
        ("DATE_ADD(DATE '2024-01-01', INTERVAL 2 WEEK)", r#""2024-01-15""#),
        ("DATE_ADD(DATE '2024-01-01', INTERVAL -1 QUARTER)", r#""2023-10-01""#),
        ("DATE_SUB(DATE '2024-01-01', INTERVAL x DAY) FROM UNNEST([3]) AS x", r#""2023-12-29""#),
        ("DATE_ADD('2024-01-01', INTERVAL 1 DAY)", r#""2024-01-02""#),
        ("DATETIME_ADD(DATETIME '2024-01-31 10:00:00', INTERVAL 1 MONTH)", r#""2024-02-29T10:00:00""#),
        ("DATETIME_SUB(DATETIME '2024-01-01 00:00:00', INTERVAL 1 SECOND)", r#""2023-12-31T23:59:59""#),
        ("TIMESTAMP_ADD(TIMESTAMP '2024-01-01 00:00:00+00', INTERVAL 25 HOUR)", r#""2024-01-02 01:00:00+00""#),
        ("TIMESTAMP_SUB(TIMESTAMP '2024-01-01 00:00:00+00', INTERVAL 1 DAY)", r#""2023-12-31 00:00:00+00""#),
        ("LAST_DAY(DATE '2024-02-10')", r#""2024-02-29""#),
        ("LAST_DAY(DATE '2024-02-10', YEAR)", r#""2024-12-31""#),
        ("LAST_DAY(DATE '2024-02-10', QUARTER)", r#""2024-03-31""#),
        ("LAST_DAY(DATE '2024-02-10', WEEK)", r#""2024-02-10""#),
    ]);
    failures(&[
        ("TIMESTAMP_ADD(TIMESTAMP '2024-01-01', INTERVAL 1 MONTH)", "is no unit"),
        ("DATE_ADD(DATE '2024-01-01', INTERVAL 1 HOUR)", "is no unit"),
        ("DATE_ADD(DATE '9999-12-31', INTERVAL 1 DAY)", "out of range"),
    ]);
}

#[test]
fn constructors_and_epochs() {
    values(&[
        ("DATE(2024, 2, 29)", r#""2024-02-29""#),
        ("DATE(TIMESTAMP '2024-01-01 23:30:00+00', 'Europe/Paris')", r#""2024-01-02""#),
        ("DATE(DATETIME '2024-01-01 23:30:00')", r#""2024-01-01""#),
        ("DATETIME(2024, 1, 2, 3, 4, 5)", r#""2024-01-02T03:04:05""#),
        ("DATETIME(DATE '2024-01-02', TIME '03:04:05')", r#""2024-01-02T03:04:05""#),
        ("DATETIME(TIMESTAMP '2024-01-01 12:00:00+00', 'America/New_York')", r#""2024-01-01T07:00:00""#),
        ("TIMESTAMP(DATETIME '2024-01-01 12:00:00', 'America/New_York')", r#""2024-01-01 17:00:00+00""#),
        ("TIMESTAMP('2024-01-01 12:00:00')", r#""2024-01-01 12:00:00+00""#),
        ("TIMESTAMP(DATE '2024-01-01')", r#""2024-01-01 00:00:00+00""#),
        ("TIME(10, 20, 30)", r#""10:20:30""#),
        ("UNIX_DATE(DATE '1970-01-11')", "10"),
        ("DATE_FROM_UNIX_DATE(10)", r#""1970-01-11""#),
        ("UNIX_SECONDS(TIMESTAMP '1970-01-01 00:00:10.9+00')", "10"),
        ("UNIX_SECONDS(TIMESTAMP '1969-12-31 23:59:59.5+00')", "-1"),
        ("UNIX_MILLIS(TIMESTAMP '1970-01-01 00:00:01.5+00')", "1500"),
        ("TIMESTAMP_SECONDS(86400)", r#""1970-01-02 00:00:00+00""#),
        ("TIMESTAMP_MILLIS(1500)", r#""1970-01-01 00:00:01.5+00""#),
        ("CURRENT_DATE() > DATE '2020-01-01'", "true"),
        ("CURRENT_DATE > DATE '2020-01-01'", "true"),
        ("CURRENT_TIMESTAMP() > TIMESTAMP '2020-01-01'", "true"),
        ("CURRENT_DATETIME() > DATETIME '2020-01-01'", "true"),
    ]);
    failures(&[("DATE(2024, 2, 30)", "2024")]);
}

#[test]
fn formats() {
    values(&[
        ("FORMAT_DATE('%Y%m%d', DATE '2024-02-09')", r#""20240209""#),
        ("FORMAT_DATE('%d/%m/%y', DATE '2024-02-09')", r#""09/02/24""#),
        ("FORMAT_DATE('%F', DATE '2024-02-09')", r#""2024-02-09""#),
        ("FORMAT_DATE('%b %e, %Y', DATE '2024-02-09')", r#""Feb  9, 2024""#),
        ("FORMAT_DATE('%A %B %a', DATE '2024-02-09')", r#""Friday February Fri""#),
        ("FORMAT_DATE('%j %U %W %V %G %u %w %Q', DATE '2024-02-09')", r#""040 05 06 06 2024 5 5 1""#),
        ("FORMAT_DATE('%G-W%V', DATE '2023-01-01')", r#""2022-W52""#),
        ("FORMAT_DATE('100%%', DATE '2024-02-09')", r#""100%""#),
        ("FORMAT_DATE('%Y', NULL)", "null"),
        ("FORMAT_DATETIME('%F %T', DATETIME '2024-02-09 01:02:03')", r#""2024-02-09 01:02:03""#),
        ("FORMAT_DATETIME('%H:%M:%E3S', DATETIME '2024-02-09 01:02:03.5')", r#""01:02:03.500""#),
        ("FORMAT_DATETIME('%E*S', DATETIME '2024-02-09 01:02:03.5')", r#""03.5""#),
        ("FORMAT_DATETIME('%I:%M %p', DATETIME '2024-02-09 13:02:03')", r#""01:02 PM""#),
        ("FORMAT_TIMESTAMP('%F %T', TIMESTAMP '2024-02-09 23:02:03+00')", r#""2024-02-09 23:02:03""#),
        ("FORMAT_TIMESTAMP('%F %H', TIMESTAMP '2024-02-09 23:02:03+00', 'Europe/Paris')", r#""2024-02-10 00""#),
        ("FORMAT_TIMESTAMP('%FT%TZ', TIMESTAMP '2024-02-09 23:02:03+00')", r#""2024-02-09T23:02:03Z""#),
        ("FORMAT_TIMESTAMP('%s', TIMESTAMP '1970-01-01 00:01:00+00')", r#""60""#),
        ("PARSE_DATE('%Y%m%d', '20240209')", r#""2024-02-09""#),
        ("PARSE_DATE('%Y-%m-%d', '2024-2-9')", r#""2024-02-09""#),
        ("PARSE_DATE('%d/%m/%Y', '09/02/2024')", r#""2024-02-09""#),
        ("PARSE_DATE('%m/%d/%y', '02/09/24')", r#""2024-02-09""#),
        ("PARSE_DATE('%b %d %Y', 'Feb 09 2024')", r#""2024-02-09""#),
        ("PARSE_DATE('%F', '2024-02-09')", r#""2024-02-09""#),
        ("PARSE_DATE('%m/%d/%y', '02/09/70')", r#""1970-02-09""#),
        ("PARSE_DATETIME('%Y-%m-%d %H:%M:%S', '2024-02-09 01:02:03')", r#""2024-02-09T01:02:03""#),
        ("PARSE_TIMESTAMP('%Y-%m-%d %H:%M:%S', '2024-02-09 01:02:03')", r#""2024-02-09 01:02:03+00""#),
        ("PARSE_TIMESTAMP('%m/%d/%Y %I:%M:%S %p', '02/09/2024 01:02:03 PM')", r#""2024-02-09 13:02:03+00""#),
    ]);
    failures(&[
        ("PARSE_DATE('%Y-%m-%d', '2024-02-30')", "failed to parse"),
        ("PARSE_DATE('%Y-%m-%d', 'x')", "failed to parse"),
        ("FORMAT_DATE('%H', DATE '2024-01-01')", "%H in FORMAT_DATE"),
        ("FORMAT_DATE('%O', DATE '2024-01-01')", "%O in FORMAT_DATE"),
    ]);
}
