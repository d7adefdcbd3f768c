//! What gives other tensors and views of the same elements.

use std::ops::Range;

use kornia_tensor::{FromEnd, Nat, Pred, Succ, TensorError, step};
use ndarray::{ArrayViewD, Axis, Ix3, IxDyn, Slice, s};
use proptest::sample::Index;

use crate::recipe::Recipe;
use crate::{both, same, same_elements};

/// A range of an axis and a step.
fn bounds(len: usize, [a, b, by]: [Index; 3]) -> (Range<usize>, usize) {
    let (a, b) = (a.index(len + 1), b.index(len + 1));
    (a.min(b)..a.max(b), 1 + by.index(3))
}

pub(crate) fn slicing<const N: usize>(recipe: &Recipe, picks: [[Index; 3]; 4]) {
    let (ours, mut theirs) = both::<N>(recipe);
    let cuts = std::array::from_fn::<_, N, _>(|axis| bounds(ours.shape()[axis], picks[axis]));
    let sliced = ours.slice(cuts.clone().map(|(range, by)| step(range, by)));
    let mut narrowed = ours;
    for (axis, (range, by)) in cuts.into_iter().enumerate() {
        theirs.slice_axis_inplace(Axis(axis), Slice::from(range.clone()).step_by(by as isize));
        narrowed = narrowed.narrow(axis, step(range, by));
    }
    same(&sliced, theirs.view());
    same(&narrowed, theirs.view());
}

pub(crate) fn indexing(recipe: &Recipe, picks: [[Index; 3]; 4]) {
    let (ours, theirs) = both::<3>(recipe);
    let theirs = theirs.into_dimensionality::<Ix3>().unwrap();
    if ours.is_empty() {
        return;
    }
    let [h, w, c] = *ours.shape();
    let [(a, a_by), (b, b_by), (d, _)] = [
        bounds(h, picks[0]),
        bounds(w, picks[1]),
        bounds(c, picks[2]),
    ];
    let [y, x, z] = [
        picks[0][0].index(h),
        picks[1][0].index(w),
        picks[2][0].index(c),
    ];
    let there = theirs.slice(s![a.clone();a_by, x, d.clone()]);
    same(
        &ours.slice((step(a.clone(), a_by), x, d.clone())),
        there.into_dyn(),
    );
    let there = theirs.slice(s![y, b.clone();b_by, -1]);
    same(
        &ours.slice((y, step(b.clone(), b_by), FromEnd(1))),
        there.into_dyn(),
    );
    let there = theirs.slice(s![.., ..=x, z]);
    same(&ours.slice((.., ..=x, z)), there.into_dyn());
    let there = theirs.slice(s![y.., x, z]);
    same(&ours.slice((y.., x, z)), there.into_dyn());
    let there = theirs.slice(s![y, x, z]);
    same(&ours.slice((y, x, z)), there.into_dyn());
    let there = theirs.slice(s![..y, -1.., ..]);
    same(&ours.slice((..y, FromEnd(1).., ..)), there.into_dyn());
}

pub(crate) fn arranging<const N: usize>(recipe: &Recipe, pick: Index, order: [usize; 4]) {
    let (ours, mut theirs) = both::<N>(recipe);
    same(&ours.transpose(), theirs.t());
    let mut order = order.iter().copied().filter(|&axis| axis < N);
    let order = std::array::from_fn::<_, N, _>(|_| order.next().unwrap());
    let there = theirs.view().permuted_axes(IxDyn(&order));
    same(&ours.permute_axes(order).unwrap(), there);
    let axis = pick.index(N);
    theirs.invert_axis(Axis(axis));
    same(&ours.flip(axis), theirs.view());
}

