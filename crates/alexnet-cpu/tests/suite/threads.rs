use crate::support::{Numbers, engine, network, parameters, run};
use alexnet_cpu::spec::layers::*;
use alexnet_cpu::spec::{Network, Op};

fn small() -> Network {
    let conv = |out, groups| Op::from(Conv2d { out, kernel: [3, 3], stride: [1, 1], pads: [1; 4], groups });
    let layers: [Op; 5] =
        [conv(32, 1), MaxPool2d::overlapping().into(), conv(24, 4), Flatten {}.into(), Linear { out: 50 }.into()];
    network([3, 11, 10], layers)
}

#[test]
fn any_number_of_threads_computes_the_same() {
    let network = small();
    let mut numbers = Numbers::new(4);
    let parameters = parameters(&network, &mut numbers);
    let x = numbers.take(9 * 3 * 11 * 10);
    for batch in [1, 4, 9] {
        let x = &x[..batch * 3 * 11 * 10];
        let mut all = Vec::new();
        for threads in [1, 2, 3, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let engine = engine(&network, alexnet_cpu::Isa::best(), &parameters);
            // Twice: the second time the buffers are there already.
            for _ in 0..2 {
                all.push(pool.install(|| run(&engine, &parameters, x, batch)));
            }
        }
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "batch {batch}");
    }
}

#[test]
fn forward_passes_within_the_pool_end() {
    use rayon::prelude::*;
    let network = small();
    let mut numbers = Numbers::new(4);
    let parameters = parameters(&network, &mut numbers);
    let x = numbers.take(3 * 11 * 10);
    let engine = engine(&network, alexnet_cpu::Isa::best(), &parameters);
    let expected = run(&engine, &parameters, &x, 1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    let all: Vec<_> = pool.install(|| (0..200).into_par_iter().map(|_| run(&engine, &parameters, &x, 1)).collect());
    assert!(all.iter().all(|y| *y == expected));
}
