//! Numbers.

use sqlparser::ast::BinaryOperator;

use super::{Call, Code, Template};
use crate::googlesql::{
    cast, coerce,
    error::{Result, invalid},
    operators::arithmetic,
    scope::Ex,
    types::Type,
};

pub(super) const TEMPLATES: &[Template] = &[
    ("ABS", "INT64", "INT64", "abs({0})"),
    ("ABS", "NUMERIC", "NUMERIC", "abs({0})"),
    ("ABS", "FLOAT64", "FLOAT64", "abs({0})"),
    ("SIGN", "INT64", "INT64", "CAST(sign({0}) AS BIGINT)"),
    ("SIGN", "NUMERIC", "NUMERIC", "CAST(sign({0}) AS DECIMAL(38,9))"),
    ("SIGN", "FLOAT64", "FLOAT64", "gs_sign({0})"),
    ("IS_INF", "FLOAT64", "BOOL", "isinf({0})"),
    ("IS_NAN", "FLOAT64", "BOOL", "isnan({0})"),
    ("IEEE_DIVIDE", "FLOAT64 FLOAT64", "FLOAT64", "gs_ieee_divide({0}, {1})"),
    ("RAND", "", "FLOAT64", "random()"),
    ("GENERATE_UUID", "", "STRING", "CAST(uuid() AS VARCHAR)"),
    ("SQRT", "FLOAT64", "FLOAT64", "gs_sqrt({0})"),
    ("CBRT", "FLOAT64", "FLOAT64", "cbrt({0})"),
    ("POW", "FLOAT64 FLOAT64", "FLOAT64", "gs_pow({0}, {1})"),
    ("POWER", "FLOAT64 FLOAT64", "FLOAT64", "gs_pow({0}, {1})"),
    ("EXP", "FLOAT64", "FLOAT64", "gs_exp({0})"),
    ("LN", "FLOAT64", "FLOAT64", "gs_ln({0})"),
    ("LOG", "FLOAT64", "FLOAT64", "gs_ln({0})"),
    ("LOG", "FLOAT64 FLOAT64", "FLOAT64", "gs_log({0}, {1})"),
    ("LOG10", "FLOAT64", "FLOAT64", "gs_log10({0})"),
    ("SIN", "FLOAT64", "FLOAT64", "gs_sin({0})"),
    ("COS", "FLOAT64", "FLOAT64", "gs_cos({0})"),
    ("TAN", "FLOAT64", "FLOAT64", "gs_tan({0})"),
    ("ATAN", "FLOAT64", "FLOAT64", "atan({0})"),
    ("ATAN2", "FLOAT64 FLOAT64", "FLOAT64", "atan2({0}, {1})"),
    ("MOD", "INT64 INT64", "INT64", "gs_mod({0}, {1})"),
    ("MOD", "NUMERIC NUMERIC", "NUMERIC", "gs_numeric_of('mod', {0}, {1})"),
    ("DIV", "INT64 INT64", "INT64", "gs_div({0}, {1})"),
    ("CEIL", "NUMERIC", "NUMERIC", "CAST(ceil({0}) AS DECIMAL(38,9))"),
    ("CEIL", "FLOAT64", "FLOAT64", "ceil({0})"),
    ("CEILING", "NUMERIC", "NUMERIC", "CAST(ceil({0}) AS DECIMAL(38,9))"),
    ("CEILING", "FLOAT64", "FLOAT64", "ceil({0})"),
    ("FLOOR", "NUMERIC", "NUMERIC", "CAST(floor({0}) AS DECIMAL(38,9))"),
    ("FLOOR", "FLOAT64", "FLOAT64", "floor({0})"),
    ("ROUND", "NUMERIC", "NUMERIC", "CAST(round({0}) AS DECIMAL(38,9))"),
    ("ROUND", "FLOAT64", "FLOAT64", "round({0})"),
    ("ROUND", "NUMERIC INT64", "NUMERIC", "gs_numeric_to('round', {0}, {1})"),
    ("ROUND", "FLOAT64 INT64", "FLOAT64", "gs_round({0}, {1})"),
    ("TRUNC", "NUMERIC", "NUMERIC", "CAST(trunc({0}) AS DECIMAL(38,9))"),
    ("TRUNC", "FLOAT64", "FLOAT64", "trunc({0})"),
    ("TRUNC", "FLOAT64 INT64", "FLOAT64", "gs_trunc({0}, {1})"),
    ("SQRT", "NUMERIC", "NUMERIC", "gs_numeric_fn('sqrt', {0})"),
    ("CBRT", "NUMERIC", "NUMERIC", "gs_numeric_fn('cbrt', {0})"),
    ("EXP", "NUMERIC", "NUMERIC", "gs_numeric_fn('exp', {0})"),
    ("LN", "NUMERIC", "NUMERIC", "gs_numeric_fn('ln', {0})"),
    ("LOG", "NUMERIC", "NUMERIC", "gs_numeric_fn('ln', {0})"),
    ("LOG", "NUMERIC NUMERIC", "NUMERIC", "gs_numeric_of('log', {0}, {1})"),
    ("LOG10", "NUMERIC", "NUMERIC", "gs_numeric_fn('log10', {0})"),
    ("POW", "NUMERIC NUMERIC", "NUMERIC", "gs_numeric_of('pow', {0}, {1})"),
    ("POWER", "NUMERIC NUMERIC", "NUMERIC", "gs_numeric_of('pow', {0}, {1})"),
    ("TRUNC", "NUMERIC INT64", "NUMERIC", "gs_numeric_to('trunc', {0}, {1})"),
    ("DIV", "NUMERIC NUMERIC", "NUMERIC", "gs_numeric_of('div', {0}, {1})"),
    ("ABS", "BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_fn('abs', {0})"),
    ("SIGN", "BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_fn('sign', {0})"),
    ("SQRT", "BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_fn('sqrt', {0})"),
    ("CBRT", "BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_fn('cbrt', {0})"),
    ("EXP", "BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_fn('exp', {0})"),
    ("LN", "BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_fn('ln', {0})"),
    ("LOG", "BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_fn('ln', {0})"),
    ("LOG", "BIGNUMERIC BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_of('log', {0}, {1})"),
    ("LOG10", "BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_fn('log10', {0})"),
    ("POW", "BIGNUMERIC BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_of('pow', {0}, {1})"),
    ("POWER", "BIGNUMERIC BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_of('pow', {0}, {1})"),
    ("MOD", "BIGNUMERIC BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_of('mod', {0}, {1})"),
    ("DIV", "BIGNUMERIC BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_of('div', {0}, {1})"),
    ("CEIL", "BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_fn('ceil', {0})"),
    ("CEILING", "BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_fn('ceil', {0})"),
    ("FLOOR", "BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_fn('floor', {0})"),
    ("ROUND", "BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_to('round', {0}, 0::BIGINT)"),
    ("ROUND", "BIGNUMERIC INT64", "BIGNUMERIC", "gs_bignumeric_to('round', {0}, {1})"),
    ("TRUNC", "BIGNUMERIC", "BIGNUMERIC", "gs_bignumeric_to('trunc', {0}, 0::BIGINT)"),
    ("TRUNC", "BIGNUMERIC INT64", "BIGNUMERIC", "gs_bignumeric_to('trunc', {0}, {1})"),
    ("PARSE_NUMERIC", "STRING", "NUMERIC", "CAST(gsn_decimal_parse('n', {0}) AS DECIMAL(38,9))"),
    ("PARSE_BIGNUMERIC", "STRING", "BIGNUMERIC", "CAST(gsn_decimal_parse('b', {0}) AS BIGNUM)"),
    ("ACOS", "FLOAT64", "FLOAT64", "gsn_trigonometric('ACOS', {0})"),
    ("ASIN", "FLOAT64", "FLOAT64", "gsn_trigonometric('ASIN', {0})"),
    ("ACOSH", "FLOAT64", "FLOAT64", "gsn_trigonometric('ACOSH', {0})"),
    ("ASINH", "FLOAT64", "FLOAT64", "gsn_trigonometric('ASINH', {0})"),
    ("ATANH", "FLOAT64", "FLOAT64", "gsn_trigonometric('ATANH', {0})"),
    ("COSH", "FLOAT64", "FLOAT64", "gsn_trigonometric('COSH', {0})"),
    ("SINH", "FLOAT64", "FLOAT64", "gsn_trigonometric('SINH', {0})"),
    ("TANH", "FLOAT64", "FLOAT64", "gsn_trigonometric('TANH', {0})"),
    ("COT", "FLOAT64", "FLOAT64", "gsn_trigonometric('COT', {0})"),
    ("CSC", "FLOAT64", "FLOAT64", "gsn_trigonometric('CSC', {0})"),
    ("SEC", "FLOAT64", "FLOAT64", "gsn_trigonometric('SEC', {0})"),
    ("COTH", "FLOAT64", "FLOAT64", "gsn_trigonometric('COTH', {0})"),
    ("CSCH", "FLOAT64", "FLOAT64", "gsn_trigonometric('CSCH', {0})"),
    ("SECH", "FLOAT64", "FLOAT64", "gsn_trigonometric('SECH', {0})"),
    ("EUCLIDEAN_DISTANCE", "ARRAY<FLOAT64> ARRAY<FLOAT64>", "FLOAT64", "gsn_distance('EUCLIDEAN_DISTANCE', {0}, {1})"),
    (
        "EUCLIDEAN_DISTANCE",
        "ARRAY<STRUCT<INT64,FLOAT64>> ARRAY<STRUCT<INT64,FLOAT64>>",
        "FLOAT64",
        "gsn_distance('EUCLIDEAN_DISTANCE', {0}, {1})",
    ),
    (
        "EUCLIDEAN_DISTANCE",
        "ARRAY<STRUCT<STRING,FLOAT64>> ARRAY<STRUCT<STRING,FLOAT64>>",
        "FLOAT64",
        "gsn_distance('EUCLIDEAN_DISTANCE', {0}, {1})",
    ),
    ("COSINE_DISTANCE", "ARRAY<FLOAT64> ARRAY<FLOAT64>", "FLOAT64", "gsn_distance('COSINE_DISTANCE', {0}, {1})"),
    (
        "COSINE_DISTANCE",
        "ARRAY<STRUCT<INT64,FLOAT64>> ARRAY<STRUCT<INT64,FLOAT64>>",
        "FLOAT64",
        "gsn_distance('COSINE_DISTANCE', {0}, {1})",
    ),
    (
        "COSINE_DISTANCE",
        "ARRAY<STRUCT<STRING,FLOAT64>> ARRAY<STRUCT<STRING,FLOAT64>>",
        "FLOAT64",
        "gsn_distance('COSINE_DISTANCE', {0}, {1})",
    ),
    ("BIT_COUNT", "BYTES", "INT64", "gsn_bit_count({0})"),
    ("BIT_COUNT", "INT64", "INT64", "CAST(bit_count({0}) AS BIGINT)"),
];

