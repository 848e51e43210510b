use super::elements::Elements;
use crate::error::within;
use crate::{Error, Network, Result};
use alexnet_spec as spec;
use alexnet_spec::{Metadata, Parameter, naming::Naming};
use candle_core::{DType, Device, Shape, Tensor, bail};
use candle_nn::{Init, var_builder::SimpleBackend};
use safetensors::tensor::{Metadata as Header, TensorInfo};
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The size of the pieces in which a tensor is read.
const PIECE: usize = 1 << 18;

/// The longest header that is read; a network's takes some 5 kB.
const MAX_HEADER: u64 = 1 << 24;

/// A safetensors file with a network in its metadata, as a backend of `VarBuilder`.
///
/// Only the header is held. Tensors are read one by one with plain file reads, straight into the buffer that becomes the
/// candle tensor; where their type is converted, in pieces.
pub(crate) struct SafetensorsFile {
    path: PathBuf,
    file: Mutex<File>,
    /// Offset of the first tensor's first byte.
    data: u64,
    /// By canonical name.
    tensors: HashMap<String, TensorInfo>,
    network: Network,
}

impl SafetensorsFile {
    /// Reads the header of `path` and checks it against the network that it carries.
    pub(crate) fn open(path: &Path) -> Result<SafetensorsFile> {
        let mut file = File::open(path).map_err(Error::io(path))?;
        let length = file.metadata().map_err(Error::io(path))?.len();
        let (header, data) = read_header(&mut file, length, path)?;
        let metadata = Metadata(header.metadata().clone().unwrap_or_default().into_iter().collect());
        let at = |message| Error::file(path, message);
        let network = network(&metadata, path).map_err(at)?;
        let tensors = match_up(&header, &network, naming(&metadata).map_err(at)?).map_err(at)?;
        Ok(SafetensorsFile { path: path.into(), file: Mutex::new(file), data, tensors, network })
    }

    /// The network that the file carries.
    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    fn read(&self, info: &TensorInfo, dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
        let Some(stored) = element_type(info.dtype) else {
            bail!("{:?} elements aren't floating point", info.dtype);
        };
        let (start, end) = info.data_offsets;
        let count = (end - start) / stored.size();
        // A panic elsewhere leaves nothing half done here: every read starts with a seek.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.data + start as u64))?;
        if cfg!(target_endian = "little") && element_type_of(dtype) == Some(stored) {
            let mut elements = Elements::zeros(dtype, count)?;
            file.read_exact(elements.bytes_mut())?;
            return elements.into_tensor(&info.shape, device);
        }
        let mut elements = Elements::with_capacity(dtype, count)?;
        let mut left = end - start;
        while left > 0 {
            let mut piece = vec![0; left.min(PIECE)];
            file.read_exact(&mut piece)?;
            left -= piece.len();
            let shape = vec![piece.len() / stored.size()];
            let piece = spec::Tensor::new(stored, shape, piece.into()).map_err(candle_core::Error::wrap)?;
            elements.extend(&piece).map_err(candle_core::Error::wrap)?;
        }
        elements.into_tensor(&info.shape, device)
    }
}

/// Shapes were checked against the network when the file was opened.
impl SimpleBackend for SafetensorsFile {
    fn get(&self, _shape: Shape, name: &str, _: Init, dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
        self.get_unchecked(name, dtype, device)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
        let Some(info) = self.tensors.get(name) else { bail!("{}: tensor `{name}` is missing", self.path.display()) };
        self.read(info, dtype, device).map_err(within(format!("{}: tensor `{name}`", self.path.display())))
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }
}

