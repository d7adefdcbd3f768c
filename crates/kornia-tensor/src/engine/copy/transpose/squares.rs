//! Transposing in squares: each cache line of both sides is touched once.
//!
//! A square is one cache line wide and as many rows high as a line has elements. Its lines are
//! fetched into a buffer, and turned from there in registers, 16 bytes of each line at a time,
//! into lines of the destination. Without the buffer, power-of-two strides would have all lines of
//! a square compete for the same few places of the cache.

use crate::engine::copy::element::{Element, get, put};
use crate::engine::stream::{self, LINE};

/// `dst[i][j] = src[j][i]` for `rows` x `cols` results: `src` is contiguous in `i`, `dst` in `j`.
///
/// Plain data: it promises nothing, and its methods that follow the addresses are `unsafe`.
#[derive(Clone, Copy)]
pub(crate) struct Transpose<E> {
    pub(crate) src: *const E,
    pub(crate) src_stride: isize,
    pub(crate) dst: *mut E,
    pub(crate) dst_stride: isize,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    /// Past the caches, where whole lines of the destination are written.
    pub(crate) streamed: bool,
}

/// How a square is turned: one element after the other, or in the vectors of a type.
pub(super) trait Turn {
    /// Whether whole lines are written at once, so that they can be streamed.
    const WHOLE_LINES: bool;

    /// Turns a square of `SIDE` x `SIDE` elements: line `j` starts `j * pitch` bytes after `from`,
    /// and row `i` of the result `i * stride` elements after `to`.
    ///
    /// # Safety
    ///
    /// A cache line may be read at the start of each line, which is a multiple of 16, and written
    /// at the start of each row; nothing else reads or writes the latter. If `streamed`, rows start
    /// at multiples of [`LINE`], and a [`stream::StoreFence`] is dropped before anybody reads them.
    /// The processor has the vectors of this type.
    unsafe fn turn<E: Element>(
        from: *const u8,
        pitch: usize,
        to: *mut E,
        stride: isize,
        streamed: bool,
    );
}

/// Bytes of a tile: some squares of a line in width each.
const TILE_BYTES: usize = 4 * LINE * LINE;

#[repr(align(64))]
struct TileBuffer(std::mem::MaybeUninit<[u8; TILE_BYTES]>);

impl<E: Element> Transpose<E> {
    pub(super) const SIDE: usize = LINE / size_of::<E>();

    /// One element after the other.
    ///
    /// # Safety
    ///
    /// For all `i < rows` and `j < cols`, `src + j * src_stride + i` may be read and
    /// `dst + i * dst_stride + j` written; no two of the latter are the same element, and nothing
    /// else reads or writes it.
    pub(super) unsafe fn one_by_one(self) {
        for i in 0..self.rows {
            for j in 0..self.cols {
                // SAFETY: `i < rows` and `j < cols`, for which the caller promises both elements.
                unsafe { put(self.to(i, 0), j, get(self.from(0, j), i)) };
            }
        }
    }

    #[inline(always)]
    fn from(self, i: usize, j: usize) -> *const E {
        let line = self.src.wrapping_offset(j.cast_signed() * self.src_stride);
        line.wrapping_add(i)
    }

    #[inline(always)]
    fn to(self, i: usize, j: usize) -> *mut E {
        let line = self.dst.wrapping_offset(i.cast_signed() * self.dst_stride);
        line.wrapping_add(j)
    }

