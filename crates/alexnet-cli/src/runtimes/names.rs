use crate::align::align;
use crate::array::Array;
use crate::graph::Graph;
use alexnet_onnx::{Dim, Model, cut};
use alexnet_spec::{DType, Mean, Network, Op, Preprocessing};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;

/// What an ONNX runtime has to know of a graph: its input, its batch, and the names of its values.
#[derive(Clone, Debug)]
pub struct Names {
    /// The input's name.
    pub input: String,
    /// The input's element type.
    pub dtype: DType,
    /// The one batch size that the graph takes; none where it takes any.
    pub batch: Option<usize>,
    /// Whether it takes images with their channels last.
    channels_last: bool,
    /// What makes pixels of an input again, mean and divisor of every channel, where the graph begins by normalising pixels:
    /// inputs are normalised already.
    normalises: Option<(Vec<f64>, Vec<f64>)>,
    /// `logits` and the layers, with the values' names.
    values: BTreeMap<String, String>,
    /// The layers in the network's order.
    order: Vec<String>,
}

impl Names {
    /// Errs where the graph doesn't take one input and give one output.
    pub fn new(graph: &Graph, network: Option<&Network>) -> Result<Names> {
        let (inputs, outputs) = (graph.model.inputs(), graph.model.outputs());
        let [input] = inputs else { bail!("it has {} inputs, not one", inputs.len()) };
        let proto = graph.model.graph();
        let mut values = match network {
            Some(network) => align(&graph.model, network),
            None => BTreeMap::new(),
        };
        let [output] = outputs else { bail!("it has {} outputs, not one", outputs.len()) };
        // Probabilities hide differences that logits show: compare what goes into the softmax.
        let last = proto.node.iter().find(|node| node.output.contains(&output.name));
        let softmax = last.filter(|node| matches!(node.op_type(), "Softmax" | "LogSoftmax"));
        let logits = softmax.and_then(|node| node.input.first()).unwrap_or(&output.name);
        values.insert("logits".into(), logits.clone());
        // Whatever lies between the last layer and the logits belongs to it.
        let mut layers = network.iter().flat_map(|network| &network.layers);
        if let Some(last) = layers.rfind(|layer| !matches!(layer.op, Op::Softmax(_))) {
            values.insert(last.name.clone(), logits.clone());
        }
        if softmax.is_some_and(|node| node.op_type() == "Softmax") {
            values.insert("probabilities".into(), output.name.clone());
        }
        let batch = match input.shape.as_deref() {
            Some([Dim::Fixed(batch), ..]) => Some(*batch),
            _ => None,
        };
        let channels_last = input.image().is_some_and(|(_, last)| last);
        let own = alexnet_onnx::read_graph(&graph.model).ok().and_then(|graph| graph.preprocessing);
        let normalises = own.map(|own| pixels(&own, network)).transpose()?.flatten();
        let order = network.iter().flat_map(|network| &network.layers).map(|layer| layer.name.clone()).collect();
        Ok(Names { input: input.name.clone(), dtype: input.dtype, batch, channels_last, normalises, values, order })
    }

    /// The names of a model that is run as it is, whatever it looks like: its one output goes by the name of `logits`.
    pub fn of_part(model: &Model) -> Result<Names> {
        let ([input], [output]) = (model.inputs(), model.outputs()) else {
            bail!("a part has one input and one output")
        };
        let batch = match input.shape.as_deref() {
            Some([Dim::Fixed(batch), ..]) => Some(*batch),
            _ => None,
        };
        Ok(Names {
            input: input.name.clone(),
            dtype: input.dtype,
            batch,
            channels_last: false,
            normalises: None,
            values: BTreeMap::from([("logits".into(), output.name.clone())]),
            order: Vec::new(),
        })
    }

    /// The value that is a layer's output.
    pub fn value(&self, layer: &str) -> Option<&str> {
        self.values.get(layer).map(String::as_str)
    }

    /// The values of `logits`, of `probabilities` and of those `taps` that the graph has, each under its layer's name, in the
    /// order in which they are computed.
    pub fn wanted(&self, taps: &[String]) -> Vec<(&str, &str)> {
        let layers = self.order.iter().filter(|layer| taps.contains(layer)).map(String::as_str);
        let names = layers.chain(["logits", "probabilities"]);
        names.filter_map(|name| Some((name, self.value(name)?))).collect()
    }

    /// The input as the graph takes it: before its own normalisation, with its axes in the graph's order.
    pub fn prepared(&self, input: &Array) -> Result<Array> {
        let input = self.normalises.as_ref().map_or_else(|| input.clone(), |(mean, std)| input.affine(std, mean));
        if self.channels_last { input.channels_last() } else { Ok(input) }
    }

