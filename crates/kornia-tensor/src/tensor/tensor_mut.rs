//! Owned parts of one allocation that can be written at the same time.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

use crate::error::{self, TensorError};
use crate::layout::Layout;
use crate::storage::{Place, TensorStorage};
use crate::{Tensor, TensorView, TensorViewMut};

/// An exclusive, owned window of an allocation: `'static`, `Send`, never cloned.
///
/// Made by [`Tensor::try_into_mut`] from a sole handle. [`split_at`](Self::split_at) and
/// [`split_into`](Self::split_into) cut it into parts that share the allocation and can be
/// written from different threads without scopes or locks; [`join`](Self::join) puts
/// neighbours together again; [`freeze`](Self::freeze) gives a [`Tensor`].
///
/// Parts are disjoint as stretches of memory. Where halves would interleave (columns, channels)
/// the split is refused; [`TensorViewMut::split_at`] does those, borrowed.
///
/// All parts of an allocation have one element type, lifetimes included: the last one to go drops
/// the elements of all of them. That is why a part is [invariant](crate#variance) in `T`, as a
/// `&mut [T]` is.
///
/// ```
/// use kornia_tensor::Tensor;
///
/// let frame = Tensor::<u8, 3>::zeros([480, 640, 3]).try_into_mut().unwrap();
/// let workers: Vec<_> = frame
///     .split_into(4)
///     .into_iter()
///     .enumerate()
///     .map(|(i, mut band)| {
///         std::thread::spawn(move || {
///             band.view_mut().fill(i as u8);
///             band
///         })
///     })
///     .collect();
/// let bands = workers.into_iter().map(|worker| worker.join().unwrap());
/// let frame = bands.reduce(|a, b| a.join(b).unwrap()).unwrap().freeze();
/// assert_eq!((frame[[0, 0, 0]], frame[[479, 0, 0]]), (0, 3));
/// assert_eq!(frame.into_vec().len(), 480 * 640 * 3); // one allocation all along
/// ```
pub struct TensorMut<T, const N: usize> {
    /// X1: writable by the host. The elements of its window are reached through this value
    /// alone: windows of other parts of the allocation, and of tensors frozen from them, are
    /// disjoint from it. Every handle was cut from the sole one.
    /// X3: while another part of the allocation exists, both have this very `T`, lifetimes
    /// included, so that whichever goes last drops as `T` what was written as `T`. Only a part
    /// that was frozen may see its elements as living shorter: it is a [`Tensor`], which writes
    /// nothing before it is the sole handle again.
    storage: TensorStorage<T>,
    /// X2: checked (L1, L2, L4) and in bounds of the window (L3) with its lowest element
    /// `lead` elements into it.
    layout: Layout<N>,
    lead: usize,
    /// X3: invariant in `T`, which the storage alone is not.
    variance: PhantomData<fn(T) -> T>,
}

// SAFETY: X1: the elements are reached through this value alone, so moving it moves the
// references (`T: Send`); the last part to go drops all elements, on its thread. What else is
// in the allocation is `Send + Sync`.
unsafe impl<T: Send, const N: usize> Send for TensorMut<T, N> {}
// SAFETY: a shared `TensorMut` gives `&T` and nothing else; it cannot be cloned.
unsafe impl<T: Sync, const N: usize> Sync for TensorMut<T, N> {}

impl<T, const N: usize> Tensor<T, N> {
    /// Exclusive, owned access. O(1), never copies.
    ///
    /// # Errors
    ///
    /// The tensor itself, if its storage is shared or read-only, or the host cannot write it.
    pub fn try_into_mut(mut self) -> Result<TensorMut<T, N>, Self> {
        if self.storage_mut().exclusive().is_err() {
            return Err(self);
        }
        let layout = self.layout();
        // X1: the sole handle of writable memory, which goes into the result. X2: T1, T2.
        Ok(TensorMut {
            storage: self.into_parts().storage,
            layout,
            lead: 0,
            variance: PhantomData,
        })
    }
}

/// Looking and writing.
impl<T, const N: usize> TensorMut<T, N> {
    /// Lengths of the axes.
    #[inline]
    pub fn shape(&self) -> &[usize; N] {
        self.layout.shape()
    }

