//! Compiles `kernels/*.cu` to PTX for the feature `cuda`. Without that feature there is nothing to do, and no CUDA is
//! looked for.
//!
//! The compiler is `$NVCC`, or the `nvcc` of the PATH, of `$CUDA_HOME/bin`, or of `/usr/local/cuda/bin`: the order of
//! candle's own build. The PTX is for compute capability `$CUDA_COMPUTE_CAP` (80 if unset) and runs on every newer GPU.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const KERNELS: [&str; 5] = ["epilogue", "local_response_norm", "max_pool2d", "pack", "spatial_response_norm"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Set by whoever builds with cudarc's dlopen; see docs/CUDA.md.
    println!("cargo::rustc-check-cfg=cfg(cudarc_dlopen)");
    if std::env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return;
    }
    println!("cargo::rerun-if-changed=kernels");
    for variable in ["NVCC", "NVCC_REAL", "NVCC_CCBIN", "CUDA_HOME", "CUDA_COMPUTE_CAP"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    if let Err(message) = compile_all() {
        println!("cargo::error={message}");
    }
}

fn compile_all() -> Result<(), String> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets no OUT_DIR")?);
    let architecture = architecture(&std::env::var("CUDA_COMPUTE_CAP").unwrap_or_else(|_| "80".to_owned()))?;
    for kernel in KERNELS {
        let source = Path::new("kernels").join(kernel).with_extension("cu");
        compile(&source, &out.join(kernel).with_extension("ptx"), &architecture)?;
    }
    Ok(())
}

fn compile(source: &Path, ptx: &Path, architecture: &str) -> Result<(), String> {
    let mut arguments: Vec<OsString> = vec![architecture.into(), "--ptx".into(), "-O3".into(), "-std=c++17".into()];
    if let Some(compiler) = std::env::var_os("NVCC_CCBIN") {
        arguments.extend(["-ccbin".into(), compiler]);
    }
    arguments.extend(["-o".into(), ptx.into(), source.into()]);

    let (nvcc, output) = run_nvcc(&arguments)?;
    if output.status.success() {
        return Ok(());
    }
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    for line in said.lines() {
        println!("cargo::warning={line}");
    }
    let (source, nvcc) = (source.display(), nvcc.display());
    Err(format!("{nvcc} could not compile {source} ({}); what it said stands above", output.status))
}

/// Runs the first compiler that exists, and says which one that was.
fn run_nvcc(arguments: &[OsString]) -> Result<(PathBuf, Output), String> {
    let candidates = match std::env::var_os("NVCC") {
        Some(nvcc) => vec![PathBuf::from(nvcc)],
        None => {
            let home = std::env::var_os("CUDA_HOME").map(|home| Path::new(&home).join("bin/nvcc"));
            let usual = PathBuf::from("/usr/local/cuda/bin/nvcc");
            [Some("nvcc".into()), home, Some(usual)].into_iter().flatten().collect()
        }
    };
    for nvcc in &candidates {
        match Command::new(nvcc).args(arguments).output() {
            Ok(output) => return Ok((nvcc.clone(), output)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{} does not run: {error}", nvcc.display())),
        }
    }
    let looked: Vec<String> = candidates.iter().map(|nvcc| nvcc.display().to_string()).collect();
    Err(format!(
        "the feature cuda needs the CUDA compiler, and there is none (looked for {}); try setting NVCC to nvcc's path or \
         CUDA_HOME to the folder of the CUDA toolkit, or see docs/CUDA.md for one that needs no installation",
        looked.join(", ")
    ))
}

/// nvcc's option for a compute capability written as 80, 8.0 or sm_80. PTX of a plain capability runs on all newer
/// GPUs, that of an `a` or `f` variant on few: the letter is dropped.
fn architecture(capability: &str) -> Result<String, String> {
    let trimmed = capability.trim().trim_start_matches("sm_").trim_end_matches(['a', 'f']);
    let digits: String = trimmed.chars().filter(|c| *c != '.').collect();
    match digits.parse::<u32>() {
        Ok(number) => Ok(format!("-arch=compute_{number}")),
        Err(_) => Err(format!("CUDA_COMPUTE_CAP is {capability:?}; try 80, or what your GPU has, such as 90")),
    }
}
