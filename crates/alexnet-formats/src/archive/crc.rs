use std::num::NonZero;
use std::thread;

/// How many bytes are worth a thread of their own.
const PIECE: usize = 8 << 20;

/// The CRC-32 of `bytes`, by several threads where there are many bytes: they are read from the disk here for the first time.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(8);
    let piece = bytes.len().div_ceil(threads).max(PIECE);
    if bytes.len() <= piece {
        return crc32fast::hash(bytes);
    }
    let mut total = crc32fast::Hasher::new();
    thread::scope(|scope| {
        let hash = |part| {
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(part);
            hasher
        };
        let spawn = |part| thread::Builder::new().spawn_scoped(scope, move || hash(part));
        let workers: Vec<_> = bytes.chunks(piece).map(|part| (part, spawn(part))).collect();
        for (part, worker) in workers {
            // A thread that couldn't begin or finish is no reason to give up: its part is summed here.
            let sum = worker.ok().and_then(|worker| worker.join().ok());
            total.combine(&sum.unwrap_or_else(|| hash(part)));
        }
    });
    total.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_specification_is_found() {
        // The check value of CRC-32/ISO-HDLC, which zip uses.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn many_threads_find_what_one_finds() {
        let bytes: Vec<u8> = (0..3 * PIECE + 12_345).map(|n| (n % 251) as u8).collect();
        assert_eq!(crc32(&bytes), crc32fast::hash(&bytes));
    }
}
