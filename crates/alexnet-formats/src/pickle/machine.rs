use super::heap::{Heap, Object, Value};
use super::opcode::{self as op, name};
use super::stack::Stack;
use super::{build, literal, reduce};
use crate::input::Input;
use crate::{Error, Result};
use std::collections::HashMap;

/// What a persistent id stands for: the container's reader knows.
pub(crate) type Persistent<'a> = dyn FnMut(&mut Heap, Value) -> Result<Value> + 'a;

/// For a pickle that can't have persistent ids.
pub(crate) fn no_persistent_ids(_: &mut Heap, _: Value) -> Result<Value> {
    Err(Error::malformed("a reference to something outside the pickle, where there is nothing"))
}

/// Runs the pickle at the input's position, up to and including its `STOP`, and returns the value that it makes.
///
/// Errs with the byte and the opcode where it breaks off, breaks the rules or exceeds a limit.
pub(crate) fn run(heap: &mut Heap, input: &mut Input, persistent: &mut Persistent<'_>) -> Result<Value> {
    let mut machine = Machine { heap, input, persistent, stack: Stack::default(), memo: HashMap::new() };
    loop {
        let start = machine.input.position();
        let opcode = machine.input.byte().map_err(|error| error.at(format!("byte {start}")))?;
        let step = machine.step(opcode);
        let done = step.map_err(|error| error.at(format!("byte {start} (opcode {}, 0x{opcode:02x})", name(opcode))))?;
        if let Some(value) = done {
            return Ok(value);
        }
    }
}

struct Machine<'a, 'p> {
    heap: &'a mut Heap,
    input: &'a mut Input,
    persistent: &'a mut Persistent<'p>,
    stack: Stack,
    memo: HashMap<u64, Value>,
}

