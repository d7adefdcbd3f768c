//! Photographs in files: from there to pixels `[H, W, 3]`, and back.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageReader};
use kornia_tensor::{Tensor3, TensorError, TensorView};

use crate::ledger::{Cost, measure};

/// The photograph that is used when none is named.
pub(crate) fn default_path() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/astronaut.png");
    path.canonicalize().unwrap_or(path)
}

/// A decoded photograph: 8 bits, red, green, blue, row by row.
pub(crate) struct Decoded {
    pub(crate) shape: [usize; 3],
    pub(crate) pixels: Vec<u8>,
    /// What the file held, such as "png, Rgb8".
    pub(crate) kind: String,
}

/// Reads a PNG or JPEG of any kind. Grey becomes three equal channels, 16 bits become 8,
/// transparent pixels show white behind them, and a camera's note on which way is up is followed.
pub(crate) fn read(path: &Path) -> Result<Decoded, Box<dyn Error>> {
    let hint = "pass the path of a PNG or JPEG, or no path at all for the photograph in assets/";
    let shown = path.display();
    let reader = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(|error| format!("cannot open '{shown}': {error}; {hint}"))?;
    let format = reader.format();
    let decode = || {
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation()?;
        let mut picture = DynamicImage::from_decoder(decoder)?;
        picture.apply_orientation(orientation);
        Ok(picture)
    };
    let picture = decode().map_err(|error: image::ImageError| {
        let reason = error.to_string();
        let reason = reason.trim_end_matches('.');
        format!("'{shown}' is not a picture that can be read: {reason}; {hint}")
    })?;

    let colour = picture.color();
    let name = format.map_or("?", |format| format.extensions_str()[0]);
    let kind = format!("{name}, {colour:?}");
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let pixels = if colour.has_alpha() {
        over_white([height, width], &picture.into_rgba8())?
    } else {
        picture.into_rgb8().into_raw()
    };
    Ok(Decoded {
        shape: [height, width, 3],
        pixels,
        kind,
    })
}

/// Red, green and blue as they look on white paper.
fn over_white([height, width]: [usize; 2], rgba: &[u8]) -> Result<Vec<u8>, TensorError> {
    let rgba = TensorView::from_slice([height, width, 4], rgba)?;
    let (colour, alpha) = rgba.split_at(2, 3);
    let alpha = alpha.broadcast_to(*colour.shape())?; // one alpha, seen by three channels
    let on_paper = colour.zip_with(alpha, |&colour, &alpha| {
        let (colour, alpha) = (u32::from(colour), u32::from(alpha));
        ((colour * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    })?;
    Ok(on_paper.into_vec())
}

/// The folder that pictures are written to.
pub(crate) struct Album {
    folder: PathBuf,
    pub(crate) files: Vec<String>,
    /// What it cost to lay pictures out in rows, and what that costs where tensors copy.
    pub(crate) layout: [Cost; 2],
}

impl Album {
    /// A folder, made if it is missing.
    pub(crate) fn new(folder: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(folder).map_err(|error| {
            let shown = folder.display();
            format!("cannot make the folder '{shown}': {error}; pass another as second argument")
        })?;
        Ok(Self {
            folder: folder.into(),
            files: Vec::new(),
            layout: [Cost::default(); 2],
        })
    }

    /// Writes a picture as PNG. The encoder takes plain rows: a strided picture is copied for
    /// it, here and nowhere earlier, while `contiguous` gives one in rows through as it is.
    pub(crate) fn save(&mut self, name: &str, picture: &Tensor3<u8>) -> Result<(), Box<dyn Error>> {
        let (rows, ours) = measure(|| picture.clone().contiguous());
        let copy = picture.deep_clone()?;
        let (_, deep) = measure(|| copy.contiguous());
        self.layout = [self.layout[0] + ours, self.layout[1] + deep];

        let path = self.folder.join(name);
        let [height, width] = [rows.shape[0], rows.shape[1]].map(|length| length as u32);
        let encode = || {
            let mut file = BufWriter::new(File::create(&path)?);
            let encoder =
                PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Sub);
            encoder.write_image(rows.as_slice(), width, height, ExtendedColorType::Rgb8)?;
            Ok(file.flush()?)
        };
        encode().map_err(|error: image::ImageError| {
            let shown = path.display();
            format!("cannot write '{shown}': {error}; pass another folder as second argument")
        })?;
        self.files.push(name.into());
        Ok(())
    }
}
