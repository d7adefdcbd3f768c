//! The verbs that give up the tensor: one handle goes in, one comes out.

use super::Tensor;
use crate::OwnerRefused;
use crate::error;
use crate::layout::rank::{Nat, Pred, Succ};
use crate::layout::slice::{SliceRange, SliceSpec};
use crate::layout::verb::{self, Ask, Verb};

/// Verbs that give up this tensor: O(1), no element moves, and no reference count is touched.
///
/// Each does what the verb without `into_` does, by the rule `reshape` → `into_reshaped`. After
/// `let t = t.reshape(..)?` there are two handles until the end of the block, because shadowing a
/// tensor does not drop it, and neither can be written; after `let t = t.into_reshaped(..)?` there
/// is one, and **a tensor that could be written still can be**. Elements that a result does not
/// show can no longer be reached, and their memory is kept all the same
/// ([`compact`](Self::compact) lets go of it).
///
/// Where a verb is refused the tensor comes back in [`OwnerRefused`], beside the error; `?` keeps the
/// error alone, and a panic drops the tensor.
///
/// ```
/// use kornia_tensor::Tensor;
///
/// let frame = Tensor::<u8, 1>::zeros([48 * 64 * 3]);
/// let frame = frame.into_reshaped([48, 64, 3])?; // [H, W, C]
/// let mut face = frame.into_sliced((10..20, 30..50, ..)).into_flipped(1);
/// face.view_mut().fill(255); // the sole handle still
/// assert_eq!(face.shape(), &[10, 20, 3]);
///
/// let refused = face.into_reshaped([200, 2]).unwrap_err();
/// assert_eq!(refused.owner.shape(), &[10, 20, 3]); // nothing is lost
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
impl<T, const N: usize> Tensor<T, N> {
    /// As [`slice`](Self::slice), giving up this tensor.
    ///
    /// # Panics
    ///
    /// If an index or a range is out of bounds.
    #[inline]
    #[track_caller]
    pub fn into_sliced<S, const M: usize>(self, spec: S) -> Tensor<T, M>
    where
        S: SliceSpec<N, M>,
    {
        self.into_cut(verb::slice(spec))
    }

    /// As [`into_sliced`](Self::into_sliced).
    ///
    /// # Errors
    ///
    /// Those of [`try_slice`](Self::try_slice), with the tensor.
    #[inline]
    pub fn try_into_sliced<S, const M: usize>(
        self,
        spec: S,
    ) -> Result<Tensor<T, M>, OwnerRefused<Self>>
    where
        S: SliceSpec<N, M>,
    {
        self.try_into_cut(verb::slice(spec))
    }

