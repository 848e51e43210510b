use super::number::{self, Class};
use super::text;
use super::value::{Cell, Struct, Value};
use super::within;
use crate::hdf5::{Data, File, Link, Object};
use crate::shown::shown;
use crate::{Error, Kind, Limits, Result, Source};
use alexnet_spec::{DType, Tensor};
use std::collections::HashSet;

/// How deep cells and structures may be nested, whatever the limits say; references could lead in circles.
const DEPTH: usize = 64;

/// The variables of a version 7.3 file: the objects of an HDF5 file's root, whose attributes say what MATLAB makes of them.
pub(super) fn read(source: &Source, limits: &Limits) -> Result<Vec<(String, Value)>> {
    let file = File::open(source.bytes(), limits)?;
    // Each value but the variables themselves is referred to, and a reference takes 8 bytes.
    let most = source.bytes().len() / 8;
    let mut reader = Reader { file: &file, limits, most, objects: 0 };
    let mut variables = Vec::new();
    for (name, object) in reader.below(&file.root()?)? {
        // What cells refer to, and what objects of classes do.
        if matches!(name.as_str(), "#refs#" | "#subsystem#") {
            continue;
        }
        let value = reader.value(&object, 0);
        let value = value.map_err(|error| error.at(format!("variable `{}`", shown(name.as_bytes()))))?;
        variables.push((name, value));
    }
    Ok(variables)
}

struct Reader<'f, 'l> {
    file: &'f File,
    limits: &'l Limits,
    most: usize,
    objects: usize,
}

impl<'f> Reader<'f, '_> {
    fn value(&mut self, object: &Object<'f>, depth: usize) -> Result<Value> {
        self.count(1)?;
        let deepest = DEPTH.min(self.limits.depth);
        if depth > deepest {
            return Err(Error::limit("depth", format!("cells and structures nested {depth} deep"), deepest));
        }
        let class = match object.attribute("MATLAB_class")? {
            Some(class) => class.text()?,
            None => String::new(),
        };
        if object.attribute("MATLAB_sparse")?.is_some() {
            return Ok(Value::Other("a sparse matrix".into()));
        }
        match (class.as_str(), object.is_dataset()) {
            ("function_handle", _) => Ok(Value::Other("a function handle".into())),
            _ if object.attribute("MATLAB_object_decode")?.is_some() => Ok(other(&class)),
            ("struct" | "", false) => self.structure(object, depth),
            (_, false) => Ok(other(&class)),
            (_, true) => self.array(object, &class, depth),
        }
    }

    fn array(&mut self, object: &Object<'f>, class: &str, depth: usize) -> Result<Value> {
        if let Some(empty) = object.attribute("MATLAB_empty")?
            && empty.integers()?.first().is_some_and(|empty| *empty != 0)
        {
            return self.empty(&object.data()?, class);
        }
        let data = object.data()?;
        match class {
            "cell" => Ok(Value::Cell(Cell { items: self.referred(&data, depth)? })),
            "char" => {
                let unit = |unit: &i64| u16::try_from(*unit).map_err(|_| Error::malformed("no character of UTF-16"));
                let units: Vec<u16> = data.integers()?.iter().map(unit).collect::<Result<_>>()?;
                let rows = text::rows_of(&units, data.shape().last().copied().unwrap_or(1));
                self.count(rows.len())?;
                Ok(Value::Text(rows))
            }
            "double" | "single" | "logical" | "int8" | "uint8" | "int16" | "uint16" | "int32" | "uint32" | "int64"
            | "uint64" | "" => numbers(&data, class),
            _ => Ok(other(class)),
        }
    }

    /// Arrays without elements, which HDF5 can't hold: their dimensions are in their place.
    fn empty(&mut self, data: &Data, class: &str) -> Result<Value> {
        let size = |size: &i64| usize::try_from(*size).map_err(|_| Error::malformed("a negative dimension"));
        let shape: Vec<usize> = data.integers()?.iter().map(size).collect::<Result<_>>()?;
        let count = number::elements(&shape)?;
        if count > 0 && class != "struct" {
            return Err(Error::malformed(format!("an empty array of dimensions {shape:?}")));
        }
        Ok(match class {
            "cell" => Value::Cell(Cell { items: Vec::new() }),
            "char" => Value::Text(Vec::new()),
            "struct" => {
                self.count(count)?;
                Value::Struct(Struct { fields: Vec::new(), records: vec![Vec::new(); count] })
            }
            _ => Value::Numbers(Tensor::new(DType::F64, shape, Default::default())?),
        })
    }

    /// A group is a structure. In an array of structures each field is a dataset of references that has no class.
    fn structure(&mut self, object: &Object<'f>, depth: usize) -> Result<Value> {
        let (mut fields, mut members) = (Vec::new(), Vec::new());
        for (name, member) in self.below(object)? {
            fields.push(name);
            members.push(member);
        }
        let mut columns = Vec::with_capacity(members.len());
        for (name, member) in fields.iter().zip(&members) {
            let place = |error: Error| within(error, format!("field `{}`", shown(name.as_bytes())));
            if let Some(data) = references(member).map_err(place)? {
                columns.push(self.referred(&data, depth).map_err(place)?.into_iter());
            }
        }
        if columns.is_empty() {
            let mut record = Vec::with_capacity(members.len());
            for (name, member) in fields.iter().zip(&members) {
                let value = self.value(member, depth.saturating_add(1));
                record.push(value.map_err(|error| within(error, format!("field `{}`", shown(name.as_bytes()))))?);
            }
            return Ok(Value::Struct(Struct { fields, records: vec![record] }));
        }
        let count = columns.first().map_or(0, ExactSizeIterator::len);
        if columns.len() != members.len() || columns.iter().any(|column| column.len() != count) {
            return Err(Error::malformed("an array of structures whose fields differ in number"));
        }
        let records = (0..count).map(|_| columns.iter_mut().filter_map(Iterator::next).collect()).collect();
        Ok(Value::Struct(Struct { fields, records }))
    }

    /// The values that references lead to.
    fn referred(&mut self, data: &Data<'f>, depth: usize) -> Result<Vec<Value>> {
        let references = data.references()?;
        self.count(references.len())?;
        let mut values = Vec::with_capacity(references.len());
        for (index, address) in references.iter().enumerate() {
            let place = |error: Error| within(error, format!("cell {}", index.saturating_add(1)));
            let address = address.ok_or_else(|| place(Error::malformed("a reference to nothing")))?;
            let object = self.file.object(address).map_err(place)?;
            values.push(self.value(&object, depth.saturating_add(1)).map_err(place)?);
        }
        Ok(values)
    }

    fn below(&self, object: &Object<'f>) -> Result<Vec<(String, Object<'f>)>> {
        let mut below = Vec::new();
        for (name, link) in object.links()? {
            match link {
                Link::Object(address) => below.push((name, self.file.object(address)?)),
                _ => {
                    let name = shown(name.as_bytes());
                    return Err(Error::refused(format!(
                        "`{name}` is a soft or external link, which MATLAB never writes"
                    )));
                }
            }
        }
        let mut names = HashSet::new();
        match below.iter().find(|(name, _)| !names.insert(name)) {
            Some((name, _)) => Err(Error::malformed(format!("`{}` is there twice", shown(name.as_bytes())))),
            None => Ok(below),
        }
    }

    fn count(&mut self, objects: usize) -> Result<()> {
        self.objects = self.objects.saturating_add(objects);
        if self.objects > self.limits.objects {
            return Err(Error::limit("objects", format!("{} arrays", self.objects), self.limits.objects));
        }
        match self.objects > self.most {
            true => Err(Error::malformed("cells refer to each other so often that they would be many times the file")),
            false => Ok(()),
        }
    }
}

