//! What 0.2.0 did wrong and 0.3 must not do again, one test for each.
//!
//! The wrong results of exchange formats, sums, `clamp` and printing have their tests where
//! those parts have theirs.

#![allow(deprecated)] // names of 0.2.0 are tested too

mod common;

use std::alloc::Layout as MemoryLayout;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use common::{Element, Ledger, caught};
use kornia_tensor::{
    AlignedAllocator, HostResource, MemoryDomain, MemoryResource, Tensor, TensorAllocator,
    TensorAllocatorError, TensorError, TensorParts, TensorStorage, TensorView, host_alloc,
};

/// `[[0, 1, 2], [3, 4, 5]]` in standard layout.
fn matrix() -> Tensor<i32, 2> {
    Tensor::from_shape_vec([2, 3], vec![0, 1, 2, 3, 4, 5]).unwrap()
}

/// The same elements, column after column in memory.
fn column_major() -> Tensor<i32, 2> {
    let turned = Tensor::from_shape_vec([3, 2], vec![0, 3, 1, 4, 2, 5]).unwrap();
    turned.transpose()
}

/// The same elements, in rows of five of which three are shown; 99 is padding.
fn padded() -> Tensor<i32, 2> {
    let storage = vec![0, 1, 2, 99, 99, 3, 4, 5, 99, 99];
    let parts = TensorParts {
        storage: TensorStorage::from_vec(storage, host_alloc()),
        shape: [2, 3],
        strides: [5, 1],
    };
    Tensor::try_from_parts(parts).unwrap()
}

// Memory.

/// 0.2.0 freed the bytes of a `Vec` and forgot what was in them: every `String` leaked.
#[test]
fn elements_are_dropped() {
    let ledger = Ledger::new();
    drop(Tensor::from_shape_vec([4], ledger.elements(4)).unwrap());
    drop(Tensor::<Element, 1>::from_shape_fn([4], |_| {
        ledger.element()
    }));
    assert_eq!(ledger.made(), 8);
    ledger.assert_settled();
}

/// 0.2.0 made a `Vec` of any `HostResource` of the right alignment and freed it with the layout
/// of an array, also where the block had another size.
#[test]
fn only_what_was_a_vec_becomes_one() {
    let block = HostResource::from_layout(MemoryLayout::from_size_align(10, 4).unwrap()).unwrap();
    // SAFETY: zeroed, and two `u32` fit.
    let storage =
        unsafe { TensorStorage::<u32>::from_resource(Box::new(block), 2, host_alloc()) }.unwrap();
    let storage = storage.try_into_vec().unwrap_err();
    assert_eq!(storage.as_slice(), [0, 0]);

    let page = Arc::new(AlignedAllocator::new(4096).unwrap());
    let t = Tensor::<u32, 1>::zeros_in([8], page);
    let t = t.try_into_vec().unwrap_err();
    assert!(
        caught(|| t.into_vec())
            .unwrap_err()
            .text
            .contains("cannot become a Vec")
    );
}

/// 0.2.0's `from_borrowed` kept an `Arc` that its caller could read too, and let safe code
/// write to the same memory.
#[test]
fn memory_that_its_owner_can_still_read_is_read_only() {
    let frame: Arc<Vec<u8>> = Arc::new(vec![1, 2, 3, 4]);
    let host = MemoryDomain::Host;
    // SAFETY: the `Arc` keeps the elements in place, and nobody writes to them.
    let t =
        unsafe { Tensor::from_borrowed_readonly([2, 2], frame.as_ptr(), 4, host, frame.clone()) };
    let mut t = t.unwrap();
    assert_eq!(t.try_as_mut_slice(), Err(TensorError::ReadOnlyStorage));
    assert_eq!(
        t.try_view_mut().map(|v| v.numel()),
        Err(TensorError::ReadOnlyStorage)
    );
    assert_eq!(
        caught(|| t.as_mut_ptr()).map(drop).unwrap_err().text,
        "storage is read-only; use `make_mut` or `deep_clone` to write to a copy"
    );
    t.make_mut().fill(9);
    assert_eq!((t.as_slice(), &frame[..]), (&[9; 4][..], &[1, 2, 3, 4][..]));
}

