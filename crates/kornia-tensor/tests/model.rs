//! Random programs on tensors, against a model that has no strides and no reference counts.
//!
//! After every step each living handle is compared with the model: its elements, hence who sees
//! which write; its shape and strides; the addresses, hence that nothing was copied in secret; who
//! shares memory with whom; and whether the step was refused, and why.

#[path = "random/config.rs"]
mod config;
#[path = "model/given_up.rs"]
mod given_up;
#[path = "model/naive.rs"]
mod naive;
#[path = "model/program.rs"]
mod program;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use given_up::{AnyGivenUp, GivenUp};
use kornia_tensor::{FromEnd, Tensor, TensorError, TensorView, TensorViewMut, step};
use naive::{Door, How, Item, Naive, Range, Refusal, Span, Step, Verb, World, index, indices};
use program::{Program, programs};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

proptest! {
    #![proptest_config(config::config(4))]

    #[test]
    fn programs_on_numbers_do_what_the_model_does(program in programs(STEPS)) {
        run::<u32>(&program);
    }

    /// Elements that own memory: dropped twice they crash, and forgotten Miri misses them.
    #[test]
    fn programs_on_boxes_do_what_the_model_does(program in programs(STEPS)) {
        run::<Box<u32>>(&program);
    }

    /// Elements without size all have one address and one value; sharing and refusals remain.
    #[test]
    fn programs_on_zero_sized_elements_do_what_the_model_does(program in programs(STEPS)) {
        run::<Nothing>(&program);
    }
}

/// A generator that never asks for something tests nothing about it.
#[test]
#[cfg_attr(miri, ignore = "runs the model alone")]
fn programs_have_every_step_granted_and_refused() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..400 {
        let program = programs(STEPS).new_tree(&mut runner).unwrap().current();
        let mut world = World::default();
        for step in &program.0 {
            let name = match step {
                Step::Apply { verb, .. } => format!("{verb:?}"),
                Step::Write { door, .. } => format!("{door:?}"),
                other => format!("{other:?}"),
            };
            let name = name.split(['(', ' ']).next().unwrap().to_owned();
            seen.insert((name, world.run(step).err()));
        }
    }
    let granted = "New Clone DeepClone Contiguous IntoVec Drop MakeMut MakeMutSlice TryViewMut \
        TryAsMutSlice Slice Block Leading Narrow Select Permute Transpose Flip Reshape Flatten InsertAxis \
        RemoveAxis FirstHalf SecondHalf Chunk Tile AxisIter";
    let by_shape = "Slice Block Leading Narrow Select Permute Flip Reshape Flatten InsertAxis RemoveAxis \
        FirstHalf SecondHalf Chunk Tile AxisIter";
    for (names, refusal) in [
        (granted, None),
        (by_shape, Some(Refusal::Verb)),
        ("TryViewMut TryAsMutSlice", Some(Refusal::Shared)),
        ("TryAsMutSlice", Some(Refusal::NotContiguous)),
        ("IntoVec", Some(Refusal::NotTheVec)),
    ] {
        for name in names.split_whitespace() {
            let key = (name.to_owned(), refusal);
            assert!(seen.contains(&key), "no program has {key:?}");
        }
    }
}

const STEPS: usize = 24;

#[derive(Clone, Debug, PartialEq)]
struct Nothing;

impl From<u32> for Nothing {
    fn from(_: u32) -> Self {
        Nothing
    }
}

trait Element: Clone + Debug + PartialEq + From<u32> {}
impl<T: Clone + Debug + PartialEq + From<u32>> Element for T {}

/// Something of a rank that is known at run time.
enum Ranked<A, B, C, D, E> {
    R0(A),
    R1(B),
    R2(C),
    R3(D),
    R4(E),
}

type AnyTensor<T> = Ranked<Tensor<T, 0>, Tensor<T, 1>, Tensor<T, 2>, Tensor<T, 3>, Tensor<T, 4>>;
type AnyView<'a, T> = Ranked<
    TensorView<'a, T, 0>,
    TensorView<'a, T, 1>,
    TensorView<'a, T, 2>,
    TensorView<'a, T, 3>,
    TensorView<'a, T, 4>,
>;
type AnyViewMut<'a, T> = Ranked<
    TensorViewMut<'a, T, 0>,
    TensorViewMut<'a, T, 1>,
    TensorViewMut<'a, T, 2>,
    TensorViewMut<'a, T, 3>,
    TensorViewMut<'a, T, 4>,
>;

