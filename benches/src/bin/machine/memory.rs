//! Reading memory as fast as it comes: sums of a buffer that is many times larger than the caches, on huge pages where the
//! system gives them.

use anyhow::Result;
use memmap2::MmapMut;

/// Bytes that are read at a time, close to the weights of fully connected layers.
const BYTES: usize = 256 << 20;

/// The buffer, every page of it touched.
pub fn filled() -> Result<MmapMut> {
    let mut memory = MmapMut::map_anon(BYTES)?;
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage); // refused by a kernel without them
    memory.fill(1);
    Ok(memory)
}

/// The sum of the numbers in `bytes`, in the order that vectors like.
pub fn sum(bytes: &[u8]) -> f32 {
    let values = bytes.as_chunks().0;
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { avx2(values) };
    }
    lanes::<4>(values)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(values: &[[u8; 4]]) -> f32 {
    lanes::<8>(values)
}

/// Eight sums of vectors of `LANES`; a rest that doesn't fill them is left out.
#[inline(always)]
fn lanes<const LANES: usize>(values: &[[u8; 4]]) -> f32 {
    let mut sums = [[0f32; LANES]; 8];
    for vectors in values.as_chunks::<LANES>().0.chunks_exact(sums.len()) {
        for (sum, vector) in sums.iter_mut().zip(vectors) {
            for lane in 0..LANES {
                sum[lane] += f32::from_ne_bytes(vector[lane]);
            }
        }
    }
    sums.iter().flatten().sum()
}
