//! Iterators give each item once, from both ends, in any mixture of calls, and always know how many
//! are left. What a `Vec`'s iterator does is right; ours have to do the same.

#[path = "random/config.rs"]
mod config;
#[path = "random/recipe.rs"]
mod recipe;
#[path = "iterators/walk.rs"]
mod walk;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::iter::FusedIterator;
use std::rc::Rc;
use std::sync::MutexGuard;
use std::thread;

use kornia_tensor::{
    IndexedIter, Iter, IterMut, LayoutChunks, LayoutTiles, Nat, Pred, Rows, RowsMut, Tensor,
    TensorView, TensorViewMut,
};
use proptest::prelude::*;
use proptest::sample::Index;
use recipe::{Recipe, at_rank, at_ranks, recipes};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use walk::{Log, Walk, fixed_walks, same, walk, walks};

/// Indices and elements, one by one: `get` uses no iterator.
fn listed<const N: usize>(view: TensorView<'_, i32, N>) -> Vec<([usize; N], i32)> {
    let mut listed = Vec::new();
    for mut position in 0..view.numel() {
        let mut index = [0; N];
        for axis in (0..N).rev() {
            index[axis] = position % view.shape()[axis];
            position /= view.shape()[axis];
        }
        listed.push((index, *view.get(index).expect("the index is in bounds")));
    }
    listed
}

fn elements<const N: usize>(view: TensorView<'_, i32, N>) -> Vec<i32> {
    listed(view)
        .into_iter()
        .map(|(_, element)| element)
        .collect()
}

fn shared<const N: usize>(recipe: &Recipe, how: &Walk) {
    let tensor = recipe.tensor::<N>();
    let view = tensor.view();
    same(view.iter(), elements(view), how, |x| **x);
    same(view.indexed_iter(), listed(view), how, |(index, x)| {
        (*index, **x)
    });
    // Clones go on from where the original is.
    let (mut iter, mut indexed) = (view.iter(), view.indexed_iter());
    let mut left = listed(view).into_iter();
    assert_eq!(iter.next().copied(), left.next().map(|(_, x)| x));
    assert_eq!(iter.next_back().copied(), left.next_back().map(|(_, x)| x));
    indexed.next();
    indexed.next_back();
    same(
        indexed.clone(),
        left.clone().collect(),
        how,
        |(index, x)| (*index, **x),
    );
    same(iter.clone(), left.map(|(_, x)| x).collect(), how, |x| **x);
    assert!(iter.eq(indexed.map(|(_, x)| x)));
}

/// The elements of each of `count` groups; `group` says to which one an index belongs.
fn grouped<const N: usize>(
    view: TensorView<'_, i32, N>,
    count: usize,
    group: impl Fn([usize; N]) -> usize,
) -> Vec<Vec<i32>> {
    let mut groups = vec![Vec::new(); count];
    for (index, element) in listed(view) {
        groups[group(index)].push(element);
    }
    groups
}

/// What `rows` gives, whether or not these are slices.
fn listed_rows<const N: usize>(view: TensorView<'_, i32, N>) -> Vec<Vec<i32>> {
    match view.shape().first() {
        Some(&height) if N > 1 => grouped(view, height, |index| index[0]),
        _ => vec![elements(view)],
    }
}

/// What `tiles` gives.
fn listed_tiles<const N: usize>(
    view: TensorView<'_, i32, N>,
    size: [usize; N],
) -> Vec<([usize; N], Vec<i32>)> {
    let mut tiles: BTreeMap<[usize; N], Vec<i32>> = BTreeMap::new();
    for (index, element) in listed(view) {
        let origin = std::array::from_fn(|axis| index[axis] / size[axis] * size[axis]);
        tiles.entry(origin).or_default().push(element);
    }
    tiles.into_iter().collect()
}

