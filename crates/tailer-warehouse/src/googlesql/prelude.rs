//! Macros for what DuckDB lacks or does differently; what SQL cannot say stands in [`native`](super::native).
//!
//! They fail by a cast that cannot succeed, `CAST('googlesql: message' AS type)`: DuckDB's `error()` counts as volatile, which
//! `TRY`, and so `SAFE.`, does not accept. [`explain`] finds the message in DuckDB's.

/// Gives a database instance the functions and macros that translated SQL calls; to be done once, before the first statement.
///
/// # Errors
/// DuckDB's. They mean that the library is another than this was written for.
pub fn install(connection: &duckdb::Connection) -> duckdb::Result<()> {
    super::native::register(connection)?;
    // Macros are inlined where they are made: those that others use come first.
    let mut macros = PRELUDE.iter().chain(super::prelude_rows::MACROS);
    macros.try_for_each(|statement| connection.execute_batch(statement))
}

/// The message of an error that a macro of the prelude raised, out of DuckDB's text around it.
pub fn explain(message: &str) -> Option<&str> {
    let start = message.find("googlesql: ")? + "googlesql: ".len();
    let rest = message.get(start..)?;
    let end = rest.find(['\'', '"']).unwrap_or(rest.len());
    rest.get(..end)
}

/// Sets the default time zone of one connection: UTC otherwise.
pub fn set_time_zone(zone: &str) -> String {
    format!("CREATE OR REPLACE TEMP MACRO gs_zone() AS {}", super::scope::text(zone))
}

