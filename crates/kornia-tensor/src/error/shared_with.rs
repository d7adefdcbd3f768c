//! Who kept a write from being done.

use std::fmt;
#[cfg(feature = "diagnose")]
use std::panic::Location;

/// Who kept a write from being done, in [`TensorError::SharedStorage`].
///
/// With the feature `diagnose` it knows where those tensors were made, and the text of the error
/// says so; without, it has no size. All of them are equal: who the others are does not make it
/// another error.
///
/// ```
/// use kornia_tensor::{SharedWith, Tensor, TensorError};
///
/// let mut t = Tensor::<u8, 1>::zeros([4]);
/// let shared = t.clone();
/// let error = t.try_as_mut_slice().unwrap_err();
/// assert_eq!(error, TensorError::SharedStorage(SharedWith::default()));
/// # drop(shared);
/// ```
///
/// [`TensorError::SharedStorage`]: crate::TensorError::SharedStorage
#[derive(Clone, Default)]
pub struct SharedWith {
    /// Where the other handles were made; none if they were dropped before they could be asked for.
    #[cfg(feature = "diagnose")]
    places: Box<[&'static Location<'static>]>,
}

#[cfg(feature = "diagnose")]
impl SharedWith {
    /// The places an error names; of the rest it says how many.
    const NAMED: usize = 4;

    /// Handles that were made at these places, the oldest first.
    pub(crate) fn made_at(places: Box<[&'static Location<'static>]>) -> Self {
        Self { places }
    }
}

impl PartialEq for SharedWith {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for SharedWith {}

impl fmt::Debug for SharedWith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedWith({self})")
    }
}

impl fmt::Display for SharedWith {
    /// `2 other tensors, made at src/worker.rs:31 and src/display.rs:90`, or `other tensors`
    /// where nothing is known.
    #[cfg(feature = "diagnose")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.places.len();
        match count {
            0 => return f.write_str("other tensors"),
            1 => f.write_str("1 other tensor, made at ")?,
            _ => write!(f, "{count} other tensors, made at ")?,
        }
        // Equal places stand once, where the first of them does.
        let mut places: Vec<(&str, u32, usize)> = Vec::new();
        for place in &self.places {
            let (file, line) = (place.file(), place.line());
            match places.iter_mut().find(|p| (p.0, p.1) == (file, line)) {
                Some(known) => known.2 += 1,
                None => places.push((file, line, 1)),
            }
        }
        let named = places.len().min(Self::NAMED);
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

    /// `other tensors`: nothing more is known without the feature `diagnose`.
    #[cfg(not(feature = "diagnose"))]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("other tensors")
    }
}