fn shared_parts<const N: usize>(recipe: &Recipe, how: &Walk, axis: Index, size: [Index; 4]) {
    let tensor = recipe.tensor::<N>();
    let view = tensor.view();
    if let Ok(rows) = view.try_rows() {
        same(rows.clone(), listed_rows(view), how, |row| row.to_vec());
        same(rows, listed_rows(view), how, |row| row.to_vec());
    }
    let size = std::array::from_fn(|axis| 1 + size[axis].index(4));
    let tiles = listed_tiles(view, size);
    same(tensor.tiles(size), tiles.clone(), how, |(origin, tile)| {
        (*origin, elements(tile.view()))
    });
    same(view.tiles(size), tiles.clone(), how, |(origin, tile)| {
        (*origin, elements(*tile))
    });
    let origins: Vec<_> = tiles.into_iter().map(|(origin, _)| origin).collect();
    same(
        view.layout().tiles(size).unwrap(),
        origins,
        how,
        |(origin, ..)| *origin,
    );
    if N == 0 {
        return;
    }
    let axis = axis.index(N);
    let (len, size) = (view.shape()[axis], size[axis]);
    let chunks = grouped(view, len.div_ceil(size), |index| index[axis] / size);
    same(tensor.chunks(axis, size), chunks.clone(), how, |chunk| {
        elements(chunk.view())
    });
    same(view.chunks(axis, size), chunks.clone(), how, |chunk| {
        elements(*chunk)
    });
    let counts = chunks.iter().map(Vec::len).collect();
    same(
        view.layout().chunks(axis, size).unwrap(),
        counts,
        how,
        |(chunk, _)| chunk.numel(),
    );
}

fn shared_axes<const N: usize, const M: usize>(recipe: &Recipe, how: &Walk, axis: Index)
where
    Nat<N>: Pred<Prev = Nat<M>>,
{
    let mut tensor = recipe.tensor::<N>();
    let axis = axis.index(N);
    let parts = grouped(tensor.view(), tensor.shape()[axis], |index| index[axis]);
    same(tensor.axis_iter(axis), parts.clone(), how, |part| {
        elements(part.view())
    });
    same(tensor.view().axis_iter(axis), parts.clone(), how, |part| {
        elements(*part)
    });
    same(tensor.view_mut().axis_iter(axis), parts, how, |part| {
        elements(part.view())
    });
}

/// Compares what an iterator over exclusive parts gave, and writes to each part twice while all of
/// them are alive. Returns the elements that were written, as they were before.
fn write_parts<P>(
    log: Log<P>,
    expected: Log<Vec<i32>>,
    see: impl Fn(&P) -> Vec<i32>,
    write: impl Fn(&mut P),
) -> Vec<i32> {
    assert_eq!(log.map(see), expected);
    let mut parts: Vec<P> = log.items.into_iter().flatten().collect();
    parts.iter_mut().for_each(&write);
    parts.iter_mut().rev().for_each(&write);
    expected.items.into_iter().flatten().flatten().collect()
}

/// The elements were 0, 1, 2, ..; the given ones have to be 2000 more now, and no others.
fn written_twice<const N: usize>(base: &Tensor<i32, N>, given: &[i32]) {
    for (old, new) in (0..).zip(base.as_slice()) {
        let expected = if given.contains(&old) {
            old + 2000
        } else {
            old
        };
        assert_eq!(*new, expected, "element {old}; {given:?} were given");
    }
}

fn exclusive<const N: usize>(recipe: &Recipe, how: &Walk) {
    let mut base = recipe.base::<N>();
    let view = recipe.part(base.view_mut());
    let expected = elements(view.view()).into_iter().map(|x| vec![x]).collect();
    let expected: Log<Vec<i32>> = walk(Vec::into_iter(expected), how);
    let log = walk(view.into_iter(), how);
    let given = write_parts(log, expected, |x| vec![**x], |x| **x += 1000);
    written_twice(&base, &given);
}

