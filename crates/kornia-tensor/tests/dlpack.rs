//! Tensors of other libraries in, tensors out to them: what is refused, who may write, what is
//! freed when, and on which thread.

#[path = "random/config.rs"]
mod config;
#[path = "dlpack/peer.rs"]
mod peer;
#[path = "dlpack/producer.rs"]
mod producer;
#[path = "random/recipe.rs"]
#[allow(dead_code, unused_macros, unused_imports)] // each test file uses its own part
mod recipe;
#[path = "dlpack/refusals.rs"]
mod refusals;

use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use kornia_tensor::dlpack::abi::{
    CAPSULE_EXCHANGE_API, CAPSULE_LEGACY, CAPSULE_VERSIONED, DLDeviceType, DLManagedTensor,
    DLManagedTensorVersioned, FLAG_IS_COPIED, FLAG_READ_ONLY, VERSION,
};
use kornia_tensor::dlpack::{DlpackElem, Managed, dlpack_view};
use kornia_tensor::{MemoryDomain, Pool, Tensor, TensorError, TensorView};
use producer::{Described, Drops, tensor_of};

/// Through both structs and back.
fn round_trip<T: DlpackElem + PartialEq + std::fmt::Debug>(elements: [T; 6]) {
    let tensor = Tensor::from_shape_vec([2, 3], elements.to_vec()).unwrap();
    let address = tensor.as_ptr();
    let managed = tensor.into_dlpack();
    assert_eq!(managed.descriptor().unwrap().dtype().lanes, 1);
    // SAFETY: nobody else has the elements.
    let tensor = unsafe { Tensor::<T, 2>::from_dlpack_exclusive(managed) }.unwrap();
    assert_eq!(
        (tensor.as_ptr(), tensor.as_slice()),
        (address, &elements[..])
    );
    let managed = tensor.into_dlpack_legacy().unwrap();
    // SAFETY: as above.
    let tensor = unsafe { Tensor::<T, 2>::from_dlpack(managed) }.unwrap();
    assert_eq!(
        (tensor.as_ptr(), tensor.as_slice()),
        (address, &elements[..])
    );
}

#[test]
fn every_element_type_goes_through_both_structs_and_back() {
    round_trip([true, false, true, true, false, false]);
    round_trip([0u8, 1, 2, 3, 4, u8::MAX]);
    round_trip([0i8, 1, 2, 3, i8::MIN, i8::MAX]);
    round_trip([0u16, 1, 2, 3, 4, u16::MAX]);
    round_trip([0i16, 1, 2, 3, i16::MIN, i16::MAX]);
    round_trip([0u32, 1, 2, 3, 4, u32::MAX]);
    round_trip([0i32, 1, 2, 3, i32::MIN, i32::MAX]);
    round_trip([0u64, 1, 2, 3, 4, u64::MAX]);
    round_trip([0i64, 1, 2, 3, i64::MIN, i64::MAX]);
    round_trip([0f32, 1., 2., 3., -0.5, f32::INFINITY]);
    round_trip([0f64, 1., 2., 3., -0.5, f64::MIN]);
    #[cfg(feature = "half")]
    {
        round_trip([1f32, 2., 3., 4., 5., 6.].map(half::f16::from_f32));
        round_trip([1f32, 2., 3., 4., 5., 6.].map(half::bf16::from_f32));
    }
}

#[test]
fn strides_of_any_sign_go_along_and_come_back() {
    let base =
        Tensor::<i32, 3>::from_shape_fn([3, 4, 5], |[i, j, k]| (100 * i + 10 * j + k) as i32);
    for tensor in [
        base.slice((1.., ..3, 2..)),
        base.flip(0),
        base.flip(1).flip(2),
        base.permute_axes([2, 0, 1]).unwrap(),
        base.slice((..1, .., ..)),
        base.slice((.., 2..2, ..)),
    ] {
        let (shape, elements) = (*tensor.shape(), tensor.view().to_vec());
        let first = tensor.as_ptr();
        let managed = tensor.into_dlpack();
        // SAFETY: nobody writes the elements.
        let back = unsafe { Tensor::<i32, 3>::from_dlpack(managed) }.unwrap();
        assert_eq!((*back.shape(), back.view().to_vec()), (shape, elements));
        assert!(back.is_empty() || back.as_ptr() == first);
    }
}

