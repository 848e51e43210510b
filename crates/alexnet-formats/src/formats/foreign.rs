//! Files that people give to this program and that it doesn't read: what they are, and what to do instead. A row is a way to
//! recognise one, by content alone, and what is said.

use crate::archive::Archive;
use crate::caffe;
use crate::shown::shown;
use crate::{Error, Limits, Source};

/// A file of another program's.
struct Foreign {
    recognises: fn(&[u8]) -> bool,
    what: &'static str,
    remedy: &'static str,
}

const FILES: &[Foreign] = &[
    Foreign { recognises: <[u8]>::is_empty, what: "the file is empty", remedy: "getting it again" },
    Foreign {
        recognises: |bytes| bytes.starts_with(b"version https://git-lfs.github.com/spec/"),
        what: "a Git LFS pointer in place of the file",
        remedy: "git lfs pull where it was cloned",
    },
    Foreign {
        recognises: |bytes| {
            let text = bytes.get(..1024).unwrap_or(bytes).to_ascii_lowercase();
            let text = text.trim_ascii_start();
            [&b"<!doctype"[..], b"<html", b"<head", b"<?xml"].iter().any(|start| text.starts_with(start))
        },
        what: "a web page: the download was a login, an error or a warning",
        remedy: "opening the link in a browser",
    },
    Foreign {
        recognises: |bytes| {
            bytes.starts_with(b"BZh")
                || bytes.starts_with(b"\xfd7zXZ\0")
                || bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        },
        what: "compressed by bzip2, xz or zstd",
        remedy: "decompressing it first",
    },
    Foreign {
        recognises: |bytes| bytes.starts_with(b"7z\xbc\xaf\x27\x1c") || bytes.starts_with(b"Rar!"),
        what: "a 7z or rar archive",
        remedy: "unpacking it first",
    },
    Foreign {
        recognises: |bytes| bytes.get(4..8) == Some(b"PTMF"),
        what: "a mobile PyTorch model (.ptl), whose weights are laid out for its interpreter",
        remedy: "the .pt or .pth file that it was made from",
    },
    Foreign {
        recognises: |bytes| {
            bytes.get(4..6) == Some(b"ET") && bytes.get(6..8).is_some_and(|v| v.iter().all(u8::is_ascii_digit))
        },
        what: "an ExecuTorch program (.pte)",
        remedy: "the checkpoint that it was exported from",
    },
    Foreign {
        recognises: is_pdiparams,
        what: "what seems to be PaddlePaddle's .pdiparams, whose arrays have no names",
        remedy: "paddle.save(model.state_dict(), 'alexnet.pdparams')",
    },
    Foreign {
        recognises: crate::darknet::is_cfg,
        what: "a Darknet .cfg, which lists layers and holds no weights",
        remedy: "giving the .weights, and this file with --cfg",
    },
    Foreign {
        recognises: crate::darknet::Header::is_likely,
        what: "what seems to be Darknet's .weights, in which nothing says where one array ends",
        remedy: "--cfg FILE, with the .cfg that it was trained with",
    },
    Foreign {
        recognises: crate::torch7::is_ascii,
        what: "a .t7 of Torch7's in its ASCII encoding",
        remedy: "torch.save(name, torch.load(name, 'ascii'), 'binary')",
    },
    Foreign {
        recognises: crate::tensorflow::is_state_file,
        what: "TensorFlow's file `checkpoint`, which only names the newest one",
        remedy: "the .index that it names, or the folder",
    },
    Foreign {
        recognises: crate::tensorflow::is_graph,
        what: "a TensorFlow graph (.pb), whose weights, if it is frozen, are constants among its operations",
        remedy: "the checkpoint that it was frozen from, or tf2onnx to make an ONNX model of it",
    },
    Foreign {
        recognises: crate::tensorflow::is_saved_model,
        what: "the graph of a TensorFlow model, without its variables",
        remedy: "the .index beside it, or the folder that it lies in",
    },
    Foreign {
        recognises: caffe::is_prototxt,
        what: "a prototxt: a Caffe net without its weights",
        remedy: "the .caffemodel as the input, with --prototxt and this file",
    },
    Foreign {
        recognises: caffe::is_solver_state,
        what: "the state of a training by Caffe (.solverstate)",
        remedy: "the .caffemodel beside it",
    },
    Foreign {
        recognises: caffe::is_mean,
        what: "a mean image of Caffe's (.binaryproto)",
        remedy: "the .caffemodel as the input, with --mean and this file",
    },
];

/// A kind of zip archive by the name of a member, of which only the end is compared.
const ZIPS: &[(&str, &str, &str)] = &[
    ("models/model.json", "a torch.export archive (.pt2)", "torch.save of exported_program.state_dict"),
    ("serialized_exported_program.json", "a torch.export archive (.pt2)", "torch.save of exported_program.state_dict"),
    ("model.json", "a TorchScript archive of PyTorch 1.0", "loading and saving it with PyTorch 1.4 or later"),
    ("bytecode.pkl", "a mobile PyTorch model (.ptl) without its data", "the .pt file that it was made from"),
    (".mar", "a TorchServe archive", "unpacking it and giving the checkpoint inside"),
];

/// The refusal of a file that no format recognises.
pub(super) fn refuse(source: &Source, limits: &Limits) -> Error {
    if let Some(files) = source.folder() {
        return folder(files);
    }
    let bytes = source.bytes();
    if let Some(foreign) = FILES.iter().find(|foreign| (foreign.recognises)(&bytes)) {
        return Error::refused(format!("not a checkpoint: {}", foreign.what)).with_remedy(foreign.remedy);
    }
    if Archive::recognises(&bytes) {
        return match Archive::open(bytes, limits) {
            Ok(archive) => zip(&archive),
            Err(error) => error,
        };
    }
    if crate::tensorflow::is_data_file(&source.file_name()) {
        return Error::refused("the elements of a TensorFlow checkpoint, without names or shapes")
            .with_remedy("the .index beside it");
    }
    let head = shown(bytes.get(..8).unwrap_or(&bytes));
    Error::refused(format!("of no known format: it begins with `{head}`"))
        .with_remedy("the file with the weights, as the framework saved it; docs/SUPPORTED.md lists the formats")
}

fn folder(files: &[Source]) -> Error {
    let (seen, remedy) = match files {
        [] => ("no files lie right in it".to_owned(), "the folder or the file that holds the weights"),
        [first, ..] => {
            (format!("its first file is `{}`", shown(first.file_name().as_bytes())), "one of the files in it")
        }
    };
    Error::refused(format!("a folder that is no checkpoint of a known kind: {seen}")).with_remedy(remedy)
}

fn zip(archive: &Archive) -> Error {
    let known = ZIPS.iter().find(|(end, _, _)| archive.names().any(|name| name.ends_with(end)));
    match known {
        Some((_, what, remedy)) => Error::refused(format!("not a checkpoint: {what}")).with_remedy(*remedy),
        None => {
            let name = archive.names().next().map(|name| shown(name.as_bytes())).unwrap_or_default();
            Error::refused(format!("a zip without a checkpoint: its first entry is `{name}`"))
                .with_remedy("unpacking it and giving the checkpoint inside")
        }
    }
}

/// PaddlePaddle's `SerializeToStream`: version 0, no levels, version 0, the length of a description that begins with an
/// element type.
fn is_pdiparams(bytes: &[u8]) -> bool {
    bytes.strip_prefix(&[0; 16]).is_some_and(|rest| matches!(rest, [2..=64, 0, 0, 0, 0x08, ..]))
}
