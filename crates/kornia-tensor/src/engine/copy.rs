//! Copying plain elements as bits: from any layout to any layout of the same shape.
//!
//! Both layouts are simplified together ([`Plan`]) and one of the loops in `copy/kernels.rs` does
//! the rest. What is not plain has to be cloned, which is left to the callers.

mod element;
mod kernels;
mod rows;
mod transpose;

use crate::engine::element::Plain;
use crate::engine::operand::{Fresh, Room, Source, assert_one_shape};
use crate::engine::plan::Plan;
use crate::engine::threads::{self, AssertSync, Kind, Parts, Team};
use crate::engine::{stream, wide};
use crate::layout::Layout;
use crate::storage::StorageBuilder;

/// Copies plain elements side by side, in row-major order, to fresh memory that has room for exactly
/// these. `false` if they are not plain: nothing is done then.
#[inline]
#[must_use]
pub(crate) fn extend<T, const N: usize>(
    out: &mut StorageBuilder<T>,
    source: Source<'_, T, N>,
) -> bool {
    if Plain::of::<T>().is_none() {
        return false;
    }
    let mut fresh = Fresh::new(out, *source.layout().shape());
    // SAFETY: `T` is plain, which was asked above.
    unsafe { all(fresh.room(), source) };
    // SAFETY: every element was written just now.
    unsafe { fresh.set_full() };
    true
}

/// Copies plain elements to others. `false` if they are not plain: nothing is done then.
#[inline]
#[must_use]
pub(crate) fn assign<T, const N: usize>(to: Room<'_, T, N>, source: Source<'_, T, N>) -> bool {
    if Plain::of::<T>().is_none() {
        return false;
    }
    // SAFETY: `T` is plain, which was asked above.
    unsafe { all(to, source) };
    true
}

/// Copies `value` to every place. `false` if it is not plain: nothing is done then.
#[inline]
#[must_use]
pub(crate) fn fill<T, const N: usize>(to: Room<'_, T, N>, value: &T) -> bool {
    let everywhere = Layout::from_checked(*to.layout().shape(), [0; N]);
    // SAFETY: the layout reaches nothing but `value`, which is borrowed.
    assign(to, unsafe {
        Source::new(std::ptr::NonNull::from(value), &everywhere)
    })
}

/// Copies all elements of a layout to the places of another.
///
/// # Safety
///
/// The elements are plain.
#[inline]
pub(crate) unsafe fn all<T, const N: usize>(mut to: Room<'_, T, N>, source: Source<'_, T, N>) {
    assert_one_shape(to.layout(), source.layout());
    if source.layout().is_empty() {
        return; // there can be 2^60 rows without elements
    }
    match Plan::new([to.layout(), source.layout()]) {
        // SAFETY: the plan walks the elements of both, which may be read and written (the
        // invariants of `Source` and `Room`).
        Some(plan) => unsafe { bits(&plan, to.first(), source.first()) },
        // More axes than a plan has room for.
        None => to.fill_from(source, |element| {
            // SAFETY: a readable element; it is plain, so that reading copies it (1 of
            // `Plain`).
            unsafe { std::ptr::from_ref(element).read() }
        }),
    }
}

/// Copies the elements of two layouts; `to` and `from` are those at index `[0, 0, ..]`.
///
/// # Safety
///
/// `T` is plain. Each element that the axes of the plan reach from its starts may be read on the side
/// of `from`, and written on the side of `to`; nothing else reads or writes the latter, and no two
/// positions reach the same one.
#[inline]
unsafe fn bits<T>(plan: &Plan<2>, to: *mut T, from: *const T) {
    let size = size_of::<T>();
    let bytes = plan.numel().saturating_mul(size);
    let row = kernels::longest_row(plan.axes()).saturating_mul(size);
    let streamed = stream::pays(bytes, row);
    // What is only written counts twice: per byte, fills take longer than copies.
    if let Some(team) = threads::team(bytes.saturating_mul(2), &Kind::MEMORY) {
        // SAFETY: the caller promises the elements, and that they are plain.
        return unsafe { on_threads(team, plan, to, from, streamed) };
    }
    // SAFETY: the caller promises the elements, and that they are plain.
    unsafe { section(plan, to, from, streamed) };
}

/// Copies the elements of a plan, or of a section of one, on the calling thread. `streamed` is what
/// [`stream::pays`] says of the whole.
///
/// # Safety
///
/// As for `bits`, for the elements of this plan.
#[inline]
unsafe fn section<T>(plan: &Plan<2>, to: *mut T, from: *const T, streamed: bool) {
    let to = to.wrapping_offset(plan.start(0)).cast::<u8>();
    let from = from.wrapping_offset(plan.start(1)).cast::<u8>();
    let _fence = stream::StoreFence::of(streamed);
    // SAFETY: the caller promises the elements; plain ones have the size and alignment of an
    // integer. The fence is dropped before anybody else reads them.
    unsafe { walk(size_of::<T>(), plan, to, from, streamed) };
}

/// Copies the elements of a plan on the threads of a team.
///
/// # Safety
///
/// As for `bits`, all of whose elements it copies.
#[cold]
#[inline(never)]
unsafe fn on_threads<T>(team: Team, plan: &Plan<2>, to: *mut T, from: *const T, streamed: bool) {
    let Some((axis, parts)) = Parts::of(plan, 2 * plan.numel() * size_of::<T>()) else {
        unreachable!("one element is not worth a team")
    };
    // SAFETY: plain elements may be read and written by any thread, and sections of a plan write
    // different ones, none of which is read.
    let ends = unsafe { AssertSync::new((to, from)) };
    team.run(0..parts.count(), |number| {
        let (to, from) = ends.get();
        let plan = plan.section(axis, parts.range(number));
        // SAFETY: a section of what the caller promises, which no other thread is given.
        unsafe { section(&plan, to, from, streamed) };
    });
}

/// Copies elements of this many bytes, from the starts of a plan.
///
/// # Safety
///
/// As for `bits`, with both addresses already at the starts of the plan; the elements are plain, and
/// `size` bytes large each.
#[inline]
pub(crate) unsafe fn elements(size: usize, plan: &Plan<2>, to: *mut u8, from: *const u8) {
    // SAFETY: the caller promises the elements.
    unsafe { walk(size, plan, to, from, false) };
}

/// As `elements`; past the caches if `streamed`.
///
/// # Safety
///
/// As for `elements`. If `streamed`, whoever reads or writes the elements next, on another thread too,
/// does so after a [`stream::StoreFence`] was dropped.
unsafe fn walk(size: usize, plan: &Plan<2>, to: *mut u8, from: *const u8, streamed: bool) {
    /// # Safety
    ///
    /// As for `walk`, for elements of the size of `E`.
    unsafe fn run<E: element::Element>(
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
            // SAFETY: the one axis is `len` elements side by side, which the caller promises.
            return unsafe { dst.copy_from_nonoverlapping(src, one.len) };
        }
        // SAFETY: the caller promises what the axes reach.
        wide::run(unsafe { kernels::PlannedCopy::new(dst, src, axes, streamed) });
    }
    #[allow(clippy::multiple_unsafe_ops_per_block, reason = "one of them is run")]
    // SAFETY: the caller promises elements of this size. Integers of a size have the alignment of
    // all plain types of it.
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
