//! Configuration files on disk: finding them, reading the files they name, validating all before anything happens.
//!
//! Shared by `check`, `deploy` and `run`. Problems are values with their places; nothing here talks to a server.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tailer_model::{
    Configuration, ConfigurationType, Problem, Problems, configuration::check_files, parse_configuration,
};

use crate::failure::{Context as _, Failure};

/// How deep folders are searched: enough for any layout, and an end for links that run in circles.
const MAX_DEPTH: usize = 16;

/// A configuration file with everything that deploying it needs.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// As the person named it, or found below the folder they named.
    pub(crate) path: PathBuf,
    /// JSON text.
    pub(crate) text: String,
    /// `None` when it does not parse; then there are problems.
    pub(crate) configuration: Option<Configuration>,
    /// Content of the files it names, by the name used there. Missing ones are problems.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) problems: Problems,
}

impl Candidate {
    /// Reads and validates one file.
    ///
    /// # Errors
    /// When the file itself cannot be read.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).context(format!("cannot read {}", path.display()))?;
        Ok(Self::of(path.to_owned(), text))
    }

    fn of(path: PathBuf, text: String) -> Self {
        let (configuration, mut problems) = parse_configuration(&text);
        let folder = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
        let mut files = BTreeMap::new();
        if let Some(configuration) = &configuration {
            for name in &configuration.files {
                if let Ok(content) = fs::read(folder.join(name)) {
                    files.insert(name.clone(), content);
                }
            }
            let more = check_files(configuration, &|name| files.get(name).cloned());
            problems.errors.extend(more.errors);
            problems.warnings.extend(more.warnings);
        }
        Self { path, text, configuration, files, problems }
    }

    pub(crate) fn is_good(&self) -> bool {
        self.problems.errors.is_empty()
    }

    /// `path/file.json: $.workflow[2].sql_file: …`; with line and column where the problem has them. A problem of a file
    /// that the configuration names is shown at that file.
    pub(crate) fn line_of(&self, problem: &Problem) -> String {
        let place = match &problem.file {
            Some(name) => match self.path.parent() {
                Some(folder) if self.names(name) => folder.join(name),
                _ => self.path.clone(),
            },
            None => self.path.clone(),
        };
        let mut text = place.display().to_string();
        if let Some(line) = problem.line {
            text.push_str(&format!(":{line}"));
            if let Some(column) = problem.column {
                text.push_str(&format!(":{column}"));
            }
        }
        if !problem.path.is_empty() {
            text.push_str(&format!(": {}", problem.path));
        }
        format!("{text}: {}", problem.message)
    }

    fn names(&self, name: &str) -> bool {
        self.configuration.as_ref().is_none_or(|c| c.files.contains(name))
    }
}

/// Every configuration that `paths` name, in deployment order. A file is taken as it is; a folder gives each JSON file
/// in it (and in its folders, hidden ones left out) that has a `configuration_type`, and each that is not valid
/// JSON but mentions one, so that a slip of the pen is reported rather than passed over.
///
/// # Errors
/// When a path cannot be read, or a folder holds no configuration.
pub(crate) fn gather(paths: &[PathBuf]) -> Result<Vec<Candidate>, Failure> {
    let mut seen = BTreeSet::new();
    let mut candidates = Vec::new();
    for path in paths {
        let mut found = if path.is_dir() { in_folder(path)? } else { vec![Candidate::read(path)?] };
        found.retain(|candidate| seen.insert(candidate.path.canonicalize().unwrap_or_else(|_| candidate.path.clone())));
        candidates.extend(found);
    }
    candidates.sort_by_key(rank);
    Ok(candidates)
}

/// Deployment order: contexts, which others refer to; then what is launched; then workflows, which launch it; last the
/// operations that files start, since a file that already waits sets off everything after it at once.
fn rank(candidate: &Candidate) -> u8 {
    match candidate.configuration.as_ref().map(|c| c.header.configuration_type) {
        Some(ConfigurationType::Context) => 0,
        Some(ConfigurationType::TableToTable | ConfigurationType::TableToStorage | ConfigurationType::VmLauncher)
        | None => 1,
        Some(ConfigurationType::Workflow) => 2,
        Some(ConfigurationType::StorageToTables) => 3,
        Some(ConfigurationType::StorageToStorage) => 4,
    }
}

fn in_folder(folder: &Path) -> Result<Vec<Candidate>, Failure> {
    let mut files = Vec::new();
    json_files(folder, 0, &mut files)?;
    let mut candidates = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).context(format!("cannot read {}", path.display()))?;
        if is_configuration(&text) {
            candidates.push(Candidate::of(path, text));
        }
    }
    if candidates.is_empty() {
        return Err(Failure::failed(format!("{}: no configuration in this folder", folder.display()))
            .hint("a configuration is a .json file with a `configuration_type`"));
    }
    Ok(candidates)
}

fn is_configuration(text: &str) -> bool {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => value.get("configuration_type").is_some(),
        Err(_) => text.contains("\"configuration_type\""),
    }
}

fn json_files(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let doing = || format!("cannot read {}", folder.display());
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .context(doing())?
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<_, _>>()
        .context(doing())?;
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if path.is_dir() {
            if depth < MAX_DEPTH {
                json_files(&path, depth + 1, files)?;
            }
        } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) {
            files.push(path);
        }
    }
    Ok(())
}
