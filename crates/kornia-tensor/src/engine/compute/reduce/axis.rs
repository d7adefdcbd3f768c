//! Sums along one axis.
//!
//! The result is worked out in tiles that stay in the cache: plane after plane of the axis is added
//! to the lanes of a tile, and after each stretch the lanes to its columns, which are wider.

use std::ops::{ControlFlow, Range};
use std::ptr::NonNull;

use super::summand::Summand;
use super::{LANES, total};
use crate::engine::compute::loops::Map;
use crate::engine::compute::offset_of;
use crate::engine::compute::runs::{self, Operand};
use crate::engine::plan::Plan;
use crate::engine::stream::{self, Ahead, ROOM, Sink};
use crate::engine::threads::{self, Kind, Parts, Together};
use crate::engine::wide::{self, Kernel};
use crate::error::TensorError;
use crate::layout::Layout;
use crate::layout::rank::{Nat, Pred};
use crate::storage::StorageBuilder;
use crate::tensor::fresh;
use crate::{Tensor, TensorView};

/// Elements of the result in a tile.
const TILE: usize = 2048;

/// Lines that are too few to be shared out as they are.
const FEW: usize = 16;

/// The sums along an axis.
pub(crate) fn sum_axis<T: Summand, const N: usize, const M: usize>(
    view: TensorView<'_, T, N>,
    axis: usize,
) -> Result<Tensor<T::Sum, M>, TensorError>
where
    Nat<N>: Pred<Prev = Nat<M>>,
{
    let len = view.layout().len_of(axis)?;
    let stride = view.strides()[axis];
    if len == 0 {
        let shape = *view.layout().without(axis).shape();
        return fresh(shape, None, |out| {
            let count = Layout::row_major(shape).numel();
            out.extend_with(count, T::sum_of(T::NOTHING));
        });
    }
    let first = view.try_select(axis, 0)?;
    let line = Layout::from_checked([len], [stride]);
    let bytes = view.numel().saturating_mul(size_of::<T>());
    fresh(*first.shape(), None, |out: &mut StorageBuilder<T::Sum>| {
        let count = first.numel();
        // SAFETY: D1: numbers; each sum is written by one thread.
        let ends = unsafe { Together::new((first, out.slots())) };
        if stride.unsigned_abs() == 1 && len >= LANES {
            let sums = |numbers: Range<usize>| {
                let (first, to) = ends.get();
                for number in numbers {
                    // By address: a reference to the first element of a line gives no right to
                    // the rest.
                    let offset = offset_of(first.layout(), number);
                    let Some(start) = NonNull::new(first.first().as_ptr().wrapping_offset(offset))
                    else {
                        unreachable!("no element lies at address 0")
                    };
                    // SAFETY: V1: the elements of the axis from this one on are in the view.
                    let line = unsafe { TensorView::new(start, line) };
                    let sum = T::sum_of(total(line));
                    // SAFETY: B1: one of as many places as there are lines.
                    unsafe { to.wrapping_add(number).write(sum) };
                }
            };
            // Few lines are divided themselves.
            let bytes = if count < FEW { 0 } else { bytes };
            divide(count, bytes, sums);
        } else {
            let tiles: Vec<_> = tiles(first.layout()).collect();
            let written = count.saturating_mul(size_of::<T::Sum>());
            let streamed = stream::pays(written, written);
            let sums = |numbers: Range<usize>| {
                let (first, to) = ends.get();
                let tiles = &tiles[numbers];
                let Some(&(.., start)) = tiles.first() else {
                    return;
                };
                let (mut lanes, mut columns) = (Vec::new(), Vec::new());
                let _ending = stream::Ending::of(streamed);
                let mut sink = streamed.then(|| Sink::new(to.wrapping_add(start).cast()));
                for &(tile, offset, before) in tiles {
                    lanes.resize(tile.numel(), T::ZERO);
                    columns.resize(tile.numel(), T::NO_COLUMN);
                    let from = first.first().as_ptr().wrapping_offset(offset).cast_const();
                    let mut tile = Tile {
                        first: from,
                        plan: Plan::new([&Layout::row_major(*tile.shape()), &tile]),
                        layout: tile,
                        planes: len,
                        stride,
                        lanes: &mut lanes,
                        columns: &mut columns,
                    };
                    // SAFETY: V1: a tile of the view, and the axis from each of its elements on.
                    // O2: the tiles follow one another, and make up the room of the builder (B1).
                    unsafe { tile.sums(to.wrapping_add(before), sink.as_mut()) };
                }
                if let Some(sink) = sink {
                    // SAFETY: O2; the tiles have written what it was given.
                    unsafe { sink.finish() };
                }
            };
            divide(tiles.len(), bytes, sums);
        }
        // SAFETY: the lines, or the tiles, make up all of it.
        unsafe { out.set_full() };
    })
}

