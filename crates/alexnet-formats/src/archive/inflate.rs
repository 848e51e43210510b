use crate::{Error, Result};
use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};

/// Decompresses `raw` into exactly `size` bytes, which are known to be possible and allowed.
pub(super) fn inflate(raw: &[u8], size: u64) -> Result<Bytes> {
    let size = usize::try_from(size).map_err(|_| Error::malformed("a size beyond this machine's"))?;
    let mut out = Vec::with_capacity(size);
    let mut inflater = Decompress::new(false);
    let status = inflater.decompress_vec(raw, &mut out, FlushDecompress::Finish);
    // A stream that fills the buffer to the last byte still has to show that it ends there.
    let ended = matches!(status, Ok(Status::StreamEnd))
        || (out.len() == size
            && inflater
                .decompress(
                    raw.get(inflater.total_in() as usize..).unwrap_or_default(),
                    &mut [0],
                    FlushDecompress::Finish,
                )
                .is_ok_and(|status| status == Status::StreamEnd));
    match ended && out.len() == size && inflater.total_in() == raw.len() as u64 && inflater.total_out() == size as u64 {
        true => Ok(out.into()),
        false => Err(Error::malformed(format!("{} compressed bytes aren't the {size} that they should be", raw.len()))
            .with_remedy("getting the file again: it is damaged")),
    }
}
