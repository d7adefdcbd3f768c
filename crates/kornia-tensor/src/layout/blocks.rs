//! Cutting one layout into several: halves, chunks, tiles and sliding windows.
//!
//! Halves, chunks and tiles never share an element, so an exclusive view can be cut into
//! exclusive pieces. Windows do share, so only a `TensorView` has them.

use std::iter::FusedIterator;

use super::{Layout, checked_numel};
use crate::error::{self, TensorError};
use crate::layout::rank::{Nat, Pred, Succ};

impl<const N: usize> Layout<N> {
    /// The parts before and from `index` along one axis, each with the offset of its first
    /// element.
    ///
    /// O(1). `index` may be 0 or the length of the axis; one part is empty then.
    ///
    /// # Errors
    ///
    /// [`TensorError::AxisOutOfBounds`], or [`TensorError::IndexOutsideAxis`] if `index` is
    /// larger than the length of the axis.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let image = Layout::contiguous([480, 640, 3], 1)?;
    /// let [(left, _), (right, offset)] = image.split_at(1, 200)?;
    /// assert_eq!(left.shape(), &[480, 200, 3]);
    /// assert_eq!((right.shape(), offset), (&[480, 440, 3], 600));
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn split_at(
        &self,
        axis: usize,
        index: usize,
    ) -> Result<[(Layout<N>, isize); 2], TensorError> {
        let size = self.len_of(axis)?;
        if index > size {
            return Err(TensorError::IndexOutsideAxis { axis, index, size });
        }
        let stride = self.strides[axis];
        // L1, L2: a part of an axis is no longer and reaches no further than the axis.
        let before = self.with_axis(axis, index, stride);
        let from = self.with_axis(axis, size - index, stride);
        let offset = from.offset_unless_empty(index, stride);
        Ok([(before, 0), (from, offset)])
    }

    /// Consecutive parts of `size` along one axis; the last may be shorter.
    ///
    /// O(1), and O(1) per part. An axis of length 0 has no parts.
    ///
    /// # Errors
    ///
    /// [`TensorError::AxisOutOfBounds`], or [`TensorError::ZeroLength`] if `size` is 0.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let image = Layout::contiguous([480, 640, 3], 1)?;
    /// let strips = image.chunks(0, 200)?;
    /// let rows: Vec<_> = strips.map(|(strip, offset)| (strip.shape()[0], offset)).collect();
    /// assert_eq!(rows, [(200, 0), (200, 384_000), (80, 768_000)]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn chunks(&self, axis: usize, size: usize) -> Result<LayoutChunks<N>, TensorError> {
        let len = self.len_of(axis)?;
        if size == 0 {
            return Err(TensorError::ZeroLength { axis });
        }
        // A stride of 0 keeps every offset 0 where no element can be moved to.
        let stride = if self.is_empty() {
            0
        } else {
            self.strides[axis]
        };
        Ok(LayoutChunks {
            layout: *self,
            axis,
            size,
            stride,
            front: 0,
            back: len.div_ceil(size),
        })
    }

    /// Blocks of `size` that cover the layout without overlap, in row-major order; those at
    /// the far edges may be smaller.
    ///
    /// O(1), and O(N) per block. An empty layout has no blocks.
    ///
    /// # Errors
    ///
    /// [`TensorError::ZeroLength`] if a length in `size` is 0.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let image = Layout::contiguous([480, 640, 3], 1)?;
    /// let tiles = image.tiles([256, 256, 3])?;
    /// assert_eq!(tiles.len(), 2 * 3);
    ///
    /// let (origin, corner, _) = tiles.last().unwrap();
    /// assert_eq!(origin, [256, 512, 0]);
    /// assert_eq!(corner.shape(), &[224, 128, 3]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn tiles(&self, size: [usize; N]) -> Result<LayoutTiles<N>, TensorError> {
        if let Some(axis) = size.iter().position(|&size| size == 0) {
            return Err(TensorError::ZeroLength { axis });
        }
        let mut tiles = LayoutTiles {
            layout: *self,
            size,
            front: [0; N],
            back: [0; N],
            last: [0; N],
            remaining: 1,
        };
        for (axis, &len) in self.shape.iter().enumerate() {
            let size = size[axis];
            let count = len.div_ceil(size);
            tiles.last[axis] = count.saturating_sub(1) * size;
            tiles.remaining *= count;
        }
        tiles.back = tiles.last;
        Ok(tiles)
    }

    /// The part at each index of one axis, without that axis, with the offset of its first
    /// element.
    ///
    /// O(1), and O(N) per part.
    ///
    /// # Errors
    ///
    /// [`TensorError::AxisOutOfBounds`].
    #[inline]
    pub(crate) fn axis_iter<const M: usize>(
        &self,
        axis: usize,
    ) -> Result<
        impl DoubleEndedIterator<Item = (Layout<M>, isize)> + ExactSizeIterator + use<N, M>,
        TensorError,
    >
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        let (layout, size) = (*self, self.len_of(axis)?);
        Ok((0..size).map(move |index| error::expect(layout.select(axis, index))))
    }

    /// All windows of `size` elements along one axis, each one element further than the
    /// one before.
    ///
    /// O(1). The axis becomes the position of the window, `len - size + 1` of them, and a
    /// new last axis walks inside it. The first element stays where it is. The result
    /// overlaps itself, so only a `TensorView` can have it.
    ///
    /// # Errors
    ///
    /// [`TensorError::AxisOutOfBounds`], [`TensorError::ZeroLength`] if `size` is 0,
    /// [`TensorError::WindowTooLong`] if the axis is shorter than `size`, and
    /// [`TensorError::ShapeOverflow`] if the repeats exceed `isize::MAX` elements.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let image = Layout::contiguous([480, 640], 1)?;
    /// let patches = image.windows(0, 3)?.windows(1, 3)?;
    /// assert_eq!(patches.shape(), &[478, 638, 3, 3]); // every 3x3 neighbourhood
    /// assert_eq!(patches.strides(), &[640, 1, 640, 1]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn windows<const M: usize>(
        &self,
        axis: usize,
        size: usize,
    ) -> Result<Layout<M>, TensorError>
    where
        Nat<N>: Succ<Next = Nat<M>>,
    {
        let len = self.len_of(axis)?;
        if size == 0 {
            return Err(TensorError::ZeroLength { axis });
        }
        if size > len {
            return Err(TensorError::WindowTooLong {
                axis,
                window: size,
                size: len,
            });
        }
        let mut shape = [size; M];
        let mut strides = [self.strides[axis]; M];
        shape[..N].copy_from_slice(&self.shape);
        strides[..N].copy_from_slice(&self.strides);
        shape[axis] = len - size + 1;
        // L1 is new: the repeats exist nowhere. L2: the last element of the last window is
        // the last element of the axis.
        checked_numel(&shape)?;
        Ok(Layout::of(shape, strides))
    }
}

