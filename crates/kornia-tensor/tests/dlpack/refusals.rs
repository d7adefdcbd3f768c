//! Everything that is refused comes back as it was passed, with the reason, and is freed once.

use std::ptr::null_mut;

use kornia_tensor::dlpack::abi::{
    DLDeviceType, DLManagedTensor, DLPackVersion, FLAG_IS_COPIED, FLAG_READ_ONLY,
};
use kornia_tensor::dlpack::{
    DlpackElem, DlpackError, Managed, dlpack_view, tensor_from_dlpack_raw, tensor_to_dlpack,
};
use kornia_tensor::{Tensor, TensorError};

use super::producer::{Described, Drops};

/// All ways in refuse what `change` makes of six elements, with `text`; the deleter is called
/// once for each, when what came back is dropped.
#[track_caller]
fn refused<T: DlpackElem, const N: usize>(
    elements: [T; 6],
    change: impl Fn(&mut Described),
    text: &str,
) {
    let drops = Drops::default();
    let described = || {
        let mut described = Described::of(elements.to_vec());
        change(&mut described);
        described
    };
    let check = |error: TensorError, before: usize| {
        assert!(
            error.to_string().contains(text),
            "{error} does not say: {text}"
        );
        assert_eq!(drops.count(), before, "freed before it was dropped");
    };
    // SAFETY: memory is there, and nobody else has it.
    let refused = unsafe { Tensor::<T, N>::from_dlpack(described().versioned(&drops)) };
    let refused = refused.map(|_| "taken").unwrap_err();
    check(refused.error, 0);
    drop(refused.owner);
    assert_eq!(drops.count(), 1);

    // SAFETY: as above.
    let refused = unsafe { Tensor::<T, N>::from_dlpack_exclusive(described().versioned(&drops)) };
    let refused = refused.map(|_| "taken").unwrap_err();
    check(refused.error, 1);
    drop(refused.owner);
    assert_eq!(drops.count(), 2);

    if described().version.major == 1 {
        // SAFETY: as above.
        let refused = unsafe { Tensor::<T, N>::from_dlpack(described().legacy(&drops)) };
        let refused = refused.map(|_| "taken").unwrap_err();
        check(refused.error, 2);
        drop(refused.owner);
        assert_eq!(drops.count(), 3);
    }
}

const BYTES: [u8; 6] = [0, 1, 2, 3, 4, 5];

#[test]
fn another_major_version_is_not_looked_into() {
    let version = DLPackVersion { major: 2, minor: 0 };
    refused::<u8, 1>(BYTES, |d| d.version = version, "version 2 of DLPack");

    let drops = Drops::default();
    let managed = Described {
        version,
        ..Described::of(vec![1u8])
    }
    .versioned(&drops);
    assert!(managed.descriptor().is_err());
    assert_eq!(format!("{managed:?}"), "Managed(unknown)");
    drop(managed);
    assert_eq!(drops.count(), 1);
}

#[test]
fn a_later_minor_version_is_taken() {
    let drops = Drops::default();
    let version = DLPackVersion {
        major: 1,
        minor: 99,
    };
    let described = Described {
        version,
        ..Described::of(vec![1u8])
    };
    // SAFETY: nobody writes the element.
    assert!(unsafe { Tensor::<u8, 1>::from_dlpack(described.versioned(&drops)) }.is_ok());
    assert_eq!(drops.count(), 1);
}

#[test]
fn another_rank_is_refused() {
    refused::<u8, 2>(BYTES, |_| (), "1 axes were given where a tensor of rank 2");
    refused::<u8, 0>(BYTES, |_| (), "1 axes were given where a tensor of rank 0");
    refused::<u8, 1>(BYTES, |d| d.ndim = Some(i32::MAX), "2147483647 axes");
    refused::<u8, 1>(BYTES, |d| d.ndim = Some(-1), "-1 axes are fewer than none");
}

#[test]
fn another_element_type_is_refused_by_both_names() {
    refused::<i8, 1>(
        [0; 6],
        |d| d.tensor.dtype.code = 1,
        "elements are u8 and i8 was asked for",
    );
    refused::<f64, 1>([0.; 6], |d| d.tensor.dtype.bits = 32, "are f32 and f64 was");
    refused::<u16, 1>([0; 6], |d| d.tensor.dtype.code = 4, "are bf16 and u16 was");
    refused::<u8, 1>(BYTES, |d| d.tensor.dtype.code = 6, "are bool and u8 was");
}

