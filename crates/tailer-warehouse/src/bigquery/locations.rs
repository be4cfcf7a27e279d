//! Where jobs run. BigQuery chooses by the tables that a statement names, and finds a job again by its id and that place only:
//! outside of the US and the EU a question without the place is answered 404, as if there were no job.
//!
//! So the place is what the settings say, or else what BigQuery told when it took the job, also in the sentence with which it
//! refuses to take it twice.

use std::collections::HashMap;

use parking_lot::Mutex;

/// The places of the jobs of this process that have not ended.
#[derive(Debug, Default)]
pub(super) struct Locations {
    of_all: Option<String>,
    told: Mutex<HashMap<String, String>>,
}

impl Locations {
    pub(super) fn new(of_all: Option<String>) -> Self {
        Self { of_all, told: Mutex::default() }
    }

    /// That of the settings.
    pub(super) fn of_all(&self) -> Option<&str> {
        self.of_all.as_deref()
    }

    pub(super) fn of(&self, id: &str) -> Option<String> {
        self.of_all.clone().or_else(|| self.told.lock().get(id).cloned())
    }

    pub(super) fn tell(&self, id: &str, place: Option<&str>) {
        if let (None, Some(place)) = (&self.of_all, place.filter(|place| !place.is_empty())) {
            self.told.lock().insert(id.to_owned(), place.to_owned());
        }
    }

    pub(super) fn forget<'a>(&self, ids: impl IntoIterator<Item = &'a String>) {
        let mut told = self.told.lock();
        ids.into_iter().for_each(|id| drop(told.remove(id)));
    }
}

/// The place in `Already Exists: Job <project>:<place>.<id>`.
pub(super) fn in_duplicate<'a>(message: &'a str, id: &str) -> Option<&'a str> {
    let (before, _) = message.rsplit_once(&format!(".{id}"))?;
    let (_, place) = before.rsplit_once(':')?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (!place.is_empty() && place.chars().all(fits)).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duplicate_tells_its_place() {
        let check =
            |message: &str, expect: Option<&str>| assert_eq!(in_duplicate(message, "r_t_1"), expect, "{message}");
        check("Already Exists: Job my-project:europe-west9.r_t_1", Some("europe-west9"));
        check("Already Exists: Job r_t_1.example.com:my-project:EU.r_t_1", Some("EU"));
        check("Already Exists: Job my-project:r_t_1", None);
        check("Already Exists: Job my-project:EU.other", None);
        check("Already Exists", None);
    }

    #[test]
    fn the_settings_win() {
        let set = Locations::new(Some("EU".to_owned()));
        set.tell("a", Some("US"));
        assert_eq!(set.of("a").as_deref(), Some("EU"));
        let told = Locations::new(None);
        told.tell("a", Some("US"));
        assert_eq!((told.of("a").as_deref(), told.of("b")), (Some("US"), None));
        told.forget(&["a".to_owned()]);
        assert_eq!(told.of("a"), None);
    }
}
