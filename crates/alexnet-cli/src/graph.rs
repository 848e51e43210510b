//! An ONNX graph as one side of a comparison.

use crate::compare::coarsest;
use alexnet_formats::Source;
use alexnet_onnx::{Dim, Model};
use alexnet_spec::{DType, Input, Network};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
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

    /// The coarsest floating point type of its parameters.
    pub fn dtype(&self) -> DType {
        coarsest(self.model.initializers().map(|(_, tensor)| tensor.dtype()))
    }

    /// The shape of the images that it takes.
    pub fn input(&self) -> Result<Input> {
        let [input] = self.model.inputs() else {
            bail!("{}: it has {} inputs; a classifier has one, the image", self.path, self.model.inputs().len());
        };
        match input.shape.as_deref() {
            Some([_, Dim::Fixed(channels), Dim::Fixed(height), Dim::Fixed(width)]) => {
                Ok(Input { channels: *channels, height: *height, width: *width })
            }
            _ => bail!("{}: its input is {input}, but an image is [N, C, H, W] with known C, H and W", self.path),
        }
    }
}

/// Whether a file is an ONNX model: it says so, or begins as one does (field 1, the version) and isn't safetensors, whose
/// header length may begin with the same byte.
pub fn is_onnx(path: &Path, bytes: &Bytes) -> bool {
    let named = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"));
    named || (bytes.first() == Some(&8) && bytes.get(8) != Some(&b'{'))
}