impl Machine<'_, '_> {
    /// Runs one opcode. `Some`: it was `STOP`, and this is the result.
    fn step(&mut self, opcode: u8) -> Result<Option<Value>> {
        self.heap.spend(1)?;
        match opcode {
            op::PROTO => match self.input.byte()? {
                0..=5 => {}
                protocol => return Err(Error::refused(format!("pickle protocol {protocol}; 0 to 5 are known"))),
            },
            op::FRAME => {
                let length = u64::from_le_bytes(self.input.array()?);
                if length > self.input.left() as u64 {
                    return Err(Error::malformed(format!(
                        "a frame of {length} bytes, but {} are left",
                        self.input.left()
                    ))
                    .with_remedy("getting the file again: it is cut off or damaged"));
                }
            }
            op::STOP => return self.stack.finish().map(Some),
            op::MARK => self.stack.mark(self.heap.limits().depth)?,
            op::POP => self.stack.discard()?,
            op::POP_MARK => self.stack.marked().map(drop)?,
            op::DUP => {
                let top = self.stack.top()?;
                self.stack.push(top);
            }
            op::NONE => self.stack.push(Value::None),
            op::NEWTRUE => self.stack.push(Value::Bool(true)),
            op::NEWFALSE => self.stack.push(Value::Bool(false)),
            op::INT
            | op::BININT
            | op::BININT1
            | op::BININT2
            | op::LONG
            | op::LONG1
            | op::LONG4
            | op::FLOAT
            | op::BINFLOAT => {
                let value = literal::number(self.heap, self.input, opcode)?;
                self.stack.push(value);
            }
            op::STRING
            | op::BINSTRING
            | op::SHORT_BINSTRING
            | op::UNICODE
            | op::BINUNICODE
            | op::SHORT_BINUNICODE
            | op::BINUNICODE8
            | op::BINBYTES
            | op::SHORT_BINBYTES
            | op::BINBYTES8
            | op::BYTEARRAY8 => {
                let object = literal::string(self.heap, self.input, opcode)?;
                self.push(object)?;
            }
            op::EMPTY_TUPLE => self.push(Object::Tuple(Box::default()))?,
            op::EMPTY_LIST => self.push(Object::List(Vec::new()))?,
            op::EMPTY_DICT => self.push(Object::Dict(Vec::new()))?,
            op::EMPTY_SET => self.push(Object::Set(Vec::new()))?,
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => {
                let items = self.stack.take(usize::from(opcode.saturating_sub(op::TUPLE1)).saturating_add(1))?;
                self.push(Object::Tuple(items.into()))?;
            }
            op::TUPLE => {
                let items = self.stack.marked()?;
                self.push(Object::Tuple(items.into()))?;
            }
            op::LIST => {
                let items = self.stack.marked()?;
                self.push(Object::List(items))?;
            }
            op::FROZENSET => {
                let items = self.stack.marked()?;
                self.push(Object::Set(items))?;
            }
            op::DICT => {
                let items = self.stack.marked()?;
                let pairs = self.pairs(&items)?;
                self.push(Object::Dict(pairs))?;
            }
            op::APPEND => {
                let item = self.stack.pop()?;
                self.append(&[item])?;
            }
            op::APPENDS => {
                let items = self.stack.marked()?;
                self.append(&items)?;
            }
            op::ADDITEMS => {
                let items = self.stack.marked()?;
                self.add(&items)?;
            }
            op::SETITEM => {
                let value = self.stack.pop()?;
                let key = self.stack.pop()?;
                self.set(&[key, value])?;
            }
            op::SETITEMS => {
                let items = self.stack.marked()?;
                self.set(&items)?;
            }
            op::PUT | op::BINPUT | op::LONG_BINPUT | op::MEMOIZE => self.remember(opcode)?,
            op::GET | op::BINGET | op::LONG_BINGET => {
                let index = self.memo_index(opcode)?;
                let value = self.memo.get(&index).copied();
                self.stack.push(value.ok_or_else(|| Error::malformed(format!("nothing was kept as number {index}")))?);
            }
            op::GLOBAL => {
                let class = literal::global_lines(self.heap, self.input)?;
                self.stack.push(class);
            }
            op::STACK_GLOBAL => {
                let name = self.stack.pop()?;
                let module = self.stack.pop()?;
                let text = |value| match self.heap.get(value) {
                    Some(Object::Text(text)) => Ok(text.clone()),
                    _ => Err(Error::malformed(format!("a class named by {}", self.heap.describe(value)))),
                };
                let (module, name) = (text(module)?, text(name)?);
                let class = literal::global(self.heap, module, name)?;
                self.stack.push(class);
            }
            op::REDUCE | op::NEWOBJ => {
                let args = self.stack.pop()?;
                let class = self.stack.pop()?;
                let made = reduce::call(self.heap, class, args)?;
                self.stack.push(made);
            }
            op::NEWOBJ_EX => {
                let keywords = self.stack.pop()?;
                let args = self.stack.pop()?;
                let class = self.stack.pop()?;
                if self.heap.dict(keywords).is_none() {
                    return Err(Error::malformed("keyword arguments that are no dictionary"));
                }
                let made = reduce::call_with_keywords(self.heap, class, args, keywords)?;
                self.stack.push(made);
            }
            op::INST | op::OBJ => {
                let class = match opcode {
                    op::INST => Some(literal::global_lines(self.heap, self.input)?),
                    _ => None,
                };
                let mut args = self.stack.marked()?;
                let class = match class {
                    Some(class) => class,
                    None if args.is_empty() => return Err(Error::malformed("an object without its class")),
                    None => args.remove(0),
                };
                let args = self.heap.make(Object::Tuple(args.into()))?;
                let made = reduce::call(self.heap, class, args)?;
                self.stack.push(made);
            }
            op::BUILD => {
                let state = self.stack.pop()?;
                build::build(self.heap, self.stack.top()?, state)?;
            }
            op::PERSID => {
                let line = self.input.line(self.heap.limits().name_bytes, "name_bytes")?;
                let id = self.heap.make(Object::Raw(line))?;
                self.persistent(id)?;
            }
            op::BINPERSID => {
                let id = self.stack.pop()?;
                self.persistent(id)?;
            }
            op::EXT1 | op::EXT2 | op::EXT4 => {
                return Err(Error::refused("an extension code, whose meaning isn't in the file"));
            }
            op::NEXT_BUFFER | op::READONLY_BUFFER => {
                return Err(Error::refused("an out-of-band buffer, which isn't in the file")
                    .with_remedy("pickling it again without buffer_callback"));
            }
            _ => return Err(Error::malformed("no pickle has this opcode")),
        }
        Ok(None)
    }

