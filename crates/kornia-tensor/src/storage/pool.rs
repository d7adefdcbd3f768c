//! A pool of blocks for frames: memory that comes back instead of being freed.
//!
//! Here: what a pool is; `options` says how it is set up. `classes` says which block serves which request,
//! `state` keeps the books, `shared` takes and gives back, `block` is what a tensor holds, and
//! `monitor` is the lock (or its model under loom).

mod block;
mod classes;
mod monitor;
mod options;
mod shared;
mod state;

use std::alloc::Layout;
use std::fmt;
use std::sync::Arc;

use super::allocator::{AllocHandle, TensorAllocator};
use super::resource::MemoryResource;
use crate::error::TensorAllocatorError;
use block::PoolBlock;
pub use options::{PoolBuilder, PoolStats, WhenFull};
use shared::{Shared, Taken};

/// An allocator whose blocks come back when the last tensor that uses them is dropped, on
/// whichever thread, and are handed out again.
///
/// Cloning is O(1) and gives another handle to the same pool. Taking or returning a block is
/// O(1): one lock, and no call to the system as long as a block of the size waits in the pool.
/// What is left per frame are the two small boxes that every tensor of an allocator has, the
/// block's and the reference count's, together less than 200 bytes.
///
/// * **Sizes.** A request is served by a block of the next quarter step between powers of two
///   (.., 4, 5, 6, 7, 8, 10, 12, 14, 16, .. MiB), so less than a quarter is added to it:
///   [`block_bytes`](Self::block_bytes) tells how much. A block never serves another size, nor
///   another alignment. Requests below [`min_bytes`](PoolBuilder::min_bytes) come from the
///   global allocator and are in no statistic.
/// * **Order.** The block that came back last goes out first, because it is still in the cache.
///   Where something must go, it is what has been idle longest.
/// * **Cap.** [`byte_cap`](PoolBuilder::byte_cap) bounds live and idle blocks together; idle
///   ones of other sizes are freed to make room. What happens when live blocks alone fill it
///   is [`WhenFull`].
/// * **Contents.** A block that comes back is dirty. Safe code never sees that: tensors are
///   zeroed, filled, or written in full through a [`TensorWriter`](crate::TensorWriter).
/// * **Ends.** A tensor keeps its pool alive. When the last handle and the last tensor are
///   gone, so is all memory; [`close`](Self::close) does it earlier.
///
/// ```
/// use kornia_tensor::{Pool, Tensor};
///
/// let pool = Pool::new();
/// let mut addresses = vec![];
/// for _ in 0..100 {
///     let frame = Tensor::<u8, 3>::zeros_in([480, 640, 3], pool.handle());
///     addresses.push(frame.as_ptr());
///     let crop = frame.slice((100..200, 50..350, ..));
///     drop(frame); // the crop still needs the pixels,
///     std::thread::spawn(move || drop(crop)).join().unwrap(); // and gives them back from there
/// }
/// addresses.dedup();
/// assert_eq!(addresses.len(), 1); // one block, used a hundred times
/// assert_eq!((pool.stats().misses, pool.stats().hits), (1, 99));
/// ```
#[derive(Clone)]
pub struct Pool {
    entry: Arc<Entry>,
}

/// What handles and tensors share. Blocks hold `Shared` instead, so this dies once nothing can
/// ask for memory any more.
struct Entry {
    shared: Arc<Shared>,
}

impl Drop for Entry {
    /// Nobody is left to whom idle blocks could be of use.
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Pool {
    /// A pool without a cap, with the defaults of [`PoolBuilder`].
    pub fn new() -> Self {
        Self::with(PoolBuilder::default())
    }

    /// Settings of a pool to come; [`build`](PoolBuilder::build) makes it.
    pub fn builder() -> PoolBuilder {
        PoolBuilder::default()
    }

    fn with(options: PoolBuilder) -> Self {
        let shared = Arc::new(Shared::new(options));
        Self {
            entry: Arc::new(Entry { shared }),
        }
    }

    /// The pool as an allocator, for the `_in` constructors. O(1), one reference count.
    pub fn handle(&self) -> AllocHandle {
        self.entry.clone()
    }

    /// How many bytes a request for `bytes` takes of the cap: the size of its block.
    ///
    /// Less than a quarter more than asked for; what cannot be addressed is `usize::MAX`.
    ///
    /// ```
    /// use kornia_tensor::Pool;
    ///
    /// assert_eq!(Pool::block_bytes(1080 * 1920 * 3), 6 << 20); // 1.1% more
    /// assert_eq!(Pool::block_bytes((4 << 20) + 1), 5 << 20); // the worst there is
    /// // Room for eight frames:
    /// let pool = Pool::builder().byte_cap(8 * Pool::block_bytes(1080 * 1920 * 3)).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn block_bytes(bytes: usize) -> usize {
        classes::block_bytes(bytes)
    }

