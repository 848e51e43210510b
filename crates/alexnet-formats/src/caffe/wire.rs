use super::blob::Blob;
use super::fields::{Budget, Fields, Value, shortest};
use super::schema::{Field, Kind, Message};
use crate::protobuf;
use crate::{Error, Limits, Result};
use bytes::Bytes;
use std::collections::BTreeSet;

/// Reads a message of the binary form.
///
/// Errs where it contradicts its schema; the place is the field's name and, where the bytes are at fault, the byte in the
/// message.
pub(super) fn read(bytes: Bytes, message: &'static Message, limits: &Limits) -> Result<(Fields, Vec<String>)> {
    let mut reader = Reader { limits, budget: Budget::new(limits), strange: BTreeSet::new() };
    let fields = reader.message(bytes, message)?;
    Ok((fields, reader.strange.into_iter().map(|(name, number)| format!("{number} of {name}")).collect()))
}

struct Reader<'l> {
    limits: &'l Limits,
    budget: Budget,
    /// Fields that no message of BVLC's has.
    strange: BTreeSet<(&'static str, u32)>,
}

impl Reader<'_> {
    fn message(&mut self, bytes: Bytes, message: &'static Message) -> Result<Fields> {
        let (mut fields, mut wire) = (Fields::default(), protobuf::Message::new(bytes));
        while let Some(stored) = wire.field()? {
            match message.numbered(stored.number) {
                Some(field) => self.field(&mut fields, message, field, &stored).map_err(|error| {
                    error.at(match fields.text("name").filter(|_| matches!(field.kind, Kind::Blob)) {
                        Some(layer) => format!("layer `{}`", layer.escape_debug()),
                        None => field.name.to_owned(),
                    })
                })?,
                None if message.open => {
                    self.budget.take()?;
                    self.strange.insert((message.name, stored.number));
                }
                None => {
                    let what = format!("field {} of {}, which BVLC's Caffe doesn't have", stored.number, message.name);
                    return Err(Error::refused(what).with_remedy("--prototxt FILE with the net in BVLC's terms"));
                }
            }
        }
        Ok(fields)
    }

    fn field(&mut self, fields: &mut Fields, message: &Message, field: &Field, stored: &protobuf::Field) -> Result<()> {
        let value = match field.kind {
            Kind::Ignored => return Ok(()),
            Kind::Int if field.repeated => {
                return stored.ints(&mut |int| {
                    self.budget.take()?;
                    fields.push(message, field, Value::Int(int))
                });
            }
            Kind::Float if field.repeated => return self.floats(fields, message, field, stored),
            Kind::Int => Value::Int(stored.int()?),
            Kind::Enum(values) => match stored.int()? {
                int if values.iter().any(|(_, number)| *number == int) => Value::Int(int),
                int => {
                    return Err(Error::refused(format!("{int} is no `{}` that BVLC's Caffe has", field.name)));
                }
            },
            Kind::Float => Value::Float(shortest(stored.f32()?)?),
            Kind::Bool => Value::Bool(stored.uint()? != 0),
            Kind::Text => Value::Text(stored.text(self.limits.name_bytes, "name_bytes")?),
            Kind::Message(inner) => Value::Message(self.message(stored.bytes()?, inner)?),
            Kind::Blob => Value::Blob(Blob::read(stored.bytes()?, self.limits)?),
        };
        self.budget.take()?;
        fields.push(message, field, value)
    }

    fn floats(
        &mut self,
        fields: &mut Fields,
        message: &Message,
        field: &Field,
        stored: &protobuf::Field,
    ) -> Result<()> {
        let mut elements = protobuf::Elements::<4>::default();
        elements.push(stored)?;
        for bytes in elements.finish().as_chunks().0 {
            self.budget.take()?;
            fields.push(message, field, Value::Float(shortest(f32::from_le_bytes(*bytes))?))?;
        }
        Ok(())
    }
}
