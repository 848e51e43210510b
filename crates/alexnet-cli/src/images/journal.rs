//! What is done of a run over many images, so that the run goes on after it was stopped.
//!
//! The first line says what is compared with what, over which images. Every other line is one batch: it is there whole or, as
//! the last one of a run that was killed, in part, and then it is dropped. A batch is always made of the same images, so that
//! it gives the same results to the bit whenever it runs. The last line of a batch counts.

use super::record::Record;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{File, TryLockError};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A journal, open for more batches.
pub struct Journal {
    path: PathBuf,
    file: File,
}

#[derive(Serialize, Deserialize)]
struct Line {
    batch: usize,
    images: Vec<Record>,
}

/// What the first line begins with.
const MARK: &str = "{\"journal\":\"alexnet-verify-images/1\"";

/// The last line of each batch that is done.
type Done = Vec<Option<u64>>;

impl Journal {
    /// Opens a journal, or begins one; `run` says what is compared. `batches` is how many there are; `stands` tells
    /// whether the records of a batch are still good, and `each` gets those that are. Returns which batches are done.
    ///
    /// Errs where the file is no journal, the journal of another run, damaged, or in use.
    pub fn open(
        path: &Path,
        run: &Value,
        batches: usize,
        stands: impl Fn(usize, &[Record]) -> bool,
        mut each: impl FnMut(Record),
    ) -> Result<(Journal, Vec<bool>)> {
        let place = || format!("--journal {}", path.display());
        let file = File::options().read(true).append(true).create(true).open(path).with_context(place)?;
        ensure!(file.metadata()?.is_file(), "{}: it is not a file", place());
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => bail!("{}: another run is writing it", place()),
            // A file system without locks.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let mut journal = Journal { path: path.to_owned(), file };
        let first = format!("{MARK},\"run\":{run}}}");
        let done = journal.check(&first, run, batches, stands).with_context(place)?;
        journal.replay(&done, &mut each).with_context(place)?;
        Ok((journal, done.iter().map(Option::is_some).collect()))
    }

    /// Adds a batch.
    pub fn append(&mut self, batch: usize, images: Vec<Record>) -> Result<()> {
        self.write(&serde_json::to_string(&Line { batch, images })?)
    }

    /// Flushes everything to the disk.
    pub fn sync(&mut self) -> Result<()> {
        self.file.sync_all().with_context(|| format!("--journal {}", self.path.display()))
    }

    /// In one piece: what a kill leaves is a whole line or the beginning of one.
    fn write(&mut self, line: &str) -> Result<()> {
        let written = self.file.write_all(format!("{line}\n").as_bytes());
        written.with_context(|| format!("--journal {}: can't be written", self.path.display()))
    }

    /// Finds the last good line of every batch, and cuts off one that was half written.
    fn check(
        &mut self,
        first: &str,
        run: &Value,
        batches: usize,
        stands: impl Fn(usize, &[Record]) -> bool,
    ) -> Result<Done> {
        let mut done: Done = vec![None; batches];
        let (mut whole, mut number) = (0, 0);
        let mut lines = Lines::new(&mut self.file)?;
        while let Some(line) = lines.next()? {
            let Some(text) = line.strip_suffix(b"\n") else {
                // Not a byte of a file that isn't ours is touched.
                ensure!(number > 0 || first.as_bytes().starts_with(&line), NOT_A_JOURNAL);
                break;
            };
            if number == 0 {
                same_run(text, run)?;
            } else {
                let parsed: Line = serde_json::from_slice(text)
                    .with_context(|| format!("line {} is damaged; delete the file to begin again", number + 1))?;
                let slot = done.get_mut(parsed.batch).with_context(|| format!("line {}: no such batch", number + 1))?;
                *slot = stands(parsed.batch, &parsed.images).then_some(number);
            }
            number += 1;
            whole += line.len() as u64;
        }
        self.file.set_len(whole)?;
        if number == 0 {
            self.write(first)?;
        }
        Ok(done)
    }

    fn replay(&mut self, done: &Done, each: &mut impl FnMut(Record)) -> Result<()> {
        let mut lines = Lines::new(&mut self.file)?;
        let mut number = 0;
        while let Some(line) = lines.next()? {
            if number > 0 {
                let parsed: Line = serde_json::from_slice(&line)?;
                if done.get(parsed.batch) == Some(&Some(number)) {
                    parsed.images.into_iter().for_each(&mut *each);
                }
            }
            number += 1;
        }
        Ok(())
    }
}

const NOT_A_JOURNAL: &str = "it is no journal of alexnet-verify; name a new file";

/// Errs, with what is different, where the first line is not that of `run`.
fn same_run(line: &[u8], run: &Value) -> Result<()> {
    ensure!(line.starts_with(MARK.as_bytes()), NOT_A_JOURNAL);
    let line: Value = serde_json::from_slice(line).context("its first line is damaged")?;
    // Read as the other was: serde_json's numbers may come back with an error in the last place.
    let run: Value = serde_json::from_str(&run.to_string())?;
    let (Some(old), Some(new)) = (line.get("run").and_then(Value::as_object), run.as_object()) else {
        bail!(NOT_A_JOURNAL);
    };
    for key in new.keys().chain(old.keys()) {
        let of = |map: &serde_json::Map<String, Value>| map.get(key).map_or("nothing".into(), Value::to_string);
        ensure!(
            old.get(key) == new.get(key),
            "it belongs to another run: `{key}` is {} there and {} here; name a new file, or delete this one",
            of(old),
            of(new)
        );
    }
    Ok(())
}

