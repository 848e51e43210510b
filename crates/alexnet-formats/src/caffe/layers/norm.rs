use super::refused;
use crate::Result;
use crate::caffe::graph::Builder;
use crate::caffe::net::Layer;
use alexnet_spec::layers::{LocalResponseNorm, SpatialResponseNorm};

const WITHIN_CHANNEL: i64 = 1;

/// `LRN`: `alpha` is divided by the window's size, or within a channel by its square, as in ours. Within a channel the
/// constant is 1, whatever `k` says.
pub(super) fn transcribe<'n>(builder: &mut Builder<'n>, layer: &'n Layer) -> Result<()> {
    let param = layer.params.message("lrn_param");
    let size = param.size("local_size", 5)?;
    if size.is_multiple_of(2) {
        // Caffe doesn't take one either.
        return Err(refused("local_size", size));
    }
    let (alpha, beta) = (param.float("alpha").unwrap_or(1.0), param.float("beta").unwrap_or(0.75));
    let input = builder.only(layer)?;
    if param.int("norm_region") == Some(WITHIN_CHANNEL) {
        let norm = SpatialResponseNorm { size, alpha, beta, k: 1.0 };
        return builder.layer(layer, &input, norm, Vec::new());
    }
    let norm = LocalResponseNorm { size, alpha, beta, k: param.float("k").unwrap_or(1.0), groups: 1 };
    builder.layer(layer, &input, norm, Vec::new())
}
