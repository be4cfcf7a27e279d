//! What opens, what does not and what is said about it; and PyCryptodome on the other side.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command, sync::OnceLock};

use serde_json::{Value, json};
use tailer_model::Secret;

use super::{Envelope, KeyFolder, SecretError, SecretOpener, opener::SecretRules, public_key_from_pem};

/// A data folder with a key pair. Making keys takes its time, so that all tests copy the same two.
struct House {
    folder: tempfile::TempDir,
    keys: KeyFolder,
}

fn pairs() -> &'static [tempfile::TempDir; 2] {
    static PAIRS: OnceLock<[tempfile::TempDir; 2]> = OnceLock::new();
    PAIRS.get_or_init(|| {
        [(); 2].map(|()| {
            let folder = temporary();
            KeyFolder::new(folder.path().to_owned()).generate(false).unwrap();
            folder
        })
    })
}

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

impl House {
    fn new(pair: usize) -> Self {
        let folder = temporary();
        let keys = folder.path().join("keys");
        fs::create_dir_all(&keys).unwrap();
        for file in fs::read_dir(pairs()[pair].path()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), keys.join(file.file_name())).unwrap();
        }
        Self { folder, keys: KeyFolder::new(keys) }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn opener(&self) -> SecretOpener {
        let rules = SecretRules { variables: ["CARGO_PKG_NAME".to_owned()].into(), files: self.path("secrets") };
        SecretOpener::new(self.keys.clone(), rules)
    }

    fn seal(&self, message: &[u8]) -> Value {
        json!(Envelope::seal(message, &self.keys.public_key().unwrap()).unwrap())
    }

    fn opened(&self, secret: &Value) -> Vec<u8> {
        self.opener().open(secret).unwrap_or_else(|e| panic!("{e}")).expose().clone()
    }

    #[track_caller]
    fn refused(&self, secret: &Value, expect: &str) {
        let error = self.opener().open(secret).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn what_is_sealed_opens_and_never_looks_the_same() {
    let house = House::new(0);
    for message in [&b"hunter2"[..], b"\0\xff", "clé".as_bytes(), &[7; 100_000]] {
        let (one, two) = (house.seal(message), house.seal(message));
        assert_ne!(one, two);
        assert_eq!((house.opened(&one), house.opened(&two)), (message.to_vec(), message.to_vec()));
    }
    let lengths = |secret: &Value| -> Vec<(String, usize)> {
        secret.as_object().unwrap().iter().map(|(name, hex)| (name.clone(), hex.as_str().unwrap().len())).collect()
    };
    let expect =
        [("cipher_aes", 32), ("tag", 32), ("ciphertext", 24), ("enc_session_key", 512)].map(|(n, l)| (n.to_owned(), l));
    assert_eq!(lengths(&house.seal(b"hunter2")), expect, "12 characters of base64");
}

#[test]
fn a_line_end_at_the_end_is_not_part_of_it() {
    let house = House::new(0);
    for (message, expect) in [("pw\n", "pw"), ("pw\r\n", "pw"), ("pw\n\n", "pw\n"), ("pw ", "pw "), ("\n", "")] {
        assert_eq!(house.opened(&house.seal(message.as_bytes())), expect.as_bytes(), "{message:?}");
    }
    assert_eq!(house.opened(&json!("plain\n")), b"plain\n");
}

#[test]
fn what_was_changed_does_not_open() {
    let house = House::new(0);
    let good = house.seal(b"hunter2");
    let damaged = |part: &str| {
        let mut secret = good.clone();
        let hex = secret[part].as_str().unwrap().to_owned();
        let other = if hex.starts_with('0') { "1" } else { "0" };
        secret[part] = json!(format!("{other}{}", &hex[1..]));
        secret
    };
    for part in ["cipher_aes", "tag", "ciphertext"] {
        house.refused(&damaged(part), "does not fit its tag");
    }
    house.refused(&damaged("enc_session_key"), "none of the private keys");
    house.refused(&House::new(1).seal(b"hunter2"), "for another server");
    let with = |part: &str, value: Value| {
        let mut secret = good.clone();
        secret[part] = value;
        secret
    };
    house.refused(&with("tag", json!("8dhunter2")), "\"tag\" is not hexadecimal");
    house.refused(&with("tag", json!("00")), "\"tag\" has 1 bytes, not 16");
    house.refused(&with("cipher_aes", json!(7)), "\"cipher_aes\" is not text");
    house.refused(&json!({"tag": "00"}), "\"cipher_aes\" is missing");
    for other in [json!(5), json!(null), json!(["hunter2"]), json!({"env": "A", "x": "hunter2"}), json!({"file": 7})] {
        house.refused(&other, "not a secret");
    }
}

#[test]
fn configurations_reach_only_what_is_meant_for_them() {
    let house = House::new(0);
    fs::create_dir_all(house.path("secrets/deep")).unwrap();
    fs::write(house.path("secrets/deep/pw"), "hunter2\n").unwrap();
    fs::write(house.path("secrets/large"), vec![b'x'; 2 << 20]).unwrap();
    fs::write(house.path("outside"), "hunter2").unwrap();
    assert_eq!(house.opened(&json!({"file": "deep/pw"})), b"hunter2");
    assert_eq!(house.opened(&json!({"file": house.path("secrets/deep/pw")})), b"hunter2");
    for path in
        ["../outside", "/etc/passwd", "", "deep/../../outside", "/", ".", house.path("outside").to_str().unwrap()]
    {
        let expect = if path.is_empty() { "not a secret" } else { "secrets.files" };
        house.refused(&json!({"file": path}), expect);
    }
    house.refused(&json!({"file": "missing"}), "cannot read the secret file");
    house.refused(&json!({"file": "deep"}), "not a regular file");
    house.refused(&json!({"file": "large"}), "larger than 1024 KiB");

    // Cargo sets these for every test.
    assert_eq!(house.opened(&json!({"env": "CARGO_PKG_NAME"})), b"tailerd");
    house.refused(&json!({"env": "CARGO_PKG_VERSION"}), "secrets.env");
    house.refused(&json!({"env": "TAILERD_SECRET_THAT_NOBODY_SET"}), "no variable TAILERD_SECRET_THAT_NOBODY_SET");
    house.refused(&json!({"env": "TAILERD_SECRET_=\0"}), "no variable");

    let setting = |value: &Value| house.opener().open_setting(value).unwrap().expose().clone();
    assert_eq!(setting(&json!({"env": "CARGO_PKG_NAME"})), b"tailerd");
    assert_eq!(setting(&json!({"file": house.path("outside")})), b"hunter2");
}

#[test]
fn rotation_keeps_what_was_encrypted_before() {
    let house = House::new(0);
    let before = house.seal(b"hunter2");
    let refused = house.keys.generate(false).unwrap_err();
    assert!(matches!(refused, SecretError::Exists(_)), "{refused}");
    assert_eq!(house.opened(&before), b"hunter2");

    let made = house.keys.generate(true).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&made.private_key), mode(made.former.as_ref().unwrap())), (0o600, 0o600));
    assert_eq!(fs::read_dir(house.keys.path()).unwrap().count(), 3, "no drafts left");
    let after = house.seal(b"hunter3");
    assert_eq!((house.opened(&before), house.opened(&after)), (b"hunter2".to_vec(), b"hunter3".to_vec()));
    fs::remove_file(made.former.unwrap()).unwrap();
    house.refused(&before, "for another server");
    fs::remove_file(&made.public_key).unwrap();
    assert_eq!(house.opened(&house.seal(b"x")), b"x", "the private key knows the public one");
    fs::remove_file(&made.private_key).unwrap();
    house.refused(&after, "tailerd keys generate");
}

