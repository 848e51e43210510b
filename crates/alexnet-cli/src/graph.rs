//! An ONNX graph as one side of a comparison.

use crate::compare::{Step, coarsest};
use alexnet_formats::{ImportOptions, Imported, Source};
use alexnet_onnx::Model;
use alexnet_onnx::proto::NodeProto;
use alexnet_spec::{DType, Input, Network, Tensor};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::Path;

/// An ONNX graph with the bytes that it was read from.
pub struct Graph {
    /// What reports call it.
    pub path: String,
    /// The whole file.
    pub bytes: Bytes,
    /// Files that hold external data, by the location that the graph names.
    pub external: Vec<(String, Bytes)>,
    /// The decoded model.
    pub model: Model,
    /// The network in the model's metadata, where it has one.
    pub network: Option<Network>,
}

impl Graph {
    /// Reads the model at `path`, and what it keeps in other files of its folder.
    pub fn load(path: &Path, source: &Source) -> Result<Graph> {
        let folder = crate::files::folder(path);
        Graph::decode(&path.display().to_string(), source.bytes(), |location| {
            let data = Source::open_within(&folder, location);
            data.map(|data| data.bytes()).map_err(|error| std::io::Error::other(error.to_string()))
        })
    }

    /// Decodes a model; `open` opens the files that it points to.
    pub fn decode(path: &str, bytes: Bytes, mut open: impl FnMut(&str) -> std::io::Result<Bytes>) -> Result<Graph> {
        let mut external = Vec::new();
        let mut opened = |location: &str| {
            let bytes = open(location)?;
            external.push((location.to_owned(), bytes.clone()));
            Ok(bytes)
        };
        let model = Model::decode(bytes.clone(), &mut opened).with_context(|| path.to_owned())?;
        let network = model.network().with_context(|| path.to_owned())?;
        Ok(Graph { path: path.to_owned(), bytes, external, model, network })
    }

    /// A model that is in memory, with its bytes; it has all its weights inside.
    pub fn of_model(path: &str, model: Model, bytes: Bytes) -> Graph {
        Graph { path: path.to_owned(), bytes, external: Vec::new(), model, network: None }
    }

    /// The coarsest types of its parameters and of its activations.
    pub fn types(&self) -> Types {
        Types::of(&self.model)
    }

    /// The network that it computes and its weights; under `network`'s names, where it is that network.
    ///
    /// Errs where the graph is no network of the family.
    pub fn import(&self, network: Option<&Network>) -> Result<Imported> {
        let checkpoint = alexnet_formats::formats::onnx_checkpoint(&self.model)?;
        let options = ImportOptions { network: network.cloned(), ..ImportOptions::default() };
        Ok(alexnet_formats::import(&checkpoint, &options)?)
    }

    /// Its parameters by canonical name, as importing it finds them; under `network`'s names, where it is that network.
    ///
    /// Errs where the graph is no network of the family.
    pub fn parameters(&self, network: Option<&Network>) -> Result<BTreeMap<String, Tensor>> {
        let imported = before_rounding(&self.model, network)?;
        Ok(imported.weights.iter().map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect())
    }

    /// The steps of those parameters that are stored as integers.
    ///
    /// Errs where the graph is no network of the family.
    pub fn steps(&self, network: Option<&Network>) -> Result<BTreeMap<String, Step>> {
        if self.model.graph().node.iter().all(|node| node.op_type() != "DequantizeLinear") {
            return Ok(BTreeMap::new());
        }
        let imported = before_rounding(&self.model.with_steps(), network)?;
        let integers = |name: &String| self.model.initializer(name).is_some_and(|tensor| !tensor.dtype().is_float());
        let stored = imported.report.used.iter().filter(|used| used.sources.iter().all(integers));
        stored
            .filter_map(|used| Some((used.parameter.clone(), imported.weights.get(&used.parameter)?)))
            .map(|(name, tensor)| Ok((name, Step::of(tensor)?)))
            .collect()
    }

    /// The first node that computes at random, or by its batch, as in training.
    pub fn training(&self) -> Option<String> {
        let is_on =
            |name: &String| self.model.constant(name).is_some_and(|flag| flag.to_bytes().iter().any(|b| *b != 0));
        let nodes = self.model.graph().node.iter();
        let mut told = nodes.filter_map(|node| {
            let what = match node.op_type() {
                "Dropout" if node.input.get(2).is_some_and(is_on) => "drops at random",
                "BatchNormalization" if node.attribute.iter().any(|a| a.name() == "training_mode" && a.i() != 0) => {
                    "normalises by its own batch"
                }
                _ => return None,
            };
            Some(format!("node `{}` ({}) {what}", node.name().escape_debug(), node.op_type()))
        });
        told.next()
    }

    /// The shape of the images that it takes.
    pub fn input(&self) -> Result<Input> {
        let [input] = self.model.inputs() else {
            bail!("{}: it has {} inputs; a classifier has one, the image", self.path, self.model.inputs().len());
        };
        match input.image() {
            Some((image, _)) => Ok(image),
            None => bail!("{}: its input is {input}, but an image is [N, C, H, W] with known C, H and W", self.path),
        }
    }
}

/// The network from which a model was made before activations were rounded to integers, where they are; under `network`'s names,
/// where it is that network.
fn before_rounding(model: &Model, network: Option<&Network>) -> Result<Imported> {
    let checkpoint = alexnet_formats::formats::onnx_rounded_checkpoint(model)?;
    let import = |network: Option<&Network>| {
        let options = ImportOptions { network: network.cloned(), ..ImportOptions::default() };
        alexnet_formats::import(&checkpoint, &options)
    };
    // A graph that should be the network and isn't has parameters all the same.
    Ok(import(network).or_else(|_| import(None))?)
}

