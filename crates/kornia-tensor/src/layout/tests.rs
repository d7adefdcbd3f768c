use super::*;

/// Its square is one too large for a `usize`.
const HALF: usize = 1 << (usize::BITS / 2);

/// Every index of a shape, in row-major order, counted the slow way.
pub(crate) fn indices<const N: usize>(shape: &[usize; N]) -> Vec<[usize; N]> {
    let mut all = vec![[0; N]];
    for (axis, &len) in shape.iter().enumerate() {
        all = all
            .iter()
            .flat_map(|index| {
                (0..len).map(move |i| {
                    let mut index = *index;
                    index[axis] = i;
                    index
                })
            })
            .collect();
    }
    all
}

/// The offset of every index in row-major order, from the definition.
pub(crate) fn offsets<const N: usize>(layout: &Layout<N>) -> Vec<isize> {
    let offset = |index: &[usize; N]| {
        index
            .iter()
            .zip(layout.strides())
            .map(|(&i, &stride)| i as isize * stride)
            .sum()
    };
    indices(layout.shape()).iter().map(offset).collect()
}

/// Calls `f` with every layout of lengths 0 to 3 and strides -4 to 4. Miri sees a sample.
pub(crate) fn every_layout<const N: usize>(mut f: impl FnMut(Layout<N>)) {
    let stride = if cfg!(miri) { [1, 7, 211, 4001][N] } else { 1 };
    for code in (0..36usize.pow(N as u32)).step_by(stride) {
        let mut rest = code;
        let mut digit = |base| {
            let digit = rest % base;
            rest /= base;
            digit
        };
        let shape = [(); N].map(|()| digit(4));
        let strides = [(); N].map(|()| digit(9) as isize - 4);
        f(Layout::new(shape, strides, 1).unwrap());
    }
}

/// Every shape of lengths 0 to 3 and a few layouts of each: standard, mirrored, permuted,
/// with gaps, and repeated. Miri sees two.
fn typical_layouts(mut f: impl FnMut(Layout<3>)) {
    if cfg!(miri) {
        f(Layout::new([2, 1, 2], [-2, 5, 1], 1).unwrap());
        f(Layout::new([2, 0, 1], [1, 1, 1], 1).unwrap());
        return;
    }
    for shape in indices(&[4, 4, 4]) {
        let [_, w, c] = shape.map(|len| len as isize);
        for strides in [
            [w * c, c, 1],
            [-w * c, c, -1],
            [1, 3, 9],
            [40, -7, 2],
            [0, 1, 1],
        ] {
            f(Layout::new(shape, strides, 1).unwrap());
        }
    }
}

/// Offsets from the first element of the layout that `part` was made of.
fn moved<const N: usize>((part, first): &(Layout<N>, isize)) -> Vec<isize> {
    assert!(
        !part.is_empty() || *first == 0,
        "{part:?} is empty and was moved by {first}"
    );
    assert_eq!(
        Layout::new(*part.shape(), *part.strides(), 1).as_ref(),
        Ok(part)
    );
    offsets(part).iter().map(|offset| first + offset).collect()
}

/// The offsets of those indices that `keep` wants.
fn offsets_where<const N: usize>(
    layout: &Layout<N>,
    keep: impl Fn(&[usize; N]) -> bool,
) -> Vec<isize> {
    let all = offsets(layout);
    let kept = indices(layout.shape())
        .into_iter()
        .zip(all)
        .filter(|(index, _)| keep(index));
    kept.map(|(_, offset)| offset).collect()
}

fn overflows<const N: usize>(result: Result<Layout<N>, TensorError>) -> bool {
    use TensorError::{ShapeOverflow, StridesOverflow};
    matches!(result, Err(ShapeOverflow { .. } | StridesOverflow { .. }))
}

fn check_questions<const N: usize>() {
    every_layout(|layout: Layout<N>| {
        let all = offsets(&layout);
        assert_eq!(layout.numel(), all.len(), "{layout:?}");
        assert_eq!(layout.is_empty(), all.is_empty(), "{layout:?}");
        let low = all.iter().min().copied().unwrap_or(0);
        let span = all.iter().max().map_or(0, |high| high - low + 1);
        assert_eq!(layout.span(), span as usize, "{layout:?}");
        assert_eq!(layout.first_offset(), -low as usize, "{layout:?}");
        let in_order = all.iter().copied().eq(0..all.len() as isize);
        assert_eq!(layout.is_contiguous(), in_order, "{layout:?}");
    });
}

#[test]
fn span_first_offset_and_contiguity_agree_with_the_list_of_offsets() {
    check_questions::<0>();
    check_questions::<1>();
    check_questions::<2>();
    check_questions::<3>();
}