#[test]
fn elements_that_no_tensor_has_are_not_recommended_to_be_asked_for() {
    let ask = "was asked for; ask for what they are, and convert with `cast` or `map`";
    refused::<i8, 1>([0; 6], |d| d.tensor.dtype.code = 1, ask);
    refused::<u8, 1>(BYTES, |d| d.tensor.dtype.code = 6, ask);
    let convert = |what: &str| {
        format!("elements are {what} was asked for; no tensor has those, so convert them where")
    };
    refused::<u64, 1>(
        [0; 6],
        |d| d.tensor.dtype.code = 5,
        &convert("complex64 and u64"),
    );
    refused::<u8, 1>(
        BYTES,
        |d| d.tensor.dtype.code = 8,
        &convert("type code 8 with 8 bits and u8"),
    );
    refused::<u8, 1>(BYTES, |d| d.tensor.dtype.bits = 4, &convert("u4 and u8"));
    refused::<u8, 1>(
        BYTES,
        |d| d.tensor.dtype.lanes = 4,
        &convert("u8 in vectors of 4 and u8"),
    );
}

#[test]
fn vectors_are_refused() {
    refused::<u8, 1>(
        BYTES,
        |d| d.tensor.dtype.lanes = 4,
        "are u8 in vectors of 4 and u8",
    );
    refused::<u8, 1>(
        BYTES,
        |d| d.tensor.dtype.lanes = 0,
        "are u8 in vectors of 0 and u8",
    );
}

#[test]
fn devices_that_are_not_known_are_refused() {
    for device in [
        DLDeviceType::METAL,
        DLDeviceType::VULKAN,
        DLDeviceType::ROCM,
        DLDeviceType::ONEAPI,
        DLDeviceType(0),
        DLDeviceType(-1),
    ] {
        let text = format!("device type {}", device.0);
        refused::<u8, 1>(BYTES, |d| d.tensor.device.device_type = device, &text);
    }
}

#[test]
fn axes_without_lengths_are_refused() {
    refused::<u8, 1>(BYTES, |d| d.hide_shape = true, "null pointer");
}

#[test]
fn negative_lengths_are_refused() {
    refused::<u8, 1>(
        BYTES,
        |d| d.shape = vec![-1],
        "length -1 of axis 0 is negative",
    );
    let change = |d: &mut Described| (d.shape, d.strides) = (vec![0, i64::MIN], None);
    refused::<u8, 2>(BYTES, change, "of axis 1 is negative");
}

#[test]
fn shapes_that_cannot_be_counted_are_refused() {
    for shape in [[i64::MAX, 2], [i64::MAX, i64::MAX], [1 << 32, 1 << 31]] {
        let change = |d: &mut Described| (d.shape, d.strides) = (shape.to_vec(), Some(vec![0, 0]));
        refused::<u8, 2>(BYTES, change, "larger than memory can address");
    }
    // Nor behind a zero, or in bytes.
    let change = |d: &mut Described| (d.shape, d.strides) = (vec![0, i64::MAX, 2], None);
    refused::<u8, 3>(BYTES, change, "larger than memory can address");
    refused::<f64, 1>([0.; 6], |d| d.shape = vec![i64::MAX / 4], "8-byte elements");
}

#[test]
fn strides_that_reach_too_far_are_refused_as_strides() {
    for stride in [i64::MIN, i64::MAX, i64::MIN + 1, i64::MAX / 4] {
        let change = |d: &mut Described| d.strides = Some(vec![stride]);
        let text = format!("stride {stride} of axis 0 reaches further");
        refused::<u8, 1>(BYTES, change, &text);
    }
    let change =
        |d: &mut Described| (d.shape, d.strides) = (vec![2, 2], Some(vec![1, i64::MAX / 2]));
    refused::<u32, 2>([0; 6], change, "of axis 1 reaches further"); // in bytes
}

#[test]
fn elements_without_memory_are_refused() {
    refused::<u8, 1>(BYTES, |d| d.tensor.data = null_mut(), "null pointer");
}

#[test]
#[cfg(target_pointer_width = "32")]
fn offsets_beyond_memory_are_refused() {
    refused::<u8, 1>(BYTES, |d| d.tensor.byte_offset = u64::MAX, "offset of");
}