/// To shapes with as many elements: two axes joined, one split, or anything.
pub(crate) fn reshaping<const N: usize>(recipe: &Recipe, cuts: &[Index], pick: Index) {
    fn check<const N: usize, const M: usize>(recipe: &Recipe, shape: &[usize]) {
        let (ours, theirs) = both::<N>(recipe);
        let to: [usize; M] = shape.try_into().unwrap();
        let there = theirs.to_shape(IxDyn(shape)).unwrap();
        match ours.reshape(to) {
            Ok(here) => {
                same(&here, there.view());
                assert!(there.is_view() || here.is_empty());
                assert!(here.shares_memory_with(&ours));
            }
            Err(TensorError::ReshapeNeedsCopy { .. }) => assert!(!there.is_view()),
            Err(error) => panic!("{error}"),
        }
        let here = ours.view().reshape(to);
        assert_eq!(here.is_ok(), ours.reshape(to).is_ok());
        same_elements(&ours.contiguous().reshape(to).unwrap(), there.view());
    }
    let check = |shape: &[usize]| match shape.len() {
        0 => check::<N, 0>(recipe, shape),
        1 => check::<N, 1>(recipe, shape),
        2 => check::<N, 2>(recipe, shape),
        3 => check::<N, 3>(recipe, shape),
        4 => check::<N, 4>(recipe, shape),
        _ => check::<N, 5>(recipe, shape),
    };
    let ours = recipe.tensor::<N>();
    let divisor = |len: usize, pick: &Index| {
        let divisors: Vec<usize> = (1..=len).filter(|d| len.is_multiple_of(*d)).collect();
        *pick.get(&divisors)
    };
    let mut left = ours.numel();
    if left > 0 {
        let mut shape = Vec::new();
        for cut in cuts {
            let part = divisor(left, cut);
            left /= part;
            shape.push(part);
        }
        shape.push(left);
        check(&shape);
    }
    check(&[ours.numel()]);
    if N > 0 {
        let axis = pick.index(N);
        let mut shape = ours.shape().to_vec();
        let part = divisor(shape[axis].max(1), &pick);
        shape[axis] /= part;
        shape.insert(axis, part);
        check(&shape);
    }
    if N > 1 {
        let axis = pick.index(N - 1);
        let mut shape = ours.shape().to_vec();
        shape[axis] *= shape.remove(axis + 1);
        check(&shape);
    }
}

pub(crate) fn selecting<const N: usize, const M: usize>(recipe: &Recipe, axis: Index, pick: Index)
where
    Nat<N>: Pred<Prev = Nat<M>>,
{
    let (ours, theirs) = both::<N>(recipe);
    let axis = axis.index(N);
    let len = ours.shape()[axis];
    if len > 0 {
        let index = pick.index(len);
        same(
            &ours.select(axis, index),
            theirs.index_axis(Axis(axis), index),
        );
    }
    let there = theirs.axis_iter(Axis(axis));
    assert_eq!(ours.axis_iter(axis).len(), there.len());
    for (here, there) in ours.axis_iter(axis).zip(there.clone()) {
        same(&here, there);
    }
    for (here, there) in ours.view().axis_iter(axis).rev().zip(there.rev()) {
        same(here, there);
    }
}

pub(crate) fn inserting<const N: usize, const M: usize>(recipe: &Recipe, axis: Index)
where
    Nat<N>: Pred<Prev = Nat<M>>,
    Nat<M>: Succ<Next = Nat<N>>,
{
    let (ours, mut theirs) = both::<N>(recipe);
    let axis = axis.index(N);
    if ours.is_empty() {
        return;
    }
    let last = ours.shape()[axis] - 1;
    let one = ours.narrow(axis, last..);
    theirs.collapse_axis(Axis(axis), last);
    same(&one, theirs.view());
    let without = one.remove_axis(axis);
    let there = theirs.remove_axis(Axis(axis));
    same(&without, there.view());
    same(
        &without.insert_axis(axis),
        there.insert_axis(Axis(axis)).view(),
    );
}

pub(crate) fn splitting<const N: usize>(recipe: &Recipe, axis: Index, at: Index) {
    let (ours, theirs) = both::<N>(recipe);
    let axis = axis.index(N);
    let len = ours.shape()[axis];
    let at = at.index(len + 1);
    let (first, second) = ours.split_at(axis, at);
    let (their_first, their_second) = theirs.view().split_at(Axis(axis), at);
    same(&first, their_first);
    same(&second, their_second);

    let size = at + 1;
    let there = theirs.axis_chunks_iter(Axis(axis), size);
    assert_eq!(ours.chunks(axis, size).len(), there.len());
    for (here, there) in ours.chunks(axis, size).zip(there.clone()) {
        same(&here, there);
    }
    for (here, there) in ours.view().chunks(axis, size).rev().zip(there.rev()) {
        same(here, there);
    }
}

