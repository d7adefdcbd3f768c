//! Where storages come from.

use std::alloc::Layout;
use std::any::Any;
use std::ptr::NonNull;
use std::sync::Arc;

use super::TensorStorage;
use super::allocator::{AllocHandle, normalize};
use super::builder::{StorageBuilder, check_aligned};
use super::owner::{Access, Owner, StorageImpl};
use super::resource::{MemoryDomain, MemoryResource};
use crate::error::{self, TensorAllocatorError, TensorError};

impl<T> TensorStorage<T> {
    /// The handle that owns a whole, freshly made allocation.
    pub(super) fn adopt(inner: StorageImpl<T>) -> Self {
        Self {
            ptr: inner.base,
            len: inner.len,
            inner: Arc::new(inner),
        }
    }

    /// Adopts a `Vec`. O(1), no element moves; [`into_vec`](Self::into_vec) gives it back.
    ///
    /// `alloc` is where copies of this storage will be allocated.
    pub fn from_vec(elements: Vec<T>, alloc: AllocHandle) -> Self {
        Self::adopt(StorageImpl::from_vec(elements, normalize(alloc)))
    }

    /// Adopts a `Vec` for the default allocator.
    #[inline]
    pub(crate) fn from_host_vec(elements: Vec<T>) -> Self {
        Self::adopt(StorageImpl::from_vec(elements, None))
    }

    /// Clones the elements of a slice into memory from `alloc`. O(n).
    ///
    /// # Errors
    ///
    /// `OutOfMemory` or what the allocator answered.
    pub fn from_slice(elements: &[T], alloc: AllocHandle) -> Result<Self, TensorError>
    where
        T: Clone,
    {
        let mut builder = StorageBuilder::new(elements.len(), normalize(alloc))?;
        builder.extend_from_slice(elements);
        Ok(builder.finish())
    }

    /// Adopts a block that already holds `len` elements. O(1).
    ///
    /// The elements are dropped before the block, if the host can reach it.
    ///
    /// # Safety
    ///
    /// If the host can read the block, its first `len` elements are initialised and belong to
    /// the storage from now on.
    ///
    /// # Errors
    ///
    /// `BadBlock` if it is too small, `Misaligned`, `NullPointer`, or `ReadOnlyStorage` if it
    /// may not be written.
    pub unsafe fn from_resource(
        block: Box<dyn MemoryResource>,
        len: usize,
        alloc: AllocHandle,
    ) -> Result<Self, TensorError> {
        let mut inner = StorageImpl::from_block(block, len, normalize(alloc))?;
        // S2: the caller's promise.
        inner.len = len;
        Ok(Self::adopt(inner))
    }

    /// Wraps memory that someone else frees, later than every handle. O(1).
    ///
    /// # Safety
    ///
    /// `data` is valid for reads and writes of `len_bytes` bytes of initialised elements until
    /// the last handle is dropped, was not derived from a shared reference, and nothing else
    /// reads or writes that memory while a handle exists. The elements are not dropped.
    ///
    /// # Panics
    ///
    /// If `data` is null or misaligned, or `len_bytes` is no multiple of the element size.
    #[track_caller]
    pub unsafe fn from_raw_parts(data: *const T, len_bytes: usize, alloc: AllocHandle) -> Self {
        let len = Self::whole_elements(len_bytes);
        // SAFETY: the caller's promise.
        error::expect(unsafe {
            Self::foreign(data, len, normalize(alloc), MemoryDomain::Host, false, None)
        })
    }

    /// Wraps memory that `keepalive` keeps valid. O(1); `keepalive` is dropped with the last
    /// handle.
    ///
    /// # Safety
    ///
    /// Until `keepalive` is dropped, `data` is valid for reads and writes of `len_bytes` bytes
    /// of initialised elements (as `domain` allows), was not derived from a shared reference,
    /// and nothing else reads or writes that memory. The elements are not dropped.
    ///
    /// # Panics
    ///
    /// If `data` is null or misaligned, or `len_bytes` is no multiple of the element size.
    #[track_caller]
    pub unsafe fn from_borrowed(
        data: *const T,
        len_bytes: usize,
        alloc: AllocHandle,
        domain: MemoryDomain,
        keepalive: Arc<dyn Any + Send + Sync>,
    ) -> Self {
        let keep: Box<dyn Any + Send> = Box::new(keepalive);
        let len = Self::whole_elements(len_bytes);
        // SAFETY: the caller's promise.
        error::expect(unsafe {
            Self::foreign(data, len, normalize(alloc), domain, false, Some(keep))
        })
    }

    /// Wraps memory that may be read and is never written through this storage. O(1).
    ///
    /// # Safety
    ///
    /// Until `keepalive` is dropped, `data` is valid for reads of `len_bytes` bytes of
    /// initialised elements (as `domain` allows), and nothing writes that memory.
    ///
    /// # Panics
    ///
    /// If `data` is null or misaligned, or `len_bytes` is no multiple of the element size.
    #[track_caller]
    pub unsafe fn from_borrowed_readonly(
        data: *const T,
        len_bytes: usize,
        alloc: AllocHandle,
        domain: MemoryDomain,
        keepalive: Arc<dyn Any + Send + Sync>,
    ) -> Self {
        let keep: Box<dyn Any + Send> = Box::new(keepalive);
        let len = Self::whole_elements(len_bytes);
        // SAFETY: the caller's promise.
        error::expect(unsafe {
            Self::foreign(data, len, normalize(alloc), domain, true, Some(keep))
        })
    }

    /// The one place where memory from elsewhere becomes a storage of `len` elements.
    ///
    /// # Safety
    ///
    /// As `from_borrowed`, or as `from_borrowed_readonly` if `readonly`.
    pub(crate) unsafe fn foreign(
        data: *const T,
        len: usize,
        alloc: Option<AllocHandle>,
        domain: MemoryDomain,
        readonly: bool,
        keepalive: Option<Box<dyn Any + Send>>,
    ) -> Result<Self, TensorError> {
        let base = NonNull::new(data.cast_mut()).ok_or(TensorAllocatorError::NullPointer)?;
        check_aligned(base)?;
        Layout::array::<T>(len).map_err(TensorAllocatorError::from)?;
        let access = match (domain.is_host_accessible(), readonly) {
            (false, _) => Access::NotHost,
            (true, true) => Access::ReadOnly,
            (true, false) => Access::ReadWrite,
        };
        let owner = keepalive.map_or(Owner::Borrowed, Owner::Foreign);
        // S1, S2: null, alignment and length are checked above, the rest is the caller's
        // promise. S4: the elements are not ours to drop.
        Ok(Self::adopt(StorageImpl {
            base,
            len,
            access,
            domain,
            alloc,
            owner,
        }))
    }

    /// How many elements `len_bytes` bytes hold.
    #[track_caller]
    fn whole_elements(len_bytes: usize) -> usize {
        let size = size_of::<T>().max(1);
        assert!(
            len_bytes.is_multiple_of(size),
            "{len_bytes} bytes are no whole number of {size}-byte elements; pass the length in bytes"
        );
        len_bytes / size
    }
}
