//! Writing past the caches.
//!
//! An ordinary store fetches the cache line it writes to. A result that is larger than the caches
//! is gone from them before anybody reads it, so that fetching it was for nothing: a third of all
//! the traffic of a copy. Streaming stores write whole lines and fetch nothing.
//!
//! Whole lines is the point: written piece by piece, in between other work, they are slower than
//! ordinary stores. A [`Sink`] collects what a loop makes in the first-level cache and writes it
//! line after line.

// One contract covers every access of a loop; a block for each would hide the loops.
#![allow(clippy::multiple_unsafe_ops_per_block)]

use std::mem::MaybeUninit;

use crate::engine::tuning::TUNING;

/// Bytes of a cache line.
pub(crate) const LINE: usize = 64;

/// Bytes that a sink collects before it writes them. With more, the processor would wait now for
/// memory that is read and now for memory that is written.
pub(crate) const SINK_BYTES: usize = 1024;

/// Whether streaming is faster, for a result of so many bytes in rows of so many.
#[inline]
pub(crate) fn pays(bytes: usize, row: usize) -> bool {
    row >= TUNING.streamed_row_bytes && bytes >= large()
}

/// Results of at least this many bytes are streamed.
#[inline]
fn large() -> usize {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if crate::engine::wide::x86::has_slow_last_cache() {
        return TUNING.streamed_bytes_slow_cache;
    }
    TUNING.streamed_bytes
}

/// Orders what was streamed before everything that is written after this is dropped, as ordinary
/// stores are.
pub(crate) struct StoreFence(());

impl StoreFence {
    /// One that is there only if something is streamed: it costs tens of nanoseconds.
    #[inline]
    pub(crate) fn of(streamed: bool) -> Option<Self> {
        streamed.then(|| Self(()))
    }
}

impl Drop for StoreFence {
    fn drop(&mut self) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        // SAFETY: SSE is part of every x86-64 processor.
        unsafe {
            std::arch::x86_64::_mm_sfence();
        }
    }
}

/// Bytes that follow one another in the destination, on their way there.
pub(crate) struct Sink {
    /// Invariant 1 of `Sink`: the start of the cache line that byte 0 of the buffer goes to.
    line: *mut u8,
    /// Invariant 2 of `Sink`: bytes `skip..filled` of the buffer were written, and may be written
    /// to the destination. Those before `skip`, less than a line of them, are somebody else's.
    skip: usize,
    /// Invariant 3 of `Sink`: less than `LINE` between two calls, so that `SINK_BYTES` more, and a
    /// line behind them, fit the buffer.
    filled: usize,
    buffer: LineBuffer,
}

/// What is left of a line, what is collected, and room to move a line as a whole.
#[repr(align(64))]
struct LineBuffer(MaybeUninit<[u8; LINE + SINK_BYTES + LINE]>);

impl Sink {
    /// A sink whose first byte goes to `to`.
    #[inline(always)]
    pub(crate) fn new(to: *mut u8) -> Self {
        let skip = to.addr() % LINE;
        Self {
            line: to.wrapping_sub(skip),
            skip,
            filled: skip,
            buffer: LineBuffer(MaybeUninit::uninit()),
        }
    }

    #[inline(always)]
    fn base(&mut self) -> *mut u8 {
        self.buffer.0.as_mut_ptr().cast()
    }

    /// Has the next byte go to `to`. Nothing happens if that follows the bytes so far; they are
    /// written to where they belong otherwise.
    ///
    /// # Safety
    ///
    /// What was committed may be written to its destination, which nothing else reads or writes
    /// until a [`StoreFence`] was dropped.
    #[inline(always)]
    pub(crate) unsafe fn seek(&mut self, to: *mut u8) {
        if self.line.wrapping_add(self.filled) != to {
            // SAFETY: bytes up to `filled` are there (2), and the caller promises their destination.
            unsafe { self.copy(self.filled) };
            self.skip = to.addr() % LINE;
            self.filled = self.skip;
            self.line = to.wrapping_sub(self.skip);
        }
    }

