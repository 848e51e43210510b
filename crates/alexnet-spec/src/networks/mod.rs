//! The networks of the family, one file each.
//!
//! A new network is one file here and one line in the registry below. Each has 1000 classes;
//! [`Network::with_classes`] gives it another number.

mod bvlc;
mod caffenet;
mod chainer;
mod cuda_convnet2;
mod darknet;
mod decaf;
mod deepcluster;
mod krizhevsky_2012;
mod paper;
mod pytorchcv_alexnet;
mod pytorchcv_alexnetb;
mod single_column;
mod single_column_bn;
mod slim;
mod theano_alexnet;
mod torchvision;

use crate::layers::{Conv2d, Dropout, Flatten, Linear, Relu};
use crate::{Layer, Network};

/// A network of the registry: its name and its constructor.
pub struct Entry {
    /// What `--network` takes.
    pub name: &'static str,
    /// Builds it, with 1000 classes.
    pub network: fn() -> Network,
}

macro_rules! registry {
    ($($name:literal => $module:ident),* $(,)?) => {
        /// Every network that has a name.
        pub const ALL: &[Entry] = &[$(Entry { name: $name, network: $module::network }),*];
    };
}

registry! {
    "torchvision" => torchvision,
    "bvlc" => bvlc,
    "caffenet" => caffenet,
    "paper" => paper,
    "krizhevsky-2012" => krizhevsky_2012,
    "single-column" => single_column,
    "single-column-bn" => single_column_bn,
    "theano-alexnet" => theano_alexnet,
    "chainer" => chainer,
    "darknet" => darknet,
    "slim" => slim,
    "pytorchcv-alexnet" => pytorchcv_alexnet,
    "pytorchcv-alexnetb" => pytorchcv_alexnetb,
    "deepcluster" => deepcluster,
    "cuda-convnet2" => cuda_convnet2,
    "decaf" => decaf,
}

/// The network called `name`.
pub fn get(name: &str) -> Option<Network> {
    ALL.iter().find(|entry| entry.name == name).map(|entry| (entry.network)())
}

/// A square convolution with equal padding on all sides.
fn conv(name: &str, out: usize, kernel: usize, stride: usize, pad: usize, groups: usize) -> Layer {
    Layer::new(name, Conv2d { out, kernel: [kernel; 2], stride: [stride; 2], pads: [pad; 4], groups })
}

fn relu(name: &str) -> Layer {
    Layer::new(name, Relu {})
}

/// The three fully connected layers of 2012: 4096, 4096 and 1000, each hidden one followed by ReLU and dropout.
fn classifier() -> [Layer; 8] {
    [
        Layer::new("flatten", Flatten {}),
        Layer::new("fc6", Linear { out: 4096 }),
        relu("relu6"),
        Layer::new("drop6", Dropout { p: 0.5 }),
        Layer::new("fc7", Linear { out: 4096 }),
        relu("relu7"),
        Layer::new("drop7", Dropout { p: 0.5 }),
        Layer::new("fc8", Linear { out: 1000 }),
    ]
}

#[cfg(test)]
mod tests;
