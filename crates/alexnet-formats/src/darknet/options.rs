use crate::shown::shown;
use crate::{Error, Result};
use std::str::FromStr;

/// A section of a `.cfg`: one layer, or `[net]`.
#[derive(Debug)]
pub(super) struct Section {
    /// Without its brackets, in the long of the two spellings that Darknet has.
    pub kind: String,
    /// Where it is in the file, `[net]` being 0.
    index: usize,
    options: Vec<(String, String)>,
}

/// The short spellings, from `string_to_layer_type`.
const ALIASES: [(&str, &str); 7] = [
    ("network", "net"),
    ("conv", "convolutional"),
    ("conn", "connected"),
    ("max", "maxpool"),
    ("avg", "avgpool"),
    ("soft", "softmax"),
    ("lrn", "normalization"),
];

impl Section {
    pub fn new(name: &str, index: usize) -> Section {
        let kind = ALIASES.iter().find(|(short, _)| *short == name).map_or(name, |(_, long)| long);
        Section { kind: kind.to_owned(), index, options: Vec::new() }
    }

    /// Its name in messages and the first part of its arrays' names, numbered as Darknet numbers layers.
    pub fn name(&self) -> String {
        match self.index.checked_sub(1) {
            Some(layer) => format!("{layer}.{}", shown(self.kind.as_bytes())),
            None => shown(self.kind.as_bytes()),
        }
    }

    /// Adds an option.
    ///
    /// Errs where it is there with another value: Darknet takes the first, people mean the last.
    pub fn push(&mut self, name: &str, value: &str) -> Result<()> {
        match self.text(name) {
            Some(first) if first != value => Err(Error::malformed(format!(
                "`{}` is `{}` here and `{}` before in the same section",
                shown(name.as_bytes()),
                shown(value.as_bytes()),
                shown(first.as_bytes())
            ))
            .with_remedy("deleting one of the lines")),
            Some(_) => Ok(()),
            None => {
                self.options.push((name.to_owned(), value.to_owned()));
                Ok(())
            }
        }
    }

    /// The value of an option.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The value of an option that is a number from zero up; `default` where it isn't there.
    pub fn number<T: FromStr>(&self, name: &str, default: T) -> Result<T> {
        let Some(value) = self.text(name) else { return Ok(default) };
        // Darknet writes fractions without their zero, as in `.5`, which Rust reads too.
        value.parse().map_err(|_| {
            self.malformed(format!("{name} is `{}`, which isn't the number that it must be", shown(value.as_bytes())))
        })
    }

    /// Whether an option is a number other than zero.
    pub fn flag(&self, name: &str) -> Result<bool> {
        Ok(self.number(name, 0i64)? != 0)
    }

    /// An error at this section.
    pub fn malformed(&self, message: impl Into<String>) -> Error {
        Error::malformed(message).at(format!("layer `{}`", self.name()))
    }

    /// A refusal of this section.
    pub fn refused(&self, message: impl Into<String>) -> Error {
        Error::refused(message).at(format!("layer `{}`", self.name()))
    }
}
