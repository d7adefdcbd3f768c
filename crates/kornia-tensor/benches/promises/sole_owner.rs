//! The sole owner's path: elements of a tensor against those of a `Vec` or a slice.

use std::hint::black_box;
use std::sync::Arc;

use kornia_tensor::Tensor;
use ndarray::{ArcArray2, ArcArray3, ArrayView3, s};

use crate::elements::{COUNT, CROP, SHAPE, each_index, plain, tensor};
use crate::harness::{Bench, CaseId, SHIFTS};

/// Number of elements in the crop.
const CROPPED: usize = (CROP.1 - CROP.0) * (CROP.1 - CROP.0) * SHAPE[2];

/// One line of the table: the same work on plain memory, on a tensor and with ndarray.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) plain: CaseId,
    pub(crate) tensor: CaseId,
    pub(crate) nd: CaseId,
    /// The most the tensor may take, as a multiple of `plain`.
    pub(crate) target: Option<f64>,
    /// Whether it is one of those the plot has room for.
    pub(crate) on_plot: bool,
}

impl Row {
    fn new(name: &'static str, plain: CaseId, tensor: CaseId, nd: CaseId) -> Self {
        Self {
            name,
            plain,
            tensor,
            nd,
            target: None,
            on_plot: false,
        }
    }

    fn at_most(self, target: f64) -> Self {
        Self {
            target: Some(target),
            on_plot: true,
            ..self
        }
    }

    fn on_plot(self) -> Self {
        Self {
            on_plot: true,
            ..self
        }
    }
}

/// Adds every row of the table.
pub(crate) fn add(bench: &mut Bench) -> Vec<Row> {
    add_copy::<{ SHIFTS[1] }>(bench);
    add_copy::<{ SHIFTS[2] }>(bench);
    add_copy::<{ SHIFTS[3] }>(bench);
    add_copy::<{ SHIFTS[0] }>(bench)
}

fn add_copy<const SHIFT: usize>(bench: &mut Bench) -> Vec<Row> {
    bench.again();
    let mut rows = reads::<SHIFT>(bench);
    rows.extend(writes::<SHIFT>(bench));
    rows.extend(handover::<SHIFT>(bench));
    rows
}

/// An image of its own each time.
fn elements() -> Vec<u32> {
    (0..COUNT as u32).collect()
}

fn image() -> Tensor<u32, 3> {
    Tensor::from_shape_vec(SHAPE, elements()).expect("as many as the shape has")
}

fn array() -> ArcArray3<u32> {
    ArcArray3::from_shape_vec(SHAPE, elements()).expect("as many as the shape has")
}

