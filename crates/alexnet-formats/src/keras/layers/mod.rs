//! What each kind of layer computes, as `call` has it in Keras 2.15 and 3.15.

mod activation;
mod convolution;
mod dense;
mod function;
mod join;
mod norm;
mod pool;
mod shape;

use super::model::Layer;
use super::transcribe::Transcriber;
use super::value::Value;
use crate::shown::shown;
use crate::{Error, Result};

/// Layers that do nothing to an image that is being recognised.
const IN_TRAINING_ALONE: [&str; 12] = [
    "ActivityRegularization",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "RandomBrightness",
    "RandomContrast",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "SpatialDropout2D",
];

/// The nodes of a layer that reads `inputs`, and what it hands on.
pub(super) fn transcribe(to: &mut Transcriber<'_>, layer: &Layer, inputs: Vec<Value>) -> Result<Vec<Value>> {
    if layer.class == "Concatenate" {
        return Ok(vec![join::concatenate(to, layer, &inputs)?]);
    }
    let input = match inputs.as_slice() {
        [input] => input,
        _ => {
            let class = shown(layer.class.as_bytes());
            return Err(Error::refused(format!("{class} of {} inputs isn't converted", inputs.len())));
        }
    };
    let value = match layer.class.as_str() {
        "Conv2D" => convolution::conv2d(to, layer, input)?,
        "ZeroPadding2D" => convolution::zero_padding(layer, input)?,
        "MaxPooling2D" => pool::max(to, layer, input)?,
        "GlobalAveragePooling2D" => pool::global_average(to, layer, input)?,
        "BatchNormalization" => norm::batch(to, layer, input)?,
        "Dense" => dense::dense(to, layer, input)?,
        "Dropout" => dense::dropout(to, layer, input)?,
        "Activation" => activation::named(to, "", layer, input)?,
        "ReLU" => activation::relu_layer(to, layer, input)?,
        "Softmax" => activation::softmax_layer(to, layer, input)?,
        "Flatten" => shape::flatten(to, layer, input)?,
        "Reshape" => shape::reshape(to, layer, input)?,
        "Permute" => shape::permute(to, layer, input)?,
        "Rescaling" => shape::rescaling(to, layer, input)?,
        "TFOpLambda" | "SlicingOpLambda" | "GetItem" | "Split" => return function::transcribe(to, layer, input),
        "Lambda" => {
            return Err(Error::refused("Lambda is code of its own, which isn't run").with_remedy(super::BY_NAMES));
        }
        class if IN_TRAINING_ALONE.contains(&class) => input.clone(),
        class => {
            let class = shown(class.as_bytes());
            return Err(
                Error::refused(format!("layers of class `{class}` aren't converted")).with_remedy(super::BY_NAMES)
            );
        }
    };
    Ok(vec![value])
}
