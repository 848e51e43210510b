//! How many threads run a kernel.

/// Blocks and threads for a batch of maps: blocks along x share out a map's pixels, blocks along y the maps.
///
/// The kernels stride by the grid, so the caps below cost no correctness, whatever the shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Along x and y.
    pub(crate) blocks: (u32, u32),
    /// Threads of one block.
    pub(crate) threads: u32,
}

/// Enough to hide latency, few enough for every GPU's registers.
const MAX_THREADS: usize = 256;
const WARP: usize = 32;
/// CUDA's limit for blocks along y; along x it is far higher, but this many suffice.
const MAX_BLOCKS: usize = 65_535;

impl Grid {
    /// A thread for each pixel of each map where CUDA allows as many. Never empty.
    pub(crate) fn over(pixels: usize, maps: usize) -> Grid {
        // Late maps are small: a block for 13 x 13 pixels takes 192 threads.
        let threads = pixels.clamp(1, MAX_THREADS).next_multiple_of(WARP);
        let across = pixels.div_ceil(threads).clamp(1, MAX_BLOCKS);
        let down = maps.clamp(1, MAX_BLOCKS);
        // In range: each is capped above.
        Grid { blocks: (across as u32, down as u32), threads: threads as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_of_13_by_13_takes_one_block_of_six_warps() {
        assert_eq!(Grid::over(169, 256), Grid { blocks: (1, 256), threads: 192 });
    }

    #[test]
    fn no_grid_is_empty_or_beyond_what_cuda_launches() {
        assert_eq!(Grid::over(0, 0), Grid { blocks: (1, 1), threads: 32 });
        assert_eq!(Grid::over(1 << 40, 1 << 40), Grid { blocks: (65_535, 65_535), threads: 256 });
    }
}
