//! Iterators over single elements.

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::slice;

use crate::engine::cursor::Cursor;
use crate::{Tensor, TensorView, TensorViewMut};

/// Elements in row-major order. Made by [`TensorView::iter`].
///
/// `fold` and what is built on it (`sum`, `for_each`, `count`) run without a branch per element.
pub struct Iter<'a, T, const N: usize>(Repr<'a, T, N>);

enum Repr<'a, T, const N: usize> {
    Slice(slice::Iter<'a, T>),
    /// Invariant of `Iter`: the elements are initialised and readable during `'a`.
    Strided(Cursor<T, N>),
}

impl<'a, T, const N: usize> Iter<'a, T, N> {
    #[inline]
    pub(crate) fn new(view: TensorView<'a, T, N>) -> Self {
        match view.contiguous() {
            Some(elements) => Self(Repr::Slice(elements.iter())),
            // SAFETY: the view's elements lie in one allocation and are readable (V1). Merging axes
            // keeps them and their order.
            None => Self(Repr::Strided(unsafe {
                Cursor::new(view.first(), view.layout().merged())
            })),
        }
    }
}

impl<T, const N: usize> Clone for Iter<'_, T, N> {
    fn clone(&self) -> Self {
        match &self.0 {
            Repr::Slice(iter) => Self(Repr::Slice(iter.clone())),
            Repr::Strided(cursor) => Self(Repr::Strided(cursor.clone())),
        }
    }
}

impl<'a, T, const N: usize> Iterator for Iter<'a, T, N> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        match &mut self.0 {
            Repr::Slice(iter) => iter.next(),
            Repr::Strided(cursor) => {
                let (_, element) = cursor.next()?;
                // SAFETY: one of the elements that the iterator may read (the invariant).
                Some(unsafe { element.as_ref() })
            }
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = match &self.0 {
            Repr::Slice(iter) => iter.len(),
            Repr::Strided(cursor) => cursor.remaining(),
        };
        (len, Some(len))
    }

    fn nth(&mut self, n: usize) -> Option<&'a T> {
        match &mut self.0 {
            Repr::Slice(iter) => iter.nth(n),
            Repr::Strided(cursor) => {
                cursor.advance(n);
                self.next()
            }
        }
    }

    #[inline]
    fn fold<B, F>(self, init: B, f: F) -> B
    where
        F: FnMut(B, &'a T) -> B,
    {
        match self.0 {
            Repr::Slice(iter) => iter.fold(init, f),
            // SAFETY: one of the elements that the iterator may read (the invariant).
            Repr::Strided(cursor) => unsafe { fold_strided(cursor, init, f) },
        }
    }
}

/// Apart from `fold`, so that what a contiguous tensor needs is small enough to inline.
///
/// # Safety
///
/// The cursor is that of an `Iter`, whose elements may be read during `'a`.
unsafe fn fold_strided<'a, T: 'a, const N: usize, B, F>(
    cursor: Cursor<T, N>,
    init: B,
    mut f: F,
) -> B
where
    F: FnMut(B, &'a T) -> B,
{
    // The accumulator leaves and re-enters its place once per run.
    let mut accumulator = Some(init);
    cursor.for_each_run(|start, count, stride| {
        let Some(mut value) = accumulator.take() else {
            return;
        };
        if stride == 1 {
            // SAFETY: `count` neighbouring elements, which the caller promises.
            let run = unsafe { slice::from_raw_parts(start.as_ptr(), count) };
            value = run.iter().fold(value, &mut f);
        } else {
            for position in 0..count.cast_signed() {
                // SAFETY: the run has `count` elements, `stride` apart, in one allocation.
                let element = unsafe { start.offset(position * stride) };
                // SAFETY: one of the elements that the iterator may read (the invariant).
                value = f(value, unsafe { element.as_ref() });
            }
        }
        accumulator = Some(value);
    });
    match accumulator {
        Some(value) => value,
        None => unreachable!("the accumulator is put back after every run"),
    }
}

impl<T, const N: usize> DoubleEndedIterator for Iter<'_, T, N> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Repr::Slice(iter) => iter.next_back(),
            Repr::Strided(cursor) => {
                let (_, element) = cursor.next_back()?;
                // SAFETY: one of the elements that the iterator may read (the invariant).
                Some(unsafe { element.as_ref() })
            }
        }
    }
}

