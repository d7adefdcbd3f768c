//! Reference-counted memory and windows onto it.
//!
//! A [`TensorStorage`] is a window of an allocation it shares with other windows. Cloning and
//! narrowing it move no element. Every write goes through one door, `exclusive`, which opens
//! only for the sole handle of writable memory.

pub mod accounting;
mod allocator;
mod builder;
mod construct;
mod exclusive;
mod foreign;
mod holders;
#[allow(dead_code, reason = "not every feature shares bytes as elements")]
mod kept;
mod nested;
mod owner;
pub(crate) mod pages;
mod pool;
mod promise;
mod resource;

use std::alloc::Layout;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

pub(crate) use allocator::normalize;
pub use allocator::{AlignedAllocator, AllocHandle, CpuAllocator, TensorAllocator, host_alloc};
pub(crate) use builder::StorageBuilder;
pub use foreign::OwnerRefused;
pub(crate) use holders::{Holder, Place};
pub use owner::Access;
pub(crate) use owner::{ForeignOwner, Owner};
pub use pool::{Pool, PoolBuilder, PoolStats, WhenFull};
pub(crate) use promise::Promised;
pub use resource::{HostResource, MemoryResource};

#[doc(no_inline)]
pub use crate::error::{MemoryDomain, SharedWith};

use crate::error::{self, TensorError};
use owner::StorageImpl;

/// What keeps so many times the bytes alive that it shows is wasteful, if
const WASTE_FACTOR: usize = 4;
/// that is at least so many bytes.
const WASTE_BYTES: usize = 4096;

/// Names an allocation among those that are alive; see [`TensorStorage::id`].
///
/// ```
/// use kornia_tensor::{StorageId, Tensor};
///
/// let frame = Tensor::<u8, 3>::zeros([480, 640, 3]);
/// let mut seen = std::collections::HashSet::<StorageId>::new();
/// assert!(seen.insert(frame.storage().id()));
/// assert!(!seen.insert(frame.slice((0..9, .., ..)).storage().id())); // the same memory
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StorageId(usize);

impl fmt::Debug for StorageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StorageId({:#x})", self.0)
    }
}

/// A window of shared, reference-counted memory. 24 bytes.
///
/// Cloning is O(1), one atomic increment. The memory is freed when the last window onto it is
/// dropped, on whichever thread; a small window keeps the whole allocation alive
/// ([`retained_bytes`](Self::retained_bytes)).
///
/// ```
/// use kornia_tensor::{TensorStorage, host_alloc};
///
/// let all = TensorStorage::from_vec(vec![1u8, 2, 3, 4, 5], host_alloc());
/// let mut middle = all.view(1, 3)?;
/// assert_eq!(middle.as_slice(), [2, 3, 4]);
/// assert!(middle.try_as_mut_slice().is_err()); // `all` can still see it
///
/// drop(all);
/// middle.as_mut_slice()[0] = 9;
/// assert_eq!(middle.as_slice(), [9, 3, 4]);
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
pub struct TensorStorage<T> {
    /// Keeps the allocation alive. Never handed out, and there is never a `Weak` of it, so
    /// `Arc::get_mut` is proof of sole ownership.
    inner: Arc<StorageImpl<T>>,
    /// W1: the `len` elements from `ptr` on lie within the allocation (S1), and `ptr` has its
    /// provenance. An empty window has the pointer it was cut from.
    ptr: NonNull<T>,
    len: usize,
    /// Where this handle was made, if anybody wants to know. After `inner`, so that whoever
    /// waits to be the only handle never finds itself alone in the register and not in the memory.
    holder: Holder,
}

impl<T> Clone for TensorStorage<T> {
    /// O(1): another handle to the same memory, one atomic increment.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            ptr: self.ptr,
            len: self.len,
            holder: self.holder.another(),
        }
    }
}

impl<T> TensorStorage<T> {
    /// Number of elements in the window.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the window has no elements.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Size of the window in bytes.
    #[inline]
    pub fn size_in_bytes(&self) -> usize {
        self.len * size_of::<T>()
    }

    /// Size in bytes of the whole allocation that this window keeps alive, whatever its elements
    /// were when it was made; of foreign memory, of what its owner showed.
    #[inline]
    pub fn retained_bytes(&self) -> usize {
        self.inner.bytes()
    }

