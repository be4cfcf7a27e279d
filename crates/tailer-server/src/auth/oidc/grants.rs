//! From claims to roles on accounts, by the rules of the settings.

use serde_json::{Map, Value};

use super::super::Grant;
use crate::settings::OidcGrant;

impl OidcGrant {
    /// Whether the rule needs this claim of the token.
    pub(super) fn looks_at(&self, claim: &str) -> bool {
        self.claim == claim || self.claim.split('.').next() == Some(claim)
    }

    /// Whether the claim is the rule's value, or a list with it. A claim within a claim is named with dots. An e-mail address
    /// counts only when the issuer says that it has verified it, in whatever case it is written.
    pub(super) fn matches(&self, claims: &Map<String, Value>) -> bool {
        if self.claim == "email" {
            return verified_email(claims).is_some_and(|email| email.eq_ignore_ascii_case(&self.value));
        }
        let found = claims.get(&self.claim).or_else(|| {
            let mut names = self.claim.split('.');
            let first = claims.get(names.next()?)?;
            names.try_fold(first, |value, name| value.get(name))
        });
        let is_value = |found: &Value| match found {
            Value::String(text) => *text == self.value,
            Value::Bool(flag) => flag.to_string() == self.value,
            Value::Number(number) => number.to_string() == self.value,
            _ => false,
        };
        match found {
            Some(Value::Array(many)) => many.iter().any(is_value),
            Some(one) => is_value(one),
            None => false,
        }
    }
}

pub(super) fn grant(rule: &OidcGrant) -> Grant {
    Grant { account: rule.account.clone(), role: rule.role }
}

/// The e-mail address, when the issuer has verified that it is theirs. Some issuers write the flag as text.
pub(super) fn verified_email(claims: &Map<String, Value>) -> Option<&str> {
    let verified = claims.get("email_verified").is_some_and(|flag| *flag == true || *flag == "true");
    claims.get("email").and_then(Value::as_str).filter(|_| verified)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::access::Role;

    #[test]
    fn rules_look_at_claims() {
        let check = |claim: &str, value: &str, claims: Value, expect: bool| {
            let (claim, value) = (claim.to_owned(), value.to_owned());
            let rule = OidcGrant { claim, value, account: "000099".parse().unwrap(), role: Role::Viewer };
            assert_eq!(rule.matches(claims.as_object().unwrap()), expect, "{rule:?} {claims}");
        };
        check("groups", "ops", json!({ "groups": ["dev", "ops"] }), true);
        check("groups", "ops", json!({ "groups": "ops" }), true);
        check("groups", "ops", json!({ "groups": ["OPS", "ops2"] }), false);
        check("groups", "ops", json!({}), false);
        check("realm_access.roles", "ops", json!({ "realm_access": { "roles": ["ops"] } }), true);
        check("https://example.com/roles", "ops", json!({ "https://example.com/roles": ["ops"] }), true);
        check("admin", "true", json!({ "admin": true }), true);
        check("email", "Ana@example.com", json!({ "email": "ana@Example.com", "email_verified": true }), true);
        check("email", "ana@example.com", json!({ "email": "ana@example.com", "email_verified": "true" }), true);
        for unverified in [json!(false), json!(null), json!("false"), json!(1)] {
            check(
                "email",
                "ana@example.com",
                json!({ "email": "ana@example.com", "email_verified": unverified }),
                false,
            );
        }
        check("email", "ana@example.com", json!({ "email": "ana@example.com" }), false);
    }
}
