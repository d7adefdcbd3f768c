//! Images of the crate `image` as tensors `[H, W, C]`, and back (feature `image`).
//!
//! ```
//! use image::RgbImage;
//! use kornia_tensor::Tensor;
//!
//! let picture = RgbImage::from_fn(6, 4, |x, y| image::Rgb([x as u8, y as u8, 7]));
//! let address = picture.as_ptr();
//!
//! let tensor = Tensor::<u8, 3>::try_from(picture)?; // moves
//! assert_eq!((tensor.shape(), tensor.as_ptr()), (&[4, 6, 3], address));
//! let crop = tensor.slice((1..3, 2..5, ..));
//! assert_eq!(crop.view().to_image::<image::Rgb<u8>>()?.get_pixel(0, 0).0, [2, 1, 7]); // copies
//! drop(crop);
//!
//! let picture: RgbImage = tensor.try_into_image().unwrap(); // moves
//! assert_eq!(picture.as_ptr(), address);
//! # Ok::<(), kornia_tensor::TensorError>(())
//! ```
//!
//! | from | to | how | copies |
//! |---|---|---|---|
//! | [`ImageBuffer`], [`DynamicImage`], [`FlatSamples`] with a `Vec` | tensor | `Tensor::try_from` | never |
//! | tensor, if it is the only handle and whole | the same | [`Tensor::try_into_image`], [`Tensor::try_into_dynamic_image`] | never |
//! | any tensor or view | image of its own | [`TensorView::to_image`], [`TensorView::to_dynamic_image`] | always |
//! | contiguous tensor or view | borrowed image | [`TensorView::as_image`] | never |
//! | tensor whose axes are not flipped | borrowed [`FlatSamples`] | [`Tensor::as_flat_samples`] | never |
//! | file, or the bytes of one | tensor, the right way up | [`Tensor::open_image`], [`Tensor::decode_image`] | decodes |
//! | the same | raw pixels; RGB or grey whatever it has; within limits | [`ImageOptions`] | decodes |
//! | tensor or view | file | [`Tensor::save_image`], [`Tensor::save_jpeg`] | encodes |
//!
//! Elements are the samples as they are: `u8` and `u16` from 0 to their largest, `f32` from 0 to 1.
//! A grey image is `[H, W, 1]`; grey with alpha has 2 channels, RGB 3, RGBA 4. Nothing is converted
//! on the way: `DynamicImage::to_rgb8` and the like do that.
//!
//! | elements | 1 channel | 2 | 3 | 4 | PNG | JPEG |
//! |---|---|---|---|---|---|---|
//! | `u8` | `L8` | `La8` | `Rgb8` | `Rgba8` | all | grey and RGB |
//! | `u16` | `L16` | `La16` | `Rgb16` | `Rgba16` | all | |
//! | `f32` | | | `Rgb32F` | `Rgba32F` | | |
//!
//! PNG and JPEG are there with this feature; others once your program enables them in the crate
//! `image`. The module [`file`](crate::formats::file) says how files are written.
//!
//! # What is opened
//!
//! Pictures come the right way up: the note in Exif about how the camera was held is followed, in
//! all eight cases, as OpenCV does it. (In a PNG that is the chunk `eXIf`, in front of the pixels.)
//! Whoever needs pixels as they are stored asks for them: [`ImageOptions::as_stored`].
//!
//! A JPEG or PNG that was cut short is an error, wherever it was cut: their decoders would paint the
//! rest of a JPEG grey and say nothing. [`ImageOptions::accept_truncated`] takes what is there, as OpenCV
//! does. Damage within the pixels of a JPEG is not noticed; the format has no sum to compare.
//!
//! File, decoded pixels and the result take at most 512 MiB each, and all of a PNG that is not
//! pixels 8 MiB (half a megabyte of compressed color profile would become hundreds);
//! [`ImageOptions::max_bytes`] sets other limits.

#![forbid(unsafe_code)]

mod cut;
mod open;
mod samples;
mod save;

use ::image::flat::SampleLayout;
use ::image::{DynamicImage, ExtendedColorType, FlatSamples, ImageBuffer, Pixel};

use crate::formats::file::FileElement;
use crate::storage::host_alloc;
use crate::{Tensor, TensorError, TensorParts, TensorStorage, TensorView};

pub use open::ImageOptions;

/// An element type that images have: `u8`, `u16` and `f32`. Sealed.
pub trait ImageElement: FileElement + samples::Samples {}

impl<T: FileElement + samples::Samples> ImageElement for T {}

impl<P, T> TryFrom<ImageBuffer<P, Vec<T>>> for Tensor<T, 3>
where
    P: Pixel<Subpixel = T>,
{
    type Error = TensorError;

    /// The samples as `[H, W, C]`. O(1): the `Vec` moves.
    ///
    /// # Errors
    ///
    /// `ShapeOverflow`, for an image without samples and sides beyond what memory can address.
    fn try_from(image: ImageBuffer<P, Vec<T>>) -> Result<Self, TensorError> {
        let (width, height) = image.dimensions();
        let channels = P::CHANNEL_COUNT;
        adopt([height, width, channels.into()], image.into_raw())
    }
}