pub(crate) fn tiling<const N: usize>(recipe: &Recipe, sizes: [Index; 4]) {
    let (ours, theirs) = both::<N>(recipe);
    let shape = *ours.shape();
    let size = std::array::from_fn::<_, N, _>(|axis| 1 + sizes[axis].index(shape[axis] + 1));
    let tiles: Vec<_> = ours.tiles(size).collect();
    assert_eq!(ours.tiles(size).len(), tiles.len());
    // ndarray's debug build overflows in `exact_chunks` where a stride is negative.
    if theirs.strides().iter().all(|&stride| stride >= 0) {
        let whole = tiles.iter().filter(|(_, tile)| *tile.shape() == size);
        let exact = || theirs.exact_chunks(IxDyn(&size)).into_iter();
        assert_eq!(whole.clone().count(), exact().count());
        for ((_, here), there) in whole.zip(exact()) {
            same(here, there);
        }
    }
    let mut visited = 0;
    for (origin, tile) in &tiles {
        let there = theirs.slice_each_axis(|axis| {
            let start = origin[axis.axis.index()];
            Slice::from(start..(start + size[axis.axis.index()]).min(axis.len))
        });
        same(tile, there);
        visited += tile.numel();
    }
    assert_eq!(visited, ours.numel());
    assert!(
        tiles.is_sorted_by(|(a, _), (b, _)| a < b),
        "origins are in row-major order"
    );
    let back = ours.view().tiles(size).rev();
    assert!(
        back.eq(tiles
            .iter()
            .rev()
            .map(|(origin, tile)| (*origin, tile.view())))
    );
}

pub(crate) fn windowing<const N: usize, const M: usize>(recipe: &Recipe, axis: Index, size: Index)
where
    Nat<N>: Succ<Next = Nat<M>>,
    Nat<M>: Pred<Prev = Nat<N>>,
{
    let (ours, theirs) = both::<N>(recipe);
    let axis = axis.index(N);
    let len = ours.shape()[axis];
    let size = 1 + size.index(len + 1);
    if size > len {
        let refused = ours.view().try_windows(axis, size);
        assert!(matches!(refused, Err(TensorError::WindowTooLong { .. })));
        return;
    }
    let here = ours.view().windows(axis, size);
    if here.is_empty() {
        return; // ndarray's `axis_windows` panics where another axis has length 0
    }
    let there: Vec<_> = theirs.axis_windows(Axis(axis), size).into_iter().collect();
    assert_eq!(here.shape()[axis], there.len());
    for (here, there) in here.axis_iter(axis).zip(there) {
        // The window is the axis itself there, and a new last one here.
        let mut axes: Vec<usize> = (0..N).filter(|&a| a != axis).collect();
        axes.push(axis);
        same(here, there.permuted_axes(IxDyn(&axes)));
    }
}

pub(crate) fn neighbourhoods(recipe: &Recipe, sizes: [Index; 2]) {
    let (ours, theirs) = both::<2>(recipe);
    let [h, w] = *ours.shape();
    if ours.is_empty() {
        return;
    }
    let (high, wide) = (1 + sizes[0].index(h), 1 + sizes[1].index(w));
    let here = ours.view().windows(0, high).windows(1, wide);
    let there = theirs.windows(IxDyn(&[high, wide]));
    assert_eq!(here.shape()[0] * here.shape()[1], there.into_iter().count());
    let there = theirs.windows(IxDyn(&[high, wide])).into_iter();
    for (number, there) in there.enumerate() {
        let (y, x) = (number / here.shape()[1], number % here.shape()[1]);
        same(here.slice((y, x, .., ..)), there);
    }
}

pub(crate) fn rows<const N: usize>(recipe: &Recipe) {
    let (ours, theirs) = both::<N>(recipe);
    // `to_slice` says of each part along the first axis whether its elements lie side by side.
    let parts = theirs.axis_iter(Axis(0));
    let there: Vec<ArrayViewD<'_, i32>> = if N > 1 {
        parts.collect()
    } else {
        vec![theirs.view()]
    };
    let slices: Option<Vec<&[i32]>> = there.iter().map(|row| row.to_slice()).collect();
    match (ours.view().try_rows(), slices) {
        (Ok(here), Some(there)) => {
            assert_eq!(here.len(), there.len());
            assert!(here.clone().rev().eq(there.iter().rev().copied()));
            assert!(here.eq(there));
        }
        (Err(TensorError::NotContiguous { .. }), None) => {}
        (here, there) => panic!("{here:?} here, {there:?} there"),
    }
}