    /// As [`select`](Self::select), giving up this tensor.
    ///
    /// # Panics
    ///
    /// If the axis or the index is out of bounds.
    #[inline]
    #[track_caller]
    pub fn into_selected<const M: usize>(self, axis: usize, index: usize) -> Tensor<T, M>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        self.into_cut(verb::select(axis, index))
    }

    /// As [`into_selected`](Self::into_selected).
    ///
    /// # Errors
    ///
    /// Those of [`try_select`](Self::try_select), with the tensor.
    #[inline]
    pub fn try_into_selected<const M: usize>(
        self,
        axis: usize,
        index: usize,
    ) -> Result<Tensor<T, M>, OwnerRefused<Self>>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        self.try_into_cut(verb::select(axis, index))
    }

    /// As [`narrow`](Self::narrow), giving up this tensor.
    ///
    /// # Panics
    ///
    /// If the axis or the range is out of bounds.
    #[inline]
    #[track_caller]
    pub fn into_narrowed(self, axis: usize, range: impl SliceRange) -> Self {
        self.into_cut(verb::narrow(axis, range))
    }

    /// As [`into_narrowed`](Self::into_narrowed).
    ///
    /// # Errors
    ///
    /// Those of [`try_narrow`](Self::try_narrow), with the tensor.
    #[inline]
    pub fn try_into_narrowed(
        self,
        axis: usize,
        range: impl SliceRange,
    ) -> Result<Self, OwnerRefused<Self>> {
        self.try_into_cut(verb::narrow(axis, range))
    }

    /// As [`permute_axes`](Self::permute_axes), giving up this tensor.
    ///
    /// # Errors
    ///
    /// `InvalidPermutation` unless `axes` names each axis once, with the tensor.
    #[inline]
    pub fn into_permuted(self, axes: [usize; N]) -> Result<Self, OwnerRefused<Self>> {
        self.try_into_cut(verb::permute_axes(axes))
    }

    /// As [`transpose`](Self::transpose), giving up this tensor.
    #[inline]
    pub fn into_transposed(self) -> Self {
        self.into_cut(verb::transpose())
    }

    /// As [`flip`](Self::flip), giving up this tensor.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds.
    #[inline]
    #[track_caller]
    pub fn into_flipped(self, axis: usize) -> Self {
        self.into_cut(verb::flip(axis))
    }

    /// As [`into_flipped`](Self::into_flipped).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds`, with the tensor.
    #[inline]
    pub fn try_into_flipped(self, axis: usize) -> Result<Self, OwnerRefused<Self>> {
        self.try_into_cut(verb::flip(axis))
    }

    /// As [`reshape`](Self::reshape), giving up this tensor.
    ///
    /// # Errors
    ///
    /// Those of [`reshape`](Self::reshape), with the tensor:
    /// `refused.owner.contiguous().into_reshaped(..)` is the copy that was not made.
    #[inline]
    pub fn into_reshaped<const M: usize>(
        self,
        shape: [usize; M],
    ) -> Result<Tensor<T, M>, OwnerRefused<Self>> {
        self.try_into_cut(verb::reshape(shape))
    }

    /// As [`flatten`](Self::flatten), giving up this tensor.
    ///
    /// # Errors
    ///
    /// `ReshapeNeedsCopy` if no stride describes the result, with the tensor.
    #[inline]
    pub fn into_flattened(self) -> Result<Tensor<T, 1>, OwnerRefused<Self>> {
        self.try_into_cut(verb::flatten())
    }

    /// As [`insert_axis`](Self::insert_axis), giving up this tensor.
    ///
    /// # Panics
    ///
    /// If `axis` is larger than the rank.
    #[inline]
    #[track_caller]
    pub fn into_inserted_axis<const M: usize>(self, axis: usize) -> Tensor<T, M>
    where
        Nat<N>: Succ<Next = Nat<M>>,
    {
        self.into_cut(verb::insert_axis(axis))
    }

    /// As [`into_inserted_axis`](Self::into_inserted_axis).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds`, with the tensor.
    #[inline]
    pub fn try_into_inserted_axis<const M: usize>(
        self,
        axis: usize,
    ) -> Result<Tensor<T, M>, OwnerRefused<Self>>
    where
        Nat<N>: Succ<Next = Nat<M>>,
    {
        self.try_into_cut(verb::insert_axis(axis))
    }

    /// As [`remove_axis`](Self::remove_axis), giving up this tensor.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds or its length is not 1.
    #[inline]
    #[track_caller]
    pub fn into_removed_axis<const M: usize>(self, axis: usize) -> Tensor<T, M>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        self.into_cut(verb::remove_axis(axis))
    }

    /// As [`into_removed_axis`](Self::into_removed_axis).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds` or `AxisNotRemovable`, with the tensor.
    #[inline]
    pub fn try_into_removed_axis<const M: usize>(
        self,
        axis: usize,
    ) -> Result<Tensor<T, M>, OwnerRefused<Self>>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        self.try_into_cut(verb::remove_axis(axis))
    }

    /// What a verb makes of this tensor, whose handle becomes the result's.
    ///
    /// # Panics
    ///
    /// With the text of the verb's error.
    #[inline]
    #[track_caller]
    fn into_cut<A, const M: usize>(self, verb: Verb<A>) -> Tensor<T, M>
    where
        A: Ask<N, M>,
    {
        let keeps_all = verb.keeps_all();
        let (layout, offset) = error::expect(verb.of(&self.layout()));
        // SAFETY: a verb was asked of this very layout and repeats nothing.
        unsafe { self.into_part(layout, offset, keeps_all) }
    }

    /// As [`into_cut`](Self::into_cut).
    #[inline]
    fn try_into_cut<A, const M: usize>(
        self,
        verb: Verb<A>,
    ) -> Result<Tensor<T, M>, OwnerRefused<Self>>
    where
        A: Ask<N, M>,
    {
        let keeps_all = verb.keeps_all();
        match verb.of(&self.layout()) {
            // SAFETY: a verb was asked of this very layout and repeats nothing.
            Ok((layout, offset)) => Ok(unsafe { self.into_part(layout, offset, keeps_all) }),
            Err(error) => Err(OwnerRefused { error, owner: self }),
        }
    }
}
