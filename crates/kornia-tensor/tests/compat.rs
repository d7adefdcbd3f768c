//! Every name that published crates use of 0.2.0, called as they call it.
//!
//! Most of this is a test by compiling. Where 0.3 asks for another form (strides are `isize`,
//! errors have fields, the two traits are `unsafe`) the new form stands here, and MIGRATION.md
//! has both.

#![allow(deprecated)] // names of 0.2.0 are tested too

use std::alloc::Layout;
use std::any::Any;
use std::sync::Arc;

use kornia_tensor::allocator::{AllocHandle, CpuAllocator, TensorAllocator, TensorAllocatorError};
use kornia_tensor::resource::{HostResource, MemoryDomain, MemoryResource};
use kornia_tensor::storage::TensorStorage;
use kornia_tensor::tensor::{checked_numel, get_strides_from_shape};
use kornia_tensor::view::TensorView;
use kornia_tensor::{
    CpuTensor2, Tensor, Tensor1, Tensor2, Tensor3, Tensor4, TensorError, TensorParts, host_alloc,
};

#[test]
fn names_resolve_at_their_old_paths_and_at_the_root() {
    fn same<T>(_: fn(T), _: fn(T)) {}
    same::<kornia_tensor::Tensor<u8, 3>>(drop, drop::<kornia_tensor::tensor::Tensor<u8, 3>>);
    same::<kornia_tensor::TensorError>(drop, drop::<kornia_tensor::tensor::TensorError>);
    same::<kornia_tensor::TensorStorage<u8>>(drop, drop::<TensorStorage<u8>>);
    same::<kornia_tensor::MemoryDomain>(drop, drop::<kornia_tensor::storage::MemoryDomain>);
    same::<kornia_tensor::MemoryDomain>(drop, drop::<MemoryDomain>);
    same::<kornia_tensor::HostResource>(drop, drop::<HostResource>);
    same::<kornia_tensor::AllocHandle>(drop, drop::<AllocHandle>);
    same::<kornia_tensor::CpuAllocator>(drop, drop::<CpuAllocator>);
    same::<kornia_tensor::TensorView<'static, u8, 2>>(drop, drop::<TensorView<'static, u8, 2>>);
    same::<kornia_tensor::TensorAllocatorError>(drop, drop::<TensorAllocatorError>);
    assert_eq!(
        kornia_tensor::checked_numel(&[2, 3]),
        checked_numel(&[2, 3])
    );
    assert_eq!(kornia_tensor::get_strides_from_shape([2, 3]), [3, 1]);
    assert!(kornia_tensor::allocator::host_alloc().is_global());
}

#[test]
fn aliases() {
    let a: Tensor1<u8> = Tensor::zeros([1]);
    let b: Tensor2<u8> = Tensor2::<u8>::zeros([1, 2]);
    let c: Tensor3<u8> = Tensor3::zeros([1, 2, 3]);
    let d: Tensor4<u8> = Tensor4::zeros([1, 2, 3, 4]);
    let e: CpuTensor2<f32> = CpuTensor2::<f32>::from_shape_vec([1, 2], vec![1.0, 2.0]).unwrap();
    let counts = [a.numel(), b.numel(), c.numel(), d.numel(), e.numel()];
    assert_eq!(counts, [1, 2, 6, 24, 2]);
}

#[test]
fn slices() {
    let mut t = Tensor::<u8, 3>::from_shape_vec([1, 2, 2], vec![1, 2, 3, 4]).unwrap();
    let _: &[u8] = t.as_slice();
    let slice: &mut [u8] = t.as_slice_mut();
    slice[0] = 9;
    t.as_mut_slice()[1] = 8;
    assert_eq!(t.as_slice(), vec![9, 8, 3, 4]);
    assert_eq!(t.as_slice().as_ptr(), t.as_ptr());
    assert_eq!(t.as_mut_ptr().cast_const(), t.as_ptr());
}

#[test]
fn fields_are_read() {
    let t = Tensor::<f32, 3>::zeros([4, 5, 3]);
    let (height, width) = (t.shape[0], t.shape[1]);
    let [h, w, c] = t.shape;
    assert_eq!((height, width, h, w, c), (4, 5, 4, 5, 3));
    assert_eq!(t.strides, [15, 3, 1]);
    assert_eq!(t.strides[0] as usize, 15);
    let copy: [usize; 3] = t.shape;
    assert!(t.shape == copy && t.shape.iter().product::<usize>() == 60);
    let alloc: &AllocHandle = t.storage.alloc();
    let another = Tensor::<f32, 3>::zeros_in([1, 1, 1], alloc.clone());
    assert_eq!(another.storage.domain(), MemoryDomain::Host);
    assert_eq!(t.storage.device_id(), 0);
    assert_eq!(t.storage.as_slice().len(), 60);
    assert_eq!(t.storage.as_ptr(), t.as_ptr());
    // New: methods, which rustdoc lists.
    assert_eq!((t.shape(), t.strides()), (&[4, 5, 3], &[15, 3, 1]));
}

