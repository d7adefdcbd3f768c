//! An interpreter with the packages that are compared with.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::folder::Folder;

/// An interpreter that has the packages, or why there is none.
fn python() -> Result<PathBuf, String> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PYTHON.get_or_init(find_python).clone()
}

fn find_python() -> Result<PathBuf, String> {
    let python = std::env::var_os("KORNIA_TEST_PYTHON").filter(|python| !python.is_empty());
    let python = PathBuf::from(
        python.ok_or("KORNIA_TEST_PYTHON names no interpreter that has NumPy and safetensors")?,
    );
    run(&python, ["-c", "import numpy, safetensors"])?;
    Ok(python)
}

/// What a program writes to its standard output, or what went wrong.
fn run<A: AsRef<std::ffi::OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}: {errors}", program.display()))
}

/// Runs a script of `tests/originals` on a folder; `None` if there is no Python.
pub(crate) fn script(name: &str, folder: &Folder) -> Option<String> {
    let python = match python() {
        Ok(python) => python,
        Err(why) => {
            // Past the test runner, which keeps what `println!` writes.
            let line = format!("\nNOT RUN: originals, {name}: {why}\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        }
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/originals")
        .join(name);
    // `-B`: leaves nothing beside the script.
    Some(run(&python, [Path::new("-B"), &script, folder.path()]).unwrap())
}