impl<T, const N: usize> ExactSizeIterator for Iter<'_, T, N> {}
impl<T, const N: usize> FusedIterator for Iter<'_, T, N> {}

// SAFETY: the iterator gives `&T` and nothing else.
unsafe impl<T: Sync, const N: usize> Send for Iter<'_, T, N> {}
// SAFETY: a shared iterator gives no more than the iterator does.
unsafe impl<T: Sync, const N: usize> Sync for Iter<'_, T, N> {}

/// Exclusive references to elements in row-major order. Made by [`TensorViewMut::iter_mut`].
pub struct IterMut<'a, T, const N: usize>(ReprMut<'a, T, N>);

enum ReprMut<'a, T, const N: usize> {
    Slice(slice::IterMut<'a, T>),
    /// Invariant of `IterMut`: the elements are initialised and ours to write during `'a`; no two
    /// indices share one (L4), and the cursor gives each index once.
    Strided(Cursor<T, N>, PhantomData<&'a mut T>),
}

impl<'a, T, const N: usize> IterMut<'a, T, N> {
    #[inline]
    pub(crate) fn new(view: TensorViewMut<'a, T, N>) -> Self {
        if view.is_standard_layout() {
            return Self(ReprMut::Slice(view.into_mut_slice().iter_mut()));
        }
        // SAFETY: the view's elements lie in one allocation and are ours to write (M1); the view is
        // consumed.
        let cursor = unsafe { Cursor::new(view.first(), view.layout().merged()) };
        Self(ReprMut::Strided(cursor, PhantomData))
    }
}

impl<'a, T, const N: usize> Iterator for IterMut<'a, T, N> {
    type Item = &'a mut T;

    #[inline]
    fn next(&mut self) -> Option<&'a mut T> {
        match &mut self.0 {
            ReprMut::Slice(iter) => iter.next(),
            ReprMut::Strided(cursor, _) => {
                let (_, mut element) = cursor.next()?;
                // SAFETY: an element that is ours to write (the invariant), and given once.
                Some(unsafe { element.as_mut() })
            }
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = match &self.0 {
            ReprMut::Slice(iter) => iter.len(),
            ReprMut::Strided(cursor, _) => cursor.remaining(),
        };
        (len, Some(len))
    }

    #[inline]
    fn fold<B, F>(self, init: B, f: F) -> B
    where
        F: FnMut(B, &'a mut T) -> B,
    {
        match self.0 {
            ReprMut::Slice(iter) => iter.fold(init, f),
            // SAFETY: an element that is ours to write (the invariant), and given once.
            ReprMut::Strided(cursor, _) => unsafe { fold_strided_mut(cursor, init, f) },
        }
    }
}

/// Apart from `fold`, for the reason of `fold_strided`.
///
/// # Safety
///
/// The cursor is that of an `IterMut`, whose elements are ours to write during `'a`.
unsafe fn fold_strided_mut<'a, T: 'a, const N: usize, B, F>(
    cursor: Cursor<T, N>,
    init: B,
    mut f: F,
) -> B
where
    F: FnMut(B, &'a mut T) -> B,
{
    let mut accumulator = Some(init);
    cursor.for_each_run(|start, count, stride| {
        let Some(mut value) = accumulator.take() else {
            return;
        };
        for position in 0..count.cast_signed() {
            // SAFETY: the run has `count` elements, `stride` apart, in one allocation.
            let mut element = unsafe { start.offset(position * stride) };
            // SAFETY: an element that is ours to write (the invariant), and given once.
            value = f(value, unsafe { element.as_mut() });
        }
        accumulator = Some(value);
    });
    match accumulator {
        Some(value) => value,
        None => unreachable!("the accumulator is put back after every run"),
    }
}

impl<T, const N: usize> DoubleEndedIterator for IterMut<'_, T, N> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            ReprMut::Slice(iter) => iter.next_back(),
            ReprMut::Strided(cursor, _) => {
                let (_, mut element) = cursor.next_back()?;
                // SAFETY: an element that is ours to write (the invariant), and given once.
                Some(unsafe { element.as_mut() })
            }
        }
    }
}

