//! Compares this machine's clock with a service's, by the `Date` of an answer. Signatures and tokens carry times: services
//! refuse those that differ by more than 5 (Google) to 15 minutes (Amazon, Microsoft).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use tailer_model::operation::storage_to_storage::StorageKind;

use super::findings::Findings;
use crate::settings::storage::Service;

const PATIENCE: Duration = Duration::from_secs(10);
/// Tokens may be refused from here on.
const REFUSED: SignedDuration = SignedDuration::from_mins(5);
/// No clock that something keeps right differs by that.
const NOTABLE: SignedDuration = SignedDuration::from_secs(30);

/// Says nothing when the service cannot be asked: the attempts to use it say more.
pub(super) async fn check(kind: StorageKind, check: &str, service: &Service, findings: &mut Findings) {
    if let Some(url) = address(kind, service) {
        check_address(check, &url, findings).await;
    }
}

/// The same for whatever speaks HTTP.
pub(super) async fn check_address(check: &str, url: &str, findings: &mut Findings) {
    if let Some(theirs) = date(url).await {
        report(check, Timestamp::now().duration_since(theirs), findings);
    }
}

/// `ahead`: of this machine's clock.
fn report(check: &str, ahead: SignedDuration, findings: &mut Findings) {
    let differs = || {
        let word = if ahead.is_negative() { "behind" } else { "ahead of" };
        format!("this machine's clock is {} seconds {word} the service's", ahead.abs().as_secs())
    };
    let hint = "let NTP keep the clock of this machine right";
    if ahead.abs() >= REFUSED {
        findings.error(check, differs(), hint);
    } else if ahead.abs() >= NOTABLE {
        findings.warning(check, differs(), hint);
    }
}

/// Where the service speaks HTTP.
fn address(kind: StorageKind, service: &Service) -> Option<String> {
    if service.endpoint.is_some() {
        return service.endpoint.clone();
    }
    match kind {
        StorageKind::Gcs => Some("https://storage.googleapis.com".to_owned()),
        StorageKind::S3 => service.region.as_ref().map(|region| format!("https://s3.{region}.amazonaws.com")),
        StorageKind::Azure => service.account.as_ref().map(|name| format!("https://{name}.blob.core.windows.net")),
        StorageKind::Sftp => None,
    }
}

async fn date(url: &str) -> Option<Timestamp> {
    let client =
        reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build().ok()?;
    let answer = client.get(url).send().await.ok()?;
    rfc2822::parse(answer.headers().get(reqwest::header::DATE)?.to_str().ok()?).ok().map(|date| date.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;

    #[test]
    fn small_differences_are_fine_and_great_ones_are_not() {
        let check = |seconds: i64, expect: Exit| {
            let mut findings = Findings::new(false);
            report("clock", SignedDuration::from_secs(seconds), &mut findings);
            assert_eq!(findings.finish(), expect, "{seconds}");
        };
        check(0, Exit::Done);
        check(-29, Exit::Done);
        check(45, Exit::Done);
        check(300, Exit::Failed);
        check(-3600, Exit::Failed);
    }
}