const PRELUDE: &[&str] = &[
    "CREATE OR REPLACE MACRO gs_zone() AS 'UTC'",
    // Numbers.
    "CREATE OR REPLACE MACRO gs_divide(a, b) AS
     CASE WHEN b = 0 AND a IS NOT NULL THEN CAST('googlesql: division by zero' AS DOUBLE) ELSE a / b END",
    "CREATE OR REPLACE MACRO gs_ieee_divide(a, b) AS
     CASE WHEN b <> 0 OR isnan(b) THEN a / b WHEN a = 0 OR isnan(a) THEN 'nan'::DOUBLE
          WHEN (a > 0) = (CAST(b AS VARCHAR) NOT LIKE '-%') THEN 'inf'::DOUBLE
          WHEN a IS NOT NULL AND b IS NOT NULL THEN '-inf'::DOUBLE END",
    "CREATE OR REPLACE MACRO gs_numeric_of(op, a, b) AS
     CAST(gsn_decimal('n', op, CAST(a AS VARCHAR), CAST(b AS VARCHAR)) AS DECIMAL(38,9))",
    "CREATE OR REPLACE MACRO gs_bignumeric_of(op, a, b) AS
     CAST(gsn_decimal('b', op, CAST(a AS VARCHAR), CAST(b AS VARCHAR)) AS BIGNUM)",
    "CREATE OR REPLACE MACRO gs_numeric_fn(op, a) AS CAST(gsn_decimal('n', op, CAST(a AS VARCHAR)) AS DECIMAL(38,9))",
    "CREATE OR REPLACE MACRO gs_bignumeric_fn(op, a) AS CAST(gsn_decimal('b', op, CAST(a AS VARCHAR)) AS BIGNUM)",
    "CREATE OR REPLACE MACRO gs_numeric_to(op, a, n) AS CAST(gsn_decimal('n', op, CAST(a AS VARCHAR), n) AS DECIMAL(38,9))",
    "CREATE OR REPLACE MACRO gs_bignumeric_to(op, a, n) AS CAST(gsn_decimal('b', op, CAST(a AS VARCHAR), n) AS BIGNUM)",
    "CREATE OR REPLACE MACRO gs_divide_numeric(a, b) AS gs_numeric_of('/', a, CAST(b AS DECIMAL(38,9)))",
    // Aggregates of a group, exactly: the values come as a list.
    "CREATE OR REPLACE MACRO gs_decimal_spread(kind, list, what) AS
     gsn_decimal_spread(kind, list_transform(list, lambda x: CAST(x AS VARCHAR)), what)",
    "CREATE OR REPLACE MACRO gs_decimal_pairs(kind, ys, xs, what) AS
     gsn_decimal_pairs(kind, list_transform(ys, lambda y: CAST(y AS VARCHAR)), list_transform(xs, lambda x: CAST(x AS VARCHAR)), what)",
    "CREATE OR REPLACE MACRO gs_numeric_total(list, what) AS
     CAST(gsn_decimal_total('n', list_transform(list, lambda x: CAST(x AS VARCHAR)), what) AS DECIMAL(38,9))",
    "CREATE OR REPLACE MACRO gs_bignumeric_total(list, what) AS
     CAST(gsn_decimal_total('b', list_transform(list, lambda x: CAST(x AS VARCHAR)), what) AS BIGNUM)",
    "CREATE OR REPLACE MACRO gs_check_numeric(a) AS
     CASE WHEN a > 99999999999999999999999999999.999999999 OR a < -99999999999999999999999999999.999999999
          THEN CAST('googlesql: numeric overflow' AS DECIMAL(38,9)) ELSE a END",
    // `scaled` is the same sum of values that are 2^-1023 times as great: what overflows on the way may end in range.
    "CREATE OR REPLACE MACRO gs_check_float(sum, infinite, scaled) AS
     CASE WHEN isfinite(sum) OR infinite OR sum IS NULL OR isnan(scaled) THEN sum
          WHEN abs(scaled) < 4 AND isfinite(scaled * 8.98846567431157954e307) THEN scaled * 8.98846567431157954e307
          ELSE CAST('googlesql: double overflow' AS DOUBLE) END",
    "CREATE OR REPLACE MACRO gs_div(a, b) AS
     CASE WHEN b = 0 AND a IS NOT NULL THEN CAST('googlesql: division by zero' AS BIGINT)
          WHEN b = -1 THEN -a ELSE CAST((a - a % b) // b AS BIGINT) END",
    "CREATE OR REPLACE MACRO gs_mod(a, b) AS
     CASE WHEN b = 0 AND a IS NOT NULL THEN CAST('googlesql: division by zero' AS BIGINT)
          WHEN b = -1 THEN a - a ELSE a % b END",
    "CREATE OR REPLACE MACRO gs_floor_div(a, b) AS CAST((a - ((a % b) + b) % b) // b AS BIGINT)",
    "CREATE OR REPLACE MACRO gs_sign(a) AS CASE WHEN isnan(a) THEN a ELSE CAST(sign(a) AS DOUBLE) END",
    "CREATE OR REPLACE MACRO gs_sqrt(a) AS
     CASE WHEN a < 0 AND NOT isnan(a) THEN CAST('googlesql: SQRT of a negative number' AS DOUBLE) ELSE sqrt(a) END",
    "CREATE OR REPLACE MACRO gs_pow(a, b) AS
     CASE WHEN isnan(pow(a, b)) AND NOT isnan(a) AND NOT isnan(b)
          OR isinf(pow(a, b)) AND NOT isinf(a) AND NOT isinf(b)
          THEN CAST('googlesql: floating point error in POW' AS DOUBLE) ELSE pow(a, b) END",
    "CREATE OR REPLACE MACRO gs_exp(a) AS
     CASE WHEN isinf(exp(a)) AND NOT isinf(a) THEN CAST('googlesql: floating point overflow in EXP' AS DOUBLE) ELSE exp(a) END",
    "CREATE OR REPLACE MACRO gs_ln(a) AS
     CASE WHEN a <= 0 THEN CAST('googlesql: LN of a number that is not positive' AS DOUBLE) ELSE ln(a) END",
    "CREATE OR REPLACE MACRO gs_log10(a) AS
     CASE WHEN a <= 0 THEN CAST('googlesql: LOG10 of a number that is not positive' AS DOUBLE) ELSE log10(a) END",
    "CREATE OR REPLACE MACRO gs_log(a, b) AS
     CASE WHEN a <= 0 OR b <= 0 OR b = 1 THEN CAST('googlesql: LOG of these numbers is not defined' AS DOUBLE)
          ELSE ln(a) / ln(b) END",
    "CREATE OR REPLACE MACRO gs_sin(a) AS CASE WHEN isinf(a) THEN CAST('googlesql: SIN of infinity' AS DOUBLE) ELSE sin(a) END",
    "CREATE OR REPLACE MACRO gs_cos(a) AS CASE WHEN isinf(a) THEN CAST('googlesql: COS of infinity' AS DOUBLE) ELSE cos(a) END",
    "CREATE OR REPLACE MACRO gs_tan(a) AS CASE WHEN isinf(a) THEN CAST('googlesql: TAN of infinity' AS DOUBLE) ELSE tan(a) END",
    "CREATE OR REPLACE MACRO gs_round(a, n) AS
     CASE WHEN NOT isfinite(a) OR n > 300 THEN a ELSE round(a, CAST(greatest(n, -310) AS INTEGER)) END",
    "CREATE OR REPLACE MACRO gs_trunc(a, n) AS
     CASE WHEN NOT isfinite(a) OR n > 15 THEN a WHEN n < -300 THEN 0.0::DOUBLE
          WHEN n < 0 THEN trunc(a / pow(10::DOUBLE, -n)) * pow(10::DOUBLE, -n)
          ELSE trunc(a * pow(10::DOUBLE, n)) / pow(10::DOUBLE, n) END",
    "CREATE OR REPLACE MACRO gs_shift_left(a, b) AS
     CASE WHEN b < 0 THEN CAST('googlesql: shift by a negative number' AS BIGINT) WHEN b >= 64 THEN 0::BIGINT
          ELSE CAST(a << CAST(b AS INTEGER) AS BIGINT) END",
    "CREATE OR REPLACE MACRO gs_shift_right(a, b) AS
     CASE WHEN b < 0 THEN CAST('googlesql: shift by a negative number' AS BIGINT) WHEN b >= 64 THEN 0::BIGINT
          WHEN b = 0 OR a >= 0 THEN a >> CAST(b AS INTEGER)
          ELSE (a >> CAST(b AS INTEGER)) & (9223372036854775807 >> CAST(b - 1 AS INTEGER)) END",
    // Comparisons with NaN are false, <> is true.
    "CREATE OR REPLACE MACRO gs_compare_float(a, b, op) AS
     CASE WHEN a IS NULL OR b IS NULL THEN NULL
          WHEN isnan(a) OR isnan(b) THEN op = '<>'
          WHEN op = '=' THEN a = b WHEN op = '<>' THEN a <> b WHEN op = '<' THEN a < b
          WHEN op = '<=' THEN a <= b WHEN op = '>' THEN a > b ELSE a >= b END",
    "CREATE OR REPLACE MACRO gs_range_bucket(p, a) AS
     CASE WHEN p IS NULL OR a IS NULL THEN NULL
          WHEN list_count(a) < len(a) OR a <> list_sort(a) THEN CAST('googlesql: RANGE_BUCKET wants a sorted array without NULL' AS BIGINT)
          ELSE CAST(len(list_filter(a, lambda e: e <= p)) AS BIGINT) END",
    // Casts.
    "CREATE OR REPLACE MACRO gs_limited_string(v, n, name) AS
     list_transform([v], lambda x: CASE WHEN length(x) > n
       THEN CAST(CAST('googlesql: a value is too long for ' || name AS BIGINT) AS VARCHAR) ELSE x END)[1]",
    "CREATE OR REPLACE MACRO gs_limited_bytes(v, n, name) AS
     list_transform([v], lambda x: CASE WHEN octet_length(x) > n
       THEN CAST(CAST(CAST('googlesql: a value is too long for ' || name AS BIGINT) AS VARCHAR) AS BLOB) ELSE x END)[1]",
    "CREATE OR REPLACE MACRO gs_float_to_int(a) AS
     CASE WHEN isfinite(a) THEN CAST(round(a) AS BIGINT) WHEN a IS NULL THEN NULL
          ELSE CAST('googlesql: a FLOAT64 that is not finite cannot be cast to INT64' AS BIGINT) END",
    "CREATE OR REPLACE MACRO gs_float_to_numeric(a) AS CAST(gsn_decimal_of_float('n', a) AS DECIMAL(38,9))",
    "CREATE OR REPLACE MACRO gs_float_to_bignumeric(a) AS CAST(gsn_decimal_of_float('b', a) AS BIGNUM)",
    "CREATE OR REPLACE MACRO gs_int_to_bignumeric(a) AS CAST(gsn_bignumeric_of_int(a) AS BIGNUM)",
    "CREATE OR REPLACE MACRO gs_numeric_to_bignumeric(a) AS CAST(gsn_numeric_to_bignumeric(CAST(a AS VARCHAR)) AS BIGNUM)",
    "CREATE OR REPLACE MACRO gs_string_to_bignumeric(s) AS CAST(gsn_bignumeric(s) AS BIGNUM)",
    "CREATE OR REPLACE MACRO gs_bignumeric_to_int(a) AS gsn_decimal_to_int('b', CAST(a AS VARCHAR))",
    "CREATE OR REPLACE MACRO gs_bignumeric_to_numeric(a) AS CAST(gsn_bignumeric_to_numeric(CAST(a AS VARCHAR)) AS DECIMAL(38,9))",
    "CREATE OR REPLACE MACRO gs_bignumeric_to_float(a) AS gsn_decimal_to_float('b', CAST(a AS VARCHAR))",
    "CREATE OR REPLACE MACRO gs_bignumeric_to_whole(a) AS gsn_bignumeric_to_whole(CAST(a AS VARCHAR))",
    "CREATE OR REPLACE MACRO gs_bignumeric_to_decimal(a) AS
     CAST(gsn_bignumeric_exact(CAST(a AS VARCHAR), 18::BIGINT) AS DECIMAL(38,18))",
    "CREATE OR REPLACE MACRO gs_bignumeric_to_string(a) AS gsn_bignumeric_text(CAST(a AS VARCHAR))",
    // No rows, no mean.
    "CREATE OR REPLACE MACRO gs_bignumeric_mean(sum, n) AS gs_bignumeric_of('/', sum, gs_int_to_bignumeric(nullif(n, 0)))",
    "CREATE OR REPLACE MACRO gs_float_to_string(a) AS
     CASE WHEN a IS NULL THEN NULL WHEN isnan(a) THEN 'nan' WHEN isinf(a) THEN (CASE WHEN a > 0 THEN 'inf' ELSE '-inf' END)
          WHEN a = 0 THEN '0'
          WHEN CAST(printf('%.15g', a) AS DOUBLE) = a THEN printf('%.15g', a) ELSE printf('%.17g', a) END",
    "CREATE OR REPLACE MACRO gs_numeric_to_int(a) AS CAST(round(a) AS BIGINT)",
    "CREATE OR REPLACE MACRO gs_numeric_to_string(a) AS rtrim(rtrim(CAST(a AS VARCHAR), '0'), '.')",
    "CREATE OR REPLACE MACRO gs_string_to_int(s) AS
     CASE WHEN s IS NULL THEN NULL WHEN regexp_full_match(s, '\\s*[+-]?\\d+\\s*') THEN CAST(trim(s, ' \t\n\r') AS BIGINT)
          WHEN regexp_full_match(s, '\\s*[+-]?0[xX][0-9a-fA-F]{1,15}\\s*') THEN
            (CASE WHEN s LIKE '%-%' THEN -1 ELSE 1 END) * CAST('0x' || regexp_extract(s, '[xX]([0-9a-fA-F]+)', 1) AS BIGINT)
          ELSE CAST('googlesql: bad INT64 value: ' || s AS BIGINT) END",
    "CREATE OR REPLACE MACRO gs_string_to_float(s) AS
     CASE WHEN s IS NULL THEN NULL
          WHEN regexp_full_match(s, '\\s*[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?\\s*') THEN CAST(trim(s, ' \t\n\r+') AS DOUBLE)
          WHEN regexp_full_match(s, '\\s*\\+?(?i:inf|infinity)\\s*') THEN 'inf'::DOUBLE
          WHEN regexp_full_match(s, '\\s*-(?i:inf|infinity)\\s*') THEN '-inf'::DOUBLE
          WHEN regexp_full_match(s, '\\s*[+-]?(?i:nan)\\s*') THEN 'nan'::DOUBLE
          ELSE CAST('googlesql: bad FLOAT64 value: ' || s AS DOUBLE) END",
    "CREATE OR REPLACE MACRO gs_string_to_numeric(s) AS CAST(gsn_numeric(s) AS DECIMAL(38,9))",
    "CREATE OR REPLACE MACRO gs_string_to_bool(s) AS
     CASE lower(s) WHEN 'true' THEN true WHEN 'false' THEN false
          ELSE (CASE WHEN s IS NULL THEN NULL ELSE CAST('googlesql: bad BOOL value: ' || s AS BOOLEAN) END) END",
    "CREATE OR REPLACE MACRO gs_string_to_date(s) AS
     CASE WHEN s IS NULL THEN NULL WHEN regexp_full_match(s, '\\s*\\d{4}-\\d{1,2}-\\d{1,2}\\s*') AND s NOT LIKE '%0000-%' THEN CAST(s AS DATE)
          ELSE CAST('googlesql: invalid DATE: ' || s AS DATE) END",
    "CREATE OR REPLACE MACRO gs_string_to_time(s) AS
     CASE WHEN s IS NULL THEN NULL
          WHEN regexp_full_match(s, '\\s*([01]?\\d|2[0-3]):[0-5]?\\d:[0-5]?\\d(\\.\\d{1,6})?\\s*') THEN CAST(trim(s) AS TIME)
          ELSE CAST('googlesql: invalid TIME: ' || s AS TIME) END",
    "CREATE OR REPLACE MACRO gs_string_to_datetime(s) AS
     CASE WHEN s IS NULL THEN NULL
          WHEN regexp_full_match(s, '\\s*\\d{4}-\\d{1,2}-\\d{1,2}([ Tt]([01]?\\d|2[0-3]):[0-5]?\\d:[0-5]?\\d(\\.\\d{1,6})?)?\\s*') AND s NOT LIKE '%0000-%'
          THEN CAST(replace(trim(s), 't', 'T') AS TIMESTAMP)
          ELSE CAST('googlesql: invalid DATETIME: ' || s AS TIMESTAMP) END",
    // The zone is read here: DuckDB knows fewer forms of it.
    "CREATE OR REPLACE MACRO gs_string_to_timestamp(s) AS
     CASE WHEN s IS NULL THEN NULL
          WHEN regexp_full_match(s, '\\s*\\d{4}-\\d{1,2}-\\d{1,2}([ Tt]([01]?\\d|2[0-3]):[0-5]?\\d:[0-5]?\\d(\\.\\d{1,6})?)?\\s*([Zz]|UTC|[+-]\\d{1,2}(:\\d{2})?)?\\s*') AND s NOT LIKE '%0000-%'
          THEN ((CAST(replace(regexp_extract(s, '\\d{4}-\\d{1,2}-\\d{1,2}([ Tt]\\d{1,2}:\\d{1,2}:\\d{1,2}(\\.\\d+)?)?'), 't', 'T') AS TIMESTAMP)
                - gs_offset_of(regexp_extract(s, '([+-]\\d{1,2}(:\\d{2})?)\\s*$', 1), s))
                AT TIME ZONE (CASE WHEN regexp_matches(s, '(?i:Z|UTC)\\s*$|:.*[+-]|-.*-.*[+-]') THEN 'UTC' ELSE gs_zone() END))
          WHEN regexp_full_match(s, '\\s*\\d{4}-\\d{1,2}-\\d{1,2}([ Tt]([01]?\\d|2[0-3]):[0-5]?\\d:[0-5]?\\d(\\.\\d{1,6})?)? +[A-Za-z_]+(/[A-Za-z_/+-]+)?\\s*') AND s NOT LIKE '%0000-%'
          THEN (CAST(replace(regexp_extract(s, '\\d{4}-\\d{1,2}-\\d{1,2}([ Tt]\\d{1,2}:\\d{1,2}:\\d{1,2}(\\.\\d+)?)?'), 't', 'T') AS TIMESTAMP)
                AT TIME ZONE regexp_extract(s, '([A-Za-z_/+-]+)\\s*$', 1))
          ELSE CAST('googlesql: invalid TIMESTAMP: ' || s AS TIMESTAMPTZ) END",
    // A date alone ends in what looks like an offset.
    "CREATE OR REPLACE MACRO gs_offset_of(o, s) AS
     CASE WHEN o = '' OR regexp_full_match(s, '\\s*\\d{4}-\\d{1,2}-\\d{1,2}\\s*') THEN to_minutes(0::BIGINT)
          ELSE to_minutes(CAST((CASE WHEN o LIKE '-%' THEN -1 ELSE 1 END) * (CAST(regexp_extract(o, '[+-](\\d+)', 1) AS BIGINT) * 60
               + coalesce(TRY_CAST(nullif(regexp_extract(o, ':(\\d+)', 1), '') AS BIGINT), 0)) AS BIGINT)) END",
    "CREATE OR REPLACE MACRO gs_seconds(t) AS
     strftime(t, '%S') || (CASE WHEN date_part('microsecond', t) % 1000000 = 0 THEN '' ELSE '.' || rtrim(strftime(t, '%f'), '0') END)",
    "CREATE OR REPLACE MACRO gs_fraction(m) AS
     CASE WHEN m % 1000000 = 0 THEN '' WHEN m % 1000 = 0 THEN '.' || lpad(CAST(m % 1000000 // 1000 AS VARCHAR), 3, '0')
          ELSE '.' || lpad(CAST(m % 1000000 AS VARCHAR), 6, '0') END",
    "CREATE OR REPLACE MACRO gs_date_to_string(d) AS strftime(d, '%Y-%m-%d')",
    "CREATE OR REPLACE MACRO gs_time_to_string(t) AS strftime(DATE '1970-01-01' + t, '%H:%M:%S') || gs_fraction(date_part('microsecond', t))",
    "CREATE OR REPLACE MACRO gs_datetime_to_string(t) AS
     strftime(t, '%Y-%m-%d %H:%M:%S') || gs_fraction(date_part('microsecond', t))",
    "CREATE OR REPLACE MACRO gs_zone_minutes(t) AS
     date_diff('minute', t AT TIME ZONE 'UTC', t AT TIME ZONE gs_zone())",
    "CREATE OR REPLACE MACRO gs_zone_text(m) AS
     (CASE WHEN m < 0 THEN '-' ELSE '+' END) || lpad(CAST(abs(m) // 60 AS VARCHAR), 2, '0') ||
     (CASE WHEN m % 60 = 0 THEN '' ELSE ':' || lpad(CAST(abs(m) % 60 AS VARCHAR), 2, '0') END)",
    "CREATE OR REPLACE MACRO gs_timestamp_to_string(t) AS
     gs_datetime_to_string(t AT TIME ZONE gs_zone()) || gs_zone_text(gs_zone_minutes(t))",
    // Zones: a name, or hours and minutes east of UTC.
    "CREATE OR REPLACE MACRO gs_zone_name(z) AS CASE WHEN left(z, 1) IN ('+', '-') THEN 'UTC' ELSE z END",
    "CREATE OR REPLACE MACRO gs_zone_shift(z) AS
     CASE WHEN z IS NULL THEN NULL WHEN left(z, 1) NOT IN ('+', '-') THEN to_minutes(0::BIGINT)
          WHEN NOT regexp_full_match(z, '[+-](0?\\d|1[0-4])(:[0-5]\\d)?') THEN to_minutes(CAST('googlesql: invalid time zone: ' || z AS BIGINT))
          ELSE to_minutes(CAST((CASE WHEN left(z, 1) = '-' THEN -1 ELSE 1 END)
               * (CAST(regexp_extract(z, '[+-](\\d+)', 1) AS BIGINT) * 60 + coalesce(TRY_CAST(nullif(regexp_extract(z, ':(\\d+)', 1), '') AS BIGINT), 0)) AS BIGINT)) END",
    "CREATE OR REPLACE MACRO gs_to_local(t, z) AS ((t AT TIME ZONE gs_zone_name(z)) + gs_zone_shift(z))",
    "CREATE OR REPLACE MACRO gs_of_local(d, z) AS ((d - gs_zone_shift(z)) AT TIME ZONE gs_zone_name(z))",
    "CREATE OR REPLACE MACRO gs_timestamp_to_string_at(t, z) AS
     gs_datetime_to_string(gs_to_local(t, z)) || gs_zone_text(date_diff('minute', gs_to_local(t, 'UTC'), gs_to_local(t, z)))",
    // What was read: microseconds, and minutes east of UTC where the text said so.
    "CREATE OR REPLACE MACRO gs_parsed_timestamp(p, z) AS
     list_transform([p], lambda r: CASE WHEN len(r) = 2 THEN make_timestamptz(r[1] - r[2] * 60000000)
       ELSE gs_of_local(make_timestamp(r[1]), z) END)[1]",
    // Intervals: months, days and microseconds.
    "CREATE OR REPLACE MACRO gs_interval(p) AS
     list_transform([p], lambda r: to_months(CAST(r[1] AS INTEGER)) + to_days(CAST(r[2] AS INTEGER)) + to_microseconds(r[3]))[1]",
    "CREATE OR REPLACE MACRO gs_interval_parts(i) AS
     list_transform([i], lambda v: CASE WHEN v IS NULL THEN NULL ELSE
       [CAST(date_part('year', v) * 12 + date_part('month', v) AS BIGINT), CAST(date_part('day', v) AS BIGINT),
        CAST(date_part('hour', v) * 3600000000 + date_part('minute', v) * 60000000 + date_part('microsecond', v) AS BIGINT)] END)[1]",
    "CREATE OR REPLACE MACRO gs_interval_to_string(i) AS gsn_interval_text(gs_interval_parts(i))",
    "CREATE OR REPLACE MACRO gs_interval_total(list, what) AS
     gs_interval(gsn_interval_total(list_transform(list, lambda v: gs_interval_parts(v)), what))",
    "CREATE OR REPLACE MACRO gs_exact_interval(i) AS
     CASE WHEN date_part('year', i) * 12 + date_part('month', i) <> 0
          THEN to_microseconds(CAST('googlesql: a TIMESTAMP cannot be moved by an INTERVAL of months: use a DATETIME' AS BIGINT)) ELSE i END",
    // Dates.
    "CREATE OR REPLACE MACRO gs_check_date(d) AS
     CASE WHEN d > DATE '9999-12-31' OR d < DATE '0001-01-01' THEN CAST('googlesql: DATE out of range' AS DATE) ELSE d END",
    "CREATE OR REPLACE MACRO gs_check_datetime(d) AS
     CASE WHEN d >= TIMESTAMP '10000-01-01' OR d < TIMESTAMP '0001-01-01' THEN CAST('googlesql: DATETIME out of range' AS TIMESTAMP) ELSE d END",
    "CREATE OR REPLACE MACRO gs_check_timestamp(d) AS
     CASE WHEN d >= TIMESTAMPTZ '10000-01-01 00:00:00+00' OR d < TIMESTAMPTZ '0001-01-01 00:00:00+00'
          THEN CAST('googlesql: TIMESTAMP out of range' AS TIMESTAMPTZ) ELSE d END",
    "CREATE OR REPLACE MACRO gs_week_start(d, first) AS
     date_trunc('day', d) - to_days(CAST((date_part('dow', d) - first + 7) % 7 AS INTEGER))",
    "CREATE OR REPLACE MACRO gs_week(d, first) AS
     (date_part('doy', d) + 6 - (date_part('dow', d) - first + 7) % 7) // 7",
    "CREATE OR REPLACE MACRO gs_week_diff(a, b, first) AS
     date_diff('day', CAST(gs_week_start(b, first) AS DATE), CAST(gs_week_start(a, first) AS DATE)) // 7",
    "CREATE OR REPLACE MACRO gs_iso_year_start(d) AS gs_week_start(make_date(date_part('isoyear', d), 1, 4), 1)",
    "CREATE OR REPLACE MACRO gs_generate_dates(a, b, step) AS
     CASE WHEN a IS NULL OR b IS NULL OR step IS NULL THEN NULL
          WHEN step = 0 THEN [CAST('googlesql: the step of GENERATE_DATE_ARRAY is zero' AS DATE)]
          ELSE list_transform(generate_series(0, CAST(date_diff('day', a, b) AS BIGINT), CAST(step AS BIGINT)), lambda n: a + CAST(n AS INTEGER)) END",
    "CREATE OR REPLACE MACRO gs_generate_months(a, b, step) AS
     CASE WHEN a IS NULL OR b IS NULL OR step IS NULL THEN NULL
          WHEN step = 0 THEN [CAST('googlesql: the step of GENERATE_DATE_ARRAY is zero' AS DATE)]
          ELSE list_filter(list_transform(generate_series(0, CAST(date_diff('month', a, b) AS BIGINT), CAST(step AS BIGINT)),
                 lambda n: CAST(a + to_months(CAST(n AS INTEGER)) AS DATE)), lambda d: CASE WHEN step > 0 THEN d <= b ELSE d >= b END) END",
    // Strings.
    "CREATE OR REPLACE MACRO gs_spaces() AS chr(32) || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(133) || chr(160)
       || chr(5760) || chr(8192) || chr(8193) || chr(8194) || chr(8195) || chr(8196) || chr(8197) || chr(8198) || chr(8199)
       || chr(8200) || chr(8201) || chr(8202) || chr(8232) || chr(8233) || chr(8239) || chr(8287) || chr(12288)",
    "CREATE OR REPLACE MACRO gs_trim(s) AS trim(s, gs_spaces())",
    "CREATE OR REPLACE MACRO gs_ltrim(s) AS ltrim(s, gs_spaces())",
    "CREATE OR REPLACE MACRO gs_rtrim(s) AS rtrim(s, gs_spaces())",
    "CREATE OR REPLACE MACRO gs_replace(s, a, b) AS CASE WHEN a = '' AND b IS NOT NULL THEN s ELSE replace(s, a, b) END",
    "CREATE OR REPLACE MACRO gs_characters(s) AS list_transform(generate_series(1, length(s)), lambda i: substring(s, i, 1))",
    "CREATE OR REPLACE MACRO gs_start(s, p) AS
     CASE WHEN p > 0 THEN p WHEN p = 0 THEN 1 ELSE greatest(length(s) + p + 1, 1) END",
    "CREATE OR REPLACE MACRO gs_substr(s, p) AS substring(s, least(gs_start(s, p), 4294967294))",
    "CREATE OR REPLACE MACRO gs_substr_length(s, p, n) AS
     CASE WHEN n < 0 THEN CAST(CAST('googlesql: SUBSTR wants a length that is not negative' AS BIGINT) AS VARCHAR)
          ELSE substring(s, least(gs_start(s, p), 4294967294), least(n, 4294967294)) END",
    "CREATE OR REPLACE MACRO gs_left(s, n) AS
     CASE WHEN n < 0 THEN CAST(CAST('googlesql: LEFT wants a length that is not negative' AS BIGINT) AS VARCHAR)
          ELSE substring(s, 1, least(n, 4294967294)) END",
    "CREATE OR REPLACE MACRO gs_right(s, n) AS
     CASE WHEN n < 0 THEN CAST(CAST('googlesql: RIGHT wants a length that is not negative' AS BIGINT) AS VARCHAR)
          ELSE substring(s, greatest(length(s) - n + 1, 1), least(n, 4294967294)) END",
    "CREATE OR REPLACE MACRO gs_split(s, d) AS
     CASE WHEN s IS NULL OR d IS NULL THEN NULL WHEN d = '' AND s <> '' THEN gs_characters(s) WHEN d = '' THEN [s] ELSE string_split(s, d) END",
    "CREATE OR REPLACE MACRO gs_unicode(s) AS CASE WHEN s = '' THEN 0::BIGINT ELSE CAST(unicode(s) AS BIGINT) END",
    "CREATE OR REPLACE MACRO gs_ascii(s) AS
     CASE WHEN s = '' THEN 0::BIGINT WHEN unicode(s) > 127 THEN CAST('googlesql: ASCII wants an ASCII character' AS BIGINT)
          ELSE CAST(unicode(s) AS BIGINT) END",
    // Arrays.
    "CREATE OR REPLACE MACRO gs_safe_ordinal(a, i) AS CASE WHEN i >= 1 AND i <= len(a) THEN list_extract(a, i) END",
    "CREATE OR REPLACE MACRO gs_safe_offset(a, i) AS CASE WHEN i >= 0 AND i < len(a) THEN list_extract(a, i + 1) END",
    "CREATE OR REPLACE MACRO gs_ordinal(a, i) AS
     list_extract(a, CASE WHEN i < 1 OR i > len(a) THEN CAST('googlesql: array index out of bounds' AS BIGINT) ELSE i END)",
    "CREATE OR REPLACE MACRO gs_offset(a, i) AS
     list_extract(a, CASE WHEN i < 0 OR i >= len(a) THEN CAST('googlesql: array index out of bounds' AS BIGINT) ELSE i + 1 END)",
    "CREATE OR REPLACE MACRO gs_array_concat(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE list_concat(a, b) END",
    "CREATE OR REPLACE MACRO gs_in_array(x, a) AS
     CASE WHEN a IS NULL OR len(a) = 0 THEN false WHEN x IS NULL THEN NULL WHEN list_contains(a, x) THEN true
          WHEN list_count(a) < len(a) THEN NULL ELSE false END",
    "CREATE OR REPLACE MACRO gs_array_to_string(a, d) AS
     CASE WHEN a IS NULL OR d IS NULL THEN NULL ELSE coalesce(array_to_string(list_filter(a, lambda e: e IS NOT NULL), d), '') END",
    "CREATE OR REPLACE MACRO gs_array_to_string_nulls(a, d, n) AS
     CASE WHEN a IS NULL OR d IS NULL OR n IS NULL THEN NULL
          ELSE coalesce(array_to_string(list_transform(a, lambda e: coalesce(e, n)), d), '') END",
    "CREATE OR REPLACE MACRO gs_generate_array(a, b, step) AS
     CASE WHEN step = 0 AND a IS NOT NULL AND b IS NOT NULL
          THEN [CAST('googlesql: the step of GENERATE_ARRAY is zero' AS BIGINT)]
          ELSE generate_series(CAST(a AS BIGINT), CAST(b AS BIGINT), CAST(step AS BIGINT)) END",
];