macro_rules! wrap {
    ($($variant:ident $rank:literal),*) => {$(
        impl<T> From<Tensor<T, $rank>> for AnyTensor<T> {
            fn from(tensor: Tensor<T, $rank>) -> Self {
                Ranked::$variant(tensor)
            }
        }
        impl<'a, T> From<GivenUp<'a, T, $rank>> for AnyGivenUp<'a, T> {
            fn from(given: GivenUp<'a, T, $rank>) -> Self {
                Ranked::$variant(given)
            }
        }
        impl<'a, T> From<TensorView<'a, T, $rank>> for AnyView<'a, T> {
            fn from(view: TensorView<'a, T, $rank>) -> Self {
                Ranked::$variant(view)
            }
        }
        impl<'a, T> From<TensorViewMut<'a, T, $rank>> for AnyViewMut<'a, T> {
            fn from(view: TensorViewMut<'a, T, $rank>) -> Self {
                Ranked::$variant(view)
            }
        }
    )*};
}
wrap!(R0 0, R1 1, R2 2, R3 3, R4 4);

/// The same expression for any rank.
macro_rules! any {
    ($any:expr, $x:ident => $do:expr) => {
        match $any {
            Ranked::R0($x) => $do,
            Ranked::R1($x) => $do,
            Ranked::R2($x) => $do,
            Ranked::R3($x) => $do,
            Ranked::R4($x) => $do,
        }
    };
}

/// A verb on a tensor, a view or a mutable view: the methods have the same names.
macro_rules! apply {
    ($any:expr, $verb:expr) => {
        match $any {
            Ranked::R0(x) => apply!(x, $verb, [], [], [x]),
            Ranked::R1(x) => apply!(x, $verb, [0], [x], [x]),
            Ranked::R2(x) => apply!(x, $verb, [0 1], [x], [x]),
            Ranked::R3(x) => apply!(x, $verb, [0 1 2], [x], [x]),
            Ranked::R4(x) => apply!(x, $verb, [0 1 2 3], [x], []),
        }
    };
    // The receiver again as `down` if there is a rank below, and as `up` if there is one above.
    ($x:ident, $verb:expr, [$($axis:literal)*], [$($down:ident)?], [$($up:ident)?]) => {
        match $verb {
            Verb::Slice(items) => {
                let _ = items; // empty at rank 0
                slice!($x, (), $(items[$axis],)*)
            }
            Verb::Block(ranges) => {
                let ranges = like($x.shape(), ranges).map(|(a, b)| a..b);
                $x.try_slice(ranges).ok().map(Ranked::from)
            }
            Verb::Narrow(axis, Range(span, None)) => narrow!($x, *axis, span, |r| r),
            Verb::Narrow(axis, Range(span, Some(by))) => narrow!($x, *axis, span, |r| step(r, *by)),
            Verb::Permute(axes) => $x.permute_axes(fixed(axes)).ok().map(Ranked::from),
            Verb::Transpose => Some(Ranked::from($x.transpose())),
            Verb::Flip(axis) => $x.try_flip(*axis).ok().map(Ranked::from),
            Verb::Reshape(shape) => match shape.len() {
                0 => $x.reshape::<0>(fixed(shape)).ok().map(Ranked::from),
                1 => $x.reshape::<1>(fixed(shape)).ok().map(Ranked::from),
                2 => $x.reshape::<2>(fixed(shape)).ok().map(Ranked::from),
                3 => $x.reshape::<3>(fixed(shape)).ok().map(Ranked::from),
                _ => $x.reshape::<4>(fixed(shape)).ok().map(Ranked::from),
            },
            Verb::Flatten => $x.flatten().ok().map(Ranked::from),
            Verb::FirstHalf(axis, at) => $x.try_split_at(*axis, *at).ok().map(|two| two.0.into()),
            Verb::SecondHalf(axis, at) => $x.try_split_at(*axis, *at).ok().map(|two| two.1.into()),
            Verb::Chunk(axis, size, number) => $x
                .try_chunks(*axis, *size)
                .ok()
                .and_then(|mut chunks| chunks.nth(*number))
                .map(Ranked::from),
            Verb::Tile(size, number) => $x
                .try_tiles(fixed(size))
                .ok()
                .and_then(|mut tiles| tiles.nth(*number))
                .map(|(_, tile)| tile.into()),
            $(
                Verb::Leading(a, b) => $down.try_slice([*a..*b]).ok().map(Ranked::from),
                Verb::Select(axis, index) => {
                    $down.try_select(*axis, *index).ok().map(Ranked::from)
                }
                Verb::AxisIter(axis, number) => $down
                    .try_axis_iter(*axis)
                    .ok()
                    .and_then(|mut parts| parts.nth(*number))
                    .map(Ranked::from),
                Verb::RemoveAxis(axis) => $down.try_remove_axis(*axis).ok().map(Ranked::from),
            )?
            $(
                Verb::InsertAxis(axis) => $up.try_insert_axis(*axis).ok().map(Ranked::from),
            )?
            #[allow(unreachable_patterns)]
            _ => unreachable!("no program asks for a rank that tensors here do not have"),
        }
    };
}

