//! How indices become offsets: a shape and strides, and nothing else.
//!
//! A [`Layout`] is pure arithmetic. It knows no pointer, no element type and no owner, so
//! everything here is safe code that can be tested exhaustively; the views and tensors add
//! a pointer to its answers. Each verb returns the new layout and how far its first
//! element lies from the old one.
//!
//! `mod.rs` has the invariants and the questions, `verbs.rs` what rearranges
//! axes, `blocks.rs` what cuts a layout into several, `slice.rs` the indices and
//! ranges, `verb.rs` the verbs as values for those who have a pointer, and `overlap.rs` the test
//! for aliasing.

#![forbid(unsafe_code)]

use crate::error::{self, TensorError};
use crate::storage::Promised;

mod blocks;
mod overlap;
pub(crate) mod rank;
pub(crate) mod slice;
pub(crate) mod verb;
mod verbs;

pub use blocks::{LayoutChunks, LayoutTiles};
pub use rank::{Nat, Pred, Succ};
pub use slice::{FromEnd, SliceIndex, SliceItem, SliceRange, SliceSpec, Step, clip_box, step};

/// A shape and the strides to walk it, in elements.
///
/// `Copy`, `2 * N` words, no pointer. Index `[i, j, ..]` lies `i * strides[0] + j *
/// strides[1] + ..` elements from the first element, `[0, 0, ..]`. Strides may be negative
/// (a flipped axis) or zero (a repeated one).
///
/// ```
/// use kornia_tensor::Layout;
///
/// let image = Layout::contiguous([480, 640, 3], 1)?; // [H, W, C] in bytes
/// assert_eq!(image.strides(), &[1920, 3, 1]);
///
/// let (crop, offset) = image.slice((10..20, 5.., ..))?;
/// assert_eq!(crop.shape(), &[10, 635, 3]);
/// assert_eq!(offset, 10 * 1920 + 5 * 3);
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout<const N: usize> {
    /// L1: the product of the lengths that are not zero is at most `isize::MAX`, so
    /// neither `numel` nor the product of any of the lengths overflows, in any order.
    shape: [usize; N],
    /// L2: the sum of `(shape - 1) * |stride|`, where an axis of length 0 counts as 0, is
    /// at most `isize::MAX` in elements, so no sum of steps between two indices overflows;
    /// where there are elements, also in bytes. (An empty layout reaches nothing, and
    /// nobody moves a pointer along it, so its bytes are not counted.) The stride of an
    /// axis with length 0 or 1 is never used and may be anything, even `isize::MIN`.
    strides: [isize; N],
}

impl<const N: usize> Layout<N> {
    /// The layout of this shape and these strides, for elements of `element_size` bytes.
    ///
    /// O(1). Strides count elements, not bytes. Whether the layout fits a memory (L3) and
    /// whether it overlaps itself (L4, [`is_injective`](Self::is_injective)) is not asked
    /// here.
    ///
    /// # Errors
    ///
    /// [`TensorError::ShapeOverflow`] if the number of elements, or what they take in bytes without
    /// gaps, exceeds `isize::MAX`; [`TensorError::StridesOverflow`] if the distance between the lowest
    /// and the highest of them does.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let mirrored = Layout::new([2, 3], [3, -1], 4)?;
    /// assert_eq!(mirrored.span(), 6);
    /// assert_eq!(mirrored.first_offset(), 2);
    /// assert!(Layout::new([usize::MAX, 2], [0, 0], 4).is_err());
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn new(
        shape: [usize; N],
        strides: [isize; N],
        element_size: usize,
    ) -> Result<Self, TensorError> {
        let fits = product_of_nonzero(&shape).is_some()
            && reach(&shape, &strides).is_some_and(|reach| {
                shape.contains(&0) || fits_isize(reach.checked_mul(element_size)).is_some()
            });
        if fits {
            Ok(Self { shape, strides })
        } else {
            // The shape is to blame if no strides would do.
            Self::contiguous(shape, element_size).and_then(|_| {
                Err(TensorError::StridesOverflow {
                    shape: shape.into(),
                    strides: strides.into(),
                })
            })
        }
    }

