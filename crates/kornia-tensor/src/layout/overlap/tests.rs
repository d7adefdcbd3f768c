use crate::layout::Layout;
use crate::layout::slice::step;
use crate::layout::tests::{every_layout, offsets};

fn all_differ(offsets: &[isize]) -> bool {
    let mut sorted = offsets.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).all(|pair| pair[0] != pair[1])
}

/// (layouts without a collision, how many of them were refused)
fn census<const N: usize>() -> (usize, usize) {
    let (mut injective, mut refused) = (0, 0);
    every_layout(|layout: Layout<N>| {
        let exact = all_differ(&offsets(&layout));
        let answer = layout.is_injective();
        assert!(exact || !answer, "{layout:?} reaches an element twice");
        injective += usize::from(exact);
        refused += usize::from(exact && !answer);
    });
    (injective, refused)
}

#[test]
fn yes_is_certain_and_the_refusals_are_few() {
    let found = [census::<0>(), census::<1>(), census::<2>(), census::<3>()];
    if !cfg!(miri) {
        assert_eq!(found, [(1, 0), (34, 0), (1096, 32), (36_102, 960)]);
    }
}

#[test]
fn the_refused_pairs_of_axes_are_those_that_interleave() {
    let mut refused = Vec::new();
    every_layout(|layout: Layout<2>| {
        if !layout.is_injective() && all_differ(&offsets(&layout)) {
            refused.push((*layout.shape(), layout.strides().map(isize::unsigned_abs)));
        }
    });
    refused.sort_unstable();
    refused.dedup();
    let interleaved = [
        ([2, 3], [3, 2]),
        ([2, 3], [4, 3]),
        ([3, 2], [2, 3]),
        ([3, 2], [3, 4]),
        ([3, 3], [2, 3]),
        ([3, 3], [3, 2]),
        ([3, 3], [3, 4]),
        ([3, 3], [4, 3]),
    ];
    assert!(refused == interleaved || cfg!(miri), "{refused:?}");
}

#[test]
fn what_cannot_be_reached_cannot_overlap() {
    let yes = |shape, strides| Layout::<3>::new(shape, strides, 1).unwrap().is_injective();
    assert!(yes([2, 0, 2], [0, 1, 0])); // ndarray #1609: another axis is empty
    assert!(yes([0, 9, 9], [1, 1, 1]));
    assert!(yes([1, 2, 1], [0, 1, 0]));
    assert!(yes([1, 2, 1], [isize::MIN, 1, isize::MIN]));
    assert!(!yes([1, 2, 2], [0, 1, 0]));
    assert!(!yes([2, 2, 2], [1, 1, 1]));
    assert!(!yes([2, 2, 2], [4, 2, -2]));
    assert!(yes([2, 2, 2], [-4, 1, -2]));
}

#[test]
fn reach_up_to_the_limit_does_not_overflow() {
    let most = isize::MAX;
    assert!(
        Layout::new([2, 2], [most - 1, 1], 1)
            .unwrap()
            .is_injective()
    );
    assert!(
        Layout::new([2, 2], [most / 2, most / 2 + 1], 1)
            .unwrap()
            .is_injective()
    );
    assert!(
        !Layout::new([2, 2], [most / 2, most / 2], 1)
            .unwrap()
            .is_injective()
    );
}

/// What lets `is_injective` be conservative: nothing that starts out contiguous gets lost.
#[test]
fn parts_of_a_contiguous_layout_are_never_refused() {
    let whole = Layout::contiguous([3, 4, 6], 1).unwrap();
    let most = if cfg!(miri) { 2 } else { 6 };
    for rows in 1..=most.min(3) {
        for columns in 1..=most.min(4) {
            for channels in 1..=most {
                let spec = (step(.., rows), step(.., columns), step(.., channels));
                let (part, _) = whole.slice(spec).unwrap();
                assert!(part.is_injective());
                let (part, _) = part.flip(1).unwrap();
                let part = part.permute_axes([2, 0, 1]).unwrap();
                assert!(part.is_injective());
                let len = part.shape()[2];
                for factor in (1..=len).filter(|factor| len % factor == 0) {
                    let [a, b, _] = *part.shape();
                    let split = part.reshape([a, b, len / factor, factor]).unwrap();
                    assert!(split.is_injective());
                }
            }
        }
    }
}
