//! Reading, of this version's fields and of 0.2.0's.

mod number;

use std::fmt;
use std::marker::PhantomData;

use serde_core::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess,
    Unexpected, Visitor,
};

use crate::Tensor;
use crate::engine::element::Plain;
use crate::engine::element::bytes::{Order, append, elements_of_bytes};
use crate::formats::wire::{Arriving, assemble};
use number::Element;

/// A format that does not count fields says that there are as many as this names. There are two
/// in a tensor of this version and three in one of 0.2.0, so four tells "counted" from "not".
const FIELDS: &[&str] = &["shape", "data", "strides", ""];

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for Tensor<T, N> {
    /// O(n), into fresh memory. See the [module](crate::formats::serde) for what is read and how it is
    /// checked.
    ///
    /// # Errors
    ///
    /// Those of the format; another rank; elements that do not fill the shape; strides of 0.2.0
    /// that reach outside the elements or overlap.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let version = Version::Unknown;
        deserializer.deserialize_struct("Tensor", FIELDS, Fields(version, PhantomData))
    }
}

/// Reads a tensor that kornia-tensor 0.2.0 wrote, also in a format without field names, where
/// [`Deserialize`] mistakes one with as many elements as axes.
///
/// For `#[serde(deserialize_with = "kornia_tensor::formats::serde::deserialize_v0_2")]`.
///
/// # Errors
///
/// As those of [`Deserialize`] for a tensor.
///
/// ```
/// use kornia_tensor::Tensor;
/// use kornia_tensor::formats::serde::deserialize_v0_2;
///
/// // data, shape, strides of the pixel [[[9, 8, 7]]], each with its length in front.
/// let old = [3, 9, 8, 7, 3, 1, 1, 3, 3, 3, 3, 1];
/// let mut deserializer = postcard::Deserializer::from_bytes(&old);
/// let pixel: Tensor<u8, 3> = deserialize_v0_2(&mut deserializer)?;
/// assert_eq!(pixel.as_slice(), [9, 8, 7]);
/// # Ok::<(), postcard::Error>(())
/// ```
pub fn deserialize_v0_2<'de, D, T, const N: usize>(
    deserializer: D,
) -> Result<Tensor<T, N>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let fields = &["data", "shape", "strides"];
    deserializer.deserialize_struct("Tensor", fields, Fields(Version::Old, PhantomData))
}

/// Whose order fields without names are in.
#[derive(Clone, Copy, PartialEq)]
enum Version {
    Old,
    New,
    Unknown,
}

/// A tensor of fields with or without names.
struct Fields<T, const N: usize>(Version, PhantomData<T>);

impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Fields<T, N> {
    type Value = Tensor<T, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a tensor with {N} axes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut shape, mut data, mut strides) = (None, None, None);
        while let Some(name) = map.next_key()? {
            match name {
                Name::Shape => once(&mut shape, "shape", map.next_value::<Axes<N>>()?)?,
                Name::Strides => once(&mut strides, "strides", map.next_value::<Axes<N>>()?)?,
                Name::Data => once(&mut data, "data", map.next_value_seed(Data(PhantomData))?)?,
                Name::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let Axes(shape) = shape.ok_or_else(|| A::Error::missing_field("shape"))?;
        let data = data.ok_or_else(|| A::Error::missing_field("data"))?;
        assemble(shape, strides.map(|Axes(strides)| strides), data).map_err(A::Error::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let version = match (self.0, seq.size_hint()) {
            (Version::Unknown, Some(2)) => Version::New,
            (Version::Unknown, Some(3)) => Version::Old,
            (version, _) => version,
        };
        let missing = |field| A::Error::invalid_length(field, &self);
        let first = seq.next_element_seed(First(version, PhantomData))?;
        let tensor = match first.ok_or_else(|| missing(0))? {
            Either::Shape(Axes(shape)) => {
                let data = seq.next_element_seed(Data(PhantomData))?;
                assemble(shape, None, data.ok_or_else(|| missing(1))?)
            }
            Either::Data(data) => {
                let Axes(shape) = seq.next_element()?.ok_or_else(|| missing(1))?;
                let Axes(strides) = seq.next_element()?.ok_or_else(|| missing(2))?;
                assemble(shape, Some(strides), data)
            }
        };
        tensor.map_err(A::Error::custom)
    }
}

/// Keeps the value of a field that may come once.
fn once<V, E: Error>(place: &mut Option<V>, name: &'static str, value: V) -> Result<(), E> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::duplicate_field(name)),
    }
}

