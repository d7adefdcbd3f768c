//! The values, beside those of the formula in `f64`.

#![forbid(unsafe_code)]

use super::channels::{ByDoubles, ByOddDoubles, Channel, Fused, MulAdd};
use crate::Tensor;
use crate::engine::wide::testing::for_each_variant;

/// Scale, mean, deviation.
type Formula = (f32, f32, f32);

const BYTE: f32 = 1.0 / 255.0;

/// The three channels of ImageNet, and what bytes of other sensors are prepared with.
const BYTES: [Formula; 7] = [
    (BYTE, 0.485, 0.229),
    (BYTE, 0.456, 0.224),
    (BYTE, 0.406, 0.225),
    (BYTE, 0.5, 0.5),
    (1.0, 127.3, 0.017),
    (BYTE, 124.0 * BYTE, 1e-3),
    (-0.1, 0.7, -3.0),
];

/// Depth in millimetres, thermal images in hundredths of a kelvin, CT with its offset.
const WORDS: [Formula; 7] = [
    (1.0, 30000.0, 7.0),
    (1e-3, 1.5, 0.04),
    (0.01, 293.15, 0.37),
    (1.0, 1024.7, 3.3),
    (1.0 / 65535.0, 0.485, 0.229),
    (1.0 / 65535.0, 30000.0 / 65535.0, 1e-4),
    (1.0, 0.0, 1.0),
];

const FLOATS: [Formula; 7] = [
    (1.0, 0.485, 0.229),
    (BYTE, 0.456, 0.224),
    (1.0, 1e4, 0.3),
    (1.0, -1024.3, 3.3),
    (0.01, 293.15, 0.37),
    (1e-3, 1.5, 0.04),
    (-7.3, 1e-3, 1e-3),
];

/// How far `value` is from the formula, in units of the last place of `f32` there.
fn units(value: f32, element: f32, formula: Formula) -> f64 {
    let [element, value] = [element, value].map(f64::from);
    let (scale, mean, std) = formula;
    // The product of two floats is exact in doubles, so the difference is right to the last bit.
    let exact = (element * f64::from(scale) - f64::from(mean)) / f64::from(std);
    let binade = f64::from_bits(exact.to_bits() & f64::INFINITY.to_bits());
    (value - exact).abs() / (binade * f64::from(f32::EPSILON)).max(f64::MIN_POSITIVE)
}

/// The worst error over these elements, of three channels side by side and of one with gaps.
fn worst<T: Copy + Into<f32>>(elements: &[T], formula: Formula) -> f64 {
    let (scale, mean, std) = formula;
    let image = Tensor::from_shape_fn([1, elements.len(), 3], |[_, x, _]| elements[x]);
    let three = image.view().normalize_to_chw(scale, &[mean; 3], &[std; 3]);
    let one = image.view().narrow(2, 1..2);
    let one = one.normalize_to_chw(scale, &[mean], &[std]).unwrap();
    let three = three.unwrap();
    let mut worst = 0.0;
    for (x, &element) in elements.iter().enumerate() {
        let value = one[[0, 0, x]];
        assert!((0..3).all(|c| three[[c, 0, x]] == value), "{formula:?}");
        worst = units(value, element.into(), formula).max(worst);
    }
    worst
}

#[track_caller]
fn check<T: Copy + Into<f32>>(name: &str, elements: &[T], formulas: &[Formula]) {
    for_each_variant(|variant| {
        for &formula in formulas {
            let worst = worst(elements, formula);
            println!("{variant:>9} {name:>3} {formula:?}: {worst:.3} units");
            assert!(
                worst <= 2.0,
                "{worst} units, {variant}, {name}, {formula:?}"
            );
        }
    });
}

#[test]
fn bytes_are_two_units_from_the_formula_at_most() {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    check("u8", &all, &BYTES);
    let all: Vec<i8> = (i8::MIN..=i8::MAX).collect();
    check("i8", &all, &BYTES);
}

#[test]
fn words_are_two_units_from_the_formula_at_most() {
    let step = if cfg!(miri) { 997 } else { 5 };
    let all: Vec<u16> = (0..=u16::MAX).step_by(step).collect();
    check("u16", &all, &WORDS);
    let all: Vec<i16> = (i16::MIN..=i16::MAX).step_by(step).collect();
    check("i16", &all, &WORDS);
}

