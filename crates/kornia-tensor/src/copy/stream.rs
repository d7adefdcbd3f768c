//! Writing past the caches.
//!
//! An ordinary store fetches the cache line it writes to. A result that is larger than the caches
//! is gone from them before anybody reads it, so that fetching it was for nothing: a third of all
//! the traffic of a copy. Streaming stores write whole lines and fetch nothing.

use super::kernels::Positions;
use crate::plan::Plan;

/// Results of at least this many bytes are streamed.
const LARGE: usize = if cfg!(test) { 2048 } else { 16 << 20 };

/// Rows of fewer bytes are not: the lines they share with their neighbours cost too much.
const LONG_ROW: usize = if cfg!(test) { 128 } else { 2048 };

/// Whether streaming is faster: for large results that are copied row by row. What has to be
/// rearranged on the way is not limited by the fetched lines.
pub(super) fn pays(plan: &Plan<2>, size: usize) -> bool {
    let rows = plan
        .axes()
        .last()
        .is_some_and(|inner| inner.strides == [1, 1] && inner.len.saturating_mul(size) >= LONG_ROW);
    let elements = || plan.axes().iter().map(|axis| axis.len).product::<usize>();
    cfg!(all(target_arch = "x86_64", not(miri))) && rows && elements().saturating_mul(size) >= LARGE
}

/// Copies elements of this many bytes, which lie in rows on both sides.
///
/// # Safety
///
/// G2; [`pays`] was asked.
pub(super) unsafe fn elements(size: usize, plan: &Plan<2>, to: *mut u8, from: *const u8) {
    let Some((inner, outer)) = plan.axes().split_last() else {
        unreachable!("one element is not large")
    };
    let _ending = Ending;
    for (from, to) in Positions::new(from, to, outer, size.cast_signed()) {
        // SAFETY: G2, for a row.
        unsafe { row(to, from, inner.len * size) };
    }
}

/// Copies bytes side by side through streaming stores; what is no whole cache line of the
/// destination through ordinary ones.
///
/// # Safety
///
/// G2, for that many bytes.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[allow(
    clippy::multiple_unsafe_ops_per_block,
    reason = "one line, four stores"
)]
unsafe fn row(to: *mut u8, from: *const u8, bytes: usize) {
    use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_stream_si128};
    const LINE: usize = 64;
    let head = to.align_offset(LINE).min(bytes);
    let lines = (bytes - head) / LINE;
    let tail = head + lines * LINE;
    // SAFETY: G2: head, lines and tail make up the whole; lines are aligned to 64 bytes. SSE2 is
    // part of every x86-64 processor.
    unsafe {
        to.copy_from_nonoverlapping(from, head);
        for line in 0..lines {
            let at = head + line * LINE;
            let to: *mut __m128i = to.add(at).cast();
            let from: *const __m128i = from.add(at).cast();
            let parts = [0, 1, 2, 3].map(|part| _mm_loadu_si128(from.add(part)));
            for (part, bytes) in parts.into_iter().enumerate() {
                _mm_stream_si128(to.add(part), bytes);
            }
        }
        to.add(tail)
            .copy_from_nonoverlapping(from.add(tail), bytes - tail);
    }
}

/// As above, where there are no streaming stores.
///
/// # Safety
///
/// G2, for that many bytes.
#[cfg(not(all(target_arch = "x86_64", not(miri))))]
unsafe fn row(to: *mut u8, from: *const u8, bytes: usize) {
    // SAFETY: G2.
    unsafe { to.copy_from_nonoverlapping(from, bytes) };
}

/// Orders what was streamed before everything that is written after this is dropped, as ordinary
/// stores are.
struct Ending;

impl Drop for Ending {
    fn drop(&mut self) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        // SAFETY: SSE is part of every x86-64 processor.
        unsafe {
            std::arch::x86_64::_mm_sfence();
        }
    }
}
