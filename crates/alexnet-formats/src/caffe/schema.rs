//! The messages of `caffe.proto`, as far as they say what a net computes. Fields without a say in that (fillers, learning
//! rates, sources of data, parameters of layers that aren't converted) are [`Kind::Ignored`].

mod layers;
mod nets;

pub(super) use nets::NET;

/// A message: its name and its fields.
#[derive(Debug)]
pub(super) struct Message {
    pub name: &'static str,
    pub fields: &'static [Field],
    /// Whether fields that aren't listed may be passed over: parameters of layers that other versions of Caffe have.
    pub open: bool,
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    pub number: u32,
    pub name: &'static str,
    pub kind: Kind,
    pub repeated: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Int,
    Float,
    Bool,
    Text,
    /// Names and numbers.
    Enum(&'static [(&'static str, i64)]),
    Message(&'static Message),
    /// A `BlobProto`, which has a reader of its own.
    Blob,
    Ignored,
}

const fn one(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, repeated: false }
}

const fn many(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, repeated: true }
}

const fn ignored(number: u32, name: &'static str) -> Field {
    Field { number, name, kind: Kind::Ignored, repeated: true }
}

impl Message {
    pub fn numbered(&self, number: u32) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.number == number)
    }

    pub fn named(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn check(message: &'static Message) {
        let numbers: BTreeSet<u32> = message.fields.iter().map(|field| field.number).collect();
        let names: BTreeSet<&str> = message.fields.iter().map(|field| field.name).collect();
        assert_eq!((numbers.len(), names.len()), (message.fields.len(), message.fields.len()), "{}", message.name);
        for field in message.fields {
            if let Kind::Message(inner) = field.kind {
                check(inner);
            }
        }
    }

    /// Which also shows that no message contains itself, so that readers may recurse.
    #[test]
    fn numbers_and_names_are_unique_in_every_message() {
        check(&NET);
    }
}