impl<T: ImageElement> TryFrom<DynamicImage> for Tensor<T, 3> {
    type Error = TensorError;

    /// The samples as `[H, W, C]`. O(1): the `Vec` moves.
    ///
    /// # Errors
    ///
    /// `UnsupportedOperation` for samples of another type.
    fn try_from(image: DynamicImage) -> Result<Self, TensorError> {
        let (height, width) = (image.height(), image.width());
        let color = image.color();
        match T::take(image) {
            Some(samples) => adopt([height, width, color.channel_count().into()], samples),
            None => Err(TensorError::UnsupportedOperation(format!(
                "samples are {color:?} where {} was asked for; convert the image first",
                std::any::type_name::<T>()
            ))),
        }
    }
}

impl<T> TryFrom<FlatSamples<Vec<T>>> for Tensor<T, 3> {
    type Error = TensorError;

    /// The samples as `[H, W, C]`, in whatever order they are. O(1): the `Vec` moves.
    ///
    /// # Errors
    ///
    /// `LayoutOutOfBounds` if there are fewer samples than the layout reaches;
    /// `OverlappingLayout` if pixels share samples, as those of one repeated color do.
    fn try_from(image: FlatSamples<Vec<T>>) -> Result<Self, TensorError> {
        let layout = image.layout;
        let strides = [
            layout.height_stride,
            layout.width_stride,
            layout.channel_stride,
        ];
        Self::try_from_parts(TensorParts {
            storage: TensorStorage::from_vec(image.samples, host_alloc()),
            shape: [layout.height, layout.width, layout.channels.into()].map(wide),
            strides: strides.map(|stride| isize::try_from(stride).unwrap_or(isize::MAX)),
        })
    }
}

/// A tensor of samples in row-major order; a buffer may have more of them.
fn adopt<T>(shape: [u32; 3], mut samples: Vec<T>) -> Result<Tensor<T, 3>, TensorError> {
    let shape = shape.map(wide);
    samples.truncate(crate::checked_numel(&shape)?);
    Tensor::from_shape_vec(shape, samples)
}

/// No target that has the standard library has narrower addresses.
fn wide(len: u32) -> usize {
    len as usize
}

/// Width and height of `[H, W, C]`, for an image of so many channels.
fn size_of_image(shape: &[usize; 3], channels: usize) -> Result<(u32, u32), TensorError> {
    let &[height, width, found] = shape;
    match (u32::try_from(width), u32::try_from(height)) {
        (Ok(width), Ok(height)) if found == channels => Ok((width, height)),
        _ => Err(TensorError::UnsupportedOperation(format!(
            "shape {shape:?} is no [H, W, {channels}] with sides below 2^32, as the image needs it"
        ))),
    }
}

/// The image of these samples, which are as many as it needs.
fn image_of<P: Pixel, B>(size: (u32, u32), samples: B) -> Result<ImageBuffer<P, B>, TensorError>
where
    B: std::ops::Deref<Target = [P::Subpixel]>,
{
    let found = samples.len();
    let shape = [size.1, size.0, P::CHANNEL_COUNT.into()].map(wide);
    ImageBuffer::from_raw(size.0, size.1, samples).ok_or_else(|| {
        TensorError::ElementCountMismatch {
            shape: shape.into(),
            found,
        }
    })
}

/// Images (feature `image`).
impl<T: ImageElement> Tensor<T, 3> {
    /// The image that this tensor is, with the channels that it has. O(1): the `Vec` moves.
    ///
    /// # Errors
    ///
    /// The tensor itself, if [`try_into_vec`](Tensor::try_into_vec) gives it back, or there is no
    /// such image: [`to_dynamic_image`](TensorView::to_dynamic_image) copies, or says why.
    pub fn try_into_dynamic_image(self) -> Result<DynamicImage, Self> {
        let shape = *self.shape();
        let Ok(size) = size_of_image(&shape, shape[2]) else {
            return Err(self);
        };
        let samples = self.try_into_vec()?;
        // Where there is no such image, they are put back.
        T::give(shape[2], size, samples)
            .map_err(|samples| crate::error::expect(Self::from_shape_vec(shape, samples)))
    }
}

/// Images (feature `image`).
impl<T> Tensor<T, 3> {
    /// The image that this tensor is. O(1): the `Vec` moves.
    ///
    /// # Errors
    ///
    /// The tensor itself, if [`try_into_vec`](Tensor::try_into_vec) gives it back, or its last axis
    /// is not as long as a pixel `P`: [`to_image`](TensorView::to_image) copies, or says why.
    pub fn try_into_image<P>(self) -> Result<ImageBuffer<P, Vec<T>>, Self>
    where
        P: Pixel<Subpixel = T>,
    {
        let Ok(size) = size_of_image(self.shape(), P::CHANNEL_COUNT.into()) else {
            return Err(self);
        };
        // As many as the shape says, so there is an image.
        let samples = self.try_into_vec()?;
        Ok(crate::error::expect(image_of(size, samples)))
    }

