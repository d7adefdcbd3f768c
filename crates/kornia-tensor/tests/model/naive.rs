//! The model: what tensors mean, written without strides, pointers or reference counts.
//!
//! Memory is a list of `Vec`s that are never freed. A handle is the number of its `Vec` and the
//! list of positions it shows, in row-major order. Two handles share memory if they name the same
//! `Vec`; a handle may write if no other one does.

use std::collections::BTreeMap;

/// What a handle shows: which memory, and which of its elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Naive {
    pub(crate) memory: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) elements: Vec<usize>,
}

impl Naive {
    /// At each index of `shape`, the element at the index that `old` makes of it.
    fn gather(&self, shape: Vec<usize>, old: impl Fn(&[usize]) -> Vec<usize>) -> Naive {
        let elements = indices(&shape)
            .map(|new| self.elements[position(&old(&new), &self.shape)])
            .collect();
        Naive {
            memory: self.memory,
            shape,
            elements,
        }
    }

    /// These positions of one axis.
    fn pick(&self, axis: usize, picks: Vec<usize>) -> Naive {
        let mut shape = self.shape.clone();
        shape[axis] = picks.len();
        self.gather(shape, |new| {
            let mut old = new.to_vec();
            old[axis] = picks[old[axis]];
            old
        })
    }

    /// The same elements under another shape, whether strides can say that or not.
    fn with_shape(&self, shape: Vec<usize>) -> Naive {
        Naive {
            shape,
            ..self.clone()
        }
    }

    /// The strides of the axes that are longer than 1 and 0 for the others, or `None` if no
    /// strides reach these elements in this order.
    pub(crate) fn strides(&self) -> Option<Vec<isize>> {
        let first = *self.elements.first()? as isize;
        let mut strides = vec![0; self.shape.len()];
        for axis in 0..strides.len() {
            if self.shape[axis] > 1 {
                let mut neighbour = vec![0; strides.len()];
                neighbour[axis] = 1;
                strides[axis] = self.elements[position(&neighbour, &self.shape)] as isize - first;
            }
        }
        let reached = indices(&self.shape).map(|index| {
            let steps = index.iter().zip(&strides);
            first + steps.map(|(&i, stride)| i as isize * stride).sum::<isize>()
        });
        reached
            .eq(self.elements.iter().map(|&e| e as isize))
            .then_some(strides)
    }

    /// Whether the elements lie side by side.
    pub(crate) fn is_slice(&self) -> bool {
        self.elements.windows(2).all(|two| two[1] == two[0] + 1)
    }

    /// What a verb gives, or `None` if it is refused.
    pub(crate) fn verb(&self, verb: &Verb) -> Option<Naive> {
        let len = |axis: usize| self.shape.get(axis).copied();
        match verb {
            Verb::Slice(items) => {
                let mut result = self.clone();
                for (axis, item) in items.iter().enumerate() {
                    result = result.pick(axis, item.picks(self.shape[axis])?);
                }
                let kept = |&axis: &usize| matches!(items[axis], Item::Range(..));
                let shape = (0..items.len()).filter(kept).map(|axis| result.shape[axis]);
                Some(result.with_shape(shape.collect()))
            }
            Verb::Block(ranges) => {
                let items = ranges.iter().map(|&(a, b)| Item::Range(a, b, 1)).collect();
                self.verb(&Verb::Slice(items))
            }
            Verb::Leading(a, b) => self.verb(&Verb::Narrow(0, Range::of(*a, *b))),
            Verb::Narrow(axis, range) => Some(self.pick(*axis, range.picks(len(*axis)?)?)),
            Verb::Select(axis, index) | Verb::AxisIter(axis, index) => {
                let row = self.pick(*axis, Item::At(*index).picks(len(*axis)?)?);
                row.verb(&Verb::RemoveAxis(*axis))
            }
            Verb::Permute(axes) => {
                let mut sorted = axes.clone();
                sorted.sort_unstable();
                if !sorted.into_iter().eq(0..axes.len()) {
                    return None;
                }
                let shape = axes.iter().map(|&axis| self.shape[axis]).collect();
                Some(self.gather(shape, |new| {
                    let mut old = new.to_vec();
                    (0..axes.len()).for_each(|i| old[axes[i]] = new[i]);
                    old
                }))
            }
            Verb::Transpose => self.verb(&Verb::Permute((0..self.shape.len()).rev().collect())),
            Verb::Flip(axis) => Some(self.pick(*axis, (0..len(*axis)?).rev().collect())),
            Verb::Reshape(shape) => {
                let result = self.with_shape(shape.clone());
                let same_number = shape.iter().product::<usize>() == self.elements.len();
                (same_number && (self.elements.is_empty() || result.strides().is_some()))
                    .then_some(result)
            }
            Verb::Flatten => self.verb(&Verb::Reshape(vec![self.elements.len()])),
            Verb::InsertAxis(axis) => {
                let mut shape = self.shape.clone();
                (*axis <= shape.len()).then(|| shape.insert(*axis, 1))?;
                Some(self.with_shape(shape))
            }
            Verb::RemoveAxis(axis) => {
                let mut shape = self.shape.clone();
                (len(*axis)? == 1).then(|| shape.remove(*axis))?;
                Some(self.with_shape(shape))
            }
            Verb::FirstHalf(axis, index) => self.verb(&Verb::Narrow(*axis, Range::of(0, *index))),
            Verb::SecondHalf(axis, index) => {
                let end = len(*axis)?;
                self.verb(&Verb::Narrow(*axis, Range::of(*index, end)))
            }
            Verb::Chunk(axis, size, number) => {
                let all: Vec<usize> = (0..len(*axis)?).collect();
                (*size > 0).then_some(())?;
                Some(self.pick(*axis, all.chunks(*size).nth(*number)?.to_vec()))
            }
            Verb::Tile(sizes, number) => {
                sizes.iter().all(|&size| size > 0).then_some(())?;
                let grid = self.shape.iter().zip(sizes).map(|(n, s)| n.div_ceil(*s));
                let tile = indices(&grid.collect::<Vec<_>>()).nth(*number)?;
                let mut result = self.clone();
                for (axis, number) in tile.into_iter().enumerate() {
                    result = result.verb(&Verb::Chunk(axis, sizes[axis], number))?;
                }
                Some(result)
            }
        }
    }
}

