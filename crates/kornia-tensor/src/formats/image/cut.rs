//! Whether a picture has its end.
//!
//! Decoders put up with a missing rest: that of JPEG paints it grey, that of PNG is content once it
//! has the last row. A half-copied file would pass for a picture.

use ::image::ImageFormat;

/// Whether the mark is missing that ends a picture of this kind. Other kinds than JPEG and PNG are
/// left to their decoders.
pub(super) fn is_cut(format: Option<ImageFormat>, bytes: &[u8]) -> bool {
    match format {
        Some(ImageFormat::Jpeg) => !jpeg_ends(bytes),
        Some(ImageFormat::Png) => !png_ends(bytes),
        _ => false,
    }
}

/// Whether the segments of a JPEG lead to the mark of its end. Thumbnails, which have one of their
/// own, lie inside segments.
fn jpeg_ends(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..).unwrap_or_default();
    loop {
        // Coded pixels have a zero behind each `FF`, or the number of a restart.
        let is_mark = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7 | 0xFF);
        let Some(place) = rest.windows(2).position(is_mark) else {
            return false;
        };
        let mark = rest[place + 1];
        rest = &rest[place + 2..];
        match mark {
            0xD9 => return true,
            // These have no content.
            0x01 | 0xD8 => {}
            _ => {
                let Some((&length, _)) = rest.split_first_chunk::<2>() else {
                    return false;
                };
                let Some(after) = rest.get(usize::from(u16::from_be_bytes(length)).max(2)..) else {
                    return false;
                };
                rest = after;
            }
        }
    }
}

/// Whether the chunks of a PNG lead to the last, which is there in full.
fn png_ends(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((&length, after)) = rest.split_first_chunk::<4>() {
        // The name in front, a sum behind.
        let whole = (u32::from_be_bytes(length) as usize).saturating_add(8);
        match (after.get(..4), after.get(whole..)) {
            (Some(b"IEND"), Some(_)) => return true,
            (_, Some(next)) => rest = next,
            (_, None) => return false,
        }
    }
    false
}
