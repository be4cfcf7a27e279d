//! Mail through the SMTP server of the settings: one connection a message.
//!
//! Messages are few (whoever calls sees to that), so no connection is kept. Recipients are asked for one by one, so that one that
//! the server refuses keeps nothing from the others. A refused login or certificate is not the message's fault: it is tried
//! again, somebody will mend it.

use std::time::Duration;

use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, Mechanism},
    client::{AsyncSmtpConnection, TlsParameters},
    commands::{Data, Mail as MailFrom, Rcpt},
    extension::ClientId,
};
use tailer_model::Secret;

use crate::{Mail, Outcome, mail::mailbox};

/// Refusals that speak of the connection, not of the message: log in first, encrypt first, and the like.
const OF_THE_CONNECTION: [u16; 5] = [421, 530, 534, 535, 538];
/// How long to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// How the connection is kept from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// Begins in clear and must be encrypted before anything is said.
    StartTls,
    /// Encrypted from the first byte.
    Tls,
    None,
}

/// The SMTP server and how to use it.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    pub encryption: Encryption,
    /// User name and password.
    pub login: Option<(String, Secret<String>)>,
    /// Sender of mails that name none.
    pub from: String,
    /// Of one message, from connecting to the server's last word.
    pub timeout: Duration,
}

/// Why the server cannot be used, and at which step: for whoever mends it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SmtpError {
    #[error("cannot connect to {0}")]
    Connect(String),
    #[error("no encrypted connection: {0}")]
    Encrypt(String),
    #[error("the login is refused: {0}")]
    Login(String),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
}

/// Sends mail. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mailer {
    settings: SmtpSettings,
}

impl Mailer {
    #[must_use]
    pub fn new(settings: SmtpSettings) -> Self {
        Self { settings }
    }

    /// Connects, encrypts and logs in; sends nothing.
    ///
    /// # Errors
    /// The step that failed and what the server says.
    pub async fn try_out(&self) -> Result<(), SmtpError> {
        let tried = async {
            let connection = self.open().await?;
            leave(connection).await;
            Ok(())
        };
        let timeout = self.settings.timeout;
        tokio::time::timeout(timeout, tried).await.unwrap_or(Err(SmtpError::Timeout(timeout)))
    }

    /// Tries once to hand a mail to the server.
    pub async fn send(&self, mail: &Mail) -> Outcome {
        let timeout = self.settings.timeout;
        match tokio::time::timeout(timeout, self.attempt(mail)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::later(SmtpError::Timeout(timeout).to_string()),
        }
    }

    async fn attempt(&self, mail: &Mail) -> Outcome {
        let from = match mailbox(mail.from.as_deref().unwrap_or(&self.settings.from)) {
            Ok(from) => from,
            Err(why) => return Outcome::never(why),
        };
        let message = match mail.format(&from) {
            Ok(message) => message,
            Err(why) => return Outcome::never(why),
        };
        let mut connection = match self.open().await {
            Ok(connection) => connection,
            Err(error) => return Outcome::later(error.to_string()),
        };
        let outcome = hand_over(&mut connection, from.email, &mail.left, &message).await;
        leave(connection).await;
        outcome
    }

    /// A connection that takes mail.
    async fn open(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let SmtpSettings { host, port, encryption, login, from, timeout } = &self.settings;
        let place = format!("{host}:{port}");
        // The domain that mail is sent from is as good a name for this machine as any.
        let me = ClientId::Domain(tailer_model::monitoring::domain(from).unwrap_or("localhost").to_owned());
        let tls = || TlsParameters::new(host.clone()).map_err(|error| SmtpError::Encrypt(said(&error)));
        let wrapped = if *encryption == Encryption::Tls { Some(tls()?) } else { None };
        let connect = AsyncSmtpConnection::connect_tokio1((host.as_str(), *port), Some(*timeout), &me, wrapped, None);
        let mut connection = connect.await.map_err(|error| match error.is_tls() || speaks_no_tls(&error) {
            true => SmtpError::Encrypt(said(&error)),
            false => SmtpError::Connect(format!("{place}: {}", said(&error))),
        })?;
        if *encryption == Encryption::StartTls {
            connection.starttls(tls()?, &me).await.map_err(|error| SmtpError::Encrypt(said(&error)))?;
        }
        if let Some((user, password)) = login {
            let credentials = Credentials::new(user.clone(), password.expose().clone());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&mechanisms, &credentials).await.map_err(|error| SmtpError::Login(said(&error)))?;
        }
        Ok(connection)
    }
}

/// Sender, recipients, message.
async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    from: lettre::Address,
    to: &[String],
    message: &[u8],
) -> Outcome {
    if let Err(error) = connection.command(MailFrom::new(Some(from), Vec::new())).await {
        return refusal(&error);
    }
    let (mut accepted, mut refused, mut left, mut why) = (0, Vec::new(), Vec::new(), String::new());
    for recipient in to {
        let address = match mailbox(recipient) {
            Ok(mailbox) => mailbox.email,
            Err(wrong) => {
                refused.push(wrong);
                continue;
            }
        };
        match connection.command(Rcpt::new(address, Vec::new())).await.map_err(|error| (refusal(&error), said(&error)))
        {
            Ok(_) => accepted += 1,
            Err((Outcome::Never { .. }, said)) => refused.push(format!("{recipient}: {said}")),
            Err((_, said)) => {
                why = format!("{recipient}: {said}");
                left.push(recipient.clone());
            }
        }
    }
    if accepted == 0 {
        return match (left.is_empty(), refused.is_empty()) {
            (true, _) => Outcome::never(refused.join("; ")),
            (false, true) => Outcome::later(why),
            (false, false) => Outcome::Partly { refused, left, why },
        };
    }
    if let Err(error) = connection.command(Data).await {
        return refusal(&error);
    }
    match connection.message(message).await {
        Ok(_) if left.is_empty() => Outcome::Sent { refused },
        Ok(_) => Outcome::Partly { refused, left, why },
        Err(error) => refusal(&error),
    }
}

/// Permanent refusals of the message are for good; all else may be otherwise later.
fn refusal(error: &Error) -> Outcome {
    let of_the_connection = error.status().is_some_and(|code| OF_THE_CONNECTION.contains(&code.into()));
    if error.is_permanent() && !of_the_connection { Outcome::never(said(error)) } else { Outcome::later(said(error)) }
}

/// Whether what came back is no TLS, or none that is trusted: the crate calls that a failed connection.
fn speaks_no_tls(error: &Error) -> bool {
    let no_tls = |error: &std::io::Error| error.kind() == std::io::ErrorKind::InvalidData;
    causes(error).any(|cause| cause.downcast_ref().is_some_and(no_tls))
}

/// What caused an error, the innermost last.
fn causes(error: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(error), |cause| cause.source())
}

/// What the server said, or what happened, without the crate's own words around it.
fn said(error: &Error) -> String {
    let mut text = match (error.status(), causes(error).last()) {
        (Some(code), Some(source)) => format!("{code} {source}"),
        (Some(code), None) => code.to_string(),
        (None, Some(source)) => source.to_string(),
        (None, None) => error.to_string(),
    };
    text = text.replace(char::is_control, " ");
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

async fn leave(mut connection: AsyncSmtpConnection) {
    // What was handed over stays handed over, whether or not the server answers to this.
    let _ = tokio::time::timeout(GOODBYE, connection.quit()).await;
}
