//! Partitions: which rows a decorator means, as a DuckDB condition on the partitioning column.

use jiff::{Span, Timestamp, civil};
use tailer_model::operation::ddl::{Field, FieldType, Mode, PartitionUnit, Partitioning, TableDefinition};

use super::{errors::invalid, ingestion};
use crate::{TableName, WarehouseError, googlesql::quote};

/// One partition of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Partition {
    /// True of a row that belongs to it; never NULL for one that does.
    pub(crate) condition: String,
    /// Start, for tables partitioned by time.
    pub(crate) start: Option<civil::DateTime>,
}

/// The partition that the table's decorator names; `None` without a decorator.
///
/// # Errors
///
/// [`WarehouseError::Invalid`] when the table is not partitioned or the decorator does not fit its unit.
pub(crate) fn named(table: &TableName, definition: &TableDefinition) -> Result<Option<Partition>, WarehouseError> {
    let Some(decorator) = table.decorator.as_deref() else { return Ok(None) };
    let whole = table.without_decorator();
    match &definition.partitioning {
        None => Err(invalid(format!("table {whole} is not partitioned, so `${decorator}` names nothing in it"))),
        Some(Partitioning::Time { field, unit, .. }) => {
            let column = field.as_deref().unwrap_or(ingestion::COLUMN);
            if decorator == "__NULL__" {
                return Ok(Some(Partition { condition: format!("{} IS NULL", quote(column)), start: None }));
            }
            let start = parse_time(decorator, *unit).ok_or_else(|| {
                invalid(format!(
                    "`${decorator}` is not a partition of {whole}, which is partitioned by {}: write `${}`",
                    unit_name(*unit),
                    unit_form(*unit)
                ))
            })?;
            let end = next(start, *unit)?;
            let condition = between(column, column_type(definition, field.as_deref()), start, end);
            Ok(Some(Partition { condition, start: Some(start) }))
        }
        Some(Partitioning::Range { field, start, end, interval }) => {
            range(decorator, field, *start, *end, *interval).map(Some).ok_or_else(|| {
                invalid(format!(
                    "`${decorator}` is not a partition of {whole}, which is partitioned by ranges: write a range's start"
                ))
            })
        }
    }
}

/// The condition of rows whose partition has expired by `now`; `None` when partitions do not expire.
pub(crate) fn expired(definition: &TableDefinition, now: Timestamp) -> Option<String> {
    let Some(Partitioning::Time { field, unit, expiration_ms: Some(expiration) }) = &definition.partitioning else {
        return None;
    };
    let age = jiff::SignedDuration::from_millis(i64::try_from(*expiration).ok()?);
    let limit = now.checked_sub(age).ok()?.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    let end = next(truncate(limit, *unit), *unit).ok()?;
    let column = field.as_deref().unwrap_or(ingestion::COLUMN);
    Some(format!("{} < {}", quote(column), literal(column_type(definition, field.as_deref()), end)))
}

/// Start of the partition that holds a moment.
pub(crate) fn truncate(at: civil::DateTime, unit: PartitionUnit) -> civil::DateTime {
    let hour = if unit == PartitionUnit::Hour { at.hour() } else { 0 };
    let day = if matches!(unit, PartitionUnit::Hour | PartitionUnit::Day) { at.day() } else { 1 };
    let month = if unit == PartitionUnit::Year { 1 } else { at.month() };
    civil::DateTime::new(at.year(), month, day, hour, 0, 0, 0).unwrap_or(at)
}

/// Whether a table may be partitioned by this column.
pub(crate) fn check_column(
    table: &TableName,
    field: &Field,
    definition: &TableDefinition,
) -> Result<(), WarehouseError> {
    let wrong =
        |rule: &str| Err(invalid(format!("table {table} cannot be partitioned by column `{}`: {rule}", field.name)));
    if field.mode == Mode::Repeated {
        return wrong("it is REPEATED");
    }
    match (&definition.partitioning, field.field_type) {
        (Some(Partitioning::Range { start, end, interval, .. }), FieldType::Int64) => {
            match *interval > 0 && start < end {
                true => Ok(()),
                false => wrong("its range needs start < end and a positive interval"),
            }
        }
        (Some(Partitioning::Range { .. }), _) => wrong("ranges are over INT64"),
        (Some(Partitioning::Time { unit: PartitionUnit::Hour, .. }), FieldType::Date) => wrong("a DATE has no hours"),
        (_, FieldType::Date | FieldType::DateTime | FieldType::Timestamp) => Ok(()),
        _ => wrong("it has to be DATE, DATETIME or TIMESTAMP"),
    }
}

fn column_type(definition: &TableDefinition, field: Option<&str>) -> FieldType {
    let found =
        definition.schema.iter().find(|column| field.is_some_and(|name| column.name.eq_ignore_ascii_case(name)));
    found.map_or(FieldType::Timestamp, |column| column.field_type)
}

fn parse_time(decorator: &str, unit: PartitionUnit) -> Option<civil::DateTime> {
    if decorator.len() != unit_form(unit).len() || !decorator.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| decorator.get(range).and_then(|digits| digits.parse::<i8>().ok());
    let year = decorator.get(..4)?.parse().ok()?;
    let (month, day, hour) = (part(4..6).unwrap_or(1), part(6..8).unwrap_or(1), part(8..10).unwrap_or(0));
    civil::DateTime::new(year, month, day, hour, 0, 0, 0).ok()
}

fn next(start: civil::DateTime, unit: PartitionUnit) -> Result<civil::DateTime, WarehouseError> {
    let span = match unit {
        PartitionUnit::Hour => Span::new().hours(1),
        PartitionUnit::Day => Span::new().days(1),
        PartitionUnit::Month => Span::new().months(1),
        PartitionUnit::Year => Span::new().years(1),
    };
    start.checked_add(span).map_err(|_| invalid("the partition's date is out of range"))
}

