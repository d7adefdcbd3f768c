//! What every reader owes to files from strangers.

use kornia_tensor::formats::file::FileError;

use super::memory::most_taken;

/// More than any reader takes in advance, and far less than what is claimed.
const LITTLE: usize = 300 << 10;

/// Reads something that must be refused, at little cost, and says how.
#[track_caller]
pub(crate) fn refused<R>(read: impl FnOnce() -> Result<R, FileError>) -> String {
    let (most, error) = most_taken(|| read().err());
    assert!(most < LITTLE, "{most} bytes taken");
    error.expect("taken for a tensor").to_string()
}

/// Reads a file cut off at every byte; none of them may be taken for whole.
#[track_caller]
pub(crate) fn truncated_is_refused<R>(
    whole: &[u8],
    mut read: impl FnMut(&[u8]) -> Result<R, FileError>,
) {
    let step = if cfg!(miri) { 17 } else { 1 };
    for end in (0..whole.len()).step_by(step) {
        let error = refused(|| read(&whole[..end]));
        assert!(error.len() > 10, "at {end}: {error}");
    }
    assert!(read(whole).is_ok());
}
