use super::{Lowering, Made, Node};
use crate::Result;
use crate::lower::window::{Window, convolve, map};
use alexnet_spec::DType;

/// `x / (bias + alpha / size * sum(x^2))^beta`. With every map in one row, the sum over neighbouring channels is a
/// convolution of one channel whose kernel is `size` high.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let input = node.inputs(1, 1)?[0];
    let known = lowering.operand(node, input)?;
    let [n, channels, height, width] = map(node, &known.shape)?;
    let size = node.int("size")?.ok_or_else(|| node.malformed("has no size"))?;
    let size = usize::try_from(size).ok().filter(|size| (1..=1 << 16).contains(size));
    let size = size.ok_or_else(|| node.malformed("its size isn't from 1 to 65536"))?;
    let alpha = f64::from(node.float("alpha")?.unwrap_or(1e-4));
    let beta = node.float("beta")?.unwrap_or(0.75);
    let bias = node.float("bias")?.unwrap_or(1.0);

    let wide = lowering.widen(node, input)?;
    let shape = known.shape;
    let square = lowering.emit_part(node, "square", Made::new("Mul", [&wide, &wide]), shape.clone(), DType::F32)?;
    let rows = lowering.fresh(node, "rows")?;
    let pixels = height * width;
    lowering.emit_reshape(node, &square, &rows, vec![n, 1, channels, pixels])?;
    let weight = (alpha / size as f64) as f32;
    let kernel = lowering.floats(node, "kernel", DType::F32, &[1, 1, size, 1], &vec![weight; size])?;
    let k = lowering.floats(node, "k", DType::F32, &[1], &[bias])?;
    let window = Window { kernel: [size, 1], stride: [1, 1], pads: [(size - 1) / 2, 0, size / 2, 0], dilation: [1, 1] };
    let sums = lowering.fresh(node, "sums")?;
    convolve(lowering, node, (&[rows, kernel, k], 1), &window, [n, 1, channels, pixels], (&sums, DType::F32))?;
    let base = lowering.fresh(node, "base")?;
    lowering.emit_reshape(node, &sums, &base, shape.clone())?;
    let beta = lowering.floats(node, "beta", DType::F32, &[], &[beta])?;
    let divisor = lowering.emit_part(node, "divisor", Made::new("Pow", [&base, &beta]), shape.clone(), DType::F32)?;
    lowering.emit_narrowed(node, Made::new("Div", [wide, divisor]), node.output()?, shape, known.dtype)
}
