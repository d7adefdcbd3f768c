//! Which block serves which request.

#![forbid(unsafe_code)]

use std::alloc::{Layout, LayoutError};

/// Where blocks of a size worth it begin: at a page.
const PAGE: usize = 4096;

/// From this size on; the page that alignment may cost is at most 1.6% of it.
const PAGED: usize = 256 << 10;

/// The size of the block that serves `bytes`: the next quarter step between two powers of two.
///
/// With `2^k <= bytes < 2^(k+1)` a step is `2^(k-2)`, a quarter of `bytes` at most, and less
/// than a step is added.
pub(super) fn block_bytes(bytes: usize) -> usize {
    let bytes = bytes.max(4);
    let step = 1 << (bytes.ilog2() - 2);
    bytes.checked_next_multiple_of(step).unwrap_or(usize::MAX)
}

/// The block that serves `request` in a pool of such alignment; it is what names a size class.
pub(super) fn class_of(request: Layout, align: usize) -> Result<Layout, LayoutError> {
    let size = block_bytes(request.size());
    let page = if size >= PAGED { PAGE } else { 1 };
    Layout::from_size_align(size, align.max(request.align()).max(page))
}
