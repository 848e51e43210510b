use crate::args::convert::Convert;
use crate::console;
use alexnet_formats::{ImportOptions, Limits, Source};
use anyhow::Result;
use std::path::Path;

/// Prints what is in a file and what it would become.
pub(super) fn inspect(input: &Path, args: &Convert) -> Result<()> {
    let limits = Limits::default();
    let source = Source::open(input, &limits)?;
    let checkpoint = alexnet_formats::open(&source, &limits)?;
    let options =
        ImportOptions { network: args.common.network()?, key: args.common.key.clone(), ..ImportOptions::default() };
    let inspection = alexnet_formats::inspect(&checkpoint, &options);
    if args.common.json { console::print_json(&inspection) } else { Ok(console::print(inspection)) }
}
