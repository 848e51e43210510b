use crate::caffe::fields::Fields;
use crate::{Error, Result};

/// The parameters that give a window's height and width: one field for both, or one for each.
pub(super) struct Names {
    pub both: &'static str,
    pub height: &'static str,
    pub width: &'static str,
}

pub(super) const KERNEL: Names = Names { both: "kernel_size", height: "kernel_h", width: "kernel_w" };
pub(super) const STRIDE: Names = Names { both: "stride", height: "stride_h", width: "stride_w" };
pub(super) const PAD: Names = Names { both: "pad", height: "pad_h", width: "pad_w" };

/// Height and width.
///
/// Errs where they are given in both ways, in neither without a `default`, or one for each of more than two dimensions.
pub(super) fn pair(fields: &Fields, names: &Names, default: Option<usize>) -> Result<[usize; 2]> {
    let sizes = fields.sizes(names.both)?;
    let apart = fields.has(names.height) || fields.has(names.width);
    let missing = || Error::malformed(format!("it has no `{}`", names.both));
    let pair = match (&sizes[..], apart) {
        ([], true) => {
            let size = |name| match fields.size(name, usize::MAX)? {
                usize::MAX => default.ok_or_else(missing),
                size => Ok(size),
            };
            [size(names.height)?, size(names.width)?]
        }
        ([], false) => [default.ok_or_else(missing)?; 2],
        ([both], false) => [*both; 2],
        ([height, width], false) => [*height, *width],
        _ => return Err(Error::malformed(format!("`{}` is given in two ways, or too often", names.both))),
    };
    Ok(pair)
}