#[test]
fn a_literal_becomes_parts_that_are_checked() {
    let (shape, strides) = ([2, 3], [3, 1]);
    let storage = TensorStorage::from_vec(vec![1, 2, 3, 4, 5, 6], host_alloc());
    let t: Tensor<i32, 2> = Tensor::try_from_parts(TensorParts {
        storage,
        shape,
        strides,
    })
    .unwrap();
    assert_eq!(t.shape, shape);
    let TensorParts { storage, .. } = t.into_parts();
    assert_eq!(storage.into_vec().len(), 6);
}

#[test]
fn storages() {
    let storage: TensorStorage<u8> = TensorStorage::from_vec(vec![1, 2, 3], host_alloc());
    let _: &dyn TensorAllocator = &**storage.alloc();
    let (_, _): (MemoryDomain, i32) = (storage.domain(), storage.device_id());
    assert_eq!(storage.into_vec(), vec![1, 2, 3]);

    let frame: Arc<Vec<u16>> = Arc::new(vec![5, 6, 7]);
    let keep: Arc<dyn Any + Send + Sync> = frame.clone();
    let (start, host) = (frame.as_ptr(), MemoryDomain::Host);
    // SAFETY: the `Arc` keeps the elements in place, and nobody writes to them.
    let storage =
        unsafe { TensorStorage::from_borrowed_readonly(start, 6, host_alloc(), host, keep) };
    assert_eq!(storage.as_slice(), [5, 6, 7]);

    let mut bytes = vec![1u8, 2, 3, 4].into_boxed_slice();
    let (start, len) = (bytes.as_mut_ptr(), bytes.len());
    // SAFETY: the box outlives the storage and is not used meanwhile.
    let mut storage =
        unsafe { TensorStorage::from_borrowed(start, len, host_alloc(), host, Arc::new(())) };
    storage.as_mut_slice()[0] = 9;
    drop(storage);
    // SAFETY: as above.
    let storage = unsafe { TensorStorage::from_raw_parts(start, len, host_alloc()) };
    assert_eq!(storage.as_slice(), [9, 2, 3, 4]);
}

#[test]
fn constructors() -> Result<(), TensorError> {
    let a = Tensor::<u8, 2>::from_shape_vec([2, 2], vec![1, 2, 3, 4])?;
    let b = Tensor::<u8, 2>::from_shape_vec_in([2, 2], vec![1, 2, 3, 4], host_alloc())?;
    let c = Tensor::<u8, 2>::from_shape_slice([2, 2], &[1, 2, 3, 4])?;
    let d = Tensor::<u8, 2>::from_shape_slice_in([2, 2], &[1, 2, 3, 4], host_alloc())?;
    let e = Tensor::<u8, 2>::from_shape_fn([2, 2], |[i, j]| (2 * i + j + 1) as u8);
    let f = Tensor::<u8, 2>::from_shape_fn_in([2, 2], host_alloc(), |[i, j]| (2 * i + j + 1) as u8);
    for t in [b, c, d, e, f] {
        assert_eq!(t, a);
    }
    let a = Tensor::<f32, 2>::from_shape_val([2, 2], 0.0);
    let b = Tensor::<f32, 2>::from_shape_val_in([2, 2], 0.0, host_alloc());
    let c = Tensor::<f32, 2>::zeros([2, 2]);
    let d = Tensor::<f32, 2>::zeros_in([2, 2], host_alloc());
    for t in [b, c, d] {
        assert_eq!(t, a);
    }

    let mut words = [1u32, 2, 3, 4];
    let start = words.as_mut_ptr();
    // SAFETY: the array outlives the tensor and is not used meanwhile. The length is in bytes.
    let t = unsafe { Tensor::<u32, 2>::from_raw_parts([2, 2], start, 16, host_alloc()) }?;
    assert_eq!(t.as_slice(), [1, 2, 3, 4]);
    drop(t);
    let host = MemoryDomain::Host;
    // SAFETY: as above. The length is in elements.
    let mut t = unsafe { Tensor::from_borrowed([2, 2], start, 4, host, Arc::new(())) }?;
    t.as_slice_mut()[0] = 9;
    drop(t);
    // SAFETY: as above.
    let t = unsafe { Tensor::from_borrowed_readonly([2, 2], start, 4, host, Arc::new(())) }?;
    assert_eq!(t.get([0, 0]), Some(&9));
    Ok(())
}

