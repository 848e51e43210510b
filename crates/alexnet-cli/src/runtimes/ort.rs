//! ONNX Runtime, from a shared library that is found when the program runs.

use super::{Names, Runtime, Values};
use crate::array::Array;
use crate::graph::Graph;
use alexnet_onnx::proto::{GraphProto, ModelProto, ValueInfoProto};
use alexnet_spec::DType;
use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use half::{bf16, f16};
use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::{Session, SessionInputValue};
use ort::value::{DynValue, Tensor, TensorElementType};
use prost::Message;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

pub(super) struct Ort {
    bytes: Bytes,
    external: Vec<(String, Bytes)>,
    names: Names,
    dtype: DType,
    /// Whether the graph has response norms.
    norms: bool,
    session: Session,
    /// The same graph with the layers' values among its outputs; made when they are first asked for.
    tapped: Option<Session>,
}

impl Ort {
    /// Loads the graph from the very bytes of its file. `asked`: whether Python's packages are searched for the library.
    pub(super) fn open(graph: &Graph, names: &Names, asked: bool) -> Result<Ort> {
        library(asked)?;
        let session = session(&graph.bytes, &graph.external)?;
        Ok(Ort {
            bytes: graph.bytes.clone(),
            external: graph.external.clone(),
            names: names.clone(),
            dtype: graph.dtype(),
            norms: graph.model.graph().node.iter().any(|node| node.op_type() == "LRN"),
            session,
            tapped: None,
        })
    }

    /// The session that has all of `wanted` among its outputs.
    fn session_for(&mut self, wanted: &[(&str, &str)]) -> Result<&mut Session> {
        let has = |session: &Session, value: &str| session.outputs().iter().any(|output| output.name() == value);
        if wanted.iter().all(|(_, value)| has(&self.session, value)) {
            return Ok(&mut self.session);
        }
        if !self.tapped.as_ref().is_some_and(|session| wanted.iter().all(|(_, value)| has(session, value))) {
            let added = wanted.iter().map(|(_, value)| *value).filter(|value| !has(&self.session, value));
            self.tapped = Some(session(&with_outputs(&self.bytes, added), &self.external)?);
        }
        self.tapped.as_mut().context("the graph with taps isn't there")
    }
}

impl Runtime for Ort {
    fn name(&self) -> String {
        let version = LIBRARY.get().map_or("", |library| library.version.as_str());
        format!("ort {version}").trim_end().to_owned()
    }

    fn arithmetic(&self) -> DType {
        self.dtype
    }

    fn stored(&self) -> DType {
        self.dtype
    }

    /// Its LRN slides: it adds the square that comes into the window and subtracts the one that leaves. Once a large value
    /// has left, f32 has lost the small ones (errors of 7e-5 of the largest output were seen, where others have 2e-7).
    fn reorders_sums(&self) -> bool {
        self.norms
    }

    fn run(&mut self, input: &Array, taps: &[String]) -> Result<Values> {
        let names = self.names.clone();
        let batch = names.batched(input)?;
        let value = input_value(&batch, names.dtype)?;
        let wanted = names.wanted(taps);
        let session = self.session_for(&wanted)?;
        let outputs = session.run(vec![(names.input.clone(), SessionInputValue::from(value))])?;
        let mut values = Values::new();
        for (layer, value) in wanted {
            let output = outputs.get(value).with_context(|| format!("no output `{value}` came back"))?;
            values.insert(layer.to_owned(), names.unbatched(layer, array(output)?)?);
        }
        Ok(values)
    }
}

/// The model's bytes with more outputs. Protobuf merges what is appended: no parse, no second encoding of the weights.
fn with_outputs<'a>(model: &[u8], outputs: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let output = outputs.map(|name| ValueInfoProto { name: Some(name.to_owned()), ..Default::default() }).collect();
    let addition = ModelProto { graph: Some(GraphProto { output, ..Default::default() }), ..Default::default() };
    let mut bytes = model.to_vec();
    bytes.extend(addition.encode_to_vec());
    bytes
}

fn session(bytes: &[u8], external: &[(String, Bytes)]) -> Result<Session> {
    let builder = Session::builder(&library(true)?.environment)?;
    // What goes wrong comes back as an error; its own lines on stderr would be a second report of it.
    let mut builder = builder.with_log_level(LogLevel::Fatal).map_err(|error| anyhow!("{error}"))?;
    for (location, data) in external {
        builder = builder
            .with_external_initializer_file_in_memory(location, Arc::from(data.as_ref()))
            .map_err(|error| anyhow!("{error}"))?;
    }
    builder.commit_from_memory(bytes).context("ONNX Runtime doesn't load the graph")
}

