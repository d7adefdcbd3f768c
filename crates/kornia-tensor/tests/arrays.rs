//! Arrays of ndarray: every layout there and back on the same memory, for the ranks 0 to 6.

#[path = "random/config.rs"]
mod config;
#[path = "random/recipe.rs"]
#[allow(dead_code, unused_macros, unused_imports)] // each test file uses its own part
mod recipe;

use kornia_tensor::{Tensor, TensorError, TensorView, TensorViewMut};
use ndarray::{
    ArcArray, Array, ArrayView, ArrayViewMut, Axis, Dim, Dimension, Ix, ShapeBuilder, Slice,
};
use proptest::prelude::*;
use recipe::{Recipe, at_rank, recipes};

/// The same elements at the same addresses, by every index.
#[track_caller]
fn same<T: PartialEq + std::fmt::Debug, const N: usize>(
    ours: TensorView<'_, T, N>,
    theirs: &ArrayView<'_, T, Dim<[Ix; N]>>,
) where
    Dim<[Ix; N]>: Dimension,
{
    assert_eq!(theirs.shape(), ours.shape());
    assert!(ours.iter().eq(theirs.iter()));
    assert!(ours.iter().zip(theirs).all(|(a, b)| std::ptr::eq(a, b)));
}

/// Views there and back, for reading and for writing.
fn views<const N: usize>(view: TensorView<'_, i32, N>)
where
    Dim<[Ix; N]>: Dimension,
{
    let theirs: ArrayView<'_, i32, Dim<[Ix; N]>> = view.into();
    same(view, &theirs);
    let back: TensorView<'_, i32, N> = theirs.into();
    same(back, &theirs);
}

fn all_ways<const N: usize>(mut tensor: Tensor<i32, N>)
where
    Dim<[Ix; N]>: Dimension + 'static,
{
    views(tensor.view());
    let expected: Vec<i32> = tensor.iter().map(|element| element + 1).collect();
    let mut theirs: ArrayViewMut<'_, i32, Dim<[Ix; N]>> = tensor.view_mut().into();
    theirs.map_inplace(|element| *element += 1);
    let mut back = TensorViewMut::try_from(theirs).unwrap();
    assert!(
        back.iter_mut()
            .map(|element| *element)
            .eq(expected.iter().copied())
    );

    // Owned: an array of its own, in the order of memory of the tensor.
    let strides: ArrayView<'_, i32, Dim<[Ix; N]>> = tensor.view().into();
    let array: Array<i32, Dim<[Ix; N]>> = strides.to_owned();
    let shared: ArcArray<i32, Dim<[Ix; N]>> = array.clone().into_shared();
    let address = array.as_ptr();
    let ours = Tensor::from_ndarray(array).unwrap();
    assert!(ours.is_empty() || ours.as_ptr() == address);
    assert!(ours.iter().eq(&expected));
    let array = ours.try_into_ndarray().unwrap();
    assert!(array.is_empty() || array.as_ptr() == address);
    assert!(array.iter().eq(&expected));

    let ours = Tensor::from_arc_array(shared.clone()).unwrap();
    same(ours.view(), &shared.view());
    assert_eq!(
        ours.try_into_ndarray().unwrap_err().view().to_vec(),
        expected
    );
}

fn random<const N: usize>(recipe: &Recipe)
where
    Dim<[Ix; N]>: Dimension + 'static,
{
    all_ways::<N>(recipe.tensor());
}

proptest! {
    #![proptest_config(config::config(2))]

    #[test]
    fn random_layouts_go_there_and_back(recipe in recipes(0..=4)) {
        at_rank!(recipe, random());
    }
}

/// Crops, flips and orders of axes, all together.
fn ranks<const N: usize>(lens: [usize; N])
where
    Dim<[Ix; N]>: Dimension + 'static,
{
    let reversed: [usize; N] = std::array::from_fn(|axis| N - 1 - axis);
    for (flips, cropped) in (0..1 << N).flat_map(|flips| [(flips, false), (flips, true)]) {
        let mut next = 0..;
        let base = Tensor::from_shape_fn(lens, |_| next.next().unwrap());
        let tensor = (0..N).fold(base, |tensor, axis| {
            let from = if cropped { lens[axis] / 2 } else { 0 };
            let cut = tensor.narrow(axis, from..);
            if flips >> axis & 1 == 1 {
                cut.flip(axis)
            } else {
                cut
            }
        });
        let permuted = tensor.permute_axes(reversed).unwrap();
        drop(tensor); // the sole handle is left, so it is written
        all_ways(permuted);
    }
}

#[test]
fn all_ranks_go_there_and_back() {
    ranks([]);
    ranks([3]);
    ranks([2, 3]);
    if cfg!(not(miri)) {
        ranks([3, 2, 3]);
        ranks([2, 3, 1, 3]);
        ranks([2, 3, 2, 1, 2]);
        ranks([2, 1, 2, 3, 1, 2]);
    }
    ranks([2, 0, 3]); // nothing at all
}

#[test]
fn elements_that_are_shown_repeatedly_go_there_and_back_as_views() {
    let row = Tensor::from_shape_vec([1, 3], vec![1, 2, 3]).unwrap();
    views(row.view().broadcast_to([4, 3]).unwrap());
    views(row.view().flip(1).broadcast_to([2, 4, 3]).unwrap());
    views(row.view().windows(1, 2));

    let array = Array::from_vec(vec![1, 2, 3]);
    let repeated = array.broadcast((2, 3)).unwrap();
    let view: TensorView<'_, i32, 2> = repeated.into();
    assert_eq!(view.to_vec(), [1, 2, 3, 1, 2, 3]);
}

#[test]
fn arrays_of_a_part_of_their_memory_come_in_with_all_of_it() {
    let mut array = Array::from_shape_fn((6, 5), |(i, j)| 10 * i + j);
    array.slice_axis_inplace(Axis(0), Slice::new(1, Some(5), -1));
    array.slice_axis_inplace(Axis(1), Slice::new(0, None, 2));
    let expected = array.clone();
    let tensor = Tensor::from_ndarray(array).unwrap();
    assert_eq!(tensor.shape(), &[4, 3]);
    assert!(tensor.iter().eq(&expected));
    assert_eq!(tensor.retained_bytes(), 30 * size_of::<usize>());
    // A window of less than the whole `Vec`: it comes back.
    let tensor = tensor.try_into_ndarray().unwrap_err();
    assert!(tensor.iter().eq(&expected));
}

#[test]
fn the_vec_of_an_array_is_the_vec_of_the_tensor() {
    let elements = vec![1u8, 2, 3, 4, 5, 6];
    let address = elements.as_ptr();
    let array = Array::from_shape_vec((2, 3), elements).unwrap();
    let mut tensor = Tensor::from_ndarray(array).unwrap();
    tensor.as_mut_slice()[0] = 9;
    let elements = tensor.into_vec();
    assert_eq!((elements.as_ptr(), elements[0]), (address, 9));
}

#[test]
fn elements_are_dropped_once_whichever_way_they_went() {
    use std::sync::Arc;
    let element = Arc::new(());
    let elements = || Array::from_shape_fn((2, 3), |_| element.clone());
    let held = || {
        let mut element = element.clone();
        Arc::get_mut(&mut element).is_none()
    };
    let tensor = Tensor::from_ndarray(elements()).unwrap();
    let flipped = tensor.flip(1);
    drop(tensor);
    let array = flipped.try_into_ndarray().unwrap();
    drop(array);
    let shared = elements().into_shared();
    let tensor = Tensor::from_arc_array(shared.clone()).unwrap();
    drop(shared);
    assert!(held());
    drop(tensor.slice((0, ..)));
    drop(tensor);
    let mut element = element;
    assert!(Arc::get_mut(&mut element).is_some());
}

#[test]
fn strides_that_interleave_come_back_with_their_array() {
    let elements: Vec<u8> = (0..8).collect();
    let shape = (3, 2).strides((2, 3));
    let theirs = ArrayView::from_shape(shape, &elements).unwrap();
    let view: TensorView<'_, u8, 2> = theirs.into();
    assert_eq!(view.to_vec(), [0, 3, 2, 5, 4, 7]);
    // ndarray itself makes no owner of such strides; what repeats elements it does.
    let row = ArcArray::from_vec(vec![1u8, 2, 3]);
    let repeated: ArcArray<u8, _> = row.broadcast((2, 3)).unwrap().to_shared();
    assert!(Tensor::from_arc_array(repeated).is_ok()); // a copy of its own
}

#[test]
fn an_array_that_is_shared_is_read_only_and_copies_when_it_is_written() {
    let mut theirs = ArcArray::<u8, _>::zeros((2, 2));
    let mut ours = Tensor::from_arc_array(theirs.clone()).unwrap();
    assert_eq!(
        ours.try_view_mut().map(|_| ()),
        Err(TensorError::ReadOnlyStorage)
    );
    theirs[[0, 0]] = 1;
    ours.make_mut()[[0, 0]] = 2;
    assert_eq!((theirs[[0, 0]], ours[[0, 0]]), (1, 2));
}

#[test]
fn a_tensor_goes_to_a_thread_with_its_array() {
    let tensor = Tensor::from_ndarray(Array::<u8, _>::ones((8, 8))).unwrap();
    let shared = Tensor::from_arc_array(ArcArray::<u8, _>::ones((8, 8))).unwrap();
    let sums = std::thread::spawn(move || {
        let sum = |tensor: Tensor<u8, 2>| tensor.iter().map(|&x| u32::from(x)).sum::<u32>();
        sum(tensor) + sum(shared)
    });
    assert_eq!(sums.join().unwrap(), 128);
}
