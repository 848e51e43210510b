use super::datatype::{Class, Datatype};
use super::file::File;
use super::global_heap;
use crate::{Error, Result};
use alexnet_spec::{DType, Tensor};
use bytes::Bytes;

/// The elements of an attribute or dataset, and what they are.
#[derive(Clone, Debug)]
pub(crate) struct Data<'f> {
    pub(super) file: &'f File,
    pub(super) datatype: Datatype,
    pub(super) shape: Vec<usize>,
    /// As they are stored, in row-major order.
    pub(super) bytes: Bytes,
}

impl Data<'_> {
    /// The dimensions; `[]` for a single element.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The numbers as a tensor: a view of the file, where they weren't compressed, chunked or big-endian.
    ///
    /// Errs on texts and references, and on unsigned integers above a byte, which no tensor holds: see
    /// [`Data::integers`].
    pub fn tensor(&self) -> Result<Tensor> {
        let dtype = match (&self.datatype.class, self.datatype.size) {
            (Class::Float(dtype), _) => *dtype,
            (Class::Bool, 1) => DType::Bool,
            (Class::Integer { signed: true }, 1) => DType::I8,
            (Class::Integer { signed: true }, 2) => DType::I16,
            (Class::Integer { signed: true }, 4) => DType::I32,
            (Class::Integer { signed: true }, 8) => DType::I64,
            (Class::Integer { signed: false }, 1) => DType::U8,
            _ => return Err(self.refuse("a tensor")),
        };
        let mut bytes = self.bytes.clone();
        if self.datatype.big_endian && self.datatype.size > 1 {
            self.file.budget().decode(bytes.len() as u64)?;
            let mut turned = bytes.to_vec();
            turned.chunks_exact_mut(self.datatype.size).for_each(<[u8]>::reverse);
            bytes = turned.into();
        }
        Ok(Tensor::new(dtype, self.shape.clone(), bytes)?)
    }

    /// The texts: of fixed size without their padding, of varying size as the global heap holds them. Usually UTF-8.
    pub fn texts(&self) -> Result<Vec<Bytes>> {
        match self.datatype.class {
            Class::Text => Ok(self.elements().map(|text| unpadded(&text)).collect()),
            Class::VariableText => self.elements().map(|element| self.variable_text(element)).collect(),
            _ => Err(self.refuse("a text")),
        }
    }

    /// The only text of an attribute or dataset that should have one.
    pub fn text(&self) -> Result<String> {
        match self.texts()?.as_slice() {
            [text] => match std::str::from_utf8(text) {
                Ok(text) => Ok(text.to_owned()),
                Err(error) => {
                    Err(Error::malformed(format!("a text isn't UTF-8 from its byte {} on", error.valid_up_to())))
                }
            },
            texts => Err(Error::malformed(format!("{} texts where one should be", texts.len()))),
        }
    }

    /// The integers, whatever their size: MATLAB's characters and dimensions among them.
    ///
    /// Errs where one is beyond `i64`.
    pub fn integers(&self) -> Result<Vec<i64>> {
        let signed = match self.datatype.class {
            Class::Integer { signed } => signed,
            Class::Bool => false,
            _ => return Err(self.refuse("an integer")),
        };
        let mut numbers = Vec::with_capacity(self.bytes.len().checked_div(self.datatype.size).unwrap_or_default());
        for element in self.bytes.chunks_exact(self.datatype.size) {
            let fold = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
            let number = match self.datatype.big_endian {
                true => element.iter().fold(0, fold),
                false => element.iter().rev().fold(0, fold),
            };
            let unused = 64u32.saturating_sub((element.len() as u32).saturating_mul(8));
            numbers.push(match signed {
                true => ((number << unused) as i64) >> unused,
                false => {
                    i64::try_from(number).map_err(|_| Error::malformed(format!("the integer {number} is too large")))?
                }
            });
        }
        Ok(numbers)
    }

    /// The addresses of the objects that object references lead to; `None` is a reference to nothing.
    pub fn references(&self) -> Result<Vec<Option<u64>>> {
        match self.datatype.class {
            Class::Reference => self
                .elements()
                .map(|element| Ok(self.file.fields(element).address()?.filter(|address| *address != 0)))
                .collect(),
            _ => Err(self.refuse("an object reference")),
        }
    }

    fn elements(&self) -> impl Iterator<Item = Bytes> {
        let size = self.datatype.size;
        self.bytes.chunks_exact(size).map(|element| self.bytes.slice_ref(element))
    }

    fn variable_text(&self, element: Bytes) -> Result<Bytes> {
        let mut fields = self.file.fields(element);
        let length = fields.u32()?;
        let (address, index) = (fields.address()?, fields.u32()?);
        if length == 0 {
            return Ok(Bytes::new());
        }
        let address =
            address.filter(|address| *address != 0).ok_or_else(|| Error::malformed("a text without place"))?;
        let object = global_heap::object(self.file, address, index)?;
        match usize::try_from(length).ok().filter(|length| *length <= object.len()) {
            Some(length) => {
                // Many texts may be the same bytes of the heap, and each of them will be looked at.
                self.file.budget().decode(length as u64)?;
                let text = object.slice(..length);
                Ok(text.strip_suffix(&[0]).map_or(text.clone(), |text_only| text.slice_ref(text_only)))
            }
            None => Err(Error::malformed(format!("a text of {length} bytes in {} of the global heap", object.len()))),
        }
    }

    fn refuse(&self, wanted: &str) -> Error {
        let kind = match self.datatype.class {
            Class::Integer { signed: true } => "signed integers",
            Class::Integer { signed: false } => "unsigned integers",
            Class::Float(_) => "floating point numbers",
            Class::Bool => "booleans",
            Class::Text | Class::VariableText => "texts",
            Class::Reference => "object references",
            Class::Other(what) => what,
        };
        Error::refused(format!("{kind} of {} bytes where {wanted} should be", self.datatype.size))
    }
}

/// A text up to its first zero.
fn unpadded(text: &Bytes) -> Bytes {
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    text.slice(..end)
}