    /// The counters, all of one moment.
    ///
    /// ```
    /// use kornia_tensor::{Pool, Tensor};
    ///
    /// let pool = Pool::new();
    /// let frame = Tensor::<u8, 2>::zeros_in([1024, 1024], pool.handle());
    /// assert_eq!((pool.stats().blocks_live, pool.stats().bytes_live), (1, 1 << 20));
    /// drop(frame);
    /// assert_eq!((pool.stats().blocks_live, pool.stats().blocks_idle), (0, 1));
    /// assert_eq!(pool.stats().high_water, 1 << 20);
    /// ```
    pub fn stats(&self) -> PoolStats {
        self.entry.shared.stats()
    }

    /// Frees all idle blocks; gives the number of bytes freed.
    pub fn trim(&self) -> usize {
        self.trim_to(0)
    }

    /// Frees idle blocks, those idle longest first, until at most `bytes` are idle; gives the
    /// number of bytes freed. Live blocks are not touched.
    ///
    /// ```
    /// use kornia_tensor::{Pool, Tensor};
    ///
    /// let pool = Pool::new();
    /// let frames: Vec<_> =
    ///     (0..3).map(|_| Tensor::<u8, 2>::zeros_in([1024, 1024], pool.handle())).collect();
    /// drop(frames);
    /// assert_eq!(pool.trim_to(2 << 20), 1 << 20);
    /// assert_eq!(pool.stats().blocks_idle, 2);
    /// ```
    pub fn trim_to(&self, bytes: usize) -> usize {
        self.entry.shared.trim_to(bytes)
    }

    /// Frees all idle blocks and hands out none any more; those still live are freed when they
    /// come back. Whoever waits for a block is told. Closing twice is closing once.
    ///
    /// ```
    /// use kornia_tensor::{Pool, Tensor, TensorAllocatorError, TensorError};
    ///
    /// let pool = Pool::new();
    /// let frame = Tensor::<u8, 2>::zeros_in([1024, 1024], pool.handle());
    /// pool.close();
    /// assert_eq!(frame[[1023, 1023]], 0); // what is live stays valid
    /// let refused = Tensor::<u8, 2>::try_zeros_in([2, 2], pool.handle());
    /// assert_eq!(refused.unwrap_err(), TensorError::from(TensorAllocatorError::PoolClosed));
    /// drop(frame);
    /// assert_eq!(pool.stats().bytes_idle, 0);
    /// ```
    pub fn close(&self) {
        self.entry.shared.close();
    }

    /// Whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.entry.shared.is_closed()
    }

    /// Lets the time limit of every present and future wait pass: loom has no clock.
    #[cfg(loom)]
    #[doc(hidden)]
    pub fn let_time_pass(&self) {
        self.entry.shared.let_time_pass();
    }
}

impl Default for Pool {
    /// As [`new`](Self::new).
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: as for `Entry`, which does it.
unsafe impl TensorAllocator for Pool {
    fn allocate(&self, layout: Layout) -> Result<Box<dyn MemoryResource>, TensorAllocatorError> {
        self.entry.allocate(layout)
    }
}

// SAFETY: `Shared::take` gives a `HostResource` of at least the size and alignment asked for:
// writable memory that has no other owner until it is dropped, because it can neither be copied
// (H1) nor be idle in the pool at the same time (Q1). `allocate_zeroed` is the trait's own, which
// writes the zeros.
unsafe impl TensorAllocator for Entry {
    fn allocate(&self, layout: Layout) -> Result<Box<dyn MemoryResource>, TensorAllocatorError> {
        Ok(match self.shared.take(layout)? {
            Taken::Plain(block) => Box::new(block),
            Taken::Lent(memory) => {
                Box::new(PoolBlock::new(memory, layout.size(), self.shared.clone()))
            }
        })
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("options", &self.entry.shared.options)
            .field("is_closed", &self.is_closed())
            .field("stats", &self.stats())
            .finish()
    }
}

impl PoolBuilder {
    /// Makes the pool, which is empty.
    ///
    /// # Errors
    ///
    /// `LayoutError` if the alignment is not a power of two.
    pub fn build(self) -> Result<Pool, TensorAllocatorError> {
        Layout::from_size_align(0, self.align)?;
        Ok(Pool::with(self))
    }
}
