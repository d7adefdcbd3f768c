//! `use kornia_tensor::*` beside the crates whose formats this one reads and writes, all features on.

#![cfg(all(
    feature = "serde",
    feature = "image",
    feature = "bincode",
    feature = "rkyv",
    feature = "npy",
    feature = "safetensors",
    feature = "arrow",
    feature = "ndarray",
    feature = "half"
))]

use kornia_tensor::prelude::*;
use kornia_tensor::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, bincode::Encode, bincode::Decode)]
struct Labelled {
    label: u32,
    image: Tensor3<u8>,
}

#[test]
fn a_glob_import_hides_no_crate() {
    let image = Tensor::<u8, 3>::full([2, 3, 3], 7);
    let labelled = Labelled { label: 1, image };

    let json = serde_json::to_string(&labelled).unwrap();
    let back: Labelled = serde_json::from_str(&json).unwrap();
    assert_eq!((back.label, &back.image), (1, &labelled.image));

    let bytes = bincode::encode_to_vec(&labelled, bincode::config::standard()).unwrap();
    let (back, _): (Labelled, usize) =
        bincode::decode_from_slice(&bytes, bincode::config::standard()).unwrap();
    assert_eq!(back.image, labelled.image);

    let archive = rkyv::to_bytes::<rkyv::rancor::Error>(&labelled.image).unwrap();
    assert_eq!(
        Tensor3::<u8>::from_archive(archive).unwrap(),
        labelled.image
    );

    assert!(image::open("no such file.png").is_err());
    assert_eq!(ndarray::arr1(&[half::f16::ONE]).len(), 1);
}

/// The modules of formats are found in one place.
#[test]
fn each_format_has_its_module() {
    let mut bytes = Vec::new();
    formats::npy::write(&mut bytes, &Tensor::<u8, 1>::zeros([3])).unwrap();
    assert_eq!(
        formats::npy::from_bytes::<u8, 1>(&bytes).unwrap().numel(),
        3
    );
    let _: fn() -> formats::safetensors::SafeTensorsWriter<'static> =
        formats::safetensors::SafeTensorsWriter::new;
    let _: Option<formats::image::ImageOptions> = None;
    let _: Option<exchange::arrow::ArrowParts> = None;
}
