//! Work whose time must not depend on the size.

/// On an image `[H, W, 3]` of `f32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constant {
    /// Another handle to 256 MiB, and its end.
    CloneDrop,
    /// A crop that owns its share, and its end.
    OwnedWindow,
    /// A crop that borrows.
    BorrowedWindow,
    OwnedReshape,
    BorrowedReshape,
    OwnedPermute,
    BorrowedPermute,
    /// All elements by index, per element.
    Index,
    /// All elements by iterator, per element.
    Iterate,
    /// A tensor of a `Vec`, and its end.
    FromVec,
    /// A tensor of a `Vec`, and the `Vec` again.
    VecAndBack,
}

pub const CONSTANTS: &[(&str, Constant)] = &[
    ("clone + drop, 256 MiB", Constant::CloneDrop),
    ("owned crop + drop", Constant::OwnedWindow),
    ("borrowed crop", Constant::BorrowedWindow),
    ("owned reshape + drop", Constant::OwnedReshape),
    ("borrowed reshape", Constant::BorrowedReshape),
    ("owned permute + drop", Constant::OwnedPermute),
    ("borrowed permute", Constant::BorrowedPermute),
    ("index, per element", Constant::Index),
    ("iterate, per element", Constant::Iterate),
    ("from a Vec + drop", Constant::FromVec),
    ("Vec to tensor to Vec", Constant::VecAndBack),
];

/// Shape of the image in most of them.
pub const SHAPE: [usize; 3] = [64, 64, 3];
/// The same elements otherwise.
pub const RESHAPED: [usize; 3] = [32, 128, 3];
/// 256 MiB of `f32`, of which no page is touched.
pub const LARGE: [usize; 3] = [4096, 4096, 4];

/// Elements of the image.
pub fn elements() -> Vec<f32> {
    let len = SHAPE.iter().product::<usize>();
    (0..len).map(|i| i as f32).collect()
}

/// How many elements the two that walk go over.
pub const WALKED: usize = SHAPE[0] * SHAPE[1] * SHAPE[2];
