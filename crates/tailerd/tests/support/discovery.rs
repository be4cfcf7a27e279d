//! BigQuery's own description of its API (the discovery document that comes with Google's Python client): whether a request is one.

use std::path::Path;

use serde_json::Value;

/// The description, read.
#[derive(Debug)]
pub struct Discovery(Value);

impl Discovery {
    pub fn read(path: &Path) -> Self {
        Self(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    }

    /// What is wrong with a request: `path` with its query, as sent; `body` where it is JSON.
    pub fn check(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(), String> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let base = self.0["basePath"].as_str().unwrap_or_default();
        let rest = path.strip_prefix("/upload").unwrap_or(path);
        let rest = rest.strip_prefix(base).ok_or_else(|| format!("{path} is not below {base}"))?;
        let found = self
            .methods(&self.0)
            .into_iter()
            .find(|known| known["httpMethod"] == method && matches(known["path"].as_str().unwrap_or_default(), rest));
        let found = found.ok_or_else(|| format!("there is no method {method} {path}"))?;
        for (name, _) in form_urlencoded(query) {
            let known = !found["parameters"][&name].is_null() || !self.0["parameters"][&name].is_null();
            // Of uploads, which the document describes in words.
            if !known && !["uploadType", "upload_id"].contains(&name.as_str()) {
                return Err(format!("{method} {path} has no parameter {name}"));
            }
        }
        match (body, found["request"]["$ref"].as_str()) {
            (Some(body), Some(schema)) => self.fits(&self.0["schemas"][schema], body, schema),
            _ => Ok(()),
        }
    }

    fn methods<'a>(&'a self, resource: &'a Value) -> Vec<&'a Value> {
        let own = resource["methods"].as_object().into_iter().flat_map(|methods| methods.values());
        let below = resource["resources"].as_object().into_iter().flat_map(|resources| resources.values());
        own.chain(below.flat_map(|resource| self.methods(resource))).collect()
    }

    fn fits(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        if let Some(other) = schema["$ref"].as_str() {
            return self.fits(&self.0["schemas"][other], value, at);
        }
        let right = match schema["type"].as_str() {
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64(),
            Some("number") => value.is_number(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            _ => true,
        };
        if !right {
            return Err(format!("{at} is {value}, not a {}", schema["type"]));
        }
        if let (Some(values), Some(text)) = (schema["enum"].as_array(), value.as_str())
            && !values.iter().any(|known| known == text)
        {
            return Err(format!("{at} is {text:?}, none of {values:?}"));
        }
        for (n, item) in value.as_array().into_iter().flatten().enumerate() {
            self.fits(&schema["items"], item, &format!("{at}[{n}]"))?;
        }
        for (name, item) in value.as_object().into_iter().flatten() {
            let of = [&schema["properties"][name], &schema["additionalProperties"]];
            let of = of.into_iter().find(|of| !of.is_null()).ok_or_else(|| format!("{at} has no field {name}"))?;
            self.fits(of, item, &format!("{at}.{name}"))?;
        }
        Ok(())
    }
}

/// Whether a path is one of a template, such as `projects/{+projectId}/jobs`.
fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(path).all(|(part, given)| part.starts_with('{') || *part == given)
}

fn form_urlencoded(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}
