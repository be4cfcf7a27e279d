//! JSON with parts set, removed, appended and inserted.
//!
//! The packed STRUCT holds the values, the other arguments their paths; the first of [`changed`]'s is the document.

use super::{
    super::{Answer, Gives, Native, Value, values::arg},
    Json,
    convert::all,
    path::{Step, follow, parse},
};

/// `({path, value, path, value, …}, type, json, option)`.
fn changed(args: &[Value], change: fn(&mut Json, &[Step], &Json, bool) -> Result<(), String>) -> Answer {
    let mut json = Json::parse(arg(args, 2)?.text()?)?.normal()?;
    let option = arg(args, 3)?.bool()?;
    let mut fields = all(args)?.into_iter();
    while let (Some(path), Some(value)) = (fields.next(), fields.next()) {
        let Json::Text(path) = path else { return Ok(Value::Null) };
        change(&mut json, &parse(&path, false)?, &value, option)?;
    }
    Ok(Value::Text(json.normal()?.write()))
}

/// The place of a path, with what is missing made on the way (`create`); nothing where the path does not fit.
fn place<'j>(mut json: &'j mut Json, steps: &[Step], create: bool) -> Option<&'j mut Json> {
    for step in steps {
        if create && *json == Json::Null {
            *json = match step {
                Step::Key(_) => Json::Object(Vec::new()),
                Step::Index(_) => Json::Array(Vec::new()),
            };
        }
        json = match (step, json) {
            (Step::Key(key), Json::Object(members)) => {
                let at = match members.iter().position(|(name, _)| name == key) {
                    Some(at) => at,
                    None if create => {
                        members.push((key.clone(), Json::Null));
                        members.len() - 1
                    }
                    None => return None,
                };
                members.get_mut(at).map(|(_, value)| value)?
            }
            (Step::Index(index), Json::Array(items)) => {
                if *index >= items.len() && (!create || *index > MOST) {
                    return None;
                }
                while items.len() <= *index {
                    items.push(Json::Null);
                }
                items.get_mut(*index)?
            }
            _ => return None,
        };
    }
    Some(json)
}

/// Longer arrays are not made by naming an index.
const MOST: usize = 1_000_000;

/// Whether [`place`] would find or make it: nothing is made on a path that ends badly.
fn fits(json: &Json, steps: &[Step], create: bool) -> bool {
    let mut at = Some(json);
    for step in steps {
        at = match (at, step) {
            (None | Some(Json::Null), _) if create => None,
            (Some(Json::Object(_)), Step::Key(_)) | (Some(Json::Array(_)), Step::Index(_)) => {
                let next = at.and_then(|json| follow(json, std::slice::from_ref(step)));
                if next.is_none() && !create {
                    return false;
                }
                next
            }
            _ => return false,
        };
    }
    true
}

fn set(json: &mut Json, steps: &[Step], value: &Json, create: bool) -> Result<(), String> {
    if fits(json, steps, create)
        && let Some(place) = place(json, steps, create)
    {
        *place = value.clone();
    }
    Ok(())
}

fn append(json: &mut Json, steps: &[Step], value: &Json, each: bool) -> Result<(), String> {
    if !fits(json, steps, false) {
        return Ok(());
    }
    match place(json, steps, false) {
        Some(Json::Array(items)) => spread(items, usize::MAX, value, each),
        Some(found @ Json::Null) => {
            let mut items = Vec::new();
            spread(&mut items, 0, value, each);
            *found = Json::Array(items);
        }
        _ => {}
    }
    Ok(())
}

/// A value, or each of its elements, put in before a place.
fn spread(items: &mut Vec<Json>, at: usize, value: &Json, each: bool) {
    let at = at.min(items.len());
    match value {
        Json::Array(values) if each => drop(items.splice(at..at, values.iter().cloned())),
        other => items.insert(at, other.clone()),
    }
}

fn insert(json: &mut Json, steps: &[Step], value: &Json, each: bool) -> Result<(), String> {
    let Some((Step::Index(index), before)) = steps.split_last() else {
        return Err("JSON_ARRAY_INSERT: the path must end with an index".to_owned());
    };
    if !fits(json, before, false) || *index > MOST {
        return Ok(());
    }
    let fill = |items: &mut Vec<Json>| {
        while items.len() < *index {
            items.push(Json::Null);
        }
        spread(items, *index, value, each);
    };
    match place(json, before, false) {
        Some(Json::Array(items)) => fill(items),
        Some(found @ Json::Null) => {
            let mut items = Vec::new();
            fill(&mut items);
            *found = Json::Array(items);
        }
        _ => {}
    }
    Ok(())
}

/// `(json, path, path, …)`.
fn remove(args: &[Value]) -> Answer {
    let mut json = Json::parse(arg(args, 0)?.text()?)?.normal()?;
    for path in args.iter().skip(1) {
        let steps = parse(path.text()?, false)?;
        let Some((last, before)) = steps.split_last() else {
            return Err("JSON_REMOVE: the path cannot be $".to_owned());
        };
        if !fits(&json, before, false) {
            continue;
        }
        match (place(&mut json, before, false), last) {
            (Some(Json::Object(members)), Step::Key(key)) => members.retain(|(name, _)| name != key),
            (Some(Json::Array(items)), Step::Index(index)) if *index < items.len() => {
                items.remove(*index);
            }
            _ => {}
        }
    }
    Ok(Value::Text(json.write()))
}

/// `(json, path, in arrays too, without what is empty)`.
fn strip_nulls(args: &[Value]) -> Answer {
    let mut json = Json::parse(arg(args, 0)?.text()?)?.normal()?;
    let steps = parse(arg(args, 1)?.text()?, false)?;
    let (arrays, empty) = (arg(args, 2)?.bool()?, arg(args, 3)?.bool()?);
    if fits(&json, &steps, false)
        && let Some(place) = place(&mut json, &steps, false)
    {
        let stripped = stripped(std::mem::replace(place, Json::Null), arrays, empty);
        *place = if is_empty(&stripped) && empty { Json::Null } else { stripped };
    }
    Ok(Value::Text(json.write()))
}

fn is_empty(json: &Json) -> bool {
    matches!(json, Json::Array(items) if items.is_empty())
        || matches!(json, Json::Object(members) if members.is_empty())
}

fn stripped(json: Json, arrays: bool, empty: bool) -> Json {
    let goes = |json: &Json| *json == Json::Null || empty && is_empty(json);
    match json {
        Json::Object(members) => {
            let members = members.into_iter().map(|(key, value)| (key, stripped(value, arrays, empty)));
            Json::Object(members.filter(|(_, value)| !goes(value)).collect())
        }
        Json::Array(items) => {
            let items = items.into_iter().map(|item| stripped(item, arrays, empty));
            Json::Array(items.filter(|item| !arrays || !goes(item)).collect())
        }
        other => other,
    }
}

pub(in super::super) const FUNCTIONS: &[Native] = &[
    ("gsn_json_set", Gives::Text, |args| changed(args, set)),
    ("gsn_json_append", Gives::Text, |args| changed(args, append)),
    ("gsn_json_insert", Gives::Text, |args| changed(args, insert)),
    ("gsn_json_remove", Gives::Text, remove),
    ("gsn_json_strip_nulls", Gives::Text, strip_nulls),
];