#[test]
fn offset_of_agrees_with_the_definition_inside_and_refuses_everything_outside() {
    every_layout(|layout: Layout<2>| {
        for (index, offset) in indices(layout.shape()).into_iter().zip(offsets(&layout)) {
            assert_eq!(layout.offset_of(index), Some(offset));
            assert_eq!(layout.try_offset_of(index), Ok(offset));
        }
        let [h, w] = *layout.shape();
        for index in [[h, 0], [0, w], [usize::MAX, 0], [0, usize::MAX]] {
            assert_eq!(layout.offset_of(index), None);
            assert!(layout.try_offset_of(index).is_err());
        }
    });
    let layout = Layout::contiguous([2, 3], 1).unwrap();
    let blamed = TensorError::IndexOutsideAxis {
        axis: 1,
        index: 3,
        size: 3,
    };
    assert_eq!(layout.try_offset_of([1, 3]), Err(blamed));
    assert_eq!(Layout::contiguous([], 1).unwrap().offset_of([]), Some(0));
}

fn check_merged<const N: usize>() {
    every_layout(|layout: Layout<N>| {
        let merged = layout.merged();
        assert_eq!(
            offsets(&merged),
            offsets(&layout),
            "{layout:?} became {merged:?}"
        );
        let unused = merged.shape.iter().take_while(|&&len| len == 1).count();
        assert!(merged.strides[..unused].iter().all(|&stride| stride == 0));
        for axis in unused..N {
            assert_ne!(merged.shape[axis], 1, "{layout:?} became {merged:?}");
            let joins = |outer: usize| {
                merged.strides[outer] == merged.strides[axis] * merged.shape[axis] as isize
            };
            assert!(
                axis == unused || !joins(axis - 1),
                "{layout:?} became {merged:?}"
            );
        }
    });
}

#[test]
fn merging_keeps_the_sequence_of_offsets_and_leaves_nothing_to_merge() {
    check_merged::<0>();
    check_merged::<1>();
    check_merged::<2>();
    check_merged::<3>();
}

#[test]
fn merging_makes_one_run_of_what_is_contiguous() {
    let image = Layout::contiguous([4, 5, 3], 1).unwrap();
    assert_eq!(
        image.merged(),
        Layout::new([1, 1, 60], [0, 0, 1], 1).unwrap()
    );
    let (crop, _) = image.slice((.., 1..4, ..)).unwrap();
    assert_eq!(
        crop.merged(),
        Layout::new([1, 4, 9], [0, 15, 1], 1).unwrap()
    );
    let huge = Layout::new([2, 3], [3, isize::MAX / 2 - 2], 1).unwrap();
    assert_eq!(huge.merged(), huge); // the product of the strides would overflow
}

#[test]
fn select_keeps_what_has_the_index() {
    typical_layouts(|layout| {
        for axis in 0..3 {
            let size = layout.shape[axis];
            for index in 0..size {
                let expected = offsets_where(&layout, |at| at[axis] == index);
                assert_eq!(
                    moved(&layout.select(axis, index).unwrap()),
                    expected,
                    "{layout:?}"
                );
            }
            let outside = TensorError::IndexOutsideAxis {
                axis,
                index: size,
                size,
            };
            assert_eq!(layout.select(axis, size), Err(outside));
        }
        let no_axis = TensorError::AxisOutOfBounds { axis: 3, rank: 3 };
        assert_eq!(layout.select(3, 0), Err(no_axis));
    });
}

#[test]
fn narrow_keeps_what_lies_in_the_range() {
    typical_layouts(|layout| {
        for axis in 0..3 {
            let size = layout.shape[axis];
            for [start, end] in indices(&[size + 1, size + 1]) {
                let result = layout.narrow(axis, start..end);
                if start > end {
                    let reversed = TensorError::RangeOutOfBounds {
                        axis,
                        start,
                        end,
                        size,
                    };
                    assert_eq!(result, Err(reversed));
                    continue;
                }
                let expected = offsets_where(&layout, |at| (start..end).contains(&at[axis]));
                assert_eq!(moved(&result.unwrap()), expected, "{layout:?}");
            }
            assert!(layout.narrow(axis, ..size + 1).is_err());
        }
        assert!(layout.narrow(3, ..).is_err());
    });
}

