//! What the rules excuse, each with its reason. To be emptied: an entry that is no longer needed is
//! named by the program.

/// A use of one file in another that the rooms do not allow, or that closes a circle.
pub(crate) struct Arrow {
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    #[allow(dead_code)] // for readers
    pub(crate) why: &'static str,
}

/// A rule that does not hold in a file yet.
pub(crate) struct Excuse {
    pub(crate) rule: &'static str,
    pub(crate) path: &'static str,
}

/// `from` and `to` are files, or rooms with a slash at their end.
pub(crate) const ARROWS: &[Arrow] = &[
    Arrow {
        from: "tensor/",
        to: "tensor/",
        why: "a tensor gives views and views give tensors: one knot of types, told apart by files",
    },
    Arrow {
        from: "layout/slice.rs",
        to: "layout/mod.rs",
        why: "a layout is sliced, and what a slice gives is a layout",
    },
];

/// `path` is a file, or a room with a slash at its end.
pub(crate) const EXCUSES: &[Excuse] = &[
    // The tests of streams that fail cut them at every place, which takes a small buffer.
    Excuse {
        rule: "cfg!(test)",
        path: "formats/file/output.rs",
    },
];

/// Whether a file is meant by the path of an entry.
pub(crate) fn means(entry: &str, path: &str) -> bool {
    entry == path || (entry.ends_with('/') && path.starts_with(entry))
}
