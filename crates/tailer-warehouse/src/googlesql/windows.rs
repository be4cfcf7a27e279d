//! Window functions: numbering, navigation, aggregates with OVER; windows named and written out.

use sqlparser::ast::{
    Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, NamedWindowExpr, NullTreatment,
    Spanned, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};

use super::{
    aggregates, coerce,
    error::{At, Result, invalid, place, unsupported},
    query::sort_key,
    scope::{Env, Ex, Literal},
    translator::Translator,
    types::Type,
};

const WINDOW_ONLY: &[&str] = &[
    "ROW_NUMBER",
    "RANK",
    "DENSE_RANK",
    "PERCENT_RANK",
    "CUME_DIST",
    "NTILE",
    "LAG",
    "LEAD",
    "FIRST_VALUE",
    "LAST_VALUE",
    "NTH_VALUE",
    "PERCENTILE_CONT",
    "PERCENTILE_DISC",
];

pub(super) fn is_window_only(name: &str) -> bool {
    WINDOW_ONLY.contains(&name)
}

/// A call with OVER.
pub(super) fn call(
    t: &mut Translator<'_>,
    name: &str,
    function: &Function,
    over: &WindowType,
    env: &Env<'_>,
) -> Result<Ex> {
    let at = function.name.span().start;
    t.windows += 1;
    let spec = match over {
        WindowType::NamedWindow(name) => resolve(env.window(name)?, env)?,
        WindowType::WindowSpec(spec) => inherit(spec, env)?,
    };
    let over = t.over(&spec, env, at)?;
    if aggregates::is_aggregate(name) {
        return aggregates::call(t, name, function, &over, env);
    }
    if !is_window_only(name) {
        return Err(unsupported(format!("the window function {name}"), at));
    }
    let framed = matches!(name, "FIRST_VALUE" | "LAST_VALUE" | "NTH_VALUE");
    if spec.window_frame.is_some() && !framed {
        return Err(invalid(format!("{name} does not take a window frame"), at));
    }
    let (args, ignore_nulls) = arguments(t, name, function, at, env)?;
    let ordered = !spec.order_by.is_empty();
    let wants_order = !matches!(
        name,
        "ROW_NUMBER" | "FIRST_VALUE" | "LAST_VALUE" | "NTH_VALUE" | "PERCENTILE_CONT" | "PERCENTILE_DISC"
    );
    if wants_order && !ordered {
        return Err(invalid(format!("{name} wants a window with ORDER BY"), at));
    }
    let window = Window { name, args, nulls: if ignore_nulls { " IGNORE NULLS" } else { "" }, over, at };
    window.translate()
}

/// The specification behind a named window.
fn resolve(named: &NamedWindowExpr, env: &Env<'_>) -> Result<WindowSpec> {
    match named {
        NamedWindowExpr::NamedWindow(name) => resolve(env.window(name)?, env),
        NamedWindowExpr::WindowSpec(spec) => inherit(spec, env),
    }
}

/// A specification that may start from a named one.
fn inherit(spec: &WindowSpec, env: &Env<'_>) -> Result<WindowSpec> {
    let Some(name) = &spec.window_name else { return Ok(spec.clone()) };
    let base = resolve(env.window(name)?, env)?;
    let clash = !spec.partition_by.is_empty()
        || (!spec.order_by.is_empty() && !base.order_by.is_empty())
        || base.window_frame.is_some();
    if clash {
        return Err(invalid(format!("this window cannot add that to window {}", name.value), name.span.start));
    }
    Ok(WindowSpec {
        window_name: None,
        partition_by: base.partition_by,
        order_by: if spec.order_by.is_empty() { base.order_by } else { spec.order_by.clone() },
        window_frame: spec.window_frame.clone(),
    })
}