impl<T, const N: usize> ExactSizeIterator for IterMut<'_, T, N> {}
impl<T, const N: usize> FusedIterator for IterMut<'_, T, N> {}

// SAFETY: the iterator owns exclusive references to its elements.
unsafe impl<T: Send, const N: usize> Send for IterMut<'_, T, N> {}
// SAFETY: a shared iterator gives its length and nothing else.
unsafe impl<T: Sync, const N: usize> Sync for IterMut<'_, T, N> {}

/// Elements with their indices, in row-major order. Made by [`TensorView::indexed_iter`].
pub struct IndexedIter<'a, T, const N: usize> {
    /// Invariant of `IndexedIter`: the elements are initialised and readable during `'a`.
    cursor: Cursor<T, N>,
    borrow: PhantomData<&'a T>,
}

impl<'a, T, const N: usize> IndexedIter<'a, T, N> {
    pub(crate) fn new(view: TensorView<'a, T, N>) -> Self {
        // SAFETY: the view's elements lie in one allocation and are readable (V1).
        let cursor = unsafe { Cursor::new(view.first(), *view.layout()) };
        Self {
            cursor,
            borrow: PhantomData,
        }
    }
}

impl<T, const N: usize> Clone for IndexedIter<'_, T, N> {
    fn clone(&self) -> Self {
        Self {
            cursor: self.cursor.clone(),
            borrow: PhantomData,
        }
    }
}

impl<'a, T, const N: usize> Iterator for IndexedIter<'a, T, N> {
    type Item = ([usize; N], &'a T);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (index, element) = self.cursor.next()?;
        // SAFETY: one of the elements that the iterator may read (the invariant).
        Some((index, unsafe { element.as_ref() }))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.cursor.remaining(), Some(self.cursor.remaining()))
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.cursor.advance(n);
        self.next()
    }
}

impl<T, const N: usize> DoubleEndedIterator for IndexedIter<'_, T, N> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let (index, element) = self.cursor.next_back()?;
        // SAFETY: one of the elements that the iterator may read (the invariant).
        Some((index, unsafe { element.as_ref() }))
    }
}

impl<T, const N: usize> ExactSizeIterator for IndexedIter<'_, T, N> {}
impl<T, const N: usize> FusedIterator for IndexedIter<'_, T, N> {}

// SAFETY: the iterator gives `&T` and nothing else.
unsafe impl<T: Sync, const N: usize> Send for IndexedIter<'_, T, N> {}
// SAFETY: a shared iterator gives no more than the iterator does.
unsafe impl<T: Sync, const N: usize> Sync for IndexedIter<'_, T, N> {}

impl<T, const N: usize> fmt::Debug for Iter<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter")
            .field("remaining", &self.len())
            .finish_non_exhaustive()
    }
}

impl<T, const N: usize> fmt::Debug for IterMut<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterMut")
            .field("remaining", &self.len())
            .finish_non_exhaustive()
    }
}

impl<T, const N: usize> fmt::Debug for IndexedIter<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexedIter")
            .field("remaining", &self.len())
            .finish_non_exhaustive()
    }
}

impl<'a, T, const N: usize> IntoIterator for TensorView<'a, T, N> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T, N>;

    #[inline]
    fn into_iter(self) -> Iter<'a, T, N> {
        self.iter()
    }
}

impl<'a, T, const N: usize> IntoIterator for &'a Tensor<T, N> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T, N>;

    #[inline]
    #[track_caller]
    fn into_iter(self) -> Iter<'a, T, N> {
        self.iter()
    }
}

impl<'a, T, const N: usize> IntoIterator for TensorViewMut<'a, T, N> {
    type Item = &'a mut T;
    type IntoIter = IterMut<'a, T, N>;

    #[inline]
    fn into_iter(self) -> IterMut<'a, T, N> {
        IterMut::new(self)
    }
}
