//! rten-tensor: no negative strides, and nothing that combines two tensors.

use std::sync::Arc;

use rten_tensor::prelude::*;
use rten_tensor::{ArcNdTensor, NdTensor, NdTensorView};

use crate::constant::{Constant, LARGE, RESHAPED, SHAPE, elements};
use crate::input::{Input, Kind, Output, Pixel};
use crate::measure::{Candidate, Run, fresh, warm};
use crate::work::{FILL, Row, SCALE, Work, map, middle};

pub const NAME: &str = "rten-tensor";

type Look<T, const N: usize> = fn(&NdTensor<T, N>) -> NdTensorView<'_, T, N>;

fn output<T: Pixel, const N: usize>(tensor: &NdTensor<T, N>) -> Output {
    T::output(tensor.to_vec())
}

fn crop<T>(image: &NdTensor<T, 3>) -> NdTensorView<'_, T, 3> {
    let [h, w, _] = image.shape();
    image.slice((middle(h), middle(w), ..))
}

pub fn run(row: &Row, input: &Input, allocate: bool) -> Option<Run> {
    match row.kind {
        Kind::U8 => moving::<u8>(row.work, input, allocate),
        Kind::F32 => moving::<f32>(row.work, input, allocate),
    }
    .or_else(|| computing(row.work, input, allocate))
}

fn moving<T: Pixel>(work: Work, input: &Input, allocate: bool) -> Option<Run> {
    let [h, w, c] = input.shape;
    let look: Look<T, 3> = match work {
        Work::Copy => |image| image.view(),
        Work::Crop => crop,
        Work::HwcToChw => |image| image.permuted([2, 0, 1]),
        Work::ChwToHwc => |planes| planes.permuted([1, 2, 0]),
        Work::Transpose => {
            let matrix = NdTensor::from_data([h, w * c], T::of(input));
            return copied(matrix, |matrix| matrix.transposed(), allocate);
        }
        _ => return None,
    };
    let shape = if work == Work::ChwToHwc {
        [c, h, w]
    } else {
        [h, w, c]
    };
    copied(NdTensor::from_data(shape, T::of(input)), look, allocate)
}

fn copied<T: Pixel, const N: usize>(
    from: NdTensor<T, N>,
    look: Look<T, N>,
    allocate: bool,
) -> Option<Run> {
    if allocate {
        return fresh(move || look(&from).to_tensor(), output);
    }
    let to = NdTensor::full(look(&from).shape(), T::default());
    warm(to, move |to| to.copy_from(&look(&from)), output)
}

fn computing(work: Work, input: &Input, allocate: bool) -> Option<Run> {
    let a = NdTensor::from_data(input.shape, input.a.clone());
    let shape = input.shape;
    match work {
        Work::CastScale if allocate => {
            let image = NdTensor::from_data(shape, input.bytes.clone());
            fresh(move || image.map(|&x| f32::from(x) * SCALE), output)
        }
        Work::Fill if allocate => fresh(move || NdTensor::full(shape, FILL), output),
        Work::Fill => warm(a, |to| to.fill(FILL), output),
        Work::Map if allocate => fresh(move || a.map(|&x| map(x)), output),
        Work::SumAll => fresh(
            move || a.iter().sum(),
            |&sum: &f32| Output::Number(sum.into()),
        ),
        Work::Equal => {
            let b = a.clone();
            fresh(
                move || a == b,
                |&equal| Output::Number(f64::from(u8::from(equal))),
            )
        }
        _ => None,
    }
}

pub fn constant(work: Constant) -> Option<Candidate> {
    let image = NdTensor::from_data(SHAPE, elements());
    let shared: ArcNdTensor<f32, 3> = ArcNdTensor::from_data(SHAPE, Arc::new(elements()));
    Some(match work {
        Constant::CloneDrop => {
            let large = NdTensor::<f32, 3>::zeros(LARGE).into_arc();
            Candidate::repeated(NAME, move || large.clone())
        }
        Constant::BorrowedWindow => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.slice((16..48, 16..48, ..)));
        }),
        Constant::BorrowedReshape => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.reshaped(RESHAPED));
        }),
        Constant::OwnedPermute => {
            Candidate::repeated(NAME, move || shared.clone().into_permuted([2, 0, 1]))
        }
        Constant::BorrowedPermute => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.permuted([2, 0, 1]));
        }),
        Constant::Index => Candidate::per_element(NAME, move || {
            let mut sum = 0.0;
            let [h, w, c] = SHAPE;
            for y in 0..h {
                for x in 0..w {
                    for k in 0..c {
                        sum += image[[y, x, k]];
                    }
                }
            }
            sum
        }),
        Constant::Iterate => Candidate::per_element(NAME, move || image.iter().sum()),
        Constant::FromVec => {
            Candidate::repeated(NAME, || NdTensor::from_data([16], vec![1.0f32; 16]))
        }
        Constant::VecAndBack => Candidate::repeated(NAME, || {
            NdTensor::from_data([16], vec![1.0f32; 16]).into_data()
        }),
        _ => return None,
    })
}
