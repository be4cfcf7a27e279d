//! The OIDC issuer whose ID tokens are taken (`spec/api.md`, Tokens), and what its claims grant: tables `[[oidc.grants]]`.
//!
//! A variable `TAILERD_OIDC_GRANTS` holds the same as a JSON list and wins over the file.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Map, Value, json};
use tailer_model::{Secret, nearest};
use tailer_server::{OidcGrant, OidcSettings, Role};

use super::layers::{Layers, Origin};

const VARIABLE: &str = "TAILERD_OIDC_GRANTS";

/// Keys of a grant, with what they mean.
const KEYS: [(&str, &str); 4] = [
    ("claim", "claim of the ID token, such as email (counts only when verified), groups or realm_access.roles"),
    ("value", "what the claim must be, or have in its list"),
    ("account", "account on which the role is given"),
    ("role", "viewer, operator, deployer or admin"),
];

/// The grants as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GrantLayers(Option<(Vec<Value>, Origin)>);

impl GrantLayers {
    /// Takes what a settings file has; `shown` is the file. What is wrong goes to `problems`.
    pub(super) fn file(&mut self, shown: &str, grants: &toml::Value, problems: &mut Vec<String>) {
        match serde_json::to_value(grants) {
            Ok(Value::Array(grants)) => self.0 = Some((grants, Origin::File(shown.to_owned()))),
            _ => problems.push(format!("{shown}: oidc.grants: expected tables [[oidc.grants]]")),
        }
    }

    /// Takes the variable; `variables` are those that begin with `TAILERD_` and are not empty.
    pub(super) fn environment(&mut self, variables: &BTreeMap<String, String>) {
        if let Some(text) = variables.get(VARIABLE) {
            let grants = match serde_json::from_str(text) {
                Ok(Value::Array(grants)) => grants,
                _ => vec![json!(text)], // told as wrong when it is read
            };
            self.0 = Some((grants, Origin::Variable(VARIABLE.to_owned())));
        }
    }

    /// For `--print-config`.
    pub(super) fn to_toml(&self) -> String {
        let Some((grants, origin)) = &self.0 else {
            return "\n# [[oidc.grants]]  # unset: only users whose name is their e-mail address have roles\n"
                .to_owned();
        };
        let mut text = String::new();
        for grant in grants {
            let _ = writeln!(text, "\n[[oidc.grants]]  # {origin}");
            for (key, help) in KEYS {
                if let Some(value) = grant.get(key).and_then(Value::as_str) {
                    let _ = writeln!(text, "{key} = {}  # {help}", toml::Value::String(value.to_owned()));
                }
            }
        }
        text
    }

    /// The list as it was written; null when unset.
    pub(super) fn to_json(&self) -> Value {
        self.0.as_ref().map_or(Value::Null, |(grants, _)| json!(grants))
    }

    fn typed(&self, problems: &mut Vec<String>) -> Vec<OidcGrant> {
        let Some((grants, origin)) = &self.0 else { return Vec::new() };
        let mut typed = Vec::new();
        for (grant, nth) in grants.iter().zip(1..) {
            let before = problems.len();
            let found = grant.as_object().and_then(|grant| read(grant, nth, origin, problems));
            match found {
                Some(grant) => typed.push(grant),
                None if problems.len() == before => {
                    let keys = KEYS.map(|(key, _)| key).join(", ");
                    problems.push(format!("oidc.grants[{nth}] (from {origin}): expected a table with {keys}"));
                }
                None => {}
            }
        }
        typed
    }
}

fn read(grant: &Map<String, Value>, nth: usize, origin: &Origin, problems: &mut Vec<String>) -> Option<OidcGrant> {
    let place = |key: &str| format!("oidc.grants[{nth}].{key} (from {origin})");
    for key in grant.keys().filter(|key| !KEYS.iter().any(|(known, _)| known == key)) {
        problems.push(match nearest(key, KEYS.iter().map(|(key, _)| *key)) {
            Some(near) => format!("unknown key {}; did you mean `{near}`?", place(key)),
            None => format!("unknown key {}", place(key)),
        });
    }
    let mut text = |key: &str| match grant.get(key) {
        Some(Value::String(text)) if !text.trim().is_empty() => Some(text.trim()),
        Some(_) => {
            problems.push(format!("{}: expected text", place(key)));
            None
        }
        None => {
            problems.push(format!("{} is missing", place(key)));
            None
        }
    };
    let (claim, value, account, role) = (text("claim"), text("value"), text("account"), text("role"));
    let mut parsed = |key: &str, expected: &str, good: bool, text: &str| {
        if !good {
            problems.push(format!("{}: expected {expected}, got {text:?}", place(key)));
        }
    };
    let account = account.and_then(|text| {
        let account = text.parse().ok();
        parsed("account", "six digits", account.is_some(), text);
        account
    });
    let role = role.and_then(|text| {
        let role = text.parse::<Role>().ok();
        parsed("role", "one of viewer, operator, deployer, admin", role.is_some(), text);
        role
    });
    Some(OidcGrant { claim: claim?.to_owned(), value: value?.to_owned(), account: account?, role: role? })
}

