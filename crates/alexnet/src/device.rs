//! Devices by name, as a command line has them.

use candle_core::Device;
use std::str::FromStr;

/// Why a device can't be had. Nothing ever falls back to the CPU in silence.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No device has this name.
    #[error("no device is called {0:?}; try cpu, cuda, cuda:N (N counts from 0) or metal")]
    UnknownName(String),
    /// This build of the program has no code for the device.
    #[error(
        "{device} is not in this build: it needs the feature `{feature}`; try `cargo build --release --features {feature}`"
    )]
    NotInThisBuild {
        /// The device's name.
        device: String,
        /// The cargo feature that has it.
        feature: &'static str,
    },
    /// A library that the device needs can't be opened.
    #[error(
        "{device} needs the library {library}, which can't be found here; try adding its folder to LD_LIBRARY_PATH ({comes_with})"
    )]
    MissingLibrary {
        /// The device's name.
        device: String,
        /// The library.
        library: &'static str,
        /// What it is a part of.
        comes_with: &'static str,
    },
    /// The machine has fewer devices.
    #[error("{device} is not in this machine, which has {count} CUDA device(s); {}", match count {
        0 => "try `nvidia-smi`, or the device cpu".to_owned(),
        1 => "try cuda:0".to_owned(),
        count => format!("try cuda:0 to cuda:{}", count - 1),
    })]
    NoSuchDevice {
        /// The device's name.
        device: String,
        /// How many there are.
        count: usize,
    },
    /// The device's driver refused.
    #[error("{device} can't be used: {source}")]
    Driver {
        /// The device's name.
        device: String,
        /// What the driver said.
        source: candle_core::Error,
    },
}

/// What a name asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Cpu,
    Cuda(usize),
    Metal,
}

impl FromStr for Name {
    type Err = DeviceError;

    fn from_str(name: &str) -> Result<Name, DeviceError> {
        let unknown = || DeviceError::UnknownName(name.to_owned());
        match name {
            "cpu" => Ok(Name::Cpu),
            "cuda" => Ok(Name::Cuda(0)),
            "metal" => Ok(Name::Metal),
            _ => {
                let ordinal = name.strip_prefix("cuda:").ok_or_else(unknown)?;
                let plain = !ordinal.is_empty() && ordinal.bytes().all(|byte| byte.is_ascii_digit());
                if plain { ordinal.parse().map(Name::Cuda).map_err(|_| unknown()) } else { Err(unknown()) }
            }
        }
    }
}

/// The device called `cpu`, `cuda` (the first), `cuda:N` or `metal`.
///
/// A CUDA device has one stream for all threads, so that a tensor made on one thread can be used on another.
///
/// # Errors
///
/// The name is none of these, this build has no code for the device (the error names the cargo feature), a library is
/// missing (the error names it), or the machine has no such device. Never the CPU instead.
///
/// # Examples
///
/// ```
/// let cpu = alexnet::device("cpu")?;
/// assert!(cpu.is_cpu());
/// # #[cfg(not(feature = "cuda"))]
/// assert!(alexnet::device("cuda:1").unwrap_err().to_string().contains("--features cuda"));
/// # Ok::<(), alexnet::DeviceError>(())
/// ```
pub fn device(name: &str) -> Result<Device, DeviceError> {
    match name.parse()? {
        Name::Cpu => Ok(Device::Cpu),
        Name::Cuda(ordinal) => cuda(name, ordinal),
        Name::Metal => metal(name),
    }
}

#[cfg(not(feature = "cuda"))]
fn cuda(name: &str, _ordinal: usize) -> Result<Device, DeviceError> {
    Err(DeviceError::NotInThisBuild { device: name.to_owned(), feature: "cuda" })
}

#[cfg(feature = "cuda")]
fn cuda(name: &str, ordinal: usize) -> Result<Device, DeviceError> {
    let driver = |source| DeviceError::Driver { device: name.to_owned(), source };
    #[cfg(cudarc_dlopen)]
    libraries::all_present(name)?;
    let count = match cudarc::driver::CudaContext::device_count() {
        Ok(count) => usize::try_from(count).unwrap_or(0),
        Err(error) => return Err(driver(candle_core::Error::Cuda(Box::new(error)))),
    };
    if ordinal >= count {
        return Err(DeviceError::NoSuchDevice { device: name.to_owned(), count });
    }
    // Not `new_cuda`: its stream is each thread's own, and tensors that cross threads would be unordered.
    Device::new_cuda_with_stream(ordinal).map_err(driver)
}

