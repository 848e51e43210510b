use super::Stage;
use crate::element::Element;
use crate::map::Map;
use crate::memory::{Buffer, Input};
use crate::simd::{Isa, Kernel, LANES, Lanes, Simd};

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
        let blocks = |values: &[f32]| {
            let mut lanes = vec![Lanes::default(); input.blocks()];
            for (channel, value) in values.iter().enumerate() {
                lanes[channel / LANES].0[channel % LANES] = *value;
            }
            lanes
        };
        Affine { scale: blocks(scale), shift: blocks(shift), relu, input, output }
    }

    /// A ReLU alone.
    pub(crate) fn relu(input: Map, output: Map) -> Affine {
        // -0 is what can be added to any number, -0 too, and leaves it as it is.
        Affine::new(&vec![1.0; input.channels], &vec![-0.0; input.channels], true, input, output)
    }
}

/// An item is a row of a block.
impl<E: Element> Stage<E> for Affine {
    fn items(&self) -> usize {
        self.output.blocks() * self.output.height
    }

    fn length(&self) -> usize {
        self.output.pixels()
    }

    unsafe fn run(&self, isa: Isa, item: usize, input: Input<E>, output: &Buffer<E>) {
        let (block, y) = (item / self.output.height, item % self.output.height);
        // SAFETY: each item has its own block and row, so this row is written by this call alone.
        let output = unsafe { output.part(self.output.row(block, y)) };
        let input = &input.lanes()[self.input.row(block, y)];
        isa.run(Row { scale: &self.scale[block], shift: &self.shift[block], relu: self.relu, input, output });
    }
}

struct Row<'a, E: Element> {
    scale: &'a Lanes,
    shift: &'a Lanes,
    relu: bool,
    input: &'a [Lanes<E>],
    output: &'a mut [Lanes<E>],
}

impl<E: Element> Kernel for Row<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (scale, shift) = (simd.load(self.scale), simd.load(self.shift));
        for (output, input) in self.output.iter_mut().zip(self.input) {
            // Rounded twice, as two operations on tensors are.
            let y = simd.add(simd.mul(E::load(simd, input), scale), shift);
            E::store(simd, if self.relu { simd.relu(y) } else { y }, output);
        }
    }
}
