//! Computing element by element, over any strides.
//!
//! `compute/loops.rs` has the loops over elements side by side, `compute/runs.rs` brings elements
//! there that are not. What can go neither way (elements that are not plain, apart from each
//! other) is visited one by one.

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
use crate::engine::plan::Plan;
use crate::engine::{stream, wide};
use crate::layout::Layout;
use crate::storage::StorageBuilder;
use crate::{TensorView, TensorViewMut};

use loops::{Apply, Equal, Map, Zip};
use runs::Operand;

pub(crate) use parallel::{cast, par_apply, par_map, par_map_into, par_zip, par_zip_into};

/// Fewer elements than this are visited one by one, unless they lie side by side.
const FEW: usize = 32;

/// Writes `f` of each element to fresh memory that has room for exactly these.
pub(crate) fn map<T, U, F, const N: usize>(
    out: &mut StorageBuilder<U>,
    source: TensorView<'_, T, N>,
    mut f: F,
) where
    F: FnMut(&T) -> U,
{
    // What has to be dropped is written in order, for `out` to know what there is when `f` panics.
    if !needs_drop::<U>() {
        let layout = Layout::row_major(*source.shape());
        // SAFETY: O2: fresh memory of its own (B1), which a row-major layout of the shape covers.
        match unsafe { walk_map(source, out.slots(), &layout, f) } {
            // SAFETY: every index of the shape was written.
            None => return unsafe { out.set_full() },
            Some(back) => f = back,
        }
    }
    // SAFETY: the view has as many elements as there is room for.
    source
        .iter()
        .for_each(|element| unsafe { out.push_unchecked(f(element)) });
}

/// Sets each element of `out` to `f` of the one of `source`, which has the same shape.
pub(crate) fn map_into<T, U, F, const N: usize>(
    mut out: TensorViewMut<'_, U, N>,
    source: TensorView<'_, T, N>,
    mut f: F,
) where
    F: FnMut(&T) -> U,
{
    if !needs_drop::<U>() {
        let layout = *out.layout();
        // SAFETY: O2: M1.
        match unsafe { walk_map(source, out.first().as_ptr(), &layout, f) } {
            None => return,
            Some(back) => f = back,
        }
    }
    out.iter_mut()
        .zip(source.iter())
        .for_each(|(out, element)| *out = f(element));
}

