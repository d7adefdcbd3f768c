//! What reads and writes elements.

use kornia_tensor::{TensorError, TensorViewMut};
use ndarray::{ArrayViewMutD, Axis, Dimension, IxDyn, Slice, Zip};
use proptest::sample::Index;

use crate::recipe::Recipe;
use crate::{both, same, same_elements, their_base, their_part};

pub(crate) fn orders<const N: usize>(recipe: &Recipe) {
    let (ours, theirs) = both::<N>(recipe);
    same(&ours, theirs.view());
    let forth: Vec<i32> = theirs.iter().copied().collect();
    assert_eq!(ours.view().to_vec(), forth);
    assert_eq!(ours.deep_clone().unwrap().as_slice(), forth);
    assert!(ours.iter().rev().eq(forth.iter().rev()));

    let indexed = theirs.indexed_iter();
    let there: Vec<_> = indexed
        .map(|(index, x)| (index.slice().to_vec(), x))
        .collect();
    let here: Vec<_> = ours.indexed_iter().collect();
    let back: Vec<_> = ours.indexed_iter().rev().collect();
    assert!(here.iter().rev().eq(&back));
    assert_eq!(here.len(), there.len());
    for ((index, x), (their_index, y)) in here.into_iter().zip(there) {
        assert_eq!((&index[..], x), (&their_index[..], y));
        assert_eq!(ours[index], *y);
    }
}

pub(crate) fn computing<const N: usize>(recipe: &Recipe) {
    let (ours, theirs) = both::<N>(recipe);
    same_elements(&ours.map(|x| x % 7), theirs.map(|x| x % 7).view());
    same_elements(&ours.view().cast::<f64>(), theirs.mapv(f64::from).view());
    let digits = |text: String, x: &i32| text + &x.to_string();
    let text = ours.fold(String::new(), digits);
    assert_eq!(text, theirs.iter().fold(String::new(), digits));
    assert_eq!(ours.iter().sum::<i32>(), theirs.sum());

    let mut inverted = theirs.clone();
    (0..N).for_each(|axis| inverted.invert_axis(Axis(axis)));
    let flipped = (0..N).fold(ours.clone(), |t, axis| t.flip(axis));
    let here = ours.zip_with(&flipped, |a, b| a - 3 * b).unwrap();
    let there = Zip::from(&theirs)
        .and(&inverted)
        .map_collect(|a, b| a - 3 * b);
    same_elements(&here, there.view());
    let there = Zip::from(&inverted)
        .and(&theirs)
        .map_collect(|a, b| a - 3 * b);
    same_elements(
        &flipped.zip_with(&ours, |a, b| a - 3 * b).unwrap(),
        there.view(),
    );
}

pub(crate) fn equality<const N: usize>(recipe: &Recipe, pick: Index) {
    let (ours, theirs) = both::<N>(recipe);
    assert_eq!(ours == ours.transpose(), theirs == theirs.t());
    for axis in 0..N {
        assert_eq!(ours == ours.flip(axis), {
            let mut inverted = theirs.clone();
            inverted.invert_axis(Axis(axis));
            theirs == inverted
        });
        // Another shape, also where both have no elements.
        let half = ours.shape()[axis] / 2;
        let narrow = theirs.slice_axis(Axis(axis), Slice::from(half..));
        assert_eq!(ours == ours.narrow(axis, half..), theirs == narrow);
    }
    // Equal elements in another layout, and then one of them is not.
    let mut copy = ours.deep_clone().unwrap();
    assert!(ours == copy && copy == ours.view() && ours.view() == copy);
    if !copy.is_empty() {
        let number = pick.index(copy.numel());
        copy.as_mut_slice()[number] -= 1;
        assert!(ours != copy && copy != ours.view() && ours.view() != copy.view());
    }
}

/// To a shape that fits, or to one with an axis that does not.
pub(crate) fn broadcasting<const N: usize>(
    recipe: &Recipe,
    leading: &[usize],
    stretch: [Index; 4],
    wrong: Option<Index>,
) {
    fn check<const N: usize, const M: usize>(recipe: &Recipe, shape: &[usize]) {
        let (ours, theirs) = both::<N>(recipe);
        let here = ours.view().broadcast_to::<M>(shape.try_into().unwrap());
        match (here, theirs.broadcast(IxDyn(shape))) {
            (Ok(here), Some(there)) => same_elements(here, there),
            (Err(TensorError::NotBroadcastable { .. }), None) => {}
            (here, there) => panic!("{here:?} here, {there:?} there"),
        }
    }
    let mut shape = leading.to_vec();
    for (len, stretch) in recipe.tensor::<N>().shape().iter().zip(stretch) {
        shape.push(if *len == 1 { stretch.index(4) } else { *len });
    }
    if let Some(axis) = wrong.filter(|_| !shape.is_empty()) {
        let axis = axis.index(shape.len());
        // Nothing stretches to a length of 0 either, unless it was 1.
        shape[axis] = if leading.is_empty() {
            shape[axis] + 1
        } else {
            0
        };
    }
    match shape.len() {
        0 => check::<N, 0>(recipe, &shape),
        1 => check::<N, 1>(recipe, &shape),
        2 => check::<N, 2>(recipe, &shape),
        3 => check::<N, 3>(recipe, &shape),
        4 => check::<N, 4>(recipe, &shape),
        _ => check::<N, 5>(recipe, &shape),
    }
    if shape.len() > 1 {
        // To fewer axes, which is never possible.
        check::<N, 0>(recipe, &[]);
    }
}

/// Writes to a part of a tensor; what is around it must stay.
pub(crate) fn writing<const N: usize>(recipe: &Recipe) {
    let check = |write_here: &dyn Fn(TensorViewMut<'_, i32, N>),
                 write_there: &dyn Fn(ArrayViewMutD<'_, i32>)| {
        let (mut ours, mut theirs) = (recipe.base::<N>(), their_base::<N>(recipe));
        write_here(recipe.part(ours.view_mut()));
        write_there(their_part::<_, N>(recipe, theirs.view_mut()));
        same(&ours, theirs.view());
    };
    check(&|mut part| part.fill(-1), &|mut part| part.fill(-1));
    check(&|mut part| part.apply(|x| *x = 7 - *x), &|mut part| {
        part.map_inplace(|x| *x = 7 - *x)
    });
    check(
        &|mut part| part.iter_mut().zip(1000..).for_each(|(x, new)| *x = new),
        &|mut part| part.iter_mut().zip(1000..).for_each(|(x, new)| *x = new),
    );
    // From a source in standard layout, and from one in the same layout.
    let (ours, theirs) = both::<N>(recipe);
    let (ours, theirs) = (ours.map(|x| -x), theirs.map(|x| -x));
    check(&|mut part| part.assign(&ours).unwrap(), &|mut part| {
        part.assign(&theirs)
    });
    let (mut source, their_source) = (recipe.base::<N>(), their_base::<N>(recipe).map(|x| -x));
    source.view_mut().apply(|x| *x = -*x);
    let source = recipe.part(source.view_mut());
    let their_source = their_part::<_, N>(recipe, their_source.view());
    check(&|mut part| part.assign(&source).unwrap(), &|mut part| {
        part.assign(&their_source)
    });
    // ndarray would stretch a source of another shape; here that is refused.
    if N > 0 && !ours.is_empty() {
        let short = ours.narrow(0, 1..);
        let refused = recipe.base().view_mut().assign(&short);
        assert!(matches!(refused, Err(TensorError::ShapeMismatch { .. })));
    }
}
