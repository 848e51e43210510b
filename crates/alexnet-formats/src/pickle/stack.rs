use super::heap::Value;
use crate::{Error, Result};

/// The machine's stack, with the marks that are open on it. No opcode reaches below the innermost mark.
#[derive(Debug, Default)]
pub(super) struct Stack {
    values: Vec<Value>,
    /// How high the stack was when each mark was set.
    marks: Vec<usize>,
}

impl Stack {
    pub fn push(&mut self, value: Value) {
        self.values.push(value);
    }

    pub fn top(&self) -> Result<Value> {
        self.values.last().copied().filter(|_| self.values.len() > self.floor()).ok_or_else(underflow)
    }

    pub fn pop(&mut self) -> Result<Value> {
        self.top()?;
        self.values.pop().ok_or_else(underflow)
    }

    /// Takes what is on top: a value, or a mark with nothing above it.
    pub fn discard(&mut self) -> Result<()> {
        if self.marks.last() == Some(&self.values.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    /// Sets a mark, unless `limit` are open.
    pub fn mark(&mut self, limit: usize) -> Result<()> {
        if self.marks.len() >= limit {
            return Err(Error::limit("depth", "one more open mark", limit));
        }
        self.marks.push(self.values.len());
        Ok(())
    }

    /// Takes everything above the innermost mark, and the mark.
    pub fn marked(&mut self) -> Result<Vec<Value>> {
        let mark = self.marks.pop().ok_or_else(|| Error::malformed("there is no mark"))?;
        Ok(self.values.split_off(mark.min(self.values.len())))
    }

    /// Takes the `count` values on top, the lowest first.
    pub fn take(&mut self, count: usize) -> Result<Vec<Value>> {
        let start = self.values.len().checked_sub(count).filter(|start| *start >= self.floor());
        Ok(self.values.split_off(start.ok_or_else(underflow)?))
    }

    /// Takes the last value.
    ///
    /// Errs where there are others, or marks: which is the result?
    pub fn finish(&mut self) -> Result<Value> {
        let result = self.pop()?;
        match self.values.is_empty() && self.marks.is_empty() {
            true => Ok(result),
            false => Err(Error::malformed("the pickle stops with values left over")),
        }
    }

    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }
}

fn underflow() -> Error {
    Error::malformed("the stack is empty")
}
