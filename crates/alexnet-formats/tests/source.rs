//! Opening files, and opening those that other files name.

use alexnet_formats::{Kind, Limits, Source, open};
use std::fs;

#[test]
fn a_source_knows_its_bytes_its_name_and_its_digest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("abc.bin");
    fs::write(&path, "abc").unwrap();
    let source = Source::open(&path, &Limits::default()).unwrap();
    assert_eq!(source.bytes(), "abc");
    assert_eq!(source.file_name(), "abc.bin");
    // FIPS 180-2, appendix B.1.
    assert_eq!(source.sha256(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn an_empty_file_is_no_error_here() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(Source::open(file.path(), &Limits::default()).unwrap().bytes().is_empty());
}

#[test]
fn a_folder_is_the_files_right_in_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("deeper")).unwrap();
    fs::write(folder.path().join("b"), "bb").unwrap();
    fs::write(folder.path().join("a"), "a").unwrap();
    let source = Source::open(folder.path(), &Limits::default()).unwrap();
    let names: Vec<String> = source.folder().unwrap().iter().map(Source::file_name).collect();
    assert_eq!((names, source.size()), (vec!["a".to_owned(), "b".to_owned()], 3));
    // printf a > a; printf bb > b; sha256sum a b | sha256sum
    assert_eq!(source.sha256(), "f773902206a1f6f79c745f395b0c1bc6bc2330a4c0309fffc7cd49be9377a65f");
    let error = open(&source, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("no checkpoint of a known kind: its first file is `a`"), "{error}");
    let strict = Limits { entries: 1, ..Limits::default() };
    assert!(Source::open(folder.path(), &strict).unwrap_err().to_string().contains("`entries` of 1"));
}

#[test]
fn a_sibling_has_a_plain_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "a").unwrap();
    fs::write(folder.path().join("b"), "bb").unwrap();
    let source = Source::open(folder.path().join("a"), &Limits::default()).unwrap();
    assert_eq!(source.sibling("b", &Limits::default()).unwrap().bytes(), "bb");
    for name in ["../a", "/etc/passwd", "", ".", "..", "x/../b", "b\\c"] {
        assert_eq!(source.sibling(name, &Limits::default()).unwrap_err().kind(), Kind::Refused, "{name}");
    }
    let loose = Source::from_bytes("a", "a");
    assert_eq!(loose.sibling("b", &Limits::default()).unwrap_err().kind(), Kind::Refused);
}

#[test]
fn what_isnt_a_regular_file_is_refused_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let error = Source::open(&socket, &Limits::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(error.to_string().contains("is not a regular file"), "{error}");
    assert!(error.to_string().starts_with(&socket.display().to_string()), "{error}");
    let error = Source::open(folder.path().join("missing"), &Limits::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::Io);
    assert!(error.to_string().contains("missing: "), "{error}");
}

#[test]
fn a_file_beneath_the_folder_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/weights.bin"), "xyz").unwrap();
    for relative in ["data/weights.bin", "./data/weights.bin"] {
        assert_eq!(Source::open_within(folder.path(), relative).unwrap().bytes(), "xyz");
    }
}

#[test]
fn names_that_lead_out_of_the_folder_are_refused() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("model");
    fs::create_dir(&folder).unwrap();
    let secret = outer.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let cases = [
        ("../secret", "reaches outside the model's folder"),
        ("x/../../secret", "reaches outside the model's folder"),
        (secret.to_str().unwrap(), "is named by an absolute path"),
        ("..\\secret", "has a name that isn't portable"),
        ("C:secret", "has a name that isn't portable"),
        ("a\0b", "has a name that isn't portable"),
        ("", "has no name"),
        (".", "is a folder"),
    ];
    fs::create_dir(folder.join("x")).unwrap();
    for (relative, says) in cases {
        let error = Source::open_within(&folder, relative).unwrap_err();
        assert_eq!(error.kind(), Kind::Refused, "{relative}");
        assert!(error.to_string().contains(says), "{relative:?}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn links_are_refused_wherever_they_lead() {
    use std::os::unix::fs::symlink;
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("model");
    fs::create_dir(&folder).unwrap();
    fs::write(outer.path().join("secret"), "secret").unwrap();
    symlink(outer.path().join("secret"), folder.join("link")).unwrap();
    symlink(outer.path(), folder.join("up")).unwrap();
    fs::hard_link(outer.path().join("secret"), folder.join("hard")).unwrap();
    for relative in ["link", "up/secret", "hard"] {
        let error = Source::open_within(&folder, relative).unwrap_err();
        assert!(error.to_string().contains("is or lies behind a link"), "{relative}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_refused_and_not_waited_for() {
    let error = Source::open("/dev/null", &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("is not a regular file"), "{error}");
}

#[test]
fn a_piece_of_a_map_is_found_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "abcdef").unwrap();
    fs::write(folder.path().join("b"), "ghi").unwrap();
    let whole = Source::open(folder.path(), &Limits::default()).unwrap();
    let second = whole.folder().unwrap()[1].bytes();
    let (file, offset) = whole.locate(&second[1..]).unwrap();
    assert_eq!((file.metadata().unwrap().len(), offset), (3, 1));
    assert!(whole.locate(b"ghi").is_none(), "the same bytes elsewhere");
    assert!(Source::from_bytes("a", second.clone()).locate(&second).is_none(), "no file");
}

#[test]
fn a_file_that_was_written_to_meanwhile_is_noticed() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "abc").unwrap();
    let source = Source::open(file.path(), &Limits::default()).unwrap();
    source.check_unchanged().unwrap();
    let past = std::time::SystemTime::UNIX_EPOCH;
    file.as_file().set_modified(past).unwrap();
    let error = source.check_unchanged().unwrap_err();
    assert!(error.to_string().contains("was changed while it was read"), "{error}");
}
