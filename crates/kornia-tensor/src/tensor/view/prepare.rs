//! The step before every neural network.

#![forbid(unsafe_code)]

use super::{TensorView, check_shape};
use crate::engine::compute::normalize::{self, Channels};
use crate::error::TensorError;
use crate::tensor::fresh;
use crate::{Layout, Tensor, TensorViewMut};

/// Preparing images for neural networks.
impl<T: Copy + Into<f32>> TensorView<'_, T, 3> {
    /// Pixels `[H, W, C]` to normalised planes `[C, H, W]` in one pass: each element becomes
    /// `(scale * element - mean[c]) / std[c]`. O(n).
    ///
    /// With a `scale` of `1.0 / 255.0` for `u8` and means and deviations of images between 0 and 1,
    /// this is what torchvision's `ToTensor` and `Normalize` do. Crop, resize by
    /// [`step`](crate::step) or flip the view first: that costs nothing.
    ///
    /// A result is at most two units in the last place from the exact value of the formula for the
    /// given `f32`s, also where the mean is large beside the deviation, as in depth, thermal and CT
    /// images. (Where the formula is evaluated step by step in `f32`, `scale * element` is rounded,
    /// and results near zero have fewer right digits.) Outside of that are only results that are too
    /// large or too small for `f32`, or that come from such values. They are the same on every
    /// processor; those without a fused multiply-add need more time.
    ///
    /// # Errors
    ///
    /// `DimensionMismatch` unless there are C means and C deviations; `UnsupportedOperation` if a
    /// deviation is 0 or not finite; `OutOfMemory`.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let frame = Tensor::<u8, 3>::full([480, 640, 3], 51); // [H, W, C]
    /// let (mean, std) = ([0.2, 0.0, 0.1], [1.0, 1.0, 0.5]);
    ///
    /// let crop = frame.view().slice((100..324, 200..424, ..));
    /// let input = crop.normalize_to_chw(1.0 / 255.0, &mean, &std)?;
    /// assert_eq!(input.shape(), &[3, 224, 224]);
    /// for (c, expected) in [0.0, 0.2, 0.2].into_iter().enumerate() {
    ///     assert!((input[[c, 17, 99]] - expected).abs() < 1e-6);
    /// }
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[track_caller]
    pub fn normalize_to_chw(
        self,
        scale: f32,
        mean: &[f32],
        std: &[f32],
    ) -> Result<Tensor<f32, 3>, TensorError> {
        let channels = Channels::new::<T>(self.shape(), scale, mean, std)?;
        fresh(planes(self.layout()), None, |out| {
            normalize::fill(out, self.source(), &channels);
        })
    }

    /// As [`normalize_to_chw`](Self::normalize_to_chw), into memory that is there, such as one
    /// image of a batch. O(n), no allocation but one per channel.
    ///
    /// # Errors
    ///
    /// Those of [`normalize_to_chw`](Self::normalize_to_chw), and `ShapeMismatch` unless `out`
    /// is `[C, H, W]`; nothing is written then.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let frame = Tensor::<u8, 3>::full([4, 6, 3], 255);
    /// let mut batch = Tensor::<f32, 4>::zeros([2, 3, 4, 6]); // [N, C, H, W]
    /// let second = batch.view_mut().select(0, 1);
    /// frame.view().normalize_to_chw_into(second, 1.0 / 255.0, &[0.5; 3], &[0.5; 3])?;
    /// assert!((batch.view().select(0, 1).sum() - 72.0).abs() < 1e-4);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    pub fn normalize_to_chw_into<'o>(
        self,
        out: impl Into<TensorViewMut<'o, f32, 3>>,
        scale: f32,
        mean: &[f32],
        std: &[f32],
    ) -> Result<(), TensorError> {
        let mut out = out.into();
        let channels = Channels::new::<T>(self.shape(), scale, mean, std)?;
        let planes = Layout::contiguous(planes(self.layout()), size_of::<f32>())?;
        check_shape(&planes, out.layout())?;
        normalize::run(self.source(), out.target().into_room(), &channels);
        Ok(())
    }
}

/// The shape of the planes of an image.
fn planes(image: &Layout<3>) -> [usize; 3] {
    let [height, width, channels] = *image.shape();
    [channels, height, width]
}
