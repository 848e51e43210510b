//! Weights as a safetensors file (<https://github.com/huggingface/safetensors>, "Format"): the header's length in 8 bytes, the
//! header as JSON, then all tensors without a gap.
//!
//! The header carries the network and where the weights came from, so the file alone is enough to run it. The same weights
//! give the same bytes: keys are sorted, tensors lie in the order of the layers, and the header is padded with spaces until
//! the data begin at a multiple of 64 bytes, from where they can be mapped.

use crate::{Error, Result};
use alexnet_spec::naming::Naming;
use alexnet_spec::{DType, Metadata, Network, Parameter, Weights};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;

/// Where each parameter lies in a written file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    spans: BTreeMap<String, Span>,
    /// The file's length in bytes.
    pub total: u64,
}

/// A range of a file, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// From the beginning of the file.
    pub offset: u64,
    /// How many bytes.
    pub length: u64,
}

impl Layout {
    /// Where the parameter of a canonical name lies.
    pub fn get(&self, canonical: &str) -> Option<Span> {
        self.spans.get(canonical).copied()
    }

    /// Canonical names, sorted, and where they lie.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Span)> {
        self.spans.iter().map(|(name, span)| (name.as_str(), *span))
    }
}

/// The alignment of the first tensor, which readers that map the file rely on.
const ALIGNMENT: usize = 64;

/// A tensor's entry in the header.
#[derive(Serialize)]
struct Entry {
    dtype: &'static str,
    shape: Vec<usize>,
    data_offsets: [u64; 2],
}

/// Writes `weights` of `network` in the element type `dtype` under the names of `naming`, with `metadata` and the network in the
/// header. Elements are converted piece by piece on the way: nothing but the header is held in memory.
///
/// Errs where `dtype` isn't floating point, where a finite weight isn't finite in it, where the network has no names of that
/// spelling, and where `out` fails.
///
/// ```
/// use alexnet_formats::writers::safetensors;
/// use alexnet_spec::{DType, Metadata, Tensor, Weights, naming::Naming, networks};
///
/// let network = networks::get("torchvision").unwrap().shrunk(16, 10)?;
/// let zeros = |shape: &Vec<usize>| Tensor::from_f32(shape.clone(), &vec![0.0; shape.iter().product()]);
/// let tensors = network.parameters()?.iter().map(|p| Ok((p.name.clone(), zeros(&p.shape)?))).collect::<Result<_, alexnet_spec::Error>>()?;
/// let weights = Weights::new(&network, tensors)?;
///
/// let mut file = Vec::new();
/// let layout = safetensors::write(&mut file, &network, &weights, DType::F16, Naming::Torchvision, &Metadata::default())?;
/// assert_eq!(layout.total, file.len() as u64);
/// assert_eq!(layout.get("conv1.weight").unwrap().length, 4 * 3 * 11 * 11 * 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write(
    out: &mut dyn Write,
    network: &Network,
    weights: &Weights,
    dtype: DType,
    naming: Naming,
    metadata: &Metadata,
) -> Result<Layout> {
    let file = Prepared::new(network, weights, dtype, naming)?;
    let header = file.header(metadata)?;
    out.write_all(&header).map_err(io)?;
    file.write_tensors(out)?;
    Ok(file.layout(header.len() as u64))
}

/// A file that is laid out and not yet written: its header for one who learns the metadata last, its tensors for one who has
/// to begin with them. The length of the header is that of any other whose metadata are as long.
pub struct Prepared<'a> {
    network: &'a Network,
    weights: &'a Weights,
    dtype: DType,
    naming: Naming,
    parameters: Vec<Parameter>,
    entries: BTreeMap<String, Entry>,
    /// Where parameters lie after the header.
    spans: BTreeMap<String, Span>,
    data: u64,
}

