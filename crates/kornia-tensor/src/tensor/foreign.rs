//! Tensors over memory that something else owns.

use std::any::Any;
use std::sync::Arc;

use super::Tensor;
use crate::error::{self, TensorError};
use crate::layout::Layout;
use crate::storage::{
    Access, AllocHandle, ForeignOwner, MemoryDomain, Owner, OwnerRefused, TensorStorage, normalize,
};
use crate::tensor::view::check_numel;

impl<T, const N: usize> Tensor<T, N> {
    /// Shares the elements of an owner, for reading. O(1), safe; the owner is dropped with the
    /// last handle, on whichever thread.
    ///
    /// For whatever gives a slice: `Vec`, `Arc<[T]>`, an array, `Bytes`, a mapped file. The owner
    /// is asked for its slice once. `make_mut` copies. A [`TensorStorage`] is taken as it is, and
    /// written as before by its sole handle.
    ///
    /// # Errors
    ///
    /// `ElementCountMismatch` if the slice does not have exactly as many elements as the shape, or
    /// `ShapeOverflow`, with the owner.
    ///
    /// # Panics
    ///
    /// If `as_ref` panics; the owner is dropped then.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use kornia_tensor::{Tensor, TensorError};
    ///
    /// let pixels: Arc<[u8]> = Arc::from([1, 2, 3, 4, 5, 6]);
    /// let mut image = Tensor::from_owner([1, 2, 3], pixels.clone())?;
    /// assert_eq!(image.as_ptr(), pixels.as_ptr());
    /// assert_eq!(image.try_view_mut().unwrap_err(), TensorError::ReadOnlyStorage);
    /// image.make_mut()[[0, 0, 0]] = 9;
    /// assert_eq!((image[[0, 0, 0]], pixels[0]), (9, 1));
    /// # Ok::<(), TensorError>(())
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn from_owner<O>(shape: [usize; N], owner: O) -> Result<Self, OwnerRefused<O>>
    where
        T: 'static,
        O: AsRef<[T]> + Send + 'static,
    {
        let layout = match Layout::contiguous(shape, size_of::<T>()) {
            Ok(layout) => layout,
            Err(error) => return Err(OwnerRefused { error, owner }),
        };
        let storage = TensorStorage::shared_by(owner, |len| check_numel(&layout, len))?;
        Ok(error::expect(Self::from_storage(storage, shape))) // was checked, for the owner's sake
    }