fn exclusive_parts<const N: usize>(recipe: &Recipe, how: &Walk, axis: Index, size: [Index; 4]) {
    fn add<const N: usize>(part: &mut TensorViewMut<'_, i32, N>) {
        part.iter_mut().for_each(|x| *x += 1000);
    }
    let size = std::array::from_fn(|axis| 1 + size[axis].index(4));

    let mut base = recipe.base::<N>();
    let mut view = recipe.part(base.view_mut());
    let expected = walk(listed_rows(view.view()).into_iter(), how);
    if let Ok(rows) = view.try_rows_mut() {
        let add = |row: &mut &mut [i32]| row.iter_mut().for_each(|x| *x += 1000);
        let given = write_parts(walk(rows, how), expected, |row| row.to_vec(), add);
        written_twice(&base, &given);
    }

    let mut base = recipe.base::<N>();
    let view = recipe.part(base.view_mut());
    let expected = listed_tiles(view.view(), size)
        .into_iter()
        .map(|(_, tile)| tile);
    let expected: Log<Vec<i32>> = walk(expected.collect::<Vec<_>>().into_iter(), how);
    let log = walk(view.tiles(size).map(|(_, tile)| tile), how);
    let given = write_parts(log, expected, |tile| elements(tile.view()), add);
    written_twice(&base, &given);

    if N == 0 {
        return;
    }
    let axis = axis.index(N);
    let mut base = recipe.base::<N>();
    let view = recipe.part(base.view_mut());
    let (len, size) = (view.shape()[axis], size[axis]);
    let expected = grouped(view.view(), len.div_ceil(size), |index| index[axis] / size);
    let log = walk(view.chunks(axis, size), how);
    let given = write_parts(
        log,
        walk(expected.into_iter(), how),
        |chunk| elements(chunk.view()),
        add,
    );
    written_twice(&base, &given);
}

fn exclusive_axes<const N: usize, const M: usize>(recipe: &Recipe, how: &Walk, axis: Index)
where
    Nat<N>: Pred<Prev = Nat<M>>,
{
    let axis = axis.index(N);
    let mut base = recipe.base::<N>();
    let view = recipe.part(base.view_mut());
    let expected = grouped(view.view(), view.shape()[axis], |index| index[axis]);
    let given = write_parts(
        walk(view.axis_iter(axis), how),
        walk(expected.into_iter(), how),
        |part| elements(part.view()),
        |part| part.iter_mut().for_each(|x| *x += 1000),
    );
    written_twice(&base, &given);
}

proptest! {
    #![proptest_config(config::config(5))]

    #[test]
    fn elements_come_once_from_both_ends(recipe in recipes(0..=4), how in walks()) {
        at_rank!(recipe, shared(&how));
    }

    #[test]
    fn parts_come_once_from_both_ends(
        recipe in recipes(0..=4),
        how in walks(),
        axis: Index,
        size: [Index; 4],
    ) {
        at_rank!(recipe, shared_parts(&how, axis, size));
    }

    #[test]
    fn indices_of_an_axis_come_once_from_both_ends(
        recipe in recipes(1..=4),
        how in walks(),
        axis: Index,
    ) {
        at_ranks!(recipe, shared_axes(&how, axis));
        at_ranks!(recipe, exclusive_axes(&how, axis));
    }

    #[test]
    fn elements_are_written_once(recipe in recipes(0..=4), how in walks()) {
        at_rank!(recipe, exclusive(&how));
    }

    #[test]
    fn parts_are_written_once(
        recipe in recipes(0..=4),
        how in walks(),
        axis: Index,
        size: [Index; 4],
    ) {
        at_rank!(recipe, exclusive_parts(&how, axis, size));
    }
}

#[test]
fn nothing_comes_out_of_empty_tensors_but_rows_and_chunks_without_elements() {
    for shape in [[0, 3, 2], [3, 0, 2], [3, 2, 0], [0, 0, 0]] {
        let mut tensor = Tensor::<i32, 3>::zeros(shape);
        let rows = vec![Vec::new(); shape[0]];
        let pairs = vec![Vec::new(); shape[0].div_ceil(2)];
        for how in fixed_walks() {
            let view = tensor.view();
            same(view.iter(), vec![], &how, |x| **x);
            same(view.transpose().iter(), vec![], &how, |x| **x);
            same(view.flip(0).indexed_iter(), vec![], &how, |(_, x)| **x);
            same(view.rows(), rows.clone(), &how, |row| row.to_vec());
            same(view.axis_iter(0), rows.clone(), &how, |part| part.to_vec());
            same(view.chunks(0, 2), pairs.clone(), &how, |chunk| {
                chunk.to_vec()
            });
            same(view.tiles([1, 1, 1]), vec![], &how, |(origin, _)| *origin);
            same(tensor.view_mut().iter_mut(), vec![], &how, |x| **x);
            let mut view = tensor.view_mut();
            same(view.rows_mut(), rows.clone(), &how, |row| row.to_vec());
        }
    }
}

