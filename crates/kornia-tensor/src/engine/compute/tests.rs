//! Every path of copies and computations against the naive loop, on every width of vectors.

use random::{Check, Dice, LENS, Sight, on_random_layouts, on_random_seeds, shape};

use crate::Tensor;
use crate::engine::wide::testing::for_each_variant;

pub(crate) mod random;
mod sums;

/// Copies of any element type, out of and into any layout.
fn copies<T: Clone + PartialEq + std::fmt::Debug, const N: usize>(
    dice: &mut Dice,
    element: impl Fn(u64) -> T,
) {
    let shape = shape::<N>(dice);
    let from = Sight::of(shape, dice, true);
    let to = Sight::of(shape, dice, false);
    let source: Vec<T> = (0..from.elements()).map(|_| element(dice.next())).collect();
    let mut target: Vec<T> = (0..to.elements()).map(|_| element(dice.next())).collect();

    let expected: Vec<T> = from.places().iter().map(|&at| source[at].clone()).collect();
    let view = from.view(&source);
    assert_eq!(view.to_tensor().into_vec(), expected, "{from:?}");

    let mut naive = target.clone();
    for (&at, element) in to.places().iter().zip(&expected) {
        naive[at] = element.clone();
    }
    to.view_mut(&mut target).assign(view).unwrap();
    assert_eq!(target, naive, "{from:?} to {to:?}");
    assert_eq!(to.view(&target), view);

    let value = element(dice.next());
    for at in to.places() {
        naive[at] = value.clone();
    }
    to.view_mut(&mut target).fill(value);
    assert_eq!(target, naive, "fill of {to:?}");
}

#[test]
fn copies_of_every_size_are_those_of_the_naive_loop() {
    struct OfEverySize;
    impl Check for OfEverySize {
        fn check<const N: usize>(dice: &mut Dice) {
            copies::<u8, N>(dice, |n| n as u8);
            copies::<i16, N>(dice, |n| n as i16);
            copies::<u32, N>(dice, |n| n as u32);
            copies::<f64, N>(dice, |n| n as f64);
            copies::<u128, N>(dice, |n| u128::from(n) << 40);
        }
    }
    on_random_layouts::<OfEverySize>();
}

#[test]
fn copies_of_what_is_not_plain_are_those_of_the_naive_loop() {
    struct NotPlain;
    impl Check for NotPlain {
        fn check<const N: usize>(dice: &mut Dice) {
            copies::<[u8; 3], N>(dice, |n| [n as u8, (n >> 8) as u8, (n >> 16) as u8]);
            copies::<(u8, u32), N>(dice, |n| (n as u8, n as u32));
            if !cfg!(miri) {
                copies::<String, N>(dice, |n| (n % 1000).to_string());
            }
            copies::<(), N>(dice, |_| ());
        }
    }
    on_random_layouts::<NotPlain>();
}

#[test]
fn transposes_into_part_of_an_image_leave_the_rest_alone() {
    fn check<T: Copy + PartialEq + std::fmt::Debug>(
        start: usize,
        [rows, cols]: [usize; 2],
        of: impl Fn(usize) -> T,
    ) {
        let pitch = 256; // lines of the target start alike, wherever the part does
        let source = Tensor::from_shape_fn([cols, rows], |[y, x]| of(y * rows + x));
        let mut target = Tensor::full([rows + 2, pitch], of(3));
        let mut expected = target.deep_clone().unwrap();
        for row in 0..rows {
            for col in 0..cols {
                expected.as_mut_slice()[(row + 1) * pitch + start + col] = source[[col, row]];
            }
        }
        let mut part = target.view_mut().slice((1..rows + 1, start..start + cols));
        part.assign(source.view().transpose()).unwrap();
        assert_eq!(target, expected, "{rows} x {cols} from {start}");
    }
    for_each_variant(|_| {
        let sizes: &[[usize; 2]] = if cfg!(miri) {
            &[[17, 33]]
        } else {
            &[
                [16, 16],
                [17, 40],
                [64, 70],
                [65, 131],
                [130, 200],
                [33, 64],
            ]
        };
        for start in if cfg!(miri) { 3..4 } else { 0..20 } {
            for &size in sizes {
                check(start, size, |n| n as u8);
                check(start, size, |n| n as u16);
                check(start, size, |n| n as u32);
                check(start, size, |n| n as f64);
                check(start, size, |n| n as u128);
            }
        }
    });
}

