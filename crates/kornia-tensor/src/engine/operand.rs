//! What the engine works on: where elements lie, and what may be done with them.
//!
//! Views of tensors turn into these at the door of the engine, at the price of a pointer and a
//! reference. Who makes one promises what its fields say; the loops rely on that and on nothing
//! else. All of them borrow their layout, so they are two words.

#[cfg(test)]
mod tests;

use std::marker::PhantomData;
use std::ptr::NonNull;

use super::cursor::{Cursor, RowCursor};
use crate::layout::Layout;
use crate::storage::StorageBuilder;

/// Elements that may be read.
pub(crate) struct Source<'a, T, const N: usize> {
    /// Invariant of `Source`: the element at `layout.offset_of(index)` from here is initialised and
    /// may be read, and nobody writes it, during `'a`, for every index in bounds. All of them lie in
    /// one allocation. If there are none, an aligned address.
    first: NonNull<T>,
    layout: &'a Layout<N>,
    borrow: PhantomData<&'a [T]>,
}

impl<T, const N: usize> Clone for Source<'_, T, N> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const N: usize> Copy for Source<'_, T, N> {}

impl<'a, T, const N: usize> Source<'a, T, N> {
    /// # Safety
    ///
    /// For every index of the layout that is in bounds, the element at its offset from `first` is
    /// initialised and may be read, and nobody writes it, during `'a`. All of them lie in one
    /// allocation. If there are none, `first` is aligned.
    #[inline]
    pub(crate) unsafe fn new(first: NonNull<T>, layout: &'a Layout<N>) -> Self {
        Self {
            first,
            layout,
            borrow: PhantomData,
        }
    }

    /// The element at index `[0, 0, ..]`.
    #[inline]
    pub(crate) fn first_non_null(self) -> NonNull<T> {
        self.first
    }

    /// As [`first_non_null`](Self::first_non_null).
    #[inline]
    pub(crate) fn first(self) -> *const T {
        self.first.as_ptr()
    }

    #[inline]
    pub(crate) fn layout(self) -> &'a Layout<N> {
        self.layout
    }

    /// The elements as a slice, if they lie in row-major order without gaps.
    #[inline]
    pub(crate) fn contiguous(self) -> Option<&'a [T]> {
        if !self.layout.is_contiguous() {
            return None;
        }
        // SAFETY: such a layout reaches `numel` elements from the first one on, readable during
        // `'a` (the invariant of `Source`).
        Some(unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.layout.numel()) })
    }

    /// Calls `f` with the elements, one by one, in row-major order.
    pub(crate) fn for_each(self, mut f: impl FnMut(&'a T)) {
        // SAFETY: all elements lie in one allocation (the invariant of `Source`), and merging axes
        // keeps them and their order.
        let cursor = unsafe { Cursor::new(self.first, self.layout.merged()) };
        cursor.for_each_run(|start, count, stride| {
            for position in 0..count.cast_signed() {
                // SAFETY: the run has `count` elements, `stride` apart, in one allocation.
                let element = unsafe { start.offset(position * stride) };
                // SAFETY: the layout reaches it, so it may be read (the invariant of `Source`).
                f(unsafe { element.as_ref() });
            }
        });
    }

    /// One slice per index of the first axis, if the axes after it are contiguous.
    #[cfg_attr(
        not(any(
            feature = "bincode",
            feature = "rkyv",
            feature = "npy",
            feature = "safetensors"
        )),
        allow(dead_code, reason = "formats write rows")
    )]
    pub(crate) fn rows(self) -> Option<impl Iterator<Item = &'a [T]>> {
        // SAFETY: all elements lie in one allocation (the invariant of `Source`).
        let mut cursor = unsafe { RowCursor::new(self.first, self.layout) }?;
        Some(std::iter::from_fn(move || {
            // SAFETY: a row is elements that the layout reaches (the invariant of `Source`).
            cursor.next().map(|row| unsafe { row.as_ref() })
        }))
    }
}

/// Elements that may be read and written, by nobody else.
pub(crate) struct Target<'a, T, const N: usize> {
    /// Invariant of `Target`: the element at `layout.offset_of(index)` from here is initialised and
    /// may be read and written, and nobody else does either, during `'a`, for every index in bounds.
    /// No two indices share an element. All of them lie in one allocation. If there are none, an
    /// aligned address.
    first: NonNull<T>,
    layout: &'a Layout<N>,
    borrow: PhantomData<&'a mut [T]>,
}

impl<'a, T, const N: usize> Target<'a, T, N> {
    /// # Safety
    ///
    /// For every index of the layout that is in bounds, the element at its offset from `first` is
    /// initialised and may be read and written, and nobody else does either, during `'a`. No two
    /// indices share an element. All of them lie in one allocation. If there are none, `first` is
    /// aligned.
    #[inline]
    pub(crate) unsafe fn new(first: NonNull<T>, layout: &'a Layout<N>) -> Self {
        Self {
            first,
            layout,
            borrow: PhantomData,
        }
    }

