//! The samples that images have, type by type.

use ::image::{
    DynamicImage, ExtendedColorType, ImageBuffer, Luma, LumaA, Pixel, Primitive, Rgb, Rgba,
};

/// The channels that a picture is asked to have.
#[derive(Clone, Copy, Debug)]
pub enum Channels {
    Grey,
    Rgb,
    Rgba,
}

impl Channels {
    pub(super) const fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }
}

/// How samples of a type go into a `DynamicImage`, and come out.
pub trait Samples: Sized {
    /// What images of 1, 2, 3 and 4 such channels are called, where they exist.
    const COLORS: [Option<ExtendedColorType>; 4];

    /// The samples, if they are of this type.
    fn take(image: DynamicImage) -> Option<Vec<Self>>;

    /// Samples of this type in these channels, whatever there is; they move if they are that.
    fn convert(image: DynamicImage, channels: Channels) -> Vec<Self>;

    /// The image of so many channels, or the samples back. There are as many as it needs.
    fn give(
        channels: usize,
        size: (u32, u32),
        samples: Vec<Self>,
    ) -> Result<DynamicImage, Vec<Self>>;
}

impl Samples for u8 {
    const COLORS: [Option<ExtendedColorType>; 4] = [
        Some(ExtendedColorType::L8),
        Some(ExtendedColorType::La8),
        Some(ExtendedColorType::Rgb8),
        Some(ExtendedColorType::Rgba8),
    ];

    fn take(image: DynamicImage) -> Option<Vec<Self>> {
        Some(match image {
            DynamicImage::ImageLuma8(image) => image.into_raw(),
            DynamicImage::ImageLumaA8(image) => image.into_raw(),
            DynamicImage::ImageRgb8(image) => image.into_raw(),
            DynamicImage::ImageRgba8(image) => image.into_raw(),
            _ => return None,
        })
    }

    fn convert(image: DynamicImage, channels: Channels) -> Vec<Self> {
        match channels {
            Channels::Grey => image.into_luma8().into_raw(),
            Channels::Rgb => image.into_rgb8().into_raw(),
            Channels::Rgba => image.into_rgba8().into_raw(),
        }
    }

    fn give(
        channels: usize,
        size: (u32, u32),
        samples: Vec<Self>,
    ) -> Result<DynamicImage, Vec<Self>> {
        with_grey(channels, size, samples)
    }
}

impl Samples for u16 {
    const COLORS: [Option<ExtendedColorType>; 4] = [
        Some(ExtendedColorType::L16),
        Some(ExtendedColorType::La16),
        Some(ExtendedColorType::Rgb16),
        Some(ExtendedColorType::Rgba16),
    ];

    fn take(image: DynamicImage) -> Option<Vec<Self>> {
        Some(match image {
            DynamicImage::ImageLuma16(image) => image.into_raw(),
            DynamicImage::ImageLumaA16(image) => image.into_raw(),
            DynamicImage::ImageRgb16(image) => image.into_raw(),
            DynamicImage::ImageRgba16(image) => image.into_raw(),
            _ => return None,
        })
    }

    fn convert(image: DynamicImage, channels: Channels) -> Vec<Self> {
        match channels {
            Channels::Grey => image.into_luma16().into_raw(),
            Channels::Rgb => image.into_rgb16().into_raw(),
            Channels::Rgba => image.into_rgba16().into_raw(),
        }
    }

    fn give(
        channels: usize,
        size: (u32, u32),
        samples: Vec<Self>,
    ) -> Result<DynamicImage, Vec<Self>> {
        with_grey(channels, size, samples)
    }
}

impl Samples for f32 {
    const COLORS: [Option<ExtendedColorType>; 4] = [
        None,
        None,
        Some(ExtendedColorType::Rgb32F),
        Some(ExtendedColorType::Rgba32F),
    ];

    fn take(image: DynamicImage) -> Option<Vec<Self>> {
        Some(match image {
            DynamicImage::ImageRgb32F(image) => image.into_raw(),
            DynamicImage::ImageRgba32F(image) => image.into_raw(),
            _ => return None,
        })
    }

    fn convert(image: DynamicImage, channels: Channels) -> Vec<Self> {
        match channels {
            Channels::Grey => image.to_luma32f().into_raw(),
            Channels::Rgb => image.into_rgb32f().into_raw(),
            Channels::Rgba => image.into_rgba32f().into_raw(),
        }
    }

    fn give(
        channels: usize,
        size: (u32, u32),
        samples: Vec<Self>,
    ) -> Result<DynamicImage, Vec<Self>> {
        color(channels, size, samples)
    }
}

/// An image of one to four channels.
fn with_grey<T: Primitive>(
    channels: usize,
    size: (u32, u32),
    samples: Vec<T>,
) -> Result<DynamicImage, Vec<T>>
where
    Rgb<T>: Pixel<Subpixel = T>,
    Rgba<T>: Pixel<Subpixel = T>,
    DynamicImage: From<ImageBuffer<Luma<T>, Vec<T>>>,
    DynamicImage: From<ImageBuffer<LumaA<T>, Vec<T>>>,
    DynamicImage: From<ImageBuffer<Rgb<T>, Vec<T>>>,
    DynamicImage: From<ImageBuffer<Rgba<T>, Vec<T>>>,
{
    match channels {
        1 => wrap::<Luma<T>>(size, samples),
        2 => wrap::<LumaA<T>>(size, samples),
        _ => color(channels, size, samples),
    }
}

/// An image of three or four channels.
fn color<T>(channels: usize, size: (u32, u32), samples: Vec<T>) -> Result<DynamicImage, Vec<T>>
where
    Rgb<T>: Pixel<Subpixel = T>,
    Rgba<T>: Pixel<Subpixel = T>,
    DynamicImage: From<ImageBuffer<Rgb<T>, Vec<T>>>,
    DynamicImage: From<ImageBuffer<Rgba<T>, Vec<T>>>,
{
    match channels {
        3 => wrap::<Rgb<T>>(size, samples),
        4 => wrap::<Rgba<T>>(size, samples),
        _ => Err(samples),
    }
}

fn wrap<P: Pixel>(
    (width, height): (u32, u32),
    samples: Vec<P::Subpixel>,
) -> Result<DynamicImage, Vec<P::Subpixel>>
where
    DynamicImage: From<ImageBuffer<P, Vec<P::Subpixel>>>,
{
    // Fewer samples than the size asks for do not come here.
    ImageBuffer::<P, _>::from_raw(width, height, samples)
        .map(DynamicImage::from)
        .ok_or_else(Vec::new)
}
