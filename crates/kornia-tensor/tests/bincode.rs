//! Tensors in bincode 2: byte for byte those of 0.2.0, and refused where they are none.

#[path = "messages/elements.rs"]
mod elements;
#[path = "messages/layouts.rs"]
mod layouts;
#[path = "messages/memory.rs"]
mod memory;
#[path = "random/config.rs"]
mod random;

use bincode::config::{Config, Configuration, legacy, standard};
use bincode::error::DecodeError;
use bincode::{BorrowDecode, Decode, Encode};
use elements::Element;
use kornia_tensor::{Tensor, TensorView};
use layouts::recipes;
use memory::most_taken;
use proptest::test_runner::TestRunner;

#[global_allocator]
static MEMORY: memory::Counting = memory::Counting;

/// More than the reader takes in advance, and far less than what is claimed.
const LITTLE: usize = 200 << 10;

macro_rules! golden {
    ($($part:literal),+) => {
        include_bytes!(concat!("golden/0.2.0/", $($part),+))
    };
}

fn write(value: &impl Encode, config: impl Config) -> Vec<u8> {
    bincode::encode_to_vec(value, config).unwrap()
}

/// What was read, if it was read to the end.
fn read<V: Decode<()>>(bytes: &[u8], config: impl Config) -> Result<V, DecodeError> {
    let (value, end) = bincode::decode_from_slice(bytes, config)?;
    assert_eq!(end, bytes.len());
    Ok(value)
}

#[track_caller]
fn assert_same<T: Element, const N: usize>(a: TensorView<'_, T, N>, b: TensorView<'_, T, N>) {
    assert_eq!(a.shape(), b.shape());
    assert!(a.iter().zip(b.iter()).all(|(a, b)| a.is(b)), "{a:?} {b:?}");
}

