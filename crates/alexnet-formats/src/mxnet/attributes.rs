//! The attributes of a symbol's node, which are all written as text: `(11, 11)`, `True`, `1e-05`.

use crate::shown::shown;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// The attributes of one node. What isn't there has the operator's default.
#[derive(Clone, Copy)]
pub(super) struct Attributes<'a>(pub(super) &'a BTreeMap<String, String>);

impl<'a> Attributes<'a> {
    /// The text of an attribute; `None` where it is absent or Python's `None`.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|text| text.trim()).filter(|text| *text != "None")
    }

    pub(super) fn number(self, name: &str, default: f64) -> Result<f64> {
        match self.text(name).map(str::parse::<f64>) {
            None => Ok(default),
            Some(Ok(number)) if number.is_finite() => Ok(number),
            Some(_) => Err(self.unlike(name, "a number")),
        }
    }

    pub(super) fn count(self, name: &str, default: Option<usize>) -> Result<usize> {
        match (self.text(name).map(str::parse::<usize>), default) {
            (None, Some(default)) => Ok(default),
            (None, None) => Err(Error::malformed(format!("the attribute `{name}` is missing"))),
            (Some(Ok(count)), _) => Ok(count),
            (Some(Err(_)), _) => Err(self.unlike(name, "a count")),
        }
    }

    pub(super) fn flag(self, name: &str, default: bool) -> Result<bool> {
        match self.text(name) {
            None => Ok(default),
            Some("True" | "true" | "1") => Ok(true),
            Some("False" | "false" | "0") => Ok(false),
            Some(_) => Err(self.unlike(name, "true or false")),
        }
    }

    /// Height and width. MXNet writes an absent one as `()`, too.
    pub(super) fn pair(self, name: &str, default: Option<[usize; 2]>) -> Result<[usize; 2]> {
        let listed = self.text(name).map(list).unwrap_or(Some(Vec::new()));
        match (listed.as_deref(), default) {
            (Some([]), Some(default)) => Ok(default),
            (Some([]), None) => Err(Error::malformed(format!("the attribute `{name}` is missing"))),
            (Some(&[height, width]), _) => Ok([height, width]),
            _ => Err(self.unlike(name, "a height and a width")),
        }
    }

    /// Any number of sizes.
    pub(super) fn sizes(self, name: &str) -> Option<Vec<usize>> {
        list(self.text(name)?)
    }

    fn unlike(self, name: &str, what: &str) -> Error {
        let seen = shown(self.text(name).unwrap_or_default().as_bytes());
        Error::malformed(format!("the attribute `{name}` is `{seen}`, not {what}"))
    }
}

/// `(1, 2)`, `[1,2]`, `(3,)`
fn list(text: &str) -> Option<Vec<usize>> {
    let inside = text.strip_prefix(['(', '['])?.strip_suffix([')', ']'])?.trim().trim_end_matches(',');
    match inside {
        "" => Some(Vec::new()),
        inside => inside.split(',').map(|number| number.trim().parse().ok()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_mxnet_writes_them() {
        let pairs =
            [("a", "(11, 4)"), ("b", "[2,3]"), ("c", "True"), ("d", "0"), ("e", "1e-05"), ("f", "None"), ("g", "()")]
                .map(|(name, text)| (name.to_owned(), text.to_owned()));
        let pairs = BTreeMap::from(pairs);
        let attributes = Attributes(&pairs);
        assert_eq!(attributes.pair("a", None).unwrap(), [11, 4]);
        assert_eq!(attributes.pair("b", None).unwrap(), [2, 3]);
        assert_eq!(attributes.pair("g", Some([1, 1])).unwrap(), [1, 1]);
        assert_eq!((attributes.flag("c", false).unwrap(), attributes.flag("d", true).unwrap()), (true, false));
        assert_eq!((attributes.number("e", 0.0).unwrap(), attributes.number("f", 2.0).unwrap()), (1e-5, 2.0));
        assert_eq!(attributes.count("d", None).unwrap(), 0);
    }

    #[test]
    fn other_texts_are_errors_that_quote_them() {
        let pairs = BTreeMap::from([("a".to_owned(), "many".to_owned())]);
        let attributes = Attributes(&pairs);
        let errors = [
            attributes.pair("a", None).unwrap_err(),
            attributes.flag("a", false).unwrap_err(),
            attributes.number("a", 0.0).unwrap_err(),
            attributes.count("a", None).unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().contains("`a` is `many`"), "{error}");
        }
        assert!(attributes.count("b", None).unwrap_err().to_string().contains("`b` is missing"));
    }
}
