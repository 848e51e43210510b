use super::options::Options;
use crate::mat::Value;
use alexnet_spec::Labels;
use alexnet_spec::labels::imagenet;

/// The names in `classes`: `name`, WordNet ids for ImageNet's, and `description`, words.
pub(super) fn read(classes: Options, outputs: Option<usize>, notes: &mut Vec<String>) -> Option<Labels> {
    let names = texts(classes.get("name")).unwrap_or_default();
    let words = texts(classes.get("description")).filter(|words| words.len() == names.len() || names.is_empty());
    let count = words.as_ref().map_or(names.len(), Vec::len);
    if count == 0 {
        return None;
    }
    if outputs.is_some_and(|outputs| outputs != count) {
        notes.push(format!("the file names {count} classes, but the network has another number: they are left out"));
        return None;
    }
    // The ids tell the order for sure, whatever the words are.
    let table = imagenet();
    if names.len() == table.len() {
        if names.iter().zip(table).all(|(name, synset)| *name == synset.wnid) {
            return Some(Labels::Wnid);
        }
        let mut devkit: Vec<_> = table.iter().collect();
        devkit.sort_by_key(|synset| synset.devkit_id);
        if names.iter().zip(devkit).all(|(name, synset)| *name == synset.wnid) {
            return Some(Labels::Devkit);
        }
    }
    Some(Labels::Names(words.unwrap_or(names)))
}

fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    let texts: Vec<String> = match value? {
        Value::Cell(cell) => cell.items.iter().map(|item| item.text().map(str::to_owned)).collect::<Option<_>>()?,
        Value::Text(rows) => rows.iter().map(|row| row.trim_end().to_owned()).collect(),
        _ => return None,
    };
    Some(texts).filter(|texts| !texts.is_empty())
}
