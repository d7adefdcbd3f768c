//! Transposing, by squares where there is one.

// One contract, that of `Transpose::one_by_one`, covers every access of the loops; a block for each
// would hide them.
#![allow(clippy::multiple_unsafe_ops_per_block)]

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86;

mod squares;

use super::element::Element;
#[cfg(not(all(target_arch = "x86_64", not(miri))))]
use squares::Scalar;
pub(super) use squares::Transpose;

/// Copies all of it.
///
/// # Safety
///
/// For all `i < rows` and `j < cols`, `src + j * src_stride + i` may be read and
/// `dst + i * dst_stride + j` written; no two of the latter are the same element, and nothing else
/// reads or writes it, where `streamed` until a [`StoreFence`](crate::engine::stream::StoreFence) was
/// dropped.
pub(super) unsafe fn run<E: Element>(all: Transpose<E>) {
    if all.rows < Transpose::<E>::SIDE || all.cols < Transpose::<E>::SIDE {
        // SAFETY: the caller promises what `one_by_one` asks for.
        return unsafe { all.one_by_one() };
    }
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: the caller promises the elements, both sides are a square long at least, and
    // `level` says no more than the processor has.
    unsafe {
        use crate::engine::wide::x86 as wide;
        match wide::level() {
            wide::AVX512 => x86::avx512(all),
            wide::AVX2 => x86::avx2(all),
            _ => x86::baseline(all),
        }
    };
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    // SAFETY: the caller promises the elements, and both sides are a square long at least.
    unsafe {
        all.squares::<Scalar>();
    }
}
