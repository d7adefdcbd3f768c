//! Names of element types, as headers have them.

use crate::engine::element::Plain;
use crate::engine::element::bytes::Order;
use crate::error::Shown;
use crate::formats::file::{Bools, FileErrorKind};

/// The type of these elements in a header, without the byte order; `None` if NumPy has none.
pub(super) fn descr<T>() -> Option<&'static str> {
    Some(match Plain::of::<T>()? {
        Plain::Bool => "b1",
        Plain::U8 => "u1",
        Plain::I8 => "i1",
        Plain::U16 => "u2",
        Plain::I16 => "i2",
        Plain::U32 => "u4",
        Plain::I32 => "i4",
        Plain::U64 => "u8",
        Plain::I64 => "i8",
        Plain::F32 => "f4",
        Plain::F64 => "f8",
        #[cfg(feature = "half")]
        Plain::F16 => "f2",
        _ => return None,
    })
}

/// The byte order of elements of type `T` that a header describes so.
pub(super) fn order_of<T>(found: &str, bools: Bools) -> Result<Order, FileErrorKind> {
    let (order, rest) = parts(found);
    match descr::<T>() {
        None => Err(no_such_type::<T>()),
        Some(expected) if rest == expected => Ok(order),
        Some("u1") if rest == "b1" && bools == Bools::Loose => Ok(order),
        Some(_) => Err(match taken_by_none(rest) {
            Some((what, instead)) => FileErrorKind::Invalid(format!(
                "elements are '{}' ({what}), which no tensor has; {instead}",
                Shown(found)
            )),
            None if rest == "b1" => FileErrorKind::element_type::<T>(format!("'{found}' (bool)")),
            None => FileErrorKind::element_type::<T>(format!("'{found}'")),
        }),
    }
}

/// That there is no name for elements of type `T`.
pub(super) fn no_such_type<T>() -> FileErrorKind {
    FileErrorKind::Invalid(format!(
        "NumPy has no type for {}; convert the elements with `map`",
        std::any::type_name::<T>()
    ))
}

/// The byte order, and the type without it.
fn parts(found: &str) -> (Order, &str) {
    match found.as_bytes() {
        [b'<', ..] => (Order::Little, &found[1..]),
        [b'>', ..] => (Order::Big, &found[1..]),
        [b'|' | b'=', ..] => (Order::NATIVE, &found[1..]),
        _ => (Order::NATIVE, found),
    }
}

/// What elements are that are read as nothing here, and what to save in Python instead.
fn taken_by_none(rest: &str) -> Option<(&'static str, &'static str)> {
    Some(match rest.as_bytes() {
        [b'O', ..] => (
            "Python objects",
            "only Python can read them; save arrays of numbers",
        ),
        [b'U' | b'S' | b'a', ..] => ("text", "save its bytes, `a.view(np.uint8)`"),
        b"V2" => (
            "raw bytes; bfloat16 is saved so",
            "save `a.view(np.uint16)`, or a .safetensors, which has a name for it",
        ),
        [b'V', ..] => ("raw bytes", "save `a.view(np.uint8)`"),
        [b'M', ..] => ("points in time", "save `a.view(np.int64)`"),
        [b'm', ..] => ("spans of time", "save `a.view(np.int64)`"),
        b"c8" | b"c16" | b"c32" => ("complex numbers", "save `a.real` and `a.imag`"),
        #[cfg(not(feature = "half"))]
        b"f2" => ("half floats", "the feature `half` of this crate reads them"),
        b"f16" | b"f12" => ("long doubles", "save `a.astype(np.float64)`"),
        b"b1" | b"u1" | b"i1" | b"u2" | b"i2" | b"u4" | b"i4" | b"u8" | b"i8" => return None,
        b"f4" | b"f8" => return None,
        #[cfg(feature = "half")]
        b"f2" => return None,
        _ => (
            "a type that is not known here",
            "save `a.astype(..)` of one that is",
        ),
    })
}