/// The libraries that cudarc opens when the program runs. It panics where one is missing: ask before.
#[cfg(all(feature = "cuda", cudarc_dlopen))]
mod libraries {
    use super::DeviceError;

    pub(super) fn all_present(device: &str) -> Result<(), DeviceError> {
        const TOOLKIT: &str = "it comes with the CUDA toolkit";
        // SAFETY: each only tries to open its library, whose initialisers are NVIDIA's.
        let present = unsafe {
            [
                (cudarc::driver::sys::is_culib_present(), "libcuda", "it comes with the NVIDIA driver"),
                (cudarc::cublas::sys::is_culib_present(), "libcublas", TOOLKIT),
                (cudarc::curand::sys::is_culib_present(), "libcurand", TOOLKIT),
                #[cfg(feature = "cudnn")]
                (cudarc::cublaslt::sys::is_culib_present(), "libcublasLt", TOOLKIT),
                #[cfg(feature = "cudnn")]
                (cudarc::cudnn::sys::is_culib_present(), "libcudnn", "it comes with cuDNN 9"),
            ]
        };
        match present.into_iter().find(|(present, ..)| !present) {
            None => Ok(()),
            Some((_, library, comes_with)) => {
                Err(DeviceError::MissingLibrary { device: device.to_owned(), library, comes_with })
            }
        }
    }
}

#[cfg(not(feature = "metal"))]
fn metal(name: &str) -> Result<Device, DeviceError> {
    Err(DeviceError::NotInThisBuild { device: name.to_owned(), feature: "metal" })
}

#[cfg(feature = "metal")]
fn metal(name: &str) -> Result<Device, DeviceError> {
    Device::new_metal(0).map_err(|source| DeviceError::Driver { device: name.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_which_device() {
        for (name, expected) in
            [("cpu", Name::Cpu), ("cuda", Name::Cuda(0)), ("cuda:7", Name::Cuda(7)), ("metal", Name::Metal)]
        {
            assert_eq!(name.parse::<Name>().unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn other_names_are_refused_with_those_that_exist() {
        for name in ["", "CPU", "gpu", "cpu:0", "cuda:", "cuda:+1", "cuda:-1", "cuda:1 ", "cuda:99999999999999999999"] {
            let message = device(name).unwrap_err().to_string();
            assert!(message.contains(&format!("{name:?}")) && message.contains("try cpu, cuda"), "{message}");
        }
    }

    #[test]
    #[cfg(not(feature = "cuda"))]
    fn cuda_in_a_build_without_it_names_the_feature_and_the_command() {
        assert_eq!(
            device("cuda:1").unwrap_err().to_string(),
            "cuda:1 is not in this build: it needs the feature `cuda`; try `cargo build --release --features cuda`"
        );
    }

    #[test]
    #[cfg(not(feature = "metal"))]
    fn metal_in_a_build_without_it_names_the_feature_and_the_command() {
        assert_eq!(
            device("metal").unwrap_err().to_string(),
            "metal is not in this build: it needs the feature `metal`; try `cargo build --release --features metal`"
        );
    }

    #[test]
    fn a_machine_without_that_many_devices_says_how_many() {
        let none = DeviceError::NoSuchDevice { device: "cuda:0".to_owned(), count: 0 };
        assert!(none.to_string().contains("has 0 CUDA device(s); try `nvidia-smi`"), "{none}");
        let one = DeviceError::NoSuchDevice { device: "cuda:1".to_owned(), count: 1 };
        assert!(one.to_string().ends_with("which has 1 CUDA device(s); try cuda:0"), "{one}");
        let two = DeviceError::NoSuchDevice { device: "cuda:5".to_owned(), count: 2 };
        assert!(two.to_string().ends_with("try cuda:0 to cuda:1"), "{two}");
    }
}
