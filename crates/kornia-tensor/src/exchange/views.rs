//! Borrowed views of memory that has a layout of its own: drivers' frames, images of other
//! libraries, rows with padding.

use std::ptr::NonNull;

use crate::error::TensorError;
use crate::layout::Layout;
use crate::storage::TensorStorage;
use crate::{Tensor, TensorView, TensorViewMut};

impl<'a, T, const N: usize> TensorView<'a, T, N> {
    /// A view of a slice with strides, in elements. O(rank).
    ///
    /// The lowest element that is reached is the first of the slice, as for
    /// [`Tensor::try_from_parts`]; the slice may be longer than what is reached, and need not hold
    /// the padding behind the last row. Strides may be negative, or 0 to show an element again.
    ///
    /// # Errors
    ///
    /// `ShapeOverflow`, or `LayoutOutOfBounds` if the slice is too short.
    ///
    /// ```
    /// use kornia_tensor::TensorView;
    ///
    /// // 2 rows of 3 pixels, each row padded to 4 bytes, the last one not.
    /// let frame = [1u8, 2, 3, 0, 4, 5, 6];
    /// let view = TensorView::from_slice_with_strides([2, 3], [4, 1], &frame)?;
    /// assert_eq!(view.to_vec(), [1, 2, 3, 4, 5, 6]);
    ///
    /// // The same from the bottom up.
    /// let view = TensorView::from_slice_with_strides([2, 3], [-4, 1], &frame)?;
    /// assert_eq!(view.to_vec(), [4, 5, 6, 1, 2, 3]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn from_slice_with_strides(
        shape: [usize; N],
        strides: [isize; N],
        elements: &'a [T],
    ) -> Result<Self, TensorError> {
        let layout = Layout::new(shape, strides, size_of::<T>())?;
        check_span(&layout, elements.len())?;
        let lowest = NonNull::from(elements).cast::<T>();
        // SAFETY: in bounds of the slice, which is as long as the span; 0 if nothing is reached.
        let first = unsafe { lowest.add(layout.first_offset()) };
        // SAFETY: V1: what the layout reaches is its span from `lowest` on, so in the slice,
        // which is borrowed for `'a`.
        Ok(unsafe { Self::new(first, layout) })
    }

    /// A view of memory that is known by its address. O(rank). `first` is the element at index
    /// `[0, 0, ..]`; strides may be negative, or 0 to show an element again.
    ///
    /// # Safety
    ///
    /// During `'a`, every element that the layout reaches from `first` is initialised and valid
    /// for reads, all of them lie in one allocation, and **nobody writes them**.
    ///
    /// # Errors
    ///
    /// `StorageError(NullPointer)`, `Misaligned`, also if nothing is reached; `ShapeOverflow` if
    /// the layout was made for smaller elements and is too large for these.
    ///
    /// ```
    /// use kornia_tensor::{Layout, TensorView};
    ///
    /// let frame = [1u8, 2, 3, 0, 4, 5, 6];
    /// let layout = Layout::new([2, 3], [-4, 1], 1)?;
    /// // SAFETY: rows that begin at 4 and at 0 lie in the array, which nobody writes.
    /// let view = unsafe { TensorView::from_raw_parts(frame.as_ptr().add(4), layout) }?;
    /// assert_eq!(view.to_vec(), [4, 5, 6, 1, 2, 3]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub unsafe fn from_raw_parts(first: *const T, layout: Layout<N>) -> Result<Self, TensorError> {
        let (first, layout) = check_parts(first, layout)?;
        // SAFETY: V1: the address was checked, and that the elements are there and not written, the
        // caller promises.
        Ok(unsafe { Self::new(first, layout) })
    }
}

