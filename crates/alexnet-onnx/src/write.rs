//! Writes a model as a stream: its graph is encoded in memory, its parameters pass through piece by piece.

use crate::export;
use crate::graph::tensor_header;
use crate::proto::{ModelProto, StringStringEntryProto, TensorProto, tensor_proto::DataLocation};
use crate::quantize::{Payload, Payloads, Stored, payloads};
use crate::{Data, Error, ExportOptions, Extent, Model, Result, external};
use alexnet_spec::{DType, Metadata, Network, Parameter, Tensor, Weights};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use std::io::Write;

/// The largest message that protobuf's own parsers accept.
const PROTOBUF_LIMIT: u64 = i32::MAX as u64;

/// `ModelProto.graph`, `GraphProto.initializer` and `TensorProto.raw_data` in the schema.
const GRAPH: u32 = 7;
const INITIALIZER: u32 = 5;
const RAW_DATA: u32 = 9;

/// Writes `network` with its weights as an ONNX model.
///
/// The input is called `input`, `[N, channels, height, width]` in the graph's arithmetic; the output is called
/// [`Network::output_name`]. Nodes and the tensors they write are named as the layers, parameters by their canonical names
/// and converted to the graph's type. Layers that do nothing at test time are left out. `metadata` becomes the model's
/// `metadata_props`. The same arguments give the same bytes.
///
/// Parameters are handed to `out` as [`alexnet_spec::Tensor::for_each_chunk`] gives them: a mapped file of the right type
/// is never copied into memory. What [`ExportOptions::quantize`] asks for is read twice: for the steps, and to be rounded on
/// its way out.
///
/// Errs where the options contradict each other or the network, an operator doesn't take the element type in the opset
/// (the error names the one to ask for), weights are missing or aren't finite in the type, the layout of
/// external data doesn't cover the parameters, the model would exceed protobuf's 2 GiB, or `out` fails.
///
/// ```
/// use alexnet_onnx::{Data, ExportOptions, write};
/// use alexnet_spec::{Metadata, Tensor, Weights, networks};
///
/// let network = networks::get("torchvision").unwrap().shrunk(16, 10)?;
/// let zeros = |shape: &[usize]| Tensor::from_f32(shape.to_vec(), &vec![0.0; shape.iter().product()]);
/// let tensors = network.parameters()?.into_iter().map(|p| Ok((p.name, zeros(&p.shape)?)));
/// let weights = Weights::new(&network, tensors.collect::<alexnet_spec::Result<_>>()?)?;
///
/// let mut file = Vec::new();
/// write(&mut file, &network, &weights, &Metadata::default(), &ExportOptions::default(), Data::Inline)?;
/// assert!(file.len() > weights.byte_len(alexnet_spec::DType::F32));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write(
    out: &mut dyn Write,
    network: &Network,
    weights: &Weights,
    metadata: &Metadata,
    options: &ExportOptions,
    data: Data<'_>,
) -> Result<()> {
    let model = Prepared::new(network, weights, options, data)?;
    out.write_all(&model.head(metadata)?)?;
    model.write_graph(out)
}

/// A model that is made and not yet written: its head for one who learns the metadata last, its graph for one who has to begin
/// with the weights. The length of the head is that of any other whose metadata are as long.
pub struct Prepared<'a> {
    model: ModelProto,
    weights: &'a Weights,
    graph: Vec<u8>,
    tensors: Vec<Framed>,
}

impl<'a> Prepared<'a> {
    /// Makes the graph. What [`ExportOptions::quantize`] asks for is read here for the steps.
    ///
    /// Errs as [`write()`] does, but for what only a look at the weights can tell.
    pub fn new(
        network: &Network,
        weights: &'a Weights,
        options: &ExportOptions,
        data: Data<'_>,
    ) -> Result<Prepared<'a>> {
        let (mut model, parameters) = export::model(network, &Metadata::default(), options)?;
        let mut graph = model.graph.take().unwrap_or_default();
        let mut tensors = Vec::new();
        match data {
            Data::External { location, layout } => {
                external::check_location(location).map_err(Error::Options)?;
                for (parameter, stored) in &parameters {
                    let Stored::Float(dtype) = *stored else {
                        let message = format!("`{location}` holds floats, not int8: try without --external-data");
                        return Err(Error::Options(message));
                    };
                    let extent = layout.get(&parameter.name).ok_or_else(|| {
                        Error::Options(format!("`{location}` has no place for parameter `{}`", parameter.name))
                    })?;
                    graph.initializer.push(external_tensor(parameter, dtype, location, extent)?);
                }
            }
            Data::Inline => {
                let Payloads { constants, streamed } = payloads(parameters, weights)?;
                graph.initializer.extend(constants);
                let framed = streamed
                    .into_iter()
                    .map(|(parameter, payload)| Framed::new(&parameter.name, payload, &parameter.shape));
                tensors = framed.collect::<Result<_>>()?;
            }
        }
        let prepared = Prepared { model, weights, graph: graph.encode_to_vec(), tensors };
        check_size(prepared.graph_len())?;
        Ok(prepared)
    }

    /// What the file begins with: all of the model but its graph, and the graph's length.
    ///
    /// Errs where the model would exceed protobuf's 2 GiB.
    pub fn head(&self, metadata: &Metadata) -> Result<Vec<u8>> {
        let model = ModelProto { metadata_props: export::properties(metadata), ..self.model.clone() };
        head(&model, self.graph_len())
    }

    /// How many bytes come after the head.
    pub fn graph_len(&self) -> u64 {
        self.tensors.iter().map(Framed::len).sum::<u64>() + self.graph.len() as u64
    }

    /// Writes what comes after the head: the graph, its parameters last.
    ///
    /// Errs where weights aren't finite in the graph's type, and where `out` fails.
    pub fn write_graph(&self, out: &mut dyn Write) -> Result<()> {
        out.write_all(&self.graph)?;
        self.tensors.iter().try_for_each(|framed| {
            let tensor = self.weights.get(&framed.name);
            let missing = || Error::Options(format!("the weights hold no parameter `{}`", framed.name));
            framed.write(out, tensor.ok_or_else(missing)?)
        })
    }
}

