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
        from: "engine/",
        to: "tensor/",
        why: "the engine takes views until it takes layouts and fresh memory",
    },
    Arrow {
        from: "error.rs",
        to: "storage/",
        why: "errors name a domain and the holders of a storage",
    },
    Arrow {
        from: "storage/map.rs",
        to: "tensor/",
        why: "a map is given tensors",
    },
    Arrow {
        from: "tensor/",
        to: "tensor/",
        why: "a tensor gives views, and views give tensors: one knot of types, told apart by files",
    },
    Arrow {
        from: "layout/",
        to: "layout/",
        why: "a layout is sliced, and a slice is a layout",
    },
    Arrow {
        from: "engine/",
        to: "engine/",
        why: "kernels and rows call each other",
    },
    Arrow {
        from: "storage/",
        to: "storage/",
        why: "blocks go back to the pool that gave them",
    },
];

/// `path` is a file, or a room with a slash at its end.
pub(crate) const EXCUSES: &[Excuse] = &[
    Excuse {
        rule: "cfg!(test)",
        path: "engine/",
    },
    Excuse {
        rule: NO_SENTENCE,
        path: "engine/",
    },
    Excuse {
        rule: NO_SENTENCE,
        path: "tensor/",
    },
    Excuse {
        rule: NO_SENTENCE,
        path: "storage/",
    },
    Excuse {
        rule: NO_SENTENCE,
        path: "exchange/",
    },
    Excuse {
        rule: "has no `unsafe` and does not say so",
        path: "engine/",
    },
    Excuse {
        rule: "has no `unsafe` and does not say so",
        path: "tensor/",
    },
    Excuse {
        rule: "has no `unsafe` and does not say so",
        path: "storage/map.rs",
    },
];
const NO_SENTENCE: &str = "no sentence about safety";

/// Whether a file is meant by the path of an entry.
pub(crate) fn means(entry: &str, path: &str) -> bool {
    entry == path || (entry.ends_with('/') && path.starts_with(entry))
}
