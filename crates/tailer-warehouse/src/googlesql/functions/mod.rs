//! Calls of scalar functions. Every function stands in the table of its family: most as a signature with a template of
//! DuckDB SQL, the others with code. A name that is in no table is refused.

use std::{collections::HashMap, sync::LazyLock};

use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned};

use super::{
    aggregates, cast, coerce,
    error::{At, Result, hint, invalid, place, unsupported},
    scope::{Env, Ex, Literal},
    translator::Translator,
    types::Type,
    windows,
};

mod conditional;
pub(super) mod dates;
pub(super) mod formats;
pub(super) mod intervals;
mod json;
mod lists;
mod math;
mod packing;
mod parts;
mod regexps;
mod strings;

pub(super) use parts::Part;

/// The arguments of a call, translated.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) args: Vec<Ex>,
    /// `name => value`.
    pub(super) named: Vec<(String, Ex)>,
    pub(super) at: At,
}

impl Call {
    pub(super) fn arg(&self, index: usize) -> Result<&Ex> {
        self.args.get(index).ok_or_else(|| invalid(format!("argument {} is missing", index + 1), self.at))
    }

    /// The value of `name => value`.
    pub(super) fn named(&self, name: &str) -> Option<&Ex> {
        self.named.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, ex)| ex)
    }

    /// An argument as a value of a type.
    pub(super) fn typed(&self, index: usize, ty: &Type) -> Result<String> {
        coerce::to(self.arg(index)?.clone(), ty, self.at)
    }

    pub(super) fn expect(&self, name: &str, counts: std::ops::RangeInclusive<usize>) -> Result<()> {
        if counts.contains(&self.args.len()) {
            return Ok(());
        }
        let wanted = if counts.start() == counts.end() {
            counts.start().to_string()
        } else {
            format!("{} to {}", counts.start(), counts.end())
        };
        Err(invalid(format!("{name} takes {wanted} arguments, found {}", self.args.len()), self.at))
    }
}

/// A function written out in code.
pub(super) type Code = fn(&Call) -> Result<Ex>;
/// Name, types of parameters, type of the result, DuckDB SQL with `{0}`, `{1}`, … for the arguments and `{*}` for all.
///
/// An empty template is a signature that GoogleSQL has and we have not. `T` is any type, the same for all parameters; `ARRAY<T>` any array; `...` after the last repeats it.
pub(super) type Template = (&'static str, &'static str, &'static str, &'static str);

struct Signature {
    parameters: Vec<&'static str>,
    variadic: bool,
    result: &'static str,
    template: &'static str,
}

const SKETCHES: &[(&str, Code)] = &[("HLL_COUNT.EXTRACT", |call| {
    call.expect("HLL_COUNT.EXTRACT", 1..=1)?;
    aggregates::sketches::extract(call.arg(0)?.clone(), call.at)
})];

enum Entry {
    Templates(Vec<Signature>),
    Code(Code),
}

static TABLE: LazyLock<HashMap<&'static str, Entry>> = LazyLock::new(|| {
    let mut table: HashMap<&'static str, Entry> = HashMap::new();
    for (name, parameters, result, template) in [
        math::TEMPLATES,
        strings::TEMPLATES,
        regexps::TEMPLATES,
        lists::TEMPLATES,
        dates::TEMPLATES,
        intervals::TEMPLATES,
        conditional::TEMPLATES,
    ]
    .into_iter()
    .flatten()
    {
        let mut parameters: Vec<&'static str> = parameters.split_whitespace().collect();
        let variadic = parameters.last().is_some_and(|p| p.ends_with("..."));
        if variadic && let Some(last) = parameters.last_mut() {
            *last = last.trim_end_matches("...");
        }
        let signature = Signature { parameters, variadic, result, template };
        match table.entry(name).or_insert_with(|| Entry::Templates(Vec::new())) {
            Entry::Templates(all) => all.push(signature),
            Entry::Code(_) => {}
        }
    }
    for (name, code) in [
        math::CODE,
        strings::CODE,
        lists::CODE,
        dates::CODE,
        formats::CODE,
        intervals::CODE,
        conditional::CODE,
        json::CODE,
        SKETCHES,
    ]
    .into_iter()
    .flatten()
    {
        table.insert(name, Entry::Code(*code));
    }
    table
});

