//! A checkpoint that carries its own modules is believed over names and shapes.

mod common;

use alexnet_formats::Attribute::{self, Bool, Float, Int, List, Text};
use alexnet_formats::{Group, ImportOptions, Kind, Module, import};
use common::*;

fn pair(both: i64) -> Attribute {
    List(vec![Int(both), Int(both)])
}

fn conv(path: &str, kernel: i64, stride: i64, padding: i64, groups: i64) -> Module {
    let attributes = [
        ("kernel_size", pair(kernel)),
        ("stride", pair(stride)),
        ("padding", pair(padding)),
        ("dilation", pair(1)),
        ("groups", Int(groups)),
        ("padding_mode", Text("zeros".into())),
    ];
    module(path, "Conv2d", &attributes)
}

fn pool(path: &str, ceil: bool) -> Module {
    let attributes = [
        ("kernel_size", Int(3)),
        ("stride", Int(2)),
        ("padding", Int(0)),
        ("dilation", Int(1)),
        ("ceil_mode", Bool(ceil)),
    ];
    module(path, "MaxPool2d", &attributes)
}

fn norm(path: &str) -> Module {
    let attributes = [("size", Int(5)), ("alpha", Float(1e-4)), ("beta", Float(0.75)), ("k", Float(1.0))];
    module(path, "LocalResponseNorm", &attributes)
}

fn plain(path: &str, class: &str) -> Module {
    module(path, class, &[])
}

fn relus(paths: &[&str]) -> impl Iterator<Item = Module> {
    paths.iter().map(|path| plain(path, "ReLU")).collect::<Vec<_>>().into_iter()
}

/// `torchvision.models.alexnet().named_modules()`.
fn torchvision_modules() -> Vec<Module> {
    let mut modules = vec![plain("", "AlexNet"), plain("features", "Sequential"), conv("features.0", 11, 4, 2, 1)];
    modules.extend(relus(&["features.1"]));
    modules.extend([pool("features.2", false), conv("features.3", 5, 1, 2, 1)]);
    modules.extend(relus(&["features.4"]));
    modules.extend([pool("features.5", false), conv("features.6", 3, 1, 1, 1)]);
    modules.extend(relus(&["features.7"]));
    modules.push(conv("features.8", 3, 1, 1, 1));
    modules.extend(relus(&["features.9"]));
    modules.push(conv("features.10", 3, 1, 1, 1));
    modules.extend(relus(&["features.11"]));
    modules.extend([pool("features.12", false), module("avgpool", "AdaptiveAvgPool2d", &[("output_size", pair(6))])]);
    modules.extend([
        plain("classifier", "Sequential"),
        plain("classifier.0", "Dropout"),
        plain("classifier.1", "Linear"),
    ]);
    modules.extend(relus(&["classifier.2"]));
    modules.extend([plain("classifier.3", "Dropout"), plain("classifier.4", "Linear")]);
    modules.extend(relus(&["classifier.5"]));
    modules.push(plain("classifier.6", "Linear"));
    modules
}

/// jiecaoyu's network, or with its pools before its norms.
fn grouped_modules(pool_first: bool) -> Vec<Module> {
    let both = |norm_at: &str, pool_at: &str| match pool_first {
        false => [norm(norm_at), pool(pool_at, false)],
        true => [pool(norm_at, false), norm(pool_at)],
    };
    let mut modules = vec![plain("features", "Sequential"), conv("features.0", 11, 4, 0, 1)];
    modules.extend(relus(&["features.1"]));
    modules.extend(both("features.2", "features.3"));
    modules.push(conv("features.4", 5, 1, 2, 2));
    modules.extend(relus(&["features.5"]));
    modules.extend(both("features.6", "features.7"));
    modules.push(conv("features.8", 3, 1, 1, 1));
    modules.extend(relus(&["features.9"]));
    modules.push(conv("features.10", 3, 1, 1, 2));
    modules.extend(relus(&["features.11"]));
    modules.push(conv("features.12", 3, 1, 1, 2));
    modules.extend(relus(&["features.13"]));
    modules.push(pool("features.14", false));
    modules
}

