//! What reading a checkpoint costs beside its bytes: the containers with their pickles, and the layouts that have to be turned.
//!
//! ```sh
//! cargo bench -p alexnet-formats
//! ```

use alexnet_formats::{Limits, Source, Transform, open};
use alexnet_spec::{DType, Error, Tensor};
use criterion::{Criterion, Throughput};
use std::hint::black_box;

/// Checkpoints of a network so small that their tensors cost nothing.
const CHECKPOINTS: [(&str, &[u8]); 4] = [
    ("pytorch-zip", include_bytes!("../../../fixtures/pytorch/module.pth")),
    ("pytorch-legacy", include_bytes!("../../../fixtures/pytorch/module-legacy.pth")),
    ("lightning", include_bytes!("../../../fixtures/pytorch/lightning.ckpt")),
    ("pickle", include_bytes!("../../../fixtures/pytorch/numpy-protocol2.pkl")),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    let limits = Limits::default();
    for (name, bytes) in CHECKPOINTS {
        let source = Source::from_bytes(name, bytes);
        open(&source, &limits)?;
        criterion.bench_function(&format!("open {name}"), |bencher| bencher.iter(|| open(black_box(&source), &limits)));
    }
    layouts(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

/// Parameters as large as those of the real network.
fn layouts(criterion: &mut Criterion) -> Result<(), Error> {
    let cases = [
        ("as it is", vec![4096, 4096], Transform::Identity),
        ("HWIO kernels", vec![3, 3, 256, 384], Transform::Permute(vec![3, 2, 0, 1])),
        ("c01b kernels", vec![256, 3, 3, 384], Transform::Permute(vec![3, 0, 1, 2])),
        ("kernels turned by 180 degrees", vec![384, 256, 3, 3], Transform::Flip180),
        ("[in, out] matrix", vec![4096, 4096], Transform::Transpose),
        ("HWC columns", vec![4096, 9216], Transform::FlattenedHwcToChw { height: 6, width: 6 }),
    ];
    let mut group = criterion.benchmark_group("layout");
    group.sample_size(20);
    for (name, shape, transform) in cases {
        let bytes = vec![0; 4 * shape.iter().product::<usize>()];
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        let tensor = [Tensor::new(DType::F32, shape, bytes.into())?];
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                // As a writer takes them: in pieces that no memory holds all of.
                let mut sum = 0u64;
                transform.apply(&tensor)?.for_each_chunk(DType::F32, &mut |chunk| {
                    sum += chunk.len() as u64;
                    Ok::<(), Error>(())
                })?;
                Ok::<u64, Error>(sum)
            })
        });
    }
    group.finish();
    Ok(())
}
