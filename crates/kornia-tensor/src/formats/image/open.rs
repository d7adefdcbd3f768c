//! Opening pictures: the right way up, whole, and at a bounded cost.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use ::image::metadata::Orientation;
use ::image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::samples::Channels;
use super::{ImageElement, cut};
use crate::Tensor;
use crate::error::TensorError;
use crate::formats::file::{FileError, FileErrorKind};

/// What a picture may take unless the program says otherwise; as in the crate `image`.
const MAX_BYTES: u64 = 512 << 20;

/// One part in so many of that is for what is not pixels: color profile, texts, a row at a time.
const PART_FOR_THE_REST: u64 = 64;

/// At least so much, where that part would not hold a row.
const LEAST_FOR_THE_REST: u64 = 64 << 10;

/// How a picture is opened: turned upright or not, with which channels, at which cost.
///
/// [`Tensor::open_image`] is this with nothing changed: the picture is turned upright, has the
/// channels and the element type that the file has, is whole, and takes at most 512 MiB.
///
/// ```
/// use kornia_tensor::Tensor;
/// use kornia_tensor::formats::image::ImageOptions;
///
/// let path = std::env::temp_dir().join(format!("kornia-doc-{}.png", std::process::id()));
/// Tensor::<u16, 3>::full([4, 6, 1], 0x8080).save_image(&path)?; // grey, 16 bits
///
/// let rgb = ImageOptions::new().rgb().open::<u8>(&path)?; // three channels of 8 bits
/// assert_eq!(rgb, Tensor::<u8, 3>::full([4, 6, 3], 0x80));
///
/// let small = ImageOptions::new().max_side(5).open::<u16>(&path).unwrap_err();
/// assert!(small.to_string().contains("a picture of 6 x 4 pixels, and 5 a side are allowed"));
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is opened before `open` or `decode`"]
pub struct ImageOptions {
    upright: bool,
    whole: bool,
    channels: Option<Channels>,
    max_bytes: u64,
    max_side: u32,
}

impl Default for ImageOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl ImageOptions {
    /// As [`Tensor::open_image`] opens pictures.
    pub const fn new() -> Self {
        Self {
            upright: true,
            whole: true,
            channels: None,
            max_bytes: MAX_BYTES,
            max_side: u32::MAX,
        }
    }

    /// Leaves the pixels as they are stored, whatever the file says about how the camera was held.
    ///
    /// For programs that keep the note, or whose boxes and masks were made on stored pixels.
    pub const fn as_stored(mut self) -> Self {
        self.upright = false;
        self
    }

    /// Takes a picture that was cut short, with whatever its decoder makes of what is missing: in a
    /// JPEG a grey area. It is still an error where nothing can be shown without that.
    pub const fn accept_truncated(mut self) -> Self {
        self.whole = false;
        self
    }

    /// One channel, `[H, W, 1]`, whatever the file has.
    ///
    /// Colors are weighed as the crate `image` does it, by the luminance of sRGB (Rec. 709); OpenCV
    /// weighs them by Rec. 601. An alpha channel is dropped.
    pub const fn grey(mut self) -> Self {
        self.channels = Some(Channels::Grey);
        self
    }

    /// Three channels, `[H, W, 3]`, whatever the file has. An alpha channel is dropped.
    pub const fn rgb(mut self) -> Self {
        self.channels = Some(Channels::Rgb);
        self
    }

    /// Four channels, `[H, W, 4]`, whatever the file has. What has no alpha is opaque.
    pub const fn rgba(mut self) -> Self {
        self.channels = Some(Channels::Rgba);
        self
    }

    /// The most that a file, its pixels, and the picture that is made of them may take, each; a
    /// 64th of it, if the file is a PNG, for its color profile, texts and a row of pixels (what is
    /// larger of the first two is left out or refused).
    ///
    /// A picture that is turned or converted is there twice for a moment, and the decoder of a
    /// progressive JPEG keeps twice the pixels' bytes besides.
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// The most pixels that width and height may have.
    pub const fn max_side(mut self, pixels: u32) -> Self {
        self.max_side = pixels;
        self
    }

