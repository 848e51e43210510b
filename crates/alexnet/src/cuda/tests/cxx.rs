//! Compiles `kernels/*.cu` as C++ and runs them on the CPU; see `tests/cuda_shim`.

use super::super::Grid;
use super::element::Element;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// The kernels, compiled; none where there is no C++ compiler.
static PROGRAM: LazyLock<Option<PathBuf>> = LazyLock::new(compile);

/// Whether the kernels can run here. A test that gets `false` ends at once, having said so on stderr.
///
/// # Panics
///
/// `ALEXNET_REQUIRE_CXX=1`, which says that there is a compiler, and there is none.
#[must_use]
pub(super) fn available() -> bool {
    if PROGRAM.is_none() {
        let required = std::env::var("ALEXNET_REQUIRE_CXX").is_ok_and(|value| value == "1");
        assert!(!required, "ALEXNET_REQUIRE_CXX is set, but no C++ compiler was found: try setting CXX");
        let mut stderr = std::io::stderr().lock();
        let _ =
            writeln!(stderr, "skipped: the kernels were not run, for want of a C++ compiler (CXX, c++, g++, clang++)");
    }
    PROGRAM.is_some()
}

fn compile() -> Option<PathBuf> {
    let shim = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda_shim");
    // Under a name of this process, then renamed: two test runs may meet here.
    let program = Path::new(env!("OUT_DIR")).join("kernels-on-cpu");
    let fresh = program.with_extension(std::process::id().to_string());
    let compilers = match std::env::var("CXX") {
        Ok(compiler) => vec![compiler],
        Err(_) => ["c++", "g++", "clang++"].map(str::to_owned).to_vec(),
    };
    for compiler in compilers {
        let output = Command::new(&compiler)
            .args(["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror"])
            // Overflows and bad shifts stop the program, without a library of the compiler's being needed.
            .args(["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"])
            .arg("-I")
            .arg(&shim)
            .args(["-include", "cuda_shim.h", "-o"])
            .arg(&fresh)
            .arg(shim.join("run.cpp"))
            .output();
        match output {
            Ok(output) => {
                assert!(output.status.success(), "{compiler}:\n{}", String::from_utf8_lossy(&output.stderr));
                std::fs::rename(&fresh, &program).unwrap();
                return Some(program);
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{compiler}: {error}"),
        }
    }
    None
}

/// Runs the kernel `name` over `inputs`, each already in the kernel's own bytes, and returns `length` bytes of output.
pub(super) fn run(name: &str, grid: Grid, parameters: &[u8], inputs: &[&[u8]], length: usize) -> Vec<u8> {
    let grid = [grid.blocks.0, grid.blocks.1, grid.threads].map(u32::to_ne_bytes).concat();
    let mut stdin = Vec::new();
    let length_bytes = (length as u64).to_ne_bytes();
    for block in [&[name.as_bytes(), &grid, parameters], inputs, &[&length_bytes]].concat() {
        stdin.extend((block.len() as u64).to_ne_bytes());
        stdin.extend(block);
    }
    let program = PROGRAM.as_ref().expect("the test asked for `available`");
    let mut child =
        Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The program reads all of its input before it writes: no deadlock.
    child.stdin.take().unwrap().write_all(&stdin).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{name}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout.len(), length, "{name}");
    output.stdout
}

/// Runs a kernel of the element type `element` over numbers, once with the grid that a GPU would get and once with one
/// far too small, which must make no difference.
pub(super) fn run_as(
    element: Element,
    kernel: &str,
    grid: Grid,
    parameters: &[u8],
    inputs: &[&[f64]],
    elements: usize,
) -> Vec<f64> {
    let name = format!("{kernel}_{}", element.suffix());
    let inputs: Vec<Vec<u8>> = inputs.iter().map(|values| element.encode(values)).collect();
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let small = Grid { blocks: (1, 2), threads: 3 };
    let [full, strided] = [grid, small].map(|grid| run(&name, grid, parameters, &inputs, elements * element.size()));
    assert!(full == strided, "{name}: the result depends on the grid");
    element.decode(&full)
}

/// The same for the two kernels of a normalisation's backward pass.
pub(super) fn run_backward_with_ratio(
    element: Element,
    kernel: &str,
    grid: Grid,
    parameters: &[u8],
    (x, gradient): (&[f64], &[f64]),
) -> Vec<f64> {
    let (name, suffix) = (kernel, element.suffix());
    let (x, gradient) = (element.encode(x), element.encode(gradient));
    let elements = x.len() / element.size();
    let wide = elements * element.wide_size();
    let ratio = run(&format!("{name}_ratio_{suffix}"), grid, parameters, &[&x, &gradient], wide);
    let inputs: [&[u8]; 3] = [&x, &gradient, &ratio];
    element.decode(&run(&format!("{name}_backward_{suffix}"), grid, parameters, &inputs, x.len()))
}
