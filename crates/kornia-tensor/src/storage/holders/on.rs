//! Each handle is in a register of its allocation, with the place where it was made.
//!
//! The register has a lock, held for one entry at a time and never while foreign code runs. It
//! orders threads that would not be ordered without it, so tools that look for data races see
//! less: they are run without this feature.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::SharedWith;

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
        SharedWith::made_at(others.map(|(_, place)| place.0).collect())
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
