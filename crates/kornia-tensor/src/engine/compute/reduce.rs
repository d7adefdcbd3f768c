//! Sums and extremes.

mod axis;
mod lanes;
mod summand;

use std::ops::ControlFlow;

use super::parallel::DividedPass;
use super::runs::{self, Operand};
use crate::engine::element::Plain;
use crate::engine::operand::Source;
use crate::engine::threads::{self, AssertSync, Kind};
use crate::engine::tuning::TUNING;
use crate::engine::wide::{self, Kernel};

pub(crate) use axis::sum_axis;
pub use summand::Summand;

/// Accumulators that are filled side by side: some vectors, on every processor.
const LANES: usize = 64;

/// The sum of all elements, before it is rounded.
pub(crate) fn total<T: Summand, const N: usize>(source: Source<'_, T, N>) -> T::Total {
    let add = |total, elements: &[T]| wide::run(Sum { total, elements });
    over_stretches(source, T::NOTHING, add, T::join)
}

/// The smallest and the largest element that are equal to themselves.
pub(crate) fn min_max<T, const N: usize>(source: Source<'_, T, N>) -> Option<(T, T)>
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
    let bounds = over_stretches(source, None, widen, join);
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
    source: Source<'_, T, N>,
    init: A,
    f: impl Fn(A, &[T]) -> A + Sync,
    join: impl Fn(A, A) -> A,
) -> A {
    if let Some(elements) = source.contiguous()
        && size_of_val(elements) <= TUNING.part_bytes
    {
        return f(init, elements);
    }
    let operands = [Operand::read(source.first())];
    // SAFETY: the plan reaches what the layout does, which may be read (the invariant of `Source`),
    // and can be walked (`plan_of`). Parts go to several threads only if the elements are plain.
    let pass = runs::plan_of([source.layout()], &operands)
        .and_then(|plan| unsafe { DividedPass::new(plan, operands) });
    let Some(pass) = pass else {
        let mut state = init;
        source.for_each(|element| state = f(state, std::slice::from_ref(element)));
        return state;
    };
    let part = |number, init: A| {
        let mut state = init;
        let each = |[first]: [*mut u8; 1], len| {
            let first = first.cast_const().cast();
            // SAFETY: a pass gives the address of `len` elements side by side, to read.
            state = f(state, unsafe { std::slice::from_raw_parts(first, len) });
            ControlFlow::Continue(())
        };
        // SAFETY: nothing is written, so several threads may do the same part.
        unsafe { pass.part(number, each) };
        state
    };
    let bytes = source.layout().numel().saturating_mul(size_of::<T>());
    if Plain::of::<T>().is_some()
        && let Some(team) = threads::team(bytes, &Kind::MEMORY)
    {
        let mut states = vec![init; pass.parts().len()];
        // SAFETY: each part writes a state of its own. They are plain elements, or made of numbers.
        let ends = unsafe { AssertSync::new((states.as_mut_ptr(), init)) };
        team.run(pass.parts(), |number| {
            let (states, init) = ends.get();
            // SAFETY: there are as many states as parts, and no part is done twice.
            unsafe { states.wrapping_add(number).write(part(number, init)) };
        });
        return states.into_iter().reduce(join).unwrap_or(init);
    }
    let states = pass.parts().map(|number| part(number, init));
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
            total = match T::collect(total, &lanes) {
                Some(total) => T::collect(total, &few),
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