#[test]
fn a_first_element_that_is_not_aligned_is_refused() {
    let change = |d: &mut Described| (d.shape, d.tensor.byte_offset) = (vec![2], 1);
    refused::<u16, 1>([0; 6], change, "is not a multiple of 2");
    let change = |d: &mut Described| {
        d.tensor.data = d.tensor.data.wrapping_byte_add(4);
        d.shape = vec![2];
    };
    refused::<f64, 1>([0.; 6], change, "is not a multiple of 8");
}

#[test]
fn elements_that_are_reached_twice_are_refused_but_not_by_views() {
    let change = |d: &mut Described| (d.shape, d.strides) = (vec![2, 6], Some(vec![0, 1]));
    refused::<u8, 2>(BYTES, change, "may reach one element by two indices");
    let change = |d: &mut Described| (d.shape, d.strides) = (vec![3, 3], Some(vec![1, 1]));
    refused::<u8, 2>(BYTES, change, "may reach one element by two indices");
}

#[test]
fn a_byte_that_is_no_bool_is_refused_also_between_the_elements() {
    let truth = |d: &mut Described| d.tensor.dtype.code = 6;
    let described = |bytes: [u8; 6]| {
        let mut described = Described::of(bytes.to_vec());
        truth(&mut described);
        described
    };
    for (bytes, shape, stride, offset, ok) in [
        ([0, 1, 0, 1, 0, 2], 6, 1, 0, false),
        ([0, 1, 0, 1, 0, 2], 5, 1, 0, true),
        ([0, 255, 0, 1, 0, 1], 3, 2, 0, false), // between
        ([0, 255, 0, 1, 0, 1], 2, 2, 2, true),
        ([2, 0, 0, 1, 0, 1], 6, -1, 5, false), // the lowest is the last
        ([2, 0, 0, 1, 0, 1], 5, -1, 5, true),
        ([2; 6], 0, 1, 0, true),
    ] {
        let drops = Drops::default();
        let mut described = described(bytes);
        (described.shape, described.strides) = (vec![shape], Some(vec![stride]));
        described.tensor.byte_offset = offset;
        // SAFETY: nobody writes the elements.
        let tensor = unsafe { Tensor::<bool, 1>::from_dlpack(described.versioned(&drops)) };
        match tensor {
            Ok(tensor) => assert!(ok && tensor.numel() == shape as usize, "{bytes:?}"),
            Err(refused) => {
                assert!(!ok, "{bytes:?}: {refused}");
                assert_eq!(refused.to_string(), "a byte above 1 is no bool; ask for u8");
            }
        }
        assert_eq!(drops.count(), 1);
    }
    // In the second part of many, too.
    let mut many = vec![0u8; 5000];
    many[4999] = 3;
    let drops = Drops::default();
    let mut described = Described::of(many);
    truth(&mut described);
    let managed = described.versioned(&drops);
    // SAFETY: it belongs to `managed`.
    let tensor = unsafe { &(*managed.as_ptr()).dl_tensor };
    // SAFETY: it is read during the call only, while `managed` lives.
    let view = unsafe { dlpack_view::<bool, 1>(tensor) };
    assert!(view.is_err());
}

#[test]
fn memory_marked_read_only_is_not_taken_for_writing() {
    for flags in [FLAG_READ_ONLY, FLAG_READ_ONLY | FLAG_IS_COPIED] {
        let drops = Drops::default();
        let described = Described {
            flags,
            ..Described::of(vec![1u8])
        };
        let managed = described.versioned(&drops);
        // SAFETY: nobody else has the element.
        let refused = unsafe { Tensor::<u8, 1>::from_dlpack_exclusive(managed) }.unwrap_err();
        assert!(refused.to_string().contains("marks read-only"));
        assert_eq!(drops.count(), 0);
        // SAFETY: as above.
        let tensor = unsafe { Tensor::<u8, 1>::from_dlpack(refused.owner) }.unwrap();
        drop(tensor);
        assert_eq!(drops.count(), 1);
    }
}

#[test]
fn null_is_no_managed_tensor() {
    // SAFETY: NULL is allowed.
    let nothing = unsafe { Managed::<DLManagedTensor>::from_raw(null_mut()) };
    assert!(nothing.is_none());
}

/// One change of a description.
type Change<'a> = &'a dyn Fn(&mut Described);
/// Whether an error is the one that is meant.
type Is = fn(&DlpackError) -> bool;