impl Translator<'_> {
    /// ` OVER (…)`.
    fn over(&mut self, spec: &WindowSpec, env: &Env<'_>, at: At) -> Result<String> {
        let mut parts = Vec::new();
        if !spec.partition_by.is_empty() {
            let mut keys = Vec::with_capacity(spec.partition_by.len());
            for expr in &spec.partition_by {
                let ex = self.expr(expr, env)?;
                if !ex.ty.can_group() {
                    return Err(invalid(format!("PARTITION BY does not support {}", ex.ty), place(expr)));
                }
                keys.push(ex.sql);
            }
            parts.push(format!("PARTITION BY {}", keys.join(", ")));
        }
        let by_value = spec.window_frame.as_ref().is_some_and(|f| f.units == WindowFrameUnits::Range && has_offset(f));
        let mut keys = Vec::with_capacity(spec.order_by.len());
        let mut key_type = None;
        for key in &spec.order_by {
            let ex = self.expr(&key.expr, env)?;
            let at = place(&key.expr);
            key_type = Some(ex.ty.clone());
            keys.push(if by_value {
                sort_key(&Ex::new(range_value(&ex), Type::Int64), &key.options, at)?
            } else {
                sort_key(&ex, &key.options, at)?
            });
        }
        if by_value && keys.len() != 1 {
            return Err(invalid("a RANGE frame with an offset wants exactly one ORDER BY key", at));
        }
        if !keys.is_empty() {
            parts.push(format!("ORDER BY {}", keys.join(", ")));
        }
        if let Some(frame) = &spec.window_frame {
            let by = by_value.then_some(key_type).flatten();
            parts.push(self.frame(frame, by, env, at)?);
        }
        Ok(format!(" OVER ({})", parts.join(" ")))
    }

    fn frame(&mut self, frame: &WindowFrame, range_key: Option<Type>, env: &Env<'_>, at: At) -> Result<String> {
        let units = match frame.units {
            WindowFrameUnits::Rows => "ROWS",
            WindowFrameUnits::Range => "RANGE",
            WindowFrameUnits::Groups => return Err(invalid("GROUPS frames are not GoogleSQL", at)),
        };
        let end = frame.end_bound.clone().unwrap_or(WindowFrameBound::CurrentRow);
        let open =
            |b: &WindowFrameBound| matches!(b, WindowFrameBound::Preceding(None) | WindowFrameBound::Following(None));
        match &range_key {
            None | Some(Type::Int64 | Type::Numeric) => {}
            // Where NaN stands matters to frames that are open on a side.
            Some(Type::Float64) if !open(&frame.start_bound) && !open(&end) => {}
            Some(ty) => return Err(unsupported(format!("this RANGE frame over a key of type {ty}"), at)),
        }
        let start = self.bound(&frame.start_bound, range_key.as_ref(), env)?;
        let end = self.bound(&end, range_key.as_ref(), env)?;
        Ok(format!("{units} BETWEEN {start} AND {end}"))
    }

    fn bound(&mut self, bound: &WindowFrameBound, range_key: Option<&Type>, env: &Env<'_>) -> Result<String> {
        let (expr, direction) = match bound {
            WindowFrameBound::CurrentRow => return Ok("CURRENT ROW".into()),
            WindowFrameBound::Preceding(None) => return Ok("UNBOUNDED PRECEDING".into()),
            WindowFrameBound::Following(None) => return Ok("UNBOUNDED FOLLOWING".into()),
            WindowFrameBound::Preceding(Some(expr)) => (expr, "PRECEDING"),
            WindowFrameBound::Following(Some(expr)) => (expr, "FOLLOWING"),
        };
        let at = place(expr);
        let ex = self.expr(expr, env)?;
        if ex.literal == Literal::Null {
            return Err(invalid("a frame's offset may not be NULL", at));
        }
        let negative = match &ex.literal {
            Literal::Int(digits) | Literal::Float(digits) => digits.starts_with('-'),
            _ => return Err(unsupported("a frame's offset that is not a literal", at)),
        };
        // A greater offset may overflow to infinity, which would then count as near.
        let huge = |digits: &str| digits.parse::<f64>().is_ok_and(|n| n > 1e290);
        if range_key == Some(&Type::Float64) && matches!(&ex.literal, Literal::Int(d) | Literal::Float(d) if huge(d)) {
            return Err(unsupported("a frame's offset beyond 1e290", at));
        }
        if negative {
            return Err(invalid("a frame's offset may not be negative", at));
        }
        let ty = range_key.cloned().unwrap_or(Type::Int64);
        let offset = coerce::to(ex, &ty, at)?;
        let offset = if range_key == Some(&Type::Int64) { format!("CAST({offset} AS HUGEINT)") } else { offset };
        Ok(format!("{offset} {direction}"))
    }
}

fn has_offset(frame: &WindowFrame) -> bool {
    let offset =
        |b: &WindowFrameBound| matches!(b, WindowFrameBound::Preceding(Some(_)) | WindowFrameBound::Following(Some(_)));
    offset(&frame.start_bound) || frame.end_bound.as_ref().is_some_and(offset)
}

/// A key that offsets are added to: wide enough not to overflow.
fn range_value(ex: &Ex) -> String {
    if ex.ty == Type::Int64 { format!("CAST({} AS HUGEINT)", ex.sql) } else { ex.sql.clone() }
}

