//! The SMTP server that alerts go through: connected to, encrypted and logged in to, as for a mail. None is sent.

use tailer_notify::{Encryption, Mailer, SmtpError};

use super::findings::Findings;
use crate::settings::Settings;

pub(super) async fn server(settings: &Settings, findings: &mut Findings) {
    let Some(smtp) = &settings.alerts.smtp else { return };
    let check = format!("mail {}:{}", smtp.host, smtp.port);
    match Mailer::new(smtp.clone()).try_out().await {
        Ok(()) => {
            let login = if smtp.login.is_some() { ", and the login is accepted" } else { "" };
            findings.ok(&check, format!("answers{login}; nothing was sent"));
        }
        Err(error) => findings.error(&check, error.to_string(), hint(&error)),
    }
    if smtp.encryption == Encryption::None {
        let hint = "set alerts.smtp.tls to starttls or tls, unless the server is on this machine";
        findings.warning(&check, "alerts are sent without encryption", hint);
    }
    if settings.public_url.is_none() {
        findings.warning(
            &check,
            "public_url is unset: links in alerts lead to the address that the server listens on",
            "set public_url to the address that people open",
        );
    }
}

fn hint(error: &SmtpError) -> &'static str {
    match error {
        SmtpError::Connect(_) => "are alerts.smtp.host and alerts.smtp.port right, and may this machine connect there?",
        SmtpError::Encrypt(_) => {
            "is alerts.smtp.tls right (tls for port 465, starttls for 587), and does this machine trust the certificate?"
        }
        SmtpError::Login(_) => "are alerts.smtp.username and alerts.smtp.password right?",
        SmtpError::Timeout(_) => {
            "is alerts.smtp.tls right (tls for port 465, starttls for 587), or a firewall in between?"
        }
    }
}
