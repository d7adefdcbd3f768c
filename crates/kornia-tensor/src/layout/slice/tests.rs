use super::*;
use crate::layout::tests::{indices, offsets};

fn image() -> Layout<3> {
    Layout::contiguous([48, 64, 3], 1).unwrap()
}

fn err<T: std::fmt::Debug>(result: Result<T, TensorError>) -> TensorError {
    result.unwrap_err()
}

#[test]
fn rank_of_the_result_is_inferred() {
    let image = image();

    let roi = image.slice((10..20, 5.., ..)).unwrap();
    assert_eq!(roi.0.shape(), &[10, 59, 3]);
    let blue = image.slice((.., .., 2)).unwrap();
    assert_eq!(blue.0.shape(), &[48, 64]);
    assert_eq!(blue.0.shape()[0], 48);
    let tile = image.slice([0..16, 0..16, 0..3]).unwrap();
    assert_eq!(tile.0.shape(), &[16, 16, 3]);
    let small = image.slice((step(.., 2), step(.., 2), ..)).unwrap();
    assert_eq!(small.0.strides(), &[384, 6, 1]);
    let last = image.slice((FromEnd(1), .., ..)).unwrap();
    assert_eq!(last.0.shape(), &[64, 3]);
    let i = 5;
    let pixel = image.slice((0usize, i, ..)).unwrap();
    assert_eq!(pixel.0.shape(), &[3]);
    let element = image.slice((1, 2, 0)).unwrap();
    assert_eq!((element.0.shape(), element.1), (&[], 198));
}

#[test]
fn slices_chain_before_the_type_of_a_literal_is_known() {
    let image = image();

    let (row, _) = image.slice((0, .., ..)).unwrap();
    let (mirrored, offset) = row.flip(0).unwrap();
    assert_eq!((mirrored.strides()[0], offset), (-3, 189));

    let chained = image
        .slice((0, .., ..))
        .unwrap()
        .0
        .slice((.., 1))
        .unwrap()
        .0;
    assert_eq!(chained.shape(), &[64]);
    let selected = image.slice((0, .., ..)).unwrap().0.select(0, 7).unwrap().0;
    assert_eq!(selected.shape(), &[3]);
    let scalar = image
        .slice((0, .., ..))
        .unwrap()
        .0
        .slice((.., 1))
        .unwrap()
        .0;
    let scalar = scalar.slice((3,)).unwrap().0;
    assert_eq!(scalar.numel(), 1);
    let [height, width] = *image.slice((.., .., 1)).unwrap().0.shape();
    assert_eq!((height, width), (48, 64));
    let (green, _) = image.slice((.., .., 1)).unwrap();
    assert_eq!(green.shape().iter().product::<usize>(), green.numel());
    let index = 7; // becomes a `usize` below, not the `i32` it would be by default
    let (row, _) = image.slice((index, .., ..)).unwrap();
    assert_eq!([row; 9][index], row);
    let batch = image.slice((.., .., 0)).unwrap().0.insert_axis(0).unwrap();
    assert_eq!(batch.shape(), &[1, 48, 64]);
}

#[test]
fn a_function_over_the_rank_can_take_a_slice() {
    fn numel_of<const N: usize, const M: usize>(
        layout: &Layout<N>,
        spec: impl SliceSpec<N, M>,
    ) -> usize {
        layout.slice(spec).unwrap().0.numel()
    }
    fn first_of<const N: usize, const M: usize>(layout: &Layout<N>) -> Layout<M>
    where
        Nat<N>: crate::layout::rank::Pred<Prev = Nat<M>>,
    {
        layout.select(0, 0).unwrap().0
    }
    assert_eq!(numel_of(&image(), (.., 1.., 0)), 48 * 63);
    assert_eq!(first_of(&first_of(&image())).shape(), &[3]);
}

#[test]
fn tuples_go_up_to_eight_axes_and_arrays_beyond() {
    let eight = Layout::contiguous([2; 8], 1).unwrap();
    assert_eq!(
        eight.slice((.., .., .., .., .., .., .., ..)).unwrap().0,
        eight
    );
    assert_eq!(eight.slice((1, 1, 1, 1, 1, 1, 1, 1)).unwrap().1, 255);
    assert_eq!(
        eight
            .slice((0, .., 0, .., 0, .., 0, ..))
            .unwrap()
            .0
            .strides(),
        &[64, 16, 4, 1]
    );
    assert_eq!(
        Layout::contiguous([2; 9], 1)
            .unwrap()
            .slice([(); 9].map(|()| 1..2))
            .unwrap()
            .1,
        511
    );

    let scalar = Layout::contiguous([], 1).unwrap();
    assert_eq!(scalar.slice(()).unwrap(), (scalar, 0));
    let none: [RangeFull; 0] = [];
    assert_eq!(scalar.slice(none).unwrap(), (scalar, 0));
}