/// The same modules, one exchanged for another at its place.
fn exchanged(mut modules: Vec<Module>, by: Module) -> Vec<Module> {
    let at = modules.iter().position(|module| module.path == by.path).unwrap();
    modules[at] = by;
    modules
}

fn with_attribute(mut module: Module, name: &str, value: Attribute) -> Module {
    module.attributes.iter_mut().find(|(key, _)| key == name).unwrap().1 = value;
    module
}

fn torchvision_group(modules: Vec<Module>) -> Group {
    Group { modules, ..group("", &torchvision(10)) }
}

fn read(group: Group, options: &ImportOptions) -> alexnet_formats::Result<alexnet_formats::Imported> {
    import(&checkpoint(vec![group], None), options)
}

#[test]
fn modules_that_agree_are_accepted() {
    let imported = read(torchvision_group(torchvision_modules()), &ImportOptions::default()).unwrap();
    assert_eq!(imported.network.name, "torchvision");
    assert!(imported.report.guessed.is_empty());
}

#[test]
fn wrapped_modules_are_compared_too() {
    let wrap = |name: &str| format!("module.{name}");
    let modules = exchanged(torchvision_modules(), conv("features.3", 5, 2, 2, 1)).into_iter();
    let modules = modules.map(|module| Module { path: wrap(&module.path), ..module });
    let wrapped = [plain("", "DataParallel")].into_iter().chain(modules).collect();
    let group = Group { modules: wrapped, ..group("", &named(&torchvision(10), wrap)) };
    assert!(read(group, &ImportOptions::default()).unwrap_err().to_string().contains("stride 2x2"));
}

#[test]
fn a_contradiction_names_the_module_and_both_values() {
    let ours = torchvision_modules;
    let lrn = Module { path: "features.2".into(), ..norm("") };
    let cases = [
        (
            "stride",
            exchanged(ours(), conv("features.0", 11, 2, 2, 1)),
            vec!["`features.0` (Conv2d) has stride 2x2", "4x4"],
        ),
        ("padding", exchanged(ours(), conv("features.0", 11, 4, 0, 1)), vec!["padding 0x0", "[2, 2, 2, 2]"]),
        ("groups", exchanged(ours(), conv("features.3", 5, 1, 2, 2)), vec!["groups 2", "has 1"]),
        (
            "dilation",
            exchanged(ours(), with_attribute(conv("features.6", 3, 1, 1, 1), "dilation", pair(2))),
            vec!["dilation 2x2"],
        ),
        (
            "padding mode",
            exchanged(ours(), with_attribute(conv("features.6", 3, 1, 1, 1), "padding_mode", Text("reflect".into()))),
            vec!["reflect", "zeros"],
        ),
        (
            "window",
            exchanged(ours(), with_attribute(pool("features.2", false), "kernel_size", Int(2))),
            vec!["kernel_size 2x2", "3x3"],
        ),
        (
            "another activation",
            exchanged(ours(), plain("features.1", "LeakyReLU")),
            vec!["[LeakyReLU, MaxPool2d]", "[Relu, MaxPool2d]"],
        ),
        ("an average", exchanged(ours(), plain("features.2", "AvgPool2d")), vec!["[ReLU, AvgPool2d]"]),
        ("a norm instead of a pool", exchanged(ours(), lrn), vec!["normalises", "features.2"]),
        (
            "no activation",
            exchanged(ours(), plain("classifier.2", "Identity")),
            vec!["between fc6 and fc7 are []", "[Relu]"],
        ),
        (
            "another size",
            exchanged(ours(), module("avgpool", "AdaptiveAvgPool2d", &[("output_size", pair(1))])),
            vec!["output_size 1x1", "6x6"],
        ),
        ("an end", [ours(), vec![plain("classifier.7", "Sigmoid")]].concat(), vec!["[Sigmoid]"]),
    ];
    for (what, modules, parts) in cases {
        for options in [ImportOptions::default(), insist("torchvision")] {
            let error = read(torchvision_group(modules.clone()), &options).expect_err(what);
            assert_eq!(error.kind(), Kind::Refused, "{what}: {error}");
            for part in &parts {
                assert!(error.to_string().contains(part), "{what}, {part}: {error}");
            }
        }
    }
}

