//! The loops of computations: over elements side by side, compiled for every width of vectors.
//!
//! A loop takes its closure by value and gives it back, so that what the closure has captured is
//! known to be no part of the elements.
//!
//! Loops hold addresses, and [`wide::run`](crate::engine::wide::run) may be called by anyone. So the promise
//! about the addresses is made where a loop is made, which is `unsafe`, and kept by the fields,
//! which nothing outside this file can reach.

use std::mem::MaybeUninit;

use crate::engine::wide::Kernel;

/// `dst[i] = f(src[i])`.
pub(super) struct Map<T, U, F> {
    /// Invariant 1 of `Map`: `len` initialised elements from here on may be read.
    src: *const T,
    /// Invariant 2 of `Map`: `len` elements from here on may be written, and nothing else reads or
    /// writes any of them.
    dst: *mut U,
    len: usize,
    f: F,
}

impl<T, U, F> Map<T, U, F> {
    /// # Safety
    ///
    /// Until the loop has run, `len` initialised elements from `src` on may be read, and `len`
    /// from `dst` on be written; nothing else reads or writes the latter. What lies there is not
    /// dropped.
    #[inline(always)]
    pub(super) unsafe fn new(src: *const T, dst: *mut U, len: usize, f: F) -> Self {
        Self { src, dst, len, f }
    }
}

impl<T, U, F: FnMut(&T) -> U> Kernel for Map<T, U, F> {
    type Output = F;

    #[inline(always)]
    fn run(mut self) -> F {
        for at in 0..self.len {
            // SAFETY: `at < len`, and so many elements from `src` on may be read (1).
            let value = (self.f)(unsafe { &*self.src.wrapping_add(at) });
            // SAFETY: `at < len`, and so many elements from `dst` on may be written (2).
            unsafe { self.dst.wrapping_add(at).write(value) };
        }
        self.f
    }
}

/// `dst[i] = f(a[i], b[i])`.
pub(super) struct Zip<T, U, V, F> {
    /// Invariant 1 of `Zip`: `len` initialised elements from each of the two on may be read.
    a: *const T,
    b: *const U,
    /// Invariant 2 of `Zip`: `len` elements from here on may be written, and nothing else reads or
    /// writes any of them.
    dst: *mut V,
    len: usize,
    f: F,
}

impl<T, U, V, F> Zip<T, U, V, F> {
    /// # Safety
    ///
    /// Until the loop has run, `len` initialised elements from `a` and from `b` on may be read, and
    /// `len` from `dst` on be written; nothing else reads or writes the latter. What lies there is
    /// not dropped.
    #[inline(always)]
    pub(super) unsafe fn new(a: *const T, b: *const U, dst: *mut V, len: usize, f: F) -> Self {
        Self { a, b, dst, len, f }
    }
}

impl<T, U, V, F: FnMut(&T, &U) -> V> Kernel for Zip<T, U, V, F> {
    type Output = F;

    #[inline(always)]
    fn run(mut self) -> F {
        for at in 0..self.len {
            // SAFETY: `at < len`, and so many elements from `a` on may be read (1).
            let a = unsafe { &*self.a.wrapping_add(at) };
            // SAFETY: `at < len`, and so many elements from `b` on may be read (1).
            let b = unsafe { &*self.b.wrapping_add(at) };
            let value = (self.f)(a, b);
            // SAFETY: `at < len`, and so many elements from `dst` on may be written (2).
            unsafe { self.dst.wrapping_add(at).write(value) };
        }
        self.f
    }
}

/// `f(&mut elements[i])`.
pub(super) struct Apply<T, F> {
    /// Invariant of `Apply`: `len` initialised elements from here on may be read and written, and
    /// nothing else reads or writes any of them.
    first: *mut T,
    len: usize,
    f: F,
}

