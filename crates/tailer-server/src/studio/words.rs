//! Times as people say them, beside the exact ones: `in 3 h`, `2 d ago`.

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
}