/// Consecutive parts of a layout along one axis; see [`Layout::chunks`].
///
/// Yields each part with the offset of its first element, from both ends. No two parts
/// share an index.
///
/// ```
/// use kornia_tensor::Layout;
///
/// let mut halves = Layout::contiguous([4, 2], 1)?.chunks(0, 2)?;
/// assert_eq!(halves.len(), 2);
/// assert_eq!(halves.next_back().unwrap().1, 4);
/// assert_eq!(halves.next().unwrap().1, 0);
/// assert!(halves.next().is_none());
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LayoutChunks<const N: usize> {
    layout: Layout<N>,
    axis: usize,
    size: usize,
    /// The stride of the axis, or 0 if the layout is empty.
    stride: isize,
    /// Number of the next part from the front. `front <= back`, and `(back - 1) * size` is
    /// below the length of the axis.
    front: usize,
    /// One past the number of the next part from the back.
    back: usize,
}

impl<const N: usize> LayoutChunks<N> {
    #[inline]
    fn part(&self, number: usize) -> (Layout<N>, isize) {
        let start = number * self.size;
        let len = self.size.min(self.layout.shape[self.axis] - start);
        let part = self
            .layout
            .with_axis(self.axis, len, self.layout.strides[self.axis]);
        (part, start as isize * self.stride)
    }
}

impl<const N: usize> Iterator for LayoutChunks<N> {
    type Item = (Layout<N>, isize);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.front == self.back {
            return None;
        }
        let part = self.part(self.front);
        self.front += 1;
        Some(part)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let remaining = self.back - self.front;
        (remaining, Some(remaining))
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.front = self.front.saturating_add(n).min(self.back);
        self.next()
    }
}

impl<const N: usize> DoubleEndedIterator for LayoutChunks<N> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front == self.back {
            return None;
        }
        self.back -= 1;
        Some(self.part(self.back))
    }
}

impl<const N: usize> ExactSizeIterator for LayoutChunks<N> {}
impl<const N: usize> FusedIterator for LayoutChunks<N> {}

/// Blocks that cover a layout; see [`Layout::tiles`].
///
/// Yields the index of each block's first element, the block, and the offset of that
/// element, from both ends. No two blocks share an index.
///
/// ```
/// use kornia_tensor::Layout;
///
/// let mut tiles = Layout::contiguous([4, 4], 1)?.tiles([2, 3])?;
/// let (origin, tile, offset) = tiles.nth(3).unwrap();
/// assert_eq!((origin, tile.shape(), offset), ([2, 3], &[2, 1], 11));
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LayoutTiles<const N: usize> {
    layout: Layout<N>,
    /// Lengths of a tile that is not at an edge; at least 1.
    size: [usize; N],
    /// Origin of the next tile from the front. Origins lie inside the layout while
    /// `remaining > 0`.
    front: [usize; N],
    /// Origin of the next tile from the back.
    back: [usize; N],
    /// Origin of the last tile there is; no origin moves past it, so none overflows.
    last: [usize; N],
    /// Tiles not yet given out. At most `numel`, so it fits by L1.
    remaining: usize,
}

impl<const N: usize> LayoutTiles<N> {
    #[inline]
    fn tile(&self, origin: [usize; N]) -> ([usize; N], Layout<N>, isize) {
        let mut tile = self.layout;
        let mut offset = 0;
        for (axis, &start) in origin.iter().enumerate() {
            tile.shape[axis] = self.size[axis].min(self.layout.shape[axis] - start);
            offset += start as isize * self.layout.strides[axis];
        }
        (origin, tile, offset)
    }
}

impl<const N: usize> Iterator for LayoutTiles<N> {
    type Item = ([usize; N], Layout<N>, isize);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.remaining = self.remaining.checked_sub(1)?;
        let origin = self.front;
        for axis in (0..N).rev() {
            if self.front[axis] < self.last[axis] {
                self.front[axis] += self.size[axis];
                break;
            }
            self.front[axis] = 0;
        }
        Some(self.tile(origin))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining, Some(self.remaining))
    }
}

impl<const N: usize> DoubleEndedIterator for LayoutTiles<N> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.remaining = self.remaining.checked_sub(1)?;
        let origin = self.back;
        for axis in (0..N).rev() {
            if self.back[axis] > 0 {
                self.back[axis] -= self.size[axis];
                break;
            }
            self.back[axis] = self.last[axis];
        }
        Some(self.tile(origin))
    }
}

impl<const N: usize> ExactSizeIterator for LayoutTiles<N> {}
impl<const N: usize> FusedIterator for LayoutTiles<N> {}
