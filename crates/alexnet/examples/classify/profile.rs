//! Where a forward pass spends its time, as a table: layer by layer, and as a whole, in which layers are fused.

use alexnet::AlexNet;
use candle_core::{Result, Tensor};
use std::time::{Duration, Instant};

/// The fastest of so many passes is what the machine can do.
const PASSES: usize = 10;

/// Prints the table for one image.
pub fn print(model: &AlexNet) -> anyhow::Result<()> {
    let input = &model.network().input;
    let shape = (1, input.channels, input.height, input.width);
    let x = Tensor::zeros(shape, model.dtype(), model.device())?;
    let mut layers: Vec<(String, Duration)> = Vec::new();
    let mut whole = Duration::MAX;
    for _ in 0..PASSES {
        for (at, (name, time)) in pass(model, &x)?.into_iter().enumerate() {
            match layers.get_mut(at) {
                Some((_, best)) => *best = time.min(*best),
                None => layers.push((name, time)),
            }
        }
        let start = Instant::now();
        model.forward(&x)?;
        model.device().synchronize()?;
        whole = whole.min(start.elapsed());
    }

    let steps = model.network().trace()?;
    let sum: Duration = layers.iter().map(|(_, time)| time).sum();
    println!("{:12} {:>9} {:>6} {:>9}", "layer", "ms", "%", "GFLOP/s");
    for ((name, time), step) in layers.iter().zip(&steps) {
        let seconds = time.as_secs_f64();
        let share = 100. * seconds / sum.as_secs_f64();
        let rate = match step.multiply_adds {
            0 => "-".to_owned(),
            multiply_adds => format!("{:.1}", 2e-9 * multiply_adds as f64 / seconds),
        };
        println!("{name:12} {:9.3} {share:6.1} {rate:>9}", 1e3 * seconds);
    }
    println!("{:12} {:9.3}", "in all", 1e3 * sum.as_secs_f64());
    println!("{:12} {:9.3}", "as a whole", 1e3 * whole.as_secs_f64());
    Ok(())
}

/// The time of each layer of one pass.
fn pass(model: &AlexNet, x: &Tensor) -> Result<Vec<(String, Duration)>> {
    let mut times = Vec::new();
    let mut last = Instant::now();
    model.forward_with_taps(x, &mut |name, output| {
        output.device().synchronize()?;
        times.push((name.to_owned(), last.elapsed()));
        last = Instant::now();
        Ok(())
    })?;
    Ok(times)
}
