//! Pages of a list by number: for lists that are read as a whole to be counted and sorted, such as data operations. What grows without end, such as
//! runs, is walked from entry to entry instead.

use super::{error::PageError, filters};

/// Entries of a page, where they are lines.
pub(super) const PAGE: usize = 50;

/// Which page is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pager {
    number: usize,
    size: usize,
}

/// Addresses of the pages beside it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Beside {
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
}

impl Pager {
    /// The page of this number, from 1, of `size` entries each; the first when nothing is asked.
    ///
    /// # Errors
    /// 400 when it is no number.
    pub(super) fn read(asked: &str, size: usize) -> Result<Self, PageError> {
        Ok(Self { number: filters::read("page", asked)?.unwrap_or(1).max(1), size })
    }

    /// How many entries come before it.
    pub(super) fn skip(self) -> usize {
        (self.number - 1).saturating_mul(self.size)
    }

    /// Its number as it stands in an address, where the first needs none.
    pub(super) fn word(self) -> String {
        if self.number > 1 { self.number.to_string() } else { String::new() }
    }

    /// The pages beside it of so many entries; `address` is told the number of each.
    pub(super) fn beside(self, total: usize, address: impl Fn(&str) -> String) -> Beside {
        let to = |number: usize| address(&Self { number, ..self }.word());
        Beside {
            previous: (self.number > 1).then(|| to(self.number - 1)),
            next: (self.number.saturating_mul(self.size) < total).then(|| to(self.number + 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_lead_to_those_beside_them() {
        let beside = |asked: &str, total: usize| {
            let pager = Pager::read(asked, PAGE).unwrap();
            let beside = pager.beside(total, |number| format!("/x?page={number}"));
            (pager.skip(), beside.previous, beside.next)
        };
        let to = |number: &str| Some(format!("/x?page={number}"));
        assert_eq!(beside("", 50), (0, None, None));
        assert_eq!(beside("0", 51), (0, None, to("2")));
        assert_eq!(beside("2", 100), (50, to(""), None), "the first page has the address of the list");
        assert_eq!(beside("3", 1_000), (100, to("2"), to("4")));
        assert!(beside(&usize::MAX.to_string(), 10).1.is_some() && Pager::read("x", PAGE).is_err());
    }
}
