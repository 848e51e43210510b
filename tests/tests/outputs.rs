//! Outputs appear whole or not at all, replace nothing unasked, and are the same every time.

use alexnet_tests::fixture;
use alexnet_tests::run::{Run, files};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::process::Command;

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");

fn convert<A: AsRef<OsStr>>(input: &Path, rest: impl IntoIterator<Item = A>) -> Run {
    let rest: Vec<_> = rest.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
    Run::of(CONVERT, std::iter::once(input.as_os_str().to_owned()).chain(rest))
}

#[test]
fn an_existing_output_is_replaced_only_by_force() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.onnx");
    fs::write(&output, "mine").unwrap();
    let input = fixture("pytorch/zip.pth");
    convert(&input, [&output]).expect(2).says("--force");
    assert_eq!(fs::read(&output).unwrap(), b"mine");
    convert(&input, [output.as_os_str(), "--force".as_ref()]).expect(0);
    assert!(fs::metadata(&output).unwrap().len() > 1000);
    assert_eq!(files(folder.path()), ["out.onnx"]);
}

#[test]
fn one_existing_output_stops_them_all() {
    let folder = tempfile::tempdir().unwrap();
    let outputs = ["a.onnx", "b.safetensors"].map(|name| folder.path().join(name));
    fs::write(&outputs[1], "mine").unwrap();
    convert(&fixture("pytorch/zip.pth"), &outputs).expect(2).says("b.safetensors");
    assert_eq!(files(folder.path()), ["b.safetensors"]);
    assert_eq!(fs::read(&outputs[1]).unwrap(), b"mine");
}

#[test]
fn the_input_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.safetensors");
    let copied = fs::read(fixture("networks/torchvision.safetensors")).unwrap();
    fs::write(&input, &copied).unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    #[allow(unused_mut, reason = "links are made on unix alone")]
    let mut names = vec!["in.safetensors", "sub/../in.safetensors"];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&input, folder.path().join("link.safetensors")).unwrap();
        fs::hard_link(&input, folder.path().join("same.safetensors")).unwrap();
        names.extend(["link.safetensors", "same.safetensors"]);
    }
    for name in names {
        let output = folder.path().join(name);
        let options = ["--force", "--network", "torchvision"].map(OsStr::new);
        convert(&input, [output.as_os_str()].into_iter().chain(options)).expect(2);
        assert!(fs::read(&input).unwrap() == copied, "{name}");
    }
}

#[test]
fn an_output_that_cannot_be_is_an_error_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let input = fixture("pytorch/zip.pth");
    let cases = [("missing/out.onnx", "missing"), ("out.pth", "out.pth"), ("out", "out"), (".onnx", ".onnx")];
    for (name, says) in cases {
        let good = folder.path().join("good.onnx");
        convert(&input, [&good, &folder.path().join(name)]).expect(2).says(says);
        assert_eq!(files(folder.path()), [""; 0], "{name}");
    }
    let twice = folder.path().join("out.onnx");
    convert(&input, [&twice, &twice]).expect(2);
    assert_eq!(files(folder.path()), [""; 0]);
}

