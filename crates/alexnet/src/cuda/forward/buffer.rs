//! Device memory by its address. Graphs are captured over addresses, and the libraries take nothing else.

use candle_core::cuda_backend::CudaDevice;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaView, DevicePtr, DeviceRepr};
use candle_core::{CudaStorage, DType, Error, Layout, Result, Storage, Tensor, bail};
use half::{bf16, f16};

/// Where something is on the device.
pub(super) type Address = cudarc::driver::sys::CUdeviceptr;

/// What cuBLASLt takes for granted, and every allocation has.
const ALIGNMENT: Address = 256;

/// Memory of our own, not initialised.
pub(super) struct Buffer {
    slice: CudaSlice<u8>,
    pub(super) address: Address,
}

impl Buffer {
    pub(super) fn new(device: &CudaDevice, bytes: usize) -> Result<Buffer> {
        // SAFETY: a buffer is only ever read through its address, by kernels that run after others have written it.
        let slice = unsafe { device.alloc::<u8>(bytes.max(1)) }?;
        let address = slice.device_ptr(&device.cuda_stream()).0;
        Ok(Buffer { slice, address })
    }

    /// The buffer as the libraries' scratch space.
    pub(super) fn workspace(&self) -> Workspace {
        Workspace { address: self.address, bytes: self.slice.len() }
    }
}

/// Scratch space: the libraries write it before they read it.
#[derive(Clone, Copy)]
pub(super) struct Workspace {
    pub(super) address: Address,
    pub(super) bytes: usize,
}

/// Where the elements of a contiguous tensor are, which stay there as long as the tensor exists.
pub(super) fn address_of(tensor: &Tensor) -> Result<Address> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cuda(storage) = &*storage else { bail!("a parameter is not on the CUDA device") };
    let address = address_in(storage, layout)?;
    if !address.is_multiple_of(ALIGNMENT) {
        bail!("a parameter is a part of a larger tensor, and not aligned to {ALIGNMENT} bytes");
    }
    Ok(address)
}

/// Where the elements of a contiguous tensor are. Work that the device's stream is given after this comes after whatever
/// makes them.
pub(super) fn address_in(storage: &CudaStorage, layout: &Layout) -> Result<Address> {
    fn start<T: DeviceRepr>(slice: CudaView<'_, T>, device: &CudaDevice) -> Address {
        slice.device_ptr(&device.cuda_stream()).0
    }
    let op = "cuda-forward";
    let (from, to) = layout.contiguous_offsets().ok_or_else(|| Error::RequiresContiguous { op }.bt())?;
    let device = &storage.device;
    match candle_core::backend::BackendStorage::dtype(storage) {
        DType::F32 => Ok(start(storage.as_cuda_slice::<f32>()?.slice(from..to), device)),
        DType::F16 => Ok(start(storage.as_cuda_slice::<f16>()?.slice(from..to), device)),
        DType::BF16 => Ok(start(storage.as_cuda_slice::<bf16>()?.slice(from..to), device)),
        other => bail!("no plan for {other:?}"),
    }
}
