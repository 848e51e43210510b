use super::file::File;
use crate::{Error, Result};
use bytes::Bytes;
use std::collections::HashMap;
use std::rc::Rc;

/// The collections that have been read, by address.
pub(super) type Heaps = HashMap<u64, Rc<HashMap<u16, Bytes>>>;

/// Object `index` of the global heap's collection at `address`.
pub(super) fn object(file: &File, address: u64, index: u32) -> Result<Bytes> {
    let known = file.heaps.borrow().get(&address).cloned();
    let collection = match known {
        Some(collection) => collection,
        None => {
            let place = |error: Error| error.at(format!("global heap at {address:#x}"));
            let collection = Rc::new(collection(file, address).map_err(place)?);
            file.heaps.borrow_mut().insert(address, Rc::clone(&collection));
            collection
        }
    };
    let object = u16::try_from(index).ok().and_then(|index| collection.get(&index).cloned());
    object.ok_or_else(|| Error::malformed(format!("the global heap at {address:#x} has no object {index}")))
}

fn collection(file: &File, address: u64) -> Result<HashMap<u16, Bytes>> {
    let mut fields = file.at(address)?;
    fields.signature(b"GCOL", "global heap")?;
    fields.version(&[1], "global heaps")?;
    fields.skip(3)?;
    let size = fields.length()?;
    let head = fields.position();
    let mut fields = file.fields(file.slice(address, size)?);
    fields.skip(head as u64)?;
    let mut objects = HashMap::new();
    // What is left at the end may be too little for another object's header.
    while fields.left() >= head {
        file.budget().parse(1)?;
        let index = fields.u16()?;
        fields.skip(6)?;
        let size = fields.length()?;
        if index == 0 {
            break;
        }
        let content = fields.take(size, "an object of the global heap")?;
        fields.align(8)?;
        if objects.insert(index, content).is_some() {
            return Err(Error::malformed(format!("object {index} is there twice")));
        }
    }
    Ok(objects)
}
