//! Walking strided elements by address.

use std::ptr::NonNull;

use crate::layout::Layout;

/// The elements of a layout that have not been visited yet, from both ends.
///
/// A raw walk: it gives addresses, each of them once, all of them reachable by the layout. Who
/// may read or write there is decided by the iterators built on it.
#[derive(Debug)]
pub(crate) struct Cursor<T, const N: usize> {
    /// Invariant 1 of `Cursor`: the element at index `[0, 0, ..]` of `layout`, whose elements all lie
    /// in one allocation.
    first: NonNull<T>,
    layout: Layout<N>,
    /// Invariant 2 of `Cursor`: if `remaining > 0`, in bounds: the next index from the front and from
    /// the back, with `remaining` indices from the one to the other, both counted.
    front: [usize; N],
    back: [usize; N],
    /// Invariant 3 of `Cursor`: offsets of `front` and `back` from `first`, while `remaining > 0`.
    front_offset: isize,
    back_offset: isize,
    remaining: usize,
}

impl<T, const N: usize> Clone for Cursor<T, N> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<T, const N: usize> Cursor<T, N> {
    /// # Safety
    ///
    /// `first` is the element at index `[0, 0, ..]` of the layout, whose elements all lie in one
    /// allocation, for as long as the cursor is used.
    pub(crate) unsafe fn new(first: NonNull<T>, layout: Layout<N>) -> Self {
        let remaining = layout.numel();
        let mut back = [0; N];
        let mut back_offset = 0;
        if remaining > 0 {
            back = layout.shape().map(|size| size - 1);
            for (last, stride) in back.iter().zip(layout.strides()) {
                back_offset += last.cast_signed() * stride;
            }
        }
        Self {
            first,
            layout,
            front: [0; N],
            back,
            front_offset: 0,
            back_offset,
            remaining,
        }
    }

    #[inline]
    pub(crate) fn remaining(&self) -> usize {
        self.remaining
    }

    /// The next index from the front and its address.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<([usize; N], NonNull<T>)> {
        if self.remaining == 0 {
            return None;
        }
        // SAFETY: `front` is in bounds (2), that is its offset (3), and all elements lie in one
        // allocation (1).
        let item = (self.front, unsafe { self.first.offset(self.front_offset) });
        self.remaining -= 1;
        self.step_front(1);
        Some(item)
    }

    /// The next index from the back and its address.
    #[inline]
    pub(crate) fn next_back(&mut self) -> Option<([usize; N], NonNull<T>)> {
        if self.remaining == 0 {
            return None;
        }
        // SAFETY: `back` is in bounds (2), that is its offset (3), and all elements lie in one
        // allocation (1).
        let item = (self.back, unsafe { self.first.offset(self.back_offset) });
        self.remaining -= 1;
        for axis in (0..N).rev() {
            let stride = self.layout.strides()[axis];
            if self.back[axis] > 0 {
                self.back[axis] -= 1;
                self.back_offset -= stride;
                break;
            }
            self.back[axis] = self.layout.shape()[axis] - 1;
            self.back_offset += self.back[axis].cast_signed() * stride;
        }
        Some(item)
    }

    /// Skips `count` elements from the front; O(rank).
    pub(crate) fn advance(&mut self, count: usize) {
        if count >= self.remaining {
            self.remaining = 0;
            return;
        }
        self.remaining -= count;
        self.step_front(count);
    }

    /// Moves the front on by `count` elements, which are there.
    #[inline]
    fn step_front(&mut self, count: usize) {
        let mut carry = count;
        for axis in (0..N).rev() {
            let size = self.layout.shape()[axis];
            let stride = self.layout.strides()[axis];
            let position = self.front[axis] + carry;
            if position < size {
                self.front[axis] = position;
                self.front_offset += carry.cast_signed() * stride;
                return;
            }
            let rest = position % size;
            carry = position / size;
            self.front_offset += (rest.cast_signed() - self.front[axis].cast_signed()) * stride;
            self.front[axis] = rest;
        }
    }

    /// Calls `run` with each stretch of elements along the last axis: first address, number of
    /// elements, stride.
    #[inline]
    pub(crate) fn for_each_run(mut self, mut run: impl FnMut(NonNull<T>, usize, isize)) {
        let last = N.wrapping_sub(1);
        let (size, stride) = match self.layout.shape().get(last) {
            Some(&size) => (size, self.layout.strides()[last]),
            None => (1, 1),
        };
        while self.remaining > 0 {
            let position = self.front.get(last).copied().unwrap_or(0);
            let count = self.remaining.min(size - position);
            // SAFETY: `front` is in bounds (2), that is its offset (3), and all elements lie in one
            // allocation (1).
            let ptr = unsafe { self.first.offset(self.front_offset) };
            self.remaining -= count;
            if self.remaining > 0 {
                self.step_front(count);
            }
            run(ptr, count, stride);
        }
    }
}

/// Where rows begin: `remaining` addresses, `stride` elements apart.
pub(crate) struct RowCursor<T> {
    /// Invariant of `RowCursor`: while `remaining > 0`, the first element of the next row; `width`
    /// elements lie side by side from there, and from each of the `remaining` addresses `stride` apart.
    next: NonNull<T>,
    width: usize,
    stride: isize,
    remaining: usize,
}

impl<T> Clone for RowCursor<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RowCursor<T> {}

impl<T> RowCursor<T> {
    #[inline]
    pub(crate) fn remaining(&self) -> usize {
        self.remaining
    }

    /// Splits a layout into rows, if the axes after the first are contiguous.
    ///
    /// # Safety
    ///
    /// `first` is the first element of the layout, and its elements lie in one allocation.
    pub(crate) unsafe fn new<const N: usize>(
        first: NonNull<T>,
        layout: &Layout<N>,
    ) -> Option<Self> {
        let (mut shape, strides) = (*layout.shape(), *layout.strides());
        let (mut remaining, mut stride) = (1, 0);
        if N >= 2 {
            (remaining, stride) = (shape[0], strides[0]);
            shape[0] = shape[0].min(1);
        }
        let row = Layout::from_checked(shape, strides);
        if !row.is_contiguous() {
            return None;
        }
        Some(Self {
            next: first,
            width: row.numel(),
            stride,
            remaining,
        })
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Option<NonNull<[T]>> {
        if self.remaining == 0 {
            return None;
        }
        let row = NonNull::slice_from_raw_parts(self.next, self.width);
        self.remaining -= 1;
        if self.remaining > 0 && self.width > 0 {
            // SAFETY: another row remains, and starts there (the invariant).
            self.next = unsafe { self.next.offset(self.stride) };
        }
        Some(row)
    }

    #[inline]
    pub(crate) fn next_back(&mut self) -> Option<NonNull<[T]>> {
        if self.remaining == 0 {
            return None;
        }
        self.remaining -= 1;
        let mut start = self.next;
        if self.width > 0 {
            // SAFETY: that is where the last of the remaining rows starts (the invariant).
            start = unsafe { start.offset(self.remaining.cast_signed() * self.stride) };
        }
        Some(NonNull::slice_from_raw_parts(start, self.width))
    }
}