/// The lines of a file from its beginning, each with its end.
struct Lines<'a>(BufReader<&'a mut File>);

impl Lines<'_> {
    fn new(file: &mut File) -> Result<Lines<'_>> {
        file.seek(SeekFrom::Start(0))?;
        Ok(Lines(BufReader::new(file)))
    }

    fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line)?;
        Ok(Some(line).filter(|line| !line.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{Outcome, State};
    use super::*;
    use serde_json::json;
    use std::fs;

    fn records(batch: usize, bytes: u64) -> Vec<Record> {
        let record = |index| Record {
            index,
            path: format!("{index}.png"),
            state: State { bytes, modified: 1 },
            outcome: Outcome::Unverified("why".into()),
        };
        (2 * batch..2 * batch + 2).map(record).collect()
    }

    /// Opens a journal of three batches; what it holds already, by index.
    fn open(path: &Path, run: &Value, stale: Option<usize>) -> Result<(Journal, Vec<bool>, Vec<usize>)> {
        let mut seen = Vec::new();
        let stands = |batch, _: &[Record]| stale != Some(batch);
        let (journal, done) = Journal::open(path, run, 3, stands, |record| seen.push(record.index))?;
        Ok((journal, done, seen))
    }

    /// Numbers among them that serde_json prints one way and reads another.
    #[test]
    fn the_same_run_is_the_same_whatever_its_tolerance() {
        let folder = tempfile::tempdir().unwrap();
        for (index, seed) in (1..400u32).map(|seed| f64::from(seed.wrapping_mul(2_654_435_761))).enumerate() {
            let path = folder.path().join(index.to_string());
            let run = json!({"rtol": seed * 1e-13 / 3.0});
            open(&path, &run, None).unwrap();
            open(&path, &run, None).unwrap_or_else(|error| panic!("{run}: {error:#}"));
        }
    }

    #[test]
    fn what_was_appended_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let run = json!({"a": 1});
        let (mut journal, done, _) = open(&path, &run, None).unwrap();
        assert_eq!(done, [false; 3]);
        journal.append(2, records(2, 0)).unwrap();
        journal.append(0, records(0, 0)).unwrap();
        drop(journal);
        let (_, done, seen) = open(&path, &run, None).unwrap();
        assert_eq!((done, seen), (vec![true, false, true], vec![4, 5, 0, 1]));
    }

    /// Cut at every byte, the journal holds the batches whose lines are whole, and takes more.
    #[test]
    fn a_line_that_was_half_written_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let run = json!({"a": 1});
        let (mut journal, ..) = open(&path, &run, None).unwrap();
        (0..2).for_each(|batch| journal.append(batch, records(batch, 0)).unwrap());
        drop(journal);
        let whole = fs::read(&path).unwrap();
        for length in 0..=whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let lines = whole[..length].iter().filter(|byte| **byte == b'\n').count();
            let (mut journal, done, _) = open(&path, &run, None).unwrap_or_else(|e| panic!("{length}: {e:#}"));
            assert_eq!(done, [lines > 1, lines > 2, false], "{length} bytes");
            journal.append(2, records(2, 0)).unwrap();
            drop(journal);
            assert!(open(&path, &run, None).unwrap().1[2], "{length} bytes");
        }
    }

    #[test]
    fn a_batch_that_changed_is_done_again_and_its_last_line_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let run = json!({"a": 1});
        let (mut journal, ..) = open(&path, &run, None).unwrap();
        (0..2).for_each(|batch| journal.append(batch, records(batch, 0)).unwrap());
        drop(journal);
        let (mut journal, done, seen) = open(&path, &run, Some(0)).unwrap();
        assert_eq!((done, seen), (vec![false, true, false], vec![2, 3]));
        journal.append(0, records(0, 9)).unwrap();
        drop(journal);
        let fresh = |_, records: &[Record]| records.iter().all(|r| r.index > 1 || r.state.bytes == 9);
        let mut seen = Vec::new();
        Journal::open(&path, &run, 3, fresh, |record| seen.push((record.index, record.state.bytes))).unwrap();
        assert_eq!(seen, [(2, 0), (3, 0), (0, 9), (1, 9)]);
    }

    #[test]
    fn the_journal_of_another_run_is_refused_with_both() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        open(&path, &json!({"b": "one.onnx"}), None).unwrap();
        let error = format!("{:#}", open(&path, &json!({"b": "two.onnx"}), None).err().unwrap());
        assert!(error.contains("one.onnx") && error.contains("two.onnx"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_journal_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photo.jpg");
        for content in ["no journal", "no journal\n", "{\"journal\":\"other\"}\n"] {
            fs::write(&path, content).unwrap();
            assert!(format!("{:#}", open(&path, &json!({}), None).err().unwrap()).contains("no journal"));
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_line_that_is_damaged_in_the_middle_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let (mut journal, ..) = open(&path, &json!({}), None).unwrap();
        journal.append(0, records(0, 0)).unwrap();
        drop(journal);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"batch\":0", "\"batch\"=0")).unwrap();
        assert!(format!("{:#}", open(&path, &json!({}), None).err().unwrap()).contains("line 2 is damaged"));
    }

    #[test]
    fn two_runs_do_not_share_a_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let first = open(&path, &json!({}), None).unwrap();
        assert!(open(&path, &json!({}), None).err().unwrap().to_string().contains("another run"));
        drop(first);
        open(&path, &json!({}), None).unwrap();
    }
}
