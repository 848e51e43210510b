use super::model::Layer;
use crate::shown::shown;
use crate::{Error, Result};
use serde_json::Value as Json;

/// The arguments that a layer was made with, by the names of Keras 2 and 3.
impl Layer {
    /// An argument; `None` where it isn't there or is Python's `None`.
    pub fn setting(&self, key: &str) -> Option<&Json> {
        self.config.get(key).filter(|json| !json.is_null())
    }

    /// A size, which is there and above zero.
    pub fn size(&self, key: &str) -> Result<usize> {
        let size = self.setting(key).and_then(size);
        size.ok_or_else(|| self.odd(key, "a number above zero"))
    }

    /// A size or two for height and width; `default` where there is none.
    pub fn pair(&self, key: &str, default: Option<[usize; 2]>) -> Result<[usize; 2]> {
        let Some(json) = self.setting(key) else { return default.ok_or_else(|| self.odd(key, "two numbers")) };
        let pair = match (size(json), json.as_array().map(Vec::as_slice)) {
            (Some(both), _) => Some([both, both]),
            (None, Some([height, width])) => size(height).zip(size(width)).map(|(height, width)| [height, width]),
            _ => None,
        };
        pair.ok_or_else(|| self.odd(key, "two numbers above zero"))
    }

    /// A truth value; `default` where there is none.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool> {
        match self.setting(key) {
            None => Ok(default),
            Some(json) => json.as_bool().ok_or_else(|| self.odd(key, "true or false")),
        }
    }

    /// A number; `default` where there is none.
    pub fn number(&self, key: &str, default: f64) -> Result<f64> {
        match self.setting(key) {
            None => Ok(default),
            Some(json) => json.as_f64().ok_or_else(|| self.odd(key, "a number")),
        }
    }

    /// A word; `default` where there is none.
    pub fn word<'a>(&'a self, key: &str, default: &'a str) -> Result<&'a str> {
        match self.setting(key) {
            None => Ok(default),
            Some(json) => json.as_str().ok_or_else(|| self.odd(key, "a word")),
        }
    }

    /// Refuses any other value of an argument than the one that changes nothing.
    pub fn must_be(&self, key: &str, neutral: &[Json]) -> Result<()> {
        match self.setting(key) {
            Some(json) if !neutral.contains(json) => Err(self.refuse(&format!("`{key}` {}", print(json)))),
            _ => Ok(()),
        }
    }

    /// The error for an argument that can't be.
    pub fn odd(&self, key: &str, wanted: &str) -> Error {
        let seen = self.setting(key).map_or_else(|| "missing".to_owned(), print);
        Error::malformed(format!("`{key}` is {seen}, not {wanted}"))
    }

    /// The refusal of what isn't converted.
    pub fn refuse(&self, what: &str) -> Error {
        let class = shown(self.class.as_bytes());
        Error::refused(format!("{class} with {what} isn't converted")).with_remedy(super::BY_NAMES)
    }
}

fn size(json: &Json) -> Option<usize> {
    json.as_u64().and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0)
}

/// JSON as it may stand in a message.
pub(super) fn print(json: &Json) -> String {
    shown(json.to_string().as_bytes())
}
