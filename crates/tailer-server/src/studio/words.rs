//! Times as people say them, beside the exact ones: `in 3 h`, `2 d ago`; names as short as they still tell something.

use jiff::Timestamp;

/// How far a moment is from now, in its largest unit. Below a minute it is `now`.
pub(super) fn relative(now: &Timestamp, at: &Timestamp) -> String {
    let seconds = at.as_second().saturating_sub(now.as_second());
    let far = match seconds.unsigned_abs() {
        0..60 => return "now".to_owned(),
        far @ 60..3_600 => format!("{} min", far / 60),
        far @ 3_600..172_800 => format!("{} h", far / 3_600),
        far => format!("{} d", far / 86_400),
    };
    if seconds > 0 { format!("in {far}") } else { format!("{far} ago") }
}

/// The same of a text that the engine wrote, RFC 3339; the text itself when it is none.
pub(super) fn relative_text(now: &Timestamp, at: &str) -> String {
    at.parse().map_or_else(|_| at.to_owned(), |at| relative(now, &at))
}

/// `2024-02-29 07:00`, UTC.
pub(super) fn minute(at: &Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// A name without the rest of the uuid at its end, eight digits of which tell it from others: `token:737df31b…`, `20261128-ebfdabdb…`.
pub(super) fn cut(name: &str) -> String {
    const UUID: usize = 36;
    let at = name.len().saturating_sub(UUID);
    match (name.get(..at), name.get(at..)) {
        (Some(before), Some(uuid)) if uuid::Uuid::try_parse(uuid).is_ok() => {
            format!("{before}{}…", uuid.get(..8).unwrap_or(uuid))
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_unit_says_how_far() {
        let now: Timestamp = "2024-02-29T07:00:00Z".parse().unwrap();
        for (at, said) in [
            ("2024-02-29T07:00:59Z", "now"),
            ("2024-02-29T06:59:01Z", "now"),
            ("2024-02-29T07:01:00Z", "in 1 min"),
            ("2024-02-29T06:01:00Z", "59 min ago"),
            ("2024-02-29T10:20:00Z", "in 3 h"),
            ("2024-03-02T06:59:00Z", "in 47 h"),
            ("2024-03-02T07:00:00Z", "in 2 d"),
            ("2023-02-28T07:00:00Z", "366 d ago"),
        ] {
            assert_eq!(relative_text(&now, at), said, "{at}");
        }
        assert_eq!(relative_text(&now, "never"), "never");
        assert_eq!(minute(&now), "2024-02-29 07:00");
    }

    #[test]
    fn what_ends_in_a_uuid_is_cut() {
        for (name, shown) in [
            ("token:737df31b-4267-4400-9fdd-115392792d65", "token:737df31b…"),
            ("20261128-ebfdabdb-0533-4ee1-9f02-e19c6607c106", "20261128-ebfdabdb…"),
            ("user:ana@example.com", "user:ana@example.com"),
            (
                "DEV/gbq-to-gbq/a-name-as-long-as-a-uuid-and-even-longer",
                "DEV/gbq-to-gbq/a-name-as-long-as-a-uuid-and-even-longer",
            ),
            ("ééééééééééééééééééé", "ééééééééééééééééééé"),
            ("", ""),
        ] {
            assert_eq!(cut(name), shown);
        }
    }
}
