//! Draws which tensors show which part of one allocation: text here, and an SVG.
//!
//! `cargo run --bin storage_map [OUT.svg]` (default: out/storage_map.svg)

use std::error::Error;
use std::path::PathBuf;

use kornia_tensor::{StorageMap, Tensor, step};

fn main() -> Result<(), Box<dyn Error>> {
    let out = std::env::args_os().nth(1);
    let out = out.map_or(PathBuf::from("out/storage_map.svg"), PathBuf::from);

    let frame = Tensor::<u8, 3>::zeros([1080, 1920, 3]); // [H, W, C]
    let sky = frame.slice((..270, .., ..));
    let face = frame.slice((500..620, 900..1020, ..));
    let left = frame.slice((.., ..960, ..));
    let red = frame.slice((.., .., 0));
    let small = frame.slice((step(.., 4), step(.., 4), ..));
    let lines = frame.slice((step(.., 54), .., ..));

    let map = StorageMap::of(frame.storage())
        .with("frame", &frame)?
        .with("sky", &sky)?
        .with("face", &face)?
        .with("left half", &left)?
        .with("red, mirrored", &red.flip(1))?
        .with("every 4th", &small)?
        .with("every 54th line", &lines)?;
    println!("{map}");

    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&out, map.to_svg())?;
    println!("\n{}", out.display());
    Ok(())
}
