//! Images as tensors and back: nothing is copied where nothing has to be.

#[path = "messages/layouts.rs"]
mod layouts;
#[path = "random/config.rs"]
mod random;

use image::flat::SampleLayout;
use image::{DynamicImage, FlatSamples, ImageBuffer, Luma, LumaA, Pixel, Rgb, RgbImage, Rgba};
use kornia_tensor::formats::image::ImageElement;
use kornia_tensor::{Tensor, Tensor3, TensorError};
use layouts::recipes;
use proptest::test_runner::TestRunner;

/// `[H, W, C]` with every sample another, as far as they go.
fn noise<T>(shape: [usize; 3], of: impl Fn(usize) -> T) -> Tensor3<T> {
    let [_, width, channels] = shape;
    Tensor::from_shape_fn(shape, |[y, x, c]| of((y * width + x) * channels + c))
}

#[test]
fn an_image_buffer_moves_in_and_out() {
    #[track_caller]
    fn moves<P: Pixel>(channels: usize)
    where
        P::Subpixel: std::fmt::Debug + PartialEq,
    {
        let image = ImageBuffer::<P, Vec<P::Subpixel>>::new(6, 4);
        let address = image.as_ptr();
        let tensor = Tensor3::try_from(image).unwrap();
        assert_eq!(tensor.shape(), &[4, 6, channels]);
        assert_eq!(tensor.as_ptr(), address);
        let back = tensor.try_into_image::<P>().unwrap();
        assert_eq!((back.as_ptr(), back.dimensions()), (address, (6, 4)));
    }
    moves::<Luma<u8>>(1);
    moves::<LumaA<u8>>(2);
    moves::<Rgb<u8>>(3);
    moves::<Rgba<u8>>(4);
    moves::<Rgb<u16>>(3);
    moves::<Rgba<f32>>(4);
}

#[test]
fn pixels_are_where_they_were() {
    let picture = RgbImage::from_fn(6, 4, |x, y| Rgb([x as u8, y as u8, 99]));
    let tensor = Tensor3::try_from(picture.clone()).unwrap();
    for (x, y, pixel) in picture.enumerate_pixels() {
        for c in 0..3 {
            assert_eq!(tensor[[y as usize, x as usize, c]], pixel.0[c]);
        }
    }
    let view = tensor.view().as_image::<Rgb<u8>>().unwrap();
    assert_eq!(view.as_ptr(), tensor.as_ptr());
    assert!(view.pixels().eq(picture.pixels()));
}

#[test]
fn a_buffer_with_more_than_the_image_loses_the_rest() {
    let image = ImageBuffer::<Luma<u8>, _>::from_raw(2, 2, vec![1, 2, 3, 4, 5, 6]).unwrap();
    let tensor = Tensor3::try_from(image).unwrap();
    assert_eq!(tensor.into_vec(), [1, 2, 3, 4]);
}

