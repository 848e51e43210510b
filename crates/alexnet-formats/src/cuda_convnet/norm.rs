use super::builder::{Builder, Extent, Output};
use super::layer::Layer;
use crate::{Error, Result};
use alexnet_spec::layers::{LocalResponseNorm, SpatialResponseNorm};

/// `cmrnorm`: response normalisation across maps. The stored scale is the configuration's divided by the window's size.
pub(super) fn across(builder: &mut Builder<'_>, layer: &Layer<'_>) -> Result<Output> {
    let (input, extent) = input(builder, layer)?;
    let size = layer.count("size")?;
    // An even window reaches one map further down than up (`convResponseNormCrossMap`), and ours the other way round.
    if size.is_multiple_of(2) {
        return Err(Error::refused(format!("normalises over {size} maps; only odd numbers are converted")));
    }
    let op = LocalResponseNorm {
        size,
        alpha: undivided(layer.number("scale")?, size as f64),
        beta: layer.number("pow")?,
        k: layer.number_or("minDiv", 1.0)?,
        groups: 1,
    };
    Ok(builder.push(layer, vec![input], op, extent))
}

/// `rnorm`: response normalisation within a map. The stored scale is the configuration's divided by the window's pixels.
pub(super) fn within(builder: &mut Builder<'_>, layer: &Layer<'_>) -> Result<Output> {
    let (input, extent) = input(builder, layer)?;
    let size = layer.count("size")?;
    let op = SpatialResponseNorm {
        size,
        alpha: undivided(layer.number("scale")?, (size as f64) * (size as f64)),
        beta: layer.number("pow")?,
        k: layer.number_or("minDiv", 1.0)?,
    };
    Ok(builder.push(layer, vec![input], op, extent))
}

fn input(builder: &mut Builder<'_>, layer: &Layer<'_>) -> Result<(String, Extent)> {
    if layer.flag("blocked", false)? {
        return Err(Error::refused("normalises in blocks (blocked = 1), which no network of ours has"));
    }
    builder.only_input(layer)?;
    let (channels, size) = (layer.count("channels")?, layer.count("imgSize")?);
    Ok((builder.maps(layer, 0, channels, size)?, Extent::Maps { channels, size }))
}

/// The scale of the configuration file from what the program made of it: the short decimal that gives just `divided`, where
/// there is one, since multiplying leaves an error in the last digit.
fn undivided(divided: f64, divisor: f64) -> f64 {
    let product = divided * divisor;
    let decimal = format!("{product:.12e}").parse::<f64>().ok();
    decimal.filter(|decimal| decimal / divisor == divided).unwrap_or(product)
}

#[cfg(test)]
mod tests {
    use super::undivided;

    #[test]
    fn the_scale_is_the_configurations_to_the_last_digit() {
        assert_eq!(undivided(0.0001 / 5.0, 5.0), 0.0001);
        assert_eq!(undivided(0.001 / 25.0, 25.0), 0.001);
        assert_eq!(undivided(0.00007 / 9.0, 9.0), 0.00007);
        let odd = 0.1_f64.sqrt();
        assert_eq!(undivided(odd, 3.0), odd * 3.0);
    }
}
