//! A graph whose nodes follow one another, each feeding the next: what can be done to it while it stays one.

use alexnet_onnx::proto::attribute_proto::AttributeType;
use alexnet_onnx::proto::{AttributeProto, ModelProto, NodeProto, TensorProto};
use prost::Message;
use std::collections::BTreeMap;
use std::path::Path;

/// A model and which of its nodes is which layer.
#[derive(Clone)]
pub struct Chain {
    model: ModelProto,
    /// The layer of each node, as the network calls it.
    pub layers: Vec<String>,
}

impl Chain {
    /// Reads a model and names its nodes: the n-th convolution is conv n, and so on.
    pub fn read(path: &Path) -> Chain {
        let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let model = ModelProto::decode(bytes.as_slice()).unwrap();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let name = |node: &NodeProto| {
            let operator = node.op_type();
            let count = counts.entry(operator.to_owned()).or_default();
            *count += 1;
            match operator {
                "Conv" => format!("conv{count}"),
                "Relu" => format!("relu{count}"),
                "LRN" | "BatchNormalization" => format!("norm{count}"),
                "MaxPool" => format!("pool{}", [1, 2, 5][*count - 1]),
                "AveragePool" => "avgpool".into(),
                "Flatten" => "flatten".into(),
                "Gemm" => format!("fc{}", *count + 5),
                other => panic!("no layer is an {other}"),
            }
        };
        let layers = model.graph.as_ref().unwrap().node.iter().map(name).collect();
        Chain { model, layers }
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.model.encode_to_vec()
    }

    pub fn nodes(&self) -> &[NodeProto] {
        &self.model.graph.as_ref().unwrap().node
    }

    fn nodes_mut(&mut self) -> &mut Vec<NodeProto> {
        // Shapes that were inferred for the right graph say nothing of a wrong one.
        let graph = self.model.graph.as_mut().unwrap();
        graph.value_info.clear();
        &mut graph.node
    }

    pub fn parameters(&self) -> &[TensorProto] {
        &self.model.graph.as_ref().unwrap().initializer
    }

    /// The layer whose parameter bears the name.
    pub fn layer_of(&self, parameter: &str) -> String {
        let at = self.nodes().iter().position(|node| node.input.iter().any(|input| input == parameter));
        self.layers[at.unwrap_or_else(|| panic!("nothing takes {parameter}"))].clone()
    }

    /// With the values of a parameter changed.
    pub fn with_values(&self, parameter: usize, change: impl Fn(&mut Vec<f32>)) -> Chain {
        let mut chain = self.clone();
        let tensor = &mut chain.model.graph.as_mut().unwrap().initializer[parameter];
        let raw = tensor.raw_data.take().expect("exporters write raw data");
        let mut values: Vec<f32> = raw.chunks(4).map(|word| f32::from_le_bytes(word.try_into().unwrap())).collect();
        change(&mut values);
        tensor.raw_data = Some(values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into());
        chain
    }

    pub fn with_node(&self, index: usize, change: impl Fn(&mut NodeProto)) -> Chain {
        let mut chain = self.clone();
        change(&mut chain.nodes_mut()[index]);
        chain
    }

    /// Without a node: what took its output takes its input.
    pub fn without(&self, index: usize) -> Chain {
        let mut chain = self.clone();
        let nodes = chain.nodes_mut();
        let gone = nodes.remove(index);
        match nodes.get_mut(index) {
            Some(next) => next.input[0] = gone.input[0].clone(),
            None => nodes[index - 1].output = gone.output,
        }
        chain
    }

    /// With a node twice, the second fed by the first.
    pub fn doubled(&self, index: usize) -> Chain {
        let mut chain = self.clone();
        let nodes = chain.nodes_mut();
        let mut first = nodes[index].clone();
        first.name = first.name.map(|name| format!("{name}_again"));
        first.output[0] += "_again";
        nodes[index].input[0] = first.output[0].clone();
        nodes.insert(index, first);
        chain
    }

