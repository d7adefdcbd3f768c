//! What most files that work on tensors name: `use kornia_tensor::prelude::*;`.
//!
//! The tensor, its views and owned parts, the error, and what stands in a slice. It holds no
//! traits, because no method of a tensor needs one in scope, and no name of a crate.
//!
//! ```
//! use kornia_tensor::prelude::*;
//!
//! fn centre<T>(image: &Tensor<T, 3>) -> Result<Tensor<T, 3>, TensorError> {
//!     let [height, width, _] = *image.shape();
//!     image.try_slice((height / 4..height - height / 4, width / 4..width - width / 4, ..))
//! }
//!
//! let image = Tensor3::<u8>::zeros([480, 640, 3]);
//! assert_eq!(centre(&image).unwrap().shape(), &[240, 320, 3]);
//! assert_eq!(image.slice((step(.., 2), ..FromEnd(40), 0)).shape(), &[240, 600]);
//! ```
#![forbid(unsafe_code)]

#[doc(no_inline)]
pub use crate::error::TensorError;
#[doc(no_inline)]
pub use crate::layout::{FromEnd, clip_box, step};
#[doc(no_inline)]
pub use crate::tensor::{
    Tensor, Tensor1, Tensor2, Tensor3, Tensor4, TensorMut, TensorView, TensorViewMut, TensorWriter,
};