fn input_value(input: &Array, dtype: DType) -> Result<DynValue> {
    let shape = input.shape.clone();
    let data = &input.data;
    Ok(match dtype {
        DType::F32 => Tensor::from_array((shape, data.clone()))?.into_dyn(),
        DType::F16 => {
            Tensor::from_array((shape, data.iter().map(|v| f16::from_f32(*v)).collect::<Vec<_>>()))?.into_dyn()
        }
        DType::BF16 => {
            Tensor::from_array((shape, data.iter().map(|v| bf16::from_f32(*v)).collect::<Vec<_>>()))?.into_dyn()
        }
        DType::F64 => Tensor::from_array((shape, data.iter().map(|v| f64::from(*v)).collect::<Vec<_>>()))?.into_dyn(),
        other => bail!("the graph's input holds {other}, not floating point"),
    })
}

fn array(value: &DynValue) -> Result<Array> {
    let (shape, data) = match value.dtype().tensor_type() {
        Some(TensorElementType::Float32) => {
            let (shape, data) = value.try_extract_tensor::<f32>()?;
            (shape, data.to_vec())
        }
        Some(TensorElementType::Float16) => {
            let (shape, data) = value.try_extract_tensor::<f16>()?;
            (shape, data.iter().map(|v| v.to_f32()).collect())
        }
        Some(TensorElementType::Bfloat16) => {
            let (shape, data) = value.try_extract_tensor::<bf16>()?;
            (shape, data.iter().map(|v| v.to_f32()).collect())
        }
        Some(TensorElementType::Float64) => {
            let (shape, data) = value.try_extract_tensor::<f64>()?;
            (shape, data.iter().map(|v| *v as f32).collect())
        }
        other => bail!("an output holds {other:?}, not floating point"),
    };
    let shape = shape.iter().map(|d| usize::try_from(*d)).collect::<Result<_, _>>()?;
    Array::new(shape, data)
}

/// The one library that a process can have.
struct Library {
    environment: Environment,
    version: String,
}

static LIBRARY: OnceLock<Library> = OnceLock::new();

/// The first library that loads: the one that `ORT_DYLIB_PATH` names, the one that the system's loader finds, and, where
/// `packages` says so, the one inside the active Python's package `onnxruntime`.
fn library(packages: bool) -> Result<&'static Library> {
    const ADVICE: &str = "install ONNX Runtime 1.18 or later and set ORT_DYLIB_PATH to its library";
    if let Some(library) = LIBRARY.get() {
        return Ok(library);
    }
    let system = || format!("{}onnxruntime{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX).into();
    let loaded = match std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        Some(path) => load(path.into()).with_context(|| format!("ORT_DYLIB_PATH; {ADVICE}"))?,
        None => match load(system()) {
            Ok(library) => library,
            Err(_) if packages => match python_library() {
                Some(path) => load(path)?,
                None => bail!("no ONNX Runtime library was found, nor the Python package onnxruntime; {ADVICE}"),
            },
            Err(_) => bail!(
                "no ONNX Runtime library was found; {ADVICE}, or name it in `alexnet-verify --runtime ort`, which uses the Python package too"
            ),
        },
    };
    Ok(LIBRARY.get_or_init(|| loaded))
}

fn load(path: PathBuf) -> Result<Library> {
    let version = version(&path);
    let environment = ort::init_from(path).map_err(|error| anyhow!("{error}"))?.build()?;
    Ok(Library { environment, version })
}

/// The library inside the package `onnxruntime` of the Python that `python3` starts.
fn python_library() -> Option<PathBuf> {
    const FIND: &str = "import importlib.util as u; print(u.find_spec('onnxruntime').submodule_search_locations[0])";
    let output = std::process::Command::new("python3").args(["-c", FIND]).output().ok()?;
    let folder = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()).join("capi");
    let mut libraries: Vec<PathBuf> = folder.read_dir().ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    libraries.retain(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let known = ["libonnxruntime.so", "libonnxruntime.", "onnxruntime.dll"];
        known.iter().any(|start| name.starts_with(start)) && !name.contains("providers")
    });
    libraries.sort();
    libraries.into_iter().next()
}

/// The version that the library's file name ends with, as in `libonnxruntime.so.1.32.0`; nothing where it has none.
fn version(path: &Path) -> String {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let digits = name.trim_end_matches(".dylib").trim_end_matches(".dll");
    let start = digits.find(|c: char| c.is_ascii_digit());
    start.and_then(|at| digits.get(at..)).unwrap_or_default().to_owned()
}
