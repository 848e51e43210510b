use crate::support::{Numbers, engine, isas, network, parameters, run};
use alexnet_cpu::spec::Op;
use alexnet_cpu::spec::layers::*;

/// conv-pool-conv-fc-fc on images of 3x12x12.
fn small() -> alexnet_cpu::spec::Network {
    let conv = |out, pads| Op::from(Conv2d { out, kernel: [3, 3], stride: [1, 1], pads, groups: 1 });
    let layers: [Op; 8] = [
        conv(20, [0; 4]),
        Relu {}.into(),
        MaxPool2d::overlapping().into(),
        conv(16, [1; 4]),
        Flatten {}.into(),
        Linear { out: 40 }.into(),
        Relu {}.into(),
        Linear { out: 7 }.into(),
    ];
    network([3, 12, 12], layers)
}

#[test]
fn an_image_has_the_same_logits_in_any_batch() {
    let network = small();
    let mut numbers = Numbers::new(3);
    let parameters = parameters(&network, &mut numbers);
    let image = 3 * 12 * 12;
    let x = numbers.take(150 * image);
    for isa in isas() {
        let engine = engine(&network, isa, &parameters);
        let alone: Vec<f32> = x.chunks(image).flat_map(|image| run(&engine, &parameters, image, 1)).collect();
        let scale = alone.iter().fold(0f32, |scale, y| scale.max(y.abs()));
        for batch in [2, 3, 4, 5, 16, 31, 32, 33, 64, 65, 68, 150] {
            let together = run(&engine, &parameters, &x[..batch * image], batch);
            for (at, (a, b)) in together.iter().zip(&alone).enumerate() {
                // Sums of 40 and of 256 products in another order.
                assert!((a - b).abs() <= 1e-5 * scale, "{isa:?}, batch {batch}, output {at}: {a} and {b}");
            }
        }
    }
}

#[test]
fn an_empty_batch_has_no_logits() {
    let network = small();
    let parameters = parameters(&network, &mut Numbers::new(1));
    for isa in isas() {
        assert!(run(&engine(&network, isa, &parameters), &parameters, &[], 0).is_empty());
    }
}

#[test]
fn an_engine_is_used_from_many_threads_at_once() {
    let network = small();
    let mut numbers = Numbers::new(9);
    let parameters = parameters(&network, &mut numbers);
    let x = numbers.take(6 * 3 * 12 * 12);
    let engine = engine(&network, alexnet_cpu::Isa::best(), &parameters);
    let expected = run(&engine, &parameters, &x, 6);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..20).for_each(|_| assert_eq!(run(&engine, &parameters, &x, 6), expected)));
        }
    });
}
