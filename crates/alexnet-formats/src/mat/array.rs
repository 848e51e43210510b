use super::element::{self, Element, INT8, INT32, MATRIX, UINT8, UINT32, UTF8};
use super::header::Order;
use super::inflate::Budget;
use super::number::{self, Class};
use super::text;
use super::value::{Cell, Struct, Value};
use super::within;
use crate::input::Input;
use crate::shown::shown;
use crate::{Error, Result};
use bytes::Bytes;

/// Reads arrays, and counts what they cost.
pub(super) struct Reader<'a> {
    pub order: Order,
    pub budget: Budget<'a>,
    /// Arrays so far, those within cells and structures included.
    pub objects: usize,
}

/// How deep cells and structures may be nested, whatever the limits say: each level is a level of calls here. A network needs
/// five.
const DEPTH: usize = 64;

/// The bit of an array's flags that says that its numbers have an imaginary part.
const COMPLEX: u32 = 0x0800;
/// The bit that says that they are truth values.
const LOGICAL: u32 = 0x0200;

impl Reader<'_> {
    /// The array that an element of type matrix holds, and its name, which is empty within cells and structures.
    pub fn array(&mut self, bytes: Bytes, depth: usize) -> Result<(String, Value)> {
        self.count(1)?;
        // An empty cell or field may be an element without anything in it.
        if bytes.is_empty() {
            let empty = number::column_major(alexnet_spec::DType::F64, vec![0, 0], Bytes::new())?;
            return Ok((String::new(), Value::Numbers(empty)));
        }
        let input = &mut Input::new(bytes);
        let flags = element::next(input, self.order, "an array's flags")?;
        let flags = match (flags.kind, flags.bytes.first_chunk()) {
            (UINT32, Some(word)) => self.order.u32(*word),
            (kind, _) => return Err(Error::malformed(format!("an array's flags in an element of type {kind}"))),
        };
        let class = flags & 0xff;
        if class == 17 {
            let name = self.name(input, "a name")?;
            return Ok((name, self.opaque(input)?));
        }
        let shape = self.shape(input)?;
        let name = self.name(input, "a name")?;
        let value = self.content(input, class, flags, shape, depth);
        match name.is_empty() {
            true => value,
            false => value.map_err(|error| error.at(format!("variable `{}`", shown(name.as_bytes())))),
        }
        .map(|value| (name, value))
    }

    fn content(&mut self, input: &mut Input, class: u32, flags: u32, shape: Vec<usize>, depth: usize) -> Result<Value> {
        let deepest = DEPTH.min(self.budget.limits.depth);
        if matches!(class, 1 | 2) && depth >= deepest {
            return Err(Error::limit("depth", format!("cells and structures nested {depth} deep and more"), deepest));
        }
        match class {
            1 => self.cell(input, &shape, depth),
            2 => self.structure(input, &shape, depth),
            3 => Ok(Value::Other(format!("an object of class `{}`", shown(self.name(input, "a class")?.as_bytes())))),
            4 => self.text(input, &shape),
            5 => Ok(Value::Other("a sparse matrix".into())),
            6..=15 => self.numbers(input, class, flags, shape),
            16 => Ok(Value::Other("a function handle".into())),
            _ => Err(Error::malformed(format!("an array of the unknown class {class}"))),
        }
    }

    fn numbers(&mut self, input: &mut Input, class: u32, flags: u32, shape: Vec<usize>) -> Result<Value> {
        if flags & COMPLEX != 0 {
            return Ok(Value::Other("an array of complex numbers".into()));
        }
        let class = match class {
            _ if flags & LOGICAL != 0 => Class::Logical,
            6 => Class::Double,
            7 => Class::Single,
            8 => Class::Int8,
            9 => Class::UInt8,
            10 => Class::Int16,
            11 => Class::UInt16,
            12 => Class::Int32,
            13 => Class::UInt32,
            14 => Class::Int64,
            _ => Class::UInt64,
        };
        let numbers = self.data(input, &shape)?;
        Ok(Value::Numbers(number::array(class, shape, &numbers, self.order, &mut self.budget)?))
    }

    fn text(&mut self, input: &mut Input, shape: &[usize]) -> Result<Value> {
        let characters = self.data(input, shape)?;
        let (length, limit) = (characters.bytes.len(), self.budget.limits.string_bytes);
        if length > limit {
            return Err(Error::limit("string_bytes", format!("a text of {length} bytes"), limit));
        }
        // Up to a character of four bytes for each of the file's.
        self.budget.spend((length as u64).saturating_mul(4))?;
        self.count(shape.first().copied().filter(|_| length > 0).unwrap_or_default())?;
        Ok(Value::Text(text::rows(shape, &characters, self.order)?))
    }

    /// The numbers or characters of an array, whose element may be missing where there are none.
    fn data(&mut self, input: &mut Input, shape: &[usize]) -> Result<Element> {
        match input.left() == 0 && number::elements(shape)? == 0 {
            true => Ok(Element { kind: UINT8, bytes: Bytes::new() }),
            false => element::next(input, self.order, "an array's content"),
        }
    }

    fn cell(&mut self, input: &mut Input, shape: &[usize], depth: usize) -> Result<Value> {
        let count = self.items(input, number::elements(shape)?, "cells")?;
        let mut items = Vec::with_capacity(count);
        for index in 1..=count {
            items.push(self.nested(input, depth).map_err(|error| within(error, format!("cell {index}")))?);
        }
        Ok(Value::Cell(Cell { items }))
    }

    fn structure(&mut self, input: &mut Input, shape: &[usize], depth: usize) -> Result<Value> {
        let fields = self.fields(input)?;
        let records = number::elements(shape)?;
        let values = records.checked_mul(fields.len()).ok_or_else(|| Error::malformed("too many fields"))?;
        // Structures without fields take no bytes, but they are made here all the same.
        self.count(records)?;
        self.items(input, values, "fields")?;
        let mut array = Struct { records: Vec::with_capacity(records), fields };
        for index in 1..=records {
            let mut record = Vec::with_capacity(array.fields.len());
            for field in &array.fields {
                let place = || match records {
                    1 => format!("field `{}`", shown(field.as_bytes())),
                    _ => format!("field `{}` of structure {index}", shown(field.as_bytes())),
                };
                record.push(self.nested(input, depth).map_err(|error| within(error, place()))?);
            }
            array.records.push(record);
        }
        Ok(Value::Struct(array))
    }

    /// The names of a structure's fields, all of the same length with what they are filled up with.
    fn fields(&mut self, input: &mut Input) -> Result<Vec<String>> {
        let length = element::next(input, self.order, "the length of fields' names")?;
        let length = match (length.kind, length.bytes.first_chunk()) {
            (INT32, Some(word)) => self.order.u32(*word) as usize,
            (kind, _) => return Err(Error::malformed(format!("a length in an element of type {kind}"))),
        };
        let names = element::next(input, self.order, "the fields' names")?;
        let limit = self.budget.limits.name_bytes;
        if length > limit {
            return Err(Error::limit("name_bytes", format!("names of {length} bytes"), limit));
        }
        if names.bytes.is_empty() {
            return Ok(Vec::new());
        }
        if length == 0 || !names.bytes.len().is_multiple_of(length) {
            return Err(Error::malformed(format!("{} bytes of names of {length} each", names.bytes.len())));
        }
        let names: Vec<String> = names.bytes.chunks_exact(length).map(until_zero).collect();
        self.count(names.len())?;
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        match sorted.windows(2).find(|pair| matches!(pair, [a, b] if a == b)) {
            Some(pair) => {
                let name = pair.first().map(|name| shown(name.as_bytes())).unwrap_or_default();
                Err(Error::malformed(format!("a structure has the field `{name}` twice")))
            }
            None => Ok(names),
        }
    }

    fn nested(&mut self, input: &mut Input, depth: usize) -> Result<Value> {
        let element = element::next(input, self.order, "an array")?;
        match element.kind {
            MATRIX => Ok(self.array(element.bytes, depth.saturating_add(1))?.1),
            kind => Err(Error::malformed(format!("an element of type {kind} where an array should be"))),
        }
    }

    /// `count`, where as many elements can still follow.
    fn items(&mut self, input: &Input, count: usize, what: &str) -> Result<usize> {
        match count.checked_mul(element::TAG).is_some_and(|bytes| bytes <= input.left()) {
            true => Ok(count),
            false => Err(Error::malformed(format!("{count} {what}, but {} bytes are left", input.left()))),
        }
    }

    /// An object of MATLAB's class system: the system's name, the class, and a number that only MATLAB understands.
    fn opaque(&mut self, input: &mut Input) -> Result<Value> {
        let system = self.name(input, "a class system")?;
        let class = self.name(input, "a class")?;
        let (system, class) = (shown(system.as_bytes()), shown(class.as_bytes()));
        Ok(Value::Other(match system.as_str() {
            "MCOS" => format!("an object of class `{class}`"),
            _ => format!("an object of class `{class}` of {system}"),
        }))
    }

    fn shape(&mut self, input: &mut Input) -> Result<Vec<usize>> {
        let element = element::next(input, self.order, "an array's dimensions")?;
        if !matches!(element.kind, INT32 | UINT32) || !element.bytes.len().is_multiple_of(4) {
            return Err(Error::malformed(format!("an array's dimensions in an element of type {}", element.kind)));
        }
        let (words, _) = element.bytes.as_chunks::<4>();
        let limit = self.budget.limits.dimensions;
        if words.len() > limit {
            return Err(Error::limit("dimensions", format!("an array of {} dimensions", words.len()), limit));
        }
        let size = |word: &[u8; 4]| match i32::try_from(self.order.u32(*word)) {
            Ok(size) => Ok(size.unsigned_abs() as usize),
            Err(_) => Err(Error::malformed("a negative dimension")),
        };
        let shape: Vec<usize> = words.iter().map(size).collect::<Result<_>>()?;
        match shape.len() {
            0 | 1 => Err(Error::malformed(format!("an array of {} dimensions: each has at least 2", shape.len()))),
            _ => Ok(shape),
        }
    }

    fn name(&mut self, input: &mut Input, what: &str) -> Result<String> {
        let element = element::next(input, self.order, what)?;
        let limit = self.budget.limits.name_bytes;
        if element.bytes.len() > limit {
            return Err(Error::limit("name_bytes", format!("{what} of {} bytes", element.bytes.len()), limit));
        }
        match element.kind {
            INT8 | UINT8 | UTF8 => Ok(until_zero(&element.bytes)),
            kind => Err(Error::malformed(format!("{what} in an element of type {kind}"))),
        }
    }

    fn count(&mut self, objects: usize) -> Result<()> {
        self.objects = self.objects.saturating_add(objects);
        match self.objects > self.budget.limits.objects {
            true => Err(Error::limit("objects", format!("{} arrays", self.objects), self.budget.limits.objects)),
            false => Ok(()),
        }
    }
}

fn until_zero(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}