pub(super) const CODE: &[(&str, Code)] = &[
    ("GREATEST", |c| extreme(c, "greatest")),
    ("LEAST", |c| extreme(c, "least")),
    ("SAFE_DIVIDE", |c| safe(c, &BinaryOperator::Divide)),
    ("SAFE_MULTIPLY", |c| safe(c, &BinaryOperator::Multiply)),
    ("SAFE_ADD", |c| safe(c, &BinaryOperator::Plus)),
    ("SAFE_SUBTRACT", |c| safe(c, &BinaryOperator::Minus)),
    ("SAFE_NEGATE", safe_negate),
    ("RANGE_BUCKET", range_bucket),
];

/// NULL when any is NULL, NaN when any is NaN.
fn extreme(call: &Call, name: &str) -> Result<Ex> {
    if call.args.is_empty() {
        return Err(invalid(format!("{} takes at least one argument", name.to_uppercase()), call.at));
    }
    let (sql, ty) = coerce::unify(call.args.clone(), name, call.at)?;
    if !ty.can_order() {
        return Err(invalid(format!("{} does not support {ty}", name.to_uppercase()), call.at));
    }
    let any = |test: &str| sql.iter().map(|s| test.replace("{}", s)).collect::<Vec<_>>().join(" OR ");
    let mut cases = format!("WHEN {} THEN NULL", any("{} IS NULL"));
    if ty == Type::Float64 {
        cases.push_str(&format!(" WHEN {} THEN 'nan'::DOUBLE", any("isnan({})")));
    }
    Ok(Ex::new(format!("(CASE {cases} ELSE {name}({}) END)", sql.join(", ")), ty))
}