#[test]
fn permute_axes_moves_indices_with_their_axes() {
    typical_layouts(|layout| {
        for axes in indices(&[3, 3, 3]) {
            let mut sorted = axes;
            sorted.sort_unstable();
            if sorted != [0, 1, 2] {
                let refused = TensorError::InvalidPermutation { axes: axes.into() };
                assert_eq!(layout.permute_axes(axes), Err(refused));
                continue;
            }
            let permuted = layout.permute_axes(axes).unwrap();
            for index in indices(&layout.shape) {
                let there = axes.map(|axis| index[axis]);
                assert_eq!(permuted.offset_of(there), layout.offset_of(index));
            }
            assert_eq!(permuted.numel(), layout.numel());
        }
        assert_eq!(layout.transpose(), layout.permute_axes([2, 1, 0]).unwrap());
        assert_eq!(layout.transpose().transpose(), layout);
        assert!(layout.permute_axes([0, 1, 3]).is_err());
    });
}

#[test]
fn flip_reads_an_axis_backwards() {
    every_layout(|layout: Layout<2>| {
        for axis in 0..2 {
            let (flipped, first) = layout.flip(axis).unwrap();
            for mut index in indices(&layout.shape) {
                let offset = layout.offset_of(index).unwrap();
                index[axis] = layout.shape[axis] - 1 - index[axis];
                assert_eq!(flipped.offset_of(index).map(|o| o + first), Some(offset));
            }
            moved(&(flipped, first));
            assert_eq!(flipped.shape, layout.shape);
        }
        assert!(layout.flip(2).is_err());
    });
}

#[test]
fn flip_twice_is_the_identity() {
    every_layout(|layout: Layout<2>| {
        for axis in 0..2 {
            let (once, there) = layout.flip(axis).unwrap();
            let (twice, back) = once.flip(axis).unwrap();
            assert_eq!((twice, there + back), (layout, 0));
        }
    });
}

#[test]
fn insert_axis_and_remove_axis_are_inverse_and_move_nothing() {
    typical_layouts(|layout| {
        for axis in 0..=3 {
            let inserted = layout.insert_axis(axis).unwrap();
            assert_eq!(inserted.shape[axis], 1);
            assert_eq!(offsets(&inserted), offsets(&layout));
            assert_eq!(inserted.remove_axis(axis).unwrap(), layout);
        }
        assert!(layout.insert_axis(4).is_err());
        for axis in 0..3 {
            match (layout.shape[axis], layout.remove_axis(axis)) {
                (1, result) => assert_eq!(offsets(&result.unwrap()), offsets(&layout)),
                (size, result) => {
                    assert_eq!(result, Err(TensorError::AxisNotRemovable { axis, size }));
                }
            }
        }
        assert!(layout.remove_axis(3).is_err());
    });
    let image = Layout::contiguous([4, 5, 3], 1).unwrap();
    for axis in 0..=3 {
        let inserted = image.insert_axis(axis).unwrap();
        assert_eq!(inserted, Layout::contiguous(inserted.shape, 1).unwrap());
    }
}

/// ndarray #503: an empty tensor without its empty axis would reach memory it never had.
#[test]
fn an_axis_of_length_zero_cannot_be_removed() {
    let empty = Layout::contiguous([0, HALF], 1).unwrap();
    assert_eq!(
        empty.remove_axis(0),
        Err(TensorError::AxisNotRemovable { axis: 0, size: 0 })
    );
    assert!(empty.select(0, 0).is_err());
}

fn check_broadcast<const N: usize, const M: usize>(layout: &Layout<N>, shape: [usize; M]) {
    let fits = N <= M
        && (0..N).all(|axis| layout.shape[axis] == 1 || layout.shape[axis] == shape[axis + M - N]);
    let result = layout.broadcast_to(shape);
    if !fits {
        let refused = TensorError::NotBroadcastable {
            from: layout.shape.into(),
            to: shape.into(),
        };
        assert_eq!(result, Err(refused));
        return;
    }
    let stretched = result.unwrap();
    for index in indices(&shape) {
        let mut there = [0; N];
        for axis in 0..N {
            there[axis] = index[M - N + axis].min(layout.shape[axis] - 1);
        }
        assert_eq!(
            stretched.offset_of(index),
            layout.offset_of(there),
            "{layout:?} to {shape:?}"
        );
    }
    assert_eq!(stretched.shape, shape);
}

#[test]
fn broadcasting_repeats_as_numpy_does() {
    every_layout(|layout: Layout<2>| {
        if layout.strides.iter().any(|stride| stride % 3 == 0) {
            return; // the sizes are what matters
        }
        indices(&[4, 4])
            .into_iter()
            .for_each(|shape| check_broadcast(&layout, shape));
        indices(&[4, 4, 4])
            .into_iter()
            .for_each(|shape| check_broadcast(&layout, shape));
        (0..4).for_each(|len| check_broadcast(&layout, [len]));
    });
    check_broadcast(&Layout::contiguous([], 1).unwrap(), [2, 3]);
    check_broadcast(&Layout::contiguous([], 1).unwrap(), []);
    let one = Layout::contiguous([1], 1).unwrap();
    assert!(overflows(one.broadcast_to([HALF, HALF])));
    assert!(overflows(one.broadcast_to([0, usize::MAX])));
}

