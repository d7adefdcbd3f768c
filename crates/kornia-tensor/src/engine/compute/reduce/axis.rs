//! Sums along one axis.
//!
//! The result is worked out in tiles that stay in the cache: plane after plane of the axis is added
//! to the lanes of a tile, and after each stretch the lanes to its columns, which are wider.

use std::ops::{ControlFlow, Range};
use std::ptr::NonNull;

use super::lanes::{Fits, Pixels, Planes, Widen};
use super::summand::Summand;
use super::{LANES, total};
use crate::engine::compute::loops::Map;
use crate::engine::compute::runs::{self, Operand};
use crate::engine::operand::{Fresh, Source};
use crate::engine::plan::Plan;
use crate::engine::stream::{self, Ahead, SINK_BYTES, Sink};
use crate::engine::threads::{self, AssertSync, Kind, Parts};
use crate::engine::wide;
use crate::layout::Layout;
use crate::layout::rank::{Nat, Pred};
use crate::storage::StorageBuilder;

/// Elements of the result in a tile.
const TILE_ELEMENTS: usize = 2048;

/// Fewer lines than this are too few to be shared out as they are.
const FEW_LINES: usize = 16;

/// Writes the sums along an axis to fresh memory that has room for exactly these.
///
/// # Panics
///
/// If there is no such axis.
pub(crate) fn sum_axis<T: Summand, const N: usize, const M: usize>(
    out: &mut StorageBuilder<T::Sum>,
    source: Source<'_, T, N>,
    axis: usize,
) where
    Nat<N>: Pred<Prev = Nat<M>>,
{
    let layout = source.layout();
    let (len, stride) = (layout.shape()[axis], layout.strides()[axis]);
    let rest = layout.without(axis);
    if len == 0 {
        return out.extend_with(rest.numel(), T::sum_of(T::NOTHING));
    }
    // SAFETY: where the axis begins, there are elements that may be read (the invariant of `Source`).
    let first = unsafe { Source::new(source.first_non_null(), &rest) };
    // SAFETY: the elements of the axis may be read too (the invariant of `Source`).
    unsafe { sum_lines(out, first, len, stride) };
}

/// As `sum_axis`: the axis begins at the elements of `first`, for each index of the others, and goes
/// on for `len` elements, `stride` apart.
///
/// # Safety
///
/// For each element of `first`, the `len` elements from there on, `stride` apart, are initialised and
/// may be read, and nobody writes them. `len` is not 0.
unsafe fn sum_lines<T: Summand, const M: usize>(
    out: &mut StorageBuilder<T::Sum>,
    first: Source<'_, T, M>,
    len: usize,
    stride: isize,
) {
    let count = first.layout().numel();
    let bytes = count.saturating_mul(len).saturating_mul(size_of::<T>());
    let mut fresh = Fresh::new(out, *first.layout().shape());
    // SAFETY: elements and sums are numbers, and each sum is written by one thread.
    let ends = unsafe { AssertSync::new((first, fresh.room().first())) };
    if stride.unsigned_abs() == 1 && len >= LANES {
        let line = Layout::from_checked([len], [stride]);
        let sums = |numbers: Range<usize>| {
            let (first, to) = ends.get();
            for number in numbers {
                // By address: a reference to the first element of a line gives no right to the rest.
                let offset = offset_of(first.layout(), number);
                let start = first.first().wrapping_offset(offset).cast_mut();
                let Some(start) = NonNull::new(start) else {
                    unreachable!("no element lies at address 0")
                };
                // SAFETY: the caller promises the elements of the axis from this one on.
                let line = unsafe { Source::new(start, &line) };
                let sum = T::sum_of(total(line));
                // SAFETY: there is a place for each line (`Fresh`), which only this part writes.
                unsafe { to.wrapping_add(number).write(sum) };
            }
        };
        // Few lines are divided themselves.
        let bytes = if count < FEW_LINES { 0 } else { bytes };
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
            let _fence = stream::StoreFence::of(streamed);
            let mut sink = streamed.then(|| Sink::new(to.wrapping_add(start).cast()));
            for &(tile, offset, before) in tiles {
                lanes.resize(tile.numel(), T::ZERO);
                columns.resize(tile.numel(), T::NO_COLUMN);
                let mut tile = SumTile {
                    first: first.first().wrapping_offset(offset),
                    plan: Plan::new([&Layout::row_major(*tile.shape()), &tile]),
                    layout: tile,
                    planes: len,
                    stride,
                    lanes: &mut lanes,
                    columns: &mut columns,
                };
                // SAFETY: the caller promises the axis from each element of the tile on. The tiles
                // follow one another and make up all places (`Fresh`), in order, as the sink does.
                unsafe { tile.sums(to.wrapping_add(before), sink.as_mut()) };
            }
            if let Some(sink) = sink {
                // SAFETY: the tiles have written what was committed, and its places are theirs.
                unsafe { sink.flush() };
            }
        };
        divide(tiles.len(), bytes, sums);
    }
    // SAFETY: the lines, or the tiles, make up all of it.
    unsafe { fresh.set_full() };
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
    let mut room = TILE_ELEMENTS;
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
///
/// Plain data: it promises nothing, and its methods that follow the address are `unsafe`.
struct SumTile<'a, T: Summand, const N: usize> {
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

