use super::element::TAG;
use super::header::Order;
use crate::{Error, Limits, Result};
use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};

/// No deflate stream makes more than this of one byte.
const MOST: u64 = 1032;

/// What all variables of a file may become together.
pub(super) struct Budget<'a> {
    pub limits: &'a Limits,
    pub file_bytes: u64,
    /// Bytes that were made so far.
    pub spent: u64,
}

impl Budget<'_> {
    /// Errs where `bytes` more are too much for all that the file becomes.
    pub fn spend(&mut self, bytes: u64) -> Result<()> {
        self.spent = self.spent.saturating_add(bytes);
        match self.spent > self.limits.decompressed_bytes {
            true => {
                let seen = format!("{} bytes once they are decompressed", self.spent);
                Err(Error::limit("decompressed_bytes", seen, self.limits.decompressed_bytes))
            }
            false => Ok(()),
        }
    }

    /// The element that `raw` is the zlib stream of, its tag included.
    ///
    /// Its tag tells how long it is: that is checked before anything of that size is allocated.
    pub fn inflate(&mut self, raw: &[u8], order: Order) -> Result<Bytes> {
        let mut tag = [0; TAG];
        let mut inflater = Decompress::new(true);
        let peeked = inflater.decompress(raw, &mut tag, FlushDecompress::None);
        let [_, _, _, _, a, b, c, d] = tag;
        if peeked.is_err() || inflater.total_out() != TAG as u64 {
            return Err(damaged(format!("{} bytes are no zlib stream of a variable", raw.len())));
        }
        let size = u64::from(order.u32([a, b, c, d])).saturating_add(TAG as u64);
        if size > MOST.saturating_mul(raw.len() as u64) {
            return Err(damaged(format!("{} compressed bytes can't become {size}", raw.len())));
        }
        self.spend(size)?;
        let allowed = self.limits.decompression_ratio.saturating_mul(self.file_bytes);
        if self.spent > allowed {
            let seen = format!("{} bytes decompressed from a file of {}", self.spent, self.file_bytes);
            return Err(Error::limit("decompression_ratio", seen, self.limits.decompression_ratio));
        }

        let size = usize::try_from(size).map_err(|_| Error::malformed("a size beyond this machine's"))?;
        // One byte more than there should be: a stream that fills it doesn't end where it should.
        let mut out = Vec::with_capacity(size.saturating_add(1));
        let mut inflater = Decompress::new(true);
        let status = inflater.decompress_vec(raw, &mut out, FlushDecompress::Finish);
        match (status, out.len() == size) {
            (Ok(Status::StreamEnd), true) => Ok(out.into()),
            _ => Err(damaged(format!("{} compressed bytes aren't the {size} that they should be", raw.len()))),
        }
    }
}

fn damaged(message: String) -> Error {
    Error::malformed(message).with_remedy("getting the file again: it is damaged")
}
