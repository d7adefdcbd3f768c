//! The loops of computations: over elements side by side, compiled for every width of vectors.
//!
//! A loop takes its closure by value and gives it back, so that what the closure has captured is
//! known to be no part of the elements.

use crate::engine::wide::Kernel;

/// `dst[i] = f(src[i])`.
pub(crate) struct Map<T, U, F> {
    /// O1: `len` elements that may be read.
    pub(crate) src: *const T,
    /// O2: room for `len` elements, of which nothing else reads or writes any.
    pub(crate) dst: *mut U,
    pub(crate) len: usize,
    pub(crate) f: F,
}

impl<T, U, F: FnMut(&T) -> U> Kernel for Map<T, U, F> {
    type Output = F;

    #[inline(always)]
    fn run(mut self) -> F {
        for at in 0..self.len {
            // SAFETY: O1.
            let value = (self.f)(unsafe { &*self.src.wrapping_add(at) });
            // SAFETY: O2.
            unsafe { self.dst.wrapping_add(at).write(value) };
        }
        self.f
    }
}

/// `dst[i] = f(a[i], b[i])`.
pub(crate) struct Zip<T, U, V, F> {
    /// O1: `len` elements that may be read.
    pub(crate) a: *const T,
    /// O1: `len` elements that may be read.
    pub(crate) b: *const U,
    /// O2: room for `len` elements, of which nothing else reads or writes any.
    pub(crate) dst: *mut V,
    pub(crate) len: usize,
    pub(crate) f: F,
}

impl<T, U, V, F: FnMut(&T, &U) -> V> Kernel for Zip<T, U, V, F> {
    type Output = F;

    #[inline(always)]
    fn run(mut self) -> F {
        for at in 0..self.len {
            // SAFETY: O1.
            let a = unsafe { &*self.a.wrapping_add(at) };
            // SAFETY: O1.
            let b = unsafe { &*self.b.wrapping_add(at) };
            let value = (self.f)(a, b);
            // SAFETY: O2.
            unsafe { self.dst.wrapping_add(at).write(value) };
        }
        self.f
    }
}

/// `f(&mut elements[i])`.
pub(crate) struct Apply<T, F> {
    /// O3: `len` elements that nothing else reads or writes.
    pub(crate) first: *mut T,
    pub(crate) len: usize,
    pub(crate) f: F,
}

impl<T, F: FnMut(&mut T)> Kernel for Apply<T, F> {
    type Output = F;

    #[inline(always)]
    fn run(mut self) -> F {
        for at in 0..self.len {
            // SAFETY: O3.
            (self.f)(unsafe { &mut *self.first.wrapping_add(at) });
        }
        self.f
    }
}

/// Whether `a[i] == b[i]` for all of them.
pub(crate) struct Equal<T, U> {
    /// O1: `len` elements that may be read.
    pub(crate) a: *const T,
    /// O1: `len` elements that may be read.
    pub(crate) b: *const U,
    pub(crate) len: usize,
}

impl<T: PartialEq<U>, U> Kernel for Equal<T, U> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        /// Elements that are compared without looking at the result: a loop with an end that
        /// nobody can foresee is not one that becomes vectors.
        const BLOCK: usize = 256;
        // SAFETY: O1.
        let a = unsafe { std::slice::from_raw_parts(self.a, self.len) };
        // SAFETY: O1.
        let b = unsafe { std::slice::from_raw_parts(self.b, self.len) };
        a.chunks(BLOCK)
            .zip(b.chunks(BLOCK))
            .all(|(a, b)| a.iter().zip(b).fold(true, |equal, (a, b)| equal & (a == b)))
    }
}
