use super::Rows;
use crate::element::Element;
use crate::map::Map;
use crate::memory::Input;
use crate::simd::{Lanes, Simd};

/// A factor and an addend for each channel, which is what batch norm is outside training, and a ReLU; or a ReLU alone.
#[derive(Debug)]
pub(crate) struct Affine {
    /// For each block of channels.
    scale: Vec<Lanes>,
    shift: Vec<Lanes>,
    relu: bool,
    input: Map,
    output: Map,
}

impl Affine {
    /// `scale * x + shift` for each channel.
    pub(crate) fn new(scale: &[f32], shift: &[f32], relu: bool, input: Map, output: Map) -> Affine {
        Affine { scale: input.lanes(scale), shift: input.lanes(shift), relu, input, output }
    }

    /// A ReLU alone.
    pub(crate) fn relu(input: Map, output: Map) -> Affine {
        // -0 is what can be added to any number, -0 too, and leaves it as it is.
        Affine::new(&vec![1.0; input.channels], &vec![-0.0; input.channels], true, input, output)
    }
}

impl Rows for Affine {
    fn output(&self) -> &Map {
        &self.output
    }

    #[inline(always)]
    fn row<E: Element, S: Simd>(&self, simd: S, (block, y): (usize, usize), input: Input<E>, output: &mut [Lanes<E>]) {
        let (scale, shift) = (simd.load(&self.scale[block]), simd.load(&self.shift[block]));
        for (output, input) in output.iter_mut().zip(&input.lanes()[self.input.row(block, y)]) {
            // Rounded twice, as two operations on tensors are.
            let y = simd.add(simd.mul(E::load(simd, input), scale), shift);
            E::store(simd, if self.relu { simd.relu(y) } else { y }, output);
        }
    }
}
