//! The element types of files, and values of them.

use kornia_tensor::formats::file::FileElement;
use kornia_tensor::{Tensor, TensorView};

use super::elements::Element;

/// A claim about tensors of every element type that files know.
pub(crate) trait ForEveryType {
    fn check<T: Element + FileElement>(&mut self);
}

pub(crate) fn for_every_type(mut claim: impl ForEveryType) {
    claim.check::<bool>();
    claim.check::<u8>();
    claim.check::<i8>();
    claim.check::<u16>();
    claim.check::<i16>();
    claim.check::<u32>();
    claim.check::<i32>();
    claim.check::<u64>();
    claim.check::<i64>();
    claim.check::<f32>();
    claim.check::<f64>();
    #[cfg(feature = "half")]
    claim.check::<half::f16>();
    #[cfg(feature = "half")]
    claim.check::<half::bf16>();
}

#[cfg(feature = "half")]
impl Element for half::f16 {
    fn of(bits: u128) -> Self {
        Self::from_bits(bits as u16)
    }

    fn is(&self, other: &Self) -> bool {
        self.to_bits() == other.to_bits()
    }
}

#[cfg(feature = "half")]
impl Element for half::bf16 {
    fn of(bits: u128) -> Self {
        Self::from_bits(bits as u16)
    }

    fn is(&self, other: &Self) -> bool {
        self.to_bits() == other.to_bits()
    }
}

/// Every bit the same, NaNs included.
#[track_caller]
pub(crate) fn assert_same<'a, T: Element, const N: usize>(
    a: impl Into<TensorView<'a, T, N>>,
    b: impl Into<TensorView<'a, T, N>>,
) {
    let (a, b) = (a.into(), b.into());
    assert_eq!(a.shape(), b.shape());
    assert!(a.iter().zip(b.iter()).all(|(a, b)| a.is(b)), "{a:?} {b:?}");
}

/// Rank 0, empty along each axis, one element, and a frame large enough for several pieces.
pub(crate) fn corner_cases<T: Element>(mut check: impl FnMut(Tensor<T, 3>)) {
    let of = |shape: [usize; 3]| {
        Tensor::from_shape_fn(shape, |[a, b, c]| {
            T::of((a * 7919 + b * 104_729 + c * 31) as u128 * 0x9E37_79B9_7F4A_7C15)
        })
    };
    for shape in [[0, 2, 3], [2, 0, 3], [2, 3, 0], [0, 0, 0], [1, 1, 1]] {
        check(of(shape));
    }
    if !cfg!(miri) {
        check(of([41, 53, 17]));
        check(of([41, 53, 17]).slice((3..40, 5..50, ..)));
    }
}
