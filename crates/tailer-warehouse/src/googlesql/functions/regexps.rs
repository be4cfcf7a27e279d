//! Regular expressions: RE2 where DuckDB's calls are BigQuery's, ours (see `native`) elsewhere.

use super::Template;

pub(super) const TEMPLATES: &[Template] = &[
    ("REGEXP_CONTAINS", "STRING STRING", "BOOL", "regexp_matches({0}, {1})"),
    ("REGEXP_CONTAINS", "BYTES BYTES", "BOOL", "gsn_regexp_contains({0}, {1})"),
    ("REGEXP_REPLACE", "STRING STRING STRING", "STRING", "gsn_regexp_replace({0}, {1}, {2})"),
    ("REGEXP_REPLACE", "BYTES BYTES BYTES", "BYTES", "gsn_regexp_replace_bytes({0}, {1}, {2})"),
    ("REGEXP_EXTRACT", "STRING STRING", "STRING", "gsn_regexp_extract({*})"),
    ("REGEXP_EXTRACT", "STRING STRING INT64", "STRING", "gsn_regexp_extract({*})"),
    ("REGEXP_EXTRACT", "STRING STRING INT64 INT64", "STRING", "gsn_regexp_extract({*})"),
    ("REGEXP_EXTRACT", "BYTES BYTES", "BYTES", "gsn_regexp_extract_bytes({*})"),
    ("REGEXP_EXTRACT", "BYTES BYTES INT64", "BYTES", "gsn_regexp_extract_bytes({*})"),
    ("REGEXP_EXTRACT", "BYTES BYTES INT64 INT64", "BYTES", "gsn_regexp_extract_bytes({*})"),
    ("REGEXP_SUBSTR", "STRING STRING", "STRING", "gsn_regexp_extract({*})"),
    ("REGEXP_SUBSTR", "STRING STRING INT64", "STRING", "gsn_regexp_extract({*})"),
    ("REGEXP_SUBSTR", "STRING STRING INT64 INT64", "STRING", "gsn_regexp_extract({*})"),
    ("REGEXP_SUBSTR", "BYTES BYTES", "BYTES", "gsn_regexp_extract_bytes({*})"),
    ("REGEXP_SUBSTR", "BYTES BYTES INT64", "BYTES", "gsn_regexp_extract_bytes({*})"),
    ("REGEXP_SUBSTR", "BYTES BYTES INT64 INT64", "BYTES", "gsn_regexp_extract_bytes({*})"),
    ("REGEXP_EXTRACT_ALL", "STRING STRING", "ARRAY<STRING>", "gsn_regexp_extract_all({0}, {1})"),
    ("REGEXP_EXTRACT_ALL", "BYTES BYTES", "ARRAY<BYTES>", "gsn_regexp_extract_all_bytes({0}, {1})"),
    ("REGEXP_INSTR", "STRING STRING", "INT64", "gsn_regexp_instr({*})"),
    ("REGEXP_INSTR", "STRING STRING INT64", "INT64", "gsn_regexp_instr({*})"),
    ("REGEXP_INSTR", "STRING STRING INT64 INT64", "INT64", "gsn_regexp_instr({*})"),
    ("REGEXP_INSTR", "STRING STRING INT64 INT64 INT64", "INT64", "gsn_regexp_instr({*})"),
    ("REGEXP_INSTR", "BYTES BYTES", "INT64", "gsn_regexp_instr({*})"),
    ("REGEXP_INSTR", "BYTES BYTES INT64", "INT64", "gsn_regexp_instr({*})"),
    ("REGEXP_INSTR", "BYTES BYTES INT64 INT64", "INT64", "gsn_regexp_instr({*})"),
    ("REGEXP_INSTR", "BYTES BYTES INT64 INT64 INT64", "INT64", "gsn_regexp_instr({*})"),
];
