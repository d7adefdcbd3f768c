//! Rows as slices.

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::layout::Layout;
use crate::{TensorView, TensorViewMut};

/// Where rows begin: `remaining` addresses, `stride` elements apart.
#[derive(Clone, Copy)]
struct Walk<T> {
    /// R1: while `remaining > 0`, the first element of the next row; `width` elements lie side
    /// by side from there, and from each of the `remaining` addresses `stride` apart.
    next: NonNull<T>,
    width: usize,
    stride: isize,
    remaining: usize,
}

impl<T> Walk<T> {
    /// Splits a layout into rows, if the axes after the first are contiguous.
    ///
    /// # Safety
    ///
    /// `first` is the first element of the layout, and its elements lie in one allocation.
    unsafe fn new<const N: usize>(first: NonNull<T>, layout: &Layout<N>) -> Option<Self> {
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
    fn next(&mut self) -> Option<NonNull<[T]>> {
        if self.remaining == 0 {
            return None;
        }
        let row = NonNull::slice_from_raw_parts(self.next, self.width);
        self.remaining -= 1;
        if self.remaining > 0 && self.width > 0 {
            // SAFETY: R1: there is another row.
            self.next = unsafe { self.next.offset(self.stride) };
        }
        Some(row)
    }

    #[inline]
    fn next_back(&mut self) -> Option<NonNull<[T]>> {
        if self.remaining == 0 {
            return None;
        }
        self.remaining -= 1;
        let mut start = self.next;
        if self.width > 0 {
            // SAFETY: R1: the last remaining row.
            start = unsafe { start.offset(self.remaining.cast_signed() * self.stride) };
        }
        Some(NonNull::slice_from_raw_parts(start, self.width))
    }
}

/// The rows of a view as slices. Made by [`TensorView::rows`].
pub struct Rows<'a, T> {
    /// The rows are initialised and readable during `'a`.
    walk: Walk<T>,
    borrow: PhantomData<&'a T>,
}

impl<'a, T> Rows<'a, T> {
    #[inline]
    pub(crate) fn new<const N: usize>(view: TensorView<'a, T, N>) -> Option<Self> {
        // SAFETY: V1 of the view.
        let walk = unsafe { Walk::new(view.first(), view.layout()) }?;
        Some(Self {
            walk,
            borrow: PhantomData,
        })
    }
}

impl<T> Clone for Rows<'_, T> {
    fn clone(&self) -> Self {
        Self {
            walk: Walk { ..self.walk },
            borrow: PhantomData,
        }
    }
}

impl<'a, T> Iterator for Rows<'a, T> {
    type Item = &'a [T];

    #[inline]
    fn next(&mut self) -> Option<&'a [T]> {
        // SAFETY: R1, V1 of the view it was made from: a row of initialised elements.
        self.walk.next().map(|row| unsafe { row.as_ref() })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.walk.remaining, Some(self.walk.remaining))
    }
}

impl<T> DoubleEndedIterator for Rows<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        // SAFETY: R1, V1 of the view it was made from: a row of initialised elements.
        self.walk.next_back().map(|row| unsafe { row.as_ref() })
    }
}

impl<T> ExactSizeIterator for Rows<'_, T> {}
impl<T> FusedIterator for Rows<'_, T> {}

// SAFETY: the iterator gives `&[T]` and nothing else.
unsafe impl<T: Sync> Send for Rows<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Rows<'_, T> {}

/// The rows of a mutable view as exclusive slices. Made by [`TensorViewMut::rows_mut`].
pub struct RowsMut<'a, T> {
    /// The rows are initialised and ours to write during `'a`; no two of them share an element.
    walk: Walk<T>,
    borrow: PhantomData<&'a mut T>,
}

impl<'a, T> RowsMut<'a, T> {
    #[inline]
    pub(crate) fn new<const N: usize>(view: TensorViewMut<'a, T, N>) -> Option<Self> {
        // SAFETY: M1 of the view, which is consumed.
        let walk = unsafe { Walk::new(view.first(), view.layout()) }?;
        Some(Self {
            walk,
            borrow: PhantomData,
        })
    }
}

impl<'a, T> Iterator for RowsMut<'a, T> {
    type Item = &'a mut [T];

    #[inline]
    fn next(&mut self) -> Option<&'a mut [T]> {
        // SAFETY: R1, M1 of the view it was made from; each row is given once.
        self.walk.next().map(|mut row| unsafe { row.as_mut() })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.walk.remaining, Some(self.walk.remaining))
    }
}

impl<T> DoubleEndedIterator for RowsMut<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        // SAFETY: R1, M1 of the view it was made from; each row is given once.
        self.walk.next_back().map(|mut row| unsafe { row.as_mut() })
    }
}

impl<T> ExactSizeIterator for RowsMut<'_, T> {}
impl<T> FusedIterator for RowsMut<'_, T> {}

// SAFETY: the iterator owns exclusive slices of its elements.
unsafe impl<T: Send> Send for RowsMut<'_, T> {}
// SAFETY: a shared iterator gives its length and nothing else.
unsafe impl<T: Sync> Sync for RowsMut<'_, T> {}

impl<T> fmt::Debug for Rows<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("remaining", &self.len())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for RowsMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowsMut")
            .field("remaining", &self.len())
            .finish_non_exhaustive()
    }
}
