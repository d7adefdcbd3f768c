//! Pictures in files: the right way up, whole or refused, within limits, and written as asked.
#![cfg(not(miri))] // decoders take minutes

#[path = "files/folder.rs"]
mod folder;
#[path = "messages/memory.rs"]
mod memory;

use folder::Folder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, GenericImageView, ImageEncoder};
use kornia_tensor::formats::file::FileError;
use kornia_tensor::formats::image::{ImageElement, ImageOptions};
use kornia_tensor::{Tensor, Tensor3};

#[global_allocator]
static MEMORY: memory::Counting = memory::Counting;

/// `[H, W, C]` with every sample another, as far as they go.
fn noise<T>(shape: [usize; 3], of: impl Fn(usize) -> T) -> Tensor3<T> {
    let [_, width, channels] = shape;
    Tensor::from_shape_fn(shape, |[y, x, c]| of((y * width + x) * channels + c))
}

/// Smooth enough for a JPEG, and another from every side.
fn ramp(shape: [usize; 3]) -> Tensor3<u8> {
    Tensor::from_shape_fn(shape, |[y, x, c]| (y * 6 + x * 2 + c * 20) as u8)
}

/// Exif that says nothing but how the camera was held.
fn exif(orientation: u8) -> Vec<u8> {
    let mut bytes = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    bytes.extend([orientation, 0, 0, 0, 0, 0, 0]);
    bytes
}

