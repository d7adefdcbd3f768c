//! What is given to the workers, and how their answers are put together.
//!
//! Windows are taken by value: they move into the threads, and are gone when the work is done.

use kornia_tensor::{Tensor2, Tensor3, TensorError};

use crate::canvas;
use crate::sheet;
use crate::vision;
use crate::windows::{Cuts, Window};
use crate::workers;

/// Everything the workers made. All of it is new pixels.
pub(crate) struct Prints {
    /// In the size of the photograph.
    pub(crate) edges: Tensor3<u8>,
    pub(crate) histogram: Tensor3<u8>,
    pub(crate) tiles: Tensor3<u8>,
    pub(crate) regions: Tensor3<u8>,
    /// Mirrored, red and blue swapped, as it is, marked, edges: in the size of the sheet.
    pub(crate) small: Vec<Tensor3<u8>>,
}

impl Prints {
    /// Has everything made, in the size that a picture has on the sheet. All windows are gone
    /// afterwards.
    pub(crate) fn new(
        photo: &Tensor3<u8>,
        marked: Tensor3<u8>,
        cuts: Cuts,
        size: [usize; 2],
    ) -> Result<Self, TensorError> {
        let edges = edges(cuts.halos.windows, photo.shape)?;
        let counts = histogram(cuts.bands.windows)?;

        let tiles = cuts.tiles.windows.into_iter();
        let tiles = tiles.map(|(spot, tile)| (sheet::tile_spot(&spot, &photo.shape, size), tile));
        let tiles = sheet::board(size, &thumbnails(tiles)?)?;

        let regions = cuts.regions.windows.into_iter().map(|(_, region)| region);
        let regions = thumbnails(sheet::quarters(size).into_iter().zip(regions))?;
        let mut board = sheet::board(size, &regions)?;
        for (([rows, columns], _), mark) in regions.into_iter().zip(canvas::MARKS) {
            canvas::frame(board.view_mut().slice((rows, columns, ..)), 4, mark)?;
        }

        let flips = cuts.flips.windows.into_iter().map(|(_, flipped)| flipped);
        let pictures = flips.chain([photo.clone(), marked, edges.clone()]);
        let whole = [0..size[0], 0..size[1]];
        let small = thumbnails(pictures.map(|picture| (whole.clone(), picture)))?;
        Ok(Self {
            edges,
            histogram: vision::plot(&counts, sheet::plot_size(size)),
            tiles,
            regions: board,
            small: small.into_iter().map(|(_, picture)| picture).collect(),
        })
    }
}

/// The edges of a photograph of some shape, from tiles that overlap by two pixels: edges need
/// neighbours, so a tile gives those of its inside, and the insides lie side by side.
fn edges(tiles: Vec<Window>, shape: [usize; 3]) -> Result<Tensor3<u8>, TensorError> {
    let found = workers::map(tiles, |([rows, columns], tile)| {
        (
            [rows.start + 1, columns.start + 1],
            vision::edges(tile.view()),
        )
    });
    let mut whole = Tensor3::zeros(shape);
    for ([y, x], inside) in found {
        let inside = inside?;
        let [height, width, _] = inside.shape;
        let mut spot = whole.view_mut().slice((y..y + height, x..x + width, ..));
        spot.assign(&inside)?;
    }
    Ok(whole)
}

/// How often each value occurs in each channel, `[3, 256]`.
fn histogram(bands: Vec<Window>) -> Result<Tensor2<u32>, TensorError> {
    let mut total = Tensor2::zeros([3, 256]);
    for counts in workers::map(bands, |(_, band)| vision::histogram(band.view())) {
        total = total.zip_with(&counts, |total, count| total + count)?;
    }
    Ok(total)
}

/// Windows in another size, each to fill its spot.
fn thumbnails(windows: impl IntoIterator<Item = Window>) -> Result<Vec<Window>, TensorError> {
    let thumbnails = workers::map(windows, |(spot, window)| {
        let size = [spot[0].len(), spot[1].len()];
        Ok((spot, vision::resize(window.view(), size)?))
    });
    thumbnails.into_iter().collect()
}
