//! Any checkpoint of an AlexNet as safetensors: `cargo run --example to_safetensors -- INPUT OUTPUT [canonical|torchvision] [TYPE]`.
//!
//! What `alexnet-convert` adds is the check of its outputs, and that a failure leaves nothing behind.

use alexnet_formats::writers::safetensors;
use alexnet_formats::{ImportOptions, Limits, Source, import, open};
use alexnet_spec::{DType, Metadata, Provenance, naming::Naming};
use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output, rest @ ..] = &arguments[..] else { return Err("INPUT OUTPUT are needed".into()) };
    let naming = match rest.first().map(String::as_str) {
        Some("torchvision") => Naming::Torchvision,
        _ => Naming::Canonical,
    };
    let dtype = match rest.get(1).map(String::as_str) {
        Some("f16") => DType::F16,
        Some("bf16") => DType::BF16,
        _ => DType::F32,
    };

    let limits = Limits::default();
    let source = Source::open(input, &limits)?;
    let checkpoint = open(&source, &limits)?;
    let mut imported = import(&checkpoint, &ImportOptions::default())?;
    imported.report.record_conversion(&imported.weights, dtype);
    writeln!(io::stdout(), "{}", imported.report)?;

    let provenance = Provenance {
        source: source.file_name(),
        sha256: Some(source.sha256()),
        format: checkpoint.format.to_owned(),
        dialect: imported.dialect.to_owned(),
    };
    let metadata = Metadata::new(&imported.network, &provenance);
    let mut file = BufWriter::new(File::create(output)?);
    safetensors::write(&mut file, &imported.network, &imported.weights, dtype, naming, &metadata)?;
    Ok(file.into_inner()?.sync_all()?)
}
