//! What the loops of copies move: integers that stand for elements of their size.

/// An integer that stands for an element of its size.
pub(super) trait Element: Copy {}
impl Element for u8 {}
impl Element for u16 {}
impl Element for u32 {}
impl Element for u64 {}
impl Element for u128 {}

/// Reads an element.
///
/// # Safety
///
/// The element `at` places after `src` may be read.
#[inline(always)]
pub(super) unsafe fn get<E: Element>(src: *const E, at: usize) -> E {
    // SAFETY: the caller promises that this element may be read.
    unsafe { src.wrapping_add(at).read() }
}

/// Writes an element.
///
/// # Safety
///
/// The element `at` places after `dst` may be written.
#[inline(always)]
pub(super) unsafe fn put<E: Element>(dst: *mut E, at: usize, value: E) {
    // SAFETY: the caller promises that this element may be written.
    unsafe { dst.wrapping_add(at).write(value) }
}