/// Builds the tuple for `slice`, one place after the other: each choice has its own type.
macro_rules! slice {
    ($x:ident, ($($done:expr,)*),) => {
        $x.try_slice(($($done,)*)).ok().map(Ranked::from)
    };
    ($x:ident, ($($done:expr,)*), $item:expr, $($rest:expr,)*) => {
        match $item {
            Item::At(i) => slice!($x, ($($done,)* i,), $($rest,)*),
            Item::FromEnd(i) => slice!($x, ($($done,)* FromEnd(i),), $($rest,)*),
            Item::Range(a, b, by) => slice!($x, ($($done,)* step(a..b, by),), $($rest,)*),
        }
    };
}

/// A range, also of its own type each.
macro_rules! narrow {
    ($x:ident, $axis:expr, $span:expr, |$r:ident| $range:expr) => {
        match *$span {
            Span::Full => narrow!(@ $x, $axis, .., $r, $range),
            Span::Of(a, b) => narrow!(@ $x, $axis, a..b, $r, $range),
            Span::Inclusive(a, b) => narrow!(@ $x, $axis, a..=b, $r, $range),
            Span::From(a) => narrow!(@ $x, $axis, a.., $r, $range),
            Span::To(b) => narrow!(@ $x, $axis, ..b, $r, $range),
            Span::ToInclusive(b) => narrow!(@ $x, $axis, ..=b, $r, $range),
            Span::OfEnds(a, b) => narrow!(@ $x, $axis, FromEnd(a)..FromEnd(b), $r, $range),
            Span::FromEnd(a) => narrow!(@ $x, $axis, FromEnd(a).., $r, $range),
            Span::ToEnd(b) => narrow!(@ $x, $axis, ..FromEnd(b), $r, $range),
            Span::Signed(a, b) => narrow!(@ $x, $axis, a..b, $r, $range),
        }
    };
    (@ $x:ident, $axis:expr, $span:expr, $r:ident, $range:expr) => {{
        let $r = $span;
        $x.try_narrow($axis, $range).ok().map(Ranked::from)
    }};
}

/// Whether a verb makes one tensor of one, and so has a form that gives it up.
fn gives_one(verb: &Verb) -> bool {
    !matches!(
        verb,
        Verb::FirstHalf(..)
            | Verb::SecondHalf(..)
            | Verb::Chunk(..)
            | Verb::Tile(..)
            | Verb::AxisIter(..)
    )
}

/// The array that a list is.
fn fixed<U: Copy, const N: usize>(list: &[U]) -> [U; N] {
    list.try_into().expect("the rank of the tensor")
}

/// The same, as long as another array.
fn like<V, U: Copy, const N: usize>(_: &[V; N], list: &[U]) -> [U; N] {
    fixed(list)
}

/// The tensors of a program that is running.
struct Machine<T> {
    handles: BTreeMap<usize, AnyTensor<T>>,
    /// The address of the first element of each memory of the model that was seen so far.
    bases: BTreeMap<usize, usize>,
}

/// Runs a program on tensors and on the model, and compares them after each step.
fn run<T: Element>(program: &Program) {
    let mut world = World::default();
    let mut machine = Machine::<T> {
        handles: BTreeMap::new(),
        bases: BTreeMap::new(),
    };
    for step in &program.0 {
        let result = machine.perform(step, &world);
        assert_eq!(result, world.run(step), "at: {step}");
        machine.compare(&world, step);
    }
}