/// Writes `f` of each element to `out`, whose old elements, if there are any, are not dropped.
///
/// # Safety
///
/// As for `walk_map`.
unsafe fn map_to<T, U, F, const N: usize>(
    out: *mut U,
    layout: &Layout<N>,
    source: TensorView<'_, T, N>,
    f: F,
) where
    F: FnMut(&T) -> U,
{
    // SAFETY: by the caller.
    let Some(mut f) = (unsafe { walk_map(source, out, layout, f) }) else {
        return;
    };
    for (number, element) in source.iter().enumerate() {
        let to = out.wrapping_offset(offset_of(layout, number));
        // SAFETY: O2.
        unsafe { to.write(f(element)) };
    }
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

/// Writes `f` of each element to `out`, whose old elements are not dropped; or does nothing and
/// gives `f` back.
///
/// # Safety
///
/// O2, for each element that the layout reaches from `out`, each by one index; it has the shape
/// of `source`.
unsafe fn walk_map<T, U, F, const N: usize>(
    source: TensorView<'_, T, N>,
    out: *mut U,
    layout: &Layout<N>,
    f: F,
) -> Option<F>
where
    F: FnMut(&T) -> U,
{
    let (src, len) = (source.first().as_ptr().cast_const(), source.numel());
    if layout.is_contiguous() && source.is_standard_layout() && !streams::<U>(len) {
        let dst = out;
        wide::run(Map { src, dst, len, f });
        return None;
    }
    let operands = [Operand::write(out), Operand::read(src)];
    let Some(plan) = plan_of([layout, source.layout()], &operands) else {
        return Some(f);
    };
    let mut slot = Some(f);
    let each = |[dst, src]: [*mut u8; 2], len| {
        let (dst, src) = (dst.cast(), src.cast_const().cast());
        slot = slot.take().map(|f| wide::run(Map { src, dst, len, f }));
        ControlFlow::Continue(())
    };
    // SAFETY: N1: V1 and the caller's promise. N2: asked by `plan_of`.
    unsafe { runs::for_each(&plan, operands, each) };
    None
}

/// Writes `f` of each pair of elements to fresh memory that has room for exactly these; the views
/// have one shape.
pub(crate) fn zip<T, U, V, F, const N: usize>(
    out: &mut StorageBuilder<V>,
    a: TensorView<'_, T, N>,
    b: TensorView<'_, U, N>,
    mut f: F,
) where
    F: FnMut(&T, &U) -> V,
{
    if !needs_drop::<V>() {
        let layout = Layout::row_major(*a.shape());
        // SAFETY: O2: fresh memory of its own (B1), which a row-major layout of the shape covers.
        match unsafe { walk_zip(a, b, out.slots(), &layout, f) } {
            // SAFETY: every index of the shape was written.
            None => return unsafe { out.set_full() },
            Some(back) => f = back,
        }
    }
    let pairs = a.iter().zip(b.iter());
    // SAFETY: as many pairs as there is room for.
    pairs.for_each(|(a, b)| unsafe { out.push_unchecked(f(a, b)) });
}

/// Sets each element of `out` to `f` of those of `a` and `b`; all have one shape.
pub(crate) fn zip_into<T, U, V, F, const N: usize>(
    mut out: TensorViewMut<'_, V, N>,
    a: TensorView<'_, T, N>,
    b: TensorView<'_, U, N>,
    mut f: F,
) where
    F: FnMut(&T, &U) -> V,
{
    if !needs_drop::<V>() {
        let layout = *out.layout();
        // SAFETY: O2: M1.
        match unsafe { walk_zip(a, b, out.first().as_ptr(), &layout, f) } {
            None => return,
            Some(back) => f = back,
        }
    }
    let pairs = a.iter().zip(b.iter());
    out.iter_mut()
        .zip(pairs)
        .for_each(|(out, (a, b))| *out = f(a, b));
}

/// As `walk_map`, for two sources.
///
/// # Safety
///
/// As there.
unsafe fn walk_zip<T, U, V, F, const N: usize>(
    a: TensorView<'_, T, N>,
    b: TensorView<'_, U, N>,
    out: *mut V,
    layout: &Layout<N>,
    f: F,
) -> Option<F>
where
    F: FnMut(&T, &U) -> V,
{
    let (first, second) = (a.first().as_ptr(), b.first().as_ptr());
    let (len, alike) = (
        layout.numel(),
        a.is_standard_layout() && b.is_standard_layout(),
    );
    if layout.is_contiguous() && alike && !streams::<V>(len) {
        let (a, b, dst) = (first.cast_const(), second.cast_const(), out);
        wide::run(Zip { a, b, dst, len, f });
        return None;
    }
    let operands = [
        Operand::write(out),
        Operand::read(first),
        Operand::read(second),
    ];
    let Some(plan) = plan_of([layout, a.layout(), b.layout()], &operands) else {
        return Some(f);
    };
    let mut slot = Some(f);
    let each = |[dst, a, b]: [*mut u8; 3], len| {
        let (dst, a, b) = (dst.cast(), a.cast_const().cast(), b.cast_const().cast());
        slot = slot.take().map(|f| wide::run(Zip { a, b, dst, len, f }));
        ControlFlow::Continue(())
    };
    // SAFETY: N1: V1 and the caller's promise. N2: asked by `plan_of`.
    unsafe { runs::for_each(&plan, operands, each) };
    None
}

/// Calls `f` with each element.
pub(crate) fn apply<T, F, const N: usize>(mut target: TensorViewMut<'_, T, N>, f: F)
where
    F: FnMut(&mut T),
{
    let (first, layout) = (target.first().as_ptr(), *target.layout());
    if layout.is_contiguous() {
        let len = layout.numel();
        // O3: M1.
        wide::run(Apply { first, len, f });
        return;
    }
    let operands = [Operand::update(first)];
    let Some(plan) = plan_of([&layout], &operands) else {
        return target.iter_mut().for_each(f);
    };
    let mut slot = Some(f);
    let each = |[first]: [*mut u8; 1], len| {
        let first = first.cast();
        slot = slot.take().map(|f| wide::run(Apply { first, len, f }));
        ControlFlow::Continue(())
    };
    // SAFETY: N1: M1. N2: asked by `plan_of`.
    unsafe { runs::for_each(&plan, operands, each) };
}

/// Whether two views of one shape are equal, element by element.
pub(crate) fn equal<T, U, const N: usize>(a: TensorView<'_, T, N>, b: TensorView<'_, U, N>) -> bool
where
    T: PartialEq<U>,
{
    let (first, second) = (a.first().as_ptr(), b.first().as_ptr());
    let plain = Plain::of::<T>().is_some() && Plain::of::<U>().is_some();
    if plain && let Some(equal) = parallel::equal(a, b) {
        return equal;
    }
    let side_by_side = a.is_standard_layout() && b.is_standard_layout();
    if plain && side_by_side {
        let (a, b, len) = (first.cast_const(), second.cast_const(), a.numel());
        return wide::run(Equal { a, b, len });
    }
    let operands = [Operand::read(first), Operand::read(second)];
    // Comparing other types may do more than compare: never more of it than is needed.
    let plan = plan_of([a.layout(), b.layout()], &operands).filter(|_| plain);
    let Some(plan) = plan else {
        return a.iter().zip(b.iter()).all(|(a, b)| a == b);
    };
    let mut equal = true;
    let each = |[a, b]: [*mut u8; 2], len| {
        let (a, b) = (a.cast_const().cast::<T>(), b.cast_const().cast::<U>());
        equal = wide::run(Equal { a, b, len });
        if equal {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    // SAFETY: N1: V1 of both. N2: asked by `plan_of`.
    unsafe { runs::for_each(&plan, operands, each) };
    equal
}

/// Whether so many results side by side go past the caches, which is for [`runs`] to do.
fn streams<U>(len: usize) -> bool {
    let bytes = len.saturating_mul(size_of::<U>());
    stream::pays(bytes, bytes) && Plain::of::<U>().is_some()
}

/// The walk over these operands, if it is worth one and can be done (N2).
fn plan_of<const K: usize, const N: usize>(
    layouts: [&Layout<N>; K],
    operands: &[Operand; K],
) -> Option<Plan<K>> {
    if layouts[0].numel() < FEW {
        return None;
    }
    Plan::new(layouts).filter(|plan| runs::can_walk(plan, operands))
}
