//! The same work on the elements of plain memory, of a tensor and of an ndarray array.
//!
//! Shared by `promises`, which times it, and `instructions`, which counts it. Everything is
//! inlined into what is measured. Sums wrap: the order of additions must be free, as it is not
//! for `f32`, or all that is measured is the latency of one addition after another.

use std::hint::black_box;

/// Shape of the image: 48 KiB of `u32`, which stay in the second cache.
pub(crate) const SHAPE: [usize; 3] = [64, 64, 3];
/// Number of elements.
pub(crate) const COUNT: usize = 64 * 64 * 3;
/// First row and column of the crop, the middle half, and the ones after its last.
pub(crate) const CROP: (usize, usize) = (16, 48);

/// Adds up what a `for` loop visits: one call of `next` per element.
#[inline(always)]
fn add_up<'a>(elements: impl IntoIterator<Item = &'a u32>) -> u32 {
    let mut total = 0u32;
    for &element in elements {
        total = total.wrapping_add(element);
    }
    total
}

#[inline(always)]
fn increment<'a>(elements: impl IntoIterator<Item = &'a mut u32>) {
    for element in elements {
        *element = element.wrapping_add(1);
    }
}

/// Visits every index of the image, in order.
#[inline(always)]
pub(crate) fn each_index(mut visit: impl FnMut([usize; 3])) {
    let [height, width, channels] = black_box(SHAPE);
    for y in 0..height {
        for x in 0..width {
            for c in 0..channels {
                visit([y, x, c]);
            }
        }
    }
}

/// Elements of a slice, in row-major order.
pub(crate) mod plain {
    use super::{CROP, SHAPE, add_up, black_box, each_index, increment};

    /// Indexing as everyone writes it by hand: three checks, three strides.
    struct Strided<S> {
        elements: S,
        shape: [usize; 3],
        strides: [usize; 3],
    }

    impl<S> Strided<S> {
        #[inline(always)]
        fn new(elements: S) -> Self {
            let [_, width, channels] = SHAPE;
            Self {
                elements,
                shape: black_box(SHAPE),
                strides: black_box([width * channels, channels, 1]),
            }
        }

        #[inline(always)]
        fn offset(&self, [y, x, c]: [usize; 3]) -> usize {
            let [height, width, channels] = self.shape;
            assert!(y < height && x < width && c < channels);
            y * self.strides[0] + x * self.strides[1] + c * self.strides[2]
        }
    }

    #[inline(always)]
    fn rows(elements: &[u32]) -> impl Iterator<Item = &[u32]> {
        let (from, to) = black_box(CROP);
        let [_, width, channels] = black_box(SHAPE);
        let row = move |y| &elements[(y * width + from) * channels..(y * width + to) * channels];
        (from..to).map(row)
    }

    #[inline(always)]
    pub(crate) fn read(elements: &[u32]) -> u32 {
        add_up(elements)
    }

    #[inline(always)]
    pub(crate) fn sum(elements: &[u32]) -> u32 {
        elements.iter().sum()
    }

    #[inline(always)]
    pub(crate) fn index(elements: &[u32]) -> u32 {
        let strided = Strided::new(elements);
        let mut total = 0u32;
        each_index(|index| total = total.wrapping_add(strided.elements[strided.offset(index)]));
        total
    }

    #[inline(always)]
    pub(crate) fn crop_rows(elements: &[u32]) -> u32 {
        let mut total = 0u32;
        for row in rows(elements) {
            total = total.wrapping_add(add_up(row));
        }
        total
    }

    #[inline(always)]
    pub(crate) fn write(elements: &mut [u32]) {
        increment(elements);
    }

    #[inline(always)]
    pub(crate) fn write_index(elements: &mut [u32]) {
        let strided = Strided::new(elements);
        each_index(|index| {
            let element = &mut strided.elements[strided.offset(index)];
            *element = element.wrapping_add(1);
        });
    }
}

/// Elements of a tensor.
pub(crate) mod tensor {
    use kornia_tensor::{Tensor, TensorView};

    use super::{CROP, add_up, black_box, each_index, increment};

    #[inline(always)]
    fn crop(tensor: &Tensor<u32, 3>) -> TensorView<'_, u32, 3> {
        let (from, to) = black_box(CROP);
        tensor.view().slice((from..to, from..to, ..))
    }

    #[inline(always)]
    pub(crate) fn read(tensor: &Tensor<u32, 3>) -> u32 {
        add_up(tensor.as_slice())
    }

    #[inline(always)]
    pub(crate) fn sum(tensor: &Tensor<u32, 3>) -> u32 {
        tensor.iter().sum()
    }

    #[inline(always)]
    pub(crate) fn each(tensor: &Tensor<u32, 3>) -> u32 {
        add_up(tensor)
    }

    #[inline(always)]
    pub(crate) fn index(tensor: &Tensor<u32, 3>) -> u32 {
        let mut total = 0u32;
        each_index(|index| total = total.wrapping_add(tensor[index]));
        total
    }

    #[inline(always)]
    pub(crate) fn crop_rows(tensor: &Tensor<u32, 3>) -> u32 {
        let mut total = 0u32;
        for row in crop(tensor).rows() {
            total = total.wrapping_add(add_up(row));
        }
        total
    }

    #[inline(always)]
    pub(crate) fn crop_sum(tensor: &Tensor<u32, 3>) -> u32 {
        crop(tensor).iter().sum()
    }

    #[inline(always)]
    pub(crate) fn crop_each(tensor: &Tensor<u32, 3>) -> u32 {
        add_up(crop(tensor))
    }

    #[inline(always)]
    pub(crate) fn write(tensor: &mut Tensor<u32, 3>) {
        increment(tensor.as_mut_slice());
    }

    #[inline(always)]
    pub(crate) fn write_index(tensor: &mut Tensor<u32, 3>) {
        let mut view = tensor.view_mut();
        each_index(|index| {
            let element = &mut view[index];
            *element = element.wrapping_add(1);
        });
    }
}
