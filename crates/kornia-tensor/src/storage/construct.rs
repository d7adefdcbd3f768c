//! Storages from a `Vec`, a slice or a block.

use std::sync::Arc;

use super::TensorStorage;
use super::accounting;
use super::allocator::{AllocHandle, normalize};
use super::builder::StorageBuilder;
use super::holders::Holder;
use super::owner::StorageImpl;
use super::resource::MemoryResource;
use crate::error::TensorError;

impl<T> TensorStorage<T> {
    /// The handle that owns a whole, freshly made allocation.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(super) fn adopt(inner: StorageImpl<T>) -> Self {
        let (ptr, len) = (inner.base, inner.len);
        let inner = Arc::into_raw(Arc::new(std::mem::ManuallyDrop::new(inner)));
        // Without a destructor in the way of `Arc::new`, the parts are written where they stay.
        // SAFETY: from `into_raw`; `ManuallyDrop<X>` has size, alignment and layout of `X`.
        let inner = unsafe { Arc::from_raw(inner.cast::<StorageImpl<T>>()) };
        if accounting::is_on() {
            inner.enter();
        }
        Self {
            inner,
            ptr,
            len,
            holder: Holder::first(),
        }
    }

    /// Adopts a `Vec`. O(1), no element moves; [`into_vec`](Self::into_vec) gives it back.
    ///
    /// `alloc` is where copies of this storage will be allocated.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn from_vec(elements: Vec<T>, alloc: AllocHandle) -> Self {
        Self::adopt(StorageImpl::from_vec(elements, normalize(alloc)))
    }

    /// Adopts a `Vec` for the default allocator.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(crate) fn from_host_vec(elements: Vec<T>) -> Self {
        Self::adopt(StorageImpl::from_vec(elements, None))
    }

    /// Clones the elements of a slice into memory from `alloc`. O(n).
    ///
    /// # Errors
    ///
    /// `OutOfMemory` or what the allocator answered.
    #[cfg_attr(feature = "diagnose", track_caller)]
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
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub unsafe fn from_resource(
        block: Box<dyn MemoryResource>,
        len: usize,
        alloc: AllocHandle,
    ) -> Result<Self, TensorError> {
        let mut inner = StorageImpl::from_block(normalize(alloc), len, block)?;
        // S2: the caller's promise.
        inner.len = len;
        Ok(Self::adopt(inner))
    }
}
