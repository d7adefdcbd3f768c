//! Elements one by one: floats may come as texts where a format has no number for them.

use std::fmt;
use std::marker::PhantomData;

use serde_core::de::value::{F32Deserializer, F64Deserializer};
use serde_core::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use crate::engine::element::Plain;
use crate::formats::serde::is_float;

/// One element.
pub(super) struct Element<T>(pub(super) PhantomData<T>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Element<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        if is_float::<T>() && deserializer.is_human_readable() {
            deserializer.deserialize_any(self)
        } else {
            T::deserialize(deserializer)
        }
    }
}

impl<T> Element<T> {
    fn of_f64<'de, E: Error>(self, value: f64) -> Result<T, E>
    where
        T: Deserialize<'de>,
    {
        match Plain::of::<T>() {
            Some(Plain::F32) => T::deserialize(F32Deserializer::new(narrow(value))),
            _ => T::deserialize(F64Deserializer::new(value)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Element<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or \"NaN\", \"Infinity\" or \"-Infinity\"")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        self.of_f64(value)
    }

    fn visit_f32<E: Error>(self, value: f32) -> Result<T, E> {
        self.of_f64(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let wrong = |_| E::invalid_value(serde_core::de::Unexpected::Str(text), &self);
        // Straight to the type, which rounds once.
        match Plain::of::<T>() {
            Some(Plain::F32) => {
                T::deserialize(F32Deserializer::new(text.trim().parse().map_err(wrong)?))
            }
            _ => T::deserialize(F64Deserializer::new(text.trim().parse().map_err(wrong)?)),
        }
    }

    /// A number of serde_json whose digits are kept as they are (`arbitrary_precision`).
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let Some((_, digits)) = map.next_entry::<String, String>()? else {
            return Err(A::Error::invalid_type(
                serde_core::de::Unexpected::Map,
                &self,
            ));
        };
        self.visit_str(&digits)
    }
}

/// The `f32` whose digits were read as this `f64`.
///
/// The nearest one; but digits that were rounded to just the middle of two `f32` do not say which
/// they were nearer to. If they are those of one of the two, as short as they can be, it is that.
/// (`7.038531e-26` would come back as its neighbour otherwise.)
fn narrow(value: f64) -> f32 {
    let nearest = value as f32;
    let other = if f64::from(nearest) < value {
        nearest.next_up()
    } else {
        nearest.next_down()
    };
    let is_middle = f64::from(nearest) - value == value - f64::from(other);
    if !is_middle || nearest.is_infinite() {
        return nearest;
    }
    let digits_of = |number: f32| number.to_string().parse::<f64>();
    match digits_of(other) {
        Ok(digits) if digits == value && digits_of(nearest) != Ok(value) => other,
        _ => nearest,
    }
}
