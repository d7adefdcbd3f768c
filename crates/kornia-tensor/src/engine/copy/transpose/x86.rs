//! Squares turned in registers.
//!
//! A strip is 16 bytes of each line of a square. A vector holds those of several lines, each in a
//! part of its own, and interleaving works within the parts: so wider vectors turn more lines at
//! once, by the same steps.

use super::squares::{Transpose, Turn};
use crate::engine::copy::element::Element;
use crate::engine::stream::LINE;
use std::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm_load_si128, _mm_storeu_si128, _mm_unpackhi_epi8,
    _mm_unpackhi_epi16, _mm_unpackhi_epi32, _mm_unpackhi_epi64, _mm_unpacklo_epi8,
    _mm_unpacklo_epi16, _mm_unpacklo_epi32, _mm_unpacklo_epi64, _mm256_castsi128_si256,
    _mm256_inserti128_si256, _mm256_storeu_si256, _mm256_unpackhi_epi8, _mm256_unpackhi_epi16,
    _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi8, _mm256_unpacklo_epi16,
    _mm256_unpacklo_epi32, _mm256_unpacklo_epi64, _mm512_castsi128_si512, _mm512_inserti32x4,
    _mm512_storeu_si512, _mm512_stream_si512, _mm512_unpackhi_epi8, _mm512_unpackhi_epi16,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi8, _mm512_unpacklo_epi16,
    _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

/// # Safety
///
/// As for [`Transpose::squares`]; the processor has what is named here.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2")]
pub(super) unsafe fn avx512<E: Element>(all: Transpose<E>) {
    // SAFETY: the caller promises the elements and a processor with such vectors.
    unsafe { all.squares::<__m512i>() };
}

/// # Safety
///
/// As for [`Transpose::squares`]; the processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn avx2<E: Element>(all: Transpose<E>) {
    // SAFETY: the caller promises the elements and a processor with such vectors.
    unsafe { all.squares::<__m256i>() };
}

/// # Safety
///
/// As for [`Transpose::squares`].
pub(super) unsafe fn baseline<E: Element>(all: Transpose<E>) {
    // SAFETY: the caller promises the elements, and SSE2 is part of every x86-64 processor.
    unsafe { all.squares::<__m128i>() };
}

/// 16 bytes of each of some lines.
trait Vector: Copy {
    /// How many lines.
    const PARTS: usize;

    /// # Safety
    ///
    /// 16 aligned bytes may be read at `from`, and at each `apart` after it; the processor has
    /// such vectors.
    unsafe fn load(from: *const u8, apart: usize) -> Self;

    /// Elements of `SIZE` bytes of the lower and of the upper half of each part, taken alternately
    /// from the two vectors.
    ///
    /// # Safety
    ///
    /// The processor has such vectors.
    unsafe fn interleaved<const SIZE: usize>(a: Self, b: Self) -> [Self; 2];

    /// # Safety
    ///
    /// So many bytes may be written from `to` on, which is a multiple of their number if `streamed`;
    /// the processor has such vectors.
    unsafe fn store(self, to: *mut u8, streamed: bool);
}

impl<V: Vector> Turn for V {
    const WHOLE_LINES: bool = size_of::<V>() == LINE;

    #[inline(always)]
    unsafe fn turn<E: Element>(
        from: *const u8,
        pitch: usize,
        to: *mut E,
        stride: isize,
        streamed: bool,
    ) {
        type R1<V> = One<V>;
        type R2<V> = Two<R1<V>>;
        type R4<V> = Two<R2<V>>;
        type R8<V> = Two<R4<V>>;
        let square = Square {
            from,
            pitch,
            to,
            stride,
            streamed,
        };
        // SAFETY: the caller promises the lines and rows of a square, and such vectors.
        unsafe {
            match size_of::<E>() {
                1 => square.turn::<V, R8<V>, 1>(4),
                2 => square.turn::<V, R4<V>, 2>(3),
                4 => square.turn::<V, R2<V>, 4>(2),
                8 => square.turn::<V, R1<V>, 8>(1),
                _ => square.copy::<V>(),
            }
        }
    }
}

/// The arguments of `Turn::turn`.
struct Square<E> {
    from: *const u8,
    pitch: usize,
    to: *mut E,
    stride: isize,
    streamed: bool,
}