impl<'a, T, const N: usize> TensorViewMut<'a, T, N> {
    /// A mutable view of a slice with strides, in elements. O(rank log rank).
    ///
    /// As [`TensorView::from_slice_with_strides`], but no element may be reached twice.
    ///
    /// # Errors
    ///
    /// `ShapeOverflow`, `LayoutOutOfBounds` if the slice is too short, `OverlappingLayout` if two
    /// indices may name one element.
    ///
    /// ```
    /// use kornia_tensor::TensorViewMut;
    ///
    /// let mut frame = [0u8; 7]; // 2 rows of 3 pixels, the first padded to 4 bytes
    /// TensorViewMut::from_slice_mut_with_strides([2, 3], [4, 1], &mut frame)?.fill(9);
    /// assert_eq!(frame, [9, 9, 9, 0, 9, 9, 9]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn from_slice_mut_with_strides(
        shape: [usize; N],
        strides: [isize; N],
        elements: &'a mut [T],
    ) -> Result<Self, TensorError> {
        let layout = Layout::new(shape, strides, size_of::<T>())?;
        check_span(&layout, elements.len())?;
        check_injective(&layout)?;
        let lowest = NonNull::from(elements).cast::<T>();
        // SAFETY: in bounds of the slice, which is as long as the span; 0 if nothing is reached.
        let first = unsafe { lowest.add(layout.first_offset()) };
        // SAFETY: M1: what the layout reaches is its span from `lowest` on, so in the slice,
        // which is borrowed exclusively for `'a`; each element once, as just checked (L4).
        Ok(unsafe { Self::new(first, layout) })
    }

    /// A mutable view of memory that is known by its address. O(rank log rank). `first` is the
    /// element at index `[0, 0, ..]`; strides may be negative.
    ///
    /// # Safety
    ///
    /// During `'a`, every element that the layout reaches from `first` is initialised and valid
    /// for reads and writes, all of them lie in one allocation, `first` was not derived from a
    /// shared reference, and **nobody else reads or writes them**.
    ///
    /// # Errors
    ///
    /// `StorageError(NullPointer)`, `Misaligned`, also if nothing is reached; `OverlappingLayout`
    /// if two indices may name one element; `ShapeOverflow` if the layout was made for smaller
    /// elements and is too large for these.
    ///
    /// ```
    /// use kornia_tensor::{Layout, TensorViewMut};
    ///
    /// let mut frame = [0u16; 7];
    /// let layout = Layout::new([2, 3], [4, 1], 2)?;
    /// // SAFETY: rows that begin at 0 and at 4 lie in the array, which is not used otherwise.
    /// let mut view = unsafe { TensorViewMut::from_raw_parts(frame.as_mut_ptr(), layout) }?;
    /// view.fill(9);
    /// assert_eq!(frame, [9, 9, 9, 0, 9, 9, 9]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub unsafe fn from_raw_parts(first: *mut T, layout: Layout<N>) -> Result<Self, TensorError> {
        let (first, layout) = check_parts(first.cast_const(), layout)?;
        check_injective(&layout)?;
        // SAFETY: M1: the address was checked, and that no element is reached twice (L4); that they
        // are there for this view alone to read and write, the caller promises.
        Ok(unsafe { Self::new(first, layout) })
    }
}

/// L3 for a slice of so many elements.
#[inline]
fn check_span<const N: usize>(layout: &Layout<N>, len: usize) -> Result<(), TensorError> {
    let span = layout.span();
    if span > len {
        return Err(TensorError::LayoutOutOfBounds { span, len });
    }
    Ok(())
}

/// L4.
#[inline]
pub(super) fn check_injective<const N: usize>(layout: &Layout<N>) -> Result<(), TensorError> {
    if !layout.is_injective() {
        return Err(TensorError::OverlappingLayout {
            shape: (*layout.shape()).into(),
            strides: (*layout.strides()).into(),
        });
    }
    Ok(())
}

/// Checks an address as far as it can be checked, and L2 for these elements.
#[inline]
fn check_parts<T, const N: usize>(
    first: *const T,
    layout: Layout<N>,
) -> Result<(NonNull<T>, Layout<N>), TensorError> {
    let layout = Layout::new(*layout.shape(), *layout.strides(), size_of::<T>())?;
    Ok((TensorStorage::check_address(first, 0)?, layout))
}

/// An image `[H, W, C]` whose pixels lie side by side in rows that begin `pitch` elements apart;
/// see [`Tensor::pitched`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pitched<'a, T> {
    /// From the first element of the first row to the last of the last one:
    /// `pitch * (height - 1) + width * channels` elements, **without** the padding behind the last
    /// row. Between the rows is what lies there.
    pub pixels: &'a [T],
    /// From one row to the next, in elements; at least `width * channels`.
    pub pitch: usize,
    /// Number of rows.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// Elements in a pixel.
    pub channels: usize,
}

impl<T> Tensor<T, 3> {
    /// The memory of an image as graphics interfaces and image libraries want it: one slice, and
    /// the distance between rows. O(1), never copies.
    ///
    /// `None` if it has another layout: planes, every other pixel, rows or pixels in reverse
    /// order, memory that the host cannot read. A crop qualifies.
    ///
    /// Views have no such method, because what lies between the rows of a view need not be
    /// theirs to show: it may be part of another view that is written.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let image = Tensor::<u8, 3>::zeros([480, 640, 3]);
    /// let crop = image.slice((10..20, 100..200, ..));
    /// let pitched = crop.pitched().unwrap();
    /// assert_eq!((pitched.pitch, pitched.width, pitched.height), (640 * 3, 100, 10));
    /// assert_eq!(pitched.pixels.len(), 9 * 640 * 3 + 100 * 3); // the last row ends with the crop
    ///
    /// assert!(image.flip(0).pitched().is_none());
    /// assert!(image.permute_axes([2, 0, 1])?.pitched().is_none());
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    pub fn pitched(&self) -> Option<Pitched<'_, T>> {
        let (&[height, width, channels], &[row, pixel, channel]) = (self.shape(), self.strides());
        let in_row = width * channels;
        let side_by_side = (channels <= 1 || channel == 1)
            && (width <= 1 || pixel == channels.cast_signed())
            && (height <= 1 || row >= in_row.cast_signed());
        if !self.is_empty() && !side_by_side {
            return None;
        }
        let pitch = match self.is_empty() || height == 1 {
            true => in_row,
            false => row.unsigned_abs(),
        };
        Some(Pitched {
            // T1: the window is the span of the layout, which begins with the first element
            // because no stride is negative that counts.
            pixels: self.storage().try_as_slice().ok()?,
            pitch,
            height,
            width,
            channels,
        })
    }
}
