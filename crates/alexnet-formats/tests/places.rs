//! Where in a checkpoint the state dict lies, and what is said of a file that has none or several.

mod common;

use alexnet_formats::{Group, ImportOptions, Kind, import};
use common::*;

fn untold() -> ImportOptions {
    ImportOptions::default()
}

#[test]
fn a_nested_state_dict_is_found_among_training_state() {
    let optimizer = group("optimizer.state.0", &with(vec![], &[("exp_avg", &[64, 3, 11, 11]), ("step", &[])]));
    for key in ["state_dict", "model", "net.model", "classy_state_dict.base_model.model.trunk"] {
        let groups = vec![Group::default(), optimizer.clone(), group(key, &torchvision(10))];
        let imported = import(&checkpoint(groups, None), &untold()).unwrap();
        assert_eq!(imported.report.key, key);
    }
}

#[test]
fn several_state_dicts_need_a_key() {
    let groups = vec![group("state_dict", &torchvision(10)), group("state_dict_ema", &torchvision(20))];
    let checkpoint = checkpoint(groups, None);
    let error = import(&checkpoint, &untold()).unwrap_err();
    assert_eq!(error.kind(), Kind::Ambiguous);
    for part in ["--key", "state_dict (torchvision, 64-192-384-256-256-4096-4096-10)", "state_dict_ema (torchvision"] {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
    for (key, classes) in [("state_dict", 10), ("state_dict_ema", 20)] {
        let imported = import(&checkpoint, &at_key(key)).unwrap();
        assert_eq!((imported.report.key.as_str(), imported.network.class_count()), (key, Some(classes)));
    }
    let error = import(&checkpoint, &at_key("model")).unwrap_err();
    assert!(error.to_string().contains("there are state_dict, state_dict_ema"), "{error}");
}

#[test]
fn the_same_tensors_twice_are_no_choice() {
    let first = group("state_dict", &torchvision(10));
    let second = Group { key: "model".into(), ..first.clone() };
    assert_eq!(import(&checkpoint(vec![first, second], None), &untold()).unwrap().report.key, "state_dict");
}

#[test]
fn a_student_and_its_teacher_are_told_apart_by_prefix() {
    let mut both = named(&torchvision(10), |name| format!("student.{name}"));
    both.extend(named(&torchvision(10), |name| format!("teacher.module.{name}")));
    let checkpoint = checkpoint(vec![group("state_dict", &both)], None);
    let error = import(&checkpoint, &untold()).unwrap_err();
    assert_eq!(error.kind(), Kind::Ambiguous);
    assert!(
        error.to_string().contains("state_dict.student") && error.to_string().contains("state_dict.teacher"),
        "{error}"
    );
    for key in ["state_dict.teacher", "state_dict.teacher.module"] {
        let imported = import(&checkpoint, &at_key(key)).unwrap();
        assert_eq!(imported.report.used[0].sources, ["teacher.module.features.0.weight"]);
    }
}

#[test]
fn an_average_beside_its_network_is_a_choice() {
    let mut both = torchvision(10);
    both.extend(named(&torchvision(10), |name| format!("module.{name}")));
    let checkpoint = checkpoint(vec![group("", &both)], None);
    assert_eq!(import(&checkpoint, &untold()).unwrap_err().kind(), Kind::Ambiguous);
    let imported = import(&checkpoint, &at_key("module")).unwrap();
    assert_eq!(imported.report.used[0].sources, ["module.features.0.weight"]);
    let root = import(&checkpoint, &at_key("")).unwrap_err();
    assert!(root.to_string().contains("module.features"), "the average is left over: {root}");
}

#[test]
fn what_lies_beside_the_prefix_needs_a_key() {
    let tensors = with(named(&torchvision(10), |name| format!("model.{name}")), &[("criterion.weight", &[10])]);
    let checkpoint = checkpoint(vec![group("state_dict", &tensors)], None);
    let error = import(&checkpoint, &untold()).unwrap_err();
    assert!(error.to_string().contains("`criterion.weight` [10]"), "{error}");
    assert!(error.to_string().contains("--key state_dict.model"), "{error}");
    assert_eq!(import(&checkpoint, &at_key("state_dict")).unwrap_err().kind(), Kind::Refused);
    let report = import(&checkpoint, &at_key("state_dict.model")).unwrap().report;
    assert_eq!(report.unused[0].name, "criterion.weight");
}

#[test]
fn other_networks_are_refused_by_name() {
    let heads = (0..5).zip([64, 192, 384, 256, 256]).map(|(i, c)| (format!("lin{i}.model.1.weight"), vec![1, c, 1, 1]));
    let resnet: &[(&str, &[usize])] =
        &[("conv1.weight", &[64, 3, 7, 7]), ("layer1.0.conv1.weight", &[64, 64, 3, 3]), ("fc.weight", &[1000, 512])];
    let vgg: &[(&str, &[usize])] = &[("features.0.weight", &[64, 3, 3, 3]), ("features.3.weight", &[64, 64, 3, 3])];
    let deepcluster: &[(&str, &[usize])] =
        &[("features.module.0.weight", &[96, 2, 11, 11]), ("features.module.1.running_mean", &[96])];
    let (conv1, norm1, norm3) =
        ("_feature_blocks.0.0.weight", "_feature_blocks.0.1.weight", "_feature_blocks.4.1.weight");
    let vissl_deepcluster: &[(&str, &[usize])] = &[(conv1, &[96, 2, 11, 11]), (norm1, &[96])];
    let vissl_colorization: &[(&str, &[usize])] = &[(conv1, &[96, 1, 11, 11]), (norm1, &[96])];
    let vissl_rotnet: &[(&str, &[usize])] = &[(conv1, &[64, 3, 11, 11]), (norm1, &[64])];
    let vissl_jigsaw: &[(&str, &[usize])] = &[(conv1, &[96, 3, 11, 11]), (norm3, &[384])];
    let cases = [
        ("LPIPS", heads.collect(), vec!["5 tensors", "`lin0.model.1.weight` [1, 64, 1, 1]", "torchvision"]),
        ("a ResNet", with(vec![], resnet), vec!["`conv1.weight` [64, 3, 7, 7]", "nearest"]),
        ("a VGG", with(vec![], vgg), vec!["`features.0.weight` [64, 3, 3, 3]", "`features.0.bias` is missing, and"]),
        ("DeepCluster", with(vec![], deepcluster), vec!["[96, 2, 11, 11]", "sobel"]),
        ("DeepCluster", with(vec![], vissl_deepcluster), vec!["VISSL", "sobel filter was taken out"]),
        ("colorization", with(vec![], vissl_colorization), vec!["VISSL", "lightness"]),
        ("RotNet", with(vec![], vissl_rotnet), vec!["batch norm"]),
        ("jigsaw", with(vec![], vissl_jigsaw), vec!["stride of 2"]),
        ("no tensors", vec![], vec!["this test holds no tensors"]),
        ("1 tensor:", with(vec![], &[("a\nb", &[3])]), vec![r"`a\nb` [3]"]),
    ];
    for (family, tensors, parts) in cases {
        let error = import_root(&tensors, &untold()).expect_err(family);
        assert_eq!(error.kind(), Kind::Refused, "{family}");
        let text = error.to_string();
        assert_eq!(text.lines().count(), 1, "{text}");
        for part in parts.into_iter().chain([family, "--inspect"]) {
            assert!(text.contains(part), "{family}, {part}: {text}");
        }
    }
}

/// Names as `torch.nn.utils.prune`, `weight_norm`, `spectral_norm`, `parametrize`, PEFT, `quantize_dynamic` and
/// `paddle.save` leave them.
#[test]
fn weights_in_another_form_are_named_with_what_undoes_it() {
    type Form<'a> = (&'a str, &'a [(&'a str, &'a [usize])], &'a str, &'a str);
    let conv: &[usize] = &[64, 3, 11, 11];
    let matrix: &[usize] = &[4096, 9216];
    let forms: [Form<'_>; 7] = [
        ("features.0.weight", &[("weight_orig", conv), ("weight_mask", conv)], "pruning", "prune.remove("),
        (
            "features.0.weight",
            &[("weight_g", &[64, 1, 1, 1]), ("weight_v", conv)],
            "weight norm",
            "remove_weight_norm(",
        ),
        ("classifier.1.weight", &[("weight_orig", matrix), ("weight_u", &[4096])], "spectral", "remove_spectral_norm("),
        ("features.0.weight", &[("parametrizations.weight.original", conv)], "parametr", "remove_parametrizations("),
        ("", &[("lora_A", &[4, 9216]), ("lora_B", &[4096, 4])], "low-rank", "merge_and_unload()"),
        ("classifier.", &[("scale", &[]), ("zero_point", &[])], "quantised", "before it was quantised"),
        (
            "classifier.1.weight",
            &[("weight@@.0", &[2048, 9216]), ("weight@@.1", &[2048, 9216])],
            "slices",
            "protocol=4",
        ),
    ];
    for (gone, more, shows, remedy) in forms {
        let module = if gone.starts_with("features") { "features.0" } else { "classifier.1" };
        let more: Vec<_> = more.iter().map(|(name, shape)| (format!("{module}.{name}"), *shape)).collect();
        let more: Vec<_> = more.iter().map(|(name, shape)| (name.as_str(), *shape)).collect();
        let rest = if gone.is_empty() { torchvision(10) } else { without(torchvision(10), gone) };
        let error = import_root(&with(rest, &more), &untold()).expect_err(shows);
        let (message, advice) = (error.to_string(), error.remedy().unwrap_or_default());
        assert!(
            message.contains(shows) && message.contains(more[0].0.split('.').next().unwrap()),
            "{shows}: {message}"
        );
        assert!(advice.contains(remedy), "{shows}: {advice}");
    }
}

#[test]
fn features_and_classifier_in_two_dictionaries_are_not_half_a_network() {
    let groups = vec![
        group("backbone", &without(torchvision(10), "classifier")),
        group("head", &without(torchvision(10), "features")),
    ];
    let checkpoint = checkpoint(groups, None);
    let error = import(&checkpoint, &untold()).unwrap_err().to_string();
    assert!(error.contains("`backbone` holds the features alone") && error.contains("in `head`"), "{error}");
    assert_eq!(import(&checkpoint, &at_key("backbone")).unwrap().network.class_count(), None);
}