/// A call as it stands in the tree.
pub(super) fn call(t: &mut Translator<'_>, function: &Function, env: &Env<'_>) -> Result<Ex> {
    let at = function.name.span().start;
    let foreign = function.uses_odbc_syntax
        || !matches!(function.parameters, FunctionArguments::None)
        || !function.within_group.is_empty()
        || function.filter.is_some();
    let full = function.name.0.iter().filter_map(|p| p.as_ident()).map(|i| i.value.to_ascii_uppercase());
    let full = full.collect::<Vec<_>>().join(".");
    if foreign {
        return Err(invalid(format!("this form of calling {full} is not GoogleSQL"), at));
    }
    let (safe, name) = match full.strip_prefix("SAFE.") {
        Some(name) => (true, name),
        None => (false, full.as_str()),
    };
    if let Some(over) = &function.over {
        if safe {
            return Err(invalid("SAFE. does not go with window functions", at));
        }
        return windows::call(t, name, function, over, env);
    }
    if aggregates::is_aggregate(name) {
        if safe {
            return Err(unsupported(format!("SAFE.{name}"), at));
        }
        return aggregates::call(t, name, function, "", env);
    }
    if windows::is_window_only(name) {
        return Err(invalid(format!("{name} wants an OVER clause"), at));
    }
    if name == "ARRAY"
        && let FunctionArguments::Subquery(query) = &function.args
    {
        return t.array_subquery(query, at, env);
    }
    let (exprs, named_exprs) = arguments(name, function, at)?;
    let Some(known) = TABLE.get_key_value(name).map(|(name, _)| *name) else {
        let path: Vec<String> = function.name.0.iter().filter_map(|p| p.as_ident()).map(|i| i.value.clone()).collect();
        let path: Vec<String> = path.iter().flat_map(|p| p.split('.')).map(str::to_string).collect();
        if let Some(found) = t.user_function(&path, at)? {
            let args = exprs.iter().map(|e| t.expr(e, env)).collect::<Result<Vec<_>>>()?;
            return t.user_call(&found, args, at);
        }
        let hint = hint(name, TABLE.keys().copied());
        return Err(unsupported(format!("the function {full}{hint}"), at));
    };
    let mut args = Vec::with_capacity(exprs.len());
    for (i, expr) in exprs.iter().enumerate() {
        args.push(match strings::mode(name, i, expr) {
            Some(mode) => mode,
            None => dates::argument(t, name, i, expr, env)?,
        });
    }
    let mut named = Vec::with_capacity(named_exprs.len());
    for (argument, expr) in named_exprs {
        if !NAMED.iter().any(|(f, a)| *f == known && argument.eq_ignore_ascii_case(a)) {
            return Err(unsupported(format!("the named argument {argument} of {name}"), place(expr)));
        }
        named.push((argument.to_owned(), t.expr(expr, env)?));
    }
    let call = Call { args, named, at };
    if !safe {
        return simple(known, &call);
    }
    let plain = simple(known, &call)?;
    let refs: Vec<&Ex> = call.args.iter().collect();
    let sql = cast::safely(&refs, &|sql| {
        let args = call.args.iter().zip(sql).map(|(e, sql)| Ex { sql: sql.clone(), ..e.clone() }).collect();
        simple(known, &Call { args, named: call.named.clone(), at }).map(|ex| ex.sql)
    })?;
    Ok(Ex::new(sql, plain.ty))
}

