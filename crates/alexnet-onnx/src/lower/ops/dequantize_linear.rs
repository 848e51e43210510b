use super::{Lowering, Made, Node, axis};
use crate::Result;
use alexnet_spec::{DType, Tensor};

/// `(x - zero point) * scale`, with one scale for all of a tensor or one for each position of an axis.
///
/// Constants, which are weights, are multiplied out here and rounded once, as the operator is defined. Other values are what
/// `QuantizeLinear` gives: floats that hold integers.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let known = lowering.get(node.input(0)?)?.clone();
    let steps = steps(lowering, node, &known.shape)?;
    if steps.dtype != known.dtype {
        return Err(node.malformed(format!("its zero point is {}, but its input {}", steps.dtype, known.dtype)));
    }
    match known.constant {
        Some(data) => fold(lowering, node, &data, &steps),
        None if known.dtype.is_float() => Err(node.malformed(format!("it dequantises {}", known.dtype))),
        None => {
            let scale = lowering.floats(node, "scale", DType::F32, &steps.shape, &steps.scales)?;
            let zero = lowering.floats(node, "zero", DType::F32, &steps.shape, &steps.zeros)?;
            let made = Made::new("Sub", [node.input(0)?, &zero]);
            let shifted = lowering.emit_part(node, "shifted", made, known.shape.clone(), DType::F32)?;
            lowering.emit(node, Made::new("Mul", [shifted, scale]), node.output()?, known.shape, DType::F32)
        }
    }
}

/// Scales and zero points of one of the two operators.
pub(super) struct Steps {
    /// The integers' type.
    pub(super) dtype: DType,
    pub(super) scales: Vec<f32>,
    /// As many as scales.
    pub(super) zeros: Vec<f32>,
    /// The shape in which both broadcast to the value: of one element, or with all of them along their axis.
    pub(super) shape: Vec<usize>,
}

/// Reads scale, zero point and axis of a node whose first input has the given shape.
pub(super) fn steps(lowering: &Lowering, node: &Node, shape: &[usize]) -> Result<Steps> {
    let names = node.inputs(2, 3)?;
    let constant = |name: &str| {
        let known = lowering.get(name)?.constant.clone();
        known.ok_or_else(|| node.unsupported("its scale or zero point is computed: try a statically quantised model"))
    };
    let scales = constant(names[1])?.to_f32()?;
    let zero = names.get(2).map(|name| constant(name)).transpose()?;
    if node.int("block_size")?.unwrap_or(0) != 0 {
        return Err(node.unsupported("it has a scale for every block of values: try a model with one a channel"));
    }
    let at = node.int("axis")?.unwrap_or(1);
    let asked = node.int("output_dtype")?.and_then(|number| i32::try_from(number).ok()).unwrap_or_default();
    // One scale for all has no axis.
    let steps = match scales.len() {
        1 => Vec::new(),
        count => {
            let at = axis(node, at, shape.len())?;
            (0..shape.len()).map(|axis| if axis == at { count } else { 1 }).collect()
        }
    };
    let fits = steps.iter().zip(shape).all(|(steps, size)| *steps == 1 || steps == size);
    let mut zeros = Vec::new();
    let dtype = match &zero {
        Some(zero) => {
            let known = each(zero, |_, value| zeros.push(value as f32));
            known.ok_or_else(|| node.unsupported(format!("its zero point is of {}", zero.dtype())))?;
            zero.dtype()
        }
        None => {
            zeros = vec![0.0; scales.len()];
            let held = lowering.get(names[0])?.dtype;
            if held.is_float() { crate::tensor::dtype(asked).unwrap_or(DType::U8) } else { held }
        }
    };
    if !fits || zeros.len() != scales.len() {
        let (scales, zeros) = (scales.len(), zeros.len());
        return Err(node.malformed(format!("{scales} scales and {zeros} zero points for {shape:?}")));
    }
    Ok(Steps { dtype, scales, zeros, shape: steps })
}

/// The floats that a constant of integers stands for.
fn fold(lowering: &mut Lowering, node: &Node, data: &Tensor, steps: &Steps) -> Result<()> {
    let shape = data.shape().to_vec();
    let at = steps.shape.iter().position(|size| *size != 1);
    let inner = match at {
        Some(at) => shape.iter().skip(at + 1).product::<usize>().max(1),
        None => data.elements().max(1),
    };
    let float = |at: usize, value: i32| {
        let run = at / inner % steps.scales.len().max(1);
        let (scale, zero) =
            (steps.scales.get(run).copied().unwrap_or(1.0), steps.zeros.get(run).copied().unwrap_or(0.0));
        ((f64::from(value) - f64::from(zero)) * f64::from(scale)) as f32
    };
    // One integer throughout, as in `Model::with_steps`, is a view of one row of floats.
    if data.strides().is_some_and(|strides| strides.iter().all(|stride| *stride == 0)) {
        let mut first = None;
        let one = (0..shape.len()).try_fold(data.clone(), |view, axis| view.narrow(axis, 0, 1))?;
        each(&one, |_, value| first = Some(value));
        let value = first.ok_or_else(|| node.unsupported(format!("it dequantises {}", data.dtype())))?;
        let row: Vec<u8> = (0..steps.scales.len()).flat_map(|run| float(run * inner, value).to_le_bytes()).collect();
        let strides = (0..shape.len()).map(|axis| isize::from(Some(axis) == at)).collect();
        lowering.define(node.output()?, Tensor::strided(DType::F32, shape, strides, 0, row.into())?);
        return Ok(());
    }
    let bytes = data.elements().saturating_mul(4);
    lowering.copy(bytes)?;
    let mut out = Vec::with_capacity(bytes);
    let known = each(data, |at, value| out.extend_from_slice(&float(at, value).to_le_bytes()));
    known.ok_or_else(|| node.unsupported(format!("it dequantises {}", data.dtype())))?;
    lowering.define(node.output()?, Tensor::new(DType::F32, shape, out.into())?);
    Ok(())
}

/// Hands out the elements of a tensor of integers of up to 32 bits, with their positions; `None` where it has others.
fn each(tensor: &Tensor, mut take: impl FnMut(usize, i32)) -> Option<()> {
    let bytes = tensor.to_bytes();
    match tensor.dtype() {
        DType::I8 => bytes.iter().enumerate().for_each(|(at, byte)| take(at, i32::from(*byte as i8))),
        DType::U8 => bytes.iter().enumerate().for_each(|(at, byte)| take(at, i32::from(*byte))),
        DType::I16 => {
            let words = bytes.as_chunks().0.iter().enumerate();
            words.for_each(|(at, word)| take(at, i32::from(i16::from_le_bytes(*word))));
        }
        DType::I32 => {
            bytes.as_chunks().0.iter().enumerate().for_each(|(at, word)| take(at, i32::from_le_bytes(*word)));
        }
        _ => return None,
    }
    Some(())
}
