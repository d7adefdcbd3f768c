//! The rows of the comparison: what is done, how many bytes it moves at least, and what must come
//! of it, computed by plain loops.

use crate::input::{Input, Kind, Output};

/// One kind of work on an image `[H, W, C]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// All elements as they lie.
    Copy,
    /// The middle half of rows and columns.
    Crop,
    /// Planes out of pixels.
    HwcToChw,
    /// Pixels out of planes.
    ChwToHwc,
    /// A matrix with its axes exchanged.
    Transpose,
    /// Columns mirrored.
    FlipColumns,
    /// `u8` to `f32`, times 1/255.
    CastScale,
    /// The middle half, planes first, as `f32` times 1/255, minus a mean, through a deviation.
    Preproc,
    Add,
    /// An image and planes that are looked at as an image.
    AddPermuted,
    /// An image times a number for each channel.
    MulBroadcast,
    /// One value everywhere.
    Fill,
    /// `x * 0.5 + 1`.
    Map,
    SumAll,
    /// Over the rows, `[W, C]` remains.
    SumFirst,
    /// Over the channels, `[H, W]` remains.
    SumLast,
    Equal,
}

/// A row of the tables.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub name: &'static str,
    pub work: Work,
    pub kind: Kind,
}

pub const ROWS: &[Row] = &[
    row("copy_f32", Work::Copy, Kind::F32),
    row("crop_u8", Work::Crop, Kind::U8),
    row("crop_f32", Work::Crop, Kind::F32),
    row("hwc2chw_u8", Work::HwcToChw, Kind::U8),
    row("hwc2chw_f32", Work::HwcToChw, Kind::F32),
    row("chw2hwc_u8", Work::ChwToHwc, Kind::U8),
    row("chw2hwc_f32", Work::ChwToHwc, Kind::F32),
    row("t2d_f32", Work::Transpose, Kind::F32),
    row("t2d_u8", Work::Transpose, Kind::U8),
    row("hflip_u8", Work::FlipColumns, Kind::U8),
    row("hflip_f32", Work::FlipColumns, Kind::F32),
    row("cast_scale", Work::CastScale, Kind::U8),
    row("preproc", Work::Preproc, Kind::U8),
    row("add_f32", Work::Add, Kind::F32),
    row("add_perm", Work::AddPermuted, Kind::F32),
    row("mul_bcast", Work::MulBroadcast, Kind::F32),
    row("fill", Work::Fill, Kind::F32),
    row("map", Work::Map, Kind::F32),
    row("sum_all", Work::SumAll, Kind::F32),
    row("sum_ax0", Work::SumFirst, Kind::F32),
    row("sum_last", Work::SumLast, Kind::F32),
    row("eq", Work::Equal, Kind::F32),
];

const fn row(name: &'static str, work: Work, kind: Kind) -> Row {
    Row { name, work, kind }
}

/// Added to every pixel or multiplied with it, a number for each channel.
pub const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
pub const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];
pub const SCALE: f32 = 1.0 / 255.0;
pub const FILL: f32 = 0.75;

pub fn map(x: f32) -> f32 {
    x * 0.5 + 1.0
}

/// What the middle half of an axis is.
pub fn middle(len: usize) -> std::ops::Range<usize> {
    len / 4..len / 4 + len / 2
}

impl Row {
    /// Whether the result takes no memory worth speaking of.
    pub fn is_reduction(&self) -> bool {
        use Work::{Equal, SumAll, SumFirst, SumLast};
        matches!(self.work, SumAll | SumFirst | SumLast | Equal)
    }

    /// Bytes that have to be read and written.
    pub fn bytes(&self, [h, w, c]: [usize; 3]) -> (usize, usize) {
        let n = h * w * c;
        let size = self.kind.size();
        let half = middle(h).len() * middle(w).len() * c;
        match self.work {
            Work::Crop => (half * size, half * size),
            Work::CastScale => (n, 4 * n),
            Work::Preproc => (half, 4 * half),
            Work::Add | Work::AddPermuted => (8 * n, 4 * n),
            Work::Fill => (0, 4 * n),
            Work::SumAll => (4 * n, 0),
            Work::SumFirst => (4 * n, 4 * w * c),
            Work::SumLast => (4 * n, 4 * h * w),
            Work::Equal => (8 * n, 0),
            _ => (n * size, n * size),
        }
    }

