//! Tensors to bytes and back, in memory. A format that a peer can write is a candidate of its own.

use std::sync::Arc;

use bincode::config::standard;
use rkyv::api::high::{HighDeserializer, HighSerializer, HighValidator, to_bytes_in};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::BoxedError;
use rkyv::ser::allocator::ArenaHandle;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Archived};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wincode::config::{Configuration, PREALLOCATION_SIZE_LIMIT_DISABLED};
use wincode::{SchemaReadOwned, SchemaWrite};

use crate::input::{Input, Output, Pixel};
use crate::measure::{Candidate, fresh};

type Ours<T> = kornia_tensor::Tensor<T, 3>;
type Old<T> = kornia_tensor_02::Tensor<T, 3>;
type Array<T> = ndarray::Array3<T>;
/// wincode's best for a tensor that has no implementation: a pair.
type Pair<T> = ([usize; 3], Vec<T>);
type Win = Configuration<true, PREALLOCATION_SIZE_LIMIT_DISABLED>;

fn win() -> Win {
    Configuration::default().disable_preallocation_size_limit()
}

/// Bytes that arrived and are kept by whoever reads them.
#[derive(Clone)]
struct Held(Arc<AlignedVec>);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Everything that the formats ask of an element.
pub trait Element:
    Pixel
    + Serialize
    + DeserializeOwned
    + bincode::Encode
    + bincode::Decode<()>
    + Archive<Archived: for<'a> CheckBytes<HighValidator<'a, BoxedError>>>
    + for<'a> rkyv::Serialize<HighSerializer<AlignedVec, ArenaHandle<'a>, BoxedError>>
where
    Archived<Self>: rkyv::Deserialize<Self, HighDeserializer<BoxedError>>,
    Pair<Self>: SchemaWrite<Win, Src = Pair<Self>> + SchemaReadOwned<Win, Dst = Pair<Self>>,
{
}

impl Element for u8 {}
impl Element for f32 {}

/// The candidates of both directions.
#[derive(Default)]
pub struct Both {
    pub write: Vec<Candidate>,
    pub read: Vec<Candidate>,
}

impl Both {
    /// One format of one peer, unless what it reads is not what it wrote.
    fn add<V: Clone + 'static, B: 'static>(
        &mut self,
        name: &'static str,
        value: &V,
        write: fn(&V) -> B,
        read: fn(&B) -> V,
        look: fn(&V) -> Output,
    ) {
        let (bytes, value) = (write(value), value.clone());
        let expected = look(&value);
        if let Some(difference) = expected.differs(&look(&read(&bytes))) {
            eprintln!("left out of messages: {name}: {difference}");
            return;
        }
        let nothing = |_: &B| Output::Number(0.0);
        let run = fresh(move || write(&value), nothing).expect("it runs");
        self.write.extend(Candidate::checked(name, run, None));
        let run = fresh(move || read(&bytes), look).expect("it runs");
        self.read
            .extend(Candidate::checked(name, run, Some(&expected)));
    }
}

