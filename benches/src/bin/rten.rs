//! rten as a process that `benches/run` times; RTEN_NUM_THREADS tells it how many threads to use.

use alexnet_bench::{Engine, Job, serve};
use anyhow::Result;
use clap::Parser;
use rten::{Model, ModelOptions, Value};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    job: Job,
}

struct Rten {
    model: Model,
    input: Value,
}

impl Rten {
    fn load(job: &Job, images: Vec<f32>) -> Result<Rten> {
        let model = ModelOptions::with_all_ops().prepack_weights(true).load_file(&job.model)?;
        Ok(Rten { model, input: Value::from_shape(job.shape(), images)? })
    }
}

impl Engine for Rten {
    type Output = Value;

    fn forward(&mut self) -> Result<Value> {
        Ok(self.model.run_one((&self.input).into(), None)?)
    }

    fn logits(output: Value) -> Result<Vec<f32>> {
        Ok(output.into_shape_vec::<f32, 2>()?.1)
    }
}

fn main() -> Result<()> {
    let Arguments { job } = Arguments::parse();
    serve(&job, |images| Rten::load(&job, images))
}