    /// The result, by loops that nobody could get wrong.
    pub fn expected(&self, input: &Input) -> Output {
        match self.kind {
            Kind::U8 => self.expected_u8(input),
            Kind::F32 => self.expected_f32(input),
        }
    }

    fn expected_u8(&self, input: &Input) -> Output {
        let scaled = |x: u8| f32::from(x) * SCALE;
        match self.work {
            Work::CastScale => Output::F32(input.bytes.iter().map(|&x| scaled(x)).collect()),
            Work::Preproc => {
                let planes = planes_of_middle(&input.bytes, input.shape);
                let plane = planes.len() / input.shape[2];
                let prepared = planes.iter().enumerate().map(|(i, &x)| {
                    let channel = i / plane;
                    (scaled(x) - MEAN[channel]) / DEVIATION[channel]
                });
                Output::F32(prepared.collect())
            }
            _ => Output::U8(self.moved(&input.bytes, input.shape)),
        }
    }

    fn expected_f32(&self, input: &Input) -> Output {
        let (a, b, [h, w, c]) = (&input.a, &input.b, input.shape);
        let pairs = a.iter().zip(b);
        match self.work {
            Work::Add => Output::F32(pairs.map(|(a, b)| a + b).collect()),
            Work::AddPermuted => {
                let b = moved(b, [h, w, c], |y, x, k| (k * h + y) * w + x);
                Output::F32(a.iter().zip(b).map(|(a, b)| a + b).collect())
            }
            Work::MulBroadcast => {
                let scaled = a.iter().enumerate().map(|(i, a)| a * MEAN[i % c]);
                Output::F32(scaled.collect())
            }
            Work::Fill => Output::F32(vec![FILL; a.len()]),
            Work::Map => Output::F32(a.iter().map(|&a| map(a)).collect()),
            Work::SumAll => Output::Number(a.iter().map(|&a| f64::from(a)).sum()),
            Work::SumFirst => {
                let mut sums = vec![0.0; w * c];
                for row in a.chunks(w * c) {
                    for (sum, &x) in sums.iter_mut().zip(row) {
                        *sum += f64::from(x);
                    }
                }
                Output::F32(sums.into_iter().map(|sum| sum as f32).collect())
            }
            Work::SumLast => Output::F32(a.chunks(c).map(|pixel| pixel.iter().sum()).collect()),
            Work::Equal => Output::Number(1.0),
            _ => Output::F32(self.moved(a, [h, w, c])),
        }
    }

    fn moved<T: Copy>(&self, from: &[T], [h, w, c]: [usize; 3]) -> Vec<T> {
        match self.work {
            Work::Crop => {
                let (rows, columns) = (middle(h), middle(w));
                let (top, left) = (rows.start, columns.start);
                let shape = [rows.len(), columns.len(), c];
                moved(from, shape, |y, x, k| ((top + y) * w + left + x) * c + k)
            }
            Work::HwcToChw => moved(from, [c, h, w], |k, y, x| (y * w + x) * c + k),
            Work::ChwToHwc => moved(from, [h, w, c], |y, x, k| (k * h + y) * w + x),
            Work::Transpose => moved(from, [w, h, c], |x, y, k| (y * w + x) * c + k),
            Work::FlipColumns => moved(from, [h, w, c], |y, x, k| (y * w + w - 1 - x) * c + k),
            _ => from.to_vec(),
        }
    }
}

fn moved<T: Copy>(
    from: &[T],
    [a, b, c]: [usize; 3],
    place: impl Fn(usize, usize, usize) -> usize,
) -> Vec<T> {
    let mut to = Vec::with_capacity(a * b * c);
    for i in 0..a {
        for j in 0..b {
            to.extend((0..c).map(|k| from[place(i, j, k)]));
        }
    }
    to
}

fn planes_of_middle(from: &[u8], [h, w, c]: [usize; 3]) -> Vec<u8> {
    let (rows, columns) = (middle(h), middle(w));
    let (top, left) = (rows.start, columns.start);
    let shape = [c, rows.len(), columns.len()];
    moved(from, shape, |k, y, x| ((top + y) * w + left + x) * c + k)
}
