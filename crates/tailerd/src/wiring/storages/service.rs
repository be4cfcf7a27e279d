//! The real services: from settings and credentials to a client.

use std::sync::Arc;

use tailer_engine::EngineError;
use tailer_model::operation::storage_to_storage::{StorageAddress, StorageKind};
use tailer_storage::{
    AzureCredentials, AzureSettings, AzureStorage, GcsCredentials, GcsSettings, GcsStorage, Limits, S3Credentials,
    S3Settings, S3Storage, SftpStorage, Storage, StorageError,
    sftp::{SftpCredentials, SftpSettings},
};

use super::credentials::Credentials;
use crate::settings::storage::Service;

/// Opens secrets, and sends nothing yet.
pub(super) fn open(
    address: &StorageAddress,
    service: &Service,
    credentials: &Credentials<'_>,
) -> Result<Arc<dyn Storage>, EngineError> {
    let bucket = service.bucket.as_ref().unwrap_or(&address.bucket);
    Ok(match address.kind {
        StorageKind::Gcs => {
            let mut settings = GcsSettings::new(bucket);
            settings.display = format!("gs://{}", address.bucket);
            settings.endpoint.clone_from(&service.endpoint);
            settings.limits = limits(service);
            settings.credentials = match credentials.either("credentials", "gcp_credentials_secret")? {
                Some(key) if !service.anonymous => GcsCredentials::ServiceAccount(key),
                _ if service.anonymous => GcsCredentials::Anonymous,
                _ => GcsCredentials::ApplicationDefault,
            };
            Arc::new(GcsStorage::open(settings).map_err(unusable)?)
        }
        StorageKind::S3 => {
            let mut settings = S3Settings::new(bucket);
            settings.display = format!("s3://{}", address.bucket);
            settings.endpoint.clone_from(&service.endpoint);
            settings.region = service.region.clone().or_else(|| credentials.plain("aws_region").map(str::to_owned));
            settings.path_style = service.path_style;
            settings.limits = limits(service);
            settings.credentials = s3_credentials(service, credentials)?;
            Arc::new(S3Storage::open(settings).map_err(unusable)?)
        }
        StorageKind::Azure => {
            let mut settings = AzureSettings::new(bucket, azure_credentials(service, credentials)?);
            settings.display = format!("azure://{}", address.bucket);
            settings.endpoint.clone_from(&service.endpoint);
            settings.limits = limits(service);
            Arc::new(AzureStorage::open(settings).map_err(unusable)?)
        }
        StorageKind::Sftp => Arc::new(SftpStorage::new(sftp_settings(address, service, credentials)?)),
    })
}

fn unusable(error: StorageError) -> EngineError {
    EngineError::Invalid { code: "invalid_storage", message: error.to_string() }
}

fn limits(service: &Service) -> Limits {
    let usual = Limits::default();
    Limits {
        connect: service.connect_timeout.unwrap_or(usual.connect),
        idle: service.timeout.unwrap_or(usual.idle),
        retries: service.retries.unwrap_or(usual.retries),
        ..usual
    }
}

fn s3_credentials(service: &Service, credentials: &Credentials<'_>) -> Result<S3Credentials, EngineError> {
    if let (Some(access_key), Some(secret_key)) = (&service.access_key, credentials.of_settings("secret_key")?) {
        let session_token = credentials.of_settings("session_token")?;
        return Ok(S3Credentials::Keys { access_key: access_key.clone(), secret_key, session_token });
    }
    match (credentials.plain("aws_access_key"), credentials.text_of_configuration("aws_access_key_secret")?) {
        (Some(access_key), Some(secret_key)) => {
            Ok(S3Credentials::Keys { access_key: access_key.to_owned(), secret_key, session_token: None })
        }
        (None, None) => Ok(S3Credentials::Environment),
        (Some(_), None) => Err(credentials.wrong("aws_access_key is given without aws_access_key_secret")),
        (None, Some(_)) => Err(credentials.wrong("aws_access_key_secret is given without aws_access_key")),
    }
}

fn azure_credentials(service: &Service, credentials: &Credentials<'_>) -> Result<AzureCredentials, EngineError> {
    match credentials.of_settings("connection_string")? {
        Some(text) => return Ok(AzureCredentials::ConnectionString(text)),
        None if service.account.is_some() => {}
        None => {
            if let Some(text) = credentials.text_of_configuration("azure_connection_string_secret")? {
                return Ok(AzureCredentials::ConnectionString(text));
            }
        }
    }
    service.account.clone().map(|account| AzureCredentials::Environment { account }).ok_or_else(|| {
        credentials.wrong(
            "nothing says which account: give azure_connection_string_secret in the configuration, or connection_string or \
             account in the server's settings",
        )
    })
}

fn sftp_settings(
    address: &StorageAddress,
    service: &Service,
    credentials: &Credentials<'_>,
) -> Result<SftpSettings, EngineError> {
    let user = service.user.as_deref().or_else(|| credentials.plain("sftp_userid")).ok_or_else(|| {
        credentials
            .wrong("nothing says which user: give sftp_userid in the configuration or user in the server's settings")
    })?;
    let proof = sftp_credentials(credentials)?;
    let mut settings = SftpSettings::new(address.bucket.clone(), user.to_owned(), proof, service.host_keys.clone());
    if let Some(port) = credentials.number("sftp_port").and_then(|port| u16::try_from(port).ok()) {
        settings.port = port;
    }
    if let Some((host, port)) = &service.address {
        settings.called = Some(std::mem::replace(&mut settings.host, host.clone()));
        settings.port = port.unwrap_or(settings.port);
    }
    // A leading slash in the configuration means the server's root.
    settings.start = if address.absolute { "/".to_owned() } else { String::new() };
    settings.connect = service.connect_timeout.unwrap_or(settings.connect);
    settings.timeout = service.timeout.unwrap_or(settings.timeout);
    settings.retries = service.retries.unwrap_or(settings.retries);
    Ok(settings)
}

/// Those of the settings, or else those of the configuration that its method asks for. With the method `PRIVATE_KEY` a
/// password is kept for servers that ask for both.
fn sftp_credentials(credentials: &Credentials<'_>) -> Result<SftpCredentials, EngineError> {
    let own = SftpCredentials {
        password: credentials.of_settings("password")?,
        private_key: credentials.of_settings("private_key")?,
        passphrase: credentials.of_settings("passphrase")?,
    };
    if own.password.is_some() || own.private_key.is_some() {
        return Ok(own);
    }
    let method = credentials.plain("sftp_authentication_method");
    let password = credentials.text_of_configuration("sftp_password_secret")?;
    let missing = |method: &str, name: &str| {
        credentials.wrong(&format!("sftp_authentication_method is {method}, but {name} is missing"))
    };
    if method == Some("USERNAME_PASSWORD") {
        if password.is_none() {
            return Err(missing("USERNAME_PASSWORD", "sftp_password_secret"));
        }
        return Ok(SftpCredentials { password, ..SftpCredentials::default() });
    }
    let private_key = credentials.text_of_configuration("sftp_private_key_secret")?;
    if method == Some("PRIVATE_KEY") && private_key.is_none() {
        return Err(missing("PRIVATE_KEY", "sftp_private_key_secret"));
    }
    let passphrase = credentials.text_of_configuration("sftp_private_key_passphrase_secret")?;
    Ok(SftpCredentials { password, private_key, passphrase })
}
