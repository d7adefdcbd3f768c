//! Who may write, who must copy, and giving the memory back.

#![forbid(unsafe_code)]

use std::time::Duration;

use super::{Tensor, TensorParts};
use crate::TensorViewMut;
use crate::error::{self, TensorError};
use crate::storage::Place;
use crate::tensor::view::copy;
use crate::tensor::view::not_contiguous;

/// Slices. Never copy.
impl<T, const N: usize> Tensor<T, N> {
    /// The elements as a slice in row-major order. O(1), never copies.
    ///
    /// # Panics
    ///
    /// If the tensor is not contiguous, or the host cannot read the memory.
    #[inline]
    #[track_caller]
    pub fn as_slice(&self) -> &[T] {
        error::expect(self.try_as_slice())
    }

    /// As [`as_slice`](Self::as_slice).
    ///
    /// # Errors
    ///
    /// `NotContiguous` or `NotHostAccessible`.
    #[inline]
    pub fn try_as_slice(&self) -> Result<&[T], TensorError> {
        if !self.is_standard_layout() {
            return Err(not_contiguous(&self.layout()));
        }
        // T1: the window of a standard layout is exactly its elements.
        self.storage.try_as_slice()
    }

    /// The elements as a slice for writing. O(1), never copies.
    ///
    /// # Panics
    ///
    /// If the storage is shared or read-only, the host cannot write it, or the tensor is not
    /// contiguous.
    ///
    /// ```should_panic
    /// use kornia_tensor::Tensor;
    ///
    /// let mut t = Tensor::<u8, 1>::zeros([4]);
    /// let shared = t.clone();
    /// t.as_mut_slice()[0] = 1; // storage is shared with other tensors; use `make_mut` ..
    /// # drop(shared);
    /// ```
    #[inline]
    #[track_caller]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        error::expect(self.try_as_mut_slice())
    }

    /// As [`as_mut_slice`](Self::as_mut_slice).
    ///
    /// # Errors
    ///
    /// `SharedStorage`, `ReadOnlyStorage`, `NotHostAccessible` or `NotContiguous`.
    #[inline]
    pub fn try_as_mut_slice(&mut self) -> Result<&mut [T], TensorError> {
        let layout = self.layout();
        // T1: the window of a standard layout is exactly its elements.
        let elements = self.parts.storage.try_as_mut_slice()?;
        if !layout.is_contiguous() {
            return Err(not_contiguous(&layout));
        }
        Ok(elements)
    }

    /// Waits until this is the only handle of its memory and may write it, at most for `limit`.
    ///
    /// For the end of a pipeline, where a worker has sent its result and is about to drop its tile.
    /// After `Ok` the memory stays this tensor's own until it hands out a handle itself, so
    /// [`view_mut`](Self::view_mut), [`as_mut_slice`](Self::as_mut_slice) and
    /// [`try_into_mut`](Self::try_into_mut) find it unshared.
    ///
    /// Asking costs one atomic operation. Handles do not know who waits, so it asks again after
    /// 20 µs, 40 µs and so on up to a millisecond, and sleeps in between: it notices the last drop
    /// up to that much later. With a limit of zero it asks once. It never returns `Ok` while
    /// this thread itself holds the other handle.
    ///
    /// # Errors
    ///
    /// `SharedStorage` if another handle is still there after `limit`; `ReadOnlyStorage` at once,
    /// because nobody's drop would help.
    ///
    /// ```
    /// use kornia_tensor::{Tensor, TensorError};
    /// use std::time::Duration;
    ///
    /// fn main() -> Result<(), TensorError> {
    ///     let mut frame = Tensor::<u8, 3>::zeros([480, 640, 3]);
    ///     let top = frame.slice((..240, .., ..));
    ///     std::thread::spawn(move || top.view().sum()); // who knows when it is done with its tile
    ///     frame.wait_until_unique(Duration::from_secs(60))?;
    ///     frame.as_mut_slice().fill(1);
    ///
    ///     let kept = frame.clone();
    ///     assert!(frame.wait_until_unique(Duration::from_millis(1)).is_err());
    ///     assert_eq!(kept[[0, 0, 0]], 1);
    ///     Ok(())
    /// }
    /// ```
    pub fn wait_until_unique(&mut self, limit: Duration) -> Result<(), TensorError> {
        self.parts.storage.wait_until_unique(limit)
    }

    /// 0.2.0's name of [`as_mut_slice`](Self::as_mut_slice). Not deprecated, because code of that
    /// time is full of it; new code says `as_mut_slice`.
    ///
    /// # Panics
    ///
    /// If the storage is shared or read-only, the host cannot write it, or the tensor is not
    /// contiguous.
    #[inline]
    #[track_caller]
    pub fn as_slice_mut(&mut self) -> &mut [T] {
        self.as_mut_slice()
    }

    /// Address of the first element, for writing while this handle lives and stays the only
    /// one. Memory of a device gives its device address.
    ///
    /// # Panics
    ///
    /// If the storage is shared or read-only.
    #[inline]
    #[track_caller]
    pub fn as_mut_ptr(&mut self) -> *mut T {
        let first_offset = self.layout().first_offset();
        // In bounds by T1; `wrapping_add` spares an `unsafe` block.
        self.parts.storage.as_mut_ptr().wrapping_add(first_offset)
    }
}