fn png(picture: &Tensor3<u8>, more: impl FnOnce(&mut PngEncoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    more(&mut encoder);
    let [height, width, _] = *picture.shape();
    let color = ExtendedColorType::Rgb8;
    let samples = picture.as_slice();
    encoder
        .write_image(samples, width as u32, height as u32, color)
        .unwrap();
    bytes
}

fn jpeg(picture: &Tensor3<u8>, more: impl FnOnce(&mut JpegEncoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new(&mut bytes);
    more(&mut encoder);
    let [height, width, _] = *picture.shape();
    let color = ExtendedColorType::Rgb8;
    let samples = picture.as_slice();
    encoder
        .encode(samples, width as u32, height as u32, color)
        .unwrap();
    bytes
}

/// Where the standard puts the first row and the first column of each orientation.
const SIDES: [(&str, &str); 8] = [
    ("top", "left"),
    ("top", "right"),
    ("bottom", "right"),
    ("bottom", "left"),
    ("left", "top"),
    ("right", "top"),
    ("right", "bottom"),
    ("left", "bottom"),
];

#[test]
fn pictures_come_the_right_way_up_however_the_camera_was_held() {
    let picture = ramp([24, 40, 3]);
    for (number, (row, column)) in (1..).zip(SIDES) {
        let files = [
            png(&picture, |encoder| {
                encoder.set_exif_metadata(exif(number)).unwrap()
            }),
            jpeg(&picture, |encoder| {
                encoder.set_exif_metadata(exif(number)).unwrap()
            }),
        ];
        for bytes in files {
            let stored: Tensor3<u8> = ImageOptions::new().as_stored().decode(&bytes).unwrap();
            assert_eq!(stored.shape(), &[24, 40, 3]);
            let upright = Tensor3::<u8>::decode_image(&bytes).unwrap();
            assert!(upright.is_standard_layout());
            let sideways = matches!(row, "left" | "right");
            let expected = if sideways { [40, 24, 3] } else { [24, 40, 3] };
            assert_eq!(upright.shape(), &expected, "orientation {number}");
            for ([y, x, c], sample) in stored.indexed_iter() {
                let mut seen = [usize::MAX; 2];
                for (side, index, len) in [(row, y, 24), (column, x, 40)] {
                    match side {
                        "top" => seen[0] = index,
                        "bottom" => seen[0] = len - 1 - index,
                        "left" => seen[1] = index,
                        _ => seen[1] = len - 1 - index,
                    }
                }
                let [y, x] = seen;
                assert_eq!(upright[[y, x, c]], *sample, "orientation {number}");
            }
            // Converted pictures are turned too.
            let grey: Tensor3<f32> = ImageOptions::new().grey().decode(&bytes).unwrap();
            assert_eq!(grey.shape(), &[expected[0], expected[1], 1]);
        }
    }
    // What no camera says, and what is no Exif.
    for odd in [exif(0), exif(9), exif(255), b"II*\0".to_vec(), vec![1]] {
        let bytes = jpeg(&picture, |encoder| encoder.set_exif_metadata(odd).unwrap());
        let upright = Tensor3::<u8>::decode_image(&bytes).unwrap();
        assert_eq!(upright.shape(), picture.shape());
    }
}

#[test]
fn a_picture_that_was_cut_anywhere_is_refused() {
    let picture = ramp([24, 40, 3]);
    // A thumbnail, whose end is not that of the picture.
    let mut thumbnail = exif(1);
    thumbnail.extend(jpeg(&ramp([8, 8, 3]), |_| {}));
    let files = [
        png(&picture, |_| {}),
        jpeg(&picture, |encoder| {
            encoder.set_exif_metadata(thumbnail).unwrap()
        }),
    ];
    for whole in files {
        for end in 0..whole.len() {
            let error = Tensor3::<u8>::decode_image(&whole[..end]).unwrap_err();
            let text = error.to_string();
            let expected = match end {
                0 => "the file is empty",
                1..8 => "",
                _ => "the file was cut short",
            };
            assert!(text.contains(expected), "{end}: {text}");
        }
        let more = [&whole[..], &[0; 100]].concat();
        assert!(
            Tensor3::<u8>::decode_image(&more).is_ok(),
            "cameras add things"
        );
    }

    let whole = jpeg(&picture, |_| {});
    let half = &whole[..whole.len() - 40];
    let part: Tensor3<u8> = ImageOptions::new().accept_truncated().decode(half).unwrap();
    assert_eq!(part.shape(), picture.shape());
    let top = Tensor3::<u8>::decode_image(&whole).unwrap();
    assert_eq!(part.slice((0..4, 0..4, ..)), top.slice((0..4, 0..4, ..)));
    let whole = png(&picture, |_| {});
    let no_end = &whole[..whole.len() - 4];
    let options = ImageOptions::new().accept_truncated();
    assert_eq!(options.decode::<u8>(no_end).unwrap(), picture);
    let half = &whole[..whole.len() / 2];
    let error = options.decode::<u8>(half).unwrap_err().to_string();
    assert!(
        error.starts_with("the picture cannot be decoded: "),
        "{error}"
    );
}

#[test]
fn channels_and_samples_are_those_that_were_asked_for_whatever_the_file_has() {
    let folder = Folder::new();
    let path = folder.file("picture.png");
    let check = |grey: u8| {
        let wide = u16::from(grey) * 257;
        let unit = f32::from(grey) / 255.0;
        let new = ImageOptions::new;
        for (channels, options) in [(1, new().grey()), (3, new().rgb()), (4, new().rgba())] {
            let colors = 0..channels.min(3);
            let bytes = options.open::<u8>(&path).unwrap();
            assert_eq!(bytes.shape(), &[2, 3, channels]);
            let of_color = bytes.slice((.., .., colors.clone()));
            assert!(of_color.iter().all(|&s| s == grey));
            assert!(
                bytes
                    .slice((.., .., 3.min(channels)..))
                    .iter()
                    .all(|&s| s == 255)
            );
            let words = options.open::<u16>(&path).unwrap();
            let of_color = words.slice((.., .., colors.clone()));
            assert!(of_color.iter().all(|&s| s == wide));
            let floats = options.open::<f32>(&path).unwrap();
            let of_color = floats.slice((.., .., colors));
            assert!(of_color.iter().all(|s| (s - unit).abs() < 1e-3));
        }
    };
    Tensor::<u8, 3>::full([2, 3, 1], 77)
        .save_image(&path)
        .unwrap();
    check(77);
    Tensor::<u8, 3>::full([2, 3, 3], 78)
        .save_image(&path)
        .unwrap();
    check(78);
    Tensor::<u16, 3>::full([2, 3, 3], 79 * 257)
        .save_image(&path)
        .unwrap();
    check(79);
    let mut alpha = Tensor::<u8, 3>::full([2, 3, 4], 80);
    alpha.view_mut().slice((.., .., 3)).fill(255);
    alpha.save_image(&path).unwrap();
    check(80);
}

#[test]
fn limits_hold_before_anything_is_taken() {
    let bytes = png(&noise([40, 60, 3], |i| i as u8), |_| {});
    let refused = |options: ImageOptions, expected: &str| {
        let (most, error) = memory::most_taken(|| options.decode::<u8>(&bytes).unwrap_err());
        assert!(error.to_string().contains(expected), "{error}");
        assert!(most < 200 << 10, "{most}");
    };
    let options = ImageOptions::new;
    refused(options().max_side(59), "60 x 40 pixels, and 59 a side");
    refused(options().max_bytes(100), "the file takes");
    let needed = 40 * 60 * 3;
    let limit = needed - 1;
    assert!((bytes.len() as u64) < limit);
    let text = format!("60 x 40 pixels takes {needed} bytes or more, and {limit} are allowed");
    refused(options().max_bytes(limit), &text);
    // What it becomes counts as well.
    refused(options().rgba().max_bytes(needed), "takes 9600 bytes");
    assert!(options().max_side(60).decode::<u8>(&bytes).is_ok());

    // A JPEG that claims as much as it can.
    let mut claim = jpeg(&ramp([16, 16, 3]), |_| {});
    let size = claim.windows(2).position(|pair| pair == [0xFF, 0xC0]);
    claim[size.unwrap() + 5..][..4].fill(0xFF);
    let (most, error) = memory::most_taken(|| Tensor3::<u8>::decode_image(&claim).unwrap_err());
    assert!(
        error.to_string().contains("65535 x 65535 pixels"),
        "{error}"
    );
    assert!(most < 200 << 10, "{most}");

    // And a file that never ends.
    if cfg!(unix) {
        let error = options().max_bytes(1 << 20).open::<u8>("/dev/zero");
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("the file takes 1048577 bytes or more"),
            "{error}"
        );
    }
}

#[test]
fn a_small_file_with_a_large_profile_takes_little() {
    let picture = ramp([4, 4, 3]);
    let bytes = png(&picture, |encoder| {
        encoder.set_icc_profile(vec![0; 24 << 20]).unwrap();
    });
    assert!(bytes.len() < 1 << 20, "{}", bytes.len());
    let (most, opened) = memory::most_taken(|| Tensor3::<u8>::decode_image(&bytes).unwrap());
    assert_eq!(opened, picture); // nobody asked for the profile
    assert!(most < 16 << 20, "{most}");
    let sparing = ImageOptions::new().max_bytes(4 << 20);
    let (most, opened) = memory::most_taken(|| sparing.decode::<u8>(&bytes).unwrap());
    assert_eq!(opened, picture);
    assert!(most < 1 << 20, "{most}");
}

#[test]
fn pictures_are_read_from_what_cannot_seek() {
    let bytes = png(&ramp([4, 6, 3]), |_| {});
    let folder = Folder::new();
    let path = folder.file("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    if !made.is_ok_and(|status| status.success()) {
        return; // no such thing here
    }
    let writer = std::thread::spawn({
        let (path, bytes) = (path.clone(), bytes.clone());
        move || std::fs::write(path, bytes).unwrap()
    });
    let read = Tensor3::<u8>::open_image(&path).unwrap();
    writer.join().unwrap();
    assert_eq!(read, ramp([4, 6, 3]));
}

#[test]
fn the_quality_of_a_jpeg_is_the_callers() {
    let folder = Folder::new();
    let path = folder.file("picture.any");
    let photographs = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/photographs");
    let photo = ImageOptions::new().rgb();
    let photo = photo
        .open::<u8>(format!("{photographs}/chelsea.png"))
        .unwrap();
    let written = |quality| {
        photo.save_jpeg(&path, quality).unwrap();
        let back = Tensor3::<u8>::open_image(&path).unwrap();
        let error: u64 = back
            .iter()
            .zip(&photo)
            .map(|(a, b)| u64::from(a.abs_diff(*b)))
            .sum();
        (std::fs::metadata(&path).unwrap().len(), error)
    };
    let (small, coarse) = written(30);
    let (middle, fair) = written(75);
    let (large, fine) = written(95);
    assert!(small < middle && middle < large, "{small} {middle} {large}");
    assert!(fine < fair && fair < coarse, "{fine} {fair} {coarse}");
    assert_eq!(written(0), written(1));
    assert_eq!(written(255), written(100));
    let path = folder.file("picture.jpg");
    photo.save_image(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), middle);
}

