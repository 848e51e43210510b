//! Where parameters come from, as backends of candle's `VarBuilder`.

mod elements;
mod from_file;
mod from_spec;
mod recorded;

pub(crate) use from_file::SafetensorsFile;
pub(crate) use from_spec::SpecWeights;
pub(crate) use recorded::Recorded;
