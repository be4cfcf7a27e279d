//! The retail example as it travels inside the binary: unpacked into the data folder, read like any other pipeline.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tailer_model::{AccountId, Environment, operation::Definition};

use crate::{
    configurations::{self, Candidate},
    data_folder::DataFolder,
    failure::{Context as _, Failure},
};

/// `(path inside the example, content)`, listed by `build.rs`.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/example.rs"));

/// A pipeline from a source bucket to an exported file.
#[derive(Debug)]
pub(super) struct Example {
    folder: PathBuf,
    pub(super) account: AccountId,
    pub(super) environment: Environment,
    /// In deployment order.
    pub(super) configurations: Vec<Candidate>,
    /// `drop-order.txt`: a line a wave, file names apart by spaces.
    pub(super) waves: Vec<Vec<String>>,
    /// Bucket and folder that the files are dropped into.
    pub(super) source: String,
    /// Bucket and folder that the export is written to.
    destination: String,
    /// Id of the exporting operation.
    export_id: String,
}

impl Example {
    /// Writes the example's files below `folder` and reads its configurations.
    pub(super) fn unpack(folder: &Path) -> Result<Self, Failure> {
        for (name, content) in FILES {
            let path = folder.join(name);
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent).context(format!("cannot create {}", parent.display()))?;
            fs::write(&path, content).context(format!("cannot write {}", path.display()))?;
        }
        Self::read(folder)
    }

    fn read(folder: &Path) -> Result<Self, Failure> {
        let configurations = configurations::gather(&[folder.to_owned()], None)?;
        let order = fs::read_to_string(folder.join("drop-order.txt")).context("the example has no drop-order.txt")?;
        let waves = order.lines().map(|wave| wave.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let mut header = None;
        let (mut source, mut destination, mut export_id) = (None, None, None);
        for candidate in &configurations {
            let Some(configuration) = candidate.configuration.as_ref().filter(|_| candidate.is_good()) else {
                let problems: Vec<_> = candidate.problems.errors.iter().map(|p| candidate.line_of(p)).collect();
                return Err(Failure::failed(format!("the example is broken:\n{}", problems.join("\n"))));
            };
            header = Some(&configuration.header);
            match &configuration.definition {
                Definition::StorageToStorage(operation) => {
                    source = Some(format!("{}/{}", operation.source.bucket, operation.source.prefix));
                }
                Definition::TableToStorage(operation) => {
                    export_id = Some(configuration.header.deployed_id());
                    destination = operation.exports.first().map(|e| format!("{}/{}", e.bucket, e.prefix));
                }
                _ => {}
            }
        }
        let incomplete = || Failure::failed("the example needs a storage-to-storage and a table-to-storage operation");
        let header = header.ok_or_else(incomplete)?;
        Ok(Self {
            folder: folder.to_owned(),
            account: header.account.clone(),
            environment: header.environment,
            waves: waves.filter(|wave| !wave.is_empty()).collect(),
            source: source.ok_or_else(incomplete)?,
            destination: destination.ok_or_else(incomplete)?,
            export_id: export_id.ok_or_else(incomplete)?,
            configurations,
        })
    }

    /// Puts one of the example's data files into the source bucket, whole from its first moment.
    pub(super) fn drop_file(&self, data: &DataFolder, name: &str) -> Result<(), Failure> {
        let doing = format!("cannot drop {name}");
        let bucket = data.buckets().join(&self.source);
        fs::create_dir_all(&bucket).context(&doing)?;
        fs::create_dir_all(data.scratch()).context(&doing)?;
        let draft = data.scratch().join(name);
        fs::copy(self.folder.join("data").join(name), &draft).context(&doing)?;
        fs::rename(&draft, bucket.join(name)).context(&doing)
    }

    /// The newest CSV file of the export's folder.
    pub(super) fn exported(&self, data: &DataFolder) -> Result<PathBuf, Failure> {
        let folder = data.buckets().join(&self.destination);
        let entries = fs::read_dir(&folder).context(format!("cannot read {}", folder.display()))?;
        let csv =
            entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "csv"));
        let newest = csv.max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok());
        newest.ok_or_else(|| {
            Failure::failed(format!("the export ended well, yet {} holds no CSV file", folder.display()))
        })
    }

    /// A command that asks a server for the export's last status.
    pub(super) fn curl(&self, url: &str, token: &str) -> String {
        format!(
            "curl --request POST --header \"content-type:application/json\" --header \"Authorization: Bearer {token}\" \
             --data '{{\"action\": \"get_last_status\", \"account\": \"{}\", \"environment\": \"{}\", \
             \"configuration_type\": \"table-to-storage\", \"configuration_id\": \"{}\"}}' \"{url}/v1/dag/status\"",
            self.account, self.environment, self.export_id
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let example = Example::unpack(folder.path()).unwrap();
        assert!(example.configurations.len() >= 5);
        assert!(!example.waves.is_empty());
        let data = DataFolder::open(&folder.path().join("data-folder")).unwrap();
        for name in example.waves.iter().flatten() {
            example.drop_file(&data, name).unwrap();
            assert!(data.buckets().join(&example.source).join(name).exists(), "{name}");
        }
    }
}
