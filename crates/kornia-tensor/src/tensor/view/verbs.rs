//! The verbs of [`TensorView`]: each gives another view of the same elements.

use super::TensorView;
use crate::error::{self, TensorError};
use crate::layout::rank::{Nat, Pred, Succ};
use crate::layout::slice::{SliceRange, SliceSpec};

/// Verbs: O(1), no atomics, the result lives as long as the data. They mean what the verbs of
/// [`Tensor`](crate::Tensor) mean.
impl<'a, T, const N: usize> TensorView<'a, T, N> {
    /// A window: a range keeps its axis, an index drops it.
    ///
    /// # Panics
    ///
    /// If an index or a range is out of bounds; see [`try_slice`](Self::try_slice).
    ///
    /// ```
    /// use kornia_tensor::{TensorView, step};
    ///
    /// let data: Vec<u8> = (0..24).collect();
    /// let image = TensorView::from_slice([2, 4, 3], &data)?; // [H, W, C]
    /// let blue = image.slice((.., .., 2));
    /// assert_eq!(blue.shape(), &[2, 4]);
    /// let half = image.slice((.., step(.., 2), ..));
    /// assert_eq!(half.shape(), &[2, 2, 3]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn slice<S, const M: usize>(self, spec: S) -> TensorView<'a, T, M>
    where
        S: SliceSpec<N, M>,
    {
        error::expect(self.try_slice(spec))
    }

    /// As [`slice`](Self::slice).
    ///
    /// # Errors
    ///
    /// `IndexOutOfBounds`, `RangeOutOfBounds`, `NegativeIndex` or `ZeroLength`, with the axis.
    #[inline]
    pub fn try_slice<S, const M: usize>(self, spec: S) -> Result<TensorView<'a, T, M>, TensorError>
    where
        S: SliceSpec<N, M>,
    {
        let (layout, offset) = self.layout.slice(spec)?;
        // SAFETY: L5.
        Ok(unsafe { self.part(layout, offset) })
    }

