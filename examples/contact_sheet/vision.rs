//! What the workers compute. Every function borrows a view of any layout and gives new pixels:
//! none of them knows, or cares, whether it was handed a picture, a crop, or a mirrored one.

use kornia_tensor::{Tensor2, Tensor3, TensorError, TensorView};

/// How bright the pixels are (ITU-R BT.601), `[H, W]`.
pub(crate) fn luma(rgb: TensorView<'_, u8, 3>) -> Result<Tensor2<f32>, TensorError> {
    let [red, green, blue] = [0, 1, 2].map(|channel| rgb.select(2, channel));
    red.zip_with(green, |&r, &g| 0.299 * f32::from(r) + 0.587 * f32::from(g))?
        .zip_with(blue, |rg, &b| rg + 0.114 * f32::from(b))
}

/// Sobel's edges of `[H, W, 3]`, as `[H - 2, W - 2, 3]`: upright ones orange, level ones blue.
///
/// The outermost pixels lack neighbours; what is less than 3 wide or high has no others.
pub(crate) fn edges(rgb: TensorView<'_, u8, 3>) -> Result<Tensor3<u8>, TensorError> {
    let [height, width, _] = *rgb.shape();
    if height < 3 || width < 3 {
        return Ok(Tensor3::zeros([0, 0, 3]));
    }
    let grey = luma(rgb)?;
    let across = change(smooth(grey.view(), 0)?.view(), 1)?;
    let down = change(smooth(grey.view(), 1)?.view(), 0)?;
    let strength = across.zip_with(&down, |x, y| 0.6 * x.hypot(*y))?;

    let mut picture = Tensor3::zeros([height - 2, width - 2, 3]);
    let channels = picture.view_mut().axis_iter(2);
    for (mut channel, source) in channels.zip([across, strength, down]) {
        channel.assign(&source.map(|edge| edge.abs() as u8))?;
    }
    Ok(picture)
}

/// Each sample mixed with its two neighbours along an axis, 1 : 2 : 1.
fn smooth(samples: TensorView<'_, f32, 2>, axis: usize) -> Result<Tensor2<f32>, TensorError> {
    let last = samples.shape()[axis] - 1;
    let (before, after) = (samples.narrow(axis, ..last - 1), samples.narrow(axis, 2..));
    before
        .zip_with(samples.narrow(axis, 1..last), |before, here| {
            before + 2.0 * here
        })?
        .zip_with(after, |sum, after| sum + after)
}

/// How much the neighbours of each sample differ along an axis.
fn change(samples: TensorView<'_, f32, 2>, axis: usize) -> Result<Tensor2<f32>, TensorError> {
    let (before, after) = (
        samples.narrow(axis, ..samples.shape()[axis] - 2),
        samples.narrow(axis, 2..),
    );
    before.zip_with(after, |before, after| after - before)
}

/// How many pixels have each value, for each channel: `[3, 256]`.
pub(crate) fn histogram(rgb: TensorView<'_, u8, 3>) -> Tensor2<u32> {
    let mut counts = Tensor2::zeros([3, 256]);
    let mut bins = counts.view_mut();
    for ([_, _, channel], &value) in rgb.indexed_iter() {
        bins[[channel, usize::from(value)]] += 1;
    }
    counts
}

/// A histogram as a picture. Each curve is drawn into its own channel alone, so where curves lie
/// over each other their colours add up, as light does.
pub(crate) fn plot(counts: &Tensor2<u32>, [height, width]: [usize; 2]) -> Tensor3<u8> {
    let mut sorted = counts.view().to_vec();
    sorted.sort_unstable();
    let high = sorted[sorted.len() * 98 / 100].max(1) as f32 * 1.15; // the few above are cut off

    let mut picture = Tensor3::full([height, width, 3], 26);
    let mut canvas = picture.view_mut();
    for x in 0..width {
        let (left, right) = (x * 255 / width, (x * 255 / width + 1).min(255));
        let between = (x * 255 % width) as f32 / width as f32;
        for channel in 0..3 {
            let [left, right] = [left, right].map(|bin| counts[[channel, bin]] as f32 / high);
            let level = (left + (right - left) * between).min(1.0);
            let top = height - (level * height as f32) as usize;
            let mut column = canvas.reborrow().slice((top.., x, channel));
            column.fill(150);
            let crest = column.shape()[0].min(3);
            column.narrow(0, ..crest).fill(255);
        }
    }
    picture
}

/// A picture in another size.
pub(crate) fn resize(
    picture: TensorView<'_, u8, 3>,
    size: [usize; 2],
) -> Result<Tensor3<u8>, TensorError> {
    let lines = resample(picture.cast().view(), 0, size[0]);
    let pixels = resample(lines.view(), 1, size[1]);
    Ok(pixels.map(|value| value.round() as u8))
}

/// Another number of samples along one axis, each the mean of those near it, the nearest counting
/// most.
fn resample(samples: TensorView<'_, f32, 3>, axis: usize, length: usize) -> Tensor3<f32> {
    let mut shape = *samples.shape();
    let scale = shape[axis] as f32 / length as f32;
    let reach = scale.max(1.0);
    let last = shape[axis] - 1;
    shape[axis] = length;

    let mut result = Tensor3::zeros(shape);
    for (position, mut line) in result.view_mut().chunks(axis, 1).enumerate() {
        let centre = (position as f32 + 0.5) * scale - 0.5;
        let near =
            (centre - reach).ceil().max(0.0) as usize..=((centre + reach) as usize).min(last);
        let weight = |tap: usize| (1.0 - (tap as f32 - centre).abs() / reach).max(0.0);
        let total: f32 = near.clone().map(weight).sum();
        for tap in near {
            let share = weight(tap) / total;
            let source = samples.narrow(axis, tap..=tap);
            for (sums, samples) in line.rows_mut().zip(source.rows()) {
                let pairs = sums.iter_mut().zip(samples);
                pairs.for_each(|(sum, sample)| *sum += share * sample);
            }
        }
    }
    result
}