impl<T: Summand, const N: usize> SumTile<'_, T, N> {
    /// Writes the sums to `out`, or to a sink that has come as far.
    ///
    /// # Safety
    ///
    /// The elements of all planes may be read, and as many sums as the tile has elements be written to
    /// `out` or where the sink goes; nothing else reads or writes there.
    unsafe fn sums(&mut self, out: *mut T::Sum, sink: Option<&mut Sink>) {
        if self.planes <= T::STRETCH {
            self.lanes.fill(T::ZERO);
            // SAFETY: the caller promises the elements of all planes.
            unsafe { self.add(0, self.planes) };
            if wide::run(Fits::<T>(self.lanes)) {
                let f = |lane: &T::Lane| T::sum_of_column(T::widen(T::NO_COLUMN, *lane));
                // SAFETY: there are as many lanes as sums, whose places the caller promises.
                return unsafe { self.write(self.lanes, f, out, sink) };
            }
        }
        self.columns.fill(T::NO_COLUMN);
        for start in (0..self.planes).step_by(T::STRETCH) {
            // SAFETY: the caller promises the elements of all planes.
            unsafe { self.stretch(start, self.planes.min(start + T::STRETCH)) };
        }
        let f = |column: &T::Column| T::sum_of_column(*column);
        // SAFETY: there are as many columns as sums, whose places the caller promises.
        unsafe { self.write(self.columns, f, out, sink) };
    }

    /// Writes what `f` makes of lanes or columns.
    ///
    /// # Safety
    ///
    /// As many sums may be written to `out`, or where the sink goes; nothing else reads or writes there.
    unsafe fn write<A>(
        &self,
        from: &[A],
        f: impl Fn(&A) -> T::Sum + Copy,
        out: *mut T::Sum,
        sink: Option<&mut Sink>,
    ) {
        let Some(sink) = sink else {
            // SAFETY: a slice is read, and the caller promises places for as many sums.
            let _ = wide::run(unsafe { Map::new(from.as_ptr(), out, from.len(), f) });
            return;
        };
        let size = size_of::<T::Sum>();
        // The next tile follows this one.
        let step = match self.plan.as_ref().map(Plan::axes) {
            Some([axis]) => axis.strides[1],
            _ => 0,
        };
        let mut next = self.first.wrapping_offset(from.len().cast_signed() * step);
        for part in from.chunks(SINK_BYTES / size) {
            let (spare, len) = (sink.spare().cast(), part.len());
            // SAFETY: a slice is read, and the sink has spare room for `SINK_BYTES`.
            let _ = wide::run(unsafe { Map::new(part.as_ptr(), spare, len, f) });
            let ahead = Ahead::new(next.cast(), step * size_of::<T>().cast_signed(), size);
            // SAFETY: they were written just before, and the caller promises their places.
            unsafe { sink.commit(len * size, &[ahead]) };
            next = next.wrapping_offset(len.cast_signed() * step);
        }
    }

    /// Adds planes to the columns, no more than a lane can take.
    ///
    /// # Safety
    ///
    /// The elements of these planes may be read.
    unsafe fn stretch(&mut self, start: usize, end: usize) {
        self.lanes.fill(T::ZERO);
        // SAFETY: the caller promises the elements of these planes.
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
                // SAFETY: an element of one of the planes, which the caller promises.
                T::add_slowly(column, unsafe { *element })
            });
            *column = wide;
        }
    }

    /// Adds planes to the lanes.
    ///
    /// # Safety
    ///
    /// The elements of these planes may be read.
    unsafe fn add(&mut self, start: usize, end: usize) {
        let first = self
            .first
            .wrapping_offset(start.cast_signed() * self.stride);
        let (lanes, planes, stride) = (&mut *self.lanes, end - start, self.stride);
        let Some(plan) = &self.plan else {
            unreachable!("a view of more than 8 axes has no axis to sum along")
        };
        match plan.axes() {
            [] => {
                // SAFETY: one lane, and the caller promises an element of each plane.
                wide::run(unsafe { Planes::<T>::new(lanes, first, planes, stride) });
            }
            [axis] if axis.strides == [1, 1] => {
                let first = first.wrapping_offset(plan.start(1));
                // SAFETY: the elements of a plane lie side by side, one for each lane, and the
                // caller promises them.
                wide::run(unsafe { Planes::<T>::new(lanes, first, planes, stride) });
            }
            // Pixels, and the sum of each.
            [axis] if (axis.strides, planes, stride) == ([1, 3], 3, 1) => {
                // SAFETY: the planes lie between each other, so that three elements for each lane
                // are side by side, and the caller promises them.
                let pixels = unsafe { std::slice::from_raw_parts(first.cast(), axis.len) };
                wide::run(Pixels::<T, 3> { lanes, pixels });
            }
            [axis] if (axis.strides, planes, stride) == ([1, 4], 4, 1) => {
                // SAFETY: as for three planes, with four elements for each lane.
                let pixels = unsafe { std::slice::from_raw_parts(first.cast(), axis.len) };
                wide::run(Pixels::<T, 4> { lanes, pixels });
            }
            _ => {
                for plane in 0..planes {
                    let first = first.wrapping_offset(plane.cast_signed() * stride);
                    // SAFETY: the caller promises the elements of the plane, and there is a lane for
                    // each position of the plan.
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
/// From its starts, the plan reaches lanes that are ours alone, each once, and elements that may be
/// read.
unsafe fn add_plane<T: Summand>(plan: &Plan<2>, lanes: *mut T::Lane, src: *const T) {
    let operands = [Operand::update(lanes), Operand::read(src)];
    let each = |[lanes, src]: [*mut u8; 2], len| {
        // SAFETY: `for_each` gives addresses of `len` lanes side by side, to read and write.
        let lanes = unsafe { std::slice::from_raw_parts_mut(lanes.cast(), len) };
        // SAFETY: and of `len` elements side by side, to read: one plane.
        wide::run(unsafe { Planes::<T>::new(lanes, src.cast_const().cast(), 1, 0) });
        ControlFlow::Continue(())
    };
    // SAFETY: the caller promises lanes and elements; numbers are plain, so the plan can be walked;
    // and the lanes stay initialised.
    unsafe { runs::for_each(plan, operands, each) };
}

/// Where the element with this number lies, counted in row-major order.
fn offset_of<const N: usize>(layout: &Layout<N>, mut number: usize) -> isize {
    let mut offset = 0;
    for axis in (0..N).rev() {
        let len = layout.shape()[axis];
        offset += (number % len).cast_signed() * layout.strides()[axis];
        number /= len;
    }
    offset
}