    /// The element at index `[0, 0, ..]`.
    #[inline]
    pub(crate) fn first(&self) -> *mut T {
        self.first.as_ptr()
    }

    #[inline]
    pub(crate) fn layout(&self) -> &'a Layout<N> {
        self.layout
    }

    /// The same elements, to be written without being dropped.
    #[inline]
    pub(crate) fn into_room(self) -> Room<'a, T, N> {
        // SAFETY: `Target` promises more than `Room`.
        unsafe { Room::new(self.first, self.layout) }
    }
}

/// Places for elements: whatever lies there is neither read nor dropped.
pub(crate) struct Room<'a, T, const N: usize> {
    /// Invariant of `Room`: at `layout.offset_of(index)` from here an element may be written, and
    /// nobody else reads or writes there, during `'a`, for every index in bounds. No two indices share
    /// a place. All of them lie in one allocation. Nothing but elements is written.
    first: NonNull<T>,
    layout: &'a Layout<N>,
    borrow: PhantomData<&'a mut [T]>,
}

impl<'a, T, const N: usize> Room<'a, T, N> {
    /// # Safety
    ///
    /// For every index of the layout that is in bounds, an element may be written at its offset from
    /// `first`, and nobody else reads or writes there, during `'a`. No two indices share a place. All of
    /// them lie in one allocation.
    #[inline]
    pub(crate) unsafe fn new(first: NonNull<T>, layout: &'a Layout<N>) -> Self {
        Self {
            first,
            layout,
            borrow: PhantomData,
        }
    }

    /// The same places, for a shorter time.
    #[inline]
    pub(crate) fn reborrow(&mut self) -> Room<'_, T, N> {
        // SAFETY: the same invariant; `self` is mutably borrowed for as long as the result lives.
        unsafe { Room::new(self.first, self.layout) }
    }

    /// The place at index `[0, 0, ..]`.
    #[inline]
    pub(crate) fn first(&self) -> *mut T {
        self.first.as_ptr()
    }

    #[inline]
    pub(crate) fn layout(&self) -> &'a Layout<N> {
        self.layout
    }

    /// Writes `f` of each element to the place of the same index, one after the other in row-major
    /// order.
    pub(crate) fn fill_from<S>(&mut self, source: Source<'_, S, N>, mut f: impl FnMut(&S) -> T) {
        assert_one_shape(self.layout, source.layout);
        // SAFETY: all places lie in one allocation (the invariant of `Room`).
        let mut places = unsafe { Cursor::new(self.first, *self.layout) };
        source.for_each(|element| {
            let Some((_, place)) = places.next() else {
                unreachable!("layouts of one shape have as many elements");
            };
            // SAFETY: the layout reaches this place, which may be written (the invariant of `Room`).
            unsafe { place.write(f(element)) };
        });
    }
}

/// Fresh memory that a pass fills.
pub(crate) struct Fresh<'a, T, const N: usize> {
    /// Invariant of `Fresh`: nothing is written yet, and there is room for as many elements as the
    /// layout, which is contiguous, has.
    builder: &'a mut StorageBuilder<T>,
    layout: Layout<N>,
}

impl<'a, T, const N: usize> Fresh<'a, T, N> {
    /// All of the memory, in row-major order.
    ///
    /// # Panics
    ///
    /// If some of it is written, or it has not room for as many elements as the shape.
    #[inline]
    pub(crate) fn new(builder: &'a mut StorageBuilder<T>, shape: [usize; N]) -> Self {
        let layout = Layout::row_major(shape);
        assert!(
            builder.len() == 0 && builder.room() == layout.numel(),
            "fresh memory is for as many elements as the result has"
        );
        Self { builder, layout }
    }

    #[inline]
    pub(crate) fn room(&mut self) -> Room<'_, T, N> {
        // SAFETY: the builder's memory is reached by nobody else while it is borrowed (B1), and a
        // row-major layout of as many elements reaches each of them once.
        unsafe { Room::new(self.builder.slots(), &self.layout) }
    }

    /// Says that every element is written.
    ///
    /// # Safety
    ///
    /// It is, through [`room`](Self::room).
    #[inline]
    pub(crate) unsafe fn set_full(self) {
        // SAFETY: the caller promises it.
        unsafe { self.builder.set_full() };
    }
}

/// Every pass relies on it; callers have told their users before.
///
/// # Panics
///
/// If the shapes differ.
#[inline]
pub(crate) fn assert_one_shape<const N: usize>(a: &Layout<N>, b: &Layout<N>) {
    assert!(a.shape() == b.shape(), "operands of different shapes");
}