    /// The contiguous layout of a shape: row-major order without gaps, for elements of `element_size` bytes.
    ///
    /// O(1). The last axis has stride 1 and each other steps over what follows it; axes of
    /// length 0 count as 1 there, so that strides are never 0.
    ///
    /// # Errors
    ///
    /// [`TensorError::ShapeOverflow`] if the product of the lengths that are not zero, or
    /// the size of all elements in bytes, exceeds `isize::MAX`.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// assert_eq!(Layout::contiguous([2, 3, 4], 4)?.strides(), &[12, 4, 1]);
    /// assert_eq!(Layout::contiguous([2, 0, 4], 4)?.strides(), &[4, 4, 1]);
    /// assert!(Layout::contiguous([usize::MAX, 0], 4).is_err());
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn contiguous(shape: [usize; N], element_size: usize) -> Result<Self, TensorError> {
        let fits = product_of_nonzero(&shape).is_some_and(|product| {
            shape.contains(&0) || fits_isize(product.checked_mul(element_size)).is_some()
        });
        if fits {
            Ok(Self::rows_of(shape))
        } else {
            Err(shape_overflow(&shape, element_size))
        }
    }

    /// The row-major layout of a shape that some layout has already. Its size in bytes is not
    /// looked at.
    ///
    /// # Panics
    ///
    /// If the shape breaks L1, which no layout's does.
    #[inline]
    pub(crate) fn row_major(shape: [usize; N]) -> Self {
        assert!(product_of_nonzero(&shape).is_some(), "L1: {shape:?}");
        Self::rows_of(shape)
    }

    /// The row-major layout of a shape for which L1 was checked; L2 in elements follows.
    #[inline]
    fn rows_of(shape: [usize; N]) -> Self {
        let mut strides = [1; N];
        let mut step = 1;
        for axis in (0..N).rev() {
            strides[axis] = step;
            step *= shape[axis].max(1) as isize;
        }
        // Element by element, for the sake of what reads it next: see `with_axis`.
        Self::of(std::array::from_fn(|axis| shape[axis]), strides)
    }

    /// A layout whose L1 and L2, in elements, follow from the layout it was made of. Private to
    /// this folder, so that what it rests on stands where it is called.
    #[inline]
    fn of(shape: [usize; N], strides: [isize; N]) -> Self {
        debug_assert!(product_of_nonzero(&shape).is_some(), "L1: {shape:?}");
        debug_assert!(
            reach(&shape, &strides).is_some(),
            "L2: {shape:?} {strides:?}"
        );
        Self { shape, strides }
    }

    /// The layout of these parts, for which somebody promises L1, and L2 for elements of their
    /// size.
    #[inline]
    pub(crate) fn promised(shape: [usize; N], strides: [isize; N], _: Promised) -> Self {
        Self::of(shape, strides)
    }

    /// The layout of parts that are expected to be one.
    ///
    /// # Panics
    ///
    /// If they break L1, or L2 in elements.
    #[inline]
    pub(crate) fn from_checked(shape: [usize; N], strides: [isize; N]) -> Self {
        assert!(product_of_nonzero(&shape).is_some(), "L1: {shape:?}");
        assert!(
            reach(&shape, &strides).is_some(),
            "L2: {shape:?} {strides:?}"
        );
        Self { shape, strides }
    }