    /// With a node and the next in the other order, each keeping its name.
    pub fn swapped(&self, index: usize) -> Chain {
        let mut chain = self.clone();
        let nodes = chain.nodes_mut();
        let input = nodes[index].input[0].clone();
        nodes.swap(index, index + 1);
        nodes[index].input[0] = input;
        match nodes.len() == index + 2 {
            // The graph's output keeps its name too.
            true => nodes[index + 1].output[0] = std::mem::replace(&mut nodes[index].output[0], "swapped".into()),
            false => nodes[index + 2].input[0] = nodes[index + 1].output[0].clone(),
        }
        nodes[index + 1].input[0] = nodes[index].output[0].clone();
        chain
    }

    /// With input `which` of two nodes exchanged.
    pub fn exchanged(&self, one: usize, other: usize, which: &[usize]) -> Chain {
        let mut chain = self.clone();
        let nodes = chain.nodes_mut();
        for &input in which {
            let first = nodes[one].input[input].clone();
            nodes[one].input[input] = std::mem::replace(&mut nodes[other].input[input], first);
        }
        chain
    }

    /// With a new node between node `index` and its input.
    pub fn with_before(&self, index: usize, operator: &str, attributes: Vec<AttributeProto>) -> Chain {
        let mut chain = self.clone();
        let nodes = chain.nodes_mut();
        let output = format!("{}_changed", nodes[index].input[0]);
        let input = std::mem::replace(&mut nodes[index].input[0], output.clone());
        let node = NodeProto {
            op_type: Some(operator.into()),
            input: vec![input],
            output: vec![output],
            attribute: attributes,
            ..NodeProto::default()
        };
        nodes.insert(index, node);
        chain
    }

    /// With a new node behind node `index`.
    pub fn with_behind(&self, index: usize, operator: &str, attributes: Vec<AttributeProto>) -> Chain {
        let mut chain = self.clone();
        let nodes = chain.nodes_mut();
        let output = nodes[index].output[0].clone();
        let before = format!("{output}_before");
        nodes[index].output[0] = before.clone();
        let node = NodeProto {
            op_type: Some(operator.into()),
            input: vec![before],
            output: vec![output],
            attribute: attributes,
            ..NodeProto::default()
        };
        nodes.insert(index + 1, node);
        chain
    }
}

/// The integers of an attribute, or its default.
pub fn integers(node: &NodeProto, name: &str, default: &[i64]) -> Vec<i64> {
    let found = node.attribute.iter().find(|attribute| attribute.name() == name);
    match found {
        Some(attribute) if attribute.ints.is_empty() => vec![attribute.i()],
        Some(attribute) => attribute.ints.clone(),
        None => default.to_vec(),
    }
}

/// The number of an attribute, or its default.
pub fn number(node: &NodeProto, name: &str, default: f32) -> f32 {
    node.attribute.iter().find(|attribute| attribute.name() == name).map_or(default, AttributeProto::f)
}

/// Puts an attribute in the place of what there is of its name.
pub fn set(node: &mut NodeProto, attribute: AttributeProto) {
    node.attribute.retain(|other| other.name() != attribute.name());
    node.attribute.push(attribute);
}

pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    let (kind, own) = (AttributeType::Ints, values.to_vec());
    AttributeProto { name: Some(name.into()), r#type: Some(kind.into()), ints: own, ..AttributeProto::default() }
}

pub fn int(name: &str, value: i64) -> AttributeProto {
    let kind = AttributeType::Int;
    AttributeProto { name: Some(name.into()), r#type: Some(kind.into()), i: Some(value), ..AttributeProto::default() }
}

pub fn float(name: &str, value: f32) -> AttributeProto {
    let kind = AttributeType::Float;
    AttributeProto { name: Some(name.into()), r#type: Some(kind.into()), f: Some(value), ..AttributeProto::default() }
}

pub fn text(name: &str, value: &str) -> AttributeProto {
    let (kind, own) = (AttributeType::String, Some(value.as_bytes().to_vec().into()));
    AttributeProto { name: Some(name.into()), r#type: Some(kind.into()), s: own, ..AttributeProto::default() }
}