/// Calls `work` for all of `count` places, at which `bytes` bytes are read together, in parts and on
/// several threads if that pays.
fn divide(count: usize, bytes: usize, work: impl Fn(Range<usize>) + Sync) {
    match threads::team(bytes, &Kind::MEMORY) {
        Some(team) => {
            let parts = Parts::new(count, bytes, false);
            team.run(0..parts.count(), |number| work(parts.range(number)));
        }
        None => work(0..count),
    }
}

/// Tiles of a layout whose indices follow one another in row-major order: where they start, and how
/// many elements there are in those before.
fn tiles<const N: usize>(layout: &Layout<N>) -> impl Iterator<Item = (Layout<N>, isize, usize)> {
    let mut size = [1; N];
    let mut room = TILE;
    for axis in (0..N).rev() {
        let len = layout.shape()[axis].max(1);
        size[axis] = len.min(room);
        room /= size[axis];
        if size[axis] < len {
            break;
        }
    }
    let tiles = layout.tiles(size).into_iter().flatten();
    tiles.scan(0, |before, (_, tile, offset)| {
        let start = *before;
        *before += tile.numel();
        Some((tile, offset, start))
    })
}

/// Part of the result, and what is added up for it.
struct Tile<'a, T: Summand, const N: usize> {
    /// Its first element, in the first plane.
    first: *const T,
    layout: Layout<N>,
    /// From the lanes to the elements of a plane.
    plan: Option<Plan<2>>,
    /// How many planes there are, and how far apart.
    planes: usize,
    stride: isize,
    /// As many as the tile has elements.
    lanes: &'a mut [T::Lane],
    columns: &'a mut [T::Column],
}

impl<T: Summand, const N: usize> Tile<'_, T, N> {
    /// Writes the sums to `out`, or to a sink that has come as far.
    ///
    /// # Safety
    ///
    /// V1, for the elements of all planes; O2, for as many sums.
    unsafe fn sums(&mut self, out: *mut T::Sum, sink: Option<&mut Sink>) {
        if self.planes <= T::STRETCH {
            self.lanes.fill(T::ZERO);
            // SAFETY: V1 by the caller.
            unsafe { self.add(0, self.planes) };
            if wide::run(Fits::<T>(self.lanes)) {
                let f = |lane: &T::Lane| T::sum_of_column(T::widen(T::NO_COLUMN, *lane));
                // SAFETY: O2 by the caller.
                return unsafe { self.write(self.lanes, f, out, sink) };
            }
        }
        self.columns.fill(T::NO_COLUMN);
        for start in (0..self.planes).step_by(T::STRETCH) {
            // SAFETY: V1 by the caller.
            unsafe { self.stretch(start, self.planes.min(start + T::STRETCH)) };
        }
        let f = |column: &T::Column| T::sum_of_column(*column);
        // SAFETY: O2 by the caller.
        unsafe { self.write(self.columns, f, out, sink) };
    }

    /// Writes what `f` makes of lanes or columns.
    ///
    /// # Safety
    ///
    /// O2, for as many sums.
    unsafe fn write<A>(
        &self,
        from: &[A],
        f: impl Fn(&A) -> T::Sum + Copy,
        out: *mut T::Sum,
        sink: Option<&mut Sink>,
    ) {
        let Some(sink) = sink else {
            let (src, dst, len) = (from.as_ptr(), out, from.len());
            // O1: our own; O2 by the caller.
            let _ = wide::run(Map { src, dst, len, f });
            return;
        };
        let size = size_of::<T::Sum>();
        // The next tile follows this one.
        let step = match self.plan.as_ref().map(Plan::axes) {
            Some([axis]) => axis.strides[1],
            _ => 0,
        };
        let mut next = self.first.wrapping_offset(from.len().cast_signed() * step);
        for part in from.chunks(ROOM / size) {
            let (src, dst, len) = (part.as_ptr(), sink.room().cast(), part.len());
            // O1: our own; O2: the sink has room for these.
            let _ = wide::run(Map { src, dst, len, f });
            let ahead = Ahead::new(next.cast(), step * size_of::<T>().cast_signed(), size);
            // SAFETY: they were written; O2 by the caller.
            unsafe { sink.take(len * size, &[ahead]) };
            next = next.wrapping_offset(len.cast_signed() * step);
        }
    }

    /// Adds planes to the columns, no more than a lane can take.
    ///
    /// # Safety
    ///
    /// V1, for their elements.
    unsafe fn stretch(&mut self, start: usize, end: usize) {
        self.lanes.fill(T::ZERO);
        // SAFETY: V1 by the caller.
        unsafe { self.add(start, end) };
        if wide::run(Fits::<T>(self.lanes)) {
            return wide::run(Widen::<T>(self.columns, self.lanes));
        }
        // A lane has overflowed: these planes once more, in the wider type.
        for (index, column) in self.columns.iter_mut().enumerate() {
            let offset = offset_of(&self.layout, index);
            let wide = (start..end).fold(*column, |column, plane| {
                let steps = plane.cast_signed() * self.stride;
                let element = self.first.wrapping_offset(steps).wrapping_offset(offset);
                // SAFETY: V1 by the caller.
                T::add_slowly(column, unsafe { *element })
            });
            *column = wide;
        }
    }

    /// Adds planes to the lanes.
    ///
    /// # Safety
    ///
    /// V1, for their elements.
    unsafe fn add(&mut self, start: usize, end: usize) {
        let first = self
            .first
            .wrapping_offset(start.cast_signed() * self.stride);
        let (lanes, planes, stride) = (&mut *self.lanes, end - start, self.stride);
        let Some(plan) = &self.plan else {
            unreachable!("a view of more than 8 axes has no axis to sum along")
        };
        match plan.axes() {
            [] => wide::run(Planes::<T> {
                lanes,
                first,
                planes,
                stride,
            }),
            [axis] if axis.strides == [1, 1] => wide::run(Planes::<T> {
                lanes,
                first: first.wrapping_offset(plan.start(1)),
                planes,
                stride,
            }),
            // Pixels, and the sum of each.
            [axis] if (axis.strides, planes, stride) == ([1, 3], 3, 1) => {
                wide::run(Pixels::<T, 3> { lanes, first });
            }
            [axis] if (axis.strides, planes, stride) == ([1, 4], 4, 1) => {
                wide::run(Pixels::<T, 4> { lanes, first });
            }
            _ => {
                for plane in 0..planes {
                    let first = first.wrapping_offset(plane.cast_signed() * stride);
                    // SAFETY: V1 by the caller.
                    unsafe { add_plane::<T>(plan, lanes.as_mut_ptr(), first) };
                }
            }
        }
    }
}

