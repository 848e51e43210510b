use super::{Map, named};
use crate::dialects::Origin;
use crate::shown::shown;
use crate::{Error, Result};
use alexnet_spec::Transform;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// A table with its entries in the file's order, each key once.
#[derive(Debug, Default)]
struct Table(Vec<(String, Value)>);

/// The file's tables.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    network: Option<String>,
    key: Option<String>,
    parameters: Table,
}

pub(super) fn map(file: &str, bytes: &[u8]) -> Result<Map> {
    let text = std::str::from_utf8(bytes).map_err(|_| Error::malformed("is no text in UTF-8"))?;
    let read: File = match text.trim_start().starts_with('{') {
        true => serde_json::from_str(text).map_err(|error| malformed(&error))?,
        false => toml::from_str(text).map_err(|error| match error.span() {
            // What is missing from the whole file has the file for its place, or none.
            Some(span) if span.start > 0 => {
                let line = text.get(..span.start).unwrap_or_default().matches('\n').count().saturating_add(1);
                malformed(&format_args!("line {line}: {}", error.message()))
            }
            _ => malformed(&error.message()),
        })?,
    };
    let mut parameters = Vec::new();
    for (parameter, value) in read.parameters.0 {
        entries(parameter, value, &mut parameters)?;
    }
    let names: std::collections::BTreeSet<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
    if names.len() < parameters.len() {
        return Err(Error::malformed("a parameter stands there twice"));
    }
    Ok(Map { file: file.to_owned(), network: read.network, key: read.key, parameters })
}

/// On one line, whatever the file holds.
fn malformed(error: &dyn fmt::Display) -> Error {
    let text: Vec<String> = error.to_string().lines().map(|line| shown(line.trim().as_bytes())).collect();
    let text: Vec<String> = text.into_iter().filter(|line| !line.is_empty()).collect();
    Error::malformed(text.join(": ")).with_remedy("--inspect, which prints a map to start from")
}

/// One parameter, or, where its name wasn't quoted in TOML, those of a layer: `conv1.weight = ...` is a table `conv1`.
fn entries(name: String, value: Value, parameters: &mut Vec<(String, Origin)>) -> Result<()> {
    match value {
        Value::Object(table) if !name.contains('.') && !table.contains_key("from") => {
            for (role, value) in table {
                let name = format!("{name}.{role}");
                let origin = origin(value).map_err(|error| place(error, &name))?;
                parameters.push((name, origin));
            }
        }
        value => {
            let origin = origin(value).map_err(|error| place(error, &name))?;
            parameters.push((name, origin));
        }
    }
    Ok(())
}

fn place(error: Error, parameter: &str) -> Error {
    error.at(format!("`{}`", shown(parameter.as_bytes())))
}

fn origin(value: Value) -> Result<Origin> {
    let Value::Object(mut table) = value else {
        return Ok(Origin { sources: sources(value)?, transform: Transform::Identity });
    };
    let from = table.remove("from").ok_or_else(|| Error::malformed("has no `from`"))?;
    let transform = table.remove("transform").map_or(Ok(Transform::Identity), transform)?;
    match table.keys().next() {
        Some(other) => {
            Err(Error::malformed(format!("`{}` is neither `from` nor `transform`", shown(other.as_bytes()))))
        }
        None => Ok(Origin { sources: sources(from)?, transform }),
    }
}

fn sources(value: Value) -> Result<Vec<String>> {
    let sources = match value {
        Value::String(source) => Some(vec![source]),
        Value::Array(items) => items.into_iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    sources.filter(|sources| !sources.is_empty()).ok_or_else(|| {
        Error::malformed("its source is neither the name of a tensor nor a list of names, as in `from = \"w\"`")
    })
}

fn transform(value: Value) -> Result<Transform> {
    if let Value::Array(steps) = value {
        return steps.into_iter().map(transform).collect::<Result<_>>().map(Transform::Chain);
    }
    if let Some(transform) = value.as_str().and_then(named) {
        return Ok(transform);
    }
    // What is read here was made by `serde_json`, which bounds how deep it nests.
    serde_json::from_value(value.clone()).map_err(|_| {
        Error::malformed(format!("no transform: {}", shown(value.to_string().as_bytes()))).with_remedy(
            "identity, transpose, hwio, c01b, flip180, swap-input-channels, { permute = [..] }, { concatenate-along = 0 }, \
             { flattened-hwc-to-chw = { height = 6, width = 6 } }, { scale = 0.5 }, or a list of them",
        )
    })
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Table, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Table;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of parameters")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> std::result::Result<Table, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = access.next_entry()? {
                    entries.push(entry);
                }
                Ok(Table(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