impl<E: Element> Square<E> {
    /// Turns it, of elements of `SIZE` bytes. Twice as many lines as `R` has are as many as
    /// elements are 16 bytes; `rounds` is its logarithm.
    ///
    /// # Safety
    ///
    /// As for `Turn::turn`.
    #[inline(always)]
    unsafe fn turn<V: Vector, R: Rows<V, Double = Two<R>>, const SIZE: usize>(self, rounds: u32) {
        let side = 2 * R::COUNT;
        for strip in 0..LINE / 16 {
            for first in (0..LINE / SIZE).step_by(side * V::PARTS) {
                let from = self.from.wrapping_add(first * self.pitch + strip * 16);
                let row = (strip * side).cast_signed();
                let to = self.to.wrapping_offset(row * self.stride);
                let to = to.wrapping_add(first).cast::<u8>();
                let stride = self.stride * SIZE.cast_signed();
                // SAFETY: 16 bytes of some lines of the square that the caller promises, and parts of
                // some rows of its destination.
                unsafe {
                    let mut rows = Two::<R>::load(from, self.pitch, side * self.pitch);
                    // After as many rounds as it takes to double 1 to `side`, rows are columns.
                    rows = rows.0.interleaved::<SIZE>(rows.1);
                    if rounds >= 2 {
                        rows = rows.0.interleaved::<SIZE>(rows.1);
                    }
                    if rounds >= 3 {
                        rows = rows.0.interleaved::<SIZE>(rows.1);
                    }
                    if rounds >= 4 {
                        rows = rows.0.interleaved::<SIZE>(rows.1);
                    }
                    rows.store(to, stride, self.streamed);
                }
            }
        }
    }

    /// Turns it, of elements of 16 bytes.
    ///
    /// # Safety
    ///
    /// As for `Turn::turn`.
    #[inline(always)]
    unsafe fn copy<V: Vector>(self) {
        for strip in 0..LINE / 16 {
            for first in (0..LINE / 16).step_by(V::PARTS) {
                let from = self.from.wrapping_add(first * self.pitch + strip * 16);
                let to = self.to.wrapping_offset(strip.cast_signed() * self.stride);
                let to = to.wrapping_add(first).cast();
                // SAFETY: 16 bytes of some lines of the square that the caller promises, and as many
                // of a row of its destination.
                unsafe { V::load(from, self.pitch).store(to, self.streamed) };
            }
        }
    }
}

/// Some lines. Pairs of pairs and no arrays, which would not stay in registers.
trait Rows<V: Vector>: Copy {
    const COUNT: usize;
    type Double: Rows<V>;

    /// # Safety
    ///
    /// Of each line, from the first on, as for `Vector::load`.
    unsafe fn load(first: *const u8, pitch: usize, apart: usize) -> Self;

    /// Elements alternately of these and of the other lines: a line of each becomes two.
    ///
    /// # Safety
    ///
    /// The processor has such vectors.
    unsafe fn interleaved<const SIZE: usize>(self, other: Self) -> Self::Double;

    /// # Safety
    ///
    /// Each line, from the first on, as for `Vector::store`.
    unsafe fn store(self, first: *mut u8, stride: isize, streamed: bool);
}

#[derive(Clone, Copy)]
struct One<V>(V);

#[derive(Clone, Copy)]
struct Two<R>(R, R);

impl<V: Vector> Rows<V> for One<V> {
    const COUNT: usize = 1;
    type Double = Two<Self>;

    #[inline(always)]
    unsafe fn load(first: *const u8, _: usize, apart: usize) -> Self {
        // SAFETY: the caller promises what `Vector::load` asks for.
        Self(unsafe { V::load(first, apart) })
    }

    #[inline(always)]
    unsafe fn interleaved<const SIZE: usize>(self, other: Self) -> Two<Self> {
        // SAFETY: the caller promises a processor with such vectors.
        let [low, high] = unsafe { V::interleaved::<SIZE>(self.0, other.0) };
        Two(Self(low), Self(high))
    }

    #[inline(always)]
    unsafe fn store(self, first: *mut u8, _: isize, streamed: bool) {
        // SAFETY: the caller promises what `Vector::store` asks for.
        unsafe { self.0.store(first, streamed) };
    }
}

impl<V: Vector, R: Rows<V>> Rows<V> for Two<R> {
    const COUNT: usize = 2 * R::COUNT;
    type Double = Two<R::Double>;

    #[inline(always)]
    unsafe fn load(first: *const u8, pitch: usize, apart: usize) -> Self {
        let second = first.wrapping_add(R::COUNT * pitch);
        // SAFETY: the caller promises both halves of the lines.
        unsafe { Self(R::load(first, pitch, apart), R::load(second, pitch, apart)) }
    }

