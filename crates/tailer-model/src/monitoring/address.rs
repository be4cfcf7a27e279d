//! E-mail addresses: `ops@example.com`, or with a name in front, `Operations <ops@example.com>`.
//!
//! What is accepted is what mail servers deliver in practice, in ASCII; quoted local parts and address literals are not.

/// RFC 5321, 4.5.3.1.
const MAX_LOCAL: usize = 64;
const MAX_DOMAIN: usize = 255;

/// Whether it can be written to: a plain address, or one with a name in front.
#[must_use]
pub fn is_address(text: &str) -> bool {
    let plain = match bare(text) {
        Some(plain) => plain,
        None => return false,
    };
    let Some((local, domain)) = plain.rsplit_once('@') else { return false };
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    (1..=MAX_LOCAL).contains(&local.len())
        && local.chars().all(atom)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.len() <= MAX_DOMAIN
        && domain.split('.').all(label)
}

/// The domain of an address.
#[must_use]
pub fn domain(address: &str) -> Option<&str> {
    bare(address)?.rsplit_once('@').map(|(_, domain)| domain)
}

/// `a@example.com` of `A <a@example.com>`.
fn bare(text: &str) -> Option<&str> {
    match text.split_once('<') {
        Some((name, rest)) => {
            let clean = !name.contains(|c: char| c.is_control() || "\"<>@,;:\\".contains(c));
            rest.strip_suffix('>').filter(|_| clean)
        }
        None => Some(text),
    }
}

/// The recipients of a list with `;` between them; empty entries do not count, and each is there once.
///
/// # Errors
/// The entries that are no addresses; `[""]` when there is none at all.
pub fn recipients(text: &str) -> Result<Vec<String>, Vec<String>> {
    let mut all: Vec<String> = Vec::new();
    for entry in text.split(';').map(str::trim).filter(|entry| !entry.is_empty()) {
        if !all.iter().any(|known| known.eq_ignore_ascii_case(entry)) {
            all.push(entry.to_owned());
        }
    }
    let wrong: Vec<String> = all.iter().filter(|entry| !is_address(entry)).cloned().collect();
    match (all.is_empty(), wrong.is_empty()) {
        (true, _) => Err(vec![String::new()]),
        (_, false) => Err(wrong),
        _ => Ok(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_written_to() {
        for good in
            ["ops@example.com", "a.b+c@x.y-z.org", "root@localhost", "Operations <ops@example.com>", "o'neil@x.io"]
        {
            assert!(is_address(good), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "",
            "ops",
            "@example.com",
            "ops@",
            "a b@example.com",
            "a@b@c",
            "ops@-x.com",
            "ops@x..com",
            ".a@x.com",
            "a..b@x.com",
            "a@x.com, b@x.com",
            "Ops <ops@example.com",
            "\"x\" <a@b.c>",
            "a@x.com\nBcc: b@x.com",
            "é@x.com",
            long.as_str(),
        ] {
            assert!(!is_address(bad), "{bad:?}");
        }
        assert_eq!(domain("Operations <ops@example.com>"), Some("example.com"));
    }

    #[test]
    fn lists_have_semicolons() {
        assert_eq!(recipients(" a@x.com; b@x.com ;;A@x.com;").unwrap(), ["a@x.com", "b@x.com"]);
        assert_eq!(recipients("a@x.com;b;c").unwrap_err(), ["b", "c"]);
        assert_eq!(recipients(" ; ").unwrap_err(), [""]);
    }
}
