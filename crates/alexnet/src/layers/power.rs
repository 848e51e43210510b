use candle_core::{Result, Tensor};

/// `base ^ exponent` for positive values.
///
/// AlexNet's -3/4 takes two square roots instead of a logarithm and an exponential: faster, and as exact.
pub(super) fn power(base: &Tensor, exponent: f64) -> Result<Tensor> {
    if exponent == -0.75 {
        let root = base.sqrt()?;
        return (&root * root.sqrt()?)?.recip();
    }
    base.powf(exponent)
}
