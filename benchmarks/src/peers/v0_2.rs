//! The published kornia-tensor 0.2.0: its `clone` copies, and nothing writes into given memory.

use kornia_tensor_02::Tensor;

use crate::constant::{Constant, LARGE, RESHAPED, SHAPE, elements};
use crate::input::{Input, Kind, Output, Pixel};
use crate::measure::{Candidate, Run, fresh};
use crate::work::{FILL, Row, SCALE, Work, map};

pub const NAME: &str = "kornia-tensor 0.2.0";

fn tensor<T, const N: usize>(shape: [usize; N], elements: Vec<T>) -> Tensor<T, N> {
    Tensor::from_shape_vec(shape, elements).unwrap()
}

fn output<T: Pixel, const N: usize>(tensor: &Tensor<T, N>) -> Output {
    T::output(tensor.as_slice().to_vec())
}

pub fn run(row: &Row, input: &Input, allocate: bool) -> Option<Run> {
    if !allocate && !row.is_reduction() {
        return None;
    }
    match row.kind {
        Kind::U8 => moving::<u8>(row.work, input),
        Kind::F32 => moving::<f32>(row.work, input),
    }
    .or_else(|| computing(row.work, input))
}

fn moving<T: Pixel>(work: Work, input: &Input) -> Option<Run> {
    let [h, w, c] = input.shape;
    let (shape, axes) = match work {
        Work::Copy => {
            let image = tensor([h, w, c], T::of(input));
            return fresh(move || image.clone(), output);
        }
        Work::HwcToChw => ([h, w, c], [2, 0, 1]),
        Work::ChwToHwc => ([c, h, w], [1, 2, 0]),
        Work::Transpose => ([1, h, w * c], [0, 2, 1]),
        _ => return None,
    };
    let image = tensor(shape, T::of(input));
    let turned = move || image.permute_axes(axes).unwrap().as_contiguous().unwrap();
    fresh(turned, output)
}

fn computing(work: Work, input: &Input) -> Option<Run> {
    let a = || tensor(input.shape, input.a.clone());
    let shape = input.shape;
    match work {
        Work::CastScale => {
            let image = tensor(shape, input.bytes.clone());
            fresh(move || image.map(|&x| f32::from(x) * SCALE), output)
        }
        Work::Add => {
            let (a, b) = (a(), tensor(shape, input.b.clone()));
            fresh(move || a.element_wise_op(&b, |a, b| a + b).unwrap(), output)
        }
        Work::Fill => fresh(move || Tensor::from_shape_val(shape, FILL), output),
        Work::Map => {
            let a = a();
            fresh(move || a.map(|&x| map(x)), output)
        }
        _ => None,
    }
}

pub fn constant(work: Constant) -> Option<Candidate> {
    let image = tensor(SHAPE, elements());
    Some(match work {
        Constant::CloneDrop => {
            let large = Tensor::<f32, 3>::zeros(LARGE);
            Candidate::repeated(NAME, move || large.clone())
        }
        Constant::BorrowedReshape => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.reshape(RESHAPED).unwrap());
        }),
        Constant::BorrowedPermute => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.permute_axes([2, 0, 1]).unwrap());
        }),
        Constant::Index => Candidate::per_element(NAME, move || {
            let mut sum = 0.0;
            let [h, w, c] = SHAPE;
            for y in 0..h {
                for x in 0..w {
                    for k in 0..c {
                        sum += image.get([y, x, k]).unwrap();
                    }
                }
            }
            sum
        }),
        Constant::FromVec => Candidate::repeated(NAME, || tensor([16], vec![1.0f32; 16])),
        Constant::VecAndBack => {
            Candidate::repeated(NAME, || tensor([16], vec![1.0f32; 16]).into_vec())
        }
        _ => return None,
    })
}
