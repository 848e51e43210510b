//! Protobuf's text format, in which people write nets (`.prototxt`).
//!
//! Comments, both quotes, numbers in every base, lists in brackets, messages with and without a colon and in angle brackets:
//! all that protobuf's own parser takes, but for extensions and `Any`, which Caffe has none of.

use super::fields::{Budget, Fields, Value, shortest};
use super::schema::{Field, Kind, Message};
use super::token::{Token, Tokens, Word};
use crate::{Error, Limits, Result};

/// Reads a message's text form.
///
/// Errs with the line where it isn't one, or has a field that Caffe doesn't know.
pub(super) fn read(text: &[u8], message: &'static Message, limits: &Limits) -> Result<Fields> {
    if text.len() > limits.header_bytes {
        return Err(Error::limit("header_bytes", format!("a text of {} bytes", text.len()), limits.header_bytes));
    }
    if let Some(zero) = text.iter().position(|byte| *byte == 0) {
        let remedy = "the .prototxt: a .caffemodel is the other file";
        return Err(Error::malformed(format!("no text: byte {zero} is zero")).with_remedy(remedy));
    }
    // Comments are in whatever encoding their writer's editor had.
    let text = String::from_utf8_lossy(text);
    let mut tokens = Tokens::new(&text, limits);
    let next = tokens.word()?;
    let mut reader = Reader { tokens, next, line: 1, budget: Budget::new(limits), depth: limits.depth };
    reader.message(message, None)
}

struct Reader<'t> {
    tokens: Tokens<'t>,
    next: Option<Token>,
    /// The line of the token taken last.
    line: usize,
    budget: Budget,
    depth: usize,
}

