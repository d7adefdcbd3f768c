//! Frames and the sums that tell whether anyone else wrote to them.

use kornia_tensor::{AllocHandle, Tensor, TensorError};

use crate::dice::Dice;

pub(crate) const SHAPE: [usize; 3] = [1080, 1920, 3]; // [H, W, C]
const ROW: usize = SHAPE[1] * SHAPE[2];
pub(crate) const FRAME_BYTES: usize = SHAPE[0] * ROW;

const PAGE: usize = 4096;
const LINE: usize = 64;

/// How far rows of one frame may be shifted against each other.
const SHIFT: usize = 256;

/// A frame on its way.
pub(crate) struct Frame {
    pub(crate) pixels: Tensor<u8, 3>,
    sum: u64,
    /// Whether `sum` is of every byte.
    pub(crate) is_full: bool,
}

/// What the sensor sees: noise that is new in every frame.
pub(crate) struct Sensor {
    noise: Vec<u8>,
}

impl Sensor {
    pub(crate) fn new() -> Self {
        Self {
            noise: vec![0; ROW + SHIFT],
        }
    }

    /// Stage 1: every byte of a block is written, row by row.
    pub(crate) fn capture(
        &mut self,
        dice: &mut Dice,
        alloc: AllocHandle,
    ) -> Result<Tensor<u8, 3>, TensorError> {
        for word in self.noise.chunks_exact_mut(8) {
            word.copy_from_slice(&dice.next().to_le_bytes());
        }
        let mut frame = Tensor::<u8, 3>::writer_in(SHAPE, alloc)?;
        for y in 0..SHAPE[0] {
            let shift = y * 37 % SHIFT;
            frame.write_slice(&self.noise[shift..shift + ROW])?;
        }
        frame.finish()
    }
}

impl Frame {
    /// Stage 2: the sole handle writes in place, a line in every page, and sums up.
    pub(crate) fn correct(mut pixels: Tensor<u8, 3>, is_full: bool) -> Result<Self, TensorError> {
        for page in pixels.try_as_mut_slice()?.chunks_mut(PAGE) {
            let end = page.len().min(LINE);
            for pixel in &mut page[..end] {
                *pixel = !*pixel;
            }
        }
        Ok(Self::of(pixels, is_full))
    }

    /// Sums up what is there.
    pub(crate) fn of(pixels: Tensor<u8, 3>, is_full: bool) -> Self {
        let sum = sum_of(pixels.as_slice(), is_full);
        Self {
            pixels,
            sum,
            is_full,
        }
    }

    /// Whether the pixels are those that were summed up.
    pub(crate) fn is_intact(&self) -> bool {
        sum_of(self.pixels.as_slice(), self.is_full) == self.sum
    }
}

/// A sum of every byte, or of the first line of every page.
fn sum_of(bytes: &[u8], is_full: bool) -> u64 {
    if is_full {
        return sum(bytes);
    }
    let lines = bytes
        .chunks(PAGE)
        .map(|page| sum(&page[..page.len().min(LINE)]));
    lines.fold(0, |all, line| (all ^ line).wrapping_mul(0x100_0000_01B3))
}

/// Four sums side by side over words of 8 bytes, mixed at the end; the order of words counts.
fn sum(bytes: &[u8]) -> u64 {
    let mut lanes = [1u64, 2, 3, 4];
    let blocks = bytes.chunks_exact(32);
    let rest = blocks.remainder();
    for block in blocks {
        for (lane, word) in lanes.iter_mut().zip(block.chunks_exact(8)) {
            let word = word.try_into().map_or(0, u64::from_le_bytes);
            *lane = (*lane ^ word)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .rotate_left(29);
        }
    }
    let rest = rest.iter().map(|&byte| u64::from(byte));
    rest.chain(lanes).fold(0, |all, next| {
        (all ^ next)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(31)
    })
}

/// A crop: part of a frame that is kept, and keeps the frame.
pub(crate) struct Crop {
    pixels: Tensor<u8, 3>,
    sum: u64,
}

impl Crop {
    /// Somewhere in the frame, 64 by 64.
    pub(crate) fn of(frame: &Frame, dice: &mut Dice) -> Self {
        let y = dice.below(SHAPE[0] as u64 - 64) as usize;
        let x = dice.below(SHAPE[1] as u64 - 64) as usize;
        let pixels = frame.pixels.slice((y..y + 64, x..x + 64, ..));
        let sum = Self::sum(&pixels);
        Self { pixels, sum }
    }

    pub(crate) fn is_intact(&self) -> bool {
        Self::sum(&self.pixels) == self.sum
    }

    fn sum(pixels: &Tensor<u8, 3>) -> u64 {
        let rows = pixels.rows().map(sum);
        rows.fold(0, |all, row| (all ^ row).wrapping_mul(0x100_0000_01B3))
    }
}

/// The checks are worth something: they notice one byte.
pub(crate) fn assert_that_checks_notice() {
    for (is_full, byte) in [(false, 100 * PAGE + 63), (true, FRAME_BYTES - 1)] {
        let mut frame = Frame::of(Tensor::full(SHAPE, 7), is_full);
        assert!(frame.is_intact());
        frame.pixels.as_mut_slice()[byte] ^= 1;
        assert!(!frame.is_intact(), "byte {byte} changed and nobody noticed");
    }
    let mut frame = Frame::of(Tensor::full(SHAPE, 7), false);
    let crop = Crop::of(&frame, &mut Dice::new(1));
    frame.pixels.make_mut().fill(8);
    assert!(crop.is_intact(), "a copy was written, not the crop");
}