#[test]
fn floats_are_two_units_from_the_formula_at_most() {
    for formula in FLOATS {
        let (scale, mean, std) = formula;
        let middle = mean / scale;
        let mut elements = Vec::new();
        // Around the mean at every distance, from one bit on.
        let count = if cfg!(miri) { 3 } else { 100 };
        for power in 0..40 {
            for number in 0..count {
                let by = (std / scale) * 0.5f32.powi(power) * (1.0 + 0.01 * number as f32);
                elements.extend([middle + by, middle - by, 1e3 * by, -1e3 * by]);
            }
        }
        for bits in 0..count as u32 {
            let around = middle.to_bits().wrapping_add(bits).wrapping_sub(50);
            elements.push(f32::from_bits(around));
        }
        check("f32", &elements, &[formula]);
    }
}

#[test]
fn a_mean_that_is_large_beside_the_deviation_costs_no_digits() {
    let depth = Tensor::<u16, 3>::from_shape_vec([1, 2, 1], vec![30001, 29993]).unwrap();
    let planes = depth.view().normalize_to_chw(1.0, &[30000.0], &[7.0]);
    assert_eq!(planes.unwrap().as_slice(), [0.142_857_15, -1.0]);
}

#[test]
fn special_values_are_those_of_the_formula() {
    let elements = [
        0.0,
        -0.0,
        1.5,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        1e30,
    ];
    let image = Tensor::from_shape_vec([1, 7, 1], elements.to_vec()).unwrap();
    for_each_variant(|variant| {
        for (scale, mean, std) in [
            (1.0, 0.0, 1.0),
            (1.0, -0.0, -2.0),
            (1.0, 1.5, 0.5),
            (0.0, 3.0, 2.0),
            (-0.0, 0.0, 2.0),
            (1e-38, 1e10, 2.0),
            (0.3, 0.7, -0.11),
            (1.0, f32::INFINITY, 1.0),
            (1.0, f32::NAN, 1.0),
        ] {
            let planes = image
                .view()
                .normalize_to_chw(scale, &[mean], &[std])
                .unwrap();
            for (&value, element) in planes.iter().zip(elements) {
                let formula = (scale * element - mean) / std;
                let what = format!("{variant}: {scale} {mean} {std} of {element}: {value}");
                assert_eq!(value.is_nan(), formula.is_nan(), "{what}");
                let near = (value - formula).abs() <= 1e-6 * formula.abs();
                assert!(value.is_nan() || value == formula || near, "{what}");
                if formula == 0.0 && scale != 0.0 {
                    assert_eq!(
                        value.is_sign_negative(),
                        formula.is_sign_negative(),
                        "{what}"
                    );
                }
            }
        }
    });
}

#[test]
fn each_way_to_multiply_and_add_rounds_once() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 32) as u32
    };
    let rounds = if cfg!(miri) { 300 } else { 300_000 };
    for _ in 0..rounds {
        let [a, b] = [next(), next()].map(f32::from_bits);
        // Near the product, far below it, and anywhere: the middle between two floats comes often.
        let product = a * b;
        for c in [
            f32::from_bits(next()),
            -product,
            product * f32::EPSILON * 0.5,
            product * f32::EPSILON * f32::EPSILON,
            -product * 1e-20,
        ] {
            let (right, odd) = (Fused::mul_add(a, b, c), ByOddDoubles::mul_add(a, b, c));
            let same = right.to_bits() == odd.to_bits() || (right.is_nan() && odd.is_nan());
            assert!(same, "{a:e} * {b:e} + {c:e}: {right:e}, {odd:e}");
        }
    }
    // The case that two roundings get wrong: a middle between floats, and a little more.
    let (a, b) = (1.0 + f32::EPSILON, 1.0 + f32::EPSILON * 4096.0);
    let c = f32::EPSILON * 2f32.powi(-12) * (0.5 - f32::EPSILON);
    assert_eq!(Fused::mul_add(a, b, c), ByOddDoubles::mul_add(a, b, c));
    let mut fitting = 0;
    for (formulas, largest) in [(BYTES, u8::MAX.into()), (WORDS, u16::MAX)] {
        for (scale, mean, std) in formulas {
            let (channel, fits) = Channel::new(scale, mean, std, Some(f64::from(largest)));
            if !fits {
                continue;
            }
            fitting += 1;
            let step = if cfg!(miri) { 997 } else { 1 };
            for element in (0..=largest).step_by(step).map(f32::from) {
                for element in [element, -element] {
                    let (right, doubles) = (
                        channel.of::<Fused>(element),
                        channel.of::<ByDoubles>(element),
                    );
                    assert_eq!(
                        right.to_bits(),
                        doubles.to_bits(),
                        "{scale} {mean} {std} {element}"
                    );
                }
            }
        }
    }
    assert!(fitting >= 10, "{fitting} of 14 channels go the cheaper way");
}