    /// One index of an axis, which is dropped.
    ///
    /// # Panics
    ///
    /// If the axis or the index is out of bounds.
    #[inline]
    #[track_caller]
    pub fn select<const M: usize>(self, axis: usize, index: usize) -> TensorView<'a, T, M>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        error::expect(self.try_select(axis, index))
    }

    /// As [`select`](Self::select).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds` or `IndexOutOfBounds`.
    #[inline]
    pub fn try_select<const M: usize>(
        self,
        axis: usize,
        index: usize,
    ) -> Result<TensorView<'a, T, M>, TensorError>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        let (layout, offset) = self.layout.select(axis, index)?;
        // SAFETY: L5.
        Ok(unsafe { self.part(layout, offset) })
    }

    /// A range of one axis.
    ///
    /// # Panics
    ///
    /// If the axis or the range is out of bounds.
    #[inline]
    #[track_caller]
    pub fn narrow(self, axis: usize, range: impl SliceRange) -> Self {
        error::expect(self.try_narrow(axis, range))
    }

    /// As [`narrow`](Self::narrow).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds`, or those of [`try_slice`](Self::try_slice).
    #[inline]
    pub fn try_narrow(self, axis: usize, range: impl SliceRange) -> Result<Self, TensorError> {
        let (layout, offset) = self.layout.narrow(axis, range)?;
        // SAFETY: L5.
        Ok(unsafe { self.part(layout, offset) })
    }

    /// The axes in another order.
    ///
    /// # Errors
    ///
    /// `InvalidPermutation` unless `axes` names each axis once.
    #[inline]
    pub fn permute_axes(self, axes: [usize; N]) -> Result<Self, TensorError> {
        let layout = self.layout.permute_axes(axes)?;
        // SAFETY: L5.
        Ok(unsafe { self.part(layout, 0) })
    }

    /// The axes in reverse order.
    #[inline]
    pub fn transpose(self) -> Self {
        // SAFETY: L5.
        unsafe { self.part(self.layout.transpose(), 0) }
    }

    /// One axis back to front.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds.
    #[inline]
    #[track_caller]
    pub fn flip(self, axis: usize) -> Self {
        error::expect(self.try_flip(axis))
    }

    /// As [`flip`](Self::flip).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds`.
    #[inline]
    pub fn try_flip(self, axis: usize) -> Result<Self, TensorError> {
        let (layout, offset) = self.layout.flip(axis)?;
        // SAFETY: L5.
        Ok(unsafe { self.part(layout, offset) })
    }

    /// The same elements in row-major order under another shape. Never copies.
    ///
    /// # Errors
    ///
    /// `ReshapeMismatch` if the number of elements differs, `ReshapeNeedsCopy` if no strides
    /// describe the result.
    #[inline]
    pub fn reshape<const M: usize>(
        self,
        shape: [usize; M],
    ) -> Result<TensorView<'a, T, M>, TensorError> {
        match self.layout.reshaped(shape) {
            // SAFETY: L5.
            Some(layout) => Ok(unsafe { self.part(layout, 0) }),
            None => Err(self.layout.why_not_reshaped(shape)),
        }
    }

    /// The same elements in row-major order along one axis. Never copies.
    ///
    /// # Errors
    ///
    /// `ReshapeNeedsCopy` if no stride describes the result.
    #[inline]
    pub fn flatten(self) -> Result<TensorView<'a, T, 1>, TensorError> {
        self.reshape([self.numel()])
    }

    /// A new axis of length 1 before `axis`.
    ///
    /// # Panics
    ///
    /// If `axis` is larger than the rank.
    #[inline]
    #[track_caller]
    pub fn insert_axis<const M: usize>(self, axis: usize) -> TensorView<'a, T, M>
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
    pub fn try_insert_axis<const M: usize>(
        self,
        axis: usize,
    ) -> Result<TensorView<'a, T, M>, TensorError>
    where
        Nat<N>: Succ<Next = Nat<M>>,
    {
        let layout = self.layout.insert_axis(axis)?;
        // SAFETY: L5.
        Ok(unsafe { self.part(layout, 0) })
    }

    /// Without an axis of length 1.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds or its length is not 1.
    #[inline]
    #[track_caller]
    pub fn remove_axis<const M: usize>(self, axis: usize) -> TensorView<'a, T, M>
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
    pub fn try_remove_axis<const M: usize>(
        self,
        axis: usize,
    ) -> Result<TensorView<'a, T, M>, TensorError>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        let layout = self.layout.remove_axis(axis)?;
        // SAFETY: L5.
        Ok(unsafe { self.part(layout, 0) })
    }

    /// Two views: before `index` along an axis, and from it on.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds or `index` is larger than its length.
    #[inline]
    #[track_caller]
    pub fn split_at(self, axis: usize, index: usize) -> (Self, Self) {
        error::expect(self.try_split_at(axis, index))
    }

    /// As [`split_at`](Self::split_at).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds` or `IndexOutOfBounds`.
    #[inline]
    pub fn try_split_at(self, axis: usize, index: usize) -> Result<(Self, Self), TensorError> {
        let parts = self.layout.split_at(axis, index)?;
        // SAFETY: L5.
        let [first, second] = parts.map(|(layout, offset)| unsafe { self.part(layout, offset) });
        Ok((first, second))
    }

    /// Consecutive pieces of `size` along an axis; the last may be shorter.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds or `size` is 0.
    #[track_caller]
    pub fn chunks(
        self,
        axis: usize,
        size: usize,
    ) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + use<'a, T, N> {
        error::expect(self.try_chunks(axis, size))
    }

    /// As [`chunks`](Self::chunks).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds` or `ZeroLength`.
    pub fn try_chunks(
        self,
        axis: usize,
        size: usize,
    ) -> Result<
        impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + use<'a, T, N>,
        TensorError,
    > {
        let chunks = self.layout.chunks(axis, size)?;
        // SAFETY: L5.
        Ok(chunks.map(move |(layout, offset)| unsafe { self.part(layout, offset) }))
    }

    /// Blocks of `size` with their origins, in row-major order; smaller at the far edges.
    ///
    /// # Panics
    ///
    /// If a length of `size` is 0.
    #[track_caller]
    pub fn tiles(
        self,
        size: [usize; N],
    ) -> impl DoubleEndedIterator<Item = ([usize; N], Self)> + ExactSizeIterator + use<'a, T, N>
    {
        error::expect(self.try_tiles(size))
    }

    /// As [`tiles`](Self::tiles).
    ///
    /// # Errors
    ///
    /// `ZeroLength`.
    pub fn try_tiles(
        self,
        size: [usize; N],
    ) -> Result<
        impl DoubleEndedIterator<Item = ([usize; N], Self)> + ExactSizeIterator + use<'a, T, N>,
        TensorError,
    > {
        let tiles = self.layout.tiles(size)?;
        Ok(tiles.map(move |(origin, layout, offset)| {
            // SAFETY: L5.
            (origin, unsafe { self.part(layout, offset) })
        }))
    }

    /// The elements repeated along axes of length 1 and along new leading axes.
    ///
    /// Exists on views alone: the result reaches one element by several indices.
    ///
    /// # Errors
    ///
    /// `NotBroadcastable` unless, counted from the last axis, lengths are equal or 1.
    ///
    /// ```
    /// use kornia_tensor::{Tensor, TensorView};
    ///
    /// let image = Tensor::<f32, 3>::full([4, 5, 3], 1.0);
    /// let mean = [0.1, 0.2, 0.3];
    /// let mean = TensorView::from_slice([3], &mean)?.broadcast_to([4, 5, 3])?;
    /// let centred = image.zip_with(mean, |pixel, mean| pixel - mean)?;
    /// assert_eq!(centred[[3, 4, 2]], 1.0 - 0.3);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn broadcast_to<const M: usize>(
        self,
        shape: [usize; M],
    ) -> Result<TensorView<'a, T, M>, TensorError> {
        let layout = self.layout.broadcast_to(shape)?;
        // SAFETY: L5.
        Ok(unsafe { self.part(layout, 0) })
    }

    /// Every window of `size` neighbours along an axis, as a new last axis.
    ///
    /// That axis shrinks to the number of windows. Exists on views alone: windows overlap.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds, `size` is 0, or the axis is shorter than `size`.
    ///
    /// ```
    /// use kornia_tensor::TensorView;
    ///
    /// let row = [1, 2, 3, 4];
    /// let windows = TensorView::from_slice([4], &row)?.windows(0, 3);
    /// assert_eq!(windows.shape(), &[2, 3]);
    /// assert_eq!(windows.to_vec(), [1, 2, 3, 2, 3, 4]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn windows<const M: usize>(self, axis: usize, size: usize) -> TensorView<'a, T, M>
    where
        Nat<N>: Succ<Next = Nat<M>>,
    {
        error::expect(self.try_windows(axis, size))
    }

    /// As [`windows`](Self::windows).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds`, `ZeroLength` or `RangeOutOfBounds`.
    #[inline]
    pub fn try_windows<const M: usize>(
        self,
        axis: usize,
        size: usize,
    ) -> Result<TensorView<'a, T, M>, TensorError>
    where
        Nat<N>: Succ<Next = Nat<M>>,
    {
        let layout = self.layout.windows(axis, size)?;
        // SAFETY: L5.
        Ok(unsafe { self.part(layout, 0) })
    }

    /// One view per index of an axis, without that axis.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds.
    #[track_caller]
    pub fn axis_iter<const M: usize>(
        self,
        axis: usize,
    ) -> impl DoubleEndedIterator<Item = TensorView<'a, T, M>> + ExactSizeIterator + use<'a, T, N, M>
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
    pub fn try_axis_iter<const M: usize>(
        self,
        axis: usize,
    ) -> Result<
        impl DoubleEndedIterator<Item = TensorView<'a, T, M>> + ExactSizeIterator + use<'a, T, N, M>,
        TensorError,
    >
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        let size = self.layout.len_of(axis)?;
        Ok((0..size).map(move |index| self.select(axis, index)))
    }
}
