use super::summary::{Class, Image, Summary};
use crate::look::Look;
use std::fmt::Write;

/// The summary for people.
pub fn render(summary: &Summary, look: Look) -> String {
    let mut out = String::new();
    let Summary { compared, images, .. } = summary;
    let _ =
        writeln!(out, "{}       {images} in {}, {compared} compared", look.heading("images"), summary.folder.display());
    let share = |part: u64| match *compared {
        0 => "-".into(),
        of => format!("{part} of {of} ({:.3} %)", part as f64 * 100.0 / of as f64),
    };
    let number = |value: Option<f64>| value.map_or("not finite".into(), |value| format!("{value:.1e}"));
    let q = &summary.max_rel;
    let mut line = |name: &str, text: String| {
        let _ = writeln!(out, "  {name:<18} {text}");
    };
    line("same top-1", share(summary.top1));
    line("same top-5", format!("{:.3} % of the first five classes", summary.top5 * 100.0));
    line("within tolerance", share(summary.within));
    line(
        "differences",
        format!(
            "p50 {}, p90 {}, p99 {}, p99.9 {}, largest {}; {:.1e} allowed",
            number(q.p50),
            number(q.p90),
            number(q.p99),
            number(q.p99_9),
            number(q.max),
            summary.rtol
        ),
    );
    line("at risk", format!("{}: differences as large could change the answer", share(summary.at_risk)));
    line("mean KL", format!("{:.1e} nats", summary.mean_kl));
    if summary.run.images > 0 {
        line("pace", format!("{:.1} images/s, {} s", summary.run.rate, summary.run.seconds.round()));
    }
    list(&mut out, "top-1 differs", &summary.flipped, summary.compared - summary.top1);
    if !summary.agrees() {
        list(&mut out, "worst", &summary.worst, summary.worst.len() as u64);
    }
    if summary.unverified > 0 {
        let text = format!("NOT VERIFIED: {} of {images} images", summary.unverified);
        let _ = writeln!(out, "  {}", look.bad(&text));
        for image in &summary.unverified_images {
            let _ = writeln!(out, "    {}: {}", image.path.escape_debug(), image.why);
        }
    }
    out
}

fn list(out: &mut String, title: &str, images: &[Image], count: u64) {
    if images.is_empty() {
        return;
    }
    let _ = writeln!(out, "  {title}: {count} image{}", if count == 1 { "" } else { "s" });
    for image in images {
        let number = |value: Option<f64>| value.map_or("not finite".into(), |value| format!("{value:.2e}"));
        let _ = writeln!(
            out,
            "    {:>10} of the largest, margin {:>10}  {} / {}  {}",
            number(image.max_rel),
            number(image.margin),
            class(&image.reference),
            class(&image.other),
            image.path.escape_debug()
        );
    }
}

fn class(class: &Class) -> String {
    class.label.clone().unwrap_or_else(|| format!("class {}", class.index))
}
