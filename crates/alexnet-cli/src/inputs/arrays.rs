use crate::array::Array;
use alexnet_formats::{Checkpoint, Limits, Source};
use alexnet_spec::Tensor;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// The arrays of a file by name; the one array of a `.npy` is the `input`. They may be of any type of floating point, in any
/// order of bytes and axes.
///
/// A safetensors file without `input` may name the file that holds it under the key `input` of its header's metadata: a path
/// that is looked for in the file's folder, then in the one above. Records of several networks can then share one input.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Array>> {
    let file = open(path)?;
    let mut arrays = BTreeMap::new();
    for (name, tensor) in tensors(&file) {
        arrays.insert(name.clone(), array(&tensor).with_context(|| format!("array `{}`", name.escape_debug()))?);
    }
    let shared = file.metadata.as_ref().and_then(|pairs| pairs.0.get("input"));
    if let Some(shared) = shared.filter(|_| !arrays.contains_key("input")) {
        let plain = Path::new(shared).components().all(|c| matches!(c, Component::Normal(_)));
        ensure!(plain, "its metadata's input `{}` is not a plain relative path", shared.escape_debug());
        let other = open(&beside_or_above(path, shared)?).with_context(|| format!("its input {shared}"))?;
        let input = tensors(&other).find(|(name, _)| name == "input");
        let (_, input) = input.with_context(|| format!("{shared} holds no array `input`"))?;
        arrays.insert("input".into(), array(&input)?);
    }
    Ok(arrays)
}

/// Opens a file of arrays, whose content tells what it is.
fn open(path: &Path) -> Result<Checkpoint> {
    // An image of one colour compresses a thousandfold, which no weights do; what it becomes is bounded all the same.
    let limits = Limits { decompression_ratio: 2000, decompressed_bytes: 2 << 30, ..Limits::default() };
    let file = alexnet_formats::open(&Source::open(path, &limits)?, &limits)?;
    let known = ["npy", "npz", "safetensors"];
    ensure!(known.contains(&file.format), "it is a file of {}, not of arrays: {}", file.format, known.join(", "));
    if let Some(unreadable) = file.groups.iter().flat_map(|group| &group.unreadable).next() {
        let name = unreadable.name.escape_debug();
        anyhow::bail!("array `{name}`: {}; leave it out, or save it as float32", unreadable.reason);
    }
    Ok(file)
}

/// The arrays with their names.
fn tensors(file: &Checkpoint) -> impl Iterator<Item = (String, Tensor)> {
    let named = |key: &str, name: &str| match (key, name) {
        ("", "") => "input".to_owned(),
        ("", name) => name.to_owned(),
        (key, name) => format!("{key}.{name}"),
    };
    let groups = file.groups.iter().flat_map(|group| group.tensors.iter().map(move |entry| (group, entry)));
    groups.map(move |(group, (name, tensor))| (named(&group.key, name), tensor.clone()))
}

fn array(tensor: &Tensor) -> Result<Array> {
    ensure!(
        tensor.dtype().is_float(),
        "it holds {}, but inputs and outputs are floating point; save what preprocessing gives as float32",
        tensor.dtype()
    );
    Array::new(tensor.shape().to_vec(), tensor.to_f32()?)
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
    fn npy(descr: &str, order: &str, values: &[u8]) -> Vec<u8> {
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': (2, 3), }}");
        header = format!("{header:117}\n");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(values);
        file
    }

    const VALUES: [f32; 6] = [1.5, -2.0, 0.25, 4.0, 5.0, -6.5];

    fn little() -> Vec<u8> {
        VALUES.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// Reads `bytes` as a file of any name.
    fn arrays(bytes: &[u8]) -> Result<BTreeMap<String, Array>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("arrays");
        std::fs::write(&path, bytes)?;
        read(&path)
    }

    fn npz(method: zip::CompressionMethod, content: &[u8]) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        archive.start_file("input.npy", SimpleFileOptions::default().compression_method(method)).unwrap();
        archive.write_all(content).unwrap();
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn every_floating_point_type_and_order_is_read() {
        let row_major = Array { shape: vec![2, 3], data: VALUES.to_vec() };
        let columns: Vec<u8> = [0, 3, 1, 4, 2, 5].iter().flat_map(|&i: &usize| VALUES[i].to_le_bytes()).collect();
        let big: Vec<u8> = VALUES.iter().flat_map(|value| value.to_be_bytes()).collect();
        let double: Vec<u8> = VALUES.iter().flat_map(|value| f64::from(*value).to_le_bytes()).collect();
        let half: Vec<u8> = VALUES.iter().flat_map(|value| half::f16::from_f32(*value).to_le_bytes()).collect();
        for (what, file) in [
            ("single", npy("<f4", "False", &little())),
            ("columns first", npy("<f4", "True", &columns)),
            ("big-endian", npy(">f4", "False", &big)),
            ("double", npy("<f8", "False", &double)),
            ("half", npy("<f2", "False", &half)),
        ] {
            assert_eq!(arrays(&file).unwrap_or_else(|e| panic!("{what}: {e:#}"))["input"], row_major, "{what}");
        }
    }

    /// As `numpy.savez` and `numpy.savez_compressed` write it.
    #[test]
    fn stored_and_compressed_archives_hold_the_same() {
        for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
            let arrays = arrays(&npz(method, &npy("<f4", "False", &little()))).unwrap();
            assert_eq!(arrays["input"], Array { shape: vec![2, 3], data: VALUES.to_vec() }, "{method}");
        }
    }

    /// Zeros compress a thousandfold.
    #[test]
    fn a_black_image_is_no_bomb() {
        let mut file = npy("<f4", "False", &[]);
        let header = String::from_utf8_lossy(&file[10..]).replace("(2, 3)", "(1, 3, 500, 500)");
        file.truncate(10);
        file.extend(format!("{:117}\n", header.trim_end()).as_bytes());
        file.extend(vec![0; 4 * 3 * 500 * 500]);
        let archive = npz(zip::CompressionMethod::Deflated, &file);
        assert!(archive.len() < file.len() / 500, "{} bytes", archive.len());
        assert_eq!(arrays(&archive).unwrap()["input"].shape, [1, 3, 500, 500]);
    }

    #[test]
    fn arrays_that_hold_less_than_they_say_are_refused() {
        let short = npy("<f4", "False", &little()[..20]);
        let huge = String::from_utf8_lossy(&short).replace("(2, 3)", "(99999999, 99999999)");
        for file in [
            short.clone(),
            npz(zip::CompressionMethod::Deflated, &short),
            huge.replace('\u{fffd}', "\u{93}").into_bytes(),
        ] {
            assert!(arrays(&file).is_err());
        }
    }

    #[test]
    fn what_is_no_floating_point_is_refused_with_advice() {
        for complex_or_bytes in [npy("<c8", "False", &[0; 48]), npy("|u1", "False", &[0; 6])] {
            let error = format!("{:#}", arrays(&complex_or_bytes).unwrap_err());
            assert!(error.contains("float32"), "{error}");
        }
        let error = format!("{:#}", arrays(b"a text, not arrays").unwrap_err());
        assert!(!error.is_empty());
    }
}
