//! OpenSSH's server, one process a connection (`sshd -i`) behind a port of ours: no port can be taken by somebody else, and a
//! connection can be cut, or the whole server be down for a while.
//!
//! The user who runs the test logs in with a key. Passwords need an account of the machine: see `TAILERD_TEST_SFTP` in the
//! tests.

use std::{
    fs,
    net::{Shutdown, TcpListener, TcpStream},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tailer_model::Secret;
use tailer_storage::{
    SftpStorage,
    sftp::{HostKeys, SftpCredentials, SftpSettings},
};

const SSHD: &str = "/usr/sbin/sshd";

/// A server with a folder of its own. Its connections end with it.
pub(crate) struct Sshd {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    connections: Mutex<Vec<TcpStream>>,
    accepted: AtomicUsize,
    down: AtomicBool,
    ended: AtomicBool,
}

/// Starts a server, or says why the test is skipped. On CI nothing is skipped.
#[expect(clippy::print_stderr, reason = "whoever runs tests by hand is told what was not tried")]
pub(crate) fn sshd() -> Option<Sshd> {
    if !Path::new(SSHD).exists() {
        assert!(std::env::var_os("TAILERD_TEST_ALL").is_none(), "{SSHD} is missing: install openssh-server");
        eprintln!("skipped: {SSHD} is missing");
        return None;
    }
    Some(Sshd::start(&["ed25519"], ""))
}

impl Sshd {
    /// `host_keys`: their kinds. `config`: further lines of `sshd_config`.
    pub(crate) fn start(host_keys: &[&str], config: &str) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let at = |name: &str| folder.path().join(name);
        let shown = folder.path().display();
        let mut text = String::new();
        for kind in host_keys {
            key_pair(&at(&format!("host_{kind}")), &["-t", kind], "");
            text += &format!("HostKey {shown}/host_{kind}\n");
        }
        key_pair(&at("user"), &["-t", "ed25519"], "");
        fs::copy(at("user.pub"), at("authorized_keys")).unwrap();
        fs::create_dir(at("files")).unwrap();
        // Only root's server changes to this empty folder; only root can make it.
        let _ = fs::create_dir_all("/run/sshd");
        text += &format!(
            "AuthorizedKeysFile {shown}/authorized_keys\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n\
             Subsystem sftp internal-sftp -d {shown}/files\nLogLevel ERROR\n{config}\n"
        );
        fs::write(at("sshd_config"), text).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<State>::default();
        std::thread::spawn({
            let (state, config) = (Arc::clone(&state), at("sshd_config"));
            move || serve(&listener, &state, &config)
        });
        Self { folder, port, state }
    }

    /// The folder in which users arrive.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    pub(crate) fn storage(&self) -> Arc<dyn tailer_storage::Storage> {
        Arc::new(SftpStorage::new(self.settings()))
    }

    /// For the user who runs the test, with the key that is authorized and the host key that is right.
    pub(crate) fn settings(&self) -> SftpSettings {
        let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
        let credentials = SftpCredentials { private_key: Some(self.secret("user")), ..SftpCredentials::default() };
        let keys = HostKeys::new(None, &[self.fingerprint("ed25519")]).unwrap();
        SftpSettings {
            port: self.port,
            ..SftpSettings::new("127.0.0.1".into(), user.trim().to_owned(), credentials, keys)
        }
    }

    /// A file of the server's folder as a secret.
    pub(crate) fn secret(&self, name: &str) -> Secret<String> {
        Secret::new(fs::read_to_string(self.folder.path().join(name)).unwrap())
    }

    /// Of the host key of a kind, as `ssh-keygen -l` prints it.
    pub(crate) fn fingerprint(&self, kind: &str) -> String {
        let file = self.folder.path().join(format!("host_{kind}.pub"));
        let printed = Command::new("ssh-keygen").arg("-lf").arg(file).output().unwrap().stdout;
        String::from_utf8(printed).unwrap().split(' ').nth(1).unwrap().to_owned()
    }

    /// A line for `known_hosts`.
    pub(crate) fn known_hosts_line(&self, kind: &str) -> String {
        let key = fs::read_to_string(self.folder.path().join(format!("host_{kind}.pub"))).unwrap();
        format!("[127.0.0.1]:{} {key}", self.port)
    }

    /// Makes a key that the server lets in.
    pub(crate) fn authorize(&self, name: &str, options: &[&str], passphrase: &str) {
        let file = self.folder.path().join(name);
        key_pair(&file, options, passphrase);
        let mut keys = fs::read_to_string(self.folder.path().join("authorized_keys")).unwrap();
        keys += &fs::read_to_string(file.with_extension("pub")).unwrap();
        fs::write(self.folder.path().join("authorized_keys"), keys).unwrap();
    }

    /// How many connections there have been.
    pub(crate) fn accepted(&self) -> usize {
        self.state.accepted.load(Ordering::SeqCst)
    }

    /// Connections that the other side has not ended.
    pub(crate) fn connected(&self) -> usize {
        let connections = self.state.connections.lock().unwrap();
        connections.iter().filter(|connection| !has_ended(connection)).count()
    }

    /// Cuts every connection.
    pub(crate) fn cut(&self) {
        for connection in self.state.connections.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// While down, new connections are cut at once.
    pub(crate) fn set_down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
        if down {
            self.cut();
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        self.cut();
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(listener: &TcpListener, state: &State, config: &Path) {
    for connection in listener.incoming() {
        let connection = connection.unwrap();
        if state.ended.load(Ordering::SeqCst) {
            return;
        }
        state.accepted.fetch_add(1, Ordering::SeqCst);
        if state.down.load(Ordering::SeqCst) {
            continue;
        }
        let copy = |of: &TcpStream| Stdio::from(OwnedFd::from(of.try_clone().unwrap()));
        let mut server = Command::new(SSHD)
            .args(["-i", "-e", "-f"])
            .arg(config)
            .stdin(copy(&connection))
            .stdout(copy(&connection))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        state.connections.lock().unwrap().push(connection);
        std::thread::spawn(move || server.wait());
    }
}

fn has_ended(connection: &TcpStream) -> bool {
    connection.set_nonblocking(true).unwrap();
    matches!(connection.peek(&mut [0]), Ok(0)) || connection.take_error().is_ok_and(|error| error.is_some())
}

/// Makes a key pair, `<file>` and `<file>.pub`.
pub(crate) fn key_pair(file: &Path, options: &[&str], passphrase: &str) {
    let made = Command::new("ssh-keygen").args(["-q", "-N", passphrase]).args(options).arg("-f").arg(file).status();
    assert!(made.unwrap().success(), "ssh-keygen {options:?}");
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
