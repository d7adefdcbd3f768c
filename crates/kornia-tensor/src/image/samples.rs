//! The samples that images have, type by type.

use ::image::{DynamicImage, ExtendedColorType, ImageBuffer};

/// How samples of a type go into a `DynamicImage`, and come out.
pub trait Samples: Sized {
    /// What images of 1, 2, 3 and 4 such channels are called, where they exist.
    const COLORS: [Option<ExtendedColorType>; 4];

    /// The samples, if they are of this type.
    fn take(image: DynamicImage) -> Option<Vec<Self>>;

    /// The image of so many channels, or the samples back.
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

    fn give(
        channels: usize,
        (width, height): (u32, u32),
        samples: Vec<Self>,
    ) -> Result<DynamicImage, Vec<Self>> {
        let image = match channels {
            1 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLuma8),
            2 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLumaA8),
            3 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb8),
            4 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgba8),
            _ => return Err(samples),
        };
        // Fewer samples than the size asks for do not come here.
        image.ok_or_else(Vec::new)
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

    fn give(
        channels: usize,
        (width, height): (u32, u32),
        samples: Vec<Self>,
    ) -> Result<DynamicImage, Vec<Self>> {
        let image = match channels {
            1 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLuma16),
            2 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLumaA16),
            3 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb16),
            4 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgba16),
            _ => return Err(samples),
        };
        image.ok_or_else(Vec::new)
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

    fn give(
        channels: usize,
        (width, height): (u32, u32),
        samples: Vec<Self>,
    ) -> Result<DynamicImage, Vec<Self>> {
        let image = match channels {
            3 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb32F),
            4 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgba32F),
            _ => return Err(samples),
        };
        image.ok_or_else(Vec::new)
    }
}
