//! Arithmetic, logical, bitwise and concatenation operators.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use super::{
    coerce, compare,
    error::{At, Result, invalid, place},
    functions::intervals,
    scope::{Env, Ex, Literal},
    translator::Translator,
    types::Type,
};

impl Translator<'_> {
    /// A chain `a + b + c` is a tree that is deep on its left: it is walked in a loop.
    pub(super) fn binary(&mut self, expr: &Expr, env: &Env<'_>) -> Result<Ex> {
        let mut spine = Vec::new();
        let mut rest = expr;
        while let Expr::BinaryOp { left, op, right } = rest {
            spine.push((op, right.as_ref()));
            rest = left;
        }
        let mut result = self.expr(rest, env)?;
        let mut run: Option<(&BinaryOperator, Vec<String>)> = None;
        for (op, right) in spine.into_iter().rev() {
            let at = place_of_right(right);
            if let BinaryOperator::And | BinaryOperator::Or = op {
                let right = self.logical(right, env)?;
                run = match run {
                    Some((same, mut parts)) if same == op => {
                        parts.push(right);
                        Some((op, parts))
                    }
                    Some((other, parts)) => Some((op, vec![joined(other, &parts), right])),
                    None => Some((op, vec![coerce::to(result.clone(), &Type::Bool, at)?, right])),
                };
                continue;
            }
            if let Some((op, parts)) = run.take() {
                result = Ex::new(joined(op, &parts), Type::Bool);
            }
            let right_ex = self.expr(right, env)?;
            result = apply(result, op, right_ex, at)?;
        }
        if let Some((op, parts)) = run {
            result = Ex::new(joined(op, &parts), Type::Bool);
        }
        Ok(result)
    }

    fn logical(&mut self, expr: &Expr, env: &Env<'_>) -> Result<String> {
        let ex = self.expr(expr, env)?;
        coerce::to(ex, &Type::Bool, place(expr))
    }

    pub(super) fn unary(&mut self, op: UnaryOperator, expr: &Expr, env: &Env<'_>) -> Result<Ex> {
        let at = place(expr);
        let ex = self.expr(expr, env)?;
        match op {
            UnaryOperator::Not if ex.is_null() => Err(invalid("operands of NOT cannot be literal NULL", at)),
            UnaryOperator::Not => Ok(Ex::new(format!("(NOT {})", coerce::to(ex, &Type::Bool, at)?), Type::Bool)),
            UnaryOperator::Plus if ex.ty.is_number() => Ok(ex),
            UnaryOperator::Minus => match (&ex.literal, &ex.ty) {
                (Literal::Int(digits), _) => super::expressions::integer(&negated(digits), at),
                (Literal::Float(digits), _) => Ok(super::expressions::float(&negated(digits))),
                (Literal::Null, _) => Ok(ex),
                (_, Type::BigNumeric) => {
                    Ok(Ex::new(format!("gs_bignumeric_of('-', 0::BIGNUM, {})", ex.sql), Type::BigNumeric))
                }
                (_, ty) if ty.is_number() || *ty == Type::Interval => Ok(Ex::new(format!("(-{})", ex.sql), ex.ty)),
                (_, ty) => Err(invalid(format!("- is not defined for values of type {ty}"), at)),
            },
            UnaryOperator::BitwiseNot if ex.ty == Type::Int64 => Ok(Ex::new(format!("(~{})", ex.sql), Type::Int64)),
            UnaryOperator::BitwiseNot if ex.ty == Type::Bytes => {
                Ok(Ex::new(format!("gsn_bitwise_not({})", ex.sql), Type::Bytes))
            }
            other => Err(invalid(format!("{other} is not defined for values of type {}", ex.ty), at)),
        }
    }
}

fn place_of_right(right: &Expr) -> At {
    // The place costs a walk; it is only looked at when something is wrong, but it has to be there then.
    place(right)
}

fn joined(op: &BinaryOperator, parts: &[String]) -> String {
    format!("({})", parts.join(&format!(" {op} ")))
}

