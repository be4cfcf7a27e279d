//! Only a host that shows a trusted key is told anything.

use std::fs;

use tailer_storage::{SftpStorage, Storage as _, StorageError, sftp::HostKeys};

use crate::{
    sshd::{Sshd, sshd},
    suite::path,
};

/// `Ok` when the host is trusted, else what is said.
async fn trusted(server: &Sshd, known_hosts: Option<&str>, keys: &[String]) -> Result<(), String> {
    let file = server.folder.path().join("known_hosts");
    if let Some(lines) = known_hosts {
        fs::write(&file, lines).unwrap();
    }
    let mut settings = server.settings();
    settings.host_keys = HostKeys::new(known_hosts.map(|_| file), keys).unwrap();
    match SftpStorage::new(settings).stat(&path("a")).await {
        Ok(_) => Ok(()),
        Err(StorageError::Denied { message, .. }) => Err(message),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_unknown_host_is_refused_with_its_fingerprint_and_the_setting() {
    let Some(server) = sshd() else { return };
    let shown = server.fingerprint("ed25519");
    for known_hosts in [None, Some(""), Some("# nothing\nother.example.com ssh-ed25519 AAAA\n")] {
        let message = trusted(&server, known_hosts, &[]).await.unwrap_err();
        for part in [format!("host_key = \"{shown}\""), "[storage.sftp.\"127.0.0.1\"]".into(), "not known".into()] {
            assert!(message.contains(&part), "{message}");
        }
    }
    let missing = HostKeys::new(Some("/no/such/known_hosts".into()), &[]).unwrap();
    let mut settings = server.settings();
    settings.host_keys = missing;
    let error = SftpStorage::new(settings).stat(&path("a")).await.unwrap_err();
    assert!(error.to_string().contains("cannot read known_hosts file /no/such/known_hosts"), "{error}");
}

#[tokio::test]
async fn a_changed_key_is_refused_loudly() {
    let Some(server) = sshd() else { return };
    let other = Sshd::start(&["ed25519"], "");
    let (shown, expected) = (server.fingerprint("ed25519"), other.fingerprint("ed25519"));

    let message = trusted(&server, None, std::slice::from_ref(&expected)).await.unwrap_err();
    for part in ["HAS CHANGED", &shown, &expected, "setting host_key", "Nothing was sent"] {
        assert!(message.contains(part), "{message}");
    }
    let line = other.known_hosts_line("ed25519").replace(&other.port.to_string(), &server.port.to_string());
    let message = trusted(&server, Some(&format!("# known\n{line}")), &[]).await.unwrap_err();
    for part in ["HAS CHANGED", &shown, &expected, "line 2 of"] {
        assert!(message.contains(part), "{message}");
    }
    // Nobody tries again what is refused.
    assert_eq!(server.accepted(), 3, "of a fingerprint the kind is not known: another one was asked for");
}

/// A host has several keys, and the one that is known need not be the one that it would show first.
#[tokio::test]
async fn any_of_the_keys_of_a_host_will_do() {
    if sshd().is_none() {
        return;
    }
    let server = Sshd::start(&["ed25519", "ecdsa", "rsa"], "");
    for kind in ["ed25519", "ecdsa", "rsa"] {
        trusted(&server, None, &[server.fingerprint(kind)]).await.unwrap();
        let key = fs::read_to_string(server.folder.path().join(format!("host_{kind}.pub"))).unwrap();
        trusted(&server, None, &["SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU".into(), key]).await.unwrap();
        trusted(&server, Some(&server.known_hosts_line(kind)), &[]).await.unwrap();
    }
}

#[tokio::test]
async fn known_hosts_is_read_as_ssh_reads_it() {
    let Some(server) = sshd() else { return };
    let line = server.known_hosts_line("ed25519");
    let (name, key) = line.split_once(' ').unwrap();
    let check = async |lines: String, expect: bool| {
        let result = trusted(&server, Some(&lines), &[]).await;
        assert_eq!(result.is_ok(), expect, "{lines}: {result:?}");
    };
    check(format!("example.com,{name}\t{key}"), true).await;
    check(format!("[127.0.0.*]:{} {key}", server.port), true).await;
    check(format!("[127.0.0.?]:*,!{name} {key}"), false).await;
    check(format!("127.0.0.1 {key}"), false).await;
    check(format!("@cert-authority {name} {key}"), false).await;
    check(format!("nonsense\n{name} ssh-unheard-of AAAA\n{line}"), true).await;
    check(format!("{line}@revoked * {key}"), false).await;

    let file = server.folder.path().join("known_hosts");
    fs::write(&file, &line).unwrap();
    let hashed = std::process::Command::new("ssh-keygen").arg("-Hf").arg(&file).output().unwrap();
    assert!(hashed.status.success());
    let lines = fs::read_to_string(&file).unwrap();
    assert!(lines.starts_with("|1|"), "{lines}");
    check(lines, true).await;
}

/// A key may be added while the server runs.
#[tokio::test]
async fn known_hosts_is_read_at_each_connection() {
    let Some(server) = sshd() else { return };
    let file = server.folder.path().join("known_hosts");
    fs::write(&file, "").unwrap();
    let mut settings = server.settings();
    settings.host_keys = HostKeys::new(Some(file.clone()), &[]).unwrap();
    let storage = SftpStorage::new(settings);
    storage.stat(&path("a")).await.unwrap_err();
    fs::write(&file, server.known_hosts_line("ed25519")).unwrap();
    assert_eq!(storage.stat(&path("a")).await.unwrap(), None);
}

#[test]
fn what_is_no_key_is_named() {
    let error = HostKeys::new(None, &["SHA256:short".into()]).unwrap_err();
    assert!(error.contains("\"SHA256:short\" is not a host key"), "{error}");
}