/// Writes a model with all its initializers inside, each as [`Tensor::for_each_chunk`] gives it.
pub(crate) fn model(out: &mut dyn Write, model: &Model) -> Result<()> {
    let framed = |(name, tensor): (_, &Tensor)| Framed::new(name, Payload::Plain(tensor.dtype()), tensor.shape());
    let framed = model.initializers().map(framed).collect::<Result<Vec<_>>>()?;
    let graph = model.graph().encode_to_vec();
    let length = framed.iter().map(Framed::len).sum::<u64>() + graph.len() as u64;
    out.write_all(&head(model.proto(), length)?)?;
    out.write_all(&graph)?;
    model.initializers().zip(&framed).try_for_each(|((_, tensor), framed)| framed.write(out, tensor))
}

/// A model without its graph, whose message of so many bytes follows.
fn head(model: &ModelProto, graph_len: u64) -> Result<Vec<u8>> {
    let mut head = model.encode_to_vec();
    encode_key(GRAPH, WireType::LengthDelimited, &mut head);
    encode_varint(graph_len, &mut head);
    check_size(head.len() as u64 + graph_len)?;
    Ok(head)
}

/// The model alone, without parameters, as its messages: for a look at the graph before anything is written.
///
/// Errs as [`write()`] does.
pub fn graph(network: &Network, metadata: &Metadata, options: &ExportOptions) -> Result<ModelProto> {
    export::model(network, metadata, options).map(|(model, _)| model)
}

fn check_size(bytes: u64) -> Result<()> {
    if bytes > PROTOBUF_LIMIT { Err(Error::TooLarge { bytes, limit: PROTOBUF_LIMIT }) } else { Ok(()) }
}

fn external_tensor(parameter: &Parameter, dtype: DType, location: &str, extent: &Extent) -> Result<TensorProto> {
    let needed = byte_len(&parameter.name, dtype, &parameter.shape)?;
    if extent.length != needed {
        return Err(Error::Options(format!(
            "`{location}` keeps `{}` in {} bytes, but {:?} of {dtype} needs {needed}: write both files in the same type",
            parameter.name, extent.length, parameter.shape
        )));
    }
    let entry = |key: &str, value: String| StringStringEntryProto { key: Some(key.into()), value: Some(value) };
    Ok(TensorProto {
        data_location: Some(DataLocation::External as i32),
        external_data: vec![
            entry("location", location.into()),
            entry("offset", extent.offset.to_string()),
            entry("length", extent.length.to_string()),
        ],
        ..tensor_header(&parameter.name, dtype, &parameter.shape)
    })
}

fn byte_len(name: &str, dtype: DType, shape: &[usize]) -> Result<u64> {
    shape
        .iter()
        .try_fold(dtype.size() as u64, |n, d| n.checked_mul(*d as u64))
        .ok_or_else(|| Error::Options(format!("parameter `{name}` is too large: {shape:?}")))
}

/// An initializer whose data isn't in memory: the bytes before the data, and the data's length.
struct Framed {
    name: String,
    payload: Payload,
    shape: Vec<usize>,
    head: Vec<u8>,
    data: u64,
}

impl Framed {
    fn new(name: &str, payload: Payload, shape: &[usize]) -> Result<Framed> {
        let dtype = payload.dtype();
        let data = byte_len(name, dtype, shape)?;
        let header = tensor_header(name, dtype, shape).encode_to_vec();
        let message = header.len() as u64 + (key_len(RAW_DATA) + encoded_len_varint(data)) as u64 + data;
        let mut head = Vec::new();
        encode_key(INITIALIZER, WireType::LengthDelimited, &mut head);
        encode_varint(message, &mut head);
        head.extend_from_slice(&header);
        encode_key(RAW_DATA, WireType::LengthDelimited, &mut head);
        encode_varint(data, &mut head);
        Ok(Framed { name: name.to_owned(), payload, shape: shape.to_vec(), head, data })
    }

    fn len(&self) -> u64 {
        self.head.len() as u64 + self.data
    }

    fn write(&self, out: &mut dyn Write, tensor: &Tensor) -> Result<()> {
        let Framed { name, shape, .. } = self;
        if tensor.shape() != shape {
            let seen = tensor.shape();
            return Err(Error::Options(format!("parameter `{name}` has shape {seen:?}, but needs {shape:?}")));
        }
        out.write_all(&self.head)?;
        self.payload.write(tensor, out).map_err(|e| match e {
            Error::Spec(spec) => Error::Options(format!("parameter `{name}`: {spec}")),
            other => other,
        })
    }
}
