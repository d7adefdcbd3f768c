//! Computing on several threads: the same passes, part by part.

use std::mem::needs_drop;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, Ordering};

use super::loops::Equal;
use super::runs::Outcome::{self, Declined, Done};
use super::runs::{self, Operand};
use super::shared;
use crate::engine::element::Plain;
use crate::engine::operand::{Fresh, Room, Source, Target, assert_one_shape};
use crate::engine::plan::Plan;
use crate::engine::threads::{self, AssertSync, Kind, Parts, Team};
use crate::engine::wide;
use crate::layout::Layout;
use crate::storage::StorageBuilder;

/// A pass over operands in parts, each of which is done by one thread at a time.
pub(super) struct DividedPass<const K: usize> {
    plan: Plan<K>,
    /// Invariant of `DividedPass`: what `runs::for_each` asks for holds of the plan and these, and any
    /// thread may do a part, as [`AssertSync`] requires.
    operands: AssertSync<[Operand; K]>,
    axis: usize,
    parts: Parts,
}

impl<const K: usize> DividedPass<K> {
    /// `None` if there is but one element.
    ///
    /// # Safety
    ///
    /// The first two promises of [`runs::for_each`] hold of the plan and the operands for as long as
    /// the pass lives. If parts are done by several threads, elements that are read are plain or
    /// `Sync`, and those that are written plain or `Send`.
    pub(super) unsafe fn new(plan: Plan<K>, operands: [Operand; K]) -> Option<Self> {
        let (axis, parts) = Parts::of(&plan, bytes(plan.numel(), &operands))?;
        Some(Self {
            plan,
            // SAFETY: parts reach different elements of what is written, and the caller promises
            // that the elements may be read and written by any thread.
            operands: unsafe { AssertSync::new(operands) },
            axis,
            parts,
        })
    }

    pub(super) fn parts(&self) -> Range<usize> {
        0..self.parts.count()
    }

    /// Does one of the parts, as [`runs::for_each`] does the whole.
    ///
    /// # Safety
    ///
    /// Nobody else is doing this part, unless nothing is written. `each` writes all elements of the
    /// operands that are written, unless it ends the part.
    pub(super) unsafe fn part(
        &self,
        number: usize,
        each: impl FnMut([*mut u8; K], usize) -> ControlFlow<()>,
    ) {
        let plan = self.plan.section(self.axis, self.parts.range(number));
        // SAFETY: a section of the plan, for which the invariant holds as for the whole; the caller
        // promises the rest.
        unsafe { runs::for_each_of(self.plan.numel(), &plan, self.operands.get(), each) };
    }
}

/// A divided pass, and the threads to do it.
struct TeamPass<const K: usize> {
    team: Team,
    pass: DividedPass<K>,
}

impl<const K: usize> TeamPass<K> {
    /// `None` if that does not pay, or cannot be done.
    ///
    /// # Safety
    ///
    /// The layouts, from the first elements of the operands on, reach what may be read and written
    /// as the operands say, for as long as the pass lives; what is written is reached by one index
    /// alone, and by nothing else. Elements that are read are plain or `Sync`, and those that are
    /// written plain or `Send`.
    #[inline]
    unsafe fn new<const N: usize>(
        layouts: [&Layout<N>; K],
        operands: [Operand; K],
        kind: &Kind,
    ) -> Option<Self> {
        let team = threads::team(bytes(layouts[0].numel(), &operands), kind)?;
        let plan = runs::plan_of(layouts, &operands)?;
        // SAFETY: the plan reaches what the layouts do, it can be walked (`plan_of`), and the caller
        // promises the rest.
        let pass = unsafe { DividedPass::new(plan, operands) }?;
        Some(Self { team, pass })
    }

    /// # Safety
    ///
    /// `each` writes all elements of the operands that are written.
    unsafe fn for_each(self, each: impl Fn([*mut u8; K], usize) + Sync) {
        self.team.run(self.pass.parts(), |number| {
            let each = |at, len| {
                each(at, len);
                ControlFlow::Continue(())
            };
            // SAFETY: a team does each part once; the caller promises what `each` writes.
            unsafe { self.pass.part(number, each) };
        });
    }
}

/// What is read and written at so many places.
fn bytes<const K: usize>(places: usize, operands: &[Operand; K]) -> usize {
    let each: usize = operands.iter().map(|operand| operand.size()).sum();
    places.saturating_mul(each)
}

