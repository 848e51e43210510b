use super::refused;
use crate::caffe::graph::Builder;
use crate::caffe::net::Layer;
use crate::{Error, Result};
use alexnet_spec::layers::{Dropout, Flatten, Relu, Softmax};

/// `ReLU`.
pub(super) fn relu<'n>(builder: &mut Builder<'n>, layer: &'n Layer) -> Result<()> {
    if let Some(slope) = layer.params.message("relu_param").float("negative_slope").filter(|slope| *slope != 0.0) {
        return Err(refused("negative_slope", slope));
    }
    let input = builder.only(layer)?;
    builder.layer(layer, &input, Relu {}, Vec::new())
}

/// `Dropout`, which divides in training and is the identity at test time.
pub(super) fn dropout<'n>(builder: &mut Builder<'n>, layer: &'n Layer) -> Result<()> {
    let p = layer.params.message("dropout_param").float("dropout_ratio").unwrap_or(0.5);
    let input = builder.only(layer)?;
    builder.layer(layer, &input, Dropout { p }, Vec::new())
}

/// `Softmax` over the channels.
pub(super) fn softmax<'n>(builder: &mut Builder<'n>, layer: &'n Layer) -> Result<()> {
    let mut input = builder.only(layer)?;
    match layer.params.message("softmax_param").int("axis").unwrap_or(1) {
        1 => {}
        -1 if input.extent.flat => {}
        axis => return Err(refused("axis", axis)),
    }
    if !input.extent.flat {
        // A fully convolutional head has one pixel, at the size that it was trained on.
        if let Some([height, width]) = input.extent.size.filter(|size| *size != [1, 1]) {
            let message = format!("it gives probabilities for each pixel of a {height}x{width} map");
            return Err(Error::refused(message).with_remedy("--prototxt FILE with an input for which the map is 1x1"));
        }
        input = builder.step(format!("{}/flatten", layer.name), &input, Flatten {}, Vec::new())?;
    }
    builder.layer(layer, &input, Softmax {}, Vec::new())
}
