use crate::array::Array;
use anyhow::{Context, Result, anyhow, ensure};
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
        "npy" => vec![("input".into(), Tensor::read_npy(path).map_err(plain_numpy)?)],
        "npz" => Tensor::read_npz(path).map_err(plain_numpy)?,
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

/// What candle can't read of NumPy's (columns first, big-endian, objects), with what makes it readable.
fn plain_numpy(error: candle_core::Error) -> anyhow::Error {
    anyhow!("{error}; try to save numpy.ascontiguousarray(array, numpy.float32)")
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
    let folder = crate::files::folder(path).canonicalize()?;
    let places = folder.ancestors().take(2).map(|folder| folder.join(shared));
    places.into_iter().find(|file| file.is_file()).with_context(|| format!("its input {shared} is not there"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::SimpleFileOptions;

    /// NumPy's format 1.0: magic, version, the header's length, the header, the values.
    fn npy(order: &str) -> Vec<u8> {
        let mut header = format!("{{'descr': '<f4', 'fortran_order': {order}, 'shape': (2, 1), }}");
        header = format!("{header:117}\n");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend([1.5f32, -2.0].iter().flat_map(|value| value.to_le_bytes()));
        file
    }

    /// As `numpy.savez` and `numpy.savez_compressed` write it.
    #[test]
    fn stored_and_compressed_archives_hold_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
            let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
            archive.start_file("input.npy", SimpleFileOptions::default().compression_method(method)).unwrap();
            archive.write_all(&npy("False")).unwrap();
            archive.finish().unwrap();
            let arrays = read(&path, "npz").unwrap();
            assert_eq!(arrays["input"], Array { shape: vec![2, 1], data: vec![1.5, -2.0] }, "{method}");
        }
    }

    #[test]
    fn an_array_that_cannot_be_read_comes_with_what_makes_it_readable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        std::fs::write(&path, npy("True")).unwrap();
        let error = read(&path, "npy").unwrap_err().to_string();
        assert!(error.contains("fortran order") && error.contains("ascontiguousarray"), "{error}");
    }
}
