//! What 0.2.0 wrote: the files in `golden/0.2.0`, and fields in every order.

use std::fmt::Debug;

use kornia_tensor::Tensor;
use kornia_tensor::formats::serde::deserialize_v0_2;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::formats::{Bincode, Cbor, Format, Json, MessagePack, Postcard};

macro_rules! file {
    ($($part:literal),+) => {
        include_bytes!(concat!("../golden/0.2.0/", $($part),+))
    };
}

/// One tensor in all its files: read, and written anew and read again.
macro_rules! golden {
    ($name:literal as $type:ty: $shape:expr, $elements:expr) => {{
        let expected = Tensor::from_shape_vec($shape, $elements.to_vec()).unwrap();
        let same = |tensor: $type| {
            assert_eq!(tensor, expected, $name);
            let json = Json::write(&tensor);
            assert_eq!(Json::read::<$type>(&json).unwrap(), expected, $name);
        };
        same(Json::read(file!($name, ".json")).unwrap());
        same(Cbor::read(file!($name, ".cbor")).unwrap());
        same(MessagePack::read(file!($name, ".msgpack")).unwrap());
        let mut postcard = postcard::Deserializer::from_bytes(file!($name, ".postcard"));
        same(deserialize_v0_2(&mut postcard).unwrap());
        postcard::from_bytes::<$type>(file!($name, ".postcard")).map(same)
    }};
}

#[test]
fn every_file_of_0_2_0_is_read() {
    let number = |i: u8| i * 21;
    let pixels: Vec<u8> = (0..12).map(number).collect();
    golden!("u8" as Tensor<u8, 3>: [2, 2, 3], pixels).unwrap();
    let numbers = [-1, 300, -70000, 5, i32::MIN, i32::MAX];
    golden!("i32" as Tensor<i32, 2>: [2, 3], numbers).unwrap();
    let numbers = [0.5, -1.25, 3.0e7, 1.0e-7, -0.0, 0.1];
    golden!("f32" as Tensor<f32, 2>: [3, 2], numbers).unwrap();
    golden!("f64" as Tensor<f64, 1>: [3], [0.1, -2.5e300, 1.0]).unwrap();
    golden!("u64" as Tensor<u64, 1>: [2], [u64::MAX, 250]).unwrap();
    golden!("bool" as Tensor<bool, 1>: [4], [true, false, false, true]).unwrap();
    golden!("string" as Tensor<String, 1>: [2], ["ab".to_string(), String::new()]).unwrap();
    golden!("empty" as Tensor<u16, 3>: [2, 0, 3], [0u16; 0]).unwrap();
    golden!("scalar" as Tensor<f32, 0>: [], [2.5]).unwrap();
    golden!("transposed" as Tensor<u8, 2>: [3, 2], [1, 4, 2, 5, 3, 6]).unwrap();
    golden!("padded" as Tensor<i16, 2>: [2, 3], [1, 2, 3, 5, 6, 7]).unwrap();

    let named = MessagePack::read::<Tensor<i16, 2>>(file!("padded.named.msgpack")).unwrap();
    assert_eq!(named.view().to_vec(), [1, 2, 3, 5, 6, 7]);
}

/// The one tensor that postcard cannot tell from a new one; see the module's documentation.
#[test]
fn an_old_tensor_with_as_many_elements_as_axes_is_taken_for_new_without_names() {
    let refused = golden!("pixel" as Tensor<u8, 3>: [1, 1, 3], [9, 8, 7]).unwrap_err();
    let text = refused.to_string();
    assert!(!text.is_empty());

    #[derive(Deserialize)]
    struct Old {
        #[serde(deserialize_with = "deserialize_v0_2")]
        pixel: Tensor<u8, 3>,
        after: u8,
    }
    let mut bytes = file!("pixel.postcard").to_vec();
    bytes.push(77);
    let old: Old = postcard::from_bytes(&bytes).unwrap();
    assert_eq!((old.pixel.as_slice(), old.after), (&[9, 8, 7][..], 77));
}

#[test]
fn strides_of_0_2_0_are_kept() {
    let transposed: Tensor<u8, 2> = Json::read(file!("transposed.json")).unwrap();
    assert_eq!(transposed.strides(), &[1, 3]);
    let padded: Tensor<i16, 2> = Json::read(file!("padded.json")).unwrap();
    assert_eq!(padded.strides(), &[4, 1]);
    // Written anew, without what lay between its rows.
    assert_eq!(
        Json::write(&padded),
        br#"{"shape":[2,3],"data":[1,2,3,5,6,7]}"#
    );
}

