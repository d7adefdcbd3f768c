//! Who holds an allocation, and where each handle was made (feature `diagnose`).
//!
//! Every handle has a [`Holder`], every refusal to write because of the others a
//! [`SharedWith`](crate::SharedWith). Without the feature neither has a size, and nothing here does
//! anything: `off` has the same functions as `on`, and they are empty.

#![forbid(unsafe_code)]

#[cfg(not(feature = "diagnose"))]
mod off;
#[cfg(feature = "diagnose")]
mod on;

#[cfg(not(feature = "diagnose"))]
pub(crate) use off::{Holder, Place};
#[cfg(feature = "diagnose")]
pub(crate) use on::{Holder, Place};