#[test]
fn what_makes_no_difference_is_accepted() {
    let commuted = exchanged(exchanged(torchvision_modules(), pool("features.1", false)), plain("features.2", "ReLU"));
    read(torchvision_group(commuted), &ImportOptions::default()).unwrap();

    // 55, 27 and 13 pixels are all odd: rounding never counts.
    let ceil = exchanged(torchvision_modules(), pool("features.2", true));
    let report = read(torchvision_group(ceil), &ImportOptions::default()).unwrap().report;
    assert!(report.notes[0].contains("ceil_mode true"), "{:?}", report.notes);

    let softmax = [torchvision_modules(), vec![plain("classifier.7", "LogSoftmax")]].concat();
    let report = read(torchvision_group(softmax), &ImportOptions::default()).unwrap().report;
    assert!(report.notes[0].contains("logits are written"), "{:?}", report.notes);
}

#[test]
fn the_order_of_modules_settles_norm_and_pool() {
    for (pool_first, network) in [(false, "bvlc"), (true, "caffenet")] {
        let group = Group { modules: grouped_modules(pool_first), ..group("", &caffe(JIECAOYU)) };
        let imported = read(group.clone(), &ImportOptions::default()).unwrap();
        assert_eq!(imported.network.name, network);
        assert!(imported.report.guessed.is_empty(), "{:?}", imported.report.guessed);
        let other = if pool_first { "bvlc" } else { "caffenet" };
        let error = read(group, &insist(other)).unwrap_err();
        assert!(error.to_string().contains("between conv1 and conv2"), "{error}");
    }
}

#[test]
fn constants_of_the_norm_are_compared() {
    let cases = [
        ("size", Int(3), "size 3"),
        ("alpha", Float(2e-5), "alpha 0.00002"),
        ("beta", Float(0.5), "beta 0.5"),
        ("k", Float(2.0), "k 2"),
    ];
    for (name, value, part) in cases {
        let modules = exchanged(grouped_modules(false), with_attribute(norm("features.2"), name, value));
        let group = Group { modules, ..group("", &caffe(JIECAOYU)) };
        let error = read(group, &ImportOptions::default()).expect_err(name);
        assert!(error.to_string().contains(part) && error.to_string().contains("features.2"), "{error}");
    }
}

/// PyTorch's window of 4 begins two channels before the centre, ONNX's and so a network's one.
#[test]
fn even_windows_lie_elsewhere() {
    let mut network = alexnet_spec::networks::get("bvlc").unwrap();
    for layer in &mut network.layers {
        if let alexnet_spec::Op::LocalResponseNorm(norm) = &mut layer.op {
            norm.size = 4;
        }
    }
    let four = |path| with_attribute(norm(path), "size", Int(4));
    let modules = exchanged(exchanged(grouped_modules(false), four("features.2")), four("features.6"));
    let group = Group { modules, ..group("", &caffe(JIECAOYU)) };
    let error =
        read(group, &ImportOptions { network: Some(network), ..ImportOptions::default() }).unwrap_err().to_string();
    assert!(error.contains("even") && error.contains("features.2"), "{error}");
}

#[test]
fn modules_of_other_classes_run_their_children_in_any_order() {
    let mut modules = torchvision_modules();
    // As a class has it that registers its layers by kind and calls them as it likes.
    modules.sort_by_key(|module| module.class.ends_with("ReLU"));
    let read_as = |class: &str| {
        let mut modules = modules.clone();
        modules.iter_mut().find(|module| module.path == "features").unwrap().class = class.into();
        modules.iter_mut().find(|module| module.path == "classifier").unwrap().class = class.into();
        read(torchvision_group(modules), &ImportOptions::default())
    };
    read_as("models.Body").unwrap();
    assert!(read_as("torch.nn.modules.container.Sequential").is_err());
}

