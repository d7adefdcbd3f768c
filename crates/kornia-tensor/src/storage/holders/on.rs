//! Each handle is in a register of its allocation, with the place where it was made.
//!
//! The register has a lock, held for one entry at a time and never while foreign code runs. It
//! orders threads that would not be ordered without it, so tools that look for data races see
//! less: they are run without this feature.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::SharedWith;

/// The places an error names; of the rest it says how many.
const NAMED: usize = 4;

/// Where something was made.
#[derive(Clone, Copy)]
pub(crate) struct Place(&'static Location<'static>);

impl Place {
    #[track_caller]
    pub(crate) fn here() -> Self {
        Self(Location::caller())
    }
}

/// All handles of one allocation, by their numbers, which only grow.
#[derive(Default)]
struct Register {
    places: BTreeMap<u64, Place>,
    next: u64,
}

/// The entry of one handle; dropping it strikes it out.
pub(crate) struct Holder {
    register: Arc<Mutex<Register>>,
    number: u64,
}

impl Holder {
    /// The entry of the first handle of an allocation.
    #[track_caller]
    pub(crate) fn first() -> Self {
        Self::enter(Arc::default())
    }

    /// The entry of a further handle.
    #[track_caller]
    pub(crate) fn another(&self) -> Self {
        Self::enter(Arc::clone(&self.register))
    }

    #[track_caller]
    fn enter(register: Arc<Mutex<Register>>) -> Self {
        let mut entries = lock(&register);
        let number = entries.next;
        entries.next += 1;
        entries.places.insert(number, Place::here());
        drop(entries);
        Self { register, number }
    }

    /// Says where the handle was really made.
    pub(crate) fn made_at(&mut self, place: Place) {
        lock(&self.register).places.insert(self.number, place);
    }

    /// Where all handles were made, the oldest first.
    pub(crate) fn all(&self) -> Vec<&'static Location<'static>> {
        lock(&self.register).places.values().map(|p| p.0).collect()
    }

    /// Where all but this one were made, the oldest first.
    #[cold]
    pub(crate) fn others(&self) -> SharedWith {
        let entries = lock(&self.register);
        let others = entries.places.iter().filter(|(n, _)| **n != self.number);
        SharedWith(Others(others.map(|(_, place)| *place).collect()))
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        lock(&self.register).places.remove(&self.number);
    }
}

/// Also after a panic: an entry is made or struck out in one step.
fn lock(register: &Mutex<Register>) -> MutexGuard<'_, Register> {
    register.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The other handles; none if they were dropped before they could be asked for.
#[derive(Clone, Default)]
pub(super) struct Others(Box<[Place]>);

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        match count {
            0 => return f.write_str("other tensors"),
            1 => f.write_str("1 other tensor, made at ")?,
            _ => write!(f, "{count} other tensors, made at ")?,
        }
        // Equal places stand once, where the first of them does.
        let mut places: Vec<(&str, u32, usize)> = Vec::new();
        for place in &self.0 {
            let (file, line) = (place.0.file(), place.0.line());
            match places.iter_mut().find(|p| (p.0, p.1) == (file, line)) {
                Some(known) => known.2 += 1,
                None => places.push((file, line, 1)),
            }
        }
        let named = places.len().min(NAMED);
        let rest: usize = places[named..].iter().map(|place| place.2).sum();
        for (nth, (file, line, times)) in places[..named].iter().enumerate() {
            match nth {
                0 => {}
                _ if nth + 1 == named && rest == 0 => f.write_str(" and ")?,
                _ => f.write_str(", ")?,
            }
            write!(f, "{file}:{line}")?;
            if *times > 1 {
                write!(f, " ({times} of them)")?;
            }
        }
        match rest {
            0 => Ok(()),
            _ => write!(f, " and {rest} elsewhere"),
        }
    }
}
