//! Cutting, and writing the parts at the same time.

use std::sync::{Arc, Barrier};
use std::thread;

use kornia_tensor::{Tensor, TensorError};

use super::{joined, owned, ramp};

#[test]
fn parts_are_windows_of_the_same_memory() {
    let whole = ramp([4, 3]);
    let address = whole.view().as_ptr();
    let (top, bottom) = whole.split_at(0, 1);
    assert_eq!((top.shape(), bottom.shape()), (&[1, 3], &[3, 3]));
    assert_eq!(top.view().as_ptr(), address);
    assert_eq!(bottom.view().as_ptr(), address.wrapping_add(3));
    assert_eq!(bottom.as_slice(), (3..12).collect::<Vec<_>>());
    assert_eq!(bottom.retained_bytes(), 12 * 4);
}

#[test]
fn parts_are_written_at_the_same_time_on_threads_that_outlive_the_caller() {
    let (rows, count) = if cfg!(miri) { (8, 4) } else { (400, 4) };
    let start = Arc::new(Barrier::new(count));
    let workers: Vec<_> = ramp([rows, 5])
        .split_into(count)
        .into_iter()
        .map(|mut part| {
            let start = start.clone();
            thread::spawn(move || {
                start.wait();
                for element in part.view_mut() {
                    *element += 1000;
                }
                part[[0, 0]] = 7;
                part
            })
        })
        .collect();
    let parts = workers.into_iter().map(|worker| worker.join().unwrap());
    let whole = parts.reduce(joined).unwrap();
    for (i, &element) in whole.view().iter().enumerate() {
        let first = i % (rows / count * 5) == 0;
        assert_eq!(element, if first { 7 } else { 1000 + i as u32 });
    }
    let vec = whole.freeze().try_into_vec().unwrap();
    assert_eq!(vec.len(), rows * 5, "the same Vec all along");
}

#[test]
fn splits_that_interleave_are_refused_and_the_tensor_comes_back() {
    let mut image = ramp([4, 6, 3]);
    for (axis, index) in [(1, 1), (1, 5), (2, 1), (2, 2)] {
        let (error, whole) = image.try_split_at(axis, index).unwrap_err();
        assert_eq!(error, TensorError::InterleavedParts { axis, index });
        assert_eq!(whole.as_slice(), (0..72).collect::<Vec<_>>());
        image = whole;
    }
    // One row has its columns one after the other.
    let (row, rest) = image.split_at(0, 1);
    let (left, right) = row.split_at(1, 2);
    assert_eq!(left.as_slice(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(right.as_slice(), (6..18).collect::<Vec<_>>());
    drop(rest);
}

#[test]
fn splits_at_the_ends_leave_an_empty_part() {
    for (axis, index) in [(0, 0), (0, 4), (1, 0), (1, 3)] {
        let (front, back) = ramp([4, 3]).split_at(axis, index);
        assert_eq!(front.is_empty(), index == 0);
        assert_eq!(back.is_empty(), index != 0);
        assert_eq!(front.numel() + back.numel(), 12);
        let (empty, full) = if index == 0 {
            (front, back)
        } else {
            (back, front)
        };
        assert_eq!(empty.view().to_vec(), [0u32; 0]);
        assert_eq!(full.as_slice(), (0..12).collect::<Vec<_>>());
        let (a, b) = empty.split_at(1 - axis, 1); // nothing, cut in two
        assert!(a.is_empty() && b.is_empty());
    }
}

#[test]
fn out_of_bounds_is_an_error_with_the_tensor() {
    let whole = ramp([4, 3]);
    let (error, whole) = whole.try_split_at(2, 0).unwrap_err();
    assert_eq!(error, TensorError::AxisOutOfBounds { axis: 2, rank: 2 });
    let (error, whole) = whole.try_split_at(0, 5).unwrap_err();
    assert!(matches!(
        error,
        TensorError::IndexOutsideAxis {
            axis: 0,
            index: 5,
            ..
        }
    ));
    assert_eq!(whole.numel(), 12);
}

#[test]
fn split_into_gives_nearly_equal_parts_in_order() {
    for (rows, count, lengths) in [
        (7, 3, vec![3, 2, 2]),
        (6, 3, vec![2, 2, 2]),
        (2, 5, vec![1, 1]),
        (1, 1, vec![1]),
        (0, 4, vec![0]),
    ] {
        let parts = ramp([rows, 2]).split_into(count);
        let found: Vec<_> = parts.iter().map(|part| part.shape()[0]).collect();
        assert_eq!(found, lengths, "{rows} into {count}");
        let elements: Vec<_> = parts.iter().flat_map(|part| part.view().to_vec()).collect();
        assert_eq!(elements, (0..2 * rows as u32).collect::<Vec<_>>());
    }
    let scalar = ramp([]).split_into(3);
    assert_eq!((scalar.len(), scalar[0][[]]), (1, 0));
}

#[test]
#[should_panic(expected = "split into 0 parts")]
fn into_no_parts_is_a_mistake() {
    ramp([4, 3]).split_into(0);
}

#[test]
#[should_panic(expected = "no memory for a list of 1152921504606846976 parts")]
#[cfg(target_pointer_width = "64")]
fn an_axis_without_elements_has_no_endless_list_of_parts() {
    let long = kornia_tensor::Tensor::<u8, 2>::zeros([1 << 60, 0]);
    long.try_into_mut().unwrap().split_into(1 << 60);
}

#[test]
fn padding_between_rows_belongs_to_one_part_or_the_other() {
    // Rows of 3 in rows of 5: the window is cut where the second part begins.
    let all = Tensor::from_shape_fn([4, 5], |[y, x]| 5 * y as u32 + x as u32);
    let crop = all.slice((.., 1..4));
    drop(all);
    let (mut top, mut bottom) = owned(crop).split_at(0, 2);
    top.view_mut().fill(70);
    bottom.view_mut().fill(80);
    let whole = joined(top, bottom);
    assert_eq!(whole.strides(), &[5, 1]);
    assert_eq!(whole.view().slice((.., 0)).to_vec(), [70, 70, 80, 80]);
    let whole = whole.freeze();
    let storage = whole.storage();
    assert_eq!(
        storage.as_slice()[3..5],
        [4, 5],
        "the padding was not written"
    );
}

#[test]
fn flipped_and_permuted_tensors_are_cut_where_their_memory_allows_it() {
    let all = Tensor::from_shape_fn([4, 3], |[y, x]| 3 * y as u32 + x as u32);
    let flipped = all.flip(0);
    drop(all);
    let (mut first, second) = owned(flipped).split_at(0, 1);
    assert_eq!(first.view().to_vec(), [9, 10, 11]);
    first[[0, 0]] = 99;
    assert_eq!(second.view().to_vec(), [6, 7, 8, 3, 4, 5, 0, 1, 2]);
    assert_eq!(joined(first, second)[[0, 0]], 99);

    let all = Tensor::from_shape_fn([4, 3], |[y, x]| 3 * y as u32 + x as u32);
    let columns = all.transpose();
    drop(all);
    let (error, columns) = owned(columns).try_split_at(0, 1).unwrap_err();
    assert!(matches!(error, TensorError::InterleavedParts { .. }));
    let (left, right) = columns.split_at(1, 2); // the rows of the picture
    assert_eq!(left.view().to_vec(), [0, 3, 1, 4, 2, 5]);
    assert_eq!(right.view().to_vec(), [6, 9, 7, 10, 8, 11]);
}
