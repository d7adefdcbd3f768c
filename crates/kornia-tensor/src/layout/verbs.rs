//! The verbs that rearrange, drop and add axes: one layout in, one layout out.
//!
//! Every verb is O(1) in the number of elements and allocates only to describe an error.
//! Results are not validated again: each verb says why L1 and L2 carry over.

use std::array;

use super::{Layout, checked_numel, checked_numel_or_none};
use crate::error::TensorError;
use crate::layout::rank::{Nat, Pred, Succ};
use crate::layout::slice::{SliceRange, SliceSpec};

impl<const N: usize> Layout<N> {
    /// The part of the layout that one index or range per axis leaves.
    ///
    /// O(1). Returns the layout and the offset of its first element. An index drops its
    /// axis and a range keeps it; an array of ranges keeps them all. See [`SliceSpec`].
    ///
    /// # Errors
    ///
    /// [`TensorError::IndexOutsideAxis`], [`TensorError::RangeOutOfBounds`],
    /// [`TensorError::NegativeIndex`] or [`TensorError::ZeroLength`] with the axis that is
    /// wrong. Nothing is ever clamped; [`clip_box`](crate::clip_box) does that.
    ///
    /// ```
    /// use kornia_tensor::{FromEnd, Layout, step};
    ///
    /// let image = Layout::contiguous([480, 640, 3], 1)?;
    /// let (blue, offset) = image.slice((.., .., 2))?;
    /// assert_eq!((blue.shape(), offset), (&[480, 640], 2));
    ///
    /// let (small, _) = image.slice((step(.., 2), step(.., 2), ..))?;
    /// assert_eq!(small.shape(), &[240, 320, 3]);
    ///
    /// let (last_row, offset) = image.slice((FromEnd(1), .., ..))?;
    /// assert_eq!((last_row.shape(), offset), (&[640, 3], 479 * 1920));
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn slice<S, const M: usize>(&self, spec: S) -> Result<(Layout<M>, isize), TensorError>
    where
        S: SliceSpec<N, M>,
    {
        spec.cut(self)
    }