/// A verb and what it was given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verb {
    Slice(Vec<Item>),
    /// A slice by an array of `start..end`.
    Block(Vec<(usize, usize)>),
    /// A slice by an array of one `start..end`, for the first axis.
    Leading(usize, usize),
    Narrow(usize, Range),
    Select(usize, usize),
    Permute(Vec<usize>),
    Transpose,
    Flip(usize),
    Reshape(Vec<usize>),
    Flatten,
    InsertAxis(usize),
    RemoveAxis(usize),
    /// The parts that `split_at(axis, index)` gives.
    FirstHalf(usize, usize),
    SecondHalf(usize, usize),
    /// `chunks(axis, size).nth(number)`
    Chunk(usize, usize, usize),
    /// `tiles(size).nth(number)`
    Tile(Vec<usize>, usize),
    /// `axis_iter(axis).nth(number)`
    AxisIter(usize, usize),
}

/// One place of a tuple given to `slice`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Item {
    At(usize),
    FromEnd(usize),
    /// `step(start..end, step)`
    Range(usize, usize, usize),
}

impl Item {
    fn picks(self, len: usize) -> Option<Vec<usize>> {
        match self {
            Item::At(index) => (index < len).then(|| vec![index]),
            Item::FromEnd(back) => Item::At(len.checked_sub(back)?).picks(len),
            Item::Range(start, end, step) => Range(Span::Of(start, end), Some(step)).picks(len),
        }
    }
}

/// A range given to `narrow`, and its step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range(pub(crate) Span, pub(crate) Option<usize>);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Span {
    Full,
    /// `a..b`, `a..=b`, `a..`, `..b` and `..=b`
    Of(usize, usize),
    Inclusive(usize, usize),
    From(usize),
    To(usize),
    ToInclusive(usize),
    /// `FromEnd(a)..FromEnd(b)`, `FromEnd(a)..` and `..FromEnd(b)`
    OfEnds(usize, usize),
    FromEnd(usize),
    ToEnd(usize),
    /// `a..b` of `i32`
    Signed(i32, i32),
}

impl Range {
    fn of(start: usize, end: usize) -> Self {
        Range(Span::Of(start, end), None)
    }

    fn picks(self, len: usize) -> Option<Vec<usize>> {
        let (start, end) = match self.0 {
            Span::Full => (0, len),
            Span::Of(a, b) => (a, b),
            Span::Inclusive(a, b) => (a, b + 1),
            Span::From(a) => (a, len),
            Span::To(b) => (0, b),
            Span::ToInclusive(b) => (0, b + 1),
            Span::OfEnds(a, b) => (len.checked_sub(a)?, len.checked_sub(b)?),
            Span::FromEnd(a) => (len.checked_sub(a)?, len),
            Span::ToEnd(b) => (0, len.checked_sub(b)?),
            Span::Signed(a, b) => (usize::try_from(a).ok()?, usize::try_from(b).ok()?),
        };
        let step = self.1.unwrap_or(1);
        (start <= end && end <= len && step > 0).then(|| (start..end).step_by(step).collect())
    }
}

/// One line of a program. `to` names the handle it makes, `on` the one it is about.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Elements `first`, `first + 1`, ..
    New {
        to: usize,
        shape: Vec<usize>,
        first: u32,
    },
    /// Takes the place of `on` if that is where it goes.
    Apply {
        to: usize,
        on: usize,
        verb: Verb,
    },
    Clone {
        to: usize,
        on: usize,
    },
    DeepClone {
        to: usize,
        on: usize,
    },
    /// Puts what `contiguous` gives in the handle's place.
    Contiguous {
        on: usize,
    },
    Write {
        on: usize,
        door: Door,
        part: Option<Verb>,
        how: How,
        first: u32,
    },
    IntoVec {
        on: usize,
    },
    Drop {
        on: usize,
    },
}

