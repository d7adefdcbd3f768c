//! The kinds of work.

use std::hint::black_box;

use kornia_tensor::Tensor;

use crate::Bench;

/// Elements of pictures, `[H, W, C]`.
const SIZES: [[usize; 3]; 6] = [
    [128, 683, 3],
    [256, 683, 3],
    [512, 683, 3],
    [720, 1280, 3],
    [1080, 1920, 3],
    [2160, 3840, 3],
];

const SCALE: f32 = 1.0 / 255.0;

fn sizes(largest: usize) -> impl Iterator<Item = ([usize; 3], usize)> {
    let sizes = SIZES.map(|shape| (shape, shape.iter().product::<usize>()));
    sizes
        .into_iter()
        .filter(move |(_, numel)| *numel <= largest)
}

fn pictures(shape: [usize; 3]) -> (Tensor<u8, 3>, Tensor<f32, 3>) {
    let bytes = Tensor::from_shape_fn(shape, |[y, x, c]| (y * 7 + x * 3 + c) as u8);
    let floats = bytes.map(|&p| f32::from(p));
    (bytes, floats)
}

pub(crate) fn warm(bench: &Bench, largest: usize) {
    for (shape, numel) in sizes(largest) {
        let [height, width, channels] = shape;
        let (bytes, floats) = pictures(shape);
        let (mut to_bytes, mut to_floats) =
            (bytes.deep_clone().unwrap(), floats.deep_clone().unwrap());
        let mut planes = Tensor::<f32, 3>::zeros([channels, height, width]);
        let mut byte_planes = Tensor::<u8, 3>::zeros([channels, height, width]);

        let mut to = to_bytes.view_mut();
        bench.line(
            "copy u8",
            2 * numel,
            Box::new(|| to.assign(&bytes).unwrap()),
        );
        let mut to = to_floats.view_mut();
        bench.line(
            "copy f32",
            8 * numel,
            Box::new(|| to.assign(&floats).unwrap()),
        );
        let mirrored = bytes.view().flip(1);
        let mut to = to_bytes.view_mut();
        bench.line(
            "copy u8, mirrored",
            2 * numel,
            Box::new(|| to.assign(mirrored).unwrap()),
        );
        let crop = bytes.view().slice((1.., 1.., ..));
        let mut to = to_bytes.view_mut().slice((1.., 1.., ..));
        bench.line(
            "copy u8, rows of a crop",
            2 * numel,
            Box::new(|| to.assign(crop).unwrap()),
        );
        let chw = bytes.view().permute_axes([2, 0, 1]).unwrap();
        let mut to = byte_planes.view_mut();
        bench.line(
            "copy u8, pixels to planes",
            2 * numel,
            Box::new(|| to.assign(chw).unwrap()),
        );
        let red = floats.view().select(2, 0);
        let mut to = planes
            .view_mut()
            .reshape([channels * width, height])
            .unwrap();
        let turned = red.transpose();
        let mut turned_to = to.reborrow().slice((0..width, ..));
        bench.line(
            "copy f32, transposed",
            8 * height * width,
            Box::new(|| turned_to.assign(turned).unwrap()),
        );
        let mut to = to_floats.view_mut();
        bench.line("fill f32", 4 * numel, Box::new(|| to.fill(black_box(1.0))));
        let mut to = planes.view_mut();
        bench.line(
            "normalize u8 to planes",
            5 * numel,
            Box::new(|| {
                let to = to.reborrow();
                let view = bytes.view();
                view.normalize_to_chw_into(to, SCALE, &[0.5; 3], &[0.25; 3])
                    .unwrap();
            }),
        );
        let mut to = to_floats.view_mut();
        bench.line(
            "par_map_into u8 to f32, scaled",
            5 * numel,
            Box::new(|| {
                let scale = black_box(SCALE);
                let view = bytes.view();
                view.par_map_into(to.reborrow(), |&p| f32::from(p) * scale)
                    .unwrap();
            }),
        );
        let mut to = to_floats.view_mut();
        bench.line(
            "par_map_into u8 to f32, powf",
            5 * numel,
            Box::new(|| {
                let gamma = black_box(2.2);
                let view = bytes.view();
                view.par_map_into(to.reborrow(), |&p| (f32::from(p) * SCALE).powf(gamma))
                    .unwrap();
            }),
        );
        let mut to = to_bytes.view_mut();
        bench.line(
            "par_apply u8, not",
            numel,
            Box::new(|| to.par_apply(|p| *p = !*p)),
        );
        to_bytes.view_mut().assign(&bytes).unwrap();
        to_floats.view_mut().assign(&floats).unwrap();
        let other = &to_bytes;
        bench.line("== u8", 2 * numel, Box::new(|| assert!(bytes == *other)));
        let other = &to_floats;
        bench.line("== f32", 8 * numel, Box::new(|| assert!(floats == *other)));
        bench.line(
            "sum u8",
            numel,
            Box::new(|| {
                black_box(bytes.view().sum());
            }),
        );
        bench.line(
            "sum f32",
            4 * numel,
            Box::new(|| {
                black_box(floats.view().sum());
            }),
        );
        bench.line(
            "min_max u8",
            numel,
            Box::new(|| {
                black_box(bytes.view().min_max());
            }),
        );
        bench.line(
            "min_max f32",
            4 * numel,
            Box::new(|| {
                black_box(floats.view().min_max());
            }),
        );
        bench.line(
            "sum_axis(0) u8",
            numel,
            Box::new(|| {
                black_box(bytes.view().sum_axis(0));
            }),
        );
        bench.line(
            "sum_axis(2) f32",
            4 * numel,
            Box::new(|| {
                black_box(floats.view().sum_axis(2));
            }),
        );
        println!();
    }
}

pub(crate) fn fresh(bench: &Bench, largest: usize) {
    for (shape, numel) in sizes(largest) {
        let (bytes, floats) = pictures(shape);
        let chw = floats.view().permute_axes([2, 0, 1]).unwrap();
        bench.line(
            "copy u8",
            2 * numel,
            Box::new(|| {
                black_box(bytes.view().to_tensor());
            }),
        );
        bench.line(
            "copy f32",
            8 * numel,
            Box::new(|| {
                black_box(floats.view().to_tensor());
            }),
        );
        bench.line(
            "copy f32, pixels to planes",
            8 * numel,
            Box::new(|| {
                black_box(chw.to_tensor());
            }),
        );
        bench.line(
            "cast u8 to f32",
            5 * numel,
            Box::new(|| {
                black_box(bytes.cast::<f32>());
            }),
        );
        bench.line(
            "normalize u8 to planes",
            5 * numel,
            Box::new(|| {
                let view = bytes.view();
                black_box(view.normalize_to_chw(SCALE, &[0.5; 3], &[0.25; 3]).unwrap());
            }),
        );
        bench.line(
            "par_map u8 to f32, powf",
            5 * numel,
            Box::new(|| {
                black_box(bytes.par_map(|&p| (f32::from(p) * SCALE).powf(2.2)));
            }),
        );
        println!();
    }
}
