//! The same operations here and in ndarray, on random layouts: zero-length axes, steps, negative
//! strides and axes in any order.

#[path = "random/config.rs"]
mod config;
#[path = "ndarray/elements.rs"]
mod elements;
#[path = "random/recipe.rs"]
mod recipe;
#[path = "ndarray/verbs.rs"]
mod verbs;

use std::fmt::Debug;

use kornia_tensor::{Tensor, TensorView};
use ndarray::{ArcArray, ArrayBase, ArrayViewD, Axis, IxDyn, RawData, Slice};
use proptest::prelude::*;
use proptest::sample::Index;
use recipe::{Recipe, at_rank, at_ranks, recipes};

type Theirs = ArcArray<i32, IxDyn>;

/// The larger tensor of a recipe, in ndarray.
fn their_base<const N: usize>(recipe: &Recipe) -> Theirs {
    let base = recipe.base::<N>();
    ArcArray::from_shape_vec(IxDyn(base.shape()), base.into_vec()).unwrap()
}

/// The part of it that the recipe wants.
fn their_part<S: RawData, const N: usize>(
    recipe: &Recipe,
    mut array: ArrayBase<S, IxDyn>,
) -> ArrayBase<S, IxDyn> {
    for (axis, (range, by)) in recipe.cuts::<N>().into_iter().enumerate() {
        array.slice_axis_inplace(Axis(axis), Slice::from(range).step_by(by as isize));
    }
    recipe
        .flips()
        .for_each(|axis| array.invert_axis(Axis(axis)));
    array.permuted_axes(IxDyn(&recipe.order::<N>()))
}

/// A tensor from a recipe, here and there.
fn both<const N: usize>(recipe: &Recipe) -> (Tensor<i32, N>, Theirs) {
    let theirs = their_part::<_, N>(recipe, their_base::<N>(recipe));
    (recipe.tensor(), theirs)
}

/// Shapes and elements are the same.
#[track_caller]
fn same_elements<'a, T: PartialEq + Debug + 'a, const N: usize>(
    ours: impl Into<TensorView<'a, T, N>>,
    theirs: ArrayViewD<'_, T>,
) {
    let ours = ours.into();
    assert_eq!(&ours.shape()[..], theirs.shape());
    assert!(ours.iter().eq(&theirs), "{ours:?} here, {theirs:?} there");
}

/// Shapes, elements and, where they matter, strides are the same.
#[track_caller]
fn same<'a, T: PartialEq + Debug + 'a, const N: usize>(
    ours: impl Into<TensorView<'a, T, N>>,
    theirs: ArrayViewD<'_, T>,
) {
    let ours = ours.into();
    same_elements(ours, theirs.view());
    for axis in 0..N {
        if !ours.is_empty() && ours.shape()[axis] > 1 {
            let (here, there) = (ours.strides()[axis], theirs.strides()[axis]);
            assert_eq!(here, there, "stride of axis {axis}");
        }
    }
}

proptest! {
    #![proptest_config(config::config(4))]

    #[test]
    fn iteration_orders_and_indices_agree(recipe in recipes(0..=4)) {
        at_rank!(recipe, elements::orders());
    }

    #[test]
    fn map_cast_fold_and_zip_with_agree(recipe in recipes(0..=4)) {
        at_rank!(recipe, elements::computing());
    }

    #[test]
    fn equality_is_about_shapes_and_elements(recipe in recipes(0..=4), pick: Index) {
        at_rank!(recipe, elements::equality(pick));
    }

    #[test]
    fn broadcasts_agree_and_are_refused_together(
        recipe in recipes(0..=4),
        leading in prop::collection::vec(0..=3usize, 0..=1),
        stretch: [Index; 4],
        wrong in prop::option::weighted(0.2, any::<Index>()),
    ) {
        at_rank!(recipe, elements::broadcasting(&leading, stretch, wrong));
    }

    #[test]
    fn fill_assign_apply_and_iter_mut_write_the_same_elements(recipe in recipes(0..=4)) {
        at_rank!(recipe, elements::writing());
    }

    #[test]
    fn slices_by_ranges_agree(recipe in recipes(0..=4), bounds: [[Index; 3]; 4]) {
        at_rank!(recipe, verbs::slicing(bounds));
    }

    #[test]
    fn slices_by_ranges_and_indices_agree(recipe in recipes(3..=3), bounds: [[Index; 3]; 4]) {
        verbs::indexing(&recipe, bounds);
    }

    #[test]
    fn flips_and_orders_of_axes_agree(
        recipe in recipes(1..=4),
        pick: Index,
        order in Just([0, 1, 2, 3]).prop_shuffle(),
    ) {
        at_rank!(recipe, verbs::arranging(pick, order));
    }

    #[test]
    fn reshape_gives_a_view_exactly_when_ndarray_can(
        recipe in recipes(0..=4),
        cuts in prop::collection::vec(any::<Index>(), 0..=4),
        join: Index,
    ) {
        at_rank!(recipe, verbs::reshaping(&cuts, join));
    }

    #[test]
    fn select_and_axis_iter_agree(recipe in recipes(1..=4), axis: Index, pick: Index) {
        at_ranks!(recipe, verbs::selecting(axis, pick));
    }

    #[test]
    fn axes_of_length_1_come_and_go_alike(recipe in recipes(1..=4), axis: Index) {
        at_ranks!(recipe, verbs::inserting(axis));
    }

    #[test]
    fn split_at_and_chunks_agree(recipe in recipes(1..=4), axis: Index, at: Index) {
        at_rank!(recipe, verbs::splitting(axis, at));
    }

    #[test]
    fn whole_tiles_are_exact_chunks_and_the_others_slices(
        recipe in recipes(0..=4),
        sizes: [Index; 4],
    ) {
        at_rank!(recipe, verbs::tiling(sizes));
    }

    #[test]
    fn windows_agree(recipe in recipes(1..=3), axis: Index, size: Index) {
        match recipe.rank() {
            1 => verbs::windowing::<1, 2>(&recipe, axis, size),
            2 => verbs::windowing::<2, 3>(&recipe, axis, size),
            _ => verbs::windowing::<3, 4>(&recipe, axis, size),
        }
    }

    #[test]
    fn windows_over_two_axes_agree(recipe in recipes(2..=2), sizes: [Index; 2]) {
        verbs::neighbourhoods(&recipe, sizes);
    }

    #[test]
    fn rows_agree_and_are_refused_where_they_are_no_slices(recipe in recipes(1..=4)) {
        at_rank!(recipe, verbs::rows());
    }
}