/// Arguments of functions that stand as `name => value`.
const NAMED: &[(&str, &str)] = &[
    ("EDIT_DISTANCE", "max_distance"),
    ("FLOAT64", "wide_number_mode"),
    ("DOUBLE", "wide_number_mode"),
    ("PARSE_JSON", "wide_number_mode"),
    ("TO_JSON", "stringify_wide_numbers"),
    ("JSON_SET", "create_if_missing"),
    ("JSON_ARRAY_APPEND", "append_each_element"),
    ("JSON_ARRAY_INSERT", "insert_each_element"),
    ("JSON_STRIP_NULLS", "include_arrays"),
    ("JSON_STRIP_NULLS", "remove_empty"),
    ("JSON_KEYS", "mode"),
    ("MAKE_INTERVAL", "year"),
    ("MAKE_INTERVAL", "month"),
    ("MAKE_INTERVAL", "day"),
    ("MAKE_INTERVAL", "hour"),
    ("MAKE_INTERVAL", "minute"),
    ("MAKE_INTERVAL", "second"),
];

/// Arguments by position, and those by name.
type Arguments<'e> = (Vec<&'e Expr>, Vec<(&'e str, &'e Expr)>);

/// Arguments without any clauses.
fn arguments<'e>(name: &str, function: &'e Function, at: At) -> Result<Arguments<'e>> {
    let list = match &function.args {
        FunctionArguments::None => return Ok(Arguments::default()),
        FunctionArguments::Subquery(_) => return Err(invalid(format!("{name} does not take a subquery"), at)),
        FunctionArguments::List(list) => list,
    };
    if list.duplicate_treatment.is_some() || !list.clauses.is_empty() || function.null_treatment.is_some() {
        return Err(invalid(format!("{name} takes plain arguments only"), at));
    }
    let (mut exprs, mut named) = (Vec::with_capacity(list.args.len()), Vec::new());
    for arg in &list.args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => exprs.push(expr),
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(expr), .. } => {
                named.push((name.value.as_str(), expr))
            }
            _ => return Err(invalid(format!("{name} does not take *"), at)),
        }
    }
    Ok((exprs, named))
}

/// A call of a function that the table has, with translated arguments.
pub(super) fn simple(name: &'static str, call: &Call) -> Result<Ex> {
    match TABLE.get(name) {
        Some(Entry::Code(code)) => code(call),
        Some(Entry::Templates(signatures)) => by_template(name, signatures, call),
        None => Err(unsupported(format!("the function {name}"), call.at)),
    }
}

fn by_template(name: &str, signatures: &[Signature], call: &Call) -> Result<Ex> {
    // An exact match first: then types that need no conversion decide between BYTES and STRING, INT64 and FLOAT64.
    // NUMERIC and BIGNUMERIC are chosen only where an argument has that type: INT64 alone becomes FLOAT64.
    let has = |ty: Type| call.args.iter().any(|a| a.ty == ty);
    let has_float = call.args.iter().any(|a| a.ty == Type::Float64 && a.literal == Literal::No);
    let classes: [&[&str]; 3] = match (has_float, has(Type::BigNumeric), has(Type::Numeric)) {
        (false, true, _) => [&["BIGNUMERIC"], &["NUMERIC"], &[]],
        (false, false, true) => [&["NUMERIC"], &["BIGNUMERIC"], &[]],
        _ => [&[], &["NUMERIC"], &["BIGNUMERIC"]],
    };
    let decimals = |s: &Signature| s.parameters.iter().find(|p| p.ends_with("NUMERIC")).copied();
    for (exact, class) in [true, false].into_iter().flat_map(|exact| classes.map(|class| (exact, class))) {
        for signature in signatures.iter().filter(|s| decimals(s) == class.first().copied()) {
            if let Some(ex) = signature.apply(call, exact)? {
                if signature.template.is_empty() {
                    let types = signature.parameters.join(", ");
                    return Err(unsupported(format!("{name}({types})"), call.at));
                }
                return Ok(ex);
            }
        }
    }
    let types: Vec<String> = call.args.iter().map(|a| a.ty.to_string()).collect();
    let known: Vec<String> = signatures.iter().map(|s| format!("{name}({})", s.parameters.join(", "))).collect();
    Err(invalid(
        format!("no matching signature for {name}({}); known: {}", types.join(", "), known.join(", ")),
        call.at,
    ))
}

