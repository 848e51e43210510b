use super::dequantize_linear::{Steps, steps};
use super::{Lowering, Made, Node};
use crate::Result;
use alexnet_spec::DType;

/// Half of 2^24, and a half more: between 2^23 and 2^24 the numbers of f32 are the integers, so that adding this to a number
/// below 2^22 rounds it, half to even, and subtracting it again leaves the integer. candle rounds halves away from zero.
const ROUNDER: f32 = 12_582_912.0;

/// `saturate(round(x / scale) + zero point)`, as floats that hold these integers: candle-onnx computes in no others. Their
/// recorded type stays the integers', so that nothing but `DequantizeLinear` may read them.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let input = node.input(0)?;
    // Of floating point targets alone, and of how exactly the division is done.
    node.ignore(&["saturate", "precision"]);
    let known = lowering.operand(node, input)?;
    if known.dtype != DType::F32 {
        return Err(node.unsupported(format!("it quantises {}; only f32 is read", known.dtype)));
    }
    let Steps { dtype, scales, zeros, shape } = steps(lowering, node, &known.shape)?;
    let (low, high) = match dtype {
        DType::U8 => (0, 255),
        DType::I8 => (-128, 127),
        DType::I16 => (-32768, 32767),
        other => return Err(node.unsupported(format!("it quantises to {other}; only 8 bits and i16 are read"))),
    };
    let values = |f: &dyn Fn(f32) -> f32| zeros.iter().map(|zero| f(*zero)).collect::<Vec<_>>();
    let mut constant =
        |what: &str, shape: &[usize], values: &[f32]| lowering.floats(node, what, DType::F32, shape, values);
    let scale = constant("scale", &shape, &scales)?;
    let low = constant("low", &shape, &values(&|zero| low as f32 - zero))?;
    let high = constant("high", &shape, &values(&|zero| high as f32 - zero))?;
    let rounder = constant("rounder", &[], &[ROUNDER])?;
    let zero = constant("zero", &shape, &zeros)?;

    let mut part = |what: &str, made: Made| lowering.emit_part(node, what, made, known.shape.clone(), DType::F32);
    let steps = part("steps", Made::new("Div", [input, &scale]))?;
    let clipped = part("clipped", Made::new("Clip", [steps, low, high]))?;
    let lifted = part("lifted", Made::new("Add", [&clipped, &rounder]))?;
    let rounded = part("integers", Made::new("Sub", [lifted, rounder]))?;
    lowering.emit(node, Made::new("Add", [rounded, zero]), node.output()?, known.shape, dtype)
}
