//! Writes the seed corpora: valid tensors in each format, and the files of 0.2.0, each behind the
//! bytes that choose the element type and, for bincode, the configuration.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use bincode::config::{legacy, standard};
use kornia_tensor::Tensor;
use kornia_tensor_fuzz::Point;

struct Corpus(PathBuf);

impl Corpus {
    fn add(
        &self,
        target: &str,
        name: &str,
        head: &[u8],
        bytes: &[u8],
    ) -> Result<(), Box<dyn Error>> {
        let folder = self.0.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), [head, bytes].concat())?;
        Ok(())
    }

    /// One tensor in every format.
    fn tensor<T, const N: usize>(
        &self,
        choice: u8,
        name: &str,
        tensor: &Tensor<T, N>,
    ) -> Result<(), Box<dyn Error>>
    where
        T: serde::Serialize + bincode::Encode,
        T: for<'a> rkyv::Serialize<
                rkyv::api::high::HighSerializer<
                    rkyv::util::AlignedVec,
                    rkyv::ser::allocator::ArenaHandle<'a>,
                    rkyv::rancor::BoxedError,
                >,
            >,
    {
        let head = &[choice][..];
        self.add("serde_json", name, head, &serde_json::to_vec(tensor)?)?;
        let mut cbor = Vec::new();
        ciborium::into_writer(tensor, &mut cbor)?;
        self.add("serde_cbor", name, head, &cbor)?;
        self.add("serde_msgpack", name, head, &rmp_serde::to_vec(tensor)?)?;
        let named = format!("{name}_named");
        self.add(
            "serde_msgpack",
            &named,
            head,
            &rmp_serde::to_vec_named(tensor)?,
        )?;
        self.add("serde_postcard", name, head, &postcard::to_stdvec(tensor)?)?;
        let config = standard();
        let bytes = bincode::encode_to_vec(tensor, config)?;
        self.add("bincode", &format!("{name}_standard"), &[choice, 0], &bytes)?;
        let bytes = bincode::encode_to_vec(tensor, legacy())?;
        self.add("bincode", &format!("{name}_legacy"), &[choice, 1], &bytes)?;
        let bytes = bincode::encode_to_vec(tensor, config.with_big_endian())?;
        self.add("bincode", &format!("{name}_big"), &[choice, 2], &bytes)?;
        self.add(
            "rkyv",
            name,
            head,
            &rkyv::to_bytes::<rkyv::rancor::BoxedError>(tensor)?,
        )
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = Corpus(here.join("corpus"));

    // In the order of `choose!`.
    let pixels = Tensor::from_shape_fn([2, 2, 3], |[y, x, c]| (y * 100 + x * 10 + c) as u8);
    corpus.tensor(0, "u8", &pixels)?;
    let depth = Tensor::from_shape_vec([2, 2], vec![0.5f32, -1e9, f32::MIN_POSITIVE, 3.0])?;
    corpus.tensor(1, "f32", &depth)?;
    corpus.tensor(
        2,
        "bool",
        &Tensor::from_shape_vec([3], vec![true, false, true])?,
    )?;
    corpus.tensor(3, "i64", &Tensor::from_shape_vec([], vec![i64::MIN])?)?;
    corpus.tensor(4, "u128", &Tensor::from_shape_vec([2], vec![u128::MAX, 1])?)?;
    corpus.tensor(
        5,
        "usize",
        &Tensor::from_shape_vec([1, 2], vec![300usize, 0])?,
    )?;
    let words = vec!["ab".to_string(), String::new(), "longer than inline".into()];
    corpus.tensor(6, "string", &Tensor::from_shape_vec([3], words)?)?;
    let point = |name: &str, at| Point {
        name: name.into(),
        at,
    };
    let points = vec![point("a", (-1, None)), point("", (300, Some(true)))];
    corpus.tensor(7, "point", &Tensor::from_shape_vec([1, 2], points)?)?;
    corpus.tensor(8, "unit", &Tensor::from_shape_vec([2], vec![(), ()])?)?;
    corpus.tensor(
        9,
        "i16",
        &Tensor::from_shape_vec([1, 2, 1, 1], vec![-1i16, 300])?,
    )?;
    corpus.tensor(
        9,
        "empty",
        &Tensor::from_shape_vec([1, 0, 5, 2], vec![0i16; 0])?,
    )?;

    let golden = here.join("../crates/kornia-tensor/tests/golden/0.2.0");
    let old = [
        ("u8", 0),
        ("pixel", 0),
        ("f32", 1),
        ("bool", 2),
        ("string", 6),
    ];
    for (name, choice) in old {
        for (extension, target) in [
            ("json", "serde_json"),
            ("cbor", "serde_cbor"),
            ("msgpack", "serde_msgpack"),
            ("postcard", "serde_postcard"),
        ] {
            let bytes = fs::read(golden.join(format!("{name}.{extension}")))?;
            corpus.add(target, &format!("{name}_0.2.0"), &[choice], &bytes)?;
        }
        let bytes = fs::read(golden.join(format!("{name}.bincode")))?;
        corpus.add("bincode", &format!("{name}_0.2.0"), &[choice, 0], &bytes)?;
    }
    // Strides that are not standard: as `usize`, the one type here with two axes and integers.
    let strided = br#"{"strides":[1,2],"data":[1,2,3,4],"shape":[2,2],"more":[{}]}"#;
    corpus.add("serde_json", "strided", &[5], strided)?;
    let padded = ([2usize, 2], [3usize, 1], vec![1usize, 2, 3, 4, 5]);
    let padded = bincode::encode_to_vec(padded, standard())?;
    corpus.add("bincode", "padded", &[5, 0], &padded)?;
    // 2^60 rows of nothing, which take no time.
    let endless = ([1u64 << 60, 0], [0u64, 1], 0u64);
    let endless = bincode::encode_to_vec(endless, standard().with_big_endian())?;
    corpus.add("bincode", "endless_rows", &[1, 2], &endless)
}
