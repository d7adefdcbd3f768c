//! Where a path leads, and new files beside old ones.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::system::system;

/// So many links may lead to a file, as the system has it.
const MOST_LINKS: usize = 40;

/// Where a path leads.
pub(super) enum Place {
    /// To something that is no regular file, or is open already: a pipe, a device, a descriptor.
    Stream(File),
    /// To a name at the end of all links, under which there may be an `old` file.
    Name { target: PathBuf, old: bool },
}

impl Place {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str().is_empty() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "the path is empty"));
        }
        // Whoever changes the working directory does not change where the file goes.
        let mut target = std::path::absolute(path)?;
        for _ in 0..MOST_LINKS {
            let there = match system(|| fs::symlink_metadata(&target)) {
                Ok(there) => there,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Ok(Self::Name { target, old: false });
                }
                Err(error) => return Err(error),
            };
            if there.is_file() {
                return Ok(Self::Name { target, old: true });
            }
            if !there.is_symlink() {
                let stream = system(|| OpenOptions::new().write(true).open(&target));
                return Ok(Self::Stream(stream?));
            }
            if let Some(stream) = descriptor(&target).transpose()? {
                return Ok(Self::Stream(stream));
            }
            let link = system(|| fs::read_link(&target))?;
            target.pop();
            target.push(link);
        }
        Err(io::Error::other(format!(
            "more than {MOST_LINKS} links lead from one to the other"
        )))
    }
}

/// The stream, if this link stands for a descriptor of a process, as `/dev/stdout` in the end does.
/// What it is redirected to is somebody's open file, and is written to from where that one stands.
#[cfg(unix)]
fn descriptor(link: &Path) -> Option<io::Result<File>> {
    use std::os::fd::AsFd;

    let folder = link.parent()?.canonicalize().ok()?;
    if !folder.starts_with("/proc") && !folder.starts_with("/dev/fd") {
        return None;
    }
    let ours = folder.starts_with(format!("/proc/{}", std::process::id()));
    let number = link.file_name().and_then(|name| name.to_str());
    let copy = match number {
        // With the same place in the file, so that what is printed next comes after.
        Some("1") if ours => {
            let stdout = io::stdout();
            stdout
                .lock()
                .flush()
                .and_then(|()| stdout.as_fd().try_clone_to_owned())
        }
        Some("2") if ours => io::stderr().as_fd().try_clone_to_owned(),
        _ => return Some(OpenOptions::new().append(true).open(link)),
    };
    Some(copy.map(File::from))
}

#[cfg(not(unix))]
fn descriptor(_link: &Path) -> Option<io::Result<File>> {
    None
}

/// A file that was found writable, and what it says about itself.
pub(super) struct Access {
    pub(super) file: File,
    there: Metadata,
}

impl Access {
    /// Opens an old file for writing, because whoever may not write it may not replace it either.
    pub(super) fn check(target: &Path) -> io::Result<Self> {
        let file = system(|| OpenOptions::new().write(true).open(target))?;
        let there = system(|| file.metadata())?;
        // Root may write it all the same, but hardly means to.
        if there.permissions().readonly() {
            return Err(io::Error::new(
                ErrorKind::PermissionDenied,
                "the file there is read-only; change its permissions, or write elsewhere",
            ));
        }
        Ok(Self { file, there })
    }
}

/// A new file in the folder of its name, which it gets when it is finished. It goes with this value.
#[derive(Debug)]
pub(super) struct Beside {
    pub(super) file: File,
    /// Where the file is until it gets its name; `None` once it has it.
    temporary: Option<PathBuf>,
    /// The name.
    target: PathBuf,
    /// What is replaced.
    old: Option<Metadata>,
}

impl Beside {
    /// A new file, which nobody else can read if it replaces another.
    pub(super) fn create(target: PathBuf, old: Option<&Access>) -> io::Result<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        if old.is_some() {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!(".kornia-{:x}-{count:x}.tmp", std::process::id());
            let temporary = target.with_file_name(name);
            match system(|| options.open(&temporary)) {
                // Left by a process of the same number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(in_folder(&target, error)),
                Ok(file) => {
                    return Ok(Self {
                        file,
                        temporary: Some(temporary),
                        target,
                        old: old.map(|old| old.there.clone()),
                    });
                }
            }
        }
    }

    /// Gives the file its final permissions, and then its name.
    pub(super) fn finish(&mut self, durable: bool) -> io::Result<()> {
        let Some(temporary) = &self.temporary else {
            return Ok(());
        };
        if let Some(old) = &self.old {
            take_over(&self.file, old)?;
        }
        if durable {
            system(|| self.file.sync_all())?;
        }
        match system(|| fs::rename(temporary, &self.target)) {
            Ok(()) => self.temporary = None,
            Err(error) if self.old.is_some() && is_refusal(&error) => {
                return self.copy_into_place(durable);
            }
            Err(error) => return Err(error),
        }
        // A folder is a file of names.
        #[cfg(unix)]
        if durable && let Some(folder) = self.target.parent() {
            system(|| File::open(folder)?.sync_all())?;
        }
        Ok(())
    }

    /// Writes the bytes into the old file, where the new one cannot have its name: not whole or
    /// nothing, but as late as can be.
    fn copy_into_place(&mut self, durable: bool) -> io::Result<()> {
        let mut target = system(|| OpenOptions::new().write(true).open(&self.target))?;
        system(|| self.file.rewind())?;
        system(|| target.set_len(0))?;
        system(|| io::copy(&mut self.file, &mut target))?;
        if durable {
            system(|| target.sync_all())?;
        }
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            // Nobody could be told that it stays.
            drop(fs::remove_file(temporary));
        }
    }
}

/// Whether a new file may not be made there, or not get the name: the folder may not be written
/// (or the files of others in it not be replaced), or the file is a mount of its own.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::ResourceBusy
            | ErrorKind::CrossesDevices
    )
}

/// An error of the system about a new file, with the folder that it is about.
fn in_folder(target: &Path, error: io::Error) -> io::Error {
    let folder = target.parent().unwrap_or(target).display();
    let text = match error.kind() {
        ErrorKind::NotFound => format!("there is no folder {folder}"),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            format!("no file can be made in the folder {folder}: {error}")
        }
        _ => return error,
    };
    io::Error::new(error.kind(), text)
}

/// Gives a new file the owner, the group and the permissions of the one that it replaces.
#[cfg(unix)]
fn take_over(file: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

    let new = system(|| file.metadata())?;
    let (owner, group) = (Some(old.uid()), Some(old.gid()));
    // Without the bits that let a program run as its owner: whoever writes its bytes would give
    // them to that owner to run.
    let mut mode = old.mode() & 0o777;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) && fchown(file, owner, group).is_err() {
        let regrouped = new.gid() == old.gid() || fchown(file, None, group).is_ok();
        if !regrouped {
            // The writer's group is not the one that had rights: it gets those of everybody.
            mode &= 0o707 | ((mode & 0o007) << 3);
        }
    }
    system(|| file.set_permissions(fs::Permissions::from_mode(mode)))
}

#[cfg(not(unix))]
fn take_over(file: &File, old: &Metadata) -> io::Result<()> {
    system(|| file.set_permissions(old.permissions()))
}
