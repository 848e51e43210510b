//! Memory that threads share, and pages.

use crate::simd::{Lane, Lanes, values};
use std::cell::UnsafeCell;
use std::ops::Range;

/// Vectors that several threads write to, each its own part.
pub(crate) struct Buffer<T: Lane = f32>(Box<[UnsafeCell<Lanes<T>>]>);

// SAFETY: all access goes through `read` and `part`, whose callers answer for who else has access.
unsafe impl<T: Lane> Sync for Buffer<T> {}

impl<T: Lane> Buffer<T> {
    /// `length` vectors of zeros.
    pub(crate) fn zeros(length: usize) -> Buffer<T> {
        let mut lanes = Vec::with_capacity(length);
        prefer_huge_pages(lanes.spare_capacity_mut());
        lanes.resize_with(length, Default::default);
        Buffer(lanes.into())
    }

    /// How many vectors it has.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All of it.
    ///
    /// # Safety
    ///
    /// As long as the result lives, no part of the buffer is written to.
    pub(crate) unsafe fn read(&self) -> &[Lanes<T>] {
        // SAFETY: `UnsafeCell` has the layout of what it holds; that there is no writer is the caller's word.
        unsafe { &*(&raw const *self.0 as *const [Lanes<T>]) }
    }

    /// A part of it, to write to.
    ///
    /// # Safety
    ///
    /// As long as the result lives, nobody else has a part that overlaps with it.
    #[expect(clippy::mut_from_ref, reason = "threads share the buffer and write to their own parts")]
    pub(crate) unsafe fn part(&self, range: Range<usize>) -> &mut [Lanes<T>] {
        let part = &raw const self.0[range];
        // SAFETY: the layout is that of `Lanes`, the cells permit writing through a shared borrow, and that nobody else has
        // access is the caller's word.
        unsafe { &mut *(part as *mut [UnsafeCell<Lanes<T>>] as *mut [Lanes<T>]) }
    }
}

/// What a stage reads.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a, T: Lane = f32> {
    /// The caller's images.
    Values(&'a [T]),
    /// Another stage's output.
    Lanes(&'a [Lanes<T>]),
}

impl<'a, T: Lane> Input<'a, T> {
    /// The values, one after the other.
    pub(crate) fn values(self) -> &'a [T] {
        match self {
            Input::Values(values) => values,
            Input::Lanes(lanes) => values(lanes),
        }
    }

    /// The vectors.
    pub(crate) fn lanes(self) -> &'a [Lanes<T>] {
        match self {
            Input::Values(_) => &[],
            Input::Lanes(lanes) => lanes,
        }
    }
}

/// Asks the kernel for huge pages under `memory`: with them a processor reads weights at up to twice the speed, since it
/// looks up fewer addresses. Best before the memory is first written to; for memory of less than a few megabytes, and where
/// there is no such advice to give, nothing happens. Nothing depends on whether it is followed.
pub fn prefer_huge_pages<T>(memory: &mut [T]) {
    const HUGE: usize = 2 << 20;
    let start = memory.as_ptr().addr().next_multiple_of(HUGE);
    let end = (memory.as_ptr().addr() + size_of_val(memory)) / HUGE * HUGE;
    if end > start {
        advise(start, end - start);
    }
}

#[cfg(all(target_os = "linux", not(miri)))]
fn advise(start: usize, length: usize) {
    // SAFETY: this advice changes no contents and no access rights, whatever memory it is given for; the range lies within
    // a slice that the caller borrowed.
    unsafe {
        libc::madvise(start as *mut libc::c_void, length, libc::MADV_HUGEPAGE);
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn advise(_start: usize, _length: usize) {}
