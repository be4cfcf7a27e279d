//! Expressions: one match over the tree, each node to the module that knows it. What is not listed is refused.

use sqlparser::ast::{
    CaseWhen, CeilFloorKind, DateTimeField, Expr, Query, TrimWhereField, TypedString, Value, ValueWithSpan,
};

use super::{
    coerce, compare,
    error::{At, Result, invalid, located, place, unsupported},
    functions::{self, Call},
    native::decimal::Kind,
    scope::{Env, Ex, Literal, text},
    temporal,
    translator::Translator,
    types::{Type, from_ast},
};

impl Translator<'_> {
    pub(super) fn expr(&mut self, expr: &Expr, env: &Env<'_>) -> Result<Ex> {
        self.deeper(|| place(expr), |t| t.expr_here(expr, env)).map_err(|e| located(e, || place(expr)))
    }

    fn expr_here(&mut self, expr: &Expr, env: &Env<'_>) -> Result<Ex> {
        let at = super::error::nowhere();
        match expr {
            Expr::Identifier(ident) => self.name(std::slice::from_ref(ident), env),
            Expr::CompoundIdentifier(idents) => self.name(idents, env),
            Expr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain, env),
            Expr::Nested(inner) => self.expr(inner, env),
            Expr::Value(value) => literal(value),
            Expr::TypedString(typed) => typed_string(typed),
            Expr::BinaryOp { .. } => self.binary(expr, env),
            Expr::UnaryOp { op, expr } => self.unary(*op, expr, env),
            Expr::IsNull(e) => self.is(e, "IS NULL", env),
            Expr::IsNotNull(e) => self.is(e, "IS NOT NULL", env),
            Expr::IsTrue(e) => self.is_bool(e, "IS TRUE", env),
            Expr::IsNotTrue(e) => self.is_bool(e, "IS NOT TRUE", env),
            Expr::IsFalse(e) => self.is_bool(e, "IS FALSE", env),
            Expr::IsNotFalse(e) => self.is_bool(e, "IS NOT FALSE", env),
            Expr::IsUnknown(e) => self.is_bool(e, "IS NULL", env),
            Expr::IsNotUnknown(e) => self.is_bool(e, "IS NOT NULL", env),
            Expr::IsDistinctFrom(a, b) => self.is_distinct(a, b, false, env),
            Expr::IsNotDistinctFrom(a, b) => self.is_distinct(a, b, true, env),
            Expr::In { expr, target, negated, global: false } => self.is_in(expr, target, *negated, env),
            Expr::Between { expr, negated, low, high } => self.between(expr, low, high, *negated, env),
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                self.like(expr, pattern, *negated, env)
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), env)
            }
            Expr::Cast { kind, expr, data_type, format } => self.cast(kind, expr, data_type, format.as_ref(), env),
            Expr::Extract { field, expr, .. } => functions::dates::extract(self, field, expr, env),
            Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.simple_call("CEIL", &[expr], env)
            }
            Expr::Floor { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.simple_call("FLOOR", &[expr], env)
            }
            Expr::Substring { expr, substring_from: Some(from), substring_for, special: true, .. } => {
                let args: Vec<&Expr> = [Some(expr.as_ref()), Some(from.as_ref()), substring_for.as_deref()]
                    .into_iter()
                    .flatten()
                    .collect();
                self.simple_call("SUBSTR", &args, env)
            }
            Expr::Trim { trim_where, trim_what: None, expr, trim_characters } => {
                let name = match trim_where {
                    None => "TRIM",
                    Some(TrimWhereField::Both | TrimWhereField::Leading | TrimWhereField::Trailing) => {
                        return Err(invalid("TRIM takes (value [, characters])", place(expr)));
                    }
                };
                let mut args = vec![expr.as_ref()];
                args.extend(trim_characters.iter().flatten());
                self.simple_call(name, &args, env)
            }
            Expr::Function(function) => functions::call(self, function, env),
            Expr::Subquery(query) => self.scalar_subquery(query, env),
            Expr::Exists { subquery, negated } => {
                let output = self.query(subquery, Some(env))?;
                let not = if *negated { "NOT " } else { "" };
                Ok(Ex::new(format!("({not}EXISTS ({}))", output.sql), Type::Bool))
            }
            Expr::Array(array) => self.array(array, at, env),
            Expr::Struct { values, fields } => self.structure(values, fields, at, env),
            Expr::Tuple(values) => self.tuple(values, at, env),
            Expr::Interval(interval) => functions::intervals::interval(self, interval, env),
            other => Err(unsupported(format!("the expression {}", shortened(&other.to_string())), place(other))),
        }
    }

    /// A call of a function that the parser has a node of its own for.
    fn simple_call(&mut self, name: &'static str, args: &[&Expr], env: &Env<'_>) -> Result<Ex> {
        let mut exs = Vec::with_capacity(args.len());
        for arg in args {
            exs.push(self.expr(arg, env)?);
        }
        let at = args.first().map(|a| place(a)).unwrap_or_else(super::error::nowhere);
        functions::simple(name, &Call { args: exs, named: Vec::new(), at })
    }

    fn is(&mut self, expr: &Expr, what: &str, env: &Env<'_>) -> Result<Ex> {
        let ex = self.expr(expr, env)?;
        Ok(Ex::new(format!("({} {what})", ex.sql), Type::Bool))
    }

    fn is_bool(&mut self, expr: &Expr, what: &str, env: &Env<'_>) -> Result<Ex> {
        let ex = self.expr(expr, env)?;
        Ok(Ex::new(format!("({} {what})", coerce::to(ex, &Type::Bool, place(expr))?), Type::Bool))
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        whens: &[CaseWhen],
        otherwise: Option<&Expr>,
        env: &Env<'_>,
    ) -> Result<Ex> {
        let operand = operand.map(|o| self.expr(o, env)).transpose()?;
        let mut conditions = Vec::with_capacity(whens.len());
        let mut results = Vec::with_capacity(whens.len() + 1);
        for CaseWhen { condition, result } in whens {
            conditions.push(match &operand {
                Some(operand) => {
                    let value = self.expr(condition, env)?;
                    compare::equal(operand.clone(), value, place(condition))?
                }
                None => self.condition(condition, env, "WHEN")?,
            });
            results.push(self.expr(result, env)?);
        }
        results.push(match otherwise {
            Some(otherwise) => self.expr(otherwise, env)?,
            None => null(),
        });
        let at = whens.first().map(|w| place(&w.condition)).unwrap_or_else(super::error::nowhere);
        let (mut results, ty) = coerce::unify(results, "CASE", at)?;
        let last = results.pop().unwrap_or_default();
        let whens: Vec<String> = conditions.iter().zip(&results).map(|(c, r)| format!("WHEN {c} THEN {r}")).collect();
        Ok(Ex::new(format!("(CASE {} ELSE {last} END)", whens.join(" ")), ty))
    }

    fn scalar_subquery(&mut self, query: &Query, env: &Env<'_>) -> Result<Ex> {
        let output = self.query(query, Some(env))?;
        let [column] = output.columns.as_slice() else {
            let message = "a subquery that stands for a value gives one column";
            return Err(invalid(message, sqlparser::ast::Spanned::span(query).start));
        };
        Ok(Ex::new(format!("({})", output.sql), column.ty.clone()))
    }
}

