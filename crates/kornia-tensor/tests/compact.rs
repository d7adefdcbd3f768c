//! Letting go of memory that nobody sees, and telling allocations apart.

mod common;

use common::{Event, Ledger};
use kornia_tensor::{Tensor, TensorError, TensorStorage, host_alloc};

/// A window of `visible` of `retained` bytes, and the only handle.
fn window(visible: usize, retained: usize) -> Tensor<u8, 1> {
    let all = Tensor::from_shape_fn([retained], |[i]| i as u8);
    all.slice([retained - visible..])
}

#[test]
fn the_rule_is_a_quarter_of_at_least_4096_bytes() {
    for (visible, retained, copies) in [
        (1024, 4096, true),
        (1025, 4096, false),
        (0, 4095, false),
        (0, 4096, true),
        (1, 4095, false),
        (5000, 20_000, true),
        (5001, 20_000, false),
        (4096, 4096, false),
    ] {
        let t = window(visible, retained);
        let (address, elements) = (t.as_ptr(), t.view().to_vec());
        let noted = format!("{t:?}").contains("compact() frees them");
        let t = t.compact().unwrap();
        let case = format!("{visible} of {retained}");
        assert_eq!(t.view().to_vec(), elements, "{case}");
        assert_eq!(noted, copies, "{case}: the note stands where it helps");
        let expected = if copies { visible } else { retained };
        assert_eq!(t.retained_bytes(), expected, "{case}");
        if visible > 0 {
            assert_eq!(t.as_ptr() != address, copies, "{case}");
        }
        assert_eq!(t.clone().compact().unwrap().as_ptr(), t.as_ptr(), "{case}");
    }
}

#[test]
fn bytes_count_not_elements() {
    let all = Tensor::<f64, 2>::zeros([32, 16]); // 4096 bytes
    assert_eq!(
        all.slice((..8, ..)).compact().unwrap().retained_bytes(),
        1024
    );
    assert_eq!(
        all.slice((..9, ..)).compact().unwrap().retained_bytes(),
        4096
    );
    assert_eq!(
        Tensor::full([9999], ()).compact().unwrap().retained_bytes(),
        0
    );
}

#[test]
fn strided_windows_are_judged_by_what_they_show() {
    let image = Tensor::<u8, 3>::from_shape_fn([64, 64, 4], |[y, x, c]| (y + x + c) as u8);
    let plane = image.slice((.., .., 1)).flip(0); // a quarter, spread over nearly all of it
    let elements = plane.view().to_vec();
    drop(image);
    let plane = plane.compact().unwrap();
    assert_eq!(plane.retained_bytes(), 64 * 64);
    assert!(plane.is_standard_layout());
    assert_eq!(plane.view().to_vec(), elements);
}

#[test]
fn what_others_hold_is_copied_out_all_the_same() {
    let frame = Tensor::<u8, 2>::full([64, 64], 7);
    let mut crop = frame.slice((..4, ..4)).compact().unwrap();
    assert!(!crop.shares_memory_with(&frame) && crop.is_unique());
    crop.as_mut_slice()[0] = 9;
    assert_eq!(frame[[0, 0]], 7);
}

#[test]
fn the_old_block_goes_back_and_the_copy_comes_from_the_same_allocator() {
    let ledger = Ledger::new();
    let frame = Tensor::<u8, 2>::full_in([64, 64], 3, ledger.allocator());
    let crop = frame.slice((..4, ..4));
    drop(frame);
    let crop = crop.compact().unwrap();
    let blocks = |kind: fn(&Event) -> bool| ledger.count(kind);
    assert_eq!(blocks(|e| matches!(e, Event::Asked(..))), 2);
    assert_eq!(blocks(|e| matches!(e, Event::Returned(..))), 1);
    assert_eq!(crop.as_slice(), [3; 16]);
}

#[test]
fn a_copy_that_cannot_be_had_is_an_error_and_leaks_nothing() {
    let ledger = Ledger::new();
    let frame = Tensor::<u8, 2>::full_in([64, 64], 3, ledger.allocator_for(1));
    let crop = frame.slice((..4, ..4));
    drop(frame);
    assert!(matches!(crop.compact(), Err(TensorError::StorageError(_))));
    assert_eq!(ledger.count(|e| matches!(e, Event::Returned(..))), 1);
}

#[test]
fn ids_are_equal_exactly_where_memory_is_shared() {
    let a = Tensor::<u16, 2>::zeros([4, 4]);
    let windows = [
        a.clone(),
        a.slice((1..2, ..)),
        a.slice((4.., ..)),
        a.flip(0),
    ];
    for window in &windows {
        assert_eq!(window.storage().id(), a.storage().id());
    }
    let copy = a.deep_clone().unwrap();
    assert_ne!(copy.storage().id(), a.storage().id());
    // Empty and zero-sized ones have ids of their own too, although no memory.
    let empty = || TensorStorage::<u8>::from_vec(vec![], host_alloc());
    let (b, c) = (empty(), empty());
    assert_ne!(b.id(), c.id());
    let (b, c) = (Tensor::full([3], ()), Tensor::full([3], ()));
    assert_ne!(b.storage().id(), c.storage().id());
    assert!(format!("{:?}", b.storage().id()).starts_with("StorageId(0x"));
}
