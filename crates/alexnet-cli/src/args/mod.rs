//! The command lines. Doc comments are the help texts.

pub mod convert;
pub mod verify;

use crate::files::read_text;
use alexnet_spec::{DType, Network, networks};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Options that both programs have.
#[derive(Args, Debug)]
pub struct Common {
    /// Insist on a network: a name of `--list-networks`, or a JSON file that describes one
    #[arg(long, value_name = "NAME|FILE.json")]
    pub network: Option<String>,
    /// Where in the checkpoint the weights are, as its error lists them
    #[arg(long, value_name = "PATH")]
    pub key: Option<String>,
    /// Which tensor each parameter is, for names that nothing here knows: TOML or JSON; --inspect prints one to start from
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// Caffe's description of the network, where the weights come without one
    #[arg(long, value_name = "FILE")]
    pub prototxt: Option<PathBuf>,
    /// Darknet's description of the network
    #[arg(long, value_name = "FILE")]
    pub cfg: Option<PathBuf>,
    /// The mean of the training images: a binaryproto of Caffe, a .npy, a batches.meta of cuda-convnet
    #[arg(long, value_name = "FILE")]
    pub mean: Option<PathBuf>,
    /// Make a network that takes BGR take RGB, by reversing the input channels of its first convolution
    #[arg(long)]
    pub rgb: bool,
    /// Where the candle model runs: cpu, cuda, cuda:N or metal
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub device: String,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Print results and errors alone
    #[arg(short, long)]
    pub quiet: bool,
    /// Print details
    #[arg(short, long)]
    pub verbose: bool,
    /// Print a completion script for a shell, and exit
    #[arg(long, value_name = "SHELL", exclusive = true)]
    pub completions: Option<clap_complete::Shell>,
    /// Print the manual page, and exit
    #[arg(long, exclusive = true)]
    pub man: bool,
}

impl Common {
    /// The network that the user insists on.
    pub fn network(&self) -> Result<Option<Network>> {
        self.network.as_deref().map(network).transpose()
    }

    /// Prints what was asked for about the program itself; whether anything was.
    pub fn documents(&self, mut command: clap::Command) -> Result<bool> {
        let mut text = Vec::new();
        let name = command.get_name().to_owned();
        match self.completions {
            Some(shell) => clap_complete::generate(shell, &mut command, name, &mut text),
            None if self.man => clap_mangen::Man::new(command).render(&mut text)?,
            None => return Ok(false),
        }
        crate::console::print(String::from_utf8_lossy(&text).trim_end())?;
        Ok(true)
    }
}

/// A network by name or from a file.
fn network(argument: &str) -> Result<Network> {
    if let Some(network) = networks::get(argument) {
        return Ok(network);
    }
    let known = || networks::ALL.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
    let path = Path::new(argument);
    if !path.is_file() {
        bail!("--network {argument}: neither a file nor one of {}", known());
    }
    let text = read_text("--network", path, "network description")?;
    Network::from_json(&text).with_context(|| format!("--network {argument}"))
}

/// The element types that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FloatType {
    /// IEEE single
    F32,
    /// IEEE half
    F16,
    /// The upper half of a single
    Bf16,
}

impl From<FloatType> for DType {
    fn from(float: FloatType) -> DType {
        match float {
            FloatType::F32 => DType::F32,
            FloatType::F16 => DType::F16,
            FloatType::Bf16 => DType::BF16,
        }
    }
}
