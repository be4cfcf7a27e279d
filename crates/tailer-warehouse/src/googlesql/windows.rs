//! Window functions: numbering, navigation, aggregates with OVER; windows named and written out.

use sqlparser::ast::{
    Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, NamedWindowExpr, NullTreatment,
    Spanned, WindowSpec, WindowType,
};

use super::{
    aggregates, coerce,
    error::{At, Result, invalid, unsupported},
    scope::{Env, Ex, Literal},
    translator::Translator,
    types::Type,
};

pub(super) const WINDOW_ONLY: &[&str] = &[
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
    if name.starts_with("PERCENTILE") && (ordered || spec.window_frame.is_some()) {
        return Err(invalid(format!("{name} takes neither ORDER BY nor a frame in OVER"), at));
    }
    let nulls = if ignore_nulls == Some(true) { " IGNORE NULLS" } else { "" };
    let window = Window { name, args, nulls, respect: ignore_nulls == Some(false), over, at };
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
    if spec.partition_by.is_empty() && spec.order_by.is_empty() && spec.window_frame.is_none() {
        return Ok(base);
    }
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

fn arguments(
    t: &mut Translator<'_>,
    name: &str,
    function: &Function,
    at: At,
    env: &Env<'_>,
) -> Result<(Vec<Ex>, Option<bool>)> {
    let FunctionArguments::List(list) = &function.args else {
        return Err(invalid(format!("{name} takes arguments in parentheses"), at));
    };
    if list.duplicate_treatment.is_some() {
        return Err(invalid(format!("{name} does not take DISTINCT"), at));
    }
    let mut ignore = function.null_treatment.map(|n| n == NullTreatment::IgnoreNulls);
    for clause in &list.clauses {
        match clause {
            FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => {
                ignore = Some(*treatment == NullTreatment::IgnoreNulls);
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
    /// RESPECT NULLS was said.
    respect: bool,
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
            "PERCENTILE_CONT" | "PERCENTILE_DISC" => self.percentile(),
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

    /// NaN sorts before all numbers, which the engine's own order of FLOAT64 does not know.
    fn percentile(&self) -> Result<Ex> {
        self.expect(2..=2)?;
        let (arg, ty) = self.value()?;
        let Some(percentile) = self.args.get(1) else { return Err(invalid("a percentile is missing", self.at)) };
        if percentile.sql.contains('"') || percentile.is_null() {
            return Err(invalid("a percentile is a constant between 0 and 1", self.at));
        }
        let p = coerce::to(percentile.clone(), &Type::Float64, self.at)?;
        if let Literal::Int(digits) | Literal::Float(digits) = &percentile.literal
            && !digits.parse().is_ok_and(|p: f64| (0.0..=1.0).contains(&p))
        {
            return Err(invalid("a percentile is between 0 and 1", self.at));
        }
        let over = &self.over;
        if self.name == "PERCENTILE_CONT" {
            if !matches!(ty, Type::Float64 | Type::Int64) {
                return Err(unsupported(format!("PERCENTILE_CONT of {ty}"), self.at));
            }
            if self.respect {
                return Err(unsupported("RESPECT NULLS in PERCENTILE_CONT", self.at));
            }
            // Turned around: the engine's order has NaN at its end.
            let value = format!("quantile_cont(-CAST({arg} AS DOUBLE), 1 - {p}){over}");
            if ty == Type::Int64 {
                return Ok(Ex::new(format!("(-{value})"), Type::Float64));
            }
            let mark = |condition: &str, mark: &str| {
                let mark =
                    format!("CASE WHEN {condition} THEN {mark}::DOUBLE WHEN {arg} IS NOT NULL THEN 0::DOUBLE END");
                format!("quantile_cont({mark}, {p}){over}")
            };
            let nan = mark(&format!("isnan({arg})"), "-1");
            let low = mark(&format!("isnan({arg}) OR {arg} = '-inf'::DOUBLE"), "-1");
            let high = mark(&format!("{arg} = 'inf'::DOUBLE"), "1");
            return Ok(Ex::new(format!("gs_percentile({value}, {nan}, {low}, {high})"), Type::Float64));
        }
        if !ty.can_order() {
            return Err(invalid(format!("PERCENTILE_DISC does not support {ty}"), self.at));
        }
        let number = if ty == Type::Float64 { format!("NOT isnan({arg})") } else { "true".into() };
        let ranked = format!("struct_pack(p := {arg} IS NOT NULL, n := {number}, v := {arg})");
        let ranked = if self.respect { ranked } else { format!("CASE WHEN {arg} IS NOT NULL THEN {ranked} END") };
        Ok(Ex::new(format!("struct_extract(quantile_disc({ranked}, {p}){over}, 'v')"), ty))
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
