//! The schemas in `docs/schema`, as a validator of JSON Schema 2020-12 applies them.

use boon::{Compiler, Schemas};
use serde_json::Value;
use std::path::PathBuf;

/// The folder of the schemas.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/schema")
}

/// All schemas, by file name.
pub fn all() -> Vec<(String, Value)> {
    let read = |name: String| {
        let text = std::fs::read_to_string(folder().join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let schema = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, schema)
    };
    crate::run::files(&folder()).into_iter().map(read).collect()
}

/// Fails unless `value` is what the schema that it names says, as in `alexnet-verify/2`.
#[track_caller]
pub fn validate(value: &Value) {
    let named = value["schema"].as_str().expect("a `schema`");
    let file = format!("{}.schema.json", named.replace('/', "-"));
    let mut compiler = Compiler::new();
    let mut location = None;
    for (name, schema) in all() {
        let id = schema["$id"].as_str().unwrap_or_else(|| panic!("{name} has no $id")).to_owned();
        assert!(id.ends_with(&format!("/{name}")), "{name} calls itself {id}");
        compiler.add_resource(&id, schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        if name == file {
            location = Some(id);
        }
    }
    let location = location.unwrap_or_else(|| panic!("docs/schema has no {file}"));
    let mut schemas = Schemas::new();
    let compiled = compiler.compile(&location, &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
    if let Err(error) = schemas.validate(value, compiled) {
        panic!("not what docs/schema/{file} says: {error:#}");
    }
}
