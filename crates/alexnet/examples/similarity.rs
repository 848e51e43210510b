//! The images of a folder, most similar to a query first: cosine similarity of the features before the classifier.
//!
//! ```sh
//! cargo run --release -p alexnet --example similarity -- alexnet.safetensors query.jpg photos/
//! ```
#![allow(clippy::print_stdout)]

use alexnet::{AlexNet, preprocess::Preprocessor};
use anyhow::{Context, bail};
use candle_core::{Device, Tensor};
use std::path::{Path, PathBuf};

/// Images that go through the network together.
const BATCH: usize = 16;

fn main() -> anyhow::Result<()> {
    let usage = "usage: similarity MODEL.safetensors QUERY FOLDER";
    let [model, query, folder] = <[_; 3]>::try_from(Vec::from_iter(std::env::args_os().skip(1))).ok().context(usage)?;
    let model = AlexNet::load(model, &Device::Cpu)?;
    let preprocessor = Preprocessor::new(model.network())?;

    let paths = images(folder.as_ref())?;
    let query = features(&model, &preprocessor, &[query.into()])?;
    let mut ranked = Vec::with_capacity(paths.len());
    for batch in paths.chunks(BATCH) {
        // Of unit vectors, so that the product is the cosine.
        let cosines = features(&model, &preprocessor, batch)?.matmul(&query.t()?)?.flatten_all()?.to_vec1::<f32>()?;
        ranked.extend(cosines.into_iter().zip(batch));
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (cosine, path) in ranked {
        println!("{cosine:7.4}  {}", path.display());
    }
    Ok(())
}

/// The JPEG and PNG files of a folder, by name.
fn images(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    let extension = |path: &Path| path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    paths.retain(|path| matches!(extension(path).as_deref(), Some("jpg" | "jpeg" | "png")));
    paths.sort();
    if paths.is_empty() {
        bail!("{}: no .jpg or .png in it", folder.display());
    }
    Ok(paths)
}

/// The features of images, one row of length 1 for each.
fn features(model: &AlexNet, preprocessor: &Preprocessor, paths: &[PathBuf]) -> anyhow::Result<Tensor> {
    let inputs = paths.iter().map(|path| preprocessor.path(path, model.device())).collect::<Result<Vec<_>, _>>()?;
    let features = model.features(&Tensor::cat(&inputs, 0)?)?.flatten_from(1)?;
    let lengths = features.sqr()?.sum_keepdim(1)?.sqrt()?;
    Ok(features.broadcast_div(&lengths)?)
}