/// The wire of bincode's serde mode is positional, as postcard's.
#[test]
fn positional_fields_of_both_versions_are_told_apart() {
    type Wire = (Vec<f32>, Vec<usize>, Vec<usize>);
    let old: Wire = (vec![1.0, 2.0, 3.0, 4.0], vec![2, 2], vec![2, 1]);
    let tensor: Tensor<f32, 2> = Bincode::read(&Bincode::write(&old)).unwrap();
    assert_eq!(tensor.as_slice(), [1.0, 2.0, 3.0, 4.0]);
    let tensor: Tensor<f32, 2> = Postcard::read(&Postcard::write(&old)).unwrap();
    assert_eq!(tensor.as_slice(), [1.0, 2.0, 3.0, 4.0]);

    // Inside a struct, what follows is found.
    #[derive(Deserialize, PartialEq, Debug)]
    struct Two {
        first: Tensor<f32, 2>,
        second: Tensor<f32, 2>,
        last: u8,
    }
    let new = Tensor::from_shape_vec([1, 2], vec![8.0f32, 9.0]).unwrap();
    let two: Two = Postcard::read(&Postcard::write(&(&old, &new, 5u8))).unwrap();
    assert_eq!(
        (two.first, two.second, two.last),
        (tensor.clone(), new.clone(), 5)
    );
    let two: Two = Bincode::read(&Bincode::write(&(&new, &old, 6u8))).unwrap();
    assert_eq!((two.first, two.second, two.last), (new, tensor, 6));
}

#[test]
fn fields_with_names_are_read_in_any_order_and_others_are_skipped() {
    let fields = [
        (
            r#""data":[1,2,3,4]"#,
            r#""strides":[1,2]"#,
            r#""shape":[2,2]"#,
        ),
        (
            r#""data":[1,2,3,4]"#,
            r#""shape":[2,2]"#,
            r#""strides":[1,2]"#,
        ),
        (
            r#""shape":[2,2]"#,
            r#""data":[1,2,3,4]"#,
            r#""strides":[1,2]"#,
        ),
        (
            r#""shape":[2,2]"#,
            r#""strides":[1,2]"#,
            r#""data":[1,2,3,4]"#,
        ),
        (
            r#""strides":[1,2]"#,
            r#""shape":[2,2]"#,
            r#""data":[1,2,3,4]"#,
        ),
        (
            r#""strides":[1,2]"#,
            r#""data":[1,2,3,4]"#,
            r#""shape":[2,2]"#,
        ),
    ];
    for (a, b, c) in fields {
        let json = format!(r#"{{{a},"color":{{"space":["rgb"]}},{b},{c}}}"#);
        let tensor: Tensor<u8, 2> = Json::read(json.as_bytes()).unwrap();
        assert_eq!(tensor.view().to_vec(), [1, 3, 2, 4], "{json}");
        let value: ciborium::Value = serde_json::from_str(&json).unwrap();
        let tensor: Tensor<u8, 2> = Cbor::read(&Cbor::write(&value)).unwrap();
        assert_eq!(tensor.view().to_vec(), [1, 3, 2, 4], "{json}");
    }
}

#[test]
fn layouts_of_0_2_0_that_are_none_are_refused_with_the_reason() {
    #[track_caller]
    fn refused<T: DeserializeOwned + Debug, const N: usize>(json: &str, reason: &str) {
        let error = Json::read::<Tensor<T, N>>(json.as_bytes()).unwrap_err();
        assert!(error.contains(reason), "{json}: {error}");
    }
    refused::<u8, 2>(
        r#"{"data":[1,2,3,4],"shape":[2,2],"strides":[100,1]}"#,
        "102 elements",
    );
    refused::<u8, 2>(
        r#"{"data":[1,2,3,4],"shape":[2,2],"strides":[1,1]}"#,
        "by two indices",
    );
    refused::<u8, 2>(
        r#"{"data":[1],"shape":[4,4],"strides":[0,0]}"#,
        "by two indices",
    );
    refused::<u8, 2>(
        r#"{"data":[],"shape":[4294967296,4294967296],"strides":[1,1]}"#,
        "",
    );
    let most = u64::MAX;
    refused::<u8, 1>(
        &format!(r#"{{"data":[1,2],"shape":[2],"strides":[{most}]}}"#),
        "",
    );
    refused::<u8, 1>(
        &format!(r#"{{"data":[1,2],"shape":[{most}],"strides":[1]}}"#),
        "",
    );
    refused::<u8, 2>(
        &format!(r#"{{"data":[],"shape":[{most},0],"strides":[1,1]}}"#),
        "",
    );
}