    /// Elements of the whole allocation.
    #[inline]
    pub(crate) fn allocation_len(&self) -> usize {
        self.inner.len
    }

    /// Which allocation this is a window of. O(1).
    ///
    /// Two handles that are alive at the same time have equal ids if, and only if, they
    /// [share memory](Self::shares_memory_with). **Ids are used again**: once the last handle of
    /// an allocation is gone, a new one may have its id.
    #[inline]
    pub fn id(&self) -> StorageId {
        StorageId(Arc::as_ptr(&self.inner).addr())
    }

    /// Whether the window keeps much more alive than `numel` elements in it show: at least four
    /// times as many bytes, and at least 4096.
    pub(crate) fn is_wasteful(&self, numel: usize) -> bool {
        let (retained, visible) = (self.retained_bytes(), numel * size_of::<T>());
        retained >= WASTE_BYTES && retained / WASTE_FACTOR >= visible
    }

    /// Where the window begins in its allocation, in elements; 0 for zero-sized elements.
    #[inline]
    pub fn offset(&self) -> usize {
        match size_of::<T>() {
            0 => 0,
            size => (self.ptr.addr().get() - self.inner.base.addr().get()) / size,
        }
    }

    /// Size and alignment of the window.
    pub fn layout(&self) -> Layout {
        // S1, S2 and W1 make this a layout: `from_size_align` cannot refuse it.
        Layout::array::<T>(self.len).unwrap_or(Layout::new::<()>())
    }

    /// The allocator that copies of this storage come from.
    #[inline]
    pub fn alloc(&self) -> &AllocHandle {
        self.inner
            .alloc
            .as_ref()
            .unwrap_or_else(|| allocator::host_alloc_ref())
    }

    /// As `alloc`; `None` is plain `Vec` memory.
    #[inline]
    pub(crate) fn alloc_choice(&self) -> Option<AllocHandle> {
        self.inner.alloc.clone()
    }

    /// What the host may do with the memory, apart from being the sole handle.
    #[inline]
    pub fn access(&self) -> Access {
        self.inner.access
    }

    /// Where the memory lives.
    #[inline]
    pub fn domain(&self) -> MemoryDomain {
        self.inner.domain
    }

    /// Ordinal of the accelerator the memory belongs to; 0 for host memory.
    #[inline]
    pub fn device_id(&self) -> i32 {
        self.inner.domain.device_id()
    }

    /// The block an allocator gave, for crates that keep device handles in it.
    pub fn resource(&self) -> Option<&dyn MemoryResource> {
        match &self.inner.owner {
            Owner::Block(block) => Some(&**block),
            _ => None,
        }
    }