#[test]
fn tensors_that_cannot_move_come_back_as_they_were() {
    let image = noise([4, 6, 3], |i| i as u8);
    let shared = image.clone();
    let image = image.try_into_image::<Rgb<u8>>().unwrap_err();
    let image = image.try_into_dynamic_image().unwrap_err();
    drop(shared);
    let image = image.try_into_image::<Rgba<u8>>().unwrap_err(); // 3 channels
    let crop = image.slice((1..3, .., ..));
    assert!(crop.try_into_image::<Rgb<u8>>().is_err());
    let five = noise([2, 2, 5], |i| i as u8);
    let address = five.as_ptr();
    let five = five.try_into_dynamic_image().unwrap_err();
    assert_eq!((five.as_ptr(), five.shape()), (address, &[2, 2, 5]));
    assert!(image.try_into_image::<Rgb<u8>>().is_ok());
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn copies_of_every_layout_have_the_same_pixels() {
    TestRunner::new(random::config(64))
        .run(&recipes(4), |recipe| {
            let tensor = recipe.tensor(|bits| bits as u16);
            let [height, width, channels] = *tensor.shape();
            let image = match channels {
                1 => tensor
                    .view()
                    .to_image::<Luma<u16>>()
                    .map(DynamicImage::from),
                2 => tensor
                    .view()
                    .to_image::<LumaA<u16>>()
                    .map(DynamicImage::from),
                3 => tensor.view().to_image::<Rgb<u16>>().map(DynamicImage::from),
                4 => tensor
                    .view()
                    .to_image::<Rgba<u16>>()
                    .map(DynamicImage::from),
                _ => {
                    assert!(tensor.view().to_image::<Luma<u16>>().is_err());
                    assert!(tensor.view().to_dynamic_image().is_err());
                    return Ok(());
                }
            }
            .unwrap();
            assert_eq!(
                (image.width() as usize, image.height() as usize),
                (width, height)
            );
            assert_eq!(tensor.view().to_dynamic_image().unwrap(), image);
            assert_eq!(Tensor::<u16, 3>::try_from(image).unwrap(), tensor);

            match tensor.as_flat_samples() {
                Ok(samples) => {
                    assert_eq!(samples.samples.as_ptr(), tensor.as_ptr());
                    for ([y, x, c], sample) in tensor.indexed_iter() {
                        let place = samples.index(c as u8, x as u32, y as u32).unwrap();
                        assert_eq!(samples.samples[place], *sample);
                    }
                }
                Err(error) => {
                    assert!(
                        matches!(error, TensorError::NotContiguous { .. }),
                        "{error}"
                    );
                    assert!(tensor.strides().iter().any(|&stride| stride < 0));
                }
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn dynamic_images_keep_their_type_and_memory() {
    #[track_caller]
    fn there_and_back<T: ImageElement + PartialEq + std::fmt::Debug>(
        tensor: Tensor3<T>,
        color: &str,
    ) {
        let (address, copy) = (tensor.as_ptr(), tensor.deep_clone().unwrap());
        let image = tensor.try_into_dynamic_image().unwrap();
        assert_eq!(format!("{:?}", image.color()), color);
        let tensor = Tensor::<T, 3>::try_from(image).unwrap();
        assert_eq!((tensor.as_ptr(), &tensor), (address, &copy));
    }
    for (channels, color) in [(1, "L8"), (2, "La8"), (3, "Rgb8"), (4, "Rgba8")] {
        there_and_back(noise([3, 2, channels], |i| i as u8), color);
    }
    for (channels, color) in [(1, "L16"), (2, "La16"), (3, "Rgb16"), (4, "Rgba16")] {
        there_and_back(noise([3, 2, channels], |i| i as u16 * 999), color);
    }
    for (channels, color) in [(3, "Rgb32F"), (4, "Rgba32F")] {
        there_and_back(noise([3, 2, channels], |i| i as f32), color);
    }
    assert!(
        noise([3, 2, 1], |i| i as f32)
            .try_into_dynamic_image()
            .is_err()
    );

    let error = Tensor::<f32, 3>::try_from(DynamicImage::new_rgb8(2, 2)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "samples are Rgb8 where f32 was asked for; convert the image first"
    );
}

#[test]
fn flat_samples_move_in_with_their_strides() {
    let planes: Vec<u8> = (0..24).collect(); // [C, H, W] = [2, 3, 4]
    let address = planes.as_ptr();
    let layout = SampleLayout {
        channels: 2,
        channel_stride: 12,
        width: 4,
        width_stride: 1,
        height: 3,
        height_stride: 4,
    };
    let flat = |samples| FlatSamples {
        samples,
        layout,
        color_hint: None,
    };
    let tensor = Tensor3::try_from(flat(planes)).unwrap();
    assert_eq!((tensor.as_ptr(), tensor.shape()), (address, &[3, 4, 2]));
    assert_eq!(tensor[[2, 1, 1]], 12 + 2 * 4 + 1);
    assert_eq!(tensor.permute_axes([2, 0, 1]).unwrap().as_slice()[23], 23);

    let error = Tensor3::try_from(flat(vec![0; 23])).unwrap_err();
    assert!(
        matches!(error, TensorError::LayoutOutOfBounds { .. }),
        "{error}"
    );
    let mut one_color = flat(vec![1, 2]);
    one_color.layout.channel_stride = 1;
    (
        one_color.layout.width_stride,
        one_color.layout.height_stride,
    ) = (0, 0);
    let error = Tensor3::try_from(one_color).unwrap_err();
    assert!(
        matches!(error, TensorError::OverlappingLayout { .. }),
        "{error}"
    );
    let mut far = flat(vec![1, 2]);
    far.layout.height_stride = usize::MAX;
    assert!(Tensor3::try_from(far).is_err());
}