    /// Where to write the next bytes, at most [`SINK_BYTES`] of them: aligned as the destination is.
    #[inline(always)]
    pub(crate) fn spare(&mut self) -> *mut u8 {
        let filled = self.filled;
        self.base().wrapping_add(filled)
    }

    /// Adds the bytes that were written to [`spare`](Self::spare), and writes all lines that are full.
    /// Prefetches what is read next along the way.
    ///
    /// # Safety
    ///
    /// So many, at most [`SINK_BYTES`], were written there since the last call. They may be written to
    /// their destination, which nothing else reads or writes until a [`StoreFence`] was dropped.
    #[inline(always)]
    pub(crate) unsafe fn commit(&mut self, bytes: usize, ahead: &[Ahead]) {
        self.filled += bytes;
        let whole = self.filled / LINE * LINE;
        if whole == 0 {
            return;
        }
        let mut done = 0;
        // SAFETY: the bytes are there by the caller's promise and (2), and the caller promises their
        // destination. All lines from the second on are ours; the first one is if `skip` is 0. The
        // buffer has a line more than could be filled (3), which the move of what is left may read.
        unsafe {
            if self.skip > 0 {
                self.copy(LINE);
                done = LINE;
                self.skip = 0;
            }
            let from = self.base().wrapping_add(done);
            lines(
                self.line.wrapping_add(done),
                from,
                (whole - done) / LINE,
                ahead,
            );
            let left = self.base().wrapping_add(whole).cast::<[u8; LINE]>();
            let left = left.cast::<MaybeUninit<[u8; LINE]>>().read();
            self.base().cast::<MaybeUninit<[u8; LINE]>>().write(left);
        }
        self.line = self.line.wrapping_add(whole);
        self.filled -= whole;
    }

    /// Writes what is left.
    ///
    /// # Safety
    ///
    /// As for [`seek`](Self::seek).
    #[inline(always)]
    pub(crate) unsafe fn flush(mut self) {
        // SAFETY: bytes up to `filled` are there (2), and the caller promises their destination.
        unsafe { self.copy(self.filled) };
    }

    /// Writes bytes `skip..end` through ordinary stores.
    ///
    /// # Safety
    ///
    /// They were written to the buffer, and may be written to the destination.
    #[inline(always)]
    unsafe fn copy(&mut self, end: usize) {
        let skip = self.skip;
        let (from, to) = (self.base().wrapping_add(skip), self.line.wrapping_add(skip));
        // SAFETY: the caller promises both sides; the buffer is our own and lies elsewhere.
        unsafe { to.copy_from_nonoverlapping(from, end - skip) };
    }
}

/// Memory that will be read soon: prefetched while lines are written, a little with each, because too
/// much at once keeps the lines from being written.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(all(target_arch = "x86_64", not(miri))),
    allow(dead_code, reason = "elsewhere processors look ahead themselves")
)]
pub(crate) struct Ahead {
    from: *const u8,
    /// Bytes that go with a line; fewer than none, if it is read backwards.
    step: isize,
}

impl Ahead {
    /// How far ahead of what is read next.
    const FAR: isize = 2048;

    /// What is read next starts there: `read` bytes for `written` ones.
    #[inline(always)]
    pub(crate) fn new(from: *const u8, read: isize, written: usize) -> Self {
        Self {
            from: from.wrapping_offset(Self::FAR * read.signum()),
            step: read * LINE.cast_signed() / written.cast_signed(),
        }
    }
}

/// Copies bytes side by side; what is no whole cache line of the destination through ordinary
/// stores.
///
/// # Safety
///
/// So many bytes may be read from `from` on, and written from `to` on; nothing else reads or writes
/// the latter until a [`StoreFence`] was dropped.
pub(crate) unsafe fn row(to: *mut u8, from: *const u8, bytes: usize) {
    let head = (to.addr().wrapping_neg() % LINE).min(bytes);
    let count = (bytes - head) / LINE;
    let tail = head + count * LINE;
    // SAFETY: head, lines and tail make up the row that the caller promises, and the lines start
    // where lines of the destination do.
    unsafe {
        to.copy_from_nonoverlapping(from, head);
        let ahead = Ahead::new(from.wrapping_add(head), 1, 1);
        lines(
            to.wrapping_add(head),
            from.wrapping_add(head),
            count,
            &[ahead],
        );
        let (to, from) = (to.wrapping_add(tail), from.wrapping_add(tail));
        to.copy_from_nonoverlapping(from, bytes - tail);
    }
}

