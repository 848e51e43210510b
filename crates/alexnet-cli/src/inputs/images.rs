use super::{Contract, Fixture};
use crate::array::Array;
use alexnet::preprocess::Preprocessor;
use anyhow::{Context, Result};
use candle_core::Device;
use std::collections::BTreeMap;
use std::path::Path;

/// An image file, preprocessed as the network's contract says.
pub(super) fn read(path: &Path, name: String, contract: &Contract) -> Result<Fixture> {
    let network = contract.network.as_ref().context(
        "an image can't become an input: the graph doesn't say how it was trained; try --network, or give arrays",
    )?;
    let input = Preprocessor::new(network)?.path(path, &Device::Cpu)?;
    Ok(Fixture { name, input: Array::from_candle(&input)?, golden: BTreeMap::new() })
}