#[test]
fn what_a_kind_of_picture_cannot_hold_is_said_in_our_words() {
    let folder = Folder::new();
    let refused = |result: Result<(), FileError>, expected: &str| {
        let text = result.unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    };
    let floats = noise([7, 5, 3], |i| i as f32);
    refused(
        floats.save_image(folder.file("a.png")),
        "samples are Rgb32F, and a PNG has samples of u8 or u16; multiply and `cast` them",
    );
    refused(
        noise([7, 5, 4], |i| i as u8).save_image(folder.file("a.jpg")),
        "samples are Rgba8, and a JPEG has no alpha",
    );
    refused(
        noise([7, 5, 3], |i| i as u16).save_jpeg(folder.file("a.jpg"), 90),
        "samples are Rgb16, and a JPEG has 1 or 3 channels of u8",
    );
    refused(
        noise([7, 5, 3], |i| i as u8).save_image(folder.file("a.xyz")),
        "the name ends in no kind of picture; PNG and JPEG do",
    );
    let error = Tensor3::<u8>::decode_image(b"hello, this is text").unwrap_err();
    assert!(
        error.to_string().contains("begin no kind of picture"),
        "{error}"
    );
    let path = folder.file("empty.png");
    std::fs::write(&path, []).unwrap();
    let error = Tensor3::<u8>::open_image(&path).unwrap_err().to_string();
    assert!(
        error.ends_with("empty.png: the file is empty; a picture was expected"),
        "{error}"
    );
}