    /// The value that looks after the memory, if it is an `O` and the memory is only read.
    #[cfg(feature = "bytes")]
    pub(crate) fn foreign_owner<O: Sync + 'static>(&self) -> Option<&O> {
        self.inner.foreign()?.downcast_ref()
    }

    /// Whether both are windows of one allocation, beginning at the same element.
    #[inline]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner) && self.ptr == other.ptr
    }

    /// Whether both are windows of one allocation.
    #[inline]
    pub fn shares_memory_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Whether no other handle existed at some moment during the call.
    ///
    /// **A snapshot, never a permission**: another thread may drop its handle right after. What
    /// decides about a write is [`try_as_mut_slice`](Self::try_as_mut_slice), which takes
    /// `&mut self`. This crate itself uses it to print, not to decide.
    #[inline]
    #[allow(clippy::disallowed_methods)] // the documented snapshot
    pub fn is_unique(&self) -> bool {
        Arc::strong_count(&self.inner) == 1
    }

    /// Where every handle of the allocation was made, this one included, the oldest first
    /// (feature `diagnose`). A snapshot.
    ///
    /// A handle is made by a constructor, a `clone`, or a verb such as `slice`; moving one is
    /// not making one. Clones made inside the standard library, as by `Vec::clone`, are placed
    /// there.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let frame = Tensor::<u8, 2>::full([4, 4], 7);
    /// let copy = frame.clone();
    /// let crop = frame.slice((..2, ..2)); // one line further down
    /// let holders = frame.storage().holders();
    /// assert_eq!(holders.len(), 3);
    /// assert_eq!(holders[2].line(), holders[1].line() + 1);
    /// # drop((copy, crop));
    /// ```
    #[cfg(feature = "diagnose")]
    pub fn holders(&self) -> Vec<&'static std::panic::Location<'static>> {
        self.holder.all()
    }

    /// Says where this handle was made, where the way there leads through code that forgets it.
    #[inline]
    pub(crate) fn made_at(mut self, place: Place) -> Self {
        self.holder.made_at(place);
        self
    }

    /// First element of the window. The pointer is good for reads while the handle lives.
    #[inline]
    pub fn as_ptr(&self) -> *const T {
        self.ptr.as_ptr()
    }

    #[inline]
    pub(crate) fn ptr(&self) -> NonNull<T> {
        self.ptr
    }

    /// The window's elements. O(1).
    ///
    /// # Panics
    ///
    /// If the host cannot read the memory.
    #[inline]
    #[track_caller]
    pub fn as_slice(&self) -> &[T] {
        error::expect(self.try_as_slice())
    }

    /// The window's elements. O(1).
    ///
    /// # Errors
    ///
    /// `NotHostAccessible` if the host cannot read the memory.
    #[inline]
    pub fn try_as_slice(&self) -> Result<&[T], TensorError> {
        self.check_readable()?;
        // SAFETY: W1, S1, S2: `len` initialised elements, aligned, readable (just checked).
        // Nothing writes them while `self` is borrowed: writing takes `exclusive`, which needs
        // `&mut` on the only handle.
        Ok(unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.len) })
    }

    /// `Err` if the host cannot read the memory.
    #[inline]
    pub(crate) fn check_readable(&self) -> Result<(), TensorError> {
        if self.inner.access == Access::NotHost {
            return Err(TensorError::NotHostAccessible {
                domain: self.inner.domain,
            });
        }
        Ok(())
    }

    /// A window of this window: `len` elements from the `offset`-th on. O(1), shares the memory.
    ///
    /// The smaller window keeps the whole allocation alive.
    ///
    /// # Errors
    ///
    /// `WindowOutOfBounds` if it does not fit.
    ///
    /// ```
    /// use kornia_tensor::{TensorStorage, host_alloc};
    ///
    /// let all = TensorStorage::from_vec(vec![0u16; 100], host_alloc());
    /// let part = all.view(40, 10)?;
    /// assert_eq!((part.offset(), part.len()), (40, 10));
    /// assert_eq!((part.size_in_bytes(), part.retained_bytes()), (20, 200));
    /// assert!(part.view(5, 6).is_err());
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn view(&self, offset: usize, len: usize) -> Result<Self, TensorError> {
        let ptr = self.window(offset, len)?;
        Ok(Self {
            inner: Arc::clone(&self.inner),
            ptr,
            len,
            holder: self.holder.another(),
        })
    }

    /// As `view`, giving up this handle: no reference count is touched.
    #[inline]
    pub(crate) fn into_view(self, offset: usize, len: usize) -> Result<Self, TensorError> {
        let ptr = self.window(offset, len)?;
        Ok(Self { ptr, len, ..self })
    }

    #[inline]
    fn window(&self, offset: usize, len: usize) -> Result<NonNull<T>, TensorError> {
        if offset > self.len || len > self.len - offset {
            return Err(TensorError::WindowOutOfBounds {
                offset,
                len,
                storage_len: self.len,
            });
        }
        if len == 0 {
            return Ok(self.ptr);
        }
        // W1 keeps the sum within the allocation. Addresses are enough here, and all there is
        // for memory of a device.
        Ok(self
            .ptr
            .map_addr(|address| address.saturating_add(offset * size_of::<T>())))
    }
}

impl<T> fmt::Debug for TensorStorage<T> {
    /// Where the memory is and who shares it; elements are not printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TensorStorage")
            .field("len", &self.len)
            .field("offset", &self.offset())
            .field("retained_bytes", &self.retained_bytes())
            .field("owner", &self.inner.owner.kind())
            .field("access", &self.inner.access)
            .field("domain", &self.inner.domain)
            .field("is_unique", &self.is_unique())
            .finish()
    }
}

// SAFETY: a handle is an `Arc` of the allocation, which is `Send` and `Sync` for such `T`, and
// an address inside it.
unsafe impl<T: Send + Sync> Send for TensorStorage<T> {}
// SAFETY: a shared reference to a handle can be cloned into a handle on another thread, so what
// makes it `Send` makes it `Sync`, `T: Send` included.
unsafe impl<T: Send + Sync> Sync for TensorStorage<T> {}
