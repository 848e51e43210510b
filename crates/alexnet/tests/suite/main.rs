//! The model and its layers against PyTorch, ONNX and naive loops.

mod goldens;
mod gradients;
mod loading;
mod naive;
mod reference;
mod support;
mod training;
mod traps;
