//! Maps by hand.

use super::Map;
use crate::dialects::Origin;
use crate::{Checkpoint, Group, ImportOptions, Kind, Limits, Result, Source, import, inspect};
use alexnet_spec::{Tensor, Transform, networks};

fn read(text: &str) -> Result<Map> {
    Map::read(&Source::from_bytes("a.map", text.to_owned()), &Limits::default())
}

fn origin(sources: &[&str], transform: Transform) -> Origin {
    Origin { sources: sources.iter().map(|source| source.to_string()).collect(), transform }
}

#[test]
fn toml_and_json_say_the_same() {
    let toml = r#"
        network = "caffenet"
        [parameters]
        "conv1.bias" = "b"
        conv1.weight = { from = "w", transform = "hwio" }
        "conv2.weight" = { from = ["p", "q"], transform = [{ concatenate-along = 3 }, "c01b", "flip180"] }
        "fc6.weight" = { from = "f", transform = ["transpose", { flattened-hwc-to-chw = { height = 6, width = 6 } }] }
        "fc7.weight" = { from = "g", transform = { scale = 0.5 } }
    "#;
    let json = r#"{"network": "caffenet", "parameters": {
        "conv1.bias": ["b"],
        "conv1.weight": {"from": "w", "transform": {"permute": [3, 2, 0, 1]}},
        "conv2.weight": {"transform": [{"concatenate-along": 3}, "c01b", "flip180"], "from": ["p", "q"]},
        "fc6.weight": {"from": "f", "transform": ["transpose", {"flattened-hwc-to-chw": {"height": 6, "width": 6}}]},
        "fc7.weight": {"from": "g", "transform": {"scale": 0.5}}}}"#;
    let expected = [
        ("conv1.bias", origin(&["b"], Transform::Identity)),
        ("conv1.weight", origin(&["w"], Transform::Permute(vec![3, 2, 0, 1]))),
        (
            "conv2.weight",
            origin(
                &["p", "q"],
                Transform::Chain(vec![
                    Transform::ConcatenateAlong(3),
                    Transform::Permute(vec![3, 0, 1, 2]),
                    Transform::Flip180,
                ]),
            ),
        ),
        (
            "fc6.weight",
            origin(
                &["f"],
                Transform::Chain(vec![Transform::Transpose, Transform::FlattenedHwcToChw { height: 6, width: 6 }]),
            ),
        ),
        ("fc7.weight", origin(&["g"], Transform::Scale(0.5))),
    ];
    for text in [toml, json] {
        let mut map = read(text).unwrap();
        map.parameters.sort_by(|(a, _), (b, _)| a.cmp(b));
        let found: Vec<(&str, Origin)> = map.parameters.iter().map(|(n, o)| (n.as_str(), o.clone())).collect();
        assert_eq!((found, map.network.as_deref()), (expected.to_vec(), Some("caffenet")), "{text}");
    }
}

