//! `alexnet-convert`: reads any AlexNet checkpoint, writes safetensors and ONNX.

fn main() -> std::process::ExitCode {
    alexnet_cli::exit::run(alexnet_cli::convert::run)
}
