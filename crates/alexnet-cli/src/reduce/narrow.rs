//! Taking channels or features away from a part of a graph: from its end towards its input, or the other way.

use super::part::{Part, int};
use alexnet_onnx::proto::NodeProto;
use alexnet_spec::{DType, Tensor};
use std::collections::BTreeSet;
use std::ops::Range;

/// Operators that compute every channel by itself, or can do with fewer of them.
const CHANNELWISE: [&str; 18] = [
    "AveragePool",
    "Cast",
    "Clip",
    "Dropout",
    "Elu",
    "GlobalAveragePool",
    "Identity",
    "LRN",
    "LeakyRelu",
    "LogSoftmax",
    "MaxPool",
    "Neg",
    "Reciprocal",
    "Relu",
    "Sigmoid",
    "Softmax",
    "Sqrt",
    "Tanh",
];
/// Operators of two operands, element by element.
const BINARY: [&str; 6] = ["Add", "Div", "Mul", "Pow", "PRelu", "Sub"];

impl Part {
    /// Takes away all but the channels or features in `keep` from the output, which has `rank` axes. Gives the channels of
    /// the input that are still read, `None` for all; and nothing where a node isn't known.
    pub fn keep_outputs(&mut self, rank: usize, keep: &Range<usize>) -> Option<Option<Range<usize>>> {
        let mut pending = vec![(self.output.clone(), keep.clone())];
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut fed = None;
        while let Some((value, keep)) = pending.pop() {
            if value == self.input {
                if fed.as_ref().is_some_and(|fed| *fed != keep) {
                    return None;
                }
                fed = Some(keep);
                continue;
            }
            if !seen.insert(value.clone()) {
                continue;
            }
            let at = self.producer(&value)?;
            let node = self.graph.node.get(at)?.clone();
            match node.op_type() {
                operator if CHANNELWISE.contains(&operator) => pending.push((node.input.first()?.clone(), keep)),
                "QuantizeLinear" | "DequantizeLinear" => {
                    self.narrow_parameters(at, &node, &keep)?;
                    pending.push((node.input.first()?.clone(), keep));
                }
                "BatchNormalization" => {
                    (1..=4).try_for_each(|input| self.narrow(at, input, 0, &keep))?;
                    pending.push((node.input.first()?.clone(), keep));
                }
                operator if BINARY.contains(&operator) => {
                    for (input, name) in node.input.iter().enumerate() {
                        if self.is_constant(name) {
                            self.narrow_broadcast(at, input, rank, &keep)?;
                        } else {
                            pending.push((name.clone(), keep.clone()));
                        }
                    }
                }
                "Gemm" => {
                    let axis = if int(&node, "transB").unwrap_or(0) == 0 { 1 } else { 0 };
                    self.narrow(at, 1, axis, &keep)?;
                    if node.input.get(2).is_some_and(|bias| !bias.is_empty()) {
                        self.narrow_broadcast(at, 2, 2, &keep)?;
                    }
                }
                "MatMul" => self.narrow(at, 1, 1, &keep)?,
                "Conv" => {
                    if let Some(inputs) = self.narrow_convolution(at, &node, &keep)? {
                        pending.push((node.input.first()?.clone(), inputs));
                    }
                }
                _ => return None,
            }
        }
        Some(fed)
    }

    /// Takes the filters of all other channels away from a convolution; gives the inputs of their group, where there are
    /// groups.
    fn narrow_convolution(&mut self, at: usize, node: &NodeProto, keep: &Range<usize>) -> Option<Option<Range<usize>>> {
        let shape = self.constant_shape(node.input.get(1)?)?;
        let (outputs, inputs) = (*shape.first()?, *shape.get(1)?);
        let groups = usize::try_from(int(node, "group").unwrap_or(1)).ok()?;
        let each = outputs.checked_div(groups).filter(|each| *each > 0)?;
        let group = keep.start / each;
        if keep.end > (group + 1) * each {
            return None;
        }
        self.narrow(at, 1, 0, keep)?;
        if node.input.get(2).is_some_and(|bias| !bias.is_empty()) {
            self.narrow(at, 2, 0, keep)?;
        }
        let attributes = &mut self.graph.node.get_mut(at)?.attribute;
        if let Some(attribute) = attributes.iter_mut().find(|attribute| attribute.name() == "group") {
            attribute.i = Some(1);
        }
        Some((groups > 1).then(|| group * inputs..(group + 1) * inputs))
    }

