//! Cutting: windows of a photograph, which share its pixels.

use std::ops::Range;

use kornia_tensor::{Tensor3, TensorError, clip_box};

use crate::ledger::{Cost, Ledger, measure};

/// Where something lies in a picture: rows and columns.
pub(crate) type Spot = [Range<usize>; 2];

/// A window of the photograph and where it was cut. The tensor is no borrow: it keeps the pixels
/// alive by itself, and may go to another thread.
pub(crate) type Window = (Spot, Tensor3<u8>);

/// Windows of one kind, and what it cost to make them all.
pub(crate) struct Cut {
    pub(crate) windows: Vec<Window>,
    pub(crate) cost: Cost,
}

/// Everything that is cut from the photograph.
pub(crate) struct Cuts {
    /// Side by side.
    pub(crate) tiles: Cut,
    /// The same with a pixel more on each side, so that they overlap.
    pub(crate) halos: Cut,
    /// As wide as the photograph.
    pub(crate) bands: Cut,
    /// What a detector might have found.
    pub(crate) regions: Cut,
    /// Left to right, then red to blue.
    pub(crate) flips: Cut,
}

impl Cuts {
    /// Cuts a photograph `[H, W, 3]`. No line of this copies a pixel.
    pub(crate) fn new(photo: &Tensor3<u8>, ledger: &mut Ledger) -> Result<Self, TensorError> {
        let [height, width, _] = photo.shape;
        let (high, wide) = (height.div_ceil(8), width.div_ceil(8));
        let whole = [0..height, 0..width];

        let tiles = photo.tiles([high, wide, 3]).map(|([y, x, _], tile)| {
            let [h, w, _] = tile.shape; // smaller at the far edges
            ([y..y + h, x..x + w], tile)
        });
        let tiles = Cut::new("tiles", tiles, ledger)?;

        let halos = tiles.windows.iter().map(|([rows, columns], _)| {
            let wider = |range: &Range<usize>| range.start as i64 - 1..range.end as i64 + 1;
            let spot = clip_box([wider(rows), wider(columns)], &photo.shape);
            (spot.clone(), region(photo, spot))
        });
        let halos = Cut::new("tiles that overlap by 2 pixels", halos, ledger)?;

        let bands = photo.chunks(0, high).map(|band| (whole.clone(), band));
        let bands = Cut::new("bands of rows", bands, ledger)?;

        let regions = boxes(&photo.shape)
            .into_iter()
            .map(|spot| (spot.clone(), region(photo, spot)));
        let regions = Cut::new("regions of interest", regions, ledger)?;

        let flips = [1, 2]
            .into_iter()
            .map(|axis| (whole.clone(), photo.flip(axis)));
        let flips = Cut::new("mirrored; red and blue swapped", flips, ledger)?;

        Ok(Self {
            tiles,
            halos,
            bands,
            regions,
            flips,
        })
    }

    /// What it cost to make the tiles, the halos, the bands, the regions and the flips.
    pub(crate) fn costs(&self) -> [Cost; 5] {
        self.kinds().map(|cut| cut.cost)
    }

    /// All windows.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Tensor3<u8>> {
        self.kinds().into_iter().flat_map(Cut::iter)
    }

    fn kinds(&self) -> [&Cut; 5] {
        [
            &self.tiles,
            &self.halos,
            &self.bands,
            &self.regions,
            &self.flips,
        ]
    }
}

impl Cut {
    /// Makes the windows and counts what that allocates. The list they go into is made before.
    fn new(
        label: &str,
        windows: impl ExactSizeIterator<Item = Window>,
        ledger: &mut Ledger,
    ) -> Result<Self, TensorError> {
        let mut list = Vec::with_capacity(windows.len());
        let ((), cost) = measure(|| list.extend(windows));
        let cut = Self {
            windows: list,
            cost,
        };
        ledger.cut(label, cut.iter(), cost)?;
        Ok(cut)
    }

    /// The windows without their spots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Tensor3<u8>> + Clone {
        self.windows.iter().map(|(_, window)| window)
    }
}

/// One window.
fn region(photo: &Tensor3<u8>, [rows, columns]: Spot) -> Tensor3<u8> {
    photo.slice((rows, columns, ..))
}

/// Boxes around the four points where a painter puts what matters: the thirds.
fn boxes(shape: &[usize; 3]) -> [Spot; 4] {
    let around = |axis: usize, third: i64| {
        let (centre, reach) = (
            shape[axis] as i64 * third / 3,
            shape[axis] as i64 * 21 / 100,
        );
        centre - reach..centre + reach + 1
    };
    [(1, 1), (1, 2), (2, 1), (2, 2)].map(|(y, x)| clip_box([around(0, y), around(1, x)], shape))
}
