use crate::array::Array;
use crate::html::colour::{self, inferno, viridis};
use crate::html::evidence::MapPair;
use crate::html::picture::Picture;
use crate::quantity::short;
use maud::{Markup, html};

/// The reference, the other and their difference, side by side. Values share one scale; the worst place is ringed.
pub fn heat_maps(pair: &MapPair) -> Markup {
    let differences = difference(&pair.reference, &pair.other);
    let worst = worst(&differences);
    let values = || pair.reference.data.iter().chain(&pair.other.data).copied();
    let range = (least(values()), most(values()));
    let largest = most(differences.data.iter().copied()).max(0.0);
    html! {
        div.maps {
            (map("Reference", &pair.reference, viridis, range, worst))
            (map("Other", &pair.other, viridis, range, worst))
            (map("Difference", &differences, inferno, (0.0, largest), worst))
        }
    }
}

fn map(name: &str, array: &Array, colours: colour::Map, (low, high): (f32, f32), worst: (usize, usize)) -> Markup {
    let (height, width) = sides(array);
    let span = f64::from(high) - f64::from(low);
    let share = |v: f32| match f64::from(v) {
        v if !v.is_finite() => v,
        _ if span <= 0.0 => 0.0,
        v => (v - f64::from(low)) / span,
    };
    let at = |x: usize, y: usize| array.data.get(y * width + x).copied().unwrap_or(f32::NAN);
    let picture = Picture::from_fn(width, height, |x, y| colours(share(at(x, y))));
    let scale = Picture::from_fn(128, 1, |x, _| colours(x as f64 / 127.0));
    let (row, column) = worst;
    let here = short(f64::from(at(column, row)));
    let description =
        format!("{name}: {height} rows, {width} columns, values from {} to {}", short(low.into()), short(high.into()));
    // The ring stays outside its place, however small that is.
    let radius = (width.max(height) as f64 / 14.0).max(0.75);
    html! {
        figure.map {
            div.pixels {
                @if let Some(uri) = picture.data_uri() { img src=(uri) alt=(description) width=(width) height=(height); }
                svg viewBox=(format!("0 0 {width} {height}")) aria-hidden="true" {
                    circle.halo cx=(column as f64 + 0.5) cy=(row as f64 + 0.5) r=(radius) {}
                    circle.ring cx=(column as f64 + 0.5) cy=(row as f64 + 0.5) r=(radius) {}
                }
            }
            @if let Some(uri) = scale.data_uri() { img.scale src=(uri) alt="Colour scale, low to high" width="128" height="1"; }
            div.ends { span { (short(low.into())) } span { (short(high.into())) } }
            figcaption { strong { (name) } " " span.muted { (here) " at the ring" } }
        }
    }
}

fn sides(array: &Array) -> (usize, usize) {
    match array.shape.as_slice() {
        [height, width] => (*height, *width),
        _ => (0, 0),
    }
}

fn difference(reference: &Array, other: &Array) -> Array {
    let data = reference.data.iter().zip(&other.data).map(|(a, b)| (a - b).abs()).collect();
    Array { shape: reference.shape.clone(), data }
}

/// Row and column of the largest value; what is no number counts as the largest.
fn worst(differences: &Array) -> (usize, usize) {
    let size = |v: f32| if v.is_nan() { f32::INFINITY } else { v };
    let largest = differences.data.iter().enumerate().fold((0, -1.0f32), |(at, largest), (index, value)| {
        if size(*value) > largest { (index, size(*value)) } else { (at, largest) }
    });
    let width = sides(differences).1.max(1);
    (largest.0 / width, largest.0 % width)
}

fn least(values: impl Iterator<Item = f32>) -> f32 {
    values.filter(|v| v.is_finite()).reduce(f32::min).unwrap_or(0.0)
}

fn most(values: impl Iterator<Item = f32>) -> f32 {
    values.filter(|v| v.is_finite()).reduce(f32::max).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(data: [f32; 4]) -> Array {
        Array { shape: vec![2, 2], data: data.to_vec() }
    }

    fn pair(reference: [f32; 4], other: [f32; 4]) -> MapPair {
        MapPair {
            layer: "norm1".into(),
            fixture: "noise".into(),
            runtime: "B".into(),
            channel: Some(3),
            reference: square(reference),
            other: square(other),
        }
    }

    #[test]
    fn the_ring_is_around_the_largest_difference() {
        let page = heat_maps(&pair([1.0, 2.0, 3.0, 4.0], [1.0, 2.5, 3.0, 3.0])).into_string();
        assert_eq!(page.matches(r#"class="ring" cx="1.5" cy="1.5""#).count(), 3);
        assert!(page.contains("4 at the ring") && page.contains("3 at the ring") && page.contains("1 at the ring"));
        assert!(page.contains("values from 1 to 4") && page.contains("values from 0 to 1"), "{page}");
    }

    #[test]
    fn a_nan_is_the_worst_place() {
        assert_eq!(worst(&difference(&square([0.0; 4]), &square([9.0, 0.0, f32::NAN, 0.0]))), (1, 0));
    }

    #[test]
    fn equal_maps_are_drawn_without_a_range() {
        assert_eq!(heat_maps(&pair([0.0; 4], [0.0; 4])).into_string().matches("<img src=").count(), 3);
    }
}
