//! The loops over elements side by side, for closures that several threads share.
//!
//! A closure that is borrowed lies in memory, and so does what it has captured: for all the compiler
//! knows, every result that is stored changes it, so that nothing becomes vectors (6 times slower,
//! measured for a captured factor). Results go to a block on the stack first, of which it knows that
//! nothing else is there; from there they are copied.

use super::loops::{Apply, Blocks, Map, Zip};
use crate::engine::element::Plain;
use crate::engine::wide;

/// Elements of more bytes go where they belong at once.
const LARGEST_IN_BLOCKS: usize = 16;

/// `dst[i] = f(src[i])`.
///
/// # Safety
///
/// `len` initialised elements from `src` on may be read, and `len` from `dst` on be written; nothing
/// else reads or writes the latter. What lies there is not dropped.
pub(super) unsafe fn map<T, U>(src: *const T, dst: *mut U, len: usize, f: &impl Fn(&T) -> U) {
    if size_of::<U>() <= LARGEST_IN_BLOCKS {
        let element = move |at| {
            // SAFETY: `Blocks` asks for numbers below `len` alone, and the caller promises so many
            // readable elements.
            f(unsafe { &*src.wrapping_add(at) })
        };
        // SAFETY: the caller promises `len` places, and `element` may be called for each.
        wide::run(unsafe { Blocks::new(dst, len, element) });
    } else {
        let f = |element: &T| f(element);
        // SAFETY: the caller promises what `Map` needs, word for word.
        let _ = wide::run(unsafe { Map::new(src, dst, len, f) });
    }
}

/// `dst[i] = f(a[i], b[i])`.
///
/// # Safety
///
/// `len` initialised elements from `a` and from `b` on may be read, and `len` from `dst` on be
/// written; nothing else reads or writes the latter. What lies there is not dropped.
pub(super) unsafe fn zip<T, U, V>(
    a: *const T,
    b: *const U,
    dst: *mut V,
    len: usize,
    f: &impl Fn(&T, &U) -> V,
) {
    if size_of::<V>() <= LARGEST_IN_BLOCKS {
        let element = move |at| {
            // SAFETY: `Blocks` asks for numbers below `len` alone, and the caller promises so many
            // readable elements.
            let a = unsafe { &*a.wrapping_add(at) };
            // SAFETY: as for `a`: the number is below `len`.
            f(a, unsafe { &*b.wrapping_add(at) })
        };
        // SAFETY: the caller promises `len` places, and `element` may be called for each.
        wide::run(unsafe { Blocks::new(dst, len, element) });
    } else {
        let f = |a: &T, b: &U| f(a, b);
        // SAFETY: the caller promises what `Zip` needs, word for word.
        let _ = wide::run(unsafe { Zip::new(a, b, dst, len, f) });
    }
}

/// `f(&mut elements[i])`.
///
/// # Safety
///
/// `len` initialised elements from `first` on may be read and written, and nothing else reads or
/// writes any of them.
pub(super) unsafe fn apply<T>(first: *mut T, len: usize, f: &impl Fn(&mut T)) {
    if size_of::<T>() <= LARGEST_IN_BLOCKS && Plain::of::<T>().is_some() {
        let element = move |at| {
            // SAFETY: `Blocks` asks for numbers below `len` alone, and the caller promises so many
            // elements; they are plain, so that reading one copies it (1 of
            // `Plain`).
            let mut element = unsafe { first.wrapping_add(at).read() };
            f(&mut element);
            element
        };
        // SAFETY: the caller promises `len` elements that are ours alone, and `element` reads each
        // before it is written.
        wide::run(unsafe { Blocks::new(first, len, element) });
    } else {
        let f = |element: &mut T| f(element);
        // SAFETY: the caller promises what `Apply` needs, word for word.
        let _ = wide::run(unsafe { Apply::new(first, len, f) });
    }
}
