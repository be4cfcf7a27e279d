//! The credentials for a bucket: those of the settings if there are any, else those of the configuration.
//!
//! They stay closed until they are used, and their fingerprint is of the closed form, so that looking for a client that
//! is open already opens nothing. A file is the exception: it may be another one next time.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tailer_engine::EngineError;
use tailer_model::{Secret, operation::storage_to_storage::StorageAddress};

use crate::{
    secrets::{SecretError, SecretOpener},
    settings::storage::Service,
};

/// See the module.
#[derive(Debug)]
pub(super) struct Credentials<'a> {
    address: &'a StorageAddress,
    service: &'a Service,
    secrets: &'a SecretOpener,
}

impl<'a> Credentials<'a> {
    pub(super) fn new(address: &'a StorageAddress, service: &'a Service, secrets: &'a SecretOpener) -> Self {
        Self { address, service, secrets }
    }

    /// The same for the same credentials.
    pub(super) fn fingerprint(&self) -> Result<Vec<u8>, EngineError> {
        let mut digest = Sha256::new();
        for (name, value) in &self.address.credentials {
            digest.update(name);
            digest.update([0]);
            if value.get("file").is_some() {
                digest.update(self.of_configuration(name)?.map_or_else(Vec::new, |secret| secret.expose().clone()));
            }
            digest.update(value.to_string());
            digest.update([0]);
        }
        Ok(digest.finalize().to_vec())
    }

    /// A secret of the settings.
    pub(super) fn of_settings(&self, key: &str) -> Result<Option<Secret<String>>, EngineError> {
        let Some(value) = self.service.secret(key) else { return Ok(None) };
        let failed = |why: &dyn std::fmt::Display| self.wrong(&format!("the setting {key}: {why}"));
        let opened = self.secrets.open_setting(value).map_err(|error| failed(&error))?;
        opened.to_text().map(Some).ok_or_else(|| failed(&"the secret is not UTF-8 text"))
    }

    /// A secret parameter of the configuration, as text.
    pub(super) fn text_of_configuration(&self, name: &str) -> Result<Option<Secret<String>>, EngineError> {
        let Some(opened) = self.of_configuration(name)? else { return Ok(None) };
        opened.to_text().map(Some).ok_or_else(|| self.wrong(&format!("{name}: the secret is not UTF-8 text")))
    }

    /// The one of the settings, else that of the configuration.
    pub(super) fn either(&self, key: &str, name: &str) -> Result<Option<Secret<String>>, EngineError> {
        match self.of_settings(key)? {
            Some(secret) => Ok(Some(secret)),
            None => self.text_of_configuration(name),
        }
    }

    /// A parameter that is no secret.
    pub(super) fn plain(&self, name: &str) -> Option<&str> {
        self.address.credentials.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.address.credentials.get(name).and_then(Value::as_u64)
    }

    fn of_configuration(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, EngineError> {
        let Some(value) = self.address.credentials.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
        let opened = self.secrets.open(value);
        opened.map(Some).map_err(|error: SecretError| self.wrong(&format!("{name}: {error}")))
    }

    /// An error that names the storage.
    pub(super) fn wrong(&self, message: &str) -> EngineError {
        EngineError::Invalid {
            code: "invalid_credentials",
            message: format!("{} {}: {message}", self.address.kind, self.address.bucket),
        }
    }
}
