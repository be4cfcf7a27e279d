//! A mail, and how it is written: RFC 5322 with a plain text and, where there is one, an HTML body.

use jiff::Timestamp;
use lettre::{
    Message,
    message::{Mailbox, MultiPart, SinglePart},
};

/// A mail to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The same whenever it is sent again; what stands before the `@` of its Message-ID.
    pub id: String,
    /// `None`: the server's own sender.
    pub from: Option<String>,
    /// As the header shows them: all of them.
    pub to: Vec<String>,
    /// Those that have not got it yet.
    pub left: Vec<String>,
    pub reply_to: Option<String>,
    /// One line: line ends become spaces.
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
    pub date: Timestamp,
}

impl Mail {
    /// The message as it goes over the wire, in ASCII.
    ///
    /// # Errors
    /// What cannot be written: an address that is none.
    pub(crate) fn format(&self, from: &Mailbox) -> Result<Vec<u8>, String> {
        let mut message = Message::builder()
            .from(from.clone())
            .subject(self.subject.replace(char::is_control, " "))
            .date(std::time::SystemTime::from(self.date))
            .message_id(Some(format!("<{}@{}>", self.id, from.email.domain())))
            .header(AutoSubmitted);
        for to in &self.to {
            message = message.to(mailbox(to)?);
        }
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(mailbox(reply_to)?);
        }
        let made = match &self.html {
            Some(html) => message.multipart(MultiPart::alternative_plain_html(self.text.clone(), html.clone())),
            None => message.singlepart(SinglePart::plain(self.text.clone())),
        };
        Ok(made.map_err(|error| error.to_string())?.formatted())
    }
}

/// `ops@example.com`, `Operations <ops@example.com>`
///
/// # Errors
/// Names the text that is no address.
pub(crate) fn mailbox(text: &str) -> Result<Mailbox, String> {
    text.parse().map_err(|error: lettre::address::AddressError| format!("{text:?} is no e-mail address: {error}"))
}

/// RFC 3834: no out-of-office notes in answer.
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            id: "r1.failed.email".into(),
            from: None,
            to: vec!["a@x.com".into(), "Bob <b@x.com>".into()],
            left: vec!["a@x.com".into()],
            reply_to: Some("c@x.com".into()),
            subject: "failed\r\nBcc: evil@x.com é".into(),
            text: "plain é\n.\n".into(),
            html: Some("<p>rich</p>".into()),
            date: "2026-05-04T10:00:00Z".parse().unwrap(),
        }
    }

    fn written(mail: &Mail) -> String {
        String::from_utf8(mail.format(&mailbox("Tailer <t@y.org>").unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn a_message_has_both_bodies_and_an_id_of_its_own() {
        let text = written(&mail());
        assert!(text.is_ascii());
        for line in [
            "From: Tailer <t@y.org>",
            "To: a@x.com, Bob <b@x.com>",
            "Reply-To: c@x.com",
            "Date: Mon, 04 May 2026 10:00:00 +0000",
            "Message-ID: <r1.failed.email@y.org>",
            "Auto-Submitted: auto-generated",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("\nBcc:"), "{text}");
        assert!(text.contains("multipart/alternative") && text.contains("text/html") && text.contains("text/plain"));
        let plain = written(&Mail { html: None, ..mail() });
        assert!(!plain.contains("multipart") && plain.contains("text/plain"), "{plain}");
    }
}