#[test]
fn what_is_no_key_is_named() {
    let house = House::new(0);
    let sealed = house.seal(b"x");
    fs::write(house.path("keys/secrets-private.old.pem"), "nonsense hunter2").unwrap();
    house.refused(&sealed, "secrets-private.old.pem: expected an RSA private key");
    let private = fs::read_to_string(house.path("keys/secrets-private.pem")).unwrap();
    let error = public_key_from_pem(&private, Path::new("k.pem")).unwrap_err().to_string();
    assert!(error.contains("k.pem: this is a private key") && !error.contains("BEGIN PRIVATE"), "{error}");
}

/// What the other side does: opens what it is given, seals two messages, one of them with its own kind of PEM key.
const PYCRYPTODOME: &str = r#"
import base64, json, sys
from Crypto.Cipher import AES, PKCS1_OAEP
from Crypto.PublicKey import RSA
from Crypto.Random import get_random_bytes

def seal(message, key):
    session_key = get_random_bytes(16)
    cipher = AES.new(session_key, AES.MODE_EAX)
    ciphertext, tag = cipher.encrypt_and_digest(base64.b64encode(message))
    return {"cipher_aes": cipher.nonce.hex(), "tag": tag.hex(), "ciphertext": ciphertext.hex(),
            "enc_session_key": PKCS1_OAEP.new(key).encrypt(session_key).hex()}

