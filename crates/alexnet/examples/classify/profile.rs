//! Where a forward pass spends its time, as a table.

use alexnet::AlexNet;
use candle_core::Tensor;
use std::time::{Duration, Instant};

/// The fastest of so many passes is what the machine can do.
const PASSES: usize = 20;

/// Prints the table for one image.
pub fn print(model: &AlexNet) -> anyhow::Result<()> {
    let input = &model.network().input;
    let shape = (1, input.channels, input.height, input.width);
    let x = Tensor::zeros(shape, model.dtype(), model.device())?;
    let mut steps = model.profile(&x)?;
    let mut whole = Duration::MAX;
    for _ in 0..PASSES {
        for ((_, best), (_, time)) in steps.iter_mut().zip(model.profile(&x)?) {
            *best = time.min(*best);
        }
        let start = Instant::now();
        model.forward(&x)?;
        model.device().synchronize()?;
        whole = whole.min(start.elapsed());
    }

    let layers = model.network().trace()?;
    let sum: Duration = steps.iter().map(|(_, time)| time).sum();
    println!("{:24} {:>9} {:>6} {:>9}", "step", "ms", "%", "GFLOP/s");
    for (name, time) in &steps {
        let seconds = time.as_secs_f64();
        let share = 100. * seconds / sum.as_secs_f64();
        let computed = layers.iter().filter(|step| name.split('+').any(|layer| layer == step.layer.name));
        let rate = match computed.map(|step| step.multiply_adds).sum::<u64>() {
            0 => "-".to_owned(),
            multiply_adds => format!("{:.1}", 2e-9 * multiply_adds as f64 / seconds),
        };
        println!("{name:24} {:9.3} {share:6.1} {rate:>9}", 1e3 * seconds);
    }
    println!("{:24} {:9.3}", "their sum", 1e3 * sum.as_secs_f64());
    println!("{:24} {:9.3}", "one pass", 1e3 * whole.as_secs_f64());
    Ok(())
}
