//! What nobody is shown: tables and columns whose description holds [`SENSITIVE`].

use tailer_model::operation::ddl::Field;

/// In a description, in any case: what it describes is shown to nobody.
pub const SENSITIVE: &str = "#SENSITIVE";

pub(crate) fn marked(description: Option<&str>) -> bool {
    description.is_some_and(|text| text.to_ascii_uppercase().contains(SENSITIVE))
}

/// Whether a column is marked, or a field inside of it.
pub(crate) fn is_sensitive(field: &Field) -> bool {
    marked(field.description.as_deref()) || field.fields.iter().any(is_sensitive)
}

#[cfg(test)]
mod tests {
    use tailer_model::operation::ddl::{FieldType, Mode};

    use super::*;

    #[test]
    fn a_mark_inside_of_a_column_hides_all_of_it() {
        let field = |description: &str, fields: Vec<Field>| Field {
            name: "x".into(),
            field_type: if fields.is_empty() { FieldType::String } else { FieldType::Record },
            mode: Mode::Nullable,
            description: Some(description.to_owned()).filter(|text| !text.is_empty()),
            fields,
        };
        assert!(!is_sensitive(&field("", vec![])));
        assert!(!is_sensitive(&field("not sensitive", vec![field("plain", vec![])])));
        assert!(is_sensitive(&field("Address. #sensitive", vec![])));
        assert!(is_sensitive(&field("", vec![field("plain", vec![]), field("#SENSITIVE name", vec![])])));
    }
}
