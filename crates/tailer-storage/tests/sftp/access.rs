//! Who is let in, and what those are told who are not.

use serde::Deserialize;
use tailer_model::Secret;
use tailer_storage::{
    SftpStorage, Storage, StorageError,
    sftp::{HostKeys, SftpCredentials, SftpSettings},
};

use crate::{
    counterparts::counterpart,
    sshd::{Sshd, sshd},
    suite::{get, path, put},
};

/// The account of `.ci/counterparts`: the one thing that a test cannot make for itself is a password.
#[derive(Deserialize)]
struct Account {
    host: String,
    port: u16,
    user: String,
    password: String,
    key_user: String,
    private_key_file: String,
    passphrase: String,
    host_key: String,
}

fn account() -> Option<Account> {
    counterpart("TAILERD_TEST_SFTP")
}

impl Account {
    fn storage(&self, user: &str, credentials: SftpCredentials) -> SftpStorage {
        let keys = HostKeys::new(None, std::slice::from_ref(&self.host_key)).unwrap();
        let settings = SftpSettings::new(self.host.clone(), user.to_owned(), credentials, keys);
        SftpStorage::new(SftpSettings { port: self.port, ..settings })
    }
}

fn secret(text: &str) -> Option<Secret<String>> {
    Some(Secret::new(text.to_owned()))
}

fn password(text: &str) -> SftpCredentials {
    SftpCredentials { password: secret(text), ..SftpCredentials::default() }
}

async fn denied(storage: &dyn Storage, expect: &str) {
    let error = storage.stat(&path("a.csv")).await.unwrap_err();
    assert!(matches!(&error, StorageError::Denied { message, .. } if message.contains(expect)), "{error}");
}

#[tokio::test]
async fn a_password_opens() {
    let Some(account) = account() else { return };
    let storage = account.storage(&account.user, password(&account.password));
    let name = format!("test-{}/a.csv", uuid::Uuid::new_v4());
    put(&storage, &name, "content").await;
    assert_eq!(get(&storage, &name).await, "content");
    storage.delete(&path(&name)).await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_does_not() {
    let Some(account) = account() else { return };
    let storage = account.storage(&account.user, password("wrong hunter2"));
    denied(&storage, &format!("does not let in {:?} with the password; it accepts: publickey", account.user)).await;
    let error = storage.stat(&path("a.csv")).await.unwrap_err();
    assert!(!format!("{error:?} {storage:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn a_key_with_a_passphrase_opens_at_the_other_server_too() {
    let Some(account) = account() else { return };
    let private_key = secret(&std::fs::read_to_string(&account.private_key_file).unwrap());
    let credentials =
        SftpCredentials { private_key, passphrase: secret(&account.passphrase), ..SftpCredentials::default() };
    let storage = account.storage(&account.key_user, credentials);
    assert_eq!(storage.stat(&path("no-such-file")).await.unwrap(), None);
}

/// Every kind of key, in every form that `ssh-keygen` and `openssl` write.
#[tokio::test]
async fn every_form_of_key_opens() {
    let Some(server) = sshd() else { return };
    let kinds: [(&str, &[&str]); 5] = [
        ("ed25519", &["-t", "ed25519"]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
        ("ecdsa", &["-t", "ecdsa", "-b", "256"]),
        ("ecdsa384", &["-t", "ecdsa", "-b", "384"]),
        ("ecdsa521", &["-t", "ecdsa", "-b", "521"]),
    ];
    for (kind, options) in kinds {
        for (form, extra) in [("openssh", &[][..]), ("pem", &["-m", "PEM"]), ("pkcs8", &["-m", "PKCS8"])] {
            for passphrase in ["", "open sesame"] {
                let name = format!("{kind}-{form}-{}", passphrase.len());
                let few_rounds: &[&str] = if form == "openssh" { &["-a", "1"] } else { &[] };
                server.authorize(&name, &[options, extra, few_rounds].concat(), passphrase);
                let storage = with_key(&server, &name, passphrase);
                let result = storage.stat(&path("a")).await;
                assert!(matches!(result, Ok(None)), "{name}: {result:?}");
            }
        }
    }
}

fn with_key(server: &Sshd, name: &str, passphrase: &str) -> SftpStorage {
    let mut settings = server.settings();
    settings.credentials = SftpCredentials {
        private_key: Some(server.secret(name)),
        passphrase: (!passphrase.is_empty()).then(|| secret(passphrase)).flatten(),
        password: None,
    };
    SftpStorage::new(settings)
}

#[tokio::test]
async fn keys_that_cannot_be_opened_are_told_apart() {
    let Some(server) = sshd() else { return };
    server.authorize("locked", &["-t", "ed25519", "-a", "1"], "open sesame");
    denied(&with_key(&server, "locked", "wrong"), "the passphrase is wrong").await;
    denied(&with_key(&server, "locked", ""), "it is encrypted, and no passphrase is given").await;
    denied(&with_key(&server, "user.pub", ""), "it is no private key").await;
    server.authorize("old", &["-t", "ecdsa", "-m", "PEM"], "open sesame");
    denied(&with_key(&server, "old", "wrong"), "the passphrase is wrong").await;
    denied(&with_key(&server, "old", ""), "it is encrypted, and no passphrase is given").await;
    assert_eq!(server.accepted(), 0, "a key is opened before anybody is asked");
}

#[tokio::test]
async fn a_key_that_the_server_does_not_know_is_denied_with_what_it_accepts() {
    let Some(server) = sshd() else { return };
    let stranger = server.folder.path().join("stranger");
    crate::sshd::key_pair(&stranger, &["-t", "ed25519"], "");
    denied(&with_key(&server, "stranger", ""), "with the private key; it accepts: publickey").await;
    assert_eq!(server.accepted(), 1, "what is denied is not tried again");
}

#[tokio::test]
async fn nothing_to_show_is_told_so() {
    let Some(server) = sshd() else { return };
    let storage = SftpStorage::new(SftpSettings { credentials: SftpCredentials::default(), ..server.settings() });
    denied(&storage, "with no credentials").await;
}

#[tokio::test]
async fn a_user_without_sftp_is_told_so() {
    if sshd().is_none() {
        return;
    }
    let server = Sshd::start(&["ed25519"], "ForceCommand /bin/false");
    let storage = SftpStorage::new(SftpSettings { retries: 0, ..server.settings() });
    let error = storage.stat(&path("a")).await.unwrap_err();
    assert!(error.to_string().contains("does not start SFTP for this user"), "{error}");
}

#[test]
fn settings_print_no_secret() {
    let credentials =
        SftpCredentials { password: secret("hunter2"), private_key: secret("hunter2"), passphrase: secret("hunter2") };
    let settings = SftpSettings::new("h".into(), "u".into(), credentials, HostKeys::default());
    let printed = format!("{settings:?} {:?}", SftpStorage::new(settings.clone()));
    assert!(!printed.contains("hunter2"), "{printed}");
}
