//! Tensors in all kinds of layouts.

use kornia_tensor::Tensor;
use proptest::prelude::*;

/// How a tensor of three axes is cut and turned.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    shape: [usize; 3],
    crop: [(usize, usize); 3],
    flips: [bool; 3],
    axes: [usize; 3],
    /// What the elements are made of.
    seed: u128,
}

impl Recipe {
    /// A tensor of these elements in this layout, over memory that has more of them.
    pub(crate) fn tensor<T: Clone>(&self, element: impl Fn(u128) -> T) -> Tensor<T, 3> {
        let mut bits = self.seed | 1;
        let whole = Tensor::from_shape_fn(self.shape, |_| {
            // Marsaglia's xorshift, wide enough for the largest number.
            bits ^= bits << 23;
            bits ^= bits >> 47;
            bits ^= bits << 11;
            element(bits)
        });
        let [a, b, c] = self.crop;
        let mut part = whole.slice([a.0..a.1, b.0..b.1, c.0..c.1]);
        for axis in 0..3 {
            if self.flips[axis] {
                part = part.flip(axis);
            }
        }
        part.permute_axes(self.axes).unwrap()
    }
}

/// Recipes with axes up to this long, empty ones and whole ones included.
pub(crate) fn recipes(longest: usize) -> impl Strategy<Value = Recipe> {
    let range = |len: usize| {
        prop_oneof![
            Just((0, len)),
            (0..=len, 0..=len).prop_map(|(a, b)| (a.min(b), a.max(b))),
        ]
    };
    let axes = Just([0, 1, 2]).prop_shuffle();
    prop::array::uniform3(0..=longest).prop_flat_map(move |shape| {
        let crop = (range(shape[0]), range(shape[1]), range(shape[2]));
        (crop, any::<[bool; 3]>(), axes.clone(), any::<u128>()).prop_map(
            move |((a, b, c), flips, axes, seed)| Recipe {
                shape,
                crop: [a, b, c],
                flips,
                axes,
                seed,
            },
        )
    })
}