#[test]
fn a_second_run_writes_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for options in [&[][..], &["--external-data"], &["--dtype", "f16", "--softmax"], &["--lrn", "primitive"]] {
        let runs = ["first", "second"].map(|run| {
            let folder = folder.path().join(run);
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir(&folder).unwrap();
            let outputs = ["out.onnx", "out.safetensors"].map(|name| folder.join(name));
            let arguments = outputs.iter().map(|path| path.as_os_str()).chain(options.iter().map(OsStr::new));
            convert(&fixture("pytorch/jiecaoyu.pth.tar"), arguments).expect(0);
            outputs.map(|path| fs::read(path).unwrap())
        });
        assert!(runs[0] == runs[1], "{options:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_new_output_has_the_permissions_of_a_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let (input, output) = (fixture("pytorch/zip.pth"), folder.path().join("out.onnx"));
    let with_umask = |umask: &str, options: &str| {
        let script = format!("umask {umask}; exec \"$0\" \"$1\" \"$2\" --no-verify {options}");
        Run::command(Command::new("sh").arg("-c").arg(script).args([
            CONVERT.as_ref(),
            input.as_os_str(),
            output.as_os_str(),
        ]))
    };
    with_umask("027", "").expect(0);
    assert_eq!(mode(&output), 0o640);
    // A replaced file keeps what its owner gave it.
    fs::set_permissions(&output, fs::Permissions::from_mode(0o604)).unwrap();
    with_umask("022", "--force").expect(0);
    assert_eq!(mode(&output), 0o604);
}

/// A limit on the size of files stops a write in the middle as a full disk does.
#[cfg(unix)]
#[test]
fn a_write_that_fails_leaves_nothing() {
    for options in ["", "--external-data", "--no-verify"] {
        let folder = tempfile::tempdir().unwrap();
        let outputs = ["out.onnx", "out.safetensors"].map(|name| folder.path().join(name));
        let input = fixture("networks/torchvision.safetensors");
        // 900 kB of weights against 200 blocks of 512 or 1024 bytes. Ignored, the signal becomes an error of the write.
        let script = format!("trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\" --network torchvision {options}");
        let arguments = [CONVERT.as_ref(), input.as_os_str(), outputs[0].as_os_str(), outputs[1].as_os_str()];
        Run::command(Command::new("sh").arg("-c").arg(script).args(arguments)).expect(2).says("out.");
        assert_eq!(files(folder.path()), [""; 0], "{options}");
    }
}

#[test]
fn class_names_of_the_users_own_travel_with_the_weights() {
    let folder = tempfile::tempdir().unwrap();
    let (names, output) = (folder.path().join("names.txt"), folder.path().join("out.safetensors"));
    let input = fixture("pytorch/torchvision-3-classes.pth");
    fs::write(&names, "ant\nbee\n").unwrap();
    convert(&input, [output.as_os_str(), "--labels".as_ref(), names.as_os_str()])
        .expect(2)
        .says("2 names, but the network has 3 classes");
    fs::write(&names, "ant\nbee\ncicada\n").unwrap();
    convert(&input, [output.as_os_str(), "--labels".as_ref(), names.as_os_str()]).expect(0);
    let bytes = fs::read(&output).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let network = header.metadata().as_ref().unwrap()["alexnet.network"].clone();
    assert!(network.contains(r#""labels":{"names":["ant","bee","cicada"]}"#), "{network}");
}

/// The checksum is known last and stands first in either file.
#[test]
fn outputs_name_the_checksum_of_their_source_unless_none_is_taken() {
    // sha256sum fixtures/pytorch/zip.pth
    const DIGEST: &str = "22c5d01bd528bb3e8d823de50acc9751fb2a0410453e511762daf93db0beee56";
    let input = fixture("pytorch/zip.pth");
    for (options, named) in [(&["--json", "--no-verify"][..], true), (&["--json", "--no-verify", "--no-hash"], false)] {
        let folder = tempfile::tempdir().unwrap();
        let outputs = ["out.onnx", "out.safetensors"].map(|name| folder.path().join(name));
        let run = convert(&input, outputs.iter().map(|path| path.as_os_str()).chain(options.iter().map(OsStr::new)));
        let report: serde_json::Value = serde_json::from_str(&run.expect(0).stdout).unwrap();
        assert_eq!(report["input"]["sha256"].as_str(), named.then_some(DIGEST));
        let bytes = fs::read(&outputs[1]).unwrap();
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let digest = header.metadata().as_ref().unwrap().get("alexnet.source.sha256").cloned();
        assert_eq!(digest.as_deref(), named.then_some(DIGEST));
        let graph = fs::read(&outputs[0]).unwrap();
        let holds = |text: &str| graph.windows(text.len()).any(|window| window == text.as_bytes());
        assert_eq!((holds(DIGEST), holds("alexnet.source.sha256")), (named, named));
    }
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.onnx");
    let run = convert(&input, [output.as_os_str(), "--no-verify".as_ref(), "--no-hash".as_ref()]).expect(0);
    assert!(run.stdout.contains("no SHA-256 taken (--no-hash)"), "{run}");
}

/// Damage is looked for while the outputs are written already.
#[test]
fn a_damaged_weight_leaves_no_output() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(fixture("pytorch/zip.pth")).unwrap();
    let storage = bytes.windows(7).position(|window| window == b"/data/4").unwrap();
    bytes[storage + 200] ^= 1;
    let input = folder.path().join("in.pth");
    fs::write(&input, bytes).unwrap();
    for options in ["--no-verify", "--verify", "--no-hash"] {
        let outputs = ["out.onnx", "out.safetensors"].map(|name| folder.path().join(name));
        let run = convert(&input, outputs.iter().map(|path| path.as_os_str()).chain([OsStr::new(options)]));
        run.expect(2).says("its CRC-32 is");
        assert_eq!(files(folder.path()), ["in.pth"], "{options}");
    }
}
