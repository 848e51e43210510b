//! This project's network as a process that `benches/run` times, through [`AlexNet::forward`] alone.

use alexnet::{AlexNet, Precision};
use alexnet_bench::{Engine, Job, serve};
use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor};
use clap::Parser;

/// What `--precision` may say: how weights are held, and what may be given up for speed.
const PRECISIONS: [(&str, DType, Precision); 5] = [
    ("exact", DType::F32, Precision::Exact),
    ("fast", DType::F32, Precision::Fast),
    ("int8", DType::F32, Precision::Int8),
    ("bf16", DType::BF16, Precision::Exact),
    ("bf16-int8", DType::BF16, Precision::Int8),
];

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    job: Job,
    #[arg(long, default_value = "exact")]
    precision: String,
}

struct Ours {
    model: AlexNet,
    input: Tensor,
}

impl Ours {
    fn load(job: &Job, precision: &str, images: Vec<f32>) -> Result<Ours> {
        let known = PRECISIONS.iter().find(|(name, ..)| *name == precision);
        let (_, dtype, precision) = *known.with_context(|| format!("no precision `{precision}`"))?;
        let model = AlexNet::load_with_dtype(&job.model, dtype, &Device::Cpu)?.with_precision(precision);
        let input = Tensor::from_vec(images, &job.shape(), &Device::Cpu)?.to_dtype(dtype)?;
        Ok(Ours { model, input })
    }
}

impl Engine for Ours {
    type Output = Tensor;

    fn forward(&mut self) -> Result<Tensor> {
        Ok(self.model.forward(&self.input)?)
    }

    fn logits(output: Tensor) -> Result<Vec<f32>> {
        Ok(output.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
    }
}

fn main() -> Result<()> {
    let Arguments { job, precision } = Arguments::parse();
    serve(&job, |images| Ours::load(&job, &precision, images))
}
