//! Copying elements: from any layout to any layout of the same shape.
//!
//! Plain elements are moved as bits: both layouts are simplified together
//! ([`Plan`]) and one of the loops in `copy/kernels.rs` does the rest. Other elements are
//! cloned one after the other, in row-major order.

mod kernels;
mod rows;
mod transpose;

use crate::engine::element::Plain;
use crate::engine::plan::Plan;
use crate::engine::threads::{self, Kind, Parts, Team, Together};
use crate::engine::{stream, wide};
use crate::error::TensorError;
use crate::layout::Layout;
use crate::storage::{AllocHandle, StorageBuilder};
use crate::tensor::fresh;
use crate::tensor::iter::{Rows, RowsMut};
use crate::{Tensor, TensorView, TensorViewMut};

/// A fresh tensor in standard layout with clones of the elements.
#[cfg_attr(feature = "diagnose", track_caller)]
pub(crate) fn to_tensor<T: Clone, const N: usize>(
    view: TensorView<'_, T, N>,
    alloc: Option<AllocHandle>,
) -> Result<Tensor<T, N>, TensorError> {
    fresh(*view.shape(), alloc, |out| extend(out, view))
}

/// Clones every element of the view, in row-major order. Nothing has been written so far, and
/// there is room for exactly these.
fn extend<T: Clone, const N: usize>(out: &mut StorageBuilder<T>, view: TensorView<'_, T, N>) {
    if Plain::of::<T>().is_some() {
        // SAFETY: P2; the room of the builder is fresh memory of its own (B1).
        unsafe { gather(view, out.slots()) };
        // SAFETY: every element was written.
        return unsafe { out.set_full() };
    }
    if let Some(elements) = view.contiguous() {
        return out.extend_from_slice(elements);
    }
    if let Some(rows) = Rows::new(view) {
        return rows.for_each(|row| out.extend_from_slice(row));
    }
    view.iter().for_each(|element| out.push(element.clone()));
}

/// Copies plain elements side by side, in row-major order.
///
/// # Safety
///
/// `T` is plain (P2), and `to` has room for all elements, which nothing else reaches.
pub(crate) unsafe fn gather<T, const N: usize>(view: TensorView<'_, T, N>, to: *mut T) {
    if let Some(plan) = plan(view.layout(), &Layout::row_major(*view.shape())) {
        // SAFETY: G2: the view may be read (V1), and a row-major layout of its shape reaches the
        // room there is, by the caller.
        return unsafe { bits(&plan, to, view.first().as_ptr()) };
    }
    // No elements, or more axes than a plan has room for.
    if let Some(elements) = view.contiguous() {
        // SAFETY: as many elements as there is room for, which lies elsewhere.
        return unsafe { to.copy_from_nonoverlapping(elements.as_ptr(), elements.len()) };
    }
    let elements = view.iter();
    assert_eq!(elements.len(), view.numel(), "there is room for these");
    elements.enumerate().for_each(|(at, element)| {
        // SAFETY: V1: an element; P2: it is `Copy`.
        let element = unsafe { std::ptr::read(element) };
        // SAFETY: one of as many places as there are elements.
        unsafe { to.wrapping_add(at).write(element) };
    });
}

/// Clones every element of `source` over those of `target`, which has the same shape and is not
/// empty.
pub(crate) fn assign<T: Clone, const N: usize>(
    mut target: TensorViewMut<'_, T, N>,
    source: TensorView<'_, T, N>,
) {
    if let Some(plan) = plan(source.layout(), target.layout())
        && Plain::of::<T>().is_some()
    {
        let (to, from) = (target.first().as_ptr(), source.first().as_ptr());
        // SAFETY: G2: the view may be read (V1) and the target written; nothing else reaches the
        // elements of the target, nor does it reach one twice (M1). P2: `T` is plain.
        return unsafe { bits(&plan, to, from) };
    }
    if let (Some(to), Some(from)) = (RowsMut::new(target.reborrow()), Rows::new(source)) {
        return to
            .zip(from)
            .for_each(|(to, from)| to.clone_from_slice(from));
    }
    target
        .into_iter()
        .zip(source.iter())
        .for_each(|(to, from)| to.clone_from(from));
}

/// Sets every element of a target that is not empty to a clone of `value`.
pub(crate) fn fill<T: Clone, const N: usize>(mut target: TensorViewMut<'_, T, N>, value: T) {
    let everywhere = Layout::from_checked(*target.shape(), [0; N]);
    if let Some(plan) = plan(&everywhere, target.layout())
        && Plain::of::<T>().is_some()
    {
        // SAFETY: as in `assign`; `value` is read again and again.
        return unsafe { bits(&plan, target.first().as_ptr(), &raw const value) };
    }
    match RowsMut::new(target.reborrow()) {
        Some(rows) => rows.for_each(|row| row.fill(value.clone())),
        None => target
            .iter_mut()
            .for_each(|element| *element = value.clone()),
    }
}