#[test]
fn a_scalar_and_nothing_at_all_go_out_and_come_back() {
    let managed = Tensor::full([], 7u16).into_dlpack();
    let described = managed.descriptor().unwrap();
    assert_eq!((described.ndim(), described.shape().len()), (0, 0));
    // SAFETY: nobody writes the element.
    let back = unsafe { Tensor::<u16, 0>::from_dlpack(managed) }.unwrap();
    assert_eq!(back[[]], 7);

    let managed = Tensor::<f64, 2>::zeros([3, 0]).into_dlpack();
    // SAFETY: owned by `managed`.
    let data = unsafe { (*managed.as_ptr()).dl_tensor.data };
    assert!(data.is_null()); // as the specification wishes
    // SAFETY: there are no elements.
    let back = unsafe { Tensor::<f64, 2>::from_dlpack(managed) }.unwrap();
    assert_eq!((back.shape(), back.numel()), (&[3, 0], 0));
}

#[test]
fn axes_of_length_1_are_told_the_strides_of_row_major_order() {
    let base = Tensor::<u8, 3>::zeros([4, 5, 6]);
    let managed = base.slice((1..2, .., ..)).flip(0).into_dlpack();
    assert_eq!(
        managed.descriptor().unwrap().strides(),
        Some(&[30, 6, 1][..])
    );
    let managed = base.slice((.., 1..2, ..)).into_dlpack();
    assert_eq!(
        managed.descriptor().unwrap().strides(),
        Some(&[30, 1, 1][..])
    );
}

#[test]
fn only_the_sole_handle_of_writable_memory_goes_out_writable() {
    let flags = |managed: &Managed| managed.descriptor().unwrap().is_read_only();
    let tensor = Tensor::<u8, 1>::zeros([4]);
    let shared = tensor.clone();
    let first = shared.into_dlpack();
    assert!(flags(&first));
    assert!(tensor.clone().into_dlpack_legacy().is_err());
    let second = tensor.into_dlpack(); // the first export is still a handle
    assert!(flags(&second));
    drop((first, second));

    let tensor = Tensor::from_owner([3], [1u8, 2, 3]).unwrap();
    assert!(flags(&tensor.clone().into_dlpack()));
    let refused = tensor.into_dlpack_legacy().unwrap_err();
    assert_eq!(refused.error, TensorError::ReadOnlyStorage);
    assert_eq!(refused.owner.as_slice(), [1, 2, 3]);
}

#[test]
fn what_comes_in_is_read_only_unless_it_is_a_copy_or_exclusive() {
    for (flags, writable) in [
        (0, false),
        (FLAG_READ_ONLY, false),
        (FLAG_IS_COPIED, true),
        (FLAG_IS_COPIED | FLAG_READ_ONLY, false),
    ] {
        let drops = Drops::default();
        let managed = Described {
            flags,
            ..Described::of(vec![1u8, 2, 3])
        }
        .versioned(&drops);
        // SAFETY: nobody else has the elements.
        let mut tensor = unsafe { Tensor::<u8, 1>::from_dlpack(managed) }.unwrap();
        assert_eq!(tensor.try_as_mut_slice().is_ok(), writable, "flags {flags}");
        tensor.make_mut()[[0]] = 9;
        assert_eq!(tensor.as_slice(), [9, 2, 3]);
        drop(tensor);
        assert_eq!(drops.count(), 1);
    }

    let drops = Drops::default();
    let managed = Described::of(vec![1u8, 2, 3]).legacy(&drops);
    // SAFETY: nobody else has the elements.
    let mut tensor = unsafe { Tensor::<u8, 1>::from_dlpack_exclusive(managed) }.unwrap();
    tensor.as_mut_slice()[0] = 9;
    assert_eq!(tensor.as_slice(), [9, 2, 3]);
}

#[test]
fn the_producer_is_told_once_with_the_last_handle_on_any_thread() {
    let drops = Drops::default();
    let managed = Described::of(vec![1i32, 2, 3, 4]).versioned(&drops);
    // SAFETY: nobody writes the elements.
    let tensor = unsafe { Tensor::<i32, 1>::from_dlpack(managed) }.unwrap();
    let window = tensor.slice((1..3,));
    drop(tensor);
    assert_eq!(drops.count(), 0);
    let sum = std::thread::spawn(move || window.iter().sum::<i32>());
    assert_eq!(sum.join().unwrap(), 5);
    assert_eq!(drops.count(), 1);
}

