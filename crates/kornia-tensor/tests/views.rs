//! Views over slices with strides and over addresses, and images as one slice with a pitch.

use kornia_tensor::{Access, Layout, MemoryDomain, Tensor, TensorError, TensorView, TensorViewMut};

#[test]
fn a_strided_view_of_a_slice_shows_what_its_strides_say() {
    let elements: Vec<u16> = (0..24).collect();
    for (shape, strides, first) in [
        ([2, 3], [12, 4], 0isize),
        ([2, 3], [-12, 4], 12),
        ([2, 3], [12, -4], 8),
        ([4, 6], [6, 1], 0),
        ([6, 4], [1, 6], 0),
        ([3, 5], [0, 2], 0),
        ([1, 5], [isize::MIN, -2], 8),
        ([0, 5], [7, 9], 0),
    ] {
        let view = TensorView::from_slice_with_strides(shape, strides, &elements).unwrap();
        for i in 0..shape[0] {
            for j in 0..shape[1] {
                let offset = (i as isize).wrapping_mul(strides[0]) + j as isize * strides[1];
                assert_eq!(
                    view[[i, j]] as isize,
                    first + offset,
                    "{shape:?} {strides:?}"
                );
            }
        }
    }
}

#[test]
fn a_slice_that_ends_with_the_last_element_is_long_enough_and_a_shorter_one_is_not() {
    let elements = [0u8; 10];
    for strides in [[4, 1], [-4, 1], [4, -1]] {
        assert!(TensorView::from_slice_with_strides([3, 2], strides, &elements).is_ok());
        let refused = TensorView::from_slice_with_strides([3, 2], strides, &elements[..9]);
        let expected = TensorError::LayoutOutOfBounds { span: 10, len: 9 };
        assert_eq!(refused.map(|_| ()), Err(expected));
    }
    assert!(TensorView::from_slice_with_strides([3, 0], [4, 1], &elements[..0]).is_ok());
    assert!(TensorView::from_slice_with_strides([usize::MAX], [1], &elements).is_err());
}

#[test]
fn a_mutable_view_reaches_no_element_twice() {
    let mut elements = [0u8; 6];
    for strides in [[0, 1], [1, 1], [0, -2]] {
        let refused = TensorViewMut::from_slice_mut_with_strides([2, 3], strides, &mut elements);
        assert!(matches!(
            refused,
            Err(TensorError::OverlappingLayout { .. })
        ));
    }
    let mut view =
        TensorViewMut::from_slice_mut_with_strides([2, 2], [-3, 2], &mut elements).unwrap();
    view[[0, 0]] = 1;
    view[[1, 1]] = 2;
    assert_eq!(elements, [0, 0, 2, 1, 0, 0]);
}

#[test]
fn addresses_are_checked_as_far_as_they_can_be() {
    let mut elements = [1u32, 2, 3, 4];
    let address = elements.as_mut_ptr();
    let layout = Layout::new([2, 2], [2, -1], 4).unwrap();
    // SAFETY: the second element is the first of a row that goes down; all four are reached.
    let view = unsafe { TensorView::from_raw_parts(address.wrapping_add(1).cast_const(), layout) };
    assert_eq!(view.unwrap().to_vec(), [2, 1, 4, 3]);
    // SAFETY: as above, and nobody else uses the elements.
    let view = unsafe { TensorViewMut::from_raw_parts(address.wrapping_add(1), layout) };
    view.unwrap()[[1, 1]] = 9;
    assert_eq!(elements, [1, 2, 9, 4]);

    let odd = address.wrapping_byte_add(2);
    // SAFETY: it is refused.
    let refused = unsafe { TensorView::from_raw_parts(odd.cast_const(), layout) };
    assert!(matches!(refused, Err(TensorError::Misaligned { .. })));
    // SAFETY: as above.
    let refused = unsafe { TensorView::<u32, 2>::from_raw_parts(std::ptr::null(), layout) };
    assert!(matches!(refused, Err(TensorError::StorageError(_))));
    let twice = Layout::new([2, 2], [0, 1], 4).unwrap();
    // SAFETY: as above.
    let refused = unsafe { TensorViewMut::from_raw_parts(address, twice) };
    assert!(matches!(
        refused,
        Err(TensorError::OverlappingLayout { .. })
    ));
    // A layout for bytes may be too large for words.
    let bytes = Layout::new([2], [isize::MAX / 2], 1).unwrap();
    // SAFETY: as above.
    let refused = unsafe { TensorView::from_raw_parts(address.cast_const(), bytes) };
    assert!(matches!(refused, Err(TensorError::StridesOverflow { .. })));
}

#[test]
fn an_image_is_one_slice_with_a_pitch_where_its_pixels_lie_side_by_side() {
    let image = Tensor::<u8, 3>::from_shape_fn([4, 5, 3], |[y, x, c]| (100 * c + 10 * y + x) as u8);
    let crop = image.slice((1..3, 2..4, ..));
    let pitched = crop.pitched().unwrap();
    let sizes = (
        pitched.height,
        pitched.width,
        pitched.channels,
        pitched.pitch,
    );
    assert_eq!(sizes, (2, 2, 3, 15));
    assert_eq!(pitched.pixels.len(), 15 + 6);
    for y in 0..2 {
        let row = &pitched.pixels[y * pitched.pitch..][..6];
        assert_eq!(row, crop.select(0, y).view().to_vec());
    }
    for (tensor, pitch) in [
        (image.slice((.., .., ..)), Some(15)),
        (image.slice((2..3, 1..3, ..)), Some(6)), // one row has no other to step to
        (image.slice((2..3, .., ..)).flip(0), Some(15)),
        (image.slice((.., 3..4, ..)), Some(15)),
        (image.slice((.., .., ..1)), None),
        (image.slice((.., 1..2, ..1)), Some(15)),
        (image.slice((.., 2..2, ..)), Some(0)),
        (image.slice((..0, .., ..)), Some(15)),
        (image.flip(0), None),
        (image.flip(1), None),
        (image.flip(2), None),
        (image.permute_axes([1, 0, 2]).unwrap(), None),
        (image.permute_axes([2, 0, 1]).unwrap(), None),
    ] {
        let found = tensor.pitched().map(|pitched| pitched.pitch);
        assert_eq!(found, pitch, "{:?} {:?}", tensor.shape(), tensor.strides());
    }
    // SAFETY: the address is not used: it is a device's.
    let device = unsafe {
        let (domain, access) = (MemoryDomain::Device { id: 0 }, Access::ReadWrite);
        Tensor::<u8, 3>::from_foreign([1, 1, 1], [1; 3], std::ptr::dangling(), domain, access, ())
    };
    assert!(device.unwrap().pitched().is_none());
}
