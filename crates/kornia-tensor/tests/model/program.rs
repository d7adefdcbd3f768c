//! Random programs. Bytes become steps by way of the model, which knows the handles and shapes
//! there are, so most steps make sense, and a failing program prints as the steps it ran.

use std::fmt;

use proptest::prelude::*;

use crate::naive::{Door, How, Item, Range, Span, Step, Verb, World};

/// Programs of up to `steps` steps.
pub(crate) fn programs(steps: usize) -> impl Strategy<Value = Program> {
    let line = any::<[u8; 16]>();
    prop::collection::vec(line, 1..=steps).prop_map(|lines| Program::decode(&lines))
}

#[derive(Clone)]
pub(crate) struct Program(pub(crate) Vec<Step>);

/// More handles than this only slow the checks down.
const MAX_HANDLES: usize = 6;
/// Tensors of a program have at most so many axes.
const MAX_RANK: usize = 4;

impl Program {
    fn decode(lines: &[[u8; 16]]) -> Self {
        let mut world = World::default();
        let mut steps = Vec::new();
        // Names of handles, and values that tell all elements and writes apart.
        let (mut next_name, mut next_value) = (0, 0);
        for line in lines {
            let mut dice = Dice(line.iter());
            let step = dice.step(&world, next_name, next_value);
            if let Step::New { to, .. }
            | Step::Apply { to, .. }
            | Step::Clone { to, .. }
            | Step::DeepClone { to, .. } = step
            {
                next_name = next_name.max(to + 1);
            }
            // No step writes or makes more than 4 * 4 * 4 * 4 elements.
            next_value += 1000;
            // A step that the model refuses has to be refused by the crate too.
            let _ = world.run(&step);
            steps.push(step);
        }
        Program(steps)
    }
}

/// Decisions, taken from bytes; all zeros make the simplest ones.
struct Dice<'a>(std::slice::Iter<'a, u8>);

