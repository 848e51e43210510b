//! Which values of a network a static quantisation rounds, and the nodes that round them.

use super::{Affine, Quantization};
use crate::export::INPUT;
use crate::graph::{Extents, Graph, Node};
use crate::nodes::exporter;
use crate::{Error, ExportOptions, Result};
use alexnet_spec::{DType, Network, Op, Step};

/// The values whose ranges a static quantisation of `network` needs: `input`, and layers by name.
///
/// Errs where the network is malformed.
///
/// ```
/// let network = alexnet_spec::networks::get("caffenet").unwrap();
/// let values = alexnet_onnx::calibrated(&network)?;
/// assert_eq!(values[..4], ["input", "relu1", "norm1", "relu2"]);
/// # Ok::<(), alexnet_onnx::Error>(())
/// ```
pub fn calibrated(network: &Network) -> Result<Vec<String>> {
    let steps = network.trace()?;
    let mut values: Vec<String> = Vec::new();
    for value in names(&written(&steps, &ExportOptions::default())?).into_iter().flatten() {
        if !values.iter().any(|known| known == value) {
            values.push(value.to_owned());
        }
    }
    Ok(values)
}

/// The layers that have nodes in the graph, in their order.
fn written<'a>(steps: &'a [Step<'a>], options: &ExportOptions) -> Result<Vec<&'a Step<'a>>> {
    let mut kept = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let idle = exporter(&step.layer.op)?.is_identity(step);
        if !idle || options.taps || index + 1 == steps.len() {
            kept.push(step);
        }
    }
    Ok(kept)
}

/// For the input and the output of every step, the value whose steps it is rounded to; none where it stays as it is.
///
/// A convolution or linear layer has integers on both sides, except that the last one gives the logits as floats. Its ReLU
/// belongs to it: the zero point is the least integer there, so that rounding cuts off what the ReLU does, and a runtime drops
/// the ReLU. What only moves values (a pool, a flattening) hands on the integers that it gets.
fn names<'a>(steps: &[&'a Step<'a>]) -> Vec<Option<&'a str>> {
    let weighty = |step: Option<&&Step>| matches!(step.map(|s| &s.layer.op), Some(Op::Conv2d(_) | Op::Linear(_)));
    let relu = |step: Option<&&Step>| matches!(step.map(|s| &s.layer.op), Some(Op::Relu(_)));
    let mut names = vec![weighty(steps.first()).then_some(INPUT)];
    for (index, step) in steps.iter().enumerate() {
        let before = names.last().copied().flatten();
        let (next, previous) = (steps.get(index + 1), index.checked_sub(1).and_then(|index| steps.get(index)));
        let later = steps.iter().skip(index + 1).any(|step| weighty(Some(step)));
        let moves = match step.layer.op {
            Op::MaxPool2d(_) | Op::Flatten(_) | Op::Dropout(_) => true,
            Op::AdaptiveAvgPool2d(_) => step.input == step.output,
            _ => false,
        };
        let own = Some(step.layer.name.as_str());
        names.push(match before {
            _ if next.is_none() => None,
            Some(name) if moves => Some(name),
            _ if weighty(Some(step)) => own.filter(|_| later && !relu(next)),
            _ if relu(Some(step)) && weighty(previous) => own,
            _ => own.filter(|_| weighty(next)),
        });
    }
    names
}

/// A value's rounding: whose steps it takes, and what they are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rounding {
    name: String,
    pub(crate) affine: Affine,
}

/// The rounding of the input and of what every step gives; a layer without nodes has none.
///
/// Errs where the options lack a value that is to be rounded.
pub(crate) fn roundings(steps: &[Step], options: &ExportOptions) -> Result<(Option<Rounding>, Vec<Option<Rounding>>)> {
    let Some(Quantization::Static(affines)) = &options.quantize else { return Ok((None, vec![None; steps.len()])) };
    let kept = written(steps, options)?;
    let rounding = |name: Option<&str>| {
        let Some(name) = name else { return Ok(None) };
        let affine = affines.get(name).copied().filter(|affine| affine.scale.is_normal() && affine.scale > 0.0);
        let affine = affine.ok_or_else(|| Error::Options(format!("the calibration has no range of `{name}`")))?;
        Ok(Some(Rounding { name: name.to_owned(), affine }))
    };
    let mut known = names(&kept).into_iter().map(rounding).collect::<Result<Vec<_>>>()?.into_iter();
    let input = known.next().flatten();
    let mut kept = kept.into_iter().peekable();
    let each = steps.iter().map(|step| {
        kept.next_if(|next| next.layer.name == step.layer.name)?;
        known.next().flatten()
    });
    Ok((input, each.collect()))
}

impl Rounding {
    /// Appends the pair that rounds `value`, and gives the name of what the next layer reads.
    pub(crate) fn emit(&self, value: &str, dims: Vec<usize>, graph: &mut Graph) -> String {
        let [scale, zero] = self.constants();
        if !graph.constants.iter().any(|constant| constant.name() == scale) {
            graph.constant_f32(scale.clone(), &[], [self.affine.scale]);
            graph.constant(zero.clone(), DType::U8, &[], vec![self.affine.zero_point]);
        }
        let [quantized, rounded] = ["quantized", "rounded"].map(|what| format!("{value}/{what}"));
        let node = Node::new("QuantizeLinear", &quantized).input(value).input(&scale).input(&zero).of(DType::U8);
        graph.push(node, &quantized, Extents::from(dims.clone()));
        let node = Node::new("DequantizeLinear", &rounded).input(quantized).input(scale).input(zero);
        graph.push(node, &rounded, Extents::from(dims));
        rounded
    }

    fn constants(&self) -> [String; 2] {
        constants(&self.name)
    }
}

/// The names of the constants that hold a value's step and zero point.
pub(crate) fn constants(value: &str) -> [String; 2] {
    ["scale", "zero_point"].map(|what| format!("{value}/{what}"))
}
