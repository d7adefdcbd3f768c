//! A photograph, cut into windows that share its pixels, and a contact sheet of what they did.
//!
//! ```text
//! cargo run --release --bin contact_sheet [PHOTO] [OUT_DIR]
//! ```
//!
//! Read `run` below from top to bottom: it is the tour. The other files are stops on the way:
//!
//! * `photo.rs`: files, and `windows.rs`: cutting;
//! * `workers.rs`: threads and channels, `tasks.rs`: what they are given, `vision.rs`: what they
//!   compute (edges, a histogram, thumbnails);
//! * `canvas.rs`: drawing, with the letters of `font.txt`, and `sheet.rs`: where everything goes;
//! * `ledger.rs`: counting every allocation.

#![deny(unsafe_code)]

mod canvas;
#[allow(unsafe_code)]
mod ledger;
mod photo;
mod sheet;
mod tasks;
mod vision;
mod windows;
mod workers;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use kornia_tensor::{Tensor3, TensorError};

use ledger::{Ledger, measure, size};
use photo::Album;
use sheet::Badge::{Copied, Text};
use tasks::Prints;
use windows::{Cut, Cuts};
use workers::WORKERS;

const USAGE: &str = "\
Cuts a photograph into windows that share its pixels, and draws a contact sheet of them.

usage: contact_sheet [PHOTO] [OUT_DIR]

  PHOTO    a PNG or JPEG (default: assets/astronaut.png of this repository)
  OUT_DIR  folder for the pictures, made if it is missing (default: out)";

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let option = args
        .iter()
        .find(|arg| arg.to_string_lossy().starts_with('-'));
    if let Some(wrong) = option.or(args.get(2)) {
        eprintln!("error: '{}' was not expected\n\n{USAGE}", wrong.display());
        return ExitCode::from(2);
    }
    let photo = args.first().map_or_else(photo::default_path, PathBuf::from);
    let out = args.get(1).map_or(Path::new("out"), Path::new);
    match run(&photo, out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The tour.
fn run(path: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let mut ledger = Ledger::default();

    // 1. A tensor takes over the `Vec` of a decoder as it is.
    let decoded = photo::read(path)?;
    let mut album = Album::new(out)?;
    let (photo, adopting) = measure(|| Tensor3::from_shape_vec(decoded.shape, decoded.pixels));
    let mut photo = photo?;
    ledger.step("photograph: the decoder's Vec", [&photo], adopting);

    let [height, width, _] = photo.shape;
    let (bytes, kind, file) = (size(photo.retained_bytes()), decoded.kind, path.display());
    println!("kornia-tensor: one photograph, many windows\n");
    println!(" 1  read   {file}: {width} x {height} pixels, {bytes} ({kind})");

    // 2. Windows: other shapes and offsets, the same pixels. `windows.rs` cuts them.
    let cuts = Cuts::new(&photo, &mut ledger)?;
    assert!(cuts.iter().all(|window| window.shares_memory_with(&photo)));
    let (windows, shown) = (ledger.windows().handles, size(ledger.windows().shown));
    println!(" 2  cut    {windows} windows show {shown} of pixels, and own none");

    // 3. Two of them walk a row, or a pixel, from its end.
    let [mirrored, bgr] = [0, 1].map(|flip| &cuts.flips.windows[flip].1);
    let [plain, back, swapped] = [&photo, mirrored, bgr].map(|t| format!("{:?}", t.strides));
    println!(" 3  flip   strides {plain} become {back}: mirrored, or {swapped}: BGR");

    // 4. The guard: nobody writes what another handle shows. `make_mut` copies first.
    if let Err(refusal) = photo.try_view_mut() {
        println!(" 4  guard  the windows show these pixels, so `photo.view_mut()` is refused:");
        println!("           \"{refusal}\"");
    }
    let (marked, copying) = measure(|| mark(photo.clone(), &cuts.regions));
    let marked = marked?;
    assert!(!marked.shares_memory_with(&photo));
    ledger.step("copy by make_mut, to draw on", [&marked], copying);
    println!("           `photo.clone().make_mut()` copied {bytes}, and drew on the copy");

    album.save("mirrored.png", mirrored)?;
    album.save("bgr.png", bgr)?;
    for (number, region) in (1..).zip(cuts.regions.iter()) {
        album.save(&format!("crop_{number}.png"), region)?;
    }
    ledger.step_of("crops and flips in rows, for the PNGs", album.layout);

    // 5. The windows move to worker threads, which drop them when they are done.
    let badges = cuts.costs().map(Copied);
    let panel = sheet::panel_size(photo.shape);
    let clock = Instant::now();
    let (prints, new_pixels) = measure(|| Prints::new(&photo, marked, cuts, panel));
    let (prints, time) = (prints?, clock.elapsed().as_millis());
    println!(" 5  work   {WORKERS} threads took the windows, and made new pictures in {time} ms");
    album.save("edges.png", &prints.edges)?;
    album.save("histogram.png", &prints.histogram)?;
    album.save("thumbnails.png", &prints.tiles)?;
    album.save("regions.png", &prints.regions)?;

    // 6. One handle is left, so it may write. Nothing is copied, and nobody is surprised.
    let address = photo.as_ptr();
    let ((), writing) = measure(|| {
        let mut right_half = photo.view_mut().narrow(1, width / 2..);
        right_half.apply(|value| *value = 255 - *value);
    });
    assert_eq!(photo.as_ptr(), address);
    ledger.step("write by the last handle, in place", [&photo], writing);
    println!(" 6  write  the windows are gone: `photo.view_mut()` made half a negative, in place");

    // 7. The contact sheet, with a caption from `sheet.rs` for each picture.
    let negative = vision::resize(photo.view(), panel)?;
    let [mirrored, bgr, small, marked, edges] = [0, 1, 2, 3, 4].map(|print| &prints.small[print]);
    let [tiles, halos, bands, regions, flips] = badges;
    let panels = [
        (small, Text(bytes.clone())),
        (mirrored, flips.clone()),
        (bgr, flips),
        (&prints.tiles, tiles),
        (&prints.regions, regions),
        (marked, Copied(copying)),
        (edges, halos),
        (&prints.histogram, bands),
        (&negative, Copied(writing)),
    ];
    let name = path.file_name().unwrap_or_default().display();
    let picture = format!("{name}, {width} x {height}");
    let subtitle =
        format!("{picture}: {windows} windows show {shown} of pixels, {bytes} are in memory");
    album.save(
        "contact_sheet.png",
        &sheet::draw(&subtitle, &panels, &ledger)?,
    )?;
    let (files, folder) = (album.files.len(), out.display());
    println!(" 7  print  {files} pictures are in {folder}; look at contact_sheet.png first");

    let (times, memory) = (new_pixels.allocations, size(new_pixels.bytes));
    println!("\n{ledger}");
    println!("Both sides are counted: each window was also deep-copied, once, for the right one.");
    println!("Not in the table: the new pictures of step 5, {memory} in {times} allocations.");
    println!("Done in {:.2} s.", started.elapsed().as_secs_f64());
    Ok(())
}

/// Marks regions on a picture: in place if it is alone with its pixels, on a copy if it is not.
fn mark(mut picture: Tensor3<u8>, regions: &Cut) -> Result<Tensor3<u8>, TensorError> {
    let width = picture.shape[1].div_ceil(120);
    let mut canvas = picture.make_mut();
    for (([rows, columns], _), colour) in regions.windows.iter().zip(canvas::MARKS) {
        let region = canvas.reborrow().slice((rows.clone(), columns.clone(), ..));
        canvas::frame(region, width, colour)?;
    }
    Ok(picture)
}
