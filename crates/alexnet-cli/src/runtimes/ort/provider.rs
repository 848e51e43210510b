//! Where ONNX Runtime runs a graph.
//!
//! Its own way is to run on the CPU what an accelerator doesn't take, and all of a graph where the accelerator isn't there. A
//! comparison would then speak of a device that it never saw, so both are errors here.

use super::Unsupported;
use anyhow::{Result, anyhow, bail};
use ort::ep::CUDA;
use ort::session::builder::SessionBuilder;

/// An execution provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    Cpu,
    Cuda { device: i32 },
}

impl Provider {
    /// The provider for a device as the command line has it: `cpu`, `cuda`, `cuda:1`; the CPU where it is left out.
    pub(super) fn new(device: Option<&str>) -> Result<Provider> {
        let (kind, index) = match device.unwrap_or("cpu").split_once(':') {
            Some((kind, index)) => (kind, Some(index)),
            None => (device.unwrap_or("cpu"), None),
        };
        match (kind, index.map_or(Ok(0), str::parse::<u16>)) {
            ("cpu", Ok(_)) if index.is_none() => Ok(Provider::Cpu),
            ("cuda", Ok(index)) => Ok(Provider::Cuda { device: index.into() }),
            _ => bail!("ort@{}: ONNX Runtime runs here on cpu, cuda or cuda:N", device.unwrap_or_default()),
        }
    }

    /// What reports add to the runtime's name.
    pub(super) fn suffix(self) -> String {
        match self {
            Provider::Cpu => String::new(),
            Provider::Cuda { device: 0 } => " cuda".into(),
            Provider::Cuda { device } => format!(" cuda:{device}"),
        }
    }

    /// Has sessions run there and nowhere else.
    ///
    /// Errs where the library has no such provider, or there is no such device.
    pub(super) fn apply(self, builder: SessionBuilder) -> Result<SessionBuilder> {
        let Provider::Cuda { device } = self else { return Ok(builder) };
        // In TF32, products have 11 bits: a graph of f32 shall be computed in f32.
        let cuda = CUDA::default().with_device_id(device).with_tf32(false).build().error_on_failure();
        let builder = builder.with_execution_providers([cuda]).map_err(|error| {
            Unsupported(format!(
                "ONNX Runtime doesn't run on CUDA here: {error}; install onnxruntime-gpu with its CUDA and cuDNN and set \
                 ORT_DYLIB_PATH to its library, or leave out `@cuda`"
            ))
        })?;
        builder.with_config_entry("session.disable_cpu_ep_fallback", "1").map_err(|error| anyhow!("{error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_the_cpu_or_a_cuda_device() {
        let cases = [(None, Provider::Cpu), (Some("cpu"), Provider::Cpu), (Some("cuda"), Provider::Cuda { device: 0 })];
        for (text, provider) in cases.into_iter().chain([(Some("cuda:3"), Provider::Cuda { device: 3 })]) {
            assert_eq!(Provider::new(text).unwrap(), provider);
        }
        for text in ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:1", "metal"] {
            assert!(Provider::new(Some(text)).is_err(), "{text}");
        }
    }
}
