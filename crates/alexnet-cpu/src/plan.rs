//! From a network's layers to fused stages.

use crate::Error;
use crate::element::Element;
use crate::engine::Precision;
use crate::head::{Int8, Layer, Matrix};
use crate::map::Map;
use crate::simd::Isa;
use crate::stages::{self, Stage, Winograd};
use alexnet_spec::{Network, Op, Shape, layers as spec};

/// What a network computes, up to its logits.
#[derive(Debug)]
pub(crate) struct Plan<E: Element> {
    /// Up to the features, with the names of the layers.
    pub(crate) stages: Vec<(String, Box<dyn Stage<E>>)>,
    /// Beside a stage, its other form for several images, see [`Plan::wants_groups`].
    pub(crate) winograd: Vec<Option<Winograd>>,
    /// The features.
    pub(crate) features: Map,
    pub(crate) layers: Vec<(String, Layer)>,
    /// The names of the fully connected layers' weights.
    pub(crate) matrices: Vec<String>,
    /// The elements of each.
    pub(crate) matrix_elements: Vec<usize>,
}

/// Where parameters come from, by canonical name.
pub(crate) type Parameters<'a, E> = dyn FnMut(&str) -> Result<Vec<E>, Error> + 'a;

struct Builder<'a, E: Element> {
    plan: Plan<E>,
    /// The layers, and the shape of each one's input; the last shape is the output's.
    layers: Vec<&'a spec::Layer>,
    shapes: Vec<Shape>,
    isa: Isa,
    precision: Precision,
}

impl<E: Element> Plan<E> {
    pub(crate) fn new(
        network: &Network,
        isa: Isa,
        precision: Precision,
        parameters: &mut Parameters<E>,
    ) -> Result<Plan<E>, Error> {
        let steps = network.trace()?;
        let unsupported = |what: &str| Err(Error::Unsupported(what.into()));
        let Some(first) = steps.first() else { return unsupported("a network without layers") };
        let Shape::Map { channels, height, width } = first.input else {
            return unsupported("an input that isn't a map");
        };
        let mut shapes: Vec<_> = steps.iter().map(|step| step.input).collect();
        shapes.extend(steps.last().map(|step| step.output));
        let plan = Plan {
            stages: Vec::new(),
            winograd: Vec::new(),
            features: Map { channels, height, width, border: [0; 4] },
            layers: Vec::new(),
            matrices: Vec::new(),
            matrix_elements: Vec::new(),
        };
        let layers = steps.iter().map(|step| step.layer).collect();
        let mut builder = Builder { plan, layers, shapes, isa, precision };
        let mut at = builder.start(parameters)?;
        while at < builder.layers.len() {
            at = builder.add(at, parameters)?;
        }
        Ok(builder.plan)
    }

    /// Whether stages want several images at once.
    pub(crate) fn wants_groups(&self) -> bool {
        !self.winograd.is_empty()
    }
}

