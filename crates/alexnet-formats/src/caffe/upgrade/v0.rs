//! The first generation, whose layers keep the parameters of all types side by side, and whose padding is a layer.

use super::connected;
use crate::caffe::fields::{Fields, Value};
use crate::caffe::net::Layer;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// The old type, the new one, the new message of parameters, and which old fields become which of its own.
struct Upgrade {
    old: &'static str,
    new: &'static str,
    message: &'static str,
    fields: &'static [(&'static str, &'static str)],
}

const UPGRADES: &[Upgrade] = &[
    Upgrade {
        old: "conv",
        new: "Convolution",
        message: "convolution_param",
        fields: &[
            ("num_output", "num_output"),
            ("biasterm", "bias_term"),
            ("pad", "pad"),
            ("kernelsize", "kernel_size"),
            ("group", "group"),
            ("stride", "stride"),
        ],
    },
    Upgrade {
        old: "pool",
        new: "Pooling",
        message: "pooling_param",
        fields: &[("pool", "pool"), ("pad", "pad"), ("kernelsize", "kernel_size"), ("stride", "stride")],
    },
    Upgrade {
        old: "lrn",
        new: "LRN",
        message: "lrn_param",
        fields: &[("local_size", "local_size"), ("alpha", "alpha"), ("beta", "beta"), ("k", "k")],
    },
    Upgrade {
        old: "innerproduct",
        new: "InnerProduct",
        message: "inner_product_param",
        fields: &[("num_output", "num_output"), ("biasterm", "bias_term")],
    },
    Upgrade { old: "dropout", new: "Dropout", message: "dropout_param", fields: &[("dropout_ratio", "dropout_ratio")] },
    Upgrade { old: "concat", new: "Concat", message: "concat_param", fields: &[("concat_dim", "concat_dim")] },
    Upgrade {
        old: "images",
        new: "ImageData",
        message: "image_data_param",
        fields: &[("new_height", "new_height"), ("new_width", "new_width")],
    },
    Upgrade { old: "data", new: "Data", message: "data_param", fields: &[] },
    Upgrade { old: "window_data", new: "WindowData", message: "window_data_param", fields: &[] },
    Upgrade { old: "relu", new: "ReLU", message: "relu_param", fields: &[] },
    Upgrade { old: "softmax", new: "Softmax", message: "softmax_param", fields: &[] },
    Upgrade { old: "softmax_loss", new: "SoftmaxWithLoss", message: "softmax_param", fields: &[] },
    Upgrade { old: "flatten", new: "Flatten", message: "flatten_param", fields: &[] },
    Upgrade { old: "split", new: "Split", message: "", fields: &[] },
    Upgrade { old: "accuracy", new: "Accuracy", message: "", fields: &[] },
    Upgrade { old: "hdf5_data", new: "HDF5Data", message: "", fields: &[] },
    Upgrade { old: "hdf5_output", new: "HDF5Output", message: "", fields: &[] },
    Upgrade { old: "euclidean_loss", new: "EuclideanLoss", message: "", fields: &[] },
    Upgrade { old: "infogain_loss", new: "InfogainLoss", message: "", fields: &[] },
    Upgrade { old: "multinomial_logistic_loss", new: "MultinomialLogisticLoss", message: "", fields: &[] },
];

/// What data layers do to images, in the terms of `TransformationParameter`.
const TRANSFORMATION: &[(&str, &str)] =
    &[("scale", "scale"), ("meanfile", "mean_file"), ("cropsize", "crop_size"), ("mirror", "mirror")];

/// Layers of the first generation, without the padding layers: what they pad is in those that read them.
pub(super) fn layers(connections: &[&Fields]) -> Result<Vec<Layer>> {
    let mut layers = Vec::new();
    // By what it makes: the input and the width of the last padding layer to do so.
    let mut padded: BTreeMap<&str, (&str, i64)> = BTreeMap::new();
    for connection in connections {
        let old = connection.message("layer");
        let name = old.text("name").unwrap_or_default();
        let bottoms: Vec<&str> = connection.texts("bottom").collect();
        let tops: Vec<&str> = connection.texts("top").collect();
        let padding = bottoms.iter().find_map(|bottom| padded.get(bottom).copied());
        if old.text("type") == Some("padding") {
            let ([bottom], [top], None) = (&bottoms[..], &tops[..], padding) else {
                return Err(Error::refused(format!(
                    "padding layer `{}` has not one input and one output",
                    name.escape_debug()
                )));
            };
            padded.insert(top, (bottom, old.int("pad").unwrap_or(0)));
            continue;
        }
        for top in tops {
            padded.remove(top);
        }
        let mut layer = upgrade(connection, old);
        if let Some((bottom, pad)) = padding {
            let message = match layer.kind.as_str() {
                "Convolution" => "convolution_param",
                "Pooling" => "pooling_param",
                kind => {
                    let message = format!(
                        "layer `{}` of type {} reads a padding layer",
                        name.escape_debug(),
                        kind.escape_debug()
                    );
                    return Err(Error::refused(message));
                }
            };
            let mut parameters = layer.params.message(message).clone();
            parameters.set("pad", Value::Int(pad));
            layer.params.set(message, Value::Message(parameters));
            layer.bottoms = vec![bottom.to_owned()];
        }
        layers.push(layer);
    }
    Ok(layers)
}

fn upgrade(connection: &Fields, old: &Fields) -> Layer {
    let kind = old.text("type").unwrap_or_default();
    let known = UPGRADES.iter().find(|upgrade| upgrade.old == kind);
    let mut layer = connected(connection, old, known.map_or(kind, |known| known.new), Vec::new());
    layer.params = Fields::default();
    if let Some(known) = known.filter(|known| !known.message.is_empty()) {
        layer.params.set(known.message, Value::Message(old.renamed(known.fields)));
    }
    layer.params.set("transform_param", Value::Message(old.renamed(TRANSFORMATION)));
    layer
}