fn negated(digits: &str) -> String {
    digits.strip_prefix('-').map_or_else(|| format!("-{digits}"), str::to_string)
}

fn apply(left: Ex, op: &BinaryOperator, right: Ex, at: At) -> Result<Ex> {
    use BinaryOperator as B;
    match op {
        B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq => {
            Ok(Ex::new(compare::comparison(left, op, right, at)?, Type::Bool))
        }
        B::Plus | B::Minus => match temporal(&left, op, &right) {
            Some(found) => Ok(found),
            None => arithmetic(left, op, right, at),
        },
        B::Multiply if left.ty == Type::Interval => intervals::scaled(&left, &right, '*', at),
        B::Multiply if right.ty == Type::Interval => intervals::scaled(&right, &left, '*', at),
        B::Divide if left.ty == Type::Interval => intervals::scaled(&left, &right, '/', at),
        B::Multiply | B::Divide => arithmetic(left, op, right, at),
        B::StringConcat => concat(vec![left, right], at),
        B::BitwiseAnd | B::BitwiseOr | B::BitwiseXor if left.ty == Type::Bytes || right.ty == Type::Bytes => {
            let l = coerce::to(left, &Type::Bytes, at)?;
            let r = coerce::to(right, &Type::Bytes, at)?;
            Ok(Ex::new(format!("gsn_bitwise({l}, '{op}', {r})"), Type::Bytes))
        }
        B::PGBitwiseShiftLeft | B::PGBitwiseShiftRight if left.ty == Type::Bytes => {
            let by = coerce::to(right, &Type::Int64, at)?;
            let way = if *op == B::PGBitwiseShiftLeft { "left" } else { "right" };
            Ok(Ex::new(format!("gsn_shift_bytes({}, {by}, '{way}')", left.sql), Type::Bytes))
        }
        B::BitwiseAnd | B::BitwiseOr | B::BitwiseXor | B::PGBitwiseShiftLeft | B::PGBitwiseShiftRight => {
            let l = coerce::to(left, &Type::Int64, at)?;
            let r = coerce::to(right, &Type::Int64, at)?;
            let sql = match op {
                B::BitwiseXor => format!("xor({l}, {r})"),
                B::PGBitwiseShiftLeft => format!("gs_shift_left({l}, {r})"),
                B::PGBitwiseShiftRight => format!("gs_shift_right({l}, {r})"),
                _ => format!("({l} {op} {r})"),
            };
            Ok(Ex::new(sql, Type::Int64))
        }
        other => Err(invalid(format!("the operator {other} is not GoogleSQL"), at)),
    }
}

/// `+`, `-`, `*`, `/` of numbers.
pub(super) fn arithmetic(left: Ex, op: &BinaryOperator, right: Ex, at: At) -> Result<Ex> {
    let types = format!("{} {op} {}", left.ty, right.ty);
    if left.is_null() || right.is_null() {
        return Err(invalid(format!("operands of {op} cannot be literal NULL"), at));
    }
    let known = |e: &Ex| e.ty.is_number() || e.is_null();
    if !known(&left) || !known(&right) {
        return Err(invalid(format!("no matching signature for operator: {types}"), at));
    }
    let exs = vec![left, right];
    let ty = coerce::common(&exs).filter(Type::is_number);
    let ty = ty.ok_or_else(|| invalid(format!("no matching signature for operator: {types}"), at))?;
    let ty = if *op == BinaryOperator::Divide && ty == Type::Int64 { Type::Float64 } else { ty };
    let sides = exs.into_iter().map(|e| coerce::to(e, &ty, at)).collect::<Result<Vec<_>>>()?;
    let [l, r] = sides.as_slice() else { return Err(invalid("an operator has two sides", at)) };
    let sql = match (op, &ty) {
        (BinaryOperator::Divide | BinaryOperator::Multiply, Type::Numeric) => decimal("n", op, l, r),
        (_, Type::BigNumeric) => decimal("b", op, l, r),
        (BinaryOperator::Divide, _) => format!("gs_divide({l}, {r})"),
        _ => format!("({l} {op} {r})"),
    };
    Ok(Ex::new(sql, ty))
}

