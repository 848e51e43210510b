use super::{Emit, map};
use crate::LrnForm;
use crate::graph::{Extents, Graph, Node, Site};
use alexnet_spec::{DType, layers::LocalResponseNorm};

impl Emit for LocalResponseNorm {
    fn emit(&self, site: &Site, graph: &mut Graph) {
        // What ONNX Runtime's kernel insists on, beyond the operator's specification.
        let loads = self.size % 2 == 1 && self.alpha as f32 > 0.0 && self.beta as f32 > 0.0;
        match graph.options().lrn {
            LrnForm::Native if loads => native(self, site, graph),
            _ => primitive(self, site, graph),
        }
    }
}

/// The operator `LRN`. It knows no groups: slices of the channels are moved into the batch around it.
fn native(norm: &LocalResponseNorm, site: &Site, graph: &mut Graph) {
    let lrn = |name: String, input: &str| {
        Node::new("LRN", name)
            .input(input)
            .float("alpha", norm.alpha)
            .float("beta", norm.beta)
            .float("bias", norm.k)
            .int("size", norm.size as i64)
    };
    let layer = site.step.layer.name.clone();
    if norm.groups == 1 {
        graph.push(lrn(layer, site.input), site.output, site.step.output.dims());
        return;
    }
    let [channels, height, width] = map(site.step.input);
    let slice = channels / norm.groups;
    let extents = || Extents { slices: norm.groups, rest: vec![slice, height, width] };
    let shape = |channels: usize| [-1, channels as i64, height as i64, width as i64];

    let split = site.part("split");
    let to = graph.constant_i64(site.part("split.shape"), &shape(slice));
    graph.push(Node::new("Reshape", &split).input(site.input).input(to), &split, extents());
    let normed = site.part("lrn");
    graph.push(lrn(normed.clone(), &split), &normed, extents());
    let to = graph.constant_i64(site.part("shape"), &shape(channels));
    graph.push(Node::new("Reshape", layer).input(normed).input(to), site.output, site.step.output.dims());
}

/// `x / (k + alpha / size * sum(x^2))^beta`, where the sum is a 1x1 convolution with a banded kernel and k is its bias.
fn primitive(norm: &LocalResponseNorm, site: &Site, graph: &mut Graph) {
    let shape = || site.step.input.dims();
    let wide = graph.widen(site);
    let [channels, ..] = map(site.step.input);
    let slice = channels / norm.groups;
    let (before, after) = norm.reach();
    let weight = norm.effective_alpha() as f32;
    let band = (0..channels).flat_map(|row| {
        let row = row % slice;
        (0..slice).map(move |column| if column + before >= row && column <= row + after { weight } else { 0.0 })
    });
    let band = graph.constant_f32(site.part("band"), &[channels, slice, 1, 1], band);
    let k = graph.constant_f32(site.part("k"), &[channels], std::iter::repeat_n(norm.k as f32, channels));
    let beta = graph.constant_f32(site.part("beta"), &[], [norm.beta as f32]);

    let square = site.part("square");
    graph.push(Node::new("Mul", &square).input(&wide).input(&wide).of(DType::F32), &square, shape());
    let base = site.part("base");
    let node = Node::new("Conv", &base)
        .input(square)
        .input(band)
        .input(k)
        .int("group", norm.groups as i64)
        .ints("kernel_shape", &[1, 1]);
    graph.push(node.of(DType::F32), &base, shape());
    let divisor = site.part("divisor");
    graph.push(Node::new("Pow", &divisor).input(base).input(beta).of(DType::F32), &divisor, shape());
    graph.push_widened(site, "Div", [&wide, &divisor]);
}