    /// Runs a batch of any size in batches of the size that the graph takes, and puts the results together. `run` gets what the
    /// graph takes and returns arrays under the names of [`Names::wanted`].
    ///
    /// The last batch is filled up with copies of its last example. Errs where copies come out differently, which a batch
    /// must not cause.
    pub fn in_batches(
        &self,
        input: &Array,
        run: &mut dyn FnMut(Array) -> Result<Vec<(String, Array)>>,
    ) -> Result<Vec<(String, Array)>> {
        let input = self.prepared(input)?;
        let Some(size) = self.batch else { return run(input) };
        let mut together: Vec<(String, Array)> = Vec::new();
        for start in (0..input.batch()).step_by(size.max(1)) {
            let count = size.min(input.batch() - start);
            let batch = input.examples(start, count)?.padded_to(size)?;
            for (name, value) in run(batch)? {
                same_copies(&name, &value, count)?;
                let own = value.examples(0, count)?;
                match together.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, array)) => array.append(own)?,
                    None => together.push((name, own)),
                }
            }
        }
        Ok(together)
    }

    /// The part of `model` that computes `layer` from the output of `after`, or from the input; `shape` is that of what it is
    /// fed, the batch first. None where the graph shows one of the two under no name.
    ///
    /// Errs where `layer` can't be computed from `after`.
    pub fn part(&self, model: &Model, after: Option<&str>, layer: &str, shape: &[usize]) -> Result<Option<Part>> {
        // What the graph does to its own input before the first layer belongs to the first layer.
        let feeds_image = after.is_none();
        let value = match after {
            Some(after) => self.value(after),
            None => Some(self.input.as_str()),
        };
        let (Some(from), Some(to)) = (value, self.value(layer)) else { return Ok(None) };
        let mut dims: Vec<Dim> = shape.iter().map(|size| Dim::Fixed(*size)).collect();
        let Some(first) = shape.first() else { bail!("a value without dimensions") };
        let batch = self.batch.unwrap_or(*first);
        dims.iter_mut().take(1).for_each(|first| *first = Dim::Fixed(batch));
        if feeds_image
            && self.channels_last
            && let [_, channels, height, width] = dims.as_mut_slice()
        {
            (*channels, *height, *width) = (height.clone(), width.clone(), channels.clone());
        }
        let model = cut(model, &[(from.to_owned(), dims)], &[to.to_owned()])?;
        let dtype = model.inputs().first().with_context(|| format!("`{layer}` doesn't depend on its input"))?.dtype;
        let names = Names {
            input: from.to_owned(),
            dtype,
            batch: Some(batch),
            channels_last: feeds_image && self.channels_last,
            normalises: self.normalises.clone().filter(|_| feeds_image),
            values: BTreeMap::from([(layer.to_owned(), to.to_owned())]),
            order: vec![layer.to_owned()],
        };
        Ok(Some(Part { model, names }))
    }
}

/// How an input becomes the pixels that it was made of, for a graph that normalises them itself: by what the network says of
/// its preprocessing, so that a graph which normalises otherwise differs; by the graph's own words where there is no network.
///
/// Pixels are counted to 1 or to 255. Which of them the graph takes, its divisor tells.
fn pixels(own: &Preprocessing, network: Option<&Network>) -> Result<Option<(Vec<f64>, Vec<f64>)>> {
    let Mean::PerChannel(mean) = &own.mean else { return Ok(None) };
    let Some(network) = network else { return Ok(Some((mean.clone(), own.std.clone()))) };
    let channels = network.input.channels;
    let known = match &network.preprocessing.mean {
        Mean::PerChannel(mean) => mean.as_slice(),
        Mean::Image(_) => bail!(
            "it normalises its pixels itself, channel by channel, and network `{}` subtracts a mean image; try --network with \
             a file that says what the graph does",
            network.name
        ),
        _ => &[],
    };
    let each = |values: &[f64], default: f64| -> Vec<f64> {
        (0..channels).map(|channel| values.get(channel).copied().unwrap_or(default)).collect()
    };
    let (mean, std) = (each(known, 0.0), each(&network.preprocessing.std, 1.0));
    let ratio = own.std.first().zip(std.first()).map_or(1.0, |(own, std)| own / std);
    let distance = |factor: &f64| (ratio / factor).ln().abs();
    let factors = [1.0, 255.0, 1.0 / 255.0];
    let factor = factors.into_iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(1.0);
    let scaled = |values: Vec<f64>| values.into_iter().map(|value| value * factor).collect();
    Ok(Some((scaled(mean), scaled(std))))
}

/// A part of a graph, with what is known of it.
pub struct Part {
    /// The part as a model of its own.
    pub model: Model,
    /// Its input and its one value.
    pub names: Names,
}

/// Errs where the copies behind the first `count` examples aren't what the last of these is.
fn same_copies(name: &str, value: &Array, count: usize) -> Result<()> {
    let last = value.example(count.saturating_sub(1))?;
    let bound = 1e-5 * last.data.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    for index in count..value.batch() {
        let same = value.example(index)?.data.iter().zip(&last.data).all(|(a, b)| (a - b).abs() <= bound);
        ensure!(same, "`{name}`: example {index} of a batch of equal inputs differs from the first");
    }
    Ok(())
}
