//! Random layouts, and which element of the memory each of their indices is.
//!
//! What is expected is worked out here from shape, strides and the first element alone, and not by
//! the layouts and views of the crate: a mistake there would be in both and cancel out.

use std::hash::{BuildHasher, RandomState};
use std::ptr::NonNull;

use crate::engine::wide::testing::for_each_variant;
use crate::{Layout, TensorView, TensorViewMut};

/// A small generator of numbers that look random (G. Marsaglia, Xorshift RNGs, 2003).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// How some memory is seen: axes in any order, backwards, with gaps, repeated.
#[derive(Clone, Debug)]
pub(crate) struct Sight<const N: usize> {
    shape: [usize; N],
    strides: [isize; N],
    /// The element at index `[0, 0, ..]`.
    first: usize,
    /// How many there are in the memory.
    elements: usize,
}

impl<const N: usize> Sight<N> {
    /// A random layout of this shape; elements repeat only where that is allowed.
    pub(crate) fn of(shape: [usize; N], dice: &mut Dice, repeats: bool) -> Self {
        let mut order: [usize; N] = std::array::from_fn(|axis| axis);
        // Half of the time nearly standard, which is where the special paths are.
        for axis in (1..N).rev() {
            if dice.below(2) == 0 {
                order.swap(axis, dice.below(axis + 1));
            }
        }
        let mut strides = [0; N];
        let (mut pitch, mut first) = (1isize, 0isize);
        for &axis in order.iter().rev() {
            let len = shape[axis];
            if repeats && dice.below(6) == 0 {
                continue;
            }
            // Gaps multiply: only while the base is small.
            let roomy = pitch < if cfg!(miri) { 20 } else { 500 };
            let step = if roomy {
                dice.pick(&[1, 1, 1, 1, 2, 3])
            } else {
                1
            };
            let margin = if roomy {
                dice.pick(&[0, 0, 0, 1, 5])
            } else {
                0
            };
            strides[axis] = pitch * step as isize;
            if dice.below(4) == 0 {
                first += strides[axis] * (len as isize - 1).max(0);
                strides[axis] = -strides[axis];
            }
            pitch *= (len * step + margin).max(1) as isize;
        }
        Self {
            shape,
            strides,
            first: first as usize,
            elements: pitch as usize,
        }
    }

    pub(crate) fn elements(&self) -> usize {
        self.elements
    }

    fn layout(&self) -> Layout<N> {
        Layout::new(self.shape, self.strides, 16).unwrap()
    }

    pub(crate) fn view<'a, T>(&self, elements: &'a [T]) -> TensorView<'a, T, N> {
        assert_eq!(elements.len(), self.elements);
        let base = NonNull::from(elements).cast::<T>();
        // SAFETY: the first element is one of so many.
        let first = unsafe { base.add(self.first) };
        // SAFETY: all places are below the number of elements (`places`), which are borrowed.
        unsafe { TensorView::new(first, self.layout()) }
    }

    pub(crate) fn view_mut<'a, T>(&self, elements: &'a mut [T]) -> TensorViewMut<'a, T, N> {
        assert_eq!(elements.len(), self.elements);
        let base = NonNull::from(elements).cast::<T>();
        // SAFETY: the first element is one of so many.
        let first = unsafe { base.add(self.first) };
        // SAFETY: all places are below the number of elements (`places`), which are borrowed
        // exclusively, and no two are the same: `repeats` was `false`.
        unsafe { TensorViewMut::new(first, self.layout()) }
    }

    /// Which element of the memory an index is.
    pub(crate) fn place(&self, index: [usize; N]) -> usize {
        let mut place = self.first as isize;
        for (axis, at) in index.into_iter().enumerate() {
            assert!(at < self.shape[axis]);
            place += at as isize * self.strides[axis];
        }
        usize::try_from(place).expect("no element lies before the first")
    }

    /// Which elements of the memory are seen, in row-major order of the indices.
    pub(crate) fn places(&self) -> Vec<usize> {
        let places: Vec<usize> = indices(self.shape).map(|index| self.place(index)).collect();
        assert!(places.iter().all(|&place| place < self.elements));
        places
    }
}

/// All indices of a shape, in row-major order.
pub(crate) fn indices<const N: usize>(shape: [usize; N]) -> impl Iterator<Item = [usize; N]> {
    let count: usize = shape.iter().product();
    (0..count).map(move |mut number| {
        let mut index = [0; N];
        for axis in (0..N).rev() {
            index[axis] = number % shape[axis];
            number /= shape[axis];
        }
        index
    })
}

pub(super) const LENS: [usize; 14] = [0, 1, 1, 2, 3, 3, 4, 5, 7, 16, 31, 64, 67, 200];

pub(crate) fn shape<const N: usize>(dice: &mut Dice) -> [usize; N] {
    loop {
        let shape = std::array::from_fn(|_| dice.pick(&LENS));
        let most = if cfg!(miri) { 150 } else { 3_000 };
        if shape
            .iter()
            .map(|len: &usize| len.max(&1))
            .product::<usize>()
            <= most
        {
            return shape;
        }
    }
}

/// Calls `run` with so many random seeds, or as `TENSOR_SEED` and `TENSOR_ROUNDS` ask. What is needed
/// to run a failing one again is printed.
pub(crate) fn on_random_seeds(rounds: u64, what: &str, mut run: impl FnMut(&mut Dice)) {
    struct Case<'a>(u64, &'a str);

    impl Drop for Case<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("failed: {}, TENSOR_SEED={} TENSOR_ROUNDS=1", self.1, self.0);
            }
        }
    }

    let asked = |name: &str| -> Option<u64> {
        let value = std::env::var(name).ok()?;
        Some(value.parse().expect("a number"))
    };
    let seed = asked("TENSOR_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    for round in 0..asked("TENSOR_ROUNDS").unwrap_or(rounds) {
        let case = Case(seed.wrapping_add(round), what);
        // Spread, so that neighbours have nothing in common; never 0, which is all the generator gives then.
        run(&mut Dice(case.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1));
    }
}

/// What is checked for a layout of any rank.
pub(crate) trait Check {
    fn check<const N: usize>(dice: &mut Dice);
}

/// Runs a check on random layouts of ranks 0 to 5, on every width of vectors: few rounds, as debug
/// builds are slow; `TENSOR_ROUNDS` asks for more.
pub(crate) fn on_random_layouts<C: Check>() {
    for_each_variant(|variant| {
        on_random_seeds(if cfg!(miri) { 2 } else { 8 }, variant, |dice| {
            C::check::<0>(dice);
            C::check::<1>(dice);
            C::check::<2>(dice);
            C::check::<3>(dice);
            C::check::<4>(dice);
            C::check::<5>(dice);
        });
    });
}
