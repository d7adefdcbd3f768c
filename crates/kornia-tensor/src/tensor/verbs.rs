//! The verbs of [`Tensor`]: each gives another tensor that shares the storage.

use super::Tensor;
use crate::error::{self, TensorError};
use crate::layout::rank::{Nat, Pred, Succ};
use crate::layout::slice::{SliceRange, SliceSpec};
use crate::storage::Place;

// Panicking fronts unwrap the layout and then build the tensor, rather than unwrap the tensor
// of their `try_` twin: a tensor that goes through a `Result` in memory costs twice as much.

/// Verbs: O(1), no element moves. Each result is a handle of its own: `'static` whenever `T` is,
/// free to go to another thread, and one more sharer of the storage. While it lives, neither it
/// nor this tensor can be written ([`make_mut`](Self::make_mut) copies). A small result keeps the
/// whole allocation alive.
impl<T, const N: usize> Tensor<T, N> {
    /// A window: a range keeps its axis, an index drops it.
    ///
    /// # Panics
    ///
    /// If an index or a range is out of bounds; see [`try_slice`](Self::try_slice).
    ///
    /// ```
    /// use kornia_tensor::{FromEnd, Tensor, step};
    ///
    /// let image = Tensor::<u8, 3>::zeros([48, 64, 3]); // [H, W, C]
    /// let roi = image.slice((10..20, 5.., ..));
    /// assert_eq!(roi.shape(), &[10, 59, 3]);
    /// let blue = image.slice((.., .., 2)); // an index drops its axis
    /// assert_eq!(blue.shape(), &[48, 64]);
    /// let tile = image.slice([0..16, 0..16, 0..3]); // an array keeps them all
    /// assert_eq!(tile.shape(), &[16, 16, 3]);
    /// let small = image.slice((step(.., 2), step(.., 2), ..));
    /// assert_eq!(small.shape(), &[24, 32, 3]);
    /// let last = image.slice((FromEnd(1), .., ..));
    /// assert_eq!(last.shape(), &[64, 3]);
    /// assert!(last.shares_memory_with(&image));
    /// ```
    #[inline]
    #[track_caller]
    pub fn slice<S, const M: usize>(&self, spec: S) -> Tensor<T, M>
    where
        S: SliceSpec<N, M>,
    {
        let (layout, offset) = error::expect(self.layout().slice(spec));
        self.part(layout, offset)
    }

    /// As [`slice`](Self::slice).
    ///
    /// # Errors
    ///
    /// `IndexOutOfBounds`, `RangeOutOfBounds`, `NegativeIndex` or `ZeroLength`, with the axis.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_slice<S, const M: usize>(&self, spec: S) -> Result<Tensor<T, M>, TensorError>
    where
        S: SliceSpec<N, M>,
    {
        let (layout, offset) = self.layout().slice(spec)?;
        Ok(self.part(layout, offset))
    }

