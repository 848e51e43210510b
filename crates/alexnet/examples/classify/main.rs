//! The five likeliest classes of images.
//!
//! ```sh
//! alexnet-convert alexnet.pth alexnet.safetensors
//! cargo run --release -p alexnet --example classify -- alexnet.safetensors cat.jpg dog.png
//! cargo run --release -p alexnet --example classify -- --profile alexnet.safetensors
//! ```
//!
//! `--profile` prints where a forward pass spends its time. `ALEXNET_DEVICE=cuda` (in a build with `--features cuda`) or
//! `metal` runs it there.
#![allow(clippy::print_stdout)]

mod profile;

use alexnet::Classifier;
use anyhow::{Context, bail};

fn main() -> anyhow::Result<()> {
    let usage = "usage: classify [--profile] MODEL.safetensors IMAGE...";
    let mut arguments = std::env::args_os().skip(1).peekable();
    let profiled = arguments.next_if(|argument| argument == "--profile").is_some();
    let model = arguments.next().context(usage)?;
    let images: Vec<_> = arguments.collect();
    if images.is_empty() && !profiled {
        bail!("no image given; {usage}");
    }
    let device = alexnet::device(&std::env::var("ALEXNET_DEVICE").unwrap_or("cpu".into()))?;
    let classifier = Classifier::load(model, &device)?;
    for image in images {
        println!("{}", image.display());
        for prediction in classifier.classify_path(&image, 5)? {
            let label = prediction.label.unwrap_or_else(|| format!("class {}", prediction.index));
            println!("  {:6.2} %  {:8.3}  {label}", 100.0 * prediction.probability, prediction.logit);
        }
    }
    if profiled {
        profile::print(classifier.model())?;
    }
    Ok(())
}
