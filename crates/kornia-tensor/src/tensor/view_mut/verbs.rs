//! The verbs of [`TensorViewMut`]: each consumes the view and gives another.

use super::TensorViewMut;
use crate::error::{self, TensorError};
use crate::layout::rank::{Nat, Pred, Succ};
use crate::layout::slice::{SliceRange, SliceSpec};

/// Verbs: O(1), no atomics, the result lives as long as the data. They mean what the verbs of
/// [`Tensor`](crate::Tensor) mean. `broadcast_to` and `windows` do not exist here: nothing
/// writable reaches an element twice.
impl<'a, T, const N: usize> TensorViewMut<'a, T, N> {
    /// A window: a range keeps its axis, an index drops it. [`slice_mut`](Self::slice_mut) does
    /// not give up this view.
    ///
    /// # Panics
    ///
    /// If an index or a range is out of bounds; see [`try_slice`](Self::try_slice).
    #[inline]
    #[track_caller]
    pub fn slice<S, const M: usize>(self, spec: S) -> TensorViewMut<'a, T, M>
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
    pub fn try_slice<S, const M: usize>(
        self,
        spec: S,
    ) -> Result<TensorViewMut<'a, T, M>, TensorError>
    where
        S: SliceSpec<N, M>,
    {
        let (layout, offset) = self.layout.slice(spec)?;
        // SAFETY: L5; `self` is consumed.
        Ok(unsafe { self.part(layout, offset) })
    }

    /// One index of an axis, which is dropped.
    ///
    /// # Panics
    ///
    /// If the axis or the index is out of bounds.
    #[inline]
    #[track_caller]
    pub fn select<const M: usize>(self, axis: usize, index: usize) -> TensorViewMut<'a, T, M>
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
    ) -> Result<TensorViewMut<'a, T, M>, TensorError>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        let (layout, offset) = self.layout.select(axis, index)?;
        // SAFETY: L5; `self` is consumed.
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
        // SAFETY: L5; `self` is consumed.
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
        // SAFETY: L5; `self` is consumed.
        Ok(unsafe { self.part(layout, 0) })
    }

    /// The axes in reverse order.
    #[inline]
    pub fn transpose(self) -> Self {
        // SAFETY: L5; `self` is consumed.
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
        // SAFETY: L5; `self` is consumed.
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
    ) -> Result<TensorViewMut<'a, T, M>, TensorError> {
        let layout = self.layout.reshape(shape)?;
        // SAFETY: L5; `self` is consumed.
        Ok(unsafe { self.part(layout, 0) })
    }

    /// The same elements in row-major order along one axis. Never copies.
    ///
    /// # Errors
    ///
    /// `ReshapeNeedsCopy` if no stride describes the result.
    #[inline]
    pub fn flatten(self) -> Result<TensorViewMut<'a, T, 1>, TensorError> {
        let numel = self.numel();
        self.reshape([numel])
    }

    /// A new axis of length 1 before `axis`.
    ///
    /// # Panics
    ///
    /// If `axis` is larger than the rank.
    #[inline]
    #[track_caller]
    pub fn insert_axis<const M: usize>(self, axis: usize) -> TensorViewMut<'a, T, M>
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
    ) -> Result<TensorViewMut<'a, T, M>, TensorError>
    where
        Nat<N>: Succ<Next = Nat<M>>,
    {
        let layout = self.layout.insert_axis(axis)?;
        // SAFETY: L5; `self` is consumed.
        Ok(unsafe { self.part(layout, 0) })
    }

    /// Without an axis of length 1.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds or its length is not 1.
    #[inline]
    #[track_caller]
    pub fn remove_axis<const M: usize>(self, axis: usize) -> TensorViewMut<'a, T, M>
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
    ) -> Result<TensorViewMut<'a, T, M>, TensorError>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        let layout = self.layout.remove_axis(axis)?;
        // SAFETY: L5; `self` is consumed.
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
        // SAFETY: L5; `self` is consumed and the halves share no element.
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
        // SAFETY: L5; `self` is consumed and chunks share no element.
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
            // SAFETY: L5; `self` is consumed and tiles share no element.
            (origin, unsafe { self.part(layout, offset) })
        }))
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
    ) -> impl DoubleEndedIterator<Item = TensorViewMut<'a, T, M>> + ExactSizeIterator + use<'a, T, N, M>
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
        impl DoubleEndedIterator<Item = TensorViewMut<'a, T, M>> + ExactSizeIterator + use<'a, T, N, M>,
        TensorError,
    >
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        let size = self.layout.len_of(axis)?;
        Ok((0..size).map(move |index| {
            let (layout, offset) = error::expect(self.layout.select(axis, index));
            // SAFETY: L5; `self` is consumed and different indices share no element (L4).
            unsafe { self.part(layout, offset) }
        }))
    }

    /// As [`slice`](Self::slice), without giving up this view.
    ///
    /// # Panics
    ///
    /// If an index or a range is out of bounds.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let mut image = Tensor::<u8, 3>::zeros([8, 8, 3]);
    /// let mut canvas = image.view_mut();
    /// canvas.slice_mut([2..4, 0..8]).fill(1);
    /// canvas.slice_mut((.., 5, 0)).fill(2);
    /// assert_eq!((image[[3, 5, 0]], image[[3, 5, 1]]), (2, 1));
    /// ```
    #[inline]
    #[track_caller]
    pub fn slice_mut<S, const M: usize>(&mut self, spec: S) -> TensorViewMut<'_, T, M>
    where
        S: SliceSpec<N, M>,
    {
        self.reborrow().slice(spec)
    }

    /// As [`split_at`](Self::split_at), without giving up this view.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds or `index` is larger than its length.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let mut image = Tensor::<u8, 2>::zeros([4, 8]);
    /// let mut view = image.view_mut();
    /// let (mut left, mut right) = view.split_at_mut(1, 3); // columns interleave in memory
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| left.fill(1));
    ///     scope.spawn(|| right.fill(2));
    /// });
    /// assert_eq!(image.view().slice((3, ..)).to_vec(), [1, 1, 1, 2, 2, 2, 2, 2]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn split_at_mut(
        &mut self,
        axis: usize,
        index: usize,
    ) -> (TensorViewMut<'_, T, N>, TensorViewMut<'_, T, N>) {
        self.reborrow().split_at(axis, index)
    }

    /// As [`chunks`](Self::chunks), without giving up this view.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds or `size` is 0.
    #[track_caller]
    pub fn axis_chunks_mut(
        &mut self,
        axis: usize,
        size: usize,
    ) -> impl DoubleEndedIterator<Item = TensorViewMut<'_, T, N>> + ExactSizeIterator {
        self.reborrow().chunks(axis, size)
    }

    /// As [`axis_iter`](Self::axis_iter), without giving up this view.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds.
    #[track_caller]
    pub fn axis_iter_mut<const M: usize>(
        &mut self,
        axis: usize,
    ) -> impl DoubleEndedIterator<Item = TensorViewMut<'_, T, M>> + ExactSizeIterator
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        self.reborrow().axis_iter(axis)
    }
}
