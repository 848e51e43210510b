use super::Common;
use crate::compare::Override;
use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Check that two forms of an AlexNet compute the same
///
/// A and B are checkpoints, safetensors or ONNX files. Both are run on the same inputs; their logits are compared, and
/// where they part the first layer that differs is named. A checkpoint runs as the candle model, an ONNX graph on the
/// chosen runtimes.
#[derive(Parser, Debug)]
#[command(
    name = "alexnet-verify",
    version,
    after_help = "Exit codes: 0 agreed, 1 the check said no, 2 it could not be done.\n\n\
        Examples:\n  alexnet-verify alexnet.pth alexnet.onnx\n  \
        alexnet-verify alexnet.safetensors alexnet.onnx --layers --runtime ort\n  \
        alexnet-verify alexnet.pth alexnet.onnx --fixtures photos/"
)]
pub struct Verify {
    /// The reference
    #[arg(value_name = "A", required_unless_present_any = ["completions", "man"])]
    pub a: Option<PathBuf>,
    /// What is held against it
    #[arg(value_name = "B", required_unless_present_any = ["completions", "man"])]
    pub b: Option<PathBuf>,
    /// Inputs: a folder or file of images, .npy, .npz or .safetensors (`input`, and recorded `logits` or layers by name,
    /// which are then compared too); built-in inputs where it is left out
    #[arg(long, value_name = "DIR|FILE")]
    pub fixtures: Option<PathBuf>,
    /// What runs ONNX graphs; by default candle-onnx, and ort where an ONNX Runtime library is found
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME,...")]
    pub runtime: Vec<RuntimeName>,
    /// Compare every layer, not the logits alone
    #[arg(long)]
    pub layers: bool,
    /// Absolute tolerance; `LAYER:X` for one layer
    #[arg(long, value_name = "[LAYER:]X", value_parser = clap::value_parser!(Override))]
    pub atol: Vec<Override>,
    /// Tolerance relative to the largest reference value; `LAYER:X` for one layer
    #[arg(long, value_name = "[LAYER:]X", value_parser = clap::value_parser!(Override))]
    pub rtol: Vec<Override>,
    #[command(flatten)]
    pub common: Common,
}

/// A program that runs ONNX graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RuntimeName {
    /// candle-onnx, on the graph lowered to the operators that it computes rightly
    CandleOnnx,
    /// ONNX Runtime, from a library found when the program runs
    Ort,
}

impl RuntimeName {
    /// The name on the command line and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            RuntimeName::CandleOnnx => "candle-onnx",
            RuntimeName::Ort => "ort",
        }
    }
}