    /// The length of each axis. O(1).
    ///
    /// ```
    /// # use kornia_tensor::Layout;
    /// assert_eq!(Layout::contiguous([480, 640, 3], 1)?.shape(), &[480, 640, 3]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn shape(&self) -> &[usize; N] {
        &self.shape
    }

    /// How many elements one step along each axis moves. O(1).
    ///
    /// ```
    /// # use kornia_tensor::Layout;
    /// assert_eq!(Layout::contiguous([480, 640, 3], 1)?.strides(), &[1920, 3, 1]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn strides(&self) -> &[isize; N] {
        &self.strides
    }

    /// The number of indices there are: the product of the lengths. O(1).
    ///
    /// ```
    /// # use kornia_tensor::Layout;
    /// assert_eq!(Layout::contiguous([2, 3], 1)?.numel(), 6);
    /// assert_eq!(Layout::contiguous([], 1)?.numel(), 1); // rank 0: a scalar
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn numel(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there is no index at all, because an axis has length 0. O(1).
    ///
    /// ```
    /// # use kornia_tensor::Layout;
    /// assert!(Layout::contiguous([480, 0, 3], 1)?.is_empty());
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// How much memory the layout reaches over: from the lowest element to the highest,
    /// both included, in elements. O(1).
    ///
    /// 0 if the layout is empty and 1 for rank 0. At least [`numel`](Self::numel) unless
    /// elements are repeated.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let image = Layout::contiguous([480, 640, 3], 1)?;
    /// let (crop, _) = image.slice((0..2, 0..4, ..))?;
    /// assert_eq!(crop.numel(), 24);
    /// assert_eq!(crop.span(), 1920 + 4 * 3); // a row, and the crop's part of the next
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn span(&self) -> usize {
        if self.is_empty() {
            return 0;
        }
        let mut span = 1;
        for axis in 0..N {
            span += (self.shape[axis] - 1) * self.strides[axis].unsigned_abs();
        }
        span
    }

    /// How far the first element, `[0, 0, ..]`, lies above the lowest one, in elements.
    /// O(1).
    ///
    /// 0 unless an axis with a negative stride is in play, and 0 if the layout is empty.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let row = Layout::contiguous([5], 1)?;
    /// let (mirrored, _) = row.flip(0)?;
    /// assert_eq!(mirrored.first_offset(), 4);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn first_offset(&self) -> usize {
        // A negative stride is rare: one test of all signs at once.
        let signs = self.strides.iter().fold(0, |signs, stride| signs | stride);
        if signs >= 0 || self.is_empty() {
            return 0;
        }
        let mut below = 0;
        for axis in 0..N {
            if self.strides[axis] < 0 {
                below += (self.shape[axis] - 1) * self.strides[axis].unsigned_abs();
            }
        }
        below
    }

    /// Where an index lies, in elements from the first element; `None` if it is out of
    /// bounds.
    ///
    /// `N` comparisons and `N` multiplications.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let image = Layout::contiguous([480, 640, 3], 1)?;
    /// assert_eq!(image.offset_of([2, 5, 1]), Some(2 * 1920 + 5 * 3 + 1));
    /// assert_eq!(image.offset_of([480, 0, 0]), None);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn offset_of(&self, index: [usize; N]) -> Option<isize> {
        let mut offset = 0;
        for (axis, &index) in index.iter().enumerate() {
            if index >= self.shape[axis] {
                return None;
            }
            // In bounds, so L2 bounds every product and every partial sum.
            offset += index as isize * self.strides[axis];
        }
        Some(offset)
    }

    /// Panics unless the index is in bounds, with the text of `try_offset_of`.
    ///
    /// The cold path gets three words instead of the address of the index, so that a loop can
    /// keep its indices in registers.
    #[inline]
    #[track_caller]
    pub(crate) fn check_index(&self, index: [usize; N]) {
        for (axis, (index, size)) in index.into_iter().zip(self.shape).enumerate() {
            if index >= size {
                index_out_of_bounds(axis, index, size);
            }
        }
    }

    /// [`offset_of`](Self::offset_of) for a caller who wants to know what was wrong.
    ///
    /// # Errors
    ///
    /// [`TensorError::IndexOutsideAxis`] with the first axis whose index is too large.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let image = Layout::contiguous([480, 640, 3], 1)?;
    /// assert_eq!(
    ///     image.try_offset_of([0, 640, 3]).unwrap_err().to_string(),
    ///     "index 640 is out of bounds for axis 1 with size 640"
    /// );
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn try_offset_of(&self, index: [usize; N]) -> Result<isize, TensorError> {
        self.offset_of(index).ok_or_else(|| self.blame(index))
    }

    /// The error for an index that is out of bounds.
    #[cold]
    fn blame(&self, index: [usize; N]) -> TensorError {
        let axis = (0..N)
            .find(|&axis| index[axis] >= self.shape[axis])
            .unwrap_or(0);
        TensorError::IndexOutsideAxis {
            axis,
            index: index[axis],
            size: self.shape[axis],
        }
    }

    /// Whether the layout is contiguous: its elements lie in row-major order without gaps. `O(N)`
    /// comparisons.
    ///
    /// Axes of length 1 do not count, because their stride is never used. An empty layout
    /// is contiguous.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let image = Layout::contiguous([480, 640, 3], 1)?;
    /// assert!(image.is_contiguous());
    /// assert!(image.slice((10..20, .., ..))?.0.is_contiguous());
    /// assert!(!image.slice((.., 10..20, ..))?.0.is_contiguous());
    /// assert!(!image.transpose().is_contiguous());
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        let mut in_order = true;
        let mut step = 1;
        for axis in (0..N).rev() {
            let len = self.shape[axis];
            if len == 0 {
                return true;
            }
            in_order &= len == 1 || self.strides[axis] == step;
            step *= len as isize;
        }
        in_order
    }

    /// The same offsets in the same row-major order, in as few axes as possible.
    ///
    /// Axes of length 1 are dropped and neighbours that one stride can walk are joined.
    /// What remains is pushed to the end, behind axes of length 1 and stride 0, so a loop
    /// can treat the last axis as its inner one: its stride is 1 wherever runs of elements
    /// lie side by side. An empty layout stays empty.
    #[inline]
    pub(crate) fn merged(&self) -> Layout<N> {
        let mut shape = [1; N];
        let mut strides = [0isize; N];
        // The outermost axis written so far; `N` means none yet.
        let mut outer = N;
        for axis in (0..N).rev() {
            let (len, stride) = (self.shape[axis], self.strides[axis]);
            if len == 1 {
                continue;
            }
            // A product that overflows is no stride that L2 allows, so it joins nothing.
            if outer < N && strides[outer].checked_mul(shape[outer] as isize) == Some(stride) {
                shape[outer] *= len;
            } else {
                outer -= 1;
                shape[outer] = len;
                strides[outer] = stride;
            }
        }
        Layout::of(shape, strides)
    }
}

