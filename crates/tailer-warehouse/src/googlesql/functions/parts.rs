//! Date parts: `DAY`, `WEEK(MONDAY)`, `ISOYEAR`, ….

use sqlparser::ast::{DateTimeField, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Part {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    DayOfWeek,
    DayOfYear,
    /// Weeks that start on a day: Sunday is 0.
    Week(u8),
    IsoWeek,
    Month,
    Quarter,
    Year,
    IsoYear,
    Date,
    Time,
    Datetime,
}

impl Part {
    pub(in super::super) fn from_name(name: &str) -> Option<Part> {
        Some(match name.to_ascii_uppercase().as_str() {
            "MICROSECOND" => Part::Microsecond,
            "MILLISECOND" => Part::Millisecond,
            "SECOND" => Part::Second,
            "MINUTE" => Part::Minute,
            "HOUR" => Part::Hour,
            "DAY" => Part::Day,
            "DAYOFWEEK" => Part::DayOfWeek,
            "DAYOFYEAR" => Part::DayOfYear,
            "WEEK" => Part::Week(0),
            "ISOWEEK" => Part::IsoWeek,
            "MONTH" => Part::Month,
            "QUARTER" => Part::Quarter,
            "YEAR" => Part::Year,
            "ISOYEAR" => Part::IsoYear,
            "DATE" => Part::Date,
            "TIME" => Part::Time,
            "DATETIME" => Part::Datetime,
            _ => return None,
        })
    }

    pub(in super::super) fn from_field(field: &DateTimeField) -> Option<Part> {
        match field {
            DateTimeField::Week(Some(day)) => week_from(day),
            DateTimeField::Custom(ident) => Part::from_name(&ident.value),
            other => Part::from_name(&other.to_string()),
        }
    }

    pub(in super::super) fn from_expr(expr: &Expr) -> Option<Part> {
        match expr {
            Expr::Identifier(ident) => Part::from_name(&ident.value),
            Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("WEEK") => {
                let FunctionArguments::List(list) = &function.args else { return None };
                match list.args.as_slice() {
                    [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(day)))] => week_from(day),
                    _ => None,
                }
            }
            Expr::Function(function) if matches!(function.args, FunctionArguments::None) => {
                Part::from_name(&function.name.to_string())
            }
            _ => None,
        }
    }

    /// Length in microseconds of parts that always have the same.
    pub(in super::super) fn microseconds(self) -> Option<i64> {
        Some(match self {
            Part::Microsecond => 1,
            Part::Millisecond => 1_000,
            Part::Second => 1_000_000,
            Part::Minute => 60_000_000,
            Part::Hour => 3_600_000_000,
            Part::Day => 86_400_000_000,
            _ => return None,
        })
    }

    /// Length in months of parts that have one.
    pub(in super::super) fn months(self) -> Option<i64> {
        Some(match self {
            Part::Month => 1,
            Part::Quarter => 3,
            Part::Year => 12,
            _ => return None,
        })
    }

    /// DuckDB's name, for `date_trunc` and `date_diff` where they mean the same.
    pub(in super::super) fn duckdb(self) -> Option<&'static str> {
        Some(match self {
            Part::Microsecond => "microsecond",
            Part::Millisecond => "millisecond",
            Part::Second => "second",
            Part::Minute => "minute",
            Part::Hour => "hour",
            Part::Day => "day",
            Part::Month => "month",
            Part::Quarter => "quarter",
            Part::Year => "year",
            _ => return None,
        })
    }
}

fn week_from(day: &Ident) -> Option<Part> {
    let days = ["SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"];
    let index = days.iter().position(|d| d.eq_ignore_ascii_case(&day.value))?;
    u8::try_from(index).ok().map(Part::Week)
}