/// The name of a field.
enum Name {
    Shape,
    Data,
    Strides,
    Other,
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsText;

        impl Visitor<'_> for AsText {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a field")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
                self.visit_bytes(name.as_bytes())
            }

            fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Name, E> {
                Ok(match name {
                    b"shape" => Name::Shape,
                    b"data" => Name::Data,
                    b"strides" => Name::Strides,
                    _ => Name::Other,
                })
            }
        }

        deserializer.deserialize_identifier(AsText)
    }
}

/// A number for each axis.
struct Axes<const N: usize>([usize; N]);

impl<'de, const N: usize> Deserialize<'de> for Axes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(AxesVisitor)
    }
}

struct AxesVisitor<const N: usize>;

impl<'de, const N: usize> Visitor<'de> for AxesVisitor<N> {
    type Value = Axes<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number for each of {N} axes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Axes<N>, A::Error> {
        let mut numbers = [0; N];
        for (axis, number) in numbers.iter_mut().enumerate() {
            let next = seq.next_element()?;
            *number = next.ok_or_else(|| A::Error::invalid_length(axis, &self))?;
        }
        match seq.next_element::<usize>()? {
            None => Ok(Axes(numbers)),
            Some(_) => Err(A::Error::invalid_length(N + 1, &self)),
        }
    }
}

/// The elements, as a sequence or as bytes.
struct Data<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Data<T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        if Plain::portable::<T>().is_none() {
            deserializer.deserialize_seq(self)
        } else if deserializer.is_human_readable() {
            // Not `seq`: what serde buffers for tagged and flattened types calls itself
            // human-readable and gives the bytes of a binary format.
            deserializer.deserialize_any(self)
        } else {
            deserializer.deserialize_byte_buf(self)
        }
    }
}

impl<T> Data<T> {
    /// `Err` unless such elements are written as bytes.
    fn takes_bytes<'de, E: Error>(&self, bytes: &[u8]) -> Result<(), E>
    where
        T: Deserialize<'de>,
    {
        match Plain::portable::<T>() {
            Some(_) => Ok(()),
            None => Err(E::invalid_type(Unexpected::Bytes(bytes), self)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Data<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the elements of a tensor")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let claimed = seq.size_hint().unwrap_or(0);
        let mut elements = Arriving::new(claimed).map_err(A::Error::custom)?;
        while let Some(element) = seq.next_element_seed(Element(PhantomData))? {
            elements.push(element).map_err(A::Error::custom)?;
        }
        Ok(elements.finish())
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<T>, E> {
        self.takes_bytes(bytes)?;
        let mut elements = Vec::new();
        append(&mut elements, bytes, Order::Little).map_err(E::custom)?;
        Ok(elements)
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<T>, E> {
        self.takes_bytes(&bytes)?;
        elements_of_bytes(bytes).map_err(E::custom)
    }
}

/// The first of fields without names: the shape, or 0.2.0's data.
struct First<T, const N: usize>(Version, PhantomData<T>);

enum Either<T, const N: usize> {
    Shape(Axes<N>),
    Data(Vec<T>),
}

impl<'de, T: Deserialize<'de>, const N: usize> DeserializeSeed<'de> for First<T, N> {
    type Value = Either<T, N>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for First<T, N> {
    type Value = Either<T, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a shape of {N} axes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        let old = match self.0 {
            Version::Old => true,
            Version::New => false,
            Version::Unknown => seq.size_hint().is_some_and(|len| len != N),
        };
        if old {
            Data(PhantomData).visit_seq(seq).map(Either::Data)
        } else {
            AxesVisitor.visit_seq(seq).map(Either::Shape)
        }
    }
}