#[test]
fn pictures_come_back_from_files() {
    #[track_caller]
    fn png<T: ImageElement + PartialEq + std::fmt::Debug>(folder: &Folder, tensor: &Tensor3<T>) {
        let path = folder.file("picture.png");
        tensor.save_image(&path).unwrap();
        assert_eq!(&Tensor::<T, 3>::open_image(&path).unwrap(), tensor);
    }
    let folder = Folder::new();
    for channels in 1..=4 {
        png(&folder, &noise([7, 5, channels], |i| i as u8));
        png(
            &folder,
            &noise([7, 5, channels], |i| (i as u16).wrapping_mul(499)),
        );
    }
    let frame = noise([40, 60, 3], |i| i as u8);
    png(&folder, &frame.slice((3..30, 7..50, ..)).flip(2));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    let path = folder.file("picture.jpg");
    let smooth = Tensor::<u8, 3>::from_shape_fn([16, 16, 3], |[y, x, _]| (y * 8 + x * 8) as u8);
    smooth.save_image(&path).unwrap();
    let back = Tensor::<u8, 3>::open_image(&path).unwrap();
    assert_eq!(back.shape(), smooth.shape());
    assert!(back.iter().zip(&smooth).all(|(a, b)| a.abs_diff(*b) < 16));
    let grey = smooth.select::<2>(2, 0).insert_axis::<3>(2);
    grey.save_image(&path).unwrap();
    assert_eq!(
        Tensor::<u8, 3>::open_image(&path).unwrap().shape(),
        &[16, 16, 1]
    );
}

#[test]
fn the_photographs_of_the_project_are_read() {
    // The published package has one of them.
    let assets = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets");
    let cat = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/photographs/chelsea.png");
    let others = ["astronaut", "coffee"].map(|name| format!("{assets}/{name}.png"));
    let there = others
        .into_iter()
        .filter(|path| std::path::Path::new(path).exists());
    for path in there.chain([cat.to_string()]) {
        let tensor = Tensor::<u8, 3>::open_image(&path).unwrap();
        let image = image::open(&path).unwrap();
        assert_eq!(tensor.as_slice(), image.as_bytes());
        let (x, y) = (100, 50);
        let pixel = image.get_pixel(x, y).0;
        let [y, x] = [y as usize, x as usize];
        assert_eq!(
            tensor.slice((y, x, ..)).as_slice(),
            &pixel[..tensor.shape()[2]]
        );
    }
}

#[test]
fn what_is_no_picture_is_refused_and_names_the_file() {
    let folder = Folder::new();
    let path = folder.file("picture.png");
    let tensor = noise([7, 5, 3], |i| i as u8);
    tensor.save_image(&path).unwrap();
    let error = Tensor::<f32, 3>::open_image(&path).unwrap_err();
    let text = format!(
        "{}: elements of type Rgb8 where f32 was asked for; `ImageOptions::rgb`, `rgba` and `grey` \
         convert samples, too",
        path.display()
    );
    assert_eq!(error.to_string(), text);

    let whole = std::fs::read(&path).unwrap();
    let part = folder.file("part.png");
    // The last chunk, of 12 bytes, marks the end; the decoder has all pixels without it.
    for end in 0..whole.len() - 12 {
        std::fs::write(&part, &whole[..end]).unwrap();
        let error = Tensor::<u8, 3>::open_image(&part).unwrap_err();
        assert!(
            error.to_string().starts_with(part.to_str().unwrap()),
            "{end}: {error}"
        );
    }
    assert!(Tensor::<u8, 3>::open_image(folder.file("none.png")).is_err());

    // The old picture stays.
    let refused = |error: kornia_tensor::formats::file::FileError| {
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        assert!(error.file().is_some());
        error.to_string()
    };
    let five = noise([7, 5, 5], |i| i as u8);
    assert!(refused(five.save_image(&path).unwrap_err()).contains("[7, 5, 5] of u8 is no image"));
    let floats = noise([7, 5, 3], |i| i as f32);
    refused(floats.save_image(&path).unwrap_err());
    refused(tensor.save_image(folder.file("picture.xyz")).unwrap_err());
    let alpha = noise([7, 5, 4], |i| i as u8);
    refused(alpha.save_image(folder.file("picture.jpg")).unwrap_err());
    let empty = noise([0, 5, 3], |i| i as u8);
    refused(empty.save_image(&path).unwrap_err());
    let mut left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .collect();
    left.retain(|entry| entry.file_name() != "picture.png" && entry.file_name() != "part.png");
    assert!(left.is_empty(), "{left:?}");
}
