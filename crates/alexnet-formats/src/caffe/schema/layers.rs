//! The parameters of the kinds of layers. A field that isn't listed would change what a layer computes, so it is refused.

use super::nets::BLOB_SHAPE;
use super::{Kind, Message, ignored, many, one};

macro_rules! message {
    ($name:literal, $($field:expr),* $(,)?) => {
        Message { name: $name, open: false, fields: &[$($field),*] }
    };
}

pub(super) const POOL_METHOD: Kind = Kind::Enum(&[("MAX", 0), ("AVE", 1), ("STOCHASTIC", 2)]);

pub(super) static CONVOLUTION: Message = message!(
    "ConvolutionParameter",
    one(1, "num_output", Kind::Int),
    one(2, "bias_term", Kind::Bool),
    many(3, "pad", Kind::Int),
    many(4, "kernel_size", Kind::Int),
    one(5, "group", Kind::Int),
    many(6, "stride", Kind::Int),
    ignored(7, "weight_filler"),
    ignored(8, "bias_filler"),
    one(9, "pad_h", Kind::Int),
    one(10, "pad_w", Kind::Int),
    one(11, "kernel_h", Kind::Int),
    one(12, "kernel_w", Kind::Int),
    one(13, "stride_h", Kind::Int),
    one(14, "stride_w", Kind::Int),
    ignored(15, "engine"),
    one(16, "axis", Kind::Int),
    ignored(17, "force_nd_im2col"),
    many(18, "dilation", Kind::Int),
);

pub(super) static POOLING: Message = message!(
    "PoolingParameter",
    one(1, "pool", POOL_METHOD),
    one(2, "kernel_size", Kind::Int),
    one(3, "stride", Kind::Int),
    one(4, "pad", Kind::Int),
    one(5, "kernel_h", Kind::Int),
    one(6, "kernel_w", Kind::Int),
    one(7, "stride_h", Kind::Int),
    one(8, "stride_w", Kind::Int),
    one(9, "pad_h", Kind::Int),
    one(10, "pad_w", Kind::Int),
    ignored(11, "engine"),
    one(12, "global_pooling", Kind::Bool),
    one(13, "round_mode", Kind::Enum(&[("CEIL", 0), ("FLOOR", 1)])),
);

pub(super) static LRN: Message = message!(
    "LRNParameter",
    one(1, "local_size", Kind::Int),
    one(2, "alpha", Kind::Float),
    one(3, "beta", Kind::Float),
    one(4, "norm_region", Kind::Enum(&[("ACROSS_CHANNELS", 0), ("WITHIN_CHANNEL", 1)])),
    one(5, "k", Kind::Float),
    ignored(6, "engine"),
);

pub(super) static INNER_PRODUCT: Message = message!(
    "InnerProductParameter",
    one(1, "num_output", Kind::Int),
    one(2, "bias_term", Kind::Bool),
    ignored(3, "weight_filler"),
    ignored(4, "bias_filler"),
    one(5, "axis", Kind::Int),
    one(6, "transpose", Kind::Bool),
);

pub(super) static RELU: Message =
    message!("ReLUParameter", one(1, "negative_slope", Kind::Float), ignored(2, "engine"));

pub(super) static DROPOUT: Message = message!("DropoutParameter", one(1, "dropout_ratio", Kind::Float));

pub(super) static SOFTMAX: Message = message!("SoftmaxParameter", ignored(1, "engine"), one(2, "axis", Kind::Int));

pub(super) static CONCAT: Message =
    message!("ConcatParameter", one(1, "concat_dim", Kind::Int), one(2, "axis", Kind::Int));

pub(super) static SLICE: Message = message!(
    "SliceParameter",
    one(1, "slice_dim", Kind::Int),
    many(2, "slice_point", Kind::Int),
    one(3, "axis", Kind::Int),
);

pub(super) static BATCH_NORM: Message = message!(
    "BatchNormParameter",
    one(1, "use_global_stats", Kind::Bool),
    ignored(2, "moving_average_fraction"),
    one(3, "eps", Kind::Float),
);

pub(super) static SCALE: Message = message!(
    "ScaleParameter",
    one(1, "axis", Kind::Int),
    one(2, "num_axes", Kind::Int),
    ignored(3, "filler"),
    one(4, "bias_term", Kind::Bool),
    ignored(5, "bias_filler"),
);

pub(super) static FLATTEN: Message =
    message!("FlattenParameter", one(1, "axis", Kind::Int), one(2, "end_axis", Kind::Int));

pub(super) static RESHAPE: Message = message!(
    "ReshapeParameter",
    one(1, "shape", Kind::Message(&BLOB_SHAPE)),
    one(2, "axis", Kind::Int),
    one(3, "num_axes", Kind::Int),
);

pub(super) static INPUT: Message = message!("InputParameter", many(1, "shape", Kind::Message(&BLOB_SHAPE)));

pub(super) static TRANSFORMATION: Message = message!(
    "TransformationParameter",
    one(1, "scale", Kind::Float),
    one(2, "mirror", Kind::Bool),
    one(3, "crop_size", Kind::Int),
    one(4, "mean_file", Kind::Text),
    many(5, "mean_value", Kind::Float),
    one(6, "force_color", Kind::Bool),
    one(7, "force_gray", Kind::Bool),
);

/// Data layers once held what `TransformationParameter` holds now.
pub(super) static DATA: Message = message!(
    "DataParameter",
    ignored(1, "source"),
    one(2, "scale", Kind::Float),
    one(3, "mean_file", Kind::Text),
    ignored(4, "batch_size"),
    one(5, "crop_size", Kind::Int),
    one(6, "mirror", Kind::Bool),
    ignored(7, "rand_skip"),
    ignored(8, "backend"),
    ignored(9, "force_encoded_color"),
    ignored(10, "prefetch"),
);

pub(super) static IMAGE_DATA: Message = message!(
    "ImageDataParameter",
    ignored(1, "source"),
    one(2, "scale", Kind::Float),
    one(3, "mean_file", Kind::Text),
    ignored(4, "batch_size"),
    one(5, "crop_size", Kind::Int),
    one(6, "mirror", Kind::Bool),
    ignored(7, "rand_skip"),
    ignored(8, "shuffle"),
    one(9, "new_height", Kind::Int),
    one(10, "new_width", Kind::Int),
    ignored(11, "is_color"),
    ignored(12, "root_folder"),
);

pub(super) static DATA_OF_WINDOWS: Message = message!(
    "WindowDataParameter",
    ignored(1, "source"),
    one(2, "scale", Kind::Float),
    one(3, "mean_file", Kind::Text),
    ignored(4, "batch_size"),
    one(5, "crop_size", Kind::Int),
    one(6, "mirror", Kind::Bool),
    ignored(7, "fg_threshold"),
    ignored(8, "bg_threshold"),
    ignored(9, "fg_fraction"),
    ignored(10, "context_pad"),
    ignored(11, "crop_mode"),
    ignored(12, "cache_images"),
    ignored(13, "root_folder"),
);

pub(super) static MEMORY_DATA: Message = message!(
    "MemoryDataParameter",
    ignored(1, "batch_size"),
    one(2, "channels", Kind::Int),
    one(3, "height", Kind::Int),
    one(4, "width", Kind::Int),
);

pub(super) static DUMMY_DATA: Message = message!(
    "DummyDataParameter",
    ignored(1, "data_filler"),
    ignored(2, "num"),
    many(3, "channels", Kind::Int),
    many(4, "height", Kind::Int),
    many(5, "width", Kind::Int),
    many(6, "shape", Kind::Message(&BLOB_SHAPE)),
);
