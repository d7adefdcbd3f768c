//! Drawing: everything is a smaller and smaller view of the picture, filled.

use kornia_tensor::{TensorError, TensorView, TensorViewMut};

/// Red, green, blue.
pub(crate) type Colour = [u8; 3];

/// One for each region of interest.
pub(crate) const MARKS: [Colour; 4] = [
    [255, 92, 92],
    [255, 205, 64],
    [84, 214, 132],
    [86, 178, 255],
];

/// Part of a picture that is drawn on, `[H, W, 3]`.
pub(crate) type Canvas<'a> = TensorViewMut<'a, u8, 3>;

/// Makes every pixel of an area the same: three bytes, seen as a picture of that size.
pub(crate) fn paint(mut area: Canvas<'_>, colour: Colour) -> Result<(), TensorError> {
    let everywhere = TensorView::from_slice([3], &colour)?.broadcast_to(*area.shape())?;
    area.assign(everywhere)
}

/// Draws a frame just inside an area.
pub(crate) fn frame(area: Canvas<'_>, width: usize, colour: Colour) -> Result<(), TensorError> {
    let [h, w, _] = *area.shape();
    let width = width.min(h / 2).min(w / 2);
    let (top, area) = area.split_at(0, width);
    let (area, bottom) = area.split_at(0, h - 2 * width);
    let (left, area) = area.split_at(1, width);
    let (_, right) = area.split_at(1, w - 2 * width);
    [top, bottom, left, right]
        .into_iter()
        .try_for_each(|side| paint(side, colour))
}

/// The letters: six lines of sixteen, from the space on, 9 high and 6 wide with the gap.
const FONT: &str = include_str!("font.txt");

/// A letter, `[9, w]`, as the window of the font where it lies. The text of the file is the
/// picture: its rows are the lines, and nothing is ever unpacked.
fn letter(letter: char) -> Result<TensorView<'static, u8, 2>, TensorError> {
    let line = FONT.len() / (6 * 9); // with its line break, whichever it is
    let font = TensorView::from_slice([6, 9, line], FONT.as_bytes())?;
    let number = match u8::try_from(letter) {
        Ok(code @ b' '..=b'~') => usize::from(code - b' '),
        _ => 95, // a box
    };
    let cell = font.slice((number / 16, .., number % 16 * 6..number % 16 * 6 + 5));
    // Narrow letters get narrow windows; the space has no ink and stays 2 wide.
    let inked = |column: &TensorView<'_, u8, 1>| column.iter().any(|&dot| dot == INK);
    let width = cell.axis_iter(1).rposition(|column| inked(&column));
    Ok(cell.narrow(1, ..width.map_or(2, |last| last + 1)))
}

/// The character that stands for a black dot in the font.
const INK: u8 = b'#';

/// Height of a line of text, from the top of a capital to the bottom of a g.
pub(crate) const fn text_height(dot: usize) -> usize {
    9 * dot
}

/// Width of a line of text.
pub(crate) fn text_width(text: &str, dot: usize) -> Result<usize, TensorError> {
    let mut width = 0;
    for character in text.chars() {
        width += (letter(character)?.shape()[1] + 1) * dot;
    }
    Ok(width.saturating_sub(dot))
}

/// Writes a line of text at the upper left of an area, with dots of `dot` x `dot` pixels. What
/// does not fit is left out.
pub(crate) fn write(
    mut area: Canvas<'_>,
    text: &str,
    dot: usize,
    colour: Colour,
) -> Result<(), TensorError> {
    let mut left = 0;
    for character in text.chars() {
        let shape = letter(character)?;
        let right = left + shape.shape()[1] * dot;
        if right > area.shape()[1] || text_height(dot) > area.shape()[0] {
            break;
        }
        for ([y, x], _) in shape.indexed_iter().filter(|&(_, &dot)| dot == INK) {
            let (y, x) = (y * dot, left + x * dot);
            paint(area.reborrow().slice((y..y + dot, x..x + dot, ..)), colour)?;
        }
        left = right + dot;
    }
    Ok(())
}
