//! What can be said about a pool, and what it tells.

#![forbid(unsafe_code)]

use std::time::Duration;

/// The settings of a [`Pool`](crate::Pool) that is yet to be made.
///
/// ```
/// use std::time::Duration;
/// use kornia_tensor::{Pool, WhenFull};
///
/// let pool = Pool::builder()
///     .byte_cap(256 << 20)
///     .when_full(WhenFull::Wait(Duration::from_millis(100)))
///     .build()?;
/// assert_eq!(pool.stats().bytes_live, 0); // memory is taken when it is needed
/// # Ok::<(), kornia_tensor::TensorAllocatorError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "`build` makes the pool"]
pub struct PoolBuilder {
    pub(super) min_bytes: usize,
    pub(super) align: usize,
    pub(super) byte_cap: usize,
    pub(super) when_full: WhenFull,
}

impl Default for PoolBuilder {
    fn default() -> Self {
        Self {
            min_bytes: 16 << 10,
            align: 64,
            byte_cap: usize::MAX,
            when_full: WhenFull::Allocate,
        }
    }
}

impl PoolBuilder {
    /// Requests smaller than this are not pooled. Default: 16 KiB: of smaller blocks `malloc`
    /// keeps some for each thread, without a lock, and they cost nothing to keep or to make. 0
    /// pools everything that has a size.
    pub fn min_bytes(self, min_bytes: usize) -> Self {
        Self { min_bytes, ..self }
    }

    /// What addresses are a multiple of, also those of small blocks. Default: 64, a cache line.
    /// Blocks of 256 KiB and more begin at a page (4096) in any case.
    pub fn align(self, align: usize) -> Self {
        Self { align, ..self }
    }

    /// How many bytes live and idle blocks may have together. Default: no cap.
    pub fn byte_cap(self, byte_cap: usize) -> Self {
        Self { byte_cap, ..self }
    }

    /// What to do when live blocks leave no room under the cap. Default: allocate anyway.
    pub fn when_full(self, when_full: WhenFull) -> Self {
        Self { when_full, ..self }
    }
}

/// What a [`Pool`](crate::Pool) does when live blocks leave no room under its cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WhenFull {
    /// Take memory from the system all the same. As long as the pool is over its cap, blocks
    /// that come back are freed.
    Allocate,
    /// [`PoolExhausted`](crate::TensorAllocatorError::PoolExhausted).
    Fail,
    /// Wait until there is room, at most this long, then
    /// [`PoolTimedOut`](crate::TensorAllocatorError::PoolTimedOut). What is larger than the cap is
    /// refused at once. Threads are served in the order they came: while the first one waits for
    /// a large block, those behind it wait even where there would be room for theirs, or it would
    /// wait for ever. A thread that holds blocks while it waits may thus be waiting for itself.
    Wait(Duration),
}

/// The counters of a [`Pool`](crate::Pool) at one moment. Bytes are those of whole blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Requests that an idle block served.
    pub hits: u64,
    /// Requests that memory of the system served.
    pub misses: u64,
    /// Bytes in use.
    pub bytes_live: usize,
    /// Bytes that wait to be used again.
    pub bytes_idle: usize,
    /// Blocks in use.
    pub blocks_live: usize,
    /// Blocks that wait to be used again.
    pub blocks_idle: usize,
    /// The most bytes the pool ever held, live and idle together.
    pub high_water: usize,
}

impl PoolStats {
    /// The share of requests that an idle block served, from 0 to 1; 0 before the first.
    pub fn hit_rate(&self) -> f64 {
        match self.hits + self.misses {
            0 => 0.0,
            all => self.hits as f64 / all as f64,
        }
    }
}
