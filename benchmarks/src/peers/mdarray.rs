//! mdarray: borrowed views and lazy expressions; nothing is shared.

use mdarray::expr::{self, Expression};
use mdarray::{DArray, DView, Strided, step};

use crate::constant::{Constant, RESHAPED, SHAPE, elements};
use crate::input::{Input, Kind, Output, Pixel};
use crate::measure::{Candidate, Run, fresh, warm};
use crate::work::{DEVIATION, FILL, MEAN, Row, SCALE, Work, map, middle};

pub const NAME: &str = "mdarray";

type Image<T> = DArray<T, 3>;
type Look<T> = fn(&Image<T>) -> DView<'_, T, 3, Strided>;

fn image<T>(shape: [usize; 3], elements: Vec<T>) -> Image<T> {
    DArray::<T, 1>::from(elements).into_shape(shape)
}

fn output<T: Pixel>(array: &Image<T>) -> Output {
    T::output(array.to_vec())
}

fn crop<T>(image: &Image<T>) -> DView<'_, T, 3, Strided> {
    let (h, w) = (image.dim(0), image.dim(1));
    image.view(middle(h), middle(w), ..).into_mapping()
}

pub fn run(row: &Row, input: &Input, allocate: bool) -> Option<Run> {
    match row.kind {
        Kind::U8 => moving::<u8>(row.work, input, allocate),
        Kind::F32 => moving::<f32>(row.work, input, allocate),
    }
    .or_else(|| computing(row.work, input, allocate))
    .or_else(|| reducing(row.work, input))
}

fn moving<T: Pixel>(work: Work, input: &Input, allocate: bool) -> Option<Run> {
    let [h, w, c] = input.shape;
    let look: Look<T> = match work {
        Work::Copy => {
            let from = image([h, w, c], T::of(input));
            if allocate {
                return fresh(move || from.to_array(), output);
            }
            return warm(from.clone(), move |to| to.assign(&from), output);
        }
        Work::Crop => crop,
        Work::HwcToChw => |image| image.permute([2, 0, 1]).into_mapping(),
        Work::ChwToHwc => |planes| planes.permute([1, 2, 0]).into_mapping(),
        Work::FlipColumns => |image| image.view(.., step(.., -1), ..).into_mapping(),
        Work::Transpose => |matrix| matrix.permute([0, 2, 1]).into_mapping(),
        _ => return None,
    };
    let shape = match work {
        Work::ChwToHwc => [c, h, w],
        Work::Transpose => [1, h, w * c],
        _ => [h, w, c],
    };
    let from = image(shape, T::of(input));
    if allocate {
        return fresh(move || look(&from).to_array(), output);
    }
    let to = look(&from).to_array();
    warm(to, move |to| to.assign(look(&from)), output)
}

fn computing(work: Work, input: &Input, allocate: bool) -> Option<Run> {
    let [h, w, c] = input.shape;
    let a = || image([h, w, c], input.a.clone());
    let by = || DArray::<f32, 1>::from(MEAN.to_vec());
    match work {
        Work::CastScale => {
            let image = image([h, w, c], input.bytes.clone());
            let scaled = |&x: &u8| f32::from(x) * SCALE;
            if allocate {
                return fresh(move || image.expr().map(scaled).eval(), output);
            }
            warm(a(), move |to| to.assign(image.expr().map(scaled)), output)
        }
        Work::Preproc => {
            let image = image([h, w, c], input.bytes.clone());
            let prepare = move |to: &mut Image<f32>| {
                let planes = crop(&image);
                let planes = planes.permute([2, 0, 1]);
                for channel in 0..3 {
                    let (mean, deviation) = (MEAN[channel], DEVIATION[channel]);
                    let plane = planes.view(channel, .., ..);
                    let prepared = plane
                        .expr()
                        .map(|&x| (f32::from(x) * SCALE - mean) / deviation);
                    to.view_mut(channel, .., ..).assign(prepared);
                }
            };
            let shape = [c, middle(h).len(), middle(w).len()];
            if allocate {
                let zeros = move || {
                    let mut to = Image::zeros(shape);
                    prepare(&mut to);
                    to
                };
                return fresh(zeros, output);
            }
            warm(Image::zeros(shape), prepare, output)
        }
        Work::Add => {
            let (a, b) = (a(), image([h, w, c], input.b.clone()));
            if allocate {
                return fresh(move || a.expr().zip(&b).map(|(a, b)| a + b).eval(), output);
            }
            let add = move |to: &mut Image<f32>| to.assign(a.expr().zip(&b).map(|(a, b)| a + b));
            warm(Image::zeros([h, w, c]), add, output)
        }
        Work::AddPermuted => {
            let (a, b) = (a(), image([c, h, w], input.b.clone()));
            let add = move |to: &mut Image<f32>| {
                let b = b.permute([1, 2, 0]);
                to.assign(a.expr().zip(b).map(|(a, b)| a + b));
            };
            if allocate {
                let sum = move || {
                    let mut to = Image::zeros([h, w, c]);
                    add(&mut to);
                    to
                };
                return fresh(sum, output);
            }
            warm(Image::zeros([h, w, c]), add, output)
        }
        Work::MulBroadcast => {
            let (a, by) = (a(), by());
            if allocate {
                return fresh(move || a.expr().zip(&by).map(|(a, b)| a * b).eval(), output);
            }
            let times = move |to: &mut Image<f32>| to.assign(a.expr().zip(&by).map(|(a, b)| a * b));
            warm(Image::zeros([h, w, c]), times, output)
        }
        Work::Fill if allocate => fresh(move || Image::from_elem([h, w, c], FILL), output),
        Work::Fill => warm(a(), |to| to.fill(FILL), output),
        Work::Map => {
            let a = a();
            if allocate {
                return fresh(move || a.expr().map(|&x| map(x)).eval(), output);
            }
            let mapped = move |to: &mut Image<f32>| to.assign(a.expr().map(|&x| map(x)));
            warm(Image::zeros([h, w, c]), mapped, output)
        }
        _ => None,
    }
}

fn reducing(work: Work, input: &Input) -> Option<Run> {
    let a = image(input.shape, input.a.clone());
    match work {
        Work::SumAll => {
            let sum = move || expr::fold(&a, 0.0, |sum, &x| sum + f64::from(x));
            fresh(sum, |&sum| Output::Number(sum))
        }
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
    let image = image(SHAPE, elements());
    Some(match work {
        Constant::BorrowedWindow => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.view(16..48, 16..48, ..));
        }),
        Constant::BorrowedReshape => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.reshape(RESHAPED));
        }),
        Constant::BorrowedPermute => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.permute([2, 0, 1]));
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
        Constant::FromVec => Candidate::repeated(NAME, || DArray::<f32, 1>::from(vec![1.0f32; 16])),
        Constant::VecAndBack => {
            Candidate::repeated(NAME, || DArray::<f32, 1>::from(vec![1.0f32; 16]).into_vec())
        }
        _ => return None,
    })
}