    /// Takes away what computes with the channels or features of the input that aren't in `keep`, of `channels`; the input
    /// has `rank` axes. Nothing where a node isn't known.
    pub fn keep_inputs(&mut self, rank: usize, channels: usize, keep: &Range<usize>) -> Option<()> {
        let mut pending = vec![(self.input.clone(), rank)];
        let mut seen: BTreeSet<String> = BTreeSet::new();
        while let Some((value, rank)) = pending.pop() {
            if !seen.insert(value.clone()) {
                continue;
            }
            for at in self.readers(&value) {
                let node = self.graph.node.get(at)?.clone();
                let mut rank = rank;
                match node.op_type() {
                    operator if CHANNELWISE.contains(&operator) => {}
                    "QuantizeLinear" | "DequantizeLinear" => self.narrow_parameters(at, &node, keep)?,
                    "BatchNormalization" => (1..=4).try_for_each(|input| self.narrow(at, input, 0, keep))?,
                    operator if BINARY.contains(&operator) => {
                        for (input, name) in node.input.iter().enumerate() {
                            if self.is_constant(name) {
                                self.narrow_broadcast(at, input, rank, keep)?;
                            }
                        }
                    }
                    "Flatten" if int(&node, "axis").unwrap_or(1) == 1 => rank = 2,
                    "Reshape" => {
                        self.open_features(at, &node)?;
                        rank = 2;
                    }
                    "Gemm" => {
                        let axis = if int(&node, "transB").unwrap_or(0) == 0 { 0 } else { 1 };
                        self.narrow_features(at, axis, channels, keep)?;
                        continue;
                    }
                    "MatMul" => {
                        self.narrow_features(at, 0, channels, keep)?;
                        continue;
                    }
                    "Conv" if int(&node, "group").unwrap_or(1) == 1 => {
                        self.narrow(at, 1, 1, keep)?;
                        continue;
                    }
                    _ => return None,
                }
                pending.push((node.output.first()?.clone(), rank));
            }
        }
        Some(())
    }

    /// Narrows a matrix along its features, of which each channel has as many.
    fn narrow_features(&mut self, at: usize, axis: usize, channels: usize, keep: &Range<usize>) -> Option<()> {
        let matrix = self.graph.node.get(at)?.input.get(1)?;
        let features = *self.constant_shape(matrix)?.get(axis)?;
        let each = features.checked_div(channels).filter(|_| features.is_multiple_of(channels))?;
        self.narrow(at, 1, axis, &(keep.start * each..keep.end * each))
    }

    /// Narrows a constant that is broadcast against values of `rank` axes, where it has the channels at all.
    fn narrow_broadcast(&mut self, at: usize, input: usize, rank: usize, keep: &Range<usize>) -> Option<()> {
        let shape = self.constant_shape(self.graph.node.get(at)?.input.get(input)?)?;
        let axis = (shape.len() + 1).checked_sub(rank);
        match axis.and_then(|axis| Some((axis, *shape.get(axis)?))) {
            Some((axis, size)) if size > 1 => self.narrow(at, input, axis, keep),
            _ => Some(()),
        }
    }

    /// Narrows scale and zero point of quantised values, where every channel has its own.
    fn narrow_parameters(&mut self, at: usize, node: &NodeProto, keep: &Range<usize>) -> Option<()> {
        for (input, name) in node.input.iter().enumerate().skip(1) {
            match self.constant_shape(name)?.as_slice() {
                [size] if *size > 1 && int(node, "axis").unwrap_or(1) == 1 => self.narrow(at, input, 0, keep)?,
                [] | [1] => {}
                _ => return None,
            }
        }
        Some(())
    }

    /// Leaves the number of features open in the shape of a flattening.
    fn open_features(&mut self, at: usize, node: &NodeProto) -> Option<()> {
        let name = node.input.get(1)?;
        let shape = self.constants.get(name).filter(|shape| shape.dtype() == DType::I64)?.to_bytes();
        let [batch, _] = shape.as_chunks::<8>().0 else { return None };
        if i64::from_le_bytes(*batch) < 0 || self.readers(name) != [at] {
            return None;
        }
        let open = [*batch, (-1i64).to_le_bytes()].concat();
        self.constants.insert(name.clone(), Tensor::new(DType::I64, vec![2], open.into()).ok()?);
        Some(())
    }
}
