use super::entry::{Entry, Header};
use super::{checksum, element, names, table};
use crate::shown::shown;
use crate::{Error, Group, Limits, Result, Source, Unreadable};
use alexnet_spec::Tensor;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// The variables of a checkpoint, views of its data files; what only training needs is a group of its own.
///
/// Errs where the index is no checkpoint's or contradicts itself or the files beside it, and where an element is damaged.
pub(crate) fn read(index: &Source, limits: &Limits) -> Result<Vec<Group>> {
    let (header, entries) = parse(&index.bytes(), limits)?;
    let mut data = Data { index, prefix: names::prefix(index)?, count: header.shards, files: BTreeMap::new() };
    let known: BTreeSet<&str> = entries.iter().map(|(key, _)| names::plain(key)).collect();
    let mut groups = [Group::default(), Group { key: "optimizer".to_owned(), ..Group::default() }];
    for (key, entry) in &entries {
        let name = names::plain(key).to_owned();
        let place = |error: Error| error.at(format!("variable `{}`", shown(key.as_bytes())));
        let is_state = names::is_training_state(&name, |name| known.contains(name));
        let [weights, state] = &mut groups;
        let group = if is_state { state } else { weights };
        match element::dtype(entry.element) {
            _ if entry.slices > 0 => group.unreadable.push(Unreadable {
                name,
                reason: format!("is partitioned into {} slices; save it without a partitioner", entry.slices),
            }),
            Err(reason) => group.unreadable.push(Unreadable { name, reason }),
            Ok(dtype) => {
                let bytes = data.slice(entry, limits).map_err(place)?;
                let size = |size: &u64| usize::try_from(*size).map_err(|_| Error::malformed("a size overflows"));
                let shape = entry.shape.iter().map(size).collect::<Result<Vec<usize>>>().map_err(place)?;
                let tensor = Tensor::new(dtype, shape, bytes).map_err(|error| place(error.into()))?;
                group.tensors.push((name, tensor));
            }
        }
    }
    let [weights, state] = groups;
    let holds = |group: &Group| !group.tensors.is_empty() || !group.unreadable.is_empty();
    Ok(if holds(&state) { vec![weights, state] } else { vec![weights] })
}

/// The index: the header, and each variable by its key.
fn parse(index: &Bytes, limits: &Limits) -> Result<(Header, Vec<(String, Entry)>)> {
    let mut header: Option<Header> = None;
    let mut entries: Vec<(String, Entry)> = Vec::new();
    table::entries(index, limits, &mut |key, value| {
        match (key, &header) {
            ([], _) => {
                // In version 1 the same key has a list of the variables, whose field 1 is a message.
                if value.first() == Some(&0x0a) {
                    return Err(Error::refused("is a TensorFlow checkpoint of version 1").with_remedy(
                        "tf.compat.v1.train.Saver(write_version=2), or the files .index and .data of a newer one",
                    ));
                }
                header = Some(Header::read(value).map_err(|error| error.at("header"))?);
            }
            (_, None) => {
                return Err(Error::refused(format!(
                    "a LevelDB table, but no TensorFlow checkpoint: its first key is `{}`",
                    shown(key)
                )));
            }
            // The slices of partitioned variables, whose names are no text.
            ([0, ..], Some(_)) => {}
            (key, Some(_)) => {
                let place = |error: Error| error.at(format!("variable `{}`", shown(key)));
                let name =
                    std::str::from_utf8(key).map_err(|_| place(Error::malformed("has a name that is no UTF-8")))?;
                if entries.len() >= limits.tensors {
                    return Err(Error::limit("tensors", "an index of more variables", limits.tensors));
                }
                entries.push((name.to_owned(), Entry::read(value, limits).map_err(place)?));
            }
        }
        Ok(())
    })?;
    let header =
        header.ok_or_else(|| Error::refused("a LevelDB table without entries, and no TensorFlow checkpoint"))?;
    Ok((header, entries))
}

/// The files that the elements lie in, opened when they are needed.
struct Data<'a> {
    index: &'a Source,
    prefix: String,
    count: u64,
    files: BTreeMap<u64, Shard>,
}

struct Shard {
    bytes: Bytes,
    /// How many have been taken. What lies twice would be checked twice: a small index could ask for any amount of it.
    taken: u64,
}

impl Data<'_> {
    /// A variable's elements, checked against their checksum.
    fn slice(&mut self, entry: &Entry, limits: &Limits) -> Result<Bytes> {
        let (number, count) = (entry.shard, self.count);
        if number >= count {
            return Err(Error::malformed(format!("lies in data file {number} of {count}")));
        }
        let name = names::shard(&self.prefix, number, count);
        if !self.files.contains_key(&number) {
            let source = self.index.sibling(&name, limits);
            let source =
                source.map_err(|error| error.with_remedy(format!("getting `{name}`, where the variables are")))?;
            self.files.insert(number, Shard { bytes: source.bytes(), taken: 0 });
        }
        let Some(shard) = self.files.get_mut(&number) else { return Err(Error::malformed("lies in no file")) };
        let total = shard.bytes.len() as u64;
        let end = entry.offset.checked_add(entry.length).filter(|end| *end <= total);
        shard.taken = shard.taken.saturating_add(entry.length);
        if shard.taken > total {
            return Err(Error::malformed(format!("lies where others do: `{name}` has {total} bytes, not more"))
                .with_remedy("getting the .index again: it is damaged"));
        }
        let range = end.and_then(|end| Some(usize::try_from(entry.offset).ok()?..usize::try_from(end).ok()?));
        let range = range.ok_or_else(|| {
            Error::malformed(format!(
                "has {} bytes from byte {} on, but `{name}` has {total} bytes",
                entry.length, entry.offset
            ))
            .with_remedy("getting both files again: they don't belong together, or one is cut off")
        })?;
        let bytes = shard.bytes.slice(range);
        checksum::check(&[&bytes], entry.crc).map_err(|error| error.in_file(name))?;
        Ok(bytes)
    }
}