def unseal(secret, key):
    part = lambda name: bytes.fromhex(secret[name])
    session_key = PKCS1_OAEP.new(key).decrypt(part("enc_session_key"))
    cipher = AES.new(session_key, AES.MODE_EAX, part("cipher_aes"))
    return base64.b64decode(cipher.decrypt_and_verify(part("ciphertext"), part("tag")))

keys = sys.argv[1]
private = RSA.import_key(open(keys + "/secrets-private.pem").read())
public = RSA.import_key(open(keys + "/secrets-public.pem").read())
assert private.size_in_bits() == 2048
given = json.load(sys.stdin)
own = RSA.generate(2048)
print(json.dumps({
    "opened": unseal(given, private).hex(),
    "sealed": seal(b"from Python \x00\xff", public),
    "sealed_for_own": seal(b"for its own key", own),
    "own": own.export_key().decode(),
}))
"#;

#[test]
fn pycryptodome_opens_ours_and_we_open_its() {
    let works = Command::new("python3").args(["-c", "import Crypto.Cipher.AES"]).output();
    if !works.is_ok_and(|output| output.status.success()) {
        assert!(
            std::env::var_os("TAILERD_TEST_ALL").is_none(),
            "with TAILERD_TEST_ALL nothing is skipped: python3 has no pycryptodome"
        );
        return;
    }
    let house = House::new(0);
    let input = house.path("secret.json");
    fs::write(&input, house.seal(b"from Rust \x00\xff").to_string()).unwrap();
    let output = Command::new("python3")
        .args(["-c", PYCRYPTODOME, house.keys.path().to_str().unwrap()])
        .stdin(fs::File::open(&input).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["opened"], json!(super::envelope::to_hex(b"from Rust \x00\xff")));
    assert_eq!(house.opened(&answer["sealed"]), b"from Python \x00\xff");
    // PKCS#1 PEM ("BEGIN RSA PRIVATE KEY"), as PyCryptodome writes it.
    fs::write(house.path("keys/secrets-private.theirs.pem"), answer["own"].as_str().unwrap()).unwrap();
    assert_eq!(house.opened(&answer["sealed_for_own"]), b"for its own key");
}

#[test]
fn opened_secrets_do_not_print() {
    let house = House::new(0);
    let opened: Secret<Vec<u8>> = house.opener().open(&house.seal(b"hunter2")).unwrap();
    assert_eq!(format!("{opened:?}"), "***");
    assert!(!format!("{:?}", house.opener()).contains("PRIVATE"));
}
