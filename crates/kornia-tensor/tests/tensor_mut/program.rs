//! Random programs against a model of a few lines: an array, and for every part the positions
//! of its elements in it.

use std::thread;

use kornia_tensor::{Tensor, TensorError, TensorMut};
use proptest::prelude::*;

use super::config::config;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Cut the part with this number at a place of an axis, both taken modulo what there is.
    Split(usize, usize, usize),
    /// Cut it into so many along the first axis, and put these together again.
    Into(usize, usize),
    /// Join two.
    Join(usize, usize),
    /// Cut along the first axis, write both on threads, and join.
    Threads(usize, usize),
    /// Write new numbers over all elements.
    Write(usize),
    /// Freeze, and take it again if it is the only one left of its memory.
    Freeze(usize),
    Drop(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let any = any::<usize>;
    prop_oneof![
        8 => (any(), 0..3usize, any()).prop_map(|(part, axis, at)| Step::Split(part, axis, at)),
        2 => (any(), 1..5usize).prop_map(|(part, count)| Step::Into(part, count)),
        8 => (any(), any()).prop_map(|(a, b)| Step::Join(a, b)),
        2 => (any(), any()).prop_map(|(part, at)| Step::Threads(part, at)),
        4 => any().prop_map(Step::Write),
        2 => any().prop_map(Step::Freeze),
        1 => any().prop_map(Step::Drop),
    ]
}

/// How a tensor came to its layout.
#[derive(Clone, Copy, Debug)]
enum Origin {
    Whole,
    Crop,
    Flipped,
    Permuted,
}

fn origin() -> impl Strategy<Value = Origin> {
    use Origin::*;
    prop_oneof![Just(Whole), Just(Crop), Just(Flipped), Just(Permuted)]
}

/// A part, and what the model knows of it.
struct Part {
    real: TensorMut<u32, 3>,
    shape: [usize; 3],
    /// Where its elements are, in row-major order: memory and position.
    cells: Vec<(usize, usize)>,
}

/// The two halves of something in row-major order.
fn halves(
    shape: [usize; 3],
    cells: &[(usize, usize)],
    axis: usize,
    at: usize,
) -> [Vec<(usize, usize)>; 2] {
    let inner: usize = shape[axis + 1..].iter().product();
    let position = |i: usize| i / inner.max(1) % shape[axis].max(1);
    let half = |front: bool| {
        let kept = cells
            .iter()
            .enumerate()
            .filter(|(i, _)| (position(*i) < at) == front);
        kept.map(|(_, &cell)| cell).collect()
    };
    [half(true), half(false)]
}

/// Whether all positions of one lie before all of the other.
fn disjoint(a: &[(usize, usize)], b: &[(usize, usize)]) -> bool {
    let ends = |cells: &[(usize, usize)]| Some((*cells.iter().min()?, *cells.iter().max()?));
    match (ends(a), ends(b)) {
        (Some(a), Some(b)) => a.1 < b.0 || b.1 < a.0,
        _ => true,
    }
}

#[derive(Default)]
struct World {
    memories: Vec<Vec<u32>>,
    parts: Vec<Part>,
    next: u32,
}

impl World {
    fn add(&mut self, shape: [usize; 3], origin: Origin) {
        let memory = self.memories.len();
        let len = shape.iter().product::<usize>() as u32;
        let all = Tensor::from_shape_vec(shape, (0..len).collect()).unwrap();
        let t = match origin {
            Origin::Whole => all.clone(),
            Origin::Crop => all.slice((.., shape[1] / 2.., ..)),
            Origin::Flipped => all.flip(0).flip(2),
            Origin::Permuted => all.permute_axes([1, 0, 2]).unwrap(),
        };
        drop(all);
        // Every element is its own position so far.
        let cells = t.iter().map(|&at| (memory, at as usize)).collect();
        self.memories.push((0..len).collect());
        let shape = *t.shape();
        let Ok(real) = t.try_into_mut() else {
            panic!("the sole handle")
        };
        self.parts.push(Part { real, shape, cells });
    }

    fn take(&mut self, number: usize) -> Option<Part> {
        let count = self.parts.len();
        (count > 0).then(|| self.parts.swap_remove(number % count))
    }

    /// New numbers for the cells, in their order.
    fn fresh(&mut self, cells: &[(usize, usize)]) -> Vec<u32> {
        let first = self.next;
        self.next += cells.len() as u32;
        for (value, &(memory, at)) in (first..).zip(cells) {
            self.memories[memory][at] = value + 1_000_000;
        }
        (first + 1_000_000..).take(cells.len()).collect()
    }

