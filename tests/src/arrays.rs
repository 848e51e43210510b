//! Tensors in safetensors files, as the `safetensors` crate reads and writes them.

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use std::collections::BTreeMap;
use std::path::Path;

/// Shape and values of an f32 tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The dimensions.
    pub shape: Vec<usize>,
    /// Row-major values.
    pub values: Vec<f32>,
}

impl Array {
    /// The examples `range` of a batch.
    pub fn examples(&self, range: std::ops::Range<usize>) -> Array {
        let each: usize = self.shape[1..].iter().product();
        let shape = [&[range.len()], &self.shape[1..]].concat();
        Array { shape, values: self.values[range.start * each..range.end * each].to_vec() }
    }
}

/// The f32 tensors of a file by name, and its metadata.
pub fn read(path: &Path) -> (BTreeMap<String, Array>, BTreeMap<String, String>) {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let arrays = file.iter().map(|(name, view)| {
        assert_eq!(view.dtype(), Dtype::F32, "{name} of {}", path.display());
        let (words, _) = view.data().as_chunks::<4>();
        let values = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        (name.to_owned(), Array { shape: view.shape().to_vec(), values })
    });
    (arrays.collect(), metadata)
}

/// Writes f32 tensors.
pub fn write<'a>(path: &Path, arrays: impl IntoIterator<Item = (&'a str, &'a Array)>) {
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = arrays
        .into_iter()
        .map(|(name, array)| {
            let bytes = array.values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name.to_owned(), array.shape.clone(), bytes)
        })
        .collect();
    let views =
        bytes.iter().map(|(name, shape, data)| (name, TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
    serialize_to_file(views, None, path).unwrap();
}

/// Writes what `alexnet-verify --fixtures` takes: the input that the golden at `golden` names, beside its logits or
/// features.
pub fn write_fixture(path: &Path, golden: &str) {
    let (outputs, metadata) = read(&crate::fixture(golden));
    let (inputs, _) = read(&crate::fixture(&metadata["input"]));
    let of_whole_batch = outputs.iter().filter(|(_, array)| array.shape[0] == inputs["input"].shape[0]);
    let arrays = of_whole_batch.map(|(name, array)| (name.as_str(), array)).chain([("input", &inputs["input"])]);
    write(path, arrays);
}
