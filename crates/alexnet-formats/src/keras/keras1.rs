//! Keras 1's names for what Keras 2 and 3 call otherwise (`keras/legacy/interfaces.py` of Keras 2 has the list).

use super::model::Layer;
use serde_json::{Value as Json, json};

/// The arguments that only changed their names.
const RENAMED: [(&str, &str); 8] = [
    ("nb_filter", "filters"),
    ("subsample", "strides"),
    ("border_mode", "padding"),
    ("dim_ordering", "data_format"),
    ("bias", "use_bias"),
    ("output_dim", "units"),
    ("p", "rate"),
    ("concat_axis", "axis"),
];

/// The layer with Keras 2's class and arguments; unchanged where it has them already.
pub(super) fn modernise(layer: &Layer) -> Layer {
    let mut layer = layer.clone();
    layer.class = match layer.class.as_str() {
        "Convolution2D" => "Conv2D".to_owned(),
        "Merge" if layer.config.get("mode") == Some(&json!("concat")) => "Concatenate".to_owned(),
        _ => layer.class,
    };
    for (old, new) in RENAMED {
        if !layer.config.contains_key(new)
            && let Some(value) = layer.config.remove(old)
        {
            layer.config.insert(new.to_owned(), value);
        }
    }
    if let (Some(rows), Some(columns)) = (layer.config.remove("nb_row"), layer.config.remove("nb_col")) {
        layer.config.insert("kernel_size".to_owned(), json!([rows, columns]));
    }
    let order = match layer.config.get("data_format").and_then(Json::as_str) {
        Some("th") => Some("channels_first"),
        Some("tf") => Some("channels_last"),
        _ => None,
    };
    if let Some(order) = order {
        layer.config.insert("data_format".to_owned(), json!(order));
    }
    // [rows, columns] or [top, bottom, left, right], where Keras 2 has [[top, bottom], [left, right]].
    if layer.class == "ZeroPadding2D" {
        let padding = match layer.config.get("padding").and_then(Json::as_array).map(Vec::as_slice) {
            Some([rows, columns]) if rows.is_u64() => Some(json!([[rows, rows], [columns, columns]])),
            Some([top, bottom, left, right]) => Some(json!([[top, bottom], [left, right]])),
            _ => None,
        };
        if let Some(padding) = padding {
            layer.config.insert("padding".to_owned(), padding);
        }
    }
    layer
}
