use super::attribute;
use super::chunks::{self, Chunked};
use super::data::Data;
use super::dataspace;
use super::datatype;
use super::file::File;
use super::filters;
use super::header::{self, Message, kind};
use super::layout::{self, Layout};
use super::link::{self, Link};
use super::symbol_table;
use crate::shown::shown;
use crate::{Error, Result};
use bytes::Bytes;
use std::collections::HashSet;

/// A group or a dataset.
#[derive(Clone, Debug)]
pub(crate) struct Object<'f> {
    file: &'f File,
    address: u64,
    messages: Vec<Message>,
}

impl<'f> Object<'f> {
    pub(super) fn read(file: &'f File, address: u64) -> Result<Object<'f>> {
        Ok(Object { file, address, messages: header::read(file, address)? })
    }

    /// Where it lies; two links with the same address lead to the same object.
    #[cfg(test)]
    pub fn address(&self) -> u64 {
        self.address
    }

    /// Whether it holds elements. What holds none is a group, or a datatype with a name.
    pub fn is_dataset(&self) -> bool {
        self.message(kind::LAYOUT).is_some()
    }

    /// The links of a group, by name in the file's own order: alphabetical in old groups.
    pub fn links(&self) -> Result<Vec<(String, Link)>> {
        let mut links = Vec::new();
        for message in &self.messages {
            match message.kind {
                kind::SYMBOL_TABLE => links.extend(symbol_table::links(self.file, message.body.clone())?),
                kind::LINK => links.push(link::message(self.file, message.body.clone())?),
                kind::LINK_INFO => self.check_sparse(&message.body, "links", 8)?,
                _ => {}
            }
        }
        let mut names = HashSet::new();
        match links.iter().find(|(name, _)| !names.insert(name.as_str())) {
            Some((twice, _)) => Err(Error::malformed(format!("a group has `{}` twice", twice.escape_debug()))),
            None => Ok(links),
        }
    }

    /// The object that a path of names leads to from here, through hard links; `None` where there is none.
    pub fn get(&self, path: &str) -> Result<Option<Object<'f>>> {
        let mut object = self.clone();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let link = object.links()?.into_iter().find(|(name, _)| name == part);
            object = match link {
                Some((_, Link::Object(address))) => self.file.object(address)?,
                Some(_) => {
                    return Err(Error::refused(format!("`{}` is a soft or external link", path.escape_debug()))
                        .with_remedy("copying the file with the links expanded: h5copy -f expand"));
                }
                None => return Ok(None),
            };
        }
        Ok(Some(object))
    }

    /// Every dataset below this group by its path from here, without a slash in front. A group that can be reached on several
    /// ways is visited once; soft and external links are left alone.
    pub fn datasets(&self) -> Result<Vec<(String, Object<'f>)>> {
        let limit = self.file.budget().limits().name_bytes;
        let mut found = Vec::new();
        let mut seen = HashSet::from([self.address]);
        let mut open = vec![(String::new(), self.clone())];
        while let Some((path, object)) = open.pop() {
            if object.is_dataset() {
                found.push((path, object));
                continue;
            }
            let mut below = Vec::new();
            for (name, link) in object.links()? {
                let Link::Object(address) = link else { continue };
                let path = if path.is_empty() { name } else { format!("{path}/{name}") };
                if path.len() > limit {
                    return Err(Error::limit("name_bytes", format!("a path of {} bytes", path.len()), limit));
                }
                let object =
                    self.file.object(address).map_err(|error| error.at(format!("`{}`", shown(path.as_bytes()))))?;
                if object.is_dataset() || seen.insert(address) {
                    below.push((path, object));
                }
            }
            open.extend(below.into_iter().rev());
        }
        Ok(found)
    }

    /// What the attribute `name` holds; `None` where there is none or it is empty.
    pub fn attribute(&self, name: &str) -> Result<Option<Data<'f>>> {
        for attribute in self.raw_attributes()? {
            if attribute.name == name.as_bytes() {
                return attribute
                    .data(self.file)
                    .map_err(|error| error.at(format!("attribute `{}`", shown(name.as_bytes()))));
            }
        }
        Ok(None)
    }

    fn raw_attributes(&self) -> Result<Vec<attribute::Attribute>> {
        let mut attributes = Vec::new();
        for message in &self.messages {
            match message.kind {
                kind::ATTRIBUTE if message.shared => {
                    return Err(Error::refused("an attribute that objects share isn't read").with_remedy(super::REPACK));
                }
                kind::ATTRIBUTE => attributes.push(attribute::read(self.file, message.body.clone())?),
                kind::ATTRIBUTE_INFO => self.check_sparse(&message.body, "attributes", 2)?,
                _ => {}
            }
        }
        Ok(attributes)
    }

    /// Refuses links and attributes in a heap of their own, where an info message says that they lie there.
    fn check_sparse(&self, info: &Bytes, what: &str, order: u64) -> Result<()> {
        let mut fields = self.file.fields(info.clone());
        fields.version(&[0], "groups and attributes in heaps")?;
        let flags = fields.u8()?;
        fields.skip(if flags & 1 != 0 { order } else { 0 })?;
        match fields.address()? {
            None => Ok(()),
            Some(_) => {
                Err(Error::refused(format!("an object has so many {what} that they lie in a heap of their own"))
                    .with_remedy(super::REPACK))
            }
        }
    }

    /// The dimensions of a dataset; `[]` for a single element, `None` for a dataset that can hold none.
    pub fn shape(&self) -> Result<Option<Vec<usize>>> {
        dataspace::read(self.file, self.required(kind::DATASPACE, "dataspace")?.body.clone())
    }

    /// The elements of a dataset: a view of the file where they are contiguous, decoded where they come in chunks.
    ///
    /// Errs where they were never written, are compressed in a way that isn't known, or exceed the limits once they are
    /// decompressed.
    pub fn data(&self) -> Result<Data<'f>> {
        let datatype = datatype::of(self.file, self.required(kind::DATATYPE, "datatype")?)?;
        let shape = self.shape()?.unwrap_or_else(|| vec![0]);
        if self.message(kind::EXTERNAL_FILES).is_some() {
            return Err(Error::refused("the elements lie in another file").with_remedy("h5repack IN OUT"));
        }
        let needed = chunks::bytes(&shape, datatype.size)?;
        let filters = match self.message(kind::FILTERS) {
            Some(message) => filters::read(self.file, message.body.clone())?,
            None => Vec::new(),
        };
        let bytes = match layout::read(self.file, self.required(kind::LAYOUT, "layout")?.body.clone())? {
            Layout::Compact(bytes) => bytes,
            Layout::Contiguous { address: Some(address), size } => self.file.slice(address, size)?,
            Layout::Contiguous { address: None, .. } if needed == 0 => Bytes::new(),
            Layout::Contiguous { address: None, .. } => return Err(Error::refused("the dataset was never written")),
            Layout::Chunked { shape: chunk, index } => {
                Chunked { file: self.file, shape: &shape, chunk: &chunk, element: datatype.size, filters: &filters }
                    .read(&index)?
            }
        };
        match bytes.len() == needed {
            true => Ok(Data { file: self.file, datatype, shape, bytes }),
            false => Err(Error::malformed(format!(
                "shape {shape:?} of elements of {} bytes needs {needed} bytes, but there are {}",
                datatype.size,
                bytes.len()
            ))),
        }
    }

    fn message(&self, kind: u16) -> Option<&Message> {
        self.messages.iter().find(|message| message.kind == kind)
    }

    fn required(&self, kind: u16, what: &str) -> Result<&Message> {
        self.message(kind).ok_or_else(|| Error::malformed(format!("a dataset without a {what}")))
    }
}