impl<E: Element> Builder<'_, E> {
    /// The stages up to and with a convolution that reads the image; or the one that brings the image into blocks. Returns
    /// the next layer's index.
    fn start(&mut self, parameters: &mut Parameters<E>) -> Result<usize, Error> {
        let Map { channels, height, width, .. } = self.plan.features;
        let first = self.skip(0);
        if let Some(Op::Conv2d(layer)) = self.layers.get(first).map(|layer| &layer.op) {
            let pad = stages::Pad::new(channels, height, width, layer.pads);
            let (height, width) = pad.size();
            if layer.pads != [0; 4] {
                self.plan.stages.push(("input".into(), Box::new(pad)));
            }
            return self.conv2d(first, stages::Source::Planar { channels, height, width }, parameters);
        }
        self.plan.features = self.plan.features.with_border(self.border(0));
        self.plan.stages.push(("input".into(), Box::new(stages::Block(self.plan.features))));
        Ok(0)
    }

    /// The first layer from `at` on that does something outside training.
    fn skip(&self, at: usize) -> usize {
        let rest = self.layers.iter().skip(at);
        at + rest.take_while(|layer| matches!(layer.op, Op::Dropout(_))).count()
    }

    /// The border that layer `at` wants around its input.
    fn border(&self, at: usize) -> [usize; 4] {
        match self.layers.get(self.skip(at)).map(|layer| &layer.op) {
            Some(Op::Conv2d(layer)) => layer.pads,
            _ => [0; 4],
        }
    }

    /// Whether a ReLU follows on layer `at`, and the index after it.
    fn relu(&self, at: usize) -> (bool, usize) {
        let next = self.skip(at + 1);
        match self.layers.get(next).map(|layer| &layer.op) {
            Some(Op::Relu(_)) => (true, next + 1),
            _ => (false, at + 1),
        }
    }

    /// The names of the layers from `at` to before `next`.
    fn name(&self, at: usize, next: usize) -> String {
        let layers = self.layers.iter().take(next).skip(at).filter(|layer| !matches!(layer.op, Op::Dropout(_)));
        layers.map(|layer| layer.name.as_str()).collect::<Vec<_>>().join("+")
    }

    /// The map that stands before layer `next`, in the layout that it wants.
    fn map(&self, next: usize) -> Result<Map, Error> {
        match self.shapes.get(next) {
            Some(&Shape::Map { channels, height, width }) => {
                Ok(Map { channels, height, width, border: self.border(next) })
            }
            _ => Err(Error::Unsupported("a vector where a map is expected".into())),
        }
    }

    /// Adds layer `at`, with what is fused with it. Returns the next layer's index.
    fn add(&mut self, at: usize, parameters: &mut Parameters<E>) -> Result<usize, Error> {
        let layer = self.layers[at];
        let vector = matches!(self.shapes[at], Shape::Vector(_));
        let input = self.plan.features;
        let mut next = at + 1;
        let stage: Box<dyn Stage<E>> = match &layer.op {
            Op::Dropout(_) | Op::Flatten(_) => return Ok(next),
            // The logits come before it.
            Op::Softmax(_) if next == self.layers.len() => return Ok(next),
            Op::Linear(_) => return self.linear(at, parameters),
            Op::Relu(_) if vector => {
                let count = self.features(at)?;
                // -0 can be added to any number, and leaves it as it is.
                let (scale, shift) = (vec![1.0; count], vec![-0.0; count]);
                self.plan.layers.push((layer.name.clone(), Layer::Affine { scale, shift, relu: true }));
                return Ok(next);
            }
            Op::BatchNorm2d(norm) => {
                let (relu, after) = self.relu(at);
                next = after;
                let (scale, shift) = batch_norm(norm, &layer.name, parameters)?;
                if vector {
                    self.plan.layers.push((self.name(at, next), Layer::Affine { scale, shift, relu }));
                    return Ok(next);
                }
                Box::new(stages::Affine::new(&scale, &shift, relu, input, self.map(next)?))
            }
            Op::Conv2d(_) => return self.conv2d(at, stages::Source::Blocked(input), parameters),
            Op::Relu(_) => Box::new(stages::Affine::relu(input, self.map(next)?)),
            Op::LocalResponseNorm(op) => Box::new(stages::LocalResponseNorm::new(op, input, self.map(next)?)),
            Op::SpatialResponseNorm(op) => Box::new(stages::SpatialResponseNorm::new(op, input, self.map(next)?)),
            Op::MaxPool2d(op) => Box::new(stages::MaxPool2d::new(op, input, self.map(next)?)),
            Op::AdaptiveAvgPool2d(_) => Box::new(stages::AdaptiveAvgPool2d::new(input, self.map(next)?)),
            other => return Err(Error::Unsupported(format!("a {} layer (`{}`)", other.kind(), layer.name))),
        };
        self.plan.stages.push((self.name(at, next), stage));
        self.plan.features = self.map(next)?;
        Ok(next)
    }

    fn conv2d(&mut self, at: usize, source: stages::Source, parameters: &mut Parameters<E>) -> Result<usize, Error> {
        let layer = self.layers[at];
        let Op::Conv2d(op) = &layer.op else { return Err(Error::Unsupported(layer.op.kind().into())) };
        let (relu, next) = self.relu(at);
        let output = self.map(next)?;
        let weights = parameters(&format!("{}.weight", layer.name))?;
        let bias = widened(parameters(&format!("{}.bias", layer.name))?);
        if let (Precision::Fast, stages::Source::Blocked(input)) = (self.precision, source)
            && let Some(stage) = Winograd::new(op, input, output, &weights, &bias, relu, self.isa)
        {
            self.plan.winograd.resize_with(self.plan.stages.len(), || None);
            self.plan.winograd.push(Some(stage));
        }
        let stage = stages::Conv2d::new(op, source, output, &weights, &bias, relu, self.isa);
        self.plan.stages.push((self.name(at, next), Box::new(stage)));
        self.plan.features = output;
        Ok(next)
    }

    fn linear(&mut self, at: usize, parameters: &mut Parameters<E>) -> Result<usize, Error> {
        let layer = self.layers[at];
        let (relu, next) = self.relu(at);
        let (inputs, bias) = (self.features(at)?, widened(parameters(&format!("{}.bias", layer.name))?));
        let name = format!("{}.weight", layer.name);
        let matrix = match self.precision {
            Precision::Exact | Precision::Fast => {
                self.plan.matrix_elements.push(inputs * bias.len());
                self.plan.matrices.push(name);
                Matrix::Given(self.plan.matrices.len() - 1)
            }
            Precision::Int8 => Matrix::Int8(Int8::new(&parameters(&name)?, inputs)),
        };
        self.plan.layers.push((self.name(at, next), Layer::Linear { matrix, inputs, bias, relu }));
        Ok(next)
    }

    fn features(&self, at: usize) -> Result<usize, Error> {
        match self.shapes[at] {
            Shape::Vector(count) => Ok(count),
            Shape::Map { .. } => Err(Error::Unsupported("a map where a vector is expected".into())),
        }
    }
}

fn widened<E: Element>(values: Vec<E>) -> Vec<f32> {
    values.into_iter().map(E::to_f32).collect()
}

/// Batch norm outside training, as a factor and an addend for each channel.
fn batch_norm<E: Element>(
    norm: &spec::BatchNorm2d,
    name: &str,
    parameters: &mut Parameters<E>,
) -> Result<(Vec<f32>, Vec<f32>), Error> {
    let mut get = |parameter: &str| parameters(&format!("{name}.{parameter}")).map(widened);
    let (weight, bias, mean, variance) = (get("weight")?, get("bias")?, get("running_mean")?, get("running_var")?);
    let scale: Vec<f32> =
        weight.iter().zip(&variance).map(|(weight, variance)| weight / (variance + norm.eps as f32).sqrt()).collect();
    let shift = bias.iter().zip(mean.iter().zip(&scale)).map(|(bias, (mean, scale))| bias - mean * scale).collect();
    Ok((scale, shift))
}
