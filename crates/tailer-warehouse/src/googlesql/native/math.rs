//! Trigonometry with BigQuery's errors, and distances of vectors.

use super::{Answer, Gives, Native, Value, values::arg};

/// `(name, x)`: an error outside of the domain and where the result is too large.
fn trigonometric(args: &[Value]) -> Answer {
    let (name, x) = (arg(args, 0)?.text()?, arg(args, 1)?.float()?);
    let fits = match name {
        "ACOS" | "ASIN" => x.is_nan() || x.abs() <= 1.0,
        "ACOSH" => x.is_nan() || x >= 1.0,
        "ATANH" => x.is_nan() || x.abs() < 1.0,
        "COT" | "CSC" => !x.is_infinite() && x != 0.0,
        "SEC" => !x.is_infinite(),
        "COTH" | "CSCH" => x != 0.0,
        _ => true,
    };
    if !fits {
        return Err(format!("{name} is not defined for {x}"));
    }
    let result = match name {
        "ACOS" => x.acos(),
        "ASIN" => x.asin(),
        "ACOSH" => x.acosh(),
        "ASINH" => x.asinh(),
        "ATANH" => x.atanh(),
        "COSH" => x.cosh(),
        "SINH" => x.sinh(),
        "TANH" => x.tanh(),
        "COT" => 1.0 / x.tan(),
        "CSC" => 1.0 / x.sin(),
        "SEC" => 1.0 / x.cos(),
        "COTH" => 1.0 / x.tanh(),
        "CSCH" => 1.0 / x.sinh(),
        "SECH" => 1.0 / x.cosh(),
        other => return Err(format!("internal: no function {other}")),
    };
    if result.is_infinite() && x.is_finite() {
        return Err(format!("floating point overflow in {name}"));
    }
    Ok(Value::Float(result))
}

/// A vector as its coordinates by name; the place is the name where there is none.
fn vector(value: &Value) -> Result<std::collections::BTreeMap<String, f64>, String> {
    let mut vector = std::collections::BTreeMap::new();
    for (i, item) in value.list()?.iter().enumerate() {
        let (key, number) = match item {
            Value::Row(fields) => match fields.as_slice() {
                [(_, Value::Text(key)), (_, number)] => (key.clone(), number),
                [(_, Value::Int(key)), (_, number)] => (key.to_string(), number),
                _ => return Err("a coordinate has a name and a value, which are not NULL".to_owned()),
            },
            number => (i.to_string(), number),
        };
        if *number == Value::Null {
            return Err("a vector cannot hold NULL".to_owned());
        }
        if vector.insert(key.clone(), number.float()?).is_some() {
            return Err(format!("the coordinate {key} stands twice"));
        }
    }
    Ok(vector)
}

/// `(name, a, b)`.
fn distance(args: &[Value]) -> Answer {
    let (a, b) = (arg(args, 1)?, arg(args, 2)?);
    let dense = |v: &Value| v.list().is_ok_and(|items| items.iter().any(|i| matches!(i, Value::Float(_))));
    if (dense(a) || dense(b)) && a.list()?.len() != b.list()?.len() {
        return Err("the vectors differ in length".to_owned());
    }
    let (a, b) = (vector(a)?, vector(b)?);
    let at = |v: &std::collections::BTreeMap<String, f64>, key: &String| v.get(key).copied().unwrap_or(0.0);
    if arg(args, 0)?.text()? == "EUCLIDEAN_DISTANCE" {
        let own: f64 = a.iter().map(|(k, x)| (x - at(&b, k)).powi(2)).sum();
        let others: f64 = b.iter().filter(|(k, _)| !a.contains_key(*k)).map(|(_, y)| y.powi(2)).sum();
        return Ok(Value::Float((own + others).sqrt()));
    }
    let length = |v: &std::collections::BTreeMap<String, f64>| v.values().map(|x| x * x).sum::<f64>().sqrt();
    let (long_a, long_b) = (length(&a), length(&b));
    if long_a == 0.0 || long_b == 0.0 {
        return Err("COSINE_DISTANCE of a vector without length".to_owned());
    }
    let product: f64 = a.iter().map(|(k, x)| x * at(&b, k)).sum();
    Ok(Value::Float(1.0 - product / (long_a * long_b)))
}

pub(super) const FUNCTIONS: &[Native] =
    &[("gsn_trigonometric", Gives::Float64, trigonometric), ("gsn_distance", Gives::Float64, distance)];
