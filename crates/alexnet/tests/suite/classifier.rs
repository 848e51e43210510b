//! From photographs to labelled classes.

use crate::support::{fixtures, golden, model, tiny, values};
use alexnet::Classifier;
use alexnet::spec::{Labels, Network};
use candle_core::{DType, Device, Tensor};

fn classifier(name: &str) -> Classifier {
    Classifier::new(model(&tiny(name), name, DType::F32).unwrap()).unwrap()
}

/// The goldens' first example is cat.png, whose pixels differ from ours by a level here and there: of 255, in a tiny
/// network, that is up to 2 % of the largest logit.
#[test]
fn a_photograph_gets_the_logits_that_pytorch_gives_it() {
    for name in ["torchvision", "caffenet", "paper"] {
        let golden = values(&golden(name)["logits"].get(0).unwrap());
        let largest = golden.iter().fold(0f64, |m, x| m.max(x.abs()));
        let predictions = classifier(name).classify_path(fixtures().join("photos/cat.png"), 10).unwrap();
        assert_eq!(predictions.len(), 10);
        for prediction in &predictions {
            let difference = (prediction.logit - golden[prediction.index]).abs();
            assert!(difference < 0.03 * largest, "{name} {}: {difference} of {largest}", prediction.index);
        }
        assert!(predictions.is_sorted_by(|a, b| a.logit >= b.logit));
        assert!((predictions.iter().map(|p| p.probability).sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn a_file_and_its_pixels_are_classified_alike() {
    let path = fixtures().join("photos/cat.png");
    let image = image::open(&path).unwrap().into_rgb8();
    let classifier = classifier("caffenet");
    let (width, height) = (image.width() as usize, image.height() as usize);
    assert_eq!(classifier.classify_path(&path, 3).unwrap(), classifier.classify_rgb(width, height, &image, 3).unwrap());
}

/// exp(2), exp(1) and exp(0) over their sum 11.107.
#[test]
fn probabilities_are_the_softmax_over_all_classes() {
    let network = tiny("torchvision").with_classes(3).unwrap();
    let labels = ["ant", "bee", "cow"].map(String::from).to_vec();
    let network = Network { labels: Labels::Names(labels), ..network };
    let zeros = candle_nn::VarBuilder::zeros(DType::F32, &Device::Cpu);
    let classifier = Classifier::new(alexnet::AlexNet::new(&network, zeros).unwrap()).unwrap();
    let logits = Tensor::new(&[[1f32, 2., 0.], [5., 5., 5.]], &Device::Cpu).unwrap();
    let ranked = classifier.top_k(&logits, 2).unwrap();
    let names = |example: usize| ranked[example].iter().map(|p| p.label.clone().unwrap()).collect::<Vec<_>>();
    assert_eq!(names(0), ["bee", "ant"]);
    assert!((ranked[0][0].probability - 0.665241).abs() < 1e-6 && (ranked[0][1].probability - 0.244728).abs() < 1e-6);
    // Equal logits keep their order.
    assert_eq!(names(1), ["ant", "bee"]);
    let broken = Tensor::new(&[[1f32, f32::NAN, 0.]], &Device::Cpu).unwrap();
    assert!(classifier.top_k(&broken, 2).unwrap_err().to_string().contains("logit 1 is NaN"));
}

#[test]
fn sixteen_bit_models_classify() {
    let predictions = |dtype| {
        let classifier = Classifier::new(model(&tiny("paper"), "paper", dtype).unwrap()).unwrap();
        classifier.classify_path(fixtures().join("photos/cat.png"), 1).unwrap()
    };
    let expected = predictions(DType::F32);
    for dtype in [DType::F16, DType::BF16] {
        assert_eq!(predictions(dtype)[0].index, expected[0].index, "{dtype:?}");
    }
}

#[test]
fn features_alone_make_no_classifier() {
    let model = model(&tiny("bvlc").features_only(), "bvlc", DType::F32).unwrap();
    assert!(Classifier::new(model).unwrap_err().to_string().contains("no classes"));
}