#[test]
fn few_pixels_of_any_type_are_normalised() {
    #[derive(Clone, Copy)]
    struct Grey(u8);
    impl From<Grey> for f32 {
        fn from(grey: Grey) -> Self {
            grey.0.into()
        }
    }
    let four = Tensor::<u8, 3>::from_shape_fn([2, 2, 4], |[y, x, c]| (8 * y + 4 * x + c) as u8);
    let planes = four
        .view()
        .normalize_to_chw(1.0, &[1.0; 4], &[0.5; 4])
        .unwrap();
    let expected = Tensor::from_shape_fn([4, 2, 2], |[c, y, x]| {
        (f32::from(four[[y, x, c]]) - 1.0) * 2.0
    });
    assert_eq!(planes, expected);
    let grey = Tensor::from_shape_fn([5, 9, 2], |[y, x, c]| Grey((18 * y + 2 * x + c) as u8));
    let planes = grey
        .view()
        .flip(1)
        .normalize_to_chw(1.0, &[0.0; 2], &[1.0; 2])
        .unwrap();
    assert_eq!(planes[[1, 4, 8]], f32::from(grey[[4, 0, 1]]));
    assert_eq!(planes[[0, 0, 0]], f32::from(grey[[0, 8, 0]]));
}

#[test]
fn transposes_of_every_width_are_those_of_the_naive_loop() {
    fn check<T: Clone + PartialEq + std::fmt::Debug>(shape: [usize; 2], of: impl Fn(usize) -> T) {
        let [height, width] = shape;
        let source: Vec<T> = (0..height * width).map(&of).collect();
        let tensor = Tensor::from_shape_vec(shape, source.clone()).unwrap();
        let turned = tensor.view().transpose().to_tensor().into_vec();
        for x in 0..width {
            for y in 0..height {
                assert_eq!(turned[x * height + y], source[y * width + x], "{shape:?}");
            }
        }
    }
    let widths: &[usize] = if cfg!(miri) {
        &[9, 17]
    } else {
        &[1, 8, 15, 16, 63, 64, 65, 129]
    };
    for_each_variant(|_| {
        for &height in widths {
            for &width in widths {
                check([height, width], |n| n as u8);
                check([height, width], |n| n as u16);
                check([height, width], |n| n as f32);
                check([height, width], |n| n as u64);
                check([height, width], |n| n as u128);
            }
        }
    });
}

#[test]
fn maps_are_those_of_the_naive_loop() {
    struct Maps;
    impl Check for Maps {
        fn check<const N: usize>(dice: &mut Dice) {
            let shape = shape::<N>(dice);
            let (a, b) = (Sight::of(shape, dice, true), Sight::of(shape, dice, true));
            let to = Sight::of(shape, dice, false);
            let left: Vec<u8> = (0..a.elements()).map(|_| dice.next() as u8).collect();
            let right: Vec<f32> = (0..b.elements())
                .map(|_| dice.next() as u16 as f32)
                .collect();
            let mut target: Vec<f32> = vec![-1.0; to.elements()];
            let (x, y) = (a.view(&left), b.view(&right));

            let scaled = |p: &u8| f32::from(*p) * 0.5 - 3.0;
            let expected: Vec<f32> = a.places().iter().map(|&at| scaled(&left[at])).collect();
            assert_eq!(x.map(scaled).into_vec(), expected, "{a:?}");
            let mut naive = target.clone();
            to.places()
                .iter()
                .zip(&expected)
                .for_each(|(&at, value)| naive[at] = *value);
            x.map_into(to.view_mut(&mut target), scaled).unwrap();
            assert_eq!(target, naive, "{a:?} to {to:?}");

            let both = |p: &u8, q: &f32| f32::from(*p) - q;
            let places = a.places().into_iter().zip(b.places());
            let expected: Vec<f32> = places.map(|(p, q)| both(&left[p], &right[q])).collect();
            let zipped = x.zip_with(y, both).unwrap();
            assert_eq!(zipped.as_slice(), expected, "{a:?} and {b:?}");
            to.places()
                .iter()
                .zip(&expected)
                .for_each(|(&at, value)| naive[at] = *value);
            x.zip_into(y, to.view_mut(&mut target), both).unwrap();
            assert_eq!(target, naive, "{a:?} and {b:?} to {to:?}");

            to.places()
                .into_iter()
                .for_each(|at| naive[at] = 1.0 - naive[at]);
            to.view_mut(&mut target)
                .apply(|value| *value = 1.0 - *value);
            assert_eq!(target, naive, "{to:?} in place");

            // Results that have to be dropped, and sources that are not plain.
            let texts = x.map(u8::to_string);
            let lens = texts.view().map(String::len);
            let expected = x.map(|p| p.to_string().len());
            assert_eq!(lens, expected);
        }
    }
    on_random_layouts::<Maps>();
}

