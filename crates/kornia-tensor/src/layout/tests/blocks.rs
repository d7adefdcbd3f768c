//! Cutting a layout: every piece against the list of indices it should have.

use super::*;

#[test]
fn split_at_gives_what_lies_before_and_what_lies_from_there() {
    typical_layouts(|layout| {
        for axis in 0..3 {
            let size = layout.shape[axis];
            for index in 0..=size {
                let [before, from] = layout.split_at(axis, index).unwrap();
                assert_eq!(
                    moved(&before),
                    offsets_where(&layout, |at| at[axis] < index)
                );
                assert_eq!(moved(&from), offsets_where(&layout, |at| at[axis] >= index));
            }
            let outside = TensorError::IndexOutsideAxis {
                axis,
                index: size + 1,
                size,
            };
            assert_eq!(layout.split_at(axis, size + 1), Err(outside));
        }
        assert!(layout.split_at(3, 0).is_err());
    });
}

#[test]
fn chunks_cover_their_axis_in_order() {
    typical_layouts(|layout| {
        for axis in 0..3 {
            for size in [1, 2, 3, 4, usize::MAX] {
                let chunks = layout.chunks(axis, size).unwrap();
                assert_eq!(chunks.len(), layout.shape[axis].div_ceil(size));
                for (number, chunk) in chunks.clone().enumerate() {
                    let expected = offsets_where(&layout, |at| at[axis] / size == number);
                    assert_eq!(moved(&chunk), expected, "{layout:?}");
                    assert_eq!(chunks.clone().nth(number), Some(chunk));
                }
                check_both_ends(chunks.clone());
                assert_eq!(chunks.clone().nth(usize::MAX), None);
            }
            assert_eq!(
                layout.chunks(axis, 0).unwrap_err(),
                TensorError::ZeroLength { axis }
            );
        }
        assert!(layout.chunks(3, 1).is_err());
    });
}

#[test]
fn tiles_cover_the_layout_in_row_major_order() {
    typical_layouts(|layout| {
        for size in indices(&[3, 3, 3]) {
            let result = layout.tiles(size);
            if let Some(axis) = size.iter().position(|&size| size == 0) {
                assert_eq!(result.unwrap_err(), TensorError::ZeroLength { axis });
                continue;
            }
            let number = |index: &[usize; 3]| [0, 1, 2].map(|axis| index[axis] / size[axis]);
            let tiles = result.unwrap();
            let mut expected: Vec<_> = indices(&layout.shape).iter().map(number).collect();
            expected.sort_unstable();
            expected.dedup();
            assert_eq!(tiles.len(), expected.len());
            for ((origin, tile, first), expected) in tiles.clone().zip(expected) {
                assert_eq!(number(&origin), expected);
                assert_eq!(Some(first), layout.offset_of(origin));
                let inside = offsets_where(&layout, |at| number(at) == expected);
                assert_eq!(moved(&(tile, first)), inside, "{layout:?}");
            }
            check_both_ends(tiles);
        }
        let whole: Vec<_> = layout.tiles([usize::MAX; 3]).unwrap().collect();
        let expected = if layout.is_empty() {
            vec![]
        } else {
            vec![([0; 3], layout, 0)]
        };
        assert_eq!(whole, expected);
    });
    let scalar = Layout::contiguous([], 1).unwrap();
    assert_eq!(
        scalar.tiles([]).unwrap().collect::<Vec<_>>(),
        [([], scalar, 0)]
    );
}

/// However the two ends are mixed, each piece comes once, and then none.
fn check_both_ends<I>(iter: I)
where
    I: DoubleEndedIterator<Item: PartialEq + std::fmt::Debug> + ExactSizeIterator + Clone,
{
    let all: Vec<_> = iter.clone().collect();
    for pattern in [0b0, 0b1, 0b01, 0b0110, 0b110100] {
        let mut iter = iter.clone();
        let (mut front, mut back) = (Vec::new(), Vec::new());
        for turn in 0..all.len() {
            assert_eq!(iter.len(), all.len() - turn);
            match pattern >> (turn % 6) & 1 {
                0 => front.extend(iter.next()),
                _ => back.extend(iter.next_back()),
            }
        }
        front.extend(back.into_iter().rev());
        assert_eq!(front, all);
        assert_eq!(
            (iter.next(), iter.next_back(), iter.next()),
            (None, None, None)
        );
        assert_eq!(iter.len(), 0);
    }
}

#[test]
fn windows_slide_one_element_at_a_time() {
    typical_layouts(|layout| {
        for axis in 0..3 {
            let len = layout.shape[axis];
            for size in 1..=len {
                let windows = layout.windows(axis, size).unwrap();
                assert_eq!(windows.shape[axis], len - size + 1);
                for index in indices(&windows.shape) {
                    let [mut i, mut j, mut k, inside] = index;
                    *[&mut i, &mut j, &mut k][axis] += inside;
                    assert_eq!(windows.offset_of(index), layout.offset_of([i, j, k]));
                }
                let count = layout.numel() / len * (len - size + 1) * size;
                assert_eq!(windows.numel(), count);
            }
            let long = TensorError::WindowTooLong {
                axis,
                window: len + 1,
                size: len,
            };
            assert_eq!(layout.windows(axis, len + 1), Err(long));
            assert_eq!(
                layout.windows(axis, 0),
                Err(TensorError::ZeroLength { axis })
            );
        }
        assert!(layout.windows(3, 1).is_err());
    });
}

#[test]
fn windows_whose_repeats_cannot_be_counted_are_refused() {
    let long = Layout::contiguous([4 * HALF], 1).unwrap();
    assert!(long.windows(0, 3).is_ok());
    assert!(overflows(long.windows(0, 2 * HALF)));
    let empty = Layout::contiguous([0, 4 * HALF], 1).unwrap();
    assert!(overflows(empty.windows(1, 2 * HALF)));
}
