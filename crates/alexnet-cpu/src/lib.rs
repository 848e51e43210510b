//! AlexNet's forward pass on a CPU, as fast as the processor multiplies.
//!
//! [`Engine::new`] reads an [`alexnet_spec::Network`] once and makes of it fused stages: a convolution brings its bias and
//! ReLU, activations lie in blocks of sixteen channels with the next layer's padding around them, weights are packed in the
//! order of their use, and nothing is copied, transposed or allocated between layers. [`Engine::forward`] then computes
//! logits from plain slices. The crate `alexnet` puts this behind its model; it knows nothing of tensors or files.
//!
//! Results are those of the layers one by one, but for the order in which `f32` sums are rounded; NaN and infinity go the
//! same ways. [`Precision::Fast`] computes convolutions with fewer multiplications, which round a little more.
//!
//! ```
//! use alexnet_cpu::Engine;
//! use alexnet_cpu::spec::networks;
//!
//! let network = networks::get("caffenet").unwrap().shrunk(16, 5)?; // a small one
//! let elements: std::collections::HashMap<_, _> =
//!     network.parameters()?.into_iter().map(|parameter| (parameter.name.clone(), parameter.elements())).collect();
//! let engine = Engine::new(&network, |name| Ok(vec![0.01; elements[name]]))?;
//!
//! // The fully connected layers' weights stay the caller's.
//! let matrices: Vec<Vec<f32>> = engine.matrices().iter().map(|name| vec![0.01; elements[name]]).collect();
//! let matrices: Vec<&[f32]> = matrices.iter().map(Vec::as_slice).collect();
//! let images = vec![1.0; 2 * 3 * 227 * 227];
//! let mut logits = vec![0.0; 2 * 5];
//! engine.forward(&images, &matrices, &mut logits)?;
//! assert_eq!(logits[0], logits[5]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An engine holds and computes either `f32` or [`bf16`]: `Engine::<bf16>` takes the same, in that type. See [`Element`].
//!
//! # `unsafe`
//!
//! It stands in four places: the calls of vector instructions (`simd`), after the processor was seen to have them; the inner
//! loop of the one multiplying kernel (`tile`), after all that it touches was checked; the buffers that threads share
//! (`memory`), where each writes its own rows; and advice to the kernel about pages.
//!
//! All tests run on each instruction set that the processor has, those of x86-64 also under AddressSanitizer
//! (`tools/test-sanitized`) and those of NEON on an emulated processor (`tools/test-neon`): on no real one so far.

mod element;
mod engine;
mod error;
mod head;
mod map;
mod memory;
mod plan;
mod simd;
mod stages;
mod team;
mod tile;

pub use alexnet_spec as spec;
pub use element::Element;
pub use engine::{Engine, Options, Precision};
pub use error::Error;
pub use half::bf16;
pub use memory::prefer_huge_pages;
pub use simd::Isa;
