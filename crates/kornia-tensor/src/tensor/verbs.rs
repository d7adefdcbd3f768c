//! The verbs, said once for [`Tensor`], [`TensorView`] and [`TensorViewMut`].
//!
//! What a verb does to shape and strides stands in `layout`; how a type moves its pointer by the
//! answer, in its `cut` and `try_cut`. Here are the names, the documentation and the signatures,
//! which differ by what the verb takes (`&self` or `self`) and what it gives.

use super::{Tensor, TensorView, TensorViewMut};
use crate::error::{self, TensorError};
use crate::layout::rank::{Nat, Pred, Succ};
use crate::layout::slice::{SliceRange, SliceSpec};
use crate::layout::verb;

/// The verbs of one type: its documentation, its name, how it is taken, and examples for those
/// verbs that have one.
macro_rules! verbs {
    (
        $(#[$about:meta])* impl $Type:ident<$($a:lifetime,)? T>, $this:ident by ($($by:tt)+);
        $(#[$slice:meta])* slice;
        $(#[$permute:meta])* permute_axes;
        $(#[$flip:meta])* flip;
        $(#[$reshape:meta])* reshape;
        $(#[$tiles:meta])* tiles;
    ) => {
        $(#[$about])*
        impl<$($a,)? T, const N: usize> $Type<$($a,)? T, N> {
            /// A window: a range keeps its axis, an index drops it.
            ///
            /// # Panics
            ///
            /// If an index or a range is out of bounds; [`clip_box`](crate::clip_box) cuts a box
            /// to a shape.
            $(#[$slice])*
            #[doc(alias = "roi")]
            #[doc(alias = "crop")]
            #[doc(alias = "index")]
            #[inline]
            #[track_caller]
            pub fn slice<S, const M: usize>($($by)+, spec: S) -> $Type<$($a,)? T, M>
            where
                S: SliceSpec<N, M>,
            {
                $this.cut(verb::slice(spec))
            }

            /// As [`slice`](Self::slice).
            ///
            /// # Errors
            ///
            /// `IndexOutsideAxis`, `RangeOutOfBounds`, `NegativeIndex` or `ZeroLength`, with the
            /// axis.
            #[inline]
            #[cfg_attr(feature = "diagnose", track_caller)]
            pub fn try_slice<S, const M: usize>(
                $($by)+,
                spec: S,
            ) -> Result<$Type<$($a,)? T, M>, TensorError>
            where
                S: SliceSpec<N, M>,
            {
                $this.try_cut(verb::slice(spec))
            }

            /// One index of an axis, which is dropped.
            ///
            /// # Panics
            ///
            /// If the axis or the index is out of bounds.
            #[doc(alias = "take")]
            #[inline]
            #[track_caller]
            pub fn select<const M: usize>(
                $($by)+,
                axis: usize,
                index: usize,
            ) -> $Type<$($a,)? T, M>
            where
                Nat<N>: Pred<Prev = Nat<M>>,
            {
                $this.cut(verb::select(axis, index))
            }

            /// As [`select`](Self::select).
            ///
            /// # Errors
            ///
            /// `AxisOutOfBounds` or `IndexOutsideAxis`.
            #[inline]
            #[cfg_attr(feature = "diagnose", track_caller)]
            pub fn try_select<const M: usize>(
                $($by)+,
                axis: usize,
                index: usize,
            ) -> Result<$Type<$($a,)? T, M>, TensorError>
            where
                Nat<N>: Pred<Prev = Nat<M>>,
            {
                $this.try_cut(verb::select(axis, index))
            }

            /// A range of one axis.
            ///
            /// # Panics
            ///
            /// If the axis or the range is out of bounds.
            #[doc(alias = "crop")]
            #[inline]
            #[track_caller]
            pub fn narrow($($by)+, axis: usize, range: impl SliceRange) -> Self {
                $this.cut(verb::narrow(axis, range))
            }

            /// As [`narrow`](Self::narrow).
            ///
            /// # Errors
            ///
            /// `AxisOutOfBounds`, or those of [`try_slice`](Self::try_slice).
            #[inline]
            #[cfg_attr(feature = "diagnose", track_caller)]
            pub fn try_narrow(
                $($by)+,
                axis: usize,
                range: impl SliceRange,
            ) -> Result<Self, TensorError> {
                $this.try_cut(verb::narrow(axis, range))
            }

            /// The axes in another order: axis `i` of the result is axis `axes[i]` of this one.
            ///
            /// # Errors
            ///
            /// `InvalidPermutation` unless `axes` names each axis once.
            $(#[$permute])*
            #[doc(alias = "permute")]
            #[doc(alias = "swapaxes")]
            #[doc(alias = "moveaxis")]
            #[inline]
            #[cfg_attr(feature = "diagnose", track_caller)]
            pub fn permute_axes($($by)+, axes: [usize; N]) -> Result<Self, TensorError> {
                $this.try_cut(verb::permute_axes(axes))
            }

            /// The axes in reverse order.
            #[doc(alias = "t")]
            #[inline]
            #[cfg_attr(feature = "diagnose", track_caller)]
            pub fn transpose($($by)+) -> Self {
                $this.cut(verb::transpose())
            }

            /// One axis back to front.
            ///
            /// # Panics
            ///
            /// If the axis is out of bounds.
            $(#[$flip])*
            #[doc(alias = "mirror")]
            #[doc(alias = "fliplr")]
            #[doc(alias = "flipud")]
            #[inline]
            #[track_caller]
            pub fn flip($($by)+, axis: usize) -> Self {
                $this.cut(verb::flip(axis))
            }

            /// As [`flip`](Self::flip).
            ///
            /// # Errors
            ///
            /// `AxisOutOfBounds`.
            #[inline]
            #[cfg_attr(feature = "diagnose", track_caller)]
            pub fn try_flip($($by)+, axis: usize) -> Result<Self, TensorError> {
                $this.try_cut(verb::flip(axis))
            }

            /// The same elements in row-major order under another shape. Never copies.
            ///
            /// # Errors
            ///
            /// `ReshapeMismatch` if the number of elements differs, `ReshapeNeedsCopy` if no
            /// strides describe the result, `ShapeOverflow` if no memory holds the shape.
            $(#[$reshape])*
            #[doc(alias = "view_as")]
            #[doc(alias = "into_shape")]
            #[inline]
            #[cfg_attr(feature = "diagnose", track_caller)]
            pub fn reshape<const M: usize>(
                $($by)+,
                shape: [usize; M],
            ) -> Result<$Type<$($a,)? T, M>, TensorError> {
                $this.try_cut(verb::reshape(shape))
            }

            /// The same elements in row-major order along one axis. Never copies.
            ///
            /// # Errors
            ///
            /// `ReshapeNeedsCopy` if no stride describes the result.
            #[doc(alias = "ravel")]
            #[inline]
            #[cfg_attr(feature = "diagnose", track_caller)]
            pub fn flatten($($by)+) -> Result<$Type<$($a,)? T, 1>, TensorError> {
                $this.try_cut(verb::flatten())
            }

            /// A new axis of length 1 before `axis`; the rank as `axis` appends it.
            ///
            /// # Panics
            ///
            /// If `axis` is larger than the rank.
            #[doc(alias = "unsqueeze")]
            #[doc(alias = "expand_dims")]
            #[doc(alias = "newaxis")]
            #[inline]
            #[track_caller]
            pub fn insert_axis<const M: usize>($($by)+, axis: usize) -> $Type<$($a,)? T, M>
            where
                Nat<N>: Succ<Next = Nat<M>>,
            {
                $this.cut(verb::insert_axis(axis))
            }

            /// As [`insert_axis`](Self::insert_axis).
            ///
            /// # Errors
            ///
            /// `AxisOutOfBounds`.
            #[inline]
            #[cfg_attr(feature = "diagnose", track_caller)]
            pub fn try_insert_axis<const M: usize>(
                $($by)+,
                axis: usize,
            ) -> Result<$Type<$($a,)? T, M>, TensorError>
            where
                Nat<N>: Succ<Next = Nat<M>>,
            {
                $this.try_cut(verb::insert_axis(axis))
            }

            /// Without an axis of length 1.
            ///
            /// # Panics
            ///
            /// If the axis is out of bounds or its length is not 1.
            #[doc(alias = "squeeze")]
            #[inline]
            #[track_caller]
            pub fn remove_axis<const M: usize>($($by)+, axis: usize) -> $Type<$($a,)? T, M>
            where
                Nat<N>: Pred<Prev = Nat<M>>,
            {
                $this.cut(verb::remove_axis(axis))
            }

            /// As [`remove_axis`](Self::remove_axis).
            ///
            /// # Errors
            ///
            /// `AxisOutOfBounds` or `AxisNotRemovable`.
            #[inline]
            #[cfg_attr(feature = "diagnose", track_caller)]
            pub fn try_remove_axis<const M: usize>(
                $($by)+,
                axis: usize,
            ) -> Result<$Type<$($a,)? T, M>, TensorError>
            where
                Nat<N>: Pred<Prev = Nat<M>>,
            {
                $this.try_cut(verb::remove_axis(axis))
            }

            /// Two parts: before `index` along an axis, and from it on.
            ///
            /// # Panics
            ///
            /// If the axis is out of bounds or `index` is larger than its length.
            #[doc(alias = "split")]
            #[inline]
            #[track_caller]
            pub fn split_at($($by)+, axis: usize, index: usize) -> (Self, Self) {
                error::expect($this.try_split_at(axis, index))
            }

            /// As [`split_at`](Self::split_at).
            ///
            /// # Errors
            ///
            /// `AxisOutOfBounds` or `IndexOutsideAxis`.
            #[inline]
            #[cfg_attr(feature = "diagnose", track_caller)]
            pub fn try_split_at(
                $($by)+,
                axis: usize,
                index: usize,
            ) -> Result<(Self, Self), TensorError> {
                let [(front, start), (back, middle)] = $this.layout().split_at(axis, index)?;
                // SAFETY: `split_at` gives parts of this very layout (L5).
                let front = unsafe { $this.part(front, start) };
                // SAFETY: this is the other part, which has no element in common with the first.
                let back = unsafe { $this.part(back, middle) };
                Ok((front, back))
            }

            /// Consecutive pieces of `size` along an axis; the last may be shorter.
            ///
            /// # Panics
            ///
            /// If the axis is out of bounds or `size` is 0.
            #[doc(alias = "axis_chunks")]
            #[doc(alias = "array_split")]
            #[track_caller]
            pub fn chunks(
                $($by)+,
                axis: usize,
                size: usize,
            ) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + use<$($a,)? T, N> {
                error::expect($this.try_chunks(axis, size))
            }

            /// As [`chunks`](Self::chunks).
            ///
            /// # Errors
            ///
            /// `AxisOutOfBounds` or `ZeroLength`.
            #[cfg_attr(feature = "diagnose", track_caller)]
            pub fn try_chunks(
                $($by)+,
                axis: usize,
                size: usize,
            ) -> Result<
                impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + use<$($a,)? T, N>,
                TensorError,
            > {
                let chunks = $this.layout().chunks(axis, size)?;
                // SAFETY: chunks of this very layout, which share no element.
                let piece = unsafe { $this.pieces() };
                Ok(chunks.map(move |(layout, offset)| piece(layout, offset)))
            }

            /// Blocks of `size` with their origins, in row-major order; smaller at the far edges.
            ///
            /// # Panics
            ///
            /// If a length of `size` is 0.
            $(#[$tiles])*
            #[doc(alias = "blocks")]
            #[doc(alias = "patches")]
            #[track_caller]
            pub fn tiles(
                $($by)+,
                size: [usize; N],
            ) -> impl DoubleEndedIterator<Item = ([usize; N], Self)> + ExactSizeIterator
                   + use<$($a,)? T, N> {
                error::expect($this.try_tiles(size))
            }

            /// As [`tiles`](Self::tiles).
            ///
            /// # Errors
            ///
            /// `ZeroLength`.
            #[cfg_attr(feature = "diagnose", track_caller)]
            pub fn try_tiles(
                $($by)+,
                size: [usize; N],
            ) -> Result<
                impl DoubleEndedIterator<Item = ([usize; N], Self)> + ExactSizeIterator
                    + use<$($a,)? T, N>,
                TensorError,
            > {
                let tiles = $this.layout().tiles(size)?;
                // SAFETY: tiles of this very layout, which share no element.
                let piece = unsafe { $this.pieces() };
                Ok(tiles.map(move |(origin, layout, offset)| (origin, piece(layout, offset))))
            }

            /// One part per index of an axis, without that axis.
            ///
            /// # Panics
            ///
            /// If the axis is out of bounds.
            #[doc(alias = "unbind")]
            #[doc(alias = "outer_iter")]
            #[track_caller]
            pub fn axis_iter<const M: usize>(
                $($by)+,
                axis: usize,
            ) -> impl DoubleEndedIterator<Item = $Type<$($a,)? T, M>> + ExactSizeIterator
                   + use<$($a,)? T, N, M>
            where
                Nat<N>: Pred<Prev = Nat<M>>,
            {
                error::expect($this.try_axis_iter(axis))
            }

            /// As [`axis_iter`](Self::axis_iter).
            ///
            /// # Errors
            ///
            /// `AxisOutOfBounds`.
            #[cfg_attr(feature = "diagnose", track_caller)]
            pub fn try_axis_iter<const M: usize>(
                $($by)+,
                axis: usize,
            ) -> Result<
                impl DoubleEndedIterator<Item = $Type<$($a,)? T, M>> + ExactSizeIterator
                    + use<$($a,)? T, N, M>,
                TensorError,
            >
            where
                Nat<N>: Pred<Prev = Nat<M>>,
            {
                let parts = $this.layout().axis_iter(axis)?;
                // SAFETY: one part of this very layout per index, so they share no element.
                let piece = unsafe { $this.pieces() };
                Ok(parts.map(move |(layout, offset)| piece(layout, offset)))
            }
        }
    };
}

verbs! {
    /// Verbs: O(1), no element moves. Each result is a handle of its own: `'static` whenever `T` is,
    /// free to go to another thread, and one more sharer of the storage. While it lives, neither it
    /// nor this tensor can be written ([`make_mut`](Self::make_mut) copies). A small result keeps the
    /// whole allocation alive.
    impl Tensor<T>, self by (&self);
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
    slice;
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
    permute_axes;
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let rgb = Tensor::from_shape_vec([1, 2, 3], vec![1, 2, 3, 4, 5, 6])?;
    /// assert_eq!(rgb.flip(2).view().to_vec(), [3, 2, 1, 6, 5, 4]); // BGR, nothing copied
    /// assert_eq!(rgb.flip(1).view().to_vec(), [4, 5, 6, 1, 2, 3]); // mirrored
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    flip;
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
    reshape;
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
    tiles;
}

verbs! {
    /// Verbs: O(1), no atomics, the result lives as long as the data. They mean what the verbs of
    /// [`Tensor`] mean; more examples stand there.
    impl TensorView<'a, T>, self by (self);
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
    slice;
    permute_axes;
    flip;
    reshape;
    tiles;
}

verbs! {
    /// Verbs: O(1), no atomics, the result lives as long as the data; the view is used up. They mean
    /// what the verbs of [`Tensor`] mean, and examples stand there. `broadcast_to` and `windows` do
    /// not exist here: nothing writable reaches an element twice.
    impl TensorViewMut<'a, T>, self by (self);
    slice;
    permute_axes;
    flip;
    reshape;
    tiles;
}
