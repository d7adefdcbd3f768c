//! Elements without size, ranks without axes, axes without elements, shapes without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use kornia_tensor::{
    AlignedAllocator, AllocHandle, Tensor, TensorError, TensorParts, TensorStorage, TensorView,
    checked_numel, host_alloc,
};

use super::common::{Ledger, caught};

/// Bytes aligned for any element below.
const ALIGNMENTS: [usize; 3] = [1, 64, 4096];

fn aligned() -> impl Iterator<Item = AllocHandle> {
    ALIGNMENTS
        .into_iter()
        .map(|align| Arc::new(AlignedAllocator::new(align).unwrap()) as AllocHandle)
        .chain([host_alloc()])
}

#[test]
fn elements_without_size_are_counted_and_dropped() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    #[derive(Debug)]
    #[repr(align(16))]
    struct Nothing;
    impl Nothing {
        fn new() -> Self {
            MADE.fetch_add(1, SeqCst);
            Self
        }
    }
    impl Clone for Nothing {
        fn clone(&self) -> Self {
            Self::new()
        }
    }
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, SeqCst);
        }
    }
    let alive = || MADE.load(SeqCst) - DROPPED.load(SeqCst);

    for alloc in aligned() {
        let t = Tensor::from_shape_fn_in([3, 4], alloc.clone(), |_| Nothing::new());
        assert_eq!((t.numel(), alive()), (12, 12));
        assert_eq!(t.as_ptr().addr() % 16, 0);
        assert_eq!(t.iter().count(), 12);
        assert_eq!(t.transpose().indexed_iter().count(), 12);
        assert_eq!(t.flip(0).rows().map(<[_]>::len).sum::<usize>(), 12);
        let window = t.slice((1.., 2));
        assert_eq!((window.numel(), window.storage().len()), (2, 5));
        let copy = window.deep_clone().unwrap();
        assert_eq!(alive(), 14);
        let back = copy.try_into_vec().unwrap_or_else(|t| t.view().to_vec());
        assert_eq!(back.len(), 2);
        drop((window, t, back));
        assert_eq!(alive(), 0);
    }
    let t = Tensor::from_shape_vec([6], vec![Nothing::new(); 6]).unwrap();
    let (front, middle) = (t.slice((..6,)), t.slice((1..5,)));
    assert_eq!(
        (middle.storage().offset(), front.storage().offset()),
        (0, 0)
    );
    let front = front.try_into_vec().unwrap_err();
    drop((t, front));
    let middle = middle.try_into_vec().unwrap_err(); // four of six
    drop(middle);
    assert_eq!(alive(), 0);
}

#[test]
fn elements_without_size_can_be_very_many() {
    let many = 1usize << 40;
    let t = Tensor::<(), 2>::from_shape_vec([many, 4], vec![(); 4 * many]).unwrap();
    assert_eq!((t.numel(), t.storage().size_in_bytes()), (4 * many, 0));
    let mut part = t.slice((many - 2.., ..));
    assert_eq!(part.iter().count(), 8);
    assert_eq!(part.get([1, 3]), Some(&()));
    drop(t);
    part.as_mut_slice()[7] = ();
    let back = Tensor::<(), 1>::from_shape_vec([many], vec![(); many]).unwrap();
    assert_eq!(back.into_vec().len(), many);
    assert_eq!(
        Tensor::<(), 2>::from_shape_vec([1 << 32, 1 << 32], vec![])
            .map(drop)
            .unwrap_err()
            .to_string(),
        "shape [4294967296, 4294967296] with 0-byte elements is larger than memory can address; use a smaller shape"
    );
}

