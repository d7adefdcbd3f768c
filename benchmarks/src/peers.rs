//! Those who take part, a file each: how each kind of work is best written with it.

mod candle;
mod handles;
mod mdarray;
mod ndarray;
mod ours;
mod rten;
mod safetensors;
mod v0_2;

use crate::constant::Constant;
use crate::files::{Both, Element, Format};
use crate::input::Input;
use crate::measure::{Candidate, Run};
use crate::work::Row;

/// How to ask a peer for a row; `true` for a result that is allocated.
type Bulk = fn(&Row, &Input, bool) -> Option<Run>;
/// How to ask for work that does not depend on the size.
type Short = fn(Constant) -> Option<Candidate>;

/// This crate, then the others.
pub const OURS: &str = ours::NAME;

const PEERS: &[(&str, Bulk, Short)] = &[
    (ours::NAME, ours::run, ours::constant),
    (v0_2::NAME, v0_2::run, v0_2::constant),
    (ndarray::NAME, ndarray::run, ndarray::constant),
    (rten::NAME, rten::run, rten::constant),
    (mdarray::NAME, mdarray::run, mdarray::constant),
    (candle::NAME, candle::run, candle::constant),
    ("arrow-buffer", |_, _, _| None, handles::arrow),
    ("bytes", |_, _, _| None, handles::bytes),
];

pub fn names() -> impl Iterator<Item = &'static str> {
    PEERS.iter().map(|(name, ..)| *name)
}

/// Everyone's way to do a row.
pub fn runs(
    row: &Row,
    input: &Input,
    allocate: bool,
    wanted: impl Fn(&str) -> bool,
) -> Vec<(&'static str, Run)> {
    let wanted = PEERS.iter().filter(|(name, ..)| wanted(name));
    wanted
        .filter_map(|(name, run, _)| Some((*name, run(row, input, allocate)?)))
        .collect()
}

/// Everyone's way to do work of a few nanoseconds.
pub fn constants(work: Constant, wanted: impl Fn(&str) -> bool) -> Vec<Candidate> {
    let wanted = PEERS.iter().filter(|(name, ..)| wanted(name));
    wanted.filter_map(|(.., short)| short(work)).collect()
}

/// Everyone's way to write and to read files.
pub fn files<T: Element>(
    format: Format,
    input: &Input,
    wanted: impl Fn(&str) -> bool,
    both: &mut Both,
) {
    type Files = fn(Format, &Input, &mut Both);
    let all: [(&str, Files); 4] = [
        (ours::NAME, ours::files::<T>),
        (ndarray::NAME, ndarray::files::<T>),
        (candle::NAME, candle::files::<T>),
        (safetensors::NAME, safetensors::files::<T>),
    ];
    for (_, files) in all.iter().filter(|(name, _)| wanted(name)) {
        files(format, input, both);
    }
}

pub use handles::{frames, limits};
