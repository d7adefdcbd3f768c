//! The contact sheet: nine panels with captions, and what the memory was used for.

use std::ops::Range;

use kornia_tensor::{Tensor3, TensorError};

use crate::canvas::{self, Canvas, Colour};
use crate::ledger::{Cost, Ledger, size};
use crate::windows::{Spot, Window};

const WIDTH: usize = 1600;
const MARGIN: usize = 50;
const GUTTER: usize = 30;
/// Three of these and two gutters fit between the margins.
const COLUMN: usize = 480;

const HEADER: usize = 150;
const CAPTION: usize = 36;
const FOOTER: usize = 210;

const BACKGROUND: Colour = [16, 18, 22];
const RULE: Colour = [48, 53, 62];
const WHITE: Colour = [240, 242, 245];
const GREY: Colour = [148, 156, 168];
const GREEN: Colour = [110, 215, 140];
const ORANGE: Colour = [255, 163, 72];

/// What stands over a panel, and the code that stands below.
const CAPTIONS: [[&str; 2]; 9] = [
    ["one photograph", "Tensor::from_shape_vec(shape, vec)"],
    ["mirrored", "photo.flip(1)"],
    ["red and blue swapped", "photo.flip(2)"],
    ["tiles", "photo.tiles([rows, columns, 3])"],
    ["regions of interest", "photo.slice((rows, columns, ..))"],
    ["drawn on while shared", "photo.clone().make_mut()"],
    ["edges, by threads", "edges(tile.view())"],
    ["histogram, by threads", "histogram(band.view())"],
    ["written by the last handle", "photo.view_mut()"],
];

/// What stands in the corner of a panel.
#[derive(Clone)]
pub(crate) enum Badge {
    Text(String),
    Copied(Cost),
}

/// A picture and its badge.
type Panel<'a> = (&'a Tensor3<u8>, Badge);

/// Height and width of a photograph on the sheet: as wide as a column, unless it is very tall.
pub(crate) fn panel_size([height, width, _]: [usize; 3]) -> [usize; 2] {
    let (fit_high, fit_wide) = (COLUMN * height / width, COLUMN * width / height);
    if height <= width {
        [fit_high.max(1), COLUMN]
    } else {
        [COLUMN, fit_wide.max(1)]
    }
}

/// Height and width of a histogram beside panels of some size.
pub(crate) fn plot_size([height, _]: [usize; 2]) -> [usize; 2] {
    [height.max(COLUMN / 3), COLUMN]
}

/// Where a window of the photograph goes on a panel that shows all of them, with gaps between.
pub(crate) fn tile_spot(tile: &Spot, shape: &[usize; 3], panel: [usize; 2]) -> Spot {
    [0, 1].map(|axis| {
        let place = |end: usize| end * panel[axis] / shape[axis];
        apart(place(tile[axis].start)..place(tile[axis].end), panel[axis])
    })
}

/// The four quarters of a panel, with gaps between.
pub(crate) fn quarters([height, width]: [usize; 2]) -> [Spot; 4] {
    [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(down, right)| {
        let half = |number, whole| apart(number * whole / 2..(number + 1) * whole / 2, whole);
        [half(down, height), half(right, width)]
    })
}

/// A range with some room to its neighbours, if it is long enough.
fn apart(Range { start, end }: Range<usize>, whole: usize) -> Range<usize> {
    let room = if end - start > 12 { 2 } else { 0 };
    start + room.min(start)..end - room.min(whole - end)
}

/// Pictures put where they belong on a dark board.
pub(crate) fn board(
    [height, width]: [usize; 2],
    pictures: &[Window],
) -> Result<Tensor3<u8>, TensorError> {
    let mut board = plain([height, width])?;
    for ([rows, columns], picture) in pictures {
        let mut spot = board.view_mut().slice((rows.clone(), columns.clone(), ..));
        spot.assign(picture)?;
    }
    Ok(board)
}

