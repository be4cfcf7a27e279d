//! From an address to a session: TCP, the host's key, the user's proof, the `sftp` subsystem.
//!
//! Nothing of the user is sent before the host's key is found to be a trusted one.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use russh::{
    Preferred, cipher,
    client::{self, AuthResult, Handle, KeyboardInteractiveAuthResponse},
    keys::{
        Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate, decode_secret_key,
    },
};
use russh_sftp::client::RawSftpSession;

use super::{
    failure::Failure,
    host_keys::{Known, same_kind},
    pem,
    session::Session,
    settings::SftpSettings,
};

/// A silent connection is asked for a sign of life this often, and given up after three without one.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Fast with AES instructions first; everything without a known weakness.
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_256_GCM,
    cipher::AES_128_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

/// Turns of keyboard-interactive: a server may ask again and again.
const MAX_PROMPTS: usize = 5;

/// Opens a session. `private_key` is the opened key of the settings.
pub(super) async fn connect(settings: &SftpSettings, private_key: Option<Arc<PrivateKey>>) -> Result<Session, Failure> {
    let opening = async {
        let mut ssh = reach(settings).await?;
        authenticate(&mut ssh, settings, private_key).await?;
        let lost = |error: russh::Error| Failure::Transient(format!("cannot start SFTP: {error}"));
        let channel = ssh.channel_open_session().await.map_err(lost)?;
        channel.request_subsystem(true, "sftp").await.map_err(lost)?;
        let config = russh_sftp::client::Config {
            request_timeout_secs: settings.timeout.as_secs().max(1),
            ..Default::default()
        };
        let sftp = RawSftpSession::new_with_config(channel.into_stream(), config);
        Session::open(sftp, ssh, &settings.start).await
    };
    tokio::time::timeout(settings.connect, opening)
        .await
        .unwrap_or_else(|_| Err(Failure::Transient(format!("no connection within {:?}", settings.connect))))
}

/// Opens the private key: slow on purpose when it has a passphrase, so call it once, where blocking is fine.
pub(super) fn open_key(settings: &SftpSettings) -> Result<Option<Arc<PrivateKey>>, Failure> {
    let Some(text) = &settings.credentials.private_key else { return Ok(None) };
    let passphrase = settings.credentials.passphrase.as_ref().map(|secret| secret.expose().as_str());
    let failed = |why: &str| Failure::Denied(format!("the private key of {} cannot be opened: {why}", settings.user));
    let mut text = text.clone();
    let mut passphrase = passphrase;
    if pem::is_encrypted(text.expose()) {
        let given = passphrase.take().ok_or_else(|| failed("it is encrypted, and no passphrase is given"))?;
        text = pem::decrypt(text.expose(), given).map_err(|why| failed(&why))?;
    }
    // The error of the library may tell of the content, which is nobody's business.
    decode_secret_key(text.expose().trim_start(), passphrase).map(|key| Some(Arc::new(key))).map_err(|error| {
        failed(match (error, passphrase) {
            (russh::keys::Error::KeyIsEncrypted, None) => "it is encrypted, and no passphrase is given",
            (_, Some(_)) => "the passphrase is wrong, or it is no private key in OpenSSH, PEM or PuTTY form",
            (_, None) => {
                "it is no private key in OpenSSH, PEM or PuTTY form, or it is encrypted and no passphrase is given"
            }
        })
    })
}

/// Receives what the host shows.
#[derive(Debug)]
pub(super) struct Client {
    known: Known,
    shown: Arc<Mutex<Option<Shown>>>,
}

#[derive(Debug)]
struct Shown {
    key: PublicKey,
    verdict: Result<(), Failure>,
}

impl client::Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let key = shown.public_key();
        let verdict = self.known.check(&key);
        let trusted = verdict.is_ok();
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(Shown { key, verdict });
        Ok(trusted)
    }
}

/// A connection to a host that has shown a trusted key.
async fn reach(settings: &SftpSettings) -> Result<Handle<Client>, Failure> {
    let known =
        settings.host_keys.of(&settings.host, settings.port, settings.called.as_ref().unwrap_or(&settings.host))?;
    let mut kinds = known.preferred(&Preferred::DEFAULT.key);
    let mut refusal = None;
    // A fingerprint does not tell which of its keys the host is to show: another one is asked for until it fits.
    loop {
        let shown = Arc::default();
        let client = Client { known: known.clone(), shown: Arc::clone(&shown) };
        let address = (settings.host.as_str(), settings.port);
        match client::connect(Arc::new(config(kinds.clone())), address, client).await {
            Ok(ssh) => return Ok(ssh),
            Err(russh::Error::NoCommonAlgo { .. }) if refusal.is_some() => {}
            Err(error) => match shown.lock().unwrap_or_else(PoisonError::into_inner).take() {
                Some(Shown { key, verdict: Err(failure) }) => {
                    refusal.get_or_insert(failure);
                    kinds.retain(|kind| !same_kind(kind, &key.algorithm()));
                    if known.may_have_other_kinds() && !kinds.is_empty() {
                        continue;
                    }
                }
                _ => return Err(cannot_connect(settings, &error)),
            },
        }
        return Err(refusal.unwrap_or_else(|| Failure::Transient("no connection".to_owned())));
    }
}

