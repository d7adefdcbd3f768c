//! Random tensors in random layouts: cut out of a larger one by ranges with steps, with axes that
//! are flipped, swapped, or of length 0.

use std::fmt;
use std::ops::{Range, RangeInclusive};

use kornia_tensor::{Step, Tensor, TensorViewMut, step};
use proptest::prelude::*;

/// How to make a tensor: the axes of a larger one, each of them cut, then put into an order.
#[derive(Clone)]
pub(crate) struct Recipe {
    axes: Vec<Axis>,
    order: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Axis {
    /// Length after the cut.
    len: usize,
    /// Elements cut off before and after.
    margins: (usize, usize),
    step: usize,
    flipped: bool,
}

/// Recipes for tensors of these ranks. A third of them make tensors in standard layout.
pub(crate) fn recipes(ranks: RangeInclusive<usize>) -> impl Strategy<Value = Recipe> {
    ranks.prop_flat_map(|rank| {
        let whole = len().prop_map(Axis::whole);
        let axis = prop_oneof![2 => len().prop_map(Axis::whole), 3 => cut()];
        let order: Vec<usize> = (0..rank).collect();
        let plain = (prop::collection::vec(whole, rank), Just(order.clone()));
        let crop = (
            prop::collection::vec(axis.clone(), rank),
            Just(order.clone()),
        );
        let any = (
            prop::collection::vec(axis, rank),
            Just(order).prop_shuffle(),
        );
        prop_oneof![plain, crop, any].prop_map(|(axes, order)| Recipe { axes, order })
    })
}

fn len() -> impl Strategy<Value = usize> + Clone {
    prop_oneof![24 => 1..=4usize, 1 => Just(0)]
}

fn cut() -> impl Strategy<Value = Axis> + Clone {
    (len(), (0..=2usize, 0..=2usize), 1..=3usize, any::<bool>()).prop_map(
        |(len, margins, step, flipped)| Axis {
            len,
            margins,
            step,
            flipped,
        },
    )
}

impl Axis {
    fn whole(len: usize) -> Self {
        Axis {
            len,
            margins: (0, 0),
            step: 1,
            flipped: false,
        }
    }

    fn range(&self) -> Range<usize> {
        let extent = self.len.saturating_sub(1) * self.step + self.len.min(1);
        self.margins.0..self.margins.0 + extent
    }
}

impl Recipe {
    pub(crate) fn rank(&self) -> usize {
        self.axes.len()
    }

    /// What to keep of each axis of the larger tensor: a range, and the step in it.
    pub(crate) fn cuts<const N: usize>(&self) -> [(Range<usize>, usize); N] {
        self.per_axis(|axis| (axis.range(), axis.step))
    }

    fn ranges<const N: usize>(&self) -> [Step<Range<usize>>; N] {
        self.cuts().map(|(range, by)| step(range, by))
    }

    /// The axes to flip then.
    pub(crate) fn flips(&self) -> impl Iterator<Item = usize> {
        (0..self.rank()).filter(|&axis| self.axes[axis].flipped)
    }

    /// The order to put the axes into in the end.
    pub(crate) fn order<const N: usize>(&self) -> [usize; N] {
        self.order[..].try_into().expect("the rank of the recipe")
    }

    fn per_axis<U, const N: usize>(&self, f: impl Fn(&Axis) -> U) -> [U; N] {
        assert_eq!(N, self.rank());
        std::array::from_fn(|axis| f(&self.axes[axis]))
    }

    /// The larger tensor, with elements 0, 1, 2, ..
    pub(crate) fn base<const N: usize>(&self) -> Tensor<i32, N> {
        let shape = self.per_axis(|axis| axis.range().end + axis.margins.1);
        let mut next = 0..;
        Tensor::from_shape_fn(shape, |_| next.next().expect("no end"))
    }

    /// The tensor, and no other handle of its memory.
    pub(crate) fn tensor<const N: usize>(&self) -> Tensor<i32, N> {
        let cut = self.base().slice(self.ranges::<N>());
        let flipped = self.flips().fold(cut, |tensor, axis| tensor.flip(axis));
        flipped.permute_axes(self.order()).expect("each axis once")
    }

    /// The part of a larger tensor that `tensor` would be.
    pub(crate) fn part<'a, T, const N: usize>(
        &self,
        base: TensorViewMut<'a, T, N>,
    ) -> TensorViewMut<'a, T, N> {
        let cut = base.slice(self.ranges::<N>());
        let flipped = self.flips().fold(cut, |view, axis| view.flip(axis));
        flipped.permute_axes(self.order()).expect("each axis once")
    }
}

impl fmt::Debug for Recipe {
    /// Axes in their final order, on one line: `[axis 1: 1..4 of 5, step 2, flipped]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &number in &self.order {
            let axis = &self.axes[number];
            let (range, by) = (axis.range(), axis.step);
            let base_len = range.end + axis.margins.1;
            write!(f, "[axis {number}: {range:?} of {base_len}, step {by}")?;
            f.write_str(if axis.flipped { ", flipped]" } else { "]" })?;
        }
        Ok(())
    }
}

/// Calls a function with the rank of a recipe as its parameter.
macro_rules! at_rank {
    ($recipe:ident, $($function:ident)::+($($argument:expr),*)) => {
        match $recipe.rank() {
            0 => $($function)::+::<0>(&$recipe $(, $argument)*),
            1 => $($function)::+::<1>(&$recipe $(, $argument)*),
            2 => $($function)::+::<2>(&$recipe $(, $argument)*),
            3 => $($function)::+::<3>(&$recipe $(, $argument)*),
            _ => $($function)::+::<4>(&$recipe $(, $argument)*),
        }
    };
}

/// The same for functions that also need to know the rank below, so there has to be one.
macro_rules! at_ranks {
    ($recipe:ident, $($function:ident)::+($($argument:expr),*)) => {
        match $recipe.rank() {
            1 => $($function)::+::<1, 0>(&$recipe $(, $argument)*),
            2 => $($function)::+::<2, 1>(&$recipe $(, $argument)*),
            3 => $($function)::+::<3, 2>(&$recipe $(, $argument)*),
            _ => $($function)::+::<4, 3>(&$recipe $(, $argument)*),
        }
    };
}

pub(crate) use {at_rank, at_ranks};
