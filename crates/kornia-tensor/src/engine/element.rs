//! Which element types are plain, and the bytes of those that are.
//!
//! The one table of the crate. Stable Rust does not specialise generic code, so `T` is compared
//! with the types of the table. The comparison is between constants and costs nothing once it
//! is compiled.

use std::any::TypeId;

#[cfg(any(
    feature = "serde",
    feature = "bincode",
    feature = "rkyv",
    feature = "npy",
    feature = "safetensors",
    feature = "image"
))]
#[cfg_attr(
    not(all(feature = "serde", feature = "bincode", feature = "rkyv")),
    allow(dead_code, reason = "each format uses its part")
)]
pub(crate) mod bytes;
#[cfg(any(feature = "npy", feature = "safetensors", feature = "image"))]
#[cfg_attr(
    not(any(feature = "npy", feature = "safetensors")),
    allow(dead_code, reason = "images have readers of their own")
)]
pub(crate) mod read;

/// A type of the table: a number of the language, `bool`, or a half-precision number of the crate
/// `half`, which is a transparent `u16`.
///
/// Invariants of `Plain`:
///
/// 1. It has no padding, so all its bytes are initialised, and it owns nothing, so copying its bytes
///    copies it.
/// 2. It is `Copy` and free of lifetimes, so equal `TypeId`s mean one type.
/// 3. Every pattern of bits is a value, except that a `bool` is 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plain {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    U128,
    I128,
    F32,
    F64,
    Usize,
    Isize,
    #[cfg(feature = "half")]
    F16,
    #[cfg(feature = "half")]
    Bf16,
}

impl Plain {
    /// What `T` is, if it is in the table.
    #[inline]
    pub(crate) fn of<T>() -> Option<Self> {
        let this = typeid::of::<T>();
        let table = [
            (TypeId::of::<u8>(), Self::U8),
            (TypeId::of::<f32>(), Self::F32),
            (TypeId::of::<u16>(), Self::U16),
            (TypeId::of::<i16>(), Self::I16),
            (TypeId::of::<i32>(), Self::I32),
            (TypeId::of::<f64>(), Self::F64),
            (TypeId::of::<i8>(), Self::I8),
            (TypeId::of::<u32>(), Self::U32),
            (TypeId::of::<u64>(), Self::U64),
            (TypeId::of::<i64>(), Self::I64),
            (TypeId::of::<usize>(), Self::Usize),
            (TypeId::of::<isize>(), Self::Isize),
            (TypeId::of::<u128>(), Self::U128),
            (TypeId::of::<i128>(), Self::I128),
            (TypeId::of::<bool>(), Self::Bool),
            #[cfg(feature = "half")]
            (TypeId::of::<half::f16>(), Self::F16),
            #[cfg(feature = "half")]
            (TypeId::of::<half::bf16>(), Self::Bf16),
        ];
        let row = table.iter().find(|(id, _)| *id == this);
        row.map(|&(_, plain)| plain)
    }

    /// What `T` is, if it is a type of the language. Messages go by this: what they look like
    /// must not depend on the feature `half`.
    #[cfg(any(feature = "serde", feature = "bincode", feature = "rkyv"))]
    #[inline]
    pub(crate) fn builtin<T>() -> Option<Self> {
        let plain = Self::of::<T>();
        #[cfg(feature = "half")]
        let plain = plain.filter(|plain| !matches!(plain, Self::F16 | Self::Bf16));
        plain
    }

    /// What `T` is, if it has the same size on every machine, so that its bytes can travel.
    #[cfg(any(feature = "serde", feature = "bincode"))]
    #[inline]
    pub(crate) fn portable<T>() -> Option<Self> {
        Self::builtin::<T>().filter(|plain| !matches!(plain, Self::Usize | Self::Isize))
    }
}

/// The types that the world outside has names for, in files and in interfaces of C. The bound
/// that seals `FileElement` and its like.
#[cfg(any(
    feature = "npy",
    feature = "safetensors",
    feature = "image",
    feature = "dlpack",
    feature = "arrow"
))]
pub(crate) mod sealed {
    /// The invariants of `Plain` hold: the type is in the table.
    pub trait Sealed {}

    impl Sealed for bool {}
    impl Sealed for u8 {}
    impl Sealed for i8 {}
    impl Sealed for u16 {}
    impl Sealed for i16 {}
    impl Sealed for u32 {}
    impl Sealed for i32 {}
    impl Sealed for u64 {}
    impl Sealed for i64 {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    #[cfg(feature = "half")]
    impl Sealed for half::f16 {}
    #[cfg(feature = "half")]
    impl Sealed for half::bf16 {}
}

/// Whether `T` is one of the language's own number types; their zero is all zero bytes.
#[inline]
pub(crate) fn is_number<T>() -> bool {
    Plain::of::<T>().is_some_and(|plain| plain != Plain::Bool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_look_like_numbers_are_not_in_the_table() {
        #[repr(transparent)]
        struct Grey(#[allow(dead_code, reason = "only its type matters")] u8);
        assert_eq!(Plain::of::<u8>(), Some(Plain::U8));
        assert_eq!(Plain::of::<Grey>(), None);
        assert_eq!(Plain::of::<char>(), None);
        assert_eq!(Plain::of::<&u8>(), None);
        assert_eq!(Plain::of::<[u8; 3]>(), None);
        assert!(is_number::<usize>() && !is_number::<bool>());
    }

    #[cfg(feature = "half")]
    #[test]
    fn half_floats_are_plain_in_files_and_as_they_were_in_messages() {
        assert_eq!(Plain::of::<half::f16>(), Some(Plain::F16));
        assert_eq!(Plain::of::<half::bf16>(), Some(Plain::Bf16));
        #[cfg(any(feature = "serde", feature = "bincode", feature = "rkyv"))]
        assert_eq!(Plain::builtin::<half::f16>(), None);
        assert_eq!((size_of::<half::f16>(), align_of::<half::f16>()), (2, 2));
        // Invariant 3: every pattern of bits.
        assert!((0..=u16::MAX).all(|bits| half::bf16::from_bits(bits).to_bits() == bits));
    }
}
