//! candle-core on the CPU: every result is allocated, every handle is shared.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor, WithDType};

use crate::constant::{Constant, LARGE, RESHAPED, SHAPE, elements};
use crate::files::{self, Both, Element, Format};
use crate::input::{Input, Kind, Output, Pixel};
use crate::measure::{Candidate, Run, fresh};
use crate::work::{DEVIATION, FILL, MEAN, Row, SCALE, Work, middle};

pub const NAME: &str = "candle";

const CPU: &Device = &Device::Cpu;

fn image<T: WithDType>(shape: [usize; 3], elements: Vec<T>) -> Tensor {
    Tensor::from_vec(elements, &shape[..], CPU).unwrap()
}

fn output<T: Pixel + WithDType>(tensor: &Tensor) -> Output {
    T::output(tensor.flatten_all().unwrap().to_vec1().unwrap())
}

fn crop(image: &Tensor) -> Tensor {
    let (h, w, _) = image.dims3().unwrap();
    let (rows, columns) = (middle(h), middle(w));
    let rows = image.narrow(0, rows.start, rows.len()).unwrap();
    rows.narrow(1, columns.start, columns.len()).unwrap()
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

fn moving<T: Pixel + WithDType>(work: Work, input: &Input) -> Option<Run> {
    let [h, w, c] = input.shape;
    let copy: fn(&Tensor) -> candle_core::Result<Tensor> = match work {
        Work::Copy => |image| image.force_contiguous(),
        Work::Crop => |image| crop(image).contiguous(),
        Work::HwcToChw => |image| image.permute((2, 0, 1))?.contiguous(),
        Work::ChwToHwc => |planes| planes.permute((1, 2, 0))?.contiguous(),
        Work::FlipColumns => |image| image.flip(&[1]),
        Work::Transpose => |matrix| matrix.permute((0, 2, 1))?.contiguous(),
        _ => return None,
    };
    let shape = match work {
        Work::ChwToHwc => [c, h, w],
        Work::Transpose => [1, h, w * c],
        _ => [h, w, c],
    };
    let image = image(shape, T::of(input));
    fresh(move || copy(&image).unwrap(), output::<T>)
}

fn computing(work: Work, input: &Input) -> Option<Run> {
    let [h, w, c] = input.shape;
    let bytes = || image([h, w, c], input.bytes.clone());
    let a = || image([h, w, c], input.a.clone());
    match work {
        Work::CastScale => {
            let image = bytes();
            let cast = move || {
                let floats = image.to_dtype(DType::F32).unwrap();
                floats.affine(SCALE.into(), 0.0).unwrap()
            };
            fresh(cast, output::<f32>)
        }
        Work::Preproc => {
            let image = bytes();
            let column = |numbers: [f32; 3]| Tensor::from_slice(&numbers, (3, 1, 1), CPU).unwrap();
            let (mean, deviation) = (column(MEAN), column(DEVIATION));
            let prepare = move || {
                let planes = crop(&image).permute((2, 0, 1))?;
                let floats = planes.to_dtype(DType::F32)?.affine(SCALE.into(), 0.0)?;
                floats.broadcast_sub(&mean)?.broadcast_div(&deviation)
            };
            fresh(move || prepare().unwrap(), output::<f32>)
        }
        Work::Add => {
            let (a, b) = (a(), image([h, w, c], input.b.clone()));
            fresh(move || (&a + &b).unwrap(), output::<f32>)
        }
        Work::AddPermuted => {
            let (a, b) = (a(), image([c, h, w], input.b.clone()));
            let b = b.permute((1, 2, 0)).unwrap();
            fresh(move || (&a + &b).unwrap(), output::<f32>)
        }
        Work::MulBroadcast => {
            let (a, by) = (a(), Tensor::from_slice(&MEAN, 3, CPU).unwrap());
            fresh(move || a.broadcast_mul(&by).unwrap(), output::<f32>)
        }
        Work::Fill => fresh(
            move || Tensor::full(FILL, (h, w, c), CPU).unwrap(),
            output::<f32>,
        ),
        Work::Map => {
            let a = a();
            fresh(move || a.affine(0.5, 1.0).unwrap(), output::<f32>)
        }
        Work::SumAll => {
            let a = a();
            let number = |sum: &Tensor| Output::Number(sum.to_scalar::<f32>().unwrap().into());
            fresh(move || a.sum_all().unwrap(), number)
        }
        Work::SumFirst => {
            let a = a();
            fresh(move || a.sum(0).unwrap(), output::<f32>)
        }
        Work::SumLast => {
            let a = a();
            fresh(move || a.sum(2).unwrap(), output::<f32>)
        }
        _ => None,
    }
}

pub fn constant(work: Constant) -> Option<Candidate> {
    let image = image(SHAPE, elements());
    Some(match work {
        Constant::CloneDrop => {
            let large = Tensor::zeros(&LARGE[..], DType::F32, CPU).unwrap();
            Candidate::repeated(NAME, move || large.clone())
        }
        Constant::OwnedWindow => Candidate::repeated(NAME, move || {
            let rows = image.narrow(0, 16, 32).unwrap();
            rows.narrow(1, 16, 32).unwrap()
        }),
        Constant::OwnedReshape => {
            Candidate::repeated(NAME, move || image.reshape(&RESHAPED[..]).unwrap())
        }
        Constant::OwnedPermute => {
            Candidate::repeated(NAME, move || image.permute((2, 0, 1)).unwrap())
        }
        Constant::Iterate => Candidate::per_element(NAME, move || {
            let elements: Vec<f32> = image.flatten_all().unwrap().to_vec1().unwrap();
            elements.iter().sum()
        }),
        Constant::FromVec => Candidate::repeated(NAME, || {
            Tensor::from_vec(vec![1.0f32; 16], 16, CPU).unwrap()
        }),
        Constant::VecAndBack => Candidate::repeated(NAME, || {
            let tensor = Tensor::from_vec(vec![1.0f32; 16], 16, CPU).unwrap();
            tensor.to_vec1::<f32>().unwrap()
        }),
        _ => return None,
    })
}

pub fn files<T: Element>(format: Format, input: &Input, both: &mut Both) {
    let image = image(input.shape, T::of(input));
    let named = HashMap::from([(files::NAME, image.clone())]);
    let save = |named: &HashMap<&str, Tensor>, path: &Path| {
        candle_core::safetensors::save(named, path).unwrap();
    };
    match format {
        Format::Npy => {
            let write = |image: &Tensor, path: &Path| image.write_npy(path).unwrap();
            let read = |path: &Path| Tensor::read_npy(path).unwrap();
            both.in_file(NAME, image, write, read, output::<T>);
        }
        Format::Npz => {
            let write = |image: &Tensor, path: &Path| {
                Tensor::write_npz(&[(files::NAME, image)], path).unwrap();
            };
            let read = |path: &Path| {
                let mut found = Tensor::read_npz_by_name(path, &[files::NAME]).unwrap();
                found.remove(0)
            };
            both.in_file(NAME, image, write, read, output::<T>);
        }
        Format::SafeTensors => {
            let only = |named: HashMap<String, Tensor>| named.into_values().next().unwrap();
            let read = move |path: &Path| only(candle_core::safetensors::load(path, CPU).unwrap());
            both.in_file(NAME, named.clone(), save, read, output::<T>);
            let write =
                |named: &HashMap<&str, Tensor>| safetensors::serialize(named, None).unwrap();
            let load = candle_core::safetensors::load_buffer;
            let read = move |bytes: &Vec<u8>| only(load(bytes, CPU).unwrap());
            both.in_memory(NAME, named, write, read, output::<T>);
        }
        Format::Mapped => {
            use candle_core::safetensors::MmapedSafetensors;
            let read = |path: &Path| {
                // SAFETY: nobody changes the file while it is mapped.
                let mapped = unsafe { MmapedSafetensors::new(path) }.unwrap();
                assert_eq!(mapped.get(files::NAME).unwrap().shape().len(), 3);
                mapped
            };
            let look = |mapped: &MmapedSafetensors| {
                T::output(T::of_bytes(mapped.get(files::NAME).unwrap().data()))
            };
            both.in_file(NAME, named, save, read, look);
        }
    }
}
