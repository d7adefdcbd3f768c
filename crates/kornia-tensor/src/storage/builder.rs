//! Fresh storage, written once, front to back.

use std::alloc::Layout;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use super::TensorStorage;
use super::accounting::Entry;
use super::allocator::AllocHandle;
use super::owner::{Access, Owner, StorageImpl};
use super::pages::prefer_large;
use super::resource::MemoryResource;
use crate::error::MemoryDomain;
use crate::error::{TensorAllocatorError, TensorError};

/// Memory for `capacity` elements of which the first ones are written.
///
/// Dropping it early drops exactly those and gives the memory back, so a closure that panics
/// halfway leaks nothing.
pub(crate) struct StorageBuilder<T> {
    /// B1: `inner.len <= capacity` elements are initialised (S2), and `inner.base` is valid for
    /// writes of `capacity` elements that nothing else can reach.
    inner: StorageImpl<T>,
    capacity: usize,
}

impl<T> StorageBuilder<T> {
    /// Asks for memory for `capacity` elements; `None` stands for a `Vec`.
    pub(crate) fn new(capacity: usize, alloc: Option<AllocHandle>) -> Result<Self, TensorError> {
        let Some(alloc) = alloc else {
            let mut elements = Vec::new();
            elements
                .try_reserve_exact(capacity)
                .map_err(|_| out_of_memory::<T>(capacity))?;
            let inner = StorageImpl::from_vec(elements, None);
            prefer_large(inner.base, capacity * size_of::<T>());
            return Ok(Self { inner, capacity });
        };
        let block = alloc.allocate(array_layout::<T>(capacity)?)?;
        let inner = StorageImpl::from_block(Some(alloc), capacity, block)?;
        if inner.access == Access::NotHost {
            return Err(TensorError::NotHostAccessible {
                domain: inner.domain,
            });
        }
        Ok(Self { inner, capacity })
    }

    /// How many elements are written.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.inner.len
    }

    /// How many more elements there is room for.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        self.capacity - self.inner.len
    }

    /// Where the elements go, if none is written yet: room for all of them.
    #[inline]
    pub(crate) fn slots(&mut self) -> NonNull<T> {
        debug_assert_eq!(self.inner.len, 0, "some elements are written already");
        self.inner.base
    }

    /// Says that every element is written.
    ///
    /// # Safety
    ///
    /// It is, through [`slots`](Self::slots).
    #[inline]
    pub(crate) unsafe fn set_full(&mut self) {
        self.inner.len = self.capacity;
    }

    /// The elements that are written.
    #[inline]
    pub(crate) fn written_mut(&mut self) -> &mut [T] {
        // SAFETY: B1: so many elements are initialised, and only we can reach them, mutably
        // borrowed for as long as the slice.
        unsafe { std::slice::from_raw_parts_mut(self.inner.base.as_ptr(), self.inner.len) }
    }

    /// Writes the next element.
    #[inline]
    #[track_caller]
    pub(crate) fn push(&mut self, value: T) {
        assert!(
            self.inner.len < self.capacity,
            "more elements than the {} asked for",
            self.capacity
        );
        // SAFETY: there is room for one more element, as just asserted.
        unsafe { self.push_unchecked(value) }
    }

    /// Writes the next element without asking whether there is room.
    ///
    /// # Safety
    ///
    /// Fewer than `capacity` elements have been written.
    #[inline]
    pub(crate) unsafe fn push_unchecked(&mut self, value: T) {
        // SAFETY: fewer than `capacity` elements are written, as the caller promises, so the next
        // one lies within the memory (B1).
        let slot = unsafe { self.inner.base.add(self.inner.len) };
        // SAFETY: in bounds of memory that only we can reach (B1).
        unsafe { slot.write(value) };
        self.inner.len += 1;
    }

    /// Moves all elements out of `source`, O(n), without calling any code of `T`.
    #[track_caller]
    pub(crate) fn append(&mut self, mut source: Vec<T>) {
        let count = source.len();
        assert!(
            count <= self.capacity - self.inner.len,
            "{count} elements do not fit"
        );
        // SAFETY: no more than `capacity` elements are written, so the place behind them lies in
        // the memory or at its end (B1).
        let to = unsafe { self.inner.base.add(self.inner.len) };
        // SAFETY: `count` initialised elements move to memory of ours that has room for them
        // (asserted) and overlaps nothing of theirs (B1).
        unsafe { to.as_ptr().copy_from_nonoverlapping(source.as_ptr(), count) };
        // SAFETY: the elements have moved out; the Vec must not drop them.
        unsafe { source.set_len(0) };
        self.inner.len += count;
    }

    /// Clones all elements of `source`; one `memcpy` where cloning is copying.
    #[track_caller]
    pub(crate) fn extend_from_slice(&mut self, source: &[T])
    where
        T: Clone,
    {
        let count = source.len();
        assert!(
            count <= self.capacity - self.inner.len,
            "{count} elements do not fit"
        );
        for value in source {
            // SAFETY: the assertion above made room for all of them.
            unsafe { self.push_unchecked(value.clone()) };
        }
    }

    /// Writes `count` clones of `value`.
    #[track_caller]
    pub(crate) fn extend_with(&mut self, count: usize, value: T)
    where
        T: Clone,
    {
        assert!(
            count <= self.capacity - self.inner.len,
            "{count} elements do not fit"
        );
        for _ in 0..count {
            // SAFETY: the assertion above made room for all of them.
            unsafe { self.push_unchecked(value.clone()) };
        }
    }

    /// The storage, once every element is written.
    #[track_caller]
    pub(crate) fn finish(self) -> TensorStorage<T> {
        assert_eq!(
            self.inner.len, self.capacity,
            "storage finished before it was filled"
        );
        TensorStorage::adopt(self.inner)
    }
}