    #[inline(always)]
    unsafe fn interleaved<const SIZE: usize>(self, other: Self) -> Two<R::Double> {
        // SAFETY: the caller promises a processor with such vectors.
        unsafe {
            let first = self.0.interleaved::<SIZE>(other.0);
            Two(first, self.1.interleaved::<SIZE>(other.1))
        }
    }

    #[inline(always)]
    unsafe fn store(self, first: *mut u8, stride: isize, streamed: bool) {
        let second = first.wrapping_offset(R::COUNT.cast_signed() * stride);
        // SAFETY: the caller promises both halves of the lines.
        unsafe {
            self.0.store(first, stride, streamed);
            self.1.store(second, stride, streamed);
        }
    }
}

/// # Safety
///
/// 16 bytes may be read from `from` on, which is a multiple of 16.
#[inline(always)]
unsafe fn load_16(from: *const u8) -> __m128i {
    // SAFETY: the caller promises aligned bytes, and SSE2 is part of every x86-64 processor.
    unsafe { _mm_load_si128(from.cast()) }
}

impl Vector for __m512i {
    const PARTS: usize = 4;

    #[inline(always)]
    unsafe fn load(from: *const u8, apart: usize) -> Self {
        // SAFETY: the caller promises 16 aligned bytes at each place and such vectors.
        unsafe {
            let all = _mm512_castsi128_si512(load_16(from));
            let all = _mm512_inserti32x4::<1>(all, load_16(from.wrapping_add(apart)));
            let all = _mm512_inserti32x4::<2>(all, load_16(from.wrapping_add(2 * apart)));
            _mm512_inserti32x4::<3>(all, load_16(from.wrapping_add(3 * apart)))
        }
    }

    #[inline(always)]
    unsafe fn interleaved<const SIZE: usize>(a: Self, b: Self) -> [Self; 2] {
        // SAFETY: the caller promises a processor with such vectors.
        unsafe {
            match SIZE {
                1 => [_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b)],
                2 => [_mm512_unpacklo_epi16(a, b), _mm512_unpackhi_epi16(a, b)],
                4 => [_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b)],
                _ => [_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b)],
            }
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8, streamed: bool) {
        // SAFETY: the caller promises the bytes, aligned if `streamed`, and such vectors.
        unsafe {
            if streamed {
                _mm512_stream_si512(to.cast(), self);
            } else {
                _mm512_storeu_si512(to.cast(), self);
            }
        }
    }
}

impl Vector for __m256i {
    const PARTS: usize = 2;

    #[inline(always)]
    unsafe fn load(from: *const u8, apart: usize) -> Self {
        // SAFETY: the caller promises 16 aligned bytes at each place and such vectors.
        unsafe {
            let first = _mm256_castsi128_si256(load_16(from));
            _mm256_inserti128_si256::<1>(first, load_16(from.wrapping_add(apart)))
        }
    }

    #[inline(always)]
    unsafe fn interleaved<const SIZE: usize>(a: Self, b: Self) -> [Self; 2] {
        // SAFETY: the caller promises a processor with such vectors.
        unsafe {
            match SIZE {
                1 => [_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b)],
                2 => [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)],
                4 => [_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b)],
                _ => [_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b)],
            }
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8, _: bool) {
        // SAFETY: the caller promises the bytes and a processor with such vectors.
        unsafe { _mm256_storeu_si256(to.cast(), self) };
    }
}

impl Vector for __m128i {
    const PARTS: usize = 1;

    #[inline(always)]
    unsafe fn load(from: *const u8, _: usize) -> Self {
        // SAFETY: the caller promises 16 aligned bytes.
        unsafe { load_16(from) }
    }

    #[inline(always)]
    unsafe fn interleaved<const SIZE: usize>(a: Self, b: Self) -> [Self; 2] {
        // SAFETY: the caller promises a processor with such vectors.
        unsafe {
            match SIZE {
                1 => [_mm_unpacklo_epi8(a, b), _mm_unpackhi_epi8(a, b)],
                2 => [_mm_unpacklo_epi16(a, b), _mm_unpackhi_epi16(a, b)],
                4 => [_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b)],
                _ => [_mm_unpacklo_epi64(a, b), _mm_unpackhi_epi64(a, b)],
            }
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8, _: bool) {
        // SAFETY: the caller promises the bytes, and SSE2 is part of every x86-64 processor.
        unsafe { _mm_storeu_si128(to.cast(), self) };
    }
}
