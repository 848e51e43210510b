//! The known mistakes, one file each: what it is called, how it is made on purpose, and where to look for it.
//!
//! A new one is a file here and a line in the registry; [`ALL`] is in the order in which several that explain as much are
//! named.

use super::made::Mistake;
use super::suspect::Place;
use super::{Attempt, Piece, Suspect};
use alexnet_spec::Tensor;

/// What several mistakes reckon with.
mod response;

macro_rules! registry {
    ($($name:ident),* $(,)?) => {
        $(mod $name;)*

        /// Every known mistake.
        pub(super) const ALL: &[Mistake] = &[$($name::MISTAKE),*];

        #[cfg(test)]
        const FILES: &[&str] = &[$(stringify!($name)),*];
    };
}

registry! {
    alpha_not_divided,
    alpha_divided_twice,
    k,
    beta,
    norm_window,
    norm_groups,
    norm_within_maps,
    alpha,
    norm_constants,
    layers_swapped,
    layer_missing,
    layer_doubled,
    activation,
    channels_reversed,
    image_turned,
    input_range,
    kernels_turned,
    weights_transposed,
    towers,
    conv_pads,
    conv_stride,
    conv_dilation,
    flatten_order,
    dropout_factor,
    bias,
    pool_rounding,
    pool_window,
    pool_pads,
    pool_average,
    batch_norm_eps,
    batch_norm_statistics,
    batch_statistics,
    softmax,
    constant,
    other_parameters,
    parameter_scaled,
    output_scaled,
    channel_order,
    one_weight,
    bias_values,
    one_channel,
}

/// The layers with one parameter times a factor.
fn scaled(piece: &Piece, name: &str, factor: f64) -> Option<Piece> {
    piece.with_tensor(name, |tensor| {
        let values: Vec<f32> = tensor.to_f32().ok()?.into_iter().map(|v| (f64::from(v) * factor) as f32).collect();
        Tensor::from_f32(tensor.shape().to_vec(), &values).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_of_the_folder_is_registered() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnose/mistakes");
        let names = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
        let files: BTreeSet<String> =
            names.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        let known = FILES.iter().copied().chain(["mod", "response"]).map(str::to_owned).collect();
        assert_eq!(files, known);
    }

    #[test]
    fn every_mistake_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = ALL.iter().map(|mistake| mistake.id).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
