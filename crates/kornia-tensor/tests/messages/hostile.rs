//! Bytes from strangers: refused, at no cost.

use kornia_tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::formats::{Bincode, Cbor, Format, InEveryFormat, Json, Postcard, in_every_format};
use super::memory::most_taken;

/// More than any reader takes in advance, and far less than what is claimed.
const LITTLE: usize = 200 << 10;

#[track_caller]
fn refused<F: Format, T, const N: usize>(bytes: &[u8]) -> String
where
    T: for<'a> Deserialize<'a>,
{
    let (most, result) = most_taken(|| F::read::<Tensor<T, N>>(bytes).err());
    assert!(most < LITTLE, "{}: {most} bytes taken", F::NAME);
    result.unwrap_or_else(|| panic!("{} took {bytes:?}", F::NAME))
}

#[test]
fn input_that_ends_early_is_refused_at_every_byte() {
    struct Claim;

    impl InEveryFormat for Claim {
        fn check<F: Format>(&mut self) {
            let numbers = Tensor::from_shape_fn([2, 2, 3], |[y, x, c]| (y * 100 + x + c) as f32);
            let bytes = F::write(&numbers);
            for end in 0..bytes.len() {
                assert!(
                    !refused::<F, f32, 3>(&bytes[..end]).is_empty(),
                    "{} at {end}",
                    F::NAME
                );
            }
            let words = Tensor::from_shape_vec([2], vec!["ab".to_string(), "c".into()]).unwrap();
            let bytes = F::write(&words);
            for end in 0..bytes.len() {
                refused::<F, String, 1>(&bytes[..end]);
            }
        }
    }

    in_every_format(Claim);
}

#[test]
fn a_header_that_claims_more_than_there_is_costs_nothing() {
    const CLAIM: u64 = 1 << 60;

    /// A tensor of this version whose data is missing.
    #[derive(Serialize)]
    struct Header {
        shape: [u64; 1],
        data: (),
    }

    struct Claim;

    impl InEveryFormat for Claim {
        fn check<F: Format>(&mut self) {
            refused::<F, u8, 1>(&F::write(&Header {
                shape: [CLAIM],
                data: (),
            }));
            refused::<F, String, 1>(&F::write(&Header {
                shape: [CLAIM],
                data: (),
            }));
        }
    }

    in_every_format(Claim);
    // The length of the data itself claims as much, as bytes and as a sequence.
    refused::<Postcard, f32, 1>(&Postcard::write(&(1u64, CLAIM, CLAIM)));
    refused::<Postcard, String, 1>(&Postcard::write(&(1u64, CLAIM, CLAIM)));
    refused::<Postcard, f32, 1>(&Postcard::write(&(CLAIM, 1.5f32)));
    refused::<Bincode, f32, 1>(&Bincode::write(&(1u64, CLAIM, CLAIM)));
    refused::<Bincode, String, 1>(&Bincode::write(&(1u64, CLAIM, CLAIM)));
    refused::<Bincode, f32, 1>(&Bincode::write(&(CLAIM, 1.5f32)));
    let shape = [
        0xA2, 0x65, b's', b'h', b'a', b'p', b'e', 0x81, 0x1B, 16, 0, 0, 0, 0, 0, 0, 0,
    ];
    for kind in [0x5B, 0x9B] {
        let data = [
            0x64, b'd', b'a', b't', b'a', kind, 16, 0, 0, 0, 0, 0, 0, 0, 1, 2,
        ];
        refused::<Cbor, u8, 1>(&[&shape[..], &data].concat());
        refused::<Cbor, f32, 1>(&[&shape[..], &data].concat());
    }
}

