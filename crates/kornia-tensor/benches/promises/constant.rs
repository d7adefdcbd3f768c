//! What has to cost the same whatever the size: handles, sub-views, other shapes.

use std::hint::black_box;
use std::mem;
use std::sync::Arc;

use indicatif::ProgressBar;
use kornia_tensor::Tensor;
use ndarray::{ArcArray, Ix3, s};

use crate::harness::{Bench, CaseId, least_and_most, median};

/// Sides of square `[side, side, 4]` images of `f32`: 1 KiB to 256 MiB in steps of 4.
pub(crate) const SIDES: [usize; 10] = [8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

/// Bytes of such an image.
pub(crate) const fn bytes(side: usize) -> usize {
    side * side * 4 * size_of::<f32>()
}

/// What is measured at every size.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Arc,
    Clone,
    StorageView,
    Slice,
    Reshape,
    Permute,
    Flip,
    View,
    ViewSlice,
    ViewReshape,
    ViewPermute,
    ArcVec,
    TensorVec,
    NdClone,
    NdSlice,
    NdReshape,
    NdPermute,
    NdViewSlice,
    NdViewReshape,
    NdViewPermute,
}

impl Op {
    /// Every operation and what the tables call it, in the order of the `enum`.
    const ALL: [(Self, &str); 20] = [
        (Self::Arc, "bare Arc clone + drop"),
        (Self::Clone, "clone + drop"),
        (Self::StorageView, "storage.view + drop"),
        (Self::Slice, "slice + drop"),
        (Self::Reshape, "reshape + drop"),
        (Self::Permute, "permute_axes + drop"),
        (Self::Flip, "flip + drop"),
        (Self::View, "view()"),
        (Self::ViewSlice, "view().slice"),
        (Self::ViewReshape, "view().reshape"),
        (Self::ViewPermute, "view().permute_axes"),
        (Self::ArcVec, "Vec -> bare Arc -> Vec"),
        (Self::TensorVec, "Vec -> tensor -> Vec"),
        (Self::NdClone, "clone + drop"),
        (Self::NdSlice, "slice + drop"),
        (Self::NdReshape, "reshape + drop"),
        (Self::NdPermute, "permuted_axes + drop"),
        (Self::NdViewSlice, "slice (view)"),
        (Self::NdViewReshape, "reshape (view)"),
        (Self::NdViewPermute, "permuted_axes (view)"),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// The measured operations, each at each size.
pub(crate) struct Constant {
    bench: Bench,
    /// Cases by size, in the order of [`Op`].
    cases: Vec<Vec<CaseId>>,
    pub(crate) sides: Vec<usize>,
    /// Nanoseconds of a `deep_clone` at each size, for contrast.
    pub(crate) deep_clone: Vec<f64>,
}

impl Constant {
    /// How many rounds `measure` adds to those it is asked for.
    pub(crate) const EXTRA_ROUNDS: usize = 3;

    /// Measures everything at these sizes.
    pub(crate) fn measure(sides: &[usize], rounds: usize, progress: &ProgressBar) -> Self {
        let subjects: Vec<Subject> = sides.iter().copied().map(Subject::new).collect();
        let mut bench = Bench::default();
        let cases = subjects.iter().map(|subject| {
            let case = |(op, _)| subject.case(&mut bench, op);
            Op::ALL.map(case).to_vec()
        });
        let cases = cases.collect();
        let mut copies = Bench::default();
        let copied = subjects
            .iter()
            .map(|&Subject { tensor, .. }| copies.add(move || black_box(tensor).deep_clone()));
        let copied: Vec<CaseId> = copied.collect();
        bench.run(rounds, progress);
        copies.run(Self::EXTRA_ROUNDS, progress);
        Self {
            bench,
            cases,
            sides: sides.to_vec(),
            deep_clone: copied.into_iter().map(|case| copies.ns(case)).collect(),
        }
    }

    /// Median nanoseconds at each size.
    pub(crate) fn ns(&self, op: Op) -> Vec<f64> {
        let cases = self.cases.iter();
        cases.map(|size| self.bench.ns(size[op as usize])).collect()
    }

    /// How many times as long `op` takes as `reference`: the median over the sizes.
    pub(crate) fn ratio(&self, op: Op, reference: Op) -> f64 {
        let cases = self.cases.iter();
        let ratio = |size: &Vec<_>| {
            self.bench
                .ratio(size[op as usize], size[reference as usize])
        };
        median(cases.map(ratio).collect())
    }

    /// The slowest size over the fastest: 1 if the size does not matter. Sizes are compared in
    /// the same round, as everything is.
    pub(crate) fn spread(&self, op: Op) -> f64 {
        let smallest = self.cases[0][op as usize];
        let cases = self.cases.iter();
        let ratios = cases.map(|size| self.bench.ratio(size[op as usize], smallest));
        let (fastest, slowest) = least_and_most(ratios);
        slowest / fastest
    }
}

/// The same image three times, written once so that its pages exist, and never freed.
#[derive(Clone, Copy)]
struct Subject {
    side: usize,
    arc: &'static Arc<Vec<f32>>,
    tensor: &'static Tensor<f32, 3>,
    nd: &'static ArcArray<f32, Ix3>,
}

impl Subject {
    fn new(side: usize) -> Self {
        let pixels = || vec![1.0; side * side * 4];
        Self {
            side,
            arc: Box::leak(Box::new(Arc::new(pixels()))),
            tensor: Box::leak(Box::new(Tensor::full([side, side, 4], 1.0))),
            nd: Box::leak(Box::new(ArcArray::from_elem((side, side, 4), 1.0))),
        }
    }

    /// Adds an operation. `black_box` hides what is known about the operand in every repetition,
    /// so shapes are read from memory; the bounds of the crop (its middle half) and the shape
    /// asked for stay in registers.
    fn case(self, bench: &mut Bench, op: Op) -> CaseId {
        let Self {
            side,
            arc,
            tensor,
            nd,
        } = self;
        let (from, to) = black_box((side / 4, side / 4 * 3));
        let (rows, flat) = black_box((side * side, 4));
        match op {
            Op::Arc => bench.add(move || Arc::clone(black_box(arc))),
            Op::Clone => bench.add(move || black_box(tensor).clone()),
            Op::StorageView => bench.add(move || black_box(tensor).storage().view(from, to - from)),
            Op::Slice => bench.add(move || black_box(tensor).slice((from..to, from..to, ..))),
            Op::Reshape => bench.add(move || black_box(tensor).reshape([rows, flat])),
            Op::Permute => bench.add(move || black_box(tensor).permute_axes([2, 0, 1])),
            Op::Flip => bench.add(move || black_box(tensor).flip(1)),
            Op::View => bench.add(move || black_box(tensor).view()),
            Op::ViewSlice => {
                bench.add(move || black_box(tensor).view().slice((from..to, from..to, ..)))
            }
            Op::ViewReshape => bench.add(move || black_box(tensor).view().reshape([rows, flat])),
            Op::ViewPermute => bench.add(move || black_box(tensor).view().permute_axes([2, 0, 1])),
            Op::ArcVec => {
                let mut pixels = vec![0f32; side * side * 4];
                bench.add(move || {
                    let shared = Arc::new(mem::take(&mut pixels));
                    black_box(&shared);
                    pixels = Arc::try_unwrap(shared).unwrap_or_default();
                })
            }
            Op::TensorVec => {
                let mut pixels = vec![0f32; side * side * 4];
                bench.add(move || {
                    let shared = Tensor::from_shape_vec([side, side, 4], mem::take(&mut pixels));
                    black_box(&shared);
                    pixels = shared.map(Tensor::into_vec).unwrap_or_default();
                })
            }
            Op::NdClone => bench.add(move || black_box(nd).clone()),
            Op::NdSlice => bench.add(move || {
                let shared = black_box(nd).clone();
                shared.slice_move(s![from..to, from..to, ..])
            }),
            Op::NdReshape => {
                bench.add(move || black_box(nd).clone().into_shape_with_order((rows, flat)))
            }
            Op::NdPermute => bench.add(move || black_box(nd).clone().permuted_axes([2, 0, 1])),
            Op::NdViewSlice => bench.add(move || black_box(nd).slice(s![from..to, from..to, ..])),
            Op::NdViewReshape => {
                bench.add(move || black_box(nd).view().into_shape_with_order((rows, flat)))
            }
            Op::NdViewPermute => bench.add(move || black_box(nd).view().permuted_axes([2, 0, 1])),
        }
    }
}
