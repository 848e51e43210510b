use crate::Quantization;
use alexnet_spec::DType;
use std::collections::BTreeMap;

/// How a network becomes a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportOptions {
    /// The version of the operator set, from [`ExportOptions::OPSETS`]. 17 by default, which runtimes from 2022 on load.
    pub opset: i64,
    /// The batch dimension of input and output.
    pub batch: Batch,
    /// The element type of the parameters: f32, f16 or bf16.
    ///
    /// An f16 graph takes, computes and gives f16. bf16 is for storage alone: a `Cast` makes f32 of every parameter, because
    /// few runtimes compute in bf16; opset 13 is the first in which it does.
    ///
    /// Response norms and uneven adaptive pools are computed in f32 between two casts in an f16 graph: squares of
    /// activations overflow f16, whose largest value is 65504, and 2e-5 is among its subnormal numbers.
    pub dtype: DType,
    /// Whether probabilities follow the logits.
    pub softmax: bool,
    /// The form of cross-channel response normalisation.
    pub lrn: LrnForm,
    /// Whether every layer's output is an output of the graph, under the layer's name.
    ///
    /// The last layer's keeps the network's output name. Layers that a graph leaves out, such as dropout, are then an
    /// `Identity`, so that no name is missing.
    pub taps: bool,
    /// What is stored as integers of 8 bits, from opset 13 on, in a graph that is otherwise of f32.
    pub quantize: Option<Quantization>,
}

impl ExportOptions {
    /// The opsets that can be written.
    pub const OPSETS: std::ops::RangeInclusive<i64> = 9..=22;

    /// The element type of input and output and of what lies between.
    pub fn arithmetic(&self) -> DType {
        if self.dtype == DType::F16 { DType::F16 } else { DType::F32 }
    }
}

impl Default for ExportOptions {
    fn default() -> Self {
        ExportOptions {
            opset: 17,
            batch: Batch::Dynamic,
            dtype: DType::F32,
            softmax: false,
            lrn: LrnForm::Native,
            taps: false,
            quantize: None,
        }
    }
}

/// The batch dimension of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Batch {
    /// Any number of examples; the dimension is called `N`.
    #[default]
    Dynamic,
    /// Exactly so many.
    Fixed(usize),
}

/// The form of cross-channel response normalisation in a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LrnForm {
    /// The operator `LRN`.
    ///
    /// Constants that the operator allows and ONNX Runtime refuses to load (a window of even size, an alpha that is zero,
    /// a beta that isn't above zero) take the primitive form all the same.
    #[default]
    Native,
    /// Square, 1x1 convolution with a banded kernel, power, division: for runtimes without `LRN`.
    Primitive,
}

/// Where a graph's parameters are kept.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// In the model.
    Inline,
    /// In another file, usually the safetensors file that was written beside the model.
    External {
        /// The file's path relative to the model's folder, with `/` between its parts.
        location: &'a str,
        /// The place of every parameter in that file, in the graph's element type.
        layout: &'a BTreeMap<String, Extent>,
    },
}

/// A run of bytes in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// From the start of the file, in bytes.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
}
