//! Sums and extremes against the naive loop.

#![forbid(unsafe_code)]

use super::random::{Check, Dice, Sight, on_random_layouts, shape};
use crate::engine::wide::testing::for_each_variant;
use crate::{Tensor, TensorView};

#[test]
fn sums_and_extremes_are_those_of_the_naive_loop() {
    struct Sums;
    impl Check for Sums {
        fn check<const N: usize>(dice: &mut Dice) {
            let shape = shape::<N>(dice);
            let sight = Sight::of(shape, dice, true);
            let elements: Vec<i16> = (0..sight.elements()).map(|_| dice.next() as i16).collect();
            let visible: Vec<i16> = sight.places().iter().map(|&at| elements[at]).collect();
            let view = sight.view(&elements);
            let sum: i64 = visible.iter().map(|&n| i64::from(n)).sum();
            assert_eq!(view.sum(), sum, "{sight:?}");
            let bounds = visible
                .iter()
                .min()
                .copied()
                .zip(visible.iter().max().copied());
            assert_eq!(view.min_max(), bounds, "{sight:?}");
            let mean = (!visible.is_empty()).then(|| sum as f64 / visible.len() as f64);
            assert_eq!(view.mean_value(), mean, "{sight:?}");

            let floats: Vec<f32> = elements.iter().map(|&n| f32::from(n)).collect();
            assert_eq!(sight.view(&floats).sum(), sum as f32, "{sight:?}");
            let bytes: Vec<u8> = elements.iter().map(|&n| n as u8).collect();
            let sum: u64 = visible.iter().map(|&n| u64::from(n as u8)).sum();
            assert_eq!(sight.view(&bytes).sum(), sum, "{sight:?}");
        }
    }
    on_random_layouts::<Sums>();
}

#[test]
fn sums_along_an_axis_are_those_of_the_naive_loop() {
    fn check_rank<const N: usize, const M: usize>(dice: &mut Dice)
    where
        crate::Nat<N>: crate::Pred<Prev = crate::Nat<M>>,
    {
        let shape = shape::<N>(dice);
        let sight = Sight::of(shape, dice, true);
        let bytes: Vec<u8> = (0..sight.elements()).map(|_| dice.next() as u8).collect();
        let floats: Vec<f32> = bytes.iter().map(|&n| f32::from(n)).collect();
        let (view, float_view) = (sight.view(&bytes), sight.view(&floats));
        for axis in 0..N {
            let kept = std::array::from_fn(|k| shape[if k < axis { k } else { k + 1 }]);
            let expected = Tensor::from_shape_fn(kept, |index| {
                let mut whole = [0; N];
                (0..M).for_each(|k| whole[if k < axis { k } else { k + 1 }] = index[k]);
                (0..shape[axis])
                    .map(|at| {
                        whole[axis] = at;
                        u64::from(bytes[sight.place(whole)])
                    })
                    .sum::<u64>()
            });
            assert_eq!(view.sum_axis(axis), expected, "axis {axis} of {sight:?}");
            let expected = expected.view().map(|&sum| sum as f32);
            assert_eq!(
                float_view.sum_axis(axis),
                expected,
                "axis {axis} of {sight:?}"
            );
        }
    }
    struct AlongAnAxis;
    impl Check for AlongAnAxis {
        fn check<const N: usize>(dice: &mut Dice) {
            match N {
                1 => check_rank::<1, 0>(dice),
                2 => check_rank::<2, 1>(dice),
                3 => check_rank::<3, 2>(dice),
                4 => check_rank::<4, 3>(dice),
                _ => {}
            }
        }
    }
    on_random_layouts::<AlongAnAxis>();
}

#[test]
fn many_ones_add_up() {
    // Past 2^24, where adding one to an `f32` changes nothing.
    let count = if cfg!(miri) { 4_100 } else { 17_000_000 };
    let ones = vec![1.0f32; count];
    let ones = TensorView::from_slice([count / 100, 100], &ones).unwrap();
    assert_eq!(ones.sum(), count as f32);
    assert_eq!(ones.sum_axis(0), Tensor::full([100], (count / 100) as f32));
}

#[test]
fn floats_add_up_accurately() {
    for_each_variant(|_| {
        // Lanes overflow; the sum does not.
        let large = TensorView::from_slice([1], &[f32::MAX]).unwrap();
        let large = large.broadcast_to([1000]).unwrap();
        assert_eq!(large.mean_value(), Some(f64::from(f32::MAX)));
        let both = [f32::MAX, f32::MAX, -f32::MAX, -f32::MAX, 1.0];
        let both = TensorView::from_slice([5, 1], &both).unwrap();
        assert_eq!(both.sum_axis(0).into_vec(), [1.0]);
        // Small ones beside large ones.
        let mixed = [1e16, 1.0, -1e16, 1.0];
        let mixed: Vec<f64> = mixed.into_iter().cycle().take(4 * 1000).collect();
        let sum = TensorView::from_slice([4000], &mixed).unwrap().sum();
        assert!((sum - 2000.0).abs() <= 1000.0, "{sum}");
        let infinite = [f64::INFINITY, 1.0];
        assert_eq!(
            TensorView::from_slice([2], &infinite).unwrap().sum(),
            f64::INFINITY
        );
    });
}

#[test]
fn nan_does_not_count_among_the_extremes() {
    let nan = f32::NAN;
    let numbers: Vec<f32> = (0..300)
        .map(|n| if n % 7 == 0 { nan } else { n as f32 })
        .collect();
    for_each_variant(|_| {
        let view = TensorView::from_slice([300], &numbers).unwrap();
        assert_eq!(view.min_max(), Some((1.0, 299.0)));
        assert_eq!(view.flip(0).min_max(), Some((1.0, 299.0)));
        assert_eq!(
            TensorView::from_slice([3], &[nan; 3]).unwrap().min_max(),
            None
        );
        assert_eq!(
            TensorView::<f32, 1>::from_slice([0], &[])
                .unwrap()
                .min_max(),
            None
        );
    });
}

#[test]
fn lines_that_are_added_up_are_read_by_right() {
    // For Miri, which knows who may read what.
    let ones = Tensor::<u8, 2>::full([3, 70], 1);
    assert_eq!(ones.view().sum_axis(1).into_vec(), [70; 3]);
    let planes = Tensor::<f32, 3>::full([2, 2, 65], 0.5).flip(2);
    assert_eq!(planes.view().sum_axis(2), Tensor::full([2, 2], 32.5));
}

#[test]
fn extremes_of_large_elements_take_no_stack() {
    let small = std::thread::Builder::new().stack_size(1 << 20);
    let found = small.spawn(|| {
        let elements = [[1u64; 512], [3; 512], [2; 512]];
        let view = TensorView::from_slice([3], &elements).unwrap();
        view.min_max().map(|(low, high)| (low[0], high[511]))
    });
    assert_eq!(found.unwrap().join().unwrap(), Some((1, 3)));
}

#[test]
fn sums_beyond_their_type_do_not_wrap_around() {
    let most = TensorView::from_slice([1], &[u32::MAX]).unwrap();
    assert_eq!(
        most.broadcast_to([3]).unwrap().sum(),
        3 * u64::from(u32::MAX)
    );
    assert_eq!(<u32 as crate::Summand>::sum_of(u128::MAX), u64::MAX);
    assert_eq!(<i32 as crate::Summand>::sum_of(i128::MIN), i64::MIN);
}
