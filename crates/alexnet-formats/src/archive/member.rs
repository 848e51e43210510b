use std::ops::Range;

/// How a member is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// A member of an archive as its central directory has it.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub name: String,
    pub flags: u16,
    pub method: Method,
    pub crc: u32,
    pub compressed: u64,
    pub size: u64,
    /// Where its local header begins.
    pub header: u64,
    /// Where its content lies, as the local header has it.
    pub content: Range<usize>,
}

/// The number by which APPNOTE knows a method.
impl From<Method> for u16 {
    fn from(method: Method) -> u16 {
        match method {
            Method::Stored => 0,
            Method::Deflated => 8,
        }
    }
}
