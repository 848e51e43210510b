use super::scrolling;
use crate::html::evidence::{Evidence, Thumbnail};
use crate::images::{Image, Summary};
use crate::quantity::{counted, grouped, short};
use crate::verify::Report;
use maud::{Markup, html};

/// How the two agree over a folder of images, and the images that are worth a look.
pub fn images(report: &Report, evidence: &Evidence) -> Option<Markup> {
    let summary = report.images.as_ref()?;
    let list = |title: &str, images: &[Image]| {
        html! { @if !images.is_empty() { h3 { (title) } (scrolling(title, table(images, &evidence.images))) } }
    };
    Some(html! {
        p {
            (grouped(summary.compared)) " of " (counted(summary.images, "image")) " in " code { (summary.folder.display()) }
            " compared: " strong { (summary.runtime) } " against " strong { (summary.reference) } "."
            @if summary.other_files > 0 { " " "Besides, " (counted(summary.other_files, "other file")) "." }
        }
        (scrolling("Agreement over all images", numbers(summary)))
        (list("Another class comes first", &summary.flipped))
        (list("The largest differences", &summary.worst))
        @if summary.unverified > 0 {
            h3 { "Not compared: " (counted(summary.unverified, "image")) }
            ul { @for image in &summary.unverified_images { li { code { (image.path) } ": " (image.why) } } }
        }
    })
}

fn numbers(summary: &Summary) -> Markup {
    let share = |part: u64| format!("{} ({})", grouped(part), percent(part, summary.compared));
    let q = &summary.max_rel;
    let quantiles = [("half", q.p50), ("90 %", q.p90), ("99 %", q.p99), ("99.9 %", q.p99_9), ("all", q.max)];
    let within: Vec<String> = quantiles.iter().map(|(of, value)| format!("{of} within {}", number(*value))).collect();
    html! {
        table {
            tbody {
                tr { th scope="row" { "The same class first" } td.words { (share(summary.top1)) } }
                tr { th scope="row" { "The same first five" } td.words { (short(summary.top5 * 100.0)) " % of their classes" } }
                tr { th scope="row" { "Within the tolerance" } td.words { (share(summary.within)) } }
                tr { th scope="row" { "Relative differences" } td.words { (within.join(", ")) "; " (short(summary.rtol)) " is allowed" } }
                tr { th scope="row" { "At risk" } td.words { (share(summary.at_risk)) ": differences as large could change the answer" } }
                tr { th scope="row" { "Mean KL divergence" } td.words { (short(summary.mean_kl)) " nats" } }
            }
        }
    }
}

fn table(images: &[Image], pictures: &[Thumbnail]) -> Markup {
    html! {
        table.images {
            thead {
                tr {
                    th scope="col" { "Picture" } th scope="col" { "Image" } th scope="col" { "The reference sees" }
                    th scope="col" { "The other sees" } th.number scope="col" { "Margin" }
                    th.number scope="col" { "Relative" } th.number scope="col" { "Of the tolerance" }
                }
            }
            tbody { @for image in images { (line(image, pictures.iter().find(|picture| picture.name == image.path))) } }
        }
    }
}

fn line(image: &Image, picture: Option<&Thumbnail>) -> Markup {
    let class = |class: &crate::images::Class| {
        html! {
            @match &class.label { Some(label) => { (super::clipped(label)) " " span.muted { (class.index) } } None => { "class " (class.index) } }
        }
    };
    html! {
        tr {
            td { @if let Some(picture) = picture { img src=(picture.picture) alt={ "Thumbnail of " (image.path) }; } @else { "–" } }
            th.words scope="row" { (image.path) }
            td.words { (class(&image.reference)) }
            td.words.over[image.other.index != image.reference.index] { (class(&image.other)) }
            td.number { (number(image.margin)) }
            td.number { (number(image.max_rel)) }
            td.number.over[image.severity.is_none_or(|severity| severity > 1.0)] { (number(image.severity)) }
        }
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or("not finite".into(), short)
}

/// All is 100 % and nothing else is.
fn percent(part: u64, of: u64) -> String {
    match part as f64 * 100.0 / of.max(1) as f64 {
        p if part < of && p > 99.99 => "> 99.99 %".into(),
        p => format!("{} %", (p * 100.0).round() / 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn almost_all_is_not_all() {
        let shown = [(10, 10), (99_999, 100_000), (2, 3), (0, 5)].map(|(part, of)| percent(part, of));
        assert_eq!(shown, ["100 %", "> 99.99 %", "66.67 %", "0 %"]);
    }
}
