//! Joining neighbours, and nothing else.

use kornia_tensor::Tensor;

use super::{apart, joined, owned, ramp};

#[test]
fn neighbours_join_in_any_grouping() {
    let address = |t: &kornia_tensor::TensorMut<u32, 2>| t.view().as_ptr();
    let parts = || {
        let whole = ramp([4, 3]);
        let at = address(&whole);
        let [a, b, c, d] = whole.split_into(4).try_into().unwrap_or_else(|_| panic!());
        (a, b, c, d, at)
    };
    let (a, b, c, d, at) = parts();
    let left = joined(joined(joined(a, b), c), d);
    assert_eq!(
        (left.as_slice(), address(&left)),
        (&(0..12).collect::<Vec<_>>()[..], at)
    );
    let (a, b, c, d, _) = parts();
    let right = joined(a, joined(b, joined(c, d)));
    assert_eq!(right.as_slice(), (0..12).collect::<Vec<_>>());
    let (a, b, c, d, _) = parts();
    let pairs = joined(joined(a, b), joined(c, d));
    assert_eq!(pairs.as_slice(), (0..12).collect::<Vec<_>>());
}

#[test]
fn parts_that_do_not_touch_both_come_back() {
    let [a, b, c] = ramp([3, 2])
        .split_into(3)
        .try_into()
        .unwrap_or_else(|_| panic!());
    let (a, c) = apart(a, c); // `b` lies between them
    drop(b);
    let (a, c) = apart(a, c); // and what it left is nobody's
    assert_eq!((a.as_slice(), c.as_slice()), (&[0, 1][..], &[4, 5][..]));
}

#[test]
fn the_order_of_the_axis_counts_not_that_of_the_memory() {
    let (top, bottom) = ramp([4, 2]).split_at(0, 2);
    // Bottom above top: rows 4 5 6 7, then 0 1 2 3. No stride says that.
    let (bottom, top) = apart(bottom, top);
    assert_eq!(joined(top, bottom).as_slice(), [0, 1, 2, 3, 4, 5, 6, 7]);
    // Single rows are different: one stride leads from the second back to the first.
    let (first, second) = ramp([2, 3]).split_at(0, 1);
    let swapped = joined(second, first);
    assert_eq!(swapped.strides()[0], -3);
    assert_eq!(swapped.view().to_vec(), [3, 4, 5, 0, 1, 2]);
}

#[test]
fn parts_of_different_storages_both_come_back() {
    let ((a, _rest), (_front, b)) = (ramp([4, 3]).split_at(0, 2), ramp([4, 3]).split_at(0, 2));
    apart(a, b);
    apart(ramp([0, 3]), ramp([0, 3]));
    apart(ramp([1, 3]), ramp([0, 3]));
}

#[test]
fn parts_of_other_widths_both_come_back() {
    let (row, rest) = ramp([2, 4]).split_at(0, 1);
    let (left, right) = row.split_at(1, 3);
    let (right, rest) = apart(right, rest); // [1, 1] and [1, 4]
    let (left, rest) = apart(left, rest);
    drop((left, right, rest));
    // The same width, but columns apart: [1, 2] at column 0, [1, 2] at column 2.
    let (left, right) = ramp([1, 4]).split_at(1, 2);
    let tall = joined(left, right); // which is two rows of two
    assert_eq!(
        (tall.shape(), tall.as_slice()),
        (&[2, 2], &[0, 1, 2, 3][..])
    );
}

#[test]
fn empty_parts_join_with_their_neighbours_and_widen_nothing() {
    let (none, all) = ramp([4, 3]).split_at(0, 0);
    let all = joined(none, all);
    assert_eq!(all.as_slice(), (0..12).collect::<Vec<_>>());
    let (all, none) = all.split_at(0, 4);
    let all = joined(all, none);
    assert_eq!(all.as_slice(), (0..12).collect::<Vec<_>>());
    let (none, all) = all.split_at(0, 0);
    let (none, also_none) = none.split_at(0, 0);
    let none = joined(none, also_none);
    assert_eq!(none.shape(), &[0, 3]);
    let (top, bottom) = joined(none, all).split_at(0, 2);
    // What is empty at the far end joins too, and brings nothing of what lies between.
    let (bottom, end) = bottom.split_at(0, 2);
    let mut top = joined(end, top);
    top.view_mut().fill(7);
    assert_eq!(top.as_slice(), [7; 6]);
    assert_eq!(bottom.as_slice(), (6..12).collect::<Vec<_>>());
    assert_eq!(joined(top, bottom).shape(), &[4, 3]);
}

#[test]
fn empty_parts_join_in_either_order() {
    let (front, all) = ramp([4, 3]).split_at(0, 0);
    let (all, back) = all.split_at(0, 4);
    let none = joined(back, front);
    assert_eq!(none.shape(), &[0, 3]);
    assert_eq!(joined(all, none).shape(), &[4, 3]);
}

#[test]
fn joining_reaches_no_further_than_both_parts() {
    let [mut a, b, mut c, d] = ramp([4, 2])
        .split_into(4)
        .try_into()
        .unwrap_or_else(|_| panic!());
    let mut middle = joined(b, joined_empty(&mut c));
    assert_eq!(middle.shape(), &[1, 2]);
    middle.view_mut().fill(50);
    a.view_mut().fill(40);
    assert_eq!(c.as_slice(), [4, 5]);
    assert_eq!(d.as_slice(), [6, 7]);
    assert_eq!(joined(a, middle).as_slice(), [40, 40, 50, 50]);
}

/// The empty part in front of another, which keeps the rest.
fn joined_empty(part: &mut kornia_tensor::TensorMut<u32, 2>) -> kornia_tensor::TensorMut<u32, 2> {
    let taken = std::mem::replace(part, ramp([0, 0]));
    let (none, rest) = taken.split_at(0, 0);
    *part = rest;
    none
}

#[test]
fn elements_without_a_size_stay_apart() {
    let units = owned(Tensor::full([4, 2], ()));
    let (a, b) = units.split_at(0, 1);
    assert_eq!((a.numel(), b.numel()), (2, 6));
    // Their addresses are all the same, so nothing says which follows which.
    match a.join(b) {
        Ok(joined) => assert_eq!(joined.numel(), 8),
        Err((a, b)) => assert_eq!((a.numel(), b.numel()), (2, 6)),
    }
}

#[test]
fn scalars_have_no_axis_to_join_along() {
    let (a, b) = ramp([2]).split_at(0, 1);
    let (a, b) = (
        a.freeze().reshape([]).unwrap(),
        b.freeze().reshape([]).unwrap(),
    );
    assert_eq!((a[[]], b[[]]), (0, 1));
    apart(ramp([]), ramp([]));
}
