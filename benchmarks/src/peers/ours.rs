//! kornia-tensor as it is in this repository.

use kornia_tensor::{Tensor, TensorView};

use crate::constant::{Constant, LARGE, RESHAPED, SHAPE, elements};
use crate::input::{Input, Kind, Output, Pixel};
use crate::measure::{Candidate, Run, fresh, warm};
use crate::work::{DEVIATION, FILL, MEAN, Row, SCALE, Work, map, middle};

pub const NAME: &str = "kornia-tensor";

/// How a result looks at its input.
type Look<T, const N: usize> = fn(&Tensor<T, N>) -> TensorView<'_, T, N>;

fn tensor<T, const N: usize>(shape: [usize; N], elements: Vec<T>) -> Tensor<T, N> {
    Tensor::from_shape_vec(shape, elements).unwrap()
}

fn output<T: Pixel, const N: usize>(tensor: &Tensor<T, N>) -> Output {
    T::output(tensor.as_slice().to_vec())
}

fn crop<T>(image: &Tensor<T, 3>) -> TensorView<'_, T, 3> {
    let [h, w, _] = *image.shape();
    image.view().slice((middle(h), middle(w), ..))
}

pub fn run(row: &Row, input: &Input, allocate: bool) -> Option<Run> {
    let moved = match row.kind {
        Kind::U8 => moving::<u8>(row.work, input, allocate),
        Kind::F32 => moving::<f32>(row.work, input, allocate),
    };
    moved.or_else(|| computing(row.work, input, allocate))
}

fn moving<T: Pixel>(work: Work, input: &Input, allocate: bool) -> Option<Run> {
    let [h, w, c] = input.shape;
    let look: Look<T, 3> = match work {
        Work::Copy => |image| image.view(),
        Work::Crop => crop,
        Work::HwcToChw => |image| image.view().permute_axes([2, 0, 1]).unwrap(),
        Work::ChwToHwc => |planes| planes.view().permute_axes([1, 2, 0]).unwrap(),
        Work::FlipColumns => |image| image.view().flip(1),
        Work::Transpose => {
            let matrix = tensor([h, w * c], T::of(input));
            return copied(matrix, |matrix| matrix.view().transpose(), allocate);
        }
        _ => return None,
    };
    let shape = if work == Work::ChwToHwc {
        [c, h, w]
    } else {
        [h, w, c]
    };
    copied(tensor(shape, T::of(input)), look, allocate)
}

fn copied<T: Pixel, const N: usize>(
    from: Tensor<T, N>,
    look: Look<T, N>,
    allocate: bool,
) -> Option<Run> {
    if allocate {
        return fresh(move || look(&from).to_tensor(), output);
    }
    let to = Tensor::full(*look(&from).shape(), T::default());
    warm(
        to,
        move |to| to.view_mut().assign(look(&from)).unwrap(),
        output,
    )
}

fn computing(work: Work, input: &Input, allocate: bool) -> Option<Run> {
    let [h, w, c] = input.shape;
    let bytes = || tensor([h, w, c], input.bytes.clone());
    let a = || tensor([h, w, c], input.a.clone());
    if allocate {
        return match work {
            Work::CastScale => {
                let image = bytes();
                fresh(move || image.map(|&x| f32::from(x) * SCALE), output)
            }
            Work::Preproc => {
                let image = bytes();
                fresh(move || prepared(&image), output)
            }
            Work::Add => {
                let (a, b) = (a(), tensor([h, w, c], input.b.clone()));
                fresh(move || a.zip_with(&b, |a, b| a + b).unwrap(), output)
            }
            Work::AddPermuted => {
                let (a, b) = (a(), tensor([c, h, w], input.b.clone()));
                let b = b.permute_axes([1, 2, 0]).unwrap();
                fresh(move || a.zip_with(&b, |a, b| a + b).unwrap(), output)
            }
            Work::MulBroadcast => {
                let (a, by) = (a(), tensor([3], MEAN.to_vec()));
                let times = move || {
                    let by = by.view().broadcast_to([h, w, c]).unwrap();
                    a.zip_with(by, |a, b| a * b).unwrap()
                };
                fresh(times, output)
            }
            Work::Fill => fresh(move || Tensor::full([h, w, c], FILL), output),
            Work::Map => {
                let a = a();
                fresh(move || a.map(|&x| map(x)), output)
            }
            _ => None,
        };
    }
    match work {
        Work::Fill => warm(a(), |to| to.view_mut().fill(FILL), output),
        Work::SumAll => {
            let a = a();
            let sum = move || a.fold(0.0, |sum, &x| sum + f64::from(x));
            fresh(sum, |&sum| Output::Number(sum))
        }
        Work::Equal => {
            let (a, b) = (a(), a());
            fresh(
                move || a == b,
                |&equal| Output::Number(f64::from(u8::from(equal))),
            )
        }
        _ => None,
    }
}

/// One pass over the pixels.
fn prepared(image: &Tensor<u8, 3>) -> Tensor<f32, 3> {
    let planes = crop(image).permute_axes([2, 0, 1]).unwrap();
    let [c, h, w] = *planes.shape();
    let scale: [[f32; 2]; 3] = std::array::from_fn(|channel| {
        let deviation = DEVIATION[channel];
        [SCALE / deviation, MEAN[channel] / deviation]
    });
    let scale = TensorView::from_slice([c, 1, 1], &scale).unwrap();
    let scale = scale.broadcast_to([c, h, w]).unwrap();
    let prepare = |&x: &u8, &[scale, shift]: &[f32; 2]| f32::from(x) * scale - shift;
    planes.zip_with(scale, prepare).unwrap()
}

pub fn constant(work: Constant) -> Option<Candidate> {
    let image = tensor(SHAPE, elements());
    Some(match work {
        Constant::CloneDrop => {
            let large = Tensor::<f32, 3>::zeros(LARGE);
            Candidate::repeated(NAME, move || large.clone())
        }
        Constant::OwnedWindow => {
            Candidate::repeated(NAME, move || image.slice((16..48, 16..48, ..)))
        }
        Constant::BorrowedWindow => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.view().slice((16..48, 16..48, ..)));
        }),
        Constant::OwnedReshape => Candidate::repeated(NAME, move || image.reshape(RESHAPED)),
        Constant::BorrowedReshape => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.view().reshape(RESHAPED).unwrap());
        }),
        Constant::OwnedPermute => Candidate::repeated(NAME, move || image.permute_axes([2, 0, 1])),
        Constant::BorrowedPermute => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.view().permute_axes([2, 0, 1]).unwrap());
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
        Constant::FromVec => Candidate::repeated(NAME, || tensor([16], vec![1.0f32; 16])),
        Constant::VecAndBack => {
            Candidate::repeated(NAME, || tensor([16], vec![1.0f32; 16]).into_vec())
        }
    })
}
