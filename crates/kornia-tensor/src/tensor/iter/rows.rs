//! Rows as slices.

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;

use crate::engine::cursor::RowCursor;
use crate::{TensorView, TensorViewMut};

/// The rows of a view as slices. Made by [`TensorView::rows`].
pub struct Rows<'a, T> {
    /// The rows are initialised and readable during `'a`.
    cursor: RowCursor<T>,
    borrow: PhantomData<&'a T>,
}

impl<'a, T> Rows<'a, T> {
    #[inline]
    pub(crate) fn new<const N: usize>(view: TensorView<'a, T, N>) -> Option<Self> {
        // SAFETY: the elements of the view lie in one allocation (V1), as the cursor needs.
        let cursor = unsafe { RowCursor::new(view.first(), view.layout()) }?;
        Some(Self {
            cursor,
            borrow: PhantomData,
        })
    }
}

impl<T> Clone for Rows<'_, T> {
    fn clone(&self) -> Self {
        Self {
            cursor: self.cursor,
            borrow: PhantomData,
        }
    }
}

impl<'a, T> Iterator for Rows<'a, T> {
    type Item = &'a [T];

    #[inline]
    fn next(&mut self) -> Option<&'a [T]> {
        // SAFETY: a row of the view it was made from: initialised elements, readable during `'a` (V1).
        self.cursor.next().map(|row| unsafe { row.as_ref() })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.cursor.remaining(), Some(self.cursor.remaining()))
    }
}

impl<T> DoubleEndedIterator for Rows<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        // SAFETY: a row of the view it was made from: initialised elements, readable during `'a` (V1).
        self.cursor.next_back().map(|row| unsafe { row.as_ref() })
    }
}

impl<T> ExactSizeIterator for Rows<'_, T> {}
impl<T> FusedIterator for Rows<'_, T> {}

// SAFETY: the iterator gives `&[T]` and nothing else.
unsafe impl<T: Sync> Send for Rows<'_, T> {}
// SAFETY: a shared iterator gives no more than the iterator, which is `&[T]`.
unsafe impl<T: Sync> Sync for Rows<'_, T> {}

/// The rows of a mutable view as exclusive slices. Made by [`TensorViewMut::rows_mut`].
pub struct RowsMut<'a, T> {
    /// The rows are initialised and ours to write during `'a`; no two of them share an element.
    cursor: RowCursor<T>,
    borrow: PhantomData<&'a mut T>,
}

impl<'a, T> RowsMut<'a, T> {
    #[inline]
    pub(crate) fn new<const N: usize>(view: TensorViewMut<'a, T, N>) -> Option<Self> {
        // SAFETY: the elements of the view lie in one allocation (M1), as the cursor needs.
        let cursor = unsafe { RowCursor::new(view.first(), view.layout()) }?;
        Some(Self {
            cursor,
            borrow: PhantomData,
        })
    }
}

impl<'a, T> Iterator for RowsMut<'a, T> {
    type Item = &'a mut [T];

    #[inline]
    fn next(&mut self) -> Option<&'a mut [T]> {
        // SAFETY: a row of the view it was made from, ours to write during `'a` (M1), and given once.
        self.cursor.next().map(|mut row| unsafe { row.as_mut() })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.cursor.remaining(), Some(self.cursor.remaining()))
    }
}

impl<T> DoubleEndedIterator for RowsMut<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        // SAFETY: a row of the view it was made from, ours to write during `'a` (M1), and given once.
        self.cursor
            .next_back()
            .map(|mut row| unsafe { row.as_mut() })
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