#[test]
fn one_different_element_makes_unequal() {
    struct Unequal;
    impl Check for Unequal {
        fn check<const N: usize>(dice: &mut Dice) {
            let shape = shape::<N>(dice);
            let (a, b) = (Sight::of(shape, dice, false), Sight::of(shape, dice, false));
            let mut left = vec![0u16; a.elements()];
            let mut right = vec![0u32; b.elements()];
            let count = shape.iter().product::<usize>();
            for (number, (&p, &q)) in a.places().iter().zip(&b.places()).enumerate() {
                (left[p], right[q]) = (number as u16, u32::from(number as u16));
            }
            let wide: Vec<u32> = left.iter().map(|&p| u32::from(p)).collect();
            assert_eq!(a.view(&wide), b.view(&right));
            if count > 0 {
                let changed = b.places()[dice.below(count)];
                right[changed] += 1 << 16;
                assert_ne!(a.view(&wide), b.view(&right), "{a:?} and {b:?}");
            }
        }
    }
    on_random_layouts::<Unequal>();
}

#[test]
fn normalised_planes_are_those_of_the_formula() {
    for_each_variant(|variant| {
        on_random_seeds(if cfg!(miri) { 3 } else { 100 }, variant, |dice| {
            let shape = [
                dice.pick(&LENS),
                dice.pick(&LENS[..9]),
                dice.pick(&[1, 2, 3, 3, 3, 4]),
            ];
            let from = Sight::of(shape, dice, true);
            let planes = [shape[2], shape[0], shape[1]];
            let to = Sight::of(planes, dice, false);
            let pixels: Vec<u8> = (0..from.elements()).map(|_| dice.next() as u8).collect();
            let mean: Vec<f32> = (0..shape[2]).map(|c| c as f32 * 0.25).collect();
            let std: Vec<f32> = (0..shape[2]).map(|c| 0.5 + c as f32).collect();
            let image = from.view(&pixels);
            let result = image.normalize_to_chw(1.0 / 255.0, &mean, &std).unwrap();
            let mut target = vec![-1.0; to.elements()];
            image
                .normalize_to_chw_into(to.view_mut(&mut target), 1.0 / 255.0, &mean, &std)
                .unwrap();
            assert_eq!(to.view(&target), result, "{variant}: {from:?} to {to:?}");
            assert_eq!(result.shape(), &planes);
            for ([c, y, x], &value) in result.indexed_iter() {
                let pixel = f32::from(pixels[from.place([y, x, c])]);
                let formula = (pixel / 255.0 - mean[c]) / std[c];
                assert!((value - formula).abs() < 1e-5, "{value} and {formula}");
            }
        });
    });
}

#[test]
fn images_without_elements_are_normalised_at_once() {
    const MANY: usize = 1 << (usize::BITS - 4);
    let endless = Tensor::<u8, 3>::zeros([MANY, 0, 3]);
    let planes = endless.view().normalize_to_chw(1.0, &[0.0; 3], &[1.0; 3]);
    assert_eq!(planes.unwrap().shape(), &[3, MANY, 0]);
    let mut planes = Tensor::<f32, 3>::zeros([2, 0, 1]);
    let flipped = planes.view_mut().flip(0);
    let image = Tensor::<u8, 3>::zeros([0, 1, 2]);
    image
        .view()
        .normalize_to_chw_into(flipped, 1.0, &[0.0; 2], &[1.0; 2])
        .unwrap();
}

#[test]
fn a_closure_that_panics_leaves_nothing_behind() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::rc::Rc;
    let tensor = Tensor::<u32, 2>::from_shape_fn([12, 12], |[y, x]| (12 * y + x) as u32);
    for_each_variant(|_| {
        let alive = Rc::new(());
        for view in [tensor.view(), tensor.view().transpose()] {
            let result = catch_unwind(AssertUnwindSafe(|| {
                let mut left = 100;
                view.map(|_| {
                    left -= 1;
                    assert!(left > 0, "enough");
                    alive.clone()
                })
            }));
            assert!(result.is_err());
            assert_eq!(Rc::strong_count(&alive), 1, "every result was dropped");

            let mut target = Tensor::<f32, 2>::full([12, 12], 7.0);
            let result = catch_unwind(AssertUnwindSafe(|| {
                let out = target.view_mut().transpose();
                view.map_into(out, |&n| if n == 100 { panic!("enough") } else { 9.0 })
            }));
            assert!(result.is_err());
            assert!(target.iter().all(|&value| value == 7.0 || value == 9.0));
        }
    });
}