/// In one configuration: what can be seen is written and comes back, from a slice and a stream.
fn comes_back<T, const N: usize>(tensor: TensorView<'_, T, N>, config: impl Config)
where
    T: Element + Encode + Decode<()>,
{
    let bytes = write(&tensor, config);
    let (shape, elements) = (*tensor.shape(), tensor.to_vec());
    let strides: [usize; N] = std::array::from_fn(|axis| shape[axis + 1..].iter().product());
    assert_eq!(bytes, write(&(shape, strides, elements), config));
    let back: Tensor<T, N> = read(&bytes, config).unwrap();
    assert!(back.is_standard_layout());
    assert_eq!(back.retained_bytes(), back.numel() * size_of::<T>());
    assert_same(back.view(), tensor);
    let mut stream = &bytes[..];
    let back: Tensor<T, N> = bincode::decode_from_std_read(&mut stream, config).unwrap();
    assert!(stream.is_empty());
    assert_same(back.view(), tensor);
}

#[test]
fn every_layout_of_every_type_comes_back_in_every_configuration() {
    fn check<T: Element + Encode + Decode<()>>(recipe: &layouts::Recipe) {
        let tensor = recipe.tensor(T::of);
        comes_back(tensor.view(), legacy());
        if cfg!(miri) {
            return; // the others choose between the same ways of reading and writing
        }
        comes_back(tensor.view(), standard());
        comes_back(tensor.view(), standard().with_big_endian());
        comes_back(tensor.view(), legacy().with_big_endian());
        comes_back(tensor.view(), standard().with_limit::<{ 1 << 16 }>());
    }

    let longest = if cfg!(miri) { 2 } else { 5 };
    let mut config = random::config(2);
    config.source_file = Some(file!());
    TestRunner::new(config)
        .run(&recipes(longest), |recipe| {
            check::<u8>(&recipe);
            check::<u64>(&recipe);
            check::<f32>(&recipe);
            check::<bool>(&recipe);
            check::<String>(&recipe);
            if cfg!(miri) {
                return Ok(()); // one of each size and kind
            }
            check::<i8>(&recipe);
            check::<u16>(&recipe);
            check::<i16>(&recipe);
            check::<u32>(&recipe);
            check::<i32>(&recipe);
            check::<i64>(&recipe);
            check::<u128>(&recipe);
            check::<i128>(&recipe);
            check::<f64>(&recipe);
            check::<usize>(&recipe);
            check::<isize>(&recipe);
            Ok(())
        })
        .unwrap();
}

#[test]
fn other_ranks_and_repeated_elements_come_back() {
    comes_back(
        Tensor::from_shape_vec([], vec![7u16]).unwrap().view(),
        standard(),
    );
    comes_back(
        Tensor::from_shape_vec([2, 0, 3], vec![0u16; 0])
            .unwrap()
            .view(),
        standard(),
    );
    let row = Tensor::from_shape_vec([4], vec![1.5f32, -2.0, 3.0, 4.5]).unwrap();
    comes_back(row.view().broadcast_to([3, 4]).unwrap(), standard());
    let windows: TensorView<'_, f32, 2> = row.view().windows(0, 2);
    comes_back(windows, legacy());
    // Long rows with gaps between them, which are written row by row.
    let wide = Tensor::from_shape_fn([3, 80], |[y, x]| (y * 80 + x) as f32);
    comes_back(wide.slice((.., 10..75)).view(), standard());
    comes_back(
        wide.slice((.., 10..75)).flip(0).view(),
        standard().with_big_endian(),
    );
}

/// Ends, and does not walk the rows one by one.
#[test]
fn an_endless_number_of_rows_without_elements_is_written_at_once() {
    let none = Tensor::from_shape_vec([1 << 30, 0, 1 << 30], vec![0.5f32; 0]).unwrap();
    comes_back(none.view(), standard());
    comes_back(none.view(), standard().with_big_endian());
    let turned = none.permute_axes([2, 0, 1]).unwrap();
    comes_back(turned.view(), standard().with_big_endian());
}

/// A file of 0.2.0 is what is written now, and reads as this tensor.
#[track_caller]
fn is_old<T, const N: usize>(
    file: &[u8],
    config: impl Config,
    shape: [usize; N],
    elements: impl Into<Vec<T>>,
) where
    T: Encode + Decode<()> + PartialEq + std::fmt::Debug,
{
    let tensor = Tensor::from_shape_vec(shape, elements.into()).unwrap();
    assert_eq!(write(&tensor, config), file);
    assert_eq!(read::<Tensor<T, N>>(file, config).unwrap(), tensor);
}

#[test]
fn bytes_are_those_of_0_2_0() {
    let (standard, legacy, big) = (standard(), legacy(), standard().with_big_endian());

    let pixels: Vec<u8> = (0..12).map(|i| i * 21).collect();
    is_old(golden!("u8.bincode"), standard, [2, 2, 3], pixels.clone());
    is_old(
        golden!("u8.legacy.bincode"),
        legacy,
        [2, 2, 3],
        pixels.clone(),
    );
    is_old(golden!("u8.be.bincode"), big, [2, 2, 3], pixels);

    let numbers = [-1, 300, -70000, 5, i32::MIN, i32::MAX];
    is_old(golden!("i32.bincode"), standard, [2, 3], numbers);
    is_old(golden!("i32.legacy.bincode"), legacy, [2, 3], numbers);
    is_old(golden!("i32.be.bincode"), big, [2, 3], numbers);

    let numbers = [0.5f32, -1.25, 3.0e7, 1.0e-7, -0.0, 0.1];
    is_old(golden!("f32.bincode"), standard, [3, 2], numbers);
    is_old(golden!("f32.legacy.bincode"), legacy, [3, 2], numbers);
    is_old(golden!("f32.be.bincode"), big, [3, 2], numbers);

    is_old(golden!("f64.bincode"), standard, [3], [0.1, -2.5e300, 1.0]);
    is_old(golden!("u64.bincode"), standard, [2], [u64::MAX, 250]);
    is_old(
        golden!("bool.bincode"),
        standard,
        [4],
        [true, false, false, true],
    );
    is_old(
        golden!("string.bincode"),
        standard,
        [2],
        ["ab".to_string(), String::new()],
    );
    is_old(golden!("empty.bincode"), standard, [2, 0, 3], [0u16; 0]);
    is_old(golden!("scalar.bincode"), standard, [], [2.5f32]);
    is_old(golden!("pixel.bincode"), standard, [1, 1, 3], [9u8, 8, 7]);
}

#[test]
fn layouts_of_0_2_0_are_read_and_written_without_their_gaps() {
    let transposed: Tensor<u8, 2> = read(golden!("transposed.bincode"), standard()).unwrap();
    assert_eq!(transposed.strides(), &[1, 3]);
    assert_eq!(transposed.view().to_vec(), [1, 4, 2, 5, 3, 6]);
    let padded: Tensor<i16, 2> = read(golden!("padded.bincode"), standard()).unwrap();
    assert_eq!(padded.strides(), &[4, 1]);
    assert_eq!(padded.view().to_vec(), [1, 2, 3, 5, 6, 7]);
    let old = standard().with_big_endian();
    assert_eq!(
        read::<Tensor<i16, 2>>(golden!("padded.be.bincode"), old).unwrap(),
        padded
    );
    let old = read::<Tensor<i16, 2>>(golden!("padded.legacy.bincode"), legacy()).unwrap();
    assert_eq!(old, padded);
    assert_eq!(
        write(&padded, standard()),
        [2, 3, 3, 1, 6, 2, 4, 6, 10, 12, 14]
    );
}

#[test]
fn a_crop_carries_nothing_of_the_pixels_around_it() {
    let mut frame = Tensor::<u8, 3>::full([40, 40, 3], 0xEE);
    frame.view_mut().slice((10..13, 20..25, ..)).fill(7);
    let crop = frame.slice((10..13, 20..25, ..));
    for crop in [
        crop.clone(),
        crop.flip(1),
        crop.permute_axes([2, 0, 1]).unwrap(),
    ] {
        let bytes = write(&crop, standard());
        assert!(bytes.len() < 60 && !bytes.contains(&0xEE), "{bytes:?}");
    }
}

#[test]
fn a_struct_that_holds_tensors_derives_both() {
    #[derive(Debug, PartialEq, Encode, Decode)]
    struct Frame {
        time: f64,
        image: Tensor<u8, 3>,
        masks: Vec<Tensor<bool, 2>>,
    }
    #[derive(Debug, PartialEq, Encode, BorrowDecode)]
    struct Named<'a> {
        name: &'a str,
        words: Tensor<&'a str, 1>,
    }
    let frame = Frame {
        time: 0.5,
        image: Tensor::from_shape_fn([2, 3, 3], |[y, x, c]| (y + x + c) as u8).flip(0),
        masks: vec![Tensor::from_shape_vec([1, 2], vec![true, false]).unwrap()],
    };
    assert_eq!(
        read::<Frame>(&write(&frame, standard()), standard()).unwrap(),
        frame
    );
    let named = Named {
        name: "x",
        words: Tensor::from_shape_vec([2], vec!["ab", ""]).unwrap(),
    };
    let bytes = write(&named, standard());
    let (back, _): (Named<'_>, usize) =
        bincode::borrow_decode_from_slice(&bytes, standard()).unwrap();
    assert_eq!(back, named);
    assert!(bytes.as_ptr_range().contains(&back.words[[0]].as_ptr()));
}

#[test]
fn a_context_reaches_the_elements() {
    #[derive(Debug, PartialEq)]
    struct Scaled(u32);
    impl Encode for Scaled {
        fn encode<E: bincode::enc::Encoder>(
            &self,
            encoder: &mut E,
        ) -> Result<(), bincode::error::EncodeError> {
            self.0.encode(encoder)
        }
    }
    impl Decode<u32> for Scaled {
        fn decode<D: bincode::de::Decoder<Context = u32>>(
            decoder: &mut D,
        ) -> Result<Self, DecodeError> {
            let number: u32 = Decode::decode(decoder)?;
            Ok(Self(number * *decoder.context()))
        }
    }
    let tensor = Tensor::from_shape_vec([2], vec![Scaled(1), Scaled(7)]).unwrap();
    let bytes = write(&tensor, standard());
    let (back, _): (Tensor<Scaled, 1>, usize) =
        bincode::decode_from_slice_with_context(&bytes, standard(), 10).unwrap();
    assert_eq!(back.as_slice(), [Scaled(10), Scaled(70)]);
}

#[track_caller]
fn refused<T: Decode<()>, const N: usize>(bytes: &[u8], config: impl Config) -> String {
    let from_slice = || bincode::decode_from_slice::<Tensor<T, N>, _>(bytes, config).err();
    let from_stream = || {
        let mut stream = bytes;
        bincode::decode_from_std_read::<Tensor<T, N>, _, _>(&mut stream, config).err()
    };
    let (most, error) = most_taken(|| from_slice().map(|error| error.to_string()));
    assert!(most < LITTLE, "{most} bytes taken from a slice");
    let (most, second) = most_taken(|| from_stream().map(|error| error.to_string()));
    assert!(most < LITTLE, "{most} bytes taken from a stream");
    assert!(second.is_some(), "{bytes:?}");
    error.unwrap_or_else(|| panic!("{bytes:?}"))
}

#[test]
fn input_that_ends_early_is_refused_at_every_byte() {
    fn check<T: Decode<()> + Encode, const N: usize>(tensor: Tensor<T, N>) {
        let bytes = write(&tensor, standard());
        for end in 0..bytes.len() {
            refused::<T, N>(&bytes[..end], standard());
        }
        if cfg!(miri) {
            return;
        }
        let bytes = write(&tensor, legacy());
        for end in 0..bytes.len() {
            assert!(!refused::<T, N>(&bytes[..end], legacy()).is_empty());
        }
    }

    check(Tensor::from_shape_fn([2, 1, 3], |[y, x, c]| {
        (y * 100 + x + c) as f32
    }));
    check(Tensor::from_shape_fn([2, 3], |[y, x]| {
        (y * 1000 + x) as u16
    }));
    check(Tensor::from_shape_vec([2], vec!["ab".to_string(), "c".into()]).unwrap());
}

#[test]
fn a_header_that_claims_more_than_there_is_costs_nothing() {
    for claim in [1u64 << 60, u64::MAX, u64::MAX / 4, 1 << 40] {
        let header = write(&(claim, 1u8, claim, 1.5f32), standard());
        refused::<u8, 1>(&header, standard());
        refused::<f32, 1>(&header, standard());
        refused::<u64, 1>(&header, standard());
        refused::<String, 1>(&header, standard());
        refused::<u64, 1>(&write(&(claim, 1u64, claim), legacy()), legacy());
    }
    refused::<(), 1>(
        &write(&(1u64 << 30, 1u8, 1u64 << 30), standard()),
        standard(),
    );
}

#[test]
fn a_limit_counts_elements_before_they_are_read() {
    // bincode counts 8 bytes for each of shape, stride and length, whatever they take.
    let limit = |bytes: &[u8]| -> Result<Tensor<f32, 1>, DecodeError> {
        let config: Configuration<_, _, _> = standard().with_limit::<40>();
        read(bytes, config)
    };
    let fits = Tensor::from_shape_vec([4], vec![0.5f32; 4]).unwrap();
    assert_eq!(limit(&write(&fits, standard())).unwrap(), fits);
    let large = Tensor::from_shape_vec([5], vec![0.5f32; 5]).unwrap();
    let error = limit(&write(&large, standard())).unwrap_err();
    assert!(matches!(error, DecodeError::LimitExceeded), "{error:?}");
    let error = limit(&write(&(u64::MAX, 1u8, u64::MAX), standard())).unwrap_err();
    assert!(!error.to_string().is_empty());
}

#[test]
fn what_is_no_tensor_is_refused_with_the_reason() {
    let bytes = write(&([4usize, 4], [4usize, 1], vec![1u8]), standard());
    assert!(refused::<u8, 2>(&bytes, standard()).contains("16 elements"));
    let bytes = write(
        &([2usize, 2], [100usize, 1], vec![1u8, 2, 3, 4]),
        standard(),
    );
    assert!(refused::<u8, 2>(&bytes, standard()).contains("102 elements"));
    let bytes = write(&([2usize, 2], [0usize, 1], vec![1u8, 2, 3, 4]), standard());
    assert!(refused::<u8, 2>(&bytes, standard()).contains("by two indices"));
    let bytes = write(
        &([usize::MAX, 0], [1usize, 1], [0u8; 0].as_slice()),
        standard(),
    );
    refused::<u8, 2>(&bytes, standard());
    let bytes = write(&([2usize], [usize::MAX], vec![1u8, 2]), standard());
    refused::<u8, 1>(&bytes, standard());
    let bytes = write(&([2usize], [1usize], vec![1u8, 2]), standard());
    assert!(refused::<bool, 1>(&bytes, standard()).contains("no bool"));
}
