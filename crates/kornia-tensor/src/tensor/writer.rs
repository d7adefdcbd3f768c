//! Filling fresh memory from outside, in full before anyone can read it.

#![forbid(unsafe_code)]

use std::fmt;
use std::io;

use super::Tensor;
use crate::error::{self, TensorError};
use crate::layout::Layout;
use crate::storage::{AllocHandle, StorageBuilder, host_alloc, normalize};

/// A tensor in the making: elements are written front to back, in row-major order, and
/// [`finish`](Self::finish) gives the tensor if and only if every one of them was.
///
/// The memory is neither zeroed before nor readable until then, so a block of a
/// [`Pool`](crate::Pool) costs one pass over it. What was written is dropped if the writer is
/// dropped early, also by a panic, and the memory goes back.
///
/// Bytes can be written by anything that writes to [`io::Write`].
///
/// ```
/// use kornia_tensor::{Pool, Tensor};
///
/// let pool = Pool::new();
/// let row = [7u8; 640 * 3]; // as it comes from a camera or a decoder
///
/// let mut frame = Tensor::<u8, 3>::writer_in([480, 640, 3], pool.handle())?;
/// for _ in 0..480 {
///     frame.write_slice(&row)?;
/// }
/// let frame = frame.finish()?;
/// assert_eq!(frame[[479, 639, 2]], 7);
///
/// // A file that is too short leaves no frame with holes:
/// let mut frame = Tensor::<u8, 3>::writer_in([480, 640, 3], pool.handle())?;
/// std::io::copy(&mut &row[..100], &mut frame).unwrap();
/// assert_eq!(
///     frame.finish().unwrap_err().to_string(),
///     "100 elements do not fill shape [480, 640, 3], which needs 921600; \
///      pass exactly as many as the shape has"
/// );
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
pub struct TensorWriter<T, const N: usize> {
    /// Has room for exactly the elements of `layout`, which is in standard order.
    out: StorageBuilder<T>,
    layout: Layout<N>,
}

impl<T, const N: usize> Tensor<T, N> {
    /// Memory to be written in full, which makes it a tensor. O(1).
    ///
    /// # Errors
    ///
    /// `ShapeOverflow`, `OutOfMemory`.
    pub fn writer(shape: [usize; N]) -> Result<TensorWriter<T, N>, TensorError> {
        Self::writer_in(shape, host_alloc())
    }

    /// As [`writer`](Self::writer), in memory of an allocator.
    ///
    /// # Errors
    ///
    /// `ShapeOverflow`, `OutOfMemory`, or what the allocator answered.
    pub fn writer_in(
        shape: [usize; N],
        alloc: AllocHandle,
    ) -> Result<TensorWriter<T, N>, TensorError> {
        let layout = Layout::contiguous(shape, size_of::<T>())?;
        let out = StorageBuilder::new(layout.numel(), normalize(alloc))?;
        Ok(TensorWriter { out, layout })
    }
}

impl<T, const N: usize> TensorWriter<T, N> {
    /// Lengths of the axes.
    pub fn shape(&self) -> &[usize; N] {
        self.layout.shape()
    }

    /// How many elements are written.
    #[inline]
    pub fn written(&self) -> usize {
        self.out.len()
    }

    /// How many elements are still to be written.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.out.room()
    }

    /// Writes the next element. O(1).
    ///
    /// # Panics
    ///
    /// If all are written; see [`try_push`](Self::try_push).
    #[inline]
    #[track_caller]
    pub fn push(&mut self, element: T) {
        error::expect(self.try_push(element));
    }

    /// Writes the next element. O(1).
    ///
    /// # Errors
    ///
    /// `ElementCountMismatch` if all are written; the element is dropped.
    #[inline]
    pub fn try_push(&mut self, element: T) -> Result<(), TensorError> {
        self.make_sure_of_room(1)?;
        self.out.push(element);
        Ok(())
    }

    /// Writes clones of all elements of a slice. O(n), one `memcpy` where cloning is copying.
    ///
    /// # Errors
    ///
    /// `ElementCountMismatch` if they are more than remain; none is written then.
    #[inline]
    pub fn write_slice(&mut self, elements: &[T]) -> Result<(), TensorError>
    where
        T: Clone,
    {
        self.make_sure_of_room(elements.len())?;
        self.out.extend_from_slice(elements);
        Ok(())
    }

    /// Lets `fill` write the next `count` elements through a slice, and gives what it returns.
    /// O(n).
    ///
    /// The slice holds `T::default()` to begin with, since it may be read: for a row at a time
    /// this costs little, because it stays in the cache.
    ///
    /// # Errors
    ///
    /// `ElementCountMismatch` if fewer than `count` remain; `fill` is not called then.
    ///
    /// ```
    /// use std::io::Read;
    /// use kornia_tensor::Tensor;
    ///
    /// let mut camera: &[u8] = &[1, 2, 3, 4, 5, 6]; // anything that implements `Read`
    /// let mut image = Tensor::<u8, 2>::writer([2, 3])?;
    /// for _ in 0..2 {
    ///     image.write_with(3, |row| camera.read_exact(row))??;
    /// }
    /// assert_eq!(image.finish()?.as_slice(), [1, 2, 3, 4, 5, 6]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_with<R>(
        &mut self,
        count: usize,
        fill: impl FnOnce(&mut [T]) -> R,
    ) -> Result<R, TensorError>
    where
        T: Copy + Default,
    {
        self.make_sure_of_room(count)?;
        let start = self.out.len();
        self.out.extend_with(count, T::default());
        Ok(fill(&mut self.out.written_mut()[start..]))
    }

    /// The tensor. O(1).
    ///
    /// # Errors
    ///
    /// `ElementCountMismatch` unless every element was written; those that were are dropped.
    #[track_caller]
    pub fn finish(self) -> Result<Tensor<T, N>, TensorError> {
        if self.remaining() > 0 {
            return Err(self.misfit(self.written()));
        }
        Tensor::from_storage(self.out.finish(), *self.layout.shape())
    }

    #[inline]
    fn make_sure_of_room(&self, count: usize) -> Result<(), TensorError> {
        if count > self.remaining() {
            return Err(self.misfit(self.written().saturating_add(count)));
        }
        Ok(())
    }

    #[cold]
    fn misfit(&self, found: usize) -> TensorError {
        let shape = Box::from(*self.shape());
        TensorError::ElementCountMismatch { shape, found }
    }
}

impl<const N: usize> io::Write for TensorWriter<u8, N> {
    /// Writes as many bytes as remain: 0 once the tensor is full, so that `write_all` and
    /// `io::copy` fail where there is more.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(self.remaining());
        self.out.extend_from_slice(&bytes[..fits]);
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<T, const N: usize> fmt::Debug for TensorWriter<T, N> {
    /// How far it is; elements are not printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TensorWriter")
            .field("shape", self.shape())
            .field("written", &self.written())
            .field("remaining", &self.remaining())
            .finish()
    }
}
