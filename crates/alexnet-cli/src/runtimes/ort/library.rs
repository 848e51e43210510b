//! Finding ONNX Runtime's shared library.

use anyhow::{Context, Result, anyhow, bail};
use ort::environment::Environment;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The one library that a process can have.
pub(super) struct Library {
    pub environment: Environment,
    pub version: String,
}

pub(super) static LIBRARY: OnceLock<Library> = OnceLock::new();

/// The first library that loads: the one that `ORT_DYLIB_PATH` names, the one that the system's loader finds, and, where
/// `packages` says so, the one inside the active Python's package `onnxruntime`.
pub(super) fn library(packages: bool) -> Result<&'static Library> {
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
