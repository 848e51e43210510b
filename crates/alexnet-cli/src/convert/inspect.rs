use crate::args::convert::Convert;
use crate::console;
use alexnet_formats::{ImportOptions, Inspection, Limits, Source};
use anyhow::Result;
use serde::Serialize;
use std::path::Path;

/// The JSON of `--inspect`: fields are added, not renamed, within a version.
#[derive(Serialize)]
struct Report {
    schema: &'static str,
    path: String,
    bytes: usize,
    #[serde(flatten)]
    inspection: Inspection,
}

/// Prints what is in a file and what it would become.
pub(super) fn inspect(input: &Path, args: &Convert) -> Result<()> {
    let limits = Limits::default();
    let source = Source::open(input, &limits)?;
    let checkpoint = alexnet_formats::open(&source, &limits)?;
    let options =
        ImportOptions { network: args.common.network()?, key: args.common.key.clone(), ..ImportOptions::default() };
    let inspection = alexnet_formats::inspect(&checkpoint, &options);
    if args.common.json {
        let (path, bytes) = (source.path().display().to_string(), source.bytes().len());
        console::print_json(&Report { schema: "alexnet-inspect/1", path, bytes, inspection })
    } else {
        console::print(inspection.to_string().trim_end());
        Ok(())
    }
}