/// As a file of 0.2.0 or of anyone: elements that need no bytes.
#[test]
fn elements_without_a_size_do_not_keep_the_reader_busy() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Nothing;

    let few = Tensor::from_shape_fn([2, 3], |_| Nothing);
    assert_eq!(
        Postcard::read::<Tensor<Nothing, 2>>(&Postcard::write(&few)).unwrap(),
        few
    );
    assert_eq!(
        Json::read::<Tensor<Nothing, 2>>(&Json::write(&few)).unwrap(),
        few
    );
    // Where the format says how many, none is read.
    let many = (1u64 << 16) + 1;
    for many in [many, 1 << 30] {
        let error = refused::<Bincode, Counted, 1>(&Bincode::write(&(1u64, many, many)));
        assert!(error.contains("without a size"), "{error}");
    }
    assert_eq!(Counted::read(), 0);
    if cfg!(miri) {
        return; // one by one
    }
    refused::<Postcard, Nothing, 1>(&Postcard::write(&(1u64, 1u64 << 30, 1u64 << 30)));
    let most = format!(
        r#"{{"shape":[65536],"data":[null{}]}}"#,
        ",null".repeat(65535)
    );
    let all: Tensor<Counted, 1> = Json::read(most.as_bytes()).unwrap();
    assert_eq!((all.numel(), Counted::read()), (65536, 65536));
    let more = most.replace("[null", "[null,null");
    let error = refused::<Json, Counted, 1>(more.as_bytes());
    assert!(error.contains("without a size"), "{error}");
}

/// An element without a size that knows how often one was read on this thread.
struct Counted;

thread_local! {
    static COUNTED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl Counted {
    fn read() -> usize {
        COUNTED.get()
    }
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        COUNTED.set(COUNTED.get() + 1);
        <()>::deserialize(deserializer).map(|()| Self)
    }
}

#[test]
fn what_is_no_tensor_is_refused_with_the_reason() {
    #[track_caller]
    fn reason<const N: usize>(json: &str, expected: &str) {
        let error = Json::read::<Tensor<u8, N>>(json.as_bytes()).unwrap_err();
        assert!(error.contains(expected), "{json}: {error}");
    }
    reason::<2>(
        r#"{"shape":[2,3],"data":[1,2,3,4,5]}"#,
        "5 elements do not fill shape [2, 3]",
    );
    reason::<2>(
        r#"{"shape":[2,3,1],"data":[1,2,3,4,5,6]}"#,
        "a number for each of 2 axes",
    );
    reason::<2>(
        r#"{"shape":[6],"data":[1,2,3,4,5,6]}"#,
        "a number for each of 2 axes",
    );
    reason::<1>(r#"{"shape":[-1],"data":[]}"#, "invalid value");
    reason::<1>(r#"{"shape":[1.5],"data":[1]}"#, "invalid type");
    reason::<1>(r#"{"shape":[1],"data":[256]}"#, "invalid value");
    reason::<1>(r#"{"shape":[1],"data":"x"}"#, "the elements of a tensor");
    reason::<1>(r#"{"shape":[1]}"#, "missing field `data`");
    reason::<1>(r#"{"data":[1]}"#, "missing field `shape`");
    reason::<1>(
        r#"{"shape":[1],"data":[1],"shape":[1]}"#,
        "duplicate field `shape`",
    );
    reason::<1>(
        r#"{"shape":[1],"data":[1],"data":[1]}"#,
        "duplicate field `data`",
    );
    reason::<2>("7", "a tensor with 2 axes");
    reason::<2>(
        r#"{"shape":[4294967296,4294967297],"data":[]}"#,
        "4294967296",
    );
    reason::<2>(
        r#"{"shape":[18446744073709551615,0],"data":[]}"#,
        "18446744073709551615",
    );
}

#[test]
fn byte_strings_that_are_no_elements_are_refused_with_the_reason() {
    let refuse = |shape: &[u64], data: Vec<u8>| {
        let fields = vec![
            ("shape", ciborium::cbor!(shape).unwrap()),
            ("data", data.into()),
        ];
        let fields = fields.into_iter().map(|(name, value)| (name.into(), value));
        Cbor::write(&ciborium::Value::Map(fields.collect()))
    };
    let error = refused::<Cbor, f32, 1>(&refuse(&[2], vec![0; 7]));
    assert!(
        error.contains("7 bytes are no whole number of 4-byte elements"),
        "{error}"
    );
    let error = refused::<Cbor, f32, 1>(&refuse(&[2], vec![0; 12]));
    assert!(
        error.contains("3 elements do not fill shape [2]"),
        "{error}"
    );
    let error = refused::<Cbor, bool, 1>(&refuse(&[3], vec![0, 1, 2]));
    assert!(error.contains("no bool"), "{error}");
    for error in [
        refused::<Cbor, usize, 1>(&refuse(&[1], vec![0; 9])),
        refused::<Cbor, String, 1>(&refuse(&[1], vec![1; 3])),
    ] {
        assert!(!error.is_empty());
    }
}
