//! Formats of serde, each from another family.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A format of serde.
pub(crate) trait Format {
    const NAME: &'static str;
    /// Whether it writes numbers one by one.
    const HUMAN: bool = false;

    fn write<V: Serialize + ?Sized>(value: &V) -> Vec<u8>;
    fn read<V: DeserializeOwned>(bytes: &[u8]) -> Result<V, String>;
}

/// Something that holds in every format.
pub(crate) trait InEveryFormat {
    fn check<F: Format>(&mut self);
}

pub(crate) fn in_every_format(mut claim: impl InEveryFormat) {
    if cfg!(miri) {
        // One that gives byte strings as owned and one as borrowed: what `unsafe` is about.
        claim.check::<Cbor>();
        return claim.check::<Postcard>();
    }
    claim.check::<Json>();
    claim.check::<Cbor>();
    claim.check::<MessagePack>();
    claim.check::<MessagePackNamed>();
    claim.check::<Postcard>();
    claim.check::<Bincode>();
}

/// Self-describing text.
pub(crate) struct Json;

impl Format for Json {
    const NAME: &'static str = "serde_json";
    const HUMAN: bool = true;

    fn write<V: Serialize + ?Sized>(value: &V) -> Vec<u8> {
        serde_json::to_vec(value).unwrap()
    }

    fn read<V: DeserializeOwned>(bytes: &[u8]) -> Result<V, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }
}

/// Self-describing binary, read from a stream.
pub(crate) struct Cbor;

impl Format for Cbor {
    const NAME: &'static str = "ciborium";

    fn write<V: Serialize + ?Sized>(value: &V) -> Vec<u8> {
        let mut bytes = Vec::new();
        ciborium::into_writer(value, &mut bytes).unwrap();
        bytes
    }

    fn read<V: DeserializeOwned>(bytes: &[u8]) -> Result<V, String> {
        ciborium::from_reader(bytes).map_err(|error| error.to_string())
    }
}

/// Self-describing binary that drops the names of fields.
pub(crate) struct MessagePack;

impl Format for MessagePack {
    const NAME: &'static str = "rmp_serde";

    fn write<V: Serialize + ?Sized>(value: &V) -> Vec<u8> {
        rmp_serde::to_vec(value).unwrap()
    }

    fn read<V: DeserializeOwned>(bytes: &[u8]) -> Result<V, String> {
        rmp_serde::from_slice(bytes).map_err(|error| error.to_string())
    }
}

/// The same with names.
pub(crate) struct MessagePackNamed;

impl Format for MessagePackNamed {
    const NAME: &'static str = "rmp_serde, named";

    fn write<V: Serialize + ?Sized>(value: &V) -> Vec<u8> {
        rmp_serde::to_vec_named(value).unwrap()
    }

    fn read<V: DeserializeOwned>(bytes: &[u8]) -> Result<V, String> {
        MessagePack::read(bytes)
    }
}

/// Nothing but the values, read from a slice.
pub(crate) struct Postcard;

impl Format for Postcard {
    const NAME: &'static str = "postcard";

    fn write<V: Serialize + ?Sized>(value: &V) -> Vec<u8> {
        postcard::to_stdvec(value).unwrap()
    }

    fn read<V: DeserializeOwned>(bytes: &[u8]) -> Result<V, String> {
        postcard::from_bytes(bytes).map_err(|error| error.to_string())
    }
}

/// Nothing but the values, owned ones. Within a limit, because bincode itself takes the memory
/// that a byte string claims.
pub(crate) struct Bincode;

impl Format for Bincode {
    const NAME: &'static str = "bincode::serde";

    fn write<V: Serialize + ?Sized>(value: &V) -> Vec<u8> {
        bincode::serde::encode_to_vec(value, bincode::config::standard()).unwrap()
    }

    fn read<V: DeserializeOwned>(bytes: &[u8]) -> Result<V, String> {
        let config = bincode::config::standard().with_limit::<{ 1 << 20 }>();
        match bincode::serde::decode_from_slice(bytes, config) {
            Ok((value, _)) => Ok(value),
            Err(error) => Err(error.to_string()),
        }
    }
}
