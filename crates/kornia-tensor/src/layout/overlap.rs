//! L4: can two indices reach the same element?
//!
//! `Tensor` and `TensorViewMut` are only made of layouts for which the answer here is a
//! certain no. The exact question is a knapsack problem; this file answers a slightly
//! stricter one in `O(N log N)` for `N` axes, whatever their lengths.

use crate::layout::Layout;

impl<const N: usize> Layout<N> {
    /// Whether every index has an element of its own (L4).
    ///
    /// `O(N log N)` in the number of axes, no allocation. An empty layout reaches no
    /// element, so it is injective whatever its strides; axes of length 1 do not count.
    ///
    /// `true` is certain. `false` is conservative: the axes, sorted by the size of their
    /// strides, must each step further than all the smaller ones together reach. This
    /// refuses layouts whose axes interleave without meeting, such as shape `[3, 2]` with
    /// strides `[2, 3]` (offsets 0, 3, 2, 5, 4, 7). No sequence of slices, flips,
    /// permutations and reshapes of a contiguous tensor makes one of those.
    ///
    /// ```
    /// use kornia_tensor::Layout;
    ///
    /// let image = Layout::contiguous([480, 640, 3], 1)?;
    /// assert!(image.is_injective());
    ///
    /// let repeated = Layout::contiguous([3], 1)?.broadcast_to([480, 640, 3])?;
    /// assert!(!repeated.is_injective());
    ///
    /// let interleaved = Layout::new([3, 2], [2, 3], 1)?;
    /// assert!(!interleaved.is_injective()); // refused, though no two indices meet
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    pub fn is_injective(&self) -> bool {
        // Asked first: an axis of length 0 anywhere makes every other axis irrelevant.
        // It also lets everything in standard layout through at the cost of one walk.
        if self.is_contiguous() {
            return true;
        }
        let mut axes = [(0usize, 0usize); N];
        let mut count = 0;
        for (&len, &stride) in self.shape().iter().zip(self.strides()) {
            if len > 1 {
                axes[count] = (stride.unsigned_abs(), len);
                count += 1;
            }
        }
        let axes = &mut axes[..count];
        axes.sort_unstable();

        // The furthest that two indices can be apart in the axes seen so far. By L2 the
        // sum never overflows.
        let mut reach = 0;
        for &mut (stride, len) in axes {
            if stride <= reach {
                return false;
            }
            reach += stride * (len - 1);
        }
        true
    }
}

#[cfg(test)]
mod tests;