impl<T: Element> Machine<T> {
    fn perform(&mut self, step: &Step, before: &World) -> Result<(), Refusal> {
        match step {
            Step::New { to, shape, first } => {
                let count = shape.iter().product::<usize>() as u32;
                let elements = (*first..first + count).map(T::from).collect();
                self.handles.insert(*to, tensor(shape, elements));
            }
            Step::Apply { to, on, verb } => {
                let tensor = &self.handles[on];
                let view: Option<AnyView<'_, T>> = apply!(view_of(tensor), verb);
                let view = view.map(seen);
                let result: Option<AnyTensor<T>> = if to == on && gives_one(verb) {
                    let tensor = self.handles.remove(on).unwrap();
                    let back = &Cell::new(None);
                    let given: AnyGivenUp<'_, T> =
                        any!(tensor, tensor => GivenUp { tensor, back }.into());
                    let result = apply!(given, verb);
                    // Refused, it is the tensor it was: compared with the model like any other.
                    assert_eq!(
                        result.is_none(),
                        back.take().is_some_and(|tensor| {
                            self.handles.insert(*on, tensor);
                            true
                        })
                    );
                    result
                } else {
                    apply!(tensor, verb)
                };
                assert_eq!(
                    result.as_ref().map(|tensor| seen(view_of(tensor))),
                    view,
                    "a view differs at: {step}"
                );
                self.handles.insert(*to, result.ok_or(Refusal::Verb)?);
            }
            Step::Clone { to, on } => {
                let clone = any!(&self.handles[on], t => Ranked::from(t.clone()));
                self.handles.insert(*to, clone);
            }
            Step::DeepClone { to, on } => {
                let copy = any!(&self.handles[on], t => Ranked::from(t.deep_clone().unwrap()));
                self.handles.insert(*to, copy);
            }
            Step::Contiguous { on } => {
                let tensor = self.handles.remove(on).unwrap();
                let result = any!(tensor, t => Ranked::from(t.contiguous()));
                self.handles.insert(*on, result);
            }
            Step::Write {
                on,
                door,
                part,
                how,
                first,
            } => {
                let tensor = self.handles.get_mut(on).unwrap();
                any!(tensor, t => match door {
                    Door::TryViewMut => {
                        write(t.try_view_mut().map_err(refusal)?.into(), part, *how, *first)?;
                    }
                    Door::MakeMut => write(t.make_mut().into(), part, *how, *first)?,
                    Door::TryAsMutSlice => {
                        write_slice(t.try_as_mut_slice().map_err(refusal)?, *how, *first);
                    }
                    Door::MakeMutSlice => write_slice(t.make_mut_slice(), *how, *first),
                });
            }
            Step::IntoVec { on } => {
                let tensor = self.handles.remove(on).unwrap();
                let result = any!(tensor, t => t.try_into_vec().map_err(Ranked::from));
                match result {
                    Ok(elements) => {
                        let handle = &before.handles[on];
                        assert_eq!(elements, values(&before.seen(handle)), "at: {step}");
                    }
                    Err(tensor) => {
                        self.handles.insert(*on, tensor);
                        return Err(Refusal::NotTheVec);
                    }
                }
            }
            Step::Drop { on } => {
                self.handles.remove(on);
            }
        }
        Ok(())
    }

    /// Compares every handle with the model.
    fn compare(&mut self, world: &World, step: &Step) {
        assert!(self.handles.keys().eq(world.handles.keys()));
        for (name, tensor) in &self.handles {
            let handle = &world.handles[name];
            let at = || format!("t{name} after: {step}");
            let seen = seen(view_of(tensor));
            assert_eq!(
                seen.elements,
                values(&world.seen(handle)),
                "elements of {}",
                at()
            );
            assert_eq!(seen.shape, handle.shape, "shape of {}", at());
            if let Some(&first) = handle.elements.first() {
                assert_eq!(Some(seen.strides), handle.strides(), "strides of {}", at());
                // The first tensor on a memory says where it is. Nothing moves it from there.
                let base = seen.address - first * size_of::<T>();
                let known = *self.bases.entry(handle.memory).or_insert(base);
                assert_eq!(base, known, "address of {}", at());
            }
            any!(tensor, t => compare_handle(t, handle, world, at));
            for (other_name, other) in &self.handles {
                let shares = any!(tensor, a => any!(other, b => a.shares_memory_with(b)));
                let expected = handle.memory == world.handles[other_name].memory;
                assert_eq!(shares, expected, "memory of t{other_name} and {}", at());
            }
        }
    }
}

