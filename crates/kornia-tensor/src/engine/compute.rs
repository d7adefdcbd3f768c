//! Computing element by element, over any strides.
//!
//! `compute/loops.rs` has the loops over elements side by side, `compute/runs.rs` brings elements
//! there that are not. What can go neither way (elements that are not plain, apart from each
//! other), and what is too little for it, is [declined](Outcome): callers visit the elements one by
//! one then.

mod loops;
pub(crate) mod normalize;
mod parallel;
pub(crate) mod reduce;
mod runs;
mod shared;
#[cfg(test)]
pub(crate) mod tests;

use std::mem::needs_drop;
use std::ops::ControlFlow;

use crate::engine::element::Plain;
use crate::engine::operand::{Fresh, Room, Source, Target, assert_one_shape};
use crate::engine::{stream, wide};
use crate::storage::StorageBuilder;

use loops::{Apply, Equal, Map, Zip};
pub(crate) use runs::Outcome;
use runs::{Operand, plan_of};

pub(crate) use parallel::{cast, par_apply, par_map, par_map_into, par_zip, par_zip_into};

use Outcome::{Declined, Done};

/// Writes `f` of each element to fresh memory that has room for exactly these.
#[inline]
pub(crate) fn map<T, U, F, const N: usize>(
    out: &mut StorageBuilder<U>,
    source: Source<'_, T, N>,
    f: F,
) -> Outcome<F>
where
    F: FnMut(&T) -> U,
{
    if needs_drop::<U>() {
        // It has to be written in order, for `out` to know what there is when `f` panics.
        return Declined(f);
    }
    let mut fresh = Fresh::new(out, *source.layout().shape());
    let outcome = map_room(fresh.room(), source, f);
    if let Done = outcome {
        // SAFETY: an outcome of `Done` says that every element was written.
        unsafe { fresh.set_full() };
    }
    outcome
}

/// Sets each element of `out` to `f` of the one of `source`, which has the same shape.
#[inline]
pub(crate) fn map_into<T, U, F, const N: usize>(
    out: Target<'_, U, N>,
    source: Source<'_, T, N>,
    f: F,
) -> Outcome<F>
where
    F: FnMut(&T) -> U,
{
    if needs_drop::<U>() {
        return Declined(f);
    }
    map_room(out.into_room(), source, f)
}

/// Writes `f` of each element to the place of the same index.
fn map_room<T, U, F, const N: usize>(
    out: Room<'_, U, N>,
    source: Source<'_, T, N>,
    f: F,
) -> Outcome<F>
where
    F: FnMut(&T) -> U,
{
    let (layouts, dst) = ([out.layout(), source.layout()], out.first());
    let (src, len) = (source.first(), source.layout().numel());
    assert_one_shape(layouts[0], layouts[1]);
    if layouts.iter().all(|layout| layout.is_contiguous()) && !streams::<U>(len) {
        // SAFETY: contiguous layouts reach `len` elements and places from the first ones on (the
        // invariants of `Source` and `Room`).
        wide::run(unsafe { Map::new(src, dst, len, f) });
        return Done;
    }
    let operands = [Operand::write(dst), Operand::read(src)];
    let Some(plan) = plan_of(layouts, &operands) else {
        return Declined(f);
    };
    let mut slot = Some(f);
    let each = |[dst, src]: [*mut u8; 2], len| {
        let (dst, src) = (dst.cast(), src.cast_const().cast());
        // SAFETY: `for_each` gives addresses of `len` elements side by side, to write and to read.
        slot = (slot.take()).map(|f| wide::run(unsafe { Map::new(src, dst, len, f) }));
        ControlFlow::Continue(())
    };
    // SAFETY: the plan reaches what the layouts do, which may be read and written (the invariants of
    // `Source` and `Room`); it can be walked (`plan_of`); and `each` writes a result for each element.
    unsafe { runs::for_each(&plan, operands, each) };
    Done
}

/// Writes `f` of each pair of elements to fresh memory that has room for exactly these; the sources
/// have one shape.
#[inline]
pub(crate) fn zip<T, U, V, F, const N: usize>(
    out: &mut StorageBuilder<V>,
    a: Source<'_, T, N>,
    b: Source<'_, U, N>,
    f: F,
) -> Outcome<F>
where
    F: FnMut(&T, &U) -> V,
{
    if needs_drop::<V>() {
        return Declined(f);
    }
    let mut fresh = Fresh::new(out, *a.layout().shape());
    let outcome = zip_room(fresh.room(), a, b, f);
    if let Done = outcome {
        // SAFETY: an outcome of `Done` says that every element was written.
        unsafe { fresh.set_full() };
    }
    outcome
}

/// Sets each element of `out` to `f` of those of `a` and `b`; all have one shape.
#[inline]
pub(crate) fn zip_into<T, U, V, F, const N: usize>(
    out: Target<'_, V, N>,
    a: Source<'_, T, N>,
    b: Source<'_, U, N>,
    f: F,
) -> Outcome<F>
where
    F: FnMut(&T, &U) -> V,
{
    if needs_drop::<V>() {
        return Declined(f);
    }
    zip_room(out.into_room(), a, b, f)
}