/// Everyone's formats for an image of these elements.
pub fn candidates<T: Element>(input: &Input) -> Both
where
    Archived<T>: rkyv::Deserialize<T, HighDeserializer<BoxedError>>,
    Pair<T>: SchemaWrite<Win, Src = Pair<T>> + SchemaReadOwned<Win, Dst = Pair<T>>,
{
    let (shape, elements) = (input.shape, T::of(input));
    let mut both = Both::default();
    let look = |elements: &Vec<T>| T::output(elements.clone());
    both.add("limit: memcpy", &elements, Vec::clone, Vec::clone, look);

    let ours: Ours<T> = Ours::from_shape_vec(shape, elements.clone()).unwrap();
    let look = |tensor: &Ours<T>| T::output(tensor.as_slice().to_vec());
    both.add("kornia-tensor rkyv", &ours, archive, unarchive, look);
    both.add(
        "kornia-tensor bincode",
        &ours,
        encode,
        |bytes| decode(bytes),
        look,
    );
    serde_formats(&mut both, OUR_NAMES, &ours, look);
    let held = Held(Arc::new(archive(&ours)));
    let shared = move || Ours::<T>::from_archive(held.clone()).unwrap().numel();
    let shared = Candidate::repeated("kornia-tensor rkyv, shared", shared);
    both.read.push(shared);

    let old: Old<T> = Old::from_shape_vec(shape, elements.clone()).unwrap();
    let look = |tensor: &Old<T>| T::output(tensor.as_slice().to_vec());
    both.add("0.2.0 bincode", &old, encode, |bytes| decode(bytes), look);
    serde_formats(&mut both, OLD_NAMES, &old, look);

    let array: Array<T> = Array::from_shape_vec(shape, elements.clone()).unwrap();
    let look = |array: &Array<T>| T::output(array.iter().copied().collect());
    serde_formats(&mut both, ARRAY_NAMES, &array, look);

    let look = |pair: &Pair<T>| T::output(pair.1.clone());
    let write = |pair: &Pair<T>| wincode::config::serialize(pair, win()).unwrap();
    let read = |bytes: &Vec<u8>| wincode::config::deserialize(bytes, win()).unwrap();
    both.add(
        "wincode (shape, Vec)",
        &(shape, elements),
        write,
        read,
        look,
    );
    both
}

const OUR_NAMES: [&str; 3] = [
    "kornia-tensor serde postcard",
    "kornia-tensor serde bincode",
    "kornia-tensor serde_json",
];
const OLD_NAMES: [&str; 3] = [
    "0.2.0 serde postcard",
    "0.2.0 serde bincode",
    "0.2.0 serde_json",
];
const ARRAY_NAMES: [&str; 3] = [
    "ndarray serde postcard",
    "ndarray serde bincode",
    "ndarray serde_json",
];

fn serde_formats<V: Serialize + DeserializeOwned + Clone + 'static>(
    both: &mut Both,
    [postcard, bincode, json]: [&'static str; 3],
    value: &V,
    look: fn(&V) -> Output,
) {
    let write = |value: &V| postcard::to_stdvec(value).unwrap();
    let read = |bytes: &Vec<u8>| postcard::from_bytes(bytes).unwrap();
    both.add(postcard, value, write, read, look);
    let write = |value: &V| bincode::serde::encode_to_vec(value, standard()).unwrap();
    let read = |bytes: &Vec<u8>| {
        let (value, _) = bincode::serde::decode_from_slice(bytes, standard()).unwrap();
        value
    };
    both.add(bincode, value, write, read, look);
    let write = |value: &V| serde_json::to_vec(value).unwrap();
    let read = |bytes: &Vec<u8>| serde_json::from_slice(bytes).unwrap();
    both.add(json, value, write, read, look);
}

fn encode<V: bincode::Encode>(value: &V) -> Vec<u8> {
    bincode::encode_to_vec(value, standard()).unwrap()
}

fn decode<V: bincode::Decode<()>>(bytes: &[u8]) -> V {
    bincode::decode_from_slice(bytes, standard()).unwrap().0
}

fn archive<T: Element>(tensor: &Ours<T>) -> AlignedVec
where
    Archived<T>: rkyv::Deserialize<T, HighDeserializer<BoxedError>>,
    Pair<T>: SchemaWrite<Win, Src = Pair<T>> + SchemaReadOwned<Win, Dst = Pair<T>>,
{
    // Without room it would grow to the next power of two, in fresh pages.
    let room = AlignedVec::with_capacity(tensor.numel() * size_of::<T>() + 64);
    to_bytes_in::<_, BoxedError>(tensor, room).unwrap()
}

fn unarchive<T: Element>(bytes: &AlignedVec) -> Ours<T>
where
    Archived<T>: rkyv::Deserialize<T, HighDeserializer<BoxedError>>,
    Pair<T>: SchemaWrite<Win, Src = Pair<T>> + SchemaReadOwned<Win, Dst = Pair<T>>,
{
    rkyv::from_bytes::<_, BoxedError>(bytes).unwrap()
}
