use crate::array::Array;
use anyhow::{Context, Result, ensure};
use candle_core::{Device, Tensor};
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// The arrays of a file by name; the one array of a `.npy` is the `input`.
///
/// A safetensors file without `input` may name the file that holds it under the key `input` of its header's metadata: a path
/// that is looked for in the file's folder, then in the one above. Records of several networks can then share one input.
pub(super) fn read(path: &Path, extension: &str) -> Result<BTreeMap<String, Array>> {
    let tensors: Vec<(String, Tensor)> = match extension {
        "npy" => vec![("input".into(), Tensor::read_npy(path)?)],
        "npz" => Tensor::read_npz(path)?,
        _ => candle_core::safetensors::load(path, &Device::Cpu)?.into_iter().collect(),
    };
    let mut arrays = BTreeMap::new();
    for (name, tensor) in tensors {
        let array = Array::from_candle(&tensor).with_context(|| format!("array `{name}`"))?;
        arrays.insert(name, array);
    }
    if extension == "safetensors"
        && !arrays.contains_key("input")
        && let Some(shared) = shared_input(path)?
    {
        let file = beside_or_above(path, &shared)?;
        let loaded =
            candle_core::safetensors::load(&file, &Device::Cpu).with_context(|| format!("its input {shared}"))?;
        let input = loaded.get("input").with_context(|| format!("{shared} holds no array `input`"))?;
        arrays.insert("input".into(), Array::from_candle(input)?);
    }
    Ok(arrays)
}

/// The relative path in the header's metadata.
fn shared_input(path: &Path) -> Result<Option<String>> {
    let bytes = std::fs::read(path)?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes)?;
    let Some(shared) = metadata.metadata().as_ref().and_then(|pairs| pairs.get("input")).cloned() else {
        return Ok(None);
    };
    let plain = Path::new(&shared).components().all(|c| matches!(c, Component::Normal(_)));
    ensure!(plain, "its metadata's input `{}` is not a plain relative path", shared.escape_debug());
    Ok(Some(shared))
}

fn beside_or_above(path: &Path, shared: &str) -> Result<PathBuf> {
    let folder = crate::staging::folder(path).canonicalize()?;
    let places = folder.ancestors().take(2).map(|folder| folder.join(shared));
    places.into_iter().find(|file| file.is_file()).with_context(|| format!("its input {shared} is not there"))
}