/// Copies, when they are needed and when they are asked for.
impl<T: Clone, const N: usize> Tensor<T, N> {
    /// A mutable view of memory that this handle alone sees: O(1) if it already does, else the
    /// visible elements are copied first and this tensor leaves its old storage.
    ///
    /// A copy is contiguous, so strides may change: use those of the view.
    ///
    /// While other threads hold handles, whether it copies is a matter of timing. Call
    /// [`deep_clone`](Self::deep_clone) where the copy is wanted, and
    /// [`try_view_mut`](Self::try_view_mut) where it is not.
    ///
    /// # Panics
    ///
    /// If a copy is needed and there is no memory for it, as when the [`Pool`](crate::Pool) it comes
    /// from is full or closed; or the host cannot read the old one.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let mut a = Tensor::from_shape_vec([2, 2], vec![1, 2, 3, 4])?;
    /// let b = a.clone();
    /// a.make_mut()[[0, 0]] = 9; // copies: `b` keeps its elements
    /// assert_eq!((a[[0, 0]], b[[0, 0]]), (9, 1));
    ///
    /// let before = a.as_ptr();
    /// a.make_mut()[[0, 0]] = 10; // sole handle now: no copy
    /// assert_eq!(a.as_ptr(), before);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[doc(alias = "copy_on_write")]
    #[track_caller]
    pub fn make_mut(&mut self) -> TensorViewMut<'_, T, N> {
        error::expect(self.try_make_mut())
    }

    /// As [`make_mut`](Self::make_mut).
    ///
    /// # Errors
    ///
    /// Those of [`deep_clone`](Self::deep_clone); the tensor is unchanged then.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_make_mut(&mut self) -> Result<TensorViewMut<'_, T, N>, TensorError> {
        if self.parts.storage.exclusive().is_err() {
            *self = self.deep_clone()?;
        }
        self.try_view_mut()
    }

    /// As [`make_mut`](Self::make_mut), as a slice: also copies a strided tensor.
    ///
    /// # Panics
    ///
    /// If a copy is needed and there is no memory for it, as when the [`Pool`](crate::Pool) it comes
    /// from is full or closed; or the host cannot read the old one.
    #[track_caller]
    pub fn make_mut_slice(&mut self) -> &mut [T] {
        error::expect(self.try_make_mut_slice())
    }

    /// As [`make_mut_slice`](Self::make_mut_slice).
    ///
    /// # Errors
    ///
    /// Those of [`deep_clone`](Self::deep_clone); the tensor is unchanged then.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_make_mut_slice(&mut self) -> Result<&mut [T], TensorError> {
        if !self.is_standard_layout() || self.parts.storage.exclusive().is_err() {
            *self = self.deep_clone()?;
        }
        self.try_as_mut_slice()
    }

    /// A contiguous tensor with clones of the visible elements in memory of its own, from the
    /// same allocator. O(n).
    ///
    /// # Errors
    ///
    /// `OutOfMemory` or what the allocator answered; `NotHostAccessible`.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let frame = Tensor::<u8, 3>::zeros([1080, 1920, 3]);
    /// let crop = frame.slice((0..16, 0..16, ..));
    /// assert_eq!(crop.retained_bytes(), 1080 * 1920 * 3);
    /// assert_eq!(crop.deep_clone()?.retained_bytes(), 16 * 16 * 3);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[doc(alias = "copy")]
    #[doc(alias = "to_owned")]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn deep_clone(&self) -> Result<Self, TensorError> {
        let copy = copy::to_tensor(self.try_view()?, self.storage.alloc_choice())?;
        Ok(copy.made_at(Place::here()))
    }

    /// The same elements without much that nobody sees: a small window of a large allocation is
    /// copied out, O(n), and lets go of it; anything else comes back as it is, O(1).
    ///
    /// It is copied if, and only if, [`retained_bytes`](Self::retained_bytes) is at least 4096
    /// and at least four times the bytes of the visible elements, whatever the strides, whoever
    /// shares it. That is where `{:?}` has a note. A copy is contiguous and from the same
    /// allocator; the old allocation is freed once no other handle keeps it.
    ///
    /// # Errors
    ///
    /// Those of [`deep_clone`](Self::deep_clone), where a copy is needed; the tensor is dropped
    /// then.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let frame = Tensor::<u8, 3>::zeros([1080, 1920, 3]);
    /// let face = frame.slice((100..164, 200..264, ..));
    /// drop(frame);
    /// assert_eq!(face.retained_bytes(), 1080 * 1920 * 3);
    /// let face = face.compact()?;
    /// assert_eq!(face.retained_bytes(), 64 * 64 * 3);
    ///
    /// let most = face.slice((8.., .., ..)).compact()?; // shows seven eighths: moves nothing
    /// assert!(most.shares_memory_with(&face));
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn compact(self) -> Result<Self, TensorError> {
        if self.storage.is_wasteful(self.numel()) {
            self.deep_clone()
        } else {
            Ok(self)
        }
    }

    /// The same elements in row-major order, with the strides of that order: this very tensor if it is
    /// contiguous already, O(1), else a copy, O(n).
    ///
    /// # Panics
    ///
    /// If a copy is needed and there is no memory for it, as when the [`Pool`](crate::Pool) it comes
    /// from is full or closed; or the host cannot read the old one.
    #[doc(alias = "as_standard_layout")]
    #[doc(alias = "ascontiguousarray")]
    #[doc(alias = "as_contiguous")]
    #[doc(alias = "to_standard_layout")]
    #[track_caller]
    pub fn contiguous(self) -> Self {
        error::expect(self.try_contiguous())
    }

    /// As [`contiguous`](Self::contiguous).
    ///
    /// # Errors
    ///
    /// Those of [`deep_clone`](Self::deep_clone).
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_contiguous(self) -> Result<Self, TensorError> {
        if self.is_standard_layout() {
            // An axis of length 1 may have had any stride, and code that reads strides reads that, too.
            let shape = *self.shape();
            Ok(self.into_reshaped(shape)?)
        } else {
            self.deep_clone()
        }
    }
}