    /// The samples where they are, a crop or planes included, for functions that read strides.
    /// O(1).
    ///
    /// # Errors
    ///
    /// `NotContiguous` if an axis is flipped, which `FlatSamples` cannot express;
    /// `UnsupportedOperation` for sides or channels beyond what fits; `NotHostAccessible`.
    ///
    /// ```
    /// use image::{GenericImageView, Rgb};
    /// use kornia_tensor::Tensor;
    ///
    /// let planes = Tensor::<u8, 3>::from_shape_fn([3, 4, 6], |[c, y, x]| (c * 100 + y * 6 + x) as u8);
    /// let crop = planes.permute_axes([1, 2, 0])?.slice((1..3, 2..5, ..));
    /// let samples = crop.as_flat_samples()?;
    /// assert_eq!(samples.as_view::<Rgb<u8>>().unwrap().get_pixel(1, 0), Rgb([9, 109, 209]));
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    pub fn as_flat_samples(&self) -> Result<FlatSamples<&[T]>, TensorError> {
        let (width, height) = size_of_image(self.shape(), self.shape()[2])?;
        let stride = |axis: usize| match usize::try_from(self.strides()[axis]) {
            Ok(stride) => Ok(stride),
            // An axis along which there is no step.
            Err(_) if self.shape()[axis] == 1 => Ok(self.strides()[axis].unsigned_abs()),
            Err(_) => Err(crate::tensor::view::not_contiguous(&self.layout())),
        };
        let channels = u8::try_from(self.shape()[2]).map_err(|_| {
            let shape = self.shape();
            TensorError::UnsupportedOperation(format!("shape {shape:?} has more than 255 channels"))
        })?;
        let layout = SampleLayout {
            channels,
            channel_stride: stride(2)?,
            width,
            width_stride: stride(1)?,
            height,
            height_stride: stride(0)?,
        };
        Ok(FlatSamples {
            // Without negative strides the window begins with the first element.
            samples: self.storage.try_as_slice()?,
            layout,
            color_hint: None,
        })
    }
}

/// Images (feature `image`).
impl<'a, T> TensorView<'a, T, 3> {
    /// The samples of `[H, W, C]` as an image, where they are. O(1).
    ///
    /// # Errors
    ///
    /// `NotContiguous`; `UnsupportedOperation` if the last axis is not as long as a pixel `P`.
    pub fn as_image<P>(self) -> Result<ImageBuffer<P, &'a [T]>, TensorError>
    where
        P: Pixel<Subpixel = T>,
    {
        let size = size_of_image(self.shape(), P::CHANNEL_COUNT.into())?;
        image_of(size, self.try_as_slice()?)
    }

    /// The samples of `[H, W, C]` as an image of its own. O(n).
    ///
    /// # Errors
    ///
    /// `UnsupportedOperation` if the last axis is not as long as a pixel `P`; `OutOfMemory`.
    pub fn to_image<P>(self) -> Result<ImageBuffer<P, Vec<T>>, TensorError>
    where
        P: Pixel<Subpixel = T>,
        T: Clone,
    {
        let size = size_of_image(self.shape(), P::CHANNEL_COUNT.into())?;
        image_of(size, self.try_to_tensor()?.into_vec())
    }
}

/// Images (feature `image`).
impl<T: ImageElement> TensorView<'_, T, 3> {
    /// An image of its own with the channels that `[H, W, C]` has. O(n).
    ///
    /// # Errors
    ///
    /// `UnsupportedOperation` if there are no images with such samples; `OutOfMemory`.
    pub fn to_dynamic_image(self) -> Result<DynamicImage, TensorError> {
        let channels = self.shape()[2];
        color::<T>(self.shape())?;
        let size = size_of_image(self.shape(), channels)?;
        let samples = self.try_to_tensor()?.into_vec();
        T::give(channels, size, samples).map_err(|_| no_such_image::<T>(self.shape()))
    }
}

/// What an image of this shape is called.
fn color<T: ImageElement>(shape: &[usize; 3]) -> Result<ExtendedColorType, TensorError> {
    let color = shape[2].checked_sub(1).and_then(|last| T::COLORS.get(last));
    color
        .copied()
        .flatten()
        .ok_or_else(|| no_such_image::<T>(shape))
}

fn no_such_image<T>(shape: &[usize; 3]) -> TensorError {
    TensorError::UnsupportedOperation(format!(
        "shape {shape:?} of {} is no image; there are [H, W, C] with 1 to 4 channels of u8 or u16, \
         and 3 or 4 of f32",
        std::any::type_name::<T>()
    ))
}