/// 0.2.0 built slices on any address it was given.
#[test]
fn misaligned_memory_is_refused() {
    let words = Arc::new([0u64; 4]);
    let odd = words.as_ptr().wrapping_byte_add(4);
    let expected = TensorError::Misaligned {
        address: odd.addr(),
        align: align_of::<u64>(),
    };
    let host = MemoryDomain::Host;
    // SAFETY: refused before the memory is touched.
    let t = unsafe { Tensor::from_borrowed([3], odd, 3, host, words.clone()) };
    assert_eq!(t.map(drop), Err(expected.clone()));
    // SAFETY: as above.
    let t = unsafe { Tensor::from_borrowed_readonly([3], odd, 3, host, words.clone()) };
    assert_eq!(t.map(drop), Err(expected.clone()));
    // SAFETY: as above.
    let t = unsafe { Tensor::from_raw_parts([3], odd, 24, host_alloc()) };
    assert_eq!(t.map(drop), Err(expected));
}

/// 0.2.0's `shape` and `strides` were public fields: `t.shape = [1 << 40]` and a read was a
/// crash in safe code. Now they are checked where they are set (and `src/compile_fail.rs` has
/// what does not compile).
#[test]
fn a_shape_cannot_reach_outside_its_storage() {
    let parts = |shape, strides| TensorParts {
        storage: matrix().into_parts().storage,
        shape,
        strides,
    };
    let reaches = |span| TensorError::LayoutOutOfBounds { span, len: 6 };
    let overflows = |shape: [usize; 2]| TensorError::ShapeOverflow {
        shape: shape.into(),
        element_size: size_of::<i32>(),
    };
    for (shape, strides, error) in [
        ([3, 3], [3, 1], reaches(9)),
        ([2, 4], [3, 1], reaches(7)),
        ([2, 3], [4, 1], reaches(7)),
        ([2, 3], [3, 2], reaches(8)),
        ([2, 3], [-4, 1], reaches(7)),
        ([usize::MAX, 1], [1, 1], overflows([usize::MAX, 1])),
        (
            [2, 2],
            [isize::MAX, 1],
            TensorError::StridesOverflow {
                shape: [2, 2].into(),
                strides: [isize::MAX, 1].into(),
            },
        ),
        ([7, 1], [1, 1], reaches(7)),
    ] {
        let refused = Tensor::try_from_parts(parts(shape, strides));
        assert_eq!(refused, Err(error), "{shape:?} {strides:?}");
    }
    // The parts themselves promise nothing; changing a copy of them changes no tensor.
    let t = matrix();
    let mut copy = t.clone().into_parts();
    copy.shape = [1000, 1000];
    assert_eq!((t.shape, t.iter().count()), ([2, 3], 6));
    assert_eq!(
        Tensor::try_from_parts(copy)
            .map(drop)
            .unwrap_err()
            .to_string(),
        "layout spans 3997 elements and the storage has 6; use smaller strides or a larger storage"
    );
}

/// A block that answers `claimed` when it is asked for its length.
struct Short {
    memory: HostResource,
    claimed: usize,
    asked: Arc<AtomicUsize>,
}