impl Signature {
    fn parameter(&self, index: usize) -> Option<&'static str> {
        match self.parameters.get(index) {
            Some(parameter) => Some(parameter),
            None if self.variadic => self.parameters.last().copied(),
            None => None,
        }
    }

    fn apply(&self, call: &Call, exact: bool) -> Result<Option<Ex>> {
        let count = call.args.len();
        if count < self.parameters.len() || (count > self.parameters.len() && !self.variadic) {
            return Ok(None);
        }
        let mut any = None;
        let generic: Vec<Ex> =
            (0..count).filter(|i| self.parameter(*i) == Some("T")).filter_map(|i| call.args.get(i).cloned()).collect();
        if !generic.is_empty() {
            match coerce::common(&generic) {
                Some(ty) => any = Some(ty),
                None => return Ok(None),
            }
        }
        let mut sql = Vec::with_capacity(count);
        for (i, arg) in call.args.iter().enumerate() {
            let ty = match self.parameter(i) {
                Some("T") => any.clone().unwrap_or(Type::Int64),
                Some("ARRAY<T>") => match &arg.ty {
                    Type::Array(element) => {
                        any = Some(element.as_ref().clone());
                        arg.ty.clone()
                    }
                    _ => return Ok(None),
                },
                Some(parameter) => Type::parse(parameter),
                None => return Ok(None),
            };
            let fits = if exact { arg.ty == ty || arg.is_null() } else { coerce::can(arg, &ty) };
            if !fits {
                return Ok(None);
            }
            sql.push(coerce::to(arg.clone(), &ty, call.at)?);
        }
        let result = match (self.result, any) {
            ("T", Some(ty)) => ty,
            ("ARRAY<T>", Some(ty)) => Type::array(ty),
            (name, _) => Type::parse(name),
        };
        Ok(Some(Ex::new(fill(self.template, &sql), result)))
    }
}

/// A template with its arguments put in.
pub(super) fn fill(template: &str, args: &[String]) -> String {
    let mut filled = String::with_capacity(template.len() + args.iter().map(String::len).sum::<usize>());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        filled.push_str(&rest[..open]);
        let Some(close) = rest[open..].find('}') else { break };
        match &rest[open + 1..open + close] {
            "*" => filled.push_str(&args.join(", ")),
            index => {
                let arg = index.parse::<usize>().ok().and_then(|i| args.get(i));
                filled.push_str(arg.map(String::as_str).unwrap_or_default());
            }
        }
        rest = &rest[open + close + 1..];
    }
    filled.push_str(rest);
    filled
}

/// The name of a part or unit that stands as a bare word or as `WEEK(MONDAY)`.
pub(super) fn part_of(expr: &Expr) -> Result<Part> {
    Part::from_expr(expr).ok_or_else(|| invalid(format!("{expr} is no date part"), place(expr)))
}

#[cfg(test)]
mod listing;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_name_only_arguments_that_they_have() {
        for (name, entry) in TABLE.iter() {
            let Entry::Templates(signatures) = entry else { continue };
            for signature in signatures {
                for index in signature.parameters.len()..9 {
                    let hole = format!("{{{index}}}");
                    assert!(!signature.template.contains(&hole), "{name}: {hole} in {}", signature.template);
                }
                for ty in signature.parameters.iter().chain([&signature.result]) {
                    let known = matches!(*ty, "T" | "ARRAY<T>") || Type::parse(ty).is_known();
                    assert!(known, "{name}: unknown type {ty}");
                }
            }
        }
    }
}
