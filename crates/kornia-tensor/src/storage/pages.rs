//! Asking the operating system for large pages.
//!
//! Fresh memory costs a page fault per page at its first touch, which for pages of 4 KiB takes
//! several times as long as writing them. Linux gives pages of 2 MiB to memory that asks for them
//! before that (`madvise(2)`, `MADV_HUGEPAGE`).

use std::collections::TryReserveError;
use std::ptr::NonNull;

/// Blocks below this size are likely to be reused memory, or too small to gain anything.
const LARGE: usize = 4 << 20;

/// Asks for large pages for a block that has not been touched yet. A wish: nothing depends on it.
#[inline]
pub(super) fn prefer_large<T>(first: NonNull<T>, bytes: usize) {
    if bytes >= LARGE {
        ask(first.as_ptr().cast(), bytes);
    }
}

/// Room for so many elements and no more in a `Vec` that has none yet, on large pages.
///
/// # Errors
///
/// If there is no such memory.
#[cfg_attr(
    not(any(
        feature = "serde",
        feature = "bincode",
        feature = "rkyv",
        feature = "npy",
        feature = "safetensors",
        feature = "image"
    )),
    allow(dead_code, reason = "files and messages read into it")
)]
pub(crate) fn reserve_large<T>(empty: &mut Vec<T>, count: usize) -> Result<(), TryReserveError> {
    debug_assert!(empty.is_empty(), "what is written has its pages already");
    empty.try_reserve_exact(count)?;
    prefer_large(
        NonNull::from(empty.spare_capacity_mut()).cast::<T>(),
        count * size_of::<T>(),
    );
    Ok(())
}

#[cfg(all(target_os = "linux", not(miri)))]
#[cold]
fn ask(first: *mut u8, bytes: usize) {
    /// The smallest page there is; `madvise` wants an address that is a multiple of one.
    const PAGE: usize = 64 << 10;
    let skip = first.align_offset(PAGE);
    let Some(rest) = bytes.checked_sub(skip) else {
        return;
    };
    let (whole, from) = (rest / PAGE * PAGE, first.wrapping_add(skip));
    // SAFETY: whole pages of a block of ours; this changes no contents and no rights. If it
    // fails, pages stay small.
    unsafe { libc::madvise(from.cast(), whole, libc::MADV_HUGEPAGE) };
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn ask(_first: *mut u8, _bytes: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "nothing is asked there")]
    fn blocks_of_any_size_and_address_may_ask() {
        let mut block = vec![7u8; 5 << 20];
        for (from, bytes) in [
            (0, 5 << 20),
            (1, LARGE),
            (4097, LARGE),
            (0, 1),
            (5 << 20, 0),
        ] {
            prefer_large(NonNull::from(&mut block[from..]).cast::<u8>(), bytes);
        }
        assert!(block.iter().all(|&byte| byte == 7));
    }
}
