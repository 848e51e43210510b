use candle_core::Device;

/// Whether our custom operations have kernels on `device`; elsewhere they are composed of candle's own operations.
pub(super) fn exist_on(device: &Device) -> bool {
    let _ = device;
    false
}