fn cannot_connect(settings: &SftpSettings, error: &russh::Error) -> Failure {
    let message = format!("cannot connect to {} port {}: {error}", settings.host, settings.port);
    match error {
        russh::Error::NoCommonAlgo { .. } | russh::Error::Version => Failure::Refused(message),
        _ => Failure::Transient(message),
    }
}

fn config(kinds: Vec<Algorithm>) -> client::Config {
    client::Config {
        preferred: Preferred { key: kinds.into(), cipher: Cow::Borrowed(CIPHERS), ..Preferred::DEFAULT },
        window_size: 8 * 1024 * 1024,
        keepalive_interval: Some(KEEPALIVE),
        nodelay: true,
        ..client::Config::default()
    }
}

/// Proves who the user is, by every means there is until one is enough.
async fn authenticate(
    ssh: &mut Handle<Client>,
    settings: &SftpSettings,
    private_key: Option<Arc<PrivateKey>>,
) -> Result<(), Failure> {
    let mut tried = Vec::new();
    let mut accepted = String::new();
    if let Some(key) = private_key {
        let result = with_key(ssh, &settings.user, key).await;
        match outcome(ssh, result, &mut accepted)? {
            true => return Ok(()),
            false => tried.push("the private key"),
        }
    }
    if let Some(password) = &settings.credentials.password {
        let result = with_password(ssh, &settings.user, password.expose()).await;
        match outcome(ssh, result, &mut accepted)? {
            true => return Ok(()),
            false => tried.push("the password"),
        }
    }
    let tried = if tried.is_empty() { "no credentials".to_owned() } else { tried.join(" and ") };
    Err(Failure::Denied(format!(
        "the server does not let in {:?} with {tried}; it accepts: {}",
        settings.user,
        if accepted.is_empty() { "nothing more" } else { &accepted }
    )))
}

/// Whether the user is in. A connection that ended meanwhile is no answer.
fn outcome(
    ssh: &Handle<Client>,
    result: Result<AuthResult, russh::Error>,
    accepted: &mut String,
) -> Result<bool, Failure> {
    match result {
        Ok(AuthResult::Success) => Ok(true),
        Ok(AuthResult::Failure { remaining_methods, .. }) if !remaining_methods.is_empty() || !ssh.is_closed() => {
            *accepted = remaining_methods.iter().map(<&str>::from).collect::<Vec<_>>().join(", ");
            Ok(false)
        }
        Ok(AuthResult::Failure { .. }) => {
            Err(Failure::Transient("the server ended the connection while it was asked to let the user in".to_owned()))
        }
        Err(error) => Err(Failure::Transient(format!("cannot log in: {error}"))),
    }
}

async fn with_key(ssh: &mut Handle<Client>, user: &str, key: Arc<PrivateKey>) -> Result<AuthResult, russh::Error> {
    // A server that does not say which hashes it takes is old enough to be asked for the middle one.
    let hash = if key.algorithm().is_rsa() {
        ssh.best_supported_rsa_hash().await?.unwrap_or(Some(HashAlg::Sha256))
    } else {
        None
    };
    ssh.authenticate_publickey(user, PrivateKeyWithHashAlg::new(key, hash)).await
}

/// By the method `password`, or by `keyboard-interactive` where the server has only that (PAM).
async fn with_password(ssh: &mut Handle<Client>, user: &str, password: &str) -> Result<AuthResult, russh::Error> {
    use russh::MethodKind::{KeyboardInteractive, Password};
    let first = ssh.authenticate_password(user, password).await?;
    match &first {
        AuthResult::Failure { remaining_methods, .. }
            if remaining_methods.contains(&KeyboardInteractive) && !remaining_methods.contains(&Password) => {}
        _ => return Ok(first),
    }
    let mut answer = ssh.authenticate_keyboard_interactive_start(user, None).await?;
    for _ in 0..MAX_PROMPTS {
        let prompts = match answer {
            KeyboardInteractiveAuthResponse::Success => return Ok(AuthResult::Success),
            KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success } => {
                return Ok(AuthResult::Failure { remaining_methods, partial_success });
            }
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => prompts,
        };
        // What is asked without showing the typed text is the password; nothing else is known here.
        let responses = prompts.iter().map(|p| if p.echo { String::new() } else { password.to_owned() }).collect();
        answer = ssh.authenticate_keyboard_interactive_respond(responses).await?;
    }
    Ok(first)
}
