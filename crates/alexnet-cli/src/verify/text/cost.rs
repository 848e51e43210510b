use crate::look::Look;
use crate::quantity::{short, size};
use crate::verify::cost::Cost;
use std::fmt::Write;

/// What coarser numbers cost, a line for each runtime.
pub(super) fn cost(out: &mut String, cost: &Cost, look: Look) {
    let share = cost.bytes as f64 / (cost.f32_bytes.max(1)) as f64 * 100.0;
    let sizes = format!("{} for {} in f32 ({share:.0} %)", size(cost.bytes), size(cost.f32_bytes));
    let _ = writeln!(out, "\n{}   {}: {sizes}", look.heading("what B costs"), cost.precision);
    let _ = writeln!(
        out,
        "  {:<20} {:>7} {:>7} {:>9} {:>9} {:>9} {:>9} {:>7}",
        "against A", "top-1", "top-5", "KL", "SNR", "time", "f32", "factor"
    );
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".into());
    for row in &cost.runtimes {
        let of = |count: Option<usize>, most: usize| text(count.map(|count| format!("{count}/{most}")));
        let time =
            |index: usize| text(row.milliseconds.map(|times| format!("{:.1} ms", times.get(index).unwrap_or(&0.0))));
        let _ = writeln!(
            out,
            "  {:<20} {:>7} {:>7} {:>9} {:>9} {:>9} {:>9} {:>7}",
            row.runtime,
            of(row.top1, cost.inputs),
            of(row.top5, cost.inputs.saturating_mul(5)),
            text(row.kl.map(short)),
            text(row.snr_db.map(|db| format!("{db:.1} dB"))),
            time(0),
            time(1),
            text(row.milliseconds.map(|[b, a]| format!("{:.2}", b / a))),
        );
    }
}