/// Prefetches the cache line of an address, which may be any.
#[inline(always)]
pub(crate) fn fetch(from: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of every x86-64 processor, and a hint reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = from;
}

/// Copies whole lines, and prefetches what is read next along the way: as many lines go with each
/// stretch of it.
///
/// # Safety
///
/// So many lines may be read from `from` on, and written from `to` on, which is a multiple of
/// [`LINE`]; nothing else reads or writes the latter until a [`StoreFence`] was dropped.
#[inline]
#[cfg_attr(
    not(all(target_arch = "x86_64", not(miri))),
    allow(
        unused_variables,
        reason = "elsewhere processors look ahead themselves"
    )
)]
unsafe fn lines(to: *mut u8, from: *const u8, count: usize, ahead: &[Ahead]) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: the caller promises the lines, and `level` says no more than the processor has.
    return unsafe {
        use crate::engine::wide::x86;
        match x86::level() {
            x86::AVX512 => lines::avx512(to, from, count, ahead),
            x86::AVX2 => lines::avx2(to, from, count, ahead),
            _ => lines::baseline(to, from, count, ahead),
        }
    };
    #[allow(unreachable_code, reason = "where there are no streaming stores")]
    // SAFETY: the caller promises so many lines on both sides, which do not overlap.
    unsafe {
        to.copy_from_nonoverlapping(from, count * LINE);
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod lines {
    use super::{Ahead, LINE};
    use std::arch::x86_64::{
        __m128i, __m256i, __m512i, _mm_loadu_si128, _mm_stream_si128, _mm256_loadu_si256,
        _mm256_stream_si256, _mm512_loadu_si512, _mm512_stream_si512,
    };

    /// # Safety
    ///
    /// As for `super::lines`; the processor has AVX-512.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn avx512(to: *mut u8, from: *const u8, count: usize, ahead: &[Ahead]) {
        // SAFETY: the caller promises the lines and a processor with such vectors.
        unsafe { all::<__m512i>(to, from, count, ahead) };
    }

    /// # Safety
    ///
    /// As for `super::lines`; the processor has AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn avx2(to: *mut u8, from: *const u8, count: usize, ahead: &[Ahead]) {
        // SAFETY: the caller promises the lines and a processor with such vectors.
        unsafe { all::<__m256i>(to, from, count, ahead) };
    }

    /// # Safety
    ///
    /// As for `super::lines`.
    pub(super) unsafe fn baseline(to: *mut u8, from: *const u8, count: usize, ahead: &[Ahead]) {
        // SAFETY: the caller promises the lines, and SSE2 is part of every x86-64 processor.
        unsafe { all::<__m128i>(to, from, count, ahead) };
    }

    /// A vector that a line is moved in, or several of them.
    trait Vector: Copy {
        /// # Safety
        ///
        /// So many bytes may be read, wherever they start; the processor has such vectors.
        unsafe fn load(from: *const Self) -> Self;
        /// # Safety
        ///
        /// So many bytes may be written, from a multiple of their number on; the processor has such
        /// vectors.
        unsafe fn stream(self, to: *mut Self);
    }

    impl Vector for __m512i {
        #[inline(always)]
        unsafe fn load(from: *const Self) -> Self {
            // SAFETY: the caller promises the bytes and a processor with such vectors.
            unsafe { _mm512_loadu_si512(from) }
        }

        #[inline(always)]
        unsafe fn stream(self, to: *mut Self) {
            // SAFETY: the caller promises aligned bytes and a processor with such vectors.
            unsafe { _mm512_stream_si512(to, self) };
        }
    }

    impl Vector for __m256i {
        #[inline(always)]
        unsafe fn load(from: *const Self) -> Self {
            // SAFETY: the caller promises the bytes and a processor with such vectors.
            unsafe { _mm256_loadu_si256(from) }
        }

        #[inline(always)]
        unsafe fn stream(self, to: *mut Self) {
            // SAFETY: the caller promises aligned bytes and a processor with such vectors.
            unsafe { _mm256_stream_si256(to, self) };
        }
    }

    impl Vector for __m128i {
        #[inline(always)]
        unsafe fn load(from: *const Self) -> Self {
            // SAFETY: the caller promises the bytes and a processor with such vectors.
            unsafe { _mm_loadu_si128(from) }
        }

        #[inline(always)]
        unsafe fn stream(self, to: *mut Self) {
            // SAFETY: the caller promises aligned bytes and a processor with such vectors.
            unsafe { _mm_stream_si128(to, self) };
        }
    }

    /// # Safety
    ///
    /// As for `super::lines`; the processor has vectors of type `V`.
    #[inline(always)]
    unsafe fn all<V: Vector>(to: *mut u8, from: *const u8, count: usize, ahead: &[Ahead]) {
        let parts = ahead.len();
        debug_assert!(parts > 0, "lines without any would not be written");
        let share = count.div_ceil(parts);
        for (part, ahead) in ahead.iter().enumerate() {
            let done = count.min(part * share);
            let ahead = Ahead {
                step: ahead.step * parts.cast_signed(),
                ..*ahead
            };
            let (to, from) = (to.wrapping_add(done * LINE), from.wrapping_add(done * LINE));
            // SAFETY: some of the lines that the caller promises, and each of them once.
            unsafe { stretch::<V>(to, from, share.min(count - done), ahead) };
        }
    }

    /// # Safety
    ///
    /// As for `all`, for these lines.
    #[inline(always)]
    unsafe fn stretch<V: Vector>(to: *mut u8, from: *const u8, count: usize, ahead: Ahead) {
        /// Lines of a piece, of which two are walked at once: memory gives more that way.
        const PIECE: usize = 1024;
        const GROUP: usize = 4;
        let mut done = 0;
        // SAFETY: all of them are lines that the caller promises, and each is visited once.
        unsafe {
            while count - done >= 2 * PIECE {
                for at in (done..done + PIECE).step_by(GROUP) {
                    some::<V, GROUP>(to, from, at, ahead);
                    some::<V, GROUP>(to, from, at + PIECE, ahead);
                }
                done += 2 * PIECE;
            }
            for at in done..count {
                some::<V, 1>(to, from, at, ahead);
            }
        }
    }

    /// `GROUP` lines, from line `at` on.
    ///
    /// # Safety
    ///
    /// As for `all`, for these lines.
    #[inline(always)]
    unsafe fn some<V: Vector, const GROUP: usize>(
        to: *mut u8,
        from: *const u8,
        at: usize,
        ahead: Ahead,
    ) {
        for line in at..at + GROUP {
            ahead.fetch(line);
        }
        let (to, from) = (to.wrapping_add(at * LINE), from.wrapping_add(at * LINE));
        for line in 0..GROUP {
            let to: *mut V = to.wrapping_add(line * LINE).cast();
            let from: *const V = from.wrapping_add(line * LINE).cast();
            // All of a line is read before any of it is written, to be written at once.
            let mut parts = [None; LINE / 16];
            let count = LINE / size_of::<V>();
            for (part, vector) in parts[..count].iter_mut().enumerate() {
                // SAFETY: part of a line that the caller promises, and such vectors.
                *vector = Some(unsafe { V::load(from.wrapping_add(part)) });
            }
            for (part, vector) in parts[..count].iter().flatten().enumerate() {
                // SAFETY: part of a line that the caller promises, aligned as the line is.
                unsafe { vector.stream(to.wrapping_add(part)) };
            }
        }
    }

    impl Ahead {
        /// Prefetches what goes with the line of this number, whatever address that is.
        #[inline(always)]
        fn fetch(self, line: usize) {
            let from = self.from.wrapping_offset(line.cast_signed() * self.step);
            // What is read further apart than that is not read line after line.
            let lines = self.step.unsigned_abs().div_ceil(LINE).min(8);
            for line in 0..lines.cast_signed() {
                let from = from.wrapping_offset(self.step.signum() * line * LINE.cast_signed());
                super::fetch(from);
            }
        }
    }
}
