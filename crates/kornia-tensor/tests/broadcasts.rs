//! Views that repeat their elements more often than there is memory for.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kornia_tensor::{Tensor, TensorView};

const HUGE: usize = 1 << 58;

#[test]
fn reductions_of_more_elements_than_memory_has_bytes_take_no_memory_for_each() {
    let view = TensorView::from_slice([1], &[1.0f32]).unwrap();
    assert_eq!(view.broadcast_to([HUGE]).unwrap().sum(), HUGE as f32);
    assert_eq!(view.broadcast_to([HUGE]).unwrap().mean_value(), Some(1.0));
    assert_eq!(
        view.broadcast_to([1 << 60]).unwrap().min_max(),
        Some((1.0, 1.0))
    );

    let pixel = TensorView::from_slice([1, 1, 3], &[1u8, 2, 255]).unwrap();
    let image = pixel.broadcast_to([1 << 20, 1 << 20, 3]).unwrap();
    assert_eq!(image.sum(), 258 << 40);
    assert_eq!(image.mean_value(), Some(86.0));
    assert_eq!(image.flip(0).transpose().min_max(), Some((1, 255)));
    // Too many for 64 bits: the largest there is, as for every sum.
    assert_eq!(
        pixel.broadcast_to([1 << 30, 1 << 30, 3]).unwrap().sum(),
        u64::MAX
    );
    let deep = TensorView::from_slice([1], &[i16::MIN]).unwrap();
    assert_eq!(deep.broadcast_to([HUGE]).unwrap().sum(), i64::MIN);
}

#[test]
fn what_is_repeated_counts_as_often_as_it_is_there() {
    let row = Tensor::<i32, 2>::from_shape_vec([1, 4], vec![1, -2, 3, 5]).unwrap();
    let view = row.view().broadcast_to([6, 4]).unwrap();
    let copy = view.to_tensor();
    assert_eq!(view.sum(), copy.sum());
    assert_eq!(view.mean_value(), copy.mean_value());
    assert_eq!(view.min_max(), copy.min_max());
    let none = view.narrow(1, 0..0);
    assert_eq!(
        (none.sum(), none.mean_value(), none.min_max()),
        (0, None, None)
    );
    let odd = TensorView::from_slice([1], &[f32::INFINITY]).unwrap();
    assert_eq!(odd.broadcast_to([3]).unwrap().sum(), f32::INFINITY);
    let odd = TensorView::from_slice([1], &[f32::NAN]).unwrap();
    assert!(odd.broadcast_to([3]).unwrap().sum().is_nan());
    assert_eq!(odd.broadcast_to([HUGE]).unwrap().min_max(), None);
}

#[test]
#[cfg_attr(miri, ignore = "Miri ends where memory does")]
fn results_of_that_size_are_refused_and_nothing_aborts() {
    let view = TensorView::from_slice([1], &[1.0f32])
        .unwrap()
        .broadcast_to([HUGE])
        .unwrap();
    type Refusal<'a> = Box<dyn Fn() + 'a>;
    let refusals: [(&str, Refusal); 6] = [
        ("to_tensor", Box::new(move || drop(view.to_tensor()))),
        ("to_vec", Box::new(move || drop(view.to_vec()))),
        ("map", Box::new(move || drop(view.map(|x| x + 1.0)))),
        ("cast", Box::new(move || drop(view.cast::<f64>()))),
        (
            "zip_with",
            Box::new(move || drop(view.zip_with(view, |a, b| a + b).unwrap())),
        ),
        (
            "sum_axis",
            Box::new(move || {
                let twice = view.insert_axis::<2>(0);
                drop(twice.sum_axis::<1>(0));
            }),
        ),
    ];
    for (name, refusal) in refusals {
        let panic = catch_unwind(AssertUnwindSafe(refusal)).expect_err(name);
        let text = panic.downcast_ref::<String>().expect(name);
        assert!(
            text.contains("could not be allocated") || text.contains("memory"),
            "{name}: {text}"
        );
    }
    let other = TensorView::from_slice([1], &[2.0f32])
        .unwrap()
        .broadcast_to([HUGE])
        .unwrap();
    assert!(view != other);
}
