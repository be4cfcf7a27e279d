//! Who asks Azure, and where the account is: connection strings, keys, shared access signatures, identities.

use std::{collections::BTreeMap, sync::Arc};

use object_store::{
    StaticCredentialProvider,
    azure::{AzureAccessKey, AzureCredential, AzureCredentialProvider, MicrosoftAzureBuilder, split_sas},
};
use reqwest::Url;
use tailer_model::Secret;

use super::super::{address, fault::Fault, settings::AzureCredentials, transport};

const SUFFIX: &str = "core.windows.net";

/// An account and its proof.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    /// Address of its blobs.
    pub(super) base: Url,
    pub(super) proof: Proof,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Proof {
    Key(Secret<String>),
    Sas(Secret<String>),
    /// What the environment offers.
    Environment,
}

impl Account {
    /// `endpoint` goes before what a connection string says.
    pub(super) fn of(credentials: AzureCredentials, endpoint: Option<&str>) -> Result<Self, Fault> {
        let (name, base, proof) = match credentials {
            AzureCredentials::ConnectionString(text) => parse(text.expose())?,
            AzureCredentials::AccountKey { account, key } => (account, None, Proof::Key(key)),
            AzureCredentials::Sas { account, token } => (account, None, Proof::Sas(token)),
            AzureCredentials::Environment { account } => (account, None, Proof::Environment),
        };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Fault::Denied("an Azure account has a name of letters and digits".to_owned()));
        }
        let usual = || format!("https://{name}.blob.{SUFFIX}");
        let base = address::endpoint(&endpoint.map(str::to_owned).or(base).unwrap_or_else(usual))?;
        Ok(Self { name, base, proof })
    }

    pub(super) fn provider(&self, container: &str) -> Result<AzureCredentialProvider, Fault> {
        let fixed = |credential| Ok(Arc::new(StaticCredentialProvider::new(credential)) as _);
        match &self.proof {
            Proof::Key(key) => {
                let key = AzureAccessKey::try_new(key.expose().trim())
                    .map_err(|_| Fault::Denied("the account's key is not base64".to_owned()))?;
                fixed(AzureCredential::AccessKey(key))
            }
            Proof::Sas(token) => match split_sas(token.expose().trim()) {
                Ok(pairs) if pairs.iter().any(|(name, _)| name == "sig") => fixed(AzureCredential::SASToken(pairs)),
                _ => Err(Fault::Denied("the shared access signature is none: it has no \"sig\"".to_owned())),
            },
            Proof::Environment => {
                transport::install_tls();
                let built = MicrosoftAzureBuilder::from_env()
                    .with_account(&self.name)
                    .with_container_name(container)
                    .with_retry(transport::credential_retries())
                    .build();
                built.map(|store| Arc::clone(store.credentials())).map_err(|error| no_credentials(&error))
            }
        }
    }
}

pub(super) fn no_credentials(error: &object_store::Error) -> Fault {
    let cause = transport::innermost(error);
    Fault::Denied(format!(
        "the environment has no credentials for Azure ({cause}): give a connection string, set AZURE_CLIENT_ID and its kin, or \
         give the machine an identity"
    ))
}

/// A connection string: pairs of `Name=value`, separated by semicolons.
fn parse(text: &str) -> Result<(String, Option<String>, Proof), Fault> {
    let denied = |what: &str| Fault::Denied(format!("the connection string {what}"));
    let pairs: BTreeMap<String, &str> = text
        .trim()
        .split(';')
        .filter(|pair| !pair.trim().is_empty())
        .map(|pair| pair.split_once('=').map(|(name, value)| (name.trim().to_lowercase(), value.trim())))
        .collect::<Option<_>>()
        .ok_or_else(|| denied("is none: write Name=value pairs separated by semicolons"))?;
    let value = |name: &str| pairs.get(name).copied().filter(|value| !value.is_empty());
    if value("usedevelopmentstorage").is_some() {
        return Err(denied("asks for an emulator: write out its AccountName, AccountKey and BlobEndpoint"));
    }
    let endpoint = value("blobendpoint").map(str::to_owned);
    let name = value("accountname").map(str::to_owned).or_else(|| endpoint.as_deref().and_then(account_in));
    let name = name.ok_or_else(|| denied("has no AccountName"))?;
    let proof = match (value("accountkey"), value("sharedaccesssignature")) {
        (Some(key), _) => Proof::Key(Secret::new(key.to_owned())),
        (None, Some(sas)) => Proof::Sas(Secret::new(sas.to_owned())),
        (None, None) => return Err(denied("has neither AccountKey nor SharedAccessSignature")),
    };
    // Always over TLS unless an address says otherwise.
    let base = endpoint.or_else(|| value("endpointsuffix").map(|suffix| format!("https://{name}.blob.{suffix}")));
    Ok((name, base, proof))
}

/// `https://account.blob.core.windows.net`, or the path of an emulator's address.
fn account_in(endpoint: &str) -> Option<String> {
    let url = Url::parse(endpoint).ok()?;
    let in_path = url.path().trim_matches('/');
    let name = if in_path.is_empty() { url.host_str()?.split('.').next()? } else { in_path };
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(text: &str, endpoint: Option<&str>) -> Result<Account, Fault> {
        Account::of(AzureCredentials::ConnectionString(Secret::new(text.to_owned())), endpoint)
    }

    #[test]
    fn connection_strings_name_account_and_address() {
        let check = |text: &str, endpoint: Option<&str>, name: &str, base: &str| {
            let account = account(text, endpoint).unwrap();
            assert_eq!((account.name.as_str(), account.base.as_str().trim_end_matches('/')), (name, base), "{text}");
            account.provider("c").unwrap();
        };
        let portal = "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=a2V5;EndpointSuffix=core.windows.net";
        check(portal, None, "acme", "https://acme.blob.core.windows.net");
        check(portal, Some("http://127.0.0.1:1/acme"), "acme", "http://127.0.0.1:1/acme");
        check("AccountName=acme;AccountKey=a2V5", None, "acme", "https://acme.blob.core.windows.net");
        check(
            "AccountName=acme;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:10000/acme;",
            None,
            "acme",
            "http://127.0.0.1:10000/acme",
        );
        check(
            "BlobEndpoint=https://acme.blob.core.windows.net/;SharedAccessSignature=sv=2024&sig=c%3D",
            None,
            "acme",
            "https://acme.blob.core.windows.net",
        );
        check(
            "BlobEndpoint=http://127.0.0.1:1/acme;SharedAccessSignature=?sig=c",
            None,
            "acme",
            "http://127.0.0.1:1/acme",
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        let check = |text: &str, expect: &str| {
            let opened = account(text, None).and_then(|account| account.provider("c").map(drop));
            let fault = opened.unwrap_err().told("azure://c".to_owned());
            assert!(matches!(fault, crate::StorageError::Denied { .. }), "{fault}");
            let text = fault.to_string();
            assert!(text.contains(expect) && !text.contains("hunter2"), "{text}");
        };
        check("hunter2", "write Name=value pairs");
        check("AccountKey=hunter2", "has no AccountName");
        check("AccountName=acme", "neither AccountKey nor SharedAccessSignature");
        check("AccountName=acme;AccountKey=hunter2!", "is not base64");
        check("AccountName=a/c;AccountKey=hunter2", "letters and digits");
        check("AccountName=acme;SharedAccessSignature=hunter2", "is none");
        check("UseDevelopmentStorage=true", "asks for an emulator");
    }
}