#[test]
fn every_kind_of_range_means_what_rust_means() {
    let row = Layout::contiguous([5], 1).unwrap();
    let all = |result: Result<(Layout<1>, isize), TensorError>| {
        let (part, first) = result.unwrap();
        offsets(&part)
            .iter()
            .map(|offset| first + offset)
            .collect::<Vec<_>>()
    };
    assert_eq!(all(row.narrow(0, ..)), [0, 1, 2, 3, 4]);
    assert_eq!(all(row.narrow(0, 1..3)), [1, 2]);
    assert_eq!(all(row.narrow(0, 1..=3)), [1, 2, 3]);
    assert_eq!(all(row.narrow(0, 3..)), [3, 4]);
    assert_eq!(all(row.narrow(0, ..2)), [0, 1]);
    assert_eq!(all(row.narrow(0, ..=2)), [0, 1, 2]);
    assert_eq!(all(row.narrow(0, 1..3usize)), [1, 2]);
    assert_eq!(all(row.narrow(0, 1..3i32)), [1, 2]);
    assert_eq!(all(row.narrow(0, FromEnd(2)..)), [3, 4]);
    assert_eq!(all(row.narrow(0, ..FromEnd(1))), [0, 1, 2, 3]);
    assert_eq!(all(row.narrow(0, ..=FromEnd(1))), [0, 1, 2, 3, 4]);
    assert_eq!(all(row.narrow(0, FromEnd(4)..FromEnd(2))), [1, 2]);
    assert_eq!(all(row.narrow(0, step(.., 2))), [0, 2, 4]);
    assert_eq!(all(row.narrow(0, step(1.., 2))), [1, 3]);
    assert_eq!(all(row.narrow(0, step(.., 9))), [0]);
    assert_eq!(all(row.narrow(0, step(step(.., 2), 2))), [0, 4]);
    assert_eq!(all(row.narrow(0, step(step(1.., 3), usize::MAX))), [1]);
    assert_eq!(all(row.narrow(0, step(.., usize::MAX))), [0]);
    assert_eq!(all(row.narrow(0, step(5.., 2))), [0; 0]);
}

#[test]
fn an_empty_range_anywhere_up_to_the_end_is_fine_and_moves_nothing() {
    let row = Layout::contiguous([5], 1).unwrap();
    for start in 0..=5 {
        let (part, offset) = row.narrow(0, start..start).unwrap();
        assert_eq!((part.shape(), offset), (&[0], 0));
    }
    assert_eq!(row.narrow(0, FromEnd(0)..).unwrap().1, 0);
    #[allow(clippy::reversed_empty_ranges)] // 3..3, written the other way
    let inclusive = row.narrow(0, 3..=2).unwrap();
    assert_eq!((inclusive.0.shape(), inclusive.1), (&[0], 0));
    let mut exhausted = 1..=3;
    assert_eq!(exhausted.by_ref().count(), 3);
    assert_eq!(row.narrow(0, exhausted).unwrap().0.shape(), &[0]);
}

#[test]
#[allow(clippy::reversed_empty_ranges)]
fn ranges_are_refused_rather_than_clamped() {
    let row = Layout::contiguous([5], 1).unwrap();
    let range = |start, end| TensorError::RangeOutOfBounds {
        axis: 0,
        start,
        end,
        size: 5,
    };
    assert_eq!(err(row.narrow(0, 0..6)), range(0, 6));
    assert_eq!(err(row.narrow(0, 6..)), range(6, 5));
    assert_eq!(err(row.narrow(0, 6..6)), range(6, 6));
    assert_eq!(err(row.narrow(0, 3..2)), range(3, 2));
    assert_eq!(err(row.narrow(0, ..=5)), range(0, 6));
    assert_eq!(err(row.narrow(0, 4..=2)), range(4, 3));
    assert_eq!(err(row.narrow(0, 0..usize::MAX)), range(0, usize::MAX));
    assert_eq!(err(row.narrow(0, 0..=usize::MAX)), range(0, usize::MAX));
    assert_eq!(err(row.narrow(0, ..=usize::MAX)), range(0, usize::MAX));
    assert_eq!(
        err(row.narrow(0, usize::MAX..=usize::MAX)),
        range(usize::MAX, usize::MAX)
    );
    assert_eq!(err(row.narrow(0, FromEnd(1)..FromEnd(2))), range(4, 3));
    assert_eq!(err(row.narrow(0, ..=FromEnd(0))), range(0, 6));
}