    /// Square by square. Those at the sides overlap their neighbours, which write the same again.
    ///
    /// # Safety
    ///
    /// As for [`one_by_one`](Self::one_by_one), where `streamed` until a [`stream::StoreFence`] was
    /// dropped. Neither `rows` nor `cols` is less than `SIDE`, and the processor has the vectors of `V`.
    #[inline(always)]
    pub(super) unsafe fn squares<V: Turn>(self) {
        let size = size_of::<E>();
        let (side, rows, cols) = (Self::SIDE, self.rows, self.cols);
        let even = (self.dst_stride.unsigned_abs() * size).is_multiple_of(LINE);
        let streamed = self.streamed && V::WHOLE_LINES && even;
        // Lines of the destination start at a column of their own. Squares that do not would write
        // to two for each of theirs.
        let head = match even {
            true => self.dst.addr().wrapping_neg() % LINE / size,
            false => 0,
        };
        // Larger tiles read and write more of memory at once; smaller ones keep both in the cache.
        let (high, wide) = match (streamed, size) {
            (false, _) => (1, 1),
            (true, 1) => (4, 1),
            (true, _) => (4, 2),
        };
        let mut tile = SquareTile {
            of: self,
            streamed: false,
            buffer: TileBuffer(std::mem::MaybeUninit::uninit()),
        };
        let whole_rows = rows / side * side;
        let whole_cols = head + (cols - head) / side * side;
        // SAFETY: every tile lies within `rows` x `cols`, which the caller promises. It takes
        // `high * LINE` bytes of `wide * side` lines, 256 of 64 at most: `TILE_BYTES`.
        unsafe {
            // What the tiles leave over at three sides comes first: what was streamed must not be
            // written again before the fence.
            for i in (0..whole_rows).step_by(side).chain(last(rows, side)) {
                if head > 0 {
                    tile.turn::<V>(i, 0, 1, 1);
                }
                if whole_cols < cols {
                    tile.turn::<V>(i, cols - side, 1, 1);
                }
            }
            if let Some(i) = last(rows, side) {
                for j in (head..whole_cols).step_by(side) {
                    tile.turn::<V>(i, j, 1, 1);
                }
            }
            tile.streamed = streamed;
            for i in (0..whole_rows).step_by(high * side) {
                for j in (head..whole_cols).step_by(wide * side) {
                    let high = high.min((whole_rows - i) / side);
                    let wide = wide.min((whole_cols - j) / side);
                    tile.turn::<V>(i, j, high, wide);
                }
            }
        }
    }
}

/// Where the last piece starts, if the others leave something over.
fn last(len: usize, side: usize) -> Option<usize> {
    (!len.is_multiple_of(side)).then(|| len - side)
}

/// A place for some squares, and where they come from and go.
struct SquareTile<E> {
    of: Transpose<E>,
    streamed: bool,
    buffer: TileBuffer,
}

impl<E: Element> SquareTile<E> {
    /// Turns `high` x `wide` squares of the destination, from that row and column on.
    ///
    /// # Safety
    ///
    /// As for [`Transpose::squares`], for their elements; the tile fits `TILE_BYTES`, and the processor
    /// has the vectors of `V`. If the tile is streamed, `j` starts a line of the destination.
    #[inline(always)]
    unsafe fn turn<V: Turn>(&mut self, i: usize, j: usize, high: usize, wide: usize) {
        let side = Transpose::<E>::SIDE;
        let (pitch, lines) = (high * LINE, wide * side);
        let buffer: *mut u8 = self.buffer.0.as_mut_ptr().cast();
        // SAFETY: the caller promises whole lines of both sides, and that the tile fits the buffer.
        // What is fetched may be any address.
        unsafe {
            for line in 0..lines {
                let from = self.of.from(i, j + line).cast::<u8>();
                let to = buffer.wrapping_add(line * pitch);
                let next = self.of.from(i, j + lines + line).cast::<u8>();
                for at in (0..pitch).step_by(LINE) {
                    let part = from.wrapping_add(at).cast::<[u8; LINE]>().read();
                    to.wrapping_add(at).cast::<[u8; LINE]>().write(part);
                    stream::fetch(next.wrapping_add(at));
                }
            }
            if !self.streamed {
                for row in 0..high * side {
                    stream::fetch(self.of.to(i + row, j + lines).cast::<u8>());
                }
            }
            for square in 0..high {
                for beside in 0..wide {
                    let from = buffer.wrapping_add(beside * side * pitch + square * LINE);
                    let to = self.of.to(i + square * side, j + beside * side);
                    V::turn(
                        from.cast_const(),
                        pitch,
                        to,
                        self.of.dst_stride,
                        self.streamed,
                    );
                }
            }
        }
    }
}

/// One element after the other, where there are no such vectors.
#[cfg(not(all(target_arch = "x86_64", not(miri))))]
pub(super) struct Scalar;

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
impl Turn for Scalar {
    const WHOLE_LINES: bool = false;

    #[inline(always)]
    unsafe fn turn<E: Element>(from: *const u8, pitch: usize, to: *mut E, stride: isize, _: bool) {
        let side = Transpose::<E>::SIDE;
        let square = Transpose {
            src: from.cast::<E>(),
            src_stride: (pitch / size_of::<E>()).cast_signed(),
            dst: to,
            dst_stride: stride,
            rows: side,
            cols: side,
            streamed: false,
        };
        // SAFETY: the caller promises the lines and rows of a square.
        unsafe { square.one_by_one() };
    }
}
