//! AlexNet and its family on [candle]: load the weights that `alexnet-convert` wrote, run them on a CPU, on CUDA or on
//! Metal, train them, or take them apart layer by layer.
//!
//! "AlexNet" is at least six different networks with the same shapes. Here a network is *data*, a [`Network`] with an input
//! contract and a list of layers, and the model is read from that list: which of the six it is, whether alpha is divided,
//! whether the pool comes before the norm, stands in the file that holds the weights. Every layer of every network is tested
//! against PyTorch's output for it.
//!
//! # Classify an image
//!
//! ```
//! use alexnet::Classifier;
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("alexnet.safetensors");
//! # let network = alexnet::spec::networks::get("torchvision").unwrap().shrunk(32, 5)?;
//! # let weights: Vec<(String, candle_core::Tensor)> = network.parameters()?.into_iter().map(|parameter| {
//! #     let values = candle_core::Tensor::randn(0f32, 0.1, parameter.shape, &candle_core::Device::Cpu).unwrap();
//! #     (parameter.name, values)
//! # }).collect();
//! # let pairs = alexnet::spec::Metadata::new(&network, &Default::default()).0.into_iter().collect();
//! # safetensors::serialize_to_file(weights, Some(pairs), &path)?;
//! // Written by `alexnet-convert alexnet.pth alexnet.safetensors`.
//! let classifier = Classifier::load(&path, &alexnet::device("cpu")?)?;
//!
//! let (width, height) = (320, 240);
//! let pixels = vec![128; 3 * width * height]; // rows of red, green, blue; or `classify_path("cat.jpg", 5)`
//! for prediction in classifier.classify_rgb(width, height, &pixels, 5)? {
//!     println!("{:5.1} % {:?}", 100.0 * prediction.probability, prediction.label);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The image is resized, cropped and normalised as the file's network was trained, to the bit as torchvision or OpenCV does
//! it: see [`preprocess`].
//!
//! # Embed the model
//!
//! [`AlexNet`] follows candle's conventions: [`AlexNet::new`] takes a `VarBuilder`, the model is a `Module`.
//!
//! ```
//! use alexnet::{AlexNet, spec::networks};
//! use candle_core::{DType, Device, Tensor};
//! use candle_nn::{VarBuilder, VarMap};
//!
//! let network = networks::get("caffenet").unwrap().shrunk(16, 5)?; // a small one
//! let weights = VarMap::new();
//! let model = AlexNet::new(&network, VarBuilder::from_varmap(&weights, DType::F32, &Device::Cpu))?;
//!
//! let x = Tensor::randn(0f32, 1., (2, 3, 227, 227), &Device::Cpu)?;
//! assert_eq!(model.forward(&x)?.dims(), [2, 5]); // logits
//! assert_eq!(model.features(&x)?.dims(), [2, 16, 6, 6]); // pool5, for similarity search or a head of your own
//!
//! let mut names = Vec::new();
//! model.forward_with_taps(&x, &mut |name, output| {
//!     names.push(format!("{name} {:?}", output.dims()));
//!     Ok(())
//! })?;
//! assert_eq!(names[2], "pool1 [2, 6, 27, 27]");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Train
//!
//! Gradients pass through every layer: our norms and pools bring their own.
//!
//! ```
//! use alexnet::{AlexNet, spec::networks};
//! use candle_core::{DType, Device, Tensor};
//! use candle_nn::{Optimizer, SGD, VarBuilder, VarMap, loss};
//!
//! let mut network = networks::get("paper").unwrap();
//! (network.input.height, network.input.width) = (64, 64);
//! let network = network.shrunk(16, 4)?;
//!
//! let weights = VarMap::new();
//! let model = AlexNet::new(&network, VarBuilder::from_varmap(&weights, DType::F32, &Device::Cpu))?;
//! let mut optimiser = SGD::new(weights.all_vars(), 0.01)?;
//! let images = Tensor::randn(0f32, 1., (8, 3, 64, 64), &Device::Cpu)?;
//! let classes = Tensor::new(&[0u32, 1, 2, 3, 0, 1, 2, 3], &Device::Cpu)?;
//!
//! let logits = model.forward_t(&images, true)?; // with dropout
//! optimiser.backward_step(&loss::cross_entropy(&logits, &classes)?)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Element types
//!
//! f32, f16, bf16 and f64, weights and activations alike. Norms, batch norm, softmax and average pooling compute 16-bit
//! types in f32 everywhere, convolutions on a CPU; each layer's output is rounded to the type. On a CPU 16 bits save memory,
//! not time.
//!
//! # Devices and features
//!
//! | Feature | What |
//! |---|---|
//! | `image` (default) | reading JPEG and PNG files |
//! | `cuda`, `cudnn` | NVIDIA GPUs, with kernels of ours for the norms and pools |
//! | `metal` | Apple GPUs; norms and pools are composed of candle's operations |
//! | `accelerate`, `mkl` | candle's matrix products on a CPU by those libraries |
//!
//! Without features the crate runs on a CPU and needs nothing but Rust. [`device`] gives a device by name, or an error that
//! names the feature or library that is missing; never a CPU in place of a GPU.
//!
//! # Loading
//!
//! [`AlexNet::load`] reads tensor by tensor into the buffers that stay: no second copy, no memory map, no `unsafe`. The
//! header is checked against the network, name by name and shape by shape, before a weight is read. [`AlexNet::from_weights`]
//! takes weights that another part of the program has read already.
//!
//! [candle]: https://github.com/huggingface/candle
// Only launching a CUDA kernel takes `unsafe`.
#![cfg_attr(not(feature = "cuda"), forbid(unsafe_code))]

mod classifier;
mod cpu;
#[cfg(any(test, feature = "cuda"))]
mod cuda;
mod device;
mod error;
pub mod layers;
mod model;
pub mod preprocess;
mod weights;

pub use alexnet_cpu::Precision;
pub use alexnet_spec::{self as spec, Network};
pub use classifier::{Classifier, Prediction};
pub use device::{DeviceError, device};
pub use error::{Error, Result};
pub use model::AlexNet;

/// The example of the project's README compiles.
#[cfg(all(doctest, feature = "image"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
