//! The matrices of the transforms, from their points.
//!
//! Winograd's algorithm is Toom and Cook's: two polynomials are multiplied by their values at a few points. A row of `OUT`
//! outputs of a kernel of `TAPS` taps needs `OUT + TAPS - 1` points, of which the last is infinity, and as many
//! multiplications, where `OUT * TAPS` are what the sum says. In two dimensions all of it happens along columns, then along
//! rows. See Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016), section 4.

/// How many points an axis has: so many values go in at once. Seven serve kernels of three and of five.
pub(super) const POINTS: usize = 7;

/// The points but infinity. Of those tried (small fractions, so that all matrices hold exact numbers), these gave the
/// smallest errors for both kernels.
const FINITE: [f64; POINTS - 1] = [0.0, 0.625, -0.625, 1.25, -1.25, 3.0];

/// Brings seven values of the input to the points.
pub(super) const INPUT: [[f32; POINTS]; POINTS] = input();

/// Brings the products at the points to `OUT` outputs.
pub(super) const fn output<const OUT: usize>() -> [[f32; POINTS]; OUT] {
    let mut matrix = [[0.0; POINTS]; OUT];
    let mut point = 0;
    while point < FINITE.len() {
        let powers: [f64; OUT] = powers(FINITE[point]);
        let mut row = 0;
        while row < OUT {
            matrix[row][point] = powers[row] as f32;
            row += 1;
        }
        point += 1;
    }
    matrix[OUT - 1][POINTS - 1] = 1.0;
    matrix
}

/// Brings `TAPS` weights to the points.
pub(super) const fn kernel<const TAPS: usize>() -> [[f64; TAPS]; POINTS] {
    let mut matrix = [[0.0; TAPS]; POINTS];
    let mut point = 0;
    while point < FINITE.len() {
        let mut divisor = 1.0;
        let mut other = 0;
        while other < FINITE.len() {
            if other != point {
                divisor *= FINITE[point] - FINITE[other];
            }
            other += 1;
        }
        let powers: [f64; TAPS] = powers(FINITE[point]);
        let mut tap = 0;
        while tap < TAPS {
            matrix[point][tap] = powers[tap] / divisor;
            tap += 1;
        }
        point += 1;
    }
    matrix[POINTS - 1][TAPS - 1] = 1.0;
    matrix
}

/// Row by row the coefficients of the polynomial whose roots are the other points; infinity counts for nothing.
const fn input() -> [[f32; POINTS]; POINTS] {
    let mut matrix = [[0.0; POINTS]; POINTS];
    let mut row = 0;
    while row < POINTS {
        let mut coefficients = [0.0; POINTS];
        coefficients[0] = 1.0;
        let mut root = 0;
        while root < FINITE.len() {
            if root != row {
                // Times x - root, from the highest power down.
                let mut power = POINTS - 1;
                while power > 0 {
                    coefficients[power] = coefficients[power - 1] - FINITE[root] * coefficients[power];
                    power -= 1;
                }
                coefficients[0] *= -FINITE[root];
            }
            root += 1;
        }
        let mut power = 0;
        while power < POINTS {
            matrix[row][power] = coefficients[power] as f32;
            power += 1;
        }
        row += 1;
    }
    matrix
}

const fn powers<const COUNT: usize>(base: f64) -> [f64; COUNT] {
    let mut powers = [1.0; COUNT];
    let mut power = 1;
    while power < COUNT {
        powers[power] = powers[power - 1] * base;
        power += 1;
    }
    powers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_hold_exact_numbers() {
        // Products of (a / 8) up to the fifth power take 18 bits and more behind the point; what an f32 holds exactly is the
        // same after the way through f64.
        let roots: [f64; 6] = FINITE;
        let product: f64 = roots[1..].iter().map(|root| -root).product();
        assert_eq!(f64::from(INPUT[0][0]), product);
        assert_eq!(INPUT[POINTS - 1][POINTS - 1], 1.0);
        assert_eq!(output::<5>()[4][5], 81.0);
        assert_eq!(output::<5>()[4][3], 1.25f32.powi(4));
    }

    /// One row: five outputs of three taps, and three of five, against the sum itself.
    #[test]
    fn products_at_the_points_are_a_convolution() {
        fn check<const OUT: usize, const TAPS: usize>() {
            let input: [f64; POINTS] = [1.0, -2.0, 0.5, 3.0, -1.5, 0.25, 4.0];
            let taps: [f64; TAPS] = std::array::from_fn(|tap| 0.5 + tap as f64 * (1.0 - 0.75 * tap as f64));
            let (to_points, weights, back) = (INPUT, kernel::<TAPS>(), output::<OUT>());
            let products: [f64; POINTS] = std::array::from_fn(|point| {
                let value: f64 = to_points[point].iter().zip(input).map(|(a, b)| f64::from(*a) * b).sum();
                let weight: f64 = weights[point].iter().zip(taps).map(|(a, b)| a * b).sum();
                value * weight
            });
            for (at, row) in back.iter().enumerate() {
                let found: f64 = row.iter().zip(products).map(|(a, b)| f64::from(*a) * b).sum();
                let sum: f64 = taps.iter().zip(&input[at..]).map(|(a, b)| a * b).sum();
                assert!((found - sum).abs() < 1e-12, "{OUT} outputs, {TAPS} taps, output {at}: {found} and {sum}");
            }
        }
        check::<5, 3>();
        check::<3, 5>();
    }
}