    fn push(&mut self, object: Object) -> Result<()> {
        let value = self.heap.make(object)?;
        self.stack.push(value);
        Ok(())
    }

    /// Keys and values that alternate, as pairs.
    fn pairs(&self, items: &[Value]) -> Result<Vec<(Value, Value)>> {
        let (pairs, odd) = items.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(Error::malformed("a key without its value"));
        }
        pairs.iter().map(|[key, value]| hashable(self.heap, *key).map(|()| (*key, *value))).collect()
    }

    fn append(&mut self, items: &[Value]) -> Result<()> {
        let target = self.stack.top()?;
        match self.heap.get_mut(target) {
            Some(Object::List(list)) => list.extend_from_slice(items),
            Some(Object::Instance(instance)) => instance.items.extend_from_slice(items),
            _ => return Err(Error::malformed(format!("items appended to {}", self.heap.describe(target)))),
        }
        Ok(())
    }

    fn add(&mut self, items: &[Value]) -> Result<()> {
        items.iter().try_for_each(|item| hashable(self.heap, *item))?;
        let target = self.stack.top()?;
        match self.heap.get_mut(target) {
            Some(Object::Set(set)) => set.extend_from_slice(items),
            Some(Object::Instance(instance)) => instance.items.extend_from_slice(items),
            _ => return Err(Error::malformed(format!("items added to {}", self.heap.describe(target)))),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Value]) -> Result<()> {
        let pairs = self.pairs(items)?;
        let target = self.stack.top()?;
        match self.heap.get_mut(target) {
            Some(Object::Dict(dict)) => dict.extend(pairs),
            Some(Object::Instance(instance)) => instance.pairs.extend(pairs),
            _ => return Err(Error::malformed(format!("an entry set in {}", self.heap.describe(target)))),
        }
        Ok(())
    }

    /// The number that `PUT` or `GET` goes by.
    fn memo_index(&mut self, opcode: u8) -> Result<u64> {
        Ok(match opcode {
            op::BINPUT | op::BINGET => self.input.byte()?.into(),
            op::LONG_BINPUT | op::LONG_BINGET => u32::from_le_bytes(self.input.array()?).into(),
            op::MEMOIZE => self.memo.len() as u64,
            _ => {
                let line = self.input.line(self.heap.limits().name_bytes, "name_bytes")?;
                let index = std::str::from_utf8(&line).ok().and_then(|text| text.trim().parse().ok());
                index.ok_or_else(|| Error::malformed("what should be a memo's number isn't"))?
            }
        })
    }

    fn remember(&mut self, opcode: u8) -> Result<()> {
        let index = self.memo_index(opcode)?;
        let value = self.stack.top()?;
        self.memo.insert(index, value);
        match self.memo.len() > self.heap.limits().memo {
            true => Err(Error::limit("memo", "one more object kept", self.heap.limits().memo)),
            false => Ok(()),
        }
    }

    fn persistent(&mut self, id: Value) -> Result<()> {
        let value = (self.persistent)(self.heap, id)?;
        self.stack.push(value);
        Ok(())
    }
}

/// What Python can't hash can't be a key. Containers within tuples aren't looked at: such a key is never looked up.
fn hashable(heap: &Heap, key: Value) -> Result<()> {
    match heap.get(key) {
        Some(Object::List(_) | Object::Dict(_) | Object::Array(_)) => {
            Err(Error::malformed(format!("{} as a key", heap.describe(key))))
        }
        _ => Ok(()),
    }
}