impl Reader<'_> {
    /// The fields up to `end`, or the text's end. The schema bounds how deep this goes.
    fn message(&mut self, message: &'static Message, end: Option<char>) -> Result<Fields> {
        let mut fields = Fields::default();
        loop {
            match self.take()? {
                None if end.is_none() => return Ok(fields),
                None => return Err(self.fault(format!("{} doesn't end", message.name))),
                Some(Word::Symbol(symbol)) if Some(symbol) == end => return Ok(fields),
                Some(Word::Symbol(',' | ';')) => {}
                Some(Word::Name(name)) => self.field(&mut fields, message, &name)?,
                Some(word) => return Err(self.fault(format!("`{}` where {} has a field", word.shown(), message.name))),
            }
        }
    }

    fn field(&mut self, fields: &mut Fields, message: &'static Message, name: &str) -> Result<()> {
        let Some(field) = message.named(name) else {
            return Err(self
                .fault(format!("`{}` is no field that BVLC's Caffe has in {}", name.escape_debug(), message.name))
                .with_remedy("without that line, if the net computes the same without it"));
        };
        let colon = self.accept(':')?;
        if let Kind::Ignored = field.kind {
            return self.ignore(colon);
        }
        if field.repeated && self.accept('[')? {
            if self.accept(']')? {
                return Ok(());
            }
            loop {
                self.value(fields, message, field, true)?;
                match self.take()? {
                    Some(Word::Symbol(',')) => {}
                    Some(Word::Symbol(']')) => return Ok(()),
                    _ => return Err(self.fault(format!("the list of `{name}` doesn't end"))),
                }
            }
        }
        self.value(fields, message, field, colon)
    }

    fn value(&mut self, fields: &mut Fields, message: &Message, field: &Field, colon: bool) -> Result<()> {
        self.budget.take()?;
        let line = self.line;
        let value = match field.kind {
            Kind::Message(inner) => match self.take()? {
                Some(Word::Symbol('{')) => Value::Message(self.message(inner, Some('}'))?),
                Some(Word::Symbol('<')) => Value::Message(self.message(inner, Some('>'))?),
                _ => return Err(self.fault(format!("`{}` is no message in braces", field.name))),
            },
            Kind::Blob => {
                return Err(self
                    .fault("weights in a text".to_owned())
                    .with_remedy("the .caffemodel as the input, and the net alone in the .prototxt"));
            }
            _ if !colon => return Err(self.fault(format!("`{}` without a colon", field.name))),
            kind => self
                .scalar(kind)
                .and_then(|value| {
                    value.ok_or_else(|| Error::malformed(format!("`{}` has no value of its kind", field.name)))
                })
                .map_err(|error| error.at(format!("line {}", self.line)))?,
        };
        fields.push(message, field, value).map_err(|error| error.at(format!("line {line}")))
    }

    /// `None` where what follows is of another kind.
    fn scalar(&mut self, kind: Kind) -> Result<Option<Value>> {
        let minus = self.accept('-')?;
        let Some(word) = self.take()? else { return Ok(None) };
        Ok(match (kind, word) {
            (Kind::Text, Word::Text(mut text)) if !minus => {
                // Texts that follow each other are one.
                while let Some(Token { word: Word::Text(more), .. }) = &self.next {
                    text.push_str(more);
                    if text.len() > self.tokens.limit() {
                        return Err(Error::limit("name_bytes", "a longer text", self.tokens.limit()));
                    }
                    self.take()?;
                }
                Some(Value::Text(text))
            }
            (Kind::Int, Word::Number(number)) => integer(&number, minus).map(Value::Int),
            (Kind::Float, Word::Number(number)) => match float(&number, minus) {
                Some(float) => Some(Value::Float(shortest(float)?)),
                None => None,
            },
            (Kind::Bool, Word::Name(name)) if !minus => match name.as_str() {
                "true" | "True" | "t" => Some(Value::Bool(true)),
                "false" | "False" | "f" => Some(Value::Bool(false)),
                _ => None,
            },
            (Kind::Bool, Word::Number(number)) if !minus => match number.as_str() {
                "1" => Some(Value::Bool(true)),
                "0" => Some(Value::Bool(false)),
                _ => None,
            },
            (Kind::Enum(values), Word::Name(name)) if !minus => {
                values.iter().find(|(known, _)| *known == name).map(|(_, number)| Value::Int(*number))
            }
            (Kind::Enum(values), Word::Number(number)) => {
                let number = integer(&number, minus);
                values.iter().find(|(_, known)| Some(*known) == number).map(|(_, number)| Value::Int(*number))
            }
            _ => None,
        })
    }

    /// Passes over a value of any kind, whatever is nested in it.
    fn ignore(&mut self, colon: bool) -> Result<()> {
        let mut open = 0usize;
        loop {
            match self.take()? {
                Some(Word::Symbol('{' | '<' | '[')) => open = open.saturating_add(1),
                Some(Word::Symbol('}' | '>' | ']')) if open > 0 => open = open.saturating_sub(1),
                // The number follows.
                Some(Word::Symbol('-')) if open == 0 && colon => continue,
                Some(Word::Symbol(_)) if open > 0 => {}
                Some(Word::Name(_) | Word::Number(_) | Word::Text(_)) if open > 0 || colon => {}
                _ => return Err(self.fault("a field without its value".to_owned())),
            }
            if open > self.depth {
                return Err(Error::limit("depth", "a net of deeper messages", self.depth));
            }
            if open == 0 {
                break;
            }
        }
        while let Some(Token { word: Word::Text(_), .. }) = &self.next {
            self.take()?;
        }
        Ok(())
    }

    fn take(&mut self) -> Result<Option<Word>> {
        let next = self.tokens.word()?;
        Ok(std::mem::replace(&mut self.next, next).map(|token| {
            self.line = token.line;
            token.word
        }))
    }

    fn accept(&mut self, symbol: char) -> Result<bool> {
        let there = matches!(&self.next, Some(token) if token.word == Word::Symbol(symbol));
        if there {
            self.take()?;
        }
        Ok(there)
    }

    fn fault(&self, message: String) -> Error {
        Error::malformed(message).at(format!("line {}", self.line))
    }
}

fn integer(number: &str, minus: bool) -> Option<i64> {
    let parsed = match number.strip_prefix("0x").or(number.strip_prefix("0X")) {
        Some(digits) => i64::from_str_radix(digits, 16),
        None if number.len() > 1 && number.starts_with('0') => i64::from_str_radix(number, 8),
        None => number.parse(),
    };
    let parsed = parsed.ok()?;
    if minus { parsed.checked_neg() } else { Some(parsed) }
}

