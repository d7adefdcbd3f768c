//! Tensors in formats of serde: what is written comes back, and is what can be seen.

#[path = "messages/elements.rs"]
mod elements;
#[path = "messages/formats.rs"]
mod formats;
#[path = "messages/hostile.rs"]
mod hostile;
#[path = "messages/layouts.rs"]
mod layouts;
#[path = "messages/memory.rs"]
mod memory;
#[path = "messages/old.rs"]
mod old;
#[path = "random/config.rs"]
mod random;

use ciborium::Value;
use elements::Element;
use formats::{Cbor, Format, InEveryFormat, MessagePackNamed, in_every_format};
use kornia_tensor::{Tensor, TensorView, step};
use layouts::{Recipe, recipes};
use proptest::test_runner::TestRunner;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[global_allocator]
static MEMORY: memory::Counting = memory::Counting;

/// An element that is neither a number nor free of structure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    name: String,
    at: (f32, Option<i8>),
}

impl Element for Point {
    fn of(bits: u128) -> Self {
        Self {
            name: String::of(bits >> 64),
            at: (bits as i16 as f32, (bits & 8 == 0).then_some(bits as i8)),
        }
    }

    fn is(&self, other: &Self) -> bool {
        self == other
    }
}

/// A claim about tensors of any element type.
trait ForEveryType {
    fn check<T: Element + Serialize + DeserializeOwned>(&mut self);
}

fn for_every_type(mut claim: impl ForEveryType) {
    claim.check::<u8>();
    claim.check::<u64>();
    claim.check::<f32>();
    claim.check::<bool>();
    claim.check::<String>();
    if cfg!(miri) {
        return; // one of each size and kind
    }
    claim.check::<i8>();
    claim.check::<u16>();
    claim.check::<i16>();
    claim.check::<u32>();
    claim.check::<i32>();
    claim.check::<i64>();
    claim.check::<u128>();
    claim.check::<i128>();
    claim.check::<f64>();
    claim.check::<usize>();
    claim.check::<isize>();
    claim.check::<Point>();
}

#[track_caller]
fn assert_same<T: Element, const N: usize>(a: TensorView<'_, T, N>, b: TensorView<'_, T, N>) {
    assert_eq!(a.shape(), b.shape());
    assert!(a.iter().zip(b.iter()).all(|(a, b)| a.is(b)), "{a:?} {b:?}");
}

/// One tensor in one format: it comes back, and its bytes are those of a copy of what can be seen.
fn comes_back<F: Format, T, const N: usize>(tensor: TensorView<'_, T, N>)
where
    T: Element + Serialize + DeserializeOwned,
{
    let bytes = F::write(&tensor);
    assert_eq!(bytes, F::write(&tensor.to_tensor()), "{}", F::NAME);
    let back: Tensor<T, N> = F::read(&bytes).unwrap();
    assert!(back.is_standard_layout());
    assert_eq!(back.retained_bytes(), back.numel() * size_of::<T>());
    assert_same(back.view(), tensor);
}

#[test]
fn every_layout_of_every_type_comes_back_from_every_format() {
    struct Type<'a>(&'a Recipe);

    impl ForEveryType for Type<'_> {
        fn check<T: Element + Serialize + DeserializeOwned>(&mut self) {
            in_every_format(InFormat(self.0.tensor(|bits| T::of(bits).finite())));
        }
    }

    struct InFormat<T>(Tensor<T, 3>);

    impl<T: Element + Serialize + DeserializeOwned> InEveryFormat for InFormat<T> {
        fn check<F: Format>(&mut self) {
            comes_back::<F, T, 3>(self.0.view());
        }
    }

    let longest = if cfg!(miri) { 2 } else { 5 };
    let mut config = random::config(2);
    config.source_file = Some(file!());
    TestRunner::new(config)
        .run(&recipes(longest), |recipe| {
            for_every_type(Type(&recipe));
            Ok(())
        })
        .unwrap();
}

#[test]
fn repeated_and_overlapping_elements_of_views_are_written_as_often_as_they_show() {
    struct Claim;

    impl InEveryFormat for Claim {
        fn check<F: Format>(&mut self) {
            let row = Tensor::from_shape_vec([4], vec![1.5f32, -2.0, 3.0, 4.5]).unwrap();
            comes_back::<F, _, 2>(row.view().broadcast_to([3, 4]).unwrap());
            comes_back::<F, _, 2>(row.view().windows(0, 2));
            comes_back::<F, _, 1>(row.view().slice((step(.., 3),)));
        }
    }

    in_every_format(Claim);
}