/// How a write asks for leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Door {
    TryViewMut,
    TryAsMutSlice,
    MakeMut,
    MakeMutSlice,
}

/// What a write does with the elements that it got.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum How {
    /// `first` to the element with this number in row-major order, if there is one.
    One(usize),
    /// `first` to every element.
    Fill,
    /// `first`, `first + 1`, .. by iterator.
    Each,
    /// The same, from a tensor.
    Assign,
}

/// Why a step did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    Shared,
    NotContiguous,
    /// The verb does not fit the shape or the strides.
    Verb,
    /// There is no `Vec` to give back.
    NotTheVec,
}

/// All memory and all handles.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) memory: Vec<Vec<u32>>,
    pub(crate) handles: BTreeMap<usize, Naive>,
}

impl World {
    pub(crate) fn is_shared(&self, memory: usize) -> bool {
        let sharers = self.handles.values().filter(|h| h.memory == memory);
        sharers.count() > 1
    }

    /// The elements that a handle shows.
    pub(crate) fn seen(&self, handle: &Naive) -> Vec<u32> {
        let memory = &self.memory[handle.memory];
        handle.elements.iter().map(|&e| memory[e]).collect()
    }

    fn fresh(&mut self, shape: Vec<usize>, values: Vec<u32>) -> Naive {
        let elements = (0..values.len()).collect();
        self.memory.push(values);
        Naive {
            memory: self.memory.len() - 1,
            shape,
            elements,
        }
    }

    fn copy(&mut self, on: usize) -> Naive {
        let old = self.handles[&on].clone();
        let values = self.seen(&old);
        self.fresh(old.shape, values)
    }

    /// Runs a step on the model.
    pub(crate) fn run(&mut self, step: &Step) -> Result<(), Refusal> {
        match step {
            Step::New { to, shape, first } => {
                let count = shape.iter().product::<usize>() as u32;
                let new = self.fresh(shape.clone(), (*first..first + count).collect());
                self.handles.insert(*to, new);
            }
            Step::Apply { to, on, verb } => {
                let new = self.handles[on].verb(verb).ok_or(Refusal::Verb)?;
                self.handles.insert(*to, new);
            }
            Step::Clone { to, on } => {
                self.handles.insert(*to, self.handles[on].clone());
            }
            Step::DeepClone { to, on } => {
                let new = self.copy(*on);
                self.handles.insert(*to, new);
            }
            Step::Contiguous { on } => {
                if !self.handles[on].is_slice() {
                    let new = self.copy(*on);
                    self.handles.insert(*on, new);
                }
            }
            Step::Write {
                on,
                door,
                part,
                how,
                first,
            } => {
                let handle = &self.handles[on];
                let shared = self.is_shared(handle.memory);
                let strided = !handle.is_slice();
                match door {
                    Door::TryViewMut | Door::TryAsMutSlice if shared => {
                        return Err(Refusal::Shared);
                    }
                    Door::TryAsMutSlice if strided => return Err(Refusal::NotContiguous),
                    Door::MakeMut if !shared => {}
                    Door::MakeMutSlice if !shared && !strided => {}
                    Door::MakeMut | Door::MakeMutSlice => {
                        let new = self.copy(*on);
                        self.handles.insert(*on, new);
                    }
                    Door::TryViewMut | Door::TryAsMutSlice => {}
                }
                let mut part = match part {
                    Some(verb) => self.handles[on].verb(verb).ok_or(Refusal::Verb)?,
                    None => self.handles[on].clone(),
                };
                if let How::One(number) = how {
                    part.elements = part.elements.get(*number).copied().into_iter().collect();
                }
                for (number, &element) in part.elements.iter().enumerate() {
                    let offset = if *how == How::Fill { 0 } else { number as u32 };
                    self.memory[part.memory][element] = first + offset;
                }
            }
            Step::IntoVec { on } => {
                let handle = &self.handles[on];
                let whole = (0..self.memory[handle.memory].len()).eq(handle.elements.clone());
                if !whole || self.is_shared(handle.memory) {
                    return Err(Refusal::NotTheVec);
                }
                self.handles.remove(on);
            }
            Step::Drop { on } => {
                self.handles.remove(on);
            }
        }
        Ok(())
    }
}

/// The indices of a shape in row-major order.
pub(crate) fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    (0..shape.iter().product()).map(|position| index(position, shape))
}

/// The index at a position in row-major order.
pub(crate) fn index(mut position: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (place, len) in index.iter_mut().zip(shape).rev() {
        *place = position % len;
        position /= len;
    }
    index
}

/// The position of an index in row-major order.
fn position(index: &[usize], shape: &[usize]) -> usize {
    let axes = index.iter().zip(shape);
    axes.fold(0, |position, (i, len)| position * len + i)
}