/// The coarsest types in a graph: integers are coarser than floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Types {
    /// In which its parameters are stored: i8 for integers of 8 bits.
    pub stored: DType,
    /// In which it computes: u8 where it rounds activations to integers of 8 bits.
    pub arithmetic: DType,
}

impl Types {
    /// Those of a model. What `Cast` and `DequantizeLinear` turn into another type is stored in its own and computed in theirs.
    pub fn of(model: &Model) -> Types {
        let integers = |tensor: &Tensor| matches!(tensor.dtype(), DType::I8 | DType::U8);
        let nodes = || model.graph().node.iter();
        let stores = |node: &NodeProto| matches!(node.op_type(), "Cast" | "DequantizeLinear");
        let read = |node: &NodeProto| {
            node.input.iter().filter_map(|name| model.initializer(name)).cloned().collect::<Vec<_>>()
        };
        let dequantised = nodes().filter(|node| node.op_type() == "DequantizeLinear");
        let mut dequantised = dequantised.filter_map(|node| model.initializer(node.input.first()?));
        let stored = match dequantised.any(integers) {
            true => DType::I8,
            false => coarsest(model.initializers().map(|(_, tensor)| tensor.dtype())),
        };
        let cast = |node: &NodeProto| {
            let to = node.attribute.iter().find(|attribute| node.op_type() == "Cast" && attribute.name() == "to")?.i?;
            [(F16, DType::F16), (BF16, DType::BF16)]
                .into_iter()
                .find(|(number, _)| *number == to)
                .map(|(_, dtype)| dtype)
        };
        let arithmetic = match nodes().any(|node| node.op_type() == "QuantizeLinear") {
            true => DType::U8,
            false => coarsest(
                nodes()
                    .filter(|node| !stores(node))
                    .flat_map(|node| read(node).into_iter().map(|tensor| tensor.dtype()))
                    .chain(nodes().filter_map(cast))
                    .chain(model.inputs().iter().map(|input| input.dtype)),
            ),
        };
        Types { stored, arithmetic }
    }
}

/// ONNX's numbers for the two types.
const F16: i64 = alexnet_onnx::proto::tensor_proto::DataType::Float16 as i64;
const BF16: i64 = alexnet_onnx::proto::tensor_proto::DataType::Bfloat16 as i64;

/// Whether a file is an ONNX model: it says so, or begins as one does (field 1, the version) and isn't safetensors, whose
/// header length may begin with the same byte.
pub fn is_onnx(path: &Path, bytes: &Bytes) -> bool {
    let named = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"));
    named || (bytes.first() == Some(&8) && bytes.get(8) != Some(&b'{'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymous::{anonymous, anonymous_of, apart, resized};
    use alexnet_onnx::LrnForm;
    use alexnet_onnx::proto::NodeProto;
    use alexnet_spec::Weights;

    fn holds_all(model: Model, network: &Network, weights: &Weights) {
        let graph = Graph { path: String::new(), bytes: Bytes::new(), external: Vec::new(), model, network: None };
        let parameters = graph.parameters(Some(network)).unwrap();
        for (name, tensor) in weights.iter() {
            let found = parameters.get(name).unwrap_or_else(|| panic!("{name} wasn't found"));
            assert_eq!(found.shape(), tensor.shape(), "{name}");
            assert_eq!(found.to_f32().unwrap(), tensor.to_f32().unwrap(), "{name}");
        }
    }

    #[test]
    fn norms_of_primitive_operators_are_no_convolutions_of_the_network() {
        let (network, weights, model) = anonymous("bvlc", LrnForm::Primitive, |_| {});
        holds_all(model, &network, &weights);
    }

    /// 13x13 pixels on 6x6 places: no window of one size, so two matrices average.
    #[test]
    fn an_adaptive_pools_products_are_no_linear_layers() {
        let (network, weights, model) = anonymous("torchvision", LrnForm::Native, |_| {});
        let averages = |model: &Model| model.graph().node.iter().any(|node| node.op_type() == "MatMul");
        assert!(!averages(&model));
        holds_all(model, &network, &weights);
        let wider = resized(network, 256);
        let (network, weights, model) = anonymous_of(wider, LrnForm::Native, |_| {});
        assert!(averages(&model));
        holds_all(model, &network, &weights);
    }

    #[test]
    fn the_parameters_of_a_graph_that_lacks_an_activation_are_found() {
        let (network, weights, model) = anonymous("torchvision", LrnForm::Native, |graph| {
            let at = graph.node.iter().position(|node| node.name() == "relu2").unwrap();
            let relu = graph.node.remove(at);
            graph.node[at].input[0] = relu.input[0].clone();
        });
        holds_all(model, &network, &weights);
    }

    #[test]
    fn weights_in_constant_nodes_are_parameters() {
        let (network, weights, model) = anonymous("torchvision", LrnForm::Native, |graph| {
            for tensor in std::mem::take(&mut graph.initializer) {
                let output = vec![tensor.name().to_owned()];
                let value = alexnet_onnx::proto::AttributeProto {
                    name: Some("value".into()),
                    r#type: Some(alexnet_onnx::proto::attribute_proto::AttributeType::Tensor.into()),
                    t: Some(tensor),
                    ..Default::default()
                };
                let node = NodeProto {
                    op_type: Some("Constant".into()),
                    output,
                    attribute: vec![value],
                    ..NodeProto::default()
                };
                graph.node.insert(0, node);
            }
        });
        holds_all(model, &network, &weights);
    }

    #[test]
    fn a_product_and_a_sum_are_a_linear_layer() {
        let (network, weights, model) = anonymous("torchvision", LrnForm::Native, |graph| apart(graph, "fc6"));
        holds_all(model, &network, &weights);
    }
}
