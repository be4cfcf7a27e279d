//! XML documents of the services, told apart by their root: a proxy's page or an error is not taken for an empty answer.

use serde::Deserialize;

use super::fault::Fault;

/// Name of a document's outermost element, without its prefix; empty when there is none.
pub(super) fn root(text: &str) -> &str {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    while let Some(prolog) = rest.strip_prefix("<?").or_else(|| rest.strip_prefix("<!")) {
        rest = prolog.split_once('>').map_or("", |(_, after)| after.trim_start());
    }
    let name = rest.strip_prefix('<').unwrap_or_default();
    let name = name.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next().unwrap_or_default();
    name.rsplit(':').next().unwrap_or_default()
}

/// # Errors
/// `Invalid`: another document, or none.
pub(super) fn document<T: for<'de> Deserialize<'de>>(text: &str, expect: &str) -> Result<T, Fault> {
    let unknown = || Fault::Invalid(format!("the service did not answer with a {expect}"));
    if root(text) != expect {
        return Err(unknown());
    }
    quick_xml::de::from_str(text.trim_start_matches('\u{feff}')).map_err(|_| unknown())
}

/// Code and message of an error document; whatever the text, there is an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ErrorDocument {
    #[serde(default)]
    pub(super) code: String,
    #[serde(default)]
    pub(super) message: String,
    /// S3: where the bucket is.
    pub(super) region: Option<String>,
}

/// `None` when the document is no error.
pub(super) fn error(text: &str) -> Option<ErrorDocument> {
    (root(text) == "Error").then(|| document(text, "Error").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_by_their_root() {
        let check = |text: &str, expect: &str| assert_eq!(root(text), expect, "{text}");
        check("<Error><Code>x</Code></Error>", "Error");
        check("\u{feff}<?xml version=\"1.0\"?>\n  <Error xmlns=\"x\"/>", "Error");
        check("\n\n<!-- wait --><CopyObjectResult/>", "CopyObjectResult");
        check("<s3:Error>", "Error");
        check("<!DOCTYPE html><html lang=\"en\">", "html");
        check("no document", "");
        check("<?xml", "");
        check("", "");
    }

    #[test]
    fn errors_hide_in_successes() {
        let found = error("<?xml version=\"1.0\"?>\n<Error><Code>SlowDown</Code><Message>m</Message></Error>").unwrap();
        assert_eq!((found.code.as_str(), found.message.as_str()), ("SlowDown", "m"));
        assert!(error("  <Error><Nonsense></Error>").is_some());
        assert!(error("<CopyObjectResult><ETag>x</ETag></CopyObjectResult>").is_none());
        assert!(error("").is_none());
        let azure = "\u{feff}<?xml version=\"1.0\"?><Error><Code>x</Code><Message>m\nRequestId:1</Message></Error>";
        assert_eq!(error(azure).unwrap().message, "m\nRequestId:1");
    }
}