/// The `Vec` back.
impl<T, const N: usize> Tensor<T, N> {
    /// The `Vec` this tensor was made from. O(1), never copies;
    /// [`TensorView::to_vec`](crate::TensorView::to_vec) copies.
    ///
    /// # Panics
    ///
    /// Where [`try_into_vec`](Self::try_into_vec) gives the tensor back, saying why.
    #[inline]
    #[track_caller]
    pub fn into_vec(self) -> Vec<T> {
        if !self.is_standard_layout() {
            error::fail(not_contiguous(&self.layout()));
        }
        self.parts.storage.into_vec()
    }

    /// The `Vec` this tensor was made from. O(1), never copies.
    ///
    /// # Errors
    ///
    /// The tensor itself, if
    ///
    /// 1. it is not contiguous;
    /// 2. its memory is no `Vec` (an allocator's block, foreign memory);
    /// 3. it is a window of less than the whole `Vec`;
    /// 4. another handle exists.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let t = Tensor::from_shape_vec([2, 2], vec![1, 2, 3, 4])?;
    /// let row = t.slice((0, ..));
    /// let row = row.try_into_vec().unwrap_err(); // a window, and shared
    /// drop(row);
    /// assert_eq!(t.try_into_vec().unwrap(), [1, 2, 3, 4]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    pub fn try_into_vec(self) -> Result<Vec<T>, Self> {
        if !self.is_standard_layout() {
            return Err(self);
        }
        let TensorParts {
            storage,
            shape,
            strides,
        } = self.parts;
        // What comes back is what was taken out, so T1 and T2 hold as before.
        storage.try_into_vec().map_err(|storage| Self {
            parts: TensorParts {
                storage,
                shape,
                strides,
            },
        })
    }
}
