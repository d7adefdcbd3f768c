//! What people read when something goes wrong: the numbers, and a way out that works.

use std::fmt::{Debug, Display};

use kornia_tensor::{Layout, OwnerRefused, SharedWith, Tensor, TensorAllocatorError, TensorError};

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
    let error = kornia_tensor::formats::npy::open::<u8, 3>("no/such/file.npy").unwrap_err();
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
    assert!(text.contains("`into_reshaped`"), "{text}");
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

#[test]
fn lengths_in_bytes_are_answered_in_bytes() {
    let alloc = kornia_tensor::host_alloc;
    let memory = [0f32; 8];
    for (bytes, text) in [
        (
            25,
            "25 bytes are no whole number of 4-byte elements; pass the length in bytes",
        ),
        (
            20,
            "20 bytes do not hold shape [2, 3], which needs 24; pass the length in bytes",
        ),
    ] {
        let start = memory.as_ptr();
        // SAFETY: refused because of the length, before the memory is touched.
        let refused = unsafe { Tensor::from_raw_parts([2, 3], start, bytes, alloc()) };
        assert_eq!(refused.unwrap_err().to_string(), text);
    }
}

#[test]
fn a_window_that_is_too_long_is_called_one() {
    let image = Tensor::<u8, 3>::zeros([480, 640, 3]);
    let text = image
        .view()
        .try_windows::<4>(0, 481)
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "window of 481 is longer than axis 0 with size 480; use a shorter one"
    );
}

#[test]
fn strides_are_blamed_where_the_shape_is_small() {
    let text = Layout::new([2, 3], [isize::MAX, 1], 4)
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with("strides [9223372036854775807, 1] of shape [2, 3]"),
        "{text}"
    );
    let text = Layout::new([usize::MAX, 2], [0, 0], 4)
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with("shape [18446744073709551615, 2]"),
        "{text}"
    );
}

/// The layouts that count as row-major with strides that are not.
fn odd_but_row_major() -> Vec<Tensor<u8, 3>> {
    let t = |shape| Tensor::<u8, 3>::full(shape, 7);
    let all = vec![
        t([4, 4, 1]).flip(2),
        t([1, 4, 4]).flip(0),
        t([4, 1, 3]).flip(1),
        t([1, 1, 1]).flip(0).flip(1).flip(2),
        t([4, 4, 3]).slice((1..2, .., ..)).flip(0),
        t([3, 4, 1])
            .permute_axes([2, 1, 0])
            .unwrap()
            .slice((.., .., ..1)),
        t([4, 0, 3]).flip(1).flip(2),
        t([4, 6, 3])
            .slice((.., ..0, ..))
            .permute_axes([2, 1, 0])
            .unwrap(),
    ];
    all
}

#[test]
fn what_recommends_contiguous_works_after_it() {
    for t in odd_but_row_major() {
        let (shape, what) = (*t.shape(), format!("{:?} {:?}", t.shape(), t.strides()));
        let t = t.contiguous();
        let plain = Layout::contiguous(shape, 1).unwrap();
        assert_eq!(t.strides(), plain.strides(), "{what}");
        assert_eq!(t.as_slice().len(), t.numel(), "{what}");
        assert!(t.view().as_slice().len() == t.numel(), "{what}");
        assert!(t.reshape([t.numel()]).is_ok(), "{what}");
        assert_eq!(t.rows().len(), shape[0], "{what}");
        #[cfg(feature = "image")]
        assert!(t.as_flat_samples().is_ok() || t.is_empty(), "{what}");
        #[cfg(feature = "bytemuck")]
        assert!(t.clone().reinterpret::<i8>().is_ok(), "{what}");
        #[cfg(feature = "bytes")]
        assert_eq!(t.clone().into_bytes().unwrap().len(), t.numel(), "{what}");
        let vec = t.try_into_vec();
        assert!(vec.is_ok() || shape != [4, 4, 1], "{what}");
    }
    // And copies are plain whatever they are made of.
    for t in odd_but_row_major() {
        let plain = Layout::contiguous(*t.shape(), 1).unwrap();
        assert_eq!(t.deep_clone().unwrap().strides(), plain.strides());
        assert_eq!(t.view().to_tensor().strides(), plain.strides());
        let (mut shared, _other) = (t.clone(), t);
        assert_eq!(shared.make_mut().strides(), plain.strides());
    }
}

#[cfg(feature = "image")]
#[test]
fn an_axis_of_length_one_may_be_flipped_for_an_image() {
    for t in odd_but_row_major() {
        assert!(
            t.as_flat_samples().is_ok() || t.is_empty(),
            "{:?} {:?}",
            t.shape(),
            t.strides()
        );
    }
}

#[test]
fn a_tensor_has_the_methods_that_people_type_first() {
    let mut a = Tensor::<f32, 2>::zeros([2, 3]);
    a.fill(2.0);
    a.apply(|x| *x += 1.0);
    *a.get_mut([0, 1]).unwrap() = 5.0;
    a.iter_mut().for_each(|x| *x *= 2.0);
    a.rows_mut().for_each(|row| row[2] = 0.0);
    a.slice_mut((1, ..)).fill(1.0);
    assert_eq!(a.to_vec(), [6.0, 10.0, 0.0, 1.0, 1.0, 1.0]);
    assert_eq!((a.sum(), a.mean_value()), (19.0, Some(19.0 / 6.0)));
    assert_eq!(a.min_max(), Some((0.0, 10.0)));
    assert_eq!(a.sum_axis(1).to_vec(), [16.0, 3.0]);
    let mut b = Tensor::<f32, 2>::zeros([2, 3]);
    b.assign(&a).unwrap();
    a.map_into(&mut b, |x| x + 1.0).unwrap();
    let mut c = Tensor::<f32, 2>::zeros([2, 3]);
    a.zip_into(&b, &mut c, |a, b| b - a).unwrap();
    assert_eq!(c.to_vec(), [1.0; 6]);
    let pixels = Tensor::<u8, 3>::full([2, 2, 1], 3);
    let planes = pixels.normalize_to_chw(1.0, &[1.0], &[2.0]).unwrap();
    assert_eq!(planes.to_vec(), [1.0; 4]);

    let _shared = a.clone();
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| a.fill(0.0)));
    let panic = panic.unwrap_err();
    assert!(
        panic
            .downcast_ref::<String>()
            .unwrap()
            .starts_with("storage is shared")
    );
}