    /// The picture in a file, as `[H, W, C]`. O(n). The kind of file is told by its content, not by
    /// its name.
    ///
    /// Elements are those of the file if no channels are asked for. If they are, samples are
    /// converted to `T` as well: 255 of `u8` is 65535 of `u16` and 1 of `f32`.
    ///
    /// # Errors
    ///
    /// `Io`; `Invalid` for what the decoder refuses, was cut short or exceeds a limit; `ElementType`
    /// if no channels are asked for and the file has other samples; `OutOfMemory`.
    pub fn open<T: ImageElement>(&self, path: impl AsRef<Path>) -> Result<Tensor<T, 3>, FileError> {
        let path = path.as_ref();
        let here = |error: FileError| error.in_file(Some(path));
        let file = File::open(path).map_err(|error| here(error.into()))?;
        let mut bytes = Vec::new();
        // One byte more, so that a file that is too large is noticed.
        file.take(self.max_bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| here(error.into()))?;
        self.decode(&bytes).map_err(here)
    }

    /// The picture that these bytes are, as [`open`](Self::open) gives it. O(n).
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), but for `Io`.
    ///
    /// ```
    /// use kornia_tensor::formats::image::ImageOptions;
    ///
    /// let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/photographs/chelsea.png"));
    /// let cat = ImageOptions::new().grey().decode::<f32>(bytes)?;
    /// assert_eq!(cat.shape(), &[300, 451, 1]);
    /// assert!(cat.iter().all(|grey| (0.0..=1.0).contains(grey)));
    /// # Ok::<(), kornia_tensor::formats::file::FileError>(())
    /// ```
    pub fn decode<T: ImageElement>(&self, bytes: &[u8]) -> Result<Tensor<T, 3>, FileError> {
        Ok(self.try_decode(bytes)?)
    }

    fn try_decode<T: ImageElement>(&self, bytes: &[u8]) -> Result<Tensor<T, 3>, FileErrorKind> {
        if bytes.is_empty() {
            return invalid("the file is empty; a picture was expected".to_string());
        }
        if bytes.len() as u64 > self.max_bytes {
            return self.too_large("the file", bytes.len() as u64);
        }
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
        let format = reader.format();
        if self.whole && cut::is_cut(format, bytes) {
            return invalid(format!(
                "{} bytes, and the mark at the end of a picture is not among them; the file was \
                 cut short (`ImageOptions::accept_truncated` takes what is there)",
                bytes.len()
            ));
        }
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(if format == Some(ImageFormat::Png) {
            (self.max_bytes / PART_FOR_THE_REST).max(LEAST_FOR_THE_REST)
        } else {
            self.max_bytes
        });
        reader.limits(limits);
        let refused = |error| self.refused(error, bytes);
        let mut decoder = reader.into_decoder().map_err(refused)?;

        let (width, height) = decoder.dimensions();
        if width.max(height) > self.max_side {
            return self.too_wide(width, height);
        }
        let color = decoder.color_type();
        if self.channels.is_none() && !T::COLORS.contains(&Some(color.into())) {
            return Err(FileErrorKind::element_type_or::<T>(
                format!("{color:?}"),
                "`ImageOptions::rgb`, `rgba` and `grey` convert samples, too",
            ));
        }
        let pixels = u64::from(width) * u64::from(height);
        let of_a_pixel = self.channels.map_or(0, |channels| channels.count()) * size_of::<T>();
        let needed = decoder
            .total_bytes()
            .max(pixels.saturating_mul(of_a_pixel as u64));
        if needed > self.max_bytes {
            let what = format!("a picture of {width} x {height} pixels");
            return self.too_large(&what, needed);
        }
        can_be_had(needed)?;
        let orientation = if self.upright {
            decoder.orientation().map_err(refused)?
        } else {
            Orientation::NoTransforms
        };
        let image = DynamicImage::from_decoder(decoder).map_err(refused)?;
        let tensor = match self.channels {
            None => Tensor::try_from(image)?,
            Some(channels) => {
                let samples = T::convert(image, channels);
                super::adopt([height, width, channels.count() as u32], samples)?
            }
        };
        turned(tensor, orientation)
    }

    /// What the decoder says, or what was exceeded.
    fn refused(&self, error: ImageError, bytes: &[u8]) -> FileErrorKind {
        match error {
            ImageError::IoError(error) => {
                // There is no system behind bytes: they ended, or make no sense.
                FileErrorKind::Invalid(format!("the picture cannot be decoded: {error}"))
            }
            ImageError::Limits(_) => FileErrorKind::Invalid(format!(
                "the picture, or what is in the file besides, takes more than the {} bytes that are \
                 allowed; `ImageOptions::max_bytes` allows more",
                self.max_bytes
            )),
            ImageError::Unsupported(_) if ::image::guess_format(bytes).is_err() => {
                let first = &bytes[..bytes.len().min(8)];
                FileErrorKind::Invalid(format!(
                    "the first bytes are {first:02x?}, which begin no kind of picture that is \
                     known here; PNG and JPEG are, others once the crate `image` has them enabled"
                ))
            }
            error => FileErrorKind::Invalid(format!("the picture cannot be decoded: {error}")),
        }
    }

    fn too_large<R>(&self, what: &str, needed: u64) -> Result<R, FileErrorKind> {
        invalid(format!(
            "{what} takes {needed} bytes or more, and {} are allowed; \
             `ImageOptions::max_bytes` allows more",
            self.max_bytes
        ))
    }

    fn too_wide<R>(&self, width: u32, height: u32) -> Result<R, FileErrorKind> {
        invalid(format!(
            "a picture of {width} x {height} pixels, and {} a side are allowed; \
             `ImageOptions::max_side` allows more",
            self.max_side
        ))
    }
}