/// Adds each element of a plane of any layout to its lane.
///
/// # Safety
///
/// N1, for `lanes` and `src`.
unsafe fn add_plane<T: Summand>(plan: &Plan<2>, lanes: *mut T::Lane, src: *const T) {
    let operands = [Operand::update(lanes), Operand::read(src)];
    let each = |[lanes, src]: [*mut u8; 2], len| {
        wide::run(Planes::<T> {
            // SAFETY: N1: as many lanes, which nothing else reaches.
            lanes: unsafe { std::slice::from_raw_parts_mut(lanes.cast(), len) },
            first: src.cast_const().cast(),
            planes: 1,
            stride: 0,
        });
        ControlFlow::Continue(())
    };
    // SAFETY: by the caller; numbers are plain (N2).
    unsafe { runs::for_each(plan, operands, each) };
}

/// Adds the elements of planes, side by side in each, to their lanes.
struct Planes<'a, T: Summand> {
    lanes: &'a mut [T::Lane],
    /// O1: from here on, as many elements as there are lanes in each plane.
    first: *const T,
    planes: usize,
    stride: isize,
}

impl<T: Summand> Kernel for Planes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        // Four at a time, for the lanes to be fetched less often.
        let mut plane = 0;
        while plane + 4 <= self.planes {
            let [a, b, c, d] = [0, 1, 2, 3].map(|ahead| self.plane(plane + ahead));
            for (at, lane) in self.lanes.iter_mut().enumerate() {
                *lane = T::add(T::add(T::add(T::add(*lane, a[at]), b[at]), c[at]), d[at]);
            }
            plane += 4;
        }
        for plane in plane..self.planes {
            let elements = self.plane(plane);
            for (lane, &element) in self.lanes.iter_mut().zip(elements) {
                *lane = T::add(*lane, element);
            }
        }
    }
}

impl<T: Summand> Planes<'_, T> {
    #[inline(always)]
    fn plane<'s>(&self, plane: usize) -> &'s [T] {
        let first = self
            .first
            .wrapping_offset(plane.cast_signed() * self.stride);
        // SAFETY: O1, for as long as the kernel runs, which is as long as the slice is used.
        unsafe { std::slice::from_raw_parts(first, self.lanes.len()) }
    }
}

/// Sets each lane to the sum of a pixel of `C` elements.
struct Pixels<'a, T: Summand, const C: usize> {
    lanes: &'a mut [T::Lane],
    /// O1: from here on, as many pixels as there are lanes.
    first: *const T,
}

impl<T: Summand, const C: usize> Kernel for Pixels<'_, T, C> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let first = self.first;
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            let mut sum = T::ZERO;
            for c in 0..C {
                // SAFETY: O1.
                sum = T::add(sum, unsafe { *first.wrapping_add(at * C + c) });
            }
            *lane = sum;
        }
    }
}

/// Whether no lane has overflowed.
struct Fits<'a, T: Summand>(&'a [T::Lane]);

impl<T: Summand> Kernel for Fits<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        self.0.iter().fold(true, |fits, &lane| fits & T::fits(lane))
    }
}

/// Adds lanes to columns.
struct Widen<'a, T: Summand>(&'a mut [T::Column], &'a [T::Lane]);

impl<T: Summand> Kernel for Widen<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (column, &lane) in self.0.iter_mut().zip(self.1) {
            *column = T::widen(*column, lane);
        }
    }
}
