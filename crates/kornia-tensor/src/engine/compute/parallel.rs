//! Computing on several threads: the same walks, part by part.

use std::mem::needs_drop;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, Ordering};

use super::loops::Equal;
use super::runs::{self, Operand};
use super::shared;
use crate::engine::element::Plain;
use crate::engine::plan::Plan;
use crate::engine::threads::{self, Kind, Parts, Team, Together};
use crate::engine::wide;
use crate::layout::Layout;
use crate::storage::StorageBuilder;
use crate::{TensorView, TensorViewMut};

/// A walk over operands that is divided among the threads of a team.
pub(super) struct Divided<const K: usize> {
    team: Team,
    walk: Walk<K>,
}

/// A walk over operands in parts, each of which is walked by one thread at a time.
pub(super) struct Walk<const K: usize> {
    plan: Plan<K>,
    /// N1, N2, D1.
    operands: Together<[Operand; K]>,
    axis: usize,
    parts: Parts,
}

impl<const K: usize> Walk<K> {
    /// `None` if there is but one element. The operands can be walked (N2).
    ///
    /// # Safety
    ///
    /// N1, and D1 if the walk is divided.
    pub(super) unsafe fn new(plan: Plan<K>, operands: [Operand; K]) -> Option<Self> {
        let (axis, parts) = Parts::of(&plan, bytes(plan.numel(), &operands))?;
        Some(Self {
            plan,
            // SAFETY: by the caller.
            operands: unsafe { Together::new(operands) },
            axis,
            parts,
        })
    }

    pub(super) fn parts(&self) -> Range<usize> {
        0..self.parts.count()
    }

    /// Walks one of the parts, as [`runs::for_each`] does.
    pub(super) fn part(
        &self,
        number: usize,
        each: impl FnMut([*mut u8; K], usize) -> ControlFlow<()>,
    ) {
        let plan = self.plan.part(self.axis, self.parts.range(number));
        // SAFETY: N1, N2 by the caller of `new`, for part of the plan.
        unsafe { runs::part_of(self.plan.numel(), &plan, self.operands.get(), each) };
    }
}

impl<const K: usize> Divided<K> {
    /// `None` if that does not pay, or cannot be done.
    ///
    /// # Safety
    ///
    /// N1, D1.
    #[inline]
    unsafe fn new<const N: usize>(
        layouts: [&Layout<N>; K],
        operands: [Operand; K],
        kind: &Kind,
    ) -> Option<Self> {
        let team = threads::team(bytes(layouts[0].numel(), &operands), kind)?;
        let plan = super::plan_of(layouts, &operands)?;
        // SAFETY: by the caller.
        let walk = unsafe { Walk::new(plan, operands) }?;
        Some(Self { team, walk })
    }

    fn for_each(self, each: impl Fn([*mut u8; K], usize) + Sync) {
        self.team.run(self.walk.parts(), |number| {
            self.walk.part(number, |at, len| {
                each(at, len);
                ControlFlow::Continue(())
            });
        });
    }
}

/// What is read and written at so many places.
fn bytes<const K: usize>(places: usize, operands: &[Operand; K]) -> usize {
    let each: usize = operands.iter().map(|operand| operand.size).sum();
    places.saturating_mul(each)
}

/// As [`map`](super::map), on several threads.
pub(crate) fn par_map<T, U, F, const N: usize>(
    out: &mut StorageBuilder<U>,
    source: TensorView<'_, T, N>,
    f: F,
) where
    T: Sync,
    U: Send,
    F: Fn(&T) -> U + Sync,
{
    if !needs_drop::<U>() {
        let layout = Layout::row_major(*source.shape());
        // SAFETY: O2: fresh memory of its own (B1), which a row-major layout of the shape covers.
        // D1: `T` is `Sync` and `U` is `Send`.
        if unsafe { map_divided(source, out.slots(), &layout, &Kind::CLOSURE, &f) } {
            // SAFETY: every index of the shape was written.
            return unsafe { out.set_full() };
        }
    }
    super::map(out, source, f);
}

/// As [`map_into`](super::map_into), on several threads.
pub(crate) fn par_map_into<T, U, F, const N: usize>(
    out: TensorViewMut<'_, U, N>,
    source: TensorView<'_, T, N>,
    f: F,
) where
    T: Sync,
    U: Send,
    F: Fn(&T) -> U + Sync,
{
    let (first, layout) = (out.first().as_ptr(), *out.layout());
    // SAFETY: O2: M1, and nothing has to be dropped. D1: `T` is `Sync` and `U` is `Send`.
    if needs_drop::<U>() || !unsafe { map_divided(source, first, &layout, &Kind::CLOSURE, &f) } {
        super::map_into(out, source, f);
    }
}