pub(super) fn null() -> Ex {
    Ex { sql: "NULL".into(), ty: Type::Int64, literal: Literal::Null }
}

pub(super) fn integer(digits: &str, at: At) -> Result<Ex> {
    // One more than the greatest INT64 is allowed: a minus may follow.
    let fits = digits.parse::<i128>().is_ok_and(|n| (i128::from(i64::MIN)..=i128::from(i64::MAX) + 1).contains(&n));
    if !fits {
        return Err(invalid(format!("invalid integer literal: {digits}"), at));
    }
    let sql = if digits.starts_with('-') || digits == "9223372036854775808" {
        format!("'{digits}'::BIGINT")
    } else {
        format!("{digits}::BIGINT")
    };
    Ok(Ex { sql, ty: Type::Int64, literal: Literal::Int(digits.to_string()) })
}

pub(super) fn float(digits: &str) -> Ex {
    Ex { sql: format!("'{digits}'::DOUBLE"), ty: Type::Float64, literal: Literal::Float(digits.to_string()) }
}

fn literal(value: &ValueWithSpan) -> Result<Ex> {
    let at = value.span.start;
    match &value.value {
        Value::Null => Ok(null()),
        Value::Boolean(value) => Ok(Ex::new(value.to_string(), Type::Bool)),
        Value::Number(digits, false) if digits.bytes().all(|b| b.is_ascii_digit()) => integer(digits, at),
        Value::Number(digits, false) => Ok(float(digits)),
        Value::SingleQuotedString(value) => {
            Ok(Ex { sql: text(value), ty: Type::String, literal: Literal::Text(value.clone()) })
        }
        Value::SingleQuotedByteStringLiteral(hex) => Ok(Ex::new(bytes(hex), Type::Bytes)),
        Value::Placeholder(name) => Err(unsupported(format!("the query parameter {name}"), at)),
        other => Err(unsupported(format!("the literal {other}"), at)),
    }
}

/// Bytes as a DuckDB literal; they come in hex.
fn bytes(hex: &str) -> String {
    let mut escaped = String::with_capacity(hex.len() * 2);
    for pair in hex.as_bytes().chunks(2) {
        escaped.push_str("\\x");
        escaped.extend(pair.iter().map(|b| char::from(*b).to_ascii_uppercase()));
    }
    format!("'{escaped}'::BLOB")
}

/// `DATE '2024-01-31'`, `NUMERIC '1.5'` and their like.
fn typed_string(typed: &TypedString) -> Result<Ex> {
    let at = typed.value.span.start;
    let Value::SingleQuotedString(value) = &typed.value.value else {
        return Err(invalid("a literal of this type wants a string", at));
    };
    let ty = from_ast(&typed.data_type, at)?;
    match ty {
        Type::Date | Type::Time | Type::Datetime | Type::Timestamp => {
            Ok(Ex::new(temporal::literal(value, &ty, at)?, ty))
        }
        Type::Numeric => Ok(Ex::new(coerce::decimal_literal(value, Kind::Numeric, at)?, ty)),
        Type::BigNumeric => Ok(Ex::new(coerce::decimal_literal(value, Kind::BigNumeric, at)?, ty)),
        Type::Json => Ok(Ex::new(format!("CAST(gsn_parse_json({}, 'round') AS JSON)", text(value)), ty)),
        other => Err(invalid(format!("there are no literals {other} '…'"), at)),
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 60 {
        return text.to_string();
    }
    text.chars().take(60).chain(['…']).collect()
}
