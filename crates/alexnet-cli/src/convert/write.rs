use super::outputs::Outputs;
use crate::args::convert::{Batch, Convert, Lrn};
use crate::console::Console;
use crate::staging::Staged;
use alexnet_formats::writers::safetensors::{self, Layout};
use alexnet_onnx::{Data, ExportOptions, Extent, LrnForm, Quantization};
use alexnet_spec::{DType, Metadata, Network, Weights};
use anyhow::{Context, Result};
use indicatif::ProgressBar;
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

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

/// Writes every output to its nameless file and syncs it.
pub(super) fn write(
    outputs: &Outputs,
    network: &Network,
    weights: &Weights,
    metadata: &Metadata,
    options: &ExportOptions,
    console: Console,
) -> Result<StagedOutputs> {
    let mut staged = StagedOutputs { safetensors: Vec::new(), onnx: Vec::new() };
    let size = weights.byte_len(outputs.dtype) as u64;
    let mut layout = BTreeMap::new();
    for path in &outputs.safetensors {
        let written;
        let mut file = Staged::create(path)?;
        {
            let mut out = Progress::new(&mut file, console, size);
            written = safetensors::write(&mut out, network, weights, outputs.dtype, outputs.naming, metadata)
                .map_err(anyhow::Error::from)
                .and_then(|layout| out.flush().map(|()| layout).map_err(Into::into))
                .with_context(|| path.display().to_string())?;
        }
        layout = extents(&written);
        file.sync()?;
        staged.safetensors.push(file);
    }
    for path in &outputs.onnx {
        let mut file = Staged::create(path)?;
        {
            let data = match &outputs.external {
                Some(location) => Data::External { location, layout: &layout },
                None => Data::Inline,
            };
            let size = match (&outputs.external, &options.quantize) {
                (Some(_), _) => 0,
                (None, Some(_)) => weights.byte_len(DType::I8) as u64,
                (None, None) => size,
            };
            let mut out = Progress::new(&mut file, console, size);
            alexnet_onnx::write(&mut out, network, weights, metadata, options, data)
                .map_err(anyhow::Error::from)
                .and_then(|()| out.flush().map_err(Into::into))
                .with_context(|| path.display().to_string())?;
        }
        file.sync()?;
        staged.onnx.push(file);
    }
    Ok(staged)
}

fn extents(layout: &Layout) -> BTreeMap<String, Extent> {
    layout
        .iter()
        .map(|(name, place)| (name.to_owned(), Extent { offset: place.offset, length: place.length }))
        .collect()
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

/// A buffered file with a bar.
struct Progress<'a> {
    file: BufWriter<&'a mut std::fs::File>,
    bar: ProgressBar,
}

impl<'a> Progress<'a> {
    fn new(staged: &'a mut Staged, console: Console, size: u64) -> Progress<'a> {
        let name = staged.target().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let bar = console.bar(size, &name);
        Progress { file: BufWriter::with_capacity(1 << 16, staged.file()), bar }
    }
}

/// The most that is handed to the system at once: a mapped tensor comes as one slice, and the bar should move.
const STEP: usize = 8 << 20;

impl Write for Progress<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes.get(..STEP).unwrap_or(bytes))?;
        self.bar.inc(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
