use super::write::StagedOutputs;
use crate::quantity::{grouped, size};
use crate::verify;
use alexnet_formats::Source;
use alexnet_spec::{ChannelOrder, Network, PixelRange, Provenance};
use serde::Serialize;
use std::fmt::Write;

/// What a conversion did. Serialised, it is the program's JSON: fields are added, not renamed, within a version.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    /// The version of this layout.
    schema: &'static str,
    input: Input,
    network: &'a Network,
    classes: Option<usize>,
    parameters: u64,
    /// What was used, left over, converted and guessed.
    import: &'a alexnet_formats::Report,
    outputs: Vec<Output>,
    /// Empty where the check was left out.
    verification: Vec<verify::Report>,
}

#[derive(Serialize)]
struct Input {
    path: String,
    bytes: u64,
    sha256: Option<String>,
    format: String,
    dialect: String,
}

#[derive(Serialize)]
struct Output {
    path: String,
    bytes: u64,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        source: &Source,
        provenance: &Provenance,
        network: &'a Network,
        import: &'a alexnet_formats::Report,
        staged: &StagedOutputs,
        verification: Vec<verify::Report>,
    ) -> Report<'a> {
        Report {
            schema: "alexnet-convert/1",
            input: Input {
                path: source.path().display().to_string(),
                bytes: source.size(),
                sha256: provenance.sha256.clone(),
                format: provenance.format.clone(),
                dialect: provenance.dialect.clone(),
            },
            network,
            classes: network.class_count(),
            parameters: network.parameter_count().unwrap_or_default(),
            import,
            outputs: staged
                .iter()
                .map(|output| Output {
                    path: output.target().display().to_string(),
                    bytes: std::fs::metadata(output.path()).map_or(0, |m| m.len()),
                })
                .collect(),
            verification,
        }
    }

    /// The report for people; `published`: whether the outputs got their names.
    pub(super) fn text(&self, published: bool) -> String {
        let mut out = String::new();
        let Report { input, network, .. } = self;
        let unhashed = if input.sha256.is_none() { ", no SHA-256 taken (--no-hash)" } else { "" };
        let (bytes, Input { path, format, dialect, .. }) = (size(input.bytes), input);
        let _ = writeln!(out, "read      {path}  ({format}, {dialect}, {bytes}{unhashed})");
        let _ = writeln!(
            out,
            "network   {}: {} parameters, {}, input {}x{}x{} {}",
            network.name,
            grouped(self.parameters),
            self.classes.map_or("features only".into(), |n| format!("{n} classes")),
            network.input.channels,
            network.input.height,
            network.input.width,
            pixels(network),
        );
        for report in &self.verification {
            let Some(checked) = &report.b else { continue };
            let _ = writeln!(out, "checked   {}  ({}): {}", checked.path, checked.runtimes(), report.verdict);
            for missing in &report.unavailable {
                let _ = writeln!(out, "          not checked on {}: {}", missing.runtime, missing.why);
            }
        }
        if self.verification.is_empty() {
            let _ = writeln!(out, "checked   nothing (--no-verify)");
        }
        for output in &self.outputs {
            let done = if published { "wrote    " } else { "withheld " };
            let _ = writeln!(out, "{done} {}  ({})", output.path, size(output.bytes));
        }
        out.trim_end().to_owned()
    }
}

fn pixels(network: &Network) -> String {
    let order = match network.preprocessing.channel_order {
        ChannelOrder::Rgb => "RGB",
        ChannelOrder::Bgr => "BGR",
    };
    let range = match network.preprocessing.range {
        PixelRange::Unit => "0..1",
        PixelRange::Byte => "0..255",
    };
    format!("{order} {range}")
}
