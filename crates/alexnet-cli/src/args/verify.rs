use super::Common;
use crate::compare::Override;
use crate::runtimes::Spec;
use clap::Parser;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Check that two forms of an AlexNet compute the same
///
/// A and B are checkpoints, safetensors or ONNX files. Both are run on the same inputs; their logits are compared, and
/// where they part the first layer that differs is named. A checkpoint runs as the candle model, an ONNX graph on the
/// chosen runtimes; where B is left out, A's runtimes are compared with each other and with recorded outputs.
#[derive(Parser, Debug)]
#[command(
    name = "alexnet-verify",
    version,
    after_help = "Exit codes: 0 agreed, 1 the check said no, 2 it could not be done.\n\n\
        Examples:\n  alexnet-verify alexnet.pth alexnet.onnx\n  \
        alexnet-verify alexnet.safetensors alexnet.onnx --layers --runtime ort\n  \
        alexnet-verify alexnet.pth alexnet.onnx --fixtures photos/\n  \
        alexnet-verify alexnet.onnx --runtime ort,candle-onnx,golden --fixtures recorded.safetensors"
)]
pub struct Verify {
    /// The reference
    #[arg(value_name = "A", required_unless_present_any = ["completions", "man", "list_tolerances"])]
    pub a: Option<PathBuf>,
    /// What is held against it
    #[arg(value_name = "B")]
    pub b: Option<PathBuf>,
    /// Inputs: a folder or file of images, .npy, .npz or .safetensors (`input`, and recorded `logits` or layers by name,
    /// which are then compared too); by default a few built-in ones, and all of a kind as builtin:noise, photographs,
    /// impulses, constants, extremes or all
    #[arg(long, value_name = "DIR|FILE|builtin:KIND,...")]
    pub fixtures: Option<PathBuf>,
    /// What runs the networks: candle[:f32|f16|bf16][@cpu|cuda[:N]|metal], candle-onnx, ort[@cpu|cuda], tract, golden
    ///
    /// By default a checkpoint runs on candle and a graph on candle-onnx, and on ort where an ONNX Runtime library is found.
    /// A runtime that is named and can't be had is an error. `golden` insists on recorded logits for every input.
    #[arg(long, value_delimiter = ',', value_name = "NAME,...", verbatim_doc_comment)]
    pub runtime: Vec<Spec>,
    /// Record inputs and outputs (of every layer with --layers) in a new folder, which --fixtures takes back
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,
    /// Besides, run the reference and the first other on every image of a folder and of the folders in it
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,
    /// Write down which images are done; after a stop the same command goes on from there
    #[arg(long, value_name = "FILE", requires = "images")]
    pub journal: Option<PathBuf>,
    /// Inputs that are run at a time: by default 1, and 8 of --images
    #[arg(long, value_name = "N")]
    pub batch: Option<NonZeroUsize>,
    /// Compare every layer, not the logits alone
    #[arg(long)]
    pub layers: bool,
    /// Write the report as one HTML file, with curves, maps and pictures; implies --layers
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Where the first layer that differs is written, as the smallest graph and input that still show it: a new folder, as
    /// ONNX's backend tests are
    #[arg(long, value_name = "DIR")]
    pub reduce: Option<PathBuf>,
    /// Absolute tolerance; `LAYER:X` for one layer
    #[arg(long, value_name = "[LAYER:]X", value_parser = clap::value_parser!(Override))]
    pub atol: Vec<Override>,
    /// Tolerance relative to the largest reference value; `LAYER:X` for one layer
    #[arg(long, value_name = "[LAYER:]X", value_parser = clap::value_parser!(Override))]
    pub rtol: Vec<Override>,
    /// Print the default tolerances and their reasons, and exit
    #[arg(long)]
    pub list_tolerances: bool,
    #[command(flatten)]
    pub common: Common,
}
