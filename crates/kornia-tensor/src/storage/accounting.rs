//! How much memory the storages of the whole process hold, counted if that is wanted.
//!
//! Off until [`start`]. It counts storages, not handles: something is written when an allocation
//! becomes a storage and when its last handle is dropped, never by a clone, a slice or a read.
//! What that costs is so little that it can stay on; [`report`] is for the line of a log that
//! shows a leak as a number that grows.
//!
//! ```
//! use kornia_tensor::accounting::{self, OwnerKind};
//! use kornia_tensor::Tensor;
//!
//! accounting::start();
//! let before = accounting::report();
//!
//! let frame = Tensor::<u8, 3>::zeros([1080, 1920, 3]);
//! let crop = frame.slice((..16, ..16, ..)); // one storage, two handles
//! let now = accounting::report();
//! assert_eq!(now.total().storages, before.total().storages + 1);
//! assert_eq!(now.of(OwnerKind::Vec).bytes, before.of(OwnerKind::Vec).bytes + 6_220_800);
//!
//! drop(frame); // which frees nothing: the crop still needs it
//! assert_eq!(accounting::report(), now);
//! drop(crop);
//! assert_eq!(accounting::report(), before);
//! ```

#![forbid(unsafe_code)]

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::Relaxed};

use crate::error::MemoryDomain;

/// Whether storages that are made now are counted.
static ON: AtomicBool = AtomicBool::new(false);

/// Threads count in shards of their own as far as these go, or they would wait for each other's
/// cache line.
const SHARDS: usize = 16;
const OWNERS: usize = 4;
const DOMAINS: usize = 3;

static COUNTS: [Shard; SHARDS] = [const { Shard::new() }; SHARDS];

/// Storages and bytes of each owner kind in each kind of domain. A storage leaves the shard it
/// entered, so no number in it is ever below zero.
#[repr(align(128))] // two cache lines: processors fetch them in pairs
struct Shard([[[AtomicUsize; 2]; DOMAINS]; OWNERS]);

impl Shard {
    const fn new() -> Self {
        Self([const { [const { [const { AtomicUsize::new(0) }; 2] }; DOMAINS] }; OWNERS])
    }
}

/// Where a storage is counted: one more than the shard, or 0 if it is not.
///
/// An atomic, because it is written when the storage is in its final place, which others could
/// share already: moving it there afterwards costs more than everything else here.
#[derive(Default)]
pub(super) struct Entry(AtomicU8);

impl Entry {
    /// Whether this is counted.
    #[inline]
    pub(super) fn is_in(&mut self) -> bool {
        *self.0.get_mut() != 0
    }

    /// Counts a storage of so many bytes.
    pub(super) fn enter(&self, owner: OwnerKind, domain: MemoryDomain, bytes: usize) {
        let shard = own_shard();
        self.0.store(shard + 1, Relaxed);
        let [storages, held] = cell(shard, owner, domain);
        storages.fetch_add(1, Relaxed);
        held.fetch_add(bytes, Relaxed);
    }

    /// Takes back what `enter` counted for the same owner, domain and bytes, once.
    pub(super) fn leave(&mut self, owner: OwnerKind, domain: MemoryDomain, bytes: usize) {
        if let Some(shard) = std::mem::take(self.0.get_mut()).checked_sub(1) {
            let [storages, held] = cell(shard, owner, domain);
            storages.fetch_sub(1, Relaxed);
            held.fetch_sub(bytes, Relaxed);
        }
    }
}

/// The shard of this thread.
fn own_shard() -> u8 {
    const NONE: u8 = u8::MAX;
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static OWN: Cell<u8> = const { Cell::new(NONE) });
    match OWN.get() {
        NONE => {
            let shard = (NEXT.fetch_add(1, Relaxed) % SHARDS) as u8;
            OWN.set(shard);
            shard
        }
        shard => shard,
    }
}

fn cell(shard: u8, owner: OwnerKind, domain: MemoryDomain) -> &'static [AtomicUsize; 2] {
    &COUNTS[usize::from(shard)].0[owner as usize][place(domain)]
}

/// The place of a kind of domain in a shard.
fn place(domain: MemoryDomain) -> usize {
    match domain {
        MemoryDomain::Host => 0,
        MemoryDomain::Unified { .. } => 1,
        MemoryDomain::Device { .. } => 2,
    }
}