impl<T> StorageImpl<T> {
    /// Adopts a `Vec` as it is. O(1).
    pub(super) fn from_vec(elements: Vec<T>, alloc: Option<AllocHandle>) -> Self {
        let mut elements = ManuallyDrop::new(elements);
        Self {
            // S1: from `as_mut_ptr`, so never from a shared slice. It is never null.
            base: NonNull::new(elements.as_mut_ptr()).unwrap_or(NonNull::dangling()),
            len: elements.len(),
            access: Access::ReadWrite,
            read_only: false,
            domain: MemoryDomain::Host,
            entry: Entry::default(),
            alloc,
            owner: Owner::Vec {
                capacity: elements.capacity(),
            },
        }
    }

    /// Adopts a block that must have room for `room` elements; none counts as written.
    ///
    /// An allocator is trusted to give memory, not to give enough of it. A block that is refused
    /// goes before its allocator: parameters are dropped from the last to the first.
    pub(super) fn from_block(
        alloc: Option<AllocHandle>,
        room: usize,
        block: Box<dyn MemoryResource>,
    ) -> Result<Self, TensorError> {
        let expected = array_layout::<T>(room)?.size();
        let found = block.len_bytes();
        if found < expected {
            return Err(TensorAllocatorError::BadBlock { expected, found }.into());
        }
        let base = NonNull::new(block.as_ptr())
            .ok_or(TensorAllocatorError::NullPointer)?
            .cast();
        check_aligned(base)?;
        if block.is_readonly() {
            return Err(TensorError::ReadOnlyStorage);
        }
        let domain = block.domain();
        let access = if domain.is_host_accessible() {
            Access::ReadWrite
        } else {
            Access::NotHost
        };
        Ok(Self {
            base,
            len: 0,
            access,
            read_only: false,
            domain,
            entry: Entry::default(),
            alloc,
            owner: Owner::Block(block),
        })
    }
}

impl<T> TensorStorage<T> {
    /// `len` elements of zero bytes; large ones come as untouched pages.
    ///
    /// # Safety
    ///
    /// `T` is valid when all its bytes are zero.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(crate) unsafe fn zeroed(
        len: usize,
        alloc: Option<AllocHandle>,
    ) -> Result<Self, TensorError> {
        let layout = array_layout::<T>(len)?;
        let mut inner = match alloc {
            Some(alloc) => {
                let block = alloc.allocate_zeroed(layout)?;
                StorageImpl::from_block(Some(alloc), len, block)?
            }
            None if layout.size() == 0 => StorageImpl::from_vec(Vec::new(), None),
            None => {
                // SAFETY: the layout is not zero-sized.
                let ptr = unsafe { std::alloc::alloc_zeroed(layout) };
                let base = NonNull::new(ptr.cast::<T>()).ok_or(out_of_memory::<T>(len))?;
                prefer_large(base, layout.size());
                // SAFETY: a block of `Layout::array::<T>(len)` from the global allocator, which
                // is what a `Vec` of this capacity holds.
                let elements = unsafe { Vec::from_raw_parts(base.as_ptr(), 0, len) };
                StorageImpl::from_vec(elements, None)
            }
        };
        // S2: the memory is zeroed, which makes `len` valid elements by the caller's promise.
        inner.len = len;
        Ok(Self::adopt(inner))
    }
}

/// Refuses an address that does not suit `T`.
pub(super) fn check_aligned<T>(ptr: NonNull<T>) -> Result<(), TensorError> {
    if ptr.is_aligned() {
        return Ok(());
    }
    Err(TensorError::Misaligned {
        address: ptr.addr().get(),
        align: align_of::<T>(),
    })
}

fn array_layout<T>(len: usize) -> Result<Layout, TensorError> {
    Layout::array::<T>(len).map_err(|_| out_of_memory::<T>(len))
}

fn out_of_memory<T>(len: usize) -> TensorError {
    TensorError::OutOfMemory {
        bytes: len.saturating_mul(size_of::<T>()),
    }
}