#[test]
fn an_overflowing_count_is_refused_even_beside_a_zero() {
    for shape in [
        [usize::MAX, 0],
        [0, usize::MAX],
        [HALF, HALF],
        [isize::MAX as usize + 1, 1],
    ] {
        assert!(checked_numel(&shape).is_err(), "{shape:?}");
        assert!(overflows(Layout::contiguous(shape, 0)), "{shape:?}");
        assert!(overflows(Layout::new(shape, [0, 0], 0)), "{shape:?}");
    }
    assert!(checked_numel(&[HALF, 0, HALF]).is_err());
    assert_eq!(checked_numel(&[isize::MAX as usize, 0]), Ok(0));
    assert_eq!(
        checked_numel(&[isize::MAX as usize]),
        Ok(isize::MAX as usize)
    );
    assert_eq!(checked_numel(&[]), Ok(1));
}

#[test]
#[should_panic(expected = "is larger than memory can address")]
#[allow(deprecated)] // still there
fn strides_of_a_shape_that_overflows_panic() {
    get_strides_from_shape([HALF, HALF]);
}

#[test]
fn bytes_are_counted_where_there_are_elements() {
    let most = isize::MAX as usize;
    assert!(Layout::contiguous([most], 1).is_ok());
    assert!(Layout::contiguous([most / 2], 2).is_ok());
    assert!(overflows(Layout::contiguous([most / 2 + 1], 2)));
    assert!(overflows(Layout::contiguous([1], usize::MAX)));
    assert!(Layout::contiguous([most], 0).is_ok());
    assert!(Layout::contiguous([most, 0], 8).is_ok());

    assert!(Layout::new([2], [isize::MAX], 1).is_ok());
    assert!(overflows(Layout::new([2], [isize::MAX], 2)));
    assert!(overflows(Layout::new([3], [isize::MAX], 1)));
    assert!(overflows(Layout::new([2, 2], [isize::MAX, 1], 1)));
    assert!(overflows(Layout::new([2, 2], [isize::MAX, -1], 1)));
    assert!(overflows(Layout::new([0, 3], [1, isize::MAX], 1)));
    assert!(Layout::new([0, 2], [1, isize::MAX], 8).is_ok());
    assert_eq!(Layout::new([2], [isize::MAX], 1).unwrap().span(), most + 1);
    assert_eq!(
        Layout::new([2], [-isize::MAX], 1).unwrap().first_offset(),
        most
    );
}

#[test]
fn the_smallest_stride_is_harmless_where_it_is_not_used_and_refused_where_it_is() {
    assert!(overflows(Layout::new([2], [isize::MIN], 1)));
    assert!(overflows(Layout::new([2], [isize::MIN], 0)));
    for len in [0, 1] {
        let layout = Layout::new([len, 2], [isize::MIN, 1], 1).unwrap();
        assert_eq!(layout.span(), 2 * len);
        assert_eq!(layout.first_offset(), 0);
        assert!(layout.is_contiguous() && layout.is_injective());
        assert_eq!(layout.flip(0).unwrap().1, 0);
        assert_eq!(layout.merged().numel(), 2 * len);
        assert_eq!(layout.insert_axis(0).unwrap().numel(), 2 * len);
        assert_eq!(layout.reshape([2, len]).unwrap().numel(), 2 * len);
        assert_eq!(layout.chunks(0, 1).unwrap().count(), len);
        assert_eq!(layout.tiles([1, 1]).unwrap().count(), 2 * len);
        assert_eq!(layout.split_at(0, len).unwrap()[1].1, 0);
        assert_eq!(layout.windows(0, 1).is_ok(), len == 1);
        assert_eq!(layout.broadcast_to([len, 2]).unwrap(), layout);
        assert_eq!(layout.transpose().select(0, 1).unwrap().1, len as isize);
    }
}

#[test]
#[allow(deprecated)] // still there
fn standard_strides_count_an_empty_axis_as_one() {
    assert_eq!(get_strides_from_shape([2, 3, 4]), [12, 4, 1]);
    assert_eq!(get_strides_from_shape([2, 0, 4]), [4, 4, 1]);
    assert_eq!(get_strides_from_shape([]), [0; 0]);
    for shape in indices(&[4, 4, 4]) {
        let layout = Layout::contiguous(shape, 1).unwrap();
        assert!(layout.is_contiguous() && layout.is_injective());
        assert_eq!(
            layout.strides.map(|stride| stride as usize),
            get_strides_from_shape(shape)
        );
    }
}

mod blocks;
mod reshape;
