//! Sums and extremes.

mod axis;
mod summand;

use std::ops::ControlFlow;

use super::parallel::Walk;
use super::runs::Operand;
use crate::TensorView;
use crate::engine::element::Plain;
use crate::engine::threads::{self, Kind, PART, Together};
use crate::engine::wide::{self, Kernel};

pub(crate) use axis::sum_axis;
pub use summand::Summand;

/// Accumulators that are filled side by side: some vectors, on every processor.
const LANES: usize = 64;

/// The sum of all elements, before it is rounded.
pub(crate) fn total<T: Summand, const N: usize>(view: TensorView<'_, T, N>) -> T::Total {
    let add = |total, elements: &[T]| wide::run(Sum { total, elements });
    over_stretches(view, T::NOTHING, add, T::join)
}

/// The smallest and the largest element that are equal to themselves.
pub(crate) fn min_max<T, const N: usize>(view: TensorView<'_, T, N>) -> Option<(T, T)>
where
    T: PartialOrd + Copy,
{
    let widen = |bounds, elements: &[T]| {
        // Lanes are many elements on the stack.
        if size_of::<T>() <= 16 {
            wide::run(MinMax { bounds, elements })
        } else {
            one_by_one(bounds, elements)
        }
    };
    let join = |bounds: Option<(T, T)>, others: Option<(T, T)>| match (bounds, others) {
        (Some((low, high)), Some(other)) => Some((lower(low, other.0), higher(high, other.1))),
        (bounds, others) => bounds.or(others),
    };
    let bounds = over_stretches(view, None, widen, join);
    #[allow(clippy::eq_op, reason = "that is what tells NaN")]
    bounds.filter(|(low, _)| low == low)
}

fn one_by_one<T: PartialOrd + Copy>(bounds: Option<(T, T)>, elements: &[T]) -> Option<(T, T)> {
    elements.iter().fold(bounds, |bounds, &element| {
        let (low, high) = bounds.unwrap_or((element, element));
        Some((lower(low, element), higher(high, element)))
    })
}

/// Folds stretches of elements that lie side by side, all elements in no particular order, part by
/// part, and joins what the parts give in their order. `init` is nothing, for both.
///
/// The parts follow from the layout alone: the result is the same however many threads there are.
fn over_stretches<T, A: Copy, const N: usize>(
    view: TensorView<'_, T, N>,
    init: A,
    f: impl Fn(A, &[T]) -> A + Sync,
    join: impl Fn(A, A) -> A,
) -> A {
    if let Some(elements) = view.contiguous()
        && size_of_val(elements) <= PART
    {
        return f(init, elements);
    }
    let operands = [Operand::read(view.first().as_ptr())];
    // SAFETY: N1: V1. D1: nothing is written, and plain elements may be read by any thread.
    let walk = super::plan_of([view.layout()], &operands)
        .and_then(|plan| unsafe { Walk::new(plan, operands) });
    let Some(walk) = walk else {
        return view.iter().fold(init, |total, element| {
            f(total, std::slice::from_ref(element))
        });
    };
    let part = |number, init: A| {
        let mut state = init;
        walk.part(number, |[first], len| {
            let first = first.cast_const().cast();
            // SAFETY: N1: elements of the view, or copies of them, that may be read.
            state = f(state, unsafe { std::slice::from_raw_parts(first, len) });
            ControlFlow::Continue(())
        });
        state
    };
    let bytes = view.numel().saturating_mul(size_of::<T>());
    if Plain::of::<T>().is_some()
        && let Some(team) = threads::team(bytes, &Kind::MEMORY)
    {
        let mut states = vec![init; walk.parts().len()];
        // SAFETY: D1: one for each part; made of plain elements, or of numbers that hold more.
        let ends = unsafe { Together::new((states.as_mut_ptr(), init)) };
        team.run(walk.parts(), |number| {
            let (states, init) = ends.get();
            // SAFETY: there are as many as there are parts.
            unsafe { states.wrapping_add(number).write(part(number, init)) };
        });
        return states.into_iter().reduce(join).unwrap_or(init);
    }
    let states = walk.parts().map(|number| part(number, init));
    states.reduce(join).unwrap_or(init)
}

/// Adds elements to a total.
struct Sum<'a, T: Summand> {
    total: T::Total,
    elements: &'a [T],
}

impl<T: Summand> Kernel for Sum<'_, T> {
    type Output = T::Total;

    #[inline(always)]
    fn run(self) -> T::Total {
        let mut total = self.total;
        for stretch in self.elements.chunks(LANES * T::STRETCH) {
            let (blocks, rest) = stretch.as_chunks::<LANES>();
            let lanes = Self::add(blocks);
            let mut few = [T::ZERO; LANES];
            for (lane, &element) in few.iter_mut().zip(rest) {
                *lane = T::add(*lane, element);
            }
            total = match T::gather(total, &lanes) {
                Some(total) => T::gather(total, &few),
                None => None,
            }
            .unwrap_or_else(|| T::slowly(total, stretch.iter().copied()));
        }
        total
    }
}

impl<T: Summand> Sum<'_, T> {
    /// Apart from what follows, so that the lanes stay in registers.
    #[inline(always)]
    fn add(blocks: &[[T; LANES]]) -> [T::Lane; LANES] {
        let mut lanes = [T::ZERO; LANES];
        for block in blocks {
            for at in 0..LANES {
                lanes[at] = T::add(lanes[at], block[at]);
            }
        }
        lanes
    }
}

/// Widens bounds by elements.
struct MinMax<'a, T> {
    bounds: Option<(T, T)>,
    elements: &'a [T],
}

impl<T: PartialOrd + Copy> Kernel for MinMax<'_, T> {
    type Output = Option<(T, T)>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let Some(first) = self.elements.first() else {
            return self.bounds;
        };
        let (low, high) = self.bounds.unwrap_or((*first, *first));
        let (blocks, rest) = self.elements.as_chunks::<LANES>();
        let (lows, highs) = Self::bounds(blocks, low, high);
        let low = lows
            .into_iter()
            .chain(rest.iter().copied())
            .fold(low, lower);
        let high = highs
            .into_iter()
            .chain(rest.iter().copied())
            .fold(high, higher);
        Some((low, high))
    }
}

impl<T: PartialOrd + Copy> MinMax<'_, T> {
    /// Apart from what follows, so that the lanes stay in registers.
    #[inline(always)]
    fn bounds(blocks: &[[T; LANES]], low: T, high: T) -> ([T; LANES], [T; LANES]) {
        let (mut lows, mut highs) = ([low; LANES], [high; LANES]);
        for block in blocks {
            for at in 0..LANES {
                lows[at] = lower(lows[at], block[at]);
                highs[at] = higher(highs[at], block[at]);
            }
        }
        (lows, highs)
    }
}

#[inline(always)]
#[allow(clippy::eq_op, reason = "that is what tells NaN")]
fn lower<T: PartialOrd + Copy>(low: T, element: T) -> T {
    if element < low || low != low {
        element
    } else {
        low
    }
}

#[inline(always)]
#[allow(clippy::eq_op, reason = "that is what tells NaN")]
fn higher<T: PartialOrd + Copy>(high: T, element: T) -> T {
    if element > high || high != high {
        element
    } else {
        high
    }
}
