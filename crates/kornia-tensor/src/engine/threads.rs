//! Several threads for one operation, where that pays (feature `rayon`).
//!
//! Work is divided into [`Parts`] by its size alone, and what the parts give is put together in
//! their order: how many threads there are makes no difference to any result. [`team`] says
//! whether more than the calling thread should do them. It says no
//!
//! * below a size at which a second thread was measured to pay ([`Kind`]): none is woken then;
//! * on a thread of a rayon pool, and while another operation of the process has a team: what is
//!   parallel already is not made more so;
//! * on a machine with one core, or where there is no pool and none can be started.
//!
//! The calling thread always does its share, and never waits for a thread that has not started: if the
//! pool is busy or blocked, all it misses is help.

#[cfg(feature = "rayon")]
mod job;
#[cfg(not(feature = "rayon"))]
mod off;
#[cfg(feature = "rayon")]
mod on;
#[cfg(all(test, feature = "rayon"))]
mod tests;

use std::ops::Range;

use crate::engine::plan::{Axis, Plan};
use crate::engine::tuning::TUNING;

#[cfg(not(feature = "rayon"))]
pub(crate) use off::{Team, assemble};
#[cfg(feature = "rayon")]
pub(crate) use on::{Team, assemble};

/// More parts than this are no use to any number of threads, and each has a state of its own in a
/// reduction. A view that repeats its elements may have 2^60 of them.
const MOST_PARTS: usize = 1 << 16;

/// Steps along an axis of elements side by side start at multiples of this, so that no two parts
/// fetch the same cache line, but for one at their border.
const SIDE_BY_SIDE: usize = 64;

/// From how many bytes on (read and written) a kind of work is given to a second thread.
pub(crate) struct Kind {
    least: usize,
    /// More threads than this get in each other's way at the memory.
    most: usize,
}

impl Kind {
    /// Copies, fills, conversions, sums: work that is done as fast as memory is. More than eight threads
    /// were not measured.
    pub(crate) const MEMORY: Self = Self {
        least: TUNING.memory_bytes,
        most: 8,
    };

    /// Closures of which it was said that they may run on several threads.
    pub(crate) const CLOSURE: Self = Self {
        least: TUNING.closure_bytes,
        most: usize::MAX,
    };
}

/// Asks for a team for work that reads and writes so many bytes. `None`: the calling thread does it
/// alone.
#[inline]
pub(crate) fn team(bytes: usize, kind: &Kind) -> Option<Team> {
    if bytes < kind.least {
        return None;
    }
    assemble((bytes / (kind.least / 2)).min(kind.most))
}

/// The division of work over a number of places, by its size alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    len: usize,
    /// Places of a part, at least 1; fewer in the last one.
    step: usize,
}

impl Parts {
    /// Divides `len` places, at which `bytes` bytes are read and written together.
    pub(crate) fn new(len: usize, bytes: usize, side_by_side: bool) -> Self {
        let each = (bytes / len.max(1)).max(1);
        let step = TUNING
            .part_bytes
            .div_ceil(each)
            .max(len.div_ceil(MOST_PARTS));
        let align = if side_by_side { SIDE_BY_SIDE } else { 1 };
        Self {
            len,
            step: step.next_multiple_of(align),
        }
    }

    /// Divides a plan, at whose places `bytes` bytes are read and written together: along which axis,
    /// and how. `None` for one element.
    pub(crate) fn of<const K: usize>(plan: &Plan<K>, bytes: usize) -> Option<(usize, Self)> {
        let axis = plan.dividing_axis()?;
        let Axis { len, strides } = plan.axes()[axis];
        let side_by_side = strides.iter().any(|stride| stride.unsigned_abs() == 1);
        Some((axis, Self::new(len, bytes, side_by_side)))
    }

    /// How many there are.
    pub(crate) fn count(self) -> usize {
        self.len.div_ceil(self.step)
    }

    /// The places of one of them.
    pub(crate) fn range(self, part: usize) -> Range<usize> {
        let start = part * self.step;
        start..self.len.min(start + self.step)
    }
}

/// What several threads may have at once, though its type (a raw pointer, mostly) does not say so.
#[derive(Clone, Copy)]
pub(crate) struct AssertSync<T>(
    /// Invariant of `AssertSync`: any thread may have a copy of it and do with that what the code
    /// that made it does.
    T,
);

// SAFETY: whoever made the value has promised that every thread may have it (the invariant).
unsafe impl<T> Sync for AssertSync<T> {}

impl<T: Copy> AssertSync<T> {
    /// # Safety
    ///
    /// Threads that get the value at the same time may do with it what they do: whatever is reached
    /// through it is read by all of them, or written by one and reached by no other; elements are
    /// plain, or `Send` where they are written and `Sync` where they are read.
    pub(crate) unsafe fn new(value: T) -> Self {
        Self(value)
    }

    /// A copy. By a method, so that closures capture the whole and not what is in it.
    #[inline]
    pub(crate) fn get(&self) -> T {
        self.0
    }
}
