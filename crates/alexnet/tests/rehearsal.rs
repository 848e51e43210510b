use alexnet::layers::{LocalResponseNorm, MaxPool2d, SpatialResponseNorm};
use alexnet::spec::layers as spec;
use candle_core::{DType, Device, Tensor, Var};
use candle_nn::Module;
fn numbers(dims: &[usize], dtype: DType) -> Tensor {
    let count: usize = dims.iter().product();
    let values: Vec<f64> = (1..=count).map(|i| (i as f64 * 0.618_033_988_749_894_9).fract() * 4.0 - 2.0).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).and_then(|t| t.to_dtype(dtype)).unwrap()
}
#[test]
fn chain() {
    let gpu = alexnet::device("cuda").unwrap();
    println!("{}", alexnet::device("cuda:1").unwrap_err());
    let lrn = LocalResponseNorm::new(&spec::LocalResponseNorm { size: 4, alpha: 1.5, beta: 0.75, k: 2.0, groups: 2 });
    let pool = MaxPool2d::new(&spec::MaxPool2d::overlapping().rounded_up());
    let srn = SpatialResponseNorm::new(&spec::SpatialResponseNorm { size: 4, alpha: 1.5, beta: 0.5, k: 1.0 });
    for dtype in [DType::F64, DType::F32, DType::F16, DType::BF16] {
        for dims in [[2usize, 6, 8, 11], [1, 2, 30, 40], [1, 70000, 3, 3]] {
            let whole = numbers(&[dims[0] + 1, dims[1], dims[2], dims[3]], dtype);
            let [(y, dx, o), (ey, edx, eo)] = [&gpu, &Device::Cpu].map(|d| {
                let whole = whole.to_device(d).unwrap();
                let v = whole.narrow(0, 1, dims[0]).unwrap();
                let o = lrn.forward(&v).unwrap();
                let x = Var::from_tensor(&whole).unwrap();
                let y = srn.forward(&pool.forward(&lrn.forward(&x).unwrap()).unwrap()).unwrap();
                let g = y.backward().unwrap();
                (y.to_device(&Device::Cpu).unwrap(), g.get(&x).unwrap().to_device(&Device::Cpu).unwrap(), o.to_device(&Device::Cpu).unwrap())
            });
            for (what, a, e) in [("y", y, ey), ("dx", dx, edx), ("offset", o, eo)] {
                assert_eq!(a.dims(), e.dims());
                let v = |t: &Tensor| t.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
                let (a, e) = (v(&a), v(&e));
                let largest = e.iter().fold(0f64, |m, x| m.max(x.abs()));
                let worst = a.iter().zip(&e).map(|(a, e)| (a - e).abs()).fold(0f64, f64::max);
                println!("{dtype:?} {dims:?} {what}: {} elements, worst {:.2e} of largest {largest:.3}", a.len(), worst / largest);
                assert!(worst <= largest * if dtype == DType::F64 { 1e-13 } else if dtype == DType::F32 { 2e-6 } else { 0.02 });
            }
        }
    }
}