    /// Distance between neighbours along each axis, in elements.
    #[inline]
    pub fn strides(&self) -> &[isize; N] {
        self.layout.strides()
    }

    /// Shape and strides.
    #[inline]
    pub fn layout(&self) -> &Layout<N> {
        &self.layout
    }

    /// Number of elements: the product of the shape.
    #[inline]
    pub fn numel(&self) -> usize {
        self.layout.numel()
    }

    /// Whether an axis has length 0.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.layout.is_empty()
    }

    /// Size in bytes of the whole allocation this part keeps alive.
    #[inline]
    pub fn retained_bytes(&self) -> usize {
        self.storage.retained_bytes()
    }

    /// A borrowed view. O(1).
    #[inline]
    pub fn view(&self) -> TensorView<'_, T, N> {
        // SAFETY: X2: the first element lies in the window.
        let first = unsafe {
            self.storage
                .ptr()
                .add(self.lead + self.layout.first_offset())
        };
        // SAFETY: V1: X1, X2, S2; writing takes `&mut self`.
        unsafe { TensorView::new(first, self.layout) }
    }

    /// A mutable view. O(1); exclusive by what this type is, so nothing is asked.
    #[inline]
    pub fn view_mut(&mut self) -> TensorViewMut<'_, T, N> {
        // SAFETY: X2: the first element lies in the window.
        let first = unsafe {
            self.storage
                .ptr()
                .add(self.lead + self.layout.first_offset())
        };
        // SAFETY: M1: X1, X2, S2; mutably borrowed for as long as the view lives.
        unsafe { TensorViewMut::new(first, self.layout) }
    }

    /// The elements as a slice. O(1), never copies.
    ///
    /// # Panics
    ///
    /// If the part is not contiguous.
    #[inline]
    #[track_caller]
    pub fn as_slice(&self) -> &[T] {
        self.view().as_slice()
    }

    /// The elements as a slice for writing. O(1), never copies.
    ///
    /// # Panics
    ///
    /// If the part is not contiguous.
    #[inline]
    #[track_caller]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.view_mut().into_mut_slice()
    }
}

/// Cutting and joining. O(1) each, no element moves.
impl<T, const N: usize> TensorMut<T, N> {
    /// Two parts: before `index` along an axis, and from it on.
    ///
    /// # Panics
    ///
    /// If the axis or the index is out of bounds, or the parts would interleave in memory; see
    /// [`try_split_at`](Self::try_split_at).
    #[track_caller]
    pub fn split_at(self, axis: usize, index: usize) -> (Self, Self) {
        match self.try_split_at(axis, index) {
            Ok(parts) => parts,
            Err((error, _)) => error::fail(error),
        }
    }

    /// As [`split_at`](Self::split_at).
    ///
    /// # Errors
    ///
    /// With the tensor: `AxisOutOfBounds`, `IndexOutsideAxis`, or `InterleavedParts` where a
    /// part would have elements between those of the other. The outermost axis of a
    /// row-major layout never does.
    ///
    /// ```
    /// use kornia_tensor::{Tensor, TensorError};
    ///
    /// let image = Tensor::<u8, 3>::zeros([4, 6, 3]).try_into_mut().unwrap();
    /// let (error, image) = image.try_split_at(2, 1).unwrap_err(); // channels interleave
    /// assert!(matches!(error, TensorError::InterleavedParts { axis: 2, .. }));
    /// let (top, bottom) = image.split_at(0, 1);
    /// assert_eq!((top.shape(), bottom.shape()), (&[1, 6, 3], &[3, 6, 3]));
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_split_at(
        self,
        axis: usize,
        index: usize,
    ) -> Result<(Self, Self), (TensorError, Self)> {
        match self.cut(axis, index) {
            Ok(parts) => Ok(parts),
            Err(error) => Err((error, self)),
        }
    }

