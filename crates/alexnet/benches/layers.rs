//! Single layers of the Caffe release's network, as candle's tensors pass through them one by one, and whole forward passes.
//!
//! ```sh
//! cargo bench -p alexnet
//! cargo bench -p alexnet -- conv2      # those with conv2 in their name
//! ```

use alexnet::{AlexNet, spec::networks};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use criterion::{BenchmarkId, Criterion, Throughput};

const BATCHES: [usize; 2] = [1, 8];

fn main() -> Result<()> {
    let network = networks::get("bvlc").ok_or_else(|| candle_core::Error::msg("no such network"))?;
    let model = AlexNet::new(&network, VarBuilder::zeros(DType::F32, &Device::Cpu))?;
    let mut criterion = Criterion::default().configure_from_args();
    for batch in BATCHES {
        layers(&mut criterion, &model, batch)?;
        whole(&mut criterion, &model, batch)?;
    }
    criterion.final_summary();
    Ok(())
}

fn layers(criterion: &mut Criterion, model: &AlexNet, batch: usize) -> Result<()> {
    for step in model.network().trace().map_err(candle_core::Error::wrap)? {
        let name = &step.layer.name;
        let shape = [vec![batch], step.input.dims()].concat();
        let x = Tensor::randn(0f32, 1., shape, &Device::Cpu)?;
        model.forward_layer(name, &x)?;
        let mut group = criterion.benchmark_group(name);
        if step.multiply_adds > 0 {
            group.throughput(Throughput::Elements(batch as u64 * step.multiply_adds));
        }
        group.bench_function(BenchmarkId::from_parameter(batch), |bencher| {
            bencher.iter(|| model.forward_layer(name, &x))
        });
        group.finish();
    }
    Ok(())
}

fn whole(criterion: &mut Criterion, model: &AlexNet, batch: usize) -> Result<()> {
    let input = &model.network().input;
    let x = Tensor::randn(0f32, 1., (batch, input.channels, input.height, input.width), &Device::Cpu)?;
    let mut group = criterion.benchmark_group("forward");
    group.sample_size(20).throughput(Throughput::Elements(batch as u64));
    group.bench_function(BenchmarkId::from_parameter(batch), |bencher| bencher.iter(|| model.forward(&x)));
    group.finish();
    Ok(())
}
