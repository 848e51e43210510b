use super::table::{ROWS, Row};
use crate::console;
use anyhow::Result;
use std::fmt::Write;

/// Prints the table of defaults: for people, or as JSON (`alexnet-tolerances/1`).
pub fn list(json: bool) -> Result<()> {
    if json {
        #[derive(serde::Serialize)]
        struct Tolerances {
            schema: &'static str,
            tolerances: &'static [Row],
        }
        return console::print_json(&Tolerances { schema: "alexnet-tolerances/1", tolerances: &ROWS });
    }
    console::print(text().trim_end())?;
    Ok(())
}

fn text() -> String {
    let mut out = String::from(
        "|a - b| <= atol + rtol * max|reference|, by the coarser side; the first row that holds is taken.\n\n\
         precision     device  sums              atol     rtol  why\n",
    );
    for row in &ROWS {
        let device = row.device.map_or_else(|| "any".to_owned(), |device| device.to_string());
        let sums = match (row.reorders_sums, row.layer) {
            (true, Some(_)) => "sliding LRN",
            (true, None) => "reordered",
            _ if row.alone => "layer alone",
            _ => "any",
        };
        let precision = row.precision.to_string();
        let _ = writeln!(
            out,
            "{precision:<13} {device:<7} {sums:<13} {:>8.0e} {:>8.0e}  {}",
            row.atol, row.rtol, row.reason
        );
    }
    out
}
