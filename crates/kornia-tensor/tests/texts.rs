//! What people read when something goes wrong: the numbers, and a way out that works.

use std::fmt::{Debug, Display};

use kornia_tensor::{OwnerRefused, SharedWith, Tensor, TensorAllocatorError, TensorError};

#[track_caller]
fn prints_its_text(error: &(impl Debug + Display)) {
    let text = error.to_string();
    assert_eq!(format!("{error:?}"), text);
    assert_eq!(format!("{error:#?}"), text);
}

#[test]
fn debug_of_an_error_is_its_text() {
    let t = Tensor::<u8, 2>::zeros([2, 3]);
    for error in [
        t.try_select::<1>(0, 2).unwrap_err(),
        t.reshape([4]).unwrap_err(),
        t.transpose().reshape([6]).unwrap_err(),
        TensorError::SharedStorage(SharedWith::default()),
        TensorError::StorageError(TensorAllocatorError::PoolClosed),
        TensorError::CastError,
        TensorError::InvalidShape(3),
    ] {
        prints_its_text(&error);
        assert!(!format!("{error:?}").contains('{'), "{error}");
    }
    for error in [
        TensorAllocatorError::NullPointer,
        TensorAllocatorError::AllocationFailed("why".to_string()),
        std::alloc::Layout::from_size_align(1, 3)
            .unwrap_err()
            .into(),
    ] {
        prints_its_text(&error);
    }
    let refused: OwnerRefused<_> = Tensor::<u8, 1>::from_owner([2], [1]).unwrap_err();
    prints_its_text(&refused);
}

#[cfg(feature = "npy")]
#[test]
fn debug_of_an_error_about_a_file_is_its_text() {
    let error = kornia_tensor::npy::open::<u8, 3>("no/such/file.npy").unwrap_err();
    prints_its_text(&error);
    prints_its_text(error.kind());
    assert!(format!("{error:?}").starts_with("no/such/file.npy: "));
}

#[test]
fn unwrap_shows_the_way_out() {
    let crop = Tensor::<u8, 3>::zeros([20, 20, 3]).slice((..10, ..10, ..));
    let panic = std::panic::catch_unwind(|| crop.reshape([300]).unwrap()).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("`contiguous()`"), "{text}");
}

#[test]
fn shared_storage_names_the_binding_that_was_shadowed() {
    let t = Tensor::<u8, 2>::zeros([2, 3]);
    let mut flat = t.reshape([6]).unwrap();
    let text = flat.try_as_mut_slice().unwrap_err().to_string();
    assert!(text.contains("`let t = t.reshape(..)`"), "{text}");
    assert!(text.contains("`make_mut`"), "{text}");
    flat.make_mut().fill(1);
    assert!(flat.try_as_mut_slice().is_ok(), "the way out works");
}

#[test]
fn into_vec_of_shared_memory_recommends_a_copy_of_the_elements() {
    let t = Tensor::<u8, 1>::zeros([3]);
    let shared = t.clone();
    let panic = std::panic::catch_unwind(|| shared.into_vec()).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(
        text.starts_with("Vec of 3 elements is shared with"),
        "{text}"
    );
    assert!(
        text.contains("`to_vec`") && !text.contains("make_mut"),
        "{text}"
    );
    assert_eq!(t.view().to_vec(), [0; 3], "the way out works");
}

#[test]
fn shapes_that_differ_are_stretched_only_where_that_helps() {
    let t = Tensor::<u8, 2>::zeros([2, 3]);
    let text = |shape| {
        let other = Tensor::<u8, 2>::zeros(shape);
        let result = t.view().zip_with(&other, |a, b| a + b);
        result.unwrap_err().to_string()
    };
    assert_eq!(
        text([1, 3]),
        "shape [1, 3] was given where [2, 3] is needed; `broadcast_to` stretches axes of length 1"
    );
    assert!(!text([3, 2]).contains("broadcast_to"));
}

#[test]
fn normalising_names_the_channels_and_the_order_of_the_axes() {
    let image = Tensor::<u8, 3>::zeros([4, 5, 3]);
    let text = |t: &Tensor<u8, 3>, count| {
        let values = vec![1.0; count];
        t.view()
            .normalize_to_chw(1.0, &values, &values)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        text(&image, 1),
        "1 means and 1 deviations were given for the 3 channels of shape [4, 5, 3]; [H, W, C] is \
         expected, and one of each per channel"
    );
    let planes = image.permute_axes([2, 0, 1]).unwrap();
    let way_out = "`permute_axes([1, 2, 0])` makes it of [C, H, W]";
    assert!(text(&planes, 3).ends_with(way_out));
    let image = planes.permute_axes([1, 2, 0]).unwrap();
    assert!(
        image
            .view()
            .normalize_to_chw(1.0, &[0.0; 3], &[1.0; 3])
            .is_ok()
    );
}

#[test]
fn words_of_others_cannot_command_a_terminal() {
    let words = "\x1b[2J".to_string();
    for error in [
        TensorError::UnsupportedOperation(words.clone()),
        TensorError::DimensionMismatch(words.clone()),
        TensorAllocatorError::AllocationFailed(words).into(),
    ] {
        assert!(!error.to_string().contains('\x1b'));
    }
}