    fn check(&self) {
        for Part { real, shape, cells } in &self.parts {
            assert_eq!(real.shape(), shape);
            let expected: Vec<_> = cells.iter().map(|&(m, at)| self.memories[m][at]).collect();
            assert_eq!(real.view().to_vec(), expected);
        }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Split(number, axis, at) => {
                let Some(part) = self.take(number) else {
                    return;
                };
                let at = at % (part.shape[axis] + 1);
                self.split(part, axis, at);
            }
            Step::Into(number, count) => {
                let Some(Part { real, shape, cells }) = self.take(number) else {
                    return;
                };
                let rows = shape[0].max(1);
                let row = cells.len() / rows;
                let mut pieces = cells.chunks(row.max(1));
                let apart = cells.is_empty() || {
                    let first: Vec<_> = pieces.by_ref().collect();
                    first.windows(2).all(|pair| disjoint(pair[0], pair[1]))
                };
                if !apart {
                    self.parts.push(Part { real, shape, cells });
                    return;
                }
                let parts = real.split_into(count);
                assert_eq!(parts.len(), count.min(rows));
                let join = |a: TensorMut<_, _>, b| match a.join(b) {
                    Ok(whole) => whole,
                    Err(_) => panic!("neighbours of one tensor"),
                };
                let real = parts.into_iter().reduce(join).unwrap();
                self.parts.push(Part { real, shape, cells });
            }
            Step::Join(a, b) => {
                let (Some(a), Some(b)) = (self.take(a), self.take(b)) else {
                    return;
                };
                match a.real.join(b.real) {
                    Ok(real) => {
                        let cells = [a.cells, b.cells].concat();
                        let shape = [a.shape[0] + b.shape[0], a.shape[1], a.shape[2]];
                        assert_eq!(a.shape[1..], b.shape[1..]);
                        self.parts.push(Part { real, shape, cells });
                    }
                    Err((first, second)) => {
                        self.parts.push(Part { real: first, ..a });
                        self.parts.push(Part { real: second, ..b });
                    }
                }
            }
            Step::Threads(number, at) => {
                let Some(part) = self.take(number) else {
                    return;
                };
                let at = at % (part.shape[0] + 1);
                let before = self.parts.len();
                self.split(part, 0, at);
                if self.parts.len() != before + 2 {
                    return;
                }
                let (back, front) = (self.parts.pop().unwrap(), self.parts.pop().unwrap());
                let write = |mut part: Part, values: Vec<u32>| {
                    thread::spawn(move || {
                        part.real
                            .view_mut()
                            .iter_mut()
                            .zip(values)
                            .for_each(|(e, v)| *e = v);
                        part
                    })
                };
                let (first, second) = (self.fresh(&front.cells), self.fresh(&back.cells));
                let (front, back) = (write(front, first), write(back, second));
                let (front, back) = (front.join().unwrap(), back.join().unwrap());
                let Ok(real) = front.real.join(back.real) else {
                    panic!("what was just cut joins again")
                };
                let shape = [
                    front.shape[0] + back.shape[0],
                    front.shape[1],
                    front.shape[2],
                ];
                let cells = [front.cells, back.cells].concat();
                self.parts.push(Part { real, shape, cells });
            }
            Step::Write(number) => {
                let Some(mut part) = self.take(number) else {
                    return;
                };
                let values = self.fresh(&part.cells);
                let elements = part.real.view_mut().into_iter();
                elements.zip(values).for_each(|(e, v)| *e = v);
                self.parts.push(part);
            }
            Step::Freeze(number) => {
                let Some(Part { real, shape, cells }) = self.take(number) else {
                    return;
                };
                let frozen = real.freeze();
                // What an empty part is of, the model does not know.
                let memory = cells.first().map(|cell| cell.0);
                match frozen.try_into_mut() {
                    Ok(real) => {
                        let others = self.parts.iter().flat_map(|part| &part.cells);
                        let alone = others.map(|cell| Some(cell.0)).all(|other| other != memory);
                        assert!(alone || memory.is_none());
                        self.parts.push(Part { real, shape, cells });
                    }
                    Err(frozen) => {
                        assert!(!frozen.is_unique(), "refused though it was alone");
                        let expected: Vec<_> =
                            cells.iter().map(|&(m, at)| self.memories[m][at]).collect();
                        assert_eq!(frozen.view().to_vec(), expected);
                    }
                }
            }
            Step::Drop(number) => drop(self.take(number)),
        }
    }

    /// Both halves, or the part itself where they would interleave.
    fn split(&mut self, part: Part, axis: usize, at: usize) {
        let Part { real, shape, cells } = part;
        let [front, back] = halves(shape, &cells, axis, at);
        let possible = disjoint(&front, &back);
        match real.try_split_at(axis, at) {
            Ok((first, second)) => {
                assert!(possible, "halves that interleave were cut apart");
                let of = |len| {
                    let mut half = shape;
                    half[axis] = len;
                    half
                };
                let (short, long) = (of(at), of(shape[axis] - at));
                self.parts.push(Part {
                    real: first,
                    shape: short,
                    cells: front,
                });
                self.parts.push(Part {
                    real: second,
                    shape: long,
                    cells: back,
                });
            }
            Err((error, real)) => {
                assert!(!possible, "{error}, and they do not");
                assert_eq!(error, TensorError::InterleavedParts { axis, index: at });
                self.parts.push(Part { real, shape, cells });
            }
        }
    }
}

proptest! {
    #![proptest_config(config(4))]

    #[test]
    fn parts_are_what_the_model_says(
        origins in prop::collection::vec((prop::array::uniform3(0..5usize), origin()), 1..3),
        steps in prop::collection::vec(step(), 0..40),
    ) {
        let mut world = World::default();
        for (shape, origin) in origins {
            world.add(shape, origin);
        }
        world.check();
        for step in steps {
            world.run(step);
            world.check();
        }
    }
}