fn between(column: &str, column_type: FieldType, start: civil::DateTime, end: civil::DateTime) -> String {
    let column = quote(column);
    let (start, end) = (literal(column_type, start), literal(column_type, end));
    format!("({column} IS NOT NULL AND {column} >= {start} AND {column} < {end})")
}

fn literal(column_type: FieldType, at: civil::DateTime) -> String {
    match column_type {
        FieldType::Date => format!("DATE '{}'", at.date()),
        FieldType::DateTime => format!("TIMESTAMP '{} {}'", at.date(), at.time()),
        _ => format!("TIMESTAMPTZ '{} {}+00'", at.date(), at.time()),
    }
}

fn range(decorator: &str, field: &str, start: i64, end: i64, interval: i64) -> Option<Partition> {
    let column = quote(field);
    let condition = match decorator {
        "__NULL__" => format!("{column} IS NULL"),
        "__UNPARTITIONED__" => format!("({column} IS NOT NULL AND ({column} < {start} OR {column} >= {end}))"),
        number => {
            let from: i64 = number.parse().ok()?;
            let aligned = from >= start && from < end && (from - start) % interval == 0;
            let to = from.saturating_add(interval).min(end);
            // A number that no range starts with names a partition that is missing: nothing belongs to it.
            match aligned {
                true => format!("({column} IS NOT NULL AND {column} >= {from} AND {column} < {to})"),
                false => "false".to_owned(),
            }
        }
    };
    Some(Partition { condition, start: None })
}

fn unit_name(unit: PartitionUnit) -> &'static str {
    match unit {
        PartitionUnit::Hour => "HOUR",
        PartitionUnit::Day => "DAY",
        PartitionUnit::Month => "MONTH",
        PartitionUnit::Year => "YEAR",
    }
}

fn unit_form(unit: PartitionUnit) -> &'static str {
    match unit {
        PartitionUnit::Hour => "YYYYMMDDHH",
        PartitionUnit::Day => "YYYYMMDD",
        PartitionUnit::Month => "YYYYMM",
        PartitionUnit::Year => "YYYY",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(decorator: &str) -> TableName {
        TableName::new("p", "d", &format!("t${decorator}")).unwrap()
    }

    fn by_time(column_type: &str, unit: PartitionUnit) -> TableDefinition {
        let column = super::super::types::Type::from_bigquery(column_type).unwrap().to_field("c");
        let partitioning = Partitioning::Time { field: Some("c".into()), unit, expiration_ms: Some(86_400_000) };
        TableDefinition { schema: vec![column], partitioning: Some(partitioning), ..TableDefinition::default() }
    }

    fn check(definition: &TableDefinition, decorator: &str, expect: Result<&str, &str>) {
        match (named(&table(decorator), definition), expect) {
            (Ok(Some(partition)), Ok(condition)) => assert_eq!(partition.condition, condition),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (got, _) => panic!("{decorator}: {got:?}"),
        }
    }

    #[test]
    fn a_decorator_means_a_half_open_span() {
        let day = by_time("DATE", PartitionUnit::Day);
        check(&day, "20240229", Ok(r#"("c" IS NOT NULL AND "c" >= DATE '2024-02-29' AND "c" < DATE '2024-03-01')"#));
        check(&day, "20240230", Err("partitioned by DAY: write `$YYYYMMDD`"));
        check(&day, "202402", Err("partitioned by DAY"));
        check(&day, "__NULL__", Ok(r#""c" IS NULL"#));
        let hour = by_time("TIMESTAMP", PartitionUnit::Hour);
        check(
            &hour,
            "2024123123",
            Ok(
                r#"("c" IS NOT NULL AND "c" >= TIMESTAMPTZ '2024-12-31 23:00:00+00' AND "c" < TIMESTAMPTZ '2025-01-01 00:00:00+00')"#,
            ),
        );
        let month = by_time("DATETIME", PartitionUnit::Month);
        check(
            &month,
            "202412",
            Ok(
                r#"("c" IS NOT NULL AND "c" >= TIMESTAMP '2024-12-01 00:00:00' AND "c" < TIMESTAMP '2025-01-01 00:00:00')"#,
            ),
        );
        check(
            &by_time("DATE", PartitionUnit::Year),
            "2024",
            Ok(r#"("c" IS NOT NULL AND "c" >= DATE '2024-01-01' AND "c" < DATE '2025-01-01')"#),
        );
        check(&TableDefinition::default(), "2024", Err("p.d.t is not partitioned"));
    }

    #[test]
    fn ranges_start_at_their_decorator() {
        let partitioning = Partitioning::Range { field: "c".into(), start: 0, end: 95, interval: 10 };
        let ranges = TableDefinition { partitioning: Some(partitioning), ..TableDefinition::default() };
        check(&ranges, "20", Ok(r#"("c" IS NOT NULL AND "c" >= 20 AND "c" < 30)"#));
        check(&ranges, "90", Ok(r#"("c" IS NOT NULL AND "c" >= 90 AND "c" < 95)"#));
        check(&ranges, "27", Ok("false"));
        check(&ranges, "100", Ok("false"));
        check(&ranges, "__UNPARTITIONED__", Ok(r#"("c" IS NOT NULL AND ("c" < 0 OR "c" >= 95))"#));
    }

    #[test]
    fn a_partition_expires_after_its_start() {
        let now: Timestamp = "2024-03-02T10:00:00Z".parse().unwrap();
        let expect = Some(r#""c" < DATE '2024-03-02'"#.to_owned());
        assert_eq!(expired(&by_time("DATE", PartitionUnit::Day), now), expect);
    }
}