/// Writes `f` of each pair of elements to the place of the same index.
fn zip_room<T, U, V, F, const N: usize>(
    out: Room<'_, V, N>,
    a: Source<'_, T, N>,
    b: Source<'_, U, N>,
    f: F,
) -> Outcome<F>
where
    F: FnMut(&T, &U) -> V,
{
    let layouts = [out.layout(), a.layout(), b.layout()];
    let (dst, first, second) = (out.first(), a.first(), b.first());
    let len = layouts[0].numel();
    assert_one_shape(layouts[0], layouts[1]);
    assert_one_shape(layouts[0], layouts[2]);
    if layouts.iter().all(|layout| layout.is_contiguous()) && !streams::<V>(len) {
        // SAFETY: contiguous layouts reach `len` elements and places from the first ones on (the
        // invariants of `Source` and `Room`).
        wide::run(unsafe { Zip::new(first, second, dst, len, f) });
        return Done;
    }
    let operands = [
        Operand::write(dst),
        Operand::read(first),
        Operand::read(second),
    ];
    let Some(plan) = plan_of(layouts, &operands) else {
        return Declined(f);
    };
    let mut slot = Some(f);
    let each = |[dst, a, b]: [*mut u8; 3], len| {
        let (dst, a, b) = (dst.cast(), a.cast_const().cast(), b.cast_const().cast());
        // SAFETY: `for_each` gives addresses of `len` elements side by side, to write and to read.
        slot = (slot.take()).map(|f| wide::run(unsafe { Zip::new(a, b, dst, len, f) }));
        ControlFlow::Continue(())
    };
    // SAFETY: the plan reaches what the layouts do, which may be read and written (the invariants of
    // `Source` and `Room`); it can be walked (`plan_of`); and `each` writes a result for each element.
    unsafe { runs::for_each(&plan, operands, each) };
    Done
}

/// Calls `f` with each element.
pub(crate) fn apply<T, F, const N: usize>(target: Target<'_, T, N>, f: F) -> Outcome<F>
where
    F: FnMut(&mut T),
{
    let (first, layout) = (target.first(), target.layout());
    if layout.is_contiguous() {
        // SAFETY: a contiguous layout reaches so many elements from the first one on, and they are
        // ours alone (the invariant of `Target`).
        wide::run(unsafe { Apply::new(first, layout.numel(), f) });
        return Done;
    }
    let operands = [Operand::update(first)];
    let Some(plan) = plan_of([layout], &operands) else {
        return Declined(f);
    };
    let mut slot = Some(f);
    let each = |[first]: [*mut u8; 1], len| {
        // SAFETY: `for_each` gives the address of `len` elements side by side, to read and write.
        slot = (slot.take()).map(|f| wide::run(unsafe { Apply::new(first.cast(), len, f) }));
        ControlFlow::Continue(())
    };
    // SAFETY: the plan reaches what the layout does, which is ours alone (the invariant of `Target`);
    // it can be walked (`plan_of`); and the elements stay initialised.
    unsafe { runs::for_each(&plan, operands, each) };
    Done
}

/// Whether two sources of one shape are equal, element by element; `None` if it was not found out.
pub(crate) fn equal<T, U, const N: usize>(a: Source<'_, T, N>, b: Source<'_, U, N>) -> Option<bool>
where
    T: PartialEq<U>,
{
    assert_one_shape(a.layout(), b.layout());
    // Comparing other types may do more than compare: never more of it than is needed.
    if Plain::of::<T>().is_none() || Plain::of::<U>().is_none() {
        return None;
    }
    if let Some(equal) = parallel::equal(a, b) {
        return Some(equal);
    }
    let (first, second) = (a.first(), b.first());
    if a.layout().is_contiguous() && b.layout().is_contiguous() {
        // SAFETY: contiguous layouts reach so many elements from the first ones on, which may be
        // read (the invariant of `Source`).
        return Some(wide::run(unsafe {
            Equal::new(first, second, a.layout().numel())
        }));
    }
    let operands = [Operand::read(first), Operand::read(second)];
    let plan = plan_of([a.layout(), b.layout()], &operands)?;
    let mut equal = true;
    let each = |[a, b]: [*mut u8; 2], len| {
        let (a, b) = (a.cast_const().cast::<T>(), b.cast_const().cast::<U>());
        // SAFETY: `for_each` gives addresses of `len` elements side by side, to read.
        equal = wide::run(unsafe { Equal::new(a, b, len) });
        if equal {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    // SAFETY: the plan reaches what the layouts do, which may be read (the invariant of `Source`);
    // it can be walked (`plan_of`); and nothing is written.
    unsafe { runs::for_each(&plan, operands, each) };
    Some(equal)
}

/// Whether so many results side by side go past the caches, which is for [`runs`] to do.
fn streams<U>(len: usize) -> bool {
    let bytes = len.saturating_mul(size_of::<U>());
    stream::pays(bytes, bytes) && Plain::of::<U>().is_some()
}
