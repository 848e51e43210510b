//! The model and its layers against PyTorch, ONNX and naive loops.

mod classifier;
mod fused;
mod goldens;
mod gradients;
mod loading;
mod naive;
mod preprocess;
mod profile;
mod reference;
mod support;
mod training;
mod traps;