fn decimal(kind: &str, op: &BinaryOperator, l: &str, r: &str) -> String {
    let name = if kind == "b" { "gs_bignumeric_of" } else { "gs_numeric_of" };
    format!("{name}('{op}', {l}, {r})")
}

/// `+` and `-` with dates and intervals.
fn temporal(left: &Ex, op: &BinaryOperator, right: &Ex) -> Option<Ex> {
    let plus = *op == BinaryOperator::Plus;
    let date =
        |d: &Ex, n: &Ex| Some(Ex::new(format!("gs_check_date({} {op} CAST({} AS INTEGER))", d.sql, n.sql), Type::Date));
    let moved = |base: &str, i: &Ex, ty: Type| {
        let sql = format!("({base} {op} {})", i.sql);
        Some(Ex::new(if ty == Type::Datetime { format!("gs_check_datetime({sql})") } else { sql }, ty))
    };
    // Months have no length of their own: an INTERVAL of them does not move a TIMESTAMP.
    let timestamp = |t: &Ex, i: &Ex| {
        let moved = format!("gs_check_timestamp({} {op} gs_exact_interval({}))", t.sql, i.sql);
        Some(Ex::new(moved, Type::Timestamp))
    };
    match (&left.ty, &right.ty) {
        (Type::Date, Type::Int64) => date(left, right),
        (Type::Int64, Type::Date) if plus => date(right, left),
        (Type::Interval, Type::Interval) => Some(Ex::new(format!("({} {op} {})", left.sql, right.sql), Type::Interval)),
        (Type::Date, Type::Interval) => moved(&format!("CAST({} AS TIMESTAMP)", left.sql), right, Type::Datetime),
        (Type::Interval, Type::Date) if plus => {
            moved(&format!("CAST({} AS TIMESTAMP)", right.sql), left, Type::Datetime)
        }
        (Type::Datetime, Type::Interval) => moved(&left.sql, right, Type::Datetime),
        (Type::Interval, Type::Datetime) if plus => moved(&right.sql, left, Type::Datetime),
        (Type::Timestamp, Type::Interval) => timestamp(left, right),
        (Type::Interval, Type::Timestamp) if plus => timestamp(right, left),
        (Type::Date, Type::Date) if !plus => {
            let days = format!("date_diff('day', {}, {})", right.sql, left.sql);
            Some(Ex::new(format!("to_days(CAST({days} AS INTEGER))"), Type::Interval))
        }
        (Type::Datetime, Type::Datetime) | (Type::Timestamp, Type::Timestamp) | (Type::Time, Type::Time) if !plus => {
            let micros = format!("epoch_us({}) - epoch_us({})", left.sql, right.sql);
            Some(Ex::new(format!("to_microseconds({micros})"), Type::Interval))
        }
        _ => None,
    }
}

/// `||` and CONCAT: NULL when any part is.
pub(super) fn concat(parts: Vec<Ex>, at: At) -> Result<Ex> {
    let (sql, ty) = coerce::unify(parts, "concatenation", at)?;
    match ty {
        Type::String | Type::Bytes => Ok(Ex::new(format!("({})", sql.join(" || ")), ty)),
        Type::Array(_) => {
            let joined = sql
                .iter()
                .skip(1)
                .fold(sql.first().cloned().unwrap_or_default(), |a, b| format!("gs_array_concat({a}, {b})"));
            Ok(Ex::new(joined, ty))
        }
        // Only NULLs.
        Type::Int64 if sql.iter().all(|s| s.starts_with("CAST(NULL")) => {
            Ok(Ex::new("CAST(NULL AS VARCHAR)", Type::String))
        }
        other => Err(invalid(format!("values of type {other} cannot be concatenated: cast them to STRING"), at)),
    }
}
