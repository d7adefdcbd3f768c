//! `reshape`: a view exactly where strides exist.

use super::*;

/// The strides that `shape` would need over these offsets, if there are any: the step along
/// each axis is what the first step along it makes.
fn forced_strides<const M: usize>(all: &[isize], shape: [usize; M]) -> Option<Layout<M>> {
    let mut unit = 1;
    let mut strides = [0; M];
    for axis in (0..M).rev() {
        if shape[axis] > 1 {
            strides[axis] = all[unit] - all[0];
        }
        unit *= shape[axis];
    }
    let layout = Layout::new(shape, strides, 1).unwrap();
    (offsets(&layout) == all).then_some(layout)
}

fn check_reshape<const N: usize, const M: usize>(layout: &Layout<N>, shape: [usize; M]) {
    let all = offsets(layout);
    match layout.reshape(shape) {
        Ok(reshaped) => {
            assert_eq!(reshaped.shape(), &shape);
            assert_eq!(offsets(&reshaped), all, "{layout:?} became {reshaped:?}");
        }
        Err(TensorError::ReshapeMismatch { .. }) => {
            assert_ne!(
                all.len(),
                shape.iter().product::<usize>(),
                "{layout:?} to {shape:?}"
            );
        }
        Err(TensorError::ReshapeNeedsCopy { .. }) => {
            assert_eq!(
                all.len(),
                shape.iter().product::<usize>(),
                "{layout:?} to {shape:?}"
            );
            assert_eq!(forced_strides(&all, shape), None, "{layout:?} to {shape:?}");
        }
        Err(other) => panic!("{other}"),
    }
}

/// All shapes of rank `M` with `numel` elements and lengths up to 27.
fn shapes_of<const M: usize>(numel: usize) -> Vec<[usize; M]> {
    let candidates: Vec<_> = match numel {
        0 => vec![0, 1, 2],
        _ => (1..=27).filter(|&len| numel.is_multiple_of(len)).collect(),
    };
    let pick = |index: [usize; M]| index.map(|i| candidates[i]);
    indices(&[candidates.len(); M])
        .into_iter()
        .map(pick)
        .filter(|shape| shape.iter().product::<usize>() == numel)
        .collect()
}

#[test]
fn reshape_is_a_view_exactly_where_strides_exist() {
    // Miri is slow at listing shapes, so it gets those of a few sizes.
    let sizes = if cfg!(miri) { 3 } else { 28 };
    let ones: Vec<_> = (0..sizes).map(shapes_of::<1>).collect();
    let twos: Vec<_> = (0..sizes).map(shapes_of::<2>).collect();
    let threes: Vec<_> = (0..sizes).map(shapes_of::<3>).collect();
    let fours: Vec<_> = (0..sizes).map(shapes_of::<4>).collect();
    every_layout(|layout: Layout<3>| {
        let numel = layout.numel();
        if numel >= sizes {
            return;
        }
        ones[numel]
            .iter()
            .for_each(|&shape| check_reshape(&layout, shape));
        twos[numel]
            .iter()
            .for_each(|&shape| check_reshape(&layout, shape));
        // Rank 3 only for layouts that start with an odd stride; the rest differs by a
        // factor or a sign.
        if layout.strides[0].rem_euclid(2) == 1 && !layout.is_empty() {
            threes[numel]
                .iter()
                .for_each(|&shape| check_reshape(&layout, shape));
        }
    });
    every_layout(|layout: Layout<2>| {
        let numel = layout.numel();
        if numel >= sizes {
            return;
        }
        threes[numel]
            .iter()
            .for_each(|&shape| check_reshape(&layout, shape));
        fours[numel]
            .iter()
            .for_each(|&shape| check_reshape(&layout, shape));
    });
    every_layout(|layout: Layout<1>| {
        if layout.numel() == 1 {
            check_reshape(&layout, []);
        }
    });
    check_reshape(&Layout::contiguous([], 1).unwrap(), [1, 1]);
}

#[test]
fn reshape_splits_long_axes_only_where_they_divide() {
    let all = [[4, 3], [6, 4], [4, 6], [9, 2], [8, 3]];
    for &shape in if cfg!(miri) { &all[..1] } else { &all[..] } {
        let layout = Layout::new(shape, [100, -3], 1).unwrap();
        for shape in shapes_of::<3>(layout.numel()) {
            check_reshape(&layout, shape);
        }
    }
    let far = Layout::new([3, 2], [isize::MAX / 2 - 1, -1], 1).unwrap();
    assert_eq!(far.reshape([1, 3, 1, 2]).unwrap().merged().numel(), 6);
}

#[test]
fn reshape_gives_standard_strides_to_what_is_contiguous() {
    let odd = Layout::new([1, 4, 15, 1], [77, 15, 1, -9], 1).unwrap();
    for shape in [[60, 1, 1, 1], [1, 2, 30, 1], [4, 1, 3, 5], [3, 20, 1, 1]] {
        assert_eq!(odd.reshape(shape), Layout::contiguous(shape, 1));
    }
}

#[test]
fn reshape_refuses_another_number_of_elements_and_overflow() {
    let layout = Layout::contiguous([2, 3], 4).unwrap();
    let mismatch = TensorError::ReshapeMismatch {
        from: [2, 3].into(),
        to: [7].into(),
    };
    assert_eq!(layout.reshape([7]), Err(mismatch));
    let copy = TensorError::ReshapeNeedsCopy {
        from: [3, 2].into(),
        to: [6].into(),
    };
    assert_eq!(layout.transpose().reshape([6]), Err(copy));
    assert!(overflows(layout.reshape([HALF, HALF])));
    let empty = Layout::contiguous([0], 4).unwrap();
    assert!(overflows(empty.reshape([0, HALF, HALF])));
    assert!(overflows(empty.reshape([usize::MAX, 0])));
    assert_eq!(empty.reshape([3, 0, 2]).unwrap().strides(), &[2, 2, 1]);
}
