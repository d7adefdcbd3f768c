//! Transposing in blocks: each cache line of both sides is touched once.
//!
//! A block is one cache line wide and as many rows high as a line has elements. Its lines are
//! fetched into a buffer, transposed there in registers, 16 bytes at a time, and written as whole
//! lines of the destination. Without the buffers, power-of-two strides would have all lines of a
//! block compete for the same few places of the cache.

// One contract, G2, covers every access of a loop; a block for each would hide the loops.
#![allow(clippy::multiple_unsafe_ops_per_block)]

use super::kernels::{Element, get, put};

/// Bytes of a cache line, which is the width of a block.
const LINE: usize = 64;

/// A block of lines; no more than `LINE` of them, for elements of one byte.
#[repr(align(64))]
struct Lines([u8; LINE * LINE]);

/// `dst[i][j] = src[j][i]` for `rows` x `cols` results: `src` is contiguous in `i`, `dst` in `j`.
///
/// # Safety
///
/// G2: `src + j * src_stride + i` may be read and `dst + i * dst_stride + j` written, for all
/// `i < rows`, `j < cols`; no two of the latter are the same, and none is also read.
#[inline(always)]
pub(super) unsafe fn transpose<E: Element>(
    src: *const E,
    src_stride: isize,
    dst: *mut E,
    dst_stride: isize,
    rows: usize,
    cols: usize,
) {
    let side = LINE / size_of::<E>();
    let mut buffers = [const { Lines([0; LINE * LINE]) }; 2];
    for i in (0..rows).step_by(side) {
        for j in (0..cols).step_by(side) {
            let from = src.wrapping_offset(j.cast_signed() * src_stride + i.cast_signed());
            let to = dst.wrapping_offset(i.cast_signed() * dst_stride + j.cast_signed());
            let (height, width) = (side.min(rows - i), side.min(cols - j));
            // SAFETY: G2, for one block, or what is left of one at the edges.
            unsafe {
                if height == side && width == side {
                    block(from, src_stride, to, dst_stride, &mut buffers);
                } else {
                    edge(from, src_stride, to, dst_stride, height, width);
                }
            }
        }
    }
}

/// # Safety
///
/// G2, for `side` x `side` elements.
#[inline(always)]
unsafe fn block<E: Element>(
    src: *const E,
    src_stride: isize,
    dst: *mut E,
    dst_stride: isize,
    [fetched, turned]: &mut [Lines; 2],
) {
    let side = LINE / size_of::<E>();
    let fetched = fetched.0.as_mut_ptr().cast::<[u8; LINE]>();
    let turned = turned.0.as_mut_ptr().cast::<[u8; LINE]>();
    // SAFETY: G2 for whole lines of both sides; the buffers have `side` lines each.
    unsafe {
        for j in 0..side {
            let from = src.wrapping_offset(j.cast_signed() * src_stride);
            fetched
                .add(j)
                .write(from.cast::<[u8; LINE]>().read_unaligned());
        }
        turn::<E>(fetched.cast(), turned.cast());
        for i in 0..side {
            let to = dst.wrapping_offset(i.cast_signed() * dst_stride);
            to.cast::<[u8; LINE]>()
                .write_unaligned(turned.add(i).read());
        }
    }
}

/// # Safety
///
/// G2, for `height` x `width` elements.
#[inline(always)]
unsafe fn edge<E: Element>(
    src: *const E,
    src_stride: isize,
    dst: *mut E,
    dst_stride: isize,
    height: usize,
    width: usize,
) {
    for i in 0..height {
        for j in 0..width {
            let from = src.wrapping_offset(j.cast_signed() * src_stride);
            let to = dst.wrapping_offset(i.cast_signed() * dst_stride);
            // SAFETY: G2.
            unsafe { put(to, j, get(from, i)) };
        }
    }
}

/// Transposes the `side` x `side` elements of one buffer into another.
///
/// # Safety
///
/// Both have `side` lines, and do not overlap.
#[inline(always)]
unsafe fn turn<E: Element>(fetched: *const E, turned: *mut E) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: as ours. SSE2 is part of every x86-64 processor.
    unsafe {
        match size_of::<E>() {
            1 => return sse2::turn::<1, 16>(fetched.cast(), turned.cast()),
            2 => return sse2::turn::<2, 8>(fetched.cast(), turned.cast()),
            4 => return sse2::turn::<4, 4>(fetched.cast(), turned.cast()),
            8 => return sse2::turn::<8, 2>(fetched.cast(), turned.cast()),
            _ => {}
        }
    }
    let side = LINE / size_of::<E>();
    let pitch = side.cast_signed();
    // SAFETY: a line of a buffer has `side` elements.
    unsafe { edge(fetched, pitch, turned, pitch, side, side) };
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod sse2 {
    use super::LINE;
    use std::arch::x86_64::{
        __m128i, _mm_load_si128, _mm_store_si128, _mm_unpackhi_epi8, _mm_unpackhi_epi16,
        _mm_unpackhi_epi32, _mm_unpackhi_epi64, _mm_unpacklo_epi8, _mm_unpacklo_epi16,
        _mm_unpacklo_epi32, _mm_unpacklo_epi64,
    };

    /// Transposes a block of `LINE` bytes x `LINE / SIZE` rows, in squares of `SIDE` elements of
    /// `SIZE` bytes, 16 bytes wide.
    ///
    /// # Safety
    ///
    /// Both have `LINE / SIZE` lines, aligned to 16 bytes, and do not overlap.
    #[inline(always)]
    pub(super) unsafe fn turn<const SIZE: usize, const SIDE: usize>(
        fetched: *const u8,
        turned: *mut u8,
    ) {
        for row in (0..LINE / SIZE).step_by(SIDE) {
            for column in 0..LINE / 16 {
                let square: [__m128i; SIDE] = std::array::from_fn(|at| {
                    let from = fetched.wrapping_add((row + at) * LINE + column * 16);
                    // SAFETY: 16 bytes of a line.
                    unsafe { _mm_load_si128(from.cast()) }
                });
                let square = transposed::<SIZE, SIDE>(square);
                for (at, &part) in square.iter().enumerate() {
                    let to = turned.wrapping_add((column * SIDE + at) * LINE + row * SIZE);
                    // SAFETY: 16 bytes of a line.
                    unsafe { _mm_store_si128(to.cast(), part) };
                }
            }
        }
    }

    /// Rows `i` and `i + SIDE / 2` interleaved become rows `2 * i` and `2 * i + 1`; after
    /// `log2(SIDE)` rounds rows are columns.
    #[inline(always)]
    fn transposed<const SIZE: usize, const SIDE: usize>(
        mut square: [__m128i; SIDE],
    ) -> [__m128i; SIDE] {
        let mut done = 1;
        while done < SIDE {
            let rows = square;
            for at in 0..SIDE / 2 {
                let (a, b) = (rows[at], rows[at + SIDE / 2]);
                [square[2 * at], square[2 * at + 1]] = interleaved::<SIZE>(a, b);
            }
            done *= 2;
        }
        square
    }

    #[inline(always)]
    fn interleaved<const SIZE: usize>(a: __m128i, b: __m128i) -> [__m128i; 2] {
        // SAFETY: SSE2 is part of every x86-64 processor.
        unsafe {
            match SIZE {
                1 => [_mm_unpacklo_epi8(a, b), _mm_unpackhi_epi8(a, b)],
                2 => [_mm_unpacklo_epi16(a, b), _mm_unpackhi_epi16(a, b)],
                4 => [_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b)],
                _ => [_mm_unpacklo_epi64(a, b), _mm_unpackhi_epi64(a, b)],
            }
        }
    }
}
