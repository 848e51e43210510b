//! Work recorded once as a CUDA graph and replayed as one launch.

use candle_core::cuda_backend::WrapErr;
use candle_core::{Result, bail};
use cudarc::driver::sys::{CUgraphInstantiate_flags, CUstreamCaptureMode};
use cudarc::driver::{CudaGraph, CudaStream, result};
use std::sync::Arc;

/// A recorded graph.
pub(super) struct Graph(CudaGraph);

impl Graph {
    /// Records what `work` puts on `stream`, which must be no one else's: whatever else came onto it would be recorded, too.
    /// Nothing runs.
    pub(super) fn record(stream: &Arc<CudaStream>, work: impl FnOnce(&CudaStream) -> Result<()>) -> Result<Graph> {
        // Other threads may allocate and launch on their own streams meanwhile.
        stream.begin_capture(CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL).w()?;
        let worked = work(stream);
        // Ended in any case: a stream that is left recording is of no use to anyone.
        let graph = stream.end_capture(CUgraphInstantiate_flags(0));
        worked?;
        match graph.w()? {
            Some(graph) => Ok(Graph(graph)),
            None => bail!("the recording of a CUDA graph is empty"),
        }
    }

    /// Replays the recording on `stream`.
    ///
    /// # Safety
    ///
    /// Everything that the recorded work reads and writes must still be allocated, and be used on `stream` alone.
    pub(super) unsafe fn replay(&self, stream: &CudaStream) -> Result<()> {
        // SAFETY: the graph exists, and `Planner`'s lock keeps other threads from it.
        unsafe { result::graph::launch(self.0.cu_graph_exec(), stream.cu_stream()) }.w()
    }
}