impl<T, F> Apply<T, F> {
    /// # Safety
    ///
    /// Until the loop has run, `len` initialised elements from `first` on may be read and written,
    /// and nothing else reads or writes any of them.
    #[inline(always)]
    pub(super) unsafe fn new(first: *mut T, len: usize, f: F) -> Self {
        Self { first, len, f }
    }
}

impl<T, F: FnMut(&mut T)> Kernel for Apply<T, F> {
    type Output = F;

    #[inline(always)]
    fn run(mut self) -> F {
        for at in 0..self.len {
            // SAFETY: `at < len`, and so many elements are ours alone (the invariant of `Apply`).
            (self.f)(unsafe { &mut *self.first.wrapping_add(at) });
        }
        self.f
    }
}

/// Whether `a[i] == b[i]` for all of them.
pub(super) struct Equal<T, U> {
    /// Invariant of `Equal`: `len` initialised elements from each of the two on may be read.
    a: *const T,
    b: *const U,
    len: usize,
}

impl<T, U> Equal<T, U> {
    /// # Safety
    ///
    /// Until the loop has run, `len` initialised elements from `a` and from `b` on may be read, and
    /// nothing writes any of them.
    #[inline(always)]
    pub(super) unsafe fn new(a: *const T, b: *const U, len: usize) -> Self {
        Self { a, b, len }
    }
}

impl<T: PartialEq<U>, U> Kernel for Equal<T, U> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        /// Elements that are compared without looking at the result: a loop with an end that
        /// nobody can foresee is not one that becomes vectors.
        const BLOCK: usize = 256;
        // SAFETY: so many elements from `a` on may be read (the invariant of `Equal`).
        let a = unsafe { std::slice::from_raw_parts(self.a, self.len) };
        // SAFETY: so many elements from `b` on may be read (the invariant of `Equal`).
        let b = unsafe { std::slice::from_raw_parts(self.b, self.len) };
        a.chunks(BLOCK)
            .zip(b.chunks(BLOCK))
            .all(|(a, b)| a.iter().zip(b).fold(true, |equal, (a, b)| equal & (a == b)))
    }
}

/// `dst[i] = element(i)`, block by block: a whole block is worked out before any of it is written.
pub(super) struct Blocks<U, F> {
    /// Invariant 1 of `Blocks`: `len` elements from here on may be written, and nothing else reads
    /// or writes any of them, but for `element` before its own is written.
    dst: *mut U,
    /// Invariant 2 of `Blocks`: `element` may be called with each number below this.
    len: usize,
    element: F,
}

impl<U, F> Blocks<U, F> {
    /// # Safety
    ///
    /// Until the loop has run, `len` elements from `dst` on may be written, and nothing reads or
    /// writes any of them; but `element(i)` may read the one with that number, which is written
    /// after it has returned. It is called once for each number below `len`, and for no other.
    #[inline(always)]
    pub(super) unsafe fn new(dst: *mut U, len: usize, element: F) -> Self {
        Self { dst, len, element }
    }
}

impl<U, F: Fn(usize) -> U> Kernel for Blocks<U, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        /// Elements of a block: a few KiB at most, on the stack and in the first-level cache.
        const BLOCK: usize = 256;
        let Self { dst, len, element } = self;
        let mut block = [const { MaybeUninit::<U>::uninit() }; BLOCK];
        for start in (0..len / BLOCK).map(|block| block * BLOCK) {
            for (at, place) in block.iter_mut().enumerate() {
                place.write(element(start + at));
            }
            let to = dst.wrapping_add(start);
            // SAFETY: `start + BLOCK <= len`, and so many elements from `dst` on may be written
            // (1); the block is full, and on our stack.
            unsafe { to.copy_from_nonoverlapping(block.as_ptr().cast(), BLOCK) };
        }
        for at in len / BLOCK * BLOCK..len {
            let value = element(at);
            // SAFETY: `at < len`, and so many elements from `dst` on may be written (1).
            unsafe { dst.wrapping_add(at).write(value) };
        }
    }
}
