//! FORMAT_DATE, PARSE_DATE and their like; the elements stand in `native::elements`.

use super::{Call, Code};
use crate::googlesql::{
    error::{Result, invalid},
    scope::{Ex, text},
    types::Type,
};

pub(super) const CODE: &[(&str, Code)] = &[
    ("FORMAT_DATE", |c| {
        let ty = c.arg(1)?.ty.clone();
        format(c, "FORMAT_DATE", if matches!(ty, Type::Datetime | Type::Timestamp) { ty } else { Type::Date })
    }),
    ("FORMAT_DATETIME", |c| {
        let ty = c.arg(1)?.ty.clone();
        format(c, "FORMAT_DATETIME", if ty == Type::Timestamp { ty } else { Type::Datetime })
    }),
    ("FORMAT_TIMESTAMP", |c| format(c, "FORMAT_TIMESTAMP", Type::Timestamp)),
    ("FORMAT_TIME", |c| format(c, "FORMAT_TIME", Type::Time)),
    ("PARSE_DATE", |c| parse(c, "PARSE_DATE", Type::Date)),
    ("PARSE_DATETIME", |c| parse(c, "PARSE_DATETIME", Type::Datetime)),
    ("PARSE_TIMESTAMP", |c| parse(c, "PARSE_TIMESTAMP", Type::Timestamp)),
    ("PARSE_TIME", |c| parse(c, "PARSE_TIME", Type::Time)),
];

/// The zone given behind the other arguments, or the default one.
fn zone(call: &Call) -> Result<String> {
    if call.args.len() == 3 { call.typed(2, &Type::String) } else { Ok("gs_zone()".to_owned()) }
}

fn format(call: &Call, name: &str, ty: Type) -> Result<Ex> {
    call.expect(name, 2..=if ty == Type::Timestamp { 3 } else { 2 })?;
    let (pattern, value) = (call.typed(0, &Type::String)?, call.typed(1, &ty)?);
    let (local, offset, zone) = civil(&value, &ty, &zone(call)?);
    let kind = text(&ty.to_string());
    Ok(Ex::new(format!("gsn_format_time({pattern}, {local}, {offset}, {zone}, {kind})"), Type::String))
}

/// A value as civil time, minutes east of UTC and the zone.
pub(in super::super) fn civil(value: &str, ty: &Type, zone: &str) -> (String, String, String) {
    let plain = |sql: String| (sql, "0::BIGINT".to_owned(), "'UTC'".to_owned());
    match ty {
        Type::Date => plain(format!("CAST({value} AS TIMESTAMP)")),
        Type::Time => plain(format!("(DATE '1970-01-01' + {value})")),
        Type::Timestamp => {
            let local = format!("gs_to_local({value}, {zone})");
            let offset = format!("CAST(date_diff('minute', gs_to_local({value}, 'UTC'), {local}) AS BIGINT)");
            (local, offset, zone.to_owned())
        }
        _ => plain(value.to_owned()),
    }
}

fn parse(call: &Call, name: &str, ty: Type) -> Result<Ex> {
    call.expect(name, 2..=if ty == Type::Timestamp { 3 } else { 2 })?;
    let (pattern, value) = (call.typed(0, &Type::String)?, call.typed(1, &Type::String)?);
    let parsed = format!("gsn_parse_time({pattern}, {value}, '{ty}')");
    let sql = read(&parsed, &ty, &zone(call)?).ok_or_else(|| invalid(format!("{name} does not give {ty}"), call.at))?;
    Ok(Ex::new(sql, ty))
}

/// What `gsn_parse_time` and `gsn_cast_text_time` give, as a value of a type.
pub(in super::super) fn read(parsed: &str, ty: &Type, zone: &str) -> Option<String> {
    Some(match ty {
        Type::Date => format!("gs_check_date(CAST(make_timestamp(({parsed})[1]) AS DATE))"),
        Type::Time => format!("CAST(make_timestamp(({parsed})[1]) AS TIME)"),
        Type::Datetime => format!("gs_check_datetime(make_timestamp(({parsed})[1]))"),
        Type::Timestamp => format!("gs_check_timestamp(gs_parsed_timestamp({parsed}, {zone}))"),
        _ => return None,
    })
}
