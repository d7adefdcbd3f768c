//! Writing pictures.

use ::image::codecs::jpeg::JpegEncoder;
use ::image::{ExtendedColorType, ImageError, ImageFormat, ImageResult};

use super::{ImageElement, color, size_of_image};
use crate::engine::element::bytes::{Order, to_bytes};
use crate::formats::file::{Destination, FileError, FileErrorKind, NewFile, save as save_file};
use crate::{Tensor, TensorView};

/// Pictures to files (feature `image`).
impl<T: ImageElement> Tensor<T, 3> {
    /// Writes `[H, W, C]` as a picture, [whole or not at all](crate::formats::file), of the kind that the
    /// path ends in. O(n).
    ///
    /// A JPEG has the quality 75 of 100; [`save_jpeg`](Self::save_jpeg) sets another.
    ///
    /// # Errors
    ///
    /// `Invalid` for an ending that is no kind of picture, or a kind that cannot have such samples;
    /// `Tensor` if this is no `[H, W, 1..=4]`; `Io`.
    pub fn save_image(&self, path: impl Destination) -> Result<(), FileError> {
        self.try_view()?.save_image(path)
    }

    /// Writes `[H, W, 1]` or `[H, W, 3]` as a JPEG of this quality, from 1 to 100, [whole or not at
    /// all](crate::formats::file), whatever the path ends in. O(n).
    ///
    /// At 75 a photograph takes a tenth of its pixels' bytes; OpenCV writes 95 by default, which
    /// takes three times as much. What is outside 1 to 100 is taken for the nearer of them.
    ///
    /// # Errors
    ///
    /// As [`save_image`](Self::save_image).
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let path = std::env::temp_dir().join(format!("kornia-doc-{}.jpg", std::process::id()));
    /// let ramp = Tensor::<u8, 3>::from_shape_fn([64, 64, 3], |[y, x, c]| (y + x + 20 * c) as u8);
    /// ramp.save_jpeg(&path, 95)?;
    /// let large = std::fs::metadata(&path)?.len();
    /// ramp.save_jpeg(&path, 30)?;
    /// assert!(std::fs::metadata(&path)?.len() < large);
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save_jpeg(&self, path: impl Destination, quality: u8) -> Result<(), FileError> {
        self.try_view()?.save_jpeg(path, quality)
    }
}

/// Pictures to files (feature `image`).
impl<T: ImageElement> TensorView<'_, T, 3> {
    /// As [`Tensor::save_image`].
    ///
    /// # Errors
    ///
    /// Those of [`Tensor::save_image`].
    pub fn save_image(self, path: impl Destination) -> Result<(), FileError> {
        let format = ImageFormat::from_path(path.path()).map_err(|_| {
            let known = "; PNG and JPEG do, others once the crate `image` has them enabled";
            let what = format!("the name ends in no kind of picture{known}");
            FileError::from(FileErrorKind::Invalid(what)).in_file(Some(path.path()))
        })?;
        save(self, path, format, |to, samples, width, height, color| {
            ::image::write_buffer_with_format(to, samples, width, height, color, format)
        })
    }

    /// As [`Tensor::save_jpeg`].
    ///
    /// # Errors
    ///
    /// Those of [`Tensor::save_jpeg`].
    pub fn save_jpeg(self, path: impl Destination, quality: u8) -> Result<(), FileError> {
        let quality = quality.clamp(1, 100);
        let format = ImageFormat::Jpeg;
        save(self, path, format, |to, samples, width, height, color| {
            JpegEncoder::new_with_quality(to, quality).encode(samples, width, height, color)
        })
    }
}

/// Writes the samples with an encoder; what is wrong with them is said before anything is written.
fn save<T: ImageElement>(
    view: TensorView<'_, T, 3>,
    path: impl Destination,
    format: ImageFormat,
    encode: impl FnOnce(&mut NewFile, &[u8], u32, u32, ExtendedColorType) -> ImageResult<()>,
) -> Result<(), FileError> {
    let here = |kind: FileErrorKind| FileError::from(kind).in_file(Some(path.path()));
    let color = color::<T>(view.shape()).map_err(|error| here(error.into()))?;
    let size = size_of_image(view.shape(), view.shape()[2]);
    let (width, height) = size.map_err(|error| here(error.into()))?;
    takes(format, color).map_err(here)?;
    save_file(&path, |file| -> Result<(), FileErrorKind> {
        to_bytes(view.source(), Order::NATIVE, |samples| {
            encode(file, samples, width, height, color)
        })?
        .map_err(|error| match error {
            ImageError::IoError(error) => FileErrorKind::Io(error),
            error => FileErrorKind::Invalid(format!("the picture cannot be encoded: {error}")),
        })
    })
}

/// Whether pictures of this kind can have such samples, for the two kinds that are always
/// there.
fn takes(format: ImageFormat, color: ExtendedColorType) -> Result<(), FileErrorKind> {
    use ExtendedColorType as Color;
    let wanted = match (format, color) {
        (ImageFormat::Png, Color::Rgb32F | Color::Rgba32F) => {
            "a PNG has samples of u8 or u16; multiply and `cast` them"
        }
        (ImageFormat::Jpeg, Color::L8 | Color::Rgb8) => return Ok(()),
        (ImageFormat::Jpeg, Color::La8 | Color::Rgba8) => {
            "a JPEG has no alpha; slice the color channels, or save a PNG"
        }
        (ImageFormat::Jpeg, _) => {
            "a JPEG has 1 or 3 channels of u8; convert the elements with `map`, or save a PNG"
        }
        _ => return Ok(()),
    };
    Err(FileErrorKind::Invalid(format!(
        "samples are {color:?}, and {wanted}"
    )))
}