    /// One index of an axis, which is dropped.
    ///
    /// # Panics
    ///
    /// If the axis or the index is out of bounds.
    #[inline]
    #[track_caller]
    pub fn select<const M: usize>(&self, axis: usize, index: usize) -> Tensor<T, M>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        let (layout, offset) = error::expect(self.layout().select(axis, index));
        self.part(layout, offset)
    }

    /// As [`select`](Self::select).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds` or `IndexOutOfBounds`.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_select<const M: usize>(
        &self,
        axis: usize,
        index: usize,
    ) -> Result<Tensor<T, M>, TensorError>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        let (layout, offset) = self.layout().select(axis, index)?;
        Ok(self.part(layout, offset))
    }

    /// A range of one axis.
    ///
    /// # Panics
    ///
    /// If the axis or the range is out of bounds.
    #[inline]
    #[track_caller]
    pub fn narrow(&self, axis: usize, range: impl SliceRange) -> Self {
        let (layout, offset) = error::expect(self.layout().narrow(axis, range));
        self.part(layout, offset)
    }

    /// As [`narrow`](Self::narrow).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds`, or those of [`try_slice`](Self::try_slice).
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_narrow(&self, axis: usize, range: impl SliceRange) -> Result<Self, TensorError> {
        let (layout, offset) = self.layout().narrow(axis, range)?;
        Ok(self.part(layout, offset))
    }

    /// The axes in another order.
    ///
    /// # Errors
    ///
    /// `InvalidPermutation` unless `axes` names each axis once.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let hwc = Tensor::<u8, 3>::from_shape_fn([4, 5, 3], |[y, x, c]| (y * 15 + x * 3 + c) as u8);
    /// let chw = hwc.permute_axes([2, 0, 1])?;
    /// assert_eq!(chw.shape(), &[3, 4, 5]);
    /// assert_eq!(chw[[1, 3, 2]], hwc[[3, 2, 1]]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn permute_axes(&self, axes: [usize; N]) -> Result<Self, TensorError> {
        Ok(self.same_window(self.layout().permute_axes(axes)?))
    }

    /// The axes in reverse order.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn transpose(&self) -> Self {
        self.same_window(self.layout().transpose())
    }

    /// One axis back to front.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let rgb = Tensor::from_shape_vec([1, 2, 3], vec![1, 2, 3, 4, 5, 6])?;
    /// assert_eq!(rgb.flip(2).view().to_vec(), [3, 2, 1, 6, 5, 4]); // BGR, nothing copied
    /// assert_eq!(rgb.flip(1).view().to_vec(), [4, 5, 6, 1, 2, 3]); // mirrored
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn flip(&self, axis: usize) -> Self {
        let (layout, _) = error::expect(self.layout().flip(axis));
        self.same_window(layout)
    }

    /// As [`flip`](Self::flip).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds`.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_flip(&self, axis: usize) -> Result<Self, TensorError> {
        let (layout, _) = self.layout().flip(axis)?;
        Ok(self.same_window(layout))
    }

    /// The same elements in row-major order under another shape. Never copies.
    ///
    /// # Errors
    ///
    /// `ReshapeMismatch` if the number of elements differs, `ReshapeNeedsCopy` if no strides
    /// describe the result.
    ///
    /// ```
    /// use kornia_tensor::{Tensor, TensorError};
    ///
    /// let t = Tensor::from_shape_vec([2, 3], vec![1, 2, 3, 4, 5, 6])?;
    /// let flat = t.reshape([6])?; // two tensors, one allocation
    /// assert_eq!(flat.as_slice(), t.as_slice());
    ///
    /// let refused = t.transpose().reshape([6]);
    /// assert!(matches!(refused, Err(TensorError::ReshapeNeedsCopy { .. })));
    /// assert_eq!(t.transpose().contiguous().reshape([6])?.as_slice(), [1, 4, 2, 5, 3, 6]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn reshape<const M: usize>(&self, shape: [usize; M]) -> Result<Tensor<T, M>, TensorError> {
        let layout = self.layout();
        match layout.reshaped(shape) {
            Some(layout) => Ok(self.same_window(layout)),
            None => Err(layout.why_not_reshaped(shape)),
        }
    }

    /// The same elements in row-major order along one axis. Never copies.
    ///
    /// # Errors
    ///
    /// `ReshapeNeedsCopy` if no stride describes the result.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn flatten(&self) -> Result<Tensor<T, 1>, TensorError> {
        self.reshape([self.numel()])
    }

    /// A new axis of length 1 before `axis`.
    ///
    /// # Panics
    ///
    /// If `axis` is larger than the rank.
    #[inline]
    #[track_caller]
    pub fn insert_axis<const M: usize>(&self, axis: usize) -> Tensor<T, M>
    where
        Nat<N>: Succ<Next = Nat<M>>,
    {
        error::expect(self.try_insert_axis(axis))
    }

    /// As [`insert_axis`](Self::insert_axis).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds`.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_insert_axis<const M: usize>(&self, axis: usize) -> Result<Tensor<T, M>, TensorError>
    where
        Nat<N>: Succ<Next = Nat<M>>,
    {
        Ok(self.same_window(self.layout().insert_axis(axis)?))
    }

    /// Without an axis of length 1.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds or its length is not 1.
    #[inline]
    #[track_caller]
    pub fn remove_axis<const M: usize>(&self, axis: usize) -> Tensor<T, M>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        error::expect(self.try_remove_axis(axis))
    }

    /// As [`remove_axis`](Self::remove_axis).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds` or `AxisNotRemovable`.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_remove_axis<const M: usize>(&self, axis: usize) -> Result<Tensor<T, M>, TensorError>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        Ok(self.same_window(self.layout().remove_axis(axis)?))
    }

    /// Two tensors: before `index` along an axis, and from it on.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds or `index` is larger than its length.
    #[inline]
    #[track_caller]
    pub fn split_at(&self, axis: usize, index: usize) -> (Self, Self) {
        error::expect(self.try_split_at(axis, index))
    }

    /// As [`split_at`](Self::split_at).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds` or `IndexOutOfBounds`.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_split_at(&self, axis: usize, index: usize) -> Result<(Self, Self), TensorError> {
        let parts = self.layout().split_at(axis, index)?;
        let [(front, start), (back, middle)] = parts;
        Ok((self.part(front, start), self.part(back, middle)))
    }

    /// Consecutive pieces of `size` along an axis; the last may be shorter.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds or `size` is 0.
    #[track_caller]
    pub fn chunks(
        &self,
        axis: usize,
        size: usize,
    ) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + use<T, N> {
        error::expect(self.try_chunks(axis, size))
    }

    /// As [`chunks`](Self::chunks).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds` or `ZeroLength`.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_chunks(
        &self,
        axis: usize,
        size: usize,
    ) -> Result<impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + use<T, N>, TensorError>
    {
        let chunks = self.layout().chunks(axis, size)?;
        let (tensor, place) = (self.clone(), Place::here());
        Ok(chunks.map(move |(layout, offset)| tensor.part(layout, offset).made_at(place)))
    }

    /// Blocks of `size` with their origins, in row-major order; smaller at the far edges.
    ///
    /// # Panics
    ///
    /// If a length of `size` is 0.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let image = Tensor::<u8, 3>::zeros([48, 100, 3]);
    /// let sums: Vec<_> = image
    ///     .tiles([32, 32, 3])
    ///     .map(|(origin, tile)| std::thread::spawn(move || (origin, tile.iter().count())))
    ///     .map(|worker| worker.join().unwrap())
    ///     .collect();
    /// assert_eq!(sums.len(), 2 * 4);
    /// assert_eq!(sums[7], ([32, 96, 0], 16 * 4 * 3)); // smaller at the far corner
    /// ```
    #[track_caller]
    pub fn tiles(
        &self,
        size: [usize; N],
    ) -> impl DoubleEndedIterator<Item = ([usize; N], Self)> + ExactSizeIterator + use<T, N> {
        error::expect(self.try_tiles(size))
    }

    /// As [`tiles`](Self::tiles).
    ///
    /// # Errors
    ///
    /// `ZeroLength`.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_tiles(
        &self,
        size: [usize; N],
    ) -> Result<
        impl DoubleEndedIterator<Item = ([usize; N], Self)> + ExactSizeIterator + use<T, N>,
        TensorError,
    > {
        let tiles = self.layout().tiles(size)?;
        let (tensor, place) = (self.clone(), Place::here());
        Ok(tiles.map(move |(origin, layout, offset)| {
            (origin, tensor.part(layout, offset).made_at(place))
        }))
    }

    /// One tensor per index of an axis, without that axis.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds.
    #[track_caller]
    pub fn axis_iter<const M: usize>(
        &self,
        axis: usize,
    ) -> impl DoubleEndedIterator<Item = Tensor<T, M>> + ExactSizeIterator + use<T, N, M>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        error::expect(self.try_axis_iter(axis))
    }

    /// As [`axis_iter`](Self::axis_iter).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds`.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_axis_iter<const M: usize>(
        &self,
        axis: usize,
    ) -> Result<
        impl DoubleEndedIterator<Item = Tensor<T, M>> + ExactSizeIterator + use<T, N, M>,
        TensorError,
    >
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        let size = self.layout().len_of(axis)?;
        let (tensor, place) = (self.clone(), Place::here());
        Ok((0..size).map(move |index| tensor.select(axis, index).made_at(place)))
    }
}