/// What frees the memory of a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OwnerKind {
    /// A `Vec`: the default memory, and a `Vec` that was adopted.
    Vec,
    /// A block of an allocator, such as a [`Pool`](crate::Pool).
    Block,
    /// A value that looks after the memory: a mapped file, `Bytes`, a driver's buffer.
    Foreign,
    /// Nothing here: memory that outlives its storage by promise.
    Borrowed,
}

impl OwnerKind {
    const ALL: [Self; OWNERS] = [Self::Vec, Self::Block, Self::Foreign, Self::Borrowed];
}

/// Counts the storages that are made from now on, on all threads.
///
/// Those that exist already are never counted, so this belongs at the beginning of `main`.
pub fn start() {
    ON.store(true, Relaxed);
}

/// Counts no further storages. Those that were counted still leave the count when they are freed.
pub fn stop() {
    ON.store(false, Relaxed);
}

/// Whether storages that are made now are counted.
#[inline]
pub fn is_on() -> bool {
    ON.load(Relaxed)
}

/// What the counted storages hold now. Takes no lock.
///
/// While other threads make and free storages, each of them is in or out, and a storage's bytes
/// may be in where it is not yet.
pub fn report() -> MemoryReport {
    let mut report = MemoryReport::default();
    for shard in &COUNTS {
        for (sums, counts) in report.held.iter_mut().zip(&shard.0) {
            for (sum, [storages, bytes]) in sums.iter_mut().zip(counts) {
                sum.storages += storages.load(Relaxed);
                // Two owners may share foreign memory and count it twice, so the sum need not fit.
                sum.bytes = sum.bytes.saturating_add(bytes.load(Relaxed));
            }
        }
    }
    report
}

/// A number of storages and the bytes they hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Held {
    /// Allocations, however many tensors share each.
    pub storages: usize,
    /// Their sizes together, as [`retained_bytes`](crate::TensorStorage::retained_bytes) has
    /// them; those of a storage that shows another one's memory as other elements are counted
    /// once, there. Blocks of a pool count while a tensor uses them; a pool's idle ones are in its own
    /// [`stats`](crate::Pool::stats).
    pub bytes: usize,
}

/// What the counted storages held at one moment; printed, it is a small table.
///
/// ```
/// use kornia_tensor::{Tensor, accounting};
///
/// accounting::start();
/// let frame = Tensor::<u8, 3>::zeros([480, 640, 3]);
/// let shared = Tensor::<u8, 1>::from_owner([5], *b"bytes")?;
/// assert_eq!(
///     accounting::report().to_string(),
///     "owner     domain     storages            bytes\n\
///      Vec       host              1           921600\n\
///      Foreign   host              1                5\n\
///      total                       2           921605"
/// );
/// # drop((frame, shared));
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryReport {
    held: [[Held; DOMAINS]; OWNERS],
}

impl MemoryReport {
    /// All of it.
    pub fn total(&self) -> Held {
        sum(self.held.as_flattened())
    }

    /// What storages of one owner kind hold, wherever it lives.
    pub fn of(&self, owner: OwnerKind) -> Held {
        sum(&self.held[owner as usize])
    }

    /// What lives in one kind of domain, of all devices together.
    pub fn at(&self, domain: MemoryDomain) -> Held {
        let place = place(domain);
        sum(self.held.iter().map(|domains| &domains[place]))
    }
}

fn sum<'a>(held: impl IntoIterator<Item = &'a Held>) -> Held {
    held.into_iter().fold(Held::default(), |sum, more| Held {
        storages: sum.storages + more.storages,
        bytes: sum.bytes.saturating_add(more.bytes),
    })
}

impl fmt::Display for MemoryReport {
    /// A line per owner kind and domain that holds something, and the total; no line break at
    /// the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "owner     domain     storages            bytes")?;
        for owner in OwnerKind::ALL {
            let domains = ["host", "unified", "device"];
            for (domain, held) in domains.iter().zip(self.held[owner as usize]) {
                if held.storages > 0 {
                    let name = format!("{owner:?}");
                    let Held { storages, bytes } = held;
                    writeln!(f, "{name:<9} {domain:<8} {storages:>10} {bytes:>16}")?;
                }
            }
        }
        let Held { storages, bytes } = self.total();
        write!(f, "{:<18} {storages:>10} {bytes:>16}", "total")
    }
}