#[test]
fn rank_0_is_one_element() {
    let ledger = Ledger::new();
    let t = Tensor::from_shape_vec([], vec![ledger.element()]).unwrap();
    assert_eq!((t.numel(), t.is_empty(), t.shape()), (1, false, &[]));
    assert_eq!(t[[]].number(), 0);
    assert_eq!((t.iter().count(), t.rows().count()), (1, 1));
    assert_eq!(t.slice(()).as_slice().len(), 1);
    let mut row = t.insert_axis::<1>(0).deep_clone().unwrap();
    row.view_mut().remove_axis(0)[[]] = ledger.element();
    assert_eq!(row.reshape([]).unwrap()[[]].number(), 2);
    assert_eq!(t.try_into_vec().unwrap().len(), 1);
    drop(row);
    ledger.assert_settled();

    assert_eq!(Tensor::<u8, 0>::zeros([]).into_vec(), [0]);
    assert_eq!(Tensor::from_shape_fn([], |[]| 7).as_slice(), [7]);
    assert_eq!(
        Tensor::<u8, 0>::from_shape_vec([], vec![])
            .map(drop)
            .unwrap_err()
            .to_string(),
        "0 elements do not fill shape [], which needs 1; pass exactly as many as the shape has"
    );
    assert_eq!(
        Tensor::from_shape_vec([], vec![1, 2])
            .map(drop)
            .unwrap_err()
            .to_string(),
        "2 elements do not fill shape [], which needs 1; pass exactly as many as the shape has"
    );
    let mut sum = Tensor::<i32, 1>::from_slice(&[1, 2, 3]).unwrap();
    let middle = sum.select(0, 1);
    assert_eq!((middle.view().to_vec(), middle[[]]), (vec![2], 2));
    drop(middle);
    sum.view_mut().select(0, 1).fill(20);
    assert_eq!(sum.as_slice(), [1, 20, 3]);
}

#[test]
fn axes_of_length_0_work_like_any_other() {
    for shape in [[0, 3], [3, 0], [0, 0]] {
        for alloc in aligned() {
            let mut t = Tensor::<String, 2>::from_shape_fn_in(shape, alloc, |_| unreachable!());
            let what = format!("{shape:?}");
            assert_eq!((t.numel(), t.is_empty()), (0, true), "{what}");
            assert_eq!(t.as_ptr().addr() % align_of::<String>(), 0, "{what}");
            assert_eq!(t.as_slice().len() + t.as_mut_slice().len(), 0, "{what}");
            assert!(t.is_standard_layout() && t.transpose().is_standard_layout());
            assert_eq!(t.view().iter().count() + t.indexed_iter().count(), 0);
            assert_eq!(t.rows().len(), shape[0], "{what}");
            assert!(t.rows().all(<[_]>::is_empty), "{what}");
            assert_eq!(t.get([0, 0]), None, "{what}");
            let axis = usize::from(shape[0] != 0);
            let text = format!("index 0 is out of bounds for axis {axis} with size 0");
            assert_eq!(caught(|| t[[0, 0]].len()).unwrap_err().text, text);
            t.view_mut().fill("never".into());
            let shapes = (
                *t.transpose().shape(),
                *t.flip(0).shape(),
                *t.flip(1).shape(),
            );
            assert_eq!(shapes, ([shape[1], shape[0]], shape, shape));
            assert_eq!(t.flatten().unwrap().shape(), &[0]);
            assert_eq!(t.reshape([7, 0, 9]).unwrap().numel(), 0);
            let refused = t.reshape([1]);
            assert!(
                matches!(refused, Err(TensorError::ReshapeMismatch { .. })),
                "{what}"
            );
            let (front, back) = t.split_at(0, shape[0]);
            assert_eq!((front.numel(), back.numel()), (0, 0));
            assert_eq!(t.map(|s| s.len()), t.map(|s| s.len()));
            drop((front, back));
            let copy = t.deep_clone().unwrap();
            assert_eq!(copy.try_into_vec().map_or(0, |v| v.len()), 0);
        }
    }
}

