//! tract as a process that `benches/run` times.

use alexnet_bench::{Engine, Job, serve};
use anyhow::Result;
use clap::Parser;
use std::sync::Arc;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::tract_linalg::multithread::{Executor, set_default_executor};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    job: Job,
}

struct Tract {
    plan: Arc<TypedRunnableModel>,
    input: Tensor,
}

impl Tract {
    fn load(job: &Job, images: Vec<f32>) -> Result<Tract> {
        if job.threads > 1 {
            set_default_executor(Executor::multithread(job.threads));
        }
        let input = Tensor::from_shape(&job.shape(), &images)?;
        let model = tract_onnx::onnx().model_for_path(&job.model)?;
        let model = model.with_input_fact(0, f32::fact(job.shape()).into())?;
        Ok(Tract { plan: model.into_optimized()?.into_runnable()?, input })
    }
}

impl Engine for Tract {
    type Output = TVec<TValue>;

    fn forward(&mut self) -> Result<TVec<TValue>> {
        self.plan.run(tvec!(self.input.clone().into()))
    }

    fn logits(output: TVec<TValue>) -> Result<Vec<f32>> {
        Ok(output[0].to_plain_array_view::<f32>()?.iter().copied().collect())
    }
}

fn main() -> Result<()> {
    let Arguments { job } = Arguments::parse();
    serve(&job, |images| Tract::load(&job, images))
}