/// As [`map`](super::map), on several threads; declined also where these do not pay.
pub(crate) fn par_map<T, U, F, const N: usize>(
    out: &mut StorageBuilder<U>,
    source: Source<'_, T, N>,
    f: F,
) -> Outcome<F>
where
    T: Sync,
    U: Send,
    F: Fn(&T) -> U + Sync,
{
    if needs_drop::<U>() {
        return Declined(f);
    }
    let mut fresh = Fresh::new(out, *source.layout().shape());
    // SAFETY: `T` is `Sync`, `U` is `Send`, and its values need not be dropped.
    if !unsafe { map_divided(fresh.room(), source, &Kind::CLOSURE, &f) } {
        return Declined(f);
    }
    // SAFETY: every element was written just now.
    unsafe { fresh.set_full() };
    Done
}

/// As [`map_into`](super::map_into), on several threads; declined also where these do not pay.
pub(crate) fn par_map_into<T, U, F, const N: usize>(
    out: Target<'_, U, N>,
    source: Source<'_, T, N>,
    f: F,
) -> Outcome<F>
where
    T: Sync,
    U: Send,
    F: Fn(&T) -> U + Sync,
{
    // SAFETY: `T` is `Sync`, `U` is `Send`, and its values need not be dropped.
    if needs_drop::<U>() || !unsafe { map_divided(out.into_room(), source, &Kind::CLOSURE, &f) } {
        return Declined(f);
    }
    Done
}

/// Writes the elements, converted, to fresh memory that has room for exactly these, on several
/// threads. `false` if that does not pay, or they are not plain: nothing is done then.
#[must_use]
pub(crate) fn cast<T, U, const N: usize>(
    out: &mut StorageBuilder<U>,
    source: Source<'_, T, N>,
) -> bool
where
    T: Clone,
    U: From<T>,
{
    if Plain::of::<T>().is_none() || Plain::of::<U>().is_none() {
        return false;
    }
    let f = |element: &T| U::from(element.clone());
    let mut fresh = Fresh::new(out, *source.layout().shape());
    // SAFETY: elements and results are plain.
    if !unsafe { map_divided(fresh.room(), source, &Kind::MEMORY, &f) } {
        return false;
    }
    // SAFETY: every element was written just now.
    unsafe { fresh.set_full() };
    true
}

/// Writes `f` of each element to the place of the same index. `false` if that does not pay: nothing
/// is done then.
///
/// # Safety
///
/// Elements are plain or `Sync`, and results plain or `Send`. These need not be dropped.
#[inline]
unsafe fn map_divided<T, U, F, const N: usize>(
    out: Room<'_, U, N>,
    source: Source<'_, T, N>,
    kind: &Kind,
    f: &F,
) -> bool
where
    F: Fn(&T) -> U + Sync,
{
    let layouts = [out.layout(), source.layout()];
    assert_one_shape(layouts[0], layouts[1]);
    let operands = [Operand::write(out.first()), Operand::read(source.first())];
    // SAFETY: the layouts reach what may be read and written (the invariants of `Source` and
    // `Room`), and the caller promises elements for several threads.
    let Some(pass) = (unsafe { TeamPass::new(layouts, operands, kind) }) else {
        return false;
    };
    let each = |[dst, src]: [*mut u8; 2], len| {
        // SAFETY: a pass gives addresses of `len` elements side by side, to write and to read.
        unsafe { shared::map(src.cast_const().cast(), dst.cast(), len, f) };
    };
    // SAFETY: `shared::map` writes a result for each element.
    unsafe { pass.for_each(each) };
    true
}

/// As [`zip`](super::zip), on several threads; declined also where these do not pay.
pub(crate) fn par_zip<T, U, V, F, const N: usize>(
    out: &mut StorageBuilder<V>,
    a: Source<'_, T, N>,
    b: Source<'_, U, N>,
    f: F,
) -> Outcome<F>
where
    T: Sync,
    U: Sync,
    V: Send,
    F: Fn(&T, &U) -> V + Sync,
{
    if needs_drop::<V>() {
        return Declined(f);
    }
    let mut fresh = Fresh::new(out, *a.layout().shape());
    // SAFETY: `T` and `U` are `Sync`, `V` is `Send`, and its values need not be dropped.
    if !unsafe { zip_divided(fresh.room(), a, b, &f) } {
        return Declined(f);
    }
    // SAFETY: every element was written just now.
    unsafe { fresh.set_full() };
    Done
}