#[test]
fn a_zero_length_axis_cannot_be_used_to_reach_memory() {
    let t = Tensor::from_shape_vec([3, 4], (0..12).collect()).unwrap();
    let empty = t.slice((1..3, 4..));
    assert_eq!((empty.shape(), empty.numel()), (&[2, 0], 0));
    assert_eq!(
        empty
            .try_remove_axis::<1>(1)
            .map(drop)
            .unwrap_err()
            .to_string(),
        "axis 1 has size 0 and only size 1 can be removed; use `select` to keep one index of it"
    );
    assert_eq!(
        empty
            .try_select::<1>(1, 0)
            .map(drop)
            .unwrap_err()
            .to_string(),
        "index 0 is out of bounds for axis 1 with size 0"
    );
    assert_eq!(
        empty
            .try_slice((.., 0..1))
            .map(drop)
            .unwrap_err()
            .to_string(),
        "range 0..1 is out of bounds for axis 1 with size 0; `clip_box` cuts a box to a shape"
    );
    assert_eq!(
        empty.reshape([2]).map(drop).unwrap_err().to_string(),
        "shape [2, 0] and shape [2] differ in their number of elements; a reshape keeps it"
    );
    assert_eq!(empty.select(0, 1).numel(), 0);
    assert_eq!(empty.storage().len(), 0);
    let empty = t.slice((3.., ..)); // begins where the memory ends
    assert_eq!(empty.flip(0).flip(1).transpose().iter().count(), 0);
    assert_eq!(empty.storage().as_slice().len(), 0);
    assert!(empty.try_into_vec().is_err()); // none of twelve
    let shape = [0, 5];
    let view = TensorView::<u64, 2>::from_slice(shape, &[]).unwrap();
    assert_eq!(view.broadcast_to([4, 0, 5]).unwrap().iter().count(), 0);
}

#[test]
fn shapes_that_no_memory_has_are_errors() {
    let overflow = |shape: [usize; 2], element_size| TensorError::ShapeOverflow {
        shape: shape.into(),
        element_size,
    };
    let host = host_alloc;
    for shape in [
        [usize::MAX, 0],
        [0, usize::MAX],
        [1 << 32, 1 << 32],
        [usize::MAX, 2],
        [isize::MAX as usize + 1, 1],
    ] {
        let expected = Err(overflow(shape, 1));
        assert_eq!(
            Tensor::<u8, 2>::from_shape_vec(shape, vec![]).map(drop),
            expected
        );
        assert_eq!(
            Tensor::<u8, 2>::from_shape_slice(shape, &[]).map(drop),
            expected
        );
        assert_eq!(
            Tensor::<u8, 2>::try_zeros_in(shape, host()).map(drop),
            expected
        );
        assert_eq!(Tensor::try_full_in(shape, 0u8, host()).map(drop), expected);
        let never = |_| -> u8 { unreachable!() };
        assert_eq!(
            Tensor::try_from_shape_fn_in(shape, host(), never).map(drop),
            expected
        );
        assert_eq!(
            TensorView::<u8, 2>::from_slice(shape, &[]).map(drop),
            expected
        );
        assert_eq!(checked_numel(&shape).map(drop), expected);
        let start = std::ptr::dangling::<u8>();
        // SAFETY: refused before the memory is touched.
        let raw = unsafe { Tensor::<u8, 2>::from_raw_parts(shape, start, 0, host()) };
        assert_eq!(raw.map(drop), expected);
        let parts = TensorParts {
            storage: TensorStorage::from_vec(vec![0u8; 4], host()),
            shape,
            strides: [0, 0],
        };
        assert_eq!(Tensor::try_from_parts(parts).map(drop), expected);
        let t = Tensor::<u8, 1>::zeros([0]);
        assert_eq!(t.reshape(shape).map(drop), expected);
    }
    // Few enough elements, too many bytes.
    let shape = [1 << 30, 1 << 31];
    assert_eq!(checked_numel(&shape), Ok(1 << 61));
    assert_eq!(
        Tensor::<u64, 2>::try_zeros_in(shape, host()).map(drop),
        Err(overflow(shape, 8))
    );
    // No elements, and a length that fits.
    let t = Tensor::<u64, 2>::zeros([isize::MAX as usize, 0]);
    assert_eq!(t.transpose().numel(), 0);
}

