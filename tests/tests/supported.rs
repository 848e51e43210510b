//! The README's table of what is supported is that of the registries.

use std::fmt::Write;
use std::path::PathBuf;

fn readme() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md"))
}

/// One table of what is supported, from the registries themselves.
fn supported() -> String {
    let mut table = String::from("| | Name | What it is |\n|---|---|---|\n");
    let mut rows = |kind: &str, entries: Vec<(&str, String)>| {
        for (index, (name, about)) in entries.into_iter().enumerate() {
            let kind = if index == 0 { format!("**{kind}**") } else { String::new() };
            let _ = writeln!(table, "| {kind} | `{name}` | {about} |");
        }
    };
    rows("Formats", alexnet_formats::formats::FORMATS.iter().map(|f| (f.name, f.about.to_owned())).collect());
    rows("Dialects", alexnet_formats::dialects::ALL.iter().map(|d| (d.name, d.about.to_owned())).collect());
    rows(
        "Networks",
        alexnet_spec::networks::ALL.iter().map(|entry| (entry.name, (entry.network)().description)).collect(),
    );
    rows(
        "Outputs",
        vec![
            (
                "onnx",
                "Opsets 9 to 22; f32, f16, bf16; any or fixed batch; native or primitive LRN; external data".into(),
            ),
            ("safetensors", "f32, f16, bf16; canonical or torchvision names".into()),
        ],
    );
    table
}

/// What stands between two markers.
fn between<'a>(text: &'a str, name: &str) -> &'a str {
    let start = text.split_once(&format!("<!-- {name} -->\n")).expect("the opening marker").1;
    start.split_once(&format!("<!-- /{name} -->")).expect("the closing marker").0
}

/// `UPDATE_README=1 cargo test -p alexnet-tests --test supported` writes the table anew.
#[test]
fn the_readme_says_what_the_registries_say() {
    let text = std::fs::read_to_string(readme()).unwrap();
    let (written, expected) = (between(&text, "supported"), supported());
    if std::env::var_os("UPDATE_README").is_some() {
        let marked = |body: &str| format!("<!-- supported -->\n{body}<!-- /supported -->");
        std::fs::write(readme(), text.replace(&marked(written), &marked(&expected))).unwrap();
    } else {
        assert_eq!(written, expected, "set UPDATE_README=1 to write it anew");
    }
}