/// How to get from one layout to the other; `None` if there is nothing to copy, or too many axes.
#[inline]
fn plan<const N: usize>(from: &Layout<N>, to: &Layout<N>) -> Option<Plan<2>> {
    if from.is_empty() {
        return None;
    }
    Plan::new([to, from])
}

/// Copies the elements of two layouts; `to` and `from` are those at index `[0, 0, ..]`.
///
/// # Safety
///
/// G2, for the axes of the plan from its starts; `T` is plain.
#[inline]
unsafe fn bits<T>(plan: &Plan<2>, to: *mut T, from: *const T) {
    let size = size_of::<T>();
    let bytes = plan.numel().saturating_mul(size);
    let row = kernels::longest_row(plan.axes()).saturating_mul(size);
    let streamed = stream::pays(bytes, row);
    // What is only written counts twice: per byte, fills take longer than copies.
    if let Some(team) = threads::team(bytes.saturating_mul(2), &Kind::MEMORY) {
        // SAFETY: by the caller.
        return unsafe { on_threads(team, plan, to, from, streamed) };
    }
    // SAFETY: by the caller.
    unsafe { part(plan, to, from, streamed) };
}

/// # Safety
///
/// As for `bits`; `streamed` is what `stream::pays` says of the plan, or of the one it is part of.
#[inline]
unsafe fn part<T>(plan: &Plan<2>, to: *mut T, from: *const T, streamed: bool) {
    let to = to.wrapping_offset(plan.start(0)).cast::<u8>();
    let from = from.wrapping_offset(plan.start(1)).cast::<u8>();
    let _ending = stream::Ending::of(streamed);
    // SAFETY: by the caller; plain elements have the size and alignment of an integer.
    unsafe { walk(size_of::<T>(), plan, to, from, streamed) };
}

/// # Safety
///
/// As for `part`.
#[cold]
#[inline(never)]
unsafe fn on_threads<T>(team: Team, plan: &Plan<2>, to: *mut T, from: *const T, streamed: bool) {
    let Some((axis, parts)) = Parts::of(plan, 2 * plan.numel() * size_of::<T>()) else {
        unreachable!("one element is not worth a team")
    };
    // SAFETY: D1: G2: parts of a plan write different elements, and nothing that is read. `T` is
    // plain.
    let ends = unsafe { Together::new((to, from)) };
    team.run(0..parts.count(), |number| {
        let (to, from) = ends.get();
        // SAFETY: G2, for part of the plan.
        unsafe { part(&plan.part(axis, parts.range(number)), to, from, streamed) };
    });
}

/// Copies elements of this many bytes, from the starts of a plan.
///
/// # Safety
///
/// G2; the elements are plain and `size` bytes large each.
#[inline]
pub(crate) unsafe fn elements(size: usize, plan: &Plan<2>, to: *mut u8, from: *const u8) {
    // SAFETY: by the caller.
    unsafe { walk(size, plan, to, from, false) };
}

/// As `elements`; if `streamed`, past the caches, and in order with other threads' accesses after
/// [`stream::Ending`].
///
/// # Safety
///
/// As there.
unsafe fn walk(size: usize, plan: &Plan<2>, to: *mut u8, from: *const u8, streamed: bool) {
    /// # Safety
    ///
    /// G2.
    unsafe fn run<E: kernels::Element>(
        plan: &Plan<2>,
        to: *mut u8,
        from: *const u8,
        streamed: bool,
    ) {
        let (dst, src) = (to.cast::<E>(), from.cast::<E>());
        let axes = plan.axes();
        if let [one] = axes
            && one.strides == [1, 1]
            && !streamed
        {
            // SAFETY: G2.
            return unsafe { dst.copy_from_nonoverlapping(src, one.len) };
        }
        // G2 by the caller.
        wide::run(kernels::Copy {
            dst,
            src,
            axes,
            streamed,
        });
    }
    #[allow(clippy::multiple_unsafe_ops_per_block, reason = "one of them is run")]
    // SAFETY: G2 by the caller. Integers of a size have the alignment of all plain types of it.
    unsafe {
        match size {
            1 => run::<u8>(plan, to, from, streamed),
            2 => run::<u16>(plan, to, from, streamed),
            4 => run::<u32>(plan, to, from, streamed),
            8 => run::<u64>(plan, to, from, streamed),
            16 => run::<u128>(plan, to, from, streamed),
            _ => unreachable!("no plain type has {size} bytes"),
        }
    }
}