#[test]
fn an_overlapping_or_reaching_layout_is_no_tensor() {
    let parts = |shape, strides| {
        let storage = TensorStorage::from_vec(vec![0u16; 12], host_alloc());
        Tensor::try_from_parts(TensorParts {
            storage,
            shape,
            strides,
        })
        .map(drop)
    };
    assert_eq!(parts([3, 4], [4, 1]), Ok(()));
    assert_eq!(parts([3, 4], [-4, -1]), Ok(()));
    assert_eq!(parts([3, 3], [4, 1]), Ok(()));
    let reaches = |span| Err(TensorError::LayoutOutOfBounds { span, len: 12 });
    assert_eq!(parts([4, 4], [4, 1]), reaches(16));
    assert_eq!(parts([3, 4], [5, 1]), reaches(14));
    assert_eq!(parts([3, 4], [-5, -1]), reaches(14));
    assert!(matches!(
        parts([3, 4], [0, 1]),
        Err(TensorError::OverlappingLayout { .. })
    ));
    assert!(matches!(
        parts([3, 4], [3, 1]),
        Err(TensorError::OverlappingLayout { .. })
    ));
    assert!(matches!(
        parts([2, 2], [1, -1]),
        Err(TensorError::OverlappingLayout { .. })
    ));
    assert_eq!(
        parts([2, 2], [isize::MAX, isize::MAX])
            .map(drop)
            .unwrap_err()
            .to_string(),
        format!(
            "strides [{0}, {0}] of shape [2, 2] reach further than memory can address; use smaller \
             strides",
            isize::MAX
        )
    );
    assert_eq!(
        parts([2, 2], [isize::MIN, 1])
            .map(drop)
            .unwrap_err()
            .to_string(),
        format!(
            "strides [{}, 1] of shape [2, 2] reach further than memory can address; use smaller strides",
            isize::MIN
        )
    );
    assert_eq!(parts([0, 2], [isize::MIN, 0]), Ok(()));
    assert_eq!(parts([1, 2], [isize::MIN, 1]), Ok(()));
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no address space to run out of")]
fn running_out_of_memory_is_an_error() {
    let shape = [1 << 30, 1 << 30];
    let bytes = 1 << 62;
    let error = TensorError::OutOfMemory { bytes };
    let expected = Err(error.clone());
    let host = host_alloc;
    assert_eq!(
        Tensor::<f32, 2>::try_zeros_in(shape, host()).map(drop),
        expected
    );
    assert_eq!(Tensor::try_full_in(shape, 1f32, host()).map(drop), expected);
    let never = |_| -> f32 { unreachable!("there is no memory to write to") };
    assert_eq!(
        Tensor::try_from_shape_fn_in(shape, host(), never).map(drop),
        expected
    );
    let page = || Arc::new(AlignedAllocator::new(4096).unwrap());
    assert_eq!(
        Tensor::<f32, 2>::try_zeros_in(shape, page())
            .map(drop)
            .unwrap_err()
            .to_string(),
        "allocation failed: 4611686018427387904 bytes aligned to 4096 were refused by the global allocator"
    );
    assert_eq!(
        Tensor::try_full_in(shape, 1f32, page())
            .map(drop)
            .unwrap_err()
            .to_string(),
        "allocation failed: 4611686018427387904 bytes aligned to 4096 were refused by the global allocator"
    );
    let one = Tensor::<f32, 1>::zeros([1]);
    let wide = one.view().broadcast_to(shape).unwrap();
    assert_eq!(wide.try_to_tensor().map(drop), expected);
    let panic = caught(|| Tensor::<f32, 2>::zeros(shape)).unwrap_err();
    assert_eq!(panic.text, error.to_string());
}
