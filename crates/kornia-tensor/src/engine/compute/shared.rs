//! The loops over elements side by side, for closures that several threads share.
//!
//! A closure that is borrowed lies in memory, and so does what it has captured: for all the compiler
//! knows, every result that is stored changes it, so that nothing becomes vectors (6 times slower,
//! measured for a captured factor). Results go to a block on the stack first, of which it knows that
//! nothing else is there; from there they are copied.

use std::mem::MaybeUninit;

use super::loops::{Apply, Map, Zip};
use crate::engine::element::Plain;
use crate::engine::wide::{self, Kernel};

/// Elements of a block.
const BLOCK: usize = 256;

/// Larger elements go where they belong at once.
const SMALL: usize = 16;

/// `dst[i] = f(src[i])`.
///
/// # Safety
///
/// O1, O2; `U` need not be dropped.
pub(super) unsafe fn map<T, U>(src: *const T, dst: *mut U, len: usize, f: &impl Fn(&T) -> U) {
    if size_of::<U>() <= SMALL {
        let element = move |at| {
            // SAFETY: O1.
            f(unsafe { &*src.wrapping_add(at) })
        };
        wide::run(Blocks { dst, len, element });
    } else {
        let f = |element: &T| f(element);
        let _ = wide::run(Map { src, dst, len, f });
    }
}

/// `dst[i] = f(a[i], b[i])`.
///
/// # Safety
///
/// O1, O2; `V` need not be dropped.
pub(super) unsafe fn zip<T, U, V>(
    a: *const T,
    b: *const U,
    dst: *mut V,
    len: usize,
    f: &impl Fn(&T, &U) -> V,
) {
    if size_of::<V>() <= SMALL {
        let element = move |at| {
            // SAFETY: O1.
            let a = unsafe { &*a.wrapping_add(at) };
            // SAFETY: O1.
            f(a, unsafe { &*b.wrapping_add(at) })
        };
        wide::run(Blocks { dst, len, element });
    } else {
        let f = |a: &T, b: &U| f(a, b);
        let _ = wide::run(Zip { a, b, dst, len, f });
    }
}

/// `f(&mut elements[i])`.
///
/// # Safety
///
/// O3.
pub(super) unsafe fn apply<T>(first: *mut T, len: usize, f: &impl Fn(&mut T)) {
    if size_of::<T>() <= SMALL && Plain::of::<T>().is_some() {
        let (dst, element) = (first, move |at| {
            // SAFETY: O3; P1: a copy of an element.
            let mut element = unsafe { first.wrapping_add(at).read() };
            f(&mut element);
            element
        });
        wide::run(Blocks { dst, len, element });
    } else {
        let f = |element: &mut T| f(element);
        let _ = wide::run(Apply { first, len, f });
    }
}

/// `dst[i] = element(i)`, block by block: all of a block are asked for before one is written.
struct Blocks<U, F> {
    /// O2: room for `len` elements, of which nothing else reads or writes any, but for `element`.
    dst: *mut U,
    len: usize,
    element: F,
}

impl<U, F: Fn(usize) -> U> Kernel for Blocks<U, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { dst, len, element } = self;
        let mut block = [const { MaybeUninit::<U>::uninit() }; BLOCK];
        for start in (0..len / BLOCK).map(|block| block * BLOCK) {
            for (at, place) in block.iter_mut().enumerate() {
                place.write(element(start + at));
            }
            let to = dst.wrapping_add(start);
            // SAFETY: O2; the block is full, and on our stack.
            unsafe { to.copy_from_nonoverlapping(block.as_ptr().cast(), BLOCK) };
        }
        for at in len / BLOCK * BLOCK..len {
            let value = element(at);
            // SAFETY: O2.
            unsafe { dst.wrapping_add(at).write(value) };
        }
    }
}