#[test]
fn a_tensor_of_rank_0_has_one_element_one_row_and_one_tile() {
    let mut tensor = Tensor::from_shape_vec([], vec![7]).unwrap();
    for how in fixed_walks() {
        let view = tensor.view();
        same(view.iter(), vec![7], &how, |x| **x);
        same(view.indexed_iter(), vec![([], 7)], &how, |(index, x)| {
            (*index, **x)
        });
        same(view.rows(), vec![vec![7]], &how, |row| row.to_vec());
        same(view.tiles([]), vec![([], 7)], &how, |(origin, tile)| {
            (*origin, tile[[]])
        });
        same(tensor.view_mut().iter_mut(), vec![7], &how, |x| **x);
        same(tensor.view_mut().rows_mut(), vec![vec![7]], &how, |row| {
            row.to_vec()
        });
    }
}

#[test]
fn elements_without_size_are_counted_all_the_same() {
    let mut tensor = Tensor::from_shape_vec([3, 4], vec![(); 12]).unwrap();
    let crop = tensor.slice((.., 1..3)).transpose().flip(0);
    let indices = vec![[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]];
    for how in fixed_walks() {
        same(tensor.iter(), vec![(); 12], &how, |x| **x);
        same(crop.iter(), vec![(); 6], &how, |x| **x);
        same(crop.indexed_iter(), indices.clone(), &how, |(index, ())| {
            *index
        });
        same(tensor.rows(), vec![4; 3], &how, |row| row.len());
        same(crop.tiles([1, 3]), vec![3; 2], &how, |(_, tile)| {
            tile.numel()
        });
    }
    drop(crop);
    for how in fixed_walks() {
        same(tensor.view_mut().iter_mut(), vec![(); 12], &how, |x| **x);
        same(
            tensor.view_mut().transpose().iter_mut(),
            vec![(); 12],
            &how,
            |x| **x,
        );
        same(tensor.view_mut().rows_mut(), vec![4; 3], &how, |row| {
            row.len()
        });
    }
}

/// 2^60 elements, all of them the same one: a loop would not come back.
#[test]
fn nth_and_both_ends_do_not_walk() {
    let one = [5];
    let view = TensorView::from_slice([1, 1], &one).unwrap();
    let all = view.broadcast_to([1 << 40, 1 << 20]).unwrap();
    let mut iter = all.iter();
    assert_eq!(iter.len(), 1 << 60);
    assert_eq!(iter.nth((1 << 60) - 2), Some(&5));
    assert_eq!(
        (iter.len(), iter.next_back(), iter.next()),
        (1, Some(&5), None)
    );

    let mut indexed = all.indexed_iter();
    assert_eq!(indexed.nth((3 << 20) + 7), Some(([3, 7], &5)));
    assert_eq!(
        indexed.next_back(),
        Some(([(1 << 40) - 1, (1 << 20) - 1], &5))
    );
    assert_eq!(indexed.len(), (1 << 60) - (3 << 20) - 9);
    assert_eq!(indexed.nth(usize::MAX), None);
    assert_eq!(indexed.len(), 0);
}

#[test]
fn for_loops_take_tensors_and_views() {
    let mut tensor = Tensor::from_shape_vec([2, 2], vec![1, 2, 3, 4]).unwrap();
    let (mut forth, mut across) = (Vec::new(), Vec::new());
    for x in &tensor {
        forth.push(*x);
    }
    for x in tensor.view().transpose() {
        across.push(*x);
    }
    for x in tensor.view_mut() {
        *x *= 10;
    }
    assert_eq!((forth, across), (vec![1, 2, 3, 4], vec![1, 3, 2, 4]));
    assert_eq!(tensor.as_slice(), [10, 20, 30, 40]);
}

