use crate::layers::{LocalResponseNorm, Softmax};
use crate::{Error, Input, Labels, Layer, Op, Preprocessing, Result, Shape};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// A network: its input contract and its layers, first to last, each fed by the one before.
///
/// It serialises to JSON, so a user's own variant is a file. [`Network::from_json`] checks what it reads; a network built
/// by hand is checked by [`Network::trace`], which everything that reads a network goes through.
///
/// ```
/// use alexnet_spec::{Network, networks};
///
/// let caffenet = networks::get("caffenet").unwrap();
/// assert_eq!(caffenet.parameter_count()?, 60_965_224);
/// let mine = caffenet.to_json().replace(r#""k": 1.0"#, r#""k": 2.0"#);
/// assert_eq!(Network::from_json(&mine)?.local_response_norms().next().unwrap().1.k, 2.0);
/// # Ok::<(), alexnet_spec::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Short name, as on the command line: `torchvision`, `bvlc`, ...
    pub name: String,
    /// One sentence: which network this is, and where it is defined.
    #[serde(default)]
    pub description: String,
    /// The input tensor.
    pub input: Input,
    /// How an image becomes the input tensor.
    pub preprocessing: Preprocessing,
    /// The order and names of the outputs.
    #[serde(default)]
    pub labels: Labels,
    /// First to last.
    pub layers: Vec<Layer>,
}

/// A trained tensor of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Canonical name: the layer's, a dot, and the name within the layer, as in `conv1.weight`.
    pub name: String,
    /// Name of the layer it belongs to.
    pub layer: String,
    /// Its shape: OIHW for convolutions, `[out, in]` for fully connected layers.
    pub shape: Vec<usize>,
}

impl Parameter {
    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// One layer with all that follows from its position.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// The layer.
    pub layer: &'a Layer,
    /// The shape of its input, without the batch.
    pub input: Shape,
    /// The shape of its output, without the batch.
    pub output: Shape,
    /// Its trained tensors.
    pub parameters: Vec<Parameter>,
    /// Multiply-adds for one example.
    pub multiply_adds: u64,
}

/// More layers than any network of the family has: a guard against hostile descriptions.
const MAX_LAYERS: usize = 4096;

impl Network {
    /// Reads a network from JSON and checks it.
    ///
    /// Errs on malformed JSON, unknown keys and operations, and on everything that [`Network::trace`] refuses.
    pub fn from_json(text: &str) -> Result<Network> {
        let network: Network = serde_json::from_str(text)?;
        network.trace()?;
        Ok(network)
    }