fn safe(call: &Call, op: &BinaryOperator) -> Result<Ex> {
    call.expect("this function", 2..=2)?;
    let plain = arithmetic(call.arg(0)?.clone(), op, call.arg(1)?.clone(), call.at)?;
    let refs: Vec<&Ex> = call.args.iter().collect();
    let sql = cast::safely(&refs, &|sql| {
        let mut sides = call.args.iter().zip(sql).map(|(e, sql)| Ex { sql: sql.clone(), ..e.clone() });
        match (sides.next(), sides.next()) {
            (Some(left), Some(right)) => arithmetic(left, op, right, call.at).map(|e| e.sql),
            _ => Err(invalid("two arguments were expected", call.at)),
        }
    })?;
    Ok(Ex::new(sql, plain.ty))
}

/// How many elements of a sorted array are not above a value.
fn range_bucket(call: &Call) -> Result<Ex> {
    call.expect("RANGE_BUCKET", 2..=2)?;
    let Type::Array(element) = &call.arg(1)?.ty else {
        return Err(invalid("RANGE_BUCKET wants a value and an ARRAY", call.at));
    };
    let bound = Ex::new(String::new(), element.as_ref().clone());
    let ty = coerce::common(&[call.arg(0)?.clone(), bound]).filter(Type::can_order);
    let ty = ty.ok_or_else(|| invalid("RANGE_BUCKET wants a value that can be compared with the elements", call.at))?;
    let (point, array) = (call.typed(0, &ty)?, coerce::to(call.arg(1)?.clone(), &Type::array(ty), call.at)?);
    Ok(Ex::new(format!("gs_range_bucket({point}, {array})"), Type::Int64))
}

fn safe_negate(call: &Call) -> Result<Ex> {
    call.expect("SAFE_NEGATE", 1..=1)?;
    let arg = call.arg(0)?;
    if !arg.ty.is_number() {
        return Err(invalid(format!("SAFE_NEGATE does not support {}", arg.ty), call.at));
    }
    let sql = cast::safely(&[arg], &|sql| Ok(format!("(-{})", sql.first().cloned().unwrap_or_default())))?;
    Ok(Ex::new(sql, arg.ty.clone()))
}