/// As [`zip_into`](super::zip_into), on several threads; declined also where these do not pay.
pub(crate) fn par_zip_into<T, U, V, F, const N: usize>(
    out: Target<'_, V, N>,
    a: Source<'_, T, N>,
    b: Source<'_, U, N>,
    f: F,
) -> Outcome<F>
where
    T: Sync,
    U: Sync,
    V: Send,
    F: Fn(&T, &U) -> V + Sync,
{
    // SAFETY: `T` and `U` are `Sync`, `V` is `Send`, and its values need not be dropped.
    if needs_drop::<V>() || !unsafe { zip_divided(out.into_room(), a, b, &f) } {
        return Declined(f);
    }
    Done
}

/// Writes `f` of each pair of elements to the place of the same index. `false` if that does not pay:
/// nothing is done then.
///
/// # Safety
///
/// Elements are plain or `Sync`, and results plain or `Send`. These need not be dropped.
#[inline]
unsafe fn zip_divided<T, U, V, F, const N: usize>(
    out: Room<'_, V, N>,
    a: Source<'_, T, N>,
    b: Source<'_, U, N>,
    f: &F,
) -> bool
where
    F: Fn(&T, &U) -> V + Sync,
{
    let layouts = [out.layout(), a.layout(), b.layout()];
    assert_one_shape(layouts[0], layouts[1]);
    assert_one_shape(layouts[0], layouts[2]);
    let operands = [
        Operand::write(out.first()),
        Operand::read(a.first()),
        Operand::read(b.first()),
    ];
    // SAFETY: the layouts reach what may be read and written (the invariants of `Source` and
    // `Room`), and the caller promises elements for several threads.
    let Some(pass) = (unsafe { TeamPass::new(layouts, operands, &Kind::CLOSURE) }) else {
        return false;
    };
    let each = |[dst, a, b]: [*mut u8; 3], len| {
        let (a, b) = (a.cast_const().cast(), b.cast_const().cast());
        // SAFETY: a pass gives addresses of `len` elements side by side, to write and to read.
        unsafe { shared::zip(a, b, dst.cast(), len, f) };
    };
    // SAFETY: `shared::zip` writes a result for each pair.
    unsafe { pass.for_each(each) };
    true
}

/// As [`apply`](super::apply), on several threads; declined also where these do not pay.
pub(crate) fn par_apply<T, F, const N: usize>(target: Target<'_, T, N>, f: F) -> Outcome<F>
where
    T: Send,
    F: Fn(&mut T) + Sync,
{
    let operands = [Operand::update(target.first())];
    // SAFETY: the layout reaches what is ours alone (the invariant of `Target`), and `T` is `Send`.
    let pass = unsafe { TeamPass::new([target.layout()], operands, &Kind::CLOSURE) };
    let Some(pass) = pass else {
        return Declined(f);
    };
    let each = |[first]: [*mut u8; 1], len| {
        // SAFETY: a pass gives the address of `len` elements side by side, which nobody else reaches.
        unsafe { shared::apply(first.cast(), len, &f) };
    };
    // SAFETY: the elements stay initialised, whatever `f` does.
    unsafe { pass.for_each(each) };
    Done
}

/// Whether two sources of one shape, with plain elements, are equal; `None` if several threads do not
/// pay.
#[inline]
pub(super) fn equal<T, U, const N: usize>(a: Source<'_, T, N>, b: Source<'_, U, N>) -> Option<bool>
where
    T: PartialEq<U>,
{
    assert_one_shape(a.layout(), b.layout());
    if Plain::of::<T>().is_none() || Plain::of::<U>().is_none() {
        return None;
    }
    let operands = [Operand::read(a.first()), Operand::read(b.first())];
    // SAFETY: the layouts reach what may be read (the invariant of `Source`), and it is plain.
    let pass = unsafe { TeamPass::new([a.layout(), b.layout()], operands, &Kind::MEMORY) }?;
    let differ = AtomicBool::new(false);
    let TeamPass { team, pass } = pass;
    let part = |number| {
        if differ.load(Ordering::Relaxed) {
            return;
        }
        let each = |[a, b]: [*mut u8; 2], len| {
            let (a, b) = (a.cast_const().cast::<T>(), b.cast_const().cast::<U>());
            // SAFETY: a pass gives addresses of `len` elements side by side, to read.
            if wide::run(unsafe { Equal::new(a, b, len) }) {
                return ControlFlow::Continue(());
            }
            differ.store(true, Ordering::Relaxed);
            ControlFlow::Break(())
        };
        // SAFETY: nothing is written, so several threads may do the same part.
        unsafe { pass.part(number, each) };
    };
    // What differs often does so early on: nobody is woken for that.
    part(0);
    if !differ.load(Ordering::Relaxed) {
        team.run(1..pass.parts().end, part);
    }
    Some(!differ.into_inner())
}
