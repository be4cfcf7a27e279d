//! "Did you mean": the known name nearest to one that is not known.

/// In bytes; no known name is longer, and comparing takes time in proportion.
const MAX_LENGTH: usize = 128;

/// The candidate nearest to `name`, when one is near enough to be what its author meant. Case does not count.
///
/// Near enough is about one slip in three characters: closer names are typing errors, farther ones are other words.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > MAX_LENGTH {
        return None;
    }
    let wanted = name.to_lowercase();
    let allowed = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean "x"?`, or nothing: made to be put at the end of a message.
pub(crate) fn hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_typing_errors_and_nothing_else() {
        let known = ["sql_file", "table_name", "write_disposition"];
        assert_eq!(nearest("sqlfile", known), Some("sql_file"));
        assert_eq!(nearest("SQL_FILE", known), Some("sql_file"));
        assert_eq!(nearest("write_dispositon", known), Some("write_disposition"));
        assert_eq!(nearest("monitoring", known), None);
        assert_eq!(nearest("", known), None);
    }
}
