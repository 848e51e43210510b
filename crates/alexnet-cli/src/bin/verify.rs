//! `alexnet-verify`: runs two forms of a network on the same inputs and says where, if anywhere, they part.

fn main() -> std::process::ExitCode {
    alexnet_cli::exit::run(alexnet_cli::verify::run)
}