    /// The parts, beside this one, which the caller drops.
    #[cfg_attr(feature = "diagnose", track_caller)]
    fn cut(&self, axis: usize, index: usize) -> Result<(Self, Self), TensorError> {
        let [front, back] = self.layout.split_at(axis, index)?;
        let origin = (self.lead + self.layout.first_offset()).cast_signed();
        // The stretch of the window that a part reaches; nothing at the start if it is empty.
        let stretch = |(layout, offset): (Layout<N>, isize)| {
            if layout.is_empty() {
                return 0..0;
            }
            let lowest = (origin + offset).cast_unsigned() - layout.first_offset();
            lowest..lowest + layout.span()
        };
        let (low, high) = (stretch(front), stretch(back));
        // The back part lies above the front one, unless the axis is flipped.
        let (boundary, flipped) = if back.0.is_empty() {
            (self.storage.len(), false)
        } else if low.end <= high.start {
            (high.start, false)
        } else if high.end <= low.start {
            (low.start, true)
        } else {
            return Err(TensorError::InterleavedParts { axis, index });
        };
        // X1: the windows of the two parts divide this one's. X2: L5, and each stretch lies on
        // its side of the boundary.
        let place = Place::here();
        let part = |layout: Layout<N>, lowest: usize, above: bool| -> Result<Self, TensorError> {
            let (start, end) = if above {
                (boundary, self.storage.len())
            } else {
                (0, boundary)
            };
            let lead = if layout.is_empty() { 0 } else { lowest - start };
            Ok(Self {
                storage: self.storage.view(start, end - start)?.made_at(place),
                layout,
                lead,
                variance: PhantomData,
            })
        };
        Ok((
            part(front.0, low.start, flipped)?,
            part(back.0, high.start, !flipped)?,
        ))
    }

    /// At most `count` parts of nearly equal length along the outermost axis, in order.
    ///
    /// # Panics
    ///
    /// If `count` is 0, if the parts would interleave in memory, or if there is no memory for the
    /// list of them.
    #[track_caller]
    pub fn split_into(self, count: usize) -> Vec<Self> {
        assert!(
            count > 0,
            "a tensor cannot be split into 0 parts; ask for at least 1"
        );
        let rows = self.shape().first().copied().unwrap_or(1);
        let count = count.min(rows.max(1));
        // An axis without elements may be longer than any list of its parts.
        let mut parts = Vec::new();
        if parts.try_reserve_exact(count).is_err() {
            panic!("there is no memory for a list of {count} parts; ask for fewer");
        }
        let mut rest = self;
        for left in (2..=count).rev() {
            let rows = rest.shape()[0].div_ceil(left);
            let (part, remaining) = rest.split_at(0, rows);
            parts.push(part);
            rest = remaining;
        }
        parts.push(rest);
        parts
    }