    /// The network as indented JSON; [`Network::from_json`] reads it back to an equal value.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a network has string keys only")
    }

    /// Walks the layers from the input to the output and infers every shape.
    ///
    /// Errs, naming the layer and both sizes, where a layer can't take what comes before it; and where the network is
    /// empty, repeats a name, has a softmax before its end, or has preprocessing or labels that don't fit.
    pub fn trace(&self) -> Result<Vec<Step<'_>>> {
        self.check_names()?;
        self.preprocessing.check(&self.input).map_err(|message| self.malformed(message))?;
        let Input { channels, height, width } = self.input;
        let mut shape = Shape::Map { channels, height, width };
        if shape.elements().is_none_or(|n| n == 0) {
            return Err(self.malformed(format!("the input is {shape}: every dimension must be at least 1")));
        }
        let mut steps = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let step = step(layer, shape).map_err(|message| Error::Layer {
                layer: layer.name.clone(),
                op: layer.op.kind(),
                message,
            })?;
            shape = step.output;
            steps.push(step);
        }
        if let (Some(labels), Some(classes)) = (self.labels.len(), self.class_count())
            && labels != classes
        {
            return Err(self.malformed(format!(
                "{labels} labels for {classes} classes: give as many names, or write \"labels\": \"unknown\""
            )));
        }
        Ok(steps)
    }

    fn check_names(&self) -> Result<()> {
        if self.layers.is_empty() || self.layers.len() > MAX_LAYERS {
            return Err(self.malformed(format!("{} layers; there must be from 1 to {MAX_LAYERS}", self.layers.len())));
        }
        let mut seen = HashSet::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let name = layer.name.as_str();
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
                return Err(self.malformed(format!(
                    "layer {index} is called `{}`: a name has 1 to 64 ASCII letters, digits, `_` and `-`",
                    name.escape_debug()
                )));
            }
            if ["input", "logits", "probabilities"].contains(&name) {
                return Err(self.malformed(format!("layer {index} can't be called `{name}`: graphs use that name")));
            }
            if !seen.insert(name) {
                return Err(self.malformed(format!("two layers are called `{name}`")));
            }
            if matches!(layer.op, Op::Softmax(_)) && index + 1 != self.layers.len() {
                return Err(self.malformed(format!("softmax `{name}` is not the last layer")));
            }
        }
        Ok(())
    }

    fn malformed(&self, message: String) -> Error {
        Error::Network { network: self.name.clone(), message }
    }

    /// Every trained tensor, in the order of the layers.
    pub fn parameters(&self) -> Result<Vec<Parameter>> {
        Ok(self.trace()?.into_iter().flat_map(|step| step.parameters).collect())
    }

    /// The number of trained values.
    pub fn parameter_count(&self) -> Result<u64> {
        Ok(self.parameters()?.iter().map(|p| p.elements() as u64).sum())
    }

    /// Multiply-adds of one example's forward pass, in convolutions and fully connected layers.
    pub fn multiply_adds(&self) -> Result<u64> {
        Ok(self.trace()?.iter().map(|step| step.multiply_adds).sum())
    }

    /// The layer called `name`.
    pub fn layer(&self, name: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.name == name)
    }

    /// The number of classes: outputs of the last fully connected layer. `None` for a network of features alone.
    pub fn class_count(&self) -> Option<usize> {
        self.layers.iter().rev().find_map(|layer| match &layer.op {
            Op::Linear(linear) => Some(linear.out),
            _ => None,
        })
    }

    /// The name of the graph's output: `logits`, `probabilities` after a softmax, or for features alone the last layer's.
    pub fn output_name(&self) -> &str {
        match self.layers.last() {
            Some(Layer { op: Op::Linear(_), .. }) => "logits",
            Some(Layer { op: Op::Softmax(_), .. }) => "probabilities",
            Some(layer) => &layer.name,
            None => "input",
        }
    }

    /// How many of the first layers make up the features: all before the flattening or adaptive pooling that leads to the
    /// classifier (pool5 in every published network). All layers, where there is neither.
    pub fn feature_layers(&self) -> usize {
        self.layers
            .iter()
            .position(|layer| matches!(layer.op, Op::Flatten(_) | Op::AdaptiveAvgPool2d(_) | Op::Linear(_)))
            .unwrap_or(self.layers.len())
    }

    /// The network without its classifier; its output is the features.
    pub fn features_only(mut self) -> Network {
        self.layers.truncate(self.feature_layers());
        self.labels = Labels::Unknown;
        self
    }

    /// The network with another number of classes. Labels that no longer fit become [`Labels::Unknown`].
    ///
    /// Errs on zero classes and on a network without a fully connected layer.
    pub fn with_classes(mut self, classes: usize) -> Result<Network> {
        let last = self.layers.iter_mut().rev().find_map(|layer| match &mut layer.op {
            Op::Linear(linear) => Some(linear),
            _ => None,
        });
        match last {
            Some(linear) if classes > 0 => linear.out = classes,
            Some(_) => return Err(self.malformed("it needs at least one class".into())),
            None => return Err(self.malformed(format!("no fully connected layer can have {classes} classes"))),
        }
        if self.labels.len().is_some_and(|labels| labels != classes) {
            self.labels = Labels::Unknown;
        }
        Ok(self)
    }

    /// The network with a layer `prob` at its end that turns logits into probabilities; unchanged where it has one.
    pub fn with_softmax(mut self) -> Network {
        if !matches!(self.layers.last(), Some(Layer { op: Op::Softmax(_), .. })) {
            self.layers.push(Layer::new("prob", Softmax {}));
        }
        self
    }

    /// The network with other numbers of outputs: `widths` has one entry for each convolution and fully connected layer,
    /// first to last. Labels that no longer fit become [`Labels::Unknown`].
    ///
    /// Errs where the number of entries is another, or a width doesn't divide into a layer's groups.
    pub fn with_widths(mut self, widths: &[usize]) -> Result<Network> {
        let mut outs: Vec<&mut usize> = self.layers.iter_mut().filter_map(|layer| layer.op.out_mut()).collect();
        if outs.len() != widths.len() {
            let message = format!("{} widths for {} convolutions and fully connected layers", widths.len(), outs.len());
            return Err(self.malformed(message));
        }
        for (out, width) in outs.iter_mut().zip(widths) {
            **out = *width;
        }
        if self.labels.len().is_some_and(|labels| Some(labels) != self.class_count()) {
            self.labels = Labels::Unknown;
        }
        self.trace()?;
        Ok(self)
    }

    /// The network with the widths of weights that are there: `shape_of` gives the shape of a parameter, of which the first
    /// dimension counts.
    ///
    /// Errs where a layer's weight has no shape, and as [`Network::with_widths`] does.
    pub fn fitted<'a>(self, shape_of: impl Fn(&str) -> Option<&'a [usize]>) -> Result<Network> {
        let layers = self.layers.iter().filter(|layer| layer.op.out().is_some());
        let width = |layer: &Layer| {
            let name = format!("{}.weight", layer.name);
            let width = shape_of(&name).and_then(|shape| shape.first().copied());
            width.ok_or_else(|| self.malformed(format!("`{name}` has no shape")))
        };
        let widths = layers.map(width).collect::<Result<Vec<_>>>()?;
        self.with_widths(&widths)
    }

    /// The numbers of outputs of the convolutions and fully connected layers, first to last.
    pub fn widths(&self) -> Vec<usize> {
        self.layers.iter().filter_map(|layer| layer.op.out()).collect()
    }

    /// The same network in small, for tests: every width but the last divided by `divisor`, and `classes` classes. A filter
    /// of one or two channels, which isn't trained, keeps them.
    pub fn shrunk(self, divisor: usize, classes: usize) -> Result<Network> {
        let mut widths = self.widths();
        for width in widths.iter_mut().filter(|width| **width > 2) {
            *width = width
                .checked_div(divisor)
                .filter(|w| *w > 0)
                .ok_or_else(|| self.malformed(format!("a width of {width} can't be divided by {divisor}")))?;
        }
        if let (Some(last), Some(_)) = (widths.last_mut(), self.class_count()) {
            *last = classes;
        }
        self.with_widths(&widths)
    }

    /// The cross-channel norms of the network, with their layers' names.
    pub fn local_response_norms(&self) -> impl Iterator<Item = (&str, &LocalResponseNorm)> {
        self.layers.iter().filter_map(|layer| match &layer.op {
            Op::LocalResponseNorm(norm) => Some((layer.name.as_str(), norm)),
            _ => None,
        })
    }
}

