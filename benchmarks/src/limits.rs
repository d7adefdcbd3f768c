//! What the memory allows: the same bytes read and written, with no work on them.

use std::hint::black_box;

use crate::measure::{Run, fresh, warm};

/// Names of limits begin so.
pub const LIMIT: &str = "limit";

/// Ways to read so many bytes and to write so many.
pub fn runs((read, written): (usize, usize), allocate: bool) -> Vec<(&'static str, Run)> {
    let mut all = Vec::new();
    let mut add = |name, run: Option<Run>| all.extend(run.map(|run| (name, run)));
    add("limit: memcpy", moving(read, written, allocate, copy));
    #[cfg(target_arch = "x86_64")]
    if written > 0 {
        add(
            "limit: streamed",
            moving(read, written, allocate, stream::copy),
        );
    }
    all
}

/// Copies bytes to memory that may be fresh.
///
/// # Safety
///
/// Both are as long as the last argument says, and apart.
type Copy = unsafe fn(*const u8, *mut u8, usize);

/// Copies what is both read and written, then reads or writes the rest.
fn moving(read: usize, written: usize, allocate: bool, copy: Copy) -> Option<Run> {
    let from = large(read, 1);
    let work = move |to: *mut u8| {
        let both = read.min(written);
        // SAFETY: `to` has `written` bytes, and `from` is elsewhere.
        unsafe { copy(from.as_ptr(), to, both) };
        // SAFETY: as above.
        unsafe { to.add(both).write_bytes(2, written - both) };
        black_box(scan(&from[both..]));
    };
    let nothing = |_: &Vec<u8>| crate::input::Output::Number(0.0);
    if allocate {
        let touched = move || {
            let mut memory = Vec::<u8>::with_capacity(written);
            work(memory.as_mut_ptr());
            // SAFETY: `work` has written all of them.
            unsafe { memory.set_len(written) };
            memory
        };
        fresh(touched, nothing)
    } else {
        warm(large(written, 0), move |to| work(to.as_mut_ptr()), nothing)
    }
}

/// Memory on large pages, which NumPy, OpenCV and this crate ask for.
fn large(len: usize, value: u8) -> Vec<u8> {
    kornia_tensor::Tensor::full([len], value).into_vec()
}

unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { to.copy_from_nonoverlapping(from, len) };
}

/// Reads all of it, in lanes that the compiler can keep in wide registers.
fn scan(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks::<64>();
    let mut sums = [0u64; 8];
    for word in words {
        for (sum, part) in sums.iter_mut().zip(word.as_chunks::<8>().0) {
            *sum ^= u64::from_ne_bytes(*part);
        }
    }
    sums.iter().fold(0, |all, sum| all ^ sum)
}

#[cfg(target_arch = "x86_64")]
mod stream {
    use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_sfence, _mm_stream_si128};

    /// Past the caches.
    pub(super) unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
        let head = to.align_offset(16).min(len);
        let blocks = (len - head) / 16;
        let tail = head + blocks * 16;
        // SAFETY: the caller's promise; a head, blocks and a tail make the whole.
        unsafe { super::copy(from, to, head) };
        for block in 0..blocks {
            let at = head + block * 16;
            // SAFETY: 16 bytes within, at any address.
            let bytes = unsafe { _mm_loadu_si128(from.add(at).cast::<__m128i>()) };
            // SAFETY: 16 bytes within; the first block is aligned, so all are.
            unsafe { _mm_stream_si128(to.add(at).cast::<__m128i>(), bytes) };
        }
        // SAFETY: as the head.
        unsafe { super::copy(from.add(tail), to.add(tail), len - tail) };
        // SAFETY: SSE is part of x86-64.
        unsafe { _mm_sfence() };
    }
}