/// What 0.2.0 answered.
#[test]
fn the_old_way_in_answers_as_before() {
    let old = |change: Change<'_>| {
        let drops = Drops::default();
        let mut described = Described::of(vec![1.0f32, 2.0, 3.0, 4.0]);
        (described.shape, described.strides) = (vec![2, 2], None);
        change(&mut described);
        let raw = described.legacy(&drops).into_raw();
        struct Keep(*mut DLManagedTensor);
        // SAFETY: it may be freed on any thread.
        unsafe impl Send for Keep {}
        // SAFETY: as above.
        unsafe impl Sync for Keep {}
        impl Drop for Keep {
            fn drop(&mut self) {
                // SAFETY: given away below, and nobody else frees it.
                drop(unsafe { Managed::from_raw(self.0) });
            }
        }
        let keep = std::sync::Arc::new(Keep(raw));
        // SAFETY: the keepalive frees it, and nobody writes.
        let result = unsafe { tensor_from_dlpack_raw::<f32, 2>(raw.cast(), keep) };
        let result = result.map(|tensor| tensor.view().to_vec());
        assert_eq!(drops.count(), 1);
        result
    };
    assert_eq!(old(&|_| ()).unwrap(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(old(&|d| d.strides = Some(vec![2, 1])).unwrap().len(), 4);
    assert!(old(&|d| d.shape = vec![2, 0]).unwrap().is_empty());
    let errors: [(Change<'_>, Is, &str); 9] = [
        (
            &|d| d.shape = vec![4],
            |e| {
                matches!(
                    e,
                    DlpackError::NdimMismatch {
                        expected: 2,
                        got: 1
                    }
                )
            },
            "1 axes were given",
        ),
        (
            &|d| d.ndim = Some(-2),
            |e| {
                matches!(
                    e,
                    DlpackError::NdimMismatch {
                        expected: 2,
                        got: -2
                    }
                )
            },
            "-2 axes were given",
        ),
        (
            &|d| d.tensor.dtype.lanes = 2,
            |e| matches!(e, DlpackError::DtypeMismatch),
            "elements have another type",
        ),
        (
            &|d| d.strides = Some(vec![1, 2]),
            |e| matches!(e, DlpackError::NotContiguous),
            "elements do not lie in row-major order",
        ),
        (
            &|d| d.tensor.data = null_mut(),
            |e| matches!(e, DlpackError::NullPointer),
            "a null pointer",
        ),
        (
            &|d| d.shape = vec![i64::MAX, 2],
            |e| matches!(e, DlpackError::Overflow),
            "shape is larger than memory",
        ),
        (
            &|d| d.shape = vec![-1, 2],
            |e| matches!(e, DlpackError::NegativeDimension),
            "a length is negative",
        ),
        (
            &|d| (d.shape, d.tensor.byte_offset) = (vec![1, 1], 2),
            |e| matches!(e, DlpackError::TensorError(TensorError::Misaligned { .. })),
            "address 0x",
        ),
        (
            &|d| d.tensor.device.device_type = DLDeviceType::METAL,
            |e| matches!(e, DlpackError::TensorError(_)),
            "device type 8",
        ),
    ];
    for (change, is_it, text) in errors {
        let error = old(change).unwrap_err();
        assert!(is_it(&error), "{error}");
        assert!(error.to_string().starts_with(text), "{error}");
        assert_eq!(format!("{error:?}"), error.to_string());
    }
}

#[test]
fn the_old_way_out_copies_what_the_consumer_must_not_write() {
    let old = |tensor: Tensor<u8, 2>| {
        let raw = tensor_to_dlpack(tensor);
        // SAFETY: just made, and nobody else has it.
        let managed = unsafe { Managed::<DLManagedTensor>::from_raw(raw.cast()) };
        // SAFETY: nobody else has the elements.
        unsafe { Tensor::<u8, 2>::from_dlpack_exclusive(managed.unwrap()) }.unwrap()
    };
    let tensor = Tensor::from_shape_vec([2, 2], vec![1u8, 2, 3, 4]).unwrap();
    let address = tensor.as_ptr();
    let mut copy = old(tensor.clone());
    copy.as_mut_slice()[0] = 9;
    assert_eq!(tensor[[0, 0]], 1); // 0.2.0's consumer would have written here
    let flipped = old(tensor.flip(1)); // nor are strides lost
    assert_eq!(flipped.view().to_vec(), [2, 1, 4, 3]);
    drop(flipped);
    assert_eq!(old(tensor).as_ptr(), address); // the sole handle: no copy
    let constant = Tensor::from_owner([1, 2], [7u8, 8]).unwrap();
    assert_eq!(old(constant).as_slice(), [7, 8]);
}