#[test]
fn iterators_finish_on_other_threads_and_their_references_stay() {
    let mut tensor = Tensor::<u64, 2>::from_shape_fn([4, 6], |[y, x]| (6 * y + x) as u64);
    let mut columns = tensor.view_mut().transpose();
    let mut iter = columns.iter_mut();
    let (first, last) = (iter.next().unwrap(), iter.next_back().unwrap());
    thread::scope(|scope| {
        scope.spawn(move || iter.for_each(|x| *x += 100));
        *first += 1000;
        *last += 1000;
    });
    let shared = tensor.view();
    thread::scope(|scope| {
        let (mut iter, rows) = (shared.transpose().iter(), shared.rows());
        assert_eq!(iter.next(), Some(&1000));
        let (columns, rows) = (
            scope.spawn(move || iter.sum()),
            scope.spawn(|| rows.flatten().sum()),
        );
        let all = 23 * 12 + 22 * 100 + 2000;
        assert_eq!(
            (columns.join().unwrap(), rows.join().unwrap()),
            (all - 1000, all)
        );
    });
}

/// A type that is `Sync` and not `Send`; `Cell` is the other way round, and `Rc` neither.
type SyncOnly = MutexGuard<'static, u8>;

// Shared iterators give `&T`: they may go where that may.
assert_impl_all!(Iter<'static, SyncOnly, 2>: Send, Sync, Clone, FusedIterator, Debug);
assert_impl_all!(IndexedIter<'static, SyncOnly, 2>: Send, Sync, Clone, FusedIterator, Debug);
assert_impl_all!(Rows<'static, SyncOnly>: Send, Sync, Clone, FusedIterator, Debug);
assert_not_impl_any!(Iter<'static, Cell<u8>, 2>: Send, Sync);
assert_not_impl_any!(IndexedIter<'static, Cell<u8>, 2>: Send, Sync);
assert_not_impl_any!(Rows<'static, Cell<u8>>: Send, Sync);
assert_not_impl_any!(Iter<'static, Rc<u8>, 2>: Send, Sync);
// Exclusive ones give `&mut T`.
assert_impl_all!(IterMut<'static, Cell<u8>, 2>: Send, FusedIterator, Debug);
assert_impl_all!(RowsMut<'static, Cell<u8>>: Send, FusedIterator, Debug);
assert_not_impl_any!(IterMut<'static, Cell<u8>, 2>: Sync, Clone);
assert_not_impl_any!(RowsMut<'static, Cell<u8>>: Sync, Clone);
assert_impl_all!(IterMut<'static, SyncOnly, 2>: Sync);
assert_impl_all!(RowsMut<'static, SyncOnly>: Sync);
assert_not_impl_any!(IterMut<'static, SyncOnly, 2>: Send);
assert_not_impl_any!(RowsMut<'static, SyncOnly>: Send);
assert_not_impl_any!(IterMut<'static, Rc<u8>, 2>: Send, Sync);
// Layouts know no elements.
assert_impl_all!(LayoutChunks<2>: Send, Sync, Clone, FusedIterator);
assert_impl_all!(LayoutTiles<2>: Send, Sync, Clone, FusedIterator);

#[test]
fn parts_without_a_name_are_send() {
    fn is_send(_: &impl Send) {}
    let mut tensor = Tensor::<u8, 2>::zeros([4, 4]);
    is_send(&tensor.chunks(0, 2));
    is_send(&tensor.tiles([2, 2]));
    is_send(&tensor.axis_iter(0));
    is_send(&tensor.view().chunks(0, 2));
    is_send(&tensor.view().tiles([2, 2]));
    is_send(&tensor.view().axis_iter(0));
    is_send(&tensor.view_mut().chunks(0, 2));
    is_send(&tensor.view_mut().tiles([2, 2]));
    is_send(&tensor.view_mut().axis_iter(0));
}

/// Ends, and does not walk the rows one by one.
#[test]
fn an_endless_number_of_rows_without_elements_is_filled_at_once() {
    let mut none = Tensor::from_shape_vec([1 << 60, 0], Vec::<u8>::new()).unwrap();
    none.view_mut().fill(1);
    let other = none.deep_clone().unwrap();
    none.view_mut().assign(&other).unwrap();
    assert_eq!(none.rows().len(), 1 << 60);
}