impl Dice<'_> {
    /// A number below `sides`.
    fn below(&mut self, sides: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % sides.max(1)
    }

    /// True once in `sides` times.
    fn once_in(&mut self, sides: usize) -> bool {
        self.below(sides) == sides - 1
    }

    /// A number below `len`, or now and then one that is not.
    fn index(&mut self, len: usize) -> usize {
        self.below(len) + if self.once_in(24) { len } else { 0 }
    }

    fn step(&mut self, world: &World, to: usize, first: u32) -> Step {
        let names: Vec<usize> = world.handles.keys().copied().collect();
        let kind = self.below(20);
        if names.is_empty() || (kind == 19 && names.len() < MAX_HANDLES) {
            let shape = self.shape();
            return Step::New { to, shape, first };
        }
        // The newest handle half of the time, so that verbs pile up.
        let on = match self.below(2) {
            0 => names[names.len() - 1],
            _ => names[self.below(names.len())],
        };
        let shape = &world.handles[&on].shape;
        match kind {
            0..=8 => {
                let verb = self.verb(shape);
                // Half of them in the place of their source, which makes sole handles that are
                // strided, or windows.
                let to = match self.below(2) {
                    0 if names.len() < MAX_HANDLES => to,
                    _ => on,
                };
                Step::Apply { to, on, verb }
            }
            9 if names.len() < MAX_HANDLES => Step::Clone { to, on },
            10 if names.len() < MAX_HANDLES => Step::DeepClone { to, on },
            11 => Step::Contiguous { on },
            12 => Step::IntoVec { on },
            13..=17 => self.write(shape, on, first),
            _ => Step::Drop { on },
        }
    }

    fn shape(&mut self) -> Vec<usize> {
        let rank = [2, 3, 1, 4, 0][self.below(5)];
        let lengths = [2, 3, 1, 4, 3, 2, 4, 3, 2, 1, 3, 2, 4, 3, 2, 0];
        (0..rank).map(|_| lengths[self.below(16)]).collect()
    }

    fn write(&mut self, shape: &[usize], on: usize, first: u32) -> Step {
        let doors = [
            Door::TryViewMut,
            Door::MakeMut,
            Door::TryAsMutSlice,
            Door::MakeMutSlice,
        ];
        let door = doors[self.below(4)];
        let how = match self.below(4) {
            0 => How::One(self.below(shape.iter().product())),
            1 => How::Fill,
            2 => How::Each,
            _ => How::Assign,
        };
        let by_view = matches!(door, Door::TryViewMut | Door::MakeMut);
        let part = (by_view && self.once_in(2)).then(|| self.verb(shape));
        Step::Write {
            on,
            door,
            part,
            how,
            first,
        }
    }

    fn verb(&mut self, shape: &[usize]) -> Verb {
        let rank = shape.len();
        let kind = self.below(16);
        let axis = self.index(rank);
        let len = shape.get(axis).copied().unwrap_or(2);
        match kind {
            0 => Verb::Flip(axis),
            1 | 2 => Verb::Slice(shape.iter().map(|&len| self.item(len)).collect()),
            3 => Verb::Permute(self.order(rank)),
            4 | 5 => self.reshape(shape),
            6 | 7 => Verb::Narrow(axis, self.range(len)),
            8 if rank > 0 && self.once_in(2) => {
                let (start, end) = self.bounds(shape[0]);
                Verb::Leading(start, end)
            }
            8 => Verb::Block(shape.iter().map(|&len| self.bounds(len)).collect()),
            9 => Verb::Flatten,
            10 if rank < MAX_RANK => Verb::InsertAxis(self.index(rank + 1)),
            11 if rank > 0 => {
                // An axis that can go, if there is one.
                let short = shape.iter().position(|&len| len == 1);
                Verb::RemoveAxis(short.unwrap_or(axis))
            }
            12 if rank > 0 => match self.below(2) {
                0 => Verb::Select(axis, self.index(len)),
                _ => Verb::AxisIter(axis, self.index(len)),
            },
            13 => match self.below(2) {
                0 => Verb::FirstHalf(axis, self.index(len + 1)),
                _ => Verb::SecondHalf(axis, self.index(len + 1)),
            },
            14 => {
                let size = self.size(len);
                Verb::Chunk(axis, size, self.index(len.div_ceil(size.max(1))))
            }
            15 => {
                let sizes: Vec<usize> = shape.iter().map(|&len| self.size(len)).collect();
                let tiles = shape
                    .iter()
                    .zip(&sizes)
                    .map(|(len, size)| len.div_ceil(*size.max(&1)));
                let number = self.index(tiles.product());
                Verb::Tile(sizes, number)
            }
            _ => Verb::Transpose,
        }
    }

    /// A length of a piece, seldom 0.
    fn size(&mut self, len: usize) -> usize {
        if self.once_in(24) {
            0
        } else {
            1 + self.below(len)
        }
    }

    /// A range inside an axis, seldom empty and more seldom outside it.
    fn bounds(&mut self, len: usize) -> (usize, usize) {
        let (a, b) = (self.below(len), self.below(len));
        match self.below(12) {
            10 => (a, a),
            11 => (b + 1, len + a),
            _ => (a.min(b), a.max(b) + usize::from(len > 0)),
        }
    }

    fn item(&mut self, len: usize) -> Item {
        match self.below(6) {
            0 => Item::Range(0, len, 1),
            1 => Item::Range(0, len, 2),
            2 | 3 => {
                let (a, b) = self.bounds(len);
                Item::Range(a, b, 1 + self.below(3))
            }
            4 => Item::At(self.index(len)),
            _ => Item::FromEnd(1 + self.index(len)),
        }
    }

    fn range(&mut self, len: usize) -> Range {
        let (a, b) = self.bounds(len);
        let span = match self.below(10) {
            0 => Span::Of(a, b),
            1 => Span::Full,
            2 => Span::From(a),
            3 => Span::To(b),
            4 => Span::Inclusive(a, b.saturating_sub(1)),
            5 => Span::ToInclusive(b.saturating_sub(1)),
            6 => Span::OfEnds(b, a),
            7 => Span::FromEnd(a),
            8 => Span::ToEnd(b),
            _ => Span::Signed(a as i32 - i32::from(self.once_in(24)), b as i32),
        };
        let steps = [
            None,
            Some(2),
            None,
            Some(1),
            Some(3),
            None,
            Some(2),
            Some(0),
        ];
        Range(span, steps[self.below(8)])
    }

    /// The axes in some order, seldom with one of them twice or one that does not exist.
    fn order(&mut self, rank: usize) -> Vec<usize> {
        let mut left: Vec<usize> = (0..rank).rev().collect();
        let mut axes: Vec<usize> = (0..rank)
            .map(|_| left.remove(self.below(left.len())))
            .collect();
        if rank > 0 && self.once_in(8) {
            axes[0] = self.below(rank + 1);
        }
        axes
    }

    /// Joins two axes, splits one, or finds another shape; seldom one of another size.
    fn reshape(&mut self, shape: &[usize]) -> Verb {
        let rank = shape.len();
        let mut shape = shape.to_vec();
        match self.below(3) {
            0 if rank >= 2 => {
                let axis = self.below(rank - 1);
                shape[axis] *= shape.remove(axis + 1);
            }
            1 if (1..MAX_RANK).contains(&rank) => {
                let axis = self.below(rank);
                let part = self.divisor(shape[axis]);
                shape[axis] /= part;
                shape.insert(axis + self.below(2), part);
            }
            _ => {
                let mut left = shape.iter().product();
                shape.clear();
                for _ in 0..self.below(MAX_RANK) {
                    let part = self.divisor(left);
                    left /= part;
                    shape.push(part);
                }
                if left != 1 {
                    shape.push(left);
                }
            }
        }
        if self.once_in(12) {
            shape.pop();
        }
        Verb::Reshape(shape)
    }

    fn divisor(&mut self, number: usize) -> usize {
        let divisors: Vec<usize> = (1..=number.max(1))
            .filter(|d| number.is_multiple_of(*d))
            .collect();
        divisors[self.below(divisors.len())]
    }
}

impl fmt::Debug for Program {
    /// A line per step, in words that are nearly Rust.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\n")?;
        for step in &self.0 {
            writeln!(f, "    {step}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::New { to, shape, first } => {
                write!(f, "let t{to} = tensor of {shape:?} from {first};")
            }
            Step::Apply { to, on, verb } if to == on => write!(f, "t{to} = t{on}.{verb:?};"),
            Step::Apply { to, on, verb } => write!(f, "let t{to} = t{on}.{verb:?};"),
            Step::Clone { to, on } => write!(f, "let t{to} = t{on}.clone();"),
            Step::DeepClone { to, on } => write!(f, "let t{to} = t{on}.deep_clone();"),
            Step::Contiguous { on } => write!(f, "t{on} = t{on}.contiguous();"),
            Step::Write {
                on,
                door,
                part,
                how,
                first,
            } => {
                write!(f, "t{on}.{door:?}")?;
                if let Some(verb) = part {
                    write!(f, ".{verb:?}")?;
                }
                write!(f, ".write({how:?}, {first});")
            }
            Step::IntoVec { on } => write!(f, "t{on}.try_into_vec();"),
            Step::Drop { on } => write!(f, "drop(t{on});"),
        }
    }
}