#[test]
fn a_consumer_may_free_on_another_thread() {
    struct Keeper(Arc<AtomicUsize>);
    impl Drop for Keeper {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    impl AsRef<[u8]> for Keeper {
        fn as_ref(&self) -> &[u8] {
            &[1, 2, 3]
        }
    }
    let gone = Arc::new(AtomicUsize::new(0));
    let managed = Tensor::from_owner([3], Keeper(gone.clone()))
        .unwrap()
        .into_dlpack();
    std::thread::spawn(move || drop(managed)).join().unwrap();
    assert_eq!(gone.load(SeqCst), 1);
}

#[test]
fn a_block_of_a_pool_comes_back_when_the_consumer_frees_it() {
    let pool = Pool::builder().min_bytes(1).build().unwrap();
    let tensor = Tensor::<u8, 1>::zeros_in([64], pool.handle());
    let address = tensor.as_ptr();
    drop(tensor.into_dlpack());
    let again = Tensor::<u8, 1>::zeros_in([64], pool.handle());
    assert_eq!(again.as_ptr(), address);
}

#[test]
fn a_struct_without_a_deleter_is_left_alone() {
    let drops = Drops::default();
    let managed = Described::of(vec![5u8, 6]).legacy(&drops);
    let raw = managed.into_raw();
    // SAFETY: just given away, and nobody else has it.
    let deleter = unsafe { (*raw).deleter.take() }.unwrap();
    // SAFETY: as above.
    let managed = unsafe { Managed::from_raw(raw) }.unwrap();
    // SAFETY: nobody writes the elements.
    let tensor = unsafe { Tensor::<u8, 1>::from_dlpack(managed) }.unwrap();
    assert_eq!(tensor.as_slice(), [5, 6]);
    drop(tensor);
    assert_eq!(drops.count(), 0);
    // SAFETY: nobody uses the elements any more.
    unsafe { deleter(raw) };
    assert_eq!(drops.count(), 1);
}

#[test]
fn a_view_shows_repeated_elements_and_flips() {
    let mut shape = [2i64, 3];
    let elements = [1u8, 2, 3];
    for (strides, expected) in [
        ([0i64, 1], [1, 2, 3, 1, 2, 3]),
        ([0, -1], [3, 2, 1, 3, 2, 1]),
    ] {
        let mut strides = strides;
        let mut tensor = tensor_of::<u8>(elements.as_ptr().cast_mut(), &mut shape);
        tensor.strides = strides.as_mut_ptr();
        tensor.byte_offset = if strides[1] < 0 { 2 } else { 0 };
        // SAFETY: it describes the array, which nobody writes.
        let view: TensorView<'_, u8, 2> = unsafe { dlpack_view(&tensor) }.unwrap();
        assert_eq!(view.to_vec(), expected);
    }
}

#[test]
fn a_view_needs_memory_of_the_host() {
    let mut shape = [2i64];
    let elements = [1u8, 2];
    let mut tensor = tensor_of::<u8>(elements.as_ptr().cast_mut(), &mut shape);
    tensor.device.device_type = DLDeviceType::CUDA;
    // SAFETY: the address is not used.
    let refused = unsafe { dlpack_view::<u8, 1>(&tensor) }.unwrap_err();
    let domain = MemoryDomain::Device { id: 0 };
    assert_eq!(refused, TensorError::NotHostAccessible { domain });
    // SAFETY: NULL is allowed.
    assert!(unsafe { dlpack_view::<u8, 1>(null_mut()) }.is_err());
}

#[test]
fn devices_come_in_and_go_out_as_what_they_are() {
    for (device, domain) in [
        (DLDeviceType::CPU, MemoryDomain::Host),
        (DLDeviceType::CUDA_HOST, MemoryDomain::Host),
        (DLDeviceType::ROCM_HOST, MemoryDomain::Host),
        (DLDeviceType::CUDA, MemoryDomain::Device { id: 3 }),
        (DLDeviceType::CUDA_MANAGED, MemoryDomain::Unified { id: 3 }),
    ] {
        let drops = Drops::default();
        let mut described = Described::of(vec![1u8, 2]);
        described.tensor.device.device_type = device;
        described.tensor.device.device_id = 3;
        let managed = described.versioned(&drops);
        // SAFETY: nobody else has the elements.
        let tensor = unsafe { Tensor::<u8, 1>::from_dlpack_exclusive(managed) }.unwrap();
        assert_eq!(tensor.storage().domain(), domain);
        let out = tensor.into_dlpack();
        let described = out.descriptor().unwrap();
        assert!(!described.is_read_only());
        match domain {
            MemoryDomain::Host => assert_eq!(described.device().device_type, DLDeviceType::CPU),
            _ => assert_eq!(described.device().device_type, device),
        }
        drop(out);
        assert_eq!(drops.count(), 1);
    }
}

#[test]
fn memory_of_a_device_that_came_in_read_only_goes_out_read_only() {
    let drops = Drops::default();
    let mut described = Described::of(vec![1u8, 2]);
    described.tensor.device.device_type = DLDeviceType::CUDA;
    let managed = described.versioned(&drops);
    // SAFETY: nobody writes the elements.
    let tensor = unsafe { Tensor::<u8, 1>::from_dlpack(managed) }.unwrap();
    let refused = tensor.into_dlpack_legacy().unwrap_err();
    assert_eq!(refused.error, TensorError::ReadOnlyStorage);
    let out = refused.owner.into_dlpack();
    assert!(out.descriptor().unwrap().is_read_only());
    drop(out);
    assert_eq!(drops.count(), 1);
}

#[test]
fn strides_that_are_missing_mean_row_major_order() {
    let drops = Drops::default();
    let mut described = Described::of(vec![1u8, 2, 3, 4, 5, 6]);
    described.shape = vec![3, 2];
    described.strides = None;
    // SAFETY: nobody writes the elements.
    let tensor = unsafe { Tensor::<u8, 2>::from_dlpack(described.versioned(&drops)) }.unwrap();
    assert_eq!(tensor.strides(), &[2, 1]);
    assert_eq!(tensor.as_slice(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn strides_that_are_never_used_may_be_anything() {
    for stride in [0, 1, -7, i64::MIN, i64::MAX] {
        let drops = Drops::default();
        let mut described = Described::of(vec![1u16, 2, 3]);
        (described.shape, described.strides) = (vec![1, 3], Some(vec![stride, 1]));
        // SAFETY: nobody writes the elements.
        let tensor = unsafe { Tensor::<u16, 2>::from_dlpack(described.versioned(&drops)) }.unwrap();
        assert_eq!(tensor.as_slice(), [1, 2, 3]);

        let mut described = Described::of(vec![1u16]);
        (described.shape, described.strides) = (vec![5, 0], Some(vec![stride, stride]));
        described.tensor.data = if stride == 0 {
            null_mut()
        } else {
            described.tensor.data
        };
        described.tensor.byte_offset = 1; // nor is an address used
        // SAFETY: there are no elements.
        let tensor = unsafe { Tensor::<u16, 2>::from_dlpack(described.versioned(&drops)) }.unwrap();
        assert_eq!(tensor.shape(), &[5, 0]);
    }
}

#[test]
fn an_offset_is_added_and_only_the_first_element_has_to_be_aligned() {
    let drops = Drops::default();
    let mut described = Described::of(vec![0u32, 1, 2, 3]);
    described.shape = vec![2];
    described.tensor.data = described.tensor.data.wrapping_byte_add(3);
    described.tensor.byte_offset = 5;
    // SAFETY: nobody writes the elements.
    let tensor = unsafe { Tensor::<u32, 1>::from_dlpack(described.versioned(&drops)) }.unwrap();
    assert_eq!(tensor.as_slice(), [2, 3]);
}

#[test]
fn names_and_numbers_are_those_of_the_header() {
    assert_eq!((VERSION.major, VERSION.minor), (1, 3));
    assert_eq!(CAPSULE_VERSIONED[0].to_bytes(), b"dltensor_versioned");
    assert_eq!(CAPSULE_LEGACY[1].to_bytes(), b"used_dltensor");
    assert_eq!(CAPSULE_EXCHANGE_API.to_bytes(), b"dlpack_exchange_api");
    assert_eq!(size_of::<Managed>(), size_of::<usize>());
    assert_eq!(
        size_of::<Option<Managed<DLManagedTensor>>>(),
        size_of::<usize>()
    );
    static_assertions::assert_impl_all!(Managed: Send, Sync);
    static_assertions::assert_not_impl_any!(Managed: Clone);
    static_assertions::assert_impl_all!(Managed<DLManagedTensorVersioned>: std::fmt::Debug);
}