#[test]
fn negative_numbers_and_zero_steps_are_errors() {
    let image = image();
    let negative = |axis, index| TensorError::NegativeIndex { axis, index };
    assert_eq!(err(image.slice((.., -1, ..))), negative(1, -1));
    assert_eq!(err(image.slice((.., .., -3..2))), negative(2, -3));
    assert_eq!(
        err(image.slice((..i32::MIN, .., ..))),
        negative(0, i64::from(i32::MIN))
    );
    assert_eq!(
        err(image.slice((.., step(.., 0), ..))),
        TensorError::ZeroLength { axis: 1 }
    );
    assert_eq!(
        err(image.narrow(2, step(3..3, 0))),
        TensorError::ZeroLength { axis: 2 }
    );
}

#[test]
fn indices_are_checked_against_their_own_axis() {
    let image = image();
    let index = |axis, index, size| TensorError::IndexOutsideAxis { axis, index, size };
    assert_eq!(err(image.slice((48, .., ..))), index(0, 48, 48));
    assert_eq!(err(image.slice((.., 0, 3))), index(2, 3, 3));
    assert_eq!(
        err(image.slice((0, 0, usize::MAX))),
        index(2, usize::MAX, 3)
    );
    assert_eq!(err(image.slice((FromEnd(0), .., ..))), index(0, 48, 48));
    assert_eq!(err(image.slice((FromEnd(49), .., ..))), index(0, 49, 48));
    assert_eq!(err(image.slice((.., FromEnd(65).., ..))), index(1, 65, 64));
    assert!(image.slice((FromEnd(48), FromEnd(64), FromEnd(3))).is_ok());
}

#[test]
fn an_index_into_an_empty_axis_is_an_error_so_it_cannot_be_dropped() {
    let empty = Layout::contiguous([2, 0, 3], 1).unwrap();
    let zero = TensorError::IndexOutsideAxis {
        axis: 1,
        index: 0,
        size: 0,
    };
    assert_eq!(err(empty.slice((.., 0, ..))), zero);
    assert_eq!(err(empty.select(1, 0)), zero);
    let (still_empty, offset) = empty.slice((1, .., 2)).unwrap();
    assert_eq!((still_empty.shape(), offset), (&[0], 0));
}

/// What may stand for an axis, and the positions a reader would expect of it.
#[derive(Debug, Clone)]
struct Choice {
    start: usize,
    end: usize,
    step: usize,
    positions: Option<Vec<usize>>,
}

fn choices(len: usize) -> Vec<Choice> {
    let mut choices = Vec::new();
    for start in 0..=len + 1 {
        for end in 0..=len + 1 {
            for step in 1..=if cfg!(miri) { 1 } else { 3 } {
                let positions = (start <= end && end <= len)
                    .then(|| (start..end).filter(|i| (i - start) % step == 0).collect());
                choices.push(Choice {
                    start,
                    end,
                    step,
                    positions,
                });
            }
        }
    }
    choices
}

/// Compares a slice with the positions it should keep, axis by axis.
fn check<const M: usize>(
    what: &dyn std::fmt::Debug,
    strides: &[isize],
    positions: &[Option<&[usize]>],
    result: Result<(Layout<M>, isize), TensorError>,
) {
    let Some(positions) = positions.iter().copied().collect::<Option<Vec<_>>>() else {
        assert!(result.is_err(), "{what:?} should be refused");
        return;
    };
    let mut expected = vec![0];
    for (positions, stride) in positions.iter().zip(strides) {
        expected = expected
            .iter()
            .flat_map(|base| positions.iter().map(move |&i| base + i as isize * stride))
            .collect();
    }
    let (part, first) = result.unwrap();
    let found: Vec<_> = offsets(&part).iter().map(|offset| first + offset).collect();
    assert_eq!(found, expected, "{what:?} of strides {strides:?}");
    assert!(
        !part.is_empty() || first == 0,
        "{what:?} moved an empty result"
    );
    assert_eq!(
        Layout::new(*part.shape(), *part.strides(), 1).unwrap(),
        part
    );
}