// SAFETY: the memory is what it is; `claimed` is at most its size.
unsafe impl MemoryResource for Short {
    fn as_ptr(&self) -> *mut u8 {
        self.asked.fetch_add(1, SeqCst);
        self.memory.as_ptr()
    }
    fn len_bytes(&self) -> usize {
        self.asked.fetch_add(1, SeqCst);
        self.claimed
    }
    fn domain(&self) -> MemoryDomain {
        self.asked.fetch_add(1, SeqCst);
        MemoryDomain::Host
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn is_readonly(&self) -> bool {
        self.asked.fetch_add(1, SeqCst);
        false
    }
}

/// Gives blocks that are `missing` bytes too short, and counts requests and questions.
struct Miser {
    missing: usize,
    requests: AtomicUsize,
    asked: Arc<AtomicUsize>,
}

// SAFETY: with `missing` = 0 a fresh block of the layout; else one that says it is too small.
unsafe impl TensorAllocator for Miser {
    fn allocate(
        &self,
        layout: MemoryLayout,
    ) -> Result<Box<dyn MemoryResource>, TensorAllocatorError> {
        self.requests.fetch_add(1, SeqCst);
        Ok(Box::new(Short {
            memory: HostResource::from_layout(layout)?,
            claimed: layout.size() - self.missing,
            asked: self.asked.clone(),
        }))
    }
}

fn miser(missing: usize) -> Arc<Miser> {
    Arc::new(Miser {
        missing,
        requests: AtomicUsize::new(0),
        asked: Arc::default(),
    })
}

/// 0.2.0's `MemoryResource` and `TensorAllocator` were safe traits whose answers were trusted:
/// a wrong length was a read out of bounds. Now they are `unsafe`, and checked all the same.
#[test]
fn an_allocator_that_gives_too_little_is_refused() {
    let error = Tensor::<u32, 1>::try_full_in([8], 1, miser(4))
        .map(drop)
        .unwrap_err();
    let bad = TensorAllocatorError::BadBlock {
        expected: 32,
        found: 28,
    };
    assert_eq!(error, TensorError::StorageError(bad));
}

/// 0.2.0 used one dangling address for every buffer without bytes, whatever the alignment.
#[test]
fn the_empty_buffer_is_aligned() {
    #[derive(Clone)]
    #[repr(align(128))]
    #[allow(dead_code)]
    struct Wide(u8);
    let page = Arc::new(AlignedAllocator::new(4096).unwrap());
    let tensors = [
        Tensor::<Wide, 2>::from_shape_vec([0, 3], vec![]).unwrap(),
        Tensor::from_shape_vec_in([0, 3], vec![], page.clone()).unwrap(),
        Tensor::from_shape_slice_in([3, 0], &[], page).unwrap(),
        Tensor::from_shape_fn([0, 0], |_| Wide(0)),
    ];
    for t in tensors {
        assert_eq!(t.as_ptr().addr() % 128, 0);
        assert_eq!(t.as_slice().len(), 0);
        assert_eq!(t.deep_clone().unwrap().as_ptr().addr() % 128, 0);
    }
    let empty = HostResource::from_layout(MemoryLayout::from_size_align(0, 512).unwrap());
    assert_eq!(empty.unwrap().as_ptr().addr() % 512, 0);
}

/// 0.2.0's device constructors multiplied shapes without looking: 2^32 x 2^32 was a tensor of
/// no bytes with a very long axis.
#[test]
fn shape_products_are_checked_for_device_memory_too() {
    let address = std::ptr::without_provenance::<u8>(1 << 40);
    let device = MemoryDomain::Device { id: 0 };
    for shape in [[1 << 32, 1 << 32], [usize::MAX, 0], [1 << 63, 2]] {
        // SAFETY: refused.
        let t = unsafe { Tensor::from_borrowed(shape, address, 0, device, Arc::new(())) };
        assert!(
            matches!(t, Err(TensorError::ShapeOverflow { .. })),
            "{shape:?}"
        );
    }
}

// Results.

/// 0.2.0's `element_wise_op` paired elements by their place in memory.
#[test]
fn operations_on_two_tensors_pair_elements_by_index() {
    let expected = [0, 11, 22, 33, 44, 55];
    for other in [matrix(), column_major(), padded()] {
        let sum = matrix().element_wise_op(&other, |a, b| a + 10 * b).unwrap();
        assert_eq!(sum.as_slice(), expected);
        let sum = other.zip_with(&matrix(), |a, b| a + 10 * b).unwrap();
        assert_eq!(sum.as_slice(), expected);
    }
    let wider = Tensor::<i32, 2>::zeros([3, 2]);
    assert!(matches!(
        matrix().element_wise_op(&wider, |a, b| a + b),
        Err(TensorError::ShapeMismatch { .. })
    ));
}

/// 0.2.0's `map` and `cast` went through the buffer, called the closure for the padding too, and
/// kept its strides.
#[test]
fn map_and_cast_go_by_index() {
    for t in [matrix(), column_major(), padded()] {
        let mut calls = 0;
        let tens = t.map(|x| {
            calls += 1;
            10 * x
        });
        assert_eq!((tens.as_slice(), calls), (&[0, 10, 20, 30, 40, 50][..], 6));
        assert_eq!(t.cast::<i64>().as_slice(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(t.cast::<f64>().strides(), &[3, 1]);
    }
}

/// 0.2.0's `reshape` took the buffer as it lay, so a transposed tensor was reshaped wrongly.
#[test]
fn reshape_follows_row_major_order_or_refuses() {
    let expected = [0, 1, 2, 3, 4, 5];
    assert_eq!(matrix().reshape([3, 2]).unwrap().view().to_vec(), expected);
    for t in [column_major(), padded()] {
        let refused = t.reshape([3, 2]).unwrap_err();
        assert!(matches!(refused, TensorError::ReshapeNeedsCopy { .. }));
        assert!(refused.to_string().contains("contiguous()"));
        let copy = t.contiguous().reshape([3, 2]).unwrap();
        assert_eq!(copy.as_slice(), expected);
    }
    let split = padded().reshape([2, 3, 1]).unwrap();
    assert_eq!(split.view().to_vec(), expected);
}

/// 0.2.0's `reduce` ran over the buffer, so what lay between the rows counted as well.
#[test]
fn padding_is_never_visited() {
    for t in [matrix(), column_major(), padded(), padded().flip(0)] {
        assert_eq!(t.fold(0, |sum, &x| sum + x), 15);
        assert_eq!(t.iter().sum::<i32>(), 15);
        assert_eq!(t.numel(), 6);
        assert_eq!(t.iter().count(), 6);
        assert!(t.iter().rev().all(|&x| x < 99));
    }
    assert_eq!(padded().rows().map(<[_]>::len).collect::<Vec<_>>(), [3, 3]);
}

/// 0.2.0's `numel` was the length of the storage.
#[test]
fn numel_is_the_product_of_the_shape() {
    assert_eq!((padded().numel(), padded().storage().len()), (6, 8));
}

/// 0.2.0's `get_index` divided by the strides from the front, which is wrong where they do not
/// fall.
#[test]
fn indices_of_permuted_strides_are_right() {
    for t in [column_major(), padded(), matrix().flip(0).flip(0)] {
        for ([y, x], &element) in t.indexed_iter() {
            assert_eq!(element, (3 * y + x) as i32);
            assert_eq!(t[[y, x]], element);
        }
    }
    let cube = Tensor::<usize, 3>::from_shape_fn([2, 3, 4], |[i, j, k]| 100 * i + 10 * j + k);
    let turned = cube.permute_axes([1, 2, 0]).unwrap();
    for ([j, k, i], &element) in turned.indexed_iter() {
        assert_eq!(element, 100 * i + 10 * j + k);
    }
}

/// 0.2.0 counted elements by dividing bytes by their size: of zero-sized ones there were none.
#[test]
fn zero_sized_elements_are_counted() {
    let t = Tensor::<(), 2>::from_shape_vec([2, 3], vec![(); 6]).unwrap();
    assert_eq!(
        (t.numel(), t.as_slice().len(), t.storage().len()),
        (6, 6, 6)
    );
    assert_eq!(t.get([1, 2]), Some(&()));
    assert_eq!(t.into_vec().len(), 6);
}

/// 0.2.0's `clone` of unified memory was a `Vec`, which no accelerator can reach.
#[test]
fn a_clone_of_unified_memory_is_unified() {
    let domain = MemoryDomain::Unified { id: 3 };
    let pixels = Arc::new([1u8, 2, 3]);
    // SAFETY: the `Arc` keeps the elements in place, and nobody writes to them.
    let t =
        unsafe { Tensor::from_borrowed_readonly([3], pixels.as_ptr(), 3, domain, pixels.clone()) };
    let t = t.unwrap();
    assert_eq!(t.clone().storage.domain(), domain);
    assert_eq!(t.slice((1..,)).storage.domain(), domain);
    assert_eq!(t.clone().as_slice(), [1, 2, 3]);
}

/// 0.2.0's `is_standard_layout` compared every stride, also those that are never used.
#[test]
fn strides_of_axes_of_length_1_do_not_matter() {
    for stride in [1, 3, 77, 0, -5, isize::MIN, isize::MAX] {
        let parts = TensorParts {
            storage: matrix().into_parts().storage,
            shape: [2, 1, 3],
            strides: [3, stride, 1],
        };
        let t = Tensor::try_from_parts(parts).unwrap();
        assert!(t.is_standard_layout(), "{stride}");
        assert_eq!(t.as_slice(), [0, 1, 2, 3, 4, 5], "{stride}");
        assert_eq!(t.into_vec().len(), 6, "{stride}");
    }
    assert!(!padded().is_standard_layout() && !column_major().is_standard_layout());
    assert!(padded().slice((1, ..)).is_standard_layout());
}

// Cost.

/// 0.2.0 copied every element in `clone`, `to_standard_layout` and `as_contiguous`, also of what
/// was contiguous already.
#[test]
fn clone_and_contiguous_move_nothing() {
    let t = matrix();
    let address = t.as_ptr();
    assert_eq!(t.clone().as_ptr(), address);
    assert_eq!(t.clone().contiguous().as_ptr(), address);
    assert_eq!(t.view().as_slice().as_ptr(), address);
    let elements = t.contiguous().into_vec();
    assert_eq!(elements.as_ptr(), address);
}

/// 0.2.0 made a virtual call in every `get` and `as_slice`, to ask where the memory was.
#[test]
fn the_block_is_asked_when_it_is_adopted_and_never_again() {
    let alloc = miser(0);
    let mut t = Tensor::<u32, 2>::full_in([2, 3], 7, alloc.clone());
    let asked = alloc.asked.load(SeqCst);
    assert!((1..=4).contains(&asked), "{asked}");
    assert_eq!(
        (t[[1, 2]], t.get([0, 0]), t.as_slice().len()),
        (7, Some(&7), 6)
    );
    t.as_mut_slice()[0] = 1;
    t.view_mut().fill(2);
    let turned = t.transpose().flip(0);
    assert_eq!(turned.iter().sum::<u32>(), 12);
    assert_eq!(t.storage.domain(), MemoryDomain::Host);
    drop((t, turned));
    assert_eq!(alloc.asked.load(SeqCst), asked);
}

/// 0.2.0 took the allocator of every `_in` constructor for a label, and a `Vec` for the memory.
#[test]
fn every_constructor_with_an_allocator_uses_it() {
    let alloc = miser(0);
    let requests = |expected: usize| assert_eq!(alloc.requests.load(SeqCst), expected);
    let a = Tensor::from_shape_vec_in([2], vec![1u8, 2], alloc.clone()).unwrap();
    requests(1);
    let b = Tensor::from_shape_slice_in([2], &[1u8, 2], alloc.clone()).unwrap();
    requests(2);
    let c = Tensor::full_in([2], 1u8, alloc.clone());
    requests(3);
    let d = Tensor::from_shape_fn_in([2], alloc.clone(), |[i]| i as u8);
    requests(4);
    let e = Tensor::<u8, 1>::zeros_in([2], alloc.clone());
    requests(5);
    let f = a.deep_clone().unwrap();
    requests(6);
    let g = TensorStorage::from_slice(&[1u8, 2], alloc.clone()).unwrap();
    requests(7);
    for t in [a, b, c, d, e, f] {
        assert!(t.storage.resource().is_some());
        assert!(t.storage.resource().unwrap().as_any().is::<Short>());
        assert_eq!(t.numel(), 2);
    }
    assert!(g.resource().is_some());
}

// What there was none of.

/// 0.2.0 had no `Debug`, `PartialEq`, `get_mut`, slicing, owned views or iterators.
#[test]
fn tensors_print_compare_slice_and_iterate() {
    let mut t = matrix();
    assert!(format!("{t:?}").contains("[2, 3]"));
    assert_eq!(t, column_major());
    assert_eq!(padded(), t.view());
    assert_ne!(t, matrix().flip(0));
    assert_ne!(t, Tensor::<i32, 2>::zeros([3, 2]));
    *t.view_mut().get_mut([1, 1]).unwrap() = 40;
    let column: Tensor<i32, 1> = t.slice((.., 1));
    drop(t);
    assert_eq!(column.view().to_vec(), [1, 40]);
    let view: TensorView<'_, i32, 1> = column.view();
    assert_eq!(
        view.iter().zip(&column).map(|(a, b)| a + b).sum::<i32>(),
        82
    );
    let sums: Vec<i32> = matrix().axis_iter(1).map(|c| c.iter().sum()).collect();
    assert_eq!(sums, [3, 5, 7]);
}