impl<'a> Prepared<'a> {
    /// Lays out the tensors. Errs where `dtype` isn't floating point, or the network has no names of that spelling.
    pub fn new(network: &'a Network, weights: &'a Weights, dtype: DType, naming: Naming) -> Result<Prepared<'a>> {
        let type_name = type_name(dtype)?;
        let parameters = network.parameters()?;
        let (mut entries, mut spans, mut end) = (BTreeMap::new(), BTreeMap::new(), 0u64);
        for parameter in &parameters {
            let (start, length) = (end, (parameter.elements() * dtype.size()) as u64);
            end += length;
            let entry = Entry { dtype: type_name, shape: parameter.shape.clone(), data_offsets: [start, end] };
            entries.insert(naming.spell(network, &parameter.name)?, entry);
            spans.insert(parameter.name.clone(), Span { offset: start, length });
        }
        Ok(Prepared { network, weights, dtype, naming, parameters, entries, spans, data: end })
    }

    /// What the file begins with: the length of the JSON, and the JSON.
    pub fn header(&self, metadata: &Metadata) -> Result<Vec<u8>> {
        let json = header(self.network, self.naming, metadata, &self.entries)?;
        Ok([&(json.len() as u64).to_le_bytes()[..], &json].concat())
    }

    /// Where everything lies behind a header of so many bytes.
    pub fn layout(&self, header: u64) -> Layout {
        let moved = |(name, span): (&String, &Span)| (name.clone(), Span { offset: header + span.offset, ..*span });
        Layout { spans: self.spans.iter().map(moved).collect(), total: header + self.data }
    }

    /// Writes what comes after the header.
    ///
    /// Errs where a finite weight isn't finite in the element type, and where `out` fails.
    pub fn write_tensors(&self, out: &mut dyn Write) -> Result<()> {
        for parameter in &self.parameters {
            let name = &parameter.name;
            let tensor = self.weights.get(name).filter(|tensor| tensor.shape() == parameter.shape);
            let tensor =
                tensor.ok_or_else(|| alexnet_spec::Error::Weights(format!("`{name}` isn't as the network has it")))?;
            let written =
                tensor.for_each_chunk::<Failure>(self.dtype, &mut |chunk| out.write_all(chunk).map_err(Failure::Write));
            written.map_err(|failure| match failure {
                Failure::Write(error) => io(error),
                Failure::Convert(error) => alexnet_spec::Error::Weights(format!("`{name}`: {error}")).into(),
            })?;
        }
        Ok(())
    }
}

fn io(error: std::io::Error) -> Error {
    Error::io("writing safetensors", error)
}

/// What can go wrong between a tensor and the file.
enum Failure {
    Write(std::io::Error),
    Convert(alexnet_spec::Error),
}

impl From<alexnet_spec::Error> for Failure {
    fn from(error: alexnet_spec::Error) -> Failure {
        Failure::Convert(error)
    }
}

fn type_name(dtype: DType) -> Result<&'static str> {
    match dtype {
        DType::F64 => Ok("F64"),
        DType::F32 => Ok("F32"),
        DType::F16 => Ok("F16"),
        DType::BF16 => Ok("BF16"),
        _ => Err(alexnet_spec::Error::Weights(format!("weights are floating point; {dtype} isn't")).into()),
    }
}

/// The header's JSON, its keys sorted, padded so that the data after it are aligned.
fn header(
    network: &Network,
    naming: Naming,
    metadata: &Metadata,
    entries: &BTreeMap<String, Entry>,
) -> Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Header<'a> {
        __metadata__: BTreeMap<String, String>,
        #[serde(flatten)]
        entries: &'a BTreeMap<String, Entry>,
    }

    let mut pairs = metadata.0.clone();
    let json = |error| alexnet_spec::Error::from(error);
    pairs.insert(Metadata::NETWORK.into(), serde_json::to_string(network).map_err(json)?);
    pairs.insert(
        Metadata::NAMES.into(),
        match naming {
            Naming::Canonical => "canonical",
            Naming::Torchvision => "torchvision",
        }
        .into(),
    );
    // Some loaders of the Python ecosystem take no file without it.
    pairs.insert("format".into(), "pt".into());
    let mut header = serde_json::to_vec(&Header { __metadata__: pairs, entries }).map_err(json)?;
    let padded = (8 + header.len()).next_multiple_of(ALIGNMENT) - 8;
    header.resize(padded, b' ');
    Ok(header)
}