#[test]
fn every_rank_comes_back() {
    struct Claim;

    impl InEveryFormat for Claim {
        fn check<F: Format>(&mut self) {
            comes_back::<F, _, 0>(Tensor::from_shape_vec([], vec![7u16]).unwrap().view());
            comes_back::<F, _, 0>(
                Tensor::from_shape_vec([], vec!["x".to_string()])
                    .unwrap()
                    .view(),
            );
            comes_back::<F, _, 1>(
                Tensor::from_shape_vec([0], Vec::<u8>::new())
                    .unwrap()
                    .view(),
            );
            comes_back::<F, _, 4>(
                Tensor::from_shape_vec([1, 0, 5, 2], Vec::<f64>::new())
                    .unwrap()
                    .view(),
            );
            comes_back::<F, _, 6>(
                Tensor::from_shape_fn([1, 2, 1, 3, 1, 2], |[_, a, _, b, _, c]| (a + b + c) as i64)
                    .view(),
            );
        }
    }

    in_every_format(Claim);
}

#[test]
fn numbers_that_are_not_finite_come_back() {
    struct Claim;

    impl InEveryFormat for Claim {
        fn check<F: Format>(&mut self) {
            let odd = [
                f32::NAN,
                f32::INFINITY,
                f32::NEG_INFINITY,
                -0.0,
                f32::from_bits(0x7FA0_0001),
            ];
            let tensor = Tensor::from_shape_vec([5], odd.to_vec()).unwrap();
            let wide = tensor.map(|&x| f64::from(x));
            if F::HUMAN {
                let back: Tensor<f32, 1> = F::read(&F::write(&tensor)).unwrap();
                let bits = |x: &f32| if x.is_nan() { 0 } else { x.to_bits() };
                assert!(back.iter().map(bits).eq(odd.iter().map(bits)), "{back:?}");
                let back: Tensor<f64, 1> = F::read(&F::write(&wide)).unwrap();
                assert_eq!(format!("{back:?}"), format!("{wide:?}"));
            } else {
                comes_back::<F, _, 1>(tensor.view());
                comes_back::<F, _, 1>(wide.view());
            }
        }
    }

    in_every_format(Claim);
    let odd = Tensor::from_shape_vec([3], vec![f64::NAN, f64::NEG_INFINITY, 1.5]).unwrap();
    let json = serde_json::to_string(&odd).unwrap();
    assert_eq!(json, r#"{"shape":[3],"data":["NaN","-Infinity",1.5]}"#);
    let read = |json: &str| serde_json::from_str::<Tensor<f32, 1>>(json);
    // As whoever else writes them; but what stands for several of them is none.
    let others = read(r#"{"shape":[4],"data":["Infinity","inf","1.5",-7]}"#).unwrap();
    assert_eq!(others.as_slice(), [f32::INFINITY, f32::INFINITY, 1.5, -7.0]);
    for wrong in ["null", "\"\"", "\"one\"", "true", "[1]", "{}"] {
        let error = read(&format!(r#"{{"shape":[1],"data":[{wrong}]}}"#)).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("a number, or \"NaN\", \"Infinity\""),
            "{wrong}: {text}"
        );
    }
    // Through the buffer that tagged and flattened types are read from.
    #[derive(Serialize, Deserialize)]
    struct Around {
        #[serde(flatten)]
        inner: Tensor<f64, 1>,
    }
    let json = serde_json::to_string(&Around { inner: odd.clone() }).unwrap();
    let back: Around = serde_json::from_str(&json).unwrap();
    assert_eq!(format!("{:?}", back.inner), format!("{odd:?}"));
}

#[test]
fn every_float_comes_back_from_text_bit_by_bit() {
    // The first was found among all of them: its digits, rounded to 64 bits, lie just between it
    // and its neighbour.
    let mut bits = vec![
        0x15ae_43fd_u32,
        0x15ae_43fe,
        1,
        0x7F_FFFF,
        0x80_0000,
        0x7F7F_FFFF,
    ];
    let mut state = 0x9E37_79B9_u32;
    bits.extend((0..if cfg!(miri) { 20 } else { 20_000 }).map(|_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    }));
    let floats: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
    let floats: Vec<f32> = floats.into_iter().filter(|x| x.is_finite()).collect();
    let tensor = Tensor::from_shape_vec([floats.len()], floats).unwrap();
    let json = serde_json::to_string(&tensor).unwrap();
    let back: Tensor<f32, 1> = serde_json::from_str(&json).unwrap();
    let (back, tensor) = (back.into_vec(), tensor.into_vec());
    for (back, float) in back.iter().zip(&tensor) {
        assert_eq!(back.to_bits(), float.to_bits(), "{float:e}");
    }
    // Numbers as wide as they come are rounded once.
    let read = |json: &str| serde_json::from_str::<Tensor<f32, 1>>(json).unwrap();
    let back = read(r#"{"shape":[3],"data":[16777217,16777219,16777217.0]}"#);
    assert_eq!(back.as_slice(), [16_777_216.0, 16_777_220.0, 16_777_216.0]);
}

#[test]
fn a_crop_carries_nothing_of_the_pixels_around_it() {
    struct Claim;

    impl InEveryFormat for Claim {
        fn check<F: Format>(&mut self) {
            // 0xEE, as a number 238, is in no header of these formats.
            let mut frame = Tensor::<u8, 3>::full([40, 40, 3], 0xEE);
            frame.view_mut().slice((10..13, 20..25, ..)).fill(7);
            let crop = frame.slice((10..13, 20..25, ..));
            for crop in [
                crop.clone(),
                crop.flip(1),
                crop.permute_axes([2, 0, 1]).unwrap(),
            ] {
                let bytes = F::write(&crop);
                assert!(bytes.len() < 200, "{}: {} bytes", F::NAME, bytes.len());
                assert!(!bytes.contains(&0xEE), "{}", F::NAME);
                assert!(
                    !String::from_utf8_lossy(&bytes).contains("238"),
                    "{}",
                    F::NAME
                );
            }
        }
    }

    in_every_format(Claim);
}

/// The table of the module's documentation.
#[test]
fn plain_elements_are_byte_strings_in_binary_formats_and_others_are_sequences() {
    struct Table;

    impl ForEveryType for Table {
        fn check<T: Element + Serialize + DeserializeOwned>(&mut self) {
            let name = std::any::type_name::<T>();
            let plain = !["usize", "isize"].contains(&name) && !name.contains("::");
            let elements = vec![T::of(0x41); 3];
            let tensor = Tensor::from_shape_vec([3], elements).unwrap();
            let cbor: Value = Cbor::read(&Cbor::write(&tensor)).unwrap();
            let named: Value = MessagePackNamed::read(&MessagePackNamed::write(&tensor)).unwrap();
            for value in [cbor, named] {
                let fields = value.into_map().unwrap();
                let names: Vec<_> = fields.iter().map(|(name, _)| name.as_text()).collect();
                assert_eq!(names, [Some("shape"), Some("data")]);
                assert_eq!(fields[0].1, Value::Array(vec![3.into()]));
                let data = &fields[1].1;
                assert_eq!(
                    (data.is_bytes(), data.is_array()),
                    (plain, !plain),
                    "{name}"
                );
            }
            let json: serde_json::Value = serde_json::to_value(&tensor).unwrap();
            assert_eq!(json["shape"], serde_json::json!([3]), "{name}");
            assert_eq!(json["data"].as_array().unwrap().len(), 3, "{name}");
        }
    }

    for_every_type(Table);
}

#[test]
fn byte_strings_are_little_endian_on_every_machine() {
    let tensor = Tensor::from_shape_vec([2], vec![0x0102_0304u32, 5]).unwrap();
    let postcard = postcard::to_stdvec(&tensor).unwrap();
    assert_eq!(postcard, [1, 2, 8, 4, 3, 2, 1, 5, 0, 0, 0]);
    let floats = Tensor::from_shape_vec([1], vec![1.0f64]).unwrap();
    let postcard = postcard::to_stdvec(&floats).unwrap();
    assert_eq!(postcard, [1, 1, 8, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F]);
    let flipped = tensor.flip(0);
    assert_eq!(
        postcard::to_stdvec(&flipped).unwrap(),
        [1, 2, 8, 5, 0, 0, 0, 4, 3, 2, 1]
    );
}

#[test]
fn json_is_for_people() {
    let image = Tensor::from_shape_vec([2, 2], vec![1.0f32, 0.5, -2.0, 1e9]).unwrap();
    let json = serde_json::to_string(&image.flip(0)).unwrap();
    assert_eq!(
        json,
        r#"{"shape":[2,2],"data":[-2.0,1000000000.0,1.0,0.5]}"#
    );
    let flags = Tensor::from_shape_vec([2], vec![true, false]).unwrap();
    assert_eq!(
        serde_json::to_string(&flags).unwrap(),
        r#"{"shape":[2],"data":[true,false]}"#
    );
}

#[test]
fn sequences_of_numbers_are_read_where_byte_strings_are_written() {
    let fields = vec![
        (
            Value::from("data"),
            Value::Array(vec![1.into(), 300.into()]),
        ),
        (Value::from("shape"), Value::Array(vec![2.into(), 1.into()])),
    ];
    let bytes = Cbor::write(&Value::Map(fields));
    let tensor: Tensor<u16, 2> = Cbor::read(&bytes).unwrap();
    assert_eq!(tensor.as_slice(), [1, 300]);
    assert!(Cbor::read::<Tensor<u8, 2>>(&bytes).is_err(), "300 is no u8");
}

#[test]
fn tensors_in_structs_and_enums_come_back() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Frame {
        name: String,
        image: Tensor<u8, 3>,
        masks: Vec<Tensor<bool, 2>>,
        depth: Option<Tensor<f32, 2>>,
    }

    struct Claim;

    impl InEveryFormat for Claim {
        fn check<F: Format>(&mut self) {
            let frame = Frame {
                name: "left".into(),
                image: Tensor::from_shape_fn([2, 3, 3], |[y, x, c]| (y + x + c) as u8).flip(1),
                masks: vec![
                    Tensor::from_shape_vec([1, 2], vec![true, false]).unwrap(),
                    Tensor::from_shape_vec([0, 9], vec![]).unwrap(),
                ],
                depth: Some(Tensor::from_shape_vec([1, 1], vec![0.25]).unwrap()),
            };
            let bytes = F::write(&frame);
            assert_eq!(F::read::<Frame>(&bytes).unwrap(), frame, "{}", F::NAME);
        }
    }

    in_every_format(Claim);
}

#[test]
fn tensors_in_tagged_and_flattened_types_come_back() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Message {
        Frame {
            image: Tensor<u8, 2>,
            depth: Tensor<f32, 1>,
        },
        End,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Depth(Tensor<f32, 3>),
        Image(Tensor<u8, 2>),
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Timed {
        time: u32,
        #[serde(flatten)]
        image: Tensor<u16, 1>,
    }

    fn check<F: Format>() {
        let image = Tensor::from_shape_vec([2, 2], vec![1u8, 2, 3, 4]).unwrap();
        let depth = Tensor::from_shape_vec([2], vec![0.5f32, 1.5]).unwrap();
        let message = Message::Frame {
            image: image.transpose(),
            depth,
        };
        assert_eq!(
            F::read::<Message>(&F::write(&message)).unwrap(),
            message,
            "{}",
            F::NAME
        );
        let either = Either::Image(image);
        assert_eq!(
            F::read::<Either>(&F::write(&either)).unwrap(),
            either,
            "{}",
            F::NAME
        );
        let image = Tensor::from_shape_vec([2], vec![1u16, 500]).unwrap();
        let timed = Timed { time: 9, image };
        assert_eq!(
            F::read::<Timed>(&F::write(&timed)).unwrap(),
            timed,
            "{}",
            F::NAME
        );
    }

    check::<formats::Json>();
    check::<Cbor>();
    check::<MessagePackNamed>();
}

#[test]
fn memory_that_the_host_cannot_read_is_not_written() {
    use kornia_tensor::{Access, MemoryDomain};
    let address = std::ptr::without_provenance::<u8>(0x1000);
    let domain = MemoryDomain::Device { id: 0 };
    // SAFETY: nothing reads memory of a device.
    let tensor =
        unsafe { Tensor::from_foreign([4], [1], address, domain, Access::ReadOnly, ()) }.unwrap();
    let error = serde_json::to_string(&tensor).unwrap_err();
    assert!(error.to_string().contains("Device"), "{error}");
}