    /// This part and the one after it along the outermost axis, as one. O(1).
    ///
    /// # Errors
    ///
    /// Both parts, unless they are of one allocation, their windows touch, and one layout
    /// describes them together. A part without elements joins any other of its width. Elements of
    /// size zero have no addresses to tell by, so parts of them stay apart.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let t = Tensor::from_shape_vec([3, 2], vec![1, 2, 3, 4, 5, 6])?.try_into_mut().unwrap();
    /// let (a, rest) = t.split_at(0, 1);
    /// let (b, c) = rest.split_at(0, 1);
    /// let (a, c) = a.join(c).unwrap_err(); // `b` lies between them
    /// let whole = a.join(b).unwrap().join(c).unwrap();
    /// assert_eq!(whole.as_slice(), [1, 2, 3, 4, 5, 6]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn join(self, next: Self) -> Result<Self, (Self, Self)> {
        match self.joined(&next) {
            Some(joined) => Ok(joined),
            None => Err((self, next)),
        }
    }

    /// Both parts as one, beside them, which the caller drops.
    #[cfg_attr(feature = "diagnose", track_caller)]
    fn joined(&self, next: &Self) -> Option<Self> {
        let (mine, theirs) = (&self.storage, &next.storage);
        let (shape, strides) = (*self.shape(), *self.strides());
        let mut together = shape;
        *together.first_mut()? += next.shape().first()?;
        if !mine.shares_memory_with(theirs) || next.shape().get(1..) != shape.get(1..) {
            return None;
        }
        // One window after the other, whichever comes first. Called here and not in closures, which
        // would not know the caller's line.
        // SAFETY: both windows are reached through these two parts alone (X1), which the caller
        // drops if there is a result.
        let behind = unsafe { mine.union(theirs) };
        let storage = match behind {
            Some(storage) => storage,
            // SAFETY: as above, the two parts are the only way to both windows (X1).
            None => unsafe { theirs.union(mine) }?,
        };
        if self.is_empty() || next.is_empty() {
            let kept = if self.is_empty() { next } else { self };
            let layout = Layout::new(together, *kept.strides(), size_of::<T>()).ok()?;
            // Of two empty parts, the window may be that of the other one.
            let lead = match layout.is_empty() {
                true => 0,
                false => kept.storage.offset() - storage.offset() + kept.lead,
            };
            return Some(Self {
                storage,
                layout,
                lead,
                variance: PhantomData,
            });
        }
        // Lengths of 1 leave the other strides open; they must not decide.
        let same_strides =
            (1..N).all(|axis| shape[axis] == 1 || strides[axis] == next.strides()[axis]);
        let stride = self.stride_between(next)?;
        let fits = |part: &Self| part.shape()[0] == 1 || part.strides()[0] == stride;
        if !same_strides || !fits(self) || !fits(next) {
            return None;
        }
        let mut joined_strides = strides;
        joined_strides[0] = stride;
        let layout = Layout::new(together, joined_strides, size_of::<T>()).ok()?;
        // The lowest element of the two is the lowest of the joined layout.
        let lowest = |part: &Self| part.storage.offset() - storage.offset() + part.lead;
        let lead = lowest(self).min(lowest(next));
        // X1: the union of two exclusive windows. X2: the same elements as before, each once.
        let joined = Self {
            storage,
            layout,
            lead,
            variance: PhantomData,
        };
        let fits = layout.is_injective()
            && lead + layout.span() <= joined.storage.len()
            && joined.first_position() == self.first_position();
        fits.then_some(joined)
    }

    /// What the outermost stride must be for `next` to follow this part.
    fn stride_between(&self, next: &Self) -> Option<isize> {
        let distance = next.first_position() - self.first_position();
        let rows = self.shape()[0].cast_signed();
        (distance % rows == 0).then_some(distance / rows)
    }

    /// Where the first element lies in the allocation.
    fn first_position(&self) -> isize {
        (self.storage.offset() + self.lead + self.layout.first_offset()).cast_signed()
    }

    /// A tensor of these elements. O(1). It can be shared, and written again once it is the
    /// only handle of the allocation: while other parts live, it is not.
    pub fn freeze(self) -> Tensor<T, N> {
        // In bounds by X2.
        let window = self.storage.into_view(self.lead, self.layout.span());
        // SAFETY: the window was cut to the span (T1), and the layout is injective (X2, T2).
        unsafe { Tensor::from_checked(error::expect(window), self.layout) }
    }
}

impl<T, const N: usize> Index<[usize; N]> for TensorMut<T, N> {
    type Output = T;

    /// The element at an index. O(1).
    ///
    /// # Panics
    ///
    /// If the index is out of bounds, with the axis, the index and the size.
    #[inline]
    #[track_caller]
    fn index(&self, index: [usize; N]) -> &T {
        self.layout.check_index(index);
        match self.view().get(index) {
            Some(element) => element,
            None => unreachable!("the index was checked"),
        }
    }
}

impl<T, const N: usize> IndexMut<[usize; N]> for TensorMut<T, N> {
    /// The element at an index, for writing. O(1).
    ///
    /// # Panics
    ///
    /// If the index is out of bounds, with the axis, the index and the size.
    #[inline]
    #[track_caller]
    fn index_mut(&mut self, index: [usize; N]) -> &mut T {
        self.layout.check_index(index);
        match self.view_mut().into_mut(index) {
            Some(element) => element,
            None => unreachable!("the index was checked"),
        }
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for TensorMut<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TensorMut")
            .field("retained_bytes", &self.retained_bytes())
            .field("view", &self.view())
            .finish()
    }
}