fn other(class: &str) -> Value {
    Value::Other(format!("an object of class `{}`", shown(class.as_bytes())))
}

/// The elements of a field of an array of structures; `None` where the object is a value itself.
fn references<'f>(object: &Object<'f>) -> Result<Option<Data<'f>>> {
    if !object.is_dataset() || object.attribute("MATLAB_class")?.is_some() {
        return Ok(None);
    }
    let data = object.data()?;
    Ok(data.references().is_ok().then_some(data))
}

/// HDF5's last dimension runs fastest, MATLAB's first: the dimensions are there in reverse.
fn numbers(data: &Data, class: &str) -> Result<Value> {
    let tensor = match class {
        "uint16" | "uint32" | "uint64" => unsigned(data, class)?,
        "logical" => {
            let bytes = data.tensor()?;
            Tensor::new(DType::Bool, bytes.shape().to_vec(), bytes.to_bytes())?
        }
        _ => match data.tensor() {
            Ok(tensor) => tensor,
            // Complex numbers are pairs.
            Err(error) if error.kind() == Kind::Refused => {
                return Ok(Value::Other("an array of something else than real numbers".into()));
            }
            Err(error) => return Err(error),
        },
    };
    let tensor = match tensor.shape().len() {
        0 => tensor.reshape(&[1, 1])?,
        1 => tensor.reshape(&[tensor.elements(), 1])?,
        rank => tensor.permute(&(0..rank).rev().collect::<Vec<_>>())?,
    };
    Ok(Value::Numbers(tensor))
}

fn unsigned(data: &Data, class: &str) -> Result<Tensor> {
    let integers = data.integers()?;
    let dtype = if class == "uint16" { Class::UInt16.dtype() } else { Class::UInt64.dtype() };
    let bytes: Vec<u8> = match dtype {
        DType::I32 => {
            let narrow = |number: &i64| i32::try_from(*number).map_err(|_| Error::malformed("no 16-bit integer"));
            let narrow: Vec<i32> = integers.iter().map(narrow).collect::<Result<_>>()?;
            narrow.iter().flat_map(|number| number.to_le_bytes()).collect()
        }
        _ => integers.iter().flat_map(|number| number.to_le_bytes()).collect(),
    };
    Ok(Tensor::new(dtype, data.shape().to_vec(), bytes.into())?)
}