/// The header and the offset at which the data starts.
fn read_header(file: &mut File, length: u64, path: &Path) -> Result<(Header, u64)> {
    let unlike = |what: String| {
        Error::file(
            path,
            format!("not a safetensors file ({what}): try `alexnet-convert` on it, which reads any checkpoint"),
        )
    };
    let mut size = [0; 8];
    file.read_exact(&mut size).map_err(|_| unlike(format!("it has {length} bytes")))?;
    let size = u64::from_le_bytes(size);
    if size > MAX_HEADER || size > length.saturating_sub(8) {
        return Err(unlike(format!(
            "a header of {size} bytes in a file of {length}, where at most {MAX_HEADER} are read"
        )));
    }
    let mut json = Vec::new();
    file.take(size).read_to_end(&mut json).map_err(Error::io(path))?;
    let header: Header = serde_json::from_slice(&json).map_err(|e| unlike(e.to_string()))?;
    let (start, end) = (size + 8, header.data_len() as u64);
    if start.checked_add(end) != Some(length) {
        return Err(Error::file(
            path,
            format!(
                "the header promises {end} bytes of tensors, but {} follow it: the file was cut or damaged",
                length - start
            ),
        ));
    }
    Ok((header, start))
}

/// The spelling of the file's names; canonical where it doesn't say.
fn naming(metadata: &Metadata) -> Result<Naming, String> {
    match metadata.0.get(Metadata::NAMES).map(String::as_str) {
        None | Some("canonical") => Ok(Naming::Canonical),
        Some("torchvision") => Ok(Naming::Torchvision),
        Some(other) => Err(format!(
            "metadata `{}` is `{}`; it must be `canonical` or `torchvision`",
            Metadata::NAMES,
            other.escape_debug()
        )),
    }
}

fn element_type_of(dtype: DType) -> Option<spec::DType> {
    match dtype {
        DType::F64 => Some(spec::DType::F64),
        DType::F32 => Some(spec::DType::F32),
        DType::F16 => Some(spec::DType::F16),
        DType::BF16 => Some(spec::DType::BF16),
        _ => None,
    }
}

fn element_type(dtype: safetensors::Dtype) -> Option<spec::DType> {
    match dtype {
        safetensors::Dtype::F64 => Some(spec::DType::F64),
        safetensors::Dtype::F32 => Some(spec::DType::F32),
        safetensors::Dtype::F16 => Some(spec::DType::F16),
        safetensors::Dtype::BF16 => Some(spec::DType::BF16),
        _ => None,
    }
}

/// The network that the metadata carries.
fn network(metadata: &Metadata, path: &Path) -> Result<Network, String> {
    let key = Metadata::NETWORK;
    match metadata.network() {
        Ok(Some(network)) => Ok(network),
        Ok(None) => Err(format!(
            "no network in its metadata (`{key}`): try `alexnet-convert {} out.safetensors`, which writes one",
            path.display()
        )),
        Err(e) => Err(format!("metadata `{key}`: {e}")),
    }
}

/// The stored tensor of each parameter, by canonical name: all of them, and none besides.
fn match_up(header: &Header, network: &Network, naming: Naming) -> Result<HashMap<String, TensorInfo>, String> {
    let mut tensors = HashMap::new();
    let mut missing = Vec::new();
    let mut unknown: BTreeSet<String> = header.offset_keys().into_iter().collect();
    for parameter in network.parameters().map_err(|e| e.to_string())? {
        let spelled = naming.spell(network, &parameter.name).map_err(|e| e.to_string())?;
        match header.info(&spelled) {
            Some(info) => {
                fits(network, &parameter, info).map_err(|e| format!("tensor `{spelled}` {e}"))?;
                unknown.remove(&spelled);
                tensors.insert(parameter.name, info.clone());
            }
            None => missing.push(spelled),
        }
    }
    if !missing.is_empty() {
        return Err(format!("tensors missing for network `{}`: {}", network.name, missing.join(", ")));
    }
    if !unknown.is_empty() {
        let unknown = Vec::from_iter(unknown).join(", ");
        return Err(format!("tensors that network `{}` has no use for: {unknown}", network.name));
    }
    Ok(tensors)
}

/// Whether a stored tensor can become `parameter`, or a sentence that goes on after its name.
fn fits(network: &Network, parameter: &Parameter, info: &TensorInfo) -> Result<(), String> {
    if info.shape != parameter.shape {
        let Network { name, .. } = network;
        return Err(format!("has shape {:?}, but network `{name}` needs {:?}", info.shape, parameter.shape));
    }
    match element_type(info.dtype) {
        Some(_) => Ok(()),
        None => Err(format!("holds {:?}, not floating point", info.dtype)),
    }
}