#[test]
fn computing() {
    let t = Tensor::<u8, 2>::from_shape_vec([2, 2], vec![1, 2, 3, 4]).unwrap();
    assert_eq!(t.get([1, 1]), Some(&4));
    assert_eq!(t.get([2, 0]), None);
    let doubled: Tensor<u16, 2> = t.map(|x| u16::from(*x) * 2);
    let wide: Tensor<f32, 2> = t.cast::<f32>();
    let sum: Result<Tensor<u8, 2>, TensorError> = t.element_wise_op(&t, |a, b| a + b);
    assert_eq!(doubled.as_slice(), [2, 4, 6, 8]);
    assert_eq!(wide.as_slice(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(sum.unwrap().as_slice(), [2, 4, 6, 8]);
    assert_eq!(t.numel(), 4);
    t.check_layout().unwrap();
    assert!(t.is_standard_layout());
    assert_eq!(t.into_vec(), vec![1, 2, 3, 4]);
}

#[test]
fn shape_arithmetic() {
    let numel: Result<usize, TensorError> = checked_numel(&[2, 3, 4]);
    assert_eq!(numel.unwrap(), 24);
    assert_eq!(
        checked_numel(&[1usize << 40, 1 << 40])
            .map(drop)
            .unwrap_err()
            .to_string(),
        "shape [1099511627776, 1099511627776] with 1-byte elements is larger than memory can address; use a smaller shape"
    );
    let strides: [usize; 3] = get_strides_from_shape([2, 3, 4]);
    assert_eq!(strides, [12, 4, 1]);
}

/// As kornia-io wraps memory of a camera.
struct Mapped(HostResource);

// SAFETY: the memory of the `HostResource`, which this value owns.
unsafe impl MemoryResource for Mapped {
    fn as_ptr(&self) -> *mut u8 {
        self.0.as_ptr()
    }
    fn len_bytes(&self) -> usize {
        self.0.len_bytes()
    }
    fn domain(&self) -> MemoryDomain {
        MemoryDomain::Unified { id: 1 }
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// As new code does, which has no use for `as_any_mut`.
struct Modest(HostResource);

// SAFETY: the memory of the `HostResource`, which this value owns.
unsafe impl MemoryResource for Modest {
    fn as_ptr(&self) -> *mut u8 {
        self.0.as_ptr()
    }
    fn len_bytes(&self) -> usize {
        self.0.len_bytes()
    }
    fn domain(&self) -> MemoryDomain {
        MemoryDomain::Host
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[test]
fn a_block_is_found_by_its_type_for_writing_if_it_says_so() {
    let memory = || HostResource::from_layout(Layout::new::<u64>()).unwrap();
    let mut blocks: [Box<dyn MemoryResource>; 3] = [
        Box::new(Mapped(memory())),
        Box::new(memory()),
        Box::new(Modest(memory())),
    ];
    assert!(blocks[0].as_any_mut().is::<Mapped>());
    assert!(blocks[1].as_any_mut().is::<HostResource>());
    assert!(!blocks[2].as_any_mut().is::<Modest>());
}

#[test]
fn a_block_is_taken_apart_and_put_together() {
    let block = HostResource::from_layout(Layout::new::<u64>()).unwrap();
    let address = block.as_ptr();
    let (ptr, layout) = block.into_raw_parts();
    assert_eq!(ptr, address);
    // SAFETY: the parts of a block, used once.
    let block = unsafe { HostResource::from_raw(ptr, layout) }.unwrap();
    assert_eq!((block.len_bytes(), block.is_empty()), (8, false));
    // SAFETY: a null pointer is refused.
    let refused = unsafe { HostResource::from_raw(std::ptr::null_mut(), layout) };
    assert_eq!(refused.unwrap_err(), TensorAllocatorError::NullPointer);

    // A block becomes a tensor, and a storage one in row-major order.
    // SAFETY: its bytes are zeros, which are a `u64`.
    let storage = unsafe { TensorStorage::<u64>::from_resource(Box::new(block), 1, host_alloc()) };
    let t = Tensor::from_storage(storage.unwrap(), [1, 1]).unwrap();
    assert_eq!((t.as_ptr().cast(), t[[0, 0]]), (address.cast_const(), 0));
    let refused = Tensor::from_storage(t.into_parts().storage, [2, 1]).unwrap_err();
    assert!(matches!(
        refused,
        TensorError::ElementCountMismatch { found: 1, .. }
    ));
}

struct MappedAllocator;

// SAFETY: fresh memory of the layout.
unsafe impl TensorAllocator for MappedAllocator {
    fn allocate(&self, layout: Layout) -> Result<Box<dyn MemoryResource>, TensorAllocatorError> {
        Ok(Box::new(Mapped(HostResource::from_layout(layout)?)))
    }
}

/// As kornia-io labels memory that came from elsewhere.
struct ForeignAllocator;

// SAFETY: gives nothing.
unsafe impl TensorAllocator for ForeignAllocator {
    fn allocate(&self, _: Layout) -> Result<Box<dyn MemoryResource>, TensorAllocatorError> {
        Err(TensorAllocatorError::CannotAllocateForeign)
    }
}

#[test]
fn allocators() {
    let handle: AllocHandle = Arc::new(CpuAllocator);
    let block = handle
        .allocate(Layout::from_size_align(64, 8).unwrap())
        .unwrap();
    assert_eq!(
        (block.len_bytes(), block.domain()),
        (64, MemoryDomain::Host)
    );
    assert!(!block.is_readonly() && block.domain().is_host_accessible());
    let by_default = CpuAllocator;
    assert!(by_default.clone().allocate(Layout::new::<u64>()).is_ok());

    let t = Tensor::<u8, 1>::zeros_in([3], Arc::new(MappedAllocator));
    assert_eq!(t.storage.domain(), MemoryDomain::Unified { id: 1 });
    assert_eq!(t.storage.device_id(), 1);

    let labelled = TensorStorage::from_vec(vec![1u8, 2], Arc::new(ForeignAllocator));
    assert_eq!(labelled.as_slice(), [1, 2]);
    let refused = Tensor::<u8, 1>::from_shape_slice_in([2], &[1, 2], Arc::new(ForeignAllocator));
    assert_eq!(
        refused.map(drop),
        Err(TensorError::StorageError(
            TensorAllocatorError::CannotAllocateForeign
        ))
    );
}

#[test]
fn domains() {
    for (domain, host, device, id) in [
        (MemoryDomain::Host, true, false, 0),
        (MemoryDomain::Device { id: 3 }, false, true, 3),
        (MemoryDomain::Unified { id: 4 }, true, true, 4),
    ] {
        assert_eq!(domain.is_host_accessible(), host);
        assert_eq!(domain.is_device_accessible(), device);
        assert_eq!(domain.device_id(), id);
        match domain {
            MemoryDomain::Host => assert!(host && !device),
            MemoryDomain::Device { id: 3 } | MemoryDomain::Unified { id: 4 } => assert!(device),
            MemoryDomain::Device { .. } | MemoryDomain::Unified { .. } => unreachable!(),
        }
    }
}

#[test]
fn errors_keep_their_variants() {
    let t = Tensor::<u8, 2>::zeros([2, 3]);
    let shape = Tensor::<u8, 2>::from_shape_vec([2, 3], vec![1]);
    assert!(matches!(
        shape,
        Err(TensorError::ElementCountMismatch { found: 1, .. })
    ));
    let index = t.try_select::<1>(1, 3);
    assert!(matches!(
        index,
        Err(TensorError::IndexOutsideAxis { index: 3, .. })
    ));
    let other = Tensor::<u8, 2>::zeros([3, 2]);
    let mismatch = t.element_wise_op(&other, |a, _| *a);
    assert!(matches!(mismatch, Err(TensorError::ShapeMismatch { .. })));
    let errors = [
        TensorError::CastError,
        // As kornia-imgproc, kornia-tensor-ops and kornia-io make them.
        TensorError::InvalidShape(7),
        TensorError::IndexOutOfBounds(7),
        TensorError::DimensionMismatch("a camera has 8 or 12 parameters".to_string()),
        TensorError::UnsupportedOperation("an operation".into()),
        TensorError::StorageError(TensorAllocatorError::NullPointer),
        TensorAllocatorError::AllocationFailed("why".into()).into(),
    ];
    for (number, error) in errors.iter().enumerate() {
        let _: &dyn std::error::Error = error;
        assert!(!error.to_string().is_empty());
        assert_eq!(errors.iter().position(|other| other == error), Some(number));
    }
}

/// As a published crate extends tensors; every method returns `Result`, and here its name.
trait TensorOps: Sized {
    fn sum_elements(&self) -> Result<&'static str, ()>;
    fn mul_scalar(&self, factor: f32) -> Result<&'static str, ()>;
    fn powf(&self, exponent: f32) -> Result<&'static str, ()>;
    fn powi(&self, exponent: i32) -> Result<&'static str, ()>;
    fn min(&self) -> Result<&'static str, ()>;
    fn abs(&self) -> Result<&'static str, ()>;
    fn mean(&self) -> Result<&'static str, ()>;
    fn add(&self, other: &Self) -> Result<&'static str, ()>;
    fn sub(&self, other: &Self) -> Result<&'static str, ()>;
    fn mul(&self, other: &Self) -> Result<&'static str, ()>;
    fn div(&self, other: &Self) -> Result<&'static str, ()>;
    fn dot_product1(&self, other: &Self) -> Result<&'static str, ()>;
    fn cosine_similarity(&self, other: &Self) -> Result<&'static str, ()>;
    fn cosine_distance(&self, other: &Self) -> Result<&'static str, ()>;
}

impl<const N: usize> TensorOps for Tensor<f32, N> {
    fn sum_elements(&self) -> Result<&'static str, ()> {
        Ok("sum_elements")
    }
    fn mul_scalar(&self, _: f32) -> Result<&'static str, ()> {
        Ok("mul_scalar")
    }
    fn powf(&self, _: f32) -> Result<&'static str, ()> {
        Ok("powf")
    }
    fn powi(&self, _: i32) -> Result<&'static str, ()> {
        Ok("powi")
    }
    fn min(&self) -> Result<&'static str, ()> {
        Ok("min")
    }
    fn abs(&self) -> Result<&'static str, ()> {
        Ok("abs")
    }
    fn mean(&self) -> Result<&'static str, ()> {
        Ok("mean")
    }
    fn add(&self, _: &Self) -> Result<&'static str, ()> {
        Ok("add")
    }
    fn sub(&self, _: &Self) -> Result<&'static str, ()> {
        Ok("sub")
    }
    fn mul(&self, _: &Self) -> Result<&'static str, ()> {
        Ok("mul")
    }
    fn div(&self, _: &Self) -> Result<&'static str, ()> {
        Ok("div")
    }
    fn dot_product1(&self, _: &Self) -> Result<&'static str, ()> {
        Ok("dot_product1")
    }
    fn cosine_similarity(&self, _: &Self) -> Result<&'static str, ()> {
        Ok("cosine_similarity")
    }
    fn cosine_distance(&self, _: &Self) -> Result<&'static str, ()> {
        Ok("cosine_distance")
    }
}