#[test]
fn slices_reach_exactly_the_positions_they_name() {
    let strides: &[isize] = if cfg!(miri) { &[-3] } else { &[-3, 0, 4] };
    let longest = if cfg!(miri) { 1 } else { 3 };
    for shape in indices(&[longest + 1; 2]) {
        for (&s, &t) in strides
            .iter()
            .flat_map(|s| strides.iter().map(move |t| (s, t)))
        {
            let layout = Layout::new(shape, [s, t], 1).unwrap();
            let rows = choices(shape[0]);
            let columns = choices(shape[1]);
            for row in &rows {
                let ys = row.positions.as_deref();
                let y_range = || step(row.start..row.end, row.step);
                check(
                    row,
                    &[s, t],
                    &[ys, Some(&[0, 1, 2][..shape[1]])],
                    layout.narrow(0, y_range()),
                );
                for column in &columns {
                    let xs = column.positions.as_deref();
                    let x_range = || step(column.start..column.end, column.step);
                    let what = (row, column);
                    check(
                        &what,
                        &[s, t],
                        &[ys, xs],
                        layout.slice((y_range(), x_range())),
                    );
                    if (row.step, column.step) == (1, 1) {
                        let array = [row.start..row.end, column.start..column.end];
                        check(&what, &[s, t], &[ys, xs], layout.slice(array));
                    }
                }
                for i in 0..=shape[1] {
                    let xs = [i];
                    let xs = (i < shape[1]).then_some(&xs[..]);
                    check(&(row, i), &[s, t], &[ys, xs], layout.slice((y_range(), i)));
                    check(
                        &(i, row),
                        &[t, s],
                        &[xs, ys],
                        layout.transpose().slice((i, y_range())),
                    );
                }
            }
            for [y, x] in indices(&[shape[0] + 1, shape[1] + 1]) {
                let (ys, xs) = ([y], [x]);
                let ys = (y < shape[0]).then_some(&ys[..]);
                let xs = (x < shape[1]).then_some(&xs[..]);
                check(&(y, x), &[s, t], &[ys, xs], layout.slice((y, x)));
                check(
                    &(y, x),
                    &[s, t],
                    &[ys, xs],
                    layout.slice((y as i32, x as i32)),
                );
                let from_end = (FromEnd(shape[0] - y), FromEnd(shape[1] - x));
                check(&from_end, &[s, t], &[ys, xs], layout.slice(from_end));
            }
        }
    }
}

#[test]
fn extreme_strides_of_axes_nobody_walks_do_no_harm() {
    let layout = Layout::new([1, 3], [isize::MIN, -1], 1).unwrap();
    assert_eq!(layout.slice((0, 1..)).unwrap().1, -1);
    assert_eq!(layout.slice((1.., 1..)).unwrap().1, 0);
    assert_eq!(layout.slice((step(.., 3), step(2.., 7))).unwrap().1, -2);
    let empty = Layout::new([0, 2], [isize::MAX, isize::MAX], 1).unwrap();
    assert_eq!(empty.slice((.., 2..)).unwrap().1, 0);
    assert_eq!(empty.slice((.., step(.., 2))).unwrap().1, 0);
}

#[test]
#[allow(clippy::single_range_in_vec_init)] // one axis, one range
fn clip_box_always_gives_ranges_that_slice_accepts() {
    let bounds = [i64::MIN, -7, -1, 0, 1, 2, 3, 4, 5, 9, i64::MAX];
    for size in [0, 1, 4] {
        let layout = Layout::contiguous([size], 1).unwrap();
        for (start, end) in bounds
            .iter()
            .flat_map(|&s| bounds.iter().map(move |&e| (s, e)))
        {
            let [clipped] = clip_box([start..end], &[size]);
            let expected: Vec<_> = (0..size)
                .filter(|&i| start <= i as i64 && (i as i64) < end)
                .collect();
            assert!(clipped.start <= clipped.end && clipped.end <= size);
            assert_eq!(
                clipped.clone().collect::<Vec<_>>(),
                expected,
                "{start}..{end} of {size}"
            );
            assert!(layout.slice((clipped,)).is_ok());
        }
    }
    assert_eq!(
        clip_box([700..900, -3..2], &[480, 640, 3]),
        [480..480, 0..2]
    );
    assert_eq!(
        clip_box([i64::MIN..i64::MAX], &[usize::MAX]),
        [0..i64::MAX as usize]
    );
    assert_eq!(clip_box([], &[480, 640]), []);
}
