//! The OIDC issuer: its description and its keys are fetched, as a server does when it first needs them.

use jiff::Timestamp;
use tailer_server::auth::try_issuer;

use super::findings::Findings;
use crate::settings::Settings;

pub(super) async fn one(settings: &Settings, findings: &mut Findings) {
    let Some(oidc) = &settings.oidc else { return };
    let check = format!("issuer {}", oidc.issuer);
    match try_issuer(oidc, Timestamp::now()).await {
        Ok(0) => findings.error(&check, "publishes no key that signs", "is oidc.jwks_url right?"),
        Ok(keys) => findings.ok(&check, format!("answers, with {keys} {}", if keys == 1 { "key" } else { "keys" })),
        Err(error) => findings.error(
            &check,
            error.to_string(),
            "oidc.issuer is the address as the issuer writes it in its tokens; this machine must reach it",
        ),
    }
    if oidc.grants.is_empty() {
        findings.warning(
            &check,
            "no [[oidc.grants]]: only users whose name is their e-mail address have roles",
            "`tailerd user add NAME --no-password` makes such a user",
        );
    }
    if settings.public_url.is_none() {
        findings.warning(
            &check,
            "public_url is unset: the issuer sends people back to the address that the server listens on",
            "set public_url to the address that people open, and register it there with /sign-in/oidc/return",
        );
    }
}