fn arguments(
    t: &mut Translator<'_>,
    name: &str,
    function: &Function,
    at: At,
    env: &Env<'_>,
) -> Result<(Vec<Ex>, bool)> {
    let FunctionArguments::List(list) = &function.args else {
        return Err(invalid(format!("{name} takes arguments in parentheses"), at));
    };
    if list.duplicate_treatment.is_some() {
        return Err(invalid(format!("{name} does not take DISTINCT"), at));
    }
    let mut ignore = function.null_treatment == Some(NullTreatment::IgnoreNulls);
    for clause in &list.clauses {
        match clause {
            FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => {
                ignore = *treatment == NullTreatment::IgnoreNulls
            }
            _ => return Err(invalid(format!("{name} takes plain arguments only"), at)),
        }
    }
    let mut args = Vec::with_capacity(list.args.len());
    for arg in &list.args {
        let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = arg else {
            return Err(invalid(format!("{name} takes plain arguments only"), at));
        };
        args.push(t.expr(expr, env)?);
    }
    Ok((args, ignore))
}

struct Window<'n> {
    name: &'n str,
    args: Vec<Ex>,
    nulls: &'static str,
    over: String,
    at: At,
}

impl Window<'_> {
    fn translate(&self) -> Result<Ex> {
        let plain = |ty: Type| {
            if self.args.is_empty() && self.nulls.is_empty() {
                return Ok(Ex::new(format!("{}(){}", self.name.to_lowercase(), self.over), ty));
            }
            Err(invalid(format!("{} takes no arguments", self.name), self.at))
        };
        match self.name {
            "ROW_NUMBER" | "RANK" | "DENSE_RANK" => plain(Type::Int64),
            "PERCENT_RANK" | "CUME_DIST" => plain(Type::Float64),
            "NTILE" => {
                let n = self.positive(0)?;
                Ok(Ex::new(format!("ntile({n}){}", self.over), Type::Int64))
            }
            "FIRST_VALUE" | "LAST_VALUE" => {
                self.expect(1..=1)?;
                let (arg, ty) = self.value()?;
                Ok(Ex::new(format!("{}({arg}{}){}", self.name.to_lowercase(), self.nulls, self.over), ty))
            }
            "NTH_VALUE" => {
                self.expect(2..=2)?;
                let (arg, ty) = self.value()?;
                let n = self.positive(1)?;
                Ok(Ex::new(format!("nth_value({arg}, {n}{}){}", self.nulls, self.over), ty))
            }
            "LAG" | "LEAD" => self.lag(),
            other => Err(unsupported(format!("the window function {other}"), self.at)),
        }
    }

    fn expect(&self, counts: std::ops::RangeInclusive<usize>) -> Result<()> {
        if counts.contains(&self.args.len()) {
            return Ok(());
        }
        Err(invalid(format!("{} does not take {} arguments", self.name, self.args.len()), self.at))
    }

    fn value(&self) -> Result<(String, Type)> {
        let Some(arg) = self.args.first() else {
            return Err(invalid(format!("{} wants an argument", self.name), self.at));
        };
        Ok((coerce::to(arg.clone(), &arg.ty, self.at)?, arg.ty.clone()))
    }

    /// A literal INT64 above zero.
    fn positive(&self, index: usize) -> Result<&str> {
        match self.args.get(index).map(|a| &a.literal) {
            Some(Literal::Int(digits)) if !digits.starts_with('-') && digits.bytes().any(|b| b != b'0') => Ok(digits),
            Some(Literal::Int(_) | Literal::Null) => {
                Err(invalid(format!("{} wants a positive number", self.name), self.at))
            }
            Some(_) => Err(unsupported(format!("{} with a number that is not a literal", self.name), self.at)),
            None => Err(invalid(format!("{} wants a number", self.name), self.at)),
        }
    }

    fn lag(&self) -> Result<Ex> {
        self.expect(1..=3)?;
        if !self.nulls.is_empty() {
            return Err(unsupported(format!("IGNORE NULLS in {}", self.name), self.at));
        }
        let (mut arg, mut ty) = self.value()?;
        let name = self.name.to_lowercase();
        let offset = match self.args.get(1).map(|a| &a.literal) {
            None => "1",
            Some(Literal::Int(digits)) if !digits.starts_with('-') => digits,
            Some(Literal::Int(_) | Literal::Null) => {
                return Err(invalid(format!("{}'s offset may be neither negative nor NULL", self.name), self.at));
            }
            Some(_) => return Err(unsupported(format!("{} with an offset that is not a literal", self.name), self.at)),
        };
        let mut default = String::new();
        if let (Some(given), Some(value)) = (self.args.get(2), self.args.first()) {
            if given.sql.contains('"') {
                return Err(invalid(format!("{}'s default has to be constant", self.name), self.at));
            }
            let (sides, common) = coerce::unify(vec![value.clone(), given.clone()], self.name, self.at)?;
            let mut sides = sides.into_iter();
            arg = sides.next().unwrap_or_default();
            default = format!(", {}", sides.next().unwrap_or_default());
            ty = common;
        }
        Ok(Ex::new(format!("{name}({arg}, {offset}{default}){}", self.over), ty))
    }
}