/// The modules as PyTorch pickles them: with this network everything has the right shape, but conv1 steps 4 pixels, not 2.
#[test]
fn modules_that_pytorch_wrote_are_compared() {
    let mut other = alexnet_spec::networks::get("torchvision").unwrap();
    if let alexnet_spec::Op::Conv2d(conv) = &mut other.layers[0].op {
        conv.stride = [2, 2];
    }
    for file in ["module.pth", "module-legacy.pth"] {
        let limits = alexnet_formats::Limits::default();
        let path = format!("{}/../../fixtures/pytorch/{file}", env!("CARGO_MANIFEST_DIR"));
        let source = alexnet_formats::Source::open(path, &limits).unwrap();
        let checkpoint = alexnet_formats::open(&source, &limits).unwrap();
        let options = ImportOptions { network: Some(other.clone()), ..ImportOptions::default() };
        let error = import(&checkpoint, &options).expect_err(file);
        assert!(error.to_string().contains("module `features.0` (Conv2d) has stride 4x4"), "{file}: {error}");
    }
}

/// `torch.nn.Sequential(torchvision.transforms.Normalize(...), alexnet)`
#[test]
fn what_runs_beside_the_network_is_not_left_out_unasked() {
    let beside = |class: &str| {
        let inner = torchvision_modules().into_iter().map(|module| {
            let path = if module.path.is_empty() { "1".into() } else { format!("1.{}", module.path) };
            Module { path, ..module }
        });
        let modules = [plain("", "Sequential"), plain("0", class)].into_iter().chain(inner).collect();
        Group { modules, ..group("", &named(&torchvision(10), |name| format!("1.{name}"))) }
    };
    let error = read(beside("Normalize"), &ImportOptions::default()).unwrap_err().to_string();
    assert!(error.contains("module `0` (Normalize)") && error.ends_with("try --key 1 to take what is below it alone"));
    let report = read(beside("Normalize"), &at_key("1")).unwrap().report;
    assert!(report.notes[0].contains("`0` (Normalize) beside `1` is left out"), "{:?}", report.notes);
    assert!(read(beside("Identity"), &ImportOptions::default()).unwrap().report.notes.is_empty());
}

/// As `torch.ao.quantization.quantize_dynamic` leaves a pickled module: its linear layers are there, their weights packed.
#[test]
fn layers_without_their_weights_are_no_missing_classifier() {
    let group = Group { modules: torchvision_modules(), ..group("", &without(torchvision(10), "classifier")) };
    let error = read(group, &ImportOptions::default()).unwrap_err().to_string();
    assert!(error.contains("`classifier.1` (Linear)") && error.contains("before it was quantised"), "{error}");
}

#[test]
fn padding_by_name_is_compared() {
    let named = |name: &str| {
        let conv = with_attribute(conv("features.3", 5, 1, 2, 1), "padding", Text(name.into()));
        read(torchvision_group(exchanged(torchvision_modules(), conv)), &ImportOptions::default())
    };
    named("same").unwrap();
    let error = named("valid").unwrap_err().to_string();
    assert!(error.contains("has padding valid, but conv2"), "{error}");
}

#[test]
fn a_layer_of_somebodys_own_class_is_a_guess() {
    let own = Module { class: "models.ScaledConv2d".into(), ..conv("features.3", 5, 1, 2, 1) };
    let report =
        read(torchvision_group(exchanged(torchvision_modules(), own)), &ImportOptions::default()).unwrap().report;
    let [guess] = &report.guessed[..] else { panic!("{:?}", report.guessed) };
    assert_eq!(guess.what, "module `features.3` (ScaledConv2d) is a Conv2d");
    assert!(guess.why.contains("`models.ScaledConv2d` is somebody's own"), "{}", guess.why);
}

#[test]
fn modules_show_what_a_nested_last_layer_is_run_with() {
    let nested = |beside: &str| {
        let head =
            [plain("classifier.6", "Sequential"), plain("classifier.6.0", beside), plain("classifier.6.1", "Linear")];
        let rest = torchvision_modules().into_iter().filter(|module| module.path != "classifier.6");
        let tensors = named(&torchvision(10), |name| name.replace("classifier.6", "classifier.6.1"));
        let group = Group { modules: rest.chain(head).collect(), ..group("", &tensors) };
        read(group, &ImportOptions::default())
    };
    assert!(nested("Dropout").unwrap().report.guessed.is_empty());
    let error = nested("ReLU").unwrap_err().to_string();
    assert!(error.contains("between fc7 and fc8 are [ReLU, ReLU]"), "{error}");
}
