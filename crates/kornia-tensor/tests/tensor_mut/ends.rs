//! Making, freezing and dropping parts.

use std::thread;

use kornia_tensor::{Pool, Tensor, TensorError};

use super::common::Ledger;
use super::{joined, owned, ramp};

#[test]
fn only_the_sole_handle_of_writable_memory_becomes_one() {
    let t = Tensor::<u8, 2>::zeros([2, 2]);
    let other = t.clone();
    let t = t.try_into_mut().unwrap_err();
    drop(other);
    let t = owned(t).freeze();
    let row = t.slice((0, ..));
    let t = t.try_into_mut().unwrap_err();
    drop(t);
    assert_eq!(
        owned(row).shape(),
        &[2],
        "a window of what nobody else sees"
    );
    let foreign = Tensor::<u8, 1>::from_owner([4], [1; 4]).unwrap();
    assert!(foreign.try_into_mut().is_err(), "read-only");
}

#[test]
fn a_frozen_part_is_shared_memory_until_the_other_parts_are_gone() {
    let (top, bottom) = ramp([4, 3]).split_at(0, 2);
    let mut top = top.freeze();
    assert!(matches!(
        top.try_as_mut_slice(),
        Err(TensorError::SharedStorage(_))
    ));
    let clone = top.clone();
    let (mut bottom, reader) = {
        let reader = thread::spawn(move || clone.iter().sum::<u32>());
        (bottom, reader)
    };
    bottom.view_mut().fill(100); // while the other part is read
    assert_eq!(reader.join().unwrap(), 15);
    drop(bottom);
    top.as_mut_slice()[0] = 9;
    assert_eq!(top.as_slice(), [9, 1, 2, 3, 4, 5]);
    assert_eq!(owned(top).shape(), &[2, 3], "and it can be taken again");
}

#[test]
fn a_frozen_part_shows_its_own_elements_and_no_more() {
    let (top, bottom) = ramp([4, 3]).split_at(0, 1);
    let bottom = bottom.freeze();
    assert_eq!(bottom.storage().len(), 9);
    assert_eq!(bottom.storage().as_slice(), (3..12).collect::<Vec<_>>());
    assert_eq!(
        bottom
            .storage()
            .view(0, 10)
            .map(drop)
            .unwrap_err()
            .to_string(),
        "window of 10 elements at offset 0 is out of bounds for a storage of 9 elements"
    );
    let top = top.freeze();
    assert_eq!(top.storage().as_slice(), [0, 1, 2]);
    assert!(top.shares_memory_with(&bottom));
}

#[test]
fn a_frozen_part_may_live_shorter_once_it_is_alone() {
    let long = String::from("outlives everything");
    let (top, mut bottom) =
        owned(Tensor::from_shape_fn([2], |_| vec![long.as_str()])).split_at(0, 1);
    let short = String::from("ends before the rest");
    let mut top: Tensor<Vec<&str>, 1> = top.freeze();
    assert!(matches!(
        top.try_as_mut_slice(),
        Err(TensorError::SharedStorage(_))
    ));
    bottom[[0]] = vec![&long; 2];
    drop(bottom);
    top.as_mut_slice()[0].push(&short);
    let top = owned(top); // every handle there is has the shorter lifetime by now
    assert_eq!(top[[0]], [&long, &short]);
}

#[test]
fn elements_are_dropped_once_with_the_last_part_on_its_thread() {
    for last in 0..3 {
        let ledger = Ledger::new();
        let t = Tensor::from_shape_vec([6, 2], ledger.elements(12)).unwrap();
        let mut parts = owned(t).split_into(3);
        let kept = parts.remove(last);
        drop(parts);
        assert_eq!(ledger.dropped(), 0, "all of them wait for the last");
        thread::spawn(move || drop(kept)).join().unwrap();
        assert_eq!(ledger.dropped(), 12);
    }
}

#[test]
fn written_over_elements_are_dropped_by_the_writer() {
    let ledger = Ledger::new();
    let t = Tensor::from_shape_vec([4], ledger.elements(4)).unwrap();
    let (mut front, back) = owned(t).split_at(0, 2);
    front[[1]] = ledger.element();
    assert_eq!(ledger.dropped(), 1);
    let vec = joined(front, back).freeze().into_vec();
    assert_eq!((vec.len(), ledger.dropped()), (4, 1));
    drop(vec);
    assert_eq!((ledger.made(), ledger.dropped()), (5, 5));
}

#[test]
fn a_writer_that_panics_takes_its_part_and_nothing_else_with_it() {
    let ledger = Ledger::new();
    let t = Tensor::from_shape_vec([4], ledger.elements(4)).unwrap();
    let (mut front, back) = owned(t).split_at(0, 2);
    let spare = ledger.element();
    let worker = thread::spawn(move || {
        front[[0]] = spare;
        std::panic::resume_unwind(Box::new("halfway"));
    });
    assert_eq!(worker.join().unwrap_err().downcast_ref(), Some(&"halfway"));
    assert_eq!(ledger.dropped(), 1, "the element that was written over");
    let back = back.freeze();
    assert!(back.is_unique() && back.numel() == 2);
    drop(back);
    assert_eq!(ledger.dropped(), 5);
}

#[test]
fn a_block_goes_back_to_its_pool_with_the_last_part() {
    let pool = Pool::builder().min_bytes(1).build().unwrap();
    let frame = Tensor::<u8, 2>::zeros_in([8, 8], pool.handle());
    let (top, bottom) = owned(frame).split_at(0, 3);
    drop(bottom);
    assert_eq!(pool.stats().blocks_live, 1);
    drop(top.freeze());
    assert_eq!((pool.stats().blocks_live, pool.stats().blocks_idle), (0, 1));
}

#[test]
fn borrowed_views_end_where_the_part_moves() {
    let mut whole = ramp([2, 2]);
    let (mut left, mut right) = {
        let view = whole.view_mut();
        view.split_at(1, 1) // interleaved, which is fine while it is borrowed
    };
    left.fill(1);
    right.fill(2);
    assert_eq!(whole.as_slice(), [1, 2, 1, 2]);
    assert!(format!("{whole:?}").contains("retained_bytes: 16"));
    assert_eq!((whole[[1, 1]], whole.as_mut_slice().len()), (2, 4));
}
