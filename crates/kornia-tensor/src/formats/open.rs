//! Opening files, whether they are then read or mapped.

#![forbid(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Opens a regular file, and does not wait: opening a pipe would, for somebody who writes to it.
///
/// # Errors
///
/// Those of the system; `InvalidInput` for a folder, a pipe or a device.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(all(target_os = "linux", not(miri)))]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    #[cfg(not(all(target_os = "linux", not(miri))))]
    check_regular(&std::fs::metadata(path)?)?;
    let file = options.open(path)?;
    check_regular(&file.metadata()?)?;
    Ok(file)
}

/// Refuses a folder, a pipe and a device.
pub(crate) fn check_regular(there: &std::fs::Metadata) -> io::Result<()> {
    if there.is_file() {
        return Ok(());
    }
    let text = "not a regular file; read a pipe or a device into memory first";
    Err(io::Error::new(ErrorKind::InvalidInput, text))
}
