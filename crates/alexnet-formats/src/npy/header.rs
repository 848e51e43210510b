use crate::input::Input;
use crate::pickle::ArrayType;
use crate::shown::shown;
use crate::{Error, Limits, Result};

/// What an `.npy` says of its array.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub kind: ArrayType,
    /// Whether the first index runs fastest.
    pub fortran: bool,
    pub shape: Vec<i64>,
}

impl Header {
    /// Reads magic, version and dictionary; what follows them in `input` is the content.
    pub fn read(input: &mut Input, limits: &Limits) -> Result<Header> {
        let [_, _, _, _, _, _, major, minor] = input.array::<8>()?;
        let length = match (major, minor) {
            (1, 0) => u32::from(u16::from_le_bytes(input.array()?)),
            (2 | 3, 0) => u32::from_le_bytes(input.array()?),
            _ => return Err(Error::refused(format!("version {major}.{minor}; 1.0, 2.0 and 3.0 are known"))),
        };
        if length as usize > limits.header_bytes {
            return Err(Error::limit("header_bytes", format!("a header of {length} bytes"), limits.header_bytes));
        }
        let text = input.take(length.into(), "a header")?;
        Header::parse(&text, limits)
    }

    /// Parses the dictionary. Of Python's literals only those that `numpy.save` writes are taken, Python 2's `3L` included.
    fn parse(text: &[u8], limits: &Limits) -> Result<Header> {
        let mut literal = Literal { rest: text.trim_ascii(), whole: text };
        let (mut kind, mut fortran, mut shape) = (None, None, None);
        literal.expect(b'{')?;
        while !literal.take(b'}') {
            let key = literal.string()?;
            literal.expect(b':')?;
            let fresh = match key.as_str() {
                "descr" => match literal.peek() {
                    Some(b'[' | b'(') => {
                        return Err(Error::refused("an array of records, which weights aren't made of")
                            .with_remedy("saving each field as an array of its own"));
                    }
                    _ => kind.replace(ArrayType::of_code(&literal.string()?)).is_none(),
                },
                "fortran_order" => fortran.replace(literal.boolean()?).is_none(),
                "shape" => shape.replace(literal.shape(limits.dimensions)?).is_none(),
                other => return Err(Error::malformed(format!("an entry `{}`", shown(other.as_bytes())))),
            };
            if !fresh {
                return Err(Error::malformed(format!("`{key}` stands there twice")));
            }
            if !literal.take(b',') {
                literal.expect(b'}')?;
                break;
            }
        }
        match (kind, fortran, shape) {
            _ if !literal.rest.is_empty() => Err(literal.fault("nothing more")),
            (Some(kind), Some(fortran), Some(shape)) => Ok(Header { kind, fortran, shape }),
            _ => Err(Error::malformed("`descr`, `fortran_order` or `shape` is missing")),
        }
    }
}

/// A position in a Python literal.
struct Literal<'a> {
    rest: &'a [u8],
    whole: &'a [u8],
}

impl Literal<'_> {
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        if there {
            self.skip(1);
        }
        there
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        match self.take(byte) {
            true => Ok(()),
            false => Err(self.fault(&format!("`{}`", char::from(byte)))),
        }
    }

    fn fault(&self, wanted: &str) -> Error {
        let at = self.whole.len().saturating_sub(self.rest.len());
        let seen = shown(self.rest.get(..16).unwrap_or(self.rest));
        Error::malformed(format!("character {at} should be {wanted}, but is `{seen}`"))
    }

    /// Text in quotes, without escapes: a key, or the name of a type.
    fn string(&mut self) -> Result<String> {
        let quote = self.peek().filter(|quote| b"'\"".contains(quote)).ok_or_else(|| self.fault("a text in quotes"))?;
        self.skip(1);
        let length = self.rest.iter().position(|byte| *byte == quote).ok_or_else(|| self.fault("a text that ends"))?;
        let text = self.rest.get(..length).unwrap_or_default();
        let plain = text.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'\\');
        let text = std::str::from_utf8(text).ok().filter(|_| plain).ok_or_else(|| self.fault("plain text"))?.to_owned();
        self.skip(length.saturating_add(1));
        Ok(text)
    }

    fn boolean(&mut self) -> Result<bool> {
        self.peek();
        for (word, value) in [("True", true), ("False", false)] {
            if self.rest.starts_with(word.as_bytes()) {
                self.skip(word.len());
                return Ok(value);
            }
        }
        Err(self.fault("True or False"))
    }

    fn shape(&mut self, limit: usize) -> Result<Vec<i64>> {
        let mut shape = Vec::new();
        self.expect(b'(')?;
        while !self.take(b')') {
            if shape.len() >= limit {
                return Err(Error::limit("dimensions", "an array of more dimensions", limit));
            }
            shape.push(self.number()?);
            if !self.take(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(shape)
    }

    fn number(&mut self) -> Result<i64> {
        self.peek();
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = self.rest.get(..length).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        let number = number.ok_or_else(|| self.fault("a size"))?;
        self.skip(length);
        if self.rest.first() == Some(&b'L') {
            self.skip(1);
        }
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Header> {
        Header::parse(text.as_bytes(), &Limits::default())
    }

    #[test]
    fn headers_of_every_numpy_are_read() {
        let cases = [
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }      \n", "<f4", false, vec![3, 4]),
            (
                "{'descr': '>f8', 'fortran_order': True, 'shape': (96L, 3L, 11L, 11L), }\n",
                ">f8",
                true,
                vec![96, 3, 11, 11],
            ),
            ("{\"shape\": (5,), \"fortran_order\": False, \"descr\": \"|O8\"}", "|O8", false, vec![5]),
            ("{'descr': '|O', 'fortran_order': False, 'shape': (), }", "|O", false, vec![]),
        ];
        for (text, code, fortran, shape) in cases {
            let kind = ArrayType::of_code(code);
            assert_eq!(parse(text).unwrap(), Header { kind, fortran, shape }, "{text}");
        }
    }

    #[test]
    fn what_numpy_never_writes_is_malformed() {
        let cases = [
            "",
            "{",
            "{'descr': '<f4'}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } + {}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, -4), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
            "{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (), }",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (), }",
            "{'descr': __import__('os'), 'fortran_order': False, 'shape': (), }",
            "{'descr': '<f\\x34', 'fortran_order': False, 'shape': (), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'eval': '1'}",
        ];
        for text in cases {
            let error = parse(text).expect_err(text);
            assert_eq!(error.kind(), crate::Kind::Malformed, "{text}: {error}");
        }
        let records = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }";
        assert_eq!(parse(records).unwrap_err().kind(), crate::Kind::Refused);
        let many = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", "1, ".repeat(40));
        assert_eq!(parse(&many).unwrap_err().kind(), crate::Kind::Limit);
    }
}
