//! The part of the prelude that works on sets of rows: quantifiers, aggregates that DuckDB lacks, sketches, frames.

/// Macros, in the order in which they need each other.
pub(super) const MACROS: &[&str] = &[
    // Quantifiers over lists of truth values.
    "CREATE OR REPLACE MACRO gs_any(m) AS
     CASE WHEN m IS NULL OR len(m) = 0 THEN false WHEN list_contains(m, true) THEN true
          WHEN list_count(m) < len(m) THEN NULL ELSE false END",
    "CREATE OR REPLACE MACRO gs_all(m) AS
     CASE WHEN m IS NULL OR len(m) = 0 THEN true WHEN list_contains(m, false) THEN false
          WHEN list_count(m) < len(m) THEN NULL ELSE true END",
    // LIKE over BYTES: every byte becomes a character of its own, wildcards of the pattern stay what they are.
    "CREATE OR REPLACE MACRO gs_bytes_text(b) AS
     CASE WHEN b IS NULL THEN NULL ELSE coalesce(array_to_string(list_transform(regexp_extract_all(hex(b), '..'),
       lambda h: chr(256 + CAST('0x' || h AS INTEGER))), ''), '') END",
    "CREATE OR REPLACE MACRO gs_bytes_pattern(b) AS
     CASE WHEN b IS NULL THEN NULL ELSE coalesce(array_to_string(list_transform(regexp_extract_all(hex(b), '5C..|..'),
       lambda h: CASE h WHEN '25' THEN '%' WHEN '5F' THEN '_'
                 ELSE chr(256 + CAST('0x' || right(h, 2) AS INTEGER)) END), ''), '') END",
    "CREATE OR REPLACE MACRO gs_like_bytes(b, p) AS gs_bytes_text(b) LIKE gs_bytes_pattern(p)",
    // Aggregates with HAVING: a list of {k, v} to the values of the best key.
    "CREATE OR REPLACE MACRO gs_no_nan(k) AS
     CASE WHEN isnan(k) THEN CAST('googlesql: HAVING MAX and MIN over NaN' AS DOUBLE) ELSE k END",
    // Nothing left means NULL, as of no rows.
    "CREATE OR REPLACE MACRO gs_rows(l) AS CASE WHEN len(l) > 0 THEN l END",
    "CREATE OR REPLACE MACRO gs_without_nulls(l) AS gs_rows(list_filter(l, lambda e: e IS NOT NULL))",
    "CREATE OR REPLACE MACRO gs_having(l, best) AS
     gs_rows(list_transform(list_filter(l, lambda e: e.k = best), lambda e: e.v))",
    // NUMERIC as the whole number of its smallest units, and back; division with halves away from zero.
    "CREATE OR REPLACE MACRO gs_scaled(a) AS CAST(replace(CAST(CAST(a AS DECIMAL(38,9)) AS VARCHAR), '.', '') AS HUGEINT)",
    "CREATE OR REPLACE MACRO gs_unscaled(h) AS
     CAST((CASE WHEN h < 0 THEN '-' ELSE '' END) || CAST(abs(h) // 1000000000 AS VARCHAR) || '.' ||
          lpad(CAST(abs(h) % 1000000000 AS VARCHAR), 9, '0') AS DECIMAL(38,9))",
    "CREATE OR REPLACE MACRO gs_round_div(a, b) AS
     (CASE WHEN (a < 0) = (b < 0) THEN 1 ELSE -1 END)::HUGEINT * ((abs(a) * 2 + abs(b)) // (abs(b) * 2))",
    // Sums. A value's whole part and the rest have room for 10^9 values each.
    "CREATE OR REPLACE MACRO gs_whole(a) AS CAST(trunc(a) AS HUGEINT)",
    "CREATE OR REPLACE MACRO gs_rest(a) AS CAST((a - trunc(a)) * 1000000000 AS HUGEINT)",
    "CREATE OR REPLACE MACRO gs_check_hugeint(h) AS
     CASE WHEN abs(h) > 99999999999999999999999999999999999999::HUGEINT
          THEN CAST('googlesql: numeric overflow' AS HUGEINT) ELSE h END",
    "CREATE OR REPLACE MACRO gs_sum_numeric(whole, rest) AS
     CASE WHEN abs(whole + rest // 1000000000) > 100000000000000000000000000001::HUGEINT
          THEN CAST('googlesql: numeric overflow' AS DECIMAL(38,9))
          ELSE gs_unscaled(gs_check_hugeint(whole * 1000000000::HUGEINT + rest)) END",
    "CREATE OR REPLACE MACRO gs_avg_numeric(whole, rest, n) AS
     CASE WHEN n = 0 THEN NULL ELSE gs_unscaled(gs_check_hugeint((whole - whole % n) // n * 1000000000::HUGEINT
       + gs_round_div((whole % n) * 1000000000::HUGEINT + rest, CAST(n AS HUGEINT)))) END",
    // Joined values.
    "CREATE OR REPLACE MACRO gs_join(l, d) AS CASE WHEN len(l) > 0 THEN coalesce(array_to_string(l, d), '') END",
    "CREATE OR REPLACE MACRO gs_join_bytes(l, d) AS
     CASE WHEN len(l) > 0 THEN unhex(coalesce(array_to_string(list_transform(l, lambda e: hex(e)), hex(d)), '')) END",
    "CREATE OR REPLACE MACRO gs_weight(bad) AS
     CASE WHEN bad THEN CAST('googlesql: a weight of APPROX_TOP_SUM is negative or NaN' AS BOOLEAN) ELSE true END",
    // Quantiles.
    "CREATE OR REPLACE MACRO gs_sorted(l) AS list_sort(l, 'ASC', 'NULLS FIRST')",
    "CREATE OR REPLACE MACRO gs_sorted_floats(l) AS
     list_concat(list_concat(list_filter(l, lambda e: e IS NULL), list_filter(l, lambda e: isnan(e))),
                 list_sort(list_filter(l, lambda e: NOT isnan(e))))",
    "CREATE OR REPLACE MACRO gs_quantiles(l, q) AS
     CASE WHEN len(l) > 0 THEN list_transform(generate_series(0, q), lambda i:
       list_extract(l, CAST(CASE WHEN i = 0 THEN 1 ELSE (len(l) * i + q - 1) // q END AS BIGINT))) END",
    // Keys of RANGE frames as whole numbers in the same order, so that a bound never overflows and NaN, infinity and NULL
    // have a place. A FLOAT64's is its bits.
    "CREATE OR REPLACE MACRO gs_bits(x) AS
     CASE WHEN x IS NULL OR isnan(x) THEN NULL
          WHEN x < 0 THEN -CAST(CAST(CAST(-x AS BIT) AS BIGINT) AS HUGEINT)
          ELSE CAST(CAST(CAST(x + 0.0::DOUBLE AS BIT) AS BIGINT) AS HUGEINT) END",
    "CREATE OR REPLACE MACRO gs_greatest() AS 1.7976931348623157e308::DOUBLE",
    "CREATE OR REPLACE MACRO gs_place_float(x) AS
     CASE WHEN isnan(x) THEN -18446744073709551616::HUGEINT ELSE gs_bits(x) END",
    "CREATE OR REPLACE MACRO gs_move_float(x, d, up) AS
     CASE WHEN x IS NULL OR isnan(x) OR isinf(x) AND isfinite(d) THEN 0::HUGEINT
          WHEN isinf(x) AND (x > 0) <> up
          THEN CAST('googlesql: a RANGE frame with an infinite offset around an infinite key' AS HUGEINT)
          WHEN isfinite(d) AND up THEN gs_bits(least(x + d, gs_greatest())) - gs_bits(x)
          WHEN isfinite(d) THEN gs_bits(x) - gs_bits(greatest(x - d, -gs_greatest()))
          WHEN up THEN gs_bits(x + d) - gs_bits(x) ELSE gs_bits(x) - gs_bits(x - d) END",
    "CREATE OR REPLACE MACRO gs_place_int(x) AS CAST(x AS HUGEINT)",
    "CREATE OR REPLACE MACRO gs_move_int(x, d, up) AS CASE WHEN x IS NULL THEN 0::HUGEINT ELSE CAST(d AS HUGEINT) END",
    // Past the end of NUMERIC there is nothing: a bound may stay there.
    "CREATE OR REPLACE MACRO gs_place_numeric(x) AS gs_scaled(x)",
    "CREATE OR REPLACE MACRO gs_move_numeric(x, d, up) AS
     CASE WHEN x IS NULL THEN 0::HUGEINT
          WHEN up THEN least(gs_scaled(d), CASE WHEN gs_scaled(x) > 0 THEN 100000000000000000000000000000000000000::HUGEINT - gs_scaled(x)
                                                ELSE gs_scaled(d) END)
          ELSE least(gs_scaled(d), CASE WHEN gs_scaled(x) < 0 THEN 100000000000000000000000000000000000000::HUGEINT + gs_scaled(x)
                                        ELSE gs_scaled(d) END) END",
    // A frame's offset, checked.
    "CREATE OR REPLACE MACRO gs_frame_offset(d) AS
     CASE WHEN d IS NULL OR d < 0 THEN CAST('googlesql: the offset of a window frame may be neither negative nor NULL' AS BIGINT)
          ELSE d END",
    // PERCENTILE_CONT from quantiles: of the numbers, and of marks for NaN and the infinities at the same places.
    "CREATE OR REPLACE MACRO gs_percentile(value, nan, low, high) AS
     CASE WHEN nan < 0 OR low < 0 AND high > 0 THEN 'nan'::DOUBLE WHEN low < 0 THEN '-inf'::DOUBLE
          WHEN high > 0 THEN 'inf'::DOUBLE ELSE -value END",
    // Sketches: `gs1:TYPE:` and hashes of 16 hexadecimal digits.
    "CREATE OR REPLACE MACRO gs_sketch(t, hashes) AS
     CASE WHEN len(hashes) > 0 THEN encode('gs1:' || t || ':' || array_to_string(list_sort(hashes), '')) END",
    "CREATE OR REPLACE MACRO gs_sketch_text(s) AS
     CASE WHEN s IS NULL THEN NULL
          WHEN regexp_full_match(hex(s), '6773313A([0-9A-F]{2})+3A((3[0-9]|6[1-6]){16})+') THEN decode(s)
          ELSE CAST(CAST('googlesql: invalid or incompatible sketch' AS BIGINT) AS VARCHAR) END",
    "CREATE OR REPLACE MACRO gs_sketch_merge(l) AS
     CASE WHEN len(list_filter(l, lambda s: s IS NOT NULL)) > 0 THEN
       CASE WHEN len(list_distinct(list_transform(l, lambda s: split_part(gs_sketch_text(s), ':', 2)))) > 1
            THEN encode(CAST(CAST('googlesql: invalid or incompatible sketch' AS BIGINT) AS VARCHAR))
            ELSE gs_sketch(split_part(decode(list_filter(l, lambda s: s IS NOT NULL)[1]), ':', 2),
                   list_distinct(flatten(list_transform(list_filter(l, lambda s: s IS NOT NULL),
                     lambda s: regexp_extract_all(split_part(gs_sketch_text(s), ':', 3), '.{16}'))))) END END",
    "CREATE OR REPLACE MACRO gs_sketch_count(s) AS
     CASE WHEN s IS NULL THEN 0::BIGINT ELSE CAST(length(split_part(gs_sketch_text(s), ':', 3)) // 16 AS BIGINT) END",
];
