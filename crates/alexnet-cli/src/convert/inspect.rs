use crate::args::convert::Convert;
use crate::{checkpoint, console};
use alexnet_formats::{ImportOptions, Inspection, Limits, Published};
use anyhow::Result;
use serde::Serialize;
use std::path::Path;

/// The JSON of `--inspect`: fields are added, not renamed, within a version.
#[derive(Serialize)]
struct Report {
    schema: &'static str,
    path: String,
    bytes: u64,
    #[serde(flatten)]
    inspection: Inspection,
}

/// Prints what is in a file and what it would become.
pub(super) fn inspect(input: &Path, args: &Convert) -> Result<()> {
    let limits = Limits::default();
    let source = checkpoint::open(input, &args.common, &limits)?;
    let published = Published::recognise(&source).cloned();
    let options = ImportOptions { published, ..checkpoint::options(&args.common, &limits)? };
    let opened = alexnet_formats::open(&source, &limits)?;
    checkpoint::check_companions(&source, &opened)?;
    let inspection = alexnet_formats::inspect(&opened, &options);
    if args.common.json {
        let (path, bytes) = (source.path().display().to_string(), source.size());
        console::print_json(&Report { schema: "alexnet-inspect/1", path, bytes, inspection })
    } else {
        console::print(inspection.to_string().trim_end())?;
        Ok(())
    }
}
