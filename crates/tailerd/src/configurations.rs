//! Configuration files on disk: finding them, reading the files they name, validating all before anything happens.
//!
//! Shared by `check`, `deploy` and `run`. Problems are values with their places; nothing here talks to a server.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tailer_model::{
    Configuration, ConfigurationType, Problem, Problems, check_files,
    constants::{Filled, quote_bare},
    parse_configuration,
};

use crate::{
    contexts::Known,
    failure::{Context as _, Failure},
};

/// How deep folders are searched: enough for any layout, and an end for links that run in circles.
const MAX_DEPTH: usize = 16;

/// A configuration file as it was found.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    path: PathBuf,
    pub(crate) text: String,
}

/// A configuration file with everything that deploying it needs.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// As the person named it, or found below the folder they named.
    pub(crate) path: PathBuf,
    /// JSON text, its constants not filled.
    pub(crate) text: String,
    /// Filled. `None` when it does not parse; then there are problems, unless the server is to tell them.
    pub(crate) configuration: Option<Configuration>,
    /// Content of the files it names, by the name used there; not filled. Missing ones are problems.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// What its constants make of text and files.
    filled: Option<Filled>,
    pub(crate) problems: Problems,
}

impl Candidate {
    /// Reads and validates one file.
    ///
    /// # Errors
    /// When the file itself cannot be read.
    pub(crate) fn read(path: &Path, known: Option<&Known>) -> Result<Self, Failure> {
        Ok(Self::of(source(path)?, known))
    }

    fn of(source: Source, known: Option<&Known>) -> Self {
        let Source { path, text } = source;
        let text = with_quoted_constants(text);
        let empty = Self {
            path,
            text,
            configuration: None,
            files: BTreeMap::new(),
            filled: None,
            problems: Problems::default(),
        };
        // A context takes no context.
        match known.filter(|_| empty.kind() != Some(ConfigurationType::Context)) {
            Some(known) => empty.filled_with(known),
            None => empty.unfilled(),
        }
    }

    fn unfilled(mut self) -> Self {
        let (configuration, problems) = parse_configuration(&self.text);
        self.problems = problems;
        if let Some(configuration) = &configuration {
            self.files = self.named_files(&configuration.files);
            self.add(check_files(configuration, &|name| self.files.get(name).cloned()));
        }
        Self { configuration, ..self }
    }

    fn filled_with(mut self, known: &Known) -> Self {
        let constants = known.constants();
        let document: Value = serde_json::from_str(&self.text).unwrap_or_default();
        self.files = self.named_files(&constants.file_names(&document));
        let (filled, problems) = constants.fill(&self.text, &self.files);
        self.problems = problems;
        if let Some(filled) = filled {
            let (configuration, problems) = parse_configuration(&filled.document);
            self.add(problems);
            if let Some(configuration) = &configuration {
                self.add(check_files(configuration, &|name| filled.files.get(name).cloned()));
            }
            self.configuration = configuration;
            self.filled = Some(filled);
        }
        if let Known::Shown(_) = known {
            self.problems = Problems::default();
        }
        self
    }

    fn add(&mut self, more: Problems) {
        self.problems.errors.extend(more.errors);
        self.problems.warnings.extend(more.warnings);
    }

    /// Those of the files that are there.
    fn named_files(&self, names: &BTreeSet<String>) -> BTreeMap<String, Vec<u8>> {
        let folder = self.path.parent().unwrap_or_else(|| Path::new(""));
        names.iter().filter_map(|name| Some((name.clone(), fs::read(folder.join(name)).ok()?))).collect()
    }

    /// The kind, as far as the text tells it.
    pub(crate) fn kind(&self) -> Option<ConfigurationType> {
        let said = || serde_json::from_str::<Value>(&self.text).ok()?.get("configuration_type")?.as_str()?.parse().ok();
        self.configuration.as_ref().map(|c| c.header.configuration_type).or_else(said)
    }

    /// Text and files as they are executed.
    pub(crate) fn executable(&self) -> (&str, &BTreeMap<String, Vec<u8>>) {
        match &self.filled {
            Some(filled) => (&filled.document, &filled.files),
            None => (&self.text, &self.files),
        }
    }

    /// The same with errors that were found elsewhere.
    pub(crate) fn refused(mut self, errors: Vec<Problem>) -> Self {
        self.problems = Problems { errors, warnings: Vec::new() };
        self
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
pub(crate) fn gather(paths: &[PathBuf], known: Option<&Known>) -> Result<Vec<Candidate>, Failure> {
    Ok(candidates(sources(paths)?, known))
}

/// The files of [`gather`], read.
///
/// # Errors
/// Those of [`gather`].
pub(crate) fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, Failure> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for path in paths {
        let mut found = if path.is_dir() { in_folder(path)? } else { vec![source(path)?] };
        found.retain(|source| seen.insert(source.path.canonicalize().unwrap_or_else(|_| source.path.clone())));
        all.extend(found);
    }
    Ok(all)
}

/// The second half of [`gather`].
pub(crate) fn candidates(sources: Vec<Source>, known: Option<&Known>) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = sources.into_iter().map(|source| Candidate::of(source, known)).collect();
    candidates.sort_by_key(rank);
    candidates
}

fn source(path: &Path) -> Result<Source, Failure> {
    let text = fs::read_to_string(path).context(format!("cannot read {}", path.display()))?;
    Ok(Source { path: path.to_owned(), text })
}

/// Constants without quotes, as the vendor's documents write them, quoted; a text that is still no JSON stays as it is, so
/// that its problem has the right place.
fn with_quoted_constants(text: String) -> String {
    let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    match quote_bare(&text) {
        Cow::Owned(quoted) if is_json(&quoted) => quoted,
        _ => text,
    }
}

/// Deployment order: contexts, which others refer to; then what is launched; then workflows, which launch it; last the
/// operations that files start, since a file that already waits sets off everything after it at once.
fn rank(candidate: &Candidate) -> u8 {
    match candidate.kind() {
        Some(ConfigurationType::Context) => 0,
        Some(ConfigurationType::TableToTable | ConfigurationType::TableToStorage | ConfigurationType::VmLauncher)
        | None => 1,
        Some(ConfigurationType::Workflow) => 2,
        Some(ConfigurationType::StorageToTables) => 3,
        Some(ConfigurationType::StorageToStorage) => 4,
    }
}

fn in_folder(folder: &Path) -> Result<Vec<Source>, Failure> {
    let mut files = Vec::new();
    json_files(folder, 0, &mut files)?;
    let mut sources = files.iter().map(|path| source(path)).collect::<Result<Vec<_>, _>>()?;
    sources.retain(|source| is_configuration(&source.text));
    if sources.is_empty() {
        return Err(Failure::failed(format!("{}: no configuration in this folder", folder.display()))
            .hint("a configuration is a .json file with a `configuration_type`"));
    }
    Ok(sources)
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
