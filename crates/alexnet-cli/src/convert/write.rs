use super::outputs::Outputs;
use super::stream::Stream;
use crate::args::convert::{Batch, Convert, Lrn};
use crate::console::Console;
use crate::staging::Staged;
use alexnet_formats::Source;
use alexnet_formats::writers::safetensors;
use alexnet_onnx::{Data, ExportOptions, Extent, LrnForm, Quantization};
use alexnet_spec::{Metadata, Network, Weights};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

/// Outputs that are complete but have no names yet.
pub(super) struct StagedOutputs {
    pub safetensors: Vec<Staged>,
    pub onnx: Vec<Staged>,
}

impl StagedOutputs {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Staged> {
        self.safetensors.iter().chain(&self.onnx)
    }

    /// The files in the order in which they should get their names: data before the graph that points to it.
    pub(super) fn into_files(self) -> Vec<Staged> {
        self.safetensors.into_iter().chain(self.onnx).collect()
    }
}

/// What the outputs are made of.
pub(super) struct Job<'a> {
    pub outputs: &'a Outputs,
    pub network: &'a Network,
    pub weights: &'a Weights,
    pub options: &'a ExportOptions,
    /// The file that `weights` are views of.
    pub source: &'a Source,
    pub console: Console,
}

/// Outputs whose heads, which hold the metadata, are still missing.
pub(super) struct Headless<'a> {
    safetensors: Vec<(Staged, Head<'a>)>,
    onnx: Vec<(Staged, Head<'a>)>,
}

/// Makes the head of a file for its metadata, and the length that was left free for it.
type Head<'a> = (Box<dyn Fn(&Metadata) -> Result<Vec<u8>> + 'a>, u64);

/// Writes every output but for its head into its nameless file. `draft` are metadata as long as those to come: the checksum
/// of the source among them is taken while the weights are written.
pub(super) fn write<'a>(job: &Job<'a>, draft: &Metadata) -> Result<Headless<'a>> {
    let Job { outputs, network, weights, options, .. } = *job;
    let mut staged = Headless { safetensors: Vec::new(), onnx: Vec::new() };
    let mut extents = BTreeMap::new();
    for path in &outputs.safetensors {
        let place = || path.display().to_string();
        let prepared = safetensors::Prepared::new(network, weights, outputs.dtype, outputs.naming);
        let prepared = prepared.with_context(place)?;
        let head = prepared.header(draft).with_context(place)?.len() as u64;
        let layout = prepared.layout(head);
        let body = |out: &mut Stream<'_>| Ok(prepared.write_tensors(out)?);
        let file = job.stream(path, head, layout.total.saturating_sub(head), body)?;
        extents = layout
            .iter()
            .map(|(name, place)| (name.to_owned(), Extent { offset: place.offset, length: place.length }))
            .collect();
        staged.safetensors.push((file, (Box::new(move |metadata| Ok(prepared.header(metadata)?)), head)));
    }
    for path in &outputs.onnx {
        let place = || path.display().to_string();
        let data = match &outputs.external {
            Some(location) => Data::External { location, layout: &extents },
            None => Data::Inline,
        };
        let prepared = alexnet_onnx::Prepared::new(network, weights, options, data).with_context(place)?;
        let head = prepared.head(draft).with_context(place)?.len() as u64;
        let body = |out: &mut Stream<'_>| Ok(prepared.write_graph(out)?);
        let file = job.stream(path, head, prepared.graph_len(), body)?;
        staged.onnx.push((file, (Box::new(move |metadata| Ok(prepared.head(metadata)?)), head)));
    }
    Ok(staged)
}

impl Job<'_> {
    /// A file of `size` bytes behind a head of which `head` bytes are left free.
    fn stream(
        &self,
        path: &Path,
        head: u64,
        size: u64,
        body: impl FnOnce(&mut Stream<'_>) -> Result<()>,
    ) -> Result<Staged> {
        let mut file = Staged::create(path)?;
        let write = |file: &mut Staged| {
            let mut out = Stream::new(file, head, size, self.source, self.console)?;
            body(&mut out)?;
            anyhow::Ok(out.flush()?)
        };
        write(&mut file).with_context(|| path.display().to_string())?;
        Ok(file)
    }
}

impl Headless<'_> {
    /// Writes the heads.
    pub(super) fn finish(self, metadata: &Metadata) -> Result<StagedOutputs> {
        let finish = |(mut file, (head, free)): (Staged, Head<'_>)| {
            let place = file.target().display().to_string();
            let head = head(metadata).with_context(|| place.clone())?;
            ensure!(head.len() as u64 == free, "{place}: its head has {} bytes, not {free}", head.len());
            file.file().seek(SeekFrom::Start(0)).and_then(|_| file.file().write_all(&head)).context(place)?;
            Ok(file)
        };
        let all = |files: Vec<_>| files.into_iter().map(finish).collect::<Result<Vec<_>>>();
        Ok(StagedOutputs { safetensors: all(self.safetensors)?, onnx: all(self.onnx)? })
    }
}

/// The options of the ONNX exporter.
pub(super) fn export_options(args: &Convert, quantize: Option<Quantization>) -> ExportOptions {
    ExportOptions {
        opset: i64::from(args.opset),
        batch: match args.batch {
            Batch::Dynamic => alexnet_onnx::Batch::Dynamic,
            Batch::Fixed(size) => alexnet_onnx::Batch::Fixed(size),
        },
        dtype: args.dtype.into(),
        softmax: args.softmax,
        lrn: match args.lrn {
            Lrn::Native => LrnForm::Native,
            Lrn::Primitive => LrnForm::Primitive,
        },
        taps: false,
        quantize,
    }
}