/// The issuer; `None` when the settings name none. What is wrong goes to `problems`.
pub(super) fn from_layers(layers: &Layers, problems: &mut Vec<String>) -> Option<OidcSettings> {
    let text = |key: &str| layers.get(key).map(|value| value.text.trim()).filter(|text| !text.is_empty());
    let grants = layers.grants.typed(problems);
    let Some(issuer) = text("oidc.issuer") else {
        let lonely = ["oidc.client_id", "oidc.client_secret", "oidc.jwks_url", "oidc.audience"];
        if let Some(key) = lonely.into_iter().find(|key| text(key).is_some()) {
            problems.push(format!("{key} is set, but oidc.issuer is missing"));
        } else if layers.grants.0.is_some() {
            problems.push("oidc.grants is set, but oidc.issuer is missing".to_owned());
        }
        return None;
    };
    for key in ["oidc.issuer", "oidc.jwks_url"] {
        if let Some(value) = layers.get(key).filter(|value| !OidcSettings::is_safe(value.text.trim())) {
            let expected = "expected an address with https:// (http:// only on this machine)";
            problems.push(format!("setting {key} (from {}): {expected}, got {:?}", value.origin, value.text));
        }
    }
    let Some(client_id) = text("oidc.client_id") else {
        problems.push("oidc.client_id is missing: the id of tailerd at the issuer".to_owned());
        return None;
    };
    let audiences = text("oidc.audience").unwrap_or(client_id).split(',').map(str::trim);
    Some(OidcSettings {
        issuer: issuer.to_owned(),
        client_id: client_id.to_owned(),
        client_secret: text("oidc.client_secret").map(|secret| Secret::new(secret.to_owned())),
        audiences: audiences.filter(|audience| !audience.is_empty()).map(ToOwned::to_owned).collect(),
        jwks_url: text("oidc.jwks_url").map(ToOwned::to_owned),
        scopes: text("oidc.scopes").unwrap_or("openid").to_owned(),
        label: text("oidc.name").unwrap_or("single sign-on").to_owned(),
        grants,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(file: &str, variables: &[(&str, &str)]) -> Result<Option<OidcSettings>, Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tailerd.toml");
        std::fs::write(&path, file).unwrap();
        let mut layers = Layers::defaults();
        layers.file(&path).map_err(|failure| vec![failure.message.clone()])?;
        layers.environment(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let mut problems = Vec::new();
        let found = from_layers(&layers, &mut problems);
        let shown = path.display().to_string();
        if problems.is_empty() { Ok(found) } else { Err(problems.iter().map(|p| p.replace(&shown, "f")).collect()) }
    }

    const ISSUER: &str = "[oidc]\nissuer = \"https://login.example.com\"\nclient_id = \"tailerd\"\n";

    #[test]
    fn an_issuer_with_its_grants() {
        let grant = "[[oidc.grants]]\nclaim = \"groups\"\nvalue = \"ops\"\naccount = \"000110\"\nrole = \"operator\"\n";
        let found = settings(&format!("{ISSUER}{grant}"), &[]).unwrap().unwrap();
        assert_eq!((found.audiences, found.scopes.as_str()), (vec!["tailerd".to_owned()], "openid email profile"));
        assert_eq!(found.grants.len(), 1);
        let listed = r#"[{"claim": "email", "value": "a@b.c", "account": "000099", "role": "admin"}]"#;
        let variables = [(VARIABLE, listed), ("TAILERD_OIDC_AUDIENCE", "a, b")];
        let found = settings(&format!("{ISSUER}{grant}"), &variables).unwrap().unwrap();
        assert_eq!((found.grants[0].claim.as_str(), found.audiences.len()), ("email", 2));
        assert!(settings("", &[]).unwrap().is_none());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |file: &str, expect: &[&str]| assert_eq!(settings(file, &[]).unwrap_err(), expect);
        check("[oidc]\nclient_id = \"x\"\n", &["oidc.client_id is set, but oidc.issuer is missing"]);
        check(
            "[oidc]\nissuer = \"https://login.example.com\"\n",
            &["oidc.client_id is missing: the id of tailerd at the issuer"],
        );
        check(
            "[oidc]\nissuer = \"http://login.example.com\"\nclient_id = \"x\"\n",
            &["setting oidc.issuer (from f): expected an address with https:// (http:// only on this machine), \
               got \"http://login.example.com\""],
        );
        check(
            &format!("{ISSUER}[[oidc.grants]]\nclaims = \"groups\"\nvalue = 1\naccount = \"x y\"\nrole = \"boss\"\n"),
            &[
                "unknown key oidc.grants[1].claims (from f); did you mean `claim`?",
                "oidc.grants[1].claim (from f) is missing",
                "oidc.grants[1].value (from f): expected text",
                "oidc.grants[1].account (from f): expected six digits, got \"x y\"",
                "oidc.grants[1].role (from f): expected one of viewer, operator, deployer, admin, got \"boss\"",
            ],
        );
        assert_eq!(
            settings(ISSUER, &[(VARIABLE, "nonsense")]).unwrap_err(),
            ["oidc.grants[1] (from TAILERD_OIDC_GRANTS): expected a table with claim, value, account, role"]
        );
    }
}
