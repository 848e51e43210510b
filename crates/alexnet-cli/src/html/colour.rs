//! Colour maps: equal steps of a value look like equal steps, to colour-blind eyes and in grey print too.

/// A share of a range, from 0 to 1, as a colour; what is no number is magenta.
pub type Map = fn(f64) -> [u8; 3];

/// The colour of NaN and infinities, which no map has.
const NOT_FINITE: [u8; 3] = [255, 0, 255];

/// Every sixteenth colour of Matplotlib's `viridis`, as OpenCV's `COLORMAP_VIRIDIS` has them.
const VIRIDIS: [[u8; 3]; 17] = [
    [68, 1, 84],
    [72, 24, 106],
    [71, 45, 123],
    [66, 64, 134],
    [59, 82, 139],
    [51, 99, 141],
    [44, 114, 142],
    [38, 130, 142],
    [33, 145, 140],
    [31, 160, 136],
    [40, 174, 128],
    [63, 188, 115],
    [94, 201, 98],
    [132, 212, 75],
    [173, 220, 48],
    [216, 226, 25],
    [253, 231, 37],
];

/// Every sixteenth colour of Matplotlib's `inferno`, as OpenCV's `COLORMAP_INFERNO` has them.
const INFERNO: [[u8; 3]; 17] = [
    [0, 0, 4],
    [11, 7, 36],
    [33, 12, 74],
    [61, 9, 101],
    [87, 16, 110],
    [113, 25, 110],
    [138, 34, 106],
    [163, 44, 97],
    [188, 55, 84],
    [210, 70, 68],
    [228, 90, 49],
    [241, 115, 29],
    [249, 142, 9],
    [252, 172, 17],
    [249, 203, 53],
    [242, 234, 105],
    [252, 255, 164],
];

/// For values.
pub fn viridis(share: f64) -> [u8; 3] {
    between(&VIRIDIS, share)
}

/// For differences: nothing is black.
pub fn inferno(share: f64) -> [u8; 3] {
    between(&INFERNO, share)
}

fn between(table: &[[u8; 3]; 17], share: f64) -> [u8; 3] {
    if !share.is_finite() {
        return NOT_FINITE;
    }
    let place = share.clamp(0.0, 1.0) * 16.0;
    let index = (place.floor() as usize).min(15);
    let rest = place - index as f64;
    let [from, to] = [index, index + 1].map(|i| table.get(i).copied().unwrap_or(NOT_FINITE));
    [0, 1, 2].map(|c| (f64::from(from[c]) + (f64::from(to[c]) - f64::from(from[c])) * rest).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_lies_between_its_neighbours() {
        assert_eq!(viridis(0.0), [68, 1, 84]);
        assert_eq!(viridis(1.0), [253, 231, 37]);
        assert_eq!(viridis(1.0 / 32.0), [70, 13, 95]);
        assert_eq!(inferno(-3.0), [0, 0, 4]);
    }

    #[test]
    fn what_is_no_number_has_a_colour_of_its_own() {
        assert_eq!([viridis(f64::NAN), inferno(f64::INFINITY)], [NOT_FINITE; 2]);
    }
}
