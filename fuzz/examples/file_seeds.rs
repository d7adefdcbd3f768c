//! Writes the seed corpora of the readers of files: whole ones, each behind the byte that chooses
//! the element type.

use std::error::Error;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use half::f16;
use kornia_tensor::formats::file::FileElement;
use kornia_tensor::formats::npy::{self, NpzWriter};
use kornia_tensor::formats::safetensors::SafeTensorsWriter;
use kornia_tensor::{Tensor, TensorView};

fn add(target: &str, name: &str, choice: u8, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), [&[choice], bytes].concat())?;
    Ok(())
}

/// One tensor in every format.
fn tensor<T: FileElement, const N: usize>(
    choice: u8,
    name: &str,
    tensor: &Tensor<T, N>,
) -> Result<(), Box<dyn Error>> {
    let mut bytes = Vec::new();
    npy::write(&mut bytes, tensor)?;
    add("npy", name, choice, &bytes)?;
    for (start, kind) in [
        (NpzWriter::new as fn(_) -> _, "stored"),
        (NpzWriter::compressed, "packed"),
    ] {
        let mut npz: NpzWriter<Cursor<Vec<u8>>> = start(Cursor::new(Vec::new()));
        npz.add("a", tensor)?;
        npz.add("b", TensorView::from(tensor))?;
        add(
            "npz",
            &format!("{name}_{kind}"),
            choice,
            npz.finish()?.get_ref(),
        )?;
    }
    let mut bytes = Vec::new();
    let mut writer = SafeTensorsWriter::new();
    writer
        .add("a", tensor)?
        .add("b", tensor)?
        .describe("key", "value")
        .write(&mut bytes)?;
    add("safetensors", name, choice, &bytes)
}

fn main() -> Result<(), Box<dyn Error>> {
    // In the order of `choose_file!`.
    tensor(
        0,
        "u8",
        &Tensor::from_shape_fn([2, 2, 3], |[y, x, c]| (y * 100 + x * 10 + c) as u8),
    )?;
    tensor(
        1,
        "f32",
        &Tensor::from_shape_fn([2, 3], |[y, x]| y as f32 - x as f32 / 2.0),
    )?;
    tensor(
        2,
        "bool",
        &Tensor::from_shape_vec([3], vec![true, false, true])?,
    )?;
    tensor(3, "i64", &Tensor::from_shape_vec([], vec![-7i64])?)?;
    tensor(
        4,
        "f16",
        &Tensor::from_shape_vec([1, 2], vec![f16::ONE, f16::NAN])?,
    )?;
    tensor(5, "f64", &Tensor::<f64, 1>::zeros([0]))?;
    tensor(6, "i16", &Tensor::<i16, 4>::full([1, 2, 1, 3], -300))?;

    let array = |version: u8, line: &str, elements: &[u8]| {
        let mut bytes = b"\x93NUMPY".to_vec();
        bytes.extend([version, 0]);
        match version {
            1 => bytes.extend((line.len() as u16).to_le_bytes()),
            _ => bytes.extend((line.len() as u32).to_le_bytes()),
        }
        [&bytes[..], line.as_bytes(), elements].concat()
    };
    let fortran = "{'descr': '>f4', 'fortran_order': True, 'shape': (2L, 1L), }";
    add("npy", "fortran_big", 1, &array(1, fortran, &[64; 8]))?;
    add("npy", "version_2", 1, &array(2, fortran, &[64; 8]))?;
    add("npy", "version_3", 1, &array(3, fortran, &[64; 8]))?;
    let structure = "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }";
    add("npy", "structure", 1, &array(1, structure, &[0; 4]))?;
    let claim = "{'descr': '<f4', 'fortran_order': False, 'shape': (1073741824, 1073741824), }";
    add("npy", "claim", 1, &array(1, claim, &[0; 4]))?;
    Ok(())
}