fn reads<const SHIFT: usize>(bench: &mut Bench) -> Vec<Row> {
    let t: &'static Tensor<u32, 3> = Box::leak(Box::new(image()));
    let nd: &'static ArcArray3<u32> = Box::leak(Box::new(array()));
    // The very memory of the tensor, so that both candidates find it in the same place.
    let p: &'static [u32] = t.as_slice();
    let read = bench.add_copy::<SHIFT, _>(COUNT, move || plain::read(black_box(p)));
    let crop_rows = bench.add_copy::<SHIFT, _>(CROPPED, move || plain::crop_rows(black_box(p)));
    vec![
        Row::new(
            "read: loop over as_slice()",
            read,
            bench.add_copy::<SHIFT, _>(COUNT, move || tensor::read(black_box(t))),
            bench.add_copy::<SHIFT, _>(COUNT, move || {
                plain::read(black_box(nd).as_slice().unwrap_or(&[]))
            }),
        )
        .at_most(1.05),
        Row::new(
            "read: iter().sum()",
            bench.add_copy::<SHIFT, _>(COUNT, move || plain::sum(black_box(p))),
            bench.add_copy::<SHIFT, _>(COUNT, move || tensor::sum(black_box(t))),
            bench.add_copy::<SHIFT, _>(COUNT, move || black_box(nd).iter().sum::<u32>()),
        )
        .at_most(1.05),
        Row::new(
            "read: for x in &tensor",
            read,
            bench.add_copy::<SHIFT, _>(COUNT, move || tensor::each(black_box(t))),
            bench.add_copy::<SHIFT, _>(COUNT, move || {
                let mut total = 0u32;
                for &element in black_box(nd) {
                    total = total.wrapping_add(element);
                }
                total
            }),
        ),
        Row::new(
            "read: t[[y, x, c]] in three loops",
            bench.add_copy::<SHIFT, _>(COUNT, move || plain::index(black_box(p))),
            bench.add_copy::<SHIFT, _>(COUNT, move || tensor::index(black_box(t))),
            bench.add_copy::<SHIFT, _>(COUNT, move || {
                let (nd, mut total) = (black_box(nd), 0u32);
                each_index(|index| total = total.wrapping_add(nd[index]));
                total
            }),
        )
        .on_plot(),
        Row::new(
            "read: rows() of a crop",
            crop_rows,
            bench.add_copy::<SHIFT, _>(CROPPED, move || tensor::crop_rows(black_box(t))),
            bench.add_copy::<SHIFT, _>(CROPPED, move || {
                let mut total = 0u32;
                for row in crop(black_box(nd)).outer_iter() {
                    total = total.wrapping_add(row.sum());
                }
                total
            }),
        )
        .at_most(1.10),
        Row::new(
            "read: iter().sum() of a crop",
            crop_rows,
            bench.add_copy::<SHIFT, _>(CROPPED, move || tensor::crop_sum(black_box(t))),
            bench.add_copy::<SHIFT, _>(CROPPED, move || crop(black_box(nd)).iter().sum::<u32>()),
        )
        .on_plot(),
        Row::new(
            "read: for x in a crop",
            crop_rows,
            bench.add_copy::<SHIFT, _>(CROPPED, move || tensor::crop_each(black_box(t))),
            bench.add_copy::<SHIFT, _>(CROPPED, move || {
                let mut total = 0u32;
                for &element in crop(black_box(nd)) {
                    total = total.wrapping_add(element);
                }
                total
            }),
        ),
    ]
}

#[inline(always)]
fn crop(nd: &ArcArray3<u32>) -> ArrayView3<'_, u32> {
    let (from, to) = black_box(CROP);
    nd.slice(s![from..to, from..to, ..])
}

fn writes<const SHIFT: usize>(bench: &mut Bench) -> Vec<Row> {
    let (mut p, mut t, mut nd) = (elements(), image(), array());
    let (mut p2, mut t2, mut nd2) = (elements(), image(), array());
    vec![
        Row::new(
            "write: loop over as_mut_slice()",
            bench.add_copy::<SHIFT, _>(COUNT, move || plain::write(black_box(&mut p))),
            bench.add_copy::<SHIFT, _>(COUNT, move || tensor::write(black_box(&mut t))),
            bench.add_copy::<SHIFT, _>(COUNT, move || {
                plain::write(black_box(&mut nd).as_slice_mut().unwrap_or(&mut []));
            }),
        )
        .at_most(1.05),
        Row::new(
            "write: view_mut()[[y, x, c]]",
            bench.add_copy::<SHIFT, _>(COUNT, move || plain::write_index(black_box(&mut p2))),
            bench.add_copy::<SHIFT, _>(COUNT, move || tensor::write_index(black_box(&mut t2))),
            bench.add_copy::<SHIFT, _>(COUNT, move || {
                let mut view = black_box(&mut nd2).view_mut();
                each_index(|index| {
                    let element = &mut view[index];
                    *element = element.wrapping_add(1);
                });
            }),
        )
        .on_plot(),
    ]
}

/// A fresh `Vec` in every repetition: what it costs to make it shareable, and to drop it.
fn handover<const SHIFT: usize>(bench: &mut Bench) -> Vec<Row> {
    let fresh = || black_box(vec![0u32; 16]);
    let t = bench.add_copy::<SHIFT, _>(1, move || Tensor::from_shape_vec([4, 4], fresh()));
    let nd = bench.add_copy::<SHIFT, _>(1, move || ArcArray2::from_shape_vec((4, 4), fresh()));
    vec![
        Row::new(
            "vec![0; 16] -> tensor -> drop: to Vec",
            bench.add_copy::<SHIFT, _>(1, fresh),
            t,
            nd,
        ),
        Row::new(
            "vec![0; 16] -> tensor -> drop: to Arc",
            bench.add_copy::<SHIFT, _>(1, move || Arc::new(fresh())),
            t,
            nd,
        ),
    ]
}