/// The number of elements of a shape, checked.
///
/// O(1). Lengths of zero make the result 0 but do not hide an overflow in the others: a
/// view that takes `[usize::MAX, 0]` apart must never see `usize::MAX` elements.
///
/// # Errors
///
/// [`TensorError::ShapeOverflow`] if the product of the lengths that are not zero exceeds
/// `isize::MAX`.
///
/// ```
/// use kornia_tensor::checked_numel;
///
/// assert_eq!(checked_numel(&[480, 640, 3])?, 921_600);
/// assert_eq!(checked_numel(&[480, 0, 3])?, 0);
/// assert!(checked_numel(&[usize::MAX, 2]).is_err());
/// assert!(checked_numel(&[usize::MAX, 0]).is_err());
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
#[inline]
pub fn checked_numel<const N: usize>(shape: &[usize; N]) -> Result<usize, TensorError> {
    match product_of_nonzero(shape) {
        Some(_) if shape.contains(&0) => Ok(0),
        Some(product) => Ok(product),
        // The count alone is too large, so it is for elements of one byte.
        None => Err(shape_overflow(shape, 1)),
    }
}

/// The row-major strides of a shape, in elements, as 0.2.0 counted them: without a sign.
///
/// O(1). As in [`Layout::contiguous`], an axis of length 0 counts as 1, so that strides
/// are never 0.
///
/// # Panics
///
/// Panics if the product of the lengths that are not zero exceeds `isize::MAX`.
///
/// ```
/// # #![allow(deprecated)]
/// use kornia_tensor::get_strides_from_shape;
///
/// assert_eq!(get_strides_from_shape([480, 640, 3]), [1920, 3, 1]);
/// ```
#[deprecated(
    since = "0.3.0",
    note = "use `Layout::contiguous`, whose strides are signed"
)]
#[track_caller]
#[inline]
pub fn get_strides_from_shape<const N: usize>(shape: [usize; N]) -> [usize; N] {
    crate::error::expect(checked_numel(&shape));
    Layout::rows_of(shape).strides.map(|stride| stride as usize)
}

/// As [`checked_numel`], without the reason.
#[inline(always)]
pub(crate) fn checked_numel_or_none<const N: usize>(shape: &[usize; N]) -> Option<usize> {
    let product = product_of_nonzero(shape)?;
    Some(if shape.contains(&0) { 0 } else { product })
}

#[cold]
#[inline(never)]
#[track_caller]
fn index_out_of_bounds(axis: usize, index: usize, size: usize) -> ! {
    error::fail(TensorError::IndexOutsideAxis { axis, index, size })
}

/// The left side of L1; `None` if it exceeds `isize::MAX`.
#[inline]
fn product_of_nonzero(shape: &[usize]) -> Option<usize> {
    let mut product = 1usize;
    for &len in shape {
        product = product.checked_mul(len.max(1))?;
    }
    fits_isize(Some(product))
}

/// The left side of L2, in elements; `None` if it exceeds `isize::MAX`.
#[inline]
fn reach<const N: usize>(shape: &[usize; N], strides: &[isize; N]) -> Option<usize> {
    let mut reach = 0usize;
    for axis in 0..N {
        let steps = shape[axis].saturating_sub(1);
        reach = reach.checked_add(steps.checked_mul(strides[axis].unsigned_abs())?)?;
    }
    fits_isize(Some(reach))
}

/// The number, if there is one and it is at most `isize::MAX`.
#[inline]
fn fits_isize(number: Option<usize>) -> Option<usize> {
    number.filter(|&number| number <= isize::MAX as usize)
}

/// The error of L1 and L2.
#[cold]
pub(crate) fn shape_overflow(shape: &[usize], element_size: usize) -> TensorError {
    TensorError::ShapeOverflow {
        shape: shape.into(),
        element_size,
    }
}

#[cfg(test)]
pub(crate) mod tests;
