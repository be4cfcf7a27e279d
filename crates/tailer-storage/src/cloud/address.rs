//! Addresses of objects, and what of settings becomes part of one: names and endpoints are checked before anything is sent.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use super::fault::Fault;

/// What RFC 3986 leaves as it is, and the signatures of S3 and Azure with it.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same with the slashes between segments.
const PATH: &AsciiSet = &NAME.remove(b'/');

/// An object's name as a path.
pub(super) fn path(name: &str) -> String {
    utf8_percent_encode(name, PATH).to_string()
}

/// A name as one segment, or as a value of a query.
pub(super) fn segment(name: &str) -> String {
    utf8_percent_encode(name, NAME).to_string()
}

/// `base` with a path, which is encoded already, and a query, which is not.
pub(super) fn url(base: &Url, path: &str, query: &[(&str, &str)]) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    if !query.is_empty() {
        let pairs: Vec<_> = query.iter().map(|(name, value)| format!("{}={}", segment(name), segment(value))).collect();
        url.set_query(Some(&pairs.join("&")));
    }
    url
}

/// An address of a server as settings have it.
///
/// # Errors
/// `Invalid`: it is none, or would carry credentials. It is not quoted, because it may.
pub(super) fn endpoint(text: &str) -> Result<Url, Fault> {
    let wrong = |what: &str| Fault::Invalid(format!("the endpoint {what}: write https://host[:port]"));
    let url = Url::parse(text.trim()).map_err(|_| wrong("is no address"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("is no address of a web server"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("carries a user name or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("carries a query or a fragment"));
    }
    Ok(url)
}

/// A bucket's or container's name: configurations choose it, and it becomes part of an address.
///
/// # Errors
/// `Invalid`, quoting it.
pub(super) fn check_bucket(name: &str) -> Result<(), Fault> {
    let fine = (1..=222).contains(&name.len())
        && !name.starts_with('.')
        && !name.contains("..")
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'$'));
    if fine { Ok(()) } else { Err(Fault::Invalid(format!("{name:?} cannot be the name of a bucket or container"))) }
}

/// The part of a credential that goes into headers as it is.
///
/// # Errors
/// `Denied`, without quoting it.
pub(super) fn check_printable(what: &str, text: &str) -> Result<(), Fault> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Fault::Denied(format!("the {what} is empty, or holds a space, a line end or another character that none has")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_encoded() {
        let check = |name: &str, in_path: &str, alone: &str| {
            assert_eq!((path(name).as_str(), segment(name).as_str()), (in_path, alone));
        };
        check("in/a.csv", "in/a.csv", "in%2Fa.csv");
        check("a b+c%d#e?f&g=h", "a%20b%2Bc%25d%23e%3Ff%26g%3Dh", "a%20b%2Bc%25d%23e%3Ff%26g%3Dh");
        check("été~'(1)", "%C3%A9t%C3%A9~%27%281%29", "%C3%A9t%C3%A9~%27%281%29");
        let base = Url::parse("http://127.0.0.1:1/account").unwrap();
        let text = url(&base, &format!("/c/{}", path("a b+?")), &[("comp", "list"), ("prefix", "é+ /")]).to_string();
        assert_eq!(text, "http://127.0.0.1:1/account/c/a%20b%2B%3F?comp=list&prefix=%C3%A9%2B%20%2F");
    }

    #[test]
    fn settings_are_checked() {
        for good in ["http://127.0.0.1:9000", "https://s3.example.com/", "https://h/account"] {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for bad in ["", "s3.example.com", "ftp://h", "https://user:hunter2@h", "https://h?sig=hunter2", "https://"] {
            let fault = format!("{:?}", endpoint(bad).unwrap_err());
            assert!(!fault.contains("hunter2"), "{fault}");
        }
        for good in ["mirador-retail", "a.b_c", "42", "$web"] {
            assert!(check_bucket(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a?b", "a#b", "a b", "a%2f", "a..b", "é", "a\n", "a@b", "a:b"] {
            assert!(check_bucket(bad).is_err(), "{bad}");
        }
        for bad in ["", "a b", "key\n", "é"] {
            assert!(check_printable("key", bad).is_err(), "{bad:?}");
        }
    }
}
