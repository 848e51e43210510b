//! What weights are written as. A new format is one file here.

pub mod safetensors;