    /// The part at one index of one axis, without that axis.
    ///
    /// O(1). Returns the layout and the offset of its first element.
    ///
    /// # Errors
    ///
    /// [`TensorError::AxisOutOfBounds`] or [`TensorError::IndexOutsideAxis`].
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let image = Layout::contiguous([480, 640, 3], 1)?;
    /// let (row, offset) = image.select(0, 7)?;
    /// assert_eq!((row.shape(), offset), (&[640, 3], 7 * 1920));
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn select<const M: usize>(
        &self,
        axis: usize,
        index: usize,
    ) -> Result<(Layout<M>, isize), TensorError>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        let size = self.len_of(axis)?;
        if index >= size {
            return Err(TensorError::IndexOutsideAxis { axis, index, size });
        }
        let kept = self.without(axis);
        Ok((kept, kept.offset_unless_empty(index, self.strides[axis])))
    }

    /// The part in one range of one axis.
    ///
    /// O(1). Returns the layout and the offset of its first element. The range may be a
    /// [`step`](crate::step).
    ///
    /// # Errors
    ///
    /// [`TensorError::AxisOutOfBounds`], or what [`slice`](Self::slice) returns.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let image = Layout::contiguous([480, 640, 3], 1)?;
    /// let (columns, offset) = image.narrow(1, 100..200)?;
    /// assert_eq!((columns.shape(), offset), (&[480, 100, 3], 300));
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn narrow(
        &self,
        axis: usize,
        range: impl SliceRange,
    ) -> Result<(Layout<N>, isize), TensorError> {
        let size = self.len_of(axis)?;
        let cut = range.resolve(axis, size)?;
        // L1, L2: a part of an axis is no longer and reaches no further than the axis.
        let kept = self.with_axis(axis, cut.len, cut.stride(self.strides[axis]));
        Ok((
            kept,
            kept.offset_unless_empty(cut.start, self.strides[axis]),
        ))
    }

    /// The same elements with the axes in another order: axis `i` of the result is axis
    /// `axes[i]` of this layout.
    ///
    /// O(1). The first element stays where it is.
    ///
    /// # Errors
    ///
    /// [`TensorError::InvalidPermutation`] unless each axis is named exactly once.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let hwc = Layout::contiguous([480, 640, 3], 1)?;
    /// let chw = hwc.permute_axes([2, 0, 1])?;
    /// assert_eq!(chw.shape(), &[3, 480, 640]);
    /// assert_eq!(chw.strides(), &[1, 1920, 3]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn permute_axes(&self, axes: [usize; N]) -> Result<Layout<N>, TensorError> {
        for (position, axis) in axes.iter().enumerate() {
            if *axis >= N || axes[..position].contains(axis) {
                return Err(TensorError::InvalidPermutation { axes: axes.into() });
            }
        }
        Ok(Layout::of(
            axes.map(|axis| self.shape[axis]),
            axes.map(|axis| self.strides[axis]),
        ))
    }

    /// The same elements with the order of the axes reversed.
    ///
    /// O(1). The first element stays where it is.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let matrix = Layout::contiguous([2, 3], 4)?;
    /// assert_eq!(matrix.transpose().shape(), &[3, 2]);
    /// assert_eq!(matrix.transpose().strides(), &[1, 3]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn transpose(&self) -> Layout<N> {
        let mut result = *self;
        result.shape.reverse();
        result.strides.reverse();
        result
    }

    /// The same elements with one axis walked backwards.
    ///
    /// O(1). Returns the layout and the offset of its first element, which was the last
    /// along the axis.
    ///
    /// # Errors
    ///
    /// [`TensorError::AxisOutOfBounds`].
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let rgb = Layout::contiguous([480, 640, 3], 1)?;
    /// let (bgr, offset) = rgb.flip(2)?;
    /// assert_eq!((bgr.strides(), offset), (&[1920, 3, -1], 2));
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn flip(&self, axis: usize) -> Result<(Layout<N>, isize), TensorError> {
        let size = self.len_of(axis)?;
        let stride = self.strides[axis];
        // Only the unused stride of an axis with length 0 or 1 can be `isize::MIN`.
        let flipped = self.with_axis(axis, size, stride.wrapping_neg());
        let offset = flipped.offset_unless_empty(size.saturating_sub(1), stride);
        Ok((flipped, offset))
    }

    /// The same elements in the same row-major order, counted by another shape.
    ///
    /// O(1) in the number of elements. Finds strides whenever there are some; never moves
    /// an element and never follows the order in memory. The first element stays where it
    /// is.
    ///
    /// # Errors
    ///
    /// [`TensorError::ShapeOverflow`] for a shape no memory can hold,
    /// [`TensorError::ReshapeMismatch`] for another number of elements, and
    /// [`TensorError::ReshapeNeedsCopy`] if no strides over the same memory give this
    /// order; `contiguous()` on the tensor helps then.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let image = Layout::contiguous([480, 640, 3], 1)?;
    /// let (roi, _) = image.slice((0..48, 0..64, ..))?;
    /// assert_eq!(roi.reshape([48, 192])?.strides(), &[1920, 1]); // each row is one run
    /// assert!(roi.reshape([48 * 192]).is_err()); // the rows are not
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn reshape<const M: usize>(&self, shape: [usize; M]) -> Result<Layout<M>, TensorError> {
        self.reshaped(shape)
            .ok_or_else(|| self.why_not_reshaped(shape))
    }

    /// As [`reshape`](Self::reshape), without the reason: small enough to inline.
    #[inline(always)]
    pub(crate) fn reshaped<const M: usize>(&self, shape: [usize; M]) -> Option<Layout<M>> {
        let numel = checked_numel_or_none(&shape)?;
        if numel != self.numel() {
            return None;
        }
        // Also every empty layout.
        if self.is_contiguous() {
            return Some(Layout::rows_of(shape));
        }
        let strides = self.strides_for(shape)?;
        // L1: checked above. L2: the same elements lie where they lay.
        Some(Layout::of(shape, strides))
    }

    /// Why `reshaped` gave `None`. By value, so that asking does not force the layout into
    /// memory.
    #[cold]
    #[inline(never)]
    pub(crate) fn why_not_reshaped<const M: usize>(self, shape: [usize; M]) -> TensorError {
        match checked_numel(&shape) {
            Err(error) => error,
            Ok(numel) if numel != self.numel() => TensorError::ReshapeMismatch {
                from: self.shape.into(),
                to: shape.into(),
            },
            Ok(_) => TensorError::ReshapeNeedsCopy {
                from: self.shape.into(),
                to: shape.into(),
            },
        }
    }

    /// The strides that walk these elements by `shape`, which has as many and is not
    /// empty.
    ///
    /// After merging, the stride changes at every border between two axes, so an axis of
    /// the result that has more than one element must lie inside one merged axis: going
    /// from the last to the first, the new axes have to divide what is left of it.
    #[inline(never)]
    fn strides_for<const M: usize>(self, shape: [usize; M]) -> Option<[isize; M]> {
        let merged = self.merged();
        let mut source = N;
        // What is left of the merged axis, and the stride to walk that by.
        let (mut left, mut stride) = (1, 1);
        let mut strides = [0; M];
        for axis in (0..M).rev() {
            let len = shape[axis];
            if len > 1 {
                if left == 1 {
                    source -= 1;
                    (left, stride) = (merged.shape[source], merged.strides[source]);
                }
                if left % len != 0 {
                    return None;
                }
            }
            strides[axis] = stride;
            if len > 1 {
                left /= len;
                // With nothing left the product is not used, and it might overflow.
                if left > 1 {
                    stride *= len as isize;
                }
            }
        }
        Some(strides)
    }

    /// The same elements with a new axis of length 1 before `axis`; `axis == N` appends it.
    ///
    /// O(1). The first element stays where it is.
    ///
    /// # Errors
    ///
    /// [`TensorError::AxisOutOfBounds`] if `axis > N`.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let image = Layout::contiguous([480, 640, 3], 1)?;
    /// let batch = image.insert_axis(0)?;
    /// assert_eq!(batch.shape(), &[1, 480, 640, 3]);
    /// assert!(batch.is_contiguous());
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn insert_axis<const M: usize>(&self, axis: usize) -> Result<Layout<M>, TensorError>
    where
        Nat<N>: Succ<Next = Nat<M>>,
    {
        if axis > N {
            return Err(TensorError::AxisOutOfBounds { axis, rank: N });
        }
        let mut shape = [1; M];
        let mut strides = [1; M];
        for from in 0..N {
            let to = from + usize::from(from >= axis);
            shape[to] = self.shape[from];
            strides[to] = self.strides[from];
        }
        // The stride that row-major order gives it, so that contiguous layouts look contiguous.
        if axis < N {
            let (len, stride) = (self.shape[axis], self.strides[axis]);
            strides[axis] = stride.wrapping_mul(len.max(1) as isize);
        }
        Ok(Layout::of(shape, strides))
    }

    /// The same elements without an axis of length 1.
    ///
    /// O(1). The first element stays where it is.
    ///
    /// # Errors
    ///
    /// [`TensorError::AxisOutOfBounds`], or [`TensorError::AxisNotRemovable`] if the axis
    /// has another length. In particular an axis of length 0 stays: without it the layout
    /// would reach elements that it never had.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let mask = Layout::contiguous([480, 640, 1], 1)?;
    /// assert_eq!(mask.remove_axis(2)?.shape(), &[480, 640]);
    /// assert!(mask.remove_axis(0).is_err());
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn remove_axis<const M: usize>(&self, axis: usize) -> Result<Layout<M>, TensorError>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        match self.len_of(axis)? {
            1 => Ok(self.without(axis)),
            size => Err(TensorError::AxisNotRemovable { axis, size }),
        }
    }

    /// The layout stretched to `shape` by repeating axes of length 1 (stride 0).
    ///
    /// O(1). NumPy's rule: axes are matched from the last one, lengths must be equal or 1,
    /// and missing leading axes count as 1. The first element stays where it is. The result
    /// overlaps itself, so only a `TensorView` can have it.
    ///
    /// # Errors
    ///
    /// [`TensorError::NotBroadcastable`] if a length is neither equal nor 1, or `M < N`;
    /// [`TensorError::ShapeOverflow`] if the result would have more than `isize::MAX`
    /// elements.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let mean = Layout::contiguous([3], 4)?;
    /// let per_pixel = mean.broadcast_to([480, 640, 3])?;
    /// assert_eq!(per_pixel.strides(), &[0, 0, 1]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn broadcast_to<const M: usize>(
        &self,
        shape: [usize; M],
    ) -> Result<Layout<M>, TensorError> {
        let refuse = || TensorError::NotBroadcastable {
            from: self.shape.into(),
            to: shape.into(),
        };
        if M < N {
            return Err(refuse());
        }
        let mut strides = [0; M];
        for axis in 0..N {
            let to = M - N + axis;
            if self.shape[axis] == shape[to] {
                strides[to] = self.strides[axis];
            } else if self.shape[axis] != 1 {
                return Err(refuse());
            }
        }
        // L1 is new: the repeats exist nowhere. L2: what was added has stride 0.
        checked_numel(&shape)?;
        Ok(Layout::of(shape, strides))
    }

    /// The length of an axis that a caller named.
    #[inline]
    pub(crate) fn len_of(&self, axis: usize) -> Result<usize, TensorError> {
        match self.shape.get(axis) {
            Some(&len) => Ok(len),
            None => Err(TensorError::AxisOutOfBounds { axis, rank: N }),
        }
    }

    /// The layout with another length and stride for `axis`, which keep L1 and L2.
    ///
    /// Chosen per axis instead of stored by index: a store of one word into an array that is
    /// copied in wider loads right after makes those loads wait.
    #[inline]
    pub(super) fn with_axis(&self, axis: usize, len: usize, stride: isize) -> Layout<N> {
        Layout::of(
            array::from_fn(|i| if i == axis { len } else { self.shape[i] }),
            array::from_fn(|i| if i == axis { stride } else { self.strides[i] }),
        )
    }

    /// The layout without `axis`, which must exist and have a length other than 0.
    ///
    /// L1, L2: taking out a factor or a summand that is not zero makes neither larger.
    #[inline]
    pub(crate) fn without<const M: usize>(&self, axis: usize) -> Layout<M>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        let mut shape = [0; M];
        let mut strides = [0; M];
        for to in 0..M {
            let from = to + usize::from(to >= axis);
            shape[to] = self.shape[from];
            strides[to] = self.strides[from];
        }
        Layout::of(shape, strides)
    }

    /// `steps * stride`, or 0 if this layout has no element that could be moved to.
    ///
    /// Where there are elements, the caller's step leads to one of them, so L2 bounds it.
    #[inline]
    pub(super) fn offset_unless_empty(&self, steps: usize, stride: isize) -> isize {
        if self.is_empty() {
            0
        } else {
            steps as isize * stride
        }
    }
}
