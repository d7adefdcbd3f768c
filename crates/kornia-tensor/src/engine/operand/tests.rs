//! What operands refuse, so that the loops may rely on it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use super::{Fresh, Room, Source, Target};
use crate::engine::{compute, copy};
use crate::layout::Layout;
use crate::storage::StorageBuilder;

fn refused(work: impl FnOnce(), why: &str) {
    let panic = catch_unwind(AssertUnwindSafe(work)).expect_err("this has to be refused");
    let text = panic.downcast_ref::<&str>().copied().unwrap_or_default();
    assert!(text.contains(why), "{text}");
}

#[test]
fn operands_of_different_shapes_are_refused() {
    const WHY: &str = "operands of different shapes";
    let (two, three) = (Layout::row_major([2usize]), Layout::row_major([3usize]));
    let (bytes, mut results) = ([1u8, 2, 3], [0u8; 2]);
    // SAFETY: three elements of an array.
    let source = unsafe { Source::new(NonNull::from(&bytes).cast(), &three) };
    let mut target = || {
        // SAFETY: two elements of an array, which nobody else uses meanwhile.
        unsafe { Target::new(NonNull::from(&mut results).cast::<u8>(), &two) }
    };
    refused(|| drop(compute::map_into(target(), source, |&p| p)), WHY);
    refused(
        || drop(compute::par_map_into(target(), source, |&p| p)),
        WHY,
    );
    refused(
        || drop(compute::zip_into(target(), source, source, |&p, _| p)),
        WHY,
    );
    refused(
        || drop(compute::par_zip_into(target(), source, source, |&p, _| p)),
        WHY,
    );
    refused(|| assert!(copy::assign(target().into_room(), source)), WHY);
    // SAFETY: the first two elements of an array.
    let shorter = unsafe { Source::new(NonNull::from(&bytes).cast::<u8>(), &two) };
    refused(|| assert!(compute::equal(source, shorter).is_some()), WHY);
    assert_eq!(results, [0; 2]);
}

#[test]
fn fresh_memory_is_filled_as_a_whole_or_not_at_all() {
    const WHY: &str = "fresh memory is for as many elements as the result has";
    for count in [0, 2, 4] {
        let mut out = StorageBuilder::<u8>::new(count, None).unwrap();
        refused(
            || {
                let _ = Fresh::new(&mut out, [3]);
            },
            WHY,
        );
    }
    let mut out = StorageBuilder::new(3, None).unwrap();
    out.push(1u8);
    refused(
        || {
            let _ = Fresh::new(&mut out, [3]);
        },
        WHY,
    );
    assert_eq!(out.written_mut(), [1]);
}

#[test]
fn room_is_filled_in_the_order_of_its_indices() {
    let (turned, flipped) = (
        Layout::from_checked([2, 3], [1, 2]),
        Layout::from_checked([2, 3], [3, -1]),
    );
    let (numbers, mut places) = ([0, 1, 2, 3, 4, 5], [9; 6]);
    // SAFETY: the third element of six.
    let third = unsafe { NonNull::from(&numbers).cast::<i32>().add(2) };
    // SAFETY: the layout reaches two elements before it and three after it.
    let source = unsafe { Source::new(third, &flipped) };
    // SAFETY: the layout reaches each of six places once, and nobody else uses them meanwhile.
    let mut room = unsafe { Room::new(NonNull::from(&mut places).cast::<i32>(), &turned) };
    let mut calls = Vec::new();
    room.fill_from(source, |&number| {
        calls.push(number);
        10 * number
    });
    assert_eq!(calls, [2, 1, 0, 5, 4, 3]);
    assert_eq!(places, [20, 50, 10, 40, 0, 30]);
}