/// Draws the sheet.
pub(crate) fn draw(
    subtitle: &str,
    panels: &[Panel<'_>; 9],
    ledger: &Ledger,
) -> Result<Tensor3<u8>, TensorError> {
    let tallest = panels.iter().map(|(picture, _)| picture.shape[0]).max();
    let pitch = CAPTION + tallest.unwrap_or(0) + CAPTION + GUTTER;
    let lines = panels.len().div_ceil(3);

    let mut sheet = plain([HEADER + lines * pitch + FOOTER, WIDTH])?;
    let (header, rest) = sheet.view_mut().split_at(0, HEADER);
    let (body, footer) = rest.split_at(0, lines * pitch);
    draw_header(inside(header), subtitle)?;
    let cells = body
        .chunks(0, pitch)
        .flat_map(|row| inside(row).chunks(1, COLUMN + GUTTER));
    for ((cell, panel), caption) in cells.zip(panels).zip(CAPTIONS) {
        draw_panel(cell.narrow(1, ..COLUMN), panel, caption)?;
    }
    draw_footer(inside(footer), ledger)?;
    Ok(sheet)
}

/// A picture of nothing but the background.
fn plain([height, width]: [usize; 2]) -> Result<Tensor3<u8>, TensorError> {
    Tensor3::from_shape_vec([height, width, 3], BACKGROUND.repeat(height * width))
}

/// What is between the margins.
fn inside(band: Canvas<'_>) -> Canvas<'_> {
    band.narrow(1, MARGIN..WIDTH - MARGIN)
}

fn draw_header(mut area: Canvas<'_>, subtitle: &str) -> Result<(), TensorError> {
    canvas::write(area.reborrow().narrow(0, 40..), "kornia-tensor", 4, WHITE)?;
    canvas::write(area.reborrow().narrow(0, 88..), subtitle, 2, GREY)?;
    canvas::paint(area.narrow(0, 124..126), RULE)
}

fn draw_panel(
    area: Canvas<'_>,
    (picture, badge): &Panel<'_>,
    [title, code]: [&str; 2],
) -> Result<(), TensorError> {
    let [height, width, _] = picture.shape;
    let (mut above, below) = area.split_at(0, CAPTION);
    let (spot, mut below) = below.split_at(0, height);

    let (badge, colour) = match badge {
        Badge::Text(text) => (text.clone(), GREY),
        Badge::Copied(Cost { bytes: 0, .. }) => ("0 bytes copied".into(), GREEN),
        Badge::Copied(cost) => (format!("{} for a copy", size(cost.bytes)), ORANGE),
    };
    canvas::write(above.reborrow().narrow(0, 10..), title, 2, WHITE)?;
    write_right(above.narrow(0, 10..), &badge, colour)?;
    canvas::write(below.reborrow().narrow(0, 10..), code, 2, GREY)?;

    let left = (COLUMN - width) / 2;
    let mut spot = spot.narrow(1, left..left + width);
    spot.assign(*picture)
}

/// Bars, all to one scale: on the left what the windows cost, on the right what everything did.
fn draw_footer(mut area: Canvas<'_>, ledger: &Ledger) -> Result<(), TensorError> {
    canvas::paint(area.reborrow().narrow(0, ..2), RULE)?;
    let (windows, all) = (ledger.windows(), ledger.steps());
    let most = all.ours.bytes.max(all.deep.bytes).max(1);
    let titles = [
        format!("{} windows", windows.handles),
        "all steps, also make_mut and rows for the PNG files".into(),
    ];
    let half = (WIDTH - 2 * MARGIN - GUTTER) / 2;
    let columns = area.narrow(0, 26..).chunks(1, half + GUTTER);
    for ((column, title), row) in columns.zip(titles).zip([windows, all]) {
        let mut column = column.narrow(1, ..half);
        canvas::write(column.reborrow(), &title, 2, GREY)?;
        let bars = column.narrow(0, 38..).chunks(0, 60);
        for (mut bar, (name, cost, colour)) in bars.zip([
            ("this crate", row.ours, GREEN),
            ("tensors that copy", row.deep, ORANGE),
        ]) {
            let (bytes, allocations) = (size(cost.bytes), cost.allocations);
            let label = format!("{name}: {bytes} in {allocations} allocations");
            canvas::write(bar.reborrow(), &label, 2, WHITE)?;
            let length = half * cost.bytes / most;
            canvas::paint(bar.reborrow().slice((26..38, .., ..)), RULE)?;
            canvas::paint(bar.slice((26..38, ..length, ..)), colour)?;
        }
    }
    Ok(())
}

/// Writes a line of text that ends where the area ends.
fn write_right(area: Canvas<'_>, text: &str, colour: Colour) -> Result<(), TensorError> {
    let start = area.shape()[1].saturating_sub(canvas::text_width(text, 2)?);
    canvas::write(area.narrow(1, start..), text, 2, colour)
}
