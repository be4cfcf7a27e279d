//! Deployed versions, parsed once. A version never changes, so an entry is right for as long as it is kept.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;
use tailer_model::{Configuration, parse_configuration};
use tailer_store::{ConfigurationKey, Tx, configurations};

use crate::{EngineError, catalog::footprint::Footprint};

/// More versions than this are not kept. Well above the configurations of a large house: those who look for due ticks go through all
/// of them each time, and one too many would have all of them parsed again each time.
const KEPT: usize = 32_768;

/// A deployed version: its typed configuration and the files that came with it.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) configuration: Configuration,
    files: BTreeMap<String, Vec<u8>>,
    footprint: OnceLock<Footprint>,
}

impl Loaded {
    pub(crate) fn new(configuration: Configuration, files: BTreeMap<String, Vec<u8>>) -> Self {
        Self { configuration, files, footprint: OnceLock::new() }
    }

    pub(crate) fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// The tables that its tasks read and write: worked out when it is first asked for, which takes a moment for each of its
    /// files of SQL.
    pub(crate) fn footprint(&self) -> &Footprint {
        self.footprint.get_or_init(|| Footprint::of(self))
    }

    /// A file that the configuration names, as text.
    pub(crate) fn text(&self, name: &str) -> Result<&str, String> {
        let content =
            self.files.get(name).ok_or_else(|| format!("the file {name} was not deployed: deploy again with it"))?;
        std::str::from_utf8(content)
            .map_err(|e| format!("the file {name} is not UTF-8: the first bad byte is at offset {}", e.valid_up_to()))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<HashMap<(ConfigurationKey, u32), Arc<Loaded>>>);

impl Cache {
    /// The version, from memory or through `tx`.
    ///
    /// # Errors
    /// What the store says, and a version that is missing or cannot be parsed any more.
    pub(crate) fn load(
        &self,
        tx: &mut Tx<'_>,
        key: ConfigurationKey,
        version: u32,
    ) -> Result<Arc<Loaded>, EngineError> {
        if let Some(loaded) = self.0.lock().get(&(key, version)) {
            return Ok(loaded.clone());
        }
        let row = configurations::version(tx, key, version)?
            .ok_or_else(|| EngineError::Internal(format!("version {version} of configuration {} is missing", key.0)))?;
        let (configuration, problems) = parse_configuration(&row.document);
        let configuration = configuration.ok_or_else(|| {
            let first = problems.errors.first().map(|p| format!("{}: {}", p.path, p.message)).unwrap_or_default();
            EngineError::Internal(format!(
                "version {version} of configuration {} was accepted by an earlier tailerd and is not valid any more \
                 ({first}): deploy it again",
                key.0
            ))
        })?;
        let loaded = Arc::new(Loaded::new(configuration, row.files));
        let mut kept = self.0.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert((key, version), loaded.clone());
        Ok(loaded)
    }
}
