//! Who is not let in, and what is not there.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tailer_model::Secret;
use tailer_storage::{
    AzureCredentials, AzureSettings, AzureStorage, Depth, GcsCredentials, GcsSettings, GcsStorage, Storage as _,
    StorageError,
};

use crate::{
    service::{self, Fixture, Service, write},
    suite::{get, names, path, put},
};

pub(crate) async fn wrong_credentials_are_denied(fixture: Fixture) {
    let wrong = match &fixture.service {
        Service::S3(_) => "hunter2".to_owned(),
        // Another key of the right form.
        Service::Azure(azure) => azure.connection_string.replace(&azure.key, "aHVudGVyMg=="),
        // The emulator lets in everybody.
        Service::Gcs(_) => return,
    };
    let storage = Fixture { credential: Some(wrong), ..fixture.clone() }.storage();
    let errors = [
        storage.stat(&path("a")).await.map(drop).unwrap_err(),
        storage.list(&path(""), Depth::Below).await.map(drop).unwrap_err(),
        storage.read(&path("a")).await.map(drop).unwrap_err(),
        write(&*storage, "a", b"text").await.map(drop).unwrap_err(),
        storage.delete(&path("a")).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StorageError::Denied { .. }), "{error:?}");
        let text = format!("{error:?} {storage:?}");
        assert!(text.contains("403") && text.contains("check the credentials"), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
    }
}

pub(crate) async fn a_missing_bucket_is_named(fixture: Fixture) {
    let bucket = format!("{}-not", fixture.bucket);
    let storage = Fixture { bucket, ..fixture.clone() }.storage();
    let errors = [
        storage.stat(&path("a")).await.map(drop).unwrap_err(),
        storage.list(&path("in"), Depth::Folder).await.map(drop).unwrap_err(),
        storage.read(&path("a")).await.map(drop).unwrap_err(),
        write(&*storage, "a", b"text").await.map(drop).unwrap_err(),
        write(&*storage, "a", &crate::service::large(6_000_000)).await.map(drop).unwrap_err(),
        storage.copy(&path("a"), &path("b")).await.map(drop).unwrap_err(),
        storage.delete(&path("a")).await.unwrap_err(),
    ];
    for (number, error) in errors.iter().enumerate() {
        assert!(matches!(error, StorageError::Denied { .. }), "{number}: {error:?}");
        assert!(error.to_string().contains("no such bucket or container"), "{number}: {error}");
    }
}

/// Objects of a bucket that exists are still only that.
pub(crate) async fn an_object_needs_a_name(fixture: Fixture) {
    let storage = fixture.storage();
    put(&*storage, "a", "text").await;
    assert_eq!(storage.stat(&path("")).await.unwrap(), None);
    let errors = [
        storage.read(&path("")).await.map(drop).unwrap_err(),
        write(&*storage, "", b"text").await.map(drop).unwrap_err(),
        storage.copy(&path("a"), &path("")).await.map(drop).unwrap_err(),
        storage.copy(&path(""), &path("a")).await.map(drop).unwrap_err(),
        storage.delete(&path("")).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StorageError::Refused { .. }), "{error:?}");
    }
}

/// What the emulator does not ask for: a token signed with the service account's key, and no word of the key in any error.
#[tokio::test]
async fn a_service_account_signs_its_requests() {
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let pem = rsa::pkcs8::EncodePrivateKey::to_pkcs8_pem(&key, rsa::pkcs8::LineEnding::LF).unwrap();
    let account = serde_json::json!({
        "type": "service_account", "private_key_id": "k1", "private_key": pem.as_str(),
        "client_email": "tests@example.com", "client_id": "1",
    });
    let (endpoint, heard) = crate::proxy::refuse_one().await;
    let settings = |document: String| GcsSettings {
        endpoint: Some(endpoint.clone()),
        credentials: GcsCredentials::ServiceAccount(Secret::new(document)),
        ..GcsSettings::new("bucket")
    };
    let storage = GcsStorage::open(settings(account.to_string())).unwrap();
    let error = storage.stat(&path("a")).await.unwrap_err();
    assert!(matches!(error, StorageError::Denied { .. }), "{error:?}");
    let request = heard.await.unwrap().to_lowercase();
    assert!(request.starts_with("get /storage/v1/b/bucket/o/a?fields="), "{request}");
    assert!(request.contains("authorization: bearer ey"), "{request}");

    let broken = account.to_string().replace("client_email", "email");
    let error = GcsStorage::open(settings(broken)).unwrap_err();
    assert!(matches!(error, StorageError::Denied { .. }), "{error:?}");
    assert!(!format!("{error:?} {storage:?}").contains("PRIVATE"), "{error:?} {storage:?}");
}

/// Reads, writes, lists and copies for whoever has the token, and nobody who has not quite that.
#[tokio::test]
async fn a_shared_access_signature_lets_in() {
    let Some(fixture) = service::azure() else { return };
    let Service::Azure(azure) = &fixture.service else { panic!("another service") };
    let until = "2099-01-01T00:00:00Z";
    let signed = format!("{}\nrwdlac\nb\nsco\n\n{until}\n\nhttps,http\n2021-06-08\n\n", azure.account);
    let key = STANDARD.decode(&azure.key).unwrap();
    let sum = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key), signed.as_bytes());
    let sum = STANDARD.encode(sum).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let token = format!("?sv=2021-06-08&ss=b&srt=sco&sp=rwdlac&se={until}&spr=https,http&sig={sum}");
    let open = |token: &str| {
        let credentials =
            AzureCredentials::Sas { account: azure.account.clone(), token: Secret::new(token.to_owned()) };
        let endpoint = Some(format!("http://{}/{}", fixture.address(), azure.account));
        let settings = AzureSettings::new(&fixture.bucket, credentials);
        AzureStorage::open(AzureSettings { endpoint, limits: fixture.limits.clone(), ..settings }).unwrap()
    };
    let storage = open(&token);
    put(&storage, "a b+é", "text").await;
    storage.copy(&path("a b+é"), &path("c")).await.unwrap();
    assert_eq!(get(&storage, "c").await, "text");
    assert_eq!(names(&storage, "").await, ["a b+é", "c"]);

    let error = open(&token.replace("sp=rwdlac", "sp=rwdlacx")).stat(&path("c")).await.unwrap_err();
    assert!(matches!(error, StorageError::Denied { .. }), "{error:?}");
    assert!(!format!("{error:?} {storage:?}").contains(&sum), "{error:?} {storage:?}");
}
