//! Random layouts, read by an implementation that is not ours, and read back from it.

use dlpark::ffi::{DLManagedTensor as TheirLegacy, DLManagedTensorVersioned as Theirs};
use kornia_tensor::Tensor;
use kornia_tensor::dlpack::Managed;
use proptest::prelude::*;

use super::recipe::{Recipe, at_rank, recipes};

/// Goes through the other implementation: it validates what it gets, and each element is read at
/// the address that its strides say.
fn through_the_peer<const N: usize>(recipe: &Recipe) {
    let tensor: Tensor<i32, N> = recipe.tensor();
    let (shape, elements) = (*tensor.shape(), tensor.view().to_vec());

    let raw = tensor.into_dlpack().into_raw().cast::<Theirs>();
    // SAFETY: one C struct under two names, given away just now.
    let theirs = unsafe { dlpark::versioned::Dlpack::from_raw(raw) }.unwrap();
    let seen = theirs.validate_export().unwrap();
    let lens: Vec<i64> = shape.iter().map(|&len| len as i64).collect();
    assert_eq!(seen.shape(), lens);
    let strides = seen.strides_or_compact().unwrap().into_owned();
    if elements.is_empty() {
        assert!(seen.data_ptr().is_null());
    } else {
        // SAFETY: the address of the first element.
        let first = unsafe { seen.offset_data_ptr::<i32>() }.unwrap();
        for (index, expected) in indices(&lens).zip(&elements) {
            let offset: i64 = index.iter().zip(&strides).map(|(i, s)| i * s).sum();
            // SAFETY: what the strides reach is there.
            let element = unsafe { first.offset(offset as isize) };
            // SAFETY: as above.
            assert_eq!(unsafe { *element }, *expected, "at {index:?}");
        }
    }
    // SAFETY: as above; nobody else has the elements.
    let back: Managed = unsafe { Managed::from_raw(theirs.into_raw().cast()) }.unwrap();
    // SAFETY: nobody else reads or writes them.
    let back: Tensor<i32, N> = unsafe { Tensor::from_dlpack_exclusive(back) }.unwrap();
    assert_eq!(
        (*back.shape(), back.view().to_vec()),
        (shape, elements.clone())
    );

    let raw = back.into_dlpack_legacy().unwrap().into_raw();
    // SAFETY: one C struct under two names, given away just now.
    let theirs = unsafe { dlpark::legacy::Dlpack::from_raw(raw.cast::<TheirLegacy>()) }.unwrap();
    assert_eq!(theirs.validate().unwrap().num_elements(), elements.len());
}

/// Every index of a shape in row-major order.
fn indices(shape: &[i64]) -> impl Iterator<Item = Vec<i64>> + '_ {
    (0..shape.iter().product()).map(|number| {
        let mut rest: i64 = number;
        let mut index: Vec<i64> = shape
            .iter()
            .rev()
            .map(|len| {
                let at = rest % len;
                rest /= len;
                at
            })
            .collect();
        index.reverse();
        index
    })
}

proptest! {
    #![proptest_config(super::config::config(2))]

    #[test]
    fn random_layouts_are_read_by_another_implementation(recipe in recipes(0..=4)) {
        at_rank!(recipe, through_the_peer());
    }
}