/// Pictures from files (feature `image`).
impl<T: ImageElement> Tensor<T, 3> {
    /// The picture in a file, as `[H, W, C]` with the channels that it has, the right way up. O(n).
    /// The kind of file is told by its content, not by its name.
    ///
    /// A note about how the camera was held (orientation in Exif, of JPEG, PNG and what else the
    /// crate `image` finds it in) is followed, as OpenCV does it.
    /// [`ImageOptions`] opens pixels as they are stored, as RGB or grey whatever the file has,
    /// files that were cut short, and sets limits.
    ///
    /// # Errors
    ///
    /// `Io`; `Invalid` for what the decoder refuses, was cut short, or takes more than 512 MiB;
    /// `ElementType` if it has other samples, as a picture with 16 bits has for `u8`.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let path = std::env::temp_dir().join(format!("kornia-doc-{}.png", std::process::id()));
    /// let image = Tensor::<u8, 3>::from_shape_fn([4, 6, 3], |[y, x, c]| (y + x + c) as u8);
    /// image.flip(2).save_image(&path)?; // BGR as RGB
    ///
    /// assert_eq!(Tensor::<u8, 3>::open_image(&path)?, image.flip(2));
    /// let error = Tensor::<u16, 3>::open_image(&path).unwrap_err();
    /// assert!(error.to_string().contains("elements of type Rgb8 where u16 was asked for"));
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_image(path: impl AsRef<Path>) -> Result<Self, FileError> {
        ImageOptions::new().open(path)
    }

    /// The picture that these bytes are, as [`open_image`](Self::open_image) gives it. O(n).
    ///
    /// # Errors
    ///
    /// Those of [`open_image`](Self::open_image), but for `Io`.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let path = std::env::temp_dir().join(format!("kornia-doc-{}.png", std::process::id()));
    /// let image = Tensor::<u8, 3>::full([4, 6, 3], 7);
    /// image.save_image(&path)?;
    /// let received = std::fs::read(&path)?; // over a network, say
    /// assert_eq!(Tensor::<u8, 3>::decode_image(&received)?, image);
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decode_image(bytes: &[u8]) -> Result<Self, FileError> {
        ImageOptions::new().decode(bytes)
    }
}

/// The picture the right way up, in standard layout.
fn turned<T: ImageElement>(
    tensor: Tensor<T, 3>,
    orientation: Orientation,
) -> Result<Tensor<T, 3>, FileErrorKind> {
    let view = tensor.view();
    let across = || view.permute_axes([1, 0, 2]);
    let view = match orientation {
        Orientation::NoTransforms => return Ok(tensor),
        Orientation::FlipHorizontal => view.flip(1),
        Orientation::FlipVertical => view.flip(0),
        Orientation::Rotate180 => view.flip(0).flip(1),
        Orientation::Rotate90FlipH => across()?,
        // The left column becomes the first row, from the bottom up.
        Orientation::Rotate90 => across()?.flip(1),
        Orientation::Rotate270 => across()?.flip(0),
        Orientation::Rotate270FlipH => across()?.flip(0).flip(1),
    };
    Ok(view.try_to_tensor()?)
}

/// An error where so much memory is not there: the decoders would end the program.
fn can_be_had(bytes: u64) -> Result<(), FileErrorKind> {
    let most = usize::try_from(bytes).unwrap_or(usize::MAX);
    let tried = Vec::<u8>::new().try_reserve_exact(most);
    tried.map_err(|_| TensorError::OutOfMemory { bytes: most }.into())
}

fn invalid<R>(what: String) -> Result<R, FileErrorKind> {
    Err(FileErrorKind::Invalid(what))
}