/// What only a handle has, and a view has not.
fn compare_handle<T: Element, const N: usize>(
    tensor: &Tensor<T, N>,
    handle: &Naive,
    world: &World,
    at: impl Fn() -> String,
) {
    let is_sole = !world.is_shared(handle.memory);
    assert_eq!(tensor.is_unique(), is_sole, "uniqueness of {}", at());
    let bytes = world.memory[handle.memory].len() * size_of::<T>();
    assert_eq!(tensor.retained_bytes(), bytes, "memory of {}", at());
    let lowest = handle.elements.iter().min().copied().unwrap_or(0);
    let span = handle
        .elements
        .iter()
        .max()
        .map_or(0, |highest| highest + 1 - lowest);
    assert_eq!(tensor.storage().len(), span, "window of {}", at());
    match (tensor.try_as_slice(), handle.is_slice()) {
        (Ok(slice), true) => assert_eq!(slice, values(&world.seen(handle)), "slice of {}", at()),
        (Err(TensorError::NotContiguous { .. }), false) => {}
        (result, _) => panic!("slice of {}: {result:?}", at()),
    }
}

/// What can be seen through a view.
#[derive(Debug, PartialEq)]
struct Seen<T> {
    shape: Vec<usize>,
    /// 0 where an axis is too short for its stride to matter.
    strides: Vec<isize>,
    address: usize,
    elements: Vec<T>,
}

fn view_of<T>(tensor: &AnyTensor<T>) -> AnyView<'_, T> {
    any!(tensor, t => t.view().into())
}

fn seen<T: Element>(view: AnyView<'_, T>) -> Seen<T> {
    any!(view, v => {
        let elements: Vec<T> = indices(v.shape()).map(|i| v[fixed(&i)].clone()).collect();
        assert!(v.iter().eq(&elements), "iteration and indices disagree");
        let strides = v.shape().iter().zip(v.strides());
        Seen {
            shape: v.shape().to_vec(),
            strides: strides.map(|(&len, &stride)| if len > 1 { stride } else { 0 }).collect(),
            address: if v.is_empty() { 0 } else { v.as_ptr().addr() },
            elements,
        }
    })
}

fn values<T: Element>(numbers: &[u32]) -> Vec<T> {
    numbers.iter().copied().map(T::from).collect()
}

fn tensor<T>(shape: &[usize], elements: Vec<T>) -> AnyTensor<T> {
    fn of<T, const N: usize>(shape: &[usize], elements: Vec<T>) -> Tensor<T, N> {
        Tensor::from_shape_vec(fixed(shape), elements).expect("as many elements as the shape has")
    }
    match shape.len() {
        0 => Ranked::R0(of(shape, elements)),
        1 => Ranked::R1(of(shape, elements)),
        2 => Ranked::R2(of(shape, elements)),
        3 => Ranked::R3(of(shape, elements)),
        _ => Ranked::R4(of(shape, elements)),
    }
}

fn refusal(error: TensorError) -> Refusal {
    match error {
        TensorError::SharedStorage(_) => Refusal::Shared,
        TensorError::NotContiguous { .. } => Refusal::NotContiguous,
        other => panic!("no write is refused because {other}"),
    }
}

/// Writes to what a verb leaves of a view, or to all of it.
fn write<T: Element>(
    view: AnyViewMut<'_, T>,
    part: &Option<Verb>,
    how: How,
    first: u32,
) -> Result<(), Refusal> {
    let view = match part {
        Some(verb) => apply!(view, verb).ok_or(Refusal::Verb)?,
        None => view,
    };
    any!(view, v => write_view(v, how, first));
    Ok(())
}

fn write_view<T: Element, const N: usize>(mut view: TensorViewMut<'_, T, N>, how: How, first: u32) {
    match how {
        How::One(number) if number < view.numel() => {
            let at = index(number, view.shape());
            view[fixed(&at)] = T::from(first);
        }
        How::One(_) => {}
        How::Fill => view.fill(T::from(first)),
        How::Each => view
            .iter_mut()
            .zip(first..)
            .for_each(|(element, value)| *element = T::from(value)),
        How::Assign => {
            let numbers: Vec<u32> = (first..).take(view.numel()).collect();
            let source = Tensor::from_shape_vec(*view.shape(), values(&numbers)).unwrap();
            view.assign(&source).expect("shapes are equal");
        }
    }
}

fn write_slice<T: Element>(slice: &mut [T], how: How, first: u32) {
    match how {
        How::One(number) => {
            if let Some(element) = slice.get_mut(number) {
                *element = T::from(first);
            }
        }
        How::Fill => slice.fill(T::from(first)),
        How::Each | How::Assign => slice
            .iter_mut()
            .zip(first..)
            .for_each(|(element, value)| *element = T::from(value)),
    }
}