/// Writes the elements, converted, to fresh memory that has room for exactly these.
pub(crate) fn cast<T, U, const N: usize>(out: &mut StorageBuilder<U>, source: TensorView<'_, T, N>)
where
    T: Clone,
    U: From<T>,
{
    let f = |element: &T| U::from(element.clone());
    if Plain::of::<T>().is_some() && Plain::of::<U>().is_some() {
        let layout = Layout::row_major(*source.shape());
        // SAFETY: O2: fresh memory of its own (B1), which a row-major layout of the shape covers.
        // D1: plain elements, and the conversions between these are those of the language.
        if unsafe { map_divided(source, out.slots(), &layout, &Kind::MEMORY, &f) } {
            // SAFETY: every index of the shape was written.
            return unsafe { out.set_full() };
        }
    }
    super::map(out, source, f);
}

/// Writes `f` of each element to `out`, whose old elements are not dropped; or says that it does
/// not pay.
///
/// # Safety
///
/// O2, for each element that the layout reaches from `out`, each by one index; it has the shape
/// of `source`. D1. `U` need not be dropped.
#[inline]
unsafe fn map_divided<T, U, F, const N: usize>(
    source: TensorView<'_, T, N>,
    out: *mut U,
    layout: &Layout<N>,
    kind: &Kind,
    f: &F,
) -> bool
where
    F: Fn(&T) -> U + Sync,
{
    let operands = [Operand::write(out), Operand::read(source.first().as_ptr())];
    // SAFETY: N1: V1 and the caller's promise; D1 by the caller.
    let Some(walk) = (unsafe { Divided::new([layout, source.layout()], operands, kind) }) else {
        return false;
    };
    walk.for_each(|[dst, src], len| {
        // SAFETY: O1, O2: N1; nothing has to be dropped, by the caller.
        unsafe { shared::map(src.cast_const().cast(), dst.cast(), len, f) };
    });
    true
}

/// As [`zip`](super::zip), on several threads.
pub(crate) fn par_zip<T, U, V, F, const N: usize>(
    out: &mut StorageBuilder<V>,
    a: TensorView<'_, T, N>,
    b: TensorView<'_, U, N>,
    f: F,
) where
    T: Sync,
    U: Sync,
    V: Send,
    F: Fn(&T, &U) -> V + Sync,
{
    if !needs_drop::<V>() {
        let layout = Layout::row_major(*a.shape());
        // SAFETY: O2: fresh memory of its own (B1), which a row-major layout of the shape covers.
        // D1: `T` and `U` are `Sync`, and `V` is `Send`.
        if unsafe { zip_divided(a, b, out.slots(), &layout, &f) } {
            // SAFETY: every index of the shape was written.
            return unsafe { out.set_full() };
        }
    }
    super::zip(out, a, b, f);
}

/// As [`zip_into`](super::zip_into), on several threads.
pub(crate) fn par_zip_into<T, U, V, F, const N: usize>(
    out: TensorViewMut<'_, V, N>,
    a: TensorView<'_, T, N>,
    b: TensorView<'_, U, N>,
    f: F,
) where
    T: Sync,
    U: Sync,
    V: Send,
    F: Fn(&T, &U) -> V + Sync,
{
    let (first, layout) = (out.first().as_ptr(), *out.layout());
    // SAFETY: O2: M1, and nothing has to be dropped. D1: `T` and `U` are `Sync`, and `V` is
    // `Send`.
    if needs_drop::<V>() || !unsafe { zip_divided(a, b, first, &layout, &f) } {
        super::zip_into(out, a, b, f);
    }
}

/// As `map_divided`, for two sources.
///
/// # Safety
///
/// As there.
#[inline]
unsafe fn zip_divided<T, U, V, F, const N: usize>(
    a: TensorView<'_, T, N>,
    b: TensorView<'_, U, N>,
    out: *mut V,
    layout: &Layout<N>,
    f: &F,
) -> bool
where
    F: Fn(&T, &U) -> V + Sync,
{
    let operands = [
        Operand::write(out),
        Operand::read(a.first().as_ptr()),
        Operand::read(b.first().as_ptr()),
    ];
    let layouts = [layout, a.layout(), b.layout()];
    // SAFETY: N1: V1 and the caller's promise; D1 by the caller.
    let Some(walk) = (unsafe { Divided::new(layouts, operands, &Kind::CLOSURE) }) else {
        return false;
    };
    walk.for_each(|[dst, a, b], len| {
        let (a, b) = (a.cast_const().cast(), b.cast_const().cast());
        // SAFETY: O1, O2: N1; nothing has to be dropped, by the caller.
        unsafe { shared::zip(a, b, dst.cast(), len, f) };
    });
    true
}

/// As [`apply`](super::apply), on several threads.
pub(crate) fn par_apply<T, F, const N: usize>(target: TensorViewMut<'_, T, N>, f: F)
where
    T: Send,
    F: Fn(&mut T) + Sync,
{
    let operands = [Operand::update(target.first().as_ptr())];
    // SAFETY: N1: M1. D1: `T` is `Send`.
    let walk = unsafe { Divided::new([target.layout()], operands, &Kind::CLOSURE) };
    let Some(walk) = walk else {
        return super::apply(target, f);
    };
    walk.for_each(|[first], len| {
        // SAFETY: O3: N1.
        unsafe { shared::apply(first.cast(), len, &f) };
    });
}

/// Whether two views of one shape with plain elements are equal; `None` if several threads do not
/// pay.
#[inline]
pub(super) fn equal<T, U, const N: usize>(
    a: TensorView<'_, T, N>,
    b: TensorView<'_, U, N>,
) -> Option<bool>
where
    T: PartialEq<U>,
{
    debug_assert!(Plain::of::<T>().is_some() && Plain::of::<U>().is_some());
    let operands = [
        Operand::read(a.first().as_ptr()),
        Operand::read(b.first().as_ptr()),
    ];
    // SAFETY: N1: V1 of both. D1: plain elements, which are compared as the language does.
    let walk = unsafe { Divided::new([a.layout(), b.layout()], operands, &Kind::MEMORY) }?;
    let differ = AtomicBool::new(false);
    let Divided { team, walk } = walk;
    let part = |number| {
        if differ.load(Ordering::Relaxed) {
            return;
        }
        walk.part(number, |[a, b], len| {
            let (a, b) = (a.cast_const().cast::<T>(), b.cast_const().cast::<U>());
            if wide::run(Equal { a, b, len }) {
                return ControlFlow::Continue(());
            }
            differ.store(true, Ordering::Relaxed);
            ControlFlow::Break(())
        });
    };
    // What differs often does so early on: nobody is woken for that.
    part(0);
    if !differ.load(Ordering::Relaxed) {
        team.run(1..walk.parts().end, part);
    }
    Some(!differ.into_inner())
}