#[test]
fn an_entry_that_is_wrong_is_named() {
    let cases = [
        ("", "parameters"),
        ("{", "a.map"),
        ("parameters = 1", "table of parameters"),
        ("other = 1\n[parameters]", "other"),
        ("[parameters]\n\"conv1.weight\" = 3", "`conv1.weight`: its source is neither"),
        ("[parameters]\n\"conv1.weight\" = []", "`conv1.weight`: its source is neither"),
        ("[parameters]\n\"conv1.weight\" = { transform = \"hwio\" }", "`conv1.weight`: has no `from`"),
        ("[parameters]\n\"conv1.weight\" = { from = \"w\", form = 1 }", "`form` is neither"),
        ("[parameters]\n\"conv1.weight\" = { from = \"w\", transform = \"hwoi\" }", "no transform: \\\"hwoi\\\""),
        ("[parameters]\n\"a.b\" = \"w\"\n\"a.b\" = \"v\"", "duplicate key"),
        ("{\"parameters\": {\"a.b\": \"w\", \"a.b\": \"v\"}}", "twice"),
    ];
    for (text, says) in cases {
        let error = read(text).expect_err(text).to_string();
        assert!(error.contains(says) && error.starts_with("a.map"), "{text}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

/// A network's parameters, all zero, as tensors `t0`, `t1`, ... with kernels as HWIO, and one tensor that is none of them.
fn checkpoint(network: &str) -> (Checkpoint, String) {
    let network = networks::get(network).unwrap().shrunk(32, 10).unwrap();
    let mut group = Group::default();
    let mut map = String::from("[parameters]\n");
    for (index, parameter) in network.parameters().unwrap().iter().enumerate() {
        let (shape, transform) = match parameter.shape[..] {
            [o, i, h, w] => (vec![h, w, i, o], ", transform = \"hwio\""),
            _ => (parameter.shape.clone(), ""),
        };
        let zeros = vec![0.0; parameter.elements()];
        group.tensors.push((format!("t{index}"), Tensor::from_f32(shape, &zeros).unwrap()));
        map += &format!("\"{}\" = {{ from = \"t{index}\"{transform} }}\n", parameter.name);
    }
    group.tensors.push(("step".into(), Tensor::from_f32(vec![1], &[1.0]).unwrap()));
    (Checkpoint::new("npz", vec![group]), map)
}

fn imported(checkpoint: &Checkpoint, map: &str, network: Option<&str>) -> Result<crate::Imported> {
    let network = network.map(|name| networks::get(name).unwrap());
    import(checkpoint, &ImportOptions { map: Some(read(map)?), network, ..ImportOptions::default() })
}

#[test]
fn a_map_makes_any_names_a_network_and_reports_what_it_leaves() {
    let (checkpoint, map) = checkpoint("single-column-bn");
    let imported = imported(&checkpoint, &map, None).unwrap();
    assert_eq!((imported.network.name.as_str(), imported.dialect), ("single-column-bn", "map"));
    assert_eq!(imported.report.used.len(), 24);
    assert_eq!(imported.report.used[0].transform, Transform::Permute(vec![3, 2, 0, 1]));
    let unused: Vec<&str> = imported.report.unused.iter().map(|unused| unused.name.as_str()).collect();
    assert_eq!(unused, ["step"]);
}

#[test]
fn axes_that_say_nothing_are_left_out() {
    let (mut checkpoint, map) = checkpoint("torchvision");
    for (_, tensor) in &mut checkpoint.groups[0].tensors {
        let shape = match *tensor.shape() {
            [n] => vec![1, 1, 1, n],
            [out, columns] if columns % 36 == 0 => vec![out, columns / 36, 6, 6],
            _ => continue,
        };
        *tensor = tensor.reshape(&shape).unwrap();
    }
    let imported = imported(&checkpoint, &map, Some("torchvision")).unwrap();
    let shape = |name: &str| imported.weights.get(name).unwrap().shape().to_vec();
    assert_eq!((shape("conv1.bias"), shape("fc6.weight")), (vec![2], vec![128, 288]));
}

#[test]
fn what_a_map_gets_wrong_is_named_with_the_entry() {
    let (checkpoint, map) = checkpoint("torchvision");
    let without = |line: &str| map.lines().filter(|l| !l.starts_with(line)).collect::<Vec<_>>().join("\n");
    let cases = [
        (map.replace("from = \"t3\"", "from = \"t33\""), "`conv2.bias`: there is no tensor `t33`; there are `t0`"),
        (without("\"fc8.bias\""), "network `torchvision` needs `fc8.bias` too"),
        (map.clone() + "\"conv9.bias\" = \"step\"", "`conv9.bias`: network `torchvision` has no such parameter"),
        (map.replacen("\"hwio\"", "\"transpose\"", 1), "`conv1.weight`"),
        (map.replacen("\"hwio\"", "\"c01b\"", 1), "`conv1.weight` has shape"),
        (map.clone() + "network = \"lenet\"", "lenet"),
        (format!("network = \"lenet\"\n{map}"), "`network` is `lenet`, which isn't known; try one of: torchvision"),
    ];
    for (map, says) in cases {
        let error = imported(&checkpoint, &map, Some("torchvision").filter(|_| !map.starts_with("network")));
        let error = error.expect_err(says).to_string();
        assert!(error.contains(says) && error.starts_with("a.map"), "{says}: {error}");
    }
}

#[test]
fn a_map_without_a_network_asks_which_where_several_fit() {
    let network = networks::get("bvlc").unwrap().shrunk(16, 10).unwrap();
    let mut group = Group::default();
    let mut map = String::from("{\"parameters\": {");
    for parameter in network.parameters().unwrap() {
        let zeros = vec![0.0; parameter.elements()];
        group.tensors.push((format!("my.{}", parameter.name), Tensor::from_f32(parameter.shape, &zeros).unwrap()));
        map += &format!("\"{0}\": \"my.{0}\",", parameter.name);
    }
    let map = map.trim_end_matches(',').to_owned() + "}}";
    let error = imported(&Checkpoint::new("npz", vec![group]), &map, None).unwrap_err();
    assert_eq!(error.kind(), Kind::Ambiguous);
    assert!(error.to_string().contains("--network with one of: bvlc, caffenet"), "{error}");
}

#[test]
fn a_name_in_two_groups_wants_its_key() {
    let (mut checkpoint, map) = checkpoint("torchvision");
    checkpoint.groups.push(Group { key: "ema".into(), ..checkpoint.groups[0].clone() });
    let error = imported(&checkpoint, &map, Some("torchvision")).unwrap_err().to_string();
    assert!(error.contains("2 tensors `t0`, in ``, `ema`"), "{error}");
    let ema = map.replace("from = \"t", "from = \"ema.t");
    assert_eq!(imported(&checkpoint, &ema, Some("torchvision")).unwrap().report.used.len(), 16);
    let keyed = format!("key = \"ema\"\n{map}");
    assert_eq!(imported(&checkpoint, &keyed, Some("torchvision")).unwrap().report.key, "ema");
}

#[test]
fn inspect_drafts_a_map_that_can_be_read_and_completed() {
    let (checkpoint, _) = checkpoint("torchvision");
    let draft = inspect(&checkpoint, &ImportOptions::default()).map_draft.unwrap();
    let map = read(&draft).unwrap();
    assert_eq!(map.network.as_deref(), Some("torchvision"));
    // The only tensors of their kinds: an 11x11 and a 5x5 kernel, both as HWIO, and vectors as long as they have outputs.
    let named: Vec<(&str, &str)> = map.parameters.iter().map(|(n, o)| (n.as_str(), o.sources[0].as_str())).collect();
    let first = [("conv1.weight", "t0"), ("conv1.bias", "t1"), ("conv2.weight", "t2"), ("conv2.bias", "t3")];
    assert_eq!(named, first, "{draft}");
    assert!(draft.contains("# \"conv3.weight\" = { from = \"t4\", transform = \"hwio\" }  # [3, 3, 6, 12]"), "{draft}");
}

/// The parameters of bvlc, its widths divided, under names and in layouts of TensorFlow, beside what a training leaves.
fn tensorflow(divisor: usize) -> Checkpoint {
    let network = networks::get("bvlc").unwrap();
    let network = if divisor == 1 { network } else { network.shrunk(divisor, 10).unwrap() };
    let mut group = Group::default();
    for parameter in network.parameters().unwrap() {
        let shape = match parameter.shape[..] {
            [o, i, h, w] => vec![h, w, i, o],
            [o, i] => vec![i, o],
            ref other => other.to_vec(),
        };
        // One element, read over and over: a matrix of 4096 by 9216 takes no memory.
        let bytes = bytes::Bytes::from_static(&[0; 4]);
        let tensor = Tensor::strided(alexnet_spec::DType::F32, shape.clone(), vec![0; shape.len()], 0, bytes).unwrap();
        let name = parameter.name.replace(".weight", "/kernel").replace(".bias", "/offset");
        group.tensors.push((format!("adam/{name}"), tensor.clone()));
        group.tensors.push((format!("net/{name}"), tensor));
    }
    Checkpoint::new("npz", vec![group])
}

#[test]
fn a_draft_turns_matrices_that_have_a_row_for_each_input_the_square_one_too() {
    let map = r#"{ from = "net/fc6/kernel", transform = ["transpose", { flattened-hwc-to-chw = { height = 6, width = 6 } }] }"#;
    for (divisor, fc6, fc7) in [(1, [9216, 4096], [4096, 4096]), (16, [576, 256], [256, 256])] {
        let checkpoint = tensorflow(divisor);
        let options = ImportOptions { network: networks::get("bvlc"), ..ImportOptions::default() };
        let draft = inspect(&checkpoint, &options).map_draft.unwrap();
        assert!(draft.contains(&format!("# \"fc6.weight\" = {map}  # {fc6:?}\n")), "{draft}");
        let fc7 = format!("\"fc7.weight\" = {{ from = \"net/fc7/kernel\", transform = \"transpose\" }}  # {fc7:?}\n");
        assert!(draft.contains(&fc7), "{draft}");
        // Filled in as a user would: the lines of the model, not those of the optimizer.
        let filled: Vec<&str> = draft
            .lines()
            .filter(|line| {
                let same =
                    |layer: &str| line.contains(&format!("\"{layer}.")) && line.contains(&format!("net/{layer}/"));
                ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"].into_iter().any(same)
            })
            .map(|line| line.trim_start_matches("# "))
            .collect();
        let filled = format!("network = \"bvlc\"\n[parameters]\n{}", filled.join("\n"));
        let imported = imported(&checkpoint, &filled, None).unwrap_or_else(|error| panic!("{error}\n{filled}"));
        assert_eq!(imported.report.used.len(), 16);
    }
}

#[test]
fn a_draft_offers_a_bias_only_vectors_as_long_as_its_kernel_has_outputs() {
    let options = ImportOptions { network: networks::get("bvlc"), ..ImportOptions::default() };
    let draft = inspect(&tensorflow(16), &options).map_draft.unwrap();
    let offered = draft.lines().filter(|line| line.contains("\"conv1.bias\" =")).collect::<Vec<_>>();
    assert_eq!(
        offered,
        ["# \"conv1.bias\" = \"adam/conv1/offset\"  # [6]", "# \"conv1.bias\" = \"net/conv1/offset\"  # [6]"]
    );
}

#[test]
fn a_draft_takes_the_only_tensor_with_the_layers_name() {
    let mut checkpoint = tensorflow(16);
    checkpoint.groups[0].tensors.retain(|(name, _)| name.starts_with("net/"));
    let options = ImportOptions { network: networks::get("bvlc"), ..ImportOptions::default() };
    let draft = inspect(&checkpoint, &options).map_draft.unwrap();
    let report = imported(&checkpoint, &draft, None).unwrap_or_else(|error| panic!("{error}\n{draft}")).report;
    let sources =
        |parameter: &str| report.used.iter().find(|used| used.parameter == parameter).unwrap().sources.clone();
    assert_eq!([sources("conv4.weight"), sources("fc8.bias")], [["net/conv4/kernel"], ["net/fc8/offset"]]);
}

#[test]
fn errors_of_toml_stay_on_their_line() {
    let error = read("network = \"bvlc\"\n[parameters\n").unwrap_err().to_string();
    assert!(error.starts_with("a.map: line 2: ") && !error.contains('|') && !error.contains('\n'), "{error}");
    let error = read("network = \"bvlc\"\n").unwrap_err().to_string();
    assert!(error.contains("missing field `parameters`") && !error.contains('|'), "{error}");
}
