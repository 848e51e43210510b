//! OpenCV's `INTER_LINEAR` for 8-bit images (`modules/imgproc/src/resize.cpp`), which Caffe's tools use: the four nearest
//! pixels whatever the scale, with weights of 11 bits.

use super::window::{Pixels, Window};

const WEIGHT_BITS: u32 = 11;

/// The levels of the window `columns` x `rows` of `image`, resized to those axes' sizes.
pub(super) fn resize(image: &Pixels, columns: Window, rows: Window) -> Vec<u8> {
    let across: Vec<_> = taps(columns, image.width).map(|taps| taps.whole_at_the_ends()).collect();
    let mut resized = Vec::with_capacity(rows.length * columns.length * 3);
    for down in taps(rows, image.height) {
        let [above, below] = down.inputs.map(|row| image.row(row));
        for Taps { inputs: [left, right], weights: [near, far] } in &across {
            for channel in 0..3 {
                let along =
                    |row: &[u8]| i32::from(row[left * 3 + channel]) * near + i32::from(row[right * 3 + channel]) * far;
                // As the original: four bits go before the multiplication, sixteen after it, and two when rounding.
                let share = |along: i32, weight: i32| ((along >> 4) * weight) >> 16;
                let level = (share(along(above), down.weights[0]) + share(along(below), down.weights[1]) + 2) >> 2;
                resized.push(level.clamp(0, 255) as u8);
            }
        }
    }
    resized
}

/// The two input positions around the middle of an output position, and the weight of each.
struct Taps {
    inputs: [usize; 2],
    weights: [i32; 2],
}

fn taps(window: Window, inputs: usize) -> impl Iterator<Item = Taps> {
    let scale = 1.0 / (window.size as f64 / inputs as f64);
    let last = inputs as isize - 1;
    window.positions().map(move |position| {
        let centre = ((position as f64 + 0.5) * scale - 0.5) as f32;
        let (near, fraction) = (centre.floor() as isize, centre - centre.floor());
        let fixed = |weight: f32| (weight * (1 << WEIGHT_BITS) as f32).round_ties_even() as i32;
        Taps {
            inputs: [near, near + 1].map(|input| input.clamp(0, last) as usize),
            weights: [fixed(1.0 - fraction), fixed(fraction)],
        }
    })
}

impl Taps {
    /// Beyond the first and the last column the original gives one of them the whole weight; beyond rows it divides the
    /// weight between two that are the same, which rounds otherwise.
    fn whole_at_the_ends(self) -> Taps {
        let [near, far] = self.inputs;
        if near == far { Taps { inputs: self.inputs, weights: [1 << WEIGHT_BITS, 0] } } else { self }
    }
}