fn step(layer: &Layer, input: Shape) -> Result<Step<'_>, String> {
    let infer = layer.op.infer();
    let output = infer.output(input)?;
    if output.elements().is_none_or(|n| n > isize::MAX as usize / 16) {
        return Err(format!("an output of {output} is too large"));
    }
    let parameters = infer
        .parameters(input)?
        .into_iter()
        .map(|(role, shape)| Parameter { name: format!("{}.{role}", layer.name), layer: layer.name.clone(), shape })
        .collect::<Vec<_>>();
    for parameter in &parameters {
        if parameter.shape.iter().try_fold(16usize, |n, d| n.checked_mul(*d)).is_none() {
            return Err(format!("parameter `{}` is too large: {:?}", parameter.name, parameter.shape));
        }
    }
    Ok(Step { layer, input, output, parameters, multiply_adds: infer.multiply_adds(input)? })
}

impl Op {
    /// The number of outputs of a convolution or fully connected layer.
    pub fn out(&self) -> Option<usize> {
        match self {
            Op::Conv2d(conv) => Some(conv.out),
            Op::Linear(linear) => Some(linear.out),
            _ => None,
        }
    }

    fn out_mut(&mut self) -> Option<&mut usize> {
        match self {
            Op::Conv2d(conv) => Some(&mut conv.out),
            Op::Linear(linear) => Some(&mut linear.out),
            _ => None,
        }
    }
}
