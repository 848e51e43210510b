/// What reading a file may cost. An excess is an error of [`Kind::Limit`](crate::Kind::Limit) that names the field.
///
/// The defaults are far above every published checkpoint and far below what hurts a small machine. Tensors are views of
/// the mapped file and cost nothing here, however large they are.
///
/// ```
/// use alexnet_formats::Limits;
///
/// let strict = Limits { file_bytes: 1 << 20, ..Limits::default() };
/// assert!(strict.depth < 10_000);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Members of an archive.
    pub entries: usize,
    /// Bytes that all members of an archive that are read have together once they are decompressed.
    pub decompressed_bytes: u64,
    /// Those bytes divided by the bytes of the file.
    pub decompression_ratio: u64,
    /// Bytes of a text header: the JSON of a safetensors file.
    pub header_bytes: usize,
    /// Instructions of one pickle.
    pub opcodes: usize,
    /// Objects (strings, tuples, dictionaries, tensors, ...) that the pickles of a file make.
    pub objects: usize,
    /// Objects that a pickle keeps for later use.
    pub memo: usize,
    /// How deep objects of a pickle are nested.
    pub depth: usize,
    /// Bytes of one string in a pickle, array contents included.
    pub string_bytes: usize,
    /// Bytes of a name: a dictionary's key, a class, a member of an archive, the dotted path of a tensor.
    pub name_bytes: usize,
    /// Tensors of a checkpoint, counting one that has two names twice.
    pub tensors: usize,
    /// Dimensions of a tensor.
    pub dimensions: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            file_bytes: 64 << 30,
            entries: 1 << 16,
            decompressed_bytes: 4 << 30,
            decompression_ratio: 100,
            header_bytes: 100 << 20,
            opcodes: 1 << 22,
            objects: 1 << 20,
            memo: 1 << 20,
            depth: 1000,
            string_bytes: 2 << 30,
            name_bytes: 4096,
            tensors: 1 << 16,
            dimensions: 32,
        }
    }
}