fn float(number: &str, minus: bool) -> Option<f32> {
    let digits = number.strip_suffix(['f', 'F']).unwrap_or(number);
    let parsed: f32 = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.').then(|| digits.parse().ok())??;
    Some(if minus { -parsed } else { parsed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caffe::schema::NET;

    fn net(text: &str) -> Result<Fields> {
        read(text.as_bytes(), &NET, &Limits::default())
    }

    #[test]
    fn messages_come_with_and_without_a_colon_and_in_angle_brackets() {
        for text in [
            "layer { name: 'a' lrn_param { alpha: 1e-4 } }",
            "layer: { name: \"a\", lrn_param: { alpha: 0.0001f; }; };",
            "# old\nlayer < name: 'a' lrn_param < alpha: .0001 > >",
            "layer: [ { name: 'a' lrn_param { engine: CUDNN alpha: +0 } } ]".replace("+0", "1.0E-04").as_str(),
        ] {
            let net = net(text).unwrap();
            let layer = net.message("layer");
            assert_eq!(
                (layer.text("name"), layer.message("lrn_param").float("alpha")),
                (Some("a"), Some(1e-4)),
                "{text}"
            );
        }
    }

    #[test]
    fn comments_may_be_in_any_encoding() {
        let text = b"# r\xe9seau \xcd\xf8\nname: 'a' # \xff";
        assert_eq!(read(text, &NET, &Limits::default()).unwrap().text("name"), Some("a"));
        let error = read(b"\x0a\x01\0", &NET, &Limits::default()).unwrap_err().to_string();
        assert!(error.contains("byte 2 is zero"), "{error}");
    }

    #[test]
    fn values_of_every_kind_are_read() {
        let text = "name: 'a' 'b' \"c\" input_dim: [1, 0x3, -010] input_dim: 227 debug_info: false state { phase: 1 }
            layers { type: CONVOLUTION blobs_lr: -1. convolution_param { bias_term: 0 weight_filler { type: 'x' \"y\" std: 1 } } }
            layers { type: 15 lrn_param { norm_region: WITHIN_CHANNEL } }";
        let net = net(text).unwrap();
        assert_eq!(net.text("name"), Some("abc"));
        assert_eq!(net.ints("input_dim").collect::<Vec<_>>(), [1, 3, -8, 227]);
        let layers: Vec<_> = net.messages("layers").collect();
        assert_eq!((layers[0].int("type"), layers[1].int("type")), (Some(4), Some(15)));
        assert_eq!(layers[0].message("convolution_param").bool("bias_term"), Some(false));
        assert_eq!(layers[1].message("lrn_param").int("norm_region"), Some(1));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let cases = [
            ("layer {\n nme: 'a' }", "line 2: `nme` is no field that BVLC's Caffe has in LayerParameter"),
            ("layer {", "line 1: LayerParameter doesn't end"),
            ("name 'a'", "`name` without a colon"),
            ("layer: 5", "`layer` is no message in braces"),
            ("name: 5", "line 1: `name` has no value of its kind"),
            ("name: 'a'\nname: 'b'", "line 2: `name` of NetParameter is there twice"),
            ("layer { pooling_param { pool: MEDIAN } }", "`pool` has no value of its kind"),
            ("layer { lrn_param { alpha: inf } }", "`alpha` has no value of its kind"),
            ("layer { lrn_param { alpha: 1e99 } }", "a number is inf"),
            ("input_dim: 99999999999999999999", "`input_dim` has no value of its kind"),
            ("input_dim: [1 2]", "the list of `input_dim` doesn't end"),
            ("}", "`}` where NetParameter has a field"),
            ("layer { blobs { data: 1 } }", "weights in a text"),
            ("debug_info: }", "a field without its value"),
        ];
        for (text, says) in cases {
            let error = net(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }

    #[test]
    fn nesting_and_length_are_bounded() {
        let deep = format!("layer {{ python_param {}", "{a".repeat(1_000_000));
        assert!(net(&deep).unwrap_err().to_string().contains("limit `depth`"));
        let many = "input_dim: 1 ".repeat(1 << 21);
        assert!(net(&many).unwrap_err().to_string().contains("limit `objects`"));
    }
}