/// An inherent method of one of these names would be called instead, and would not return the
/// name (or would not take these arguments).
#[test]
fn the_methods_of_a_published_extension_trait_are_not_shadowed() {
    let t = Tensor::<f32, 1>::zeros([3]);
    let u = Tensor::<f32, 1>::zeros([3]);
    assert_eq!(t.sum_elements(), Ok("sum_elements"));
    assert_eq!(t.mul_scalar(2.0), Ok("mul_scalar"));
    assert_eq!(t.powf(2.0), Ok("powf"));
    assert_eq!(t.powi(2), Ok("powi"));
    assert_eq!(t.min(), Ok("min"));
    assert_eq!(t.abs(), Ok("abs"));
    assert_eq!(t.mean(), Ok("mean"));
    assert_eq!(t.add(&u), Ok("add"));
    assert_eq!(t.sub(&u), Ok("sub"));
    assert_eq!(t.mul(&u), Ok("mul"));
    assert_eq!(t.div(&u), Ok("div"));
    assert_eq!(t.dot_product1(&u), Ok("dot_product1"));
    assert_eq!(t.cosine_similarity(&u), Ok("cosine_similarity"));
    assert_eq!(t.cosine_distance(&u), Ok("cosine_distance"));
}

/// No blanket conversion into `Tensor` stands in the way of one that a crate has for its image.
#[test]
fn an_image_converts_into_a_tensor() {
    struct Image(Tensor<u8, 3>);
    impl From<Image> for Tensor<u8, 3> {
        fn from(image: Image) -> Self {
            image.0
        }
    }
    impl TryFrom<Tensor<u8, 3>> for Image {
        type Error = TensorError;
        fn try_from(t: Tensor<u8, 3>) -> Result<Self, TensorError> {
            Ok(Self(t))
        }
    }
    let image = Image::try_from(Tensor::<u8, 3>::zeros([1, 2, 3])).unwrap();
    let t: Tensor<u8, 3> = image.into();
    assert_eq!(t.shape, [1, 2, 3]);
}

/// The features that published manifests name exist, also while they are empty: naming one that
/// the manifest does not declare would not compile here.
#[test]
#[deny(unexpected_cfgs)]
fn features_exist() {
    let _ = (cfg!(feature = "dlpack"), cfg!(feature = "cuda"));
}
