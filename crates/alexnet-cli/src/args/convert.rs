use super::{Common, FloatType};
use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Convert AlexNet weights from any published checkpoint to safetensors and ONNX
///
/// Reads INPUT, whatever its extension, finds out which AlexNet it is, and writes each OUTPUT in the form that its
/// extension names. What was written is run against what was read before it gets its name; a check that fails leaves
/// nothing behind.
#[derive(Parser, Debug)]
#[command(
    name = "alexnet-convert",
    version,
    after_help = "Exit codes: 0 done and agreed, 1 the check said no, 2 it could not be done.\n\n\
        Examples:\n  alexnet-convert alexnet.pth alexnet.onnx\n  \
        alexnet-convert alexnet.pth alexnet.safetensors alexnet.onnx --external-data\n  \
        alexnet-convert unknown.pth --inspect"
)]
pub struct Convert {
    /// The checkpoint
    #[arg(required_unless_present_any = ["list_networks", "completions", "man"])]
    pub input: Option<PathBuf>,
    /// What to write: FILE.onnx, FILE.safetensors
    #[arg(required_unless_present_any = ["list_networks", "completions", "man", "inspect"])]
    pub outputs: Vec<PathBuf>,
    /// List the networks that have a name, and exit
    #[arg(long)]
    pub list_networks: bool,
    /// Say what is in the file and what it would become; write nothing
    #[arg(long, conflicts_with = "outputs")]
    pub inspect: bool,
    /// ONNX operator set, from 9 to 22
    #[arg(long, value_name = "N", default_value_t = 17)]
    pub opset: u32,
    /// ONNX batch size: a number, or `dynamic`
    #[arg(long, value_name = "dynamic|N", default_value = "dynamic", value_parser = batch)]
    pub batch: Batch,
    /// Element type of what is written, whatever the source holds; an ONNX graph computes in f16, but only stores in bf16
    #[arg(long, value_enum, default_value_t = FloatType::F32)]
    pub dtype: FloatType,
    /// Store the ONNX graph's weights as integers, with a step for each output channel
    #[arg(long, value_enum, value_name = "int8", conflicts_with_all = ["dtype", "external_data"])]
    pub quantize: Option<Integers>,
    /// Round activations to 8 bits too, in the ranges that these images or arrays give
    #[arg(long, value_name = "DIR|FILE", requires = "quantize")]
    pub calibrate: Option<PathBuf>,
    /// End the ONNX graph with a softmax; its output is then `probabilities`
    #[arg(long)]
    pub softmax: bool,
    /// How the ONNX graph normalises: the operator LRN, or operators that every runtime has
    #[arg(long, value_enum, default_value_t = Lrn::Native)]
    pub lrn: Lrn,
    /// Let the ONNX graph point into the safetensors file written beside it
    #[arg(long)]
    pub external_data: bool,
    /// Spelling of the parameters in safetensors
    #[arg(long, value_enum, default_value_t = Names::Canonical)]
    pub names: Names,
    /// Names of the classes, one a line, in the order of the outputs
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Run what was written against what was read (the default)
    #[arg(long, overrides_with = "no_verify")]
    pub verify: bool,
    /// Don't run what was written
    #[arg(long)]
    pub no_verify: bool,
    /// Don't take the source's SHA-256: the outputs don't name it, and a published file isn't recognised by it
    #[arg(long)]
    pub no_hash: bool,
    /// Replace existing outputs
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub common: Common,
}

/// The batch dimension of an ONNX graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// Any size at run time.
    Dynamic,
    /// This size alone.
    Fixed(usize),
}

fn batch(text: &str) -> Result<Batch, String> {
    match text.parse::<usize>() {
        _ if text == "dynamic" => Ok(Batch::Dynamic),
        Ok(size @ 1..=65_536) => Ok(Batch::Fixed(size)),
        _ => Err("must be `dynamic` or a number from 1 to 65536".into()),
    }
}

/// The integers that weights can be stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Integers {
    /// 8 bits, symmetric around zero
    Int8,
}

/// How response normalisation is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lrn {
    /// The operator LRN
    Native,
    /// Multiply, convolve, add, power, divide
    Primitive,
}

/// How parameters are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Names {
    /// conv1.weight to fc8.bias
    Canonical,
    /// features.0.weight to classifier.6.bias
    Torchvision,
}
