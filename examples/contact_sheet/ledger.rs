//! What the steps cost: a global allocator that counts, and the table of what it counted.
//!
//! Pixels can only be copied into memory that was asked for, so a step during which nobody asked
//! for memory copied none. This is the only file of the example that needs `unsafe`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt;
use std::ops::Add;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kornia_tensor::{Tensor3, TensorError};

/// The system's allocator, counting what every thread asks it for.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(bytes: usize) {
    ALLOCATIONS.fetch_add(1, Relaxed);
    BYTES.fetch_add(bytes, Relaxed);
}

// SAFETY: every call is passed on to `System` as it came; counting touches no allocated memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

/// How often memory was asked for, and how much of it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) allocations: usize,
    pub(crate) bytes: usize,
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            allocations: self.allocations + other.allocations,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// Runs `work` and counts what all threads together ask for meanwhile.
pub(crate) fn measure<R>(work: impl FnOnce() -> R) -> (R, Cost) {
    let (allocations, bytes) = (ALLOCATIONS.load(Relaxed), BYTES.load(Relaxed));
    let result = work();
    let cost = Cost {
        allocations: ALLOCATIONS.load(Relaxed) - allocations,
        bytes: BYTES.load(Relaxed) - bytes,
    };
    (result, cost)
}

/// One line of the table.
#[derive(Default)]
pub(crate) struct Row {
    label: String,
    /// How many handles the step made.
    pub(crate) handles: usize,
    /// How many bytes of pixels they show.
    pub(crate) shown: usize,
    pub(crate) ours: Cost,
    /// What the step costs where every tensor has pixels of its own.
    pub(crate) deep: Cost,
}

impl Row {
    fn new<'a>(label: &str, handles: impl Iterator<Item = &'a Tensor3<u8>>) -> Self {
        let mut row = Self {
            label: label.into(),
            ..Self::default()
        };
        for handle in handles {
            row.handles += 1;
            row.shown += handle.numel();
        }
        row
    }

    /// Several rows as one.
    fn sum<'a>(label: &str, rows: impl Iterator<Item = &'a Self>) -> Self {
        rows.fold(Self::new(label, std::iter::empty()), |sum, row| Self {
            handles: sum.handles + row.handles,
            shown: sum.shown + row.shown,
            ours: sum.ours + row.ours,
            deep: sum.deep + row.deep,
            ..sum
        })
    }
}

/// What the steps cost, beside what they cost with tensors that copy.
#[derive(Default)]
pub(crate) struct Ledger {
    windows: Vec<Row>,
    others: Vec<Row>,
}

impl Ledger {
    /// Notes a step that made windows. What it costs to copy them is found out by copying them.
    pub(crate) fn cut<'a>(
        &mut self,
        label: &str,
        windows: impl Iterator<Item = &'a Tensor3<u8>> + Clone,
        ours: Cost,
    ) -> Result<(), TensorError> {
        let mut each = windows.clone();
        let (copied, deep) = measure(|| each.try_for_each(|w| w.deep_clone().map(drop)));
        self.windows.push(Row {
            ours,
            deep,
            ..Row::new(label, windows)
        });
        copied
    }

    /// Notes a step that costs the same with tensors that copy.
    pub(crate) fn step<const K: usize>(
        &mut self,
        label: &str,
        handles: [&Tensor3<u8>; K],
        cost: Cost,
    ) {
        self.others.push(Row {
            ours: cost,
            deep: cost,
            ..Row::new(label, handles.into_iter())
        });
    }

    /// Notes a step that made no handle to keep: what it cost, and with tensors that copy.
    pub(crate) fn step_of(&mut self, label: &str, [ours, deep]: [Cost; 2]) {
        self.others.push(Row {
            ours,
            deep,
            ..Row::new(label, std::iter::empty())
        });
    }

    /// All windows together.
    pub(crate) fn windows(&self) -> Row {
        Row::sum("  all windows", self.windows.iter())
    }

    /// All steps together.
    pub(crate) fn steps(&self) -> Row {
        Row::sum("  all steps", self.windows.iter().chain(&self.others))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (handles, shown) = match self.handles {
            0 => Default::default(),
            handles => (handles.to_string(), size(self.shown)),
        };
        write!(f, "{:<36}{handles:>8}{shown:>11}", self.label)?;
        for cost in [self.ours, self.deep] {
            write!(f, "  |{:>7}{:>11}", cost.allocations, size(cost.bytes))?;
        }
        writeln!(f)
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = "-".repeat(97);
        let empty = "";
        writeln!(
            f,
            "{empty:55}  |{:^18}  |{:>18}",
            "this crate", "tensors that copy"
        )?;
        write!(
            f,
            "{:<36}{:>8}{:>11}",
            "memory, as counted", "handles", "showing"
        )?;
        writeln!(f, "{0}{0}\n{rule}", "  | allocs      bytes")?;
        self.windows.iter().try_for_each(|row| write!(f, "{row}"))?;
        writeln!(f, "{}{rule}", self.windows())?;
        self.others.iter().try_for_each(|row| write!(f, "{row}"))?;
        let all = self.steps();
        write!(f, "{}", Row { handles: 0, ..all })
    }
}

/// A number of bytes, for people.
pub(crate) fn size(bytes: usize) -> String {
    let (kib, mib) = (bytes as f64 / 1024.0, bytes as f64 / (1024.0 * 1024.0));
    match bytes {
        0..1024 => format!("{bytes} B"),
        _ if kib < 1000.0 => format!("{kib:.0} KiB"),
        _ => format!("{mib:.1} MiB"),
    }
}