    /// Wraps strided memory that `owner` keeps valid. O(1); the owner is dropped with the last
    /// handle, on whichever thread. `first` is the element at index `[0, 0, ..]`, strides are in
    /// elements and may be negative.
    ///
    /// # Safety
    ///
    /// Until `owner` is dropped, every element the strides reach from `first`, and what lies
    /// between them, is initialised and valid for reads (as `domain` allows), and nothing
    /// writes it. If `access` is [`Access::ReadWrite`] it is also valid for writes, `first` was
    /// not derived from a shared reference, and **nothing else reads or writes it**, through
    /// the owner or otherwise. The elements are not dropped.
    ///
    /// # Errors
    ///
    /// With the owner: `StorageError(NullPointer)`, `Misaligned`, `ShapeOverflow`, or
    /// `OverlappingLayout` if two indices may name one element.
    ///
    /// ```
    /// use kornia_tensor::{Access, MemoryDomain, Tensor, TensorError};
    ///
    /// // A driver's frame: 2 rows of 3 pixels, each row padded to 4 bytes.
    /// let frame: Box<[u8]> = Box::new([1, 2, 3, 0, 4, 5, 6, 0]);
    /// let first = frame.as_ptr();
    /// // SAFETY: the box keeps the bytes where they are, and nothing writes them.
    /// let image = unsafe {
    ///     Tensor::from_foreign([2, 3], [4, 1], first, MemoryDomain::Host, Access::ReadOnly, frame)
    /// }?;
    /// assert_eq!(image.view().to_vec(), [1, 2, 3, 4, 5, 6]);
    /// # Ok::<(), TensorError>(())
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub unsafe fn from_foreign<O: Send + 'static>(
        shape: [usize; N],
        strides: [isize; N],
        first: *const T,
        domain: MemoryDomain,
        access: Access,
        owner: O,
    ) -> Result<Self, OwnerRefused<O>> {
        let checked = Layout::new(shape, strides, size_of::<T>()).and_then(|layout| {
            if !layout.is_injective() {
                return Err(TensorError::OverlappingLayout {
                    shape: shape.into(),
                    strides: strides.into(),
                });
            }
            let lowest = first.wrapping_sub(layout.first_offset());
            TensorStorage::check_address(first, 0)?;
            Ok((layout, TensorStorage::check_address(lowest, layout.span())?))
        });
        let (layout, base) = match checked {
            Ok(checked) => checked,
            Err(error) => return Err(OwnerRefused { error, owner }),
        };
        let (keep, _) = ForeignOwner::new(owner);
        let (len, owner) = (layout.span(), Owner::Foreign(keep));
        // SAFETY: checked; the span is what the caller promises.
        let storage =
            unsafe { TensorStorage::over_address(base, len, None, domain, access, owner) };
        // SAFETY: the storage has the span of the layout (T1), which is injective (T2).
        Ok(unsafe { Self::from_checked(storage, layout) })
    }

    /// Wraps memory that someone else frees, later than every handle. O(1). `len` is in
    /// **bytes**, and may be larger than the shape needs.
    ///
    /// # Safety
    ///
    /// `data` is valid for reads and writes of `len` bytes of initialised elements until the
    /// last handle is dropped, was not derived from a shared reference, and nothing else reads
    /// or writes that memory while a handle exists. The elements are not dropped.
    ///
    /// # Errors
    ///
    /// `StorageError(NullPointer)`, `Misaligned`, `ShapeOverflow`, or `ByteCountMismatch` if `len` is
    /// too small or no multiple of the element size.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub unsafe fn from_raw_parts(
        shape: [usize; N],
        data: *const T,
        len: usize,
        alloc: AllocHandle,
    ) -> Result<Self, TensorError> {
        let layout = Layout::contiguous(shape, size_of::<T>())?;
        let element_size = size_of::<T>().max(1);
        if layout.numel() * size_of::<T>() > len || !len.is_multiple_of(element_size) {
            return Err(TensorError::ByteCountMismatch {
                shape: shape.into(),
                element_size,
                found: len,
            });
        }
        let base = TensorStorage::check_address(data, layout.numel())?;
        let (access, alloc) = (Access::ReadWrite, normalize(alloc));
        let (domain, owner) = (MemoryDomain::Host, Owner::Borrowed);
        // SAFETY: checked, and the caller's promise for the elements the shape needs.
        let storage = unsafe {
            TensorStorage::over_address(base, layout.numel(), alloc, domain, access, owner)
        };
        Self::from_storage(storage, shape)
    }

    /// Wraps memory that `keepalive` keeps valid. O(1); `keepalive` is dropped with the last
    /// handle. `len` is in elements.
    ///
    /// # Safety
    ///
    /// Until `keepalive` is dropped, `data` is valid for reads and writes of `len` initialised
    /// elements (as `domain` allows), was not derived from a shared reference, and **nothing
    /// else reads or writes that memory**, through `keepalive` or otherwise. The elements are
    /// not dropped.
    ///
    /// # Errors
    ///
    /// `StorageError(NullPointer)`, `Misaligned`, `ShapeOverflow`, or `ElementCountMismatch` if `len` is
    /// not the number of elements of the shape.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub unsafe fn from_borrowed(
        shape: [usize; N],
        data: *const T,
        len: usize,
        domain: MemoryDomain,
        keepalive: Arc<dyn Any + Send + Sync>,
    ) -> Result<Self, TensorError> {
        // SAFETY: the caller promises what this access asks for.
        unsafe { Self::borrowed(shape, data, len, domain, Access::ReadWrite, keepalive) }
    }

    /// Wraps memory that may be read and is never written through the tensor. O(1); `keepalive`
    /// is dropped with the last handle. `len` is in elements.
    ///
    /// # Safety
    ///
    /// Until `keepalive` is dropped, `data` is valid for reads of `len` initialised elements
    /// (as `domain` allows), and nothing writes that memory.
    ///
    /// # Errors
    ///
    /// As [`from_borrowed`](Self::from_borrowed).
    ///
    /// ```
    /// use std::sync::Arc;
    /// use kornia_tensor::{MemoryDomain, Tensor, TensorError};
    ///
    /// let frame: Arc<Vec<u8>> = Arc::new(vec![7; 12]);
    /// // SAFETY: the `Arc` keeps the elements where they are, and nobody can write to them.
    /// let mut t = unsafe {
    ///     Tensor::from_borrowed_readonly(
    ///         [2, 2, 3], frame.as_ptr(), 12, MemoryDomain::Host, frame.clone(),
    ///     )
    /// }?;
    /// assert_eq!(t[[1, 1, 2]], 7);
    /// assert_eq!(t.try_as_mut_slice().unwrap_err(), TensorError::ReadOnlyStorage);
    /// # Ok::<(), TensorError>(())
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub unsafe fn from_borrowed_readonly(
        shape: [usize; N],
        data: *const T,
        len: usize,
        domain: MemoryDomain,
        keepalive: Arc<dyn Any + Send + Sync>,
    ) -> Result<Self, TensorError> {
        // SAFETY: the caller promises what this access asks for.
        unsafe { Self::borrowed(shape, data, len, domain, Access::ReadOnly, keepalive) }
    }

    /// # Safety
    ///
    /// As `from_borrowed`, or as `from_borrowed_readonly` if `access` is `ReadOnly`.
    #[cfg_attr(feature = "diagnose", track_caller)]
    unsafe fn borrowed(
        shape: [usize; N],
        data: *const T,
        len: usize,
        domain: MemoryDomain,
        access: Access,
        keepalive: Arc<dyn Any + Send + Sync>,
    ) -> Result<Self, TensorError> {
        let layout = Layout::contiguous(shape, size_of::<T>())?;
        check_numel(&layout, len)?;
        // SAFETY: the caller promises the same of `len` elements, which are those of the shape.
        let tensor = unsafe {
            Self::from_foreign(shape, *layout.strides(), data, domain, access, keepalive)
        };
        Ok(tensor?)
    }
}
